//! In: a checked program and the settings. Out: the findings of the lints.
//! One file per lint: what it finds, why it matters, a bad and a good example. A lint that cannot analyze a role
//! reports that, too.

mod absent_target;
mod alive;
mod ambiguous_return;
mod constant_condition;
mod dead_profile;
mod dead_rule;
mod duplicate_rule;
mod gap;
mod lossy_round_trip;
mod missing_reason;
mod ping_pong;
mod regions;
mod round_trips;
mod state_case;
mod state_text;
mod text_too_long;
mod trap;
mod unsafe_round_trip;
mod unused;
mod unused_allow;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use presync_engine::nearest;

use state_text::{shown, state_name, states_text, system_name};

use crate::diagnostic::{self, Code, Diagnostic, Fix, Label, Level, Severity};
use crate::errors::{ERRORS, too_complex};
use crate::program::{Direction, ProfileId, Program, RoleId, RuleSourceId, StateId};
use crate::source::{FileId, Location, Span};
use crate::space::Precedence;

/// A lint, defined in its own file.
pub struct Lint {
    pub code: Code,
    /// Whether a finding in a file of several programs counts only if all of them have it.
    pub of_all_programs: bool,
    find: fn(&mut Context<'_>),
}

/// Every lint, in the order of the language reference.
pub static LINTS: &[&Lint] = &[
    &ping_pong::LINT,
    &unsafe_round_trip::LINT,
    &lossy_round_trip::LINT,
    &trap::LINT,
    &dead_rule::LINT,
    &dead_profile::LINT,
    &gap::LINT,
    &ambiguous_return::LINT,
    &absent_target::LINT,
    &constant_condition::LINT,
    &duplicate_rule::LINT,
    &unused::LINT,
    &unused_allow::LINT,
    &missing_reason::LINT,
    &state_case::LINT,
    &text_too_long::LINT,
];

/// The lints renamed in 0.2: the old name and the current one.
const RENAMED: [(&str, &str); 2] = [
    ("collapse", "lossy-round-trip"),
    ("unsafe-collapse", "unsafe-round-trip"),
];

/// The current name of a lint by its old name.
fn renamed(old: &str) -> Option<&'static str> {
    let found = RENAMED.iter().find(|(before, _)| *before == old);
    found.map(|(_, now)| *now)
}

/// A name that is not the name of a lint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownLint {
    #[error("the lint `{old}` is now called `{now}`")]
    Renamed { old: String, now: &'static str },
    #[error("`{0}` is an error, and errors have no level")]
    IsError(String),
    #[error("unknown lint `{name}`: did you mean `{near}`?")]
    Near { name: String, near: &'static str },
    #[error("unknown lint `{0}`")]
    Unknown(String),
}

/// A lint by name.
///
/// # Errors
/// No lint has the name; the error says what was probably meant.
pub fn lint_named(name: &str) -> Result<&'static Lint, UnknownLint> {
    if let Some(lint) = lint(name) {
        return Ok(lint);
    }
    let owned = || name.to_owned();
    if let Some(now) = renamed(name) {
        return Err(UnknownLint::Renamed { old: owned(), now });
    }
    if ERRORS.iter().any(|error| error.name == name) {
        return Err(UnknownLint::IsError(owned()));
    }
    let old = RENAMED.iter().map(|(old, _)| *old);
    let known = LINTS.iter().map(|lint| lint.code.name);
    Err(match nearest(name, known.chain(old)) {
        Some(near) => UnknownLint::Near {
            name: owned(),
            near: renamed(near)
                .or_else(|| lint(near).map(|lint| lint.code.name))
                .unwrap_or_default(),
        },
        None => UnknownLint::Unknown(owned()),
    })
}

pub fn lint(code: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|lint| lint.code.name == code)
}

/// The settings of the lints. A lint has its default level unless another is set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    set: BTreeMap<&'static str, Level>,
    /// Levels in single files, which count before the others.
    in_file: BTreeMap<(&'static str, FileId), Level>,
    /// The only attributes whose change makes a round trip unsafe; `None`: all.
    pub protected: Option<Vec<String>>,
}

impl Settings {
    /// Sets the level of a lint.
    ///
    /// # Errors
    /// No lint has the name.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), UnknownLint> {
        self.set.insert(lint_named(name)?.code.name, level);
        Ok(())
    }

    /// Sets the level of a lint in every file.
    pub fn set_everywhere(&mut self, lint: &Lint, level: Level) {
        self.in_file.retain(|(code, _), _| *code != lint.code.name);
        self.set.insert(lint.code.name, level);
    }

    /// Sets the level of a lint for findings in one file: those whose first label is there.
    ///
    /// # Errors
    /// No lint has the name.
    pub fn set_in(&mut self, file: FileId, name: &str, level: Level) -> Result<(), UnknownLint> {
        let code = lint_named(name)?.code.name;
        self.in_file.insert((code, file), level);
        Ok(())
    }

    fn of(&self, lint: &Lint) -> Level {
        let set = self.set.get(lint.code.name).copied();
        set.or(lint.code.default).unwrap_or(Level::Warn)
    }

    /// The level for a finding with this first label.
    fn at(&self, lint: &Lint, location: Option<Location>) -> Level {
        let of_file = |at: Location| self.in_file.get(&(lint.code.name, at.file)).copied();
        let level = location.and_then(of_file);
        level.unwrap_or_else(|| self.of(lint))
    }

    /// Whether a lint is off in every file.
    fn is_off(&self, lint: &Lint) -> bool {
        let mut single = self.in_file.iter();
        self.of(lint) == Level::Off
            && single.all(|((code, _), level)| *code != lint.code.name || *level == Level::Off)
    }
}

/// Maximum number of findings reported for a program; large programs get more.
pub const MAX_FINDINGS: usize = 1_000;

/// Roles up to this number are named in a message.
const MAX_ROLES: usize = 4;

/// Large programs get one finding per this many bytes; a finding takes about five times as much memory.
const BYTES_OF_A_FINDING: usize = 250;

/// Runs the lints that are not `off` on a program without errors. Findings are sorted; those that an `@allow`
/// suppresses are omitted.
pub fn run(program: &Program, settings: &Settings) -> Vec<Diagnostic> {
    let mut context = Context {
        program,
        space: Precedence::new(program),
        regions: regions::RegionCache::default(),
        alive: None,
        allows: allows(program),
        used_allows: vec![false; program.allows.len()],
        settings,
        findings: Vec::new(),
        most: MAX_FINDINGS.max(
            program
                .sources
                .iter()
                .map(|(_, file)| file.text.len())
                .sum::<usize>()
                / BYTES_OF_A_FINDING,
        ),
        left_out: None,
        skipped: BTreeSet::new(),
        lint: LINTS[0],
    };
    unused_allow::refuse_old_names(&mut context);
    // `unused-allow` runs last, because it checks what the others suppressed.
    let (last, first): (Vec<&Lint>, Vec<&Lint>) = LINTS
        .iter()
        .copied()
        .partition(|lint| lint.code == unused_allow::LINT.code);
    for lint in first.into_iter().chain(last) {
        if settings.is_off(lint) {
            continue;
        }
        context.lint = lint;
        // The next lint needs other operations.
        context.space.diagrams.clear_cache();
        (lint.find)(&mut context);
    }
    if context.space.diagrams.overflowed() {
        // Any finding may rest on a result that did not fit.
        return vec![too_complex::lints()];
    }
    let mut findings = context.findings;
    findings.extend(context.left_out.map(|worst| left_out(worst, context.most)));
    let skipped = context.skipped.into_iter();
    findings.extend(skipped.map(|(code, role)| skipped_role(program, code, role)));
    diagnostic::sort(&mut findings);
    findings
}

/// Replaces the omitted findings; `worst`: the first of the most severe ones.
fn left_out(worst: Diagnostic, most: usize) -> Diagnostic {
    // An error fails the check even if it is omitted.
    let severity = match worst.severity {
        Severity::Error => Severity::Error,
        Severity::Warning | Severity::Info => Severity::Info,
    };
    let message = format!("too many findings, stopped at {most}");
    Diagnostic {
        labels: worst.labels,
        ..Diagnostic::new(worst.code, severity, message)
    }
    .note("not all findings are shown")
    .help("run `check --fix`, or set the lints you do not need to `off`")
}

/// Reports that a lint could not analyze a role completely.
fn skipped_role(program: &Program, code: &'static Code, role: RoleId) -> Diagnostic {
    let location = program
        .role(role)
        .location
        .or_else(|| program.profiles.first().map(|profile| profile.location));
    let name = program.role_name(role);
    let message = format!("analysis of role `{name}` is incomplete");
    let mut note = Diagnostic::new(code, Severity::Info, message).of_role(name.to_owned());
    note.labels.extend(location.map(|location| Label {
        location,
        message: "too complex to analyze".to_owned(),
    }));
    note.help("use fewer facts in the conditions of this role")
}

/// Everything a lint works with.
struct Context<'p> {
    program: &'p Program,
    space: Precedence<'p>,
    regions: regions::RegionCache,
    alive: Option<std::rc::Rc<alive::Alive>>,
    allows: HashMap<&'p str, Vec<Allowed>>,
    used_allows: Vec<bool>,
    settings: &'p Settings,
    findings: Vec<Diagnostic>,
    /// Maximum number of findings.
    most: usize,
    /// The first of the most severe findings over the limit.
    left_out: Option<Diagnostic>,
    skipped: BTreeSet<(&'static Code, RoleId)>,
    lint: &'static Lint,
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

impl Context<'_> {
    /// A new finding of the current lint, for [`Context::report`], which sets its severity.
    fn finding(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.lint.code, Severity::Warning, message)
    }

    /// A finding about a role, a direction and states, each optional.
    fn finding_about(
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
    fn report(&mut self, mut finding: Diagnostic) {
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
    fn counts(&mut self, finding: &mut Diagnostic) -> bool {
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
    fn deletion(&self, location: Location, safe: bool) -> Option<Fix> {
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
    fn line_below(&self, place: Location, line: &str, message: &str) -> Option<Fix> {
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
        let newline = if file.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
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
    fn cut_short(&mut self, role: RoleId) {
        self.skipped.insert((&self.lint.code, role));
    }

    fn rule_location(&self, source: RuleSourceId) -> Location {
        self.program.rule_source(source).location
    }

    fn profile_name(&self, profile: ProfileId) -> &str {
        &self.program.profile(profile).name
    }

    /// The location to report for a role: its name, or the first profile of a program without roles.
    fn role_location(&self, role: RoleId) -> Option<Location> {
        let role = self.program.role(role);
        role.location.or_else(|| {
            role.profiles
                .first()
                .map(|profile| self.program.profile(*profile).location)
        })
    }

    /// ` in role R` if roles are declared, otherwise empty.
    fn of_role(&self, role: RoleId) -> String {
        match self.program.role(role).location {
            Some(_) => format!(" in role `{}`", self.program.role_name(role)),
            None => String::new(),
        }
    }

    /// Likewise for several roles.
    fn of_roles(&self, roles: &BTreeSet<RoleId>) -> String {
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
