//! In: the headings of a table, and what the user says of them. Out: what each column holds.

use std::collections::BTreeSet;

use crate::import::sheet::Sheet;
use crate::import::{ColumnKind, ImportError, ImportOptions};

/// Heading words that identify a column.
const PROFILE: [&str; 2] = ["profile", "profiles"];
const ROLE: [&str; 2] = ["role", "roles"];
const CONDITION: [&str; 6] = [
    "condition",
    "conditions",
    "if",
    "criteria",
    "requires",
    "precondition",
];
const DIRECTION: [&str; 6] = [
    "direction",
    "dir",
    "way",
    "sync",
    "arrow",
    "synchronization",
];
const FROM: [&str; 5] = ["from", "source", "src", "when", "left"];
const TO: [&str; 6] = ["to", "target", "dest", "destination", "then", "right"];
const SYSTEM: [&str; 4] = ["system", "application", "app", "platform"];
const STATE: [&str; 5] = ["state", "status", "presence", "availability", "statuses"];
const ID: [&str; 6] = ["id", "ids", "guid", "uuid", "identifier", "statusid"];

/// The number of columns that spreadsheets have.
const MAX_COLUMNS: usize = 16_384;

/// Common names for the systems of the bundled vocabularies.
const SYSTEMS: [(&str, &[&str]); 3] = [
    (
        "cic",
        &[
            "cic",
            "interaction center",
            "customer interaction center",
            "pureconnect",
            "genesys cic",
            "genesys pureconnect",
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

/// What the columns of a table hold, by position.
#[derive(Default)]
pub(super) struct Columns {
    pub profile: Option<usize>,
    pub role: Option<usize>,
    pub conditions: Vec<usize>,
    pub direction: Option<usize>,
    /// At least one; of several, each row fills one.
    pub from: Vec<TableSide>,
    /// At least one; each is a rule.
    pub to: Vec<TableSide>,
    pub ignored: BTreeSet<usize>,
}

/// A column of states, with what says of which system they are.
#[derive(Default, Clone)]
pub(super) struct TableSide {
    pub state: usize,
    pub system: Option<usize>,
    /// The system, if the heading names it: `CIC Status`.
    pub named: Option<String>,
    pub id: Option<usize>,
}

/// The words of a heading in lower case; `CloudPresenceId` has three.
fn words(heading: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for char in heading.chars() {
        let starts = !before.is_alphanumeric() || (before.is_lowercase() && char.is_uppercase());
        if char.is_alphanumeric() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(char.to_lowercase());
            }
        }
        before = char;
    }
    words
}

/// The system's name in the bundled vocabularies, if they have it.
pub(super) fn known(name: &str) -> String {
    let plain = words(name).join(" ");
    let found = SYSTEMS
        .iter()
        .find(|(_, others)| others.contains(&plain.as_str()));
    found.map_or_else(
        || name.trim().to_owned(),
        |(system, _)| (*system).to_owned(),
    )
}

/// What a heading says.
struct Heading {
    at: usize,
    words: Vec<String>,
    /// The system that it names, in the spelling of the heading.
    named: Option<String>,
}

impl Heading {
    fn new(at: usize, heading: &str) -> Self {
        let all = words(heading);
        let general = |word: &String| {
            [&FROM[..], &TO, &SYSTEM, &STATE, &ID]
                .iter()
                .any(|known| known.contains(&word.as_str()))
        };
        // The words of the heading as they are written.
        let mut spelled: Vec<&str> = Vec::new();
        let mut rest = heading;
        for word in &all {
            let chars = word.chars().count();
            let start = rest.find(char::is_alphanumeric).unwrap_or(rest.len());
            rest = &rest[start..];
            let end = rest
                .char_indices()
                .nth(chars)
                .map_or(rest.len(), |(at, _)| at);
            if !general(word) {
                spelled.push(&rest[..end]);
            }
            rest = &rest[end..];
        }
        let named = known(&spelled.join(" "));
        Self {
            at,
            words: all,
            named: Some(named).filter(|name| !name.is_empty()),
        }
    }

    fn has(&self, of: &[&str]) -> bool {
        self.words.iter().any(|word| of.contains(&word.as_str()))
    }

    fn names_a_system(&self) -> bool {
        let known = |(system, _): &(&str, _)| self.named.as_deref() == Some(system);
        SYSTEMS.iter().any(known)
    }

    fn side(&self) -> TableSide {
        TableSide {
            state: self.at,
            named: self.named.clone(),
            ..TableSide::default()
        }
    }
}

/// A side in the making: `From System, From State, From Id`, or only `From`.
#[derive(Default)]
struct Parts {
    states: Vec<TableSide>,
    system: Option<usize>,
    id: Option<usize>,
    alone: Option<usize>,
}

impl Parts {
    fn take(&mut self, heading: &Heading) {
        if heading.has(&ID) {
            self.id.get_or_insert(heading.at);
        } else if heading.has(&SYSTEM) {
            self.system.get_or_insert(heading.at);
        } else if heading.words.len() == 1 {
            self.alone.get_or_insert(heading.at);
        } else {
            self.states.push(heading.side());
        }
    }

    /// A heading of only one word stands for the part that is missing.
    fn sides(mut self) -> Vec<TableSide> {
        if let Some(alone) = self.alone {
            match self.states.as_slice() {
                [] => self.states.push(TableSide {
                    state: alone,
                    ..TableSide::default()
                }),
                [one] if one.named.is_none() && self.system.is_none() => self.system = Some(alone),
                _ => {}
            }
        }
        for side in &mut self.states {
            side.system = self.system;
            side.id = side.id.or(self.id);
            if side.system.is_some() {
                side.named = None;
            }
        }
        self.states
    }
}

impl Columns {
    /// Detects the columns by the words of their headings, after those that the user names.
    ///
    /// # Errors
    /// The user names a column that does not exist.
    pub fn detect(
        headings: &[String],
        options: &ImportOptions,
    ) -> Result<Option<Self>, ImportError> {
        let mut columns = Self::default();
        let (mut from, mut to) = (Parts::default(), Parts::default());
        let mut taken = BTreeSet::new();
        for (kind, name) in &options.columns {
            let at = position(headings, name)?;
            if !taken.insert(at) {
                return Err(ImportError::Column(format!(
                    "`--column` names `{name}` twice"
                )));
            }
            let heading = Heading::new(at, headings.get(at).map_or("", String::as_str));
            let single = match kind {
                ColumnKind::Condition => {
                    columns.conditions.push(at);
                    None
                }
                ColumnKind::From => {
                    from.states.push(heading.side());
                    None
                }
                ColumnKind::To => {
                    to.states.push(heading.side());
                    None
                }
                ColumnKind::Profile => columns.profile.replace(at),
                ColumnKind::Role => columns.role.replace(at),
                ColumnKind::Direction => columns.direction.replace(at),
                ColumnKind::FromSystem => from.system.replace(at),
                ColumnKind::ToSystem => to.system.replace(at),
                ColumnKind::FromId => from.id.replace(at),
                ColumnKind::ToId => to.id.replace(at),
            };
            if single.is_some() {
                return Err(ImportError::Column(format!(
                    "two columns for the same kind, the second is `{name}`"
                )));
            }
        }
        for name in &options.ignored {
            // Another sheet may have it.
            let Ok(at) = position(headings, name) else {
                continue;
            };
            if !taken.insert(at) {
                return Err(ImportError::Column(format!(
                    "`{name}` is both used and ignored"
                )));
            }
            columns.ignored.insert(at);
        }
        let named_by_hand = [!from.states.is_empty(), !to.states.is_empty()];
        let (mut sideless, mut ids, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let free = headings
            .iter()
            .enumerate()
            .filter(|(at, _)| !taken.contains(at));
        for heading in free.map(|(at, heading)| Heading::new(at, heading)) {
            if heading.words.is_empty() {
                others.push(heading);
            } else if heading.has(&PROFILE) && columns.profile.is_none() {
                columns.profile = Some(heading.at);
            } else if heading.has(&ROLE) && columns.role.is_none() {
                columns.role = Some(heading.at);
            } else if heading.has(&CONDITION) {
                columns.conditions.push(heading.at);
            } else if heading.has(&FROM) && !named_by_hand[0] {
                from.take(&heading);
            } else if heading.has(&TO) && !named_by_hand[1] {
                to.take(&heading);
            } else if heading.has(&DIRECTION) && columns.direction.is_none() {
                columns.direction = Some(heading.at);
            } else if heading.has(&ID) && heading.words.len() > 1 {
                ids.push(heading);
            } else if heading.has(&STATE) || heading.names_a_system() {
                sideless.push(heading);
            } else {
                others.push(heading);
            }
        }
        let (mut from, mut to) = (from.sides(), to.sides());
        // `CIC Status, Lync Status, Teams Status`: the first is the source, the others are targets.
        let mut sideless = sideless.into_iter();
        if from.is_empty() {
            from.extend(sideless.next().map(|heading| heading.side()));
        }
        if to.is_empty() {
            to.extend(sideless.map(|heading| heading.side()));
        }
        // Two columns of which nothing is known, as in `key,GenesysCloudPresenceId`.
        if let (true, true, [one, other]) = (from.is_empty(), to.is_empty(), headings) {
            let [one, other] =
                [(0, one), (1, other)].map(|(at, heading)| Heading::new(at, heading));
            if one.named.is_some() && other.named.is_some() {
                (from, to) = (vec![one.side()], vec![other.side()]);
                (columns.conditions, columns.profile, columns.role) = (Vec::new(), None, None);
                ids.clear();
            }
        }
        for id in ids {
            let sides = from.iter_mut().chain(&mut to);
            let mut of = sides.filter(|side| side.named == id.named && side.id.is_none());
            if let Some(side) = of.next() {
                side.id = Some(id.at);
            }
        }
        for sides in [&from, &to] {
            let named = sides
                .iter()
                .filter_map(|side| side.named.as_ref().map(|name| (side.state, name)));
            let mut seen: Vec<&String> = Vec::new();
            for (at, name) in named {
                if seen.contains(&name) {
                    return Err(ImportError::Column(format!(
                        "two columns for the states of `{name}`; skip one of them: `--ignore-column {}`",
                        at + 1
                    )));
                }
                seen.push(name);
            }
        }
        (columns.from, columns.to) = (from, to);
        Ok((!columns.from.is_empty() && !columns.to.is_empty()).then_some(columns))
    }

    /// The columns that are used.
    pub fn used(&self) -> BTreeSet<usize> {
        let of_side = |side: &TableSide| [Some(side.state), side.system, side.id];
        let sides = self.from.iter().chain(&self.to).flat_map(of_side);
        let single = [self.profile, self.role, self.direction];
        let all = sides.chain(single).flatten();
        all.chain(self.conditions.iter().copied()).collect()
    }

    /// A sentence for each column.
    pub fn describe(&self, headings: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut column = |at: usize, what: String| {
            let heading = headings.get(at).map_or("", String::as_str);
            lines.push(format!("column {} `{heading}`: {what}", at + 1));
        };
        let mut single = |at: Option<usize>, what: &str| {
            if let Some(at) = at {
                column(at, what.to_owned());
            }
        };
        single(self.profile, "the profile");
        single(self.role, "the role");
        self.conditions
            .iter()
            .for_each(|at| single(Some(*at), "a condition"));
        single(self.direction, "the direction");
        for (sides, which) in [(&self.from, "from"), (&self.to, "to")] {
            for side in sides {
                single(side.system, &format!("the {which} system"));
                let of = match &side.named {
                    Some(name) => format!(" of `{name}`"),
                    None => String::new(),
                };
                single(Some(side.state), &format!("the {which} state{of}"));
                single(side.id, &format!("the ids of the {which} state{of}"));
            }
        }
        if self.profile.is_none() {
            lines.push("no column for the profile: all rules are in profile `Imported`".to_owned());
        }
        if self.direction.is_none() {
            lines.push("no column for the direction: each rule goes one way".to_owned());
        }
        lines
    }
}

/// Whether each cell consists of words of headings and names of known systems, as headings do and titles do not.
pub(super) fn are_plain(cells: &[String]) -> bool {
    let is_plain = |cell: &String| {
        let heading = Heading::new(0, cell);
        let known = [&PROFILE[..], &ROLE, &CONDITION, &DIRECTION];
        heading.named.is_none()
            || heading.names_a_system()
            || known
                .iter()
                .any(|words| heading.words.len() == 1 && heading.has(words))
    };
    cells.iter().filter(|cell| !cell.is_empty()).all(is_plain)
}

/// Rejects an ignored column that no sheet has.
pub(super) fn check_ignored(sheets: &[Sheet], options: &ImportOptions) -> Result<(), ImportError> {
    let widest = |sheet: &Sheet| sheet.rows.iter().map(|row| row.cells.len()).max();
    let width = sheets.iter().filter_map(widest).max().unwrap_or(0);
    for name in &options.ignored {
        let rows = || sheets.iter().flat_map(|sheet| &sheet.rows);
        let numbered = name
            .parse()
            .is_ok_and(|number| (1..=width).contains(&number));
        if !numbered && rows().all(|row| position(&row.cells, name).is_err()) {
            return Err(ImportError::Column(format!("no column `{name}`")));
        }
    }
    Ok(())
}

/// The column with a heading, or with a number counted from 1, which may be beyond the headings.
fn position(headings: &[String], name: &str) -> Result<usize, ImportError> {
    let exact = headings.iter().position(|heading| heading == name);
    let similar = || {
        let wanted = words(name);
        let same = |heading: &String| !wanted.is_empty() && words(heading) == wanted;
        headings.iter().position(same)
    };
    let numbered = || {
        let number: usize = name.parse().ok()?;
        (1..=MAX_COLUMNS).contains(&number).then(|| number - 1)
    };
    exact.or_else(similar).or_else(numbered).ok_or_else(|| {
        let quoted: Vec<String> = headings
            .iter()
            .map(|heading| format!("`{heading}`"))
            .collect();
        ImportError::Column(format!(
            "no column `{name}`: the columns are {}",
            quoted.join(", ")
        ))
    })
}
