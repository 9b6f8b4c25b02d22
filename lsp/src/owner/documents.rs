//! An open document: its text, what the analysis found, how its properties stand.

use super::instances::Instance;
use super::wanted::Request;
use crate::convert::{Encoding, Lines};
use crate::held_verdict::Held;
use crate::protocol::{CounterexampleStatus, Shown};
use qnn::db::SourceFile;
use qnn::ide::Property;
use qnn::verify::{InstanceResult, Job};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tower_lsp::lsp_types::{self as lsp, TextDocumentContentChangeEvent, Url};

/// An open document.
pub struct Document {
    pub uri: Url,
    pub version: i32,
    pub file: SourceFile,
    text: Arc<str>,
    /// What the disk has since its file changed there, until the client has it too.
    disk: Option<Arc<str>>,
    /// The specs that it uses, and those that they use.
    pub uses: HashSet<PathBuf>,
    /// The compiler's diagnostics.
    pub diagnostics: Vec<lsp::Diagnostic>,
    pub properties: Vec<Property>,
    /// The text that the two above are of, with its version and the generation of the database.
    pub analysed_text: Arc<str>,
    pub analysed_version: Option<i32>,
    pub analysed_generation: u64,
    pub instances: HashMap<String, Instance>,
    /// The property that is being edited.
    pub focus: Option<Arc<str>>,
    /// Verification that waits for the analysis.
    pub wanted: Vec<Request>,
    /// When `onChange` verifies.
    pub verify_at: Option<Instant>,
    /// Instances of which there is something to tell.
    pub news: HashSet<String>,
    /// Everything is to be told.
    pub all_news: bool,
    /// The same properties stand elsewhere, or are expected otherwise: they are to be told, but not all their instances.
    pub moved: bool,
    /// The diagnostics that were published last, with their version.
    pub published: Option<(Option<i32>, Vec<lsp::Diagnostic>)>,
}

impl Document {
    pub fn new(uri: Url, version: i32, file: SourceFile, text: Arc<str>) -> Document {
        Document {
            uri,
            version,
            file,
            text,
            disk: None,
            uses: HashSet::new(),
            diagnostics: Vec::new(),
            properties: Vec::new(),
            analysed_text: Arc::from(""),
            analysed_version: None,
            analysed_generation: 0,
            instances: HashMap::new(),
            focus: None,
            wanted: Vec::new(),
            verify_at: None,
            news: HashSet::new(),
            all_news: false,
            moved: false,
            published: None,
        }
    }

    /// Verdicts from when it was open before.
    pub fn restore(&mut self, held: HashMap<String, Held>) {
        for (name, held) in held {
            self.instances.insert(name, Instance { held: Some(held), ..Instance::default() });
        }
    }

    /// The verdicts, to be remembered while it is closed.
    pub fn into_held(self) -> HashMap<String, Held> {
        // What was cancelled is due again once it is opened again.
        let instances = self.instances.into_iter().filter(|(_, instance)| !instance.is_stopped());
        instances.filter_map(|(name, instance)| Some((name, instance.held?))).collect()
    }

    /// Refuses the requests for verification that wait.
    pub fn refuse(&self, why: &str) {
        for request in &self.wanted {
            if let Some(reply) = &request.reply {
                reply.refuse(why);
            }
        }
    }

    /// Applies changes in order and returns the new text.
    pub fn apply(
        &mut self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Arc<str> {
        let mut text = self.text.to_string();
        for change in changes {
            match change.range {
                None => text = change.text,
                Some(range) => {
                    let span = Lines::new(&text, encoding).span(range);
                    self.focus_on(span.start);
                    text.replace_range(span.start as usize..span.end as usize, &change.text);
                }
            }
        }
        self.version = version;
        self.text = text.into();
        self.text.clone()
    }

    /// Its file has this text on disk now. Says whether the document has it too.
    pub fn is_on_disk(&mut self, disk: Arc<str>) -> bool {
        self.disk = (self.text != disk).then_some(disk);
        self.disk.is_none()
    }

    /// Whether the document has just got the text that its file had got on disk.
    pub fn caught_up(&mut self) -> bool {
        self.disk.take_if(|disk| *disk == self.text).is_some()
    }

    /// The property at an offset is the one being edited.
    fn focus_on(&mut self, offset: u32) {
        let at = self.properties.iter().find(|p| p.span.start <= offset && offset <= p.span.end);
        if let Some(property) = at {
            self.focus = Some(property.name.clone());
        }
    }

    /// Takes over what an analysis found. Says which jobs are obsolete now, by their numbers and their runs'.
    pub fn take(
        &mut self,
        diagnostics: Vec<lsp::Diagnostic>,
        properties: Vec<Property>,
        uses: HashSet<PathBuf>,
        text: Arc<str>,
        generation: u64,
    ) -> Vec<(u64, u64)> {
        let first = self.analysed_version.is_none();
        let before: Vec<_> = self.jobs().map(|(property, job)| self.told(property, job)).collect();
        let names = |all: &[Property]| all.iter().map(|p| (p.name.clone(), p.kind, p.broken)).collect::<Vec<_>>();
        let same = names(&self.properties) == names(&properties);
        self.diagnostics = diagnostics;
        self.properties = properties;
        self.uses = uses;
        self.analysed_text = text;
        self.analysed_version = Some(self.version);
        self.analysed_generation = generation;
        let obsolete = self.reconcile();
        let after: Vec<_> = self.jobs().map(|(property, job)| self.told(property, job)).collect();
        if first || !same || before.len() != after.len() || before.iter().zip(&after).any(|(a, b)| a.0 != b.0) {
            self.all_news = true;
        } else {
            let changed = before.into_iter().zip(after).filter(|(a, b)| a != b);
            self.news.extend(changed.map(|(_, b)| b.0));
            self.moved = true;
        }
        obsolete
    }

    /// Whether the properties are of the text as it is.
    pub fn is_analysed(&self) -> bool {
        self.analysed_version == Some(self.version)
    }

    /// Whether they are so with all files as they are in this generation of the database.
    pub fn is_analysed_at(&self, generation: u64) -> bool {
        self.is_analysed() && self.analysed_generation == generation
    }

    pub fn has_news(&self) -> bool {
        (self.all_news || self.moved || !self.news.is_empty()) && self.is_analysed()
    }

    /// The properties' instances with the properties.
    pub fn jobs(&self) -> impl Iterator<Item = (&Property, &Job)> {
        self.properties.iter().flat_map(|property| property.jobs.iter().map(move |job| (property, job)))
    }

    /// Ends the jobs whose instance is gone or means something else now; returns their numbers and their runs'.
    fn reconcile(&mut self) -> Vec<(u64, u64)> {
        let now: HashMap<&str, &[u8; 32]> =
            self.properties.iter().flat_map(|p| p.jobs.iter().map(|job| (job.name.as_str(), &p.fingerprint))).collect();
        let mut obsolete = Vec::new();
        for (name, instance) in &mut self.instances {
            let means = now.get(name.as_str()).copied();
            if let Some(activity) = instance.activity.take_if(|activity| means != Some(&activity.fingerprint)) {
                obsolete.push((activity.id, activity.run));
            }
            instance.cancelled.take_if(|fingerprint| means != Some(&*fingerprint));
            instance.failure.take_if(|(fingerprint, _)| means != Some(&*fingerprint));
        }
        // What says nothing and is gone need not be kept.
        let known: HashSet<&str> = now.keys().copied().collect();
        self.instances.retain(|name, instance| known.contains(name.as_str()) || instance.held.is_some());
        obsolete
    }

    /// The results that are of the text as it is.
    pub fn current_results(&self) -> Vec<Arc<InstanceResult>> {
        let held = |(property, job): (&Property, &Job)| {
            let held = self.instances.get(&job.name)?.held.as_ref()?;
            (held.fingerprint == property.fingerprint).then(|| {
                // What is expected may have changed since.
                let mut result = (*held.result).clone();
                result.expected = property.expected;
                result.as_expected = result.verdict.is(property.expected);
                Arc::new(result)
            })
        };
        self.jobs().filter_map(held).collect()
    }

    /// The counterexample of an instance, or the first one of a property, or of all.
    pub fn shown(&self, instance: Option<&str>, property: Option<&str>) -> Option<Shown> {
        self.jobs().find_map(|(of, job)| {
            if instance.is_some_and(|name| name != job.name) || property.is_some_and(|name| name != &*of.name) {
                return None;
            }
            let held = self.instances.get(&job.name)?.held.as_ref()?;
            let counterexample = held.counterexample()?;
            let old = if held.fingerprint == of.fingerprint { "" } else { "Of an earlier text.\n" };
            let text = format!(
                "{}: {}\n{old}{}\n\n{}",
                job.name,
                held.result.verdict,
                held.result.detail,
                qnn::ide::counterexample_text(counterexample)
            );
            Some(Shown { instance: job.name.clone(), counterexample: CounterexampleStatus::from(counterexample), text })
        })
    }
}
