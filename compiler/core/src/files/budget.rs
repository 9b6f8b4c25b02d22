//! How much memory the contents of one file may take, so that a small hostile file can't exhaust a machine.

use super::FileError;
use super::spelling::grouped;

/// The most bytes that one file may unpack to, and the most that its tensors may take in memory.
///
/// In memory an integer or a float takes 8 bytes, an unsigned byte 1, whatever they take in the file.
pub const MAX_BYTES: u64 = 2 << 30;

/// What is left of a limit on bytes.
#[derive(Clone)]
pub(super) struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    /// All of [`MAX_BYTES`].
    pub(super) fn new() -> Budget {
        Budget::of(MAX_BYTES)
    }

    /// A budget of `limit` bytes.
    pub(super) fn of(limit: u64) -> Budget {
        Budget { limit, left: limit }
    }

    /// The bytes not yet spent.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Spends `bytes`; to be called before they are allocated.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), FileError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| self.exceeded())?;
        Ok(())
    }

    /// Spends the memory of `count` elements of `size` bytes.
    pub(super) fn take_elements(&mut self, count: usize, size: usize) -> Result<(), FileError> {
        self.take((count as u64).saturating_mul(size as u64))
    }

    /// The error of a file that needs more than the budget.
    pub(super) fn exceeded(&self) -> FileError {
        FileError::new(format!("needs more than {} bytes of memory when it is unpacked", grouped(self.limit)))
            .help("keep only the tensors and samples that the spec uses, or split the file")
    }
}
