//! The report as JUnit XML, for whatever shows test results.
//!
//! In: the report. Out: a suite for each property, a case for each instance. What is not as expected is a failure; what is undecided or in error is an
//! error: neither looks like success, and the two can be told apart. What nothing could check again says so.

use super::model::{Report, Spec};
use super::sentences::{UNCHECKED, finding};
use crate::check::spec::Expectation;
use crate::diagnostic::Severity;
use crate::verify::InstanceResult;
use crate::verify::verdict::Outcome;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io::{Cursor, Result};

/// A case.
struct Case {
    class: String,
    name: String,
    time: f64,
    /// The element that says what is wrong, its type, and the message.
    wrong: Option<(&'static str, String, String)>,
    /// Whether nothing of its verdict could be checked again.
    unchecked: bool,
}

/// The document.
///
/// # Errors
/// None that this data can cause.
pub fn xml(report: &Report) -> Result<String> {
    let suites: Vec<(String, Vec<Case>)> = report.specs.iter().flat_map(suites).collect();
    let mut writer = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 1);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let root = writer.create_element("testsuites").with_attribute(("name", "qnn"));
    let counted = totals(all());
    root.with_attributes(counted.iter().map(|(name, value)| (*name, value.as_str()))).write_inner_content(
        |writer| {
            for (name, cases) in &suites {
                let suite = writer.create_element("testsuite").with_attribute(("name", name.as_str()));
                let counted = totals(cases);
                let counted = counted.iter().map(|(name, value)| (*name, value.as_str()));
                suite
                    .with_attributes(counted)
                    .write_inner_content(|writer| cases.iter().try_for_each(|case| write(writer, case)))?;
            }
            Ok(())
        },
    )?;
    let bytes = writer.into_inner().into_inner();
    Ok(String::from_utf8_lossy(&bytes).into_owned() + "\n")
}

/// How many cases there are, how many went wrong in which way, and how long they took.
fn totals<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Vec<(&'static str, String)> {
    let (mut tests, mut failures, mut errors, mut time) = (0, 0, 0, 0.0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.wrong, Some(("failure", ..))));
        errors += usize::from(matches!(case.wrong, Some(("error", ..))));
        time += case.time;
    }
    let counts = [("tests", tests), ("failures", failures), ("errors", errors)];
    let counts = counts.map(|(name, count): (_, usize)| (name, count.to_string()));
    counts.into_iter().chain([("time", format!("{time:.3}"))]).collect()
}

fn write(writer: &mut Writer<Cursor<Vec<u8>>>, case: &Case) -> Result<()> {
    let time = format!("{:.3}", case.time);
    let attributes = [("classname", case.class.as_str()), ("name", &case.name), ("time", &time)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    if case.wrong.is_none() && !case.unchecked {
        return element.write_empty().map(|_| ());
    }
    let content = |writer: &mut Writer<Cursor<Vec<u8>>>| {
        if let Some((what, kind, message)) = &case.wrong {
            let attributes = [("type", kind.as_str()), ("message", message)];
            writer.create_element(*what).with_attributes(attributes).write_empty()?;
        }
        if case.unchecked {
            writer.create_element("system-out").write_text_content(BytesText::new(UNCHECKED))?;
        }
        Ok(())
    };
    element.write_inner_content(content).map(|_| ())
}

/// The suites of a spec.
fn suites(spec: &Spec) -> Vec<(String, Vec<Case>)> {
    let of = |name: &str| (format!("{}: {name}", spec.spec), spec.of(name).map(|r| case(spec, r)).collect());
    let mut suites: Vec<(String, Vec<Case>)> = spec.properties.iter().map(|property| of(&property.name)).collect();
    // What has no instances has none that could fail; nor has a spec in error.
    let empty = spec.empty.iter().map(|name| Case {
        class: format!("{}.{name}", spec.spec),
        name: name.clone(),
        time: 0.0,
        wrong: Some(("error", "empty".to_owned(), "it has no instances: nothing of it was verified".to_owned())),
        unchecked: false,
    });
    suites.extend(empty.map(|case| (format!("{}: {}", spec.spec, case.name), vec![case])));
    let errors = spec.diagnostics.iter().filter(|remark| remark.severity == Severity::Error);
    let errors: Vec<Case> = errors
        .map(|remark| Case {
            class: spec.spec.clone(),
            name: format!("{}:{}:{}", remark.file.as_deref().unwrap_or(&spec.spec), remark.line, remark.column),
            time: 0.0,
            wrong: Some(("error", remark.code.clone(), plain(&remark.message))),
            unchecked: false,
        })
        .collect();
    if !errors.is_empty() {
        suites.push((format!("{}: check", spec.spec), errors));
    }
    suites
}

fn case(spec: &Spec, result: &InstanceResult) -> Case {
    let expected = match result.expected {
        Expectation::Decided => "found or none",
        other => other.name(),
    };
    let (kind, verdict) = (result.verdict.name().to_owned(), result.verdict);
    let wrong = match result.outcome() {
        Outcome::Open | Outcome::Error => Some(("error", kind, plain(&result.detail))),
        Outcome::Unexpected => {
            let message = format!("{verdict}, expected {expected}: {}", finding(result));
            Some(("failure", kind, plain(&message)))
        }
        Outcome::Expected => None,
    };
    let class = format!("{}.{}", spec.spec, result.property);
    Case { class, name: result.name.clone(), time: result.time.as_secs_f64(), wrong, unchecked: result.is_unchecked() }
}

/// Text without characters that XML has not.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), " ")
}
