//! Files that a command writes: beside their place first, and renamed into it when they are whole.

use super::output::Failure;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that is about to be written. If it is dropped, whatever was there before is still there.
pub struct OutFile {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl OutFile {
    /// Makes sure that it can be written.
    pub fn create(path: &Path) -> Result<OutFile, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.is_dir() {
            return Err(unwritable(path, &"it is a folder"));
        }
        let file = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder);
        Ok(OutFile { path: path.to_owned(), file: file.map_err(|error| unwritable(path, &error.kind()))? })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To be written to.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Why it can't be written.
    pub fn failure(&self, why: &dyn std::fmt::Display) -> Failure {
        unwritable(&self.path, why)
    }

    /// Writes it in one go.
    pub fn write(mut self, bytes: &[u8]) -> Result<usize, Failure> {
        self.file().write_all(bytes).map_err(|error| self.failure(&error))?;
        self.finish()
    }

    /// Puts it in its place. Says how large it is.
    pub fn finish(mut self) -> Result<usize, Failure> {
        self.file.flush().map_err(|error| self.failure(&error))?;
        readable(&self.file);
        let bytes = self.file.as_file().metadata().map_or(0, |meta| usize::try_from(meta.len()).unwrap_or(usize::MAX));
        self.file.persist(&self.path).map_err(|error| unwritable(&self.path, &error.error))?;
        Ok(bytes)
    }
}

fn unwritable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::wrong(format!("`{}` can't be written: {why}", path.display()))
}

/// Temporary files are private; what is asked for is for others.
fn readable(file: &tempfile::NamedTempFile) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // If it can't be done, the file is there all the same.
        let _ = file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644));
    }
    #[cfg(not(unix))]
    let _ = file;
}
