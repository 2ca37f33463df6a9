//! In: a program with its tests and scenarios. Out: how often they exercise each rule and each branch of a condition in each
//! role.
//! A test exercises whatever is exercised in some situation that it proves something about.

use std::collections::BTreeMap;

use crate::analysis::scenarios;
use crate::analysis::targets::{CoverageTargets, Exercised, RoleChange};
use crate::program::{Change, ConditionSiteId, Program};
use crate::space::Precedence;
use presync_engine::Tables;

/// The rules and branches that the tests of a program exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// In source order, with the number of expectations and steps that exercise each. Omits
    /// whatever no situation can exercise (a dead rule, a constant condition).
    pub exercised: Vec<(Exercised, usize)>,
    /// The number omitted because the conditions are too complex to know whether they can be
    /// exercised.
    pub unknown: usize,
}

/// Measures which rules and branches the program's tests and scenarios exercise.
pub fn coverage(program: &Program, tables: &Tables) -> Coverage {
    let mut space = Precedence::new(program);
    let targets = CoverageTargets::new(&mut space);
    measure(&mut space, &targets, tables)
}

pub(super) fn measure(
    space: &mut Precedence<'_>,
    targets: &CoverageTargets,
    tables: &Tables,
) -> Coverage {
    let program = space.program;
    let mut counts: BTreeMap<Exercised, usize> = targets
        .possible
        .iter()
        .map(|exercised| (*exercised, 0))
        .collect();
    for test in &program.tests {
        let given = space.condition(test.given);
        for expectation in &test.expectations {
            let mut hit = Vec::new();
            for &state in &expectation.states {
                let given = space.after_entering(given, state);
                let change = Change::of(expectation.direction, state);
                for role in &test.roles {
                    let change = RoleChange {
                        role: *role,
                        change,
                    };
                    hit.extend(targets.exercised_in(space, change, given));
                }
            }
            count(&mut counts, hit);
        }
    }
    for scenario in &program.scenarios {
        scenarios::run(program, tables, scenario, &mut |change, situation| {
            let known = situation.variables(space);
            let situation = space.diagrams.product_of(&known);
            count(&mut counts, targets.exercised_in(space, change, situation));
        });
    }
    let mut exercised: Vec<(Exercised, usize)> = counts.into_iter().collect();
    exercised.sort_by_key(|(exercised, _)| (exercised.location(program), *exercised));
    Coverage {
        exercised,
        unknown: targets.unknown.len(),
    }
}

/// Counts each once.
fn count(counts: &mut BTreeMap<Exercised, usize>, mut hit: Vec<Exercised>) {
    hit.sort_unstable();
    hit.dedup();
    for exercised in hit {
        if let Some(count) = counts.get_mut(&exercised) {
            *count += 1;
        }
    }
}

/// A readable name: the text of the rule or condition, as written in the source.
pub fn describe(program: &Program, exercised: Exercised) -> String {
    let text = |location| {
        let words: Vec<&str> = program.sources.text(location).split_whitespace().collect();
        words.join(" ")
    };
    match exercised {
        Exercised::Rule(_, source, direction) => {
            let rule = text(program.rule_source(source).location);
            let from = &program.system(direction.from()).name;
            let to = &program.system(direction.to()).name;
            if rule.contains("<->") {
                format!("`{rule}` ({from} to {to})")
            } else {
                format!("`{rule}`")
            }
        }
        Exercised::Condition(_, ConditionSiteId(at), _) => {
            format!("`{}`", text(program.condition_sites[at as usize].location))
        }
    }
}
