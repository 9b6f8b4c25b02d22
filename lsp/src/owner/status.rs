//! What is told of verification: statuses and the diagnostics of verdicts.

use super::documents::Document;
use super::instances::Instance;
use super::state::Owner;
use crate::convert::{Encoding, Lines};
use crate::protocol::{
    CounterexampleStatus, Counts, InstanceStatus, MOST_COUNTEREXAMPLES, MOST_NUMBERS, MeasureStatus, Mood, Progress,
    PropertyStatus, State, Status, TrustStatus, VERSION,
};
use crate::publisher::Message;
use qnn::check::spec::Expectation;
use qnn::ide::{Property, call_line, duration, variable_line};
use qnn::verify::{InstanceResult, Job, Verdict};
use std::path::Path;
use std::time::{Duration, Instant};
use tower_lsp::lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Url,
};

/// The least time between two refreshes of inlay hints for what is running.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// The instances that a diagnostic names.
const MOST_NAMED: usize = 5;

impl Document {
    /// How an instance stands.
    fn state(&self, property: &Property, job: &Job) -> State {
        let Some(instance) = self.instances.get(&job.name) else { return State::Unverified };
        if let Some(activity) = &instance.activity {
            return if activity.since.is_some() { State::Running } else { State::Queued };
        }
        if instance.failure.is_some() {
            return State::Error;
        }
        match &instance.held {
            Some(held) if held.fingerprint == property.fingerprint => held.result.verdict.into(),
            _ if instance.cancelled.is_some() => State::Unknown,
            Some(_) => State::Stale,
            None => State::Unverified,
        }
    }

    /// What is told of an instance as far as a change of the text can change it.
    pub fn told(&self, property: &Property, job: &Job) -> (String, State, Expectation, Duration) {
        (job.name.clone(), self.state(property, job), property.expected, job.budget)
    }

    /// The result that is of the text as it is.
    fn current(&self, property: &Property, job: &Job) -> Option<&InstanceResult> {
        let instance = self.instances.get(&job.name)?;
        let held = instance.held.as_ref().filter(|held| held.fingerprint == property.fingerprint)?;
        instance.activity.is_none().then_some(&*held.result)
    }

    /// Whether the verdict is the expected one; `None` if there is no verdict of the text as it is.
    fn as_expected(&self, property: &Property, job: &Job) -> Option<bool> {
        let instance = self.instances.get(&job.name).filter(|instance| instance.activity.is_none())?;
        match &instance.failure {
            Some(_) => Some(false),
            None if instance.is_stopped() => None,
            None => self.current(property, job).map(|result| result.verdict.is(property.expected)),
        }
    }

    /// How a property stands.
    fn mood(&self, property: &Property) -> Mood {
        let instance = |job: &Job| Mood::of(self.state(property, job), self.as_expected(property, job));
        if property.broken { Mood::Error } else { Mood::of_all(property.jobs.iter().map(instance)) }
    }

    fn instance_status(&self, property: &Property, job: &Job, counterexamples: &mut usize) -> InstanceStatus {
        let nothing = Instance::default();
        let instance = self.instances.get(&job.name).unwrap_or(&nothing);
        let state = self.state(property, job);
        let held = instance.held.as_ref();
        let result = held.map(|held| &*held.result);
        let is_final = self.current(property, job).is_some();
        let cancelled = instance.cancelled.is_some();
        let as_expected = self.as_expected(property, job);
        let progress = instance.activity.as_ref().and_then(|activity| activity.told(property.kind, job.budget));
        let detail = match (state, result) {
            (State::Running, _) => progress.as_ref().map_or_else(|| "Running.".to_owned(), Progress::sentence),
            (State::Queued, _) => match progress.as_ref().and_then(|progress| progress.text.as_ref()) {
                Some(known) => format!("Waiting for its next turn: {known}."),
                None => "Waiting for its turn.".to_owned(),
            },
            (State::Unverified, _) => "Not verified yet.".to_owned(),
            (State::Error, _) if instance.failure.is_some() => {
                instance.failure.as_ref().map(|(_, why)| why.clone()).unwrap_or_default()
            }
            (State::Unknown, _) if !is_final => "Cancelled before it was decided.".to_owned(),
            (State::Stale, Some(result)) => format!("Of an earlier text: {}", result.detail),
            (_, Some(result)) => result.detail.clone(),
            (_, None) => String::new(),
        };
        let counterexample = held.and_then(|held| held.counterexample()).filter(|_| is_final);
        let attached = counterexample
            .filter(|c| *counterexamples < MOST_COUNTEREXAMPLES && CounterexampleStatus::size(c) <= MOST_NUMBERS);
        *counterexamples += usize::from(attached.is_some());
        let time = result.map_or(Duration::ZERO, |r| r.time);
        InstanceStatus {
            name: job.name.clone(),
            parameters: job.parameters.clone(),
            state,
            mood: Mood::of(state, as_expected),
            verdict: result.map(|r| r.verdict),
            expected: property.expected,
            as_expected,
            cancelled,
            run: instance.run,
            detail,
            engine: result.and_then(|r| r.engine.clone()),
            trust: result.and_then(|r| r.trust.as_ref()).map(TrustStatus::from),
            time: time.as_secs_f64(),
            time_text: duration(time),
            budget: job.budget.as_secs_f64(),
            cached: result.is_some_and(|r| r.cached),
            key: result.and_then(|r| r.key.clone()),
            progress: progress.clone(),
            measure: result
                .filter(|_| is_final)
                .and_then(|r| r.measure.as_ref())
                .map(|measure| MeasureStatus::new(property.kind, measure)),
            has_counterexample: counterexample.is_some(),
            counterexample: attached.map(CounterexampleStatus::from),
        }
    }

    /// A property's counts: they are what is left of it when its instances are not told.
    fn counts(&self, property: &Property) -> Counts {
        let mut counts = Counts::default();
        for job in &property.jobs {
            let (state, as_expected) = (self.state(property, job), self.as_expected(property, job));
            *counts.of(state) += 1;
            counts.cancelled += usize::from(state == State::Unknown && as_expected.is_none());
            counts.verdicts.unexpected += usize::from(Mood::of(state, as_expected) == Mood::Failed);
        }
        counts
    }

    fn property_status(
        &self,
        property: &Property,
        lines: &Lines<'_>,
        wanted: impl Fn(&Job) -> bool,
        counterexamples: &mut usize,
    ) -> PropertyStatus {
        let counts = self.counts(property);
        // By what is expected: a proof of what should fail is as urgent as a violation.
        let state = |job: &Job| match (self.state(property, job), self.as_expected(property, job)) {
            (state @ (State::Found | State::None), Some(true)) => state,
            (_, Some(true)) => State::Proved,
            (State::Proved | State::Found | State::None, Some(false)) => State::Violated,
            (state, _) => state,
        };
        let urgent = property.jobs.iter().map(state).min();
        let urgent = if property.broken { State::Error } else { urgent.unwrap_or(State::Unverified) };
        let time: Duration = property.jobs.iter().filter_map(|job| self.current(property, job)).map(|r| r.time).sum();
        let detail = match (property.broken, property.family, property.jobs.as_slice()) {
            (true, ..) => "It can't be parsed.".to_owned(),
            (_, false, [only]) => self.instance_status(property, only, &mut MOST_COUNTEREXAMPLES.clone()).detail,
            (_, true, []) => "It has no instance.".to_owned(),
            _ => counts.words(),
        };
        PropertyStatus {
            name: property.name.to_string(),
            kind: property.kind,
            range: lines.range(property.name_span),
            item_range: lines.range(property.span),
            state: urgent,
            mood: self.mood(property),
            family: property.family,
            expected: property.expected,
            counts,
            time: time.as_secs_f64(),
            detail,
            instances: property
                .jobs
                .iter()
                .filter(|job| wanted(job))
                .map(|job| self.instance_status(property, job, counterexamples))
                .collect(),
        }
    }

    /// What is known of it: everything, or what has changed.
    pub(super) fn status(&self, complete: bool, sequence: u64, encoding: Encoding) -> Status {
        let lines = Lines::new(&self.analysed_text, encoding);
        let mut counterexamples = 0;
        let mut counts = Counts::default();
        let mut properties = Vec::new();
        for property in &self.properties {
            counts.add(&self.counts(property));
            let wanted = |job: &Job| complete || self.news.contains(&job.name);
            if complete || self.moved || property.jobs.iter().any(wanted) {
                properties.push(self.property_status(property, &lines, wanted, &mut counterexamples));
            }
        }
        let wrong = self.diagnostics.iter().any(|d| d.severity == Some(DiagnosticSeverity::ERROR));
        Status {
            version: VERSION,
            uri: self.uri.clone(),
            document_version: self.analysed_version,
            sequence,
            complete,
            active: counts.queued + counts.running > 0,
            mood: Mood::of_all(self.properties.iter().map(|p| self.mood(p)).chain(wrong.then_some(Mood::Error))),
            counts,
            properties,
        }
    }

    /// Verdicts that are not as expected, as diagnostics at the names of their properties.
    fn verdicts(&self, encoding: Encoding) -> Vec<Diagnostic> {
        let lines = Lines::new(&self.analysed_text, encoding);
        let mut all = Vec::new();
        for property in &self.properties {
            let said = property.jobs.iter().filter(|job| self.as_expected(property, job).is_some());
            let current: Vec<&InstanceResult> = said.filter_map(|job| self.current(property, job)).collect();
            let count = property.jobs.len();
            for verdict in [
                Verdict::Violated,
                Verdict::Vacuous,
                Verdict::Timeout,
                Verdict::Unknown,
                Verdict::Error,
                Verdict::Proved,
                Verdict::Found,
                Verdict::None,
            ] {
                if verdict.is(property.expected) {
                    continue;
                }
                let found: Vec<&InstanceResult> = current.iter().copied().filter(|r| r.verdict == verdict).collect();
                // What the compiler says of a wrong spec stands there already.
                let found: Vec<&InstanceResult> =
                    found.into_iter().filter(|r| r.fault != Some(qnn::verify::verdict::Fault::Spec)).collect();
                if let Some(first) = found.first() {
                    all.push(self.verdict(property, &lines, verdict, first, &found, count));
                }
            }
            for (name, why) in property
                .jobs
                .iter()
                .filter_map(|job| self.instances.get(&job.name)?.failure.as_ref().map(|(_, why)| (&job.name, why)))
            {
                all.push(Diagnostic {
                    range: lines.range(property.name_span),
                    severity: Some(DiagnosticSeverity::ERROR),
                    code: Some(NumberOrString::String("error".to_owned())),
                    source: Some("qnn verify".to_owned()),
                    message: format!("`{name}`: {why}"),
                    ..Diagnostic::default()
                });
            }
        }
        all
    }

    fn verdict(
        &self,
        property: &Property,
        lines: &Lines<'_>,
        verdict: Verdict,
        first: &InstanceResult,
        found: &[&InstanceResult],
        count: usize,
    ) -> Diagnostic {
        let words = match verdict {
            Verdict::Violated => "is violated",
            Verdict::Vacuous => "is vacuous: no input meets its assumptions",
            Verdict::Timeout => "timed out",
            Verdict::Unknown => "is undecided",
            Verdict::Error => "could not be decided",
            Verdict::Proved => "is proved, though it is expected to fail",
            Verdict::Found => "finds something, though nothing is expected",
            Verdict::None => "finds nothing, though something is expected",
        };
        let mut message = match property.family {
            false => format!("`{}` {words}", property.name),
            true => format!("`{}` {words} for {} of {count} instances", property.name, found.len()),
        };
        if property.family {
            let named: Vec<&str> = found.iter().take(MOST_NAMED).map(|r| r.name.as_str()).collect();
            message.push_str(&format!(": {}", named.join(", ")));
            if found.len() > MOST_NAMED {
                message.push_str(", …");
            }
        }
        message.push_str(&format!("\n{}", first.detail));
        let mut related = Vec::new();
        if let Some(counterexample) = &first.counterexample {
            let mut say = |text: &str, line: String| {
                let span = property.anchors.iter().find(|(known, _)| known == text).map(|(_, span)| *span);
                related.push(DiagnosticRelatedInformation {
                    location: Location {
                        uri: self.uri.clone(),
                        range: lines.range(span.unwrap_or(property.name_span)),
                    },
                    message: match property.family {
                        true => format!("{}: {line}", first.name),
                        false => line,
                    },
                });
            };
            counterexample.variables.iter().for_each(|variable| say(&variable.name, variable_line(variable)));
            counterexample.calls.iter().for_each(|call| say(&call.text, call_line(call)));
        }
        let severity = match verdict {
            Verdict::Violated | Verdict::Error | Verdict::Proved | Verdict::Found | Verdict::None => {
                DiagnosticSeverity::ERROR
            }
            Verdict::Vacuous => DiagnosticSeverity::WARNING,
            Verdict::Timeout | Verdict::Unknown => DiagnosticSeverity::INFORMATION,
        };
        Diagnostic {
            range: lines.range(property.name_span),
            severity: Some(severity),
            code: Some(NumberOrString::String(verdict.name().to_owned())),
            source: Some("qnn verify".to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            ..Diagnostic::default()
        }
    }
}

impl Owner {
    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Everything about an open document.
    pub(super) fn status_of(&mut self, path: &Path) -> Option<Status> {
        let sequence = self.next_sequence();
        Some(self.documents.get(path)?.status(true, sequence, self.setup.encoding))
    }

    /// What is said of a document that is closed.
    pub(super) fn empty_status(&mut self, uri: Url) -> Status {
        Status {
            version: VERSION,
            uri,
            document_version: None,
            sequence: self.next_sequence(),
            complete: true,
            active: false,
            mood: Mood::None,
            counts: Counts::default(),
            properties: Vec::new(),
        }
    }

    /// Tells what is new, of all documents.
    pub(super) fn flush(&mut self) {
        let paths: Vec<_> = self.documents.iter().filter(|(_, d)| d.has_news()).map(|(path, _)| path.clone()).collect();
        if !paths.is_empty() {
            self.flushed = Instant::now();
        }
        for path in &paths {
            let sequence = self.next_sequence();
            let Some(document) = self.documents.get_mut(path) else { continue };
            let status = document.status(document.all_news, sequence, self.setup.encoding);
            document.news.clear();
            document.all_news = false;
            document.moved = false;
            self.say(Message::Status(Box::new(status)));
            self.publish_diagnostics(path);
        }
        if self.refresh && (!paths.is_empty() || self.queue.is_idle()) {
            (self.refresh, self.refresh_hints) = (false, false);
            self.say(Message::Refresh);
        }
        if self.refresh_hints && self.ticked.elapsed() >= TICK {
            (self.refresh_hints, self.ticked) = (false, Instant::now());
            self.say(Message::RefreshHints);
        }
    }

    /// Publishes a document's diagnostics: the compiler's and those of verdicts.
    pub(super) fn publish_diagnostics(&mut self, path: &Path) {
        let encoding = self.setup.encoding;
        let with_verdicts = self.settings.diagnostics.verdicts;
        let Some(document) = self.documents.get_mut(path).filter(|d| d.is_analysed()) else { return };
        let mut all = document.diagnostics.clone();
        if with_verdicts {
            all.extend(document.verdicts(encoding));
        }
        let version = document.analysed_version;
        if document.published.as_ref() == Some(&(version, all.clone())) {
            return;
        }
        document.published = Some((version, all.clone()));
        let uri = document.uri.clone();
        self.say(Message::Diagnostics(uri, all, version));
    }
}
