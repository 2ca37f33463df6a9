//! `unsafe-collapse` and `collapse`: the way there and back ends in another state.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::diagram::Ref;
use crate::lint::{Context, Level, Lint, shown, state_name, with_situation};
use crate::program::{Level as Rank, RoleId, StateId, SystemId, WrittenId};
use crate::space::Decided;

pub(super) const UNSAFE: Lint = Lint {
    code: "unsafe-collapse",
    default: Level::Warn,
    summary: "the way there and back ends in a state with other attributes",
    explanation: "A status is mapped to a presence, and that presence back to another status, whose attributes differ. \
Whoever chose the first ends up in the second once the presence is reported: an agent who asked for no ACD calls takes \
them again. Let the way back leave such a state alone, as the help shows.",
    bad: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Available, No ACD\" -> lync Available
}
",
    good: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Available, No ACD\" -> lync Available
    when cic is \"Available, No ACD\": override lync Available -> cic unchanged
}
",
    find: |context| find(context, true),
};

pub(super) const PLAIN: Lint = Lint {
    code: "collapse",
    default: Level::Allow,
    summary: "the way there and back ends in another state with the same attributes",
    explanation: "As `unsafe-collapse`, but the two states have the same attributes: At Lunch becomes Away, and Away \
comes back as Away from Desk. Nothing breaks; what people chose is lost.",
    bad: "use cic_lync
profile \"P\" {
    cic \"Away from Desk\" <-> lync Away
    cic \"At Lunch\" -> lync Away
}
",
    good: "use cic_lync
profile \"P\" {
    cic \"Away from Desk\" <-> lync Away
    cic \"At Lunch\" -> lync Away
    when cic is \"At Lunch\": override lync Away -> cic unchanged
}
",
    find: |context| find(context, false),
};

/// One way there and back, wherever it is met.
type Collapse = (
    SystemId,
    StateId,
    SystemId,
    StateId,
    StateId,
    WrittenId,
    WrittenId,
);

fn find(context: &mut Context<'_>, unsafe_ones: bool) {
    let program = context.program;
    let mut known: BTreeSet<Collapse> = BTreeSet::new();
    for role in program.role_ids() {
        for (from, to) in program.directions() {
            for state in program.system(from).states() {
                change(context, role, (from, to, state), unsafe_ones, &mut known);
            }
        }
    }
}

fn change(
    context: &mut Context<'_>,
    role: RoleId,
    (from, to, state): (SystemId, SystemId, StateId),
    unsafe_ones: bool,
    known: &mut BTreeSet<Collapse>,
) {
    let program = context.program;
    let Some(there) = context.change(role, from, to, state) else {
        return;
    };
    for (shown_as, region) in there.sets.iter() {
        let Some(back) = context.change(role, to, from, *shown_as) else {
            return;
        };
        for (returned, way_back) in back.sets.iter() {
            if *returned == state {
                continue;
            }
            let differ = attributes(context, from, state) != attributes(context, from, *returned);
            if differ != unsafe_ones {
                continue;
            }
            // The way back starts with the first system in its new state.
            let variable = context.space.of_system(from);
            let way_back = context
                .space
                .diagrams
                .restrict(*way_back, variable, state.0 + 1);
            let both = context.space.diagrams.mask(*region, way_back);
            if both == Ref::ZERO {
                continue;
            }
            let (goes, comes) = (first_rule(context, both, (there.decision, &there.by)), {
                let decision =
                    context
                        .space
                        .diagrams
                        .restrict(back.decision, variable, state.0 + 1);
                first_rule(context, both, (decision, &back.by))
            });
            let (Some(goes), Some(comes)) = (goes, comes) else {
                continue;
            };
            if known.insert((from, state, to, *shown_as, *returned, goes, comes)) {
                let situation = context
                    .space
                    .witness(both, Some((from, state)), &|leaf| leaf == 1);
                let finding = finding(
                    context,
                    role,
                    (from, state),
                    (to, *shown_as),
                    *returned,
                    (goes, comes),
                );
                debug_assert!(program.systems.len() > 1, "a way back needs two systems");
                context.report(with_situation(finding, situation));
            }
        }
    }
}

fn first_rule(
    context: &mut Context<'_>,
    region: Ref,
    (decision, by): (Ref, &Decided),
) -> Option<WrittenId> {
    let leaves = context.deciders_in(region, decision);
    leaves.first().and_then(|leaf| context.written(by, *leaf))
}

/// The attributes of a state that count.
fn attributes(context: &Context<'_>, system: SystemId, state: StateId) -> Vec<u32> {
    let system = context.program.system(system);
    let counts = |at: &u32| match &context.settings.protected {
        Some(protected) => protected.contains(&system.attributes[*at as usize]),
        None => true,
    };
    system
        .state(state)
        .attributes
        .iter()
        .copied()
        .filter(counts)
        .collect()
}

fn finding(
    context: &Context<'_>,
    role: RoleId,
    (from, state): (SystemId, StateId),
    (to, shown_as): (SystemId, StateId),
    returned: StateId,
    (goes, comes): (WrittenId, WrittenId),
) -> Diagnostic {
    let program = context.program;
    let way = [
        shown(program, from, state),
        shown(program, to, shown_as),
        shown(program, from, returned),
    ];
    let mut finding = context
        .finding(format!(
            "{}{} comes back as another state: {}",
            way[0],
            context.of_role(role),
            way.join(" → ")
        ))
        .label(
            context.rule_location(goes),
            format!("{} → {}", way[0], way[1]),
        )
        .label(
            context.rule_location(comes),
            format!("{} → {}", way[1], way[2]),
        );
    let names = |of: &[u32], without: &[u32]| {
        let names = of
            .iter()
            .filter(|at| !without.contains(at))
            .map(|at| program.system(from).attributes[*at as usize].as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let (before, after) = (
        attributes(context, from, state),
        attributes(context, from, returned),
    );
    let (gained, lost) = (names(&after, &before), names(&before, &after));
    if !gained.is_empty() {
        finding = finding.note(format!("gained: {gained}"));
    }
    if !lost.is_empty() {
        finding = finding.note(format!("lost: {lost}"));
    }
    let (from_name, to_name) = (&program.system(from).name, &program.system(to).name);
    let mut rules = program.profiles.iter().flat_map(|profile| &profile.rules);
    let rank = rules
        .find(|rule| rule.written == comes && rule.from == to)
        .map(|rule| rule.level);
    // A second override would contradict the first.
    if rank == Some(Rank::Override) {
        let guard = format!("{from_name} is not {}", state_name(program, from, state));
        return finding.help(format!(
            "let the way back leave it alone: add `{guard}` to the conditions of the override"
        ));
    }
    let rule = format!(
        "when {from_name} is {}: {}{to_name} {} -> {from_name} unchanged",
        state_name(program, from, state),
        if rank == Some(Rank::Otherwise) {
            ""
        } else {
            "override "
        },
        state_name(program, to, shown_as),
    );
    let fix = context.line_below(
        program.written(comes).item,
        &rule,
        "let the way back leave it alone",
    );
    finding
        .help(format!("let the way back leave it alone: `{rule}`"))
        .fix(fix)
}
