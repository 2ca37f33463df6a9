//! Limits on the size of a program, so that each analysis ends. In: the draft. Out: an error at the first element over
//! each limit. The limits are far above what a site needs and far below what exhausts memory.

use crate::diagnostic::Diagnostic;
use crate::errors::too_complex;
use crate::quote::quote;
use crate::resolve::draft::Draft;
use crate::source::Location;

pub use presync_engine::limits::{MAX_FACTS, MAX_ROLES, MAX_STATES, MAX_SYSTEMS, MAX_VALUES};

pub const MAX_PROFILES: usize = 50_000;

/// Per profile; every `append` counts, even if texts repeat.
pub const MAX_APPENDS: usize = 500;

/// Maximum number of errors reported per program, in addition to syntax errors.
pub const MAX_ERRORS: usize = 1_000;

pub(super) fn too_large(draft: &Draft) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut at_most = |most: usize, who: &str, what: &str, places: Vec<Location>| {
        let mut places = places;
        places.sort_unstable();
        if let Some(place) = places.get(most) {
            errors.push(too_complex::too_many(who, most, what, *place));
        }
    };
    let all = "the program has";
    let systems = draft
        .system_sources
        .iter()
        .map(|source| source.location)
        .collect();
    at_most(MAX_SYSTEMS, all, "systems", systems);
    at_most(
        MAX_FACTS,
        all,
        "flags and choices",
        draft.fact_locations.clone(),
    );
    let profiles = draft.profiles.iter().map(|of| of.location).collect();
    at_most(MAX_PROFILES, all, "profiles", profiles);
    let roles = draft
        .roles
        .iter()
        .filter_map(|(_, role)| role.location)
        .collect();
    at_most(MAX_ROLES, all, "roles", roles);
    let has = |name: &str| format!("{} has", quote(name));
    for (system, source) in draft.systems.iter().zip(&draft.system_sources) {
        let states = source.states.iter().map(|state| state.location).collect();
        at_most(MAX_STATES, &has(&system.name), "states", states);
    }
    for (fact, location) in draft.facts.iter().zip(&draft.fact_locations) {
        let values = vec![*location; fact.size() as usize];
        at_most(MAX_VALUES, &has(&fact.name), "values", values);
    }
    for profile in &draft.profiles {
        let appends = profile
            .appends
            .iter()
            .map(|append| append.location)
            .collect();
        at_most(MAX_APPENDS, &has(&profile.name), "appendices", appends);
    }
    errors
}
