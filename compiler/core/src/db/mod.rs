//! The database: inputs (spec texts, model and data files) and the queries that tie the rooms together.
//!
//! Inputs are what is on disk or in an editor's buffers; everything else is derived from them by salsa queries and
//! re-derived only when something that it read has changed. Item trees carry relative spans, so an edit before
//! an item leaves everything about that item as it was. Verification never runs in here: it takes owned obligations
//! out of the database and lets go of it.

#![allow(missing_docs, reason = "salsa's macros make undocumented functions; all that is ours here is documented")]

mod file_system;
mod graphs;

pub use file_system::{Bytes, BytesContent, Disk, FileSystem, FolderEntry, normalise};

use crate::files::{FileContents, FileError};
use file_system::hashed;
use graphs::Graphs;
use qnn_ir::Graph;
use qnn_ir::interrupt;
use qnn_syntax::{Parsed, ast, parse};
use salsa::Setter;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest spec that is read, in bytes.
pub const MAX_SPEC_BYTES: u64 = qnn_syntax::MAX_BYTES as u64;
/// The largest model or data file that is read, in bytes.
pub const MAX_DATA_BYTES: u64 = crate::files::MAX_BYTES;

/// A spec's text.
#[salsa::input(debug)]
#[derive(PartialOrd, Ord)]
pub struct SourceFile {
    /// Where it is.
    #[returns(deref)]
    pub path: Arc<Path>,
    /// Its text, or why there is none.
    #[returns(ref)]
    pub text: Result<Arc<str>, FileError>,
}

/// A model or data file.
#[salsa::input(debug)]
pub struct DataFile {
    /// Where it is.
    #[returns(deref)]
    pub path: Arc<Path>,
    /// Its bytes, or why there are none.
    #[returns(ref)]
    pub bytes: Bytes,
}

/// An item of a spec by file and name, independent of where it stands in the text. The empty name stands for the file itself.
#[salsa::interned(unsafe(no_lifetime), revisions = usize::MAX, debug)]
#[derive(PartialOrd, Ord)]
pub struct ItemId {
    /// The file.
    #[returns(copy)]
    pub file: SourceFile,
    /// The name; `use` items and repeated names get a distinguishing `#n`.
    #[returns(deref)]
    pub name: Arc<str>,
}

/// The database as queries see it.
#[salsa::db]
pub trait Db: salsa::Database {
    /// The spec at a path (normalised by the caller), read on first use.
    fn source(&self, path: &Path) -> SourceFile;
    /// The data file or folder at a path, read on first use.
    fn data(&self, path: &Path) -> DataFile;
    /// The graph, or one that equals it. Equal graphs share one allocation for as long as it is in use, so that what is
    /// computed of a graph can be kept with it.
    fn shared(&self, graph: Graph) -> Arc<Graph>;
    /// What is in a folder now. For the completion of paths: no query may depend on it.
    fn list(&self, folder: &Path) -> Vec<FolderEntry>;
}

/// The files that a database has read.
#[derive(Default)]
struct Files {
    sources: HashMap<PathBuf, SourceFile>,
    data: HashMap<PathBuf, DataFile>,
}

/// The database.
#[salsa::db]
#[derive(Clone)]
pub struct Database {
    storage: salsa::Storage<Self>,
    files: Arc<Mutex<Files>>,
    graphs: Arc<Mutex<Graphs>>,
    system: Arc<dyn FileSystem>,
    /// How many changes wait for clones to be dropped.
    changes: Arc<AtomicUsize>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {
    fn source(&self, path: &Path) -> SourceFile {
        let path = normalise(path);
        if let Some(file) = self.lock().sources.get(&path) {
            return *file;
        }
        let text = self.system.text(&path);
        *self.lock().sources.entry(path.clone()).or_insert_with(|| SourceFile::new(self, path.as_path().into(), text))
    }

    fn data(&self, path: &Path) -> DataFile {
        let path = normalise(path);
        if let Some(file) = self.lock().data.get(&path) {
            return *file;
        }
        let bytes = hashed(self.system.bytes(&path));
        *self.lock().data.entry(path.clone()).or_insert_with(|| DataFile::new(self, path.as_path().into(), bytes))
    }

    fn shared(&self, graph: Graph) -> Arc<Graph> {
        self.graphs.lock().unwrap_or_else(PoisonError::into_inner).shared(graph)
    }

    fn list(&self, folder: &Path) -> Vec<FolderEntry> {
        self.system.list(folder)
    }
}

impl Database {
    /// A database that reads its files through `system`.
    pub fn new(system: impl FileSystem + 'static) -> Database {
        Database::build(salsa::Storage::default(), system)
    }

    /// A database that calls `on_execute` with the name of each query that it runs: for tests of what is re-run.
    pub fn with_log(
        system: impl FileSystem + 'static,
        on_execute: impl Fn(String) + Send + Sync + 'static,
    ) -> Database {
        let log = move |event: salsa::Event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind {
                on_execute(format!("{database_key:?}"));
            }
        };
        Database::build(salsa::Storage::new(Some(Box::new(log))), system)
    }

    fn build(storage: salsa::Storage<Self>, system: impl FileSystem + 'static) -> Database {
        Database {
            storage,
            files: Arc::default(),
            graphs: Arc::default(),
            system: Arc::new(system),
            changes: Arc::default(),
        }
    }

    /// Sets a spec's text, as an editor's buffer says it.
    pub fn set_text(&mut self, path: &Path, text: Arc<str>) -> SourceFile {
        let file = self.source(path);
        if file.text(self).as_ref() != Ok(&text) {
            self.change(|db| _ = file.set_text(db).to(Ok(text)));
        }
        file
    }

    /// Sets an input, once all clones are dropped: computations on them are interrupted.
    fn change(&mut self, set: impl FnOnce(&mut Database)) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        set(self);
        self.changes.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether a change waits for this clone to be dropped.
    pub fn changing(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let changes = self.changes.clone();
        move || changes.load(Ordering::SeqCst) > 0
    }

    /// Runs queries on this clone; `None` if a change waits for it meanwhile, which unwinds them wherever they are.
    pub fn until_changed<T>(&self, f: impl FnOnce() -> T) -> Option<T> {
        interrupt::until(self.changing(), || catch_cancelled(f)).ok().flatten()
    }

    /// The model and data files and folders that have been asked for so far.
    pub fn data_paths(&self) -> Vec<PathBuf> {
        self.lock().data.keys().cloned().collect()
    }

    /// The specs that have been asked for so far.
    pub fn sources(&self) -> Vec<SourceFile> {
        self.lock().sources.values().copied().collect()
    }

    /// Reads a path again, after it changed on disk. Says whether anything that was read before has changed.
    pub fn refresh(&mut self, path: &Path) -> bool {
        let path = normalise(path);
        let (source, data) = {
            let files = self.lock();
            let within = files.data.iter().find(|(known, _)| path.starts_with(known));
            (files.sources.get(&path).copied(), within.map(|(known, file)| (known.clone(), *file)))
        };
        let mut changed = false;
        if let Some(source) = source {
            let text = self.system.text(&path);
            if source.text(self) != &text {
                self.change(|db| _ = source.set_text(db).to(text));
                changed = true;
            }
        }
        if let Some((known, data)) = data {
            let bytes = hashed(self.system.bytes(&known));
            if data.bytes(self) != &bytes {
                self.change(|db| _ = data.set_bytes(db).to(bytes));
                changed = true;
            }
        }
        changed
    }

    /// The files that have been read so far, sorted, each with the hash of its content; `None` for what could not be read.
    pub fn files(&self) -> Vec<(PathBuf, Option<[u8; 32]>)> {
        let (sources, data) = {
            let files = self.lock();
            let sources: Vec<_> = files.sources.iter().map(|(path, file)| (path.clone(), *file)).collect();
            let data: Vec<_> = files.data.iter().map(|(path, file)| (path.clone(), *file)).collect();
            (sources, data)
        };
        let text =
            |file: SourceFile| file.text(self).as_ref().ok().map(|text| *blake3::hash(text.as_bytes()).as_bytes());
        let bytes = |file: DataFile| {
            let bytes = file.bytes(self);
            (!matches!(bytes.content, BytesContent::Problem(_))).then_some(bytes.hash)
        };
        let mut all: Vec<(PathBuf, Option<[u8; 32]>)> =
            sources.into_iter().map(|(path, file)| (path, text(file))).collect();
        all.extend(data.into_iter().map(|(path, file)| (path, bytes(file))));
        all.sort();
        all
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The trees and syntax errors of a file.
#[salsa::tracked]
pub fn parsed(db: &dyn Db, file: SourceFile) -> Arc<Parsed> {
    Arc::new(match file.text(db) {
        Ok(text) => parse(text),
        Err(_) => Parsed::default(),
    })
}

/// The items of a file in the order of their text.
#[salsa::tracked]
pub fn items(db: &dyn Db, file: SourceFile) -> Vec<ItemId> {
    named_items(db, file).map(|(id, _)| id).collect()
}

/// An item's tree; `None` for the item that stands for the whole file and for items that are gone.
#[salsa::tracked]
pub fn tree(db: &dyn Db, item: ItemId) -> Option<Arc<ast::Item>> {
    by_id(db, item.file(db)).get(&item).map(|(_, tree)| tree.clone())
}

/// The items of a file by their ids: where each begins, and its tree.
#[salsa::tracked(no_eq)]
fn by_id(db: &dyn Db, file: SourceFile) -> Arc<HashMap<ItemId, (u32, Arc<ast::Item>)>> {
    Arc::new(named_items(db, file).map(|(id, parsed)| (id, (parsed.start, parsed.item.clone()))).collect())
}

/// Where an item's slice begins in its file; 0 for the whole file.
pub fn offset(db: &dyn Db, item: ItemId) -> u32 {
    by_id(db, item.file(db)).get(&item).map_or(0, |(start, _)| *start)
}

/// The item that stands for a whole file: its spans are absolute.
pub fn whole_file(db: &dyn Db, file: SourceFile) -> ItemId {
    ItemId::new(db, file, Arc::<str>::from(""))
}

/// Items with their ids: the first of a name gets the name, the others `name#2`, `name#3`…
fn named_items(db: &dyn Db, file: SourceFile) -> impl Iterator<Item = (ItemId, &qnn_syntax::ParsedItem)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    parsed(db, file).items.iter().map(move |parsed| {
        let name = parsed.item.name().map_or("use", |name| &name.text);
        let count = seen.entry(name).or_default();
        *count += 1;
        let unique: Arc<str> =
            if *count == 1 && name != "use" { name.into() } else { format!("{name}#{count}").into() };
        (ItemId::new(db, file, unique), parsed)
    })
}

/// What a data file holds, read by its kind.
#[salsa::tracked(no_eq)]
pub fn contents(db: &dyn Db, file: DataFile) -> Arc<Result<FileContents, FileError>> {
    Arc::new(match &file.bytes(db).content {
        BytesContent::File(bytes) => crate::files::reader::read(&file.path(db).to_string_lossy(), bytes),
        BytesContent::Folder(files) => crate::files::images::read_folder(files).map(FileContents::Folder),
        BytesContent::Problem(error) => Err(error.clone()),
    })
}

/// Runs queries on a clone of a database; `None` if it was changed meanwhile, which unwinds them.
pub fn catch_cancelled<T>(f: impl FnOnce() -> T) -> Option<T> {
    salsa::Cancelled::catch(std::panic::AssertUnwindSafe(f)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::interrupt::work;

    /// A change waits for no computation on a clone, not even for one within a query.
    #[test]
    fn a_change_interrupts_computations_on_clones() {
        let path = Path::new("/nowhere/spec.qnn");
        let mut db = Database::new(Disk);
        db.set_text(path, "const A = 1;".into());
        let (began, begun) = std::sync::mpsc::channel();
        let clone = db.clone();
        let endless = std::thread::spawn(move || {
            clone.until_changed(|| {
                began.send(()).unwrap();
                loop {
                    work(interrupt::QUANTUM);
                }
            })
        });
        begun.recv().unwrap();
        let file = db.set_text(path, "const A = 2;".into());
        assert_eq!(endless.join().unwrap(), None);
        assert_eq!(db.until_changed(|| file.text(&db).clone().unwrap().len()), Some(12));
    }
}
