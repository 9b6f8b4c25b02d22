//! What changed between two reports.
//!
//! In: an older report and a newer one. Out: the instances whose standing, verdict or value changed, each with what it means: the regression gate of a project.
//! Specs are the same if their paths end alike, whatever folder they were named from; instances, if their spec and name are. Nothing is compared that depends on the machine: no times, no engines.

use super::model::{Report, Spec};
use super::sentences::{finding, plural, thousands};
use crate::verify::verdict::{Kind, Outcome};
use crate::verify::{InstanceResult, Verdict};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// The changes of a kind that are listed as text.
const MOST_LISTED: usize = 50;

/// What a change means, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeMeaning {
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
    pub meaning: ChangeMeaning,
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

/// A spec of the older report and the one of the newer report that it is; one of them may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// As the older report calls it.
    pub old: Option<String>,
    /// As the newer report calls it.
    pub new: Option<String>,
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
    /// Which specs were compared.
    pub specs: Vec<Pair>,
    /// The changes, the gravest first.
    pub changes: Vec<Change>,
}

/// Compares two reports. `renamed` says which specs of the older one are which of the newer one, where their names don't.
///
/// # Errors
/// With a sentence, if a renamed spec is in neither report.
pub fn diff(old: &Report, new: &Report, renamed: &[(String, String)]) -> Result<Diff, String> {
    let mut diff = Diff { version: 2, compared: 0, same: 0, specs: pairs(old, new, renamed)?, changes: Vec::new() };
    for Pair { old: before, new: after } in diff.specs.clone() {
        diff.spec(named(old, before.as_ref()), named(new, after.as_ref()));
    }
    diff.changes.sort_by_key(|change| change.meaning);
    Ok(diff)
}

fn named<'a>(report: &'a Report, name: Option<&String>) -> Option<&'a Spec> {
    report.specs.iter().find(|spec| Some(&spec.spec) == name)
}

/// Which specs are the same: those that somebody says are, those of one path, and those whose paths have the longest end in common, if no other has as long a one.
fn pairs(old: &Report, new: &Report, renamed: &[(String, String)]) -> Result<Vec<Pair>, String> {
    let mut before: Vec<&str> = old.specs.iter().map(|spec| spec.spec.as_str()).collect();
    let mut after: Vec<&str> = new.specs.iter().map(|spec| spec.spec.as_str()).collect();
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut named: Vec<(String, String)> = Vec::new();
    for (was, is) in renamed {
        let place = |all: &[&str], name: &str, which: &str| match all.iter().position(|spec| *spec == name) {
            Some(place) => Ok(place),
            None => match all
                .iter()
                .enumerate()
                .filter(|(_, spec)| shared(spec, name) == parts(name).len())
                .collect::<Vec<_>>()[..]
            {
                [(only, _)] => Ok(only),
                _ => Err(format!("the {which} report has no spec `{name}`; its specs are {}", list(all))),
            },
        };
        let (was, is) = (place(&before, was, "older")?, place(&after, is, "newer")?);
        named.push((before.remove(was).to_owned(), after.remove(is).to_owned()));
    }
    let most = before.iter().chain(&after).map(|path| parts(path).len()).max().unwrap_or(0);
    // A path is more like itself than like any other.
    let likeness = |a: &str, b: &str| if a == b { most + 1 } else { shared(a, b) };
    for wanted in (1..=most + 1).rev() {
        let alike = |a: &str, b: &str| likeness(a, b) == wanted;
        let only = |place: usize| -> Option<usize> {
            let mut candidates = (0..after.len()).filter(|other| alike(before[place], after[*other]));
            let first = candidates.next()?;
            let back = before.iter().filter(|path| alike(path, after[first])).count();
            (candidates.next().is_none() && back == 1).then_some(first)
        };
        let here: Vec<(usize, usize)> = (0..before.len()).filter_map(|place| Some((place, only(place)?))).collect();
        found.extend(here.iter().map(|(a, b)| (before[*a], after[*b])));
        before = before.iter().copied().filter(|path| !found.iter().any(|(a, _)| a == path)).collect();
        after = after.iter().copied().filter(|path| !found.iter().any(|(_, b)| b == path)).collect();
    }
    let pair = |(old, new): (String, String)| Pair { old: Some(old), new: Some(new) };
    let found = found.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned()));
    let mut all: Vec<Pair> = named.into_iter().chain(found).map(pair).collect();
    all.extend(after.into_iter().map(|new| Pair { old: None, new: Some(new.to_owned()) }));
    all.extend(before.into_iter().map(|old| Pair { old: Some(old.to_owned()), new: None }));
    // In the newer report's order.
    let order =
        |pair: &Pair| new.specs.iter().position(|spec| Some(&spec.spec) == pair.new.as_ref()).unwrap_or(usize::MAX);
    all.sort_by_key(order);
    Ok(all)
}

/// The parts of a path; its folder's name for itself says nothing.
fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect()
}

/// How many parts two paths have in common, from their ends.
fn shared(a: &str, b: &str) -> usize {
    parts(a).iter().rev().zip(parts(b).iter().rev()).take_while(|(a, b)| a == b).count()
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What the change of an instance means; `None` if nothing changed.
fn compared(was: &InstanceResult, is: &InstanceResult) -> Option<ChangeMeaning> {
    let open = |result: &InstanceResult| matches!(result.verdict, Verdict::Timeout | Verdict::Unknown);
    if was.verdict != is.verdict || was.as_expected != is.as_expected {
        return Some(match (was.as_expected, is.as_expected) {
            _ if open(was) && open(is) => return None,
            (_, false) if open(is) => ChangeMeaning::Undecided,
            (true, false) => ChangeMeaning::Regression,
            // What was undecided and turns out bad is bad news too.
            (false, false) if open(was) || is.verdict == Verdict::Error => ChangeMeaning::Regression,
            (false, true) => ChangeMeaning::Better,
            _ => ChangeMeaning::Changed,
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
    // A radius and a share are better the larger they are. Whether a maximum is, only its author knows.
    let radius = |result: &InstanceResult| result.measure.as_ref()?.found.as_ref().map(|n| n.value);
    Some(match was.kind {
        Kind::Largest | Kind::Share if radius(is) < radius(was) => ChangeMeaning::Regression,
        Kind::Largest | Kind::Share if radius(is) > radius(was) => ChangeMeaning::Better,
        _ => ChangeMeaning::Changed,
    })
}

/// What is known of an instance, in a few words.
fn known(result: &InstanceResult) -> String {
    match (&result.measure, result.verdict) {
        (Some(_), Verdict::Proved) => finding(result),
        (Some(measure), verdict) if measure.found.is_some() || measure.bound.is_some() => {
            format!("{verdict}, {}", finding(result))
        }
        // A statement that applies no network has nothing more to show.
        (_, Verdict::Violated) => match finding(result) {
            finding if finding.is_empty() => Verdict::Violated.name().to_owned(),
            finding => format!("violated ({finding})"),
        },
        (_, verdict) => verdict.name().to_owned(),
    }
}

impl Diff {
    /// Compares a spec with what it was.
    fn spec(&mut self, old: Option<&Spec>, new: Option<&Spec>) {
        let Some(name) = new.or(old).map(|spec| spec.spec.clone()) else { return };
        fn all<'a>(spec: Option<&'a Spec>) -> impl Iterator<Item = &'a InstanceResult> + use<'a> {
            spec.into_iter().flat_map(|spec| spec.results.iter().map(Arc::as_ref))
        }
        let before: HashMap<&str, &InstanceResult> = all(old).map(|result| (result.name.as_str(), result)).collect();
        let after: HashSet<&str> = all(new).map(|result| result.name.as_str()).collect();
        for result in all(new) {
            let key = (name.as_str(), result.name.as_str());
            match before.get(key.1).copied() {
                Some(was) => {
                    self.compared += 1;
                    match compared(was, result) {
                        Some(meaning) => self.push(meaning, key, Some(was), Some(result)),
                        None => self.same += 1,
                    }
                }
                None => {
                    let meaning = match result.outcome() {
                        Outcome::Open => ChangeMeaning::Undecided,
                        Outcome::Error | Outcome::Unexpected => ChangeMeaning::Regression,
                        Outcome::Expected => ChangeMeaning::New,
                    };
                    self.push(meaning, key, None, Some(result));
                }
            }
        }
        for was in all(old).filter(|result| !after.contains(result.name.as_str())) {
            self.push(ChangeMeaning::Lost, (&name, &was.name), Some(was), None);
        }
        // An accuracy has no expected value: that it changed is worth knowing.
        fn known(spec: Option<&Spec>) -> BTreeMap<&str, String> {
            let networks = spec.into_iter().flat_map(|spec| &spec.networks);
            let shares = networks.filter_map(|network| Some((network.name.as_str(), network.accuracy.as_ref()?)));
            shares.map(|(name, a)| (name, format!("accuracy {} of {}", a.right, a.samples))).collect()
        }
        let was = known(old);
        for (network, after) in known(new) {
            let before = was.get(network).cloned();
            if before.as_ref().is_some_and(|before| *before != after) {
                self.changes.push(Change {
                    meaning: ChangeMeaning::Changed,
                    spec: name.clone(),
                    name: network.to_owned(),
                    before,
                    after: Some(after),
                    other_question: true,
                });
            }
        }
    }

    /// Forgets what is not asked any more, where only a part was asked.
    pub fn forget_lost(&mut self) {
        self.changes.retain(|change| change.meaning != ChangeMeaning::Lost);
        self.specs.retain(|pair| pair.new.is_some());
    }

    fn push(
        &mut self,
        meaning: ChangeMeaning,
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
    pub fn count(&self, meaning: ChangeMeaning) -> usize {
        self.changes.iter().filter(|change| change.meaning == meaning).count()
    }

    /// The exit code: 1 if anything is a regression, 2 if something that was decided is undecided or not asked any more, else 0; with `strict`, 1
    /// for any change at all.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match self.changes.first().map(|change| change.meaning) {
            Some(ChangeMeaning::Regression) => 1,
            Some(_) if strict => 1,
            Some(ChangeMeaning::Undecided | ChangeMeaning::Lost) => 2,
            _ => 0,
        }
    }

    /// As text; in Markdown with headings and lists.
    pub fn text(&self, markdown: bool) -> String {
        const TITLES: [(ChangeMeaning, &str); 6] = [
            (ChangeMeaning::Regression, "regressions"),
            (ChangeMeaning::Undecided, "undecided now"),
            (ChangeMeaning::Lost, "not asked any more"),
            (ChangeMeaning::Changed, "changed"),
            (ChangeMeaning::Better, "better"),
            (ChangeMeaning::New, "new"),
        ];
        let mut text = String::new();
        for Pair { old, new } in &self.specs {
            let _ = match (old, new) {
                (Some(old), None) => {
                    writeln!(text, "`{old}` is only in the older report{}", if markdown { "\n" } else { "" })
                }
                (None, Some(new)) => {
                    writeln!(text, "`{new}` is only in the newer report{}", if markdown { "\n" } else { "" })
                }
                _ => Ok(()),
            };
        }
        if self.changes.is_empty() {
            let _ = writeln!(text, "nothing changed: {} compared", plural(self.compared, "instance", "instances"));
            return text;
        }
        for (meaning, title) in TITLES {
            let all: Vec<&Change> = self.changes.iter().filter(|change| change.meaning == meaning).collect();
            if all.is_empty() {
                continue;
            }
            let title = if all.len() == 1 && meaning == ChangeMeaning::Regression { "regression" } else { title };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn report(specs: &[&str]) -> Report {
        let spec = |name: &&str| Spec {
            spec: (*name).to_owned(),
            docs: String::new(),
            diagnostics: Vec::new(),
            time: None,
            warnings: Vec::new(),
            left_out: 0,
            empty: Vec::new(),
            networks: Vec::new(),
            properties: Vec::new(),
            results: Vec::new(),
        };
        Report::new(specs.iter().map(spec).collect(), Vec::new(), 0, false)
    }

    fn paired(old: &[&str], new: &[&str], renamed: &[(&str, &str)]) -> Vec<String> {
        let renamed: Vec<(String, String)> = renamed.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let pairs = pairs(&report(old), &report(new), &renamed).unwrap();
        let text = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
        pairs.into_iter().map(|pair| format!("{} {}", text(pair.old), text(pair.new))).collect()
    }

    #[test]
    fn specs_are_the_same_whatever_folder_they_are_named_from() {
        assert_eq!(paired(&["a.qnn"], &["./specs/a.qnn"], &[]), ["a.qnn ./specs/a.qnn"]);
        assert_eq!(
            paired(&["x/a.qnn", "y/a.qnn"], &["/home/y/a.qnn", "/home/x/a.qnn"], &[]),
            ["y/a.qnn /home/y/a.qnn", "x/a.qnn /home/x/a.qnn"]
        );
        assert_eq!(paired(&["a.qnn", "x/a.qnn"], &["x/a.qnn", "a.qnn"], &[]), ["x/a.qnn x/a.qnn", "a.qnn a.qnn"]);
    }

    #[test]
    fn what_is_alike_twice_is_not_guessed() {
        assert_eq!(paired(&["x/a.qnn", "y/a.qnn"], &["a.qnn"], &[]), ["- a.qnn", "x/a.qnn -", "y/a.qnn -"]);
        assert_eq!(
            paired(&["x/a.qnn", "y/a.qnn"], &["a.qnn"], &[("x/a.qnn", "a.qnn")]),
            ["x/a.qnn a.qnn", "y/a.qnn -"]
        );
        assert_eq!(paired(&["old.qnn"], &["new.qnn"], &[]), ["- new.qnn", "old.qnn -"]);
        assert_eq!(paired(&["s/old.qnn"], &["t/new.qnn"], &[("old.qnn", "new.qnn")]), ["s/old.qnn t/new.qnn"]);
        assert!(pairs(&report(&["a.qnn"]), &report(&["b.qnn"]), &[("c.qnn".to_owned(), "b.qnn".to_owned())]).is_err());
    }
}
