//! Proof files: gzipped lines of JSON. The format is described in `docs/certificates.md`.
//!
//! In: results with their evidence; or bytes. Out: the bytes of a file; or its lines, one at a time, within limits.

use crate::obligation::{Assignment, SEMANTICS_VERSION};
use crate::proof::{Certificate, Unreadable, unpack};
use crate::verify::InstanceResult;
use crate::verify::evidence::{About, Basis};
use crate::verify::verdict::{Kind, Verdict};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};

/// The version of the format.
pub const FILE_VERSION: u32 = 1;
/// What a proof file's first line calls itself.
pub const FORMAT: &str = "qnn proof";
/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 256 << 20;
/// The most that is unpacked of one file, in bytes.
const MAX_FILE: u64 = 16 << 30;

/// The first line of a proof file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`FILE_VERSION`].
    pub version: u32,
    /// The qnn that wrote it.
    pub qnn: String,
    /// [`SEMANTICS_VERSION`].
    pub semantics: u32,
    /// The specs; paths are relative to the proof file's folder where they can be.
    pub specs: Vec<Place>,
    /// Every other file that was read: specs that are used, models, datasets.
    pub files: Vec<Place>,
    /// How many instances follow, a line each.
    pub instances: usize,
    /// How many instances a filter left out.
    pub left_out: usize,
}

/// A file and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where it is.
    pub path: String,
    /// The BLAKE3 hash of its bytes, in hexadecimal; of a folder, of its files' names and hashes.
    pub blake3: String,
}

/// A line of a proof file: what is said of an instance, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The spec, counted through the header's.
    pub spec: usize,
    /// The instance: `robust(i = 3, eps = 1)`.
    pub instance: String,
    /// What it is.
    pub kind: Kind,
    /// What is claimed of it.
    pub verdict: Verdict,
    /// What is claimed to be a measure's answer, exactly; `None` where there is none.
    pub found: Option<String>,
    /// What it rests on.
    pub evidence: Vec<Item>,
}

/// The answer to an obligation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is asked.
    pub about: About,
    /// The candidate of a `largest` that it is asked of.
    pub candidate: Option<i128>,
    /// The obligation's key.
    pub obligation: String,
    /// What the answer rests on.
    pub rests_on: Ground,
}

/// What an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// No input answers it: the proof.
    Certificate(Certificate),
    /// This input does: one vector of raw integers for each variable.
    Assignment(Assignment),
    /// No input answers it, by interval arithmetic.
    Interval,
    /// No input answers it: the word of a solver.
    Solver(String),
}

impl Header {
    /// The header of a file about these specs.
    pub fn new(specs: Vec<Place>, files: Vec<Place>, instances: usize, left_out: usize) -> Header {
        Header {
            format: FORMAT.to_owned(),
            version: FILE_VERSION,
            qnn: env!("CARGO_PKG_VERSION").to_owned(),
            semantics: SEMANTICS_VERSION,
            specs,
            files,
            instances,
            left_out,
        }
    }
}

impl Record {
    /// What a result says. Its certificates must have been kept ([`crate::verify::Options::certificates`]).
    pub fn new(spec: usize, result: &InstanceResult) -> Record {
        let ground = |basis: &Basis| match basis {
            // One that was too large to be kept is none.
            Basis::Certificate(kept) => {
                kept.packed.as_ref().and_then(|bytes| unpack(bytes).ok()).map(Ground::Certificate)
            }
            Basis::Assignment(assignment) => Some(Ground::Assignment(assignment.clone())),
            Basis::Interval => Some(Ground::Interval),
            Basis::Solver(name) => Some(Ground::Solver(name.clone())),
        };
        let evidence = (result.evidence.iter())
            .filter_map(|evidence| {
                Some(Item {
                    about: evidence.about,
                    candidate: evidence.candidate,
                    obligation: evidence.obligation.clone(),
                    rests_on: ground(&evidence.rests_on)?,
                })
            })
            .collect();
        Record {
            spec,
            instance: result.name.clone(),
            kind: result.kind,
            verdict: result.verdict,
            found: result.measure.as_ref().and_then(|m| m.found.as_ref()).map(|found| found.exact.clone()),
            evidence,
        }
    }
}

/// Writes a proof file.
///
/// # Errors
/// If `out` can't be written.
pub fn write(out: impl Write, header: &Header, records: impl IntoIterator<Item = Record>) -> std::io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    serde_json::to_writer(&mut encoder, header)?;
    encoder.write_all(b"\n")?;
    for record in records {
        serde_json::to_writer(&mut encoder, &record)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()?.flush()
}

/// A proof file as it is read: the header, then record by record.
pub struct Reader<R: BufRead> {
    /// The first line.
    pub header: Header,
    lines: Lines<R>,
    /// The records that are still to come.
    left: usize,
}

struct Lines<R: BufRead> {
    text: BufReader<GzDecoder<R>>,
    /// The bytes that may still be unpacked.
    budget: u64,
}

fn damaged(why: impl std::fmt::Display) -> Unreadable {
    Unreadable(format!("It is no proof file, or a damaged one: {why}."))
}

impl<R: BufRead> Lines<R> {
    /// The next line, without its end; `None` after the last.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Unreadable> {
        let limit = MAX_LINE.min(self.budget);
        let mut line = Vec::new();
        let read = (&mut self.text).take(limit).read_until(b'\n', &mut line);
        read.map_err(|error| damaged(format_args!("its gzip compression can't be undone ({error})")))?;
        self.budget -= line.len() as u64;
        match line.pop() {
            None if limit > 0 => Ok(None),
            Some(b'\n') => Ok(Some(line)),
            Some(_) if (line.len() as u64 + 1) < limit => Err(damaged("its last line has no end")),
            _ => Err(Unreadable("It has a line, or is as a whole, larger than what is read.".to_owned())),
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no proof file, or one of another version.
    pub fn new(bytes: R) -> Result<Reader<R>, Unreadable> {
        let mut lines = Lines { text: BufReader::new(GzDecoder::new(bytes)), budget: MAX_FILE };
        let first = lines.next()?.ok_or_else(|| damaged("it is empty"))?;
        let other = |version: &serde_json::Value| {
            Unreadable(format!("It is of version {version} of the format; this qnn reads version {FILE_VERSION}."))
        };
        let said: serde_json::Value = serde_json::from_slice(&first).map_err(damaged)?;
        if said["format"] != FORMAT {
            return Err(damaged("its first line does not say that it is one"));
        }
        if said["version"] != FILE_VERSION {
            return Err(other(&said["version"]));
        }
        let header: Header = serde_json::from_value(said).map_err(damaged)?;
        if header.semantics != SEMANTICS_VERSION {
            return Err(Unreadable(format!(
                "It was written by qnn {}, whose obligations mean something else than this one's.",
                header.qnn
            )));
        }
        Ok(Reader { left: header.instances, header, lines })
    }

    /// The next record; `None` after the last.
    ///
    /// # Errors
    /// [`Unreadable`] if there is no next record where there should be one, or something else.
    pub fn next_record(&mut self) -> Result<Option<Record>, Unreadable> {
        let line = self.lines.next()?;
        match (line, self.left) {
            (None, 0) => Ok(None),
            (None, left) => Err(damaged(format_args!("{left} of its {} instances are missing", self.header.instances))),
            (Some(_), 0) => Err(damaged("more instances follow than it says")),
            (Some(line), _) => {
                self.left -= 1;
                let number = self.header.instances - self.left + 1;
                let record: Record =
                    serde_json::from_slice(&line).map_err(|error| damaged(format_args!("line {number}: {error}")))?;
                if record.spec >= self.header.specs.len() {
                    return Err(damaged(format_args!("line {number} speaks of a spec that it does not name")));
                }
                Ok(Some(record))
            }
        }
    }
}
