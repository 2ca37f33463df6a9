//! A table's cells in readable form, and helpers shared by the formats.

use std::collections::BTreeSet;

use crate::export::format::ExportError;
use crate::text::conditions::conditions;
use presync::{AppendedRow, Row, Rows, quote, quote_text};
use presync_engine::{
    Cells, Column, Direction, FactId, Outcome, Schema, StateId, System, SystemId, Table, Tables,
};

/// What a role decides in one direction, as rows.
pub(crate) struct View<'t> {
    pub schema: &'t Schema,
    pub role: &'t str,
    /// Whether this is the implicit role of a program that declares none.
    pub implicit: bool,
    pub direction: Direction,
    /// The first with a matching row decides.
    pub tables: Vec<Rows>,
    /// Whether there is one table, with a row for every situation. Otherwise the change is unmapped where no row matches.
    pub complete: bool,
}

impl<'t> View<'t> {
    /// The system that changes.
    pub fn from(&self) -> &'t System {
        self.schema.system(self.direction.from())
    }

    /// The system that follows.
    pub fn to(&self) -> &'t System {
        self.schema.system(self.direction.to())
    }

    /// The names of the entered states; `None`: all states.
    pub fn entered(&self, from: &[StateId]) -> Option<Vec<&'t str>> {
        (from.len() < self.from().states.len()).then(|| self.states(from))
    }

    /// The names of states.
    pub fn states(&self, from: &[StateId]) -> Vec<&'t str> {
        from.iter()
            .map(|state| self.schema.state(*state).name.as_str())
            .collect()
    }

    /// The name of the state that is set.
    pub fn target(&self, row: &Row) -> Option<&'t str> {
        row.outcome
            .state()
            .map(|state| self.schema.state(state).name.as_str())
    }
}

/// With more rows than this, the tables of the profiles are written if they have fewer.
const MANY_ROWS: usize = 500;

/// All tables, by role and direction.
///
/// # Errors
/// A table has too many rows to be written as rows.
pub(crate) fn views(tables: &Tables) -> Result<Vec<View<'_>>, ExportError> {
    let schema: &Schema = tables.schema();
    let mut all: Vec<(&str, bool, &Table)> = Vec::new();
    for role in tables.roles() {
        let of = role.tables()?.iter();
        all.extend(of.map(|table| (role.name(), role.is_implicit(), table)));
    }
    let only: Vec<&Table> = all.iter().map(|(_, _, table)| *table).collect();
    // Where a role has too many rows, the tables of its profiles may have few.
    let mut chained: Option<Tables> = None;
    let mut views = Vec::with_capacity(all.len());
    for ((role, implicit, table), rows) in all.into_iter().zip(presync::rows(schema, &only)) {
        let direction = table.direction();
        let whole = rows.map(|rows| (vec![rows], true));
        let (tables, complete) = match whole {
            Some(whole) if count(&whole.0) <= MANY_ROWS => whole,
            whole => {
                let chained = match &mut chained {
                    Some(known) => known,
                    None => chained.insert(Tables::from_document(tables.document()?)?),
                };
                let table = chained.role(role)?.table(direction)?;
                let chain = table.and_then(|table| presync::chain(schema, table));
                let chain = chain.map(|tables| (tables, false));
                let fewest = [whole, chain]
                    .into_iter()
                    .flatten()
                    .min_by_key(|(tables, _)| count(tables));
                fewest.ok_or_else(|| ExportError::TooManyRows {
                    role: role.to_owned(),
                    from: schema.system(direction.from()).name.clone(),
                    to: schema.system(direction.to()).name.clone(),
                })?
            }
        };
        views.push(View {
            schema,
            role,
            implicit,
            direction,
            tables,
            complete,
        });
    }
    Ok(views)
}

/// The number of rows.
fn count(tables: &[Rows]) -> usize {
    tables.iter().map(|table| table.rows.len()).sum()
}

/// `in_queue\nand user_type is im`, or `always`.
pub fn when(schema: &Schema, columns: &[Column], cells: &Cells) -> String {
    let conditions = conditions(schema, columns, cells);
    if conditions.is_empty() {
        "always".to_owned()
    } else {
        conditions.join("\nand ")
    }
}

/// The entered states, one per line: `any`, `any but`, or the list.
pub fn entered(schema: &Schema, direction: Direction, from: &[StateId]) -> String {
    let states = schema.states(direction.from());
    if from.len() == states.len() {
        return "any".to_owned();
    }
    let name = |state: StateId| quote(&schema.state(state).name);
    if from.len() * 2 > states.len() {
        let others: Vec<String> = states
            .filter(|state| !from.contains(state))
            .map(name)
            .collect();
        return format!("any but\n{}", others.join("\n"));
    }
    let names: Vec<String> = from.iter().copied().map(name).collect();
    names.join("\n")
}

/// `Away`, `(unchanged)`, `(unmapped)`.
pub fn outcome(schema: &Schema, row: &Row) -> String {
    match row.outcome {
        Outcome::Unmapped => "(unmapped)".to_owned(),
        Outcome::Unchanged => "(unchanged)".to_owned(),
        Outcome::Previous => "(previous)".to_owned(),
        Outcome::Set(state) => quote(&schema.state(state).name),
    }
}

/// The texts of a table with their rows: `append "in queue"`.
pub fn appended(rows: &Rows) -> impl Iterator<Item = (String, &AppendedRow)> {
    rows.appendices.iter().flat_map(|appended| {
        let text = format!("append {}", quote_text(&appended.text));
        appended.rows.iter().map(move |row| (text.clone(), row))
    })
}

/// The profiles and rules that decide, without repetitions: `("Voice", "agents.presync:14")`.
pub(crate) fn origins(row: &Row) -> Vec<(String, String)> {
    let origins = row.origins.iter().map(|part| &part.origin);
    let origins = origins.map(|origin| (origin.profile.clone(), origin.rule.clone()));
    let mut origins: Vec<(String, String)> = origins.collect();
    origins.sort();
    origins.dedup();
    origins
}

/// The same, one per line: `"Voice" (agents.presync:14)`.
pub fn origin(row: &Row) -> String {
    let origins = origins(row).into_iter();
    let lines = origins.map(|(profile, rule)| format!("{} ({rule})", quote_text(&profile)));
    lines.collect::<Vec<_>>().join("\n")
}

/// All inputs: facts, the states of systems, and whether they are by hand where a row asks.
pub(crate) fn columns(schema: &Schema, views: &[View<'_>]) -> Vec<Column> {
    let tables = views.iter().flat_map(|view| &view.tables);
    let by_hand = tables.flat_map(|table| table.columns.iter().copied());
    let by_hand: BTreeSet<Column> = by_hand
        .filter(|column| matches!(column, Column::ByHand(_)))
        .collect();
    let facts = schema.facts().map(|(fact, _)| Column::Fact(fact));
    let states = schema.system_ids().map(Column::State);
    facts.chain(states).chain(by_hand).collect()
}

/// Whether the values of a column are true and false.
pub(crate) fn is_flag(schema: &Schema, column: Column) -> bool {
    match column {
        Column::Fact(fact) => schema.fact(fact).is_flag(),
        Column::ByHand(_) => true,
        Column::State(_) => false,
    }
}

/// The name of an input for people.
pub(crate) fn label(schema: &Schema, column: Column) -> String {
    let name = schema.column_name(column);
    match column {
        Column::ByHand(_) => format!("{name} by hand"),
        Column::Fact(_) | Column::State(_) => name.to_owned(),
    }
}

/// The default value of a choice, by name.
pub(crate) fn default_value(schema: &Schema, column: Column) -> Option<&str> {
    let of = |fact: FactId| schema.initial(fact).map(|value| schema.value_name(value));
    match column {
        Column::Fact(fact) if !schema.fact(fact).is_flag() => of(fact),
        _ => None,
    }
}

/// Member names that every target system accepts without quotes: `fact_in_queue`, `state_lync`;
/// numbered if the name contains anything but letters, digits and `_`, is longer than 40 bytes, or
/// collides with another when case is ignored.
pub(crate) struct Identifiers {
    facts: Vec<String>,
    systems: Vec<String>,
    by_hand: Vec<String>,
    own: Vec<String>,
}

impl Identifiers {
    pub fn new(schema: &Schema) -> Self {
        let mut taken = BTreeSet::new();
        let mut identifier = |prefix: &str, suffix: &str, at: usize, name: &str| {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.len() <= 40;
            let wanted = format!("{prefix}{}{suffix}", name.to_ascii_lowercase());
            if plain && taken.insert(wanted.clone()) {
                return wanted;
            }
            // A number after `__` collides only with a name that starts with `_`; the loop resolves
            // that.
            let mut number = format!("{prefix}_{}{suffix}", at + 1);
            while !taken.insert(number.clone()) {
                number.push('_');
            }
            number
        };
        let facts = schema
            .facts()
            .map(|(id, fact)| identifier("fact_", "", id.index(), &fact.name));
        let facts = facts.collect();
        let mut of_systems = |prefix: &str, suffix: &str| {
            let systems = schema.systems();
            let names =
                systems.map(|(id, system)| identifier(prefix, suffix, id.index(), &system.name));
            names.collect::<Vec<String>>()
        };
        Self {
            facts,
            systems: of_systems("state_", ""),
            by_hand: of_systems("by_hand_", ""),
            own: of_systems("", "_own"),
        }
    }

    pub fn column(&self, column: Column) -> &str {
        match column {
            Column::Fact(fact) => &self.facts[fact.index()],
            Column::State(system) => &self.systems[system.index()],
            Column::ByHand(system) => &self.by_hand[system.index()],
        }
    }

    /// `lync_own`: a system's own state.
    pub fn own(&self, system: SystemId) -> &str {
        &self.own[system.index()]
    }
}
