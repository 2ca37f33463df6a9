//! Resolves systems, their states and attributes, and groups of states.

use arcstr::ArcStr;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::errors::{
    self, circular_definition, duplicate_definition, unknown_attribute, unknown_group,
    unknown_state, unknown_system,
};
use crate::program::{self, DeclaredKind, StateId, SystemId};
use crate::resolve::draft::Renumbering;
use crate::resolve::limits;
use crate::resolve::{Meaning, Resolver, TreeDeclaration, Unknown, dependency_order, doc_text};
use crate::source::Location;
use crate::syntax::tree::{self, DeclarationKind, GroupTerm, SystemItem};

/// A system's states by name: as written, and with ASCII case ignored.
#[derive(Default)]
pub(super) struct StateNames {
    exact: HashMap<ArcStr, StateId>,
    /// By name or id in lower case.
    folded: HashMap<ArcStr, StateId>,
    /// States may be missing because of errors in its declaration.
    incomplete: bool,
    /// Where the system, or an extension (`true`), says `text` and `echo`.
    said: HashMap<(&'static str, bool), Location>,
    /// Where a state is marked `other`.
    other: Option<Location>,
}

impl StateNames {
    pub fn renumber(&mut self, to: &Renumbering) {
        let states = self.exact.values_mut().chain(self.folded.values_mut());
        states.for_each(|state| *state = to.state(*state));
    }
}

/// A name in ASCII lower case.
fn folded(name: &tree::Name) -> ArcStr {
    let plain = name.text.bytes().all(|byte| !byte.is_ascii_uppercase());
    if plain {
        name.text.clone()
    } else {
        name.text.to_ascii_lowercase().into()
    }
}

/// The meaning of a name in the namespace of a system's states.
pub(super) enum StateOrGroup {
    State(StateId),
    Group(usize),
}

impl Resolver {
    pub(super) fn declare_systems(&mut self, declared: &[TreeDeclaration<'_>]) {
        for declaration in declared {
            if let DeclarationKind::System { name, title, .. } = &declaration.node.kind {
                let location = declaration.at(name.span);
                if !self.declare_atom_name(name, location) {
                    continue;
                }
                if self.draft.systems.len() > limits::MAX_SYSTEMS {
                    self.names.incomplete = true;
                    continue;
                }
                let system = SystemId::from_index(self.draft.systems.len());
                let id = self.declared(DeclaredKind::System, name, *declaration);
                self.names
                    .atoms
                    .insert(name.text.clone(), super::Atom::System(system, id));
                self.names.states.push(StateNames::default());
                self.draft.systems.push(program::System {
                    name: name.text.to_string(),
                    title: title.as_ref().map(|title| title.text.to_string()),
                    ..program::System::default()
                });
                let states = Vec::new();
                self.draft.system_sources.push(program::SystemSource {
                    location,
                    states,
                    extended_in: Vec::new(),
                });
            }
        }
        // An extension may come before its system, even in another file.
        let mut bodies = Vec::new();
        for declaration in declared {
            let (DeclarationKind::System { name, items, .. }
            | DeclarationKind::Extend {
                system: name,
                items,
            }) = &declaration.node.kind
            else {
                continue;
            };
            let Some(system) = self.system(name, declaration.file) else {
                continue;
            };
            if self.has_syntax_error(declaration.at(declaration.node.span)) {
                self.names.states[system.index()].incomplete = true;
            }
            let extends = matches!(declaration.node.kind, DeclarationKind::Extend { .. });
            if extends {
                let source = &mut self.draft.system_sources[system.index()];
                source.extended_in.push(declaration.file);
            }
            bodies.push((extends, system, items, *declaration));
        }
        bodies.sort_by_key(|(extends, ..)| *extends);
        let mut places = HashMap::new();
        for (_, system, items, declaration) in &bodies {
            self.declare_attributes(*system, items, *declaration, &mut places);
        }
        for (extends, system, items, declaration) in &bodies {
            self.declare_states(*system, items, *declaration, *extends);
        }
    }

    /// `places`: where each attribute of a system is declared.
    fn declare_attributes(
        &mut self,
        system: SystemId,
        items: &[SystemItem],
        declaration: TreeDeclaration<'_>,
        places: &mut HashMap<(SystemId, ArcStr), Location>,
    ) {
        for item in items {
            let SystemItem::Attributes(names) = item else {
                continue;
            };
            for name in names {
                let location = declaration.at(name.span);
                match places.entry((system, name.text.clone())) {
                    Entry::Occupied(first) => {
                        self.duplicate("attribute", &name.text, *first.get(), location);
                    }
                    Entry::Vacant(place) => {
                        place.insert(location);
                        self.draft.systems[system.index()]
                            .attributes
                            .push(name.text.to_string());
                    }
                }
            }
        }
    }

    fn declare_states(
        &mut self,
        system: SystemId,
        items: &[SystemItem],
        declaration: TreeDeclaration<'_>,
        extends: bool,
    ) {
        self.draft.systems[system.index()]
            .states
            .reserve(items.len());
        for item in items {
            match item {
                SystemItem::State(state) => {
                    self.declare_state(system, state, declaration, extends);
                }
                SystemItem::Online { span, .. } if extends => {
                    self.error(errors::syntax::not_in_extension(declaration.at(*span)));
                }
                SystemItem::Echo { seconds, span } => {
                    let said = ("echo", extends);
                    self.say_once(system, said, "the duration of", declaration.at(*span));
                    self.draft.systems[system.index()].echo = Some(*seconds);
                }
                SystemItem::Text { limit, span } => {
                    let location = declaration.at(*span);
                    self.say_once(system, ("text", extends), "the limit of", location);
                    match u32::try_from(*limit) {
                        Ok(limit) => self.draft.systems[system.index()].text = Some(limit),
                        Err(_) => self.error(errors::syntax::long_limit(location)),
                    }
                }
                _ => {}
            }
        }
    }

    /// Reports what a system, or its extensions, say twice. An extension may say again what the system says.
    fn say_once(
        &mut self,
        system: SystemId,
        said: (&'static str, bool),
        what: &str,
        location: Location,
    ) {
        let known = &mut self.names.states[system.index()].said;
        if let Some(first) = known.insert(said, location) {
            self.duplicate(what, said.0, first, location);
        }
    }

    fn declare_state(
        &mut self,
        system: SystemId,
        state: &tree::State,
        declaration: TreeDeclaration<'_>,
        extends: bool,
    ) {
        let location = declaration.at(state.name.span);
        let count = self.draft.system(system).states.len();
        if count > limits::MAX_STATES {
            self.names.states[system.index()].incomplete = true;
            return;
        }
        let id = StateId::from_index(system, count);
        let mut keys = vec![folded(&state.name)];
        keys.extend(state.id.as_ref().map(folded));
        keys.dedup();
        for key in &keys {
            if let Some(first) = self.names.states[system.index()].folded.get(key) {
                let (name, first_name) = (
                    state.name.text.to_string(),
                    self.draft.state(*first).name.clone(),
                );
                let first_location = self.draft.state_source(*first).location;
                if name == first_name {
                    self.duplicate("state", &name, first_location, location);
                } else {
                    let system = self.draft.system(system).name.clone();
                    let error = duplicate_definition::states(
                        &system,
                        (&name, location),
                        (&first_name, first_location),
                    );
                    self.error(error);
                }
                return;
            }
        }
        let mut attributes = Vec::new();
        for name in &state.attributes {
            let known = &self.draft.system(system).attributes;
            match known.iter().position(|attribute| **attribute == *name.text) {
                Some(at) => attributes.push(at as u32),
                None => self.unknown_attribute(system, name, declaration),
            }
        }
        attributes.sort_unstable();
        attributes.dedup();
        for key in keys {
            self.names.states[system.index()].folded.insert(key, id);
        }
        self.names.states[system.index()]
            .exact
            .insert(state.name.text.clone(), id);
        let doc = doc_text(&self.draft.sources.file(declaration.file).text, &state.doc);
        let id = state.id.as_ref().map(|id| id.text.to_string());
        self.draft.systems[system.index()]
            .states
            .push(program::State {
                name: state.name.text.to_string(),
                id: id.filter(|id| *id != *state.name.text),
                attributes,
                read_only: state.read_only.is_some() || state.other.is_some(),
                // Resolved once all states are declared.
                reads: None,
                other: state.other.is_some(),
            });
        if let Some(span) = state.other {
            let here = declaration.at(span);
            if let Some(first) = self.names.states[system.index()].other.replace(here) {
                let system = self.draft.system(system).name.clone();
                self.error(duplicate_definition::other(&system, first, here));
            }
        }
        let source = program::StateSource {
            doc,
            location,
            extends,
            named: false,
        };
        self.draft.system_sources[system.index()]
            .states
            .push(source);
    }

    fn unknown_attribute(
        &mut self,
        system: SystemId,
        name: &tree::Name,
        declaration: TreeDeclaration<'_>,
    ) {
        let system_name = self.draft.system(system).name.clone();
        self.unknown(Unknown {
            code: &unknown_attribute::CODE,
            owner: Some(&system_name),
            what: "attribute",
            name: &name.text,
            location: declaration.at(name.span),
            known: &|resolver| resolver.draft.system(system).attributes.clone(),
            help: None,
        });
    }

    /// The system of a declaration whose items are resolved next.
    fn enter_system(&mut self, name: &tree::Name) -> Option<SystemId> {
        let Some(super::Atom::System(system, owner)) = self.names.atoms.get(&name.text) else {
            return None;
        };
        self.owner = Some(*owner);
        Some(*system)
    }

    /// Resolves `online flag`; facts are declared by now.
    pub(super) fn resolve_online(&mut self, declared: &[TreeDeclaration<'_>]) {
        for declaration in declared {
            let DeclarationKind::System { name, items, .. } = &declaration.node.kind else {
                continue;
            };
            let Some(system) = self.enter_system(name) else {
                continue;
            };
            for item in items {
                let SystemItem::Online { fact, span } = item else {
                    continue;
                };
                if self.draft.system(system).online.is_some() {
                    let first = items.iter().find_map(|item| match item {
                        SystemItem::Online { span, .. } => Some(*span),
                        _ => None,
                    });
                    let first = declaration.at(first.unwrap_or(*span));
                    self.duplicate("the flag of", "online", first, declaration.at(*span));
                }
                if let Some(flag) = self.flag(fact, declaration.file) {
                    self.draft.systems[system.index()].online = Some(flag);
                }
            }
        }
    }

    /// Resolves `reads`; all states are declared by now.
    pub(super) fn resolve_reads(&mut self, declared: &[TreeDeclaration<'_>]) {
        let mut places: HashMap<StateId, Location> = HashMap::new();
        for declaration in declared {
            let (DeclarationKind::System { name, items, .. }
            | DeclarationKind::Extend {
                system: name,
                items,
            }) = &declaration.node.kind
            else {
                continue;
            };
            let Some(system) = self.enter_system(name) else {
                continue;
            };
            for item in items {
                let SystemItem::State(state) = item else {
                    continue;
                };
                let known = &self.names.states[system.index()].exact;
                let (Some(read), Some(id)) = (&state.reads, known.get(&state.name.text).copied())
                else {
                    continue;
                };
                if let Some(reads) = self.one_state(system, read, declaration.file) {
                    places.insert(id, declaration.at(read.span));
                    let states = &mut self.draft.systems[system.index()].states;
                    states[id.index()].reads = Some(reads.index() as u32);
                }
            }
        }
        let mut chained: Vec<(StateId, StateId)> = places
            .keys()
            .filter_map(|state| Some((*state, self.reads(*state)?)))
            .filter(|(state, reads)| state == reads || self.reads(*reads).is_some())
            .collect();
        chained.sort_unstable();
        for (state, reads) in chained {
            let names = [state, reads].map(|state| self.draft.state(state).name.clone());
            let error = circular_definition::reads_chain(
                (&names[0], places[&state]),
                (&names[1], places[&reads]),
            );
            self.error(error);
        }
    }

    fn reads(&self, state: StateId) -> Option<StateId> {
        let at = self.draft.state(state).reads?;
        Some(StateId::from_index(state.system(), at as usize))
    }

    /// The system that stands for a system in a mapping that is applied `with` others.
    pub(super) fn replaced(&mut self, system: SystemId) -> SystemId {
        // The innermost first: what it puts in may be replaced again.
        let replacements = self.replacements.iter_mut().rev();
        replacements.fold(system, |system, replacement| {
            if system != replacement.old {
                return system;
            }
            replacement.used = true;
            replacement.new
        })
    }

    pub(super) fn system(
        &mut self,
        name: &tree::Name,
        file: crate::source::FileId,
    ) -> Option<SystemId> {
        let location = Location {
            file,
            span: name.span,
        };
        if let Some(super::Atom::System(system, declared)) = self.names.atoms.get(&name.text) {
            let (system, declared) = (*system, *declared);
            self.refer(declared, location);
            return Some(self.replaced(system));
        }
        if self.suppresses_unknown_names() {
            return None;
        }
        // Without any system, the first name is the slip: `use` is missing.
        if self.draft.systems.is_empty() && std::mem::replace(&mut self.names.no_systems, true) {
            return None;
        }
        let systems = &self.draft.systems;
        let with_state = systems
            .iter()
            .zip(&self.names.states)
            .find(|(_, names)| names.exact.contains_key(&name.text));
        let help = match with_state {
            Some((system, _)) => Some(unknown_system::is_state_of(&name.text, &system.name)),
            None if systems.is_empty() => Some(unknown_system::NONE_DECLARED.to_owned()),
            None => None,
        };
        self.unknown(Unknown {
            code: &unknown_system::CODE,
            owner: None,
            what: "system",
            name: &name.text,
            location,
            known: &|resolver| {
                resolver
                    .draft
                    .systems
                    .iter()
                    .map(|system| system.name.clone())
                    .collect()
            },
            help,
        });
        None
    }

    /// A state or a group by name; reports a name that is neither.
    pub(super) fn state_or_group(
        &mut self,
        system: SystemId,
        name: &tree::Name,
        file: crate::source::FileId,
    ) -> Option<StateOrGroup> {
        let location = Location {
            file,
            span: name.span,
        };
        let names = &self.names.states[system.index()];
        if let Some(state) = names.exact.get(&name.text).copied() {
            self.name_state(state, location);
            return Some(StateOrGroup::State(state));
        }
        if let Some(group) = self.names.groups.get(&(system, name.text.clone())) {
            return Some(StateOrGroup::Group(*group));
        }
        let folded = names.folded.get(&folded(name)).copied();
        if let Some(state) = folded.filter(|state| {
            self.draft
                .state(*state)
                .name
                .eq_ignore_ascii_case(&name.text)
        }) {
            self.draft
                .case_mismatches
                .push(program::CaseMismatch { location, state });
            self.name_state(state, location);
            return Some(StateOrGroup::State(state));
        }
        if !names.incomplete {
            self.unknown_state(system, name, location, folded);
        }
        None
    }

    fn name_state(&mut self, state: StateId, location: Location) {
        self.draft.state_source_mut(state).named = true;
        self.note(location, Meaning::State(state));
    }

    fn unknown_state(
        &mut self,
        system: SystemId,
        name: &tree::Name,
        location: Location,
        by_id: Option<StateId>,
    ) {
        if self.suppresses_unknown_names() {
            return;
        }
        let owner = self.draft.system(system).name.clone();
        let mut known = self.draft.state_names(system);
        let groups = self.names.groups.keys();
        let groups = groups.filter(|(of, _)| *of == system);
        known.extend(super::sorted(groups.map(|(_, group)| group.to_string())));
        // If the nearest name is a group, a group was probably meant.
        let states = self.draft.system(system).states.len();
        let meant = presync_engine::nearest(&name.text, known.iter().map(String::as_str));
        let is_group =
            meant.is_some_and(|meant| known[states..].iter().any(|group| group == meant));
        let elsewhere = self
            .draft
            .systems
            .iter()
            .zip(&self.names.states)
            .find(|(_, names)| names.exact.contains_key(&name.text));
        let near = presync_engine::nearest(&name.text, known.iter().map(String::as_str)).is_some();
        let is_fact = self.names.atoms.contains_key(&name.text);
        let help = match (by_id, elsewhere) {
            (Some(state), _) => Some(unknown_state::is_id(
                &name.text,
                &self.draft.state(state).name,
            )),
            (None, Some((other, _))) if !near => Some(unknown_state::is_of_another(
                &name.text,
                &other.name,
                &owner,
            )),
            (None, None) if is_fact && !near => Some(unknown_state::is_condition(&name.text)),
            (None, None) if !near => {
                let keywords = ["any", "otherwise", "unchanged", "previous", "unmapped"];
                presync_engine::nearest(&name.text, keywords).map(unknown_state::is_keyword)
            }
            _ => None,
        };
        self.unknown(Unknown {
            code: if is_group {
                &unknown_group::CODE
            } else {
                &unknown_state::CODE
            },
            owner: Some(&owner),
            what: "state or group",
            name: &name.text,
            location,
            known: &|_| known.clone(),
            help,
        });
    }

    /// The states that a list of names includes, ascending; `None` if one does not resolve.
    pub(super) fn states(
        &mut self,
        system: SystemId,
        names: &[tree::Value],
        file: crate::source::FileId,
    ) -> Option<Vec<StateId>> {
        let mut states = Vec::new();
        let mut complete = true;
        for value in names {
            match value {
                tree::Value::Any(_) => states.extend(self.draft.states(system)),
                tree::Value::Name(name) => match self.states_of(system, name, file) {
                    Some(more) => states.extend(more),
                    None => complete = false,
                },
            }
        }
        states.sort_unstable();
        states.dedup();
        complete.then_some(states)
    }

    pub(super) fn states_of(
        &mut self,
        system: SystemId,
        name: &tree::Name,
        file: crate::source::FileId,
    ) -> Option<Vec<StateId>> {
        match self.state_or_group(system, name, file)? {
            StateOrGroup::State(state) => Some(vec![state]),
            StateOrGroup::Group(group) => {
                let (states, declared) = (
                    self.names.group_states[group].clone(),
                    self.names.group_declared[group],
                );
                let location = Location {
                    file,
                    span: name.span,
                };
                self.refer(declared, location);
                states.map(|states| states.to_vec())
            }
        }
    }

    pub(super) fn resolve_groups(&mut self, declared: &[TreeDeclaration<'_>]) {
        let mut groups = Vec::new();
        for declaration in declared {
            let DeclarationKind::Group {
                system,
                name,
                terms,
            } = &declaration.node.kind
            else {
                continue;
            };
            self.owner = None;
            let Some(id) = self.system(system, declaration.file) else {
                continue;
            };
            let location = declaration.at(name.span);
            let key = (id, name.text.clone());
            if let Some(first) = self.names.groups.get(&key) {
                let first = self.draft.declared[self.names.group_declared[*first].index()].location;
                self.duplicate("group", &name.text, first, location);
                continue;
            }
            let folded = self.names.states[id.index()].exact.get(&name.text);
            if let Some(state) = folded {
                let first = self.draft.state_source(*state).location;
                self.duplicate("state or group", &name.text, first, location);
                continue;
            }
            let declared = self.declared(DeclaredKind::Group, name, *declaration);
            self.names.groups.insert(key, groups.len());
            self.names.group_declared.push(declared);
            groups.push((id, name, terms, *declaration));
        }
        self.names.group_states = vec![None; groups.len()];
        let needs: Vec<Vec<usize>> = groups
            .iter()
            .map(|(system, _, terms, _)| {
                let names = terms.iter().filter_map(|term| match term {
                    GroupTerm::Name(name) => self
                        .names
                        .groups
                        .get(&(*system, name.text.clone()))
                        .copied(),
                    _ => None,
                });
                names.collect()
            })
            .collect();
        let (order, circles) = dependency_order::dependencies_first(&needs);
        for circle in circles {
            let names: Vec<_> = circle
                .iter()
                .map(|at| (&*groups[*at].1.text, groups[*at].3.at(groups[*at].1.span)))
                .collect();
            self.circle("group", &names);
        }
        for at in order {
            let (system, name, terms, declaration) = &groups[at];
            self.owner = Some(self.names.group_declared[at]);
            let states = self.group_states(*system, terms, *declaration);
            self.draft
                .groups
                .extend(states.clone().map(|states| program::StateGroup {
                    name: name.text.to_string(),
                    system: *system,
                    states,
                }));
            self.names.group_states[at] = states;
        }
    }

    fn group_states(
        &mut self,
        system: SystemId,
        terms: &[GroupTerm],
        declaration: TreeDeclaration<'_>,
    ) -> Option<Box<[StateId]>> {
        let mut states = Vec::new();
        let mut complete = true;
        for term in terms {
            match term {
                GroupTerm::Any(_) => states.extend(self.draft.states(system)),
                GroupTerm::Name(name) => match self.states_of(system, name, declaration.file) {
                    Some(more) => states.extend(more),
                    None => complete = false,
                },
                GroupTerm::All { attribute, .. } => {
                    let known = &self.draft.system(system).attributes;
                    match known.iter().position(|known| **known == *attribute.text) {
                        Some(at) => {
                            for state in self.draft.states(system) {
                                let attributes = &self.draft.state(state).attributes;
                                if attributes.contains(&(at as u32)) {
                                    self.draft.state_source_mut(state).named = true;
                                    states.push(state);
                                }
                            }
                        }
                        None => {
                            complete = false;
                            self.unknown_attribute(system, attribute, declaration);
                        }
                    }
                }
            }
        }
        states.sort_unstable();
        states.dedup();
        complete.then(|| states.into())
    }

    /// Reports declarations that are defined in terms of each other.
    pub(super) fn circle(&mut self, what: &str, names: &[(&str, Location)]) {
        self.error(circular_definition::circle(what, names));
    }
}
