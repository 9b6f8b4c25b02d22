//! Tensors by name: what an archive of arrays (NPZ, safetensors) holds, read when it is asked for.
//!
//! In: a file's bytes with an index of its tensors. Out: for a name, its tensor, which is kept. What nobody asks for is neither unpacked nor decoded, so
//! that it costs no memory and its element type spoils nothing.

use super::budget::Budget;
use super::{FileError, FileTensor, npz, safetensors};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A file's bytes, shared: as they are on disk, or unpacked.
#[derive(Clone)]
pub(super) enum Content {
    File(Arc<[u8]>),
    Unpacked(Arc<Vec<u8>>),
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        match self {
            Content::File(bytes) => bytes,
            Content::Unpacked(bytes) => bytes,
        }
    }
}

/// The tensors of a file by name.
pub struct Tensors {
    source: Source,
    members: BTreeMap<String, Member>,
    /// What all tensors that are asked for may take together.
    budget: Mutex<Budget>,
}

/// What holds the tensors.
pub(super) enum Source {
    Npz(npz::Archive),
    Safetensors(safetensors::File),
}

/// A tensor and where it is: the index of a member or of a header's entry.
struct Member {
    index: usize,
    tensor: OnceLock<Result<FileTensor, FileError>>,
}

impl Tensors {
    /// The tensors of these names and indices.
    pub(super) fn new(source: Source, names: impl IntoIterator<Item = (String, usize)>, budget: Budget) -> Tensors {
        let member = |(name, index)| (name, Member { index, tensor: OnceLock::new() });
        Tensors { source, members: names.into_iter().map(member).collect(), budget: Mutex::new(budget) }
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// A tensor; `None` if there is none of this name.
    pub fn get(&self, name: &str) -> Option<Result<&FileTensor, &FileError>> {
        let member = self.members.get(name)?;
        let read = || {
            // Two threads that want a tensor read it once.
            let mut left = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
            // What is interrupted has spent nothing.
            let mut budget = left.clone();
            let tensor = match &self.source {
                Source::Npz(archive) => archive.read(member.index, name, &mut budget),
                Source::Safetensors(file) => file.read(member.index, name, &mut budget),
            };
            *left = budget;
            tensor
        };
        Some(member.tensor.get_or_init(read).as_ref())
    }

    /// `float32[3, 4]` as its header says it, without its elements, or why it can't be read; `None` if there is none of this name.
    pub fn describe(&self, name: &str) -> Option<String> {
        let member = self.members.get(name)?;
        let header = match &self.source {
            Source::Npz(archive) => archive.describe(member.index, name),
            Source::Safetensors(file) => Ok(file.describe(member.index)),
        };
        Some(header.unwrap_or_else(|error| error.message))
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn all(&self) -> Result<BTreeMap<String, FileTensor>, FileError> {
        let tensor = |name: &str| match self.get(name) {
            Some(Ok(tensor)) => Ok((name.to_owned(), tensor.clone())),
            Some(Err(error)) => Err(error.clone()),
            None => Err(FileError::new("is gone")),
        };
        self.names().map(tensor).collect()
    }
}

impl fmt::Debug for Tensors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
