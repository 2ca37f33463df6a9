//! JUnit XML: a suite for each file, a case for each finding; a file without findings passes.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::{Finding, Report, ReportError, ReportFormat};
use presync::Severity;
use presync::visible;

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "junit",
    description: "A test report with one case for each file",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let mut suites: BTreeMap<String, Vec<TestCase>> = report
        .files
        .iter()
        .map(|file| (file.clone(), Vec::new()))
        .collect();
    for found in report.findings {
        let path = found
            .diagnostic
            .location()
            .map_or(String::new(), |location| found.path(location));
        suites.entry(path).or_default().push(case(found));
    }
    let mut document = quick_junit::Report::new("presync");
    for (path, mut cases) in suites {
        if cases.is_empty() {
            cases.push(TestCase::new("check", TestCaseStatus::success()));
        }
        let mut suite = TestSuite::new(visible(&path));
        suite.add_test_cases(cases);
        document.add_test_suite(suite);
    }
    Ok(document.to_string()?)
}

fn case(found: &Finding<'_>) -> TestCase {
    let diagnostic = found.diagnostic;
    // Notes do not fail.
    let mut status = match diagnostic.severity {
        Severity::Info => TestCaseStatus::success(),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    let place = diagnostic.location().map_or(String::new(), |location| {
        let place = found.place(location);
        format!("{}:{}:{}", found.path(location), place.line, place.column)
    });
    let lines: Vec<String> = std::iter::once(place.clone()).chain(found.more()).collect();
    status
        .set_message(visible(&diagnostic.message))
        .set_type(diagnostic.code.name)
        .set_description(visible(&lines.join("\n")));
    TestCase::new(visible(&format!("{} {place}", diagnostic.code)), status)
}
