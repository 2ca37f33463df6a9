//! JUnit's XML: a suite a file, a case a finding; a file without findings passes.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::cli::report::Found;
use crate::diagnostic::Severity;
use crate::names::visible;

pub(super) fn report(found: &[Found<'_>], files: &[String]) -> Result<String, SerializeError> {
    let mut suites: BTreeMap<String, Vec<TestCase>> = files.iter().map(|file| (file.clone(), Vec::new())).collect();
    for found in found {
        let path = found.diagnostic.location().map_or(String::new(), |location| found.path(location));
        suites.entry(path).or_default().push(case(found));
    }
    let mut report = Report::new("presync");
    for (path, mut cases) in suites {
        if cases.is_empty() {
            cases.push(TestCase::new("check", TestCaseStatus::success()));
        }
        let mut suite = TestSuite::new(visible(&path));
        suite.add_test_cases(cases);
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(found: &Found<'_>) -> TestCase {
    let diagnostic = found.diagnostic;
    // A note is nothing that fails.
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
        .set_type(diagnostic.code)
        .set_description(visible(&lines.join("\n")));
    TestCase::new(visible(&format!("{} {place}", diagnostic.code)), status)
}
