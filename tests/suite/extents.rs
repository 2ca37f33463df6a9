//! In how many situations rules decide and conditions hold, against enumeration.

use std::collections::BTreeMap;

use crate::common::{generate, reference};
use presync::internal::{Change, RuleSourceId};
use presync::{Direction, Extent, RoleId};

/// Programs with more situations are skipped.
const MOST: f64 = 4_000.0;

#[test]
fn extents_match_enumeration() {
    let mut compared = 0;
    for seed in 0..400 {
        let source = generate::program(seed, 0);
        let Ok(program) = presync::Program::check_source("a.presync", &source) else {
            continue;
        };
        if reference::count(&program) > MOST {
            continue;
        }
        let mut situations = 0_u128;
        let mut decided: BTreeMap<(RuleSourceId, RoleId, Direction), u128> = BTreeMap::new();
        let mut holds = vec![0_u128; program.condition_sites.len()];
        reference::each_situation(&program, &mut |situation| {
            situations += 1;
            for (site, holds) in program.condition_sites.iter().zip(&mut holds) {
                *holds += u128::from(reference::holds(&program, site.condition, situation));
            }
            for role in program.role_ids() {
                for direction in program.directions() {
                    for change in program.changes(direction) {
                        let entered = Change::entered(change);
                        let found =
                            reference::decide(&program, role, situation, entered, direction.to());
                        if let Some((profile, rule)) = found.origin {
                            let rule = program.profiles[profile].rules[rule].source;
                            *decided.entry((rule, role, direction)).or_default() += 1;
                        }
                    }
                }
            }
        });
        for of in presync::rule_extents(&program) {
            let key = (of.rule, of.role, of.direction);
            let states = program.states(of.direction.from()).len() as u128;
            let some = decided.remove(&key).unwrap_or(0);
            compare(&source, of.extent, (some, situations * states));
            compared += 1;
        }
        assert!(decided.is_empty(), "{decided:?}\n{source}");
        for (site, holds) in program.condition_sites.iter().zip(holds) {
            let extent = presync::condition_extent(&program, site.location).expect("it is small");
            compare(&source, extent, (holds, situations));
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Compares with what was enumerated: some of all situations.
fn compare(source: &str, extent: Extent, (some, all): (u128, u128)) {
    let found = (extent.some, extent.all);
    if source.contains("by hand") && all != extent.all {
        // An unknown state is never by hand, so that each state is enumerated more often, where that is not asked about.
        assert_eq!(some == 0, extent.some == 0, "{found:?}\n{source}");
        assert_eq!(some == all, found.0 == found.1, "{found:?}\n{source}");
    } else {
        // The same part of all: situations that differ in nothing that matters are counted once.
        assert_eq!(some * extent.all, extent.some * all, "{found:?}\n{source}");
    }
}

/// 2 to the power of 140 situations are more than can be counted: nothing is said, instead of something wrong.
#[test]
fn too_many_situations_are_not_counted() {
    let flags: String = (0..140).map(|at| format!("flag f{at}\n")).collect();
    let all: Vec<String> = (0..140).map(|at| format!("f{at}")).collect();
    let one = format!(
        "{flags}use cic_lync\nprofile P {{ when f0 and f1: cic Available -> lync Away }}\n"
    );
    let many = format!(
        "{flags}use cic_lync\nprofile P {{ when {}: cic Available -> lync Away }}\n",
        all.join(" and ")
    );
    let extents = |source: &str| {
        let program =
            presync::Program::check_source("a.presync", source).expect("it has no errors");
        presync::rule_extents(&program)
    };
    // Flags that nothing asks about do not count.
    let found = extents(&one)[0].extent;
    assert_eq!(found.all, found.some * 4 * 17);
    assert!(extents(&many).is_empty());
}
