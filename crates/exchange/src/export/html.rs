//! HTML: one self-contained page with all tables, the mapping graph, scenarios, findings, and a panel that decides.
//! It loads nothing: style, script and tables are embedded.

mod source;
mod tables;
mod what_if;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::export::format::{ExportError, ExportFormat, PageFinding, TableReport, Write};
use crate::graph::{drawing, graphs, legend};
use crate::text::crosstab::{MOST_COLUMNS, grids};
use presync::visible;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "html",
    description: "a page to read, search and try changes on",
    write: Write::Report(write),
};

fn write(report: &TableReport<'_>) -> Result<Vec<u8>, ExportError> {
    let (tables, program) = (report.tables, report.program);
    let grids = grids(tables, program, MOST_COLUMNS, &|_, _| true)?;
    let digest = tables.digest()?;
    let data = in_script(&tables.to_json()?);
    let rules = source::rules(program);
    let graphs = graphs(tables, program, &|_, _| true)?;
    let scenarios =
        program.map_or_else(Vec::new, |program| presync::scenario_runs(program, tables));
    let panel = what_if::panel(tables)?;
    let every_row = tables::every_row(tables, &rules)?;
    let title = visible(&report.title());
    let sections: [(&str, &str, Markup); 7] = [
        ("what-if", "What if", panel),
        (
            "tables",
            "Tables",
            tables::grids(tables.schema(), program, &grids),
        ),
        (
            "graph",
            "Mapping graph",
            html! {
                @if graphs.is_empty() { p { "No change sets a state." } } @else { (legend()) }
                div class="graphs" { @for graph in &graphs { (drawing(tables.schema(), graph)) } }
            },
        ),
        (
            "scenarios",
            "Scenarios",
            source::scenarios(tables.schema(), &scenarios),
        ),
        ("profiles", "Profiles", source::profiles(program)),
        (
            "systems",
            "Systems",
            source::systems(tables.schema(), program),
        ),
        ("rows", "Every row", every_row),
    ];
    let shown = |(_, _, section): &&(&str, &str, Markup)| !section.0.is_empty();
    let sections: Vec<&(&str, &str, Markup)> = sections.iter().filter(shown).collect();
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
                header {
                    h1 { (title) }
                    p class="soft" { "Status synchronization: " (systems(report)) }
                    nav aria-label="Contents" {
                        ul {
                            @for (id, name, _) in &sections { li { a href={ "#" (id) } { (name) } } }
                            li { a href="#findings" { "Findings (" (report.findings.len()) ")" } }
                        }
                    }
                    p class="search" {
                        label for="search" { "Search tables and findings" }
                        input id="search" type="search" autocomplete="off";
                        span id="found" class="soft" role="status" {}
                    }
                }
                main id="main" {
                    @for (id, name, section) in &sections {
                        section id=(id) data-group="" { h2 { (name) } (section) }
                    }
                    section id="findings" data-group="" { h2 { "Findings" } (finding_list(&report.findings)) }
                }
                footer { p class="soft" { "Made by Presync. Digest of the meaning: " (digest) } }
                script id="data" type="application/json" { (PreEscaped(data)) }
                script id="rules" type="application/json" { (PreEscaped(in_script(&rules.to_string()))) }
                script { (PreEscaped(include_str!("../../../../examples/decide/decide.js"))) (PreEscaped(include_str!("html/report.js"))) }
            }
        }
    };
    Ok((page.into_string() + "\n").into_bytes())
}

/// JSON in which nothing can end a script.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// `Genesys Customer Interaction Center (cic), Microsoft Teams (teams)`
fn systems(report: &TableReport<'_>) -> String {
    let systems = report.tables.schema().systems();
    let names = systems.map(|(_, system)| match &system.title {
        Some(title) => visible(&format!("{title} ({})", system.name)),
        None => visible(&system.name),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn finding_list(findings: &[PageFinding]) -> Markup {
    html! {
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
