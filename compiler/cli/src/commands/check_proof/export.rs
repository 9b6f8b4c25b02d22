//! `--export`: each certificate with its obligation as a line of JSON, for another checker.

use crate::out_file::OutFile;
use crate::output::Failure;
use crate::proof_file::not_a_spec;
use qnn::db::normalise;
use qnn::ir::obligation::Obligation;
use qnn::proof::{Certificate, export};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A line for another checker.
#[derive(Serialize)]
pub struct Line<'a> {
    obligation: qnn::proof::Export<'a>,
    certificate: &'a Certificate,
}

impl<'a> Line<'a> {
    pub fn new(obligation: &'a Obligation, certificate: &'a Certificate) -> Line<'a> {
        Line { obligation: export(obligation), certificate }
    }
}

/// Lines of JSON for another checker. They are in their place once [`Export::finish`] puts them there.
pub struct Export {
    file: OutFile,
    lines: Mutex<(BufWriter<File>, Option<std::io::Error>)>,
}

impl Export {
    pub fn create(path: &Path) -> Result<Export, Failure> {
        not_a_spec(path)?;
        let mut file = OutFile::create(path)?;
        let lines = file.file().try_clone().map_err(|error| file.failure(&error))?;
        Ok(Export { file, lines: Mutex::new((BufWriter::new(lines), None)) })
    }

    /// Makes sure that it will not replace what is read.
    pub fn spares<'a>(&self, read: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Failure> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| normalise(path));
        let place = real(self.file.path());
        // A folder of images is read with all that is in it.
        if read.into_iter().any(|path| place.starts_with(real(path))) {
            return Err(self.file.failure(&"it is one of the files that are read; write to another file"));
        }
        Ok(())
    }

    pub fn line(&self, obligation: &Obligation, certificate: &Certificate) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.1.is_none() {
            let written =
                serde_json::to_writer(&mut lines.0, &Line::new(obligation, certificate)).map_err(std::io::Error::from);
            lines.1 = written.and_then(|()| lines.0.write_all(b"\n")).err();
        }
    }

    pub fn finish(self) -> Result<(), Failure> {
        let (mut lines, error) = self.lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        let done = error.map_or_else(|| lines.flush(), Err);
        done.map_err(|error| self.file.failure(&error))?;
        self.file.finish().map(drop)
    }
}
