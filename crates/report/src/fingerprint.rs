//! Fingerprints of findings, stable when lines move: code, file, subject, and the text of the line without white space.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::Places;
use presync::{Data, Diagnostic, Sources};

/// One for each finding, in order; identical findings are numbered.
pub fn fingerprints<'a>(
    found: impl Iterator<Item = (&'a Diagnostic, &'a Sources)>,
    places: &dyn Places,
) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut paths: HashMap<String, String> = HashMap::new();
    found
        .map(|(diagnostic, sources)| {
            let (path, line) = diagnostic
                .location()
                .map_or_else(Default::default, |location| {
                    let text = &sources.file(location.file).text;
                    let at = (location.span.start as usize).min(text.len());
                    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                    let end = text[at..]
                        .find('\n')
                        .map_or(text.len(), |newline| at + newline);
                    // The first characters of a very long line are enough to identify it.
                    let line: String = text[start..end]
                        .split_whitespace()
                        .flat_map(str::chars)
                        .take(2_000)
                        .collect();
                    let shown = sources.shown_path(location.file);
                    let path = paths
                        .entry(shown)
                        .or_insert_with_key(|shown| places.project_path(shown));
                    (path.clone(), line)
                });
            // Hash the data, not the message: rewording a message must not create new findings.
            let Data {
                role,
                from,
                to,
                states,
                names,
                rules: _,
            } = &*diagnostic.data;
            let states = states.iter().flat_map(|name| [&name.system, &name.state]);
            let about = [role, from, to]
                .into_iter()
                .flatten()
                .chain(states)
                .chain(names);
            let about: Vec<&str> = about.map(String::as_str).collect();
            let about = about.join("\u{1}");
            let key = [diagnostic.code.name, &path, &about, &line].join("\u{0}");
            let number = seen.entry(key.clone()).or_default();
            *number += 1;
            let hash = Sha256::digest(format!("{key}\u{0}{number}"));
            hash.iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect()
        })
        .collect()
}
