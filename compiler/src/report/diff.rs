//! What changed between two reports.
//!
//! In: an older report and a newer one. Out: the instances whose standing, verdict or value changed, each with what it means: the regression gate of a project.
//! Instances are the same if their spec and name are. Nothing is compared that depends on the machine: no times, no engines.

use super::model::{Report, Spec};
use super::sentences::{finding, plural, thousands};
use crate::verify::verdict::Kind;
use crate::verify::{InstanceResult, Verdict};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

/// The changes of a kind that are listed as text.
const MOST_LISTED: usize = 50;

/// What a change means, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// It was as expected, or is new, and is not: a counterexample, a smaller radius, an error.
    Regression,
    /// It was decided, or is new, and is undecided.
    Undecided,
    /// It was there, and is not asked any more.
    Lost,
    /// Another verdict or value, which may be meant.
    Changed,
    /// It was not as expected, or undecided, and is as expected.
    Better,
    /// It is new, and as expected.
    New,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it means.
    pub meaning: Meaning,
    /// The spec.
    pub spec: String,
    /// The instance; of an accuracy, the network.
    pub name: String,
    /// What was known.
    pub before: Option<String>,
    /// What is known.
    pub after: Option<String>,
    /// Whether the question itself is another: the network, the data or the statement changed.
    pub other_question: bool,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The version of this form.
    pub version: u32,
    /// How many instances are in both.
    pub compared: usize,
    /// How many have the same verdict and value.
    pub same: usize,
    /// The changes, the gravest first.
    pub changes: Vec<Change>,
}

/// Compares two reports.
pub fn diff(old: &Report, new: &Report) -> Diff {
    let mut diff = Diff { version: 1, compared: 0, same: 0, changes: Vec::new() };
    let before: HashMap<(&str, &str), &InstanceResult> = all(old).collect();
    let after: HashMap<(&str, &str), &InstanceResult> = all(new).collect();
    for (key, result) in all(new) {
        match before.get(&key) {
            Some(was) => {
                diff.compared += 1;
                match compared(was, result) {
                    Some(meaning) => diff.push(meaning, key, Some(was), Some(result)),
                    None => diff.same += 1,
                }
            }
            None => {
                let meaning = match result.verdict {
                    Verdict::Timeout | Verdict::Unknown => Meaning::Undecided,
                    _ if !result.as_expected => Meaning::Regression,
                    _ => Meaning::New,
                };
                diff.push(meaning, key, None, Some(result));
            }
        }
    }
    for (key, was) in all(old).filter(|(key, _)| !after.contains_key(key)) {
        diff.push(Meaning::Lost, key, Some(was), None);
    }
    // An accuracy has no expected value: that it changed is worth knowing.
    let known = |report: &Report| -> BTreeMap<(String, String), String> {
        let of = |spec: &Spec| {
            let shares = spec.networks.iter().filter_map(|network| Some((network, network.accuracy.as_ref()?)));
            let text = shares.map(|(network, accuracy)| {
                let share = format!("accuracy {} of {}", accuracy.right, accuracy.samples);
                ((spec.spec.clone(), network.name.clone()), share)
            });
            text.collect::<Vec<_>>()
        };
        report.specs.iter().flat_map(of).collect()
    };
    let was = known(old);
    for ((spec, name), after) in known(new) {
        let before = was.get(&(spec.clone(), name.clone())).cloned();
        if before.as_ref().is_some_and(|before| *before != after) {
            let change =
                Change { meaning: Meaning::Changed, spec, name, before, after: Some(after), other_question: true };
            diff.changes.push(change);
        }
    }
    diff.changes.sort_by_key(|change| change.meaning);
    diff
}

fn all(report: &Report) -> impl Iterator<Item = ((&str, &str), &InstanceResult)> {
    report.specs.iter().flat_map(|spec: &Spec| {
        spec.results
            .iter()
            .map(move |result: &Arc<InstanceResult>| ((spec.spec.as_str(), result.name.as_str()), &**result))
    })
}

/// What the change of an instance means; `None` if nothing changed.
fn compared(was: &InstanceResult, is: &InstanceResult) -> Option<Meaning> {
    let open = |result: &InstanceResult| matches!(result.verdict, Verdict::Timeout | Verdict::Unknown);
    if was.verdict != is.verdict || was.as_expected != is.as_expected {
        return Some(match (was.as_expected, is.as_expected) {
            _ if open(was) && open(is) => return None,
            (_, false) if open(is) => Meaning::Undecided,
            (true, false) => Meaning::Regression,
            // What was undecided and turns out bad is bad news too.
            (false, false) if open(was) || is.verdict == Verdict::Error => Meaning::Regression,
            (false, true) => Meaning::Better,
            _ => Meaning::Changed,
        });
    }
    let value = |result: &InstanceResult| {
        result
            .measure
            .as_ref()
            .map(|m| (m.complete, m.found.clone().map(|n| n.exact), m.bound.clone().map(|n| n.exact)))
    };
    if value(was) == value(is) {
        return None;
    }
    // A radius is better the larger it is. Whether a maximum is, only its author knows.
    let radius = |result: &InstanceResult| result.measure.as_ref()?.found.as_ref().map(|n| n.value);
    Some(match was.kind {
        Kind::Largest if radius(is) < radius(was) => Meaning::Regression,
        Kind::Largest if radius(is) > radius(was) => Meaning::Better,
        _ => Meaning::Changed,
    })
}

/// What is known of an instance, in a few words.
fn known(result: &InstanceResult) -> String {
    match (&result.measure, result.verdict) {
        (Some(_), Verdict::Proved) => finding(result),
        (Some(measure), verdict) if measure.found.is_some() || measure.bound.is_some() => {
            format!("{verdict}, {}", finding(result))
        }
        (_, Verdict::Violated) => format!("violated ({})", finding(result)),
        (_, verdict) => verdict.name().to_owned(),
    }
}

impl Diff {
    fn push(
        &mut self,
        meaning: Meaning,
        (spec, name): (&str, &str),
        was: Option<&InstanceResult>,
        is: Option<&InstanceResult>,
    ) {
        let keys = was.and_then(|r| r.key.as_ref()).zip(is.and_then(|r| r.key.as_ref()));
        self.changes.push(Change {
            meaning,
            spec: spec.to_owned(),
            name: name.to_owned(),
            before: was.map(known),
            after: is.map(known),
            other_question: keys.is_some_and(|(was, is)| was != is),
        });
    }

    /// How many changes mean this.
    pub fn count(&self, meaning: Meaning) -> usize {
        self.changes.iter().filter(|change| change.meaning == meaning).count()
    }

    /// The exit code: 1 if anything is a regression, 2 if something that was decided is undecided or not asked any more, else 0; with `strict`, 1
    /// for any change at all.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match self.changes.first().map(|change| change.meaning) {
            Some(Meaning::Regression) => 1,
            Some(_) if strict => 1,
            Some(Meaning::Undecided | Meaning::Lost) => 2,
            _ => 0,
        }
    }

    /// As text; in Markdown with headings and lists.
    pub fn text(&self, markdown: bool) -> String {
        const TITLES: [(Meaning, &str); 6] = [
            (Meaning::Regression, "regressions"),
            (Meaning::Undecided, "undecided now"),
            (Meaning::Lost, "not asked any more"),
            (Meaning::Changed, "changed"),
            (Meaning::Better, "better"),
            (Meaning::New, "new"),
        ];
        let mut text = String::new();
        if self.changes.is_empty() {
            let _ = writeln!(text, "nothing changed: {} compared", plural(self.compared, "instance", "instances"));
            return text;
        }
        for (meaning, title) in TITLES {
            let all: Vec<&Change> = self.changes.iter().filter(|change| change.meaning == meaning).collect();
            if all.is_empty() {
                continue;
            }
            let _ = match markdown {
                true => writeln!(text, "### {} {title}\n", thousands(all.len())),
                false => writeln!(text, "{} {title}", thousands(all.len())),
            };
            for change in all.iter().take(MOST_LISTED) {
                let Change { spec, name, before, after, other_question, .. } = change;
                let arrow = match (before, after) {
                    (Some(before), Some(after)) => format!("{before} → {after}"),
                    (Some(before), None) => format!("was {before}"),
                    (None, after) => after.clone().unwrap_or_default(),
                };
                let note = if *other_question && before.is_some() { " (the question changed too)" } else { "" };
                let _ = match markdown {
                    true => writeln!(text, "- `{name}` of `{spec}`: {}{note}", arrow.replace('<', "&lt;")),
                    false => writeln!(text, "  {spec}: {name}: {arrow}{note}"),
                };
            }
            if all.len() > MOST_LISTED {
                let more = thousands(all.len() - MOST_LISTED);
                let _ = match markdown {
                    true => writeln!(text, "- … and {more} more"),
                    false => writeln!(text, "  … and {more} more; `--json` lists them all"),
                };
            }
            if markdown {
                text.push('\n');
            }
        }
        let _ = writeln!(
            text,
            "{} compared, {} the same",
            plural(self.compared, "instance", "instances"),
            thousands(self.same)
        );
        text
    }
}
