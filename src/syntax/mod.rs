//! In: the text of one file. Out: its tree as written, with comments. Errors: *all* syntax errors.
//! Parsing never stops at an error: everything that parses around it is in the tree. Only this module uses pest.

mod arguments;
mod cache;
mod chunked_vec;
pub mod directive;
mod expected;
pub mod lexer;
mod lower;
mod recover;
mod rules;
pub mod scan;
mod shift;
mod split;
pub mod tree;

pub use cache::ParseCache;

pub use lower::unquote;

pub use arguments::{ArgumentError, Assignment, parse_change, parse_given, parse_renaming};

use crate::diagnostic::{Diagnostic, point};
use crate::errors::{not_utf8, syntax as errors};
use crate::parallel;
use crate::source::{FileId, Location, SourceFile, Span};
use lexer::TokenKind;
use scan::Scan;
use split::DeclarationTokens;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/presync.pest"]
struct Grammar;

/// Maximum size of a file, in bytes.
pub const MAX_FILE: usize = 256 << 20;

/// Maximum number of errors reported per file.
pub const MAX_ERRORS: usize = 1_000;

/// Maximum length of a statement, in tokens: pest keeps the pairs of a whole statement in memory.
pub const MAX_STATEMENT: usize = 20_000;

/// Declarations that a thread parses at a time.
const CHUNK: usize = 100;

/// Parses one file. Declarations are parsed separately, so an error in one does not hide errors in others.
pub fn parse(file: FileId, source: &SourceFile) -> (tree::File, Vec<Diagnostic>) {
    parse_with(file, source, None)
}

/// The same; a declaration that is in the cache is not parsed again.
pub fn parse_with(
    file: FileId,
    source: &SourceFile,
    cache: Option<&ParseCache>,
) -> (tree::File, Vec<Diagnostic>) {
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
    // No declaration begins with a bracket, and each line of such a file would be an error.
    let blank = source.text.len() - source.text.trim_start().len();
    if source.text[blank..].starts_with(['{', '[', '<']) {
        let span = Span::new(blank, blank + 1);
        let error = errors::another_format(&source.text[blank..], Location { file, span });
        return (tree::File::default(), vec![error]);
    }
    let Scan {
        tokens,
        comments,
        pieces,
        mut errors,
        mut stray_closes,
    } = scan::scan(file, &source.text);
    let lower = || lower::Lower::new(file, &source.text, &comments);
    let parse_one = |lower: &lower::Lower<'_>, piece: &DeclarationTokens| {
        let of_piece = &tokens[piece.tokens.clone()];
        let is_read =
            !piece.unbalanced && of_piece.iter().all(|token| token.kind != TokenKind::Bad);
        if !is_read {
            return Err(None);
        }
        let Some(cache) = cache else {
            return recover::by_statement(lower, of_piece);
        };
        // With the comments before it, which document it.
        let before = piece.tokens.start.checked_sub(1);
        let start = before.map_or(0, |before| tokens[before].span.end);
        let whole = Span {
            start,
            end: of_piece.last().map_or(start, |last| last.span.end),
        };
        let text = whole.text(&source.text);
        if let Some(known) = cache.find(text, start) {
            return Ok(known);
        }
        let errors = lower.count_errors();
        let parsed = recover::by_statement(lower, of_piece);
        if let Ok(declaration) = &parsed
            && lower.count_errors() == errors
        {
            cache.keep(text, start, declaration);
        }
        parsed
    };
    // One chunk of declarations after the other on each core; a small file is one chunk.
    let chunks: Vec<&[DeclarationTokens]> = pieces.chunks(CHUNK).collect();
    let (parsed, lowers) = parallel::map(&chunks, lower, |lower, chunk| {
        let parsed = chunk.iter().map(|piece| parse_one(lower, piece));
        parsed.collect::<Vec<_>>()
    });
    let form_errors = lowers.into_iter().flat_map(lower::Lower::into_errors);
    let mut form_errors: Vec<Diagnostic> = form_errors.collect();
    form_errors.sort_by_key(Diagnostic::location);
    let lower = lower();
    let mut tree = tree::File::default();
    let mut declarations = chunked_vec::ChunkedVec::default();
    let stray_close = !stray_closes.is_empty();
    for (index, (piece, parsed)) in pieces.iter().zip(parsed.into_iter().flatten()).enumerate() {
        if errors.len() + stray_closes.len() > MAX_ERRORS {
            break;
        }
        let after_block =
            index > 0 && tokens[pieces[index - 1].tokens.end - 1].kind == TokenKind::Close;
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
    errors.extend(form_errors);
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

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "it looks at every program there is"
)]
mod tests {
    use pest::Parser;

    use super::*;
    use crate::syntax::rules::{Kind, kind};
    use crate::token;

    #[test]
    fn the_words_of_the_language_are_those_of_the_grammar() {
        for word in token::keywords() {
            assert!(Grammar::parse(Rule::fact_ref, word).is_err(), "{word}");
            assert!(
                Grammar::parse(Rule::fact_ref, &format!("{word}_")).is_ok(),
                "{word}_"
            );
        }
        // Nothing else is a keyword: combinations of their parts are names.
        for word in [
            "an", "ap", "app", "no", "nothi", "re", "un", "us", "usess", "wh", "ends", "in",
        ] {
            assert!(Grammar::parse(Rule::fact_ref, word).is_ok(), "{word}");
        }
        // Each terminal is in the list, and its rule matches its text.
        let mut seen = std::collections::BTreeSet::new();
        for rule in Rule::all_rules() {
            if let Kind::Sign(text) = kind(*rule) {
                assert!(token::texts().any(|known| known == text), "{text}");
                assert!(Grammar::parse(*rule, text).is_ok(), "{text}");
                seen.insert(text);
            }
        }
        let unused: Vec<&str> = token::texts().filter(|text| !seen.contains(text)).collect();
        assert_eq!(unused, [""; 0]);
        // Words with a meaning in some places are names in all others, except for attributes.
        for word in token::texts().filter(|text| token::is_free(text)) {
            assert!(Grammar::parse(Rule::fact_ref, word).is_ok(), "{word}");
            let attribute = Grammar::parse(Rule::attribute_ref, word).is_ok();
            assert_eq!(attribute, !token::is_system_word(word), "{word}");
        }
    }

    /// Declarations are read one statement at a time; this accepts exactly what the grammar accepts as a whole.
    #[test]
    fn what_is_read_by_statement_is_what_the_grammar_takes() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders: Vec<_> = ["examples", "src/vocabulary", "tests"]
            .map(|folder| root.join(folder))
            .into();
        let mut compared = [0, 0];
        let mut random = 1_u64;
        let mut texts: Vec<String> = [
            "profile P { { cic Available -> lync Away } }",
            "profile P { when f { { cic Available -> lync Away } } cic X => lync Y }",
            "/// d\n@allow(unused)\nflag x",
            "@allow(unused, \"why\") @allow(gap) use a",
            "flag f\nprofile p {\n}\n when f {\n }\n}",
            "mapping m {\n when f: // why\n append \"x\" to t\n}",
            "profile P { when f: @allow(gap) when g: @allow(gap) apply m when f }",
            "profile P { when f: }",
            "scenario s { set f,\n a b => c d }",
        ]
        .map(str::to_owned)
        .into();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("it is there") {
                let path = entry.expect("it can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "presync")
                {
                    let bytes = std::fs::read(&path).expect("it can be read");
                    let source = SourceFile::new("a.presync", bytes, false);
                    texts.extend(broken(&source, &mut random));
                    texts.push(source.text);
                }
            }
        }
        for text in &texts {
            let scan = scan::scan(FileId(0), text);
            let lower = lower::Lower::new(FileId(0), text, &scan.comments);
            for piece in scan.pieces.iter().filter(|piece| !piece.unbalanced) {
                let tokens = &scan.tokens[piece.tokens.clone()];
                if tokens.iter().any(|token| token.kind == TokenKind::Bad) {
                    continue;
                }
                let (first, last) = (tokens[0].span, tokens[tokens.len() - 1].span);
                let whole = &text[first.start as usize..last.end as usize];
                let taken = Grammar::parse(Rule::one_declaration, whole).is_ok();
                let read = recover::by_statement(&lower, tokens).is_ok();
                assert_eq!(taken, read, "{whole}");
                compared[usize::from(taken)] += 1;
            }
        }
        assert!(compared.iter().all(|count| *count > 100), "{compared:?}");
    }

    /// Variants of a file, each with one token deleted, replaced by another, or inserted elsewhere.
    fn broken(source: &SourceFile, random: &mut u64) -> Vec<String> {
        let text = &source.text;
        let tokens = scan::scan(FileId(0), text).tokens;
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
