//! The report as one HTML file.
//!
//! In: the report. Out: a page that needs nothing else: no network, no file beside it, no script but for sorting and filtering. Its content security policy says so to the
//! browser. Large families are summarised by their parameters, with what is not as expected first; what is left out says how to see it.

mod charts;
mod counterexample;
mod elements;
mod network;
mod property;
mod summary;

use super::chart;
use super::model::{Remark, Report, Spec};
use super::sentences::plural;
use crate::diagnostic::Severity;
use elements::{inline, prose};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use network::{files, of_network};
use property::of_property;
use summary::summary;

/// The style of the page, but for the colours of charts on a dark one.
const STYLE: &str = include_str!("page.css");
/// The script of the page.
const SCRIPT: &str = include_str!("page.js");
/// The SHA-256 of the script, in Base64: the one script that the page's policy lets run.
const SCRIPT_HASH: &str = "UXYbtrTBP+FPzDJWP6w/p75teI8Au5wVyc4O4IQ0a00=";

/// The counterexamples and witnesses of a property that are shown in full by default.
pub const PICTURES: usize = 4;

/// The page, with at most `pictures` counterexamples of each property.
pub fn page(report: &Report, pictures: usize) -> String {
    let names: Vec<&str> = report.specs.iter().map(|spec| spec.spec.as_str()).collect();
    let title = format!("qnn report: {}", names.join(", "));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(format!("qnn {}", report.qnn));
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark())) }
            }
            body {
                a.skip href="#content" { "To the content" }
                header {
                    h1 { "Verification report: " (names.join(", ")) }
                    p.soft { (report.date) " UTC, qnn " (report.qnn) ", " (report.solver) ", semantics " (report.semantics) }
                }
                main #content {
                    (summary(report))
                    @for (index, spec) in report.specs.iter().enumerate() { (of_spec(report, spec, index, pictures)) }
                    (files(&report.files))
                }
                footer {
                    p { "Every verdict is about the network exactly as it computes, bit for bit. A counterexample was run through the reference interpreter; a certificate was accepted by a checker that shares no code with the search. " code { "qnn check-proof" } " checks both again without any engine." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The colours of charts on a dark page.
fn dark() -> String {
    let rules = chart::DARK
        .iter()
        .map(|(light, dark)| format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"));
    format!("@media screen and (prefers-color-scheme: dark) {{{}}}", rules.collect::<String>())
}

fn of_spec(report: &Report, spec: &Spec, index: usize, pictures: usize) -> Markup {
    let hash = report.files.iter().find(|file| file.path == spec.spec).and_then(|file| file.blake3.as_deref());
    html! {
        section aria-labelledby={ "s" (index) } {
            h2 id={ "s" (index) } { "Spec " (spec.spec) }
            (prose(&spec.docs))
            @if let Some(hash) = hash { p.soft { "BLAKE3 " code.hash { (hash) } } }
            @if spec.left_out > 0 { p.note { (plural(spec.left_out, "instance was", "instances were")) " left out by a filter, and this report says nothing of them." } }
            @for warning in &spec.warnings { p.note { (warning) } }
            (remarks(&spec.diagnostics))
            @for property in &spec.properties { (of_property(spec, property, index, pictures)) }
            @if !spec.networks.is_empty() {
                h3 id={ "s" (index) "-networks" } { "Networks" }
                @for network in &spec.networks { (of_network(network, index)) }
            }
        }
    }
}

fn remarks(all: &[Remark]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    html! {
        h3 { "What the checker says" }
        ul { @for remark in all { li {
            strong { (match remark.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Note => "note" }) " " (remark.code) }
            ": " (inline(&remark.message))
            @if let Some(file) = &remark.file { span.soft { " (" (file) ":" (remark.line) ":" (remark.column) ")" } }
            @for note in &remark.notes { " " (inline(note)) }
            @if let Some(help) = &remark.help { br; "Help: " (inline(help)) "." }
        } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use sha2::Digest;

    #[test]
    fn the_policy_knows_the_script() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT));
        assert_eq!(SCRIPT_HASH, hash, "write this into SCRIPT_HASH");
    }
}
