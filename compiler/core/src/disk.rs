//! The disk: the one door through which files that a user names are read, the specs below a folder, and the unfinished files that become those that are written.
//!
//! In: a path and a limit. Out: bytes, or why there are none, as a [`FileError`]. Only regular files are read, and bytes are counted while they are
//! read: a named pipe, a device or a socket is refused at once, also behind a link, and so is a file that is larger than its limit, whatever size the
//! system states. Knows no kind of file.

use crate::files::FileError;
use crate::files::spelling::size;
use qnn_ir::interrupt::work;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many bytes are read at a time.
const CHUNK: usize = 1 << 20;

/// The message where nothing is at a path.
pub(crate) const MISSING: &str = "does not exist";

/// A file that may be read: a regular one. `limit` is the most bytes that it may hold.
///
/// # Errors
/// A sentence for the user.
pub fn open(path: &Path, limit: u64) -> Result<Bounded<File>, FileError> {
    let file = open_regular(path)?;
    match file.metadata() {
        Ok(meta) if meta.len() > limit => Err(too_large(limit)),
        _ => Ok(Bounded::new(file, limit)),
    }
}

/// All bytes of a file.
///
/// # Errors
/// A sentence for the user.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    open(path, limit)?.all()
}

/// A file's text.
///
/// # Errors
/// A sentence for the user.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    text(read(path, limit)?)
}

/// Bytes as text.
///
/// # Errors
/// Where they are not UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        FileError::new(format!("is not UTF-8: byte {at} (line {line}) begins no character"))
            .help("save the file as UTF-8")
    })
}

/// A reader that counts: past its limit there is an error, not an end.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// At most `limit` bytes of what is read from `inner`.
    pub fn new(inner: R, limit: u64) -> Bounded<R> {
        Bounded { inner, limit, left: limit }
    }

    /// Everything up to the end.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn all(mut self) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(too_large(self.limit)),
            Err(error) => Err(problem(&error)),
        }
    }
}

impl Bounded<File> {
    /// The file itself, whose reader has limits of its own.
    pub fn into_inner(self) -> File {
        self.inner
    }

    /// Writes down that it was used just now.
    ///
    /// # Errors
    /// If it belongs to somebody else.
    pub fn touch(&self) -> Result<(), FileError> {
        self.inner.set_modified(SystemTime::now()).map_err(|error| problem(&error))
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // One byte more than may come tells a file that ends here from one that is too large.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(buffer.len()).min(CHUNK);
        work(most);
        let read = self.inner.read(&mut buffer[..most])?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(Error::new(ErrorKind::FileTooLarge, too_large(self.limit).message)),
        }
        Ok(read)
    }
}

fn too_large(limit: u64) -> FileError {
    FileError::new(format!("is larger than {}, the most that is read", size(limit))).help("split it into smaller files")
}

fn problem(error: &Error) -> FileError {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            FileError::new("can't be read: permission denied").help("make the file readable")
        }
        _ => FileError::new(format!("can't be read: {error}")),
    }
}

/// Opens a regular file. It is looked at twice, since opening a device may already do something, and what a path leads to may change between.
fn open_regular(path: &Path) -> Result<File, FileError> {
    let unreadable = |error: &Error| match error.kind() {
        ErrorKind::NotFound => missing(path),
        _ => problem(error),
    };
    regular(path, &std::fs::metadata(path).map_err(|error| unreadable(&error))?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // A named pipe that took the file's place must not wait for its writer.
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| unreadable(&error))?;
    regular(path, &file.metadata().map_err(|error| unreadable(&error))?)?;
    Ok(file)
}

/// What is not there, or a link to it.
fn missing(path: &Path) -> FileError {
    match path.read_link() {
        Ok(target) => FileError::new(format!("is a symbolic link to `{}`, which {MISSING}", target.display()))
            .help("put the file there, or let the link lead to it"),
        Err(_) => FileError::new(MISSING).help("check the path"),
    }
}

/// Refuses what is no regular file.
fn regular(path: &Path, meta: &Metadata) -> Result<(), FileError> {
    if meta.is_file() {
        return Ok(());
    }
    if meta.is_dir() {
        return Err(FileError::new("is a folder, not a file").help("name a file in it"));
    }
    let (what, help) = match kind(meta) {
        "a named pipe" => ("a named pipe", "write what comes through it into a file, and name that"),
        what => (what, "copy what is needed of it into a file, and name that"),
    };
    let link = if path.is_symlink() { "leads to" } else { "is" };
    Err(FileError::new(format!("{link} {what}, not a file")).help(help))
}

/// What it is that is neither file nor folder.
fn kind(meta: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = meta.file_type();
        if kind.is_fifo() {
            return "a named pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    let _ = meta;
    "something else"
}

/// The ending of a spec's name.
const SPEC: &str = "qnn";
/// Folders that hold no specs of a project's own.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// What [`specs_below`] found.
#[derive(Debug, Default)]
pub struct Found {
    /// What has a spec's name, sorted.
    pub specs: Vec<PathBuf>,
    /// Folders that can't be listed, and why.
    pub unlisted: Vec<(PathBuf, Error)>,
}

/// At most so many specs below a folder: whatever has a spec's name and is no folder, so that what can't be read is told where it is read. Hidden
/// files and folders, links to folders, and what others install or build are left out.
pub fn specs_below(folder: &Path, most: usize) -> Found {
    let mut found = Found::default();
    let mut left = vec![(folder.to_owned(), true)];
    while let Some((path, is_folder)) = left.pop() {
        if found.specs.len() >= most {
            break;
        }
        if !is_folder {
            found.specs.push(path);
            continue;
        }
        match std::fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(mut entries) => {
                entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
                left.extend(entries.iter().filter_map(entry));
            }
            Err(error) => found.unlisted.push((path, error)),
        }
    }
    found
}

/// A folder's entry, if it is a folder to look through or has a spec's name; whether it is the former.
fn entry(entry: &std::fs::DirEntry) -> Option<(PathBuf, bool)> {
    let (path, name) = (entry.path(), entry.file_name());
    let name = name.to_string_lossy();
    let is_spec = path.extension().is_some_and(|ending| ending == SPEC);
    match entry.file_type() {
        _ if name.starts_with('.') => None,
        Ok(kind) if kind.is_dir() => (!SKIPPED.contains(&&*name)).then_some((path, true)),
        _ => (is_spec && !path.is_dir()).then_some((path, false)),
    }
}

/// What the names of unfinished files and folders begin with.
pub const UNFINISHED: &str = ".unfinished-qnn-";
/// The file in an unfinished folder that its process holds locked.
const LOCK: &str = ".lock";
/// What is younger may not be locked yet.
const SETTLED: Duration = Duration::from_secs(1);
/// Where files can't be locked, what nobody has touched for this long has no process any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// An unfinished file in a folder, which [`tempfile::NamedTempFile::persist`] puts into its place. It is locked for as long as its process lives, so
/// that [`sweep`] can tell what a crash left.
///
/// # Errors
/// If it can't be created.
pub fn unfinished(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    hold(file.as_file());
    Ok(file)
}

/// A folder in the system's place for temporary files, which is removed when it is dropped, or by a later run if this one ends before.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: tempfile::TempDir,
    /// Held locked.
    _lock: File,
}

impl TemporaryFolder {
    /// An empty one, but for its lock.
    ///
    /// # Errors
    /// If it can't be created.
    pub fn new() -> std::io::Result<TemporaryFolder> {
        let place = std::env::temp_dir();
        sweep(&place);
        let folder = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(place)?;
        let lock = File::create(folder.path().join(LOCK))?;
        hold(&lock);
        Ok(TemporaryFolder { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what processes that are gone have left unfinished in a folder. What can't be removed stays.
pub fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        let path = entry.path();
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if !is_ours(&meta) => {}
            Ok(meta) if meta.is_file() && is_abandoned(&path, &meta) => _ = std::fs::remove_file(&path),
            Ok(meta) if meta.is_dir() && is_abandoned(&path.join(LOCK), &meta) => _ = std::fs::remove_dir_all(&path),
            _ => {}
        }
    }
}

/// Whether nobody holds the lock of what is unfinished.
fn is_abandoned(lock: &Path, meta: &Metadata) -> bool {
    let age = meta.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
    let old = || age > ABANDONED;
    if age < SETTLED {
        return false;
    }
    match open_regular(lock) {
        Ok(file) => is_free(&file).unwrap_or_else(old),
        Err(_) => old(),
    }
}

/// Locks a file for as long as this process holds it open. Where that can't be done, its age has to do.
fn hold(file: &File) {
    #[cfg(unix)]
    let _ = rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    #[cfg(not(unix))]
    let _ = file;
}

/// Whether no process holds a file locked; `None` where that can't be told.
fn is_free(file: &File) -> Option<bool> {
    #[cfg(unix)]
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Some(true),
        Err(rustix::io::Errno::WOULDBLOCK) => return Some(false),
        Err(_) => {}
    }
    let _ = file;
    None
}

/// Whether it belongs to this user.
fn is_ours(meta: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        meta.uid() == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = meta;
        true
    }
}

/// The path that symbolic links lead to, whether or not anything is there.
pub fn followed(path: &Path) -> PathBuf {
    /// How many links are followed; a call for metadata has found the end of them before.
    const MOST_LINKS: usize = 64;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, FileError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn bytes_are_counted_while_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(message(read(&path, 4)), "is larger than 4 bytes, the most that is read");
        // What has no size beforehand.
        assert_eq!(Bounded::new(&b"12345"[..], 5).all().unwrap(), b"12345");
        assert_eq!(
            message(Bounded::new(std::io::repeat(0), 3 << 20).all()),
            "is larger than 3 MiB, the most that is read"
        );
        assert_eq!(message(text(b"a\n\xff".to_vec())), "is not UTF-8: byte 2 (line 2) begins no character");
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(message(read(folder.path(), 5)), "is a folder, not a file");
        assert_eq!(message(read(&folder.path().join("none"), 5)), "does not exist");
        assert!(message(read(&folder.path().join("a\0b"), 5)).starts_with("can't be read: "));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_sockets_and_links_to_them_are_refused() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::fs::write(at("file"), "1").unwrap();
        let device = PathBuf::from("/dev/zero");
        for (target, what) in [(at("pipe"), "a named pipe"), (at("socket"), "a socket"), (device, "a device")] {
            assert_eq!(message(read(&target, 5)), format!("is {what}, not a file"));
            let link = at("link");
            symlink(&target, &link).unwrap();
            assert_eq!(message(read(&link, 5)), format!("leads to {what}, not a file"));
            std::fs::remove_file(link).unwrap();
        }
        symlink("gone", at("dangling")).unwrap();
        assert_eq!(message(read(&at("dangling"), 5)), "is a symbolic link to `gone`, which does not exist");
        symlink("loop", at("loop")).unwrap();
        assert!(message(read(&at("loop"), 5)).starts_with("can't be read: "));
        symlink("file", at("fine")).unwrap();
        assert_eq!(read(&at("fine"), 5).unwrap(), b"1");
    }

    #[cfg(unix)]
    #[test]
    fn what_dead_processes_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let at = |name: &str| folder.path().join(name);
        let age = |path: &Path| File::open(path).unwrap().set_modified(long_ago).unwrap();
        for name in [".unfinished-qnn-left", ".unfinished-other", "mine"] {
            std::fs::write(at(name), "").unwrap();
            age(&at(name));
        }
        std::fs::create_dir(at(".unfinished-qnn-folder")).unwrap();
        std::fs::write(at(".unfinished-qnn-folder/.lock"), "").unwrap();
        age(&at(".unfinished-qnn-folder"));
        std::fs::write(at(".unfinished-qnn-young"), "").unwrap();
        let live = unfinished(folder.path()).unwrap();
        live.as_file().set_modified(long_ago).unwrap();
        sweep(folder.path());
        let mut left: Vec<String> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let mut expected = vec![".unfinished-other".to_owned(), ".unfinished-qnn-young".to_owned(), "mine".to_owned()];
        expected.insert(1, live.path().file_name().unwrap().to_str().unwrap().to_owned());
        expected.sort();
        assert_eq!(left, expected);
    }
}
