//! Appendices that are never added: the profile sets no state of the system where they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagram::Diagram;
use crate::lint::{Context, alive, system_name};
use crate::program::{Append, Change, ProfileId, RoleId, Target};
use crate::source::Location;
use crate::space::Precedence;

pub(super) fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut added = Added::default();
    for role in program.role_ids() {
        for direction in program.directions() {
            let profiles = &program.role(role).profiles;
            for state in context.space.state_classes_of_role(role, direction) {
                let change = Change::of(direction, state);
                for profile in profiles {
                    added.try_one(&mut context.space, role, change, *profile);
                }
                let appends = profiles.iter().map(|profile| program.profile(*profile));
                let mut appends = appends.flat_map(|profile| &profile.appends);
                let is_open = |append: &Append| {
                    append.to == direction.to() && !added.0.contains(&append.location)
                };
                if !appends.any(is_open) {
                    break;
                }
                added.look(&mut context.space, role, change);
            }
        }
    }
    // What never decides at all is reported as a dead profile.
    let alive = alive::alive(context);
    let mut never = BTreeMap::new();
    for role in program.role_ids() {
        for id in &program.role(role).profiles {
            if !alive.profiles.contains(&(role, *id)) && !alive.unknown.contains(&role) {
                continue;
            }
            for append in &program.profile(*id).appends {
                let bundled = program.sources.file(append.location.file).bundled;
                if !bundled && !added.0.contains(&append.location) {
                    never.insert(append.location, append);
                }
            }
        }
    }
    for append in never.into_values() {
        let system = system_name(program, append.to);
        let finding = context
            .finding(format!("appendix \"{}\" is never added", append.text))
            .about("append")
            .about(append.text.as_str())
            .label(
                append.location,
                format!("never added to a state of `{system}`"),
            )
            .help("move it to the profile that sets the state, or delete it")
            .fix(context.deletion(append.item, false));
        context.report(finding);
    }
}

/// The appendices that are added somewhere.
#[derive(Default)]
struct Added(BTreeSet<Location>);

impl Added {
    /// Tries one situation for each appendix: most are added there, which is quicker than all situations.
    fn try_one(
        &mut self,
        space: &mut Precedence<'_>,
        role: RoleId,
        change: Change,
        profile: ProfileId,
    ) {
        let appends = &space.program.profile(profile).appends;
        if appends
            .iter()
            .all(|append| self.0.contains(&append.location))
        {
            return;
        }
        let decided = space.decision(role, change);
        for appendix in space.appendices(profile, change).iter() {
            let location = appends[appendix.append as usize].location;
            if self.0.contains(&location) {
                continue;
            }
            let diagrams = &space.diagrams;
            let found = diagrams.witness(appendix.holds, space.defaults(), &|leaf| leaf != 0);
            let Some(found) = found else { continue };
            let values = found.iter().zip(space.defaults());
            let values: Vec<u32> = values
                .map(|(found, usual)| found.unwrap_or(*usual))
                .collect();
            let mut leaves = decided
                .parts
                .iter()
                .map(|part| diagrams.evaluate(*part, &values));
            let decision = leaves
                .find(|leaf| *leaf != 0)
                .and_then(|leaf| space.decision_of(&decided, leaf));
            let decision = decision.filter(|decision| decision.profile == profile);
            if decision.is_some_and(|decision| space.rule_of(decision).target != Target::Unchanged)
            {
                self.0.insert(location);
            }
        }
    }

    fn look(&mut self, space: &mut Precedence<'_>, role: RoleId, change: Change) {
        let decided = space.decision(role, change);
        for part in decided.parts.iter() {
            for leaf in space.leaves(*part).iter() {
                let Some(decision) = space.decision_of(&decided, *leaf) else {
                    continue;
                };
                if space.rule_of(decision).target == Target::Unchanged {
                    continue;
                }
                let appends = &space.program.profile(decision.profile).appends;
                let appendices = space.appendices(decision.profile, change);
                let mut region = None;
                for appendix in appendices.iter() {
                    let location = appends[appendix.append as usize].location;
                    if self.0.contains(&location) {
                        continue;
                    }
                    let region = *region.get_or_insert_with(|| {
                        space
                            .diagrams
                            .map(*part, &mut |other| u32::from(other == *leaf))
                    });
                    if space.diagrams.and_then(region, appendix.holds) != Diagram::ZERO {
                        self.0.insert(location);
                    }
                }
            }
        }
    }
}
