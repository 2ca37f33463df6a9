//! `presync diff`: the situations that two programs decide differently.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::loading;
use crate::terminal::Terminal;
use presync::json::JsonDifferences;
use presync::visible;
use presync::{ArgumentError, DecisionChange, DiffError, Differences, RenamedKind, Renaming};

/// Show exactly which decisions change, and in which situations.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, or a tables.json.
    old: PathBuf,
    /// The program or tables.json after the change.
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
    let (old, _) = loading::tables(&arguments.old, terminal)?;
    let (new, _) = loading::tables(&arguments.new, terminal)?;
    let found = presync::diff_renamed(&old, &new, &arguments.rename).map_err(|error| {
        let wrong =
            |error: &dyn std::fmt::Display| CommandError::Usage(format!("--rename: {error}"));
        match error {
            DiffError::TooComplex(error) => error.into(),
            DiffError::Rename(error) => wrong(&error),
            other => wrong(&other),
        }
    })?;
    let text = match arguments.format {
        DiffFormat::Human => human(&found),
        DiffFormat::Json => json(&found),
        DiffFormat::Markdown => markdown(&found),
    };
    terminal.stdout(visible(&text))?;
    if found.is_empty() {
        terminal.status("no decision changes in any situation");
    }
    Ok(CommandAnswer::no_if(!found.is_empty()))
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

fn human(found: &Differences) -> String {
    let mut text = String::new();
    for line in found.one_sided.iter().chain(&found.skipped) {
        text.push_str(&format!("{line}\n"));
    }
    let mut heading = String::new();
    for change in &found.changes {
        let of = format!("{}: {} → {}", change.role, change.from, change.to);
        if of != heading {
            text.push_str(&format!("\n{of}\n"));
            heading = of;
        }
        text.push_str(&format!(
            "  {}: {} → {}   {}\n",
            change.to,
            change.old,
            change.new,
            count(change)
        ));
        match &change.rows {
            Some(rows) => rows
                .iter()
                .for_each(|row| text.push_str(&format!("    {row}\n"))),
            None => text.push_str(&format!(
                "    too many to list; example: {}\n",
                change.witness
            )),
        }
        text.push_str(&format!(
            "    was {}, now {}\n",
            by(&change.old_rules),
            by(&change.new_rules)
        ));
    }
    text.trim_start_matches('\n').to_owned()
}

fn count(change: &DecisionChange) -> String {
    format!(
        "{} of {} situations",
        grouped(change.count),
        grouped(change.total)
    )
}

/// Formats 1152 as `1,152`.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn by(rules: &[String]) -> String {
    if rules.is_empty() {
        "nobody's".to_owned()
    } else {
        rules.join(", ")
    }
}

fn json(found: &Differences) -> String {
    let document = JsonDifferences::new(found);
    let text = serde_json::to_string(&document).expect("differences are always JSON");
    format!("{text}\n")
}

fn markdown(found: &Differences) -> String {
    let cell = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('|', "\\|")
            .replace('<', "&lt;")
    };
    if found.is_empty() {
        return "No decision changes in any situation.\n".to_owned();
    }
    let mut text = String::new();
    for line in found.one_sided.iter().chain(&found.skipped) {
        text.push_str(&format!("- {}\n", cell(line)));
    }
    if !found.changes.is_empty() {
        text.push_str("\n| role | change | outcome | situations | where | was | is |\n|---|---|---|---|---|---|---|\n");
    }
    for change in &found.changes {
        let rows = change.rows.as_ref().map_or_else(
            || format!("for example {}", change.witness),
            |rows| rows.join("; "),
        );
        let cells = [
            change.role.clone(),
            format!("{} → {}", change.from, change.to),
            format!("{} → {}", change.old, change.new),
            count(change),
            rows,
            by(&change.old_rules),
            by(&change.new_rules),
        ];
        text.push_str(&format!(
            "| {} |\n",
            cells.map(|text| cell(&text)).join(" | ")
        ));
    }
    text.trim_start_matches('\n').to_owned()
}
