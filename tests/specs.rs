//! A language test is a file: what a user sees of each spec in `tests/specs` is kept beside it.
//!
//! In: `tests/specs/FEATURE/NAME.qnn`, a spec; and `NAME.md`, a page whose `qnn` blocks are specs of their own. The files that specs name lie in a folder
//! below, or are fixtures. Out: `NAME.snap`, which holds the diagnostics as a terminal shows them, what each fix makes of the text, and, if the first line
//! is `// verify`, the verdicts. Invariants: a fix mends the diagnostic that it belongs to; all engines say what enumeration says.

mod support;

use qnn::check::spec::diagnostics;
use qnn::db::{BytesContent, Database, Disk, FileSystem, SourceFile, offset};
use qnn::diagnostic::{Diagnostic, Fix, Severity};
use qnn::engine::CancelToken;
use qnn::files::FileError;
use qnn::report::locate::locate;
use qnn::report::sentences::{counterexample_line, finding};
use qnn::report::terminal::{Style, render};
use qnn::verify::{Filter, InstanceResult, Options, Verdict, plan, run, snapshots};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use support::fixtures::Fixtures;
use support::{blocks, root};

/// The budget of an instance.
const BUDGET: Duration = Duration::from_secs(10);

/// The files below the spec's folder, and the fixtures.
struct Beside;

impl FileSystem for Beside {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        Disk.text(path).or_else(|_| Fixtures.text(path))
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        if path.exists() { Disk.bytes(path) } else { Fixtures.bytes(path) }
    }
}

/// The files of the features' folders with this extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let features = entries(&root().join("tests/specs")).into_iter().filter(|path| path.is_dir());
    let mut files: Vec<PathBuf> = features.flat_map(|feature| entries(&feature)).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no .{extension} in tests/specs");
    files
}

/// Compares what is seen of each file with its snapshot.
fn compare(extension: &str, seen: impl Fn(&Path, &str) -> String + std::panic::RefUnwindSafe) {
    let mut wrong = Vec::new();
    for path in files(extension) {
        let agrees = std::panic::catch_unwind(|| {
            let text = std::fs::read_to_string(&path).expect("text in UTF-8");
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.set_snapshot_path(path.parent().expect("a folder"));
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name in UTF-8");
            settings.bind(|| insta::assert_snapshot!(name, seen(&path, &text)));
        });
        wrong.extend(agrees.is_err().then_some(path));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn specs_say_what_their_snapshots_say() {
    compare("qnn", |path, text| Spec::new(path, text).seen());
}

#[test]
fn pages_of_specs_say_what_their_snapshots_say() {
    compare("md", |path, page| {
        let mut seen = String::new();
        for block in blocks(page) {
            block.text.lines().for_each(|line| _ = writeln!(seen, "{}", format!("    {line}").trim_end()));
            let _ =
                writeln!(seen, "\n{}\n", Spec::new(&path.with_file_name("spec.qnn"), &block.text).seen().trim_end());
        }
        seen
    });
}

/// Every snapshot is of a file.
#[test]
fn no_snapshot_is_left_over() {
    for path in files("snap") {
        assert!(["qnn", "md"].iter().any(|of| path.with_extension(of).exists()), "{} is of nothing", path.display());
    }
}

/// A spec in a database of its own.
struct Spec<'a> {
    db: Database,
    file: SourceFile,
    text: &'a str,
}

impl<'a> Spec<'a> {
    fn new(path: &Path, text: &'a str) -> Spec<'a> {
        let mut db = Database::new(Beside);
        let file = db.set_text(path, text.into());
        Spec { db, file, text }
    }

    /// What a user sees of it.
    fn seen(&self) -> String {
        let all = diagnostics(&self.db, self.file);
        let base = self.file.path(&self.db).parent().expect("a folder");
        let mut seen = match all.is_empty() {
            true => "no problems found\n".to_owned(),
            false => render(&locate(&self.db, all), Style { color: false, base }),
        };
        for diagnostic in all.iter() {
            diagnostic.fixes.iter().for_each(|fix| seen += &self.fixed(diagnostic, fix));
        }
        if self.text.starts_with("// verify\n") {
            seen += &self.verdicts();
        }
        seen
    }

    /// The lines that a fix changes, and the errors that are left.
    fn fixed(&self, diagnostic: &Diagnostic, fix: &Fix) -> String {
        assert_eq!(fix.place.item.file(&self.db), self.file, "{}: a fix elsewhere", fix.title);
        let start = offset(&self.db, fix.place.item);
        let mut text = self.text.to_owned();
        let span = (start + fix.place.span.start) as usize..(start + fix.place.span.end) as usize;
        text.replace_range(span, &fix.replacement);
        let mended = Spec::new(self.file.path(&self.db), &text);
        let count = |spec: &Spec<'_>| {
            let alike = |d: &&Diagnostic| d.code == diagnostic.code && d.message == diagnostic.message;
            diagnostics(&spec.db, spec.file).iter().filter(alike).count()
        };
        assert!(count(&mended) < count(self), "{} mends nothing:\n{text}", fix.title);
        let errors = diagnostics(&mended.db, mended.file).iter().filter(|d| d.severity == Severity::Error);
        let left = Vec::from_iter(errors.map(|d| d.code).collect::<BTreeSet<_>>());
        let left = if left.is_empty() { "no error is left".to_owned() } else { format!("left: {}", left.join(", ")) };
        format!("fix: {}\n{}{left}\n\n", fix.title, changed(self.text, &text))
    }

    /// A line for each instance, as enumeration decides it. Whatever the other engines decide must be the same.
    fn verdicts(&self) -> String {
        let by = |engine: &str| {
            let mut options = Options::default();
            options.engine = Some(engine.into());
            options.timeout = Some(BUDGET);
            let plan = plan(&self.db, self.file, &Filter::default(), &options);
            run(&plan, &snapshots(self.db.clone()), &options, &CancelToken::new(), &|_| {}).results
        };
        let mut lines = String::new();
        for (exact, other) in by("enumerate").iter().zip(by("auto")) {
            if !matches!(other.verdict, Verdict::Timeout | Verdict::Unknown) {
                assert_eq!(other.verdict, exact.verdict, "{}", exact.name);
                // Where an interval is enough, each engine stops at its own.
                let close = |result: &InstanceResult| result.measure.as_ref().is_some_and(|measure| !measure.complete);
                assert!(close(exact) || close(&other) || value(&other) == value(exact), "{}", exact.name);
            }
            let _ = writeln!(lines, "{}: {}", exact.name, verdict(exact));
        }
        lines
    }
}

/// What a measure is found to be.
fn value(result: &InstanceResult) -> Option<&str> {
    result.measure.as_ref().and_then(|measure| measure.found.as_ref()).map(|found| found.exact.as_str())
}

/// A verdict with its counterexample or value.
fn verdict(result: &InstanceResult) -> String {
    let expected = if result.as_expected { "" } else { ", not as expected" };
    let shown = result.measure.as_ref().map(|measure| &measure.witness).unwrap_or(&result.counterexample);
    let input = shown.as_ref().map_or_else(String::new, |shown| format!("; {}", counterexample_line(shown)));
    match (&result.measure, result.verdict) {
        (Some(_), _) | (None, Verdict::Vacuous | Verdict::Timeout | Verdict::Unknown | Verdict::Error) => {
            format!("{}{expected}: {}{input}", result.verdict, finding(result))
        }
        (None, verdict) => format!("{verdict}{expected}{input}"),
    }
}

/// The lines in which two texts differ: `-` before those of the first, `+` before those of the second.
fn changed(before: &str, after: &str) -> String {
    let (mut before, mut after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    before.drain(..same);
    after.drain(..same);
    while before.last().is_some_and(|line| after.last() == Some(line)) {
        before.pop();
        after.pop();
    }
    let marked = |mark: &str, lines: &[&str]| lines.iter().map(|line| format!("{mark} {line}\n")).collect::<String>();
    marked("-", &before) + &marked("+", &after)
}
