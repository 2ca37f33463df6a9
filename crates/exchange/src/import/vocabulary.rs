//! The systems and facts of the bundled vocabularies, as tables name them.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use presync::{DeclaredKind, Program, VOCABULARIES};
use presync_engine::Schema;

/// A bundled vocabulary, checked.
struct CheckedVocabulary {
    name: &'static str,
    schema: std::sync::Arc<Schema>,
    /// Names that a condition can use: facts, values and named conditions.
    conditions: BTreeSet<String>,
    systems: BTreeSet<String>,
}

/// The bundled vocabularies.
#[derive(Default)]
pub(super) struct Vocabularies {
    /// States by system in lower case: by name or id in lower case, the name.
    states: OnceLock<HashMap<String, HashMap<String, String>>>,
}

fn all() -> &'static [CheckedVocabulary] {
    static ALL: OnceLock<Vec<CheckedVocabulary>> = OnceLock::new();
    ALL.get_or_init(|| {
        let checked = VOCABULARIES.iter().filter_map(|vocabulary| {
            let source = format!("use {}\n", vocabulary.name);
            let program = Program::check_source("vocabulary.presync", &source).ok()?;
            let declared = program.declared.iter();
            let named = declared.filter(|one| one.kind == DeclaredKind::Condition);
            let mut conditions: BTreeSet<String> = named.map(|one| one.name.clone()).collect();
            for (fact, of) in program.schema.facts() {
                conditions.insert(of.name.clone());
                if !of.is_flag() {
                    let values = program.schema.values(fact);
                    conditions
                        .extend(values.map(|value| program.schema.value_name(value).to_owned()));
                }
            }
            let systems = program
                .schema
                .systems()
                .map(|(_, system)| system.name.clone());
            // One with profiles of its own would synchronize more than the table says.
            let has_profiles = !program.profiles.is_empty();
            Some(CheckedVocabulary {
                name: vocabulary.name,
                systems: systems.collect(),
                schema: program.schema.clone(),
                conditions,
            })
            .filter(|_| !has_profiles)
        });
        checked.collect()
    })
}

impl Vocabularies {
    /// The smallest vocabularies that together have all these systems, at most two; empty if there are none.
    pub fn for_systems(&self, systems: &BTreeSet<&str>) -> Vec<&'static str> {
        let pairs = all()
            .iter()
            .flat_map(|one| all().iter().map(move |other| [one, other]));
        let fits = |pair: &[&CheckedVocabulary; 2]| {
            let has = |system: &&str| pair.iter().any(|of| of.systems.contains(*system));
            systems.iter().all(has)
        };
        let size = |[one, other]: &[&CheckedVocabulary; 2]| {
            let names: BTreeSet<&String> = one.systems.iter().chain(&other.systems).collect();
            (names.len(), one.name != other.name)
        };
        let best = pairs.filter(fits).min_by_key(size);
        let mut names: Vec<&str> = best.into_iter().flatten().map(|of| of.name).collect();
        names.dedup();
        names
    }

    /// Whether some vocabulary has a fact, value or condition.
    pub fn has_condition(&self, name: &str) -> bool {
        all().iter().any(|of| of.conditions.contains(name))
    }

    /// Whether one of these vocabularies has a fact, value or condition.
    pub fn declare(vocabularies: &[&str], name: &str) -> bool {
        let mut of = all().iter().filter(|of| vocabularies.contains(&of.name));
        of.any(|of| of.conditions.contains(name))
    }

    fn states_of(&self, system: &str) -> Option<&HashMap<String, String>> {
        let states = self.states.get_or_init(|| {
            let mut states: HashMap<String, HashMap<String, String>> = HashMap::new();
            for vocabulary in all() {
                for (_, system) in vocabulary.schema.systems() {
                    let of = states.entry(system.name.to_lowercase()).or_default();
                    for state in &system.states {
                        let name = state.name.clone();
                        if let Some(id) = &state.id {
                            of.entry(id.to_lowercase()).or_insert_with(|| name.clone());
                        }
                        of.insert(name.to_lowercase(), name);
                    }
                }
            }
            states
        });
        states.get(&system.to_lowercase())
    }

    pub fn has_state(&self, system: &str, name: &str) -> bool {
        self.states_of(system)
            .is_some_and(|states| states.contains_key(&name.to_lowercase()))
    }

    /// A state as the vocabulary spells it.
    pub fn spelled(&self, system: &str, name: &str) -> String {
        let known = self
            .states_of(system)
            .and_then(|states| states.get(&name.to_lowercase()));
        known.cloned().unwrap_or_else(|| name.to_owned())
    }

    /// The states of a cell like `At Lunch, Gone Home`: all of them must be known, and the whole must not.
    pub fn several(&self, system: &str, text: &str) -> Option<Vec<String>> {
        if self.has_state(system, text) {
            return None;
        }
        [',', ';', '/'].into_iter().find_map(|mark| {
            let parts: Vec<String> = text
                .split(mark)
                .map(|part| part.trim().to_owned())
                .collect();
            let known = parts.len() > 1 && parts.iter().all(|part| self.has_state(system, part));
            known.then_some(parts)
        })
    }
}
