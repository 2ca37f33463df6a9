//! Finds round trips that end in another state, for `unsafe-round-trip` and `lossy-round-trip`.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Witness};
use crate::diagram::Diagram;
use crate::lint::{Context, shown, states_text, system_name};
use crate::program::{Change, Direction, Program, Rank, RoleId, RuleSourceId, StateId, SystemId};
use crate::space::RoleDecision;

/// Rules up to this number are shown for the way there.
const MAX_SHOWN: usize = 3;

/// States up to this number of names are listed in a message.
const MAX_NAMED: usize = 3;

/// The way back, independent of role, situation and where the round trip starts: one finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WayBack {
    home: SystemId,
    shown_as: StateId,
    returned: StateId,
    comes: RuleSourceId,
}

/// The round trips that take a way back.
#[derive(Default)]
struct Trips {
    roles: BTreeSet<RoleId>,
    /// By rule that goes there.
    ways_there: BTreeMap<RuleSourceId, WayThere>,
}

#[derive(Default)]
struct WayThere {
    /// The states that come back wrong.
    starts: BTreeSet<StateId>,
    /// Of the first.
    situation: Option<Witness>,
}

/// Reports round trips that end in another state. `unsafe_ones`: those whose attributes differ, otherwise the others.
pub(super) fn find(context: &mut Context<'_>, unsafe_ones: bool) {
    let program = context.program;
    let mut found: BTreeMap<WayBack, Trips> = BTreeMap::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            for change in program.changes(direction) {
                round_trips(context, role, change, unsafe_ones, &mut found);
            }
        }
    }
    for (way, trips) in found {
        let finding = finding(context, way, trips);
        context.report(finding);
    }
}

fn round_trips(
    context: &mut Context<'_>,
    role: RoleId,
    change: Change,
    unsafe_ones: bool,
    found: &mut BTreeMap<WayBack, Trips>,
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
            let way = WayBack {
                home: start.system(),
                shown_as: *shown_as,
                returned: *returned,
                comes,
            };
            let known = found.get(&way).is_some_and(|trips| {
                let there = trips.ways_there.get(&goes);
                trips.roles.contains(&role)
                    && there.is_some_and(|there| there.starts.contains(&start))
            });
            if known || is_allowed(context, role, [goes, comes]) {
                continue;
            }
            let trips = found.entry(way).or_default();
            trips.roles.insert(role);
            let there = trips.ways_there.entry(goes).or_default();
            there.starts.insert(start);
            if there.situation.is_none() {
                there.situation = context.space.witness(both, Some(start), &|leaf| leaf == 1);
            }
        }
    }
}

/// Whether an `@allow` is about one of the rules of a round trip, or the lint is off there.
fn is_allowed(context: &mut Context<'_>, role: RoleId, rules: [RuleSourceId; 2]) -> bool {
    let mut of_trip = context.finding_about("", Some(role), None, &[]);
    for rule in rules {
        of_trip = of_trip.rule(context.rule_location(rule), "");
    }
    !context.counts(&mut of_trip)
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

fn finding(context: &Context<'_>, way: WayBack, trips: Trips) -> Diagnostic {
    let program = context.program;
    let WayBack {
        home,
        shown_as,
        returned,
        comes,
    } = way;
    let ways_there = trips.ways_there.values();
    let starts = ways_there.flat_map(|there| there.starts.iter().copied());
    let starts: BTreeSet<StateId> = starts.collect();
    let home_name = system_name(program, home);
    let (there, back) = (shown(program, shown_as), shown(program, returned));
    let message = format!(
        "{home_name} {} → {there} → {back}{}",
        few_states(program, &starts),
        context.of_roles(&trips.roles),
    );
    let role = trips.roles.first().filter(|_| trips.roles.len() == 1);
    let states: Vec<StateId> = starts.iter().copied().chain([shown_as, returned]).collect();
    let direction = Direction::new(home, shown_as.system());
    let mut finding = context
        .finding_about(message, role.copied(), direction, &states)
        .situation(
            trips
                .ways_there
                .values()
                .next()
                .and_then(|there| there.situation.clone()),
        );
    for (goes, way_there) in trips.ways_there.iter().take(MAX_SHOWN) {
        let label = format!(
            "{home_name} {} → {there}",
            few_states(program, &way_there.starts)
        );
        finding = finding.rule(context.rule_location(*goes), label);
    }
    // What is reported once `shown_as` is set.
    let read = program.schema.reads(shown_as);
    let label = format!("{} → {back}", shown(program, read));
    finding = finding.rule(context.rule_location(comes), label);
    if trips.ways_there.len() > MAX_SHOWN {
        let more = trips.ways_there.len() - MAX_SHOWN;
        finding = finding.note(format!("{more} more rules lead to {there}"));
    }
    let changes = attribute_changes(context, &starts, returned);
    let changes = changes
        .iter()
        .map(|(change, states)| format!("{} {change}", states_text(program, states)));
    let changes: Vec<String> = changes.collect();
    if !changes.is_empty() {
        finding = finding.note(format!("attributes: {}", changes.join("; ")));
    }
    let mut rules = program.profiles.iter().flat_map(|profile| &profile.rules);
    let rule = rules.find(|rule| rule.source == comes && rule.direction.from() == read.system());
    let rank = rule.map(|rule| rule.rank);
    let replaced = rule.is_some_and(|rule| rule.replaced);
    let guard = states_text(program, &starts);
    // A second `override` would conflict with the first.
    if rank == Some(Rank::Override) {
        return finding.help(format!(
            "keep the state on the way back: add this to the conditions of the `override`:\n    {home_name} is not {guard}"
        ));
    }
    let rule = format!(
        "when {home_name} is {guard}: {}{} -> {home_name} unchanged",
        if rank == Some(Rank::Otherwise) {
            ""
        } else {
            "override "
        },
        shown(program, read),
    );
    let fix = context.line_below(
        program.rule_source(comes).item,
        &rule,
        "keep the state on the way back",
    );
    let finding = finding.help(format!("keep the state on the way back:\n    {rule}"));
    // In a mapping that is applied `with` other systems, the rule would be about the wrong ones.
    if replaced { finding } else { finding.fix(fix) }
}

/// Few states by name, more as a number.
fn few_states(program: &Program, states: &BTreeSet<StateId>) -> String {
    let names = states_text(program, states);
    if states.len() <= MAX_NAMED || !names.contains(" | ") {
        names
    } else {
        format!("({} states)", states.len())
    }
}

/// What states gain and lose when they come back as another one, in words; by what they gain and lose.
fn attribute_changes(
    context: &Context<'_>,
    starts: &BTreeSet<StateId>,
    returned: StateId,
) -> BTreeMap<String, BTreeSet<StateId>> {
    let system = context.program.system(returned.system());
    let after = attributes(context, returned);
    let names = |of: &[u32], without: &[u32]| {
        let names = of.iter().filter(|at| !without.contains(at));
        let names = names.map(|at| system.attributes[*at as usize].as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let mut changes: BTreeMap<String, BTreeSet<StateId>> = BTreeMap::new();
    for start in starts {
        let before = attributes(context, *start);
        let parts = [
            ("gains", names(&after, &before)),
            ("loses", names(&before, &after)),
        ];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts
            .map(|(verb, names)| format!("{verb} {names}"))
            .collect();
        if !parts.is_empty() {
            changes.entry(parts.join(", ")).or_default().insert(*start);
        }
    }
    changes
}
