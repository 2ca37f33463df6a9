//! What an editor offers to do at a place: the fixes of its findings, and an `@allow` for each lint.

use std::collections::BTreeMap;

use presync::{Diagnostic, Span};

use crate::allow::allow_edit;
use crate::analysis::{Analysis, FileFinding, FileView};
use crate::edits::line_edits;
use crate::files::Overlay;
use crate::findings::{CheckedProgram, Findings};
use crate::fix::{Fixes, fixed_texts};
use crate::rename::FileEdits;

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
    let path = analysis.canonical(&path);
    let findings = analysis.findings().get(&path);
    for finding in findings.into_iter().flatten() {
        let touches = finding
            .diagnostic
            .location()
            .is_some_and(|at| at.span.start <= span.end && span.start <= at.span.end);
        if touches {
            of_finding(analysis, finding, &mut actions);
        }
    }
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

/// Applies all safe fixes of a file, as `check --fix` does: each is kept only if every program that uses the file makes the
/// same decisions.
pub fn fix_all(analysis: &Analysis, view: FileView<'_>) -> Option<FileEdits> {
    let path = analysis.canonical(&view.path_of(view.file)?);
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
            .filter_map(|root| CheckedProgram::check(&files, root, &root.path, &[]).ok());
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
