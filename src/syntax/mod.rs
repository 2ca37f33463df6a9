//! In: the text of one file. Out: its tree as written, comments kept, and *all* syntax errors.
//! Errors never stop it: what parses around them is in the tree. The only place that knows pest.

mod arguments;
mod chunked_vec;
mod expected;
pub mod lexer;
mod lower;
mod recover;
mod split;
pub mod tree;

pub use arguments::{Assignment, parse_change, parse_given};

use pest::Parser;

use crate::diagnostic::{Diagnostic, point};
use crate::errors::{not_utf8, syntax as errors};
use crate::source::{FileId, Location, SourceFile, Span};
use lexer::Scan;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/presync.pest"]
struct Grammar;

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 256 << 20;

/// So many errors of one file are told.
pub const MAX_ERRORS: usize = 1_000;

/// The longest statement, in tokens: pest's pairs for all of it are in memory at once.
pub const MAX_STATEMENT: usize = 20_000;

/// A declaration of more bytes is read statement by statement. No token is shorter than a byte: what is read whole has no
/// statement that is too long.
const MAX_WHOLE: usize = MAX_STATEMENT;

/// Parses one file. Each declaration is parsed by itself, so that an error in one hides nothing in the others.
pub fn parse(file: FileId, source: &SourceFile) -> (tree::File, Vec<Diagnostic>) {
    parse_up_to(MAX_WHOLE, file, source)
}

/// `most`: declarations of more bytes are read statement by statement.
fn parse_up_to(most: usize, file: FileId, source: &SourceFile) -> (tree::File, Vec<Diagnostic>) {
    if let Some(at) = source.invalid_from {
        return (
            tree::File::default(),
            vec![not_utf8::file(Location {
                file,
                span: point(at as u32),
            })],
        );
    }
    if source.text.len() > MAX_FILE {
        let start = Location {
            file,
            span: Span::default(),
        };
        let error = errors::large_file(MAX_FILE, start);
        return (tree::File::default(), vec![error]);
    }
    let Scan {
        tokens,
        comments,
        pieces,
        mut errors,
        mut stray_closes,
    } = lexer::scan(file, &source.text);
    let lower = lower::Lower::new(file, &source.text, &comments);
    let mut tree = tree::File::default();
    let mut declarations = chunked_vec::List::default();
    let stray_close = !stray_closes.is_empty();
    for (index, piece) in pieces.iter().enumerate() {
        if errors.len() + stray_closes.len() > MAX_ERRORS {
            break;
        }
        let of_piece = &tokens[piece.tokens.clone()];
        let after_block =
            index > 0 && tokens[pieces[index - 1].tokens.end - 1].kind == lexer::TokenKind::Close;
        let whole = (!piece.unbalanced)
            .then(|| whole_text(&source.text, of_piece))
            .flatten();
        let parsed = match whole {
            Some((_, text)) if text.len() > most => recover::by_statement(&lower, of_piece),
            Some((start, text)) => parse_whole(start, text).map(|node| lower.declaration(node)),
            None => Err(None),
        };
        let failure = match parsed {
            Ok(declaration) => {
                declarations.push(declaration);
                continue;
            }
            Err(failure) => failure,
        };
        let recovered =
            recover::recover(&lower, &tokens, piece, failure, (after_block, stray_close));
        if let Some(declaration) = recovered.declaration {
            declarations.push(declaration);
        }
        tree.broken.extend(recovered.names);
        if recovered.explains_stray_close {
            let range = tokens[piece.tokens.start]
                .span
                .to(tokens[piece.tokens.end - 1].span);
            stray_closes
                .retain(|error| !error.location().is_some_and(|at| range.contains(at.span)));
        }
        errors.extend(recovered.errors);
    }
    errors.extend(stray_closes);
    errors.extend(lower.into_errors());
    if errors.len() > MAX_ERRORS {
        errors.sort_by_key(Diagnostic::location);
        errors.truncate(MAX_ERRORS);
        let end = point(source.text.len() as u32);
        errors.push(errors::too_many(MAX_ERRORS, Location { file, span: end }));
    }
    tree.declarations = declarations.finish();
    tree.comments = comments;
    (tree, errors)
}

/// Where the text of a balanced piece begins, and the text, unless something in it is no token.
fn whole_text<'a>(text: &'a str, tokens: &[lexer::Token]) -> Option<(usize, &'a str)> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    if tokens
        .iter()
        .any(|token| token.kind == lexer::TokenKind::Bad)
    {
        return None;
    }
    let start = first.span.start as usize;
    Some((start, text.get(start..last.span.end as usize)?))
}

/// The declaration that a piece makes, if it parses to its end.
fn parse_whole(start: usize, piece: &str) -> Result<lower::Node<'_>, Option<recover::Failure>> {
    let pairs = Grammar::parse(Rule::one_declaration, piece)
        .map_err(|error| Some(recover::Failure::new(start, error)))?;
    let declaration = pairs
        .into_iter()
        .next()
        .and_then(|whole| whole.into_inner().next())
        .ok_or(None)?;
    Ok(lower::Node::new(start, declaration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_language_are_those_of_the_grammar() {
        for word in crate::quote::KEYWORDS {
            assert!(Grammar::parse(Rule::fact_ref, word).is_err(), "{word}");
            assert!(
                Grammar::parse(Rule::fact_ref, &format!("{word}_")).is_ok(),
                "{word}_"
            );
        }
        // Each terminal that is a word is one of them.
        let grammar = include_str!("../../grammar/presync.pest");
        let terminals = grammar
            .lines()
            .filter_map(|line| line.strip_prefix("kw_")?.split('"').nth(1));
        let unknown: Vec<&str> = terminals
            .filter(|word| !crate::quote::KEYWORDS.contains(word))
            .collect();
        assert_eq!(unknown, [""; 0]);
        // And it knows no others: what can be made of their parts is a name.
        for word in [
            "an", "ap", "app", "no", "nothi", "re", "un", "us", "usess", "wh", "ends", "in",
        ] {
            assert!(Grammar::parse(Rule::fact_ref, word).is_ok(), "{word}");
        }
    }

    #[test]
    fn reading_statement_by_statement_makes_the_same_tree() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders: Vec<_> = ["examples", "src/vocabulary", "tests"]
            .map(|folder| root.join(folder))
            .into();
        let mut compared = 0;
        let mut random = 1_u64;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("it is there") {
                let path = entry.expect("it can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "presync")
                {
                    let text = std::fs::read(&path).expect("it can be read");
                    let source = SourceFile::new("a.presync", text, false);
                    let whole = parse(FileId(0), &source);
                    assert_eq!(
                        format!("{whole:?}"),
                        format!("{:?}", parse_up_to(0, FileId(0), &source)),
                        "{path:?}"
                    );
                    compared += usize::from(whole.1.is_empty());
                    for broken in broken(&source, &mut random) {
                        let source =
                            SourceFile::new("a.presync", broken.clone().into_bytes(), false);
                        let both = [MAX_WHOLE, 0]
                            .map(|most| format!("{:?}", parse_up_to(most, FileId(0), &source)));
                        assert_eq!(both[0], both[1], "{broken}");
                    }
                }
            }
        }
        assert!(compared > 10, "{compared} files without errors");
        let rare = [
            "profile P { { cic Available -> lync Away } }",
            "profile P { when f { { cic Available -> lync Away } } cic X => lync Y }",
            "/// d\n@allow(unused)\nflag x",
            "@allow(unused, \"why\") @allow(gap) use a",
            "flag f\nprofile p {\n}\n when f {\n }\n}",
            "mapping m {\n when f: // why\n append \"x\" to t\n}",
            "profile P { when f: @allow(gap) when g: @allow(gap) apply m when f }",
            "profile P { when f: }",
            "scenario s { set f,\n a b => c d }",
        ];
        for text in rare {
            let source = SourceFile::new("a.presync", text.into(), false);
            let both =
                [MAX_WHOLE, 0].map(|most| format!("{:?}", parse_up_to(most, FileId(0), &source)));
            assert_eq!(both[0], both[1], "{text}");
        }
    }

    /// A file with one token taken out, put elsewhere or written twice.
    fn broken(source: &SourceFile, random: &mut u64) -> Vec<String> {
        let text = &source.text;
        let tokens = lexer::scan(FileId(0), text).tokens;
        let mut below = |most: usize| {
            *random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (*random >> 33) as usize % most
        };
        let times = if tokens.len() > 1 { 40 } else { 0 };
        let one = |_| {
            let (from, to) = (
                tokens[below(tokens.len())].span,
                tokens[below(tokens.len())].span,
            );
            let (start, end) = (from.start as usize, from.end as usize);
            let mut broken = text.clone();
            match below(3) {
                0 => broken.replace_range(start..end, ""),
                1 => broken.replace_range(start..end, to.text(text)),
                _ => broken.insert_str(to.start as usize, &format!("{} ", from.text(text))),
            }
            broken
        };
        (0..times).map(one).collect()
    }
}
