//! A file's bytes, as its readers share them.

use std::sync::Arc;

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
