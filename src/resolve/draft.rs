//! A program while it is being resolved. Once all systems, facts and their parts are declared, they get their ids: in
//! order of names, so that the same meaning gives the same ids.

use std::sync::Arc;

use presync_engine::Role as RoleName;
use rustc_hash::FxHashSet;

use crate::program::{
    self, Allow, CaseMismatch, ConditionSite, Conditions, Declared, Fact, FactId, FactKind,
    Profile, Program, Reference, RuleSource, Scenario, Schema, State, StateGroup, StateId,
    StateSource, System, SystemId, SystemSource, Target, Test, ValueId,
};
use crate::source::{Location, Sources};

#[derive(Default)]
pub(super) struct Draft {
    pub sources: Sources,
    pub systems: Vec<System>,
    pub system_sources: Vec<SystemSource>,
    pub facts: Vec<Fact>,
    pub fact_locations: Vec<Location>,
    pub conditions: Conditions,
    pub rule_sources: Vec<RuleSource>,
    pub profiles: Vec<Profile>,
    /// By profile: the kinds of rules that may be missing because of errors.
    pub missing: Vec<MissingRules>,
    pub roles: Vec<(RoleName, program::RoleProfiles)>,
    /// The roles that name a profile that is not there.
    pub roles_without_profile: Vec<Location>,
    pub tests: Vec<Test>,
    pub scenarios: Vec<Scenario>,
    pub declared: Vec<Declared>,
    pub references: FxHashSet<Reference>,
    pub allows: Vec<Allow>,
    pub wrong_directives: Vec<(Location, &'static str)>,
    pub condition_sites: Vec<ConditionSite>,
    pub case_mismatches: Vec<CaseMismatch>,
    pub groups: Vec<StateGroup>,
}

pub(crate) use crate::analysis::conflicts::MissingRules;

/// Maps ids in order of declaration to final ids.
pub(super) struct Renumbering {
    systems: Vec<SystemId>,
    /// By old system id.
    states: Vec<Vec<usize>>,
    facts: Vec<FactId>,
    /// By old fact id.
    values: Vec<Vec<usize>>,
}

impl Renumbering {
    pub fn system(&self, id: SystemId) -> SystemId {
        self.systems[id.index()]
    }

    pub fn state(&self, id: StateId) -> StateId {
        let system = id.system().index();
        StateId::from_index(self.systems[system], self.states[system][id.index()])
    }

    pub fn fact(&self, id: FactId) -> FactId {
        self.facts[id.index()]
    }

    pub fn value(&self, id: ValueId) -> ValueId {
        let fact = id.fact().index();
        ValueId::from_index(self.facts[fact], self.values[fact][id.index()])
    }
}

impl Draft {
    pub fn system(&self, id: SystemId) -> &System {
        &self.systems[id.index()]
    }

    pub fn state(&self, id: StateId) -> &State {
        &self.system(id.system()).states[id.index()]
    }

    pub fn state_source_mut(&mut self, id: StateId) -> &mut StateSource {
        &mut self.system_sources[id.system().index()].states[id.index()]
    }

    pub fn state_source(&self, id: StateId) -> &StateSource {
        &self.system_sources[id.system().index()].states[id.index()]
    }

    pub fn states(&self, system: SystemId) -> impl Iterator<Item = StateId> + use<> {
        (0..self.system(system).states.len()).map(move |at| StateId::from_index(system, at))
    }

    /// The names of a system's states in order of declaration.
    pub fn state_names(&self, system: SystemId) -> Vec<String> {
        let sources = &self.system_sources[system.index()].states;
        let mut states: Vec<(Location, &String)> = Vec::new();
        for (state, source) in self.system(system).states.iter().zip(sources) {
            states.push((source.location, &state.name));
        }
        states.sort_unstable();
        states.into_iter().map(|(_, name)| name.clone()).collect()
    }

    pub fn fact(&self, id: FactId) -> &Fact {
        &self.facts[id.index()]
    }

    pub fn values(&self, fact: FactId) -> impl Iterator<Item = ValueId> + use<> {
        (0..self.fact(fact).size() as usize).map(move |at| ValueId::from_index(fact, at))
    }

    pub fn has_implicit_role(&self) -> bool {
        self.roles.iter().all(|(role, _)| role.implicit)
    }

    /// Sorts systems, states, attributes, facts and values by name.
    pub fn order_by_name(&mut self) -> Renumbering {
        let mut states = Vec::with_capacity(self.systems.len());
        for (system, source) in self.systems.iter_mut().zip(&mut self.system_sources) {
            let attributes = sort_by_name(&mut system.attributes, |name| name);
            for state in &mut system.states {
                let numbers = state.attributes.iter_mut();
                numbers.for_each(|number| *number = attributes[*number as usize] as u32);
                state.attributes.sort_unstable();
            }
            let mut both: Vec<(State, StateSource)> = std::mem::take(&mut system.states)
                .into_iter()
                .zip(std::mem::take(&mut source.states))
                .collect();
            states.push(sort_by_name(&mut both, |(state, _)| &state.name));
            (system.states, source.states) = both.into_iter().unzip();
        }
        let mut values = Vec::with_capacity(self.facts.len());
        for fact in &mut self.facts {
            values.push(match &mut fact.kind {
                FactKind::Flag => vec![0, 1],
                FactKind::Choice { values, default } => {
                    let places = sort_by_name(values, |name| name);
                    *default = default.map(|at| places[at as usize] as u32);
                    places
                }
            });
        }
        let mut systems: Vec<(System, SystemSource)> = std::mem::take(&mut self.systems)
            .into_iter()
            .zip(std::mem::take(&mut self.system_sources))
            .collect();
        let system_places = sort_by_name(&mut systems, |(system, _)| &system.name);
        (self.systems, self.system_sources) = systems.into_iter().unzip();
        let mut facts: Vec<(Fact, Location)> = std::mem::take(&mut self.facts)
            .into_iter()
            .zip(std::mem::take(&mut self.fact_locations))
            .collect();
        let fact_places = sort_by_name(&mut facts, |(fact, _)| &fact.name);
        (self.facts, self.fact_locations) = facts.into_iter().unzip();
        Renumbering {
            systems: system_places
                .into_iter()
                .map(SystemId::from_index)
                .collect(),
            states,
            facts: fact_places.into_iter().map(FactId::from_index).collect(),
            values,
        }
    }

    /// The program; `None` if it exceeds the limits, which has been reported.
    pub fn into_program(self) -> (Option<Program>, Vec<MissingRules>, Sources) {
        let (names, roles) = self.roles.into_iter().unzip();
        let Ok(schema) = Schema::new(self.systems, self.facts, names) else {
            return (None, self.missing, self.sources);
        };
        let rules = self.profiles.iter().flat_map(|profile| &profile.rules);
        let previous = rules.filter(|rule| rule.target == Target::Previous);
        let schema = schema.with_previous(previous.map(|rule| rule.direction.to()));
        let program = Program {
            sources: self.sources,
            schema: Arc::new(schema),
            system_sources: self.system_sources,
            fact_locations: self.fact_locations,
            conditions: self.conditions,
            rule_sources: self.rule_sources,
            profiles: self.profiles,
            roles,
            tests: self.tests,
            scenarios: self.scenarios,
            declared: self.declared,
            references: self.references,
            allows: self.allows,
            wrong_directives: self.wrong_directives,
            condition_sites: self.condition_sites,
            case_mismatches: self.case_mismatches,
            groups: self.groups,
        };
        (Some(program), self.missing, Sources::default())
    }
}

/// Sorts a list and returns the new position of each element.
pub(super) fn sort_by_name<T>(list: &mut Vec<T>, name: impl Fn(&T) -> &String) -> Vec<usize> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|a, b| name(&list[*a]).cmp(name(&list[*b])));
    let mut places = vec![0; list.len()];
    for (place, at) in order.iter().enumerate() {
        places[*at] = place;
    }
    let mut moved: Vec<Option<T>> = list.drain(..).map(Some).collect();
    list.extend(order.into_iter().filter_map(|at| moved[at].take()));
    places
}
