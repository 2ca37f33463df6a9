//! A type is found with one search: no two types of the workspace have the same name.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{common, words};

/// Each command has its own; they are written `check::Arguments`.
const PER_COMMAND: [&str; 1] = ["Arguments"];

/// The names of types that code declares at the level of modules: not associated types, not tests.
fn declared(code: TokenStream, found: &mut Vec<String>) {
    let mut tokens = code.into_iter().peekable();
    let mut is_test = false;
    let mut is_module = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                is_test |= group.to_string().replace(' ', "") == "[cfg(test)]";
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if is_module && !is_test {
                    declared(group.stream(), found);
                }
                (is_test, is_module) = (false, false);
            }
            TokenTree::Ident(word) if word == "mod" => is_module = true,
            TokenTree::Ident(word)
                if word == "struct" || word == "enum" || word == "trait" || word == "type" =>
            {
                if let Some(TokenTree::Ident(name)) = tokens.peek()
                    && !is_test
                {
                    found.push(name.to_string());
                }
            }
            _ => {}
        }
    }
}

#[test]
fn no_two_types_have_the_same_name() {
    let root = common::root();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let files = words::files("src", ".rs");
    for file in files.into_iter().chain(words::files("crates", ".rs")) {
        let shown = file.strip_prefix(&root).expect("it is below the root");
        let shown = shown.display().to_string().replace('\\', "/");
        // A part of the tree has the name of its construct and is written `tree::Rule`.
        if shown == "src/syntax/tree.rs" {
            continue;
        }
        let code = std::fs::read_to_string(&file).expect("the file is readable");
        let mut names = Vec::new();
        declared(code.parse().expect("it is Rust"), &mut names);
        for name in names {
            places.entry(name).or_default().push(shown.clone());
        }
    }
    assert!(places.len() > 200, "{} types", places.len());
    places.retain(|name, files| files.len() > 1 && !PER_COMMAND.contains(&&**name));
    assert!(places.is_empty(), "types with the same name: {places:#?}");
}
