//! In: a program. Out: its tables, exact, without enumerating situations.
//! Errors: a role whose conditions are too complex for the diagrams; the checker rejects most of them earlier.

mod column_order;
mod columns;
mod crosstab;
mod cubes;
mod decisions;
mod document;
mod layout;
mod origins;
mod rows;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use presync_engine::document::Document;
use presync_engine::{Appendix, Link, Table, TableParts, TableSource, Tables, TooComplex};

use crate::compile::decisions::Decisions;
use crate::compile::layout::Layout;
use crate::diagram::Diagram;
use crate::program::{Change, Direction, ProfileId, Program, RoleId};
use crate::space::{DetachedPrecedence, Precedence, RoleDecision};
use crate::stack::deep;

pub use crosstab::{
    Crosstab, CrosstabConditions, CrosstabException, CrosstabPart, CrosstabRow, crosstab,
};
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
    if changes.is_empty() {
        // A system without states.
        return Some(Table::new(&program.schema, TableParts::unmapped(direction)));
    }
    let mut decisions = Decisions::new();
    let mut functions = layers(space, role, &changes, &mut decisions);
    let layers = functions.len();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for profile in program.role(role).profiles.iter().copied() {
        if decisions.setting.contains(&Some(profile)) {
            let appends = appendices(space, profile, &changes);
            if !appends.is_empty() {
                let all = &program.profile(profile).appends;
                let texts = appends.iter();
                let texts = texts.map(|(append, _)| all[*append as usize].text.as_str());
                groups.push((profile, texts.collect()));
                functions.extend(appends.into_iter().map(|(_, function)| function));
            }
        }
    }
    if space.diagrams.overflowed() {
        return None;
    }
    let mut layout = Layout::of_space(space, &functions)?;
    let columns = columns::columns(&mut layout, layers, &decisions, &groups);
    let (links, holds) = layout.roots.split_at(layers);
    let links = links.iter().map(|root| Link {
        diagram: Arc::new(layout.flatten(*root)),
        first: 1,
    });
    let mut holds = holds.iter();
    let appendices = groups.iter().map(|(_, texts)| {
        let all = texts.iter().zip(&mut holds);
        let all = all.map(|(text, root)| Appendix {
            text: (*text).to_owned(),
            holds: layout.flatten(*root),
        });
        all.collect()
    });
    let appends = decisions.setting.iter().map(|setting| {
        let group = groups
            .iter()
            .position(|(profile, _)| Some(*profile) == *setting);
        group.map(|group| group as u32)
    });
    let parts = TableParts {
        direction,
        columns: columns.into_iter().collect(),
        order: layout.inputs.clone(),
        links: links.collect(),
        appendices: appendices.collect(),
        appends: appends.collect(),
        brings_back: decisions
            .list
            .iter()
            .any(|decision| decision.outcome == presync_engine::Outcome::Previous),
        decisions: decisions.list,
    };
    Some(Table::new(&program.schema, parts))
}

/// A profile with the texts that it appends, in order.
type Group<'p> = (ProfileId, Vec<&'p str>);

/// What a role decides, for each change: the first layer that is not 0 decides. There is at least one.
fn layers(
    space: &mut Precedence<'_>,
    role: RoleId,
    changes: &[Change],
    decisions: &mut Decisions,
) -> Vec<Vec<Diagram>> {
    let decided = changes.iter().map(|change| space.decision(role, *change));
    let decided: Vec<RoleDecision> = decided.collect();
    // States that the role treats alike have one function, which the first of them makes.
    let first = changes.iter();
    let first = first.map(|change| space.representative(role, *change).entered().index());
    let first: Vec<usize> = first.collect();
    let count = decided.iter().map(|decided| decided.parts.len()).max();
    let mut layers = Vec::new();
    for layer in 0..count.unwrap_or(0).max(1) {
        let mut functions: Vec<Diagram> = Vec::with_capacity(decided.len());
        for (at, decided) in decided.iter().enumerate() {
            let known = functions.get(first[at]).copied();
            let made = known.unwrap_or_else(|| self::layer(space, decided, layer, decisions));
            functions.push(made);
        }
        layers.push(functions);
    }
    layers
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
