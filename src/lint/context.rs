//! What a lint works with: the program, its space, and what it may report.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::diagnostic::{Code, Diagnostic, Fix, Level, Severity};
use crate::lint::alive::Alive;
use crate::lint::regions::RegionCache;
use crate::lint::{BYTES_OF_A_FINDING, LINTS, Lint, MAX_FINDINGS, Settings};
use crate::program::{Direction, LostParts, ProfileId, Program, RoleId, RuleSourceId, StateId};
use crate::source::{Location, Span};
use crate::space::Precedence;

/// Roles up to this number are named in a message.
const MAX_ROLES: usize = 4;

/// Everything a lint works with.
pub(super) struct Context<'p> {
    pub(super) program: &'p Program,
    /// What errors took from it.
    pub(super) lost: &'p LostParts,
    pub(super) space: Precedence<'p>,
    pub(super) regions: RegionCache,
    pub(super) alive: Option<Rc<Alive>>,
    allows: HashMap<&'p str, Vec<Allowed>>,
    pub(super) used_allows: Vec<bool>,
    pub(super) settings: &'p Settings,
    pub(super) findings: Vec<Diagnostic>,
    /// Maximum number of findings.
    pub(super) most: usize,
    /// The first of the most severe findings over the limit.
    pub(super) left_out: Option<Diagnostic>,
    pub(super) skipped: BTreeSet<(&'static Code, RoleId)>,
    pub(super) lint: &'static Lint,
}

/// The scope of an `@allow`.
struct Allowed {
    scope: Location,
    /// The furthest end among the scopes in this file that do not begin later.
    furthest: u32,
    /// Its index in the program.
    at: usize,
}

/// By code, sorted by scope.
fn allows(program: &Program) -> HashMap<&str, Vec<Allowed>> {
    let mut all: HashMap<&str, Vec<Allowed>> = HashMap::new();
    for (at, allow) in program.allows.iter().enumerate() {
        let of_code = all.entry(&allow.code).or_default();
        of_code.push(Allowed {
            scope: allow.scope,
            furthest: allow.scope.span.end,
            at,
        });
    }
    for of_code in all.values_mut() {
        of_code.sort_by_key(|allow| allow.scope);
        for at in 1..of_code.len() {
            if of_code[at - 1].scope.file == of_code[at].scope.file {
                of_code[at].furthest = of_code[at].furthest.max(of_code[at - 1].furthest);
            }
        }
    }
    all
}

impl<'p> Context<'p> {
    pub(super) fn new(program: &'p Program, lost: &'p LostParts, settings: &'p Settings) -> Self {
        let bytes = program.sources.iter().map(|(_, file)| file.text.len());
        Self {
            program,
            lost,
            space: Precedence::new(program),
            regions: RegionCache::default(),
            alive: None,
            allows: allows(program),
            used_allows: vec![false; program.allows.len()],
            settings,
            findings: Vec::new(),
            most: MAX_FINDINGS.max(bytes.sum::<usize>() / BYTES_OF_A_FINDING),
            left_out: None,
            skipped: BTreeSet::new(),
            lint: LINTS[0],
        }
    }
}

impl Context<'_> {
    /// A new finding of the current lint, for [`Context::report`], which sets its severity.
    pub(super) fn finding(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.lint.code, Severity::Warning, message)
    }

    /// A finding about a role, a direction and states, each optional.
    pub(super) fn finding_about(
        &self,
        message: impl Into<String>,
        role: Option<RoleId>,
        direction: Option<Direction>,
        states: &[StateId],
    ) -> Diagnostic {
        let program = self.program;
        let mut finding = self.finding(message);
        let declared = role.filter(|role| program.role(*role).location.is_some());
        finding = finding.of_role(declared.map(|role| program.role_name(role).to_owned()));
        if let Some(direction) = direction {
            let [from, to] =
                [direction.from(), direction.to()].map(|system| &program.system(system).name);
            finding = finding.way(from, to);
        }
        for state in states {
            let system = &program.system(state.system()).name;
            finding = finding.state(system, &program.state(*state).name);
        }
        finding
    }

    /// Keeps a finding, unless its lint is off there or one of its labels is in the scope of an `@allow` of its code.
    pub(super) fn report(&mut self, mut finding: Diagnostic) {
        if !self.counts(&mut finding) {
            return;
        }
        if self.findings.len() < self.most {
            finding.labels.shrink_to_fit();
            finding.notes.shrink_to_fit();
            finding.fixes.shrink_to_fit();
            self.findings.push(finding);
        } else if self
            .left_out
            .as_ref()
            .is_none_or(|known| finding.severity < known.severity)
        {
            self.left_out = Some(finding);
        }
    }

    /// Whether a finding is neither off nor allowed where it is. Sets its severity, and moves labels in bundled files.
    pub(super) fn counts(&mut self, finding: &mut Diagnostic) -> bool {
        let role = finding.data.role.clone();
        finding.relabel(&|rule| self.program.brings_in(rule, role.as_deref()));
        match self.settings.at(self.lint, finding.location()) {
            Level::Off => return false,
            Level::Warn => {}
            Level::Error => finding.severity = Severity::Error,
        }
        let allows = self
            .allows
            .get(finding.code.name)
            .map_or(&[][..], Vec::as_slice);
        let mut silenced = false;
        for location in finding.labels.iter().map(|label| label.location) {
            let before = allows.partition_point(|allow| {
                (allow.scope.file, allow.scope.span.start) <= (location.file, location.span.start)
            });
            let near = allows[..before].iter().rev().take_while(|allow| {
                allow.scope.file == location.file && allow.furthest >= location.span.end
            });
            for allow in near.filter(|allow| allow.scope.span.contains(location.span)) {
                self.used_allows[allow.at] = true;
                silenced = true;
            }
        }
        !silenced
    }

    /// The fix that deletes a location and its lines if they become empty; `None` in a bundled vocabulary.
    pub(super) fn deletion(&self, location: Location, safe: bool) -> Option<Fix> {
        let file = self.program.sources.file(location.file);
        if file.bundled {
            return None;
        }
        let Span { start, end } = location.span;
        let before = &file.text[..start as usize];
        let after = &file.text[end as usize..];
        let line = before.trim_end_matches([' ', '\t']);
        let rest = after.trim_start_matches([' ', '\t', '\r']);
        let alone = (line.is_empty() || line.ends_with('\n'))
            && (rest.is_empty() || rest.starts_with('\n'));
        let span = if alone {
            Span::new(
                line.len(),
                file.text.len() - rest.len() + usize::from(!rest.is_empty()),
            )
        } else {
            location.span
        };
        let edits = vec![(
            Location {
                file: location.file,
                span,
            },
            String::new(),
        )];
        Some(Fix {
            message: "delete it".to_owned(),
            safe,
            edits,
        })
    }

    /// The fix that inserts a line below a location; `None` in a bundled vocabulary.
    pub(super) fn line_below(&self, place: Location, line: &str, message: &str) -> Option<Fix> {
        let file = self.program.sources.file(place.file);
        if file.bundled {
            return None;
        }
        let start = file.text[..place.span.start as usize]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let indent: String = file.text[start..]
            .chars()
            .take_while(|char| matches!(char, ' ' | '\t'))
            .collect();
        let newline = file.newline();
        let span = Span {
            start: place.span.end,
            end: place.span.end,
        };
        let edits = vec![(
            Location {
                file: place.file,
                span,
            },
            format!("{newline}{indent}{line}"),
        )];
        Some(Fix {
            message: message.to_owned(),
            safe: false,
            edits,
        })
    }

    /// Notes that a role could not be analyzed completely.
    pub(super) fn cut_short(&mut self, role: RoleId) {
        self.skipped.insert((&self.lint.code, role));
    }

    pub(super) fn rule_location(&self, source: RuleSourceId) -> Location {
        self.program.rule_source(source).location
    }

    pub(super) fn profile_name(&self, profile: ProfileId) -> &str {
        &self.program.profile(profile).name
    }

    /// The location to report for a role: its name, or the first profile of a program without roles.
    pub(super) fn role_location(&self, role: RoleId) -> Option<Location> {
        let role = self.program.role(role);
        role.location.or_else(|| {
            role.profiles
                .first()
                .map(|profile| self.program.profile(*profile).location)
        })
    }

    /// ` in role R` if roles are declared, otherwise empty.
    pub(super) fn of_role(&self, role: RoleId) -> String {
        match self.program.role(role).location {
            Some(_) => format!(" in role `{}`", self.program.role_name(role)),
            None => String::new(),
        }
    }

    /// Likewise for several roles.
    pub(super) fn of_roles(&self, roles: &BTreeSet<RoleId>) -> String {
        let declared = |role: &&RoleId| self.program.role(**role).location.is_some();
        let names = roles.iter().filter(declared);
        let names: Vec<String> = names
            .map(|role| self.program.role_name(*role).to_owned())
            .collect();
        match names.as_slice() {
            [] => String::new(),
            [one] => format!(" in role {one}"),
            some if some.len() <= MAX_ROLES => format!(" in roles {}", some.join(", ")),
            all => format!(" in {} roles", all.len()),
        }
    }
}
