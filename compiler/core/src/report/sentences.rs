//! Words: what a proof rests on, a counterexample in a line and in full, what verdicts come to, counts and times.

use super::image::{panels, picture_size};
use super::model::{Counts, Ground, Property, Report, Reversal};
use super::terminal_picture::{Ink, side_by_side};
use crate::check::spec::{Expectation, Smallness};
pub use crate::files::spelling::duration;
use crate::files::spelling::{grouped, size};
use crate::verify::verdict::{
    CallValue, Counterexample, Kind, Layout, Number, Numbers, Outcome, Output, Smallest, VariableValue,
};
use crate::verify::{InstanceResult, Verdict};
use qnn_engine::Trust;
use qnn_proof::MAX_CERTIFICATE_BYTES;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The most numbers that are written out.
const MOST_NUMBERS: usize = 24;

/// Seconds as [`duration`] shows them; a budget may be any number of seconds.
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A counterexample in a line.
pub fn counterexample_line(counterexample: &Counterexample) -> String {
    let variables = counterexample.variables.iter().map(variable_line);
    let calls = counterexample.calls.iter().map(call_line);
    let smallest = counterexample.smallest.as_ref().map(smallest_line);
    variables.chain(calls).chain(smallest).collect::<Vec<_>>().join("; ")
}

/// How small a counterexample is: `3 elements changed, proved the fewest`.
pub fn smallest_line(smallest: &Smallest) -> String {
    let size = smallest.size.unsigned_abs() as usize;
    match (smallest.goal, smallest.proved) {
        (Smallness::Fewest, true) => format!("{} changed, proved the fewest", plural(size, "element", "elements")),
        (Smallness::Fewest, false) => format!("{} changed; fewer not excluded", plural(size, "element", "elements")),
        (Smallness::Least, true) => format!("changed by at most {} lsb, proved the least", thousands(size)),
        (Smallness::Least, false) => format!("changed by at most {} lsb; less not excluded", thousands(size)),
    }
}

/// A variable in a line: `x = [1, 2]`, `x differs from its centre in 3 of 64 numbers`.
pub fn variable_line(variable: &VariableValue) -> String {
    let count = variable.numbers.values.len();
    match &variable.center {
        Some(center) if count > 4 => {
            let changed = center.difference.iter().filter(|d| **d != 0).count();
            let most = center.difference.iter().map(|d| d.unsigned_abs()).max().unwrap_or(0);
            format!("{} differs from its centre in {changed} of {count} numbers, by at most {most} lsb", variable.name)
        }
        _ => format!("{} = {}", variable.name, numbers(&variable.numbers)),
    }
}

/// A call in a line: `digits<4>(x): argmax 8 → argmax 3`.
pub fn call_line(call: &CallValue) -> String {
    let show = |output: &Output| match argmax(&call.layout, output).filter(|_| call.asks_argmax) {
        Some(class) => format!("argmax {class}"),
        None => numbers(&output.numbers),
    };
    let now = show(&call.output);
    let wrong = match label(call) {
        Some(label) if call.wrong_before => format!("; {label}"),
        _ => String::new(),
    };
    match &call.center {
        Some(before) => format!("{}: {} → {now}{wrong}", call.text, show(before)),
        None => format!("{}: {now}{wrong}", call.text),
    }
}

/// The most entries that are named beside the first greatest one.
const MOST_TIES: usize = 3;

/// The first greatest entry, with those that are as great: `3 (tied with 5)`. `None` for a single number.
pub fn argmax(layout: &Layout, output: &Output) -> Option<String> {
    let names = |index: &usize| layout.entry(*index);
    Some(tied(output.argmax?, &output.ties, names))
}

/// A class, with the others that are as great.
pub fn tied(class: usize, ties: &[usize], name: impl Fn(&usize) -> String) -> String {
    let others: Vec<&usize> = ties.iter().filter(|other| **other != class).collect();
    let shown: Vec<String> = others.iter().take(MOST_TIES).map(|other| name(other)).collect();
    let class = name(&class);
    match (shown.as_slice(), others.len().saturating_sub(MOST_TIES)) {
        ([], _) => class,
        (shown, 0) => format!("{class} (tied with {})", and(shown)),
        (shown, more) => format!("{class} (tied with {} and {more} more)", shown.join(", ")),
    }
}

/// What the property wants a call's argmax to be, and whether the centre's already is not: `label 7, wrong before any change`.
pub fn label(call: &CallValue) -> Option<String> {
    let label = call.label.as_ref()?;
    let wanted = if label.excluded { "must not be" } else { "label" };
    let wrong = if call.wrong_before { ", wrong before any change" } else { "" };
    Some(format!("{wanted} {}{wrong}", label.text))
}

fn numbers(numbers: &Numbers) -> String {
    match numbers.values.as_slice() {
        [only] => only.clone(),
        values if values.len() <= MOST_NUMBERS => format!("[{}]", values.join(", ")),
        values => format!("[{}, … {} numbers]", values[..6].join(", "), values.len()),
    }
}

/// A counterexample in full, as plain text: images as pictures of characters, raw integers beside values.
pub fn counterexample_text(counterexample: &Counterexample) -> String {
    let mut text = String::new();
    for variable in &counterexample.variables {
        let format = variable.layout.format.as_deref().unwrap_or("exact");
        let shape: Vec<String> = variable.layout.shape.iter().map(ToString::to_string).collect();
        let shape = if shape.is_empty() { String::new() } else { format!("[{}]", shape.join(", ")) };
        let _ = writeln!(text, "{}: {format}{shape}", variable.name);
        if picture_size(&variable.layout).is_some() {
            text.push_str(&side_by_side(&panels(variable), Ink::Plain));
        }
        table(&mut text, variable);
        text.push('\n');
    }
    for call in &counterexample.calls {
        let format = call.layout.format.as_deref().unwrap_or("exact");
        let _ = writeln!(text, "{}  ({} -> {format})", call_line(call), call.network);
        if let Some(label) = label(call).filter(|_| !call.wrong_before) {
            let _ = writeln!(text, "  {label}");
        }
        let count = call.output.numbers.values.len();
        for index in 0..count.min(64) {
            let now = pair(&call.output.numbers, index);
            let before = call.center.as_ref().map(|center| pair(&center.numbers, index));
            let star = if greatest(&call.output, index) { " *" } else { "" };
            let name = if count == 1 { String::new() } else { call.layout.entry(index) };
            match before {
                Some(before) => _ = writeln!(text, "  {name:>12}  {before} → {now}{star}"),
                None => _ = writeln!(text, "  {name:>12}  {now}{star}"),
            }
        }
        text.push('\n');
    }
    text
}

/// Whether an element of a vector is the greatest, or one of them.
pub fn greatest(output: &Output, index: usize) -> bool {
    output.argmax == Some(index) || output.ties.contains(&index)
}

/// `0.5 (raw 8)`.
fn pair(numbers: &Numbers, index: usize) -> String {
    let value = numbers.values.get(index).map_or("", String::as_str);
    match numbers.raw.get(index) {
        Some(raw) => format!("{value} (raw {raw})"),
        None => value.to_owned(),
    }
}

/// The elements of a variable that differ from the centre's, or the first of all.
fn table(text: &mut String, variable: &VariableValue) {
    let count = variable.numbers.values.len();
    let wanted: Vec<usize> = match &variable.center {
        Some(center) => (0..count).filter(|i| center.difference.get(*i).is_some_and(|d| *d != 0)).collect(),
        None => (0..count).collect(),
    };
    for index in wanted.iter().take(MOST_NUMBERS) {
        let place = place(&variable.layout, *index);
        let now = pair(&variable.numbers, *index);
        match &variable.center {
            Some(center) => _ = writeln!(text, "  {}{place}: {} → {now}", variable.name, pair(&center.numbers, *index)),
            None => _ = writeln!(text, "  {}{place}: {now}", variable.name),
        }
    }
    if wanted.len() > MOST_NUMBERS {
        let _ = writeln!(text, "  … and {} more", wanted.len() - MOST_NUMBERS);
    }
}

/// An element's indices: `[2, 3]`, `[gender]`, nothing for a number.
pub(super) fn place(layout: &Layout, mut element: usize) -> String {
    let mut places: Vec<String> = Vec::new();
    for (axis, size) in layout.shape.iter().enumerate().rev() {
        let size = (*size).max(1);
        let index = element % size;
        element /= size;
        let names = layout.labels.get(axis).and_then(Option::as_ref);
        places.push(names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string()));
    }
    places.reverse();
    if places.is_empty() { String::new() } else { format!("[{}]", places.join(", ")) }
}

/// `a`, `a and b`, `a, b and c`.
pub fn and(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The text as a sentence begins.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The kind of a verdict and its sign: good is what is expected.
pub fn sign(verdict: Verdict, as_expected: bool) -> (&'static str, &'static str) {
    match Outcome::of(verdict, as_expected) {
        Outcome::Open => ("open", "?"),
        Outcome::Error => ("bad", "!"),
        Outcome::Unexpected => ("bad", "✗"),
        Outcome::Expected => match verdict {
            Verdict::Found => ("good", "●"),
            Verdict::None => ("good", "○"),
            _ => ("good", "✓"),
        },
    }
}

/// A share in per cent with so many digits after the point: what is rounded is marked, and is 0 or 100 only where the share is.
pub fn percent(part: usize, of: usize, decimals: usize) -> String {
    let (part, of) = (part as u128, of.max(1) as u128);
    let unit = 10u128.pow(u32::try_from(decimals).unwrap_or(0));
    let (steps, rest) = (100 * unit * part / of, 100 * unit * part % of);
    let (mark, steps) = match rest {
        0 => ("", steps),
        _ => ("≈", (steps + u128::from(2 * rest >= of)).clamp(1, (100 * unit).saturating_sub(1))),
    };
    match steps % unit {
        0 if rest == 0 || decimals == 0 => format!("{mark}{} %", steps / unit),
        fraction => format!("{mark}{}.{fraction:0decimals$} %", steps / unit),
    }
}

/// «1 property», «3 properties».
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// `1,234,567`.
pub fn thousands(count: usize) -> String {
    grouped(count as u64)
}

/// Bits and what they are in bytes: `12,345 bits (1.5 KiB)`.
pub fn bits(count: usize) -> String {
    format!("{} ({})", plural(count, "bit", "bits"), size(count.div_ceil(8) as u64))
}

/// What a property's verdicts come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Something is broken or wrong.
    Error,
    /// A final verdict is not the expected one.
    Unexpected,
    /// Something is undecided.
    Open,
    /// All is as expected.
    Expected,
    /// There is nothing to say.
    Nothing,
}

impl Standing {
    /// That of some verdicts.
    pub fn of(counts: &Counts) -> Standing {
        match counts {
            counts if counts.error > 0 => Standing::Error,
            counts if counts.unexpected > 0 => Standing::Unexpected,
            counts if counts.open() > 0 => Standing::Open,
            counts if counts.total() > 0 => Standing::Expected,
            _ => Standing::Nothing,
        }
    }

    /// Of a property, in words.
    pub fn words(self, property: &Property) -> &'static str {
        match (self, property.kind, property.expected) {
            (Standing::Error, ..) => "in error",
            (Standing::Unexpected, Kind::Property, Expectation::Proved) => "does not hold",
            (Standing::Unexpected, ..) => "not as expected",
            (Standing::Open, ..) => "undecided",
            (Standing::Expected, Kind::Property, Expectation::Proved) => "holds",
            (Standing::Expected, Kind::Property, Expectation::Violated) => "violated, as expected",
            (Standing::Expected, Kind::Property, Expectation::Vacuous) => "vacuous, as expected",
            (Standing::Expected, Kind::Find, Expectation::Found) => "found, as expected",
            (Standing::Expected, Kind::Find, Expectation::None) => "none, as expected",
            (Standing::Expected, Kind::Find, Expectation::Vacuous) => "vacuous, as expected",
            (Standing::Expected, Kind::Find, _) => "decided",
            (Standing::Expected, ..) => "measured",
            (Standing::Nothing, ..) => "no instances",
        }
    }
}

/// What may stand beside a verdict that rests on somebody's word, as the store says.
pub const UNCHECKED: &str = "remembered and not checked again";

/// What a run comes to. Its words go with the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The verdicts.
    pub counts: Counts,
    /// How many of those that are proved are measures, which are not proved but known.
    pub measured: usize,
    /// How many verdicts are [`UNCHECKED`].
    pub unchecked: usize,
    /// How many properties and measures have no instances.
    pub empty: usize,
    /// How many specs are in error, so that nothing of them was verified.
    pub broken: usize,
}

impl Total {
    /// That of some results.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a InstanceResult>) -> Total {
        let mut total = Total::default();
        for result in results {
            total.counts.count(result);
            total.measured += usize::from(result.kind.is_measure() && result.verdict == Verdict::Proved);
            total.unchecked += usize::from(result.is_unchecked());
        }
        total
    }

    /// That of a report.
    pub fn of_report(report: &Report) -> Total {
        let specs = &report.specs;
        Total {
            empty: specs.iter().map(|spec| spec.empty.len()).sum(),
            broken: specs.iter().filter(|spec| spec.is_broken()).count(),
            ..Total::of(specs.iter().flat_map(|spec| &spec.results).map(Arc::as_ref))
        }
    }

    /// What it is in one word.
    pub fn standing(&self) -> Standing {
        match Standing::of(&self.counts) {
            _ if self.broken > 0 => Standing::Error,
            Standing::Expected if self.empty > 0 => Standing::Open,
            standing => standing,
        }
    }

    /// `all as expected`, or `2 are not as expected, 1 is undecided`.
    pub fn lead(&self) -> String {
        let Total { counts, empty, broken, .. } = self;
        let are = |count: &usize, what: &str| {
            format!("{} {} {what}", thousands(*count), if *count == 1 { "is" } else { "are" })
        };
        let all = [(counts.error, "in error"), (counts.unexpected, "not as expected"), (counts.open(), "undecided")];
        let mut list: Vec<String> =
            all.iter().filter(|(count, _)| *count > 0).map(|(count, what)| are(count, what)).collect();
        if *broken > 0 {
            list.insert(0, format!("{} in error", plural(*broken, "spec is", "specs are")));
        }
        if counts.total() == 0 {
            list.push("nothing to verify".to_owned());
        } else if *empty > 0 {
            list.push(format!("{} no instances", plural(*empty, "has", "have")));
        }
        if list.is_empty() { "all as expected".to_owned() } else { list.join(", ") }
    }

    /// The verdicts with their counts: `48 proved, 3 measured, 2 violated`.
    pub fn tally(&self) -> String {
        let mut list = Vec::new();
        for (verdict, count) in self.counts.each() {
            let measured = if verdict == Verdict::Proved { self.measured } else { 0 };
            let parts = [(count - measured, verdict.name()), (measured, "measured")];
            list.extend(parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", thousands(*n))));
        }
        if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
    }

    /// How many verdicts are [`UNCHECKED`], in a sentence; `None` if none is.
    pub fn unchecked(&self) -> Option<String> {
        let count = plural(self.unchecked, "verdict is", "verdicts are");
        (self.unchecked > 0).then(|| format!("{count} {UNCHECKED}: `--no-cache` decides anew"))
    }
}

/// What answers rest on, each in a few words.
pub fn grounds(ground: &Ground) -> Vec<String> {
    let mut list = Vec::new();
    if ground.certificates > 0 {
        let steps = plural(ground.steps, "step", "steps");
        let count = plural(ground.certificates, "certificate", "certificates");
        let gone = match ground.too_large {
            0 => String::new(),
            count => {
                format!("; {} too large to be kept, over {} MiB as JSON", thousands(count), MAX_CERTIFICATE_BYTES >> 20)
            }
        };
        list.push(format!("{count} of {steps} in all, accepted by the checker ({}{gone})", size(ground.bytes as u64)));
    }
    if ground.inputs > 0 {
        let count = plural(ground.inputs, "input", "inputs");
        list.push(format!("{count} run through the reference interpreter"));
    }
    if ground.interval > 0 {
        list.push(format!("{} by exact interval arithmetic", plural(ground.interval, "proof", "proofs")));
    }
    for (name, count) in &ground.solver {
        list.push(format!("{} on the word of {name}", plural(*count, "proof", "proofs")));
    }
    list
}

/// A reversal in a sentence.
pub fn reversal(reversal: &Reversal) -> String {
    let Reversal { axis, given, from, to, better, worse } = reversal;
    let given = if given.is_empty() { String::new() } else { format!("{given}: ") };
    format!("{given}{better} with {axis} = {from}, {worse} with {axis} = {to}")
}

/// What a result says beside its verdict, in a few words: a measure's value, a counterexample, why it is open.
pub fn finding(result: &InstanceResult) -> String {
    if let Some(measure) = &result.measure {
        let text = |number: &Option<Number>| number.as_ref().map_or_else(|| "?".to_owned(), |n| n.text.clone());
        return match (result.kind, measure.complete) {
            _ if result.verdict == Verdict::Vacuous => "no input meets the assumptions".to_owned(),
            (Kind::Largest, true) if measure.found.is_none() => "holds for none".to_owned(),
            (_, true) => text(&measure.found),
            (kind, false) => {
                let ends = (text(&measure.found), text(&measure.bound));
                let (least, greatest) = if kind == Kind::Minimize { (ends.1, ends.0) } else { ends };
                let within = measure.within.as_ref().filter(|_| measure.is_close());
                let within = within.map(|width| format!(" (within {})", width.text)).unwrap_or_default();
                format!("{least} to {greatest}{within}")
            }
        };
    }
    match (&result.counterexample, result.verdict) {
        (Some(counterexample), _) => {
            let smallest = counterexample.smallest.as_ref().map(smallest_line);
            counterexample.calls.iter().map(call_line).chain(smallest).collect::<Vec<_>>().join("; ")
        }
        (None, Verdict::Proved | Verdict::None) => result.trust.as_ref().map(Trust::to_string).unwrap_or_default(),
        _ => result.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_or_marked() {
        let shown = [(1, 2), (1, 3), (2, 3), (1, 8), (99_999, 100_000), (1, 100_000), (0, 7), (7, 7), (0, 0)]
            .map(|(part, of)| (percent(part, of, 1), percent(part, of, 0)));
        let wanted = [
            ("50 %", "50 %"),
            ("≈33.3 %", "≈33 %"),
            ("≈66.7 %", "≈67 %"),
            ("12.5 %", "≈13 %"),
            ("≈99.9 %", "≈99 %"),
            ("≈0.1 %", "≈1 %"),
            ("0 %", "0 %"),
            ("100 %", "100 %"),
            ("0 %", "0 %"),
        ];
        assert_eq!(shown, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn the_words_of_a_total_go_with_the_exit_code() {
        let counts = Counts { proved: 128, violated: 2, ..Counts::default() };
        let total = Total { counts, measured: 40, ..Total::default() };
        assert_eq!(
            (total.lead().as_str(), total.tally().as_str()),
            ("all as expected", "88 proved, 40 measured, 2 violated")
        );
        for (total, standing, lead) in [
            (Total { empty: 1, ..total }, Standing::Open, "1 has no instances"),
            (Total { broken: 2, ..total }, Standing::Error, "2 specs are in error"),
            (Total { broken: 1, ..Total::default() }, Standing::Error, "1 spec is in error, nothing to verify"),
            (Total::default(), Standing::Nothing, "nothing to verify"),
            (
                Total { counts: Counts { unexpected: 2, timeout: 1, ..counts }, empty: 3, ..total },
                Standing::Unexpected,
                "2 are not as expected, 1 is undecided, 3 have no instances",
            ),
        ] {
            assert_eq!((total.standing(), total.lead().as_str()), (standing, lead));
        }
    }

    #[test]
    fn long_counts_have_commas() {
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
