//! In: a comment. Out: what it tells the tool: `// presync: allow gap "reason"`, `// presync: fmt off`, `// presync: fmt on`.

use crate::syntax::lexer::read_escape;

/// What a comment that begins with `presync:` tells the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directive {
    /// Suppresses these lints in the whole file.
    Allow {
        codes: Vec<String>,
        reason: Option<String>,
    },
    /// `fmt` keeps the lines from here on as they are, until [`Directive::FormatOn`].
    FormatOff,
    FormatOn,
    Unknown,
}

/// `None` for an ordinary comment; `comment` includes its slashes.
pub fn directive(comment: &str) -> Option<Directive> {
    let text = comment.strip_prefix("//")?.trim();
    let rest = text.strip_prefix("presync:")?.trim();
    Some(match rest.split_once(char::is_whitespace) {
        Some(("allow", what)) => allow(what.trim()).unwrap_or(Directive::Unknown),
        Some(("fmt", what)) => match what.trim() {
            "off" => Directive::FormatOff,
            "on" => Directive::FormatOn,
            _ => Directive::Unknown,
        },
        _ => Directive::Unknown,
    })
}

/// `gap, dead-rule "reason"`
fn allow(what: &str) -> Option<Directive> {
    let (codes, reason) = match what.find('"') {
        Some(quote) => (&what[..quote], Some(unquoted(&what[quote..])?)),
        None => (what, None),
    };
    let codes = codes.trim().trim_end_matches(',');
    let codes: Vec<String> = codes
        .split(',')
        .map(|code| code.trim().to_owned())
        .collect();
    let is_code = |code: &String| {
        let plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        !code.is_empty() && code.chars().all(plain)
    };
    codes
        .iter()
        .all(is_code)
        .then_some(Directive::Allow { codes, reason })
}

/// The text in quotes; nothing may follow it.
fn unquoted(quoted: &str) -> Option<String> {
    let mut inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    while let Some(char) = inside.chars().next() {
        let length = match char {
            '"' => return None,
            '\\' => {
                let (char, length) = read_escape(inside)?;
                text.push(char);
                length
            }
            char => {
                text.push(char);
                char.len_utf8()
            }
        };
        inside = &inside[length..];
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read() {
        let allow = |codes: &[&str], reason: Option<&str>| {
            Some(Directive::Allow {
                codes: codes.iter().map(|code| (*code).to_owned()).collect(),
                reason: reason.map(str::to_owned),
            })
        };
        for (comment, wanted) in [
            ("// presync: allow gap", allow(&["gap"], None)),
            (
                "//presync: allow gap , dead-rule, \"it \\\"is\\\" old\"",
                allow(&["gap", "dead-rule"], Some("it \"is\" old")),
            ),
            ("// presync: fmt off", Some(Directive::FormatOff)),
            ("// presync:  fmt  on ", Some(Directive::FormatOn)),
            ("// presync: fmt of", Some(Directive::Unknown)),
            ("// presync: alow gap", Some(Directive::Unknown)),
            ("// presync: allow", Some(Directive::Unknown)),
            ("// presync: allow gap dead-rule", Some(Directive::Unknown)),
            (
                "// presync: allow gap \"why\" more",
                Some(Directive::Unknown),
            ),
            ("// presync is a tool", None),
            ("/// presync: fmt off", None),
            ("// allow gap", None),
        ] {
            assert_eq!(directive(comment), wanted, "{comment}");
        }
    }
}
