//! Tensors by name: what an archive of arrays (NPZ, safetensors) holds, read when it is asked for.
//!
//! In: a file's bytes with an index of its tensors. Out: for a name, its tensor, which is kept. What nobody asks for is neither unpacked nor decoded, so
//! that it costs no memory and its element type spoils nothing.

use super::budget::Budget;
use super::tensor::TensorHeader;
use super::{FileError, FileTensor};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The tensors of a file by name.
pub struct Tensors {
    source: Box<dyn TensorSource>,
    members: BTreeMap<String, Member>,
    /// What all tensors that are asked for may take together.
    budget: Mutex<Budget>,
}

/// What holds the tensors: a reader's view of its file.
pub(super) trait TensorSource: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// The tensor of an index; messages call it by its name.
    fn read(&self, index: usize, name: &str, budget: &mut Budget) -> Result<FileTensor, FileError>;

    /// Its element type and shape, as the header says them.
    fn header(&self, index: usize, name: &str) -> Result<TensorHeader, FileError>;
}

/// A tensor and where it is: the index of a member or of a header's entry.
struct Member {
    index: usize,
    tensor: OnceLock<Result<FileTensor, FileError>>,
}

impl Tensors {
    /// The tensors of these names and indices.
    pub(super) fn new(
        source: impl TensorSource + 'static,
        names: impl IntoIterator<Item = (String, usize)>,
        budget: Budget,
    ) -> Tensors {
        let member = |(name, index)| (name, Member { index, tensor: OnceLock::new() });
        Tensors {
            source: Box::new(source),
            members: names.into_iter().map(member).collect(),
            budget: Mutex::new(budget),
        }
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
            let tensor = self.source.read(member.index, name, &mut budget);
            *left = budget;
            tensor
        };
        Some(member.tensor.get_or_init(read).as_ref())
    }

    /// `float32[3, 4]` as its header says it, without its elements, or why it can't be read; `None` if there is none of this name.
    pub fn describe(&self, name: &str) -> Option<String> {
        Some(self.header(name)?.map_or_else(|error| error.message, |header| header.to_string()))
    }

    /// Its element type and shape as its header says them, without its elements; `None` if there is none of this name.
    pub fn header(&self, name: &str) -> Option<Result<TensorHeader, FileError>> {
        let member = self.members.get(name)?;
        Some(self.source.header(member.index, name))
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
