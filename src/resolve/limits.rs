//! How large a program may be, so that each analysis ends. In: the model. Out: what there is too much of, where the first
//! that is too many stands. Far above what a site has, far below what a machine has no memory for.

use crate::diagnostic::Diagnostic;
use crate::program::Program;
use crate::quote::quote;
use crate::source::Location;

pub const MAX_SYSTEMS: usize = 50;

/// Of one system.
pub const MAX_STATES: usize = 5_000;

/// Flags and choices together.
pub const MAX_FACTS: usize = 1_000;

/// Of one choice.
pub const MAX_VALUES: usize = 1_000;

pub const MAX_PROFILES: usize = 50_000;

pub const MAX_ROLES: usize = 20_000;

/// Of one profile, those of one text counted each.
pub const MAX_APPENDS: usize = 500;

/// So many errors of a program are told, beside those of its syntax.
pub const MAX_ERRORS: usize = 1_000;

pub(super) fn too_large(program: &Program) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut at_most =
        |most: usize,
         who: &str,
         what: &str,
         mut places: Box<dyn Iterator<Item = Option<Location>> + '_>| {
            if let Some(Some(place)) = places.nth(most) {
                errors.push(
                    Diagnostic::error("too-complex", format!("{who} more than {most} {what}"))
                        .label(place, "too many from here on")
                        .help("split what is independent into programs of its own"),
                );
            }
        };
    let all = "there are";
    at_most(
        MAX_SYSTEMS,
        all,
        "systems",
        Box::new(program.systems.iter().map(|of| Some(of.location))),
    );
    at_most(
        MAX_FACTS,
        all,
        "flags and choices",
        Box::new(program.facts.iter().map(|of| Some(of.location))),
    );
    at_most(
        MAX_PROFILES,
        all,
        "profiles",
        Box::new(program.profiles.iter().map(|of| Some(of.location))),
    );
    at_most(
        MAX_ROLES,
        all,
        "roles",
        Box::new(program.roles.iter().map(|of| of.location)),
    );
    let has = |name: &str| format!("{} has", quote(name));
    for system in &program.systems {
        let states = system.states.iter().map(|state| Some(state.location));
        at_most(MAX_STATES, &has(&system.name), "states", Box::new(states));
    }
    for fact in &program.facts {
        let values = (0..fact.size()).map(|_| Some(fact.location));
        at_most(MAX_VALUES, &has(&fact.name), "values", Box::new(values));
    }
    for profile in &program.profiles {
        let appends = profile.appends.iter().map(|append| Some(append.location));
        at_most(
            MAX_APPENDS,
            &has(&profile.name),
            "appendices",
            Box::new(appends),
        );
    }
    errors
}
