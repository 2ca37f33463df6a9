//! A table's cells in readable form, and helpers shared by the formats.

use crate::export::format::ExportError;
use crate::text::conditions::conditions;
use presync::{quote, quote_text};
use presync_engine::{
    Cells, Column, Direction, FactId, Outcome, Row, Schema, StateId, System, Table, TableBody,
    Tables,
};

/// One table of rows.
pub(crate) struct View<'t> {
    pub schema: &'t Schema,
    pub role: &'t str,
    /// Whether this is the implicit role of a program that declares none.
    pub implicit: bool,
    pub table: &'t Table,
    pub rows: &'t [Row],
}

impl<'t> View<'t> {
    /// The system that changes.
    pub fn from(&self) -> &'t System {
        self.schema.system(self.table.direction().from())
    }

    /// The system that follows.
    pub fn to(&self) -> &'t System {
        self.schema.system(self.table.direction().to())
    }

    /// The names of the entered states; `None`: all states.
    pub fn entered(&self, row: &Row) -> Option<Vec<&'t str>> {
        (row.from.len() < self.from().states.len()).then(|| self.states(row))
    }

    /// The names of the entered states.
    pub fn states(&self, row: &Row) -> Vec<&'t str> {
        row.from
            .iter()
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

/// All tables, by role and direction.
///
/// # Errors
/// A table has too many rows to be written as rows.
pub(crate) fn views(tables: &Tables) -> Result<Vec<View<'_>>, ExportError> {
    let schema: &Schema = tables.schema();
    let mut views = Vec::new();
    for role in tables.roles() {
        for table in role.tables()? {
            let TableBody::Rows(rows) = table.body() else {
                let direction = table.direction();
                return Err(ExportError::TooManyRows {
                    role: role.name().to_owned(),
                    from: schema.system(direction.from()).name.clone(),
                    to: schema.system(direction.to()).name.clone(),
                });
            };
            views.push(View {
                schema,
                role: role.name(),
                implicit: role.is_implicit(),
                table,
                rows,
            });
        }
    }
    Ok(views)
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
pub fn entered(schema: &Schema, direction: Direction, row: &Row) -> String {
    let states = schema.states(direction.from());
    if row.from.len() == states.len() {
        return "any".to_owned();
    }
    let name = |state: StateId| quote(&schema.state(state).name);
    if row.from.len() * 2 > states.len() {
        let others: Vec<String> = states
            .filter(|state| !row.from.contains(state))
            .map(name)
            .collect();
        return format!("any but\n{}", others.join("\n"));
    }
    let names: Vec<String> = row.from.iter().copied().map(name).collect();
    names.join("\n")
}

/// `Away\nappend "in queue"`, `(unchanged)`, `(unmapped)`.
pub fn outcome(schema: &Schema, row: &Row) -> String {
    match &row.outcome {
        Outcome::Unmapped => "(unmapped)".to_owned(),
        Outcome::Unchanged => "(unchanged)".to_owned(),
        Outcome::Set { state, append } => {
            let texts: Vec<String> = append.iter().map(|text| quote_text(text)).collect();
            let state = quote(&schema.state(*state).name);
            if texts.is_empty() {
                state
            } else {
                format!("{state}\nappend {}", texts.join(", "))
            }
        }
    }
}

/// The rules that decide, one per line: `"Voice" (agents.presync:14)`.
pub fn origin(row: &Row) -> String {
    let origins = row.origins.iter().map(|part| &part.origin);
    let lines = origins.map(|origin| format!("{} ({})", quote_text(&origin.profile), origin.rule));
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}

/// All inputs: facts, then the states of systems.
pub(crate) fn columns(schema: &Schema) -> impl Iterator<Item = Column> {
    let facts = schema.facts().map(|(fact, _)| Column::Fact(fact));
    facts.chain(schema.system_ids().map(Column::State))
}

/// Whether a column is a flag.
pub(crate) fn is_flag(schema: &Schema, column: Column) -> bool {
    matches!(column, Column::Fact(fact) if schema.fact(fact).is_flag())
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
}

impl Identifiers {
    pub fn new(schema: &Schema) -> Self {
        let mut taken = std::collections::BTreeSet::new();
        let mut identifier = |prefix: &str, at: usize, name: &str| {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.len() <= 40;
            let wanted = format!("{prefix}_{}", name.to_ascii_lowercase());
            if plain && taken.insert(wanted.clone()) {
                return wanted;
            }
            // A number after `__` collides only with a name that starts with `_`; the loop resolves
            // that.
            let mut number = format!("{prefix}__{}", at + 1);
            while !taken.insert(number.clone()) {
                number.push('_');
            }
            number
        };
        let facts = schema
            .facts()
            .map(|(id, fact)| identifier("fact", id.index(), &fact.name));
        let facts = facts.collect();
        let systems = schema
            .systems()
            .map(|(id, system)| identifier("state", id.index(), &system.name))
            .collect();
        Self { facts, systems }
    }

    pub fn column(&self, column: Column) -> &str {
        match column {
            Column::Fact(fact) => &self.facts[fact.index()],
            Column::State(system) => &self.systems[system.index()],
        }
    }
}
