//! `check --add-allow`: allows the current findings where they occur, so that only new ones are reported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{CommandAnswer, CommandResult};
use crate::files;
use crate::findings::{Findings, path_of};
use crate::terminal::Terminal;
use presync::quote_text;
use presync::tree;
use presync::{FileId, SourceFile, Span};

/// The text of a file, and the codes to allow, with the byte offset of each.
type AllowPlaces<'a> = (String, BTreeSet<(u32, &'a str)>);

/// Writes an `@allow` before the innermost declaration, state or item that contains each finding's
/// first label.
pub fn add_allow(findings: &Findings, reason: &str, terminal: &Terminal) -> CommandResult {
    let mut places: BTreeMap<PathBuf, AllowPlaces<'_>> = BTreeMap::new();
    let mut left = 0;
    for found in &findings.found {
        let diagnostic = &found.diagnostic;
        let (root, report) = &findings.programs[found.program];
        let (sources, broken) = (report.sources(), report.program.is_none());
        let location = diagnostic
            .location()
            .filter(|location| !sources.file(location.file).bundled);
        let Some(location) = location.filter(|_| !broken && diagnostic.code.name != "unused-allow")
        else {
            left += 1;
            continue;
        };
        let text = &sources.file(location.file).text;
        let path = path_of(root, sources, location.file);
        let (tree, _) = presync::parse_file(
            FileId(0),
            &SourceFile::new("", text.clone().into_bytes(), false),
        );
        match innermost(&tree, location.span) {
            Some(start) => {
                places
                    .entry(path)
                    .or_insert_with(|| (text.clone(), BTreeSet::new()))
                    .1
                    .insert((start, diagnostic.code.name));
            }
            None => left += 1,
        }
    }
    let mut added = 0;
    for (path, (text, places)) in places {
        let mut after = text.clone();
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        for (start, code) in places.into_iter().rev() {
            let start = start as usize;
            let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            let indent: String = text[line..start]
                .chars()
                .take_while(|char| char.is_whitespace())
                .collect();
            let reason = if reason.is_empty() {
                String::new()
            } else {
                format!(", {}", quote_text(reason))
            };
            after.insert_str(start, &format!("@allow({code}{reason}){newline}{indent}"));
            added += 1;
        }
        if path.as_os_str() == "-" {
            terminal.stdout(files::marked(&files::stdin()?, &after))?;
        } else {
            files::rewrite(&path, &after)?;
        }
    }
    terminal.status(&format!(
        "added {added} `@allow`, {left} findings remaining"
    ));
    let broken = findings
        .programs
        .iter()
        .any(|(_, report)| report.program.is_none());
    Ok(CommandAnswer::no_if(broken))
}

/// The start of the innermost declaration, state or item around a location that can have an
/// `@allow`.
fn innermost(tree: &tree::File, place: Span) -> Option<u32> {
    let declaration = tree
        .declarations
        .iter()
        .find(|declaration| declaration.span.contains(place))?;
    let items = match &declaration.kind {
        tree::DeclarationKind::Mapping { items, .. }
        | tree::DeclarationKind::Profile { items, .. } => &**items,
        tree::DeclarationKind::System { items, .. }
        | tree::DeclarationKind::Extend { items, .. } => {
            let states = items.iter().filter_map(|item| match item {
                tree::SystemItem::State(state) => Some(state.span),
                _ => None,
            });
            let state = states.into_iter().find(|span| span.contains(place));
            return Some(state.unwrap_or(declaration.span).start);
        }
        _ => &[],
    };
    let mut start = declaration.span.start;
    let mut items = items;
    while let Some(item) = items.iter().find(|item| item.span.contains(place)) {
        start = item.span.start;
        match &item.kind {
            tree::ItemKind::When(when) if when.block => items = &when.body,
            _ => break,
        }
    }
    Some(start)
}
