//! Texts about a whole program, as Markdown: the tables of a role, the changes of a profile, and a decision.

use std::path::Path;

use presync::{DeclaredKind, Program};
use presync_exchange::text::markdown::escape;

use crate::analysis::FileView;
use crate::difference;
use crate::files::FileSystem;
use crate::program::RootFile;
use crate::what_if::{WhatIf, ask};

/// The tables of a role as Markdown; empty for the role that is not declared. `None` if no program has it.
pub fn table_text(view: FileView<'_>, role: &str) -> Option<String> {
    let program = view.program.report.partial_program()?;
    let tables = view.program.tables()?;
    let of_role = |name: &str| role.is_empty() || name == role;
    let known = tables.roles().any(|one| of_role(one.name()));
    let shown = presync_exchange::text::overview(tables, Some(program), &|name, _| of_role(name));
    let title = if role.is_empty() {
        "# Decision tables".to_owned()
    } else {
        format!("# {}", escape(role))
    };
    let note = if view.checked().is_none() {
        "\n\nThe program has errors: this is what remains of it.\n"
    } else {
        "\n"
    };
    shown
        .ok()
        .filter(|_| known)
        .map(|text| format!("{title}{note}{text}"))
}

/// What a profile decides differently than in other files, as Markdown; an empty name: all profiles. If one of the two
/// programs has errors, the text is about that. `None` if they cannot be compared.
pub fn changes_text(
    view: FileView<'_>,
    files: &dyn FileSystem,
    root: &Path,
    profile: &str,
) -> Option<String> {
    let title = match profile {
        "" => "# Changes since the last commit\n".to_owned(),
        _ => format!("# Changes of {} since the last commit\n", escape(profile)),
    };
    if !files.is_file(root) {
        return Some(format!(
            "{title}\nThe last commit does not have this file.\n"
        ));
    }
    let root = RootFile {
        label: "HEAD:".to_owned(),
        ..RootFile::new(root)
    };
    // Without its settings, which say nothing about what it decides.
    let before = root.parse(files, None).ok();
    let Some(before) = before.and_then(|parsed| presync::check(parsed).program) else {
        return Some(format!(
            "{title}\nThe program has errors in the last commit.\n"
        ));
    };
    let Some(now) = view.checked() else {
        return Some(format!("{title}\nThe program has errors.\n"));
    };
    let has_profile = |program: &Program| {
        let mut all = program.declared.iter();
        all.any(|one| one.kind == DeclaredKind::Profile && one.name == profile)
    };
    if !profile.is_empty() && !has_profile(now) && !has_profile(&before) {
        return Some(format!(
            "{title}\nNeither the program nor the last commit has this profile.\n"
        ));
    }
    let mut found = presync::diff(&before.compile().ok()?, view.program.tables()?).ok()?;
    if !profile.is_empty() {
        let of_profile = format!("{} (", presync::quote_text(profile));
        found.changes.retain(|change| {
            let mut rules = change.old_rules.iter().chain(&change.new_rules);
            rules.any(|rule| rule.starts_with(&of_profile))
        });
    }
    Some(if found.is_empty() {
        format!("{title}\nNo decision changes in any situation.\n")
    } else {
        format!("{title}\n{}", difference::markdown(&found))
    })
}

/// What is decided, and why, as Markdown; an empty role: the default one, or the only one.
///
/// # Errors
/// The question has no answer: why.
pub fn what_if_text(
    view: FileView<'_>,
    role: &str,
    change: &str,
    given: &str,
) -> Result<String, String> {
    let program = view.checked().ok_or("The program has errors.")?;
    let tables = view.program.tables().ok_or("The program has errors.")?;
    let given: Vec<String> = [given]
        .iter()
        .filter(|one| !one.trim().is_empty())
        .map(|one| (*one).to_owned())
        .collect();
    let answer = ask(&WhatIf {
        tables,
        program: Some(program),
        role: (!role.is_empty()).then_some(role),
        change,
        given: &given,
    });
    let answer = answer.map_err(|error| error.to_string())?;
    Ok(format!(
        "# What if\n\n```text\n{}{}```\n",
        answer.lines(),
        answer.explanation(program)
    ))
}
