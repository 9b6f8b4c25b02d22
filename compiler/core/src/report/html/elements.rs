//! Elements that all parts of the page use: prose, verdicts, tables that scroll, anchors.

use crate::check::spec::Expectation;
use crate::report::model::Property;
use crate::report::sentences::{Standing, sign};
use crate::verify::{InstanceResult, Verdict};
use maud::{Markup, html};

/// The instances or reversals that a list names.
pub(super) const MOST_LISTED: usize = 12;

/// Text in which code stands between backticks, in paragraphs that empty lines part.
pub(super) fn prose(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    html! { @for paragraph in paragraphs { p { (inline(paragraph)) } } }
}

pub(super) fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

pub(super) fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Error | Standing::Unexpected => "bad",
        Standing::Open | Standing::Nothing => "open",
        Standing::Expected => "good",
    }
}

/// The class and the sign of a result's verdict: green is what is expected.
pub(super) fn badge(result: &InstanceResult) -> Markup {
    let (class, sign) = sign(result.verdict, result.as_expected);
    let word = match (result.verdict, result.kind) {
        (Verdict::Proved, kind) if kind.is_measure() => "measured",
        (verdict, _) => verdict.name(),
    };
    let note = if result.as_expected && !matches!(result.expected, Expectation::Proved | Expectation::Decided) {
        ", as expected"
    } else {
        ""
    };
    html! { span class={ "verdict " (class) } { (sign) " " (word) (note) } }
}

/// A table that a narrow screen scrolls.
pub(super) fn scroll(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}

pub(super) fn anchor(spec: usize, property: &Property) -> String {
    format!("s{spec}-{}", property.name)
}

/// `digits<6>` as an anchor.
pub(super) fn network_anchor(spec: usize, name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect();
    format!("s{spec}-network-{}", plain.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stands_between_backticks_and_nothing_is_markup() {
        assert_eq!(inline("a `b<6>` & c").into_string(), "a <code>b&lt;6&gt;</code> &amp; c");
        assert_eq!(prose("a\n\n<script>").into_string(), "<p>a</p><p>&lt;script&gt;</p>");
    }
}
