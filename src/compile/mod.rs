//! In: a program. Out: its tables, exact, without enumerating situations.
//! Errors: a role whose conditions are too complex for the diagrams; the checker rejects most of them earlier.

mod column_order;
mod columns;
mod cubes;
mod decisions;
mod document;
mod layout;
mod origins;
mod rows;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use presync_engine::document::Document;
use presync_engine::{
    Appendices, Appendix, Link, Next, Table, TableParts, TableSource, Tables, TooComplex,
};

use crate::compile::decisions::Decisions;
use crate::compile::layout::Layout;
use crate::diagram::Diagram;
use crate::program::{Change, Direction, ProfileId, Program, RoleId};
use crate::space::{DetachedPrecedence, Precedence, RoleDecision};
use crate::stack::deep;

pub use rows::{AppendedRow, AppendedText, OriginPart, Row, Rows, chain, rows};

/// The maximum number of rows of a table.
pub const MAX_ROWS: usize = 10_000;

/// The tables of a program, one for each role and direction. A role is compiled when its tables are first used; what roles
/// have in common is computed once.
pub fn compile(program: &Program) -> Tables {
    let source = Compiled {
        program: program.clone(),
        known: Mutex::default(),
        tables: Mutex::default(),
    };
    Tables::new(program.schema.clone(), source)
}

struct Compiled {
    program: Program,
    known: Mutex<Option<DetachedPrecedence>>,
    /// By profiles: roles with the same ones share their tables.
    tables: Mutex<HashMap<Vec<ProfileId>, Arc<[Table]>>>,
}

impl TableSource for Compiled {
    fn role(&self, role: RoleId) -> Result<Arc<[Table]>, TooComplex> {
        let profiles = &self.program.role(role).profiles;
        let mut known = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = known.get(profiles) {
            return Ok(tables.clone());
        }
        let tables: Arc<[Table]> = self.with_space(|space| {
            let tables = self.program.directions().map(|direction| {
                let table = table(space, role, direction);
                table.ok_or_else(|| self.too_complex(role))
            });
            tables.collect::<Result<_, _>>()
        })?;
        known.insert(profiles.clone(), tables.clone());
        Ok(tables)
    }

    fn document(&self, tables: &Tables) -> Result<Document, TooComplex> {
        // Compiles every role, which needs the space, too.
        tables.digest()?;
        self.with_space(|space| document::document(space, tables))
    }
}

impl Compiled {
    fn with_space<T>(&self, work: impl FnOnce(&mut Precedence<'_>) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        deep(|| {
            let mut space = match known.take() {
                Some(known) => known.attach(&self.program),
                None => Precedence::new(&self.program),
            };
            let done = work(&mut space);
            *known = Some(space.detach());
            done
        })
    }

    fn too_complex(&self, role: RoleId) -> TooComplex {
        TooComplex {
            role: self.program.role_name(role).to_owned(),
        }
    }
}

/// The table of a role and direction; `None` if its diagrams overflow.
fn table(space: &mut Precedence<'_>, role: RoleId, direction: Direction) -> Option<Table> {
    let program = space.program;
    let changes: Vec<Change> = program.changes(direction).collect();
    // States that the role treats alike have one function.
    let alike = changes.iter().map(|change| {
        let first = space.representative(role, *change);
        changes
            .iter()
            .position(|change| *change == first)
            .unwrap_or_default()
    });
    let alike: Vec<usize> = alike.collect();
    let decided = changes.iter().map(|change| space.decision(role, *change));
    let decided: Vec<RoleDecision> = decided.collect();
    let mut decisions = Decisions::new();
    let layers = decided.iter().map(|decided| decided.parts.len());
    let layers = layers.max().unwrap_or(0).max(1);
    let mut functions: Vec<Vec<Diagram>> = (0..layers)
        .map(|layer| {
            let mut functions: Vec<Diagram> = Vec::with_capacity(decided.len());
            for (at, decided) in decided.iter().enumerate() {
                // The representative comes first.
                let known = functions.get(alike[at]).copied();
                functions.push(
                    known.unwrap_or_else(|| self::layer(space, decided, layer, &mut decisions)),
                );
            }
            functions
        })
        .collect();
    let setting: BTreeSet<ProfileId> = decisions.setting.iter().flatten().copied().collect();
    let mut groups: Vec<(ProfileId, Vec<u32>)> = Vec::new();
    let profiles = program.role(role).profiles.iter().copied();
    for profile in profiles.filter(|profile| setting.contains(profile)) {
        let appends = appendices(space, profile, &changes);
        if !appends.is_empty() {
            groups.push((profile, appends.iter().map(|(append, _)| *append).collect()));
            functions.extend(appends.into_iter().map(|(_, function)| function));
        }
    }
    if space.diagrams.overflowed() {
        return None;
    }
    let mut layout = if changes.is_empty() {
        // A system without states: there is nothing to decide.
        return Some(Table::new(&program.schema, nothing(direction)));
    } else {
        Layout::of_space(space, &functions)?
    };
    let texts = groups.iter().map(|(profile, appends)| {
        let all = &program.profile(*profile).appends;
        let texts = appends
            .iter()
            .map(|append| all[*append as usize].text.as_str());
        (*profile, texts.collect())
    });
    let texts: Vec<(ProfileId, Vec<&str>)> = texts.collect();
    let columns = columns::columns(&mut layout, layers, &decisions, &texts);
    let links = layout.roots[..layers].iter().map(|root| Link {
        diagram: Arc::new(layout.flatten(*root, |leaf| match leaf {
            0 => Next::Pass,
            decision => Next::Decision(decision),
        })),
        first: 0,
    });
    let links = links.collect();
    let mut roots = layout.roots[layers..].iter();
    let mut group_of: HashMap<ProfileId, u32> = HashMap::new();
    let mut all = Vec::with_capacity(groups.len());
    for (profile, appends) in groups {
        let appendices: Appendices = appends
            .iter()
            .zip(&mut roots)
            .map(|(append, root)| Appendix {
                text: program.profile(profile).appends[*append as usize]
                    .text
                    .clone(),
                holds: layout.flatten(*root, holds),
            })
            .collect();
        group_of.insert(profile, all.len() as u32);
        all.push(appendices);
    }
    let appends = decisions.setting.iter();
    let appends =
        appends.map(|profile| profile.and_then(|profile| group_of.get(&profile).copied()));
    let parts = TableParts {
        direction,
        columns: columns.into_iter().collect(),
        order: layout.inputs.clone(),
        appends: appends.collect(),
        decisions: decisions.list,
        links,
        appendices: all,
    };
    Some(Table::new(&program.schema, parts))
}

fn nothing(direction: Direction) -> TableParts {
    let Decisions { list, .. } = Decisions::new();
    TableParts {
        direction,
        columns: Vec::new(),
        order: Vec::new(),
        appends: vec![None; list.len()],
        decisions: list,
        links: Vec::new(),
        appendices: Vec::new(),
    }
}

/// What the leaf of an appendix means.
fn holds(leaf: u32) -> Next {
    match leaf {
        0 => Next::Pass,
        _ => Next::Decision(0),
    }
}

/// One layer of the decisions, with this table's decisions as its leaves; 0 where the next layer decides.
fn layer(
    space: &mut Precedence<'_>,
    decided: &RoleDecision,
    layer: usize,
    decisions: &mut Decisions,
) -> Diagram {
    let of = decided.parts.get(layer).copied().unwrap_or(Diagram::ZERO);
    let leaves = space.leaves(of);
    let numbers = leaves
        .iter()
        .map(|leaf| (*leaf, decisions.add(space, decided, *leaf)));
    let numbers: HashMap<u32, u32> = numbers.collect();
    space.diagrams.map(of, &mut |leaf| numbers[&leaf])
}

/// The appends of a profile in one direction, each with where it joins, for each change.
fn appendices(
    space: &mut Precedence<'_>,
    profile: ProfileId,
    changes: &[Change],
) -> Vec<(u32, Vec<Diagram>)> {
    let mut found: Vec<(u32, Vec<Diagram>)> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        for appendix in space.appendices(profile, *change).iter() {
            let place = found.binary_search_by_key(&appendix.append, |(append, _)| *append);
            let place = place.unwrap_or_else(|place| {
                let nowhere = vec![Diagram::ZERO; changes.len()];
                found.insert(place, (appendix.append, nowhere));
                place
            });
            found[place].1[at] = appendix.holds;
        }
    }
    found
}
