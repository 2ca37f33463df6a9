//! The rows of CSV and spreadsheets: a sheet for each role and direction, and the declarations, so that `import` loses nothing.

use crate::export::format::ExportError;
use crate::text::cells::{self, views};
use crate::text::declarations::declarations;
use presync_engine::{Cells, StateId, Tables};

/// The columns of a row.
pub(crate) const COLUMNS: [&str; 7] = [
    "role",
    "from",
    "to",
    "when",
    "states",
    "outcome",
    "decided by",
];

/// Where a role has several tables, of which the first with a matching row decides.
pub(crate) const NUMBER: &str = "table";

/// In the first column: the row declares a system or fact, as source in the column `when`.
pub(crate) const DECLARED: &str = "(declared)";

/// In the second column of such a row: it names the default role.
pub(crate) const DEFAULT_ROLE: &str = "default role";

/// In the second row of the sheet with the grids, which `import` does not read.
pub(crate) const OVERVIEW: &str =
    "An overview. `presync import` reads the other sheets, which have every row.";

/// The rows of a role and direction.
pub(crate) struct RowSheet {
    /// `Agents: cic → lync`
    pub name: String,
    pub rows: Vec<Vec<String>>,
}

/// The headings, the rows, and the declarations.
pub(crate) struct RowSheets {
    pub headings: Vec<&'static str>,
    pub sheets: Vec<RowSheet>,
    pub declared: Vec<Vec<String>>,
}

/// # Errors
/// A table has too many rows to be written as rows.
pub(crate) fn sheets(tables: &Tables) -> Result<RowSheets, ExportError> {
    let views = views(tables)?;
    let numbered = views.iter().any(|view| view.tables.len() > 1);
    let mut sheets = Vec::with_capacity(views.len());
    for view in &views {
        let (from, to) = (&view.from().name, &view.to().name);
        let mut rows = Vec::new();
        for (number, table) in (1..).zip(&view.tables) {
            let mut add = |when: &Cells, states: &[StateId], outcome: String, origin: String| {
                let when = cells::when(view.schema, &table.columns, when).replace('\n', " ");
                let states = cells::entered(view.schema, view.direction, states)
                    .replace("any but\n", "any but ")
                    .replace('\n', " | ");
                let role = view.role.to_owned();
                let mut cells = vec![
                    role,
                    from.clone(),
                    to.clone(),
                    when,
                    states,
                    outcome,
                    origin,
                ];
                cells.extend(numbered.then(|| number.to_string()));
                rows.push(cells);
            };
            for row in &table.rows {
                let outcome = view.target(row);
                let outcome = outcome.map_or_else(|| row.outcome.kind().to_owned(), presync::quote);
                let origin = cells::origin(row).replace('\n', ", ");
                add(&row.when, &row.from, outcome, origin);
            }
            for (text, row) in cells::appended(table) {
                add(&row.when, &row.from, text, String::new());
            }
        }
        let name = format!("{}: {from} → {to}", view.role);
        sheets.push(RowSheet { name, rows });
    }
    let mut headings = COLUMNS.to_vec();
    headings.extend(numbered.then_some(NUMBER));
    let declared = |name: &str, source: String| {
        let mut cells = vec![String::new(); headings.len()];
        cells[0] = DECLARED.to_owned();
        name.clone_into(&mut cells[1]);
        cells[3] = source;
        cells
    };
    let mut declarations: Vec<Vec<String>> = declarations(tables.schema())
        .into_iter()
        .map(|(name, source)| declared(&name, source.trim_end().replace('\n', " ")))
        .collect();
    let default = tables
        .default_role()
        .ok()
        .filter(|role| !role.is_implicit());
    if let Some(default) = default.filter(|_| tables.roles().count() > 1) {
        declarations.push(declared(DEFAULT_ROLE, default.name().to_owned()));
    }
    Ok(RowSheets {
        headings,
        sheets,
        declared: declarations,
    })
}
