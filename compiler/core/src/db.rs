//! The database: inputs (spec texts, model and data files) and the queries that tie the rooms together.
//!
//! Inputs are what is on disk or in an editor's buffers; everything else is derived from them by salsa queries and
//! re-derived only when something that it read has changed. Item trees carry relative spans, so an edit before
//! an item leaves everything about that item as it was. Verification never runs in here: it takes owned obligations
//! out of the database and lets go of it.

#![allow(missing_docs, reason = "salsa's macros make undocumented functions; all that is ours here is documented")]

use crate::disk;
use crate::files::{FileContents, FileError};
use qnn_ir::Graph;
use qnn_syntax::{Parsed, ast, parse};
use salsa::Setter;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// What a data file holds on disk. Equal if the content hashes are.
#[derive(Clone)]
pub struct Bytes {
    /// Hash of the content (of names and contents, for a folder); zero for a problem.
    pub hash: [u8; 32],
    /// The content.
    pub content: BytesContent,
}

/// A file, a folder, or neither.
#[derive(Clone)]
pub enum BytesContent {
    /// The bytes of a file.
    File(Arc<[u8]>),
    /// The files of a folder with their relative paths, sorted.
    Folder(Arc<[(String, Arc<[u8]>)]>),
    /// It could not be read.
    Problem(FileError),
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        match (&self.content, &other.content) {
            (BytesContent::Problem(a), BytesContent::Problem(b)) => a == b,
            (BytesContent::Problem(_), _) | (_, BytesContent::Problem(_)) => false,
            _ => self.hash == other.hash,
        }
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", blake3::Hash::from(self.hash).to_hex())
    }
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

/// How files are read: from disk, or through an editor's buffers.
pub trait FileSystem: Send + Sync {
    /// A text file.
    ///
    /// # Errors
    /// A sentence for the user.
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError>;
    /// A data file or folder.
    fn bytes(&self, path: &Path) -> BytesContent;
}

/// The disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl FileSystem for Disk {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        disk::read_text(path, MAX_SPEC_BYTES).map(Into::into).map_err(of_a_spec)
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        let read = || -> Result<BytesContent, FileError> {
            if !path.is_dir() {
                return Ok(BytesContent::File(disk::read(path, MAX_DATA_BYTES).map_err(of_a_spec)?.into()));
            }
            let mut files = Vec::new();
            let mut total = 0;
            read_folder(path, "", 0, &mut total, &mut files)?;
            files.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(BytesContent::Folder(files.into()))
        };
        read().unwrap_or_else(BytesContent::Problem)
    }
}

/// Paths in a spec begin in its folder, which is worth saying where nothing is found.
fn of_a_spec(error: FileError) -> FileError {
    if error.message == disk::MISSING {
        return FileError::new(disk::MISSING).help("check the path: it is relative to the spec's folder");
    }
    error
}

/// Collects the files below a folder.
fn read_folder(
    folder: &Path,
    prefix: &str,
    depth: usize,
    total: &mut u64,
    files: &mut Vec<(String, Arc<[u8]>)>,
) -> Result<(), FileError> {
    if depth > 8 {
        return Ok(());
    }
    let problem = |error: std::io::Error| FileError::new(format!("can't be listed: {error}"));
    let too_much = || FileError::new("holds more than 2 GiB of images").help("keep only the images that the spec uses");
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        if crate::files::images::is_passed_over(&file_name) {
            continue;
        }
        let name = format!("{prefix}{file_name}");
        let path = entry.path();
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), depth + 1, total, files)?;
        } else {
            let file = disk::read(&path, MAX_DATA_BYTES);
            let bytes = file.map_err(|error| error.inside(&format!("`{name}`")))?;
            *total += bytes.len() as u64;
            if *total > MAX_DATA_BYTES {
                return Err(too_much());
            }
            files.push((name, bytes.into()));
        }
    }
    Ok(())
}

/// The database as queries see it.
#[salsa::db]
pub trait Db: salsa::Database {
    /// The spec at a path (normalised by the caller), read on first use.
    fn source(&self, path: &Path) -> SourceFile;
    /// The data file or folder at a path, read on first use.
    fn data(&self, path: &Path) -> DataFile;
    /// The graph, or one that equals it: whoever asks with the same graph gets the same allocation for as long as anybody
    /// holds it, so that what is known of a graph can be kept with it.
    fn shared(&self, graph: Graph) -> Arc<Graph>;
}

/// The graphs that somebody holds, by their hash, names included.
#[derive(Default)]
struct Graphs {
    known: HashMap<blake3::Hash, Weak<Graph>>,
    /// The last few are held here, so that they outlive the moments between two instances.
    recent: VecDeque<Arc<Graph>>,
    /// When there are so many, those that nobody holds any more are forgotten.
    sweep_at: usize,
}

/// How many graphs are held without anybody else holding them.
const RECENT_GRAPHS: usize = 16;

impl Graphs {
    fn shared(&mut self, graph: Graph) -> Arc<Graph> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(graph.digest());
        for node in &graph.nodes {
            hasher.update(&(node.name.len() as u64).to_le_bytes()).update(node.name.as_bytes());
        }
        let key = hasher.finalize();
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, graph| graph.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + RECENT_GRAPHS;
        }
        let graph = Arc::new(graph);
        self.known.insert(key, Arc::downgrade(&graph));
        self.recent.truncate(RECENT_GRAPHS - 1);
        self.recent.push_front(graph.clone());
        graph
    }
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
        Database { storage, files: Arc::default(), graphs: Arc::default(), system: Arc::new(system) }
    }

    /// Sets a spec's text, as an editor's buffer says it.
    pub fn set_text(&mut self, path: &Path, text: Arc<str>) -> SourceFile {
        let file = self.source(path);
        if file.text(self).as_ref() != Ok(&text) {
            let _ = file.set_text(self).to(Ok(text));
        }
        file
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
                let _ = source.set_text(self).to(text);
                changed = true;
            }
        }
        if let Some((known, data)) = data {
            let bytes = hashed(self.system.bytes(&known));
            if data.bytes(self) != &bytes {
                data.set_bytes(self).to(bytes);
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

/// The path without `.` and `..` components, absolute; links are left alone.
pub fn normalise(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The content with its hash.
fn hashed(content: BytesContent) -> Bytes {
    let hash = match &content {
        BytesContent::File(bytes) => *blake3::hash(bytes).as_bytes(),
        BytesContent::Folder(files) => {
            let mut hasher = blake3::Hasher::new();
            for (name, bytes) in files.iter() {
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
                hasher.update(blake3::hash(bytes).as_bytes());
            }
            *hasher.finalize().as_bytes()
        }
        BytesContent::Problem(_) => [0; 32],
    };
    Bytes { hash, content }
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
        BytesContent::File(bytes) => crate::files::file::read(&file.path(db).to_string_lossy(), bytes),
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
    use qnn_ir::Op;

    fn graph(constant: i128, name: &str) -> Graph {
        let mut graph = Graph::new();
        graph.push(name, Op::Constant(Arc::new([constant])));
        graph
    }

    #[test]
    fn equal_graphs_are_one() {
        let db = Database::new(Disk);
        let first = db.shared(graph(1, "a"));
        assert!(Arc::ptr_eq(&first, &db.clone().shared(graph(1, "a"))));
        assert_eq!(*first.digest(), *graph(1, "b").digest());
        assert!(!Arc::ptr_eq(&first, &db.shared(graph(1, "b"))), "names are shown");
        assert!(!Arc::ptr_eq(&first, &db.shared(graph(2, "a"))));
    }

    #[test]
    fn graphs_that_nobody_holds_are_forgotten() {
        let db = Database::new(Disk);
        let held = db.shared(graph(-1, "a"));
        for constant in 0..1000 {
            db.shared(graph(constant, "a"));
        }
        let graphs = db.graphs.lock().unwrap();
        assert!(graphs.known.len() <= 4 * RECENT_GRAPHS, "{}", graphs.known.len());
        assert_eq!(graphs.known.values().filter(|graph| graph.strong_count() > 0).count(), RECENT_GRAPHS + 1);
        drop(graphs);
        assert!(Arc::ptr_eq(&held, &db.shared(graph(-1, "a"))));
    }
}
