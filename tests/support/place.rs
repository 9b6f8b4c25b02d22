//! What the tests of the command share: a folder to run it in, with a store of its own, and what it prints without times.

#![allow(dead_code, reason = "no test uses all of it")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A snapshot in `tests/snapshots`, named by the test or as said.
#[allow(unused_macros, reason = "no test uses all of it")]
macro_rules! snapshot {
    ($($argument:expr),+) => {
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path(crate::place::root().join("tests/snapshots"));
        settings.bind(|| insta::assert_snapshot!($($argument),+));
    };
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// A temporary folder to run in.
pub struct Place(tempfile::TempDir);

impl Place {
    /// An empty folder.
    pub fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    /// With another file.
    pub fn with(self, name: &str, content: impl AsRef<[u8]>) -> Place {
        self.write(name, content);
        self
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// A file in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and makes the folders that it lies in.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder");
        std::fs::write(path, content).expect("a temporary file");
    }

    /// The bytes of a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("text is UTF-8")
    }

    /// The command in another folder, with this one's store.
    pub fn command_in(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnn"));
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.env("QNN_CACHE", self.path("cache")).env("SOURCE_DATE_EPOCH", "1700000000");
        command.env_remove("COLORTERM").env("NO_COLOR", "1");
        command
    }

    /// The command in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(self.folder(), arguments)
    }

    /// Runs the command: the exit code, and what it prints.
    pub fn qnn(&self, arguments: &[&str]) -> (i32, Output) {
        let output = self.command(arguments).output().expect("qnn starts");
        (output.status.code().expect("it is not killed"), output)
    }

    /// The exit code, and standard output as JSON; `null` if it is none.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (exit, output) = self.qnn(arguments);
        (exit, serde_json::from_slice(&output.stdout).unwrap_or_default())
    }
}

/// A child that ends with its test, whatever ends that.
pub struct Running(Option<Child>);

impl Running {
    /// Starts a command, with pipes for what it prints.
    pub fn new(command: &mut Command) -> Running {
        Running(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")))
    }

    /// The child.
    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("it runs")
    }

    /// What Ctrl-C does; nothing, if the child has ended.
    #[cfg(unix)]
    pub fn interrupt(&mut self) {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child().id()).expect("a process id"));
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT);
    }

    /// What it prints until its end.
    pub fn output(mut self) -> Output {
        self.0.take().expect("it runs").wait_with_output().expect("it ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A NumPy file of bytes.
pub fn npy(shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), bytes].concat()
}

/// The text without times: `12 ms` and `3.2 s` become `…`.
pub fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut words = text.split_inclusive([' ', '\n']).peekable();
    while let Some(word) = words.next() {
        let number =
            word.starts_with(|c: char| c.is_ascii_digit()) && word.trim_end_matches(' ').parse::<f64>().is_ok();
        let unit = |next: &&str| matches!(next.trim_end_matches([' ', '\n', ',', '.']), "ms" | "s");
        match words.next_if(|next| number && unit(next)) {
            Some(unit) => masked += &format!("…{}", unit.trim_start_matches(['m', 's'])),
            None => masked += word,
        }
    }
    masked
}
