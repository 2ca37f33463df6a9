//! `trap`: a state that our commands enter and that no change leaves.

use std::rc::Rc;

use crate::diagnostic::{Code, Fix, Level};
use crate::diagram::Diagram;
use crate::lint::regions::ChangeRegions;
use crate::lint::{Context, Lint, shown, state_name, system_name};
use crate::program::{
    Change, Column, Cond, CondId, ConditionSite, ConditionSiteId, Direction, Program, Rank, RoleId,
    StateId, Target,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "trap",
        default: Some(Level::Warn),
        summary: "commands can enter a state but never leave it",
        explanation: "A rule that keeps a state chosen by a person also keeps it if Presync set it. The first change sets the \
state, and no later change can replace it. Add `by hand` to the guard, so that the rule applies only to what a person chose.",
        bad: "use cic_lync
profile \"P\" {
    when lync is \"Do Not Disturb\": override cic any -> lync unchanged
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    cic Available -> lync Available
}
",
        good: "use cic_lync
profile \"P\" {
    when lync is \"Do Not Disturb\" and lync by hand: override cic any -> lync unchanged
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    cic Available -> lync Available
}
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let lost = context.lost;
    // A rule that leads out may be missing.
    let whole = |role: &RoleId| !lost.of_role(*role);
    for role in context.program.role_ids().filter(whole) {
        for direction in context.program.directions() {
            // Only a condition on the system that follows can shut the way out.
            if context.space.is_tested(direction.to()) {
                // An early return means that the role is too complex, which is noted.
                let _ = one_direction(context, role, direction);
            }
        }
    }
}

/// A change of the system and its outcomes.
struct Way {
    entered: StateId,
    regions: Rc<ChangeRegions>,
    /// Where it sets which state, own states included.
    sets: Vec<(StateId, Diagram)>,
    /// Where a rule that says `unchanged` decides, without those for `otherwise`.
    unchanged: Diagram,
}

fn one_direction(context: &mut Context<'_>, role: RoleId, direction: Direction) -> Option<()> {
    let program = context.program;
    let mut ways = Vec::new();
    for change in program.changes(direction) {
        let regions = context.change(role, change)?;
        ways.push(Way {
            entered: change.entered(),
            sets: context.all_sets(&regions, direction.to()),
            unchanged: unchanged(context, &regions),
            regions,
        });
    }
    for target in program.states(direction.to()) {
        trap(context, role, direction, &ways, target);
    }
    Some(())
}

fn trap(
    context: &mut Context<'_>,
    role: RoleId,
    direction: Direction,
    ways: &[Way],
    target: StateId,
) {
    let enters: Vec<(StateId, Diagram)> = ways
        .iter()
        .filter_map(|way| {
            let (_, sets) = way.sets.iter().find(|(state, _)| *state == target)?;
            Some((way.entered, *sets))
        })
        .collect();
    let into = context
        .space
        .diagrams
        .union(enters.iter().map(|(_, sets)| *sets).collect());
    if into == Diagram::ZERO {
        return;
    }
    let seen = context.program.schema.reads(target);
    let variable = context.space.of_system(direction.to());
    let states = context
        .program
        .schema
        .column_size(Column::State(direction.to()));
    let elsewhere = (1..states).filter(|value| *value != seen.value());
    let elsewhere = context.space.diagrams.literal(variable, elsewhere);

    // Facts under which a change leads out once the state is shown by us, and elsewhere.
    let (mut out_here, mut out_elsewhere, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut leads_elsewhere: Vec<(usize, Diagram)> = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        let others = way.sets.iter().filter(|(state, _)| *state != target);
        let others = others.map(|(_, region)| *region);
        let leads = others.chain([way.regions.previous]).collect();
        let leads = context.space.diagrams.union(leads);
        let here = context.space.after_command(leads, seen);
        out_here.push(for_some(context, here));
        let there = context.space.diagrams.and_then(elsewhere, leads);
        let there = for_some(context, there);
        if there == Diagram::ZERO {
            continue;
        }
        out_elsewhere.push(there);
        let unchanged = context.space.after_command(way.unchanged, seen);
        let other = context.space.diagrams.not(unchanged);
        let not_always = for_some(context, other);
        let always = context.space.diagrams.without(there, not_always);
        kept.push(always);
        leads_elsewhere.push((at, there));
    }
    let into = for_some(context, into);
    let out_here = context.space.diagrams.union(out_here);
    let out_elsewhere = context.space.diagrams.union(out_elsewhere);
    let kept = context.space.diagrams.union(kept);
    let closed = context.space.diagrams.not(out_here);
    let shut = context.space.diagrams.or_else(closed, kept);
    let trapped = context.space.diagrams.and_then(into, out_elsewhere);
    let trapped = context.space.diagrams.and_then(trapped, shut);
    if trapped == Diagram::ZERO {
        return;
    }
    // Where nothing leads out, if that is so anywhere.
    let closed = context.space.diagrams.and_then(trapped, closed);
    let is_closed = closed != Diagram::ZERO;
    let found = Trap {
        ways,
        enters: &enters,
        leads_elsewhere: &leads_elsewhere,
        target,
        trapped: if is_closed { closed } else { trapped },
        is_closed,
    };
    report(context, role, direction, &found);
}

/// The facts for which a region holds somewhere, whatever the states are.
fn for_some(context: &mut Context<'_>, region: Diagram) -> Diagram {
    let columns = context.space.variables().len() as u32;
    let mut found = region;
    for variable in context.space.diagrams.support(&[region]) {
        let is_fact = variable < columns
            && matches!(
                context.space.variables()[variable as usize],
                Column::Fact(_)
            );
        if is_fact {
            continue;
        }
        let values = 0..context.space.diagrams.sizes()[variable as usize];
        let parts = values.map(|value| context.space.diagrams.restrict(found, variable, value));
        let parts = parts.collect();
        found = context.space.diagrams.union(parts);
    }
    found
}

/// Where a rule that says `unchanged` decides, without those for `otherwise`.
fn unchanged(context: &mut Context<'_>, regions: &ChangeRegions) -> Diagram {
    let leaves = context.space.leaves(regions.decision);
    let keeps = |leaf: &&u32| {
        let decision = context.space.decision_of(&regions.by, **leaf);
        decision.is_some_and(|decision| {
            let rule = context.space.rule_of(decision);
            rule.target == Target::Unchanged && rule.rank != Rank::Otherwise
        })
    };
    let keeping: Vec<u32> = leaves.iter().filter(keeps).copied().collect();
    context.space.diagrams.map(regions.decision, &mut |leaf| {
        u32::from(keeping.contains(&leaf))
    })
}

/// A trap, and what leads into it.
struct Trap<'a> {
    ways: &'a [Way],
    /// The changes that set the state, and where.
    enters: &'a [(StateId, Diagram)],
    /// The ways that lead out elsewhere, and the facts under which they do.
    leads_elsewhere: &'a [(usize, Diagram)],
    target: StateId,
    /// The facts under which it is one.
    trapped: Diagram,
    /// Whether no change leads out there; if not, one that leads out elsewhere does not.
    is_closed: bool,
}

fn report(context: &mut Context<'_>, role: RoleId, direction: Direction, trap: &Trap<'_>) {
    let Trap {
        ways,
        enters,
        leads_elsewhere,
        target,
        trapped,
        is_closed,
    } = *trap;
    let program = context.program;
    let (from, to) = (
        system_name(program, direction.from()),
        system_name(program, direction.to()),
    );
    let way_in = enters.iter().find_map(|(entered, sets)| {
        let region = context.space.diagrams.and_then(trapped, *sets);
        (region != Diagram::ZERO).then_some((*entered, region))
    });
    let Some((entered, region)) = way_in else {
        return;
    };
    let Some(change) = context.change(role, Change::of(direction, entered)) else {
        return;
    };
    let decider = context.decider_in(region, change.decision);
    let region = decider.map_or(region, |(_, region)| region);
    let enters = decider.and_then(|(leaf, _)| context.rule_behind(&change.by, leaf));
    let seen = program.schema.reads(target);
    let mut shuts = None;
    for (at, there) in leads_elsewhere {
        let way = &ways[*at];
        let here = context.space.after_command(way.unchanged, seen);
        let here = context.space.diagrams.and_then(trapped, here);
        let here = context.space.diagrams.and_then(*there, here);
        if here != Diagram::ZERO {
            let decision = context.space.after_command(way.regions.decision, seen);
            let leaf = context.deciders_in(here, decision).first().copied();
            shuts = leaf.and_then(|leaf| {
                let decision = context.space.decision_of(&way.regions.by, leaf)?;
                Some((context.space.rule_of(decision), way.entered))
            });
            break;
        }
    }
    let blocked = shuts.filter(|_| !is_closed);
    let blocked = blocked.map_or_else(
        || format!("no change of {from} leaves it"),
        |(_, by)| format!("{} does not leave it", shown(program, by)),
    );
    let message = format!(
        "{}{}: {blocked} once {from} {} has set it",
        shown(program, target),
        context.of_role(role),
        state_name(program, entered),
    );
    let mut finding = context.finding_about(message, Some(role), Some(direction), &[target]);
    if let Some(enters) = enters {
        let label = format!("{} sets it", shown(program, entered));
        finding = finding.rule(context.rule_location(enters), label);
    }
    let mut help = format!("add a rule that sets {to} to another state");
    if let Some((rule, by)) = shuts {
        let label = format!("blocks {}", shown(program, by));
        finding = finding.rule(context.rule_location(rule.source), label);
        if rule.replaced {
            help = "add `by hand` to the guard in the mapping, so that it keeps only what a person chose".to_owned();
        } else if let Some(fix) = fix(context, &rule.enclosing, direction, &to) {
            help = format!(
                "add `and {to} by hand` to the guard, so that it keeps only what a person chose"
            );
            finding = finding.fix(fix);
        }
    }
    let situation = context
        .space
        .witness(region, Some(entered), &|leaf| leaf == 1);
    context.report(finding.help(help).situation(situation));
}

/// Adds `and lync by hand` to the innermost written condition that asks for the state of the system.
fn fix(
    context: &Context<'_>,
    enclosing: &[ConditionSiteId],
    direction: Direction,
    to: &str,
) -> Option<Fix> {
    let program = context.program;
    let asks = |site: &&ConditionSite| asks(program, site.condition, direction);
    let sites = enclosing.iter().rev();
    let site = sites
        .map(|site| &program.condition_sites[site.0 as usize])
        .find(asks)?;
    let text = program.sources.text(site.location);
    let is_or = matches!(program.conditions.get(site.condition), Cond::Or(_));
    let text = if is_or {
        format!("({text}) and {to} by hand")
    } else {
        format!("{text} and {to} by hand")
    };
    Some(Fix {
        message: format!("add `and {to} by hand`"),
        safe: false,
        edits: vec![(site.location, text)],
    })
}

/// Whether a condition asks for the state of the system that follows.
fn asks(program: &Program, id: CondId, way: Direction) -> bool {
    match program.conditions.get(id) {
        Cond::State(system, _) => *system == way.to(),
        Cond::Not(part) => asks(program, *part, way),
        Cond::And(parts) | Cond::Or(parts) => parts.iter().any(|part| asks(program, *part, way)),
        Cond::True | Cond::Flag(_) | Cond::Value(..) | Cond::ByHand(_) => false,
    }
}
