//! Appendices that are never added: the profile sets no state of the system where they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagram::Diagram;
use crate::lint::{Context, system_name};
use crate::program::{Append, Change, ProfileId, RoleId, Target};
use crate::source::Location;
use crate::space::Precedence;

pub(super) fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut seen = Added::default();
    for role in program.role_ids() {
        for direction in program.directions() {
            let profiles = &program.role(role).profiles;
            for state in context.space.state_classes_of_role(role, direction) {
                let change = Change::of(direction, state);
                for profile in profiles {
                    seen.try_one(&mut context.space, role, change, *profile);
                }
                let appends = profiles.iter().map(|profile| program.profile(*profile));
                let mut appends = appends.flat_map(|profile| &profile.appends);
                let is_open = |append: &Append| {
                    append.to == direction.to() && !seen.added.contains(&append.location)
                };
                if !appends.any(is_open) {
                    break;
                }
                seen.look(&mut context.space, role, change);
            }
        }
    }
    // What never decides at all is reported as a dead profile.
    let mut never = BTreeMap::new();
    for append in seen
        .setting
        .iter()
        .flat_map(|profile| &program.profile(*profile).appends)
    {
        let bundled = program.sources.file(append.location.file).bundled;
        if !bundled && !seen.added.contains(&append.location) {
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

#[derive(Default)]
struct Added {
    /// The appendices that are added somewhere.
    added: BTreeSet<Location>,
    /// The profiles that set a state somewhere.
    setting: BTreeSet<ProfileId>,
}

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
            .all(|append| self.added.contains(&append.location))
        {
            return;
        }
        let decided = space.decision(role, change);
        for appendix in space.appendices(profile, change).iter() {
            let location = appends[appendix.append as usize].location;
            if self.added.contains(&location) {
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
                self.added.insert(location);
                self.setting.insert(profile);
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
                self.setting.insert(decision.profile);
                let appends = &space.program.profile(decision.profile).appends;
                let appendices = space.appendices(decision.profile, change);
                let mut region = None;
                for appendix in appendices.iter() {
                    let location = appends[appendix.append as usize].location;
                    if self.added.contains(&location) {
                        continue;
                    }
                    let region = *region.get_or_insert_with(|| {
                        space
                            .diagrams
                            .map(*part, &mut |other| u32::from(other == *leaf))
                    });
                    if space.diagrams.and_then(region, appendix.holds) != Diagram::ZERO {
                        self.added.insert(location);
                    }
                }
            }
        }
    }
}
