//! Verdicts as text: a line for a property, a table for a family, and the instances that are worth a name.
//!
//! In: results. Out: lines for a terminal, broken between columns where it is narrow. What is counted is [`Counts`]'s to say.

use super::counterexample;
use super::output::{flow, plural, table, thousands};
use owo_colors::{OwoColorize, Style};
use qnn::check::spec::Expectation;
use qnn::report::model::{Counts, urgency};
use qnn::report::sentences::{Standing, Total, UNCHECKED, duration, finding};
use qnn::report::summary::{SummaryTable, sign};
use qnn::report::terminal_picture::Ink;
use qnn::verify::verdict::Outcome;
use qnn::verify::{InstanceResult, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The instances of a family that are named for each verdict.
const MOST_NAMED: usize = 5;
/// A family with no more instances needs no table; of measures, each has a line then.
const FEW: usize = 12;
/// The counterexamples that are shown in full, where nothing says how many.
const MOST_SHOWN: usize = 3;

/// How verdicts are shown.
pub struct Verdicts {
    /// Only what is not as expected.
    pub quiet: bool,
    /// A line for each instance.
    pub list: bool,
    /// How many counterexamples of a property to show in full.
    pub counterexamples: Option<usize>,
    /// The width of the column of names.
    pub name_width: usize,
    /// Whether the run was stopped.
    pub cancelled: bool,
    /// What pictures are drawn with.
    pub ink: Ink,
    /// The columns of the terminal.
    pub width: usize,
}

impl Verdicts {
    /// What is shown of a family.
    pub fn family(&self, results: &[Arc<InstanceResult>], glance: impl Fn() -> Option<SummaryTable>) -> String {
        let Some(first) = results.first() else { return String::new() };
        let mut text = String::new();
        // What has no parameters needs no line for its only instance.
        let alone = results.len() == 1 && first.parameters.is_empty();
        if !self.quiet {
            let time = duration(results.iter().map(|r| r.time).sum());
            let remembered = match results.iter().filter(|r| r.is_unchecked()).count() {
                0 if results.iter().all(|r| r.cached) => ", remembered".to_owned(),
                0 => String::new(),
                all if all == results.len() => format!(", {UNCHECKED}"),
                some => format!(", {} {UNCHECKED}", thousands(some)),
            };
            let name = format!("{:<width$}", first.property, width = self.name_width);
            // What is known of a measure is told whatever ended it.
            let told = alone && (!self.is_cancelled(first) || first.measure.is_some() || first.searched.is_some());
            let verdict = if told { standing(first) } else { tally(results, self.cancelled) };
            let cells = [name.bold().to_string(), verdict, format!("{time}{remembered}").dimmed().to_string()];
            text.push_str(&flow("", &cells, self.width));
        }
        let named = self.named(results);
        let mut tabulated = false;
        if !self.quiet
            && !self.list
            && results.len() > FEW
            && !uniform(results)
            && let Some(glance) = glance()
        {
            text.push_str(&self.glance(&glance));
            tabulated = true;
        }
        let mut in_full = self.counterexamples.unwrap_or(MOST_SHOWN);
        for result in &named {
            if !alone || self.quiet {
                let cells = [result.name.clone(), standing(result), duration(result.time).dimmed().to_string()];
                text.push_str(&flow("  ", &cells, self.width));
            }
            let measure = result.kind.is_measure();
            let witness = result.measure.as_ref().and_then(|m| m.witness.as_ref());
            let wanted = !measure || results.len() == 1 || self.counterexamples.is_some();
            if let Some(counterexample) = result.counterexample.as_ref().or(witness)
                && wanted
                && in_full > 0
                && !self.quiet
            {
                in_full -= 1;
                let choice = result.measure.iter().flat_map(|measure| &measure.choice);
                choice.for_each(|index| text.push_str(&format!("      {} = {}\n", index.name, index.text)));
                text.push_str(&indented(&counterexample::show(counterexample, self.ink, self.width), "      "));
            }
        }
        text.push_str(&self.rest(results, &named, tabulated));
        text
    }

    /// Whether it is only undecided because the run was stopped.
    fn is_cancelled(&self, result: &InstanceResult) -> bool {
        self.cancelled && result.verdict == Verdict::Unknown
    }

    /// Whether somebody has to know of it by name.
    fn is_news(&self, result: &InstanceResult) -> bool {
        match result.outcome() {
            Outcome::Open => !self.is_cancelled(result) || result.measure.is_some() || result.searched.is_some(),
            Outcome::Error | Outcome::Unexpected => true,
            Outcome::Expected => !self.quiet && !matches!(result.verdict, Verdict::Proved | Verdict::None),
        }
    }

    /// The instances that get a line, in the family's order.
    fn named<'a>(&self, results: &'a [Arc<InstanceResult>]) -> Vec<&'a InstanceResult> {
        let all = results.iter().map(Arc::as_ref);
        if self.list {
            return all.collect();
        }
        if results.len() <= FEW && results.iter().all(|r| r.kind.is_measure()) {
            return all.filter(|r| !self.quiet || self.is_news(r)).collect();
        }
        // Whoever wants more counterexamples wants them by name.
        let most = self.counterexamples.unwrap_or(0).max(MOST_NAMED);
        let mut seen: BTreeMap<(Outcome, Verdict), usize> = BTreeMap::new();
        all.filter(|r| self.is_news(r))
            .filter(|r| {
                let seen = seen.entry((r.outcome(), r.verdict)).or_default();
                *seen += 1;
                *seen <= most
            })
            .collect()
    }

    /// How many there are beside the named ones, and how to see them.
    fn rest(&self, results: &[Arc<InstanceResult>], named: &[&InstanceResult], tabulated: bool) -> String {
        let news = |r: &&InstanceResult| self.is_news(r);
        let left: Vec<&InstanceResult> =
            results.iter().map(Arc::as_ref).filter(|r| !named.iter().any(|n| std::ptr::eq(*n, *r))).collect();
        let unnamed: Vec<&InstanceResult> = left.iter().copied().filter(news).collect();
        let measures = results.iter().any(|r| r.kind.is_measure());
        let (count, what) = match (unnamed.len(), measures && !tabulated && !self.quiet) {
            (0, true) if !left.is_empty() => (left.len(), String::new()),
            (0, _) => return String::new(),
            (count, _) => {
                let counts = Counts::of(unnamed.iter().copied());
                let what = match counts.each().as_slice() {
                    [(verdict, _)] => format!(" {verdict}"),
                    all => {
                        let each = all.iter().map(|(verdict, count)| format!("{} {verdict}", thousands(*count)));
                        format!(" ({})", each.collect::<Vec<_>>().join(", "))
                    }
                };
                (count, what)
            }
        };
        let line = format!("… and {} more{what}; `--list` shows them all", thousands(count));
        flow("  ", &[line.dimmed().to_string()], self.width)
    }

    /// A table, in as many blocks of columns as the terminal needs.
    fn glance(&self, glance: &SummaryTable) -> String {
        let right: Vec<usize> = (1..glance.rows.first().map_or(0, Vec::len)).collect();
        let mut text = flow("  ", &[glance.title.dimmed().to_string()], self.width);
        for line in table(&glance.rows, &right, self.width.saturating_sub(4)) {
            text.push_str(format!("    {line}").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Whether there is nothing to tell instances apart by: all are as expected, and none has a value.
fn uniform(results: &[Arc<InstanceResult>]) -> bool {
    results.iter().all(|r| !r.kind.is_measure() && urgency(r) >= 4)
        && results.windows(2).all(|pair| pair[0].verdict == pair[1].verdict)
}

/// The text with each line moved to the right.
fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// The colour of a verdict.
fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Proved => Style::new().green(),
        Verdict::Violated => Style::new().red(),
        Verdict::Found | Verdict::None => Style::new().green(),
        Verdict::Error => Style::new().red().bold(),
        Verdict::Vacuous | Verdict::Timeout | Verdict::Unknown => Style::new().yellow(),
    }
}

/// `✓ 46 proved · ✗ 2 violated as expected · ⏱ 1 timeout`.
fn tally(results: &[Arc<InstanceResult>], cancelled: bool) -> String {
    let mut parts = Vec::new();
    // A measure is not proved but known, also beside properties; one that should not be is news.
    let measured = |r: &&Arc<InstanceResult>| r.verdict == Verdict::Proved && r.kind.is_measure() && r.as_expected;
    let (measured, others): (Vec<_>, Vec<_>) = results.iter().partition(measured);
    let each = Counts::of(others.iter().map(|r| r.as_ref())).each();
    let is_proved = |(verdict, _): &(Verdict, usize)| *verdict == Verdict::Proved;
    let at = usize::from(each.first().is_some_and(is_proved));
    for (verdict, count) in each {
        let all = || others.iter().filter(|r| r.verdict == verdict);
        let unexpected = Counts::of(all().map(|r| r.as_ref())).unexpected;
        // An expected violation is nothing to worry about; an unexpected proof is.
        let style = match verdict {
            Verdict::Violated | Verdict::Vacuous if unexpected == 0 => Style::new().green(),
            Verdict::Proved | Verdict::Found | Verdict::None if unexpected > 0 => Style::new().red(),
            _ => style(verdict),
        };
        let word = match verdict {
            Verdict::Unknown if cancelled => "cancelled",
            _ => verdict.name(),
        };
        let note = match verdict {
            Verdict::Violated | Verdict::Vacuous if unexpected == 0 => " as expected".to_owned(),
            Verdict::Proved | Verdict::Found | Verdict::None if unexpected > 0 => {
                format!(" ({} unexpectedly)", thousands(unexpected))
            }
            Verdict::Violated | Verdict::Vacuous if unexpected < count => {
                format!(" ({} unexpectedly)", thousands(unexpected))
            }
            _ => String::new(),
        };
        parts.push(format!("{} {} {word}{note}", sign(verdict), thousands(count)).style(style).to_string());
    }
    if !measured.is_empty() {
        let text = format!("{} {} measured", sign(Verdict::Proved), thousands(measured.len()));
        parts.insert(at, text.style(style(Verdict::Proved)).to_string());
    }
    if parts.is_empty() { "no instances".dimmed().to_string() } else { parts.join(" · ") }
}

/// An instance's verdict and what is to be said about it.
fn standing(result: &InstanceResult) -> String {
    let (sign, style) = (sign(result.verdict), style(result.verdict));
    let style = if result.as_expected { Style::new().green() } else { style };
    if let Some(measure) = &result.measure {
        let what = match (&measure.found, measure.complete) {
            (Some(found), true) => format!("= {}", found.text.bold()),
            _ if result.verdict == Verdict::Proved && measure.is_close() => format!("= {}", finding(result).bold()),
            (None, true) if result.verdict == Verdict::Proved => result.detail.trim_end_matches('.').to_owned(),
            _ => format!("{}: {}", result.verdict.name().style(style), after_a_word(&result.detail)),
        };
        return format!("{} {what}", sign.style(style));
    }
    let expected = result.expected.name();
    let word = result.verdict.name();
    let what = match result.verdict {
        _ if result.as_expected && matches!(result.expected, Expectation::Proved | Expectation::Decided) => {
            word.style(style).to_string()
        }
        _ if result.as_expected => format!("{word}, as expected").style(style).to_string(),
        verdict if verdict.is_decided() && !matches!(result.expected, Expectation::Proved | Expectation::Decided) => {
            format!("{}, although `#[expect({expected})]` says otherwise", word.style(style))
        }
        Verdict::Violated => word.style(style).to_string(),
        _ => format!("{}: {}", word.style(style), after_a_word(&result.detail)),
    };
    format!("{} {what}", sign.style(style))
}

/// A sentence as it goes on after a word and a colon: names such as `Z3` stay as they are.
fn after_a_word(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut rest = sentence.chars();
    match (rest.next(), rest.clone().next()) {
        (Some(first), Some(' ' | 'a'..='z')) => first.to_lowercase().chain(rest).collect(),
        _ => sentence.to_owned(),
    }
}

/// The last line.
pub fn last(results: &[Arc<InstanceResult>], total: &Total, time: Duration, cancelled: bool) -> String {
    let lead = match total.standing() {
        Standing::Error | Standing::Unexpected => total.lead().red().bold().to_string(),
        Standing::Open | Standing::Nothing => total.lead().yellow().bold().to_string(),
        Standing::Expected => total.lead().green().bold().to_string(),
    };
    let remembered = results.iter().filter(|r| r.cached && !r.is_unchecked()).count();
    let [remembered, unchecked] = [(remembered, "remembered"), (total.unchecked, UNCHECKED)]
        .map(|(n, what)| if n > 0 { format!(", {} {what}", thousands(n)) } else { String::new() });
    let cells = [
        format!("{lead}: {}", tally(results, cancelled)),
        format!("{} in {}{remembered}{unchecked}", plural(results.len(), "instance", "instances"), duration(time))
            .dimmed()
            .to_string(),
    ];
    flow("", &cells, super::output::width())
}
