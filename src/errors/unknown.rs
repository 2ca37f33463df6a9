//! Shared by the `unknown-...` errors: a name that is not declared, and the name that was probably meant.

use presync_engine::nearest;

use crate::diagnostic::{Code, Diagnostic, Fix};
use crate::quote::quote;
use crate::source::Location;

pub(crate) struct UnknownReference<'a> {
    pub code: &'static Code,
    /// The system or choice in which the name was looked up.
    pub owner: Option<&'a str>,
    /// The kind of name: `system`, `value`.
    pub what: &'a str,
    pub name: &'a str,
    pub at: Location,
    /// The known names, in the order to show them.
    pub known: &'a [&'a str],
    /// Shown instead of the nearest known name.
    pub help: Option<String>,
}

impl UnknownReference<'_> {
    pub(crate) fn diagnostic(self) -> Diagnostic {
        let Self {
            code,
            owner,
            what,
            name,
            at,
            known,
            help,
        } = self;
        let message = match owner {
            Some(owner) => format!("{} has no {what} `{name}`", quote(owner)),
            None => format!("unknown {what} `{name}`"),
        };
        let error = Diagnostic::error(code, message)
            .label(at, "not declared")
            .about(name);
        match (nearest(name, known.iter().copied()), help) {
            (_, Some(help)) => error.help(help),
            (Some(near), None) => {
                let written = quote(near);
                error.help(format!("did you mean `{written}`?")).fix(Fix {
                    message: format!("replace with `{written}`"),
                    safe: false,
                    edits: vec![(at, written)],
                })
            }
            (None, None) if known.is_empty() => error.help(match owner {
                Some(owner) => format!("{} has no {}", quote(owner), plural(what)),
                None => format!("no {what} is declared"),
            }),
            (None, None) => error.help(format!("known {}: {}", plural(what), list(known))),
        }
    }
}

/// `state or group` as `states and groups`.
fn plural(what: &str) -> String {
    let words: Vec<String> = what.split(" or ").map(|word| format!("{word}s")).collect();
    words.join(" and ")
}

/// The first few names for a help text.
fn list(known: &[&str]) -> String {
    let shown: Vec<String> = known
        .iter()
        .take(8)
        .map(|name| format!("`{}`", quote(name)))
        .collect();
    let more = known.len().saturating_sub(8);
    let list = shown.join(", ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}
