//! Finds round trips that end in another state, for `unsafe-round-trip` and `lossy-round-trip`.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::diagram::Diagram;
use crate::lint::{Context, shown, state_name, system_name};
use crate::program::{Change, Direction, Rank, RoleId, RuleSourceId, StateId};
use crate::space::RoleDecision;

/// A round trip, independent of role and situation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RoundTrip {
    start: StateId,
    shown_as: StateId,
    returned: StateId,
    goes: RuleSourceId,
    comes: RuleSourceId,
}

/// Reports round trips that end in another state. `unsafe_ones`: those whose attributes differ, otherwise the others.
pub(super) fn find(context: &mut Context<'_>, unsafe_ones: bool) {
    let program = context.program;
    let mut known: BTreeSet<RoundTrip> = BTreeSet::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            for change in program.changes(direction) {
                round_trips(context, role, change, unsafe_ones, &mut known);
            }
        }
    }
}

fn round_trips(
    context: &mut Context<'_>,
    role: RoleId,
    change: Change,
    unsafe_ones: bool,
    known: &mut BTreeSet<RoundTrip>,
) {
    let (start, program) = (change.entered(), context.program);
    let Some(there) = context.change(role, change) else {
        return;
    };
    for (shown_as, region) in there.sets.iter() {
        let read = program.schema.reads(*shown_as);
        let way_back = Change::of(change.direction().reversed(), read);
        let Some(back) = context.change(role, way_back) else {
            return;
        };
        for (returned, way_back) in back.sets.iter().filter(|(returned, _)| **returned != start) {
            let differ = attributes(context, start) != attributes(context, *returned);
            if differ != unsafe_ones {
                continue;
            }
            // The way back starts with the first system in its new state, by hand.
            let way_back = context.space.after_entering(*way_back, start);
            let both = context.space.diagrams.and_then(*region, way_back);
            if both == Diagram::ZERO {
                continue;
            }
            // The situation to print is one in which both rules decide.
            let Some((goes, both)) = first_rule(context, both, (there.decision, &there.by)) else {
                continue;
            };
            let decision = context.space.after_entering(back.decision, start);
            let Some((comes, both)) = first_rule(context, both, (decision, &back.by)) else {
                continue;
            };
            let trip = RoundTrip {
                start,
                shown_as: *shown_as,
                returned: *returned,
                goes,
                comes,
            };
            if known.insert(trip) {
                let situation = context.space.witness(both, Some(start), &|leaf| leaf == 1);
                let finding = finding(context, role, trip);
                context.report(finding.situation(situation));
            }
        }
    }
}

/// A rule that decides in a region, and where in it.
fn first_rule(
    context: &mut Context<'_>,
    region: Diagram,
    (decision, by): (Diagram, &RoleDecision),
) -> Option<(RuleSourceId, Diagram)> {
    let (leaf, region) = context.decider_in(region, decision)?;
    Some((context.rule_behind(by, leaf)?, region))
}

/// The attributes of a state that the settings protect.
fn attributes(context: &Context<'_>, state: StateId) -> Vec<u32> {
    let system = context.program.system(state.system());
    let counts = |at: &u32| match &context.settings.protected {
        Some(protected) => protected.contains(&system.attributes[*at as usize]),
        None => true,
    };
    context
        .program
        .state(state)
        .attributes
        .iter()
        .copied()
        .filter(counts)
        .collect()
}

fn finding(context: &Context<'_>, role: RoleId, trip: RoundTrip) -> Diagnostic {
    let program = context.program;
    let RoundTrip {
        start,
        shown_as,
        returned,
        goes,
        comes,
    } = trip;
    let (from, to) = (start.system(), shown_as.system());
    let states = [start, shown_as, returned];
    let way = states.map(|state| shown(program, state));
    // What is reported once `shown_as` is set.
    let read = program.schema.reads(shown_as);
    let message = format!(
        "round trip{} ends in another state: {}",
        context.of_role(role),
        way.join(" → ")
    );
    let direction = Direction::new(from, to);
    let mut finding = context
        .finding_about(message, Some(role), direction, &states)
        .rule(
            context.rule_location(goes),
            format!("{} → {}", way[0], way[1]),
        )
        .rule(
            context.rule_location(comes),
            format!("{} → {}", shown(program, read), way[2]),
        );
    let names = |of: &[u32], without: &[u32]| {
        let names = of
            .iter()
            .filter(|at| !without.contains(at))
            .map(|at| program.system(from).attributes[*at as usize].as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let (before, after) = (attributes(context, start), attributes(context, returned));
    let (gained, lost) = (names(&after, &before), names(&before, &after));
    if !gained.is_empty() {
        finding = finding.note(format!("attributes gained: {gained}"));
    }
    if !lost.is_empty() {
        finding = finding.note(format!("attributes lost: {lost}"));
    }
    let (from_name, to_name) = (system_name(program, from), system_name(program, to));
    let mut rules = program.profiles.iter().flat_map(|profile| &profile.rules);
    let rule = rules.find(|rule| rule.source == comes && rule.direction.from() == to);
    let rank = rule.map(|rule| rule.rank);
    let replaced = rule.is_some_and(|rule| rule.replaced);
    // A second `override` would conflict with the first.
    if rank == Some(Rank::Override) {
        let guard = format!("{from_name} is not {}", state_name(program, start));
        return finding.help(format!(
            "keep the state on the way back: add `{guard}` to the conditions of the `override`"
        ));
    }
    let rule = format!(
        "when {from_name} is {}: {}{to_name} {} -> {from_name} unchanged",
        state_name(program, start),
        if rank == Some(Rank::Otherwise) {
            ""
        } else {
            "override "
        },
        state_name(program, read),
    );
    let fix = context.line_below(
        program.rule_source(comes).item,
        &rule,
        "keep the state on the way back",
    );
    let finding = finding.help(format!("keep the state on the way back: `{rule}`"));
    // In a mapping that is applied `with` other systems, the rule would be about the wrong ones.
    if replaced { finding } else { finding.fix(fix) }
}
