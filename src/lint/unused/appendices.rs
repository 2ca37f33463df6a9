//! Appendices that are never added: the profile sets no state of the system where they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagram::Diagram;
use crate::lint::{Context, system_name};
use crate::program::{Change, ProfileId, Target};
use crate::source::Location;

pub(super) fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut added: BTreeSet<Location> = BTreeSet::new();
    let mut setting: BTreeSet<ProfileId> = BTreeSet::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            let appends = program.role(role).profiles.iter();
            let mut appends = appends.flat_map(|profile| &program.profile(*profile).appends);
            if appends.all(|append| append.to != direction.to() || added.contains(&append.location))
            {
                continue;
            }
            for state in context.space.state_classes_of_role(role, direction) {
                let change = Change::of(direction, state);
                let decided = context.space.decision(role, change);
                for part in decided.parts.iter() {
                    for leaf in context.space.leaves(*part).iter() {
                        let Some(decision) = context.space.decision_of(&decided, *leaf) else {
                            continue;
                        };
                        if context.space.rule_of(decision).target == Target::Unchanged {
                            continue;
                        }
                        setting.insert(decision.profile);
                        let appends = &program.profile(decision.profile).appends;
                        let appendices = context.space.appendices(decision.profile, change);
                        let diagrams = &mut context.space.diagrams;
                        let mut region = None;
                        for appendix in appendices.iter() {
                            let location = appends[appendix.append as usize].location;
                            if added.contains(&location) {
                                continue;
                            }
                            let region = *region.get_or_insert_with(|| {
                                diagrams.map(*part, &mut |other| u32::from(other == *leaf))
                            });
                            if diagrams.and_then(region, appendix.holds) != Diagram::ZERO {
                                added.insert(location);
                            }
                        }
                    }
                }
            }
        }
    }
    // What never decides at all is reported as a dead profile.
    let mut never = BTreeMap::new();
    for append in setting
        .iter()
        .flat_map(|profile| &program.profile(*profile).appends)
    {
        let bundled = program.sources.file(append.location.file).bundled;
        if !bundled && !added.contains(&append.location) {
            never.insert(append.location, append);
        }
    }
    for append in never.into_values() {
        let system = system_name(program, append.to);
        let finding = context
            .finding(format!("appendix \"{}\" is never added", append.text))
            .about("append")
            .about(append.text.as_str())
            .label(append.location, format!("no state of `{system}` gets it"))
            .help("move it to the profile that sets the state, or delete it")
            .fix(context.deletion(append.location, false));
        context.report(finding);
    }
}
