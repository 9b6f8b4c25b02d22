//! Proof files: gzipped lines of JSON. The format is described in `docs/certificates.md`.
//!
//! In: results with their evidence; or bytes. Out: the bytes of a file; or its lines, one at a time, within limits.

use crate::verify::InstanceResult;
use crate::verify::evidence::{About, Support};
use crate::verify::verdict::{Kind, Verdict};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use qnn_ir::obligation::{Assignment, SEMANTICS_VERSION};
use qnn_proof::{Certificate, MAX_CERTIFICATE_BYTES, Unreadable, unpack};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::io::{BufRead, BufReader, Read, Write};
use std::marker::PhantomData;

/// The version of the format.
pub const FILE_VERSION: u32 = 1;
/// What a proof file's first line calls itself.
pub const FORMAT: &str = "qnn proof";
/// The characters that are shown of a text that nothing is known of.
const BRIEF: usize = 200;

/// The most that is read, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of a file, unpacked.
    pub file: u64,
    /// Of its first line.
    pub header: u64,
    /// Of any other line.
    pub line: u64,
    /// Of a certificate or an input.
    pub evidence: u64,
    /// Of a name, a key or a number.
    pub name: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { file: 16 << 30, header: 4 << 20, line: 256 << 20, evidence: MAX_CERTIFICATE_BYTES, name: 64 << 10 }
    }
}

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
    pub specs: Vec<PinnedFile>,
    /// Every other file that was read: specs that are used, models, datasets.
    pub files: Vec<PinnedFile>,
    /// The patterns of which the instances match one; empty, if it is about all of them.
    #[serde(default)]
    pub filter: Vec<String>,
    /// How many instances follow, a line each.
    pub instances: usize,
    /// How many instances a filter left out.
    pub left_out: usize,
}

/// A file and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedFile {
    /// Where it is.
    pub path: String,
    /// The BLAKE3 hash of its bytes, in hexadecimal; of a folder, of its files' names and hashes.
    pub blake3: String,
}

/// A line of a proof file: what is said of an instance, and what it rests on.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What a measure's answer that is not known exactly is claimed never to exceed (a minimum: to fall below), exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// What it rests on.
    pub evidence: Vec<Item>,
}

/// The answer to an obligation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// What is asked.
    pub about: About,
    /// The candidate of a `largest` that it is asked of; of what is counted or chosen from, the place, from 0.
    pub candidate: Option<i128>,
    /// The obligation's key.
    pub obligation: String,
    /// Of a choice of a measure's indices: what its value is claimed never to exceed (a minimum: to fall below), exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// What the answer rests on.
    pub rests_on: RecordGround,
}

/// What an answer rests on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordGround {
    /// No input answers it: the proof.
    Certificate(Json<Certificate>),
    /// This input does: one vector of raw integers for each variable.
    Assignment(Json<Assignment>),
    /// No input answers it, by interval arithmetic.
    Interval,
    /// No input answers it: the word of a solver.
    Solver(String),
}

/// A value as the text that says it: it takes a multiple of its text's memory, and only while somebody looks at it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T> {
    text: Box<RawValue>,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Json<T> {
    /// The text of a value; `None` if it has none.
    pub fn of(value: &T) -> Option<Json<T>> {
        Some(Json { text: to_raw_value(value).ok()?, of: PhantomData })
    }

    /// The value.
    ///
    /// # Errors
    /// With a reason, if the text says something else.
    pub fn read(&self) -> Result<T, String> {
        serde_json::from_str(self.text.get()).map_err(|error| brief(&error.to_string()))
    }
}

impl Header {
    /// The header of a file about these specs.
    pub fn new(
        specs: Vec<PinnedFile>,
        files: Vec<PinnedFile>,
        filter: Vec<String>,
        instances: usize,
        left_out: usize,
    ) -> Header {
        Header {
            format: FORMAT.to_owned(),
            version: FILE_VERSION,
            qnn: env!("CARGO_PKG_VERSION").to_owned(),
            semantics: SEMANTICS_VERSION,
            specs,
            files,
            filter,
            instances,
            left_out,
        }
    }
}

impl Record {
    /// What a result says. Its certificates must have been kept ([`crate::verify::Options::certificates`]).
    pub fn new(spec: usize, result: &InstanceResult) -> Record {
        let ground = |basis: &Support| match basis {
            // One that was too large to be kept is none.
            Support::Certificate(kept) => {
                let certificate = kept.packed.as_ref().and_then(|bytes| unpack(bytes).ok());
                certificate.and_then(|certificate| Json::of(&certificate)).map(RecordGround::Certificate)
            }
            Support::Assignment(assignment) => Json::of(assignment).map(RecordGround::Assignment),
            Support::Interval => Some(RecordGround::Interval),
            Support::Solver(name) => Some(RecordGround::Solver(name.clone())),
        };
        let evidence = (result.evidence.iter())
            .filter_map(|evidence| {
                Some(Item {
                    about: evidence.about,
                    candidate: evidence.candidate,
                    obligation: evidence.obligation.clone(),
                    bound: evidence.bound.clone(),
                    rests_on: ground(&evidence.rests_on)?,
                })
            })
            .collect();
        let extreme = matches!(result.kind, Kind::Maximize | Kind::Minimize);
        // Where the two meet, or are apart by what an enclosure is off alone, the bound goes without saying.
        let bound = result
            .measure
            .as_ref()
            .filter(|measure| extreme && !measure.complete)
            .and_then(|measure| measure.bound.as_ref());
        Record {
            spec,
            instance: result.name.clone(),
            kind: result.kind,
            verdict: result.verdict,
            found: result.measure.as_ref().and_then(|m| m.found.as_ref()).map(|found| found.exact.clone()),
            bound: bound.map(|bound| bound.exact.clone()),
            evidence,
        }
    }

    /// Why it is more than what is read, if it is.
    fn excess(&self, limits: &Limits) -> Option<String> {
        let grounds = || self.evidence.iter().map(|item| &item.rests_on);
        let keys = self.evidence.iter().flat_map(|item| [&item.obligation].into_iter().chain(&item.bound));
        let solvers = grounds().filter_map(|ground| match ground {
            RecordGround::Solver(name) => Some(name),
            _ => None,
        });
        let mut names = [&self.instance].into_iter().chain(&self.found).chain(&self.bound).chain(keys).chain(solvers);
        if names.any(|name| name.len() > limits.name) {
            return Some(format!("a name or a number has more than {} bytes", limits.name));
        }
        let mut sizes = grounds().filter_map(|ground| match ground {
            RecordGround::Certificate(json) => Some(json.text.get().len()),
            RecordGround::Assignment(json) => Some(json.text.get().len()),
            RecordGround::Interval | RecordGround::Solver(_) => None,
        });
        let large = sizes.any(|bytes| bytes as u64 > limits.evidence);
        large.then(|| format!("a certificate or an input has more than {} bytes", limits.evidence))
    }
}

/// The beginning of a text that nothing is known of.
pub fn brief(text: &str) -> String {
    match text.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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
    limits: Limits,
    /// The records that are still to come.
    left: usize,
}

struct Lines<R: BufRead> {
    text: BufReader<GzDecoder<R>>,
    /// The bytes that may still be unpacked.
    budget: u64,
}

fn damaged(why: impl std::fmt::Display) -> Unreadable {
    Unreadable(format!("It is no proof file, or a damaged one: {}.", brief(&why.to_string())))
}

fn undone(error: std::io::Error) -> Unreadable {
    damaged(format_args!("its gzip compression can't be undone ({error})"))
}

impl<R: BufRead> Lines<R> {
    /// The next line, without its end; `None` after the last, which must be the end of the file.
    fn next(&mut self, most: u64) -> Result<Option<Vec<u8>>, Unreadable> {
        let limit = most.min(self.budget);
        let mut line = Vec::new();
        let read = (&mut self.text).take(limit).read_until(b'\n', &mut line);
        read.map_err(undone)?;
        self.budget -= line.len() as u64;
        match line.pop() {
            None if limit > 0 => match self.text.get_mut().get_mut().fill_buf().map_err(undone)? {
                [] => Ok(None),
                _ => Err(damaged("something follows its end")),
            },
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
        Reader::within(bytes, Limits::default())
    }

    /// [`Reader::new`], with limits.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no proof file, or one of another version.
    pub fn within(bytes: R, limits: Limits) -> Result<Reader<R>, Unreadable> {
        let mut lines = Lines { text: BufReader::new(GzDecoder::new(bytes)), budget: limits.file };
        let first = lines.next(limits.header)?.ok_or_else(|| damaged("it is empty"))?;
        let other = |version: &serde_json::Value| {
            let version = brief(&version.to_string());
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
                brief(&header.qnn)
            )));
        }
        let places = header.specs.iter().chain(&header.files);
        let long = |name: &String| name.len() > limits.name;
        if long(&header.qnn) || places.flat_map(|place| [&place.path, &place.blake3]).any(long) {
            return Err(damaged(format_args!("its first line has a name of more than {} bytes", limits.name)));
        }
        if header.specs.is_empty() {
            return Err(damaged("it speaks of no spec"));
        }
        Ok(Reader { left: header.instances, header, lines, limits })
    }

    /// The next record; `None` after the last.
    ///
    /// # Errors
    /// [`Unreadable`] if there is no next record where there should be one, or something else.
    pub fn next_record(&mut self) -> Result<Option<Record>, Unreadable> {
        let line = self.lines.next(self.limits.line)?;
        match (line, self.left) {
            (None, 0) => Ok(None),
            (None, left) => Err(damaged(format_args!("{left} of its {} instances are missing", self.header.instances))),
            (Some(_), 0) => Err(damaged("more instances follow than it says")),
            (Some(line), _) => {
                self.left -= 1;
                let number = self.header.instances - self.left + 1;
                let record: Record =
                    serde_json::from_slice(&line).map_err(|error| damaged(format_args!("line {number}: {error}")))?;
                if let Some(why) = record.excess(&self.limits) {
                    return Err(damaged(format_args!("line {number}: {why}")));
                }
                if record.spec >= self.header.specs.len() {
                    return Err(damaged(format_args!("line {number} speaks of a spec that it does not name")));
                }
                Ok(Some(record))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn header(instances: usize) -> Value {
        let place = PinnedFile { path: "spec.qnn".to_owned(), blake3: "ab".repeat(32) };
        serde_json::to_value(Header::new(vec![place], Vec::new(), Vec::new(), instances, 0)).unwrap()
    }

    fn record(instance: &str, rests_on: Value) -> Value {
        let item = json!({ "about": "statement", "candidate": null, "obligation": "ab", "rests_on": rests_on });
        json!({
            "spec": 0, "instance": instance, "kind": "property", "verdict": "proved", "found": null, "evidence": [item, item]
        })
    }

    fn packed(lines: &[Value]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        lines.iter().for_each(|line| writeln!(encoder, "{line}").unwrap());
        encoder.finish().unwrap()
    }

    /// The number of records, or why there is none.
    fn read(bytes: &[u8], limits: Limits) -> Result<usize, String> {
        let mut reader = Reader::within(bytes, limits).map_err(|why| why.0)?;
        let mut count = 0;
        while reader.next_record().map_err(|why| why.0)?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn names_and_evidence_have_limits_of_their_own() {
        let steps = json!({ "certificate": vec!["empty"; 10] });
        let certificate = steps["certificate"].to_string().len();
        let file = packed(&[header(1), record("robust(i = 3)", steps)]);
        let all = Limits::default();
        assert_eq!(read(&file, all), Ok(1));
        // Two of them are more than the limit of one.
        assert_eq!(read(&file, Limits { evidence: certificate as u64, ..all }), Ok(1));
        let why = read(&file, Limits { evidence: certificate as u64 - 1, ..all }).unwrap_err();
        assert!(why.contains("line 2: a certificate or an input has more than"), "{why}");
        let name = |length: usize| "x".repeat(length);
        for (length, fits) in [(80, true), (81, false)] {
            let measure = json!({
                "spec": 0, "instance": "a", "kind": "maximize", "verdict": "proved", "found": name(length), "evidence": []
            });
            for long in
                [record(&name(length), json!("interval")), record("a", json!({ "solver": name(length) })), measure]
            {
                let read = read(&packed(&[header(1), long]), Limits { name: 80, ..all });
                let said =
                    read.as_ref().is_err_and(|why| why.contains("line 2: a name or a number has more than 80 bytes"));
                assert_eq!((read.is_ok(), said), (fits, !fits), "{read:?}");
            }
        }
        let short = read(&file, Limits { name: 10, ..all });
        assert!(short.is_err_and(|why| why.contains("its first line has a name")));
        let input = packed(&[header(1), record("a", json!({ "assignment": [[1, 2, 3, 4]] }))]);
        assert!(
            read(&input, Limits { evidence: 10, ..all }).is_err()
                && read(&input, Limits { evidence: 11, ..all }).is_ok()
        );
        let first = header(1).to_string().len() as u64;
        assert!(read(&file, Limits { header: first, ..all }).is_err());
        assert_eq!(read(&file, Limits { header: first + 1, ..all }), Ok(1));
    }

    #[test]
    fn nothing_follows_the_end() {
        let file = packed(&[header(1), record("a", json!("interval"))]);
        for more in [&[0][..], b"junk", &file, &packed(&[])] {
            let why = read(&[&file, more].concat(), Limits::default()).unwrap_err();
            assert!(why.contains("something follows its end"), "{why}");
        }
    }

    #[test]
    fn a_file_is_about_a_spec() {
        let mut nothing = header(0);
        nothing["specs"] = json!([]);
        assert!(read(&packed(&[nothing]), Limits::default()).unwrap_err().contains("speaks of no spec"));
        assert_eq!(read(&packed(&[header(0)]), Limits::default()), Ok(0));
    }

    #[test]
    fn what_is_unknown_is_brief() {
        let mut wrong = record("a", json!("interval"));
        wrong["verdict"] = json!("é".repeat(10_000));
        assert!(read(&packed(&[header(1), wrong]), Limits::default()).unwrap_err().len() < 600);
        assert_eq!(brief(&"é".repeat(BRIEF)), "é".repeat(BRIEF));
        assert_eq!(brief(&"é".repeat(BRIEF + 1)), "é".repeat(BRIEF) + "…");
    }
}
