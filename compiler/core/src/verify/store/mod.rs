//! The store: decisions on disk, by the content of what was asked.
//!
//! In: a key and what was decided. Out: the same, in a later run or in another process. What is stored are the answers to obligations and
//! objectives rather than results of instances, so that `largest eps such that robust(i, eps)` finds what `robust` proved.
//! One small JSON file holds one decision, under a checksum; it is written beside its place and renamed into it, so that readers see all of it or
//! nothing, whoever else writes or crashes. A certificate is a file of its own, by the key of the obligation that it is about, written before the decision
//! that rests on it. A store that fails makes
//! verification slower, never wrong and never impossible. It has a size limit: what was not used for longest goes first. How large it is, a tally says:
//! all files are looked at only where it is too large, or nobody knows.

pub(super) mod entry;
mod eviction;
mod tally;

pub use eviction::size_of;

use super::verdict::{Verdict, seconds};
use crate::diagnostic::printable;
use crate::disk;
use entry::{STORE_VERSION, StoreEntry, decode, encode};
use serde::Serialize;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The environment variable that says where the store is.
pub const LOCATION_VARIABLE: &str = "QNN_CACHE";
/// The environment variable that says how large the store may get: `500M`, `4G`, or a number of bytes.
pub const LIMIT_VARIABLE: &str = "QNN_CACHE_LIMIT";
/// The most bytes that the store keeps where nothing else is said.
pub const DEFAULT_LIMIT: u64 = 2 << 30;

/// Decisions on disk. Opening never fails: a store that can't be read or written is empty, and says so once in its warnings.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// The most bytes that it keeps.
    limit: u64,
    warnings: Mutex<Vec<String>>,
    /// A write has failed; no other is tried.
    unwritable: AtomicBool,
    /// Done before the first write: what older versions and crashes left is removed.
    tidied: Once,
    /// Bytes written that the tally does not know yet.
    written: AtomicU64,
}

/// An entry, for listings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// The instance for which it was first decided.
    pub name: String,
    /// What was decided: `violated` where something answers what was asked, `proved` where nothing does.
    pub verdict: Verdict,
    /// The engine whose answer it is.
    pub engine: Option<String>,
    /// How long the engines took, in seconds.
    #[serde(with = "seconds")]
    pub time: Duration,
    /// When it was written.
    pub written: SystemTime,
    /// The size of its file in bytes; a certificate has its own.
    pub bytes: u64,
}

/// A store in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Entries.
    pub entries: usize,
    /// Entries that are final.
    pub decided: usize,
    /// Certificates.
    pub certificates: usize,
    /// Files that are no sound entries.
    pub damaged: usize,
    /// Their size in bytes, all told.
    pub bytes: u64,
    /// The most bytes that are kept.
    pub limit: u64,
}

/// What a certificate's file begins with. The obligation's key follows, a space, the checksum of what comes after it, a line feed; then the
/// certificate as [`qnn_proof::pack`] packs it.
const PROOF_FRAME: &str = "qnn certificate ";
/// The largest file of a certificate that is read: packed, it is smaller than what it unpacks to.
const MOST_PROOF_BYTES: u64 = qnn_proof::MAX_CERTIFICATE_BYTES;
/// The largest file of an entry that is read.
const MOST_ENTRY_BYTES: u64 = 64 << 20;
/// When an entry was last used is written down anew once it is so long ago.
const RECENT: Duration = Duration::from_secs(60 * 60);

impl Store {
    /// Where the store is by default: `QNN_CACHE`, else the platform's folder for caches. `None` if there is neither.
    pub fn default_location() -> Option<PathBuf> {
        match std::env::var_os(LOCATION_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Some(path.into()),
            None => directories::ProjectDirs::from("", "", "qnn").map(|dirs| dirs.cache_dir().to_owned()),
        }
    }

    /// The store in a folder, which need not exist.
    ///
    /// Its limit is what `QNN_CACHE_LIMIT` says, else [`DEFAULT_LIMIT`].
    pub fn open(root: impl Into<PathBuf>) -> Store {
        let said = std::env::var(LIMIT_VARIABLE).ok().filter(|text| !text.is_empty());
        let limit = said.as_deref().map(size_of);
        let store = Store::with_limit(root, limit.flatten().unwrap_or(DEFAULT_LIMIT));
        if limit == Some(None) {
            let said = said.unwrap_or_default();
            store.warn(format!("{LIMIT_VARIABLE} is `{}`, which is no size such as `500M` or `4G`.", printable(&said)));
        }
        store
    }

    /// The store in a folder, of at most so many bytes.
    pub fn with_limit(root: impl Into<PathBuf>, limit: u64) -> Store {
        Store {
            root: root.into(),
            limit,
            warnings: Mutex::default(),
            unwritable: AtomicBool::new(false),
            tidied: Once::new(),
            written: AtomicU64::new(0),
        }
    }

    /// Its folder.
    pub fn location(&self) -> &Path {
        &self.root
    }

    /// The folder of this version's entries.
    fn folder(&self) -> PathBuf {
        self.root.join(format!("verdicts-{STORE_VERSION}"))
    }

    /// Where an entry is: in one of 256 folders, so that none gets too long.
    fn path(&self, key: &str) -> PathBuf {
        self.folder().join(key.get(..2).unwrap_or("00")).join(format!("{key}.json"))
    }

    /// Where the certificate about an obligation is.
    pub(crate) fn proof_path(&self, obligation: &str) -> PathBuf {
        self.path(obligation).with_extension("proof")
    }

    /// A file of the store, if it is there; `Err` says why it can't be read.
    fn read(&self, path: &Path, limit: u64) -> Option<Result<Vec<u8>, String>> {
        // Most entries that are asked for are not there.
        let meta = || std::fs::symlink_metadata(path);
        let is_gone = |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        match meta() {
            Err(error) if is_gone(&error) => return None,
            Ok(meta) if meta.is_dir() => {
                self.in_the_way(path);
                return None;
            }
            Ok(meta) if meta.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > RECENT)) => {
                // If that can't be written down, it counts as unused.
                let _ = disk::open(path, limit).and_then(|file| file.touch());
            }
            _ => {}
        }
        match disk::read(path, limit) {
            // Somebody has cleared the store since.
            Err(_) if meta().is_err_and(|error| is_gone(&error)) => None,
            bytes => Some(bytes.map_err(|error| error.message)),
        }
    }

    /// The packed certificate about an obligation, if it is there and undamaged. One that is damaged is told; one that is gone (somebody may be
    /// clearing the store) is not there, no more. It is the reader's to check what it proves.
    pub(crate) fn proof(&self, obligation: &str) -> Option<Vec<u8>> {
        let bytes = self.read(&self.proof_path(obligation), MOST_PROOF_BYTES)?;
        let sound = bytes.ok().and_then(|bytes| {
            let (about, packed) = proof_parts(&bytes)?;
            (about == obligation).then(|| packed.to_vec())
        });
        if sound.is_none() {
            self.distrust_proof(obligation, "is damaged");
        }
        sound
    }

    /// Says that a certificate is not believed.
    pub(crate) fn distrust_proof(&self, obligation: &str, why: &str) {
        self.warn(format!(
            "The stored certificate `{}` {why}; it is ignored and what rests on it is decided anew.",
            self.proof_path(obligation).display()
        ));
    }

    /// Remembers a packed certificate; the entry that rests on it follows. Says whether it is stored.
    pub(crate) fn put_proof(&self, obligation: &str, packed: &[u8]) -> bool {
        if self.unwritable.load(Ordering::Relaxed) {
            return false;
        }
        let head = format!("{PROOF_FRAME}{obligation} {}\n", blake3::hash(packed).to_hex());
        self.write(&self.proof_path(obligation), &[head.as_bytes(), packed].concat())
    }

    /// The sound entry of a key.
    pub(crate) fn get(&self, key: &str) -> Option<StoreEntry> {
        let path = self.path(key);
        let bytes = match self.read(&path, MOST_ENTRY_BYTES)? {
            Ok(bytes) => bytes,
            Err(why) => {
                self.warn(format!("The stored verdict `{}` {why}; it is ignored and decided anew.", path.display()));
                return None;
            }
        };
        let entry = decode(&bytes).filter(|entry| entry.key == key);
        if entry.is_none() {
            self.distrust(key, "is damaged");
        }
        entry
    }

    /// Says that an entry is not believed.
    pub(crate) fn distrust(&self, key: &str, why: &str) {
        let path = self.path(key);
        self.warn(format!("The stored verdict `{}` {why}; it is ignored and decided anew.", path.display()));
    }

    /// Remembers a decision, if it will still be one tomorrow.
    pub(crate) fn put(&self, entry: &StoreEntry) {
        if !entry.known.is_lasting() || !entry.is_sober() || self.unwritable.load(Ordering::Relaxed) {
            return;
        }
        match encode(entry) {
            Ok(bytes) => _ = self.write(&self.path(&entry.key), &bytes),
            Err(error) => self.give_up(&error),
        }
    }

    /// Says that a folder has the name of a file of ours.
    fn in_the_way(&self, path: &Path) {
        self.warn(format!("`{}` is a folder where a file belongs: what it would hold is not stored.", path.display()));
    }

    /// Nothing more is written.
    fn give_up(&self, error: &std::io::Error) {
        if !self.unwritable.swap(true, Ordering::Relaxed) {
            let place = self.root.display();
            self.warn(format!("Verdicts can't be stored in `{place}`: {error}. Verification goes on without."));
        }
    }

    /// Writes a file, and says whether it is there. One that can't be written is told; it is the last, unless the fault is with its place alone.
    fn write(&self, path: &Path, bytes: &[u8]) -> bool {
        match self.try_to_write(path, bytes) {
            Ok(()) => return true,
            Err(_) if path.is_dir() => self.in_the_way(path),
            Err(error) => self.give_up(&error),
        }
        false
    }

    fn try_to_write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.folder();
        std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        self.tidied.call_once(|| {
            disk::sweep(&folder);
            self.remove(self.outdated());
        });
        let mut file = disk::unfinished(&folder)?;
        file.write_all(bytes)?;
        file.flush()?;
        file.persist(path).map_err(|error| error.error)?;
        self.count(bytes.len() as u64);
        Ok(())
    }

    /// The folders of older versions.
    fn outdated(&self) -> Vec<PathBuf> {
        let version = |name: &str| name.strip_prefix("verdicts-").and_then(|version| version.parse::<u32>().ok());
        let folders = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let old = |name: &OsStr| name.to_str().and_then(version).is_some_and(|version| version < STORE_VERSION);
        folders.filter(|folder| old(&folder.file_name())).map(|folder| folder.path()).collect()
    }

    /// Removes the files in folders that are the store's, and the folders if nothing else is in them.
    fn remove(&self, folders: Vec<PathBuf>) {
        for folder in folders {
            disk::sweep(&folder);
            let files = files_below(&folder).into_iter().map(|(path, _)| path);
            for path in files.chain([folder.join(tally::NAME)]) {
                let _ = std::fs::remove_file(path);
            }
            for inner in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let _ = std::fs::remove_dir(inner.path());
            }
            let _ = std::fs::remove_dir(folder);
        }
    }

    /// The sound entries, by name.
    pub fn list(&self) -> Vec<Listed> {
        let entries = self.files().into_iter().filter(|(path, _)| !is_proof(path));
        let mut all: Vec<Listed> = entries.filter_map(|(path, meta)| listed(&path, meta.len())).collect();
        all.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        all
    }

    /// The store in numbers.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats { limit: self.limit, ..Stats::default() };
        for (path, meta) in self.files() {
            stats.bytes += meta.len();
            if is_proof(&path) {
                let sound = disk::read(&path, MOST_PROOF_BYTES).is_ok_and(|bytes| proof_parts(&bytes).is_some());
                stats.certificates += usize::from(sound);
                stats.damaged += usize::from(!sound);
                continue;
            }
            match listed(&path, meta.len()) {
                Some(entry) => {
                    stats.entries += 1;
                    stats.decided += usize::from(entry.verdict.is_decided());
                }
                None => stats.damaged += 1,
            }
        }
        stats
    }

    /// Removes all entries with their certificates, and nothing else that may be in the folder. Says how many entries there were. What is a
    /// folder stays, and is told.
    ///
    /// # Errors
    /// If a file can't be removed; all that can are.
    pub fn clear(&self) -> std::io::Result<usize> {
        let (mut count, mut failure) = (0, None);
        for (path, _) in self.files() {
            match std::fs::remove_file(&path) {
                Ok(()) => count += usize::from(!is_proof(&path)),
                // Somebody else was quicker.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) if path.is_dir() => self.in_the_way(&path),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        disk::sweep(&self.folder());
        let _ = std::fs::remove_file(self.tally().0);
        self.remove(self.outdated());
        failure.map_or(Ok(count), Err)
    }

    /// What went wrong since the last call, in sentences.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// The files of this version that are the store's.
    fn files(&self) -> Vec<(PathBuf, Metadata)> {
        files_below(&self.folder())
    }
}

/// The files in the folders of a folder that are the store's, by their names, sorted. What is being written is none yet.
fn files_below(folder: &Path) -> Vec<(PathBuf, Metadata)> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files = Vec::new();
    for folder in entries(folder) {
        for file in entries(&folder.path()) {
            let name = file.file_name();
            let name = name.to_string_lossy();
            let is_key = |stem: &str| stem.len() == 64 && stem.bytes().all(|b| b.is_ascii_hexdigit());
            let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".proof"));
            if let (true, Ok(meta)) = (stem.is_some_and(is_key), file.metadata()) {
                files.push((file.path(), meta));
            }
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// Whether a file of ours is a certificate's.
fn is_proof(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "proof")
}

/// The obligation's key and the packed certificate of a file's bytes, if the checksum is its own.
fn proof_parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(PROOF_FRAME.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (about, check) = std::str::from_utf8(&rest[..end]).ok()?.split_once(' ')?;
    let packed = &rest[end + 1..];
    (blake3::hash(packed).to_hex().as_str() == check).then_some((about, packed))
}

fn listed(path: &Path, bytes: u64) -> Option<Listed> {
    let entry = decode(&disk::read(path, MOST_ENTRY_BYTES).ok()?)?;
    (path.file_stem()?.to_str()? == entry.key).then(|| Listed {
        verdict: entry.known.verdict(),
        key: entry.key,
        name: entry.name,
        engine: entry.engine,
        time: entry.time,
        written: UNIX_EPOCH + Duration::from_secs(entry.written.min(u64::from(u32::MAX))),
        bytes,
    })
}
