//! In: a program. Out: the published shape of its tables: one for each profile and direction, which roles share.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};
use presync_engine::document::{
    AppendixDocument, BlockDocument, ByHand, ConditionDocument, DecisionDocument,
    DirectionDocument, Document, OutcomeKind, RoleDocument, RowDocument, TableDocument, When,
};
use presync_engine::document_parts::{diagram, input, state_names, when};
use presync_engine::{Column, Schema, StateId, Tables, TooComplex};
use rustc_hash::FxBuildHasher;

use crate::compile::layout::Layout;
use crate::compile::{MAX_ROWS, appendices, cubes};
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
    // Equal tables and directions are written once.
    let mut written: IndexSet<TableDocument, FxBuildHasher> = IndexSet::default();
    let mut directions: IndexSet<DirectionDocument, FxBuildHasher> = IndexSet::default();
    let mut of_profile: HashMap<(ProfileId, Direction), Vec<usize>> = HashMap::new();
    for wanted in wanted.chunks(CHUNK) {
        let mut all: Vec<ProfileDraft> = Vec::new();
        for (profile, direction) in wanted {
            let of_profile = drafts(space, *profile, *direction);
            all.extend(of_profile.ok_or_else(|| too_complex(program, *profile))?);
        }
        let (made, _) = parallel::map(&all, || (), |(), draft| draft.table(program));
        for (draft, table) in all.iter().zip(made) {
            let number = written.insert_full(table).0;
            of_profile
                .entry((draft.profile, draft.direction))
                .or_default()
                .push(number);
        }
    }
    let mut roles = Vec::new();
    for role in tables.roles() {
        let mut of_role = Vec::new();
        for table in role.tables()? {
            let direction = table.direction();
            let profiles = program.role(role.id()).profiles.iter();
            let of = profiles.filter_map(|profile| of_profile.get(&(*profile, direction)));
            let columns = |by_hand: bool| {
                let columns = table.columns().iter();
                let wanted =
                    columns.filter(move |column| matches!(column, Column::ByHand(_)) == by_hand);
                wanted.map(|column| schema.column_name(*column).to_owned())
            };
            let to = &schema.system(direction.to()).name;
            let own = table.brings_back();
            let document = DirectionDocument {
                from: schema.system(direction.from()).name.clone(),
                to: to.clone(),
                columns: columns(false).collect(),
                by_hand: columns(true).collect(),
                own: own.then(|| to.clone()).into_iter().collect(),
                tables: of.flatten().copied().collect(),
            };
            of_role.push(directions.insert_full(document).0);
        }
        roles.push(RoleDocument {
            name: role.name().to_owned(),
            implicit: role.is_implicit(),
            default: schema.role(role.id()).default,
            directions: of_role,
        });
    }
    let digest = tables.digest()?;
    let (directions, tables) = (directions.into_iter().collect(), Vec::from_iter(written));
    let diagrams = |table: &TableDocument| {
        table.diagram.is_some() || table.append.iter().any(|text| text.diagram.is_some())
    };
    let order = if tables.iter().any(diagrams) {
        let columns = space.variables().iter();
        columns.map(|column| input(schema, *column)).collect()
    } else {
        Vec::new()
    };
    Ok(Document::new(
        schema, digest, order, roles, directions, tables,
    ))
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

/// A role that uses a profile whose diagrams overflow.
fn too_complex(program: &Program, profile: ProfileId) -> TooComplex {
    let mut roles = program.role_ids();
    let role = roles.find(|role| program.role(*role).profiles.contains(&profile));
    TooComplex {
        role: role.map_or("", |role| program.role_name(role)).to_owned(),
    }
}

/// The tables of a profile, none if it decides nothing in this direction; `None` if its diagrams overflow.
fn drafts(
    space: &mut Precedence<'_>,
    profile: ProfileId,
    direction: Direction,
) -> Option<Vec<ProfileDraft>> {
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
        let mut rules: IndexSet<u32, FxBuildHasher> = IndexSet::default();
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
        found.push(ProfileDraft {
            profile,
            direction,
            layout: Layout::of_space(space, &functions)?,
            rules: rules.into_iter().collect(),
            appends: appends.iter().map(|(append, _)| *append).collect(),
        });
    }
    (!space.diagrams.overflowed()).then_some(found)
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
        match &few {
            Some(layout) => {
                let found = cubes::disjoint(
                    &layout.diagrams,
                    layout.roots[0],
                    layout.diagrams.sizes().len(),
                    &|leaf| leaf != 0,
                );
                let conditions = found.iter().map(|(cells, _)| cells);
                let (always, conditions) = factor(self.conditions(schema, layout, conditions));
                document.when = always;
                let mut blocks: IndexMap<(When, ByHand), BlockDocument, FxBuildHasher> =
                    IndexMap::default();
                for ((_, leaf), condition) in found.iter().zip(conditions) {
                    let decision = &decisions[*leaf as usize - 1];
                    let row = RowDocument {
                        from: condition.from,
                        outcome: decision.outcome,
                        state: decision.state.clone(),
                        rule: decision.rule.clone(),
                    };
                    let block = blocks.entry((condition.when, condition.by_hand));
                    let block = block.or_insert_with_key(|(when, by_hand)| BlockDocument {
                        when: when.clone(),
                        by_hand: by_hand.clone(),
                        rows: Vec::new(),
                    });
                    block.rows.push(row);
                }
                document.blocks = blocks.into_values().collect();
            }
            None => {
                let flat = self.layout.flatten(self.layout.roots[0]);
                document.diagram = Some(diagram(schema, &flat));
                document.decisions = decisions;
            }
        }
        document.append = self.texts(program, few);
        document
    }

    fn decision(&self, program: &Program, rule: u32) -> DecisionDocument {
        let rule = &program.profile(self.profile).rules[rule as usize];
        let (outcome, state) = match rule.target {
            Target::Set(state) => (OutcomeKind::Set, Some(program.state(state).name.clone())),
            Target::Previous => (OutcomeKind::Previous, None),
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
            rule.is_some_and(|rule| profile.rules[rule as usize].target != Target::Unchanged)
        };
        let mut layout = layout.map(|mut layout| {
            let root = layout.roots[0];
            let sets = layout.diagrams.map(root, &mut |leaf| u32::from(sets(leaf)));
            (layout, sets)
        });
        let mut found = Vec::new();
        for (at, append) in self.appends.iter().enumerate() {
            let mut appendix = AppendixDocument {
                text: profile.appends[*append as usize].text.clone(),
                rows: None,
                diagram: None,
            };
            let rows = layout.as_mut().and_then(|(layout, sets)| {
                let joins = layout.diagrams.and_then(*sets, layout.roots[at + 1]);
                let cubes = cubes::cover(&mut layout.diagrams, joins, *sets, MAX_ROWS)?;
                Some(self.conditions(schema, layout, cubes.iter()))
            });
            match rows {
                Some(rows) if rows.is_empty() => continue,
                Some(rows) if rows.contains(&ConditionDocument::default()) => {}
                Some(rows) => appendix.rows = Some(rows),
                None => {
                    let root = self.layout.roots[at + 1];
                    appendix.diagram = Some(diagram(schema, &self.layout.flatten(root)));
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
            let (when, by_hand) = when(schema, columns);
            ConditionDocument {
                when,
                by_hand,
                from: states,
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
