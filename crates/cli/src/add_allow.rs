//! `check --add-allow`: allows the current findings where they occur, so that only new ones are reported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{CommandAnswer, CommandResult};
use crate::files;
use crate::terminal::Terminal;
use presync::{FileId, SourceFile};
use presync_ide::allow::{allow_at, innermost};
use presync_ide::{Findings, edited};

/// The text of a file, and the codes to allow, with the byte offset of each.
type AllowPlaces<'a> = (String, BTreeSet<(u32, &'a str)>);

/// Writes an `@allow` before the innermost declaration, state or item that contains each finding's
/// first label.
pub fn add_allow(findings: &Findings, reason: &str, terminal: &Terminal) -> CommandResult {
    let mut places: BTreeMap<PathBuf, AllowPlaces<'_>> = BTreeMap::new();
    let mut left = 0;
    for found in &findings.found {
        let diagnostic = &found.diagnostic;
        let program = &findings.programs[found.program];
        let report = &program.report;
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
        let path = program.root.path_of(sources, location.file);
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
        let source = SourceFile::new("", text.clone().into_bytes(), false);
        let edits = places.iter();
        let edits: Vec<_> = edits
            .map(|(start, code)| allow_at(&source, *start, code, reason))
            .collect();
        added += edits.len();
        let after = edited(&text, &edits);
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
        .any(|program| program.report.program.is_none());
    Ok(CommandAnswer::no_if(broken))
}
