//! JUnit XML: a suite for each file, a case for each finding; a file without findings passes.

use std::collections::{BTreeMap, HashMap};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::{Finding, Report, ReportError, ReportFormat};
use presync::Severity;
use presync::visible;

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "junit",
    description: "A test report with one case for each finding, or each file without",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let mut suites: BTreeMap<String, Vec<TestCase>> = report
        .files
        .iter()
        .map(|file| (report.places.project_path(file), Vec::new()))
        .collect();
    let mut seen = HashMap::new();
    for found in report.findings {
        let path = found
            .diagnostic
            .location()
            .map_or(String::new(), |location| {
                report.project_path(found, location)
            });
        let diagnostic = found.diagnostic;
        let name = format!("{}: {}", diagnostic.code, diagnostic.message);
        let name = numbered(&mut seen, &path, &name);
        let case = case(report, found, &path, &name);
        suites.entry(path).or_default().push(case);
    }
    let mut document = quick_junit::Report::new("presync");
    for (path, mut cases) in suites {
        if cases.is_empty() {
            let mut case = TestCase::new("check", TestCaseStatus::success());
            case.set_classname(visible(&path));
            cases.push(case);
        }
        let mut suite = TestSuite::new(visible(&path));
        suite.add_test_cases(cases);
        document.add_test_suite(suite);
    }
    Ok(document.to_string()?)
}

/// The name of a case, with a number from the second of the same name on: readers keep only one of them.
pub(super) fn numbered(
    seen: &mut HashMap<(String, String), u32>,
    path: &str,
    name: &str,
) -> String {
    let number = seen.entry((path.to_owned(), name.to_owned())).or_default();
    *number += 1;
    match number {
        1 => name.to_owned(),
        number => format!("{name} ({number})"),
    }
}

fn case(report: &Report<'_>, found: &Finding<'_>, path: &str, name: &str) -> TestCase {
    let diagnostic = found.diagnostic;
    // Only what fails the check fails here.
    let fails = match diagnostic.severity {
        Severity::Error => true,
        Severity::Warning => report.deny_warnings,
        Severity::Info => false,
    };
    let mut status = if fails {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    } else {
        TestCaseStatus::success()
    };
    let description = visible(&found.described().join("\n"));
    if fails {
        status
            .set_message(visible(&diagnostic.message))
            .set_type(diagnostic.code.name)
            .set_description(description.clone());
    }
    let mut case = TestCase::new(visible(name), status);
    case.set_classname(visible(path));
    if !fails {
        case.set_system_out(description);
    }
    case
}
