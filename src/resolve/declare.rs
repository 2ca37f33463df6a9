//! Declares flags, choices and conditions, which share a namespace with systems.

use crate::errors::{duplicate_definition, unknown_value};
use crate::program::{self, DeclaredKind, FactId, FactKind, ValueId};
use crate::resolve::limits;
use crate::resolve::{Atom, Resolver, TreeDeclaration};
use crate::source::Location;
use crate::syntax::tree::{self, DeclarationKind};

/// A named condition that is not resolved yet.
pub(super) struct NamedCondition<'a> {
    pub name: &'a tree::Name,
    pub condition: &'a tree::Condition,
    pub declaration: TreeDeclaration<'a>,
    pub id: program::DeclaredId,
}

impl Resolver {
    /// Declares flags, choices and conditions, and returns the conditions in order of their indices.
    pub(super) fn declare_facts<'a>(
        &mut self,
        declared: &[TreeDeclaration<'a>],
    ) -> Vec<NamedCondition<'a>> {
        let mut conditions = Vec::new();
        for declaration in declared {
            match &declaration.node.kind {
                DeclarationKind::Flag(name) => self.declare_flag(name, *declaration),
                DeclarationKind::Choice {
                    name,
                    values,
                    default,
                } => {
                    self.declare_choice(name, values, default.as_ref(), *declaration);
                }
                DeclarationKind::Condition { name, condition } => {
                    let location = declaration.at(name.span);
                    if self.declare_atom_name(name, location) {
                        let id = self.declared(DeclaredKind::Condition, name, *declaration);
                        self.names
                            .atoms
                            .insert(name.text.clone(), Atom::Condition(conditions.len(), id));
                        conditions.push(NamedCondition {
                            name,
                            condition,
                            declaration: *declaration,
                            id,
                        });
                    }
                }
                _ => {}
            }
        }
        conditions
    }

    /// Whether another flag or choice is kept. One above the limit is, so that it can be reported.
    fn has_room_for_fact(&mut self) -> bool {
        let has_room = self.draft.facts.len() <= limits::MAX_FACTS;
        self.names.incomplete |= !has_room;
        has_room
    }

    fn declare_flag(&mut self, name: &tree::Name, declaration: TreeDeclaration<'_>) {
        let location = declaration.at(name.span);
        if self.declare_atom_name(name, location) && self.has_room_for_fact() {
            let id = self.declared(DeclaredKind::Flag, name, declaration);
            let fact = self.add_fact(name, FactKind::Flag, location);
            self.names
                .atoms
                .insert(name.text.clone(), Atom::Fact(fact, id));
        }
    }

    fn declare_choice(
        &mut self,
        name: &tree::Name,
        values: &[tree::Name],
        default: Option<&tree::Name>,
        declaration: TreeDeclaration<'_>,
    ) {
        let location = declaration.at(name.span);
        if !self.declare_atom_name(name, location) || !self.has_room_for_fact() {
            return;
        }
        let declared = self.declared(DeclaredKind::Choice, name, declaration);
        let mut texts: Vec<String> = Vec::with_capacity(values.len());
        let fact = FactId::from_index(self.draft.facts.len());
        self.names
            .atoms
            .insert(name.text.clone(), Atom::Fact(fact, declared));
        for value in values {
            let known = self.names.atoms.get(&value.text);
            if matches!(known, Some(Atom::Value(choices)) if choices.last().is_some_and(|(of, _)| of.fact() == fact))
            {
                let first = values
                    .iter()
                    .find(|first| first.text == value.text)
                    .map_or(value.span, |first| first.span);
                let again = declaration.at(value.span);
                let first = declaration.at(first);
                let error = duplicate_definition::value(&value.text, &name.text, first, again);
                self.error(error);
                continue;
            }
            let id = ValueId::from_index(fact, texts.len().min(limits::MAX_VALUES));
            texts.push(value.text.to_string());
            match self.names.atoms.get_mut(&value.text) {
                Some(Atom::Value(choices)) => choices.push((id, declared)),
                Some(_) => {
                    let first = self.atom_location(&value.text);
                    self.duplicate("the name", &value.text, first, declaration.at(value.span));
                }
                None => {
                    self.names
                        .atoms
                        .insert(value.text.clone(), Atom::Value(vec![(id, declared)]));
                }
            }
        }
        let default = default.and_then(|default| {
            let found = texts.iter().position(|text| **text == *default.text);
            if found.is_none() {
                self.unknown(super::Unknown {
                    code: &unknown_value::CODE,
                    owner: Some(&name.text),
                    what: "value",
                    name: &default.text,
                    location: declaration.at(default.span),
                    known: &|_| texts.clone(),
                    help: None,
                });
            }
            found.map(|at| at as u32)
        });
        self.add_fact(
            name,
            FactKind::Choice {
                values: texts,
                default,
            },
            location,
        );
    }

    fn add_fact(&mut self, name: &tree::Name, kind: FactKind, location: Location) -> FactId {
        let id = FactId::from_index(self.draft.facts.len());
        self.draft.facts.push(program::Fact {
            name: name.text.to_string(),
            kind,
        });
        self.draft.fact_locations.push(location);
        id
    }

    /// Whether the name is free in the namespace of facts, values, conditions and systems; reports it if not.
    pub(super) fn declare_atom_name(&mut self, name: &tree::Name, location: Location) -> bool {
        if !self.names.atoms.contains_key(&name.text) {
            return true;
        }
        let first = self.atom_location(&name.text);
        self.duplicate("the name", &name.text, first, location);
        false
    }

    fn atom_location(&self, name: &str) -> Location {
        let id = match &self.names.atoms[name] {
            Atom::System(_, id) | Atom::Fact(_, id) | Atom::Condition(_, id) => *id,
            Atom::Value(choices) => choices[0].1,
        };
        self.draft.declared[id.index()].location
    }
}
