//! What is known of a measure's answer.

use qnn::verify::verdict::{Kind, MeasureResult, Number};
use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeasureStatus {
    /// For people: `= 1.25`, or the least and the greatest that it can be, `0.55 … 0.58`.
    pub text: String,
    /// Attained; for `largest`, proved.
    pub found: Option<Number>,
    /// Not exceeded.
    pub bound: Option<Number>,
    /// Whether the answer is known exactly.
    pub complete: bool,
}

impl MeasureStatus {
    /// Of a measure of a kind.
    pub fn new(kind: Kind, measure: &MeasureResult) -> MeasureStatus {
        let text = match (measure.complete, &measure.found) {
            (true, Some(found)) => equals(found),
            (true, None) => "none".to_owned(),
            (false, found) if measure.is_close() => {
                let width = measure.within.as_ref().map(|width| format!(" (within {})", width.text));
                let between = between(kind, found.as_ref(), measure.bound.as_ref()).unwrap_or_default();
                format!("= {between}{}", width.unwrap_or_default())
            }
            (false, found) => between(kind, found.as_ref(), measure.bound.as_ref()).unwrap_or_default(),
        };
        MeasureStatus { text, found: measure.found.clone(), bound: measure.bound.clone(), complete: measure.complete }
    }
}

/// `= 1.25`; a number that is rounded says so itself: `≈0.333333`.
fn equals(number: &Number) -> String {
    if number.text.starts_with('≈') { number.text.clone() } else { format!("= {}", number.text) }
}

/// Between what a measure's answer lies: `0.55 … 0.58`, `≥ 0.55`, `≤ 0.58`; `None` if nothing is known.
pub fn between(kind: Kind, found: Option<&Number>, bound: Option<&Number>) -> Option<String> {
    let (least, greatest) = if kind == Kind::Minimize { (bound, found) } else { (found, bound) };
    match (least, greatest) {
        (Some(least), Some(greatest)) if least.exact == greatest.exact => Some(equals(least)),
        (Some(least), Some(greatest)) => Some(format!("{} … {}", least.text, greatest.text)),
        (Some(least), None) => Some(format!("≥ {}", least.text)),
        (None, Some(greatest)) => Some(format!("≤ {}", greatest.text)),
        (None, None) => None,
    }
}
