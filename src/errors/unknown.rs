//! What the `unknown-...` errors have in common: a name that is not declared, and what was probably meant.

use presync_engine::nearest;

use crate::diagnostic::{Code, Diagnostic, Fix};
use crate::quote::quote;
use crate::source::Location;

pub(crate) struct UnknownName<'a> {
    pub code: &'static Code,
    /// The system or choice that would have it.
    pub owner: Option<&'a str>,
    /// What kind of name it is: `system`, `value`.
    pub what: &'a str,
    pub name: &'a str,
    pub at: Location,
    /// What is known instead, in an order for people.
    pub known: &'a [&'a str],
    /// Replaces the nearest known name.
    pub help: Option<String>,
}

impl UnknownName<'_> {
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
