//! Data files: the tensors that they hold.
//!
//! Readers are pure: bytes in, tensors or a [`FileError`] out. They know no path, no spec and no format.
//! The element type of a file is never guessed away: what to make of it is the spec's to say.

pub mod archive;
mod budget;
mod content;
#[cfg(test)]
mod corrupt;
pub mod csv;
mod elements;
mod gzip;
pub mod idx;
pub mod images;
pub mod npy;
pub mod npz;
pub mod reader;
pub mod safetensors;
pub mod spelling;
pub mod tensor;

pub use archive::Tensors;
pub use budget::MAX_BYTES;
pub use reader::FileContents;
pub use tensor::{Element, FileData, FileTensor, TensorHeader};

/// Why a file's bytes are not what its kind promises, and what to do about it.
///
/// The message is a sentence that lacks its subject, the file: it reads on after the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// What is wrong, where in the file: «ends after 1,024 of 7,840,016 bytes».
    pub message: String,
    /// What the user can do.
    pub help: Option<String>,
}

impl FileError {
    /// An error with a message alone.
    pub fn new(message: impl Into<String>) -> FileError {
        FileError { message: message.into(), help: None }
    }

    /// The same error with advice.
    pub fn help(mut self, help: impl Into<String>) -> FileError {
        self.help = Some(help.into());
        self
    }

    /// The same error, of a part of the file: `part` is «the tensor `fc1.weight`».
    pub(crate) fn inside(mut self, part: &str) -> FileError {
        self.message = format!("holds {part}, which {}", self.message);
        self
    }
}
