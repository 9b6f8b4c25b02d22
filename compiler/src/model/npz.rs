//! NPZ: a zip archive of named NPY arrays.

use super::budget::Budget;
use super::words::quoted;
use super::{FileError, FileTensor, gzip, npy};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// Reads an NPZ file: its arrays by name, without the `.npy` that they bear in the archive. Other members are passed over.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, FileTensor>, FileError> {
    arrays(&gzip::unpack(bytes)?, Budget::new(), Budget::new())
}

/// The arrays of an archive, with limits on the unpacked bytes and on the memory of all of them together.
fn arrays(bytes: &[u8], mut unpacked: Budget, mut memory: Budget) -> Result<BTreeMap<String, FileTensor>, FileError> {
    let again = "download or export it again";
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|cause| {
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
    let names: Vec<String> = zip
        .file_names_raw()
        .map(|name| String::from_utf8(name.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| FileError::new("is a zip archive with a member whose name is not UTF-8 text").help(again))?;
    let mut tensors = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let Some(short) = name.strip_suffix(".npy") else { continue };
        let part = format!("the array {}", quoted(short));
        let contents = member(&mut zip, index, &mut unpacked).map_err(|error| error.inside(&part))?;
        let tensor = npy::array(&contents, &mut memory).map_err(|error| error.inside(&part))?;
        tensors.insert(short.to_owned(), tensor);
    }
    if tensors.is_empty() {
        return Err(FileError::new("is a zip archive without any array (a member that ends in `.npy`)").help(
            "save arrays by name with `numpy.savez(path, weight=…, bias=…)`; if this is a PyTorch checkpoint, save it \
                 with `safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`",
        ));
    }
    Ok(tensors)
}

/// The unpacked bytes of one member of an archive; its checksum is verified.
fn member(zip: &mut ZipArchive<Cursor<&[u8]>>, index: usize, unpacked: &mut Budget) -> Result<Vec<u8>, FileError> {
    let entry = zip.by_index(index).map_err(|cause| match cause {
        ZipError::CompressionMethodNotSupported(_) => FileError::new("is compressed in a way that NumPy does not use")
            .help("save it with `numpy.savez_compressed`"),
        ZipError::UnsupportedArchive(why) => FileError::new(format!("can't be unpacked: {why}")),
        _ => FileError::new(format!("can't be unpacked ({cause})")).help("download or export the file again"),
    })?;
    let mut contents = Vec::new();
    entry.take(unpacked.left().saturating_add(1)).read_to_end(&mut contents).map_err(|cause| {
        FileError::new(format!("can't be unpacked ({cause})")).help("download or export the file again")
    })?;
    unpacked.take(contents.len() as u64)?;
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::super::npy::tests::simple;
    use super::super::{FileData, corrupt};
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

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
        assert_eq!(
            message(named("é.npy", &[0xff, 0xff])),
            "is a zip archive with a member whose name is not UTF-8 text"
        );
    }

    #[test]
    fn an_archive_of_bombs_stops_at_the_limit() {
        let zeros = simple("|u1", "False", "(100000,)", &[0; 100_000]);
        let bytes = npz(&[("a.npy", &zeros), ("c", b""), ("b.npy", &zeros)]);
        assert!(bytes.len() < 2000 + 100_200);
        let limited = |unpacked, memory| arrays(&bytes, Budget::of(unpacked), Budget::of(memory));
        assert!(limited(200_400, 200_000).is_ok());
        assert!(message(limited(150_000, 200_000)).contains("`b`, which needs more than 150,000 bytes"));
        assert!(message(limited(200_400, 150_000)).contains("`b`, which needs more than 150,000 bytes"));
    }

    #[test]
    fn damage_never_panics() {
        let array = simple("<f4", "True", "(2, 2)", &[7; 16]);
        let archive = npz(&[("a.npy", &array), ("b.npy", &array)]);
        corrupt::truncations(&archive, |bytes| assert!(read(bytes).is_err()));
        corrupt::mutations(&archive, |bytes| drop(read(bytes)));
    }
}
