//! What an editor offers to do at a place: the fixes of its findings, and an `@allow` for each lint.

use std::collections::BTreeMap;

use presync::{DeclaredKind, Diagnostic, Meaning, Span, quote};

use crate::allow::allow_edit;
use crate::analysis::{Analysis, FileFinding, FileView};
use crate::declaration::declaration_at;
use crate::edits::{FileEdits, line_edits};
use crate::files::Overlay;
use crate::findings::{CheckedProgram, Findings};
use crate::fix::{Fixes, fixed_texts};

/// Something that can be done.
pub struct Action {
    pub title: String,
    /// Whether it makes the finding go away without changing a decision, which is proved.
    pub is_preferred: bool,
    /// What it is about.
    pub finding: FileFinding,
    pub edits: FileEdits,
}

/// What can be done about the findings in a part of a file.
pub fn actions(analysis: &Analysis, view: FileView<'_>, span: Span) -> Vec<Action> {
    let mut actions = Vec::new();
    let Some(path) = view.path_of(view.file) else {
        return actions;
    };
    let findings = analysis.findings().get(path);
    for finding in findings.into_iter().flatten() {
        let touches = finding
            .diagnostic
            .location()
            .is_some_and(|at| at.span.start <= span.end && span.start <= at.span.end);
        if touches {
            of_finding(analysis, finding, &mut actions);
        }
    }
    // Two findings at one place may have the same.
    let mut known: Vec<(String, FileEdits)> = Vec::new();
    actions.retain(|action| {
        let same = (action.title.clone(), action.edits.clone());
        let is_new = !known.contains(&same);
        known.push(same);
        is_new
    });
    actions
}

fn of_finding(analysis: &Analysis, finding: &FileFinding, actions: &mut Vec<Action>) {
    let diagnostic: &Diagnostic = &finding.diagnostic;
    let program: &CheckedProgram = &finding.program;
    let sources = program.report.sources();
    for fix in &diagnostic.fixes {
        let mut by_file: BTreeMap<_, Vec<(Span, String)>> = BTreeMap::new();
        for (place, text) in &fix.edits {
            by_file
                .entry(place.file)
                .or_default()
                .push((place.span, text.clone()));
        }
        let mut edits = FileEdits::new();
        for (file, of_file) in by_file {
            let before = &sources.file(file).text;
            let after = fixed_texts(before, &of_file);
            let path = analysis.canonical(&program.root.path_of(sources, file));
            edits.insert(path, line_edits(before, &after));
        }
        actions.push(Action {
            title: fix.message.clone(),
            is_preferred: fix.safe,
            finding: finding.clone(),
            edits,
        });
    }
    if let Some((title, edit)) = declaration(program, diagnostic)
        && let Some(place) = diagnostic.location()
    {
        let path = analysis.canonical(&program.root.path_of(sources, place.file));
        actions.push(Action {
            title,
            is_preferred: false,
            finding: finding.clone(),
            edits: FileEdits::from([(path, vec![edit])]),
        });
    }
    let code = diagnostic.code;
    let is_allowable = code.default.is_some() && code.name != "unused-allow";
    if let Some(place) = diagnostic.location().filter(|_| is_allowable) {
        let view = FileView {
            program,
            file: place.file,
        };
        if let Some(edit) = allow_edit(view, place.span, code.name, "") {
            let path = analysis.canonical(&program.root.path_of(sources, place.file));
            actions.push(Action {
                title: format!("allow `{}` here", code.name),
                is_preferred: false,
                finding: finding.clone(),
                edits: FileEdits::from([(path, vec![edit])]),
            });
        }
    }
}

/// The declaration of what a finding misses, before the one that it is in: a flag for a condition that is not declared, an
/// extension of the system for a state.
fn declaration(program: &CheckedProgram, found: &Diagnostic) -> Option<(String, (Span, String))> {
    let place = found.location()?;
    let view = FileView {
        program,
        file: place.file,
    };
    let [name] = &*found.data.names else {
        return None;
    };
    let written = quote(name);
    let declared = &view.index().declared;
    let newline = view.source().newline();
    let (title, text) = match found.code.name {
        "unknown-condition" if declared.iter().all(|one| one.name != *name) => (
            format!("declare the flag `{written}`"),
            format!("flag {written}{newline}{newline}"),
        ),
        "unknown-state" => {
            let system = quote(&system_before(view, place.span)?);
            (
                format!("add the state `{written}` to {system}"),
                format!(
                    "extend system {system} {{{newline}    state {written}{newline}}}{newline}{newline}"
                ),
            )
        }
        _ => return None,
    };
    let node = declaration_at(view, place.span)?;
    let start = node.before.with_doc(node.span).start;
    Some((title, (Span { start, end: start }, text)))
}

/// The system whose states a list names, before or in which a name is.
fn system_before(view: FileView<'_>, place: Span) -> Option<String> {
    let (tokens, _) = presync::tokens(view.text());
    let word = |at: usize| tokens[at].span.text(view.text());
    let mut at = tokens.iter().position(|token| token.span == place)?;
    while at >= 2 && word(at - 1) == "|" {
        at -= 2;
    }
    let mut before = at.checked_sub(1)?;
    // `cic is not "At Lunch"`
    if word(before) == "not" {
        before = before.checked_sub(1)?;
    }
    if word(before) == "is" {
        before = before.checked_sub(1)?;
    }
    let name = view.name_at(tokens[before].span.start)?;
    let index = view.index();
    match name.meaning {
        Meaning::Declared(id) if index.declared[id.index()].kind == DeclaredKind::System => {
            index.name(name.meaning).map(str::to_owned)
        }
        _ => None,
    }
}

/// Applies all safe fixes of a file, as `check --fix` does: each is kept only if every program that uses the file makes the
/// same decisions.
pub fn fix_all(analysis: &Analysis, view: FileView<'_>) -> Option<FileEdits> {
    let path = view.path_of(view.file)?.to_path_buf();
    let roots = analysis.views(&path).map(|view| view.program.root.clone());
    let roots: Vec<_> = roots.collect();
    let check = |texts: &crate::files::Texts| {
        let mut all = analysis.texts().clone();
        all.extend(
            texts
                .iter()
                .map(|(path, text)| (path.clone(), text.clone())),
        );
        let files = Overlay {
            files: analysis.files(),
            texts: &all,
        };
        let programs = roots
            .iter()
            .filter_map(|root| CheckedProgram::check(&files, root, &root.path, &[], None).ok());
        Findings::new(programs.collect(), &NoPlaces)
    };
    let fixes = Fixes {
        check: &check,
        canonical: &|path| analysis.canonical(path),
        named: vec![path.clone()],
        allow_unsafe: false,
    };
    let fixed = fixes.apply().ok()?;
    let (_, before, after) = fixed.changed.get(&path)?;
    Some(FileEdits::from([(path, line_edits(before, after))]))
}

/// Nobody looks at the paths.
struct NoPlaces;

impl presync_report::Places for NoPlaces {
    fn project_path(&self, shown: &str) -> String {
        shown.to_owned()
    }

    fn link(&self, _: &str) -> Option<String> {
        None
    }
}
