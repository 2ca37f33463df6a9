//! In: the name of a code. Out: its definition. Errors are defined in `errors/`, lints in `lint/`.

use crate::diagnostic::{Code, Level};
use crate::errors::{ERRORS, failed_test};
use crate::lint::LINTS;

/// Every code: errors first, then lints, each in the order of the language reference.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    let lints = LINTS.iter().map(|lint| &lint.code);
    ERRORS.iter().copied().chain(lints)
}

pub fn code(name: &str) -> Option<&'static Code> {
    codes().find(|code| code.name == name)
}

impl Code {
    /// How to set its level; for errors, that it has none.
    pub fn configuration(&self) -> String {
        match self.default {
            None if *self == failed_test::CODE => {
                "Only `presync test` reports it; other commands continue.".to_owned()
            }
            None => "An error: `@allow` cannot suppress it, and no command can use the program."
                .to_owned(),
            Some(level) => format!(
                "A lint, `{}` by default. To allow one finding, write `@allow({code}, \"reason\")` before the declaration, rule or `when` that it points to. To set the level (`off`, `warn` or `error`) for one run, use `--level {code}={other}`. To set it for a project, add to `presync.toml`:\n\n    [lints]\n    {code} = \"{other}\"",
                level.as_str(),
                other = if level == Level::Error {
                    "warn"
                } else {
                    "error"
                },
                code = self.name
            ),
        }
    }
}
