//! The meaning of every name in a program, for editors. In: what the resolver found. Out: trees, declarations and all
//! occurrences of names. The index takes as much memory as the program itself, so it is built only on request
//! ([`check_with_index`](crate::check_with_index)).

use std::collections::BTreeMap;

use crate::program::{self, Declared, DeclaredId, Fact, StateId, System, SystemSource, ValueId};
use crate::resolve::draft::Draft;
use crate::source::{FileId, Location};
use crate::syntax::tree;

/// The trees of a check and the meaning of the names in them, whether or not there are errors.
#[derive(Debug, Default)]
pub struct Index {
    /// By file; each includes everything that parses around errors.
    pub trees: Vec<tree::File>,
    /// By [`DeclaredId`].
    pub declared: Vec<Declared>,
    /// Sorted by location. Includes the names that declarations introduce.
    pub occurrences: Vec<Occurrence>,
    systems: Vec<System>,
    system_sources: Vec<SystemSource>,
    facts: Vec<Fact>,
    value_locations: BTreeMap<ValueId, Location>,
    attribute_locations: BTreeMap<AttributeId, Location>,
}

/// A name in the source, with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    pub location: Location,
    pub meaning: Meaning,
}

/// The meaning of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// A system, group, fact, condition, mapping, profile or role.
    Declared(DeclaredId),
    State(StateId),
    /// A value of a choice.
    Value(ValueId),
    Attribute(AttributeId),
}

/// An attribute of a system's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId {
    system: program::SystemId,
    number: u32,
}

impl Index {
    pub(super) fn new(trees: Vec<tree::File>) -> Self {
        Self {
            trees,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, location: Location, meaning: Meaning) {
        self.occurrences.push(Occurrence { location, meaning });
    }

    /// Completes the index once everything is resolved.
    pub(super) fn finish(mut self, draft: &Draft) -> Self {
        self.declared.clone_from(&draft.declared);
        self.systems.clone_from(&draft.systems);
        self.system_sources.clone_from(&draft.system_sources);
        self.facts.clone_from(&draft.facts);
        for (at, declared) in (0..).zip(&draft.declared) {
            self.note(declared.location, Meaning::Declared(DeclaredId(at)));
        }
        let systems = (0..)
            .map(program::SystemId::from_index)
            .zip(&draft.system_sources);
        for (system, source) in systems {
            for (at, state) in source.states.iter().enumerate() {
                let id = StateId::from_index(system, at);
                self.note(state.location, Meaning::State(id));
            }
        }
        self.values_of_choices();
        self.attributes_of_systems();
        self.occurrences.sort_unstable();
        self.occurrences.dedup();
        self
    }

    /// Notes the values that choices declare, and those they name as default.
    fn values_of_choices(&mut self) {
        let trees = std::mem::take(&mut self.trees);
        for (file, tree) in (0..).map(FileId).zip(&trees) {
            for declaration in &tree.declarations {
                let tree::DeclarationKind::Choice {
                    name,
                    values,
                    default,
                } = &declaration.kind
                else {
                    continue;
                };
                let known = self.facts.iter().position(|fact| fact.name == *name.text);
                let Some(fact) = known.map(program::FactId::from_index) else {
                    continue;
                };
                let program::FactKind::Choice { values: known, .. } =
                    self.facts[fact.index()].kind.clone()
                else {
                    continue;
                };
                for value in values {
                    // Ids are in order of names.
                    let Some(at) = known.iter().position(|known| **known == *value.text) else {
                        continue;
                    };
                    let id = ValueId::from_index(fact, at);
                    let location = |span| Location { file, span };
                    self.value_locations
                        .entry(id)
                        .or_insert(location(value.span));
                    self.note(location(value.span), Meaning::Value(id));
                    if let Some(default) = default.as_ref().filter(|name| name.text == value.text) {
                        self.note(location(default.span), Meaning::Value(id));
                    }
                }
            }
        }
        self.trees = trees;
    }

    /// Notes attributes: systems and extensions declare them, states have them, and groups select by them.
    fn attributes_of_systems(&mut self) {
        let trees = std::mem::take(&mut self.trees);
        for (file, tree) in (0..).map(FileId).zip(&trees) {
            for declaration in &tree.declarations {
                match &declaration.kind {
                    tree::DeclarationKind::System { name, items, .. }
                    | tree::DeclarationKind::Extend {
                        system: name,
                        items,
                    } => {
                        for item in items {
                            match item {
                                tree::SystemItem::Attributes(names) => {
                                    names.iter().for_each(|named| {
                                        self.attribute(name, named, file, true);
                                    });
                                }
                                tree::SystemItem::State(state) => {
                                    state.attributes.iter().for_each(|named| {
                                        self.attribute(name, named, file, false);
                                    });
                                }
                                tree::SystemItem::Online { .. }
                                | tree::SystemItem::Text { .. }
                                | tree::SystemItem::Echo { .. } => {}
                            }
                        }
                    }
                    tree::DeclarationKind::Group { system, terms, .. } => {
                        for term in terms {
                            if let tree::GroupTerm::All { attribute, .. } = term {
                                self.attribute(system, attribute, file, false);
                            }
                        }
                    }
                    tree::DeclarationKind::Use(_)
                    | tree::DeclarationKind::Flag(_)
                    | tree::DeclarationKind::Choice { .. }
                    | tree::DeclarationKind::Condition { .. }
                    | tree::DeclarationKind::Mapping { .. }
                    | tree::DeclarationKind::Profile { .. }
                    | tree::DeclarationKind::Role { .. }
                    | tree::DeclarationKind::Test { .. }
                    | tree::DeclarationKind::Scenario { .. } => {}
                }
            }
        }
        self.trees = trees;
    }

    /// Notes an attribute if the system has it.
    fn attribute(&mut self, system: &tree::Name, name: &tree::Name, file: FileId, declares: bool) {
        let Some(at) = self
            .systems
            .iter()
            .position(|known| known.name == *system.text)
        else {
            return;
        };
        let attributes = &self.systems[at].attributes;
        let Some(number) = attributes.iter().position(|known| **known == *name.text) else {
            return;
        };
        let id = AttributeId {
            system: program::SystemId::from_index(at),
            number: number as u32,
        };
        let location = Location {
            file,
            span: name.span,
        };
        if declares {
            self.attribute_locations.entry(id).or_insert(location);
        }
        self.note(location, Meaning::Attribute(id));
    }

    /// The name at a byte offset of a file, with its meaning. The offset right after a name counts too.
    pub fn at(&self, file: FileId, byte: u32) -> Option<Occurrence> {
        let after = self.occurrences.partition_point(|occurrence| {
            (occurrence.location.file, occurrence.location.span.start) <= (file, byte)
        });
        let found = *self.occurrences[..after].last()?;
        let here = found.location.file == file && byte <= found.location.span.end;
        here.then_some(found)
    }

    /// Where something is declared.
    pub fn definition(&self, meaning: Meaning) -> Option<Location> {
        match meaning {
            Meaning::Declared(id) => Some(self.declared.get(id.index())?.location),
            Meaning::State(id) => {
                let system = self.system_sources.get(id.system().index())?;
                Some(system.states.get(id.index())?.location)
            }
            Meaning::Value(id) => self.value_locations.get(&id).copied(),
            Meaning::Attribute(id) => self.attribute_locations.get(&id).copied(),
        }
    }

    /// Its name, without quotes.
    pub fn name(&self, meaning: Meaning) -> Option<&str> {
        match meaning {
            Meaning::Declared(id) => Some(&self.declared.get(id.index())?.name),
            Meaning::State(id) => {
                let system = self.systems.get(id.system().index())?;
                Some(&system.states.get(id.index())?.name)
            }
            Meaning::Value(id) => match &self.facts.get(id.fact().index())?.kind {
                program::FactKind::Choice { values, .. } => {
                    values.get(id.index()).map(String::as_str)
                }
                program::FactKind::Flag => None,
            },
            Meaning::Attribute(id) => {
                let system = self.systems.get(id.system.index())?;
                system
                    .attributes
                    .get(id.number as usize)
                    .map(String::as_str)
            }
        }
    }

    /// The system of a state or attribute, or the choice of a value.
    pub fn owner(&self, meaning: Meaning) -> Option<&str> {
        let system = |id: program::SystemId| Some(self.systems.get(id.index())?.name.as_str());
        match meaning {
            Meaning::Declared(_) => None,
            Meaning::State(id) => system(id.system()),
            Meaning::Value(id) => Some(&self.facts.get(id.fact().index())?.name),
            Meaning::Attribute(id) => system(id.system),
        }
    }

    /// The states of a system, or the values of a choice, in order of their names.
    pub fn members(&self, owner: &str) -> Vec<Meaning> {
        if let Some(at) = self.system(owner) {
            let id = program::SystemId::from_index(at);
            let states = 0..self.systems[at].states.len();
            return states
                .map(|state| Meaning::State(StateId::from_index(id, state)))
                .collect();
        }
        let Some(at) = self.facts.iter().position(|fact| fact.name == owner) else {
            return Vec::new();
        };
        let id = program::FactId::from_index(at);
        match &self.facts[at].kind {
            program::FactKind::Choice { values, .. } => (0..values.len())
                .map(|value| Meaning::Value(ValueId::from_index(id, value)))
                .collect(),
            program::FactKind::Flag => Vec::new(),
        }
    }

    /// The attributes of a system.
    pub fn attributes(&self, system: &str) -> Vec<Meaning> {
        let Some(at) = self.system(system) else {
            return Vec::new();
        };
        let numbers = 0..self.systems[at].attributes.len() as u32;
        let system = program::SystemId::from_index(at);
        numbers
            .map(|number| Meaning::Attribute(AttributeId { system, number }))
            .collect()
    }

    fn system(&self, name: &str) -> Option<usize> {
        self.systems.iter().position(|known| known.name == name)
    }

    /// The locations of all names with this meaning, sorted by file and position.
    pub fn places(&self, meaning: Meaning) -> impl Iterator<Item = Location> + '_ {
        let same = move |occurrence: &&Occurrence| occurrence.meaning == meaning;
        self.occurrences
            .iter()
            .filter(same)
            .map(|occurrence| occurrence.location)
    }
}
