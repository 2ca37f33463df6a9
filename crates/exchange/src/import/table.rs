//! In: a hand-written table. Out: source with a rule for each row, and what each column and word was read as.
//! Nothing is dropped in silence: what is not used is reported.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use crate::import::columns::{self, Columns, TableSide, known};
use crate::import::conditions::TableConditions;
use crate::import::sheet::{Sheet, SheetRow};
use crate::import::vocabulary::Vocabularies;
use crate::import::words::{CellStates, RuleWay, direction, special};
use crate::import::{ImportError, ImportOptions, Imported, ensure_parses};
use presync::{quote, quote_text};

/// The rows at the start among which the headings are looked for.
const TITLE_ROWS: usize = 20;

/// Reads the tables of all sheets as one program.
pub(super) fn read(sheets: Vec<Sheet>, options: &ImportOptions) -> Result<Imported, ImportError> {
    let mut table = ImportedRules::default();
    columns::check_ignored(&sheets, options)?;
    let several = sheets.len() > 1;
    for mut sheet in sheets {
        let notes = std::mem::take(&mut sheet.notes);
        table.notes.extend(notes);
        let Some((heading, columns)) = find_headings(&sheet, options)? else {
            if several {
                table.not_imported.push(format!(
                    "sheet `{}`: no columns with states of two systems",
                    sheet.name
                ));
                continue;
            }
            return Err(no_columns(&sheet));
        };
        if several {
            table.notes.push(format!("sheet `{}`:", sheet.name));
        }
        let read = TableSheet {
            sheet: &sheet,
            heading,
            columns: &columns,
        };
        table.sheet(&read)?;
    }
    table.finish()
}

/// The row with the headings: the first whose cells are all words of headings, else the first in which the columns are
/// found.
fn find_headings(
    sheet: &Sheet,
    options: &ImportOptions,
) -> Result<Option<(usize, Columns)>, ImportError> {
    let (mut wrong, mut found, mut exists) = (None, None, false);
    for (at, row) in sheet.rows.iter().enumerate().take(TITLE_ROWS) {
        match Columns::detect(&row.cells, options) {
            Ok(Some(columns)) if columns::are_plain(&row.cells) => return Ok(Some((at, columns))),
            Ok(Some(columns)) => found = found.or(Some((at, columns))),
            Ok(None) => exists = true,
            // A title has no such column.
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    match (found, wrong) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(wrong)) if !exists => Err(wrong),
        (None, _) => Ok(None),
    }
}

fn no_columns(sheet: &Sheet) -> ImportError {
    let Some(first) = sheet.rows.first() else {
        return ImportError::Empty;
    };
    let quoted: Vec<String> = first.cells.iter().map(|cell| format!("`{cell}`")).collect();
    ImportError::Column(format!(
        "no columns with the states of two systems in {}; use headings such as `profile, from system, from state, to system, to \
state, direction`, or name them: `--column from=2,to=\"Lync Status\"`",
        quoted.join(", ")
    ))
}

#[derive(Default)]
struct ImportedRules {
    /// For each role and profile its rules, with the condition of each. The role is empty if no column has it.
    profiles: IndexMap<(String, String), IndexSet<(String, String)>>,
    systems: IndexMap<String, SystemStates>,
    conditions: TableConditions,
    vocabularies: Vocabularies,
    notes: Vec<String>,
    not_imported: Vec<String>,
    /// The first line in which an empty profile or role has the value above it, and in which a direction is empty.
    filled: Option<u64>,
    no_direction: Option<u64>,
    /// Words that were read as something else than a state, with the first line.
    words: IndexMap<(String, &'static str), u64>,
}

/// The states of a system that the table names.
#[derive(Default)]
struct SystemStates {
    /// By name in lower case: the first spelling, and the id.
    states: IndexMap<String, (String, Option<String>)>,
}

/// A sheet whose columns are known.
#[derive(Clone, Copy)]
struct TableSheet<'a> {
    sheet: &'a Sheet,
    /// The row with the headings.
    heading: usize,
    columns: &'a Columns,
}

/// A system and what a cell says of it.
#[derive(Clone)]
struct SideCell {
    system: String,
    states: CellStates,
}

impl ImportedRules {
    fn sheet(&mut self, read: &TableSheet<'_>) -> Result<(), ImportError> {
        let TableSheet {
            sheet,
            heading,
            columns,
        } = *read;
        let headings = &sheet.rows[heading].cells;
        for title in &sheet.rows[..heading] {
            let text: Vec<&str> = title.cells.iter().map(String::as_str).collect();
            self.notes.push(format!(
                "line {} is a title: `{}`",
                title.line,
                text.join(" ").trim()
            ));
        }
        self.notes.extend(columns.describe(headings));
        self.unused_columns(read);
        let (mut profile, mut role) = (String::new(), String::new());
        for row in &sheet.rows[heading + 1..] {
            // Blank cells of merged columns have the value above them.
            let down = |at: Option<usize>, above: &mut String| {
                let cell = cell(row, at);
                if cell == "*" {
                    above.clear();
                } else if !cell.is_empty() {
                    cell.clone_into(above);
                }
            };
            down(columns.profile, &mut profile);
            down(columns.role, &mut role);
            let merged = [columns.profile, columns.role].into_iter().flatten();
            if merged.clone().any(|at| cell(row, Some(at)).is_empty()) && !profile.is_empty() {
                self.filled.get_or_insert(row.line);
            }
            self.row(row, columns, &profile, &role)?;
        }
        Ok(())
    }

    /// Reports the columns with content that are not used.
    fn unused_columns(&mut self, read: &TableSheet<'_>) {
        let TableSheet {
            sheet,
            heading,
            columns,
        } = *read;
        let headings = &sheet.rows[heading].cells;
        let used = columns.used();
        let widest = sheet
            .rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0);
        for at in (0..widest).filter(|at| !used.contains(at)) {
            let name = headings.get(at).map_or("", String::as_str);
            let number = at + 1;
            let ignored = columns.ignored.contains(&at);
            let filled = sheet.rows[heading + 1..]
                .iter()
                .any(|row| !cell(row, Some(at)).is_empty());
            let shown = if name.is_empty() {
                String::new()
            } else {
                format!(" `{name}`")
            };
            if ignored {
                self.notes.push(format!("column {number}{shown}: ignored"));
            } else if filled {
                self.not_imported.push(format!(
                    "column {number}{shown} not used: assign it with `--column`, or skip it with `--ignore-column {number}`"
                ));
            }
        }
    }

    fn row(
        &mut self,
        row: &SheetRow,
        columns: &Columns,
        profile: &str,
        role: &str,
    ) -> Result<(), ImportError> {
        let error = |what: String| ImportError::Line {
            line: row.line,
            what,
        };
        let filled: Vec<&TableSide> = columns
            .from
            .iter()
            .filter(|side| !cell(row, Some(side.state)).is_empty())
            .collect();
        let from = match filled.as_slice() {
            [one] => *one,
            [] => &columns.from[0],
            [first, second, ..] => {
                return Err(error(format!(
                    "two source columns have a value: `{}` and `{}`",
                    cell(row, Some(first.state)),
                    cell(row, Some(second.state))
                )));
            }
        };
        let from_cell = self.side(row, from, columns, "from").map_err(error)?;
        let mut conditions = Vec::new();
        for at in &columns.conditions {
            let text = cell(row, Some(*at));
            let condition = self
                .conditions
                .read(text, &self.vocabularies)
                .map_err(error)?;
            conditions.extend(condition);
        }
        let condition = match conditions.as_slice() {
            [one] => one.clone(),
            several => {
                let each: Vec<String> = several.iter().map(|one| format!("({one})")).collect();
                each.join(" and ")
            }
        };
        let name = if profile.is_empty() {
            "Imported"
        } else {
            profile
        };
        let key = (role.to_owned(), name.to_owned());
        self.profiles.entry(key.clone()).or_default();
        let targets = columns.to.iter().filter(|side| {
            // If there are several targets, a row sets only those with a state.
            columns.to.len() == 1 || !cell(row, Some(side.state)).is_empty()
        });
        let targets: Vec<&TableSide> = targets.collect();
        if targets.is_empty() {
            self.not_imported
                .push(format!("line {}: no target state", row.line));
        }
        for to in targets {
            let to_cell = self.side(row, to, columns, "to").map_err(error)?;
            if from_cell.system.eq_ignore_ascii_case(&to_cell.system) {
                return Err(error(format!(
                    "both sides are the same system `{}`",
                    from_cell.system
                )));
            }
            let text = cell(row, columns.direction);
            if text.is_empty() && columns.direction.is_some() {
                self.no_direction.get_or_insert(row.line);
            }
            let way = direction(text, &from_cell.system, &to_cell.system).ok_or_else(|| {
                error(format!(
                    "unknown direction `{text}`: use `->`, `<-` or `<->`"
                ))
            })?;
            for rule in self.rules(row.line, &from_cell, &to_cell, way)? {
                let rules = self.profiles.entry(key.clone()).or_default();
                rules.insert((condition.clone(), rule));
            }
        }
        Ok(())
    }

    /// The rules of a row.
    fn rules(
        &mut self,
        line: u64,
        from: &SideCell,
        to: &SideCell,
        way: RuleWay,
    ) -> Result<Vec<String>, ImportError> {
        let error = |what: String| ImportError::Line { line, what };
        let names_one =
            |side: &SideCell| matches!(&side.states, CellStates::Named(names) if names.len() == 1);
        if (way.there, way.back) == (false, false) {
            self.not_imported.push(format!(
                "line {line}: the direction says that nothing is synchronized"
            ));
            return Ok(Vec::new());
        }
        if way.there && way.back && names_one(from) && names_one(to) {
            return Ok(vec![rule(from, "<->", to).map_err(error)?]);
        }
        let mut rules = Vec::new();
        for (wanted, source, target) in [(way.there, from, to), (way.back, to, from)] {
            if !wanted {
                continue;
            }
            if source.states == CellStates::Nothing {
                // `None <-> Be Right Back` says only that Be Right Back changes nothing.
                if !(way.there && way.back) {
                    self.not_imported.push(format!(
                        "line {line}: no state of {} leads to {}",
                        source.system, target.system
                    ));
                }
                continue;
            }
            rules.push(rule(source, "->", target).map_err(error)?);
        }
        Ok(rules)
    }

    /// The system and states of one side of a row.
    fn side(
        &mut self,
        row: &SheetRow,
        side: &TableSide,
        columns: &Columns,
        which: &str,
    ) -> Result<SideCell, String> {
        let named = side.named.clone();
        let system = named.unwrap_or_else(|| known(cell(row, side.system)));
        // `From CIC, From Lync, To`: the target is the system that does not change.
        let other = || {
            let others = columns
                .from
                .iter()
                .filter(|from| cell(row, Some(from.state)).is_empty());
            let mut others = others.filter_map(|from| from.named.clone());
            others
                .next()
                .filter(|_| others.next().is_none() && columns.from.len() > 1)
        };
        let system = match system.as_str() {
            "" => other().ok_or_else(|| format!("the {which} system is missing"))?,
            _ => system,
        };
        let system = self.spelled(&system);
        let text = cell(row, Some(side.state));
        if text.is_empty() {
            return Err(format!("the {which} state is missing"));
        }
        let read = special(text);
        if let Some((states, word)) = read {
            let plain = text.to_lowercase();
            let known_state = self.vocabularies.has_state(&system, text);
            if !known_state {
                if plain != word {
                    self.words
                        .entry((text.to_owned(), word))
                        .or_insert(row.line);
                }
                self.systems.entry(system.clone()).or_default();
                self.id(row, side, &system, &[])?;
                return Ok(SideCell { system, states });
            }
        }
        let mut names = Vec::new();
        // A line break in a cell may be within the name of a state.
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = if self.vocabularies.has_state(&system, &one_line) {
            one_line.as_str()
        } else {
            text
        };
        if text.contains('\n') {
            self.notes.push(format!(
                "line {}: each line of `{one_line}` is read as a state",
                row.line
            ));
        }
        for part in text
            .split(['|', '\n'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let several = self.vocabularies.several(&system, part);
            if let Some(several) = &several {
                self.notes.push(format!(
                    "line {}: `{part}` is read as {} states",
                    row.line,
                    several.len()
                ));
            }
            for name in several.unwrap_or_else(|| vec![part.to_owned()]) {
                names.push(self.state(&system, &name));
            }
        }
        self.id(row, side, &system, &names)?;
        let states = CellStates::Named(names);
        Ok(SideCell { system, states })
    }

    /// Keeps the id of a state; a row with an id must name one state.
    fn id(
        &mut self,
        row: &SheetRow,
        side: &TableSide,
        system: &str,
        names: &[String],
    ) -> Result<(), String> {
        let id = cell(row, side.id);
        if id.is_empty() {
            return Ok(());
        }
        let [name] = names else {
            return Err(format!("the id `{id}` needs exactly one state of {system}"));
        };
        let states = &mut self.systems.entry(system.to_owned()).or_default().states;
        let key = name.to_lowercase();
        let taken = states
            .iter()
            .find(|(other, (_, known))| **other != key && known.as_deref() == Some(id));
        if let Some((_, (other, _))) = taken {
            return Err(format!("`{name}` and `{other}` have the same id `{id}`"));
        }
        if let Some((_, known)) = states.get_mut(&key) {
            if known.as_deref().is_some_and(|known| known != id) {
                return Err(format!("`{name}` has two ids"));
            }
            *known = Some(id.to_owned());
        }
        Ok(())
    }

    /// A system in its first spelling.
    fn spelled(&mut self, system: &str) -> String {
        let known = self
            .systems
            .keys()
            .find(|known| known.eq_ignore_ascii_case(system));
        known.cloned().unwrap_or_else(|| system.to_owned())
    }

    /// A state in its first spelling, or that of the vocabulary.
    fn state(&mut self, system: &str, name: &str) -> String {
        let spelled = self.vocabularies.spelled(system, name);
        let states = self.systems.entry(system.to_owned()).or_default();
        let key = spelled.to_lowercase();
        let first = states
            .states
            .entry(key)
            .or_insert_with(|| (spelled.clone(), None));
        if first.0 != spelled {
            let note = format!(
                "`{spelled}` and `{}` of {system} are read as one state",
                first.0
            );
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        first.0.clone()
    }

    fn finish(mut self) -> Result<Imported, ImportError> {
        if self.profiles.values().all(IndexSet::is_empty) {
            return Err(ImportError::NoMappings);
        }
        for ((text, word), line) in &self.words {
            let what = match *word {
                "any" => "every state (`any`)",
                "otherwise" => "every state that no other rule names (`otherwise`)",
                _ => "no change (`unchanged`)",
            };
            self.notes
                .push(format!("`{text}` (line {line}) is read as {what}"));
        }
        if let Some(line) = self.filled {
            self.notes.push(format!(
                "empty profiles and roles have the value above them (first in line {line})"
            ));
        }
        if let Some(line) = self.no_direction {
            self.notes.push(format!(
                "an empty direction means `->` (first in line {line})"
            ));
        }
        let source = self.source();
        ensure_parses(Imported {
            source,
            understood: self.notes,
            not_imported: self.not_imported,
        })
    }

    /// Notes the states that the vocabularies do not have; `check` reports them.
    fn unknown_states(&mut self) {
        for (system, states) in &self.systems {
            let names = states.states.values().map(|(name, _)| name);
            let unknown = names.filter(|name| !self.vocabularies.has_state(system, name));
            let unknown: Vec<String> = unknown.map(|name| quote(name)).collect();
            if !unknown.is_empty() {
                self.notes.push(format!(
                    "the vocabulary has no {} of {system}: correct it, or declare it with `extend system {}`",
                    unknown.join(", "),
                    quote(system)
                ));
            }
        }
    }

    fn source(&mut self) -> String {
        let with_ids = self
            .systems
            .values()
            .any(|states| states.states.values().any(|(_, id)| id.is_some()));
        let systems: BTreeSet<&str> = self.systems.keys().map(String::as_str).collect();
        // States with ids of their own are declared.
        let mut used = self.vocabularies.for_systems(&systems);
        if with_ids {
            used.clear();
        }
        let mut text = String::new();
        for vocabulary in &used {
            text.push_str(&format!("use {vocabulary}\n"));
            self.notes.push(format!(
                "the systems are those of the vocabulary `{vocabulary}`"
            ));
        }
        match used.as_slice() {
            [_, ..] => self.unknown_states(),
            [] => {
                for (system, states) in &self.systems {
                    let state = |(name, id): &(String, Option<String>)| {
                        let id = id
                            .as_ref()
                            .map_or(String::new(), |id| format!(" id {}", quote_text(id)));
                        format!("state {}{id}\n", quote(name))
                    };
                    let states: String = states.states.values().map(state).collect();
                    text.push_str(&format!("system {} {{\n{states}}}\n\n", quote(system)));
                    self.notes.push(format!(
                        "system `{system}` is declared with the states of the table"
                    ));
                }
            }
        }
        for flag in self.conditions.undeclared(&used) {
            text.push_str(&format!("flag {}\n", quote(&flag)));
            self.notes.push(format!(
                "`{flag}` is declared as a flag: rename it, or replace it by what sets it"
            ));
        }
        let mut roles: IndexMap<&str, Vec<String>> = IndexMap::new();
        let mut written: BTreeSet<String> = BTreeSet::new();
        for ((role, profile), rules) in &self.profiles {
            // Roles can share a profile only if it has the same rules for each.
            let shared = self
                .profiles
                .iter()
                .all(|((_, other), of)| other != profile || of == rules);
            let name = if shared {
                profile.clone()
            } else {
                format!("{role}: {profile}")
            };
            if !role.is_empty() {
                roles.entry(role).or_default().push(quote_text(&name));
            }
            if !written.insert(name.clone()) {
                continue;
            }
            text.push_str(&format!("\nprofile {} {{\n", quote_text(&name)));
            for (condition, rule) in rules {
                if !condition.is_empty() {
                    text.push_str(&format!("when {condition}: "));
                }
                text.push_str(&format!("{rule}\n"));
            }
            text.push_str("}\n");
        }
        for (role, profiles) in roles {
            text.push_str(&format!(
                "\nrole {} uses {}\n",
                quote_text(role),
                profiles.join(", ")
            ));
        }
        text
    }
}

fn cell(row: &SheetRow, at: Option<usize>) -> &str {
    at.and_then(|at| row.cells.get(at))
        .map_or("", |cell| cell.trim())
}

fn rule(from: &SideCell, arrow: &str, to: &SideCell) -> Result<String, String> {
    let source = match &from.states {
        CellStates::Nothing => {
            return Err(format!(
                "the state of {} that a rule maps is missing",
                from.system
            ));
        }
        CellStates::Any => "any".to_owned(),
        CellStates::Otherwise => "otherwise".to_owned(),
        CellStates::Named(names) => {
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            names.join(" | ")
        }
    };
    let target = match &to.states {
        CellStates::Nothing => "unchanged".to_owned(),
        CellStates::Named(names) if names.len() == 1 => quote(&names[0]),
        CellStates::Named(names) => {
            return Err(format!(
                "a rule sets {} to one state, not to `{}`",
                to.system,
                names.join(" | ")
            ));
        }
        CellStates::Any | CellStates::Otherwise => {
            return Err(format!(
                "a rule sets {} to one state, not to any",
                to.system
            ));
        }
    };
    Ok(format!(
        "{} {source} {arrow} {} {target}",
        quote(&from.system),
        quote(&to.system)
    ))
}
