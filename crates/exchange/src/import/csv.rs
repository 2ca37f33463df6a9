//! Imports hand-written CSV: a line for each mapping, separated by comma, semicolon or tab.
//! Columns for the profile, the two systems, their states and the direction are recognized under various headings.

use indexmap::{IndexMap, IndexSet};

use crate::import::{ImportError, ImportKind, Imported, ensure_parses};
use presync::{quote, quote_text};

/// Heading words that identify a column.
const PROFILE: [&str; 1] = ["profile"];
const DIRECTION: [&str; 5] = ["direction", "dir", "way", "sync", "arrow"];
const FROM: [&str; 5] = ["from", "source", "src", "when", "left"];
const TO: [&str; 6] = ["to", "target", "dest", "destination", "then", "right"];
const SYSTEM: [&str; 4] = ["system", "application", "app", "platform"];
const STATE: [&str; 4] = ["state", "status", "presence", "availability"];

/// Common names for the systems of the bundled vocabularies.
const SYSTEMS: [(&str, &[&str]); 3] = [
    (
        "cic",
        &[
            "cic",
            "genesys",
            "interaction center",
            "customer interaction center",
            "pureconnect",
            "genesys cic",
        ],
    ),
    (
        "lync",
        &[
            "lync",
            "skype",
            "skype for business",
            "sfb",
            "microsoft lync",
            "lync skype for business",
        ],
    ),
    ("teams", &["teams", "microsoft teams", "ms teams"]),
];

/// The vocabularies with their systems.
const VOCABULARIES: [(&str, [&str; 2]); 2] = [
    ("cic_lync", ["cic", "lync"]),
    ("cic_teams", ["cic", "teams"]),
];

/// The position of each column.
#[derive(Default)]
struct Columns {
    profile: Option<usize>,
    direction: Option<usize>,
    from: CsvSide,
    to: CsvSide,
}

#[derive(Default)]
struct CsvSide {
    system: Option<usize>,
    state: Option<usize>,
    /// A heading that names only the side: `From`.
    alone: Option<usize>,
    /// The system, if the heading names it: `CIC Status`.
    named: Option<String>,
}

pub(super) const KIND: ImportKind = ImportKind {
    extension: "csv",
    read: |text| ensure_parses(read(text)?),
};

fn read(text: &str) -> Result<Imported, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [',', ';', '\t']
        .into_iter()
        .max_by_key(|mark| (first.matches(*mark).count(), *mark == ','));
    let delimiter = delimiter.unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let headings: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let columns = detect_columns(&headings)?;
    let mut understood = vec![format!(
        "columns are separated by {}",
        if delimiter == '\t' {
            "tabs".to_owned()
        } else {
            format!("`{delimiter}`")
        }
    )];
    understood.extend(columns.describe(&headings));

    // Rules by profile, and the states of each system in case no vocabulary declares it.
    let mut profiles: IndexMap<String, IndexSet<String>> = IndexMap::new();
    let mut systems: IndexMap<String, IndexSet<String>> = IndexMap::new();
    for record in reader.records() {
        let record = record?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let error = |what: String| ImportError::Line { line, what };
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let side = |side: &CsvSide, which: &str| {
            let system = side
                .named
                .clone()
                .unwrap_or_else(|| known(cell(side.system)));
            let states = cell(side.state).to_owned();
            match (system.is_empty(), states.is_empty()) {
                (true, _) => Err(error(format!("the {which} system is missing"))),
                (_, true) => Err(error(format!("the {which} state is missing"))),
                _ => Ok((system, states)),
            }
        };
        let (from, to) = (side(&columns.from, "from")?, side(&columns.to, "to")?);
        if from.0 == to.0 {
            return Err(error(format!(
                "both sides are the same system `{}`",
                from.0
            )));
        }
        for (system, states) in [&from, &to] {
            let declared = systems.entry(system.clone()).or_default();
            declared.extend(split(states).filter(|state| special(state).is_none()));
        }
        let profile = Some(cell(columns.profile))
            .filter(|name| !name.is_empty())
            .unwrap_or("Imported");
        let rules = profiles.entry(profile.to_owned()).or_default();
        let (there, back) = direction(cell(columns.direction)).ok_or_else(|| {
            error(format!(
                "unknown direction `{}`: use `->`, `<-` or `<->`",
                cell(columns.direction)
            ))
        })?;
        // One state on each side and both directions: one rule is enough.
        let names_one = |(_, states): &(String, String)| {
            special(states).is_none() && split(states).count() == 1
        };
        if there && back && names_one(&from) && names_one(&to) {
            rules.insert(rule(&from, "<->", &to).map_err(error)?);
            continue;
        }
        let ways = [(there, &from, &to), (back, &to, &from)];
        for (_, source, target) in ways.into_iter().filter(|(wanted, ..)| *wanted) {
            rules.insert(rule(source, "->", target).map_err(error)?);
        }
    }
    if profiles.is_empty() {
        return Err(ImportError::NoMappings);
    }
    Ok(Imported {
        source: source(&systems, &profiles),
        understood,
    })
}

/// Detects the columns by the words of their headings.
fn detect_columns(headings: &[String]) -> Result<Columns, ImportError> {
    let mut columns = Columns::default();
    let mut sideless = Vec::new();
    for (at, heading) in headings.iter().enumerate() {
        let words: Vec<String> = heading
            .to_lowercase()
            .split(|char: char| !char.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let has = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
        let rest: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| {
                ![&FROM[..], &TO, &SYSTEM, &STATE]
                    .iter()
                    .any(|known| known.contains(word))
            })
            .collect();
        let named = Some(known(&rest.join(" "))).filter(|name| !name.is_empty());
        if has(&PROFILE) {
            columns.profile.get_or_insert(at);
        } else if has(&FROM) || has(&TO) {
            let side = if has(&FROM) {
                &mut columns.from
            } else {
                &mut columns.to
            };
            if has(&SYSTEM) {
                side.system.get_or_insert(at);
            } else if words.len() == 1 {
                side.alone.get_or_insert(at);
            } else if has(&STATE) || named.is_some() {
                side.state.get_or_insert(at);
                side.named = side.named.take().or(named);
            }
        } else if has(&DIRECTION) {
            columns.direction.get_or_insert(at);
        } else if has(&STATE)
            || SYSTEMS
                .iter()
                .any(|(name, _)| named.as_deref() == Some(name))
        {
            sideless.push((at, named));
        }
    }
    // `Source, Source status`: a heading of only one word stands for the part that is missing.
    for side in [&mut columns.from, &mut columns.to] {
        match (side.state, side.system.is_some() || side.named.is_some()) {
            (None, _) => side.state = side.alone,
            (Some(_), false) => side.system = side.alone,
            (Some(_), true) => {}
        }
    }
    // `CIC Status, Lync Status`: the first is the source.
    let mut sideless = sideless.into_iter();
    for side in [&mut columns.from, &mut columns.to] {
        if side.state.is_none()
            && let Some((at, named)) = sideless.next()
        {
            side.state = Some(at);
            side.named = named;
        }
        if side.system.is_some() {
            side.named = None;
        }
    }
    let missing = |what: &str| {
        let quoted: Vec<String> = headings
            .iter()
            .map(|heading| format!("`{heading}`"))
            .collect();
        Err(ImportError::Column(format!(
            "no column for the {what} in {}; use headings such as `profile, from system, from state, to system, to state, \
direction`",
            quoted.join(", ")
        )))
    };
    for (side, which) in [(&columns.from, "from"), (&columns.to, "to")] {
        if side.state.is_none() {
            return missing(&format!("{which} state"));
        }
        if side.system.is_none() && side.named.is_none() {
            return missing(&format!("{which} system"));
        }
    }
    Ok(columns)
}

impl Columns {
    fn describe(&self, headings: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut describe = |what: &str, at: Option<usize>, otherwise: &str| match at {
            Some(at) => lines.push(format!("{what}: column {}, `{}`", at + 1, headings[at])),
            None => lines.push(format!("{what}: {otherwise}")),
        };
        describe(
            "profile",
            self.profile,
            "no column, all rules in profile `Imported`",
        );
        for (side, which) in [(&self.from, "from"), (&self.to, "to")] {
            let named = side
                .named
                .as_ref()
                .map_or(String::new(), |name| format!("`{name}`, from the heading"));
            describe(&format!("{which} system"), side.system, &named);
            describe(&format!("{which} state"), side.state, "");
        }
        describe("direction", self.direction, "no column, one direction");
        lines
    }
}

/// The system's name in the bundled vocabularies, if they have it.
fn known(name: &str) -> String {
    let plain: Vec<String> = name
        .to_lowercase()
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let plain = plain.join(" ");
    let found = SYSTEMS
        .iter()
        .find(|(_, others)| others.contains(&plain.as_str()));
    found.map_or_else(|| name.to_owned(), |(system, _)| (*system).to_owned())
}

/// Whether the mapping goes forward, and whether it goes back.
fn direction(cell: &str) -> Option<(bool, bool)> {
    let plain: String = cell
        .to_lowercase()
        .chars()
        .filter(|char| !char.is_whitespace() && *char != '_')
        .collect();
    match plain.trim_matches('-').trim_matches('=') {
        "" | ">" | "→" | "⇒" | "to" | "oneway" | "one-way" | "forward" | "there" => {
            Some((true, false))
        }
        "<" | "←" | "⇐" | "from" | "back" | "backward" | "reverse" => Some((false, true)),
        "<>" | "<->" | "<=>" | "↔" | "⇔" | "both" | "twoway" | "two-way" | "bidirectional"
        | "bi" => Some((true, true)),
        _ => None,
    }
}

/// The states of a cell; several are separated by `|`.
fn split(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('|')
        .map(|state| state.trim().to_owned())
        .filter(|state| !state.is_empty())
}

/// A cell that does not name a state.
fn special(cell: &str) -> Option<&'static str> {
    match cell.to_lowercase().trim_matches(['(', ')', '<', '>']) {
        "any" | "all" | "*" => Some("any"),
        "otherwise" | "other" | "others" | "all others" | "any other" => Some("otherwise"),
        "unchanged" | "no change" | "none" | "leave" => Some("unchanged"),
        _ => None,
    }
}

fn rule(
    (from, states): &(String, String),
    arrow: &str,
    (to, target): &(String, String),
) -> Result<String, String> {
    let source = match special(states) {
        Some("unchanged") => {
            return Err(format!(
                "`{states}` cannot be the state of {from} that a rule maps"
            ));
        }
        Some(special) => special.to_owned(),
        None => split(states)
            .map(|state| quote(&state))
            .collect::<Vec<_>>()
            .join(" | "),
    };
    let targets: Vec<String> = split(target).collect();
    let target = match (special(target), targets.as_slice()) {
        (Some("unchanged"), _) => "unchanged".to_owned(),
        (None, [one]) => quote(one),
        _ => {
            return Err(format!("a rule sets {to} to one state, not to `{target}`"));
        }
    };
    Ok(format!(
        "{} {source} {arrow} {} {target}",
        quote(from),
        quote(to)
    ))
}

fn source(
    systems: &IndexMap<String, IndexSet<String>>,
    profiles: &IndexMap<String, IndexSet<String>>,
) -> String {
    let mut text = String::new();
    let bundled = VOCABULARIES
        .iter()
        .find(|(_, has)| systems.keys().all(|system| has.contains(&system.as_str())));
    match bundled {
        Some((vocabulary, _)) => text.push_str(&format!("use {vocabulary}\n")),
        None => {
            for (system, states) in systems {
                let states: String = states
                    .iter()
                    .map(|state| format!("state {}\n", quote(state)))
                    .collect();
                text.push_str(&format!("system {} {{\n{states}}}\n\n", quote(system)));
            }
        }
    }
    for (profile, rules) in profiles {
        let rules: String = rules.iter().map(|rule| format!("{rule}\n")).collect();
        text.push_str(&format!(
            "\nprofile {} {{\n{rules}}}\n",
            quote_text(profile)
        ));
    }
    text
}
