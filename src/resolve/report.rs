//! The result of a check: errors, and the program or what they leave of it.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::program::{LostParts, ProfileId, Program, RoleProfiles};
use crate::resolve::Index;
use crate::resolve::draft::MissingRules;
use crate::source::{Location, Sources};

/// The result of a check.
pub struct CheckReport {
    /// Sorted by location.
    pub diagnostics: Vec<Diagnostic>,
    /// The program, if it has no errors.
    pub program: Option<Program>,
    /// The meaning of every name; only if requested.
    pub index: Option<Index>,
    /// What remains of a program with errors, if that says anything about it.
    pub(super) rest: Option<(Program, LostParts)>,
    /// The files that the diagnostics point into, if no program is there.
    pub(super) sources: Sources,
}

impl CheckReport {
    pub fn sources(&self) -> &Sources {
        let rest = || self.rest.as_ref().map(|(program, _)| program);
        self.program
            .as_ref()
            .or_else(rest)
            .map_or(&self.sources, |program| &program.sources)
    }

    /// The program, or what remains of one with errors, for those who can live with a part. `None` if too much was lost.
    pub fn partial_program(&self) -> Option<&Program> {
        self.lintable().map(|(program, _)| program)
    }

    /// The program, or what remains of it, with what was lost to errors. `None` if too much was.
    pub(crate) fn lintable(&self) -> Option<(&Program, LostParts)> {
        match (&self.program, &self.rest) {
            (Some(program), _) => Some((program, LostParts::default())),
            (None, Some((program, lost))) => Some((program, lost.clone())),
            (None, None) => None,
        }
    }
}

/// Why parts of a program are lost to errors.
pub(super) struct LossCauses<'a> {
    /// By profile, rules lost to errors.
    pub missing: &'a [MissingRules],
    /// The profiles with conflicts.
    pub contradictory: &'a BTreeSet<ProfileId>,
    /// The roles that name a profile that is not there.
    pub without_profile: &'a [Location],
    /// Whole declarations may be missing, such as profiles of the role that is not declared.
    pub misses_declarations: bool,
}

impl LossCauses<'_> {
    pub fn lost_parts(&self, program: &Program) -> LostParts {
        let of_profile = |profile: ProfileId| {
            self.missing[profile.index()] != MissingRules::default()
                || self.contradictory.contains(&profile)
        };
        let profiles: Vec<bool> = program.profile_ids().map(of_profile).collect();
        let of_role = |role: &RoleProfiles| {
            let mut of = role.profiles.iter();
            of.any(|profile| profiles[profile.index()])
                || match role.location {
                    Some(location) => self.without_profile.contains(&location),
                    None => self.misses_declarations,
                }
        };
        let roles = program.roles.iter().map(of_role).collect();
        LostParts {
            anything: true,
            profiles,
            roles,
        }
    }
}
