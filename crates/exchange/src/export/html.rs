//! HTML: one self-contained page with all tables, the mapping graph, the findings, and a panel that decides.
//! It loads nothing: style, script and tables are in it.

use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::export::{ExportError, Finding, Format, Write};
use crate::graph::{drawing, graphs};
use crate::text::cells;
use presync::quote::visible;
use presync_engine::table::{Body, Column, FactKind, Outcome, Table, Tables};

pub(super) const FORMAT: Format = Format {
    name: "html",
    description: "one page to read, search and ask what if",
    write: Write::Report(write),
};

fn write(tables: &Tables, findings: &[Finding]) -> Result<String, ExportError> {
    let systems: Vec<String> = tables
        .systems
        .iter()
        .map(|system| visible(&system.name))
        .collect();
    let title = format!("Status synchronization: {}", systems.join(", "));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing is fetched, whatever a name contains.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(include_str!("html/report.css"))) }
            }
            body {
                a class="skip" href="#main" { "Skip to the tables" }
                header { h1 { (title) } p class="soft" { (tables.digest) } (contents(tables, findings)) }
                main id="main" {
                    (what_if(tables))
                    (profiles(tables))
                    (pictures(tables))
                    @for at in 0..tables.roles.len() { (role(tables, at)) }
                    (told(findings))
                }
                footer { p class="soft" { "Made by Presync. Exactly one row of a table matches each situation." } }
                script id="tables" type="application/json" { (PreEscaped(data(tables))) }
                script { (PreEscaped(include_str!("html/report.js"))) }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

/// The tables as the script reads them; nothing in them can end the element.
fn data(tables: &Tables) -> String {
    tables.to_json().replace('<', "\\u003c")
}

fn contents(tables: &Tables, findings: &[Finding]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#what-if" { "What if" } }
                li { a href="#profiles" { "Profiles" } }
                li { a href="#graph" { "Mapping graph" } }
                @for (at, role) in tables.roles.iter().enumerate() {
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

fn what_if(tables: &Tables) -> Markup {
    let flags = tables
        .facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Flag);
    let choices = tables.facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Choice { values, default } => Some((&fact.name, values, *default)),
        FactKind::Flag => None,
    });
    // Who is not logged in is rarely what is asked about.
    let online = |name: &str| {
        tables
            .systems
            .iter()
            .any(|system| system.online.as_deref() == Some(name))
    };
    html! {
        h2 { "What if" }
        form id="what-if" aria-label="What if" {
            div class="fields" {
                label { "Role" select name="role" {
                    @for role in &tables.roles { option value=(role.name) { (visible(&role.name)) } }
                } }
                label { "System that changes" select name="from" {
                    @for system in &tables.systems { option value=(system.name) { (visible(&system.name)) } }
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
                @for system in &tables.systems {
                    label { (visible(&system.name)) " shows" select data-state=(system.name) {
                        option value="" { "(not known)" }
                        @for state in &system.states { option value=(state.name) { (visible(&state.name)) } }
                    } }
                }
            }
            fieldset class="flags" {
                @for flag in flags {
                    label { input type="checkbox" data-flag=(flag.name) checked[online(&flag.name)]; " " (visible(&flag.name)) }
                }
            }
            output id="answer" aria-live="polite" {}
        }
    }
}

/// Each profile with what its rules decide, by role.
fn profiles(tables: &Tables) -> Markup {
    // For each profile and role the files and lines of its rules.
    let mut profiles: BTreeMap<(&str, &str), BTreeMap<&str, BTreeSet<u32>>> = BTreeMap::new();
    for role in &tables.roles {
        for decision in role.tables.iter().flat_map(|table| &table.decisions) {
            if let (Some(profile), Some(rule)) = (&decision.profile, &decision.rule) {
                let files = profiles.entry((profile, &role.name)).or_default();
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
    html! {
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
    }
}

fn pictures(tables: &Tables) -> Markup {
    let graphs = graphs(tables);
    html! {
        h2 id="graph" { "Mapping graph" }
        @if graphs.is_empty() { p { "No change sets anything." } }
        div class="graphs" { @for graph in &graphs { (drawing(tables, graph)) } }
    }
}

fn role(tables: &Tables, at: usize) -> Markup {
    let role = &tables.roles[at];
    html! {
        h2 id={ "role-" (at) } { (visible(&role.name)) }
        @for (number, table) in role.tables.iter().enumerate() {
            @let (from, to) = (visible(&tables.systems[table.from].name), visible(&tables.systems[table.to].name));
            h3 { (from) " → " (to) }
            (rows(tables, table, &format!("row-{at}-{number}"), (&from, &to)))
        }
    }
}

fn rows(tables: &Tables, table: &Table, id: &str, (from, to): (&str, &str)) -> Markup {
    let rows = match &table.body {
        Body::Rows(rows) => rows,
        Body::Diagrams(_) => {
            return html! { p { "This table would have too many rows to be shown. The panel above decides it all the same." } };
        }
    };
    let class = |outcome: &Outcome| match outcome {
        Outcome::Set { .. } => "set",
        Outcome::Unchanged => "unchanged",
        Outcome::Unmapped => "unmapped",
    };
    let columns: &[Column] = &table.columns;
    html! {
        div class="wide" { table {
            caption { "What " (from) " entering a state means for " (to) }
            thead { tr { th scope="col" { "when" } th scope="col" { (from) } th scope="col" { (to) } th scope="col" { "decided by" } } }
            tbody { @for (at, row) in rows.iter().enumerate() {
                tr id={ (id) "-" (at) } class=(class(&row.outcome)) data-searched="" {
                    td { (visible(&cells::when(tables, columns, &row.when))) }
                    td { (visible(&cells::entered(tables, table, row))) }
                    td class="outcome" { (visible(&cells::outcome(tables, table, row))) }
                    td { (visible(&cells::origin(row))) }
                }
            } }
        } }
    }
}

fn told(findings: &[Finding]) -> Markup {
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
