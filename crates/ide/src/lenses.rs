//! What can be run or shown above a declaration: tests and scenarios, tables of roles, how much a profile decides and tests
//! exercise, what changed since the last commit, and decisions.

use std::collections::BTreeMap;
use std::path::Path;

use presync::{Span, Verdict, tree};

use crate::analysis::{Analysis, FileView};

/// Something to run or to show at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    pub span: Span,
    pub what: LensKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LensKind {
    /// Prove a test or run a scenario, by name.
    Test { name: String },
    /// Show the tables of a role; empty for the one that is not declared.
    Table { role: String },
    /// What the rules of a profile or mapping decide and tests exercise: `decides 12 of 408 situations`.
    Rules { within: Span },
    /// What a profile decides differently since the last commit, by name.
    Changes { profile: String },
    /// Decide a change in a role; empty for the one that is not declared.
    WhatIf { role: String },
}

/// The lenses of a file, in order.
pub fn lenses(view: FileView<'_>) -> Vec<Lens> {
    let mut lenses = Vec::new();
    let has_roles = view
        .checked()
        .is_none_or(|program| !program.has_implicit_role());
    let mut first_profile = true;
    let mut push = |span, what| lenses.push(Lens { span, what });
    for node in &view.tree().declarations {
        match &node.kind {
            tree::DeclarationKind::Test { name, .. }
            | tree::DeclarationKind::Scenario { name, .. } => {
                let test = name.text.to_string();
                push(name.span, LensKind::Test { name: test });
            }
            tree::DeclarationKind::Role { name, .. } => {
                let role = || name.text.to_string();
                push(name.span, LensKind::Table { role: role() });
                push(name.span, LensKind::WhatIf { role: role() });
            }
            tree::DeclarationKind::Profile { name, .. } => {
                if !has_roles && std::mem::take(&mut first_profile) {
                    let role = String::new;
                    push(name.span, LensKind::Table { role: role() });
                    push(name.span, LensKind::WhatIf { role: role() });
                }
                push(name.span, LensKind::Rules { within: node.span });
                let profile = name.text.to_string();
                push(name.span, LensKind::Changes { profile });
            }
            tree::DeclarationKind::Mapping { name, .. } => {
                push(name.span, LensKind::Rules { within: node.span });
            }
            _ => {}
        }
    }
    lenses
}

/// The result of the test or scenario with a name in a file: of the first program that it fails in, or else of any that has
/// the file. `None` if there is none, or if the programs have errors.
pub fn run_test<'a>(
    analysis: &'a Analysis,
    path: &Path,
    name: &str,
) -> Option<(FileView<'a>, &'a Verdict)> {
    let results = analysis.views(path).filter_map(|view| {
        let mut verdicts = view.program.verdicts()?.iter();
        let is_it = |one: &&Verdict| one.name == name && one.location.file == view.file;
        Some((view, verdicts.find(is_it)?))
    });
    results.min_by_key(|(_, verdict)| verdict.failures.is_empty())
}

/// `passed in 408 situations`, `failed`
pub fn verdict_text(verdict: &Verdict) -> String {
    let extent = match (verdict.scenario, verdict.extent) {
        (true, 1) => "1 step".to_owned(),
        (true, steps) => format!("{steps} steps"),
        (false, 1) => "1 situation".to_owned(),
        (false, situations) => format!("{situations} situations"),
    };
    match verdict.failures.len() {
        0 => format!("passed in {extent}"),
        1 => "failed: 1 expectation".to_owned(),
        count => format!("failed: {count} expectations"),
    }
}

/// What the tests exercise in a part of a file: `tests exercise 3 of 5 rules and branches`. `None` if the program has errors, no
/// tests, or nothing there that a test could exercise.
pub fn coverage_text(view: FileView<'_>, within: Span) -> Option<String> {
    let program = view.checked()?;
    let coverage = view.program.coverage()?;
    let here = coverage.exercised.iter().filter(|(exercised, _)| {
        let place = exercised.location(program);
        place.file == view.file && within.contains(place.span)
    });
    let (mut some, mut all) = (0, 0);
    for (_, count) in here {
        some += usize::from(*count > 0);
        all += 1;
    }
    (all > 0).then(|| format!("tests exercise {some} of {all} rules and branches"))
}

/// What the rules in a part of a file decide, over all roles: `decides 12 of 408 situations`. `None` if the program has
/// errors, or if they are in no role.
pub fn rules_text(view: FileView<'_>, within: Span) -> Option<String> {
    let program = view.checked()?;
    let extents = view.program.rule_extents()?;
    let (mut some, mut all) = (0_u128, BTreeMap::new());
    for of in extents {
        let place = program.rule_source(of.rule).location;
        if place.file == view.file && within.contains(place.span) {
            some = some.saturating_add(of.extent.some);
            all.insert((of.role, of.direction), of.extent.all);
        }
    }
    let all = all.into_values().fold(0_u128, u128::saturating_add);
    (all > 0).then(|| format!("decides {some} of {all} situations"))
}
