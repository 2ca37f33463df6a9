//! In: a program. Out: the published shape of its tables: one for each profile and direction, which roles share.

use std::collections::HashMap;

use indexmap::IndexMap;
use presync_engine::document::{
    AppendixDocument, BlockDocument, ConditionDocument, DecisionDocument, DirectionDocument,
    Document, OutcomeKind, RoleDocument, RowDocument, TableDocument, When,
};
use presync_engine::document_parts::{diagram, state_names, when};
use presync_engine::{Next, Schema, StateId, Tables, TooComplex};
use rustc_hash::FxBuildHasher;

use crate::compile::layout::Layout;
use crate::compile::{MAX_ROWS, appendices, cubes, holds};
use crate::diagram::paths::PathCells;
use crate::diagram::{Diagram, paths};
use crate::parallel;
use crate::program::{Change, Direction, ProfileId, Program, Target};
use crate::space::Precedence;

/// With at most this many paths, the rows are not worth the search for another order.
const ENOUGH_PATHS: usize = 500;

/// Profiles whose functions are kept at a time.
const CHUNK: usize = 256;

pub(super) fn document(
    space: &mut Precedence<'_>,
    tables: &Tables,
) -> Result<Document, TooComplex> {
    let program = space.program;
    let schema = &program.schema;
    let mut wanted: Vec<(ProfileId, Direction)> = Vec::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            let profiles = program.role(role).profiles.iter();
            wanted.extend(profiles.map(|profile| (*profile, direction)));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    let mut written = Written::default();
    let mut of_profile: HashMap<(ProfileId, Direction), Vec<usize>> = HashMap::new();
    for wanted in wanted.chunks(CHUNK) {
        let drafts: Vec<ProfileDraft> = wanted
            .iter()
            .flat_map(|(profile, direction)| drafts(space, *profile, *direction))
            .collect();
        let (made, _) = parallel::map(&drafts, || (), |(), draft| draft.table(program));
        for (draft, table) in drafts.iter().zip(made) {
            let number = written.tables.insert(table);
            of_profile
                .entry((draft.profile, draft.direction))
                .or_default()
                .push(number);
        }
    }
    let mut roles = Vec::new();
    for role in tables.roles() {
        let mut directions = Vec::new();
        for table in role.tables()? {
            let direction = table.direction();
            let profiles = program.role(role.id()).profiles.iter();
            let of = profiles.filter_map(|profile| of_profile.get(&(*profile, direction)));
            let columns = table.columns().iter();
            let document = DirectionDocument {
                from: schema.system(direction.from()).name.clone(),
                to: schema.system(direction.to()).name.clone(),
                columns: columns
                    .map(|column| schema.column_name(*column).to_owned())
                    .collect(),
                by_hand: Vec::new(),
                own: Vec::new(),
                tables: of.flatten().copied().collect(),
            };
            directions.push(written.directions.insert(document));
        }
        roles.push(RoleDocument {
            name: role.name().to_owned(),
            implicit: role.is_implicit(),
            directions,
        });
    }
    let digest = tables.digest()?;
    let (directions, tables) = (written.directions.list(), written.tables.list());
    let diagrams = |table: &TableDocument| {
        table.diagram.is_some() || table.append.iter().any(|text| text.diagram.is_some())
    };
    let order = if tables.iter().any(diagrams) {
        let columns = space.variables().iter();
        columns
            .map(|column| schema.column_name(*column).to_owned())
            .collect()
    } else {
        Vec::new()
    };
    Ok(Document::new(
        schema, digest, order, roles, directions, tables,
    ))
}

/// Equal tables and directions are written once.
#[derive(Default)]
struct Written {
    directions: Numbered<DirectionDocument>,
    tables: Numbered<TableDocument>,
}

struct Numbered<T>(indexmap::IndexSet<T, FxBuildHasher>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(indexmap::IndexSet::default())
    }
}

impl<T: std::hash::Hash + Eq> Numbered<T> {
    fn insert(&mut self, value: T) -> usize {
        self.0.insert_full(value).0
    }

    fn list(self) -> Vec<T> {
        self.0.into_iter().collect()
    }
}

/// What a profile decides in one direction, or a part of it if it is complex.
struct ProfileDraft {
    profile: ProfileId,
    direction: Direction,
    /// The decision, then where each text joins. A leaf of the decision is a place in `rules` plus one.
    layout: Layout,
    /// Indices of the profile's rules.
    rules: Vec<u32>,
    /// Indices of the profile's appends.
    appends: Vec<u32>,
}

/// The tables of a profile; none if it decides nothing in this direction.
fn drafts(
    space: &mut Precedence<'_>,
    profile: ProfileId,
    direction: Direction,
) -> Vec<ProfileDraft> {
    let program = space.program;
    let changes: Vec<Change> = program.changes(direction).collect();
    let shapes = changes.iter().map(|change| {
        let shape = space.shape(profile, *change)?;
        Some((shape, space.rules_for(profile, *change)))
    });
    let shapes: Vec<_> = shapes.collect();
    let parts = shapes
        .iter()
        .flatten()
        .map(|(shape, _)| shape.decider.len());
    let parts = parts.max().unwrap_or(0);
    let appends = appendices(space, profile, &changes);
    let mut found = Vec::new();
    for part in 0..parts {
        let mut rules: indexmap::IndexSet<u32, FxBuildHasher> = indexmap::IndexSet::default();
        let mut decision = Vec::with_capacity(changes.len());
        // States that the profile treats alike have one function.
        let mut known: HashMap<(*const u32, Diagram), Diagram> = HashMap::new();
        for shape in &shapes {
            let of = shape
                .as_ref()
                .and_then(|(shape, rules)| Some((shape.decider.get(part)?, rules)));
            decision.push(match of {
                Some((part, candidates)) => {
                    let space = &mut *space;
                    let rules = &mut rules;
                    let made = known.entry((candidates.as_ptr(), *part));
                    *made.or_insert_with(|| {
                        let leaf = &mut |leaf: u32| match leaf.checked_sub(1) {
                            Some(at) => rules.insert_full(candidates[at as usize]).0 as u32 + 1,
                            None => 0,
                        };
                        space.diagrams.map(*part, leaf)
                    })
                }
                None => Diagram::ZERO,
            });
        }
        let mut functions = vec![decision];
        functions.extend(appends.iter().map(|(_, function)| function.clone()));
        if let Some(layout) = Layout::of_space(space, &functions) {
            found.push(ProfileDraft {
                profile,
                direction,
                layout,
                rules: rules.into_iter().collect(),
                appends: appends.iter().map(|(append, _)| *append).collect(),
            });
        }
    }
    found
}

impl ProfileDraft {
    fn table(&self, program: &Program) -> TableDocument {
        let schema = &*program.schema;
        let decisions = self.rules.iter().map(|rule| self.decision(program, *rule));
        let decisions: Vec<DecisionDocument> = decisions.collect();
        let few = self
            .layout
            .with_few_paths(0, ENOUGH_PATHS)
            .map(|(layout, _)| layout);
        let few = few.filter(|layout| {
            paths::count_paths(&layout.diagrams, layout.roots[0]) <= MAX_ROWS as f64
        });
        let name = |system| program.system(system).name.clone();
        let mut document = TableDocument {
            from: name(self.direction.from()),
            to: name(self.direction.to()),
            profile: Some(program.profile(self.profile).name.clone()),
            ..TableDocument::default()
        };
        match few
            .as_ref()
            .and_then(|layout| Some((layout, self.rows(layout)?)))
        {
            Some((layout, found)) => {
                let conditions = found.iter().map(|(cells, _)| cells);
                let (always, conditions) = factor(self.conditions(schema, layout, conditions));
                document.when = always;
                let mut blocks: IndexMap<When, BlockDocument, FxBuildHasher> = IndexMap::default();
                for ((_, leaf), condition) in found.iter().zip(conditions) {
                    let decision = &decisions[*leaf as usize - 1];
                    let row = RowDocument {
                        from: condition.from,
                        outcome: decision.outcome,
                        state: decision.state.clone(),
                        rule: decision.rule.clone(),
                    };
                    let block = blocks.entry(condition.when);
                    let block = block.or_insert_with_key(|when| BlockDocument {
                        when: when.clone(),
                        ..BlockDocument::default()
                    });
                    block.rows.push(row);
                }
                document.blocks = blocks.into_values().collect();
            }
            None => {
                let flat =
                    self.layout
                        .flatten(self.layout.roots[0], |leaf| match leaf.checked_sub(1) {
                            Some(decision) => Next::Decision(decision),
                            None => Next::Pass,
                        });
                document.diagram = Some(diagram(schema, &flat));
                document.decisions = decisions;
            }
        }
        document.append = self.texts(program, few);
        document
    }

    fn rows(&self, layout: &Layout) -> Option<Vec<(PathCells, u32)>> {
        let all = layout.diagrams.sizes().len();
        cubes::disjoint(
            &layout.diagrams,
            layout.roots[0],
            all,
            &|leaf| leaf != 0,
            usize::MAX,
        )
    }

    fn decision(&self, program: &Program, rule: u32) -> DecisionDocument {
        let rule = &program.profile(self.profile).rules[rule as usize];
        let (outcome, state) = match rule.target {
            Target::Set(state) => (OutcomeKind::Set, Some(program.state(state).name.clone())),
            Target::Unchanged => (OutcomeKind::Unchanged, None),
        };
        let location = program.rule_source(rule.source).location;
        let rule = Some(program.sources.file_line(location));
        DecisionDocument {
            outcome,
            state,
            rule,
        }
    }

    /// The texts, without those that never join.
    fn texts(&self, program: &Program, layout: Option<Layout>) -> Vec<AppendixDocument> {
        let schema = &*program.schema;
        let profile = program.profile(self.profile);
        let sets = |leaf: u32| {
            let rule = leaf.checked_sub(1).map(|place| self.rules[place as usize]);
            rule.is_some_and(|rule| matches!(profile.rules[rule as usize].target, Target::Set(_)))
        };
        let mut layout = layout;
        let mut found = Vec::new();
        for (at, append) in self.appends.iter().enumerate() {
            let mut appendix = AppendixDocument {
                text: profile.appends[*append as usize].text.clone(),
                rows: None,
                diagram: None,
            };
            let rows = layout.as_mut().and_then(|layout| {
                let root = layout.roots[0];
                let sets = layout.diagrams.map(root, &mut |leaf| u32::from(sets(leaf)));
                let joins = layout.diagrams.and_then(sets, layout.roots[at + 1]);
                let cubes = cubes::cover(&mut layout.diagrams, joins, sets, MAX_ROWS)?;
                Some(self.conditions(schema, layout, cubes.iter()))
            });
            match rows {
                Some(rows) if rows.is_empty() => continue,
                Some(rows) if rows.contains(&ConditionDocument::default()) => {}
                Some(rows) => appendix.rows = Some(rows),
                None => {
                    let root = self.layout.roots[at + 1];
                    appendix.diagram = Some(diagram(schema, &self.layout.flatten(root, holds)));
                }
            }
            found.push(appendix);
        }
        found
    }

    fn conditions<'c>(
        &self,
        schema: &Schema,
        layout: &Layout,
        cubes: impl Iterator<Item = &'c PathCells>,
    ) -> Vec<ConditionDocument> {
        let entered = layout.entered;
        let from = self.direction.from();
        let conditions = cubes.map(|cells| {
            let others = cells.iter().enumerate().filter(|(at, _)| *at != entered);
            let columns = layout.inputs.iter().copied();
            let columns = columns.zip(others.map(|(_, values)| values.as_deref()));
            let states = cells[entered].as_ref().map(|values| {
                let states = values.iter();
                state_names(
                    schema,
                    states.map(|at| StateId::from_index(from, *at as usize)),
                )
            });
            ConditionDocument {
                when: when(schema, columns),
                from: states,
                ..ConditionDocument::default()
            }
        });
        conditions.collect()
    }
}

/// The values that all conditions require, and the rest of each.
fn factor(mut conditions: Vec<ConditionDocument>) -> (When, Vec<ConditionDocument>) {
    let mut always = conditions
        .first()
        .map(|first| first.when.clone())
        .unwrap_or_default();
    always.retain(|name, values| {
        conditions
            .iter()
            .all(|condition| condition.when.get(name) == Some(values))
    });
    for condition in &mut conditions {
        condition.when.retain(|name, _| !always.contains_key(name));
    }
    (always, conditions)
}
