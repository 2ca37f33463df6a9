//! `presync diff`: the situations that two programs decide differently.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::git::Revision;
use crate::loading;
use crate::project::{FileAccess, Selection};
use crate::terminal::{OutputStream, Terminal, wrapped};
use presync::json::JsonDifferences;
use presync::visible;
use presync::{ArgumentError, DiffError, Differences, RenamedKind, Renaming};
use presync_ide::difference::{details, markdown, situations};

/// Show exactly which decisions change, and in which situations.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory, or a tables.json; or `main:` for what NEW was in a revision of git, `main:PATH` for another
    /// path in it.
    old: PathBuf,
    /// The program, directory or tables.json after the change; directories are compared program by program.
    new: PathBuf,
    /// Treat a name in OLD as another one in NEW: `lync=teams`, `lync "Off Work"=Offline`, `fact=other`,
    /// `choice value=other` or `role "Agents"="Team"`. Can be repeated.
    #[arg(long, value_name = "NAME=NEW", value_parser = renaming)]
    rename: Vec<Renaming>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = DiffFormat::Human)]
    format: DiffFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    Human,
    Json,
    Markdown,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let old = OldSide::of(&arguments.old, &arguments.new)?;
    let access = match &old {
        OldSide::Path(_) => terminal.file_access.clone(),
        OldSide::Revision(revision, _) => revision.access(&terminal.file_access),
    };
    let mut compared = Vec::new();
    for pair in pairs(&old, &arguments.new, &access, terminal)? {
        let found = match (&pair.old, &pair.new) {
            (Some(old), Some(new)) => compare(old, new, &access, arguments, terminal),
            (Some(_), None) => Ok(one_sided("the program exists only in OLD")),
            _ => Ok(one_sided("the program exists only in NEW")),
        };
        match found {
            Ok(found) => compared.push((pair.name, found)),
            Err(error) => terminal.skip(&error),
        }
    }
    let same = compared.iter().all(|(_, found)| found.is_empty());
    let width = terminal.width(OutputStream::Stdout);
    let text = match arguments.format {
        DiffFormat::Human => each(&compared, "", |found| human(found, width)),
        DiffFormat::Json => json(&compared),
        DiffFormat::Markdown if same && !terminal.skipped_any() => {
            "No decision changes in any situation.\n".to_owned()
        }
        DiffFormat::Markdown => match each(&compared, "### ", markdown) {
            empty if empty.is_empty() => empty,
            changes => format!("## Decisions that change\n\n{changes}"),
        },
    };
    terminal.stdout(visible(&text))?;
    if same && !terminal.skipped_any() {
        terminal.status("no decision changes in any situation");
    }
    Ok(CommandAnswer::no_if(!same))
}

/// A path, or `REVISION:PATH` of git; without a path, that of NEW.
enum OldSide {
    Path(PathBuf),
    Revision(Revision, PathBuf),
}

impl OldSide {
    fn of(old: &Path, new: &Path) -> Result<Self, CommandError> {
        let text = old.to_string_lossy();
        match text.split_once(':') {
            // One letter is a drive.
            Some((revision, below)) if revision.len() > 1 && !old.exists() => {
                let wanted = Path::new(below);
                let revision = Revision::checkout(revision, new, wanted)?;
                let path = if below.is_empty() {
                    revision.path(new)?
                } else {
                    revision.below(wanted)
                };
                Ok(Self::Revision(revision, path))
            }
            _ => Ok(Self::Path(old.to_path_buf())),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Revision(_, path) => path,
        }
    }
}

/// A program on both sides, or on one.
struct ProgramPair {
    /// The path below the compared directories.
    name: String,
    old: Option<PathBuf>,
    new: Option<PathBuf>,
}

/// What to compare: two programs, or the programs with the same path in two directories.
fn pairs(
    old: &OldSide,
    new: &Path,
    access: &FileAccess,
    terminal: &Terminal,
) -> Result<Vec<ProgramPair>, CommandError> {
    let one = |old: PathBuf, new: PathBuf| {
        let (name, old, new) = (String::new(), Some(old), Some(new));
        Ok(vec![ProgramPair { name, old, new }])
    };
    // A revision from before the directory has no programs.
    let is_new = matches!(old, OldSide::Revision(..)) && !old.path().exists();
    let old = old.path();
    if !(new.is_dir() && (old.is_dir() || is_new)) {
        return one(old.to_path_buf(), new.to_path_buf());
    }
    let roots = |folder: &Path| {
        let selection = Selection::new(vec![folder.to_path_buf()], false, access)?;
        selection.roots(terminal)
    };
    let olds = if is_new { Vec::new() } else { roots(old)? };
    let news = roots(new)?;
    if let ([old], [new]) = (olds.as_slice(), news.as_slice()) {
        return one(old.clone(), new.clone());
    }
    let mut pairs: BTreeMap<PathBuf, [Option<PathBuf>; 2]> = BTreeMap::new();
    for (side, (folder, roots)) in [(old, olds), (new, news)].into_iter().enumerate() {
        for root in roots {
            let below = root.strip_prefix(folder).unwrap_or(&root).to_path_buf();
            pairs.entry(below).or_default()[side] = Some(root);
        }
    }
    let pair = |(below, [old, new]): (PathBuf, [Option<PathBuf>; 2])| ProgramPair {
        name: below.display().to_string(),
        old,
        new,
    };
    Ok(pairs.into_iter().map(pair).collect())
}

fn compare(
    old: &Path,
    new: &Path,
    access: &FileAccess,
    arguments: &Arguments,
    terminal: &Terminal,
) -> Result<Differences, CommandError> {
    // The errors of both sides are shown.
    let old = loading::tables_with(old, access, terminal);
    let (new, _) = match loading::tables(new, terminal) {
        Ok(new) => new,
        Err(error) => {
            if let Err(error) = &old {
                terminal.skip(error);
            }
            return Err(error);
        }
    };
    presync::diff_renamed(&old?.0, &new, &arguments.rename).map_err(|error| {
        let wrong =
            |error: &dyn std::fmt::Display| CommandError::Usage(format!("--rename: {error}"));
        match error {
            DiffError::TooComplex(error) => error.into(),
            DiffError::Rename(error) => wrong(&error),
            other => wrong(&other),
        }
    })
}

fn one_sided(what: &str) -> Differences {
    Differences {
        one_sided: vec![what.to_owned()],
        ..Differences::default()
    }
}

/// The differences of each program, below its name if there are several.
fn each(
    compared: &[(String, Differences)],
    mark: &str,
    write: impl Fn(&Differences) -> String,
) -> String {
    let parts = compared.iter().filter(|(_, found)| !found.is_empty());
    let parts = parts.map(|(name, found)| match name.as_str() {
        "" => write(found),
        name => format!("{mark}{name}\n\n{}", write(found)),
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn renaming(text: &str) -> Result<Renaming, ArgumentError> {
    let (role, names) = presync::parse_renaming(text)?;
    let names: Vec<String> = names.iter().map(|name| name.text.to_string()).collect();
    let (what, from, to) = match names.as_slice() {
        [of, from, to] => (RenamedKind::Of(of.clone()), from, to),
        [from, to] if role => (RenamedKind::Role, from, to),
        [from, to] => (RenamedKind::SystemOrFact, from, to),
        _ => unreachable!("a renaming has two or three names"),
    };
    Ok(Renaming {
        what,
        from: from.clone(),
        to: to.clone(),
    })
}

fn human(found: &Differences, width: usize) -> String {
    let mut text = String::new();
    for line in found.one_sided.iter().chain(&found.skipped) {
        text.push_str(&format!("{line}\n"));
    }
    for behavior in found.behaviors() {
        let headline = format!("{}: {}", behavior.headline(), situations(found, &behavior));
        text.push('\n');
        let mut push = |lines: &[String]| text.push_str(&(lines.join("\n") + "\n"));
        push(&wrapped(&headline, width, ["", "  "]));
        for detail in details(found, &behavior) {
            for line in detail.lines(&behavior) {
                push(&wrapped(&line, width, ["    ", "      "]));
            }
        }
    }
    text.trim_start_matches('\n').to_owned()
}

fn json(compared: &[(String, Differences)]) -> String {
    let mut whole = JsonDifferences::default();
    for (name, found) in compared {
        whole.add(name, JsonDifferences::new(found));
    }
    let text = serde_json::to_string(&whole).expect("differences are always JSON");
    format!("{text}\n")
}
