//! HTML: one self-contained page with all tables, the mapping graph, the findings, and a panel that decides.
//! It loads nothing: style, script and tables are embedded.

use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::export::format::{ExportError, ExportFormat, PageFinding, Write};
use crate::graph::{drawing, graphs};
use crate::text::cells;
use presync::{Rows, visible};
use presync_engine::{
    Cells, Column, FactKind, Origin, RoleTables, Schema, StateId, Table, Tables, TooComplex,
    document_parts,
};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "html",
    description: "a page to read, search and try changes on",
    write: Write::Report(write),
};

fn write(tables: &Tables, findings: &[PageFinding]) -> Result<String, ExportError> {
    let schema = tables.schema();
    let (digest, data, pictures) = (tables.digest()?, data(tables)?, pictures(tables)?);
    let roles: Vec<Markup> = (0..)
        .zip(tables.roles())
        .map(|(at, of)| role(at, of))
        .collect::<Result<_, _>>()?;
    let (profiles, what_if) = (profiles(tables)?, what_if(tables)?);
    let systems: Vec<String> = schema
        .systems()
        .map(|(_, system)| visible(&system.name))
        .collect();
    let title = format!("Status synchronization: {}", systems.join(", "));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Never fetch anything, whatever a name contains.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(include_str!("html/report.css"))) }
            }
            body {
                a class="skip" href="#main" { "Skip to the tables" }
                header { h1 { (title) } p class="soft" { (digest) } (contents(schema, findings)) }
                main id="main" {
                    (what_if)
                    (profiles)
                    (pictures)
                    @for role in &roles { (role) }
                    (finding_list(findings))
                }
                footer { p class="soft" { "Made by Presync. Exactly one row of a table matches each situation." } }
                script id="tables" type="application/json" { (PreEscaped(data)) }
                script { (PreEscaped(include_str!("../../../../examples/decide/decide.js"))) (PreEscaped(include_str!("html/report.js"))) }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

/// The tables for the script; nothing in them can end the element.
fn data(tables: &Tables) -> Result<String, TooComplex> {
    Ok(tables.to_json()?.replace('<', "\\u003c"))
}

fn contents(schema: &Schema, findings: &[PageFinding]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#what-if" { "What if" } }
                li { a href="#profiles" { "Profiles" } }
                li { a href="#graph" { "Mapping graph" } }
                @for (at, (_, role)) in schema.roles().enumerate() {
                    li { a href={ "#role-" (at) } { (visible(&role.name)) } }
                }
                li { a href="#findings" { "Findings (" (findings.len()) ")" } }
            }
        }
        p class="search" {
            label for="search" { "Search tables and findings" }
            input id="search" type="search" autocomplete="off";
            span id="found" class="soft" role="status" {}
        }
    }
}

fn what_if(tables: &Tables) -> Result<Markup, TooComplex> {
    let schema = tables.schema();
    // The systems of which some table asks whether their state is by hand.
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for role in tables.roles() {
        for column in role.tables()?.iter().flat_map(Table::columns) {
            if let Column::ByHand(system) = column {
                asked.insert(&schema.system(*system).name);
            }
        }
    }
    let facts = || schema.facts().map(|(_, fact)| fact);
    let flags = facts().filter(|fact| fact.is_flag());
    let choices = facts().filter_map(|fact| match &fact.kind {
        FactKind::Choice { values, default } => Some((&fact.name, values, *default)),
        FactKind::Flag => None,
    });
    // Preselect the `online` flags: users rarely ask about someone who is not logged in.
    let online = |name: &str| {
        let fact = schema.find_fact(name);
        schema
            .systems()
            .any(|(_, system)| system.online.is_some() && system.online == fact)
    };
    Ok(html! {
        h2 { "What if" }
        form id="what-if" aria-label="What if" {
            div class="fields" {
                label { "Role" select name="role" {
                    @for (_, role) in schema.roles() { option value=(role.name) { (visible(&role.name)) } }
                } }
                label { "System that changes" select name="from" {
                    @for (_, system) in schema.systems() { option value=(system.name) { (visible(&system.name)) } }
                } }
                label { "to the state" select name="entered" {} }
                @for (name, values, default) in choices {
                    label { (visible(name)) select data-choice=(name) {
                        @if default.is_none() { option value="" { "(not set)" } }
                        @for (at, value) in values.iter().enumerate() {
                            option value=(value) selected[default == Some(at as u32)] { (visible(value)) }
                        }
                    } }
                }
                @for (_, system) in schema.systems() {
                    label { (visible(&system.name)) " shows" select data-state=(system.name) {
                        option value="" { "(not known)" }
                        @for state in &system.states { option value=(state.name) { (visible(&state.name)) } }
                    } }
                }
            }
            @if !asked.is_empty() { fieldset class="flags" {
                @for system in &asked {
                    label { input type="checkbox" data-by-hand=(system); " " (visible(system)) " by hand" }
                }
            } }
            fieldset class="flags" {
                @for flag in flags {
                    label { input type="checkbox" data-flag=(flag.name) checked[online(&flag.name)]; " " (visible(&flag.name)) }
                }
            }
            output id="answer" aria-live="polite" {}
        }
    })
}

/// Each profile with the rules that decide, by role.
fn profiles(tables: &Tables) -> Result<Markup, TooComplex> {
    // For each profile and role, the files and lines of its rules.
    let mut profiles: BTreeMap<(&str, &str), BTreeMap<&str, BTreeSet<u32>>> = BTreeMap::new();
    for role in tables.roles() {
        for decision in role.tables()?.iter().flat_map(Table::decisions) {
            if let Some(Origin { profile, rule }) = &decision.origin {
                let files = profiles.entry((profile, role.name())).or_default();
                let (file, line) = rule.rsplit_once(':').unwrap_or((rule, ""));
                files.entry(file).or_default().extend(line.parse::<u32>());
            }
        }
    }
    let places = |files: &BTreeMap<&str, BTreeSet<u32>>| {
        let place = |(file, lines): (&&str, &BTreeSet<u32>)| {
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            visible(&format!("{file}: {}", lines.join(", ")))
        };
        files.iter().map(place).collect::<Vec<_>>().join("\n")
    };
    Ok(html! {
        h2 id="profiles" { "Profiles" }
        div class="wide" { table {
            caption { "Where each profile decides" }
            thead { tr { th scope="col" { "profile" } th scope="col" { "role" } th scope="col" { "lines of the rules that decide" } } }
            tbody {
                @for ((profile, role), files) in &profiles {
                    tr data-searched="" { td { (visible(profile)) } td { (visible(role)) } td { (places(files)) } }
                }
            }
        } }
    })
}

fn pictures(tables: &Tables) -> Result<Markup, TooComplex> {
    let graphs = graphs(tables)?;
    Ok(html! {
        h2 id="graph" { "Mapping graph" }
        @if graphs.is_empty() { p { "No change sets a state." } }
        div class="graphs" { @for graph in &graphs { (drawing(tables.schema(), graph)) } }
    })
}

fn role(at: usize, role: RoleTables<'_>) -> Result<Markup, TooComplex> {
    let tables = role.tables()?;
    let schema = role.schema();
    let name = |system| visible(&schema.system(system).name);
    let all: Vec<&Table> = tables.iter().collect();
    let made = presync::rows(schema, &all);
    Ok(html! {
        h2 id={ "role-" (at) } { (visible(role.name())) }
        @for (number, table) in tables.iter().enumerate() {
            @let (from, to) = (name(table.direction().from()), name(table.direction().to()));
            h3 { (from) " → " (to) }
            (rows(schema, role.name(), (table, made[number].as_ref())))
        }
    })
}

fn rows(schema: &Schema, role: &str, table: (&Table, Option<&Rows>)) -> Markup {
    let (table, Some(rows)) = table else {
        return html! { p { "This table has too many rows to show. The panel above still decides it." } };
    };
    let name = |system| &schema.system(system).name;
    let (from_name, to_name) = (name(table.direction().from()), name(table.direction().to()));
    let (from, to) = (visible(from_name), visible(to_name));
    let condition = |when: &Cells, from: &[StateId]| {
        let cells = rows.columns.iter().copied();
        let cells = cells.zip(when.iter().map(Option::as_deref));
        let some = from.len() < schema.states(table.direction().from()).len();
        let from = some.then(|| document_parts::state_names(schema, from.iter().copied()));
        let (when, by_hand) = document_parts::when(schema, cells);
        serde_json::json!({ "when": when, "by_hand": by_hand, "from": from }).to_string()
    };
    html! {
        div class="wide" { table data-role=(role) data-from=(from_name) data-to=(to_name) {
            caption { "What " (from) " entering a state means for " (to) }
            thead { tr { th scope="col" { "when" } th scope="col" { (from) } th scope="col" { (to) } th scope="col" { "decided by" } } }
            tbody {
                @for row in &rows.rows {
                    tr class=(row.outcome.kind()) data-searched="" data-condition=(condition(&row.when, &row.from)) {
                        td { (visible(&cells::when(schema, &rows.columns, &row.when))) }
                        td { (visible(&cells::entered(schema, table.direction(), &row.from))) }
                        td class="outcome" { (visible(&cells::outcome(schema, row))) }
                        td { (visible(&cells::origin(row))) }
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

fn finding_list(findings: &[PageFinding]) -> Markup {
    html! {
        h2 id="findings" { "Findings" }
        @if findings.is_empty() { p { "None." } }
        @for finding in findings {
            div class={ "finding " (finding.severity) } data-searched="" {
                p { strong { (finding.severity) " " (finding.code) } " " (visible(&finding.message)) }
                @if let Some(place) = &finding.place { p class="soft" { (visible(place)) } }
                @if let Some(help) = &finding.help { p { (visible(help)) } }
            }
        }
    }
}
