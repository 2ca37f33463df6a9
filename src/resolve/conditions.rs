//! Resolves conditions: names become facts, values, named conditions and state guards.

use crate::errors::{unknown_condition, unknown_value};
use crate::program::{self, Cond, CondId, ConditionSiteId, Conditions, FactId, FactKind, ValueId};
use crate::resolve::declare::NamedCondition;
use crate::resolve::{Atom, Meaning, Resolver, Unknown, dependency_order};
use crate::source::{FileId, Location};
use crate::syntax::tree::{self, ConditionKind};

impl Resolver {
    pub(super) fn resolve_conditions(&mut self, named: &[NamedCondition<'_>]) {
        self.names.conditions = vec![None; named.len()];
        let needs: Vec<Vec<usize>> = named
            .iter()
            .map(|condition| {
                let mut needs = Vec::new();
                self.named_parts(condition.condition, &mut needs);
                needs
            })
            .collect();
        let (order, circles) = dependency_order::dependencies_first(&needs);
        for circle in circles {
            let names: Vec<_> = circle
                .iter()
                .map(|at| {
                    (
                        &*named[*at].name.text,
                        named[*at].declaration.at(named[*at].name.span),
                    )
                })
                .collect();
            self.circle("condition", &names);
        }
        for at in order {
            let condition = &named[at];
            self.owner = Some(condition.id);
            let written =
                self.condition_site(condition.condition, condition.declaration.file, true);
            self.names.conditions[at] = written.map(|(id, _)| id);
        }
        if self.keeps_trees {
            let trees = named.iter().map(|named| {
                let file = named.declaration.file;
                (file, std::sync::Arc::new(named.condition.clone()))
            });
            self.names.condition_trees = trees.collect();
        }
    }

    fn named_parts(&self, condition: &tree::Condition, needs: &mut Vec<usize>) {
        match &condition.kind {
            ConditionKind::And(parts) | ConditionKind::Or(parts) => {
                parts.iter().for_each(|part| self.named_parts(part, needs));
            }
            ConditionKind::Not { inner, .. } => self.named_parts(inner, needs),
            ConditionKind::Name(name) => {
                if let Some(Atom::Condition(at, _)) = self.names.atoms.get(&name.text) {
                    needs.push(*at);
                }
            }
            ConditionKind::Is { .. } | ConditionKind::ByHand(_) => {}
        }
    }

    /// Resolves the condition of a `when` or a `condition` and records it, because lints also check it separately.
    pub(super) fn condition_site(
        &mut self,
        condition: &tree::Condition,
        file: FileId,
        named: bool,
    ) -> Option<(CondId, ConditionSiteId)> {
        let id = self.condition(condition, file)?;
        let location = Location {
            file,
            span: condition.span,
        };
        if !self.replacements.is_empty() {
            let mut known = self.draft.condition_sites.iter();
            let same = |site: &program::ConditionSite| {
                site.condition == id && site.location == location && site.named == named
            };
            if let Some(at) = known.position(same) {
                return Some((id, ConditionSiteId(at as u32)));
            }
        }
        let when = ConditionSiteId(self.draft.condition_sites.len() as u32);
        self.draft.condition_sites.push(program::ConditionSite {
            named,
            condition: id,
            location,
        });
        Some((id, when))
    }

    /// The id of a condition, or `None` if a part does not resolve. Reports all such parts.
    pub(super) fn condition(
        &mut self,
        condition: &tree::Condition,
        file: FileId,
    ) -> Option<CondId> {
        match &condition.kind {
            ConditionKind::And(parts) | ConditionKind::Or(parts) => {
                let ids: Vec<Option<CondId>> = parts
                    .iter()
                    .map(|part| self.condition(part, file))
                    .collect();
                let ids: Box<[CondId]> = ids.into_iter().collect::<Option<_>>()?;
                let is_and = matches!(condition.kind, ConditionKind::And(_));
                Some(self.draft.conditions.intern(if is_and {
                    Cond::And(ids)
                } else {
                    Cond::Or(ids)
                }))
            }
            ConditionKind::Not { times, inner } => {
                let inner = self.condition(inner, file)?;
                Some(if times % 2 == 0 {
                    inner
                } else {
                    self.draft.conditions.intern(Cond::Not(inner))
                })
            }
            ConditionKind::Name(name) => self.bare(name, file),
            ConditionKind::ByHand(name) => self.by_hand(name, file),
            ConditionKind::Is {
                subject,
                negated,
                values,
            } => {
                let id = self.is(subject, values, file)?;
                Some(if *negated {
                    self.draft.conditions.intern(Cond::Not(id))
                } else {
                    id
                })
            }
        }
    }

    fn bare(&mut self, name: &tree::Name, file: FileId) -> Option<CondId> {
        let location = Location {
            file,
            span: name.span,
        };
        match self.names.atoms.get(&name.text).cloned() {
            Some(Atom::Fact(fact, id)) => {
                self.refer(id, location);
                let FactKind::Choice { values, .. } = &self.draft.fact(fact).kind else {
                    return Some(self.draft.conditions.intern(Cond::Flag(fact)));
                };
                let value = values.first().map_or("", String::as_str);
                let error = unknown_condition::is_choice(&name.text, value, location);
                self.error(error);
                None
            }
            Some(Atom::Value(choices)) => {
                self.uses(choices[0].1, file);
                if let [(value, _)] = choices.as_slice() {
                    self.note(location, Meaning::Value(*value));
                    let cond = Cond::Value(value.fact(), [*value].into());
                    return Some(self.draft.conditions.intern(cond));
                }
                let choices = choices
                    .iter()
                    .map(|(value, _)| self.draft.fact(value.fact()).name.as_str());
                let error = unknown_value::of_several(&name.text, choices, location);
                self.error(error);
                None
            }
            Some(Atom::Condition(at, id)) => {
                self.refer(id, location);
                if self.replacements.is_empty() {
                    return self.names.conditions[at];
                }
                // It may ask for the replaced system.
                let (file, condition) = self.names.condition_trees.get(at).cloned()?;
                self.condition(&condition, file)
            }
            Some(Atom::System(..)) => {
                self.error(unknown_condition::is_system(&name.text, location));
                None
            }
            None => {
                self.unknown_condition(name, location);
                None
            }
        }
    }

    fn unknown_condition(&mut self, name: &tree::Name, location: Location) {
        if self.suppresses_unknown_names() {
            return;
        }
        let of = self
            .draft
            .systems
            .iter()
            .find(|system| system.states.iter().any(|state| *state.name == *name.text));
        let help = of.map(|system| unknown_condition::is_state_of(&name.text, &system.name));
        let known = self.atoms(|atom| !matches!(atom, Atom::System(..)) && !self.is_choice(atom));
        let near = presync_engine::nearest(&name.text, known.iter().map(String::as_str));
        let help = match near {
            Some(_) => help,
            None => help.or_else(|| Some(unknown_condition::undeclared(&name.text, &known))),
        };
        self.unknown(Unknown {
            code: &unknown_condition::CODE,
            owner: None,
            what: "condition",
            name: &name.text,
            location,
            known: &|resolver| {
                resolver
                    .atoms(|atom| !matches!(atom, Atom::System(..)) && !resolver.is_choice(atom))
            },
            help,
        });
    }

    /// The names of the conditions, facts, values and systems that `are_meant`, sorted.
    fn atoms(&self, are_meant: impl Fn(&Atom) -> bool) -> Vec<String> {
        let atoms = self.names.atoms.iter().filter(|(_, atom)| are_meant(atom));
        super::sorted(atoms.map(|(name, _)| name.to_string()))
    }

    fn is_choice(&self, atom: &Atom) -> bool {
        matches!(atom, Atom::Fact(fact, _) if self.draft.fact(*fact).kind != FactKind::Flag)
    }

    fn is(&mut self, subject: &tree::Name, values: &[tree::Value], file: FileId) -> Option<CondId> {
        let location = Location {
            file,
            span: subject.span,
        };
        match self.names.atoms.get(&subject.text).cloned() {
            Some(Atom::System(system, id)) => {
                self.refer(id, location);
                let system = self.replaced(system);
                let states = self.states(system, values, file)?;
                Some(
                    self.draft
                        .conditions
                        .intern(Cond::State(system, states.into())),
                )
            }
            Some(Atom::Fact(fact, id)) if self.draft.fact(fact).kind != FactKind::Flag => {
                self.refer(id, location);
                let mut indices = Vec::new();
                let mut complete = true;
                for value in values {
                    match value {
                        tree::Value::Any(_) => indices.extend(self.draft.values(fact)),
                        tree::Value::Name(name) => match self.value(fact, name, file) {
                            Some(index) => indices.push(index),
                            None => complete = false,
                        },
                    }
                }
                indices.sort_unstable();
                indices.dedup();
                complete.then(|| {
                    self.draft
                        .conditions
                        .intern(Cond::Value(fact, indices.into()))
                })
            }
            Some(_) => {
                self.error(unknown_condition::has_no_values(&subject.text, location));
                None
            }
            None => {
                self.unknown(Unknown {
                    code: &unknown_condition::CODE,
                    owner: None,
                    what: "system or choice",
                    name: &subject.text,
                    location,
                    known: &|resolver| {
                        resolver.atoms(|atom| {
                            matches!(atom, Atom::System(..)) || resolver.is_choice(atom)
                        })
                    },
                    help: None,
                });
                None
            }
        }
    }

    /// `lync by hand`
    fn by_hand(&mut self, name: &tree::Name, file: FileId) -> Option<CondId> {
        let location = Location {
            file,
            span: name.span,
        };
        match self.names.atoms.get(&name.text).cloned() {
            Some(Atom::System(system, id)) => {
                self.refer(id, location);
                let system = self.replaced(system);
                Some(self.draft.conditions.intern(Cond::ByHand(system)))
            }
            Some(_) => {
                self.error(unknown_condition::not_by_hand(&name.text, location));
                None
            }
            // Reports an unknown system.
            None => self.system(name, file).and(None),
        }
    }

    /// A value of a choice by name.
    pub(super) fn value(
        &mut self,
        fact: FactId,
        name: &tree::Name,
        file: FileId,
    ) -> Option<ValueId> {
        let FactKind::Choice { values, .. } = &self.draft.fact(fact).kind else {
            return None;
        };
        let found = values.iter().position(|value| **value == *name.text);
        if found.is_none() {
            let (values, fact_name) = (values.clone(), self.draft.fact(fact).name.clone());
            self.unknown(Unknown {
                code: &unknown_value::CODE,
                owner: Some(&fact_name),
                what: "value",
                name: &name.text,
                location: Location {
                    file,
                    span: name.span,
                },
                known: &|_| values.clone(),
                help: None,
            });
        }
        let value = ValueId::from_index(fact, found?);
        let location = Location {
            file,
            span: name.span,
        };
        self.note(location, Meaning::Value(value));
        Some(value)
    }

    /// A flag by name, for `online`.
    pub(super) fn flag(&mut self, name: &tree::Name, file: FileId) -> Option<FactId> {
        // Conditions are not resolved yet.
        if !matches!(self.names.atoms.get(&name.text), Some(Atom::Condition(..))) {
            let id = self.bare(name, file)?;
            if let Cond::Flag(fact) = self.draft.conditions.get(id) {
                return Some(*fact);
            }
        }
        let at = Location {
            file,
            span: name.span,
        };
        self.error(unknown_condition::is_no_flag(&name.text, at));
        None
    }

    /// The conjunction of two conditions.
    pub(super) fn and(&mut self, left: CondId, right: CondId) -> CondId {
        self.draft.conditions.and(left, right)
    }

    pub(super) const ALWAYS: CondId = Conditions::TRUE;
}
