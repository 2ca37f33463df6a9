//! In: a program with its tests. Out: few tests more, as source, that exercise whatever rule and outcome of a condition
//! those leave out. Each is one situation, told by the facts that matter, and says what the program does today.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Program, RoleId, SystemId};
use crate::names::{quote, quote_always};
use crate::prove::coverage;
use crate::prove::outcome_text;
use crate::prove::targets::{Change, Exercised, Targets};
use crate::space::Space;
use crate::space::diagram::Ref;
use crate::table::Tables;

/// More nodes than this for the conditions of one test: then it names every fact.
const BUDGET: usize = 50_000;

/// Tests to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// In the language; empty if nothing is left out.
    pub source: String,
    pub tests: usize,
    /// How many rules and outcomes they exercise that no test did.
    pub exercises: usize,
    /// Fewer situations cannot exercise all of them: so many have pairwise nothing in common.
    pub at_least: usize,
}

/// What can stand in one test: changes of one system in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Seat {
    role: RoleId,
    from: SystemId,
}

/// By what is exercised: where some change does so, and by change.
type Seats = BTreeMap<Seat, HashMap<Exercised, (Ref, Vec<(Change, Ref)>)>>;

struct Draft {
    seat: Seat,
    /// Each with its outcome.
    changes: Vec<(Change, String)>,
    /// Conditions as the language writes them.
    given: Vec<String>,
    exercises: BTreeSet<Exercised>,
}

/// Proposes tests for what the program's own leave out.
pub fn generate(program: &Program, tables: &Tables) -> Proposal {
    let mut space = Space::new(program);
    let targets = Targets::new(&mut space);
    let known = coverage::measure(&mut space, &targets, tables);
    let missing: BTreeSet<Exercised> =
        known.exercised.iter().filter(|(_, count)| *count == 0).map(|(exercised, _)| *exercised).collect();
    let seats = seats(&mut space, &targets, &missing);
    let order = hardest_first(&space, &seats, &missing);
    let at_least = apart(&mut space, &seats, &order);
    let mut drafts = Vec::new();
    let mut left = order;
    while let Some(first) = left.first().copied() {
        let Some((seat, region, together)) = fullest(&mut space, &seats, first, &left) else { break };
        let draft = draft(&mut space, &targets, &seats, (seat, region), &together);
        left.retain(|exercised| !draft.exercises.contains(exercised) && *exercised != first);
        drafts.push(draft);
    }
    drop_superfluous(&mut drafts, &missing);
    drafts.sort_by_key(|draft| draft.seat);
    Proposal { source: source(program, &drafts), tests: drafts.len(), exercises: missing.len(), at_least }
}

fn seats(space: &mut Space<'_>, targets: &Targets, missing: &BTreeSet<Exercised>) -> Seats {
    let mut seats = Seats::new();
    for (change, regions) in &targets.by_change {
        let seat = seats.entry(Seat { role: change.role, from: change.from }).or_default();
        for (exercised, region) in regions.iter().filter(|(exercised, _)| missing.contains(exercised)) {
            let (whole, by_change) = seat.entry(*exercised).or_insert((Ref::ZERO, Vec::new()));
            *whole = space.diagrams.or_else(*whole, *region);
            by_change.push((*change, *region));
        }
    }
    seats
}

/// What the fewest situations exercise comes first.
fn hardest_first(space: &Space<'_>, seats: &Seats, missing: &BTreeSet<Exercised>) -> Vec<Exercised> {
    let ease = |exercised: &Exercised| {
        let regions = seats.values().filter_map(|seat| seat.get(exercised));
        regions.map(|(region, _)| space.diagrams.count(*region, &|leaf| leaf != 0)).fold(0, u128::saturating_add)
    };
    let mut order: Vec<(u128, Exercised)> = missing.iter().map(|exercised| (ease(exercised), *exercised)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, exercised)| exercised).collect()
}

/// How many, at least, have pairwise no situation in common.
fn apart(space: &mut Space<'_>, seats: &Seats, order: &[Exercised]) -> usize {
    let mut members: Vec<Exercised> = Vec::new();
    for exercised in order {
        let meets = |space: &mut Space<'_>, member: &Exercised| {
            seats.values().any(|seat| match (seat.get(exercised), seat.get(member)) {
                (Some((one, _)), Some((other, _))) => space.diagrams.mask(*one, *other) != Ref::ZERO,
                _ => false,
            })
        };
        if !members.iter().any(|member| meets(space, member)) {
            members.push(*exercised);
        }
    }
    members.len()
}

/// The seat in which most can be exercised together with the first, and where.
fn fullest(
    space: &mut Space<'_>,
    seats: &Seats,
    first: Exercised,
    left: &[Exercised],
) -> Option<(Seat, Ref, Vec<Exercised>)> {
    let mut best: Option<(Seat, Ref, Vec<Exercised>)> = None;
    for (at, seat) in seats {
        let Some((mut region, _)) = seat.get(&first).map(|(region, of)| (*region, of)) else { continue };
        let mut together = vec![first];
        for other in left.iter().filter(|other| **other != first) {
            let Some((where_other, _)) = seat.get(other) else { continue };
            let met = space.diagrams.mask(*where_other, region);
            if met != Ref::ZERO {
                region = met;
                together.push(*other);
            }
        }
        if best.as_ref().is_none_or(|(_, _, most)| together.len() > most.len()) {
            best = Some((*at, region, together));
        }
    }
    best
}

fn draft(
    space: &mut Space<'_>,
    targets: &Targets,
    seats: &Seats,
    (seat, region): (Seat, Ref),
    together: &[Exercised],
) -> Draft {
    let usual = space.usual().to_vec();
    let nearest = space.diagrams.witness(region, &usual, &|leaf| leaf != 0);
    let nearest = nearest.expect("what is exercised together has a situation in common");
    let situation: Vec<u32> = nearest.iter().zip(&usual).map(|(value, usual)| value.unwrap_or(*usual)).collect();
    let mut region = Ref::ONE;
    let mut changes: BTreeMap<Change, String> = BTreeMap::new();
    for (change, regions) in fewest_changes(space, &seats[&seat], &situation, together) {
        let (outcome, same) = outcome(space, change, &situation);
        region = regions.into_iter().chain([same]).fold(region, |all, one| space.diagrams.mask(one, all));
        changes.insert(change, outcome);
    }
    let support = space.diagrams.support(&[region]);
    let cube = support.into_iter().map(|variable| (variable, vec![situation[variable as usize]])).collect();
    let cube = space.diagrams.widen(cube, region);
    let held = space.diagrams.product_of(&cube);
    let mut exercises = BTreeSet::new();
    for change in changes.keys() {
        let held = space.enter(held, change.from, change.state);
        exercises.extend(coverage::exercised_in(space, targets, *change, held));
    }
    let given = space.condition_terms(&crate::space::Cube(cube));
    Draft { seat, changes: changes.into_iter().collect(), given, exercises }
}

/// Few changes that exercise all of them in this situation, each with the regions of those it is there for.
fn fewest_changes(
    space: &Space<'_>,
    seat: &HashMap<Exercised, (Ref, Vec<(Change, Ref)>)>,
    situation: &[u32],
    together: &[Exercised],
) -> Vec<(Change, Vec<Ref>)> {
    let mut by_change: BTreeMap<Change, BTreeMap<Exercised, Ref>> = BTreeMap::new();
    for exercised in together {
        for (change, region) in seat.get(exercised).into_iter().flat_map(|(_, by_change)| by_change) {
            if space.diagrams.evaluate(*region, situation) != 0 {
                by_change.entry(*change).or_default().insert(*exercised, *region);
            }
        }
    }
    let mut left: BTreeSet<Exercised> = together.iter().copied().collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let gain = |of: &BTreeMap<Exercised, Ref>| of.keys().filter(|exercised| left.contains(exercised)).count();
        let Some((change, of)) = by_change.iter().max_by_key(|(change, of)| (gain(of), std::cmp::Reverse(**change)))
        else {
            break;
        };
        if gain(of) == 0 {
            break;
        }
        let regions = of.iter().filter(|(exercised, _)| left.contains(exercised)).map(|(_, region)| *region).collect();
        chosen.push((*change, regions));
        let of = of.clone();
        left.retain(|exercised| !of.contains_key(exercised));
    }
    chosen
}

/// What a change comes to in a situation, as a test expects it, and where it comes to the same.
fn outcome(space: &mut Space<'_>, change: Change, situation: &[u32]) -> (String, Ref) {
    let Change { role, from, to, state } = change;
    let parts = space.decision(role, from, to, state);
    let leaf =
        parts.iter().map(|part| space.diagrams.evaluate(*part, situation)).find(|leaf| *leaf != 0).unwrap_or_default();
    let leaves: BTreeSet<u32> = parts.iter().flat_map(|part| space.diagrams.leaves(*part)).collect();
    let decorated = leaves
        .iter()
        .any(|leaf| space.decision_of(*leaf).is_some_and(|decision| !space.append_texts(decision.append).is_empty()));
    let wanted = outcome_text(space, to, leaf, decorated);
    let equal: BTreeSet<u32> = leaves
        .into_iter()
        .filter(|other| *other != 0 && outcome_text(space, to, *other, decorated) == wanted)
        .collect();
    let same = space.diagrams.within(BUDGET, |diagrams| {
        let mut left = Ref::ONE;
        let mut same = Ref::ZERO;
        for part in parts.iter() {
            let here = diagrams.map(*part, &mut |leaf| u32::from(equal.contains(&leaf)));
            let here = diagrams.mask(left, here);
            same = diagrams.or_else(same, here);
            left = diagrams.without(left, *part);
        }
        if leaf == 0 { left } else { same }
    });
    let same = same.unwrap_or_else(|| {
        // Too entangled to be told in few words: everything is named, except where the change leads from.
        let values = situation.iter().enumerate().map(|(variable, value)| (variable as u32, vec![*value]));
        let entered = space.of_system(from);
        let all: Vec<(u32, Vec<u32>)> = values.filter(|(variable, _)| *variable != entered).collect();
        space.diagrams.product_of(&all)
    });
    (wanted, same)
}

/// Tests whose every contribution another one makes, too, go.
fn drop_superfluous(drafts: &mut Vec<Draft>, missing: &BTreeSet<Exercised>) {
    let mut at = 0;
    while at < drafts.len() {
        let needed = |exercised: &Exercised| {
            missing.contains(exercised)
                && !drafts.iter().enumerate().any(|(other, draft)| other != at && draft.exercises.contains(exercised))
        };
        if drafts[at].exercises.iter().any(needed) { at += 1 } else { drop(drafts.remove(at)) }
    }
}

fn source(program: &Program, drafts: &[Draft]) -> String {
    let mut taken: BTreeSet<String> = program.tests.iter().map(|test| test.name.clone()).collect();
    taken.extend(program.scenarios.iter().map(|scenario| scenario.name.clone()));
    let mut text = String::new();
    for draft in drafts {
        let role = program.role(draft.seat.role);
        let from = &program.system(draft.seat.from).name;
        let free = |number: &usize| !taken.contains(&format!("{}: {from} {number}", role.name));
        let number = (1..).find(free).expect("numbers do not end");
        let name = format!("{}: {from} {number}", role.name);
        text.push_str(&format!("\ntest {} {{\n", quote_always(&name)));
        taken.insert(name);
        if program.roles.len() > 1 {
            text.push_str(&format!("    role {}\n", quote_always(&role.name)));
        }
        if !draft.given.is_empty() {
            text.push_str(&format!("    given {}\n", draft.given.join(", ")));
        }
        let mut lines: Vec<(SystemId, &str, Vec<String>)> = Vec::new();
        for (change, outcome) in &draft.changes {
            let state = quote(&program.system(change.from).state(change.state).name);
            match lines.iter_mut().find(|(to, known, _)| *to == change.to && *known == outcome.as_str()) {
                Some((_, _, states)) => states.push(state),
                None => lines.push((change.to, outcome, vec![state])),
            }
        }
        for (to, outcome, states) in lines {
            let (from, to) = (quote(from), quote(&program.system(to).name));
            text.push_str(&format!("    {from} {} => {to} {outcome}\n", states.join(" | ")));
        }
        text.push_str("}\n");
    }
    text
}
