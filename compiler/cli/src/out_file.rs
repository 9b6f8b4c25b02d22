//! Files that a command writes: beside their place first, and renamed into it when they are whole.
//!
//! A symlink stays one: the file that it leads to is replaced. What is no regular file (a device, a named pipe) stays what it is,
//! and gets what is written once that is whole.

use super::output::{Failure, shown};
use qnn::disk;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

/// A file that is about to be written. If it is dropped, whatever was there before is still there.
pub struct OutFile {
    /// As it was named.
    path: PathBuf,
    file: tempfile::NamedTempFile,
    place: Place,
}

/// Where it goes in the end.
enum Place {
    /// A regular file, or none so far.
    Path(PathBuf),
    /// What stays what it is.
    Open(File),
}

impl OutFile {
    /// Makes sure that it can be written where a user says, be it a device or a named pipe, which waits for its reader.
    pub fn create(path: &Path) -> Result<OutFile, Failure> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => return Err(unwritable(path, &"it is a folder")),
            Ok(meta) if !meta.is_file() => {
                let open = File::options().write(true).open(path);
                let open = open.map_err(|error| unwritable(path, &error))?;
                let file = temporary(path, &std::env::temp_dir())?;
                return Ok(OutFile { path: path.to_owned(), file, place: Place::Open(open) });
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(path, &error)),
            _ => {}
        }
        let place = disk::followed(path);
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = temporary(path, folder)?;
        Ok(OutFile { path: path.to_owned(), file, place: Place::Path(place) })
    }

    /// The same of a file that no user names: what is there may be a regular file, and nothing else.
    pub fn create_in_folder(path: &Path) -> Result<OutFile, Failure> {
        match std::fs::metadata(path) {
            Ok(meta) if !meta.is_file() && !meta.is_dir() => {
                Err(unwritable(path, &"something that is no file has its name"))
            }
            _ => OutFile::create(path),
        }
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
    pub fn finish(self) -> Result<usize, Failure> {
        let OutFile { path, mut file, place } = self;
        file.flush().map_err(|error| unwritable(&path, &error))?;
        let bytes = file.as_file().metadata().map_or(0, |meta| usize::try_from(meta.len()).unwrap_or(usize::MAX));
        match place {
            Place::Path(place) => {
                readable(&file);
                file.persist(&place).map_err(|error| unwritable(&path, &error.error))?;
            }
            Place::Open(mut open) => {
                let copied = file.rewind().and_then(|()| std::io::copy(file.as_file_mut(), &mut open));
                copied.and_then(|_| open.flush()).map_err(|error| unwritable(&path, &error))?;
            }
        }
        Ok(bytes)
    }
}

/// An unfinished file in a folder, which becomes the one at `path`. What earlier runs left there goes.
fn temporary(path: &Path, folder: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    if !folder.is_dir() {
        let why = format!("there is no folder `{}`\n  help: create it first", shown(folder));
        return Err(unwritable(path, &why));
    }
    disk::sweep(folder);
    disk::unfinished(folder).map_err(|error| unwritable(path, &error.kind()))
}

fn unwritable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::wrong(format!("`{}` can't be written: {why}", shown(path)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes, and says how it went.
    fn written(path: &Path, text: &str) -> Result<usize, Failure> {
        OutFile::create(path)?.write(text.as_bytes())
    }

    #[test]
    fn what_was_there_stays_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        let mut unfinished = OutFile::create(&path).unwrap();
        unfinished.file().write_all(b"half").unwrap();
        drop(unfinished);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(written(&path, "whole").unwrap(), 5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        for bad in [folder.path(), &folder.path().join("none").join("a.txt"), &path.join("a.txt")] {
            assert!(written(bad, "no").is_err(), "{}", bad.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn symlinks_stay_and_their_files_are_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("inner")).unwrap();
        std::fs::write(at("inner/a.txt"), "old").unwrap();
        symlink("inner/a.txt", at("first")).unwrap();
        symlink(at("first"), at("second")).unwrap();
        symlink("inner/new.txt", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (link, file) in [("first", "inner/a.txt"), ("second", "inner/a.txt"), ("dangling", "inner/new.txt")] {
            written(&at(link), link).unwrap();
            assert!(at(link).is_symlink() && !at(file).is_symlink(), "{link}");
            assert_eq!(std::fs::read_to_string(at(file)).unwrap(), link);
        }
        assert!(written(&at("loop"), "no").is_err() && at("loop").is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_written_to() {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link] {
            let read = std::thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    let mut text = String::new();
                    File::open(path).unwrap().read_to_string(&mut text).map(|_| text).unwrap()
                });
                assert_eq!(written(path, "through").unwrap(), 7);
                reader.join().unwrap()
            });
            assert_eq!(read, "through");
        }
        assert!(pipe.metadata().unwrap().file_type().is_fifo() && link.is_symlink());
        let null = folder.path().join("null");
        symlink("/dev/null", &null).unwrap();
        assert_eq!(written(&null, "nothing").unwrap(), 7);
        assert!(null.is_symlink() && null.metadata().unwrap().file_type().is_char_device());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
