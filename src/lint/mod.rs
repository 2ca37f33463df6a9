//! In: a checked program and the settings. Out: the findings of the lints.
//! One file per lint: what it finds, why it matters, a bad and a good example. A lint that cannot analyze a role
//! reports that, too.

mod absent_target;
mod alive;
mod ambiguous_return;
mod constant_condition;
mod context;
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

use std::collections::BTreeMap;

use presync_engine::nearest;

use context::Context;
use state_text::{shown, state_name, states_text, system_name};

use crate::diagnostic::{self, Code, Diagnostic, Label, Level, Severity};
use crate::errors::{ERRORS, too_complex};
use crate::program::{LostParts, Program, RoleId};
use crate::source::{FileId, Location};

/// A lint, defined in its own file.
pub struct Lint {
    pub code: Code,
    /// Whether a finding in a file of several programs counts only if all of them have it.
    pub of_all_programs: bool,
    /// Whether its findings may be due to anything that is lost to errors, so that it waits until there are none.
    waits: bool,
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

/// Large programs get one finding per this many bytes; a finding takes about five times as much memory.
const BYTES_OF_A_FINDING: usize = 250;

/// Runs the lints that are not `off` on a program, or on what errors leave of it. Findings are sorted; those that an `@allow`
/// suppresses are omitted.
pub fn run(program: &Program, lost: &LostParts, settings: &Settings) -> Vec<Diagnostic> {
    let mut context = Context::new(program, lost, settings);
    unused_allow::refuse_old_names(&mut context);
    // `unused-allow` runs last, because it checks what the others suppressed.
    let (last, first): (Vec<&Lint>, Vec<&Lint>) = LINTS
        .iter()
        .copied()
        .partition(|lint| lint.code == unused_allow::LINT.code);
    for lint in first.into_iter().chain(last) {
        if settings.is_off(lint) || (lint.waits && lost.anything) {
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
