//! The words and signs of the language and their uses, in a single list.
//! It defines which words are reserved, begin a declaration or continue a statement. Tests of `crate::syntax` check it
//! against the grammar.

/// A keyword or sign of the language.
#[derive(Debug)]
pub struct WordOrSign {
    pub text: &'static str,
    uses: u8,
}

/// Begins a declaration.
const DECLARATION: u8 = 1;
/// Begins a statement of a profile or mapping.
const ITEM: u8 = 1 << 1;
/// Begins a statement of a system.
const SYSTEM: u8 = 1 << 2;
/// Begins a statement of a test.
const TEST: u8 = 1 << 3;
/// Begins a statement of a scenario.
const SCENARIO: u8 = 1 << 4;
/// Joins the text before it with the text after it.
const JOINT: u8 = 1 << 5;
/// The statement must continue after it.
const OPEN: u8 = 1 << 6;
/// A word that is a name where it has no meaning: inside a system, or in `by hand`.
const FREE: u8 = 1 << 7;

/// A body in braces, classified by the words that can begin its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    Items,
    System,
    Test,
    Scenario,
}

const fn token(text: &'static str, uses: u8) -> WordOrSign {
    WordOrSign { text, uses }
}

/// Sorted by text.
const TOKENS: [WordOrSign; 62] = [
    token("(", OPEN),
    token(")", JOINT),
    token(",", JOINT | OPEN),
    token("->", JOINT | OPEN),
    token(".", JOINT | OPEN),
    token(":", JOINT),
    token("<->", JOINT | OPEN),
    token("=", JOINT | OPEN),
    token("=>", JOINT | OPEN),
    token("@allow", DECLARATION | ITEM | SYSTEM),
    token("all", OPEN),
    token("and", JOINT | OPEN),
    token("any", 0),
    token("append", ITEM | OPEN),
    token("apply", ITEM | OPEN),
    token("attributes", SYSTEM | OPEN | FREE),
    token("by", FREE),
    token("choice", DECLARATION),
    token("condition", DECLARATION),
    token("default", 0),
    token("echo", SYSTEM | FREE),
    token("extend", DECLARATION),
    token("flag", DECLARATION),
    token("for", JOINT | OPEN),
    token("given", TEST | OPEN),
    token("group", DECLARATION),
    token("hand", FREE),
    token("id", OPEN | FREE),
    token("is", JOINT | OPEN),
    token("mapping", DECLARATION),
    token("not", OPEN),
    token("nothing", 0),
    token("observe", SCENARIO | OPEN),
    token("online", SYSTEM | FREE),
    token("or", JOINT | OPEN),
    token("other", FREE),
    token("otherwise", 0),
    token("override", ITEM | OPEN),
    token("own", FREE),
    token("previous", 0),
    token("profile", DECLARATION),
    token("read_only", FREE),
    token("reads", OPEN | FREE),
    token("resync", SCENARIO | OPEN),
    token("role", DECLARATION | TEST | SCENARIO | OPEN),
    token("scenario", DECLARATION),
    token("set", SCENARIO | OPEN),
    token("state", SYSTEM | OPEN),
    token("system", DECLARATION),
    token("test", DECLARATION),
    token("text", SYSTEM | FREE),
    token("to", JOINT | OPEN),
    token("unchanged", 0),
    token("unmapped", 0),
    token("use", DECLARATION),
    token("uses", 0),
    token("wait", SCENARIO | OPEN),
    token("when", ITEM | OPEN),
    token("with", JOINT | OPEN),
    token("{", 0),
    token("|", JOINT | OPEN),
    token("}", 0),
];

/// By byte: the place of the first token that begins with it, or with a later one. Every word of a program is looked up.
const FIRST: [u8; 129] = {
    let mut first = [0; 129];
    let (mut byte, mut at) = (0, 0);
    while byte < first.len() {
        while at < TOKENS.len() && (TOKENS[at].text.as_bytes()[0] as usize) < byte {
            at += 1;
        }
        first[byte] = at as u8;
        byte += 1;
    }
    first
};

fn has(text: &str, uses: u8) -> bool {
    let Some(byte) = text.bytes().next().filter(u8::is_ascii) else {
        return false;
    };
    let byte = usize::from(byte);
    let begins_like_it = usize::from(FIRST[byte])..usize::from(FIRST[byte + 1]);
    let mut tokens = TOKENS[begins_like_it].iter();
    tokens
        .find(|token| token.text == text)
        .is_some_and(|token| token.uses & uses != 0)
}

fn with(uses: u8) -> impl Iterator<Item = &'static str> {
    let found = TOKENS.iter().filter(move |token| token.uses & uses != 0);
    found.map(|token| token.text)
}

pub fn texts() -> impl Iterator<Item = &'static str> {
    TOKENS.iter().map(|token| token.text)
}

/// The words that must be quoted to be names.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    texts().filter(|text| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && !has(text, FREE)
    })
}

/// Whether a word must be quoted to be a name.
pub fn is_keyword(word: &str) -> bool {
    word.bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && TOKENS
            .binary_search_by(|token| token.text.cmp(word))
            .is_ok_and(|at| TOKENS[at].uses & FREE == 0)
}

/// Whether a word must be quoted to be the name of an attribute: also the words with a meaning inside a system.
pub fn is_system_word(word: &str) -> bool {
    matches!(
        word,
        "attributes" | "echo" | "id" | "online" | "other" | "read_only" | "reads" | "text"
    )
}

/// The words that begin a declaration, including annotations.
pub fn declarations() -> impl Iterator<Item = &'static str> {
    with(DECLARATION)
}

/// Whether a word begins a declaration or is an annotation.
pub fn begins_declaration(word: &str) -> bool {
    has(word, DECLARATION)
}

/// The words that begin a statement of any body, without annotations.
pub fn statements() -> impl Iterator<Item = &'static str> {
    with(ITEM | SYSTEM | TEST | SCENARIO).filter(|text| *text != "@allow")
}

/// Whether a word begins a statement of a body.
pub fn begins_statement(word: &str, body: BlockKind) -> bool {
    let wanted = match body {
        BlockKind::Items => ITEM,
        BlockKind::System => SYSTEM,
        BlockKind::Test => TEST,
        BlockKind::Scenario => SCENARIO,
    };
    has(word, wanted)
}

/// The words that are keywords in some places and names elsewhere.
pub fn contextual_keywords() -> impl Iterator<Item = &'static str> {
    with(FREE)
}

/// Whether a word is a name where it has no meaning.
pub fn is_free(word: &str) -> bool {
    has(word, FREE)
}

/// Whether it joins the text before it with the text after it.
pub fn is_joint(text: &str) -> bool {
    has(text, JOINT)
}

/// Whether the statement must continue after it.
pub fn goes_on(text: &str) -> bool {
    has(text, OPEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(TOKENS.is_sorted_by(|a, b| a.text < b.text));
    }
}
