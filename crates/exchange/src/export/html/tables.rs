//! The tables of the page: as grids, and every row.

use maud::{Markup, html};

use crate::text::cells;
use crate::text::crosstab::{GridContent, GridText, TableGrid, groups, title};
use presync::{CrosstabConditions, Program, Rows, visible};
use presync_engine::{
    Cells, Column, Outcome, RoleTables, Schema, StateId, Table, Tables, TooComplex, document_parts,
};

/// Each table as a grid, the same ones of several roles once.
pub(super) fn grids(schema: &Schema, program: Option<&Program>, grids: &[TableGrid<'_>]) -> Markup {
    let groups = program.map(groups).unwrap_or_default();
    let nothing = grids
        .iter()
        .filter(|grid| matches!(grid.content, GridContent::Nothing));
    let nothing: Vec<String> = nothing.map(TableGrid::title).collect();
    html! {
        @for grid in grids {
            @match &grid.content {
                GridContent::Nothing => {}
                GridContent::Rows(_) => {
                    h3 { (visible(&grid.title())) }
                    p { "Too many exceptions for an overview: see every row below." }
                }
                GridContent::Grid(of) => {
                    div data-group="" {
                        h3 { (visible(&grid.title())) }
                        (of_grid(schema, grid, of))
                    }
                }
            }
        }
        @if !nothing.is_empty() {
            h3 { "Nothing ever changes" }
            ul { @for title in &nothing { li data-searched="" { (visible(title)) } } }
        }
        @if !groups.is_empty() {
            h3 { "Groups" }
            ul { @for group in &groups { li data-searched="" { (visible(group)) } } }
        }
    }
}

fn of_grid(schema: &Schema, grid: &TableGrid<'_>, of: &GridText) -> Markup {
    let (scope, columns) = &of.conditions;
    let conditions = |when: &CrosstabConditions| {
        let cells = when.iter();
        in_data(
            schema,
            cells.map(|(column, values)| (*column, Some(&**values))),
            None,
        )
    };
    let columns: Vec<Vec<serde_json::Value>> = columns
        .iter()
        .map(|column| column.iter().map(conditions).collect())
        .collect();
    let data = serde_json::json!({
        "roles": grid.roles,
        "from": grid.from,
        "to": grid.to,
        "scope": conditions(scope),
        "columns": columns,
    });
    let states = |states: &[StateId]| {
        let names = document_parts::state_names(schema, states.iter().copied());
        serde_json::json!(names).to_string()
    };
    html! {
        @if let Some(scope) = &of.scope { p class="soft" { (visible(scope)) } }
        div class="wide" { table class="grid" data-grid=(data.to_string()) {
            thead { tr {
                th scope="col" { (visible(grid.from)) }
                @for head in of.heads(grid.to) { th scope="col" { (visible(&head)) } }
            } }
            tbody {
                @for row in &of.rows {
                    tr data-searched="" data-states=(states(&row.entered)) {
                        th scope="row" { (visible(&row.states.join(", "))) }
                        @for cell in &row.cells {
                            td class=(cell.outcome.kind()) data-state=[set(schema, cell.outcome)] { (visible(&cell.text)) }
                        }
                    }
                }
            }
        } }
        @if !of.sentences.is_empty() {
            ul { @for sentence in &of.sentences { li data-searched="" { (visible(sentence)) } } }
        }
    }
}

/// The name of the state that is set.
fn set(schema: &Schema, outcome: Outcome) -> Option<&str> {
    let state = outcome.state()?;
    Some(&schema.state(state).name)
}

/// Conditions, and the states entered if not all, for the script.
fn in_data<'c>(
    schema: &Schema,
    cells: impl Iterator<Item = (Column, Option<&'c [u32]>)>,
    from: Option<&[StateId]>,
) -> serde_json::Value {
    let from = from.map(|from| document_parts::state_names(schema, from.iter().copied()));
    let (when, by_hand) = document_parts::when(schema, cells);
    serde_json::json!({ "when": when, "by_hand": by_hand, "from": from })
}

/// Every row of each role, with the rules that decide.
pub(super) fn every_row(tables: &Tables, rules: &serde_json::Value) -> Result<Markup, TooComplex> {
    let roles: Vec<Markup> = tables
        .roles()
        .map(|of| role(of, rules))
        .collect::<Result<_, _>>()?;
    Ok(html! { @for role in &roles { (role) } })
}

fn role(role: RoleTables<'_>, rules: &serde_json::Value) -> Result<Markup, TooComplex> {
    let tables = role.tables()?;
    let schema = role.schema();
    let name = |system| schema.system(system).name.as_str();
    let all: Vec<&Table> = tables.iter().collect();
    let made = presync::rows(schema, &all);
    let roles: &[&str] = if role.is_implicit() {
        &[]
    } else {
        &[role.name()]
    };
    Ok(html! {
        @for (number, table) in tables.iter().enumerate() {
            @let (from, to) = (name(table.direction().from()), name(table.direction().to()));
            details data-group="" {
                summary { (visible(&title(roles, &format!("{from} → {to}")))) }
                (rows(schema, role.name(), (table, made[number].as_ref()), rules))
            }
        }
    })
}

fn rows(
    schema: &Schema,
    role: &str,
    table: (&Table, Option<&Rows>),
    rules: &serde_json::Value,
) -> Markup {
    let (table, Some(rows)) = table else {
        return html! { p { "This table has too many rows to show. The panel above still decides it." } };
    };
    let name = |system| &schema.system(system).name;
    let (from, to) = (name(table.direction().from()), name(table.direction().to()));
    let condition = |when: &Cells, from: &[StateId]| {
        let cells = rows.columns.iter().copied();
        let cells = cells.zip(when.iter().map(Option::as_deref));
        let some = from.len() < schema.states(table.direction().from()).len();
        in_data(schema, cells, some.then_some(from)).to_string()
    };
    // The rules themselves, and their places on hover.
    let decided_by = |row| {
        let lines = cells::origins(row).into_iter();
        lines.map(|(profile, place)| {
            let rule = rules.get(&place).and_then(serde_json::Value::as_str);
            let rule = rule.map_or_else(|| place.clone(), str::to_owned);
            (profile, rule, place)
        })
    };
    html! {
        div class="wide" { table data-role=(role) data-from=(from) data-to=(to) {
            thead { tr { th scope="col" { "when" } th scope="col" { (visible(from)) } th scope="col" { (visible(to)) } th scope="col" { "decided by" } } }
            tbody {
                @for row in &rows.rows {
                    tr class=(row.outcome.kind()) data-searched="" data-condition=(condition(&row.when, &row.from)) {
                        td { (visible(&cells::when(schema, &rows.columns, &row.when))) }
                        td { (visible(&cells::entered(schema, table.direction(), &row.from))) }
                        td class="outcome" { (visible(&cells::outcome(schema, row))) }
                        td {
                            @for (profile, rule, place) in decided_by(row) {
                                div title=(visible(&place)) { (visible(&profile)) ": " code { (visible(&rule)) } }
                            }
                        }
                    }
                }
                @for (text, row) in cells::appended(rows) {
                    tr class="append" data-searched="" data-condition=(condition(&row.when, &row.from)) {
                        td { (visible(&cells::when(schema, &rows.columns, &row.when))) }
                        td { (visible(&cells::entered(schema, table.direction(), &row.from))) }
                        td class="outcome" { (visible(&text)) }
                        td {}
                    }
                }
            }
        } }
    }
}
