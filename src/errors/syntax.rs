//! `syntax`: the text is not of the language.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::visible;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "syntax",
    default: None,
    summary: "the text is not of the language",
    explanation: "A word, bracket or arrow is missing or stands where none can. All of them are reported in one run, and what is \
right around them is checked as usual.",
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
        "not read",
    )
    .help("split it and join the parts with `use`")
}

/// `end`: of the file.
pub(crate) fn too_many(most: usize, end: Location) -> Diagnostic {
    error(
        format!("there are more than {most} errors in this file"),
        end,
        "not all errors before this are shown",
    )
    .help("fix the first ones; is this a program at all?")
}

// Words and signs.

/// A word or text in quotes of so many bytes or more.
pub(crate) fn long_token(what: &str, most: usize, at: Location) -> Diagnostic {
    error(
        format!("this {what} is longer than {most} bytes"),
        at,
        "it starts here, and ends much later",
    )
    .help("shorten it; a comment may be as long as you like")
}

pub(crate) fn unclosed_text(start: Location, line_end: Location) -> Diagnostic {
    error("this text in quotes is not closed", start, "it starts here")
        .label(line_end, "the line ends without a closing `\"`")
        .help("close it with `\"` on the same line, or open it before the name that ends here; a quote inside is `\\\"`")
}

pub(crate) fn bad_escape(found: &str, at: Location) -> Diagnostic {
    error(format!("`{found}` is not an escape"), at, "unknown escape")
        .help("the escapes are `\\\"`, `\\\\` and `\\u{...}` with one to six hexadecimal digits")
}

/// Characters that no word or sign begins with.
pub(crate) fn strange(found: &str, help: &str, at: Location) -> Diagnostic {
    error(
        format!("`{}` means nothing here", visible(found)),
        at,
        "unexpected",
    )
    .help(help)
}

// Brackets.

/// `last`: where the last block was closed.
pub(crate) fn stray_close(
    closer: &str,
    opener: &str,
    at: Location,
    last: Option<Location>,
) -> Diagnostic {
    let mut stray = error(
        format!("this `{closer}` closes nothing"),
        at,
        "nothing is open here",
    );
    if let Some(last) = last {
        stray = stray.label(last, "the last block was closed here");
    }
    stray.help(format!(
        "delete it, or open the block with `{opener}` before it"
    ))
}

/// Another bracket is closed first.
pub(crate) fn crossed_brackets(
    opener: &str,
    open: Location,
    closer: &str,
    close: Location,
) -> Diagnostic {
    unclosed_bracket(opener, open).label(close, format!("`{closer}` comes first"))
}

/// `why`, `before`: what shows that it is not.
pub(crate) fn unclosed(opener: &str, open: Location, why: &str, before: Location) -> Diagnostic {
    let closer = if opener == "{" { "}" } else { ")" };
    unclosed_bracket(opener, open)
        .label(before, why)
        .help(format!("close it with `{closer}`"))
}

fn unclosed_bracket(opener: &str, open: Location) -> Diagnostic {
    error(
        format!("this `{opener}` is not closed"),
        open,
        "opened here",
    )
}

pub(crate) fn too_deep(most: usize, at: Location) -> Diagnostic {
    error(
        format!("brackets are nested more than {most} deep"),
        at,
        "one too many",
    )
    .help("give a part a name of its own with `condition name = ...`")
}

// Where the grammar goes no further.

/// `expected`: what could stand there, as a sentence; `before`: the word before it; `help`: what to write instead.
pub(crate) fn expected(
    expected: &str,
    before: Option<&str>,
    found: Option<(&str, Location)>,
    end: Location,
    help: Option<String>,
) -> Diagnostic {
    let after = before.map_or_else(String::new, |before| format!(" after `{before}`"));
    let message = match found {
        _ if !expected.is_empty() => format!("expected {expected}{after}"),
        Some((word, _)) => format!("`{word}` cannot stand here"),
        None => "the declaration ends too early".to_owned(),
    };
    let mut found = match found {
        Some((word, at)) => error(message, at, &format!("found `{word}`")),
        None => error(message, end, "the declaration ends here"),
    };
    found.help = help;
    found
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
        (None, Some(meant)) => found.help(format!("did you mean `{meant}`?")),
        (None, None) => found.help("a declaration starts with `use`, `system`, `group`, `flag`, `choice`, `condition`, `mapping`, `profile`, `role`, `test` or `scenario`"),
    }
}

pub(crate) fn rule_outside(at: Location) -> Diagnostic {
    error(
        "a rule stands outside of a profile",
        at,
        "expected a declaration",
    )
    .help("put it into a `profile` or a `mapping`")
}

pub(crate) fn long_statement(most: usize, at: Location) -> Diagnostic {
    error(
        format!("this goes on for more than {most} words and signs"),
        at,
        "it starts here",
    )
    .help("give parts of it names of their own: a `condition`, a `group`, a `mapping`")
}

// What the grammar takes, or almost, and nobody can have meant.

pub(crate) fn allow_before_nothing(at: Location) -> Diagnostic {
    error(
        "an `@allow` needs something to allow it in",
        at,
        "nothing follows",
    )
    .help("put it before a declaration, a rule or a `when`")
}

/// At the end of a block: a condition or an `@allow` that stands before nothing.
pub(crate) fn nothing_follows(condition: bool, at: Location) -> Diagnostic {
    let what = if condition {
        "a `when` needs a rule"
    } else {
        "an `@allow` needs something to allow it in"
    };
    error(what, at, "nothing follows in this block")
        .help("write what it stands before, or delete it")
}

/// `kind`: `rule`, `apply` or `append`.
pub(crate) fn late_condition(kind: &str, condition: &str, item: &str, at: Location) -> Diagnostic {
    let what = match kind {
        "rule" => "a rule".to_owned(),
        kind => format!("an `{kind}`"),
    };
    error(
        format!("the condition of {what} comes first"),
        at,
        "this condition comes too late",
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

/// Names side by side where a condition is expected.
pub(crate) fn word_missing_in_condition(words: &[&str], at: Location) -> Diagnostic {
    error(
        "a word is missing in this condition",
        at,
        "these stand side by side",
    )
    .help(format!(
        "write `{} is {}`, or `and` between two conditions",
        words[0],
        words[1..].join(" | ")
    ))
}

pub(crate) fn name_without_quotes(words: &[&str], at: Location) -> Diagnostic {
    error(
        "a name with a space is put in quotes",
        at,
        "these are several words",
    )
    .help(format!("write `\"{}\"`", words.join(" ")))
}

pub(crate) fn right_side_missing(arrow: Location) -> Diagnostic {
    error("the right side of this rule is missing", arrow, "to what?")
        .help("a rule goes from a side to a side: `cic Available -> lync Away`")
}

pub(crate) fn second_arrow(at: Location) -> Diagnostic {
    error("a rule has one arrow", at, "one more").help("write a rule for each step")
}

pub(crate) fn list_ends_with_comma(at: Location) -> Diagnostic {
    error("this list goes on behind its comma", at, "here")
        .help("leave the comma out: what follows is no condition")
}

pub(crate) fn observe_without_state(at: Location) -> Diagnostic {
    error(
        "what is observed has two parts, and here is one",
        at,
        "of which state?",
    )
    .help("write a system and its state, `observe cic Available`, or `observe cic nothing`")
}

pub(crate) fn resync_without_system(at: Location) -> Diagnostic {
    error("`resync` needs a system", at, "of which system?").help("write `resync cic`")
}

pub(crate) fn half_side(at: Location) -> Diagnostic {
    error(
        "a side has two parts, and here is one",
        at,
        "a state of which system, or which state?",
    )
    .help("a side is a system and one or more of its states: `lync Away`")
}

pub(crate) fn block_without_condition(brace: Location) -> Diagnostic {
    error("a block needs a condition", brace, "this block has none")
        .help("write `when condition { ... }`")
}

pub(crate) fn colon_and_brace(at: Location) -> Diagnostic {
    error(
        "`:` and `{` exclude each other",
        at,
        "one of the two is too much",
    )
    .help("write `when c { ... }` for a block, or `when c: ...` for a single item")
}

pub(crate) fn nothing_among_commands(at: Location) -> Diagnostic {
    error(
        "`nothing` stands beside other commands",
        at,
        "this says that none is sent",
    )
    .help("expect `nothing` alone, or the commands without it")
}

pub(crate) fn append_in_mapping(at: Location) -> Diagnostic {
    error("a mapping cannot append", at, "not in a mapping")
        .help("a mapping holds rules, `when` and `apply`; put the `append` into the profiles")
}

pub(crate) fn override_otherwise(at: Location) -> Diagnostic {
    error(
        "`override` cannot stand with `otherwise`",
        at,
        "these exclude each other",
    )
    .help("leave out `override`, or name the states that it overrides")
}

pub(crate) fn from_unchanged(at: Location) -> Diagnostic {
    error(
        "a change cannot come from `unchanged`",
        at,
        "expected a state or group",
    )
    .help("`unchanged` says what happens: it stands after the `->`")
}

pub(crate) fn otherwise_in_list(at: Location) -> Diagnostic {
    error("`otherwise` stands alone", at, "not in a list")
        .help("`otherwise` already means every state that no other rule maps")
}

const ONE_TARGET: &str =
    "a rule sets one state or `unchanged`; write a rule for each case under its `when`";

pub(crate) fn second_target(at: Location) -> Diagnostic {
    error("a rule sets one state", at, "this is a second one").help(ONE_TARGET)
}

/// `any` or `otherwise` on the right.
pub(crate) fn no_target(word: &str, at: Location) -> Diagnostic {
    error(
        format!("`{word}` is not a state to set"),
        at,
        "expected a state or `unchanged`",
    )
    .help(ONE_TARGET)
}

// What is known when names are.

pub(crate) fn not_in_extension(at: Location) -> Diagnostic {
    error(
        "an extension adds states and attributes only",
        at,
        "this belongs to the system's own declaration",
    )
    .help("move it to where the system is declared")
}

pub(crate) fn long_limit(at: Location) -> Diagnostic {
    error("no text is that long", at, "too large a number")
        .help("write how many characters the system shows, for example `text 64`")
}
