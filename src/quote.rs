//! Names as source text: bare if possible, otherwise quoted.

use crate::token::{is_keyword, is_system_word};

/// A name as source text: bare if possible, otherwise quoted, with invisible characters escaped.
pub fn quote(name: &str) -> String {
    let mut bytes = name.bytes();
    let bare = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !is_keyword(name);
    if bare {
        name.to_owned()
    } else {
        quote_text(name)
    }
}

/// The name of an attribute as source text: words with a meaning inside a system are quoted.
pub fn quote_attribute(name: &str) -> String {
    if is_system_word(name) {
        quote_text(name)
    } else {
        quote(name)
    }
}

/// A name or text as source text, always quoted.
pub fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() || is_hidden(char) => {
                quoted.push_str(&format!("\\u{{{:x}}}", u32::from(char)));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// `x is a | b`, or `x is not c` if that is shorter. `values`: indices into `names`.
pub fn choice_literal(name: &str, names: &[String], values: &[u32]) -> String {
    let list = |of: Vec<usize>| {
        of.into_iter()
            .map(|at| quote(&names[at]))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    if values.len() * 2 > names.len() {
        let others = (0..names.len())
            .filter(|at| !values.contains(&(*at as u32)))
            .collect();
        return format!("{name} is not {}", list(others));
    }
    format!(
        "{name} is {}",
        list(values.iter().map(|at| *at as usize).collect())
    )
}

/// A condition on a system. `values`: 0 for an unknown state, otherwise an index into `states` plus one.
pub fn state_literal(name: &str, states: &[&str], values: &[u32]) -> String {
    let known: Vec<u32> = values
        .iter()
        .filter_map(|value| value.checked_sub(1))
        .collect();
    let list = |of: Vec<usize>| {
        of.into_iter()
            .map(|at| quote(states[at]))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let others = || {
        (0..states.len())
            .filter(|at| !known.contains(&(*at as u32)))
            .collect::<Vec<_>>()
    };
    match (values.contains(&0), known.len()) {
        (true, 0) => format!("{name} is not any"),
        (true, _) => format!("{name} is not {}", list(others())),
        (false, count) if count == states.len() => format!("{name} is any"),
        (false, _) => format!(
            "{name} is {}",
            list(known.iter().map(|at| *at as usize).collect())
        ),
    }
}

/// Whether a character is a control or makes a text look different from what it is. Tabs and line ends (LF, CR) are neither.
pub fn is_hidden(char: char) -> bool {
    if char.is_control() {
        return !matches!(char, '\t' | '\n' | '\r');
    }
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text that is safe to show in a terminal or page: control and invisible characters are escaped.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\t' => shown.push(char),
            char if char.is_control() || is_hidden(char) => shown.extend(char.escape_unicode()),
            char => shown.push(char),
        }
    }
    shown
}

/// A name as it stands in a list: quoted if it could be read as two.
pub fn in_list(name: &str) -> String {
    if name.contains([',', '"', '(']) {
        quote_text(name)
    } else {
        name.to_owned()
    }
}

/// The source of a rule without its alignment: one space between tokens, text in quotes as it is.
pub fn on_one_line(rule: &str) -> String {
    let mut line = String::with_capacity(rule.len());
    let mut in_quotes = false;
    let mut before = ' ';
    for char in rule.chars() {
        if char == '"' && before != '\\' {
            in_quotes = !in_quotes;
        }
        if in_quotes || !char.is_whitespace() {
            line.push(char);
        } else if !before.is_whitespace() {
            line.push(' ');
        }
        before = char;
    }
    line.truncate(line.trim_end().len());
    line
}
