//! Flags, choices and conditions: the names that share a space with the systems.

use crate::diagnostic::Diagnostic;
use crate::program::{self, DeclaredKind, FactId, FactKind};
use crate::resolve::{Atom, Checker, Declared};
use crate::source::Location;
use crate::syntax::tree::{self, DeclarationKind};

/// A named condition that is still to be resolved.
pub(super) struct NamedCondition<'a> {
    pub name: &'a tree::Name,
    pub condition: &'a tree::Condition,
    pub declaration: Declared<'a>,
    pub id: program::DeclaredId,
}

impl Checker {
    /// Declares flags, choices and conditions, and returns the conditions in the order of their indices.
    pub(super) fn declare_facts<'a>(
        &mut self,
        declared: &[Declared<'a>],
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

    fn declare_flag(&mut self, name: &tree::Name, declaration: Declared<'_>) {
        let location = declaration.at(name.span);
        if self.declare_atom_name(name, location) {
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
        declaration: Declared<'_>,
    ) {
        let location = declaration.at(name.span);
        if !self.declare_atom_name(name, location) {
            return;
        }
        let id = self.declared(DeclaredKind::Choice, name, declaration);
        let mut texts: Vec<String> = Vec::with_capacity(values.len());
        let fact = FactId(self.program.facts.len() as u32);
        self.names
            .atoms
            .insert(name.text.clone(), Atom::Fact(fact, id));
        for value in values {
            let known = self.names.atoms.get(&value.text);
            if matches!(known, Some(Atom::Value(choices)) if choices.last().is_some_and(|(of, ..)| *of == fact))
            {
                let first = values
                    .iter()
                    .find(|first| first.text == value.text)
                    .map_or(value.span, |first| first.span);
                let error = Diagnostic::error(
                    "duplicate-definition",
                    format!("value `{}` stands twice in `{}`", value.text, name.text),
                )
                .label(declaration.at(value.span), "listed again here")
                .label(declaration.at(first), "first listed here")
                .help("delete one of them");
                self.error(error);
                continue;
            }
            let index = texts.len() as u32;
            texts.push(value.text.to_string());
            match self.names.atoms.get_mut(&value.text) {
                Some(Atom::Value(choices)) => choices.push((fact, index, id)),
                Some(_) => {
                    let first = self.atom_location(&value.text);
                    self.duplicate("the name", &value.text, first, declaration.at(value.span));
                }
                None => {
                    self.names
                        .atoms
                        .insert(value.text.clone(), Atom::Value(vec![(fact, index, id)]));
                }
            }
        }
        let default = default.and_then(|default| {
            let found = texts.iter().position(|text| **text == *default.text);
            if found.is_none() {
                self.unknown(super::Unknown {
                    code: "unknown-value",
                    what: &format!("value of `{}`", name.text),
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
        self.program.facts.push(program::Fact {
            name: name.text.to_string(),
            kind,
            location,
        });
        FactId(self.program.facts.len() as u32 - 1)
    }

    /// Whether the name is free in the space of facts, values, conditions and systems; reports it if not.
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
            Atom::Value(choices) => choices[0].2,
        };
        self.program.declared[id.index()].location
    }
}
