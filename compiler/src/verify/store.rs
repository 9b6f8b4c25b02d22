//! The store: decisions on disk, by the content of what was asked.
//!
//! In: a key and what was decided. Out: the same, in a later run or in another process. What is stored are the answers to obligations and
//! objectives rather than results of instances, so that `largest eps such that robust(i, eps)` finds what `robust` proved.
//! One small JSON file holds one decision, under a checksum; it is written beside its place and renamed into it, so that readers see all of it or
//! nothing, whoever else writes or crashes. A certificate is a file of its own, by the key of the obligation that it is about, written before the decision
//! that rests on it: a decision that claims a certificate and has none is not believed, unless it says that its certificate was too large to be kept. A store that fails makes verification slower, never wrong and never impossible.

use super::verdict::{Verdict, seconds};
use crate::engine::portfolio::Report;
use crate::engine::{Reason, Trust};
use crate::obligation::Assignment;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The environment variable that says where the store is.
pub const LOCATION_VARIABLE: &str = "QNN_CACHE";
/// The version of the files' form. Entries of other versions lie in other folders.
pub const STORE_VERSION: u32 = 2;

/// Decisions on disk. Opening never fails: a store that can't be read or written is empty, and says so once in its warnings.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    warnings: Mutex<Vec<String>>,
    /// A write has failed; no other is tried.
    unwritable: AtomicBool,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub version: u32,
    pub key: String,
    /// The instance for which it was decided, for people.
    pub name: String,
    /// Seconds since 1970.
    pub written: u64,
    pub known: Known,
    pub engine: Option<String>,
    pub reports: Vec<Report>,
    pub time: Duration,
    /// What the engines were given; an undecided entry serves no larger budget.
    pub budget: Duration,
    /// Its certificate was checked, and was too large to be kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_large: bool,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Known {
    /// Nothing answers the obligation.
    None(Trust),
    /// This does. It is replayed before it is believed.
    Some(Assignment),
    /// Nobody knows.
    Open(Reason),
    /// Of an objective: what is known of its maximum.
    Maximum(Maximum),
}

/// What is known of an objective's maximum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Maximum {
    /// The greatest found, and where: decimal, since JSON's numbers end at 64 bits.
    pub best: Option<(String, Assignment)>,
    /// It is proved to be no greater.
    pub upper: String,
    pub complete: bool,
    pub vacuous: bool,
    pub trust: Trust,
    pub reason: Option<Reason>,
}

impl Known {
    pub fn verdict(&self) -> Verdict {
        let open = |reason: Option<&Reason>| match reason {
            Some(Reason::Timeout) => Verdict::Timeout,
            _ => Verdict::Unknown,
        };
        match self {
            Known::None(_) => Verdict::Proved,
            Known::Some(_) => Verdict::Violated,
            Known::Open(reason) => open(Some(reason)),
            Known::Maximum(maximum) if maximum.vacuous => Verdict::Vacuous,
            Known::Maximum(maximum) if maximum.complete => Verdict::Proved,
            Known::Maximum(maximum) => open(maximum.reason.as_ref()),
        }
    }

    /// Whether it may be stored: what somebody interrupted, or what lacked memory or is broken today, may go better tomorrow.
    fn is_lasting(&self) -> bool {
        let reason = match self {
            Known::Open(reason) => Some(reason),
            Known::Maximum(maximum) => maximum.reason.as_ref(),
            _ => None,
        };
        matches!(reason, None | Some(Reason::Timeout | Reason::Incomplete(_)))
    }
}

impl Entry {
    /// Whether it answers whoever asks with this budget.
    pub fn serves(&self, budget: Duration) -> bool {
        self.known.verdict().is_decided() || budget <= self.budget
    }
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
}

/// What stands before the checksum, between it and the entry, and at the end: together one JSON object.
const FRAME: [&str; 3] = ["{\"check\":\"", "\",\"entry\":", "}\n"];
/// What a certificate's file begins with. The obligation's key follows, a space, the checksum of what comes after it, a line feed; then the
/// certificate as [`crate::proof::pack`] packs it.
const PROOF_FRAME: &str = "qnn certificate ";
/// The largest file of a certificate that is read: packed, it is smaller than what it unpacks to.
const MOST_PROOF_BYTES: u64 = crate::proof::MAX_CERTIFICATE_BYTES;
/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".unfinished-";
/// An unfinished file that nobody has touched for this long was left behind by a crash.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Where the store is by default: `QNN_CACHE`, else the platform's folder for caches. `None` if there is neither.
    pub fn default_location() -> Option<PathBuf> {
        match std::env::var_os(LOCATION_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Some(path.into()),
            None => directories::ProjectDirs::from("", "", "qnn").map(|dirs| dirs.cache_dir().to_owned()),
        }
    }

    /// The store in a folder, which need not exist.
    pub fn open(root: impl Into<PathBuf>) -> Store {
        Store { root: root.into(), warnings: Mutex::default(), unwritable: AtomicBool::new(false) }
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

    /// The packed certificate about an obligation, if it is there and undamaged. One that is damaged is told; one that is gone (somebody may be
    /// clearing the store) is not there, no more.
    pub(crate) fn proof(&self, obligation: &str) -> Option<Vec<u8>> {
        let path = self.proof_path(obligation);
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(MOST_PROOF_BYTES).read_to_end(&mut bytes));
        let sound = match &read {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
            Err(_) if path.is_dir() => {
                self.in_the_way(&path);
                return None;
            }
            Err(_) => None,
            Ok(_) => proof_parts(&bytes).filter(|(about, _)| *about == obligation).map(|(_, packed)| packed.to_vec()),
        };
        if sound.is_none() {
            self.warn(format!(
                "The stored certificate `{}` is damaged; it is ignored and what rests on it is decided anew.",
                path.display()
            ));
        }
        sound
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
    pub(crate) fn get(&self, key: &str) -> Option<Entry> {
        let path = self.path(key);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
            Err(_) if path.is_dir() => {
                self.in_the_way(&path);
                return None;
            }
            Err(error) => {
                self.warn(format!("The stored verdict `{}` can't be read: {error}.", path.display()));
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
    pub(crate) fn put(&self, entry: &Entry) {
        if !entry.known.is_lasting() || self.unwritable.load(Ordering::Relaxed) {
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
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.flush()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The sound entries, by name.
    pub fn list(&self) -> Vec<Listed> {
        let entries = self.files().into_iter().filter(|(path, _)| !is_proof(path));
        let mut all: Vec<Listed> = entries.filter_map(|(path, bytes)| listed(&path, bytes)).collect();
        all.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        all
    }

    /// The store in numbers.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for (path, bytes) in self.files() {
            stats.bytes += bytes;
            if is_proof(&path) {
                let sound = std::fs::read(&path).is_ok_and(|bytes| proof_parts(&bytes).is_some());
                stats.certificates += usize::from(sound);
                stats.damaged += usize::from(!sound);
                continue;
            }
            match listed(&path, bytes) {
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

    /// The files that are ours, by their names, with their sizes.
    fn files(&self) -> Vec<(PathBuf, u64)> {
        let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files = Vec::new();
        for folder in entries(&self.folder()) {
            for file in entries(&folder.path()) {
                let name = file.file_name();
                let name = name.to_string_lossy();
                let is_key = |stem: &str| stem.len() == 64 && stem.bytes().all(|b| b.is_ascii_hexdigit());
                let Ok(meta) = file.metadata() else { continue };
                // What another process is writing just now is not yet an entry.
                let abandoned = || meta.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
                let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".proof"));
                if stem.is_some_and(is_key) || name.starts_with(UNFINISHED) && abandoned() {
                    files.push((file.path(), meta.len()));
                }
            }
        }
        files.sort();
        files
    }
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
    let entry = decode(&std::fs::read(path).ok()?)?;
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

/// An entry as a file's bytes: a JSON object of a checksum and the entry.
fn encode(entry: &Entry) -> std::io::Result<Vec<u8>> {
    let text = serde_json::to_string(entry)?;
    let check = blake3::hash(text.as_bytes()).to_hex();
    Ok([FRAME[0], check.as_str(), FRAME[1], &text, FRAME[2]].concat().into_bytes())
}

/// The entry of a file's bytes, if the checksum is its own.
fn decode(bytes: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(FRAME[0])?.strip_suffix(FRAME[2])?;
    let (check, text) = rest.split_once(FRAME[1])?;
    if blake3::hash(text.as_bytes()).to_hex().as_str() != check {
        return None;
    }
    serde_json::from_str(text).ok().filter(|entry: &Entry| entry.version == STORE_VERSION)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
