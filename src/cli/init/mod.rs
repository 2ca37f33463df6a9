//! `presync init`: a project that checks clean, with a test, settings, a CI file and a README.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Done, Stop};

/// Start a project: a profile with a test, settings, a CI file and a README.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder; made if it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Where each file goes, and what is in it.
const FILES: [(&str, &str); 4] = [
    ("profiles/site.presync", include_str!("site.presync")),
    ("presync.toml", include_str!("presync.toml")),
    ("README.md", include_str!("README.md")),
    (".github/workflows/presync.yml", include_str!("../../../docs/ci/github.yml")),
];

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let places: Vec<(PathBuf, &str)> = FILES.iter().map(|(name, text)| (arguments.folder.join(name), *text)).collect();
    // All or nothing: what is there is never written over.
    if let Some((place, _)) = places.iter().find(|(place, _)| place.exists()) {
        return Err(Stop::Usage(format!("`{}` is there already: nothing is written", place.display())));
    }
    for (place, text) in places {
        let cannot = |error: std::io::Error| Stop::Usage(format!("`{}` cannot be written: {error}", place.display()));
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        std::fs::write(&place, text).map_err(cannot)?;
        output.say(&format!("wrote {}", place.display()));
    }
    output.say("now try `presync check`, `presync test` and `presync show profiles`");
    Ok(ExitCode::SUCCESS)
}
