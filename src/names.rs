//! Names as the language writes them: bare where they can be, else in quotes.

/// The words of the language: names only in quotes. Held to the grammar by a test of `crate::syntax`.
pub const KEYWORDS: [&str; 40] = [
    "all",
    "and",
    "any",
    "append",
    "apply",
    "attributes",
    "choice",
    "condition",
    "default",
    "extend",
    "flag",
    "given",
    "group",
    "id",
    "is",
    "mapping",
    "not",
    "nothing",
    "observe",
    "online",
    "or",
    "otherwise",
    "override",
    "previous",
    "profile",
    "read_only",
    "resync",
    "role",
    "scenario",
    "set",
    "state",
    "system",
    "test",
    "text",
    "to",
    "unchanged",
    "unmapped",
    "use",
    "uses",
    "when",
];

/// A name as source: bare where it can be, else quoted, with what cannot be seen escaped.
pub fn quote(name: &str) -> String {
    let mut bytes = name.bytes();
    let bare = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&name);
    if bare { name.to_owned() } else { quote_always(name) }
}

/// A text as source, always quoted.
pub fn quote_always(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() || is_hidden(char) => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// NUL and the characters that make a text read otherwise than it is.
pub fn is_hidden(char: char) -> bool {
    matches!(char, '\0' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
