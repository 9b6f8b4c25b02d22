//! How files are read: from disk, or as an editor has them; and what data files hold, with the hash of it.

use super::{MAX_DATA_BYTES, MAX_SPEC_BYTES};
use crate::disk;
use crate::files::FileError;
use qnn_ir::interrupt::work;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// How files are read: from disk, or through an editor's buffers.
pub trait FileSystem: Send + Sync {
    /// A text file.
    ///
    /// # Errors
    /// A sentence for the user.
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError>;
    /// A data file or folder.
    fn bytes(&self, path: &Path) -> BytesContent;
    /// What is in a folder, sorted; nothing where it can't be listed, as is so by default.
    fn list(&self, _folder: &Path) -> Vec<FolderEntry> {
        Vec::new()
    }
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
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

    fn list(&self, folder: &Path) -> Vec<FolderEntry> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let entry = |entry: std::fs::DirEntry| FolderEntry {
            name: entry.file_name().to_string_lossy().into_owned(),
            folder: entry.path().is_dir(),
        };
        let mut all: Vec<FolderEntry> = entries.flatten().map(entry).collect();
        all.sort();
        all
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

/// The hash of a file's bytes.
fn hash(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in bytes.chunks(1 << 20) {
        work(part.len());
        hasher.update(part);
    }
    hasher.finalize()
}

/// The content with its hash.
pub(super) fn hashed(content: BytesContent) -> Bytes {
    let hash = match &content {
        BytesContent::File(bytes) => *hash(bytes).as_bytes(),
        BytesContent::Folder(files) => {
            let mut hasher = blake3::Hasher::new();
            for (name, bytes) in files.iter() {
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
                hasher.update(hash(bytes).as_bytes());
            }
            *hasher.finalize().as_bytes()
        }
        BytesContent::Problem(_) => [0; 32],
    };
    Bytes { hash, content }
}
