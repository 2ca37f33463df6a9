//! In: a code that a diagnostic carries. Out: what it means, why that matters, a bad and a good example.
//! Errors are described here, each lint in its own file.

mod errors;

use crate::lint::{LINTS, Level};

/// What `presync explain CODE` says.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    pub name: &'static str,
    /// `None`: an error, which cannot be allowed.
    pub default: Option<Level>,
    /// One line.
    pub summary: &'static str,
    /// Why it matters, and what to do.
    pub text: &'static str,
    /// A program that has it.
    pub bad: &'static str,
    /// The same, repaired.
    pub good: &'static str,
}

/// Every code: errors first, then lints, each in the order of the language reference.
pub fn codes() -> impl Iterator<Item = Code> {
    let lints = LINTS.iter().map(|lint| Code {
        name: lint.code,
        default: Some(lint.default),
        summary: lint.summary,
        text: lint.explanation,
        bad: lint.bad,
        good: lint.good,
    });
    errors::ERRORS.iter().copied().chain(lints)
}

pub fn code(name: &str) -> Option<Code> {
    codes().find(|code| code.name == name)
}

impl Code {
    /// How its level is set; for errors, that it is not.
    pub fn configuration(&self) -> String {
        match self.default {
            None if self.name == "failed-test" => {
                "`presync test` reports it; it stops no other command.".to_owned()
            }
            None => "An error: it cannot be allowed, and stops every command.".to_owned(),
            Some(level) => format!(
                "A lint, `{}` by default. For one place: `@allow({code}, \"reason\")` before the declaration, rule or \
                 `when`. For one run: `--level {code}=deny`. For a project, in `presync.toml`:\n\n    \
                 [lints]\n    {code} = \"deny\"",
                level.as_str(),
                code = self.name
            ),
        }
    }
}
