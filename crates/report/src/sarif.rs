//! SARIF 2.1.0: results with rule metadata, related locations, fixes, and fingerprints that survive moved lines.

use std::collections::BTreeMap;

use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, ArtifactLocation, Fix, Location, Message,
    MultiformatMessageString, PhysicalLocation, Region, Replacement, ReportingConfiguration,
    ReportingConfigurationLevel, ReportingDescriptor, Result as SarifResult, ResultLevel, Run,
    Sarif, Tool, ToolComponent,
};

use crate::{Finding, Report, ReportError, ReportFormat};
use presync::Level;
use presync::{Code, Severity};

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "sarif",
    description: "SARIF 2.1.0, for code scanning",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let rules: Vec<ReportingDescriptor> = presync::codes().map(rule).collect();
    let driver = ToolComponent::builder()
        .name("presync")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules)
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind(serde_json::json!("unicodeCodePoints"))
        .results(
            report
                .findings
                .iter()
                .map(|found| result(report, found))
                .collect::<Vec<_>>(),
        )
        .build();
    let log = Sarif::builder()
        .schema("https://json.schemastore.org/sarif-2.1.0.json")
        .version(serde_json::json!("2.1.0"))
        .runs(vec![run])
        .build();
    Ok(format!("{}\n", serde_json::to_string_pretty(&log)?))
}

fn rule(code: &Code) -> ReportingDescriptor {
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    let level = match code.default {
        None | Some(Level::Error) => ReportingConfigurationLevel::Error,
        Some(Level::Warn) => ReportingConfigurationLevel::Warning,
        Some(Level::Off) => ReportingConfigurationLevel::None,
    };
    // `helpUri` would have to be an address on the web.
    let help = format!(
        "{}\n\n{}\n\n{}",
        code.explanation,
        code.configuration(),
        code.page()
    );
    ReportingDescriptor::builder()
        .id(code.name)
        .short_description(text(code.summary))
        .full_description(text(code.explanation))
        .help(text(&help))
        .default_configuration(
            ReportingConfiguration::builder()
                .level(serde_json::json!(level))
                .build(),
        )
        .build()
}

fn result(report: &Report<'_>, found: &Finding<'_>) -> SarifResult {
    let diagnostic = found.diagnostic;
    let level = match diagnostic.severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    };
    let places = || {
        let own = |label: &&presync::Label| !found.sources.file(label.location.file).bundled;
        let labels = diagnostic.labels.iter().filter(own);
        labels.map(|label| place(report, found, label))
    };
    let message: Vec<String> = std::iter::once(diagnostic.message.clone())
        .chain(found.more())
        .collect();
    let known = presync::codes().position(|code| code == diagnostic.code);
    let mut result = SarifResult::builder()
        .rule_id(diagnostic.code.name)
        .level(level)
        .message(Message::builder().text(message.join("\n")).build())
        .locations(places().take(1).collect::<Vec<_>>())
        .related_locations(places().skip(1).collect::<Vec<_>>())
        .partial_fingerprints(BTreeMap::from([(
            "presync/v3".to_owned(),
            found.fingerprint.to_owned(),
        )]))
        .fixes(
            diagnostic
                .fixes
                .iter()
                .map(|one| fix(report, found, one))
                .collect::<Vec<_>>(),
        )
        .build();
    result.rule_index = known.map(|at| at as i64);
    result
}

fn place(report: &Report<'_>, found: &Finding<'_>, label: &presync::Label) -> Location {
    let physical = PhysicalLocation::builder()
        .artifact_location(artifact(report, found, label.location))
        .region(region(found, label.location))
        .build();
    Location::builder()
        .physical_location(physical)
        .message(Message::builder().text(label.message.clone()).build())
        .build()
}

fn artifact(
    report: &Report<'_>,
    found: &Finding<'_>,
    location: presync::Location,
) -> ArtifactLocation {
    ArtifactLocation::builder()
        .uri(uri(&report.project_path(found, location)))
        .build()
}

/// A path as a relative URI reference, with all other characters escaped.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn region(found: &Finding<'_>, location: presync::Location) -> Region {
    let (start, end) = (found.place(location), found.end(location));
    Region::builder()
        .start_line(i64::from(start.line))
        .start_column(i64::from(start.column))
        .end_line(i64::from(end.line))
        .end_column(i64::from(end.column))
        .build()
}

fn fix(report: &Report<'_>, found: &Finding<'_>, fix: &presync::Fix) -> Fix {
    let changes = fix.edits.iter().map(|(location, text)| {
        let replacement = Replacement::builder()
            .deleted_region(region(found, *location))
            .inserted_content(ArtifactContent::builder().text(text.clone()).build())
            .build();
        ArtifactChange::builder()
            .artifact_location(artifact(report, found, *location))
            .replacements(vec![replacement])
            .build()
    });
    Fix::builder()
        .description(Message::builder().text(fix.message.clone()).build())
        .artifact_changes(changes.collect::<Vec<_>>())
        .build()
}
