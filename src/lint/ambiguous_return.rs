//! `ambiguous-return`: several states map to one, and the way back leads to none of them.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint, shown, system_name};
use crate::program::{Change, Direction, RoleId, RuleSourceId, StateId};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "ambiguous-return",
        default: Some(Level::Warn),
        summary: "several states map to one that has no way back to any of them",
        explanation: "The reverse direction is mapped, but from this state it leads nowhere, or to a state that did not lead here. \
Mark the intended state with `<->`, or map the way back to `unchanged`.",
        bad: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"At Lunch\" | \"Gone Home\" -> lync Away
}
",
        good: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"At Lunch\" | \"Gone Home\" -> lync Away
    lync Away -> cic unchanged
}
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let lost = context.lost;
    // A way back may be lost to an error.
    let whole = |role: &RoleId| !lost.of_role(*role);
    for role in context.program.role_ids().filter(whole) {
        for direction in context.program.directions() {
            // An early return means that the role is too complex, which is noted.
            let _ = one_direction(context, role, direction);
        }
    }
}

fn one_direction(context: &mut Context<'_>, role: RoleId, direction: Direction) -> Option<()> {
    let (from, reversed) = (direction.from(), direction.reversed());
    let program = context.program;
    // For each target state, the states that map to it and where.
    let mut sources: BTreeMap<StateId, Vec<(StateId, Diagram)>> = BTreeMap::new();
    for state in program.states(from) {
        let change = context.change(role, Change::of(direction, state))?;
        for (target, region) in context.all_sets(&change, direction.to()) {
            sources.entry(target).or_default().push((state, region));
        }
    }
    let mut back = Vec::new();
    for state in program.states(direction.to()) {
        back.push(context.change(role, Change::of(reversed, state))?.decided);
    }
    let active = context.space.diagrams.union(back);
    if active == Diagram::ZERO {
        return Some(());
    }
    for (target, sources) in sources.iter().filter(|(_, sources)| sources.len() > 1) {
        let mut one = Diagram::ZERO;
        let mut several = Diagram::ZERO;
        for (_, region) in sources {
            let again = context.space.diagrams.and_then(one, *region);
            several = context.space.diagrams.or_else(several, again);
            one = context.space.diagrams.or_else(one, *region);
        }
        let read = program.schema.reads(*target);
        let way_back = context.change(role, Change::of(reversed, read))?;
        let returns = context.all_sets(&way_back, from);
        for (state, region) in sources {
            let here = context.space.diagrams.and_then(several, *region);
            let active = context.space.after_entering(active, *state);
            let here = context.space.diagrams.and_then(here, active);
            let mut fine = context.space.after_entering(way_back.decided, *state);
            for (returned, sets) in &returns {
                let sets = context.space.after_entering(*sets, *state);
                let among = sources
                    .iter()
                    .find(|(source, _)| source == returned)
                    .map_or(Diagram::ZERO, |(_, region)| *region);
                let outside = context.space.diagrams.without(sets, among);
                fine = context.space.diagrams.without(fine, outside);
            }
            let lost = context.space.diagrams.without(here, fine);
            if lost != Diagram::ZERO {
                report(context, role, *state, *target, lost);
                break;
            }
        }
    }
    Some(())
}

fn report(
    context: &mut Context<'_>,
    role: RoleId,
    state: StateId,
    target: StateId,
    region: Diagram,
) {
    let program = context.program;
    let Some(direction) = Direction::new(state.system(), target.system()) else {
        return;
    };
    let mut rules: Vec<RuleSourceId> = Vec::new();
    let mut count = 0;
    for source in program.states(state.system()) {
        let Some(change) = context.change(role, Change::of(direction, source)) else {
            return;
        };
        let sets = context.all_sets(&change, target.system()).into_iter();
        let Some((_, sets)) = sets.into_iter().find(|(state, _)| *state == target) else {
            continue;
        };
        let there = context.space.diagrams.and_then(region, sets);
        count += u32::from(there != Diagram::ZERO);
        for leaf in context.deciders_in(there, change.decision) {
            rules.extend(context.rule_behind(&change.by, leaf));
        }
    }
    rules.sort_unstable();
    rules.dedup();
    let (shown_as, from_name) = (shown(program, target), system_name(program, state.system()));
    let message = format!(
        "{shown_as} has no way back{}: {count} {from_name} states map to it, but it maps back to none of them",
        context.of_role(role)
    );
    let mut finding = context.finding_about(message, Some(role), Some(direction), &[target]);
    for rule in rules {
        finding = finding.rule(context.rule_location(rule), format!("maps to {shown_as}"));
    }
    let finding = finding.help(format!(
        "write `<->` for the state to return to, or add `{} -> {from_name} unchanged`",
        shown(program, program.schema.reads(target))
    ));
    let situation = context
        .space
        .witness(region, Some(state), &|leaf| leaf == 1);
    context.report(finding.situation(situation));
}
