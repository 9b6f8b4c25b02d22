//! The report as JUnit XML, for whatever shows test results.
//!
//! In: the report. Out: a suite for each property, a case for each instance. What is not as expected is a failure; what is undecided or in error is an
//! error: neither looks like success, and the two can be told apart.

use super::model::{Report, Spec};
use super::sentences::finding;
use crate::check::spec::Expectation;
use crate::verify::{InstanceResult, Verdict};
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The document.
///
/// # Errors
/// None that this data can cause.
pub fn xml(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut document = Document::new("qnn");
    for spec in &report.specs {
        document.add_test_suites(spec.properties.iter().map(|property| {
            let mut suite = TestSuite::new(format!("{}: {}", spec.spec, property.name));
            suite.add_test_cases(spec.of(&property.name).map(|result| case(spec, result)));
            let time: f64 = spec.of(&property.name).map(|result| result.time.as_secs_f64()).sum();
            suite.set_time(Duration::try_from_secs_f64(time).unwrap_or_default());
            suite
        }));
        // A spec in error has no instance that could fail.
        if spec.properties.is_empty() && !spec.diagnostics.is_empty() {
            let mut suite = TestSuite::new(format!("{}: check", spec.spec));
            for remark in spec.diagnostics.iter().filter(|remark| remark.severity == crate::diagnostic::Severity::Error)
            {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_type(remark.code.as_str()).set_message(remark.message.as_str());
                let name =
                    format!("{}:{}:{}", remark.file.as_deref().unwrap_or(&spec.spec), remark.line, remark.column);
                suite.add_test_case(TestCase::new(name, status));
            }
            document.add_test_suite(suite);
        }
    }
    document.to_string()
}

fn case(spec: &Spec, result: &InstanceResult) -> TestCase {
    let expected = match result.expected {
        Expectation::Proved => "proved",
        Expectation::Violated => "violated",
        Expectation::Vacuous => "vacuous",
    };
    let status = match result.verdict {
        Verdict::Timeout | Verdict::Unknown | Verdict::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type(result.verdict.name()).set_message(result.detail.as_str());
            status
        }
        verdict if !result.as_expected => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(verdict.name()).set_message(format!("{verdict}, expected {expected}: {}", finding(result)));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(result.name.as_str(), status);
    case.set_classname(format!("{}.{}", spec.spec, result.property)).set_time(result.time);
    case
}
