//! NPZ: a zip archive of named NPY arrays.

use super::archive::{TensorSource, Tensors};
use super::budget::Budget;
use super::content::Content;
use super::spelling::quoted;
use super::tensor::TensorHeader;
use super::{FileError, FileTensor, gzip, npy};
use std::io::{Cursor, Read};
use std::sync::Arc;
use zip::ZipArchive;
use zip::result::ZipError;

/// What Deflate packs at most: so many bytes into one.
const MOST_PACKED: u64 = 1032;
/// The folder that macOS puts beside what it packs; its files have the names of the real ones.
const MACOS: &str = "__MACOSX/";

/// Reads an NPZ file, gzipped or not: its arrays by name, without the `.npy` that they bear in the archive. Other members are passed over.
pub fn read(bytes: &[u8]) -> Result<Tensors, FileError> {
    open(Content::Unpacked(Arc::new(gzip::unpack(bytes)?.into_owned())))
}

/// The arrays of an archive that is not gzipped.
pub(super) fn open(content: Content) -> Result<Tensors, FileError> {
    open_within(content, Budget::new())
}

/// The same, with a limit on the memory of all arrays together.
fn open_within(content: Content, memory: Budget) -> Result<Tensors, FileError> {
    let again = "download or export it again";
    let bytes = content.as_ref().len() as u64;
    let zip = ZipArchive::new(Cursor::new(content)).map_err(|cause| {
        match cause {
            ZipError::UnsupportedArchive(why) => FileError::new(format!("is a zip archive that can't be read: {why}")),
            _ => FileError::new(format!("is not a whole zip archive, which an NPZ file is ({cause})")),
        }
        .help(again)
    })?;
    if zip.has_duplicate_names() {
        return Err(FileError::new("is a zip archive in which two members have the same name")
            .help("export it again, each array under a name of its own"));
    }
    // A spec can't name what is no text.
    let named = zip.file_names_raw().map(|name| std::str::from_utf8(name).ok()).enumerate();
    let arrays = named.filter_map(|(index, name)| {
        let name = name?;
        let short = name.strip_suffix(".npy")?;
        (!name.starts_with(MACOS)).then(|| (short.to_owned(), index))
    });
    let arrays: Vec<(String, usize)> = arrays.collect();
    if arrays.is_empty() {
        return Err(FileError::new("is a zip archive without any array (a member that ends in `.npy`)").help(
            "save arrays by name with `numpy.savez(path, weight=…, bias=…)`; if this is a PyTorch checkpoint, save it \
                 with `safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`",
        ));
    }
    Ok(Tensors::new(Archive { zip, bytes }, arrays, memory))
}

/// An archive of arrays.
struct Archive {
    zip: ZipArchive<Cursor<Content>>,
    /// Its size.
    bytes: u64,
}

impl TensorSource for Archive {
    /// The array of a member, which is decoded while it is unpacked; its checksum is verified.
    fn read(&self, index: usize, name: &str, memory: &mut Budget) -> Result<FileTensor, FileError> {
        self.member(index, name, |member, most| npy::array(member, most, memory))
    }

    fn header(&self, index: usize, name: &str) -> Result<TensorHeader, FileError> {
        self.member(index, name, |member, _| npy::header(member))
    }
}

impl Archive {
    /// What a member holds: `take` gets its unpacked bytes, and how many there may be.
    fn member<T>(
        &self,
        index: usize,
        name: &str,
        take: impl FnOnce(&mut dyn Read, u64) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        // The clone shares the archive's bytes and directory.
        let mut zip = self.zip.clone();
        let read = || {
            // How a member is compressed is looked at with its first byte.
            if let Err(error) = zip.by_index(index).map_err(not_unpacked)?.read(&mut [0])
                && let Some(ZipError::CompressionMethodNotSupported(method)) =
                    error.get_ref().and_then(|cause| cause.downcast_ref())
            {
                return Err(unknown_method(*method));
            }
            let mut member = zip.by_index(index).map_err(not_unpacked)?;
            // A directory may claim any size.
            let packed = member.compressed_size().min(self.bytes);
            take(&mut member, packed.saturating_mul(MOST_PACKED))
        };
        read().map_err(|error| error.inside(&format!("the array {}", quoted(name))))
    }
}

/// The error of a member that is compressed in a way that NumPy does not use.
fn unknown_method(method: u16) -> FileError {
    let name = match method {
        1..=6 => "an old way of PKZIP".to_owned(),
        9 => "Deflate64".to_owned(),
        12 => "BZIP2".to_owned(),
        14 => "LZMA".to_owned(),
        93 => "Zstandard".to_owned(),
        95 => "XZ".to_owned(),
        99 => "AES encryption".to_owned(),
        other => format!("method {other}"),
    };
    FileError::new(format!("is compressed with {name}, where NumPy stores or uses Deflate")).help(
        "load it and save it again: `numpy.savez_compressed(path, **numpy.load(old))`; or zip it again with Deflate",
    )
}

/// Why a member can't be unpacked.
fn not_unpacked(cause: ZipError) -> FileError {
    match cause {
        ZipError::CompressionMethodNotSupported(method) => unknown_method(method),
        ZipError::UnsupportedArchive(why) => FileError::new(format!("can't be unpacked: {why}")),
        _ => FileError::new(format!("can't be unpacked ({cause})")).help("download or export the file again"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy::tests::simple;
    use super::super::{FileData, corrupt};
    use super::*;
    use qnn_ir::interrupt::{Interrupted, QUANTUM, until};
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use zip::write::SimpleFileOptions;

    /// All arrays of a file.
    fn read(bytes: &[u8]) -> Result<BTreeMap<String, FileTensor>, FileError> {
        super::read(bytes)?.all()
    }

    fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (at, (name, contents)) in members.iter().enumerate() {
            let method = [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored][at % 2];
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(contents).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn message<T: std::fmt::Debug>(result: Result<T, FileError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn archives_hold_arrays_by_name() {
        let (a, b) = (simple("<i2", "False", "(2,)", &[1, 0, 2, 0]), simple("|b1", "False", "(1,)", &[1]));
        let bytes = npz(&[("fc1/weight.npy", &a), ("b.npy", &b), ("notes.txt", b"none")]);
        let tensors = read(&bytes).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["b", "fc1/weight"]);
        assert_eq!(tensors["fc1/weight"].data, FileData::Integers([1, 2].into()));
        assert_eq!((&tensors["b"].data, tensors["b"].element_type), (&FileData::Bytes([1].into()), "bool"));
        assert_eq!(read(&gzip::pack(&bytes)).unwrap(), tensors);
    }

    #[test]
    fn archives_say_what_is_wrong() {
        let short = simple("<i2", "False", "(9,)", &[1, 0]);
        assert_eq!(
            message(read(&npz(&[("w.npy", &short)]))),
            "holds the array `w`, which ends after 2 of the 18 bytes of data that its header promises"
        );
        assert_eq!(
            message(read(&npz(&[("data.pkl", b"?")]))),
            "is a zip archive without any array (a member that ends in `.npy`)"
        );
        assert!(message(read(b"PK\x03\x04")).starts_with("is not a whole zip archive, which an NPZ file is"));
        // Two members of one length, so that renaming one leaves the archive whole.
        let one = simple("|u1", "False", "(1,)", &[1]);
        let mut twins = npz(&[("a.npy", &one), ("b.npy", &one)]);
        for at in 0..twins.len() - 5 {
            if &twins[at..at + 5] == b"b.npy" {
                twins[at] = b'a';
            }
        }
        assert_eq!(message(read(&twins)), "is a zip archive in which two members have the same name");
    }

    #[test]
    fn names_are_utf8() {
        let one = simple("|u1", "False", "(1,)", &[1]);
        let named = |name: &str, bytes: &[u8]| {
            let mut archive = npz(&[(name, &one)]);
            for at in 0..archive.len() - bytes.len() {
                if archive[at..].starts_with(name.as_bytes()) {
                    archive[at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            read(&archive)
        };
        assert!(named("é.npy", "é".as_bytes()).unwrap().contains_key("é"));
        assert!(message(named("é.npy", &[0xff, 0xff])).starts_with("is a zip archive without any array"));
    }

    #[test]
    fn an_archive_of_bombs_stops_at_the_limit() {
        let zeros = simple("|u1", "False", "(100000,)", &[0; 100_000]);
        let bytes = npz(&[("a.npy", &zeros), ("c", b""), ("b.npy", &zeros)]);
        assert!(bytes.len() < 2000 + 100_200);
        let limited = |memory| open_within(Content::File(bytes.as_slice().into()), Budget::of(memory)).unwrap();
        assert!(limited(200_000).all().is_ok());
        assert!(message(limited(150_000).all()).contains("`b`, which needs more than 150,000 bytes"));
        // One that nobody asks for costs nothing.
        assert!(limited(150_000).get("b").unwrap().is_ok());
    }

    /// A member that can't hold what its header promises is not unpacked to its end to say so.
    #[test]
    fn a_promise_that_cant_be_kept_ends_it() {
        let long = simple("|u1", "False", "(2000000000,)", &vec![0; 64 << 20]);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let bytes = npz(&[("a.npy", &long)]);
        let ask = move || {
            count.fetch_add(1, Ordering::SeqCst);
            false
        };
        let found = until(ask, || message(read(&bytes))).unwrap();
        assert!(found.ends_with("ends before the 2,000,000,000 bytes of data that its header promises"), "{found}");
        let unpacked = asked.load(Ordering::SeqCst) * QUANTUM;
        assert!(unpacked < 20 << 20, "{unpacked} bytes");
    }

    /// Whoever is interrupted while a tensor is read has spent none of its memory.
    #[test]
    fn an_interrupted_tensor_is_read_again() {
        let zeros = simple("|u1", "False", "(300000,)", &[0; 300_000]);
        let bytes = npz(&[("b.npy", b""), ("a.npy", &zeros)]);
        let tensors = open_within(Content::File(bytes.as_slice().into()), Budget::of(300_000)).unwrap();
        assert_eq!(until(|| true, || tensors.get("a").is_some()), Err(Interrupted));
        assert!(tensors.get("a").unwrap().is_ok());
    }

    /// What no spec names spoils nothing, and what is named says what is wrong with it.
    #[test]
    fn arrays_are_read_when_they_are_asked_for() {
        let good = simple("<i2", "False", "(2,)", &[1, 0, 2, 0]);
        let texts = simple("<U5", "False", "(1,)", &[0; 20]);
        let objects = simple("|O", "False", "(1,)", b"\x80\x04.");
        let bytes = npz(&[
            ("good.npy", &good),
            ("names.npy", &texts),
            ("objects.npy", &objects),
            ("broken.npy", b"junk"),
            ("__MACOSX/._good.npy", b"\0\x05\x16\x07"),
        ]);
        let tensors = super::read(&bytes).unwrap();
        assert_eq!(tensors.names().collect::<Vec<_>>(), ["broken", "good", "names", "objects"]);
        assert_eq!(tensors.get("good").unwrap().unwrap().data, FileData::Integers([1, 2].into()));
        let why = |name: &str| tensors.get(name).unwrap().unwrap_err().clone();
        assert_eq!(why("names").message, "holds the array `names`, which holds texts (dtype `<U5`), not numbers");
        assert!(why("names").help.unwrap().contains(".astype("));
        assert!(why("objects").message.contains("(dtype `object`)"));
        assert!(why("broken").message.contains("is not an NPY file"));
        assert_eq!(tensors.describe("good").unwrap(), "int16[2]");
        assert!(tensors.describe("names").unwrap().contains("texts"));
        assert!(tensors.get("none").is_none());
    }

    #[test]
    fn ways_of_compression_are_named() {
        let array = simple("<i2", "False", "(2,)", &[1, 0, 2, 0]);
        for (method, name) in [(14u8, "LZMA"), (12, "BZIP2"), (93, "Zstandard"), (77, "method 77")] {
            let mut bytes = npz(&[("a.npy", b""), ("w.npy", &array)]);
            // The method of the second member, which is stored: in its own header, and in the directory.
            let heads: Vec<usize> = (0..bytes.len() - 4)
                .filter(|at| [b"PK\x03\x04", b"PK\x01\x02"].contains(&bytes[*at..at + 4].try_into().unwrap()))
                .collect();
            bytes[heads[1] + 8] = method;
            bytes[heads[3] + 10] = method;
            let error = super::read(&bytes).unwrap().get("w").unwrap().unwrap_err().clone();
            assert_eq!(
                error.message,
                format!("holds the array `w`, which is compressed with {name}, where NumPy stores or uses Deflate")
            );
            assert!(error.help.unwrap().contains("savez_compressed"));
        }
    }

    #[test]
    fn damage_never_panics() {
        let array = simple("<f4", "True", "(2, 2)", &[7; 16]);
        let archive = npz(&[("a.npy", &array), ("b.npy", &array)]);
        corrupt::truncations(&archive, |bytes| assert!(read(bytes).is_err()));
        corrupt::mutations(&archive, |bytes| drop(read(bytes)));
    }
}
