//! The way through the library for programs: a spec is opened, checked, verified, and reported.
//!
//! In: a path, or a text. Out: diagnostics, results, a report. Everything here is a few calls of the modules behind it, which may be called
//! instead where more is wanted: several specs in one database, events while a run goes on, verdicts of an editor.

use crate::check::spec::diagnostics;
use crate::db::{Database, Db, Disk, SourceFile};
use crate::diagnostic::{Diagnostic, Severity};
use crate::files::FileError;
use crate::report::gather::{self, ACCURACY_SAMPLES, Ask};
use crate::report::locate::locate;
use crate::report::model::Report;
use crate::report::terminal::{Style, render};
use crate::verify::{Filter, InstanceResult, Options, Plan, Summary, plan, run, snapshots};
use qnn_engine::CancelToken;
use std::path::Path;
use std::sync::Arc;

/// A spec with the files that it names.
///
/// ```
/// use qnn::Spec;
/// use qnn::verify::{Options, Verdict};
///
/// let spec = Spec::with_text("brighter.qnn".as_ref(), "
///     type Pixel = ufixed<8, 8>;
///     network brighter(p: Pixel[2]) -> fixed<6, 3>[1] { dense(p, [[2, -1]], [0.5]) as fixed<6, 3> }
///     property positive = forall p: Pixel[2] where p[0] >= p[1]: brighter(p) >= 0;
///     measure most = maximize brighter(p) over p: Pixel[2];
/// ");
/// assert!(spec.check().is_empty(), "{}", spec.explain(&spec.check()));
///
/// let verified = spec.verify(&Options::default());
/// assert_eq!(verified.results()[0].verdict, Verdict::Proved);
/// let most = verified.results()[1].measure.as_ref().and_then(|measure| measure.found.as_ref()).unwrap();
/// assert_eq!(most.exact, "5/2");
///
/// let report = verified.report();
/// assert_eq!(report.counts.unexpected, 0);
/// assert!(qnn::report::html::page(&report, 4).starts_with("<!DOCTYPE html>"));
/// ```
pub struct Spec {
    db: Database,
    file: SourceFile,
}

impl Spec {
    /// Reads a spec from disk.
    ///
    /// # Errors
    /// Why the file can't be read: a sentence that lacks its subject, the file, with what to do.
    pub fn open(path: &Path) -> Result<Spec, FileError> {
        let db = Database::new(Disk);
        let file = db.source(path);
        match file.text(&db) {
            Ok(_) => Ok(Spec { db, file }),
            Err(error) => Err(error.clone()),
        }
    }

    /// A spec whose text is not on disk, as if it were at `path`: the files that it names are looked for beside it.
    pub fn with_text(path: &Path, text: &str) -> Spec {
        let mut db = Database::new(Disk);
        let file = db.set_text(path, text.into());
        Spec { db, file }
    }

    /// What is wrong with it, and what is probably not meant. A spec with an error can't be verified as a whole.
    ///
    /// ```
    /// use qnn::Spec;
    /// use qnn::diagnostic::Severity;
    ///
    /// let spec = Spec::with_text("wrong.qnn".as_ref(), "property p = forall x: int<8>: x < limit;");
    /// let found = spec.check();
    /// assert_eq!((found[0].severity, found[0].code), (Severity::Error, "E0201"));
    /// ```
    pub fn check(&self) -> Vec<Diagnostic> {
        diagnostics(&self.db, self.file).to_vec()
    }

    /// Diagnostics as a terminal shows them, without colours.
    pub fn explain(&self, diagnostics: &[Diagnostic]) -> String {
        render(&locate(&self.db, diagnostics), Style { color: false, base: self.base() })
    }

    /// Decides all of its properties and measures.
    pub fn verify(&self, options: &Options) -> Verified<'_> {
        self.verify_some(&Filter::default(), options, &CancelToken::new())
    }

    /// Decides those that a filter lets through, until `cancel` says that no more are wanted: what is open then is undecided.
    pub fn verify_some(&self, filter: &Filter, options: &Options, cancel: &CancelToken) -> Verified<'_> {
        let plan = plan(&self.db, self.file, filter, options);
        let summary = run(&plan, &snapshots(self.db.clone()), options, cancel, &|_| {});
        Verified { spec: self, plan, summary, cancelled: cancel.is_cancelled() }
    }

    fn base(&self) -> &Path {
        self.file.path(&self.db).parent().unwrap_or(Path::new(""))
    }
}

/// A spec with its verdicts.
pub struct Verified<'a> {
    spec: &'a Spec,
    plan: Plan,
    summary: Summary,
    cancelled: bool,
}

impl Verified<'_> {
    /// A result for each instance, in the order of the text.
    pub fn results(&self) -> &[Arc<InstanceResult>] {
        &self.summary.results
    }

    /// Whether every verdict is the expected one, there is at least one, and nothing is wrong with the spec.
    pub fn is_as_expected(&self) -> bool {
        let errors = self.spec.check().iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        !errors && self.summary.exit_code() == 0
    }

    /// The report of it, which renderers in [`crate::report`] turn into pages; its serialised form is the report as JSON.
    pub fn report(&self) -> Report {
        let (db, base) = (&self.spec.db, self.spec.base());
        let ask = Ask { base, samples: ACCURACY_SAMPLES, stop: &gather::never() };
        let found = self.spec.check();
        let spec = gather::spec(db, self.spec.file, &found, Some((&self.plan, &self.summary)), ask);
        Report::new(vec![spec], gather::files(db, base), self.summary.exit_code(), self.cancelled)
    }
}
