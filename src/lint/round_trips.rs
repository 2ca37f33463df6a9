//! Finds round trips that end in another state, for `unsafe-round-trip` and `lossy-round-trip`.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Witness};
use crate::diagram::Diagram;
use crate::lint::{Context, shown, states_text, system_name};
use crate::program::{
    Change, Direction, Program, Rank, RoleId, Rule, RuleSourceId, StateId, SystemId,
};
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
            let decision = context.space.after_entering(back.decision, start);
            // Each pair of rules that decide, and where both do.
            for (goes, region) in deciding(context, both, (there.decision, &there.by)) {
                for (comes, region) in deciding(context, region, (decision, &back.by)) {
                    let way = WayBack {
                        home: start.system(),
                        shown_as: *shown_as,
                        returned: *returned,
                        comes,
                    };
                    let trip = Trip {
                        role,
                        start,
                        goes,
                        region,
                    };
                    add(context, found, way, trip);
                }
            }
        }
    }
}

/// A round trip in one role, by a rule that goes there.
struct Trip {
    role: RoleId,
    start: StateId,
    goes: RuleSourceId,
    /// Where both rules decide.
    region: Diagram,
}

/// Adds a round trip, unless it is allowed.
fn add(context: &mut Context<'_>, found: &mut BTreeMap<WayBack, Trips>, way: WayBack, trip: Trip) {
    let Trip {
        role, start, goes, ..
    } = trip;
    let known = found.get(&way).is_some_and(|trips| {
        let there = trips.ways_there.get(&goes);
        trips.roles.contains(&role) && there.is_some_and(|there| there.starts.contains(&start))
    });
    if known || is_allowed(context, role, [way.comes, goes]) {
        return;
    }
    let trips = found.entry(way).or_default();
    trips.roles.insert(role);
    let there = trips.ways_there.entry(goes).or_default();
    there.starts.insert(start);
    if there.situation.is_none() {
        let region = trip.region;
        there.situation = context
            .space
            .witness(region, Some(start), &|leaf| leaf == 1);
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

/// The rules that decide in a region, and where in it.
fn deciding(
    context: &mut Context<'_>,
    mut region: Diagram,
    (decision, by): (Diagram, &RoleDecision),
) -> Vec<(RuleSourceId, Diagram)> {
    let mut found = Vec::new();
    while let Some((leaf, part)) = context.decider_in(region, decision) {
        region = context.space.diagrams.without(region, part);
        found.extend(context.rule_behind(by, leaf).map(|rule| (rule, part)));
    }
    found
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
    // What is reported once `shown_as` is set. The way back comes first: that is where to change something.
    let read = program.schema.reads(shown_as);
    let label = format!("{} → {back}", shown(program, read));
    finding = finding.label(context.rule_location(comes), label);
    for (goes, way_there) in trips.ways_there.iter().take(MAX_SHOWN) {
        let label = format!(
            "{home_name} {} → {there}",
            few_states(program, &way_there.starts)
        );
        finding = finding.rule(context.rule_location(*goes), label);
    }
    finding.data.rules.push(context.rule_location(comes));
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
    let back_rule = BackRule::of(program, comes, read);
    let guard = states_text(program, &starts);
    if back_rule.has_override {
        // A second `override` would conflict with the first.
        return finding.help(format!(
            "keep the state on the way back: add this to the conditions of the rule:\n    {home_name} is not {guard}"
        ));
    }
    let rule = format!(
        "when {home_name} is {guard}: {}{} -> {home_name} unchanged",
        if back_rule.is_otherwise {
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
    if back_rule.replaced {
        finding
    } else {
        finding.fix(fix)
    }
}

/// A rule of a way back, in the profiles that have it.
struct BackRule {
    is_otherwise: bool,
    /// It is an `override`, or another one applies to the same state.
    has_override: bool,
    replaced: bool,
}

impl BackRule {
    fn of(program: &Program, source: RuleSourceId, read: StateId) -> Self {
        let applies = |rule: &&Rule| {
            rule.direction.from() == read.system() && rule.states.binary_search(&read).is_ok()
        };
        let is_it = |rule: &Rule| rule.source == source;
        let profiles = program.profiles.iter();
        let profiles = profiles.map(|profile| profile.rules.iter().filter(applies));
        let with_it = profiles.filter(|rules| rules.clone().any(is_it));
        let rules: Vec<&Rule> = with_it.flatten().collect();
        let its = || rules.iter().filter(|rule| is_it(rule));
        Self {
            is_otherwise: its().any(|rule| rule.rank == Rank::Otherwise),
            has_override: rules.iter().any(|rule| rule.rank == Rank::Override),
            replaced: its().any(|rule| rule.replaced),
        }
    }
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
