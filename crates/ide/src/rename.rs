//! In: a name and a new one. Out: the edits of every file, or why not.
//! The result is checked: a program that had no errors has none, and still makes the same decisions.

use std::collections::BTreeSet;

use presync::{
    DeclaredKind, Meaning, RenamedKind, Renaming, Span, Token, TokenKind, contextual_keywords,
    quote, quote_attribute, quote_text,
};

use crate::analysis::{Analysis, FileView};
use crate::edits::FileEdits;
use crate::files::{Overlay, Texts};
use crate::findings::CheckedProgram;
use crate::navigate::{DocumentName, references};

/// Why a name cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameRefusal {
    #[error("no name is here")]
    NoName,
    #[error(
        "`{name}` is declared in the vocabulary `{vocabulary}`, which comes with presync; `presync vocabulary {vocabulary}` \
prints it, so that you can use your own copy"
    )]
    Bundled { name: String, vocabulary: String },
    #[error("a name cannot be empty")]
    Empty,
    #[error("a name cannot contain `{0}`")]
    Character(String),
    #[error(
        "`{name}` is also on line {line} of {file}, in a statement with an error: correct that first"
    )]
    Unclear {
        name: String,
        file: String,
        line: usize,
    },
    #[error("with the name `{name}`, the program has an error: {message}")]
    Error { name: String, message: String },
    #[error("with the name `{name}`, the program decides differently")]
    Different { name: String },
}

/// The name at an offset that can be changed: its place, and its text without quotes.
///
/// # Errors
/// None is there, or it is one of a bundled vocabulary.
pub fn prepare(view: FileView<'_>, offset: u32) -> Result<(Span, String), RenameRefusal> {
    let found = view.name_at(offset).ok_or(RenameRefusal::NoName)?;
    let index = view.index();
    let name = index.name(found.meaning).ok_or(RenameRefusal::NoName)?;
    let declared = index
        .definition(found.meaning)
        .ok_or(RenameRefusal::NoName)?;
    if let DocumentName::Vocabulary(vocabulary) = view.document(declared.file) {
        let name = name.to_owned();
        return Err(RenameRefusal::Bundled { name, vocabulary });
    }
    Ok((found.location.span, name.to_owned()))
}

/// The edits that give the name at an offset another one, in every program that has it.
///
/// # Errors
/// It cannot have that name.
pub fn rename(
    analysis: &Analysis,
    view: FileView<'_>,
    offset: u32,
    to: &str,
) -> Result<FileEdits, RenameRefusal> {
    let (_, from) = prepare(view, offset)?;
    // Somebody may type the quotes, too.
    let quoted = to.len() > 1 && to.starts_with('"') && to.ends_with('"');
    let to = if quoted { &to[1..to.len() - 1] } else { to };
    if to.trim().is_empty() {
        return Err(RenameRefusal::Empty);
    }
    if let Some(wrong) = to.chars().find(|char| char.is_control()) {
        return Err(RenameRefusal::Character(presync::visible(
            &wrong.to_string(),
        )));
    }
    let meaning = view.name_at(offset).ok_or(RenameRefusal::NoName)?.meaning;
    let mut edits = FileEdits::new();
    for place in references(analysis, view, offset) {
        let DocumentName::File(path) = place.document() else {
            continue;
        };
        let text = written(view, meaning, to);
        let path = analysis.canonical(&path);
        edits
            .entry(path)
            .or_default()
            .push((place.location.span, text));
    }
    for program in edited_programs(analysis, &edits) {
        unclear(program, &from)?;
    }
    prove(analysis, view, meaning, (&from, to), &edits)?;
    Ok(edits)
}

/// A name as everybody writes it: profiles and roles in quotes, others where they need them.
fn written(view: FileView<'_>, meaning: Meaning, name: &str) -> String {
    match meaning {
        Meaning::Attribute(_) => quote_attribute(name),
        Meaning::Declared(id) => match view.index().declared[id.index()].kind {
            DeclaredKind::Profile | DeclaredKind::Role => quote_text(name),
            _ => quote(name),
        },
        Meaning::State(_) | Meaning::Value(_) => quote(name),
    }
}

fn edited_programs<'a>(
    analysis: &'a Analysis,
    edits: &'a FileEdits,
) -> impl Iterator<Item = &'a CheckedProgram> {
    analysis.programs().filter(|program| {
        let mut own = program.paths.iter().flatten();
        own.any(|path| edits.contains_key(path))
    })
}

/// Refuses a name in a declaration with an error: nobody knows what it means there. Elsewhere a name without a meaning is a text,
/// such as the name of a test.
fn unclear(program: &CheckedProgram, name: &str) -> Result<(), RenameRefusal> {
    // Some words are names only in some places.
    if program.report.program.is_some() || contextual_keywords().any(|word| word == name) {
        return Ok(());
    }
    let sources = program.report.sources();
    for (file, source) in sources.iter().filter(|(_, source)| !source.bundled) {
        let view = FileView { program, file };
        let (tokens, _) = presync::tokens(&source.text);
        // What could not be read belongs to the declaration before it.
        let declarations = &view.tree().declarations;
        let declaration =
            |offset: u32| declarations.partition_point(|one| one.span.start <= offset);
        let errors = program
            .found
            .iter()
            .filter(|one| one.code.default.is_none());
        let labels = errors.flat_map(|one| &one.labels);
        let wrong = labels.filter(|label| label.location.file == file);
        let wrong: BTreeSet<usize> = wrong
            .map(|label| declaration(label.location.span.start))
            .collect();
        let is_unclear = |token: &&Token| {
            matches!(token.kind, TokenKind::Word | TokenKind::Text)
                && wrong.contains(&declaration(token.span.start))
                && presync::unquote(token.span.text(&source.text)) == name
                && view.name_at(token.span.start).is_none()
        };
        if let Some(token) = tokens.iter().find(is_unclear) {
            return Err(RenameRefusal::Unclear {
                name: name.to_owned(),
                file: sources.shown_path(file),
                line: source.line(token.span.start) as usize,
            });
        }
    }
    Ok(())
}

/// Checks every program that is edited with the new texts.
fn prove(
    analysis: &Analysis,
    view: FileView<'_>,
    meaning: Meaning,
    (from, to): (&str, &str),
    edits: &FileEdits,
) -> Result<(), RenameRefusal> {
    let texts = analysis.with(edits);
    for program in edited_programs(analysis, edits) {
        compare(analysis, program, &texts, renaming(view, meaning, from, to)).map_err(|wrong| {
            match wrong {
                Wrong::Error(message) => RenameRefusal::Error {
                    name: to.to_owned(),
                    message,
                },
                Wrong::Different => RenameRefusal::Different {
                    name: to.to_owned(),
                },
            }
        })?;
    }
    Ok(())
}

/// What is wrong with a program after an edit.
pub(crate) enum Wrong {
    Error(String),
    Different,
}

/// Whether a program has no new errors with other texts, and decides as before; `renaming`: what has another name in it.
pub(crate) fn compare(
    analysis: &Analysis,
    program: &CheckedProgram,
    texts: &Texts,
    renaming: Option<Renaming>,
) -> Result<(), Wrong> {
    let files = Overlay {
        files: analysis.files(),
        texts,
    };
    let before = &program.report;
    let parsed = program.root.parse(&files, None);
    let after = presync::check(parsed.map_err(|error| Wrong::Error(error.to_string()))?);
    let Some(old) = &before.program else {
        // It had errors, which say nothing about what it decides.
        return if after.diagnostics.len() > program.errors() {
            let first = after.diagnostics.first();
            Err(Wrong::Error(
                first.map_or_else(String::new, |error| error.message.clone()),
            ))
        } else {
            Ok(())
        };
    };
    if let Some(error) = after.diagnostics.first() {
        return Err(Wrong::Error(error.message.clone()));
    }
    let Some(new) = &after.program else {
        return Err(Wrong::Different);
    };
    let tables = (old.compile(), new.compile());
    let (Ok(old), Ok(new)) = tables else {
        return Err(Wrong::Different);
    };
    let renamings: Vec<Renaming> = renaming.into_iter().collect();
    match presync::diff_renamed(&old, &new, &renamings) {
        Ok(differences) if differences.is_empty() => Ok(()),
        _ => Err(Wrong::Different),
    }
}

/// What the tables call differently: groups, conditions, mappings, profiles and attributes are in none.
fn renaming(view: FileView<'_>, meaning: Meaning, from: &str, to: &str) -> Option<Renaming> {
    use presync::DeclaredKind as Kind;
    let what = match meaning {
        Meaning::Declared(id) => match view.index().declared[id.index()].kind {
            Kind::System | Kind::Flag | Kind::Choice => RenamedKind::SystemOrFact,
            Kind::Role => RenamedKind::Role,
            Kind::Group | Kind::Condition | Kind::Mapping | Kind::Profile => return None,
        },
        Meaning::State(_) | Meaning::Value(_) => {
            RenamedKind::Of(view.index().owner(meaning)?.to_owned())
        }
        Meaning::Attribute(_) => return None,
    };
    Some(Renaming {
        what,
        from: from.to_owned(),
        to: to.to_owned(),
    })
}
