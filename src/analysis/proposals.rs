//! In: a program with its tests. Out: a few more tests, as source, for the rules and branches not exercised yet.
//! Each is one situation, described by the facts that matter, and records the current behavior.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::analysis::coverage;
use crate::analysis::targets::{CoverageTargets, Exercised, Region, RoleChange};
use crate::diagram::{Cube, Diagram, SearchResult};
use crate::program::{Program, RoleId, SystemId};
use crate::quote::{quote, quote_text};
use crate::space::Precedence;
use presync_engine::Tables;

/// Node limit for the conditions of one test; beyond it, the test names every fact.
const BUDGET: usize = 20_000;

/// Limit of searches for the lower bound of tests.
const MAX_QUESTIONS: usize = 100_000;

/// The cost of a search that gave up, in searches.
const HARD: usize = 500;

/// Limit of searches for more targets in one test; beyond it, only targets that its situation
/// already exercises are added.
const MAX_TRIES: usize = 2_000;

/// Tests to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// In the language; empty if everything is exercised already.
    pub source: String,
    pub tests: usize,
    /// The number of newly exercised rules and branches.
    pub exercises: usize,
    /// The number still not exercised, because the conditions are too complex to find a situation
    /// for them.
    pub left: usize,
    /// A lower bound for the number of tests: this many targets pairwise share no situation.
    /// `None`: not computed.
    pub at_least: Option<usize>,
}

/// The scope of one test: changes of one system in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Seat {
    role: RoleId,
    from: SystemId,
}

/// For each scope, where each target is exercised.
type Seats = BTreeMap<Seat, HashMap<Exercised, Place>>;

#[derive(Default)]
struct Place {
    /// Any of these.
    regions: IndexSet<Region, FxBuildHasher>,
    by_change: Vec<(RoleChange, Region)>,
}

/// Targets exercised together in one test.
struct Together {
    seat: Seat,
    wanted: Diagram,
    unwanted: Vec<Diagram>,
    /// A value for each variable.
    situation: Vec<u32>,
    exercised: Vec<Exercised>,
}

struct DraftTest {
    seat: Seat,
    /// Each with its outcome.
    changes: Vec<(RoleChange, String)>,
    /// Conditions as the language writes them.
    given: Vec<String>,
    exercises: BTreeSet<Exercised>,
}

/// Proposes tests for what the program's own tests do not exercise.
pub fn propose_tests(program: &Program, tables: &Tables) -> Proposal {
    let mut space = Precedence::new(program);
    let targets = CoverageTargets::new(&mut space);
    let known = coverage::measure(&mut space, &targets, tables);
    let missing: BTreeSet<Exercised> = known
        .exercised
        .iter()
        .filter(|(_, count)| *count == 0)
        .map(|(exercised, _)| *exercised)
        .collect();
    let seats = seats(&targets, &missing);
    let order = hardest_first(&space, &seats, &missing);
    let at_least = apart(&space, &seats, &order);
    let mut drafts = Vec::new();
    let mut left = order;
    while let Some(first) = left.first().copied() {
        match fullest(&mut space, &seats, first, &left) {
            Some(together) => {
                let draft = draft(&mut space, &targets, &seats, &together);
                left.retain(|exercised| {
                    *exercised != first && !draft.exercises.contains(exercised)
                });
                drafts.push(draft);
            }
            None => left.retain(|exercised| *exercised != first),
        }
    }
    drop_superfluous(&mut drafts, &missing);
    drafts.sort_by_key(|draft| draft.seat);
    let exercised: BTreeSet<Exercised> = drafts
        .iter()
        .flat_map(|draft| draft.exercises.iter().copied())
        .collect();
    let exercises = missing.intersection(&exercised).count();
    let left = missing.len() - exercises + known.unknown;
    Proposal {
        source: source(program, &drafts),
        tests: drafts.len(),
        exercises,
        left,
        at_least,
    }
}

fn seats(targets: &CoverageTargets, missing: &BTreeSet<Exercised>) -> Seats {
    let mut seats = Seats::new();
    for (change, regions) in &targets.by_change {
        let seat = seats
            .entry(Seat {
                role: change.role,
                from: change.change.from(),
            })
            .or_default();
        for (exercised, regions) in regions
            .iter()
            .filter(|(exercised, _)| missing.contains(exercised))
        {
            let place: &mut Place = seat.entry(*exercised).or_default();
            place.regions.extend(regions.iter().cloned());
            place
                .by_change
                .extend(regions.iter().map(|region| (*change, region.clone())));
        }
    }
    seats
}

/// Targets exercised by few situations come first.
fn hardest_first(
    space: &Precedence<'_>,
    seats: &Seats,
    missing: &BTreeSet<Exercised>,
) -> Vec<Exercised> {
    let mut counts: HashMap<Diagram, u128> = HashMap::new();
    let mut order: Vec<(u128, Exercised)> = Vec::with_capacity(missing.len());
    for exercised in missing {
        let regions = seats
            .values()
            .filter_map(|seat| seat.get(exercised))
            .flat_map(|place| &place.regions);
        let ease = regions.fold(0_u128, |all, region| {
            let count = counts.entry(region.wanted);
            all.saturating_add(
                *count.or_insert_with(|| space.diagrams.count(region.wanted, &|leaf| leaf != 0)),
            )
        });
        order.push((ease, *exercised));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, exercised)| exercised).collect()
}

/// A lower bound of how many targets pairwise share no situation; `None` if it takes too long.
fn apart(space: &Precedence<'_>, seats: &Seats, order: &[Exercised]) -> Option<usize> {
    let mut members: Vec<Exercised> = Vec::new();
    let mut questions = 0;
    for exercised in order {
        let mut alone = true;
        for (member, seat) in members
            .iter()
            .flat_map(|member| seats.values().map(move |seat| (member, seat)))
        {
            let (Some(one), Some(other)) = (seat.get(exercised), seat.get(member)) else {
                continue;
            };
            let mut pairs = one
                .regions
                .iter()
                .flat_map(|one| other.regions.iter().map(move |other| (one, other)));
            alone = !pairs.any(|(one, other)| {
                let unwanted: Vec<Diagram> = one
                    .unwanted
                    .iter()
                    .chain(other.unwanted.iter())
                    .copied()
                    .collect();
                let found =
                    space
                        .diagrams
                        .find(&[one.wanted, other.wanted], &unwanted, space.defaults());
                questions += if found == SearchResult::Unknown {
                    HARD
                } else {
                    1
                };
                found != SearchResult::Nowhere
            });
            if questions > MAX_QUESTIONS {
                return None;
            }
            if !alone {
                break;
            }
        }
        if alone {
            members.push(*exercised);
        }
    }
    Some(members.len())
}

/// The scope and situation that exercise the most targets together with the first.
fn fullest(
    space: &mut Precedence<'_>,
    seats: &Seats,
    first: Exercised,
    left: &[Exercised],
) -> Option<Together> {
    let mut best: Option<Together> = None;
    for (at, seat) in seats {
        let Some(place) = seat.get(&first) else {
            continue;
        };
        let start = place.regions.iter().find_map(|region| {
            match space
                .diagrams
                .find(&[region.wanted], &region.unwanted, space.defaults())
            {
                SearchResult::Here(situation) => Some((region, situation)),
                _ => None,
            }
        });
        let Some((region, situation)) = start else {
            continue;
        };
        let (wanted, unwanted) = (region.wanted, region.unwanted.to_vec());
        let mut together = Together {
            seat: *at,
            wanted,
            unwanted,
            situation,
            exercised: vec![first],
        };
        let mut questions = 0;
        for other in left.iter().filter(|other| **other != first) {
            let Some(place) = seat.get(other) else {
                continue;
            };
            join(space, &mut together, *other, place, &mut questions);
        }
        if best
            .as_ref()
            .is_none_or(|best| together.exercised.len() > best.exercised.len())
        {
            best = Some(together);
        }
    }
    best
}

/// Adds a target, if some situation allows it.
fn join(
    space: &mut Precedence<'_>,
    together: &mut Together,
    other: Exercised,
    place: &Place,
    questions: &mut usize,
) {
    for region in &place.regions {
        let unwanted = || {
            let mut all: Vec<Diagram> = together
                .unwanted
                .iter()
                .chain(region.unwanted.iter())
                .copied()
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let situation =
            if space
                .diagrams
                .is_found(&[region.wanted], &region.unwanted, &together.situation)
            {
                Some(together.situation.clone())
            } else if *questions < MAX_TRIES {
                let found = space.diagrams.find(
                    &[together.wanted, region.wanted],
                    &unwanted(),
                    space.defaults(),
                );
                *questions += if found == SearchResult::Unknown {
                    HARD
                } else {
                    1
                };
                match found {
                    SearchResult::Here(situation) => Some(situation),
                    _ => None,
                }
            } else {
                None
            };
        let Some(situation) = situation else { continue };
        together.unwanted = unwanted();
        together.wanted = space.diagrams.and_then(together.wanted, region.wanted);
        together.situation = situation;
        together.exercised.push(other);
        return;
    }
}

fn draft(
    space: &mut Precedence<'_>,
    targets: &CoverageTargets,
    seats: &Seats,
    together: &Together,
) -> DraftTest {
    let situation = &together.situation;
    let chosen = fewest_changes(space, &seats[&together.seat], together);
    let changes: BTreeMap<RoleChange, ExpectedOutcome> = chosen
        .iter()
        .map(|(change, _)| (*change, outcome(space, *change, situation)))
        .collect();
    let region = space.diagrams.with_budget(BUDGET, |diagrams| {
        let exercised =
            chosen
                .iter()
                .flat_map(|(_, regions)| regions)
                .fold(Diagram::ONE, |all, region| {
                    let all = diagrams.and_then(region.wanted, all);
                    region
                        .unwanted
                        .iter()
                        .fold(all, |all, unwanted| diagrams.without(all, *unwanted))
                });
        changes.values().fold(exercised, |all, outcome| {
            let same = outcome.same;
            diagrams.and_then(same, all)
        })
    });
    let entered = space.of_system(together.seat.from);
    let named: Vec<u32> = match region {
        Some(region) => space.diagrams.support(&[region]),
        // Too complex for few conditions: name everything except the system that changes.
        None => (0..situation.len() as u32)
            .filter(|variable| *variable != entered)
            .collect(),
    };
    let mut cube = named
        .into_iter()
        .map(|variable| (variable, vec![situation[variable as usize]]))
        .collect();
    if let Some(region) = region {
        cube = space.diagrams.widen(cube, region);
    }
    let held = space.diagrams.product_of(&cube);
    let exercised = changes.keys().flat_map(|change| {
        let held = space.after_entering(held, change.change.entered());
        targets.exercised_in(space, *change, held)
    });
    let exercises: BTreeSet<Exercised> = exercised.collect();
    let given = space.condition_terms(&Cube(cube));
    let changes = changes
        .into_iter()
        .map(|(change, outcome)| (change, outcome.text))
        .collect();
    DraftTest {
        seat: together.seat,
        changes,
        given,
        exercises,
    }
}

/// Few changes that exercise all targets in the situation, each with the regions of the targets it
/// covers.
fn fewest_changes(
    space: &Precedence<'_>,
    seat: &HashMap<Exercised, Place>,
    together: &Together,
) -> Vec<(RoleChange, Vec<Region>)> {
    let mut by_change: BTreeMap<RoleChange, BTreeMap<Exercised, Region>> = BTreeMap::new();
    for exercised in &together.exercised {
        for (change, region) in seat
            .get(exercised)
            .into_iter()
            .flat_map(|place| &place.by_change)
        {
            if space
                .diagrams
                .is_found(&[region.wanted], &region.unwanted, &together.situation)
            {
                by_change
                    .entry(*change)
                    .or_default()
                    .insert(*exercised, region.clone());
            }
        }
    }
    let mut left: BTreeSet<Exercised> = together.exercised.iter().copied().collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let gain = |of: &BTreeMap<Exercised, Region>| {
            of.keys()
                .filter(|exercised| left.contains(exercised))
                .count()
        };
        let most = by_change
            .iter()
            .max_by_key(|(change, of)| (gain(of), std::cmp::Reverse(**change)));
        let Some((change, of)) = most.filter(|(_, of)| gain(of) > 0) else {
            break;
        };
        chosen.push((
            *change,
            of.iter()
                .filter(|(one, _)| left.contains(one))
                .map(|(_, region)| region.clone())
                .collect(),
        ));
        left.retain(|exercised| !of.contains_key(exercised));
    }
    chosen
}

/// The outcome of a change, as a test expects it.
struct ExpectedOutcome {
    text: String,
    /// Where the change has this outcome.
    same: Diagram,
}

fn outcome(space: &mut Precedence<'_>, change: RoleChange, situation: &[u32]) -> ExpectedOutcome {
    let RoleChange { role, change } = change;
    let decided = space.decision(role, change);
    let leaf = decided
        .parts
        .iter()
        .map(|part| space.diagrams.evaluate(*part, situation))
        .find(|leaf| *leaf != 0)
        .unwrap_or_default();
    let profiles = space.program.role(role).profiles.iter();
    let decorated = profiles
        .copied()
        .any(|profile| !space.appendices(profile, change).is_empty());
    let texts = space.texts_of(&decided, change, leaf, situation);
    let text = space.outcome_text(&decided, leaf, &texts, decorated);
    let texts = decorated.then_some(texts.as_slice());
    let same = space.same_outcome(&decided, change, leaf, texts);
    ExpectedOutcome { text, same }
}

/// Removes tests whose every contribution another test also makes.
fn drop_superfluous(drafts: &mut Vec<DraftTest>, missing: &BTreeSet<Exercised>) {
    let mut at = 0;
    while at < drafts.len() {
        let needed = |exercised: &Exercised| {
            missing.contains(exercised)
                && !drafts
                    .iter()
                    .enumerate()
                    .any(|(other, draft)| other != at && draft.exercises.contains(exercised))
        };
        if drafts[at].exercises.iter().any(needed) {
            at += 1;
        } else {
            drop(drafts.remove(at));
        }
    }
}

fn source(program: &Program, drafts: &[DraftTest]) -> String {
    let mut taken: BTreeSet<String> = program.tests.iter().map(|test| test.name.clone()).collect();
    taken.extend(
        program
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone()),
    );
    let mut text = String::new();
    for draft in drafts {
        let role = program.role_name(draft.seat.role);
        let from = &program.system(draft.seat.from).name;
        let free = |number: &usize| !taken.contains(&format!("{role}: {from} {number}"));
        let number = (1..).find(free).expect("numbers do not end");
        let name = format!("{role}: {from} {number}");
        text.push_str(&format!("\ntest {} {{\n", quote_text(&name)));
        taken.insert(name);
        if program.roles.len() > 1 {
            text.push_str(&format!("    role {}\n", quote_text(role)));
        }
        if !draft.given.is_empty() {
            text.push_str(&format!("    given {}\n", draft.given.join(", ")));
        }
        let mut lines: Vec<(SystemId, &str, Vec<String>)> = Vec::new();
        for (change, outcome) in &draft.changes {
            let state = quote(&program.state(change.change.entered()).name);
            match lines
                .iter_mut()
                .find(|(to, known, _)| *to == change.change.to() && *known == outcome.as_str())
            {
                Some((_, _, states)) => states.push(state),
                None => lines.push((change.change.to(), outcome, vec![state])),
            }
        }
        for (to, outcome, states) in lines {
            let (from, to) = (quote(from), quote(&program.system(to).name));
            text.push_str(&format!(
                "    {from} {} => {to} {outcome}\n",
                states.join(" | ")
            ));
        }
        text.push_str("}\n");
    }
    text
}
