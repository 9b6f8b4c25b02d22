//! The analysis of documents: diagnostics, properties and jobs of a text, on a thread of its own.

use super::state::Owner;
use crate::answering::panic_text;
use crate::convert::{diagnostics, text};
use crate::event::{Analysed, Event};
use qnn::db::SourceFile;
use qnn::ide;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use tower_lsp::lsp_types as lsp;

impl Owner {
    /// Analyses all open documents on a thread of its own, the one that was changed last first.
    pub(super) fn analyse(&mut self) {
        let generation = self.generation;
        self.analysed = generation;
        self.analysing = true;
        let mut targets: Vec<(PathBuf, SourceFile, i32)> =
            self.documents.iter().map(|(path, d)| (path.clone(), d.file, d.version)).collect();
        targets.sort_by_key(|(path, ..)| (Some(path) != self.last.as_ref(), path.clone()));
        let (db, events, options) = (self.db.clone(), self.events.clone(), self.options.clone());
        let (encoding, explains) = (self.setup.encoding, self.setup.explains);
        let work = move || {
            let mut complete = true;
            for (path, file, version) in targets {
                let found = catch_unwind(AssertUnwindSafe(|| {
                    db.until_changed(|| {
                        let all = qnn::check::spec::diagnostics(&db, file);
                        let diagnostics = diagnostics(&db, file, all, encoding, explains);
                        let uses = ide::uses(&db, file).into_iter().map(|used| used.path(&db).to_owned()).collect();
                        (diagnostics, ide::outline(&db, file, &options), uses, Arc::from(text(&db, file)))
                    })
                }));
                let (diagnostics, properties, uses, text) = match found {
                    Ok(Some(found)) => found,
                    Ok(None) => {
                        complete = false;
                        break;
                    }
                    Err(panic) => {
                        let why = panic_text(&*panic);
                        tracing::error!(%why, "a panic in the analysis");
                        let diagnostic = lsp::Diagnostic {
                            severity: Some(lsp::DiagnosticSeverity::ERROR),
                            source: Some("qnn".to_owned()),
                            message: format!("internal error, please report it: {why}"),
                            ..lsp::Diagnostic::default()
                        };
                        (vec![diagnostic], Vec::new(), HashSet::new(), Arc::from(""))
                    }
                };
                let analysed = Analysed { path, generation, version, diagnostics, properties, uses, text };
                if events.send(Event::Analysed(Box::new(analysed))).is_err() {
                    return;
                }
            }
            drop(db);
            let _ = events.send(Event::AnalysisEnded { complete });
        };
        let spawned =
            std::thread::Builder::new().name("analysis".to_owned()).stack_size(qnn::verify::STACK).spawn(work);
        if spawned.is_err() {
            tracing::error!("no thread for the analysis");
            self.analysing = false;
        }
    }

    pub(super) fn analysed(&mut self, analysed: Analysed) {
        let generation = self.generation;
        let Some(document) = self.documents.get_mut(&analysed.path) else { return };
        if document.version != analysed.version {
            return;
        }
        let path = analysed.path.clone();
        // The text and its version are as they were, but a file that it uses may have changed since: then another analysis is due.
        let Analysed { diagnostics, properties, uses, text, generation: of, .. } = analysed;
        let obsolete = document.take(diagnostics, properties, uses, text, of);
        self.forget_jobs(obsolete);
        self.to_confirm = true;
        self.refresh = true;
        if of == generation {
            self.start_wanted(&path);
        }
        // Diagnostics don't wait for anything.
        self.publish_diagnostics(&path);
    }

    /// An analysis came to its end, or was overtaken.
    pub(super) fn analysis_ended(&mut self, complete: bool) {
        self.analysing = false;
        self.remember_stamps();
        if !complete {
            // Overtaken by a change: the next one is due.
            self.analysed = 0;
        }
    }
}
