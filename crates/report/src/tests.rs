//! In: proved tests and scenarios. Out: one text, in one of the formats of `presync test`.

use std::collections::HashMap;

use presync::json::JsonDiagnostic;
use presync::{Diagnostic, LineColumn, Location, Sources, Verdict, visible};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use crate::text::grouped;
use crate::{Finding, Places, Report, ReportError, Style, github, human, junit};

/// An output format for test results.
pub struct TestFormat {
    /// The name in `--format`.
    pub name: &'static str,
    pub description: &'static str,
    pub write: fn(&TestReport<'_>) -> Result<String, ReportError>,
}

/// Every format, in display order.
pub static TEST_FORMATS: &[TestFormat] = &[
    TestFormat {
        name: "human",
        description: "A line for each test, and why it fails",
        write: write_human,
    },
    TestFormat {
        name: "json",
        description: "One JSON document",
        write: write_json,
    },
    TestFormat {
        name: "junit",
        description: "A test report with one case for each test",
        write: write_junit,
    },
    TestFormat {
        name: "github",
        description: "Workflow commands that annotate a pull request",
        write: write_github,
    },
];

/// The input of a format.
pub struct TestReport<'a> {
    pub programs: &'a [TestedProgram<'a>],
    pub style: Style,
    pub places: &'a dyn Places,
}

/// The tests and scenarios of one program.
pub struct TestedProgram<'a> {
    pub verdicts: &'a [Verdict],
    pub sources: &'a Sources,
}

impl TestReport<'_> {
    fn each(&self) -> impl Iterator<Item = (&Verdict, &Sources)> {
        self.programs.iter().flat_map(|program| {
            program
                .verdicts
                .iter()
                .map(|verdict| (verdict, program.sources))
        })
    }

    fn path(&self, sources: &Sources, location: Location) -> String {
        self.places.project_path(&sources.shown_path(location.file))
    }
}

/// Below the name of each file, if there are several: a line for each test with the number of situations, or steps.
fn write_human(report: &TestReport<'_>) -> Result<String, ReportError> {
    let mut text = String::new();
    let several = report.programs.len() > 1;
    for program in report.programs {
        if several && let Some(first) = program.verdicts.first() {
            let path = program.sources.shown_path(first.location.file);
            text.push_str(&format!("{}\n", visible(&path)));
        }
        for verdict in program.verdicts {
            let mark = if verdict.failures.is_empty() {
                "✓"
            } else {
                "✗"
            };
            let extent = match (verdict.scenario, verdict.extent) {
                (true, 1) => "1 step".to_owned(),
                (true, steps) => format!("{steps} steps"),
                (false, 1) => "1 situation".to_owned(),
                (false, situations) => format!("{} situations", grouped(situations)),
            };
            text.push_str(&format!("{mark} {} ({extent})\n", visible(&verdict.name)));
        }
        let failures: Vec<&Diagnostic> = failures(program.verdicts).collect();
        if !failures.is_empty() {
            let failures = failures
                .into_iter()
                .map(|failure| (failure, program.sources));
            text.push_str(&human::draw(failures, report.style, report.places));
            text.push('\n');
        }
    }
    Ok(text)
}

fn failures(verdicts: &[Verdict]) -> impl Iterator<Item = &Diagnostic> {
    verdicts.iter().flat_map(|verdict| &verdict.failures)
}

#[derive(Serialize)]
struct JsonTests {
    summary: JsonTestSummary,
    tests: Vec<JsonTest>,
}

#[derive(Serialize)]
struct JsonTestSummary {
    failed: usize,
    passed: usize,
}

#[derive(Serialize)]
struct JsonTest {
    /// Empty if it passed.
    failures: Vec<JsonDiagnostic>,
    file: String,
    kind: &'static str,
    line: u32,
    name: String,
    passed: bool,
    /// The number of situations over which a test was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    situations: Option<u64>,
    /// The number of steps of a scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u64>,
}

fn write_json(report: &TestReport<'_>) -> Result<String, ReportError> {
    let test = |(verdict, sources): (&Verdict, &Sources)| JsonTest {
        failures: verdict
            .failures
            .iter()
            .map(|failure| JsonDiagnostic::new(failure, sources))
            .collect(),
        file: sources.shown_path(verdict.location.file),
        kind: kind(verdict),
        line: place(sources, verdict.location).line,
        name: verdict.name.clone(),
        passed: verdict.failures.is_empty(),
        situations: (!verdict.scenario).then(|| extent(verdict)),
        steps: verdict.scenario.then(|| extent(verdict)),
    };
    let tests: Vec<JsonTest> = report.each().map(test).collect();
    let passed = tests.iter().filter(|test| test.passed).count();
    let summary = JsonTestSummary {
        failed: tests.len() - passed,
        passed,
    };
    Ok(serde_json::to_string(&JsonTests { summary, tests })? + "\n")
}

/// More than fits is the most that fits.
fn extent(verdict: &Verdict) -> u64 {
    u64::try_from(verdict.extent).unwrap_or(u64::MAX)
}

fn kind(verdict: &Verdict) -> &'static str {
    if verdict.scenario { "scenario" } else { "test" }
}

fn place(sources: &Sources, location: Location) -> LineColumn {
    sources.file(location.file).line_column(location.span.start)
}

fn write_junit(report: &TestReport<'_>) -> Result<String, ReportError> {
    let mut document = quick_junit::Report::new("presync");
    let mut suites: Vec<(String, Vec<TestCase>)> = Vec::new();
    let mut seen = HashMap::new();
    for (verdict, sources) in report.each() {
        let path = report.path(sources, verdict.location);
        let mut status = if verdict.failures.is_empty() {
            TestCaseStatus::success()
        } else {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        };
        if let Some(first) = verdict.failures.first() {
            let texts = verdict.failures.iter().map(|failure| {
                let lines = description(failure, sources);
                format!("{}\n{lines}", failure.message)
            });
            status
                .set_message(visible(&first.message))
                .set_type(first.code.name)
                .set_description(visible(&texts.collect::<Vec<_>>().join("\n\n")));
        }
        let name = junit::numbered(&mut seen, &path, &verdict.name);
        let mut case = TestCase::new(visible(&name), status);
        case.set_classname(visible(&path));
        match suites.last_mut().filter(|(of, _)| *of == path) {
            Some((_, cases)) => cases.push(case),
            None => suites.push((path, vec![case])),
        }
    }
    for (path, cases) in suites {
        let mut suite = TestSuite::new(visible(&path));
        suite.add_test_cases(cases);
        document.add_test_suite(suite);
    }
    Ok(document.to_string()?)
}

fn description(failure: &Diagnostic, sources: &Sources) -> String {
    let finding = Finding {
        diagnostic: failure,
        sources,
        fingerprint: "",
    };
    finding.described().join("\n")
}

fn write_github(report: &TestReport<'_>) -> Result<String, ReportError> {
    let findings: Vec<Finding<'_>> = report
        .programs
        .iter()
        .flat_map(|program| {
            failures(program.verdicts).map(|diagnostic| Finding {
                diagnostic,
                sources: program.sources,
                fingerprint: "",
            })
        })
        .collect();
    (github::FORMAT.write)(&Report {
        findings: &findings,
        files: &[],
        style: report.style,
        places: report.places,
        deny_warnings: false,
    })
}
