//! `gap`: states that a role does not map although it maps others in the same situation.

use crate::diagnostic::{Code, Fix, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint, states_text, system_name};
use crate::program::{Change, DeclaredKind, Direction, RoleId, StateId};
use crate::quote::quote_text;
use crate::source::{FileId, Location, Span};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "gap",
        default: Some(Level::Warn),
        summary: "a role maps some states of a system but not all",
        explanation: "In some situation the role maps other states of the system but not these. A change to one of them leaves the \
other system as it was, which looks like a lost update. Map them, or make it explicit with `unchanged`: the \
missing rules are printed; put them in a new profile at the end of the role.",
        bad: "use cic_lync
profile \"P\" when both_logged_in {
    cic Available -> lync Available
    cic \"At Lunch\" -> lync Away
}
",
        good: "use cic_lync
profile \"P\" when both_logged_in {
    cic Available -> lync Available
    cic \"At Lunch\" -> lync Away
    cic otherwise -> lync unchanged
}
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

/// Maximum number of cases printed.
const MAX_CASES: usize = 12;

/// More states than this are written as `otherwise`.
const MAX_NAMED: usize = 4;

fn find(context: &mut Context<'_>) {
    let lost = context.lost;
    let whole = |role: &RoleId| !lost.of_role(*role);
    for role in context.program.role_ids().filter(whole) {
        for direction in context.program.directions() {
            one_direction(context, role, direction);
        }
    }
}

fn one_direction(context: &mut Context<'_>, role: RoleId, direction: Direction) {
    let states: Vec<StateId> = context.program.states(direction.from()).collect();
    let mut decided = Vec::with_capacity(states.len());
    for state in &states {
        let Some(change) = context.change(role, Change::of(direction, *state)) else {
            return;
        };
        decided.push(change.decided);
    }
    // A role is active where it decides any state. Where one state is missing, some other state makes the role active.
    let mut distinct = decided.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let active = context.space.diagrams.union(distinct);
    let mut gaps: Vec<(Diagram, Vec<StateId>)> = Vec::new();
    for (state, decided) in states.iter().zip(decided) {
        let missing = context.space.diagrams.without(active, decided);
        if missing == Diagram::ZERO {
            continue;
        }
        match gaps.iter_mut().find(|(region, _)| *region == missing) {
            Some((_, states)) => states.push(*state),
            None => gaps.push((missing, vec![*state])),
        }
    }
    if !gaps.is_empty() {
        report(context, role, direction, gaps);
    }
}

fn report(
    context: &mut Context<'_>,
    role: RoleId,
    direction: Direction,
    gaps: Vec<(Diagram, Vec<StateId>)>,
) {
    let program = context.program;
    let (from, to) = (direction.from(), direction.to());
    let (from_name, to_name) = (system_name(program, from), system_name(program, to));
    let mut rules: Vec<String> = Vec::new();
    let (mut complete, mut cases) = (true, 0);
    let count: usize = gaps.iter().map(|(_, states)| states.len()).sum();
    let first = gaps
        .first()
        .and_then(|(region, states)| Some((*region, *states.first()?)));
    let mut all: Vec<StateId> = Vec::with_capacity(count);
    for (region, states) in gaps {
        all.extend(&states);
        // `otherwise` applies only to states that no other rule maps.
        let named = states_text(program, &states.iter().copied().collect());
        let sources = if named.split(" | ").count() > MAX_NAMED {
            "otherwise".to_owned()
        } else {
            named
        };
        let Some(cubes) = context.space.cover(region, MAX_CASES) else {
            complete = false;
            continue;
        };
        cases += cubes.len();
        // One rule for all of them: several would apply to the same changes.
        let terms = cubes.iter().map(|cube| context.space.condition_terms(cube));
        let condition = any_of(&terms.collect::<Vec<_>>());
        let when = if condition.is_empty() {
            String::new()
        } else {
            format!("when {condition}: ")
        };
        rules.push(format!(
            "    {when}{from_name} {sources} -> {to_name} unchanged"
        ));
    }
    complete &= cases <= MAX_CASES;
    rules.truncate(MAX_CASES);
    let states = if count == 1 { "state" } else { "states" };
    let message = format!(
        "no rule for {count} {from_name} {states} -> {to_name}{}",
        context.of_role(role)
    );
    let mut finding = context.finding_about(message, Some(role), Some(direction), &all);
    finding.labels.extend(
        context
            .role_location(role)
            .map(|location| crate::diagnostic::Label {
                location,
                message: format!("no rule for some {from_name} states"),
            }),
    );
    finding.situation = first.and_then(|(region, state)| {
        context
            .space
            .witness(region, Some(state), &|leaf| leaf == 1)
    });
    let more = if complete { "" } else { "\n    and more" };
    let fix = complete.then(|| added_profile(context, role, direction, &rules));
    context.report(
        finding
            .help(format!(
                "map them, or add a profile with these rules at the end of the role:\n{}{more}",
                rules.join("\n")
            ))
            .fix(fix.flatten()),
    );
}

/// Cases as one condition, each given by the terms that `and` joins: what all have in common stands before the rest.
fn any_of(cases: &[Vec<String>]) -> String {
    let Some((first, others)) = cases.split_first() else {
        return String::new();
    };
    let is_common = |term: &&String| others.iter().all(|case| case.contains(*term));
    let mut terms: Vec<String> = first.iter().filter(is_common).cloned().collect();
    let rest = cases.iter().map(|case| {
        let own = case.iter().filter(|term| !terms.contains(term));
        own.map(String::as_str).collect::<Vec<_>>().join(" and ")
    });
    let rest: Vec<String> = rest.collect();
    // Without a rest, a case has all that is common, and nothing else.
    if rest.iter().all(|case| !case.is_empty()) {
        let rest = rest.join(" or ");
        terms.push(if terms.is_empty() {
            rest
        } else {
            format!("({rest})")
        });
    }
    terms.join(" and ")
}

/// A new profile with the rules, at the end of the role.
fn added_profile(
    context: &Context<'_>,
    role: RoleId,
    direction: Direction,
    rules: &[String],
) -> Option<Fix> {
    let program = context.program;
    let declared = program.role(role).location;
    // Without roles, profiles apply in the order of the source.
    let file = declared.map_or(FileId(0), |role| role.file);
    let source = program.sources.file(file);
    if source.bundled {
        return None;
    }
    let [from, to] = [direction.from(), direction.to()].map(|system| &program.system(system).name);
    let name = |number: &usize| {
        let of_role =
            declared.map_or_else(String::new, |_| format!("{}: ", program.role_name(role)));
        let more = if *number > 1 {
            format!(" {number}")
        } else {
            String::new()
        };
        format!("{of_role}rest of {from} to {to}{more}")
    };
    let is_free = |name: &String| {
        let mut all = program.declared.iter();
        all.all(|one| one.kind != DeclaredKind::Profile || one.name != *name)
    };
    let name = quote_text(&(1..).map(|number| name(&number)).find(is_free)?);
    let newline = source.newline();
    let rules = rules.join(newline);
    let profile = format!("profile {name} {{{newline}{rules}{newline}}}");
    let at = |offset: u32| Location {
        file,
        span: Span {
            start: offset,
            end: offset,
        },
    };
    let edits = match declared {
        Some(role) => {
            let mut all = program.declared.iter();
            let whole = all.find(|one| one.location == role)?.whole.span;
            vec![
                (at(whole.start), format!("{profile}{newline}{newline}")),
                (at(whole.end), format!(", {name}")),
            ]
        }
        None => {
            let end = source.text.len();
            let start = source.text.trim_end().len();
            let rest = Location {
                file,
                span: Span::new(start, end),
            };
            vec![(rest, format!("{newline}{newline}{profile}{newline}"))]
        }
    };
    Some(Fix {
        message: "add a profile with the missing rules".to_owned(),
        safe: false,
        edits,
    })
}
