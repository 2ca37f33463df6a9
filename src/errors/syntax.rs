//! `syntax`: the text does not follow the grammar or its limits.

use crate::diagnostic::{Code, Diagnostic, Fix};
use crate::quote::visible;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "syntax",
    default: None,
    summary: "syntax error",
    explanation: "A word, bracket or arrow is missing or unexpected. All syntax errors are reported in one run, and the code \
around them is checked as usual.",
    bad: "use cic_lync
profile \"P\" {
    cic Available => lync Available
    cic At Lunch -> lync Away
}
",
    good: "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    cic \"At Lunch\" -> lync Away
}
",
};

fn error(message: impl Into<String>, at: Location, label: &str) -> Diagnostic {
    Diagnostic::error(&CODE, message).label(at, label)
}

// Whole files.

pub(crate) fn large_file(most: usize, at: Location) -> Diagnostic {
    error(
        format!("the file is larger than {} MiB", most >> 20),
        at,
        "not checked",
    )
    .help("split the file and combine the parts with `use`")
}

/// JSON or XML where a program should be.
pub(crate) fn another_format(text: &str, at: Location) -> Diagnostic {
    // Tables have their format at the start.
    let mut end = text.len().min(1_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = &text[..end];
    let (what, help) = if start.starts_with('<') {
        (
            "XML",
            "read a decision table in DMN with `presync import FILE.dmn`",
        )
    } else if start.contains("\"presync-tables\"") {
        (
            "a compiled table",
            "`decide`, `run`, `show`, `diff` and `export` read it; `presync import` makes a program of it",
        )
    } else if start.contains("\"user\"") {
        (
            "JSON with events",
            "give it to `presync run PROGRAM --events FILE`",
        )
    } else {
        ("JSON", "name a program: a `.presync` file")
    };
    error(
        format!("this is {what}, not a program"),
        at,
        "not a declaration",
    )
    .help(help)
}

/// `end`: the end of the file.
pub(crate) fn too_many(most: usize, end: Location) -> Diagnostic {
    error(
        format!("too many errors, stopped at {most}"),
        end,
        "not all errors before this line are shown",
    )
    .help("fix the first errors, and check that this is a Presync program")
}

// Words and signs.

/// A word or quoted text of more than `most` bytes.
pub(crate) fn long_token(what: &str, most: usize, at: Location) -> Diagnostic {
    error(
        format!("this {what} is longer than {most} bytes"),
        at,
        "starts here",
    )
    .help("shorten it, or move text into a comment")
}

pub(crate) fn unclosed_text(start: Location, line_end: Location) -> Diagnostic {
    error("unclosed string", start, "starts here")
        .label(line_end, "no closing `\"` before the end of the line")
        .help("add the missing `\"` on this line, and write a quote inside a name as `\\\"`")
}

pub(crate) fn bad_escape(found: &str, at: Location) -> Diagnostic {
    error(format!("unknown escape `{found}`"), at, "unknown escape")
        .help("valid escapes are `\\\"`, `\\\\` and `\\u{...}` with one to six hexadecimal digits")
}

/// Characters that cannot start a word or sign.
pub(crate) fn strange(found: &str, help: &str, at: Location) -> Diagnostic {
    let found = match found.chars().next() {
        // A space that looks like an ordinary one.
        Some(space) if space.is_whitespace() => format!("space U+{:04X}", u32::from(space)),
        _ => format!("`{}`", visible(found)),
    };
    error(format!("unexpected {found}"), at, "unexpected").help(help)
}

// Brackets.

/// `last`: where the last block was closed.
pub(crate) fn stray_close(
    closer: &str,
    opener: &str,
    at: Location,
    last: Option<Location>,
) -> Diagnostic {
    let mut stray = error(format!("unmatched `{closer}`"), at, "no block is open here");
    if let Some(last) = last {
        stray = stray.label(last, "the last block ends here");
    }
    stray.help(format!("delete it, or add the missing `{opener}`"))
}

/// Another bracket is closed first.
pub(crate) fn crossed_brackets(
    opener: &str,
    open: Location,
    closer: &str,
    close: Location,
) -> Diagnostic {
    unclosed_bracket(opener, open).label(close, format!("found `{closer}` first"))
}

/// `why`: why it counts as unclosed; `before`: the place that shows it.
pub(crate) fn unclosed(opener: &str, open: Location, why: &str, before: Location) -> Diagnostic {
    let closer = if opener == "{" { "}" } else { ")" };
    unclosed_bracket(opener, open)
        .label(before, why)
        .help(format!("add the missing `{closer}`"))
}

fn unclosed_bracket(opener: &str, open: Location) -> Diagnostic {
    error(format!("unclosed `{opener}`"), open, "opened here")
}

pub(crate) fn too_deep(most: usize, at: Location) -> Diagnostic {
    error(
        format!("brackets are nested more than {most} levels deep"),
        at,
        "exceeds the limit here",
    )
    .help("move a part into a named condition: `condition name = ...`")
}

// Text that does not parse.

/// What to write instead.
pub(crate) enum SyntaxHelp {
    Text(String),
    /// A keyword was probably meant.
    Misspelt {
        word: String,
        meant: &'static str,
        at: Location,
    },
}

/// `expected`: a phrase for what is valid there; `before`: the previous word; `help`: what to write instead.
pub(crate) fn expected(
    expected: &str,
    before: Option<&str>,
    found: Option<(&str, Location)>,
    end: Location,
    help: Option<SyntaxHelp>,
) -> Diagnostic {
    let after = before.map_or_else(String::new, |before| format!(" after `{before}`"));
    let message = match found {
        _ if !expected.is_empty() => format!("expected {expected}{after}"),
        Some((word, _)) => format!("unexpected `{word}`"),
        None => "unexpected end of the declaration".to_owned(),
    };
    let found = match found {
        Some((word, at)) => error(message, at, &format!("found `{word}`")),
        None => error(message, end, "the declaration ends here"),
    };
    match help {
        Some(SyntaxHelp::Text(help)) => found.help(help),
        Some(SyntaxHelp::Misspelt { word, meant, at }) => found
            .help(format!("did you mean `{meant}` instead of `{word}`?"))
            .fix(replaced(meant, at)),
        None => found,
    }
}

/// A word in place of a misspelled one.
pub(crate) fn replaced(meant: &str, at: Location) -> Fix {
    Fix {
        message: format!("replace with `{meant}`"),
        safe: false,
        edits: vec![(at, meant.to_owned())],
    }
}

pub(crate) fn no_declaration(
    word: &str,
    meant: Option<&str>,
    help: Option<&str>,
    at: Location,
) -> Diagnostic {
    let found = error(
        format!("expected a declaration, found `{word}`"),
        at,
        "not the start of a declaration",
    );
    match (help, meant) {
        (Some(help), _) => found.help(help),
        (None, Some(meant)) => found
            .help(format!("did you mean `{meant}`?"))
            .fix(replaced(meant, at)),
        (None, None) => found.help("start a declaration with `use`, `system`, `extend`, `group`, `flag`, `choice`, `condition`, `mapping`, \
`profile`, `role`, `test` or `scenario`"),
    }
}

pub(crate) fn rule_outside(at: Location) -> Diagnostic {
    error("rule outside a profile", at, "expected a declaration")
        .help("move it into a `profile` or `mapping`")
}

pub(crate) fn long_statement(most: usize, at: Location) -> Diagnostic {
    error(
        format!("this statement is longer than {most} tokens"),
        at,
        "starts here",
    )
    .help("move parts of it into a named `condition`, `group` or `mapping`")
}

// Text that parses, or almost does, but was clearly not meant.

pub(crate) fn allow_before_nothing(at: Location) -> Diagnostic {
    error(
        "`@allow` is not followed by anything",
        at,
        "nothing after this",
    )
    .help("put it before a declaration, a rule or a `when`")
}

/// A condition or an `@allow` at the end of a block, with nothing after it.
pub(crate) fn nothing_follows(condition: bool, at: Location) -> Diagnostic {
    let what = if condition {
        "`when` is not followed by a rule"
    } else {
        "`@allow` is not followed by anything"
    };
    error(what, at, "nothing after this in the block").help("add the missing rule, or delete it")
}

/// `kind`: `rule`, `apply` or `append`.
pub(crate) fn late_condition(kind: &str, condition: &str, item: &str, at: Location) -> Diagnostic {
    let what = match kind {
        "rule" => "a rule".to_owned(),
        kind => format!("an `{kind}`"),
    };
    error(
        format!("the condition of {what} must come first"),
        at,
        &format!("condition after {what}"),
    )
    .help(format!("write `{condition}: {item}`"))
}

pub(crate) fn no_step(word: &str, help: &str, at: Location) -> Diagnostic {
    error(
        format!("expected a step, found `{word}`"),
        at,
        "not the start of a step",
    )
    .help(help)
}

/// Several names in a row where a condition is expected.
pub(crate) fn word_missing_in_condition(words: &[&str], at: Location) -> Diagnostic {
    error(
        "missing `is`, `and` or `or` in this condition",
        at,
        "two names in a row",
    )
    .help(format!(
        "write `{} is {}`, or `and` between two conditions",
        words[0],
        words[1..].join(" | ")
    ))
}

pub(crate) fn name_without_quotes(words: &[&str], at: Location) -> Diagnostic {
    error("a name with spaces needs quotes", at, "several words")
        .help(format!("write `\"{}\"`", words.join(" ")))
}

pub(crate) fn right_side_missing(arrow: Location) -> Diagnostic {
    error(
        "missing right side of the rule",
        arrow,
        "expected a system and a state after this",
    )
    .help("write both sides: `cic Available -> lync Away`")
}

pub(crate) fn second_arrow(at: Location) -> Diagnostic {
    error("a rule has only one arrow", at, "second arrow").help("write one rule for each arrow")
}

pub(crate) fn list_ends_with_comma(at: Location) -> Diagnostic {
    error("trailing comma", at, "nothing to list after this").help("delete the comma")
}

pub(crate) fn observe_without_state(at: Location) -> Diagnostic {
    error(
        "missing system or state after `observe`",
        at,
        "expected a system and a state",
    )
    .help("write both, as in `observe cic Available` or `observe cic nothing`")
}

pub(crate) fn resync_without_system(at: Location) -> Diagnostic {
    error("missing system after `resync`", at, "expected a system").help("write `resync cic`")
}

pub(crate) fn half_side(at: Location) -> Diagnostic {
    error(
        "missing system or state",
        at,
        "expected a system and a state",
    )
    .help("write both, as in `lync Away`")
}

pub(crate) fn block_without_condition(brace: Location) -> Diagnostic {
    error(
        "block without a condition",
        brace,
        "expected `when` and a condition before this",
    )
    .help("write `when condition { ... }`")
}

pub(crate) fn colon_and_brace(at: Location) -> Diagnostic {
    error("`:` and `{` cannot be combined", at, "delete one of them")
        .help("write `when c { ... }` for a block, or `when c: ...` for a single item")
}

pub(crate) fn nothing_among_commands(at: Location) -> Diagnostic {
    error(
        "`nothing` cannot be combined with other commands",
        at,
        "expects no command at all",
    )
    .help("write only `nothing`, or only the commands")
}

pub(crate) fn append_in_mapping(at: Location) -> Diagnostic {
    error(
        "a mapping cannot contain `append`",
        at,
        "not allowed in a mapping",
    )
    .help("move the `append` into the profiles that apply this mapping")
}

pub(crate) fn override_otherwise(at: Location) -> Diagnostic {
    error(
        "`override` cannot be combined with `otherwise`",
        at,
        "not allowed before `otherwise`",
    )
    .help("delete `override`, or write the states to override instead of `otherwise`")
}

pub(crate) fn from_unchanged(at: Location) -> Diagnostic {
    error(
        "a change cannot come from `unchanged`",
        at,
        "expected a state or group",
    )
    .help("write `unchanged` on the right, as in `cic Available -> lync unchanged`")
}

pub(crate) fn from_previous(at: Location) -> Diagnostic {
    error(
        "`previous` cannot be the source of a rule",
        at,
        "expected a state or group",
    )
    .help("write `previous` on the right, as in `phone Idle -> chat previous`")
}

/// `5`, `5 minutes`: `count` is the number.
pub(crate) fn no_unit(found: &str, count: &str, at: Location) -> Diagnostic {
    let (message, label) = if found == count {
        (
            format!("`{found}` has no unit"),
            "seconds, minutes or hours?",
        )
    } else {
        (format!("`{found}` is not a duration"), "unknown unit")
    };
    let unit = found.strip_prefix(count).unwrap_or_default();
    error(message, at, label).help(match (unit.chars().next(), count.parse::<u32>()) {
        (Some('m'), _) => format!("write `{count}m` for minutes"),
        (Some('s'), _) => format!("write `{count}s` for seconds"),
        (Some('h'), _) => format!("write `{count}h` for hours"),
        (Some('d'), Ok(days @ 1..=7)) => format!("write `{}h`: a day is `24h`", 24 * days),
        (Some('d' | 'w'), _) => {
            "write hours: a day is `24h`, and the longest duration is `168h`".to_owned()
        }
        _ => {
            format!("write `{count}s` for seconds, `{count}m` for minutes or `{count}h` for hours")
        }
    })
}

pub(crate) fn no_duration(found: &str, at: Location) -> Diagnostic {
    error("a duration must be more than 0", at, "zero").help(format!(
        "write a longer one instead of `{found}`, as in `30s`"
    ))
}

pub(crate) fn long_duration(found: &str, at: Location) -> Diagnostic {
    error(
        format!("`{found}` is longer than a week"),
        at,
        "duration too long",
    )
    .help("write at most `168h`")
}

pub(crate) fn otherwise_in_list(at: Location) -> Diagnostic {
    error(
        "`otherwise` cannot be part of a list",
        at,
        "already includes every other state",
    )
    .help("write `otherwise` alone: it means every state that no other rule maps")
}

pub(crate) fn second_target(at: Location) -> Diagnostic {
    error("a rule sets only one state", at, "second state")
        .help("write one rule for each target, each with its own `when`")
}

/// `any` or `otherwise` on the right side.
pub(crate) fn no_target(word: &str, at: Location) -> Diagnostic {
    error(
        format!("`{word}` cannot be a target"),
        at,
        "expected a state or `unchanged`",
    )
    .help(if word == "otherwise" {
        "write `otherwise` on the left, as in `cic otherwise -> lync Away`"
    } else {
        "write the one state to set, or `unchanged`"
    })
}

// Errors found once names are resolved.

pub(crate) fn not_in_extension(at: Location) -> Diagnostic {
    error(
        "`extend system` cannot change `online`",
        at,
        "not allowed here",
    )
    .help("delete it here, and write it in the `system` declaration")
}

pub(crate) fn long_limit(at: Location) -> Diagnostic {
    error("the text limit is too large", at, "number too large")
        .help("write the number of characters the system shows, as in `text 64`")
}
