//! In: a table's function as diagrams. Out: its rows: few, disjoint, and the same for the same meaning.
//! The paths of a diagram are disjoint and cover everything; searches for the input order with the fewest paths.

use std::collections::HashMap;

use presync_engine::{
    Cells, Column, Decision, FlatDiagram, Link, Origin, Outcome, Schema, StateId, SystemId, Table,
};

use crate::compile::layout::Layout;
use crate::compile::origins::Origins;
use crate::compile::{MAX_ROWS, cubes};
use crate::diagram::{Diagram, paths};

/// Limit of parts with different origins in one row; beyond it, there are no rows.
const MAX_ORIGINS: usize = 1_000;

/// A table as rows, and the texts to append beside them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The inputs that the outcome or a text depends on, in addition to the state entered.
    pub columns: Vec<Column>,
    /// The inputs that only the origin depends on: which of several agreeing rules decides.
    pub origin_columns: Vec<Column>,
    /// They cover every situation exactly once.
    pub rows: Vec<Row>,
    /// In display order.
    pub appendices: Vec<AppendedText>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of the columns.
    pub when: Cells,
    /// The states entered, ascending.
    pub from: Box<[StateId]>,
    pub outcome: Outcome,
    /// The rules that decide this row; the first that matches counts. Several if agreeing rules
    /// share the row, none if it is unmapped.
    pub origins: Vec<OriginPart>,
}

/// A part of a row that is decided by one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginPart {
    /// In the order of the columns, then the origin columns; `None`: as in the row.
    pub when: Cells,
    /// `None`: all states of the row.
    pub from: Option<Box<[StateId]>>,
    pub origin: Origin,
}

/// A text that joins the state that is set, where any of its rows matches. A text can occur twice, but joins once.
#[derive(Debug, Clone, PartialEq)]
pub struct AppendedText {
    pub text: String,
    pub rows: Vec<AppendedRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AppendedRow {
    /// In the order of the columns.
    pub when: Cells,
    /// The states entered, ascending.
    pub from: Box<[StateId]>,
}

/// The rows of a table; `None` if there would be too many.
pub fn rows(schema: &Schema, table: &Table) -> Option<Rows> {
    rows_of(schema, table, table.links())
}

/// The rows of each link of a table, without those for unmapped: the first link with a matching row decides. `None` if
/// there would be too many.
pub fn chain(schema: &Schema, table: &Table) -> Option<Vec<Rows>> {
    let links = table.links().iter().map(|link| {
        let mut rows = rows_of(schema, table, std::slice::from_ref(link))?;
        rows.rows.retain(|row| row.outcome != Outcome::Unmapped);
        Some(rows)
    });
    links.collect()
}

fn rows_of(schema: &Schema, table: &Table, links: &[Link]) -> Option<Rows> {
    let from = table.direction().from();
    if schema.states(from).len() == 0 {
        return Some(Rows::default());
    }
    let (mut layout, texts) = functions(schema, table, links)?;
    let mut first: HashMap<Outcome, u32> = HashMap::new();
    let outcome_of = (0..).zip(table.decisions());
    let outcome_of = outcome_of.map(|(at, decision)| *first.entry(decision.outcome).or_insert(at));
    let outcome_of: Vec<u32> = outcome_of.collect();
    let outcome = layout
        .diagrams
        .map(layout.roots[0], &mut |leaf| outcome_of[leaf as usize]);
    layout.roots.push(outcome);
    let (layout, of_outcome) = layout.with_few_paths(layout.roots.len() - 1, 0)?;
    // The columns that only texts depend on follow.
    let mut order: Vec<u32> = (0..of_outcome as u32).collect();
    let of_texts = &layout.roots[1..layout.roots.len() - 1];
    let support = layout.diagrams.support(of_texts);
    order.extend(
        support
            .into_iter()
            .filter(|variable| *variable as usize >= of_outcome),
    );
    let matter = order.len();
    let all = 0..layout.diagrams.sizes().len() as u32;
    let rest: Vec<u32> = all.filter(|variable| !order.contains(variable)).collect();
    order.extend(rest);
    let layout = layout.reordered(&order, usize::MAX >> 8)?;
    let mut writer = RowWriter {
        table,
        from,
        layout,
        matter,
    };
    if paths::count_paths(&writer.layout.diagrams, writer.outcome()) > MAX_ROWS as f64 {
        return None;
    }
    Some(Rows {
        rows: writer.rows()?,
        appendices: writer.appendices(texts)?,
        columns: writer.layout.inputs[..matter - 1].to_vec(),
        origin_columns: writer.layout.inputs[matter - 1..].to_vec(),
    })
}

/// The decision as the first function, then each text in display order.
pub(super) fn functions(
    schema: &Schema,
    table: &Table,
    links: &[Link],
) -> Option<(Layout, Vec<String>)> {
    let groups = table.appendices();
    let group_of = table.decision_ids().map(|id| table.appended_to(id));
    let group_of: Vec<Option<usize>> = group_of.collect();
    let firsts: Vec<_> = links
        .iter()
        .map(|link| (link, move |leaf| link.first + leaf))
        .collect();
    let holds = |_| 1;
    let mut flat: Vec<(&FlatDiagram, &dyn Fn(u32) -> u32)> = Vec::new();
    for (link, decision) in &firsts {
        flat.push((&link.diagram, decision));
    }
    for appendix in groups.iter().flat_map(|group| group.iter()) {
        flat.push((&appendix.holds, &holds));
    }
    let mut layout = Layout::of_flat(schema, table.direction().from(), table.order(), &flat)?;
    let (roots, appendices) = layout.roots.split_at(links.len());
    let (roots, appendices) = (roots.to_vec(), appendices.to_vec());
    let mut appendices = appendices.into_iter();
    let diagrams = &mut layout.diagrams;
    let root = roots.into_iter().fold(Diagram::ZERO, |decided, link| {
        diagrams.or_else(decided, link)
    });
    let mut texts: Vec<(String, Diagram)> = Vec::new();
    for (group, of_group) in groups.iter().enumerate() {
        let decides = diagrams.map(root, &mut |decision| {
            u32::from(group_of[decision as usize] == Some(group))
        });
        // Texts of different groups never join together: put them at the same places as far as their order allows.
        let mut place = 0;
        for appendix in of_group.iter() {
            let joins = diagrams.and_then(decides, appendices.next()?);
            if joins == Diagram::ZERO {
                continue;
            }
            let known = texts[place..]
                .iter()
                .position(|(text, _)| *text == appendix.text);
            match known {
                Some(at) => {
                    place += at + 1;
                    let known = &mut texts[place - 1].1;
                    *known = diagrams.or_else(*known, joins);
                }
                None => {
                    texts.insert(place, (appendix.text.clone(), joins));
                    place += 1;
                }
            }
        }
    }
    if diagrams.overflowed() {
        return None;
    }
    let (texts, joins): (Vec<String>, Vec<Diagram>) = texts.into_iter().unzip();
    layout.roots = [vec![root], joins].concat();
    Some((layout, texts))
}

/// The functions of a table with the inputs in the order of the columns; inputs that only origins need come last. The last
/// root is the outcome.
struct RowWriter<'t> {
    table: &'t Table,
    from: SystemId,
    layout: Layout,
    /// The number of variables that the outcome or a text depends on, with the state entered.
    matter: usize,
}

impl RowWriter<'_> {
    fn outcome(&self) -> Diagram {
        self.layout.roots[self.layout.roots.len() - 1]
    }

    fn rows(&mut self) -> Option<Vec<Row>> {
        let mut rows = Vec::new();
        let mut known = Origins::default();
        let diagrams = &self.layout.diagrams;
        let found = cubes::disjoint(diagrams, self.outcome(), self.matter, &|_| true);
        for (cube, leaf) in found {
            let outcome = self.table.decisions()[leaf as usize].outcome;
            let origins = if outcome == Outcome::Unmapped {
                Vec::new()
            } else {
                self.origins(&cube, &mut known)?
            };
            let (when, from) = self.cells(&cube);
            rows.push(Row {
                when,
                from,
                outcome,
                origins,
            });
        }
        Some(rows)
    }

    fn appendices(&mut self, texts: Vec<String>) -> Option<Vec<AppendedText>> {
        let outcome = self.outcome();
        let decisions = self.table.decisions();
        let sets = self.layout.diagrams.map(outcome, &mut |leaf| {
            u32::from(decisions[leaf as usize].outcome.commands())
        });
        let mut found = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            let joins = self.layout.roots[at + 1];
            let cubes = cubes::cover(&mut self.layout.diagrams, joins, sets, MAX_ROWS)?;
            let rows = cubes.iter().map(|cube| {
                let (when, from) = self.cells(cube);
                AppendedRow { when, from }
            });
            let rows = rows.collect();
            found.push(AppendedText { text, rows });
        }
        Some(found)
    }

    /// The cells of a cube, and the states entered.
    fn cells(&self, cube: &Cells) -> (Cells, Box<[StateId]>) {
        let mut when: Cells = cube[..self.matter].to_vec();
        let states = when.remove(self.layout.entered);
        let all = || (0..self.layout.diagrams.sizes()[self.layout.entered]).collect();
        let states: Box<[u32]> = states.unwrap_or_else(all);
        (when, self::states(self.from, &states))
    }

    /// The rules that decide within a row; the first matching part counts.
    fn origins(&mut self, row: &Cells, known: &mut Origins) -> Option<Vec<OriginPart>> {
        let (root, entered, from) = (self.layout.roots[0], self.layout.entered, self.from);
        let decisions = self.table.decisions();
        let mut origins = Vec::new();
        let mut add = |mut when: Cells, leaf: u32| {
            let from = when.remove(entered).map(|numbers| states(from, &numbers));
            if let Decision {
                origin: Some(origin),
                ..
            } = &decisions[leaf as usize]
            {
                origins.push(OriginPart {
                    when,
                    from,
                    origin: origin.clone(),
                });
            }
        };
        if let Some(parts) = known.of(&mut self.layout.diagrams, root, row) {
            parts.into_iter().for_each(|(when, leaf)| add(when, leaf));
            return Some(origins);
        }
        // Paths do not overlap, so their order does not matter.
        let mut within = row.clone();
        let complete = paths::paths(
            &self.layout.diagrams,
            root,
            &mut within,
            MAX_ORIGINS,
            &mut |cube, leaf| {
                let narrowed = cube.iter().zip(row);
                add(
                    narrowed
                        .map(|(own, row)| own.clone().filter(|_| own != row))
                        .collect(),
                    leaf,
                );
            },
        );
        complete.then_some(origins)
    }
}

fn states(system: SystemId, numbers: &[u32]) -> Box<[StateId]> {
    numbers
        .iter()
        .map(|number| StateId::from_index(system, *number as usize))
        .collect()
}
