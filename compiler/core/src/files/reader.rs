//! The front door of the readers: any file's bytes in, its contents out.
//!
//! What a file is, its first bytes say; its name decides only where they can't (CSV has no magic number).

use super::archive::Tensors;
use super::content::Content;
use super::csv::Columns;
use super::{FileError, FileTensor, csv, gzip, idx, images, npy, npz, safetensors};
use std::borrow::Cow;
use std::sync::Arc;

/// What a file holds.
#[derive(Debug)]
pub enum FileContents {
    /// One tensor: IDX, NPY, PNG.
    Tensor(FileTensor),
    /// Tensors by name, read when they are asked for: NPZ, safetensors.
    Tensors(Tensors),
    /// Columns by name, in order: CSV.
    Table(Columns),
    /// Images of a folder, and their labels.
    Folder(images::Folder),
}

/// Reads a file of any known kind, gzipped or not. `name_hint` is its name or path; only how it ends is looked at.
pub fn read(name_hint: &str, file: &Arc<[u8]>) -> Result<FileContents, FileError> {
    let name = name_hint.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let refuse = |head: &[u8]| match kind_of(name, head) {
        Ok(FileKind::Idx) => idx::affordable(head),
        Ok(FileKind::Npy) => npy::affordable(head),
        _ => Ok(()),
    };
    let content = match gzip::unpack_if(file, refuse)? {
        Cow::Borrowed(_) => Content::File(file.clone()),
        Cow::Owned(unpacked) => Content::Unpacked(Arc::new(unpacked)),
    };
    let bytes = content.as_ref();
    match kind_of(name, bytes)? {
        FileKind::Idx => idx::read(bytes).map(FileContents::Tensor),
        FileKind::Npy => npy::read(bytes).map(FileContents::Tensor),
        FileKind::Npz => npz::open(content).map(FileContents::Tensors),
        FileKind::Safetensors => safetensors::open(content).map(FileContents::Tensors),
        FileKind::Csv => csv::read(bytes).map(FileContents::Table),
        FileKind::Png => images::read(bytes).map(FileContents::Tensor),
    }
}

/// The kinds of file that have a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Idx,
    Npy,
    Npz,
    Safetensors,
    Csv,
    Png,
}

const EXPECTED: &str = "IDX, NPY, NPZ, safetensors, CSV or PNG, each of them gzipped or not";

/// Which reader the file is for; `name` is in lower case, without `.gz`.
fn kind_of(name: &str, bytes: &[u8]) -> Result<FileKind, FileError> {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if bytes.starts_with(b"\x93NUMPY") {
        return Ok(FileKind::Npy);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(FileKind::Png);
    }
    if bytes.starts_with(b"PK\x03\x04") && !ends(&[".pt", ".pth", ".ckpt", ".keras", ".xlsx"]) {
        return Ok(FileKind::Npz);
    }
    if let Some(error) = foreign(bytes, ends) {
        return Err(error);
    }
    if safetensors::looks_like(bytes) {
        return Ok(FileKind::Safetensors);
    }
    if idx::looks_like(bytes) {
        return Ok(FileKind::Idx);
    }
    // Damaged or empty files: the reader of the kind that the name promises says best what is wrong.
    for (kind, endings) in [
        (FileKind::Csv, [".csv"].as_slice()),
        (FileKind::Npy, &[".npy"]),
        (FileKind::Npz, &[".npz"]),
        (FileKind::Safetensors, &[".safetensors"]),
        (FileKind::Png, &[".png"]),
        (FileKind::Idx, &["-ubyte", ".idx"]),
    ] {
        if ends(endings) {
            return Ok(kind);
        }
    }
    let what = if bytes.is_empty() { "is empty" } else { "is of no known kind, by its first bytes and by its name" };
    Err(FileError::new(format!("{what}; expected is {EXPECTED}")))
}

/// The error of a known kind of file that has no reader, with what to convert it to.
fn foreign(bytes: &[u8], ends: impl Fn(&[&str]) -> bool) -> Option<FileError> {
    let weights = "save the weights by name with `numpy.savez(\"model.npz\", **arrays)` or as safetensors";
    let torch = "in Python: `safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`";
    let keras = "in Python: `numpy.savez(\"model.npz\", **{w.path: w.numpy() for w in model.weights})`";
    let unpack = "unpack it first";
    let image = "convert it to PNG";
    let table = "save it as «CSV UTF-8»";
    let magics: [(&[u8], &str, &str); 12] = [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", keras),
        (b"\xff\xd8\xff", "a JPEG image, whose pixels depend on the program that unpacks them", image),
        (b"GIF8", "a GIF image", image),
        (b"BM", "a BMP image", image),
        (b"II*\0", "a TIFF image", image),
        (b"\xfd7zXZ\0", "compressed with xz", unpack),
        (b"BZh", "compressed with bzip2", unpack),
        (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", unpack),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpack),
        (b"PAR1", "a Parquet file", table),
        (b"\xff\xfe", "UTF-16 text", table),
        (b"MATLAB 5.0", "a MATLAB file", "load it with `scipy.io.loadmat` and save its arrays with `numpy.savez`"),
    ];
    let by_magic = magics.into_iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|(_, what, help)| (what, help));
    let text = ends(&[".csv"]);
    let (what, help) = match by_magic {
        // A table may begin with any letters.
        Some((what, help)) if !(text && bytes.first().is_some_and(u8::is_ascii_alphanumeric)) => (what, help),
        _ if bytes.get(4..8) == Some(b"TFL3") || ends(&[".tflite"]) => ("a TFLite model", weights),
        _ if ends(&[".onnx"]) => ("an ONNX model", weights),
        _ if ends(&[".pt", ".pth", ".ckpt"]) => {
            ("a PyTorch checkpoint, which could run any program when it is read", torch)
        }
        _ if ends(&[".h5", ".hdf5", ".keras"]) => ("a Keras model", keras),
        _ if ends(&[".pkl", ".pickle", ".joblib"]) || bytes.starts_with(b"\x80\x04\x95") => {
            ("a Python pickle, which could run any program when it is read", weights)
        }
        _ if ends(&[".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"]) => {
            ("an image of another kind than PNG", image)
        }
        _ if ends(&[".xlsx", ".xls", ".ods"]) => ("a spreadsheet", table),
        _ if ends(&[".tsv", ".parquet", ".json", ".arff"]) => ("a table of another kind than CSV", table),
        _ => return None,
    };
    Some(FileError::new(format!("is {what}; expected is {EXPECTED}")).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::corrupt;
    use super::*;

    const IDX: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9];

    fn read(name: &str, bytes: &[u8]) -> Result<FileContents, FileError> {
        super::read(name, &bytes.into())
    }

    fn message(name: &str, bytes: &[u8]) -> String {
        read(name, bytes).unwrap_err().message
    }

    #[test]
    fn magic_decides_before_the_name() {
        for name in ["labels-idx1-ubyte", "labels.csv", "x", "X.NPY.GZ"] {
            let Ok(FileContents::Tensor(tensor)) = read(name, IDX) else { panic!("{name}") };
            assert_eq!(tensor.shape, [2]);
            assert!(read(name, &gzip::pack(IDX)).is_ok());
        }
        let Ok(FileContents::Table(table)) = read("T.CSV.gz", &gzip::pack(b"a,b\n1,2\n")) else { panic!() };
        assert_eq!(table.len(), 2);
        assert!(matches!(read("BM.csv", b"BMI,x\n1,2\n"), Ok(FileContents::Table(_))));
        let header = br#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
        let safetensors = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &[3]].concat();
        assert!(matches!(read("model", &safetensors), Ok(FileContents::Tensors(_))));
    }

    #[test]
    fn the_name_says_which_kind_is_damaged() {
        assert!(message("a.npy", b"").starts_with("is not an NPY file"));
        assert!(message("a.npz", b"junk").starts_with("is not a whole zip archive"));
        assert_eq!(message("a.safetensors", b""), "ends within its header");
        assert!(message("a.png.gz", &gzip::pack(b"junk")).starts_with("is not a whole PNG image"));
        assert!(message("train-images-idx3-ubyte.gz", b"").starts_with("is not an IDX file"));
        assert_eq!(message("a.csv", b""), "is empty, where a line of column names is expected");
    }

    #[test]
    fn foreign_files_are_named_with_a_way_out() {
        for (name, bytes, what, help) in [
            ("m.onnx", b"\x08\x07".as_slice(), "is an ONNX model", "numpy.savez"),
            ("m", b"\x1c\0\0\0TFL3", "is a TFLite model", "numpy.savez"),
            ("m.pt", b"PK\x03\x04", "is a PyTorch checkpoint", "safetensors.torch.save_file"),
            ("m.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file", "numpy.savez"),
            ("m.pkl", b"\x80\x04\x95", "is a Python pickle", "numpy.savez"),
            ("m.png", b"\xff\xd8\xff\xe0", "is a JPEG image", "PNG"),
            ("m.xlsx", b"PK\x03\x04", "is a spreadsheet", "CSV"),
        ] {
            let error = read(name, bytes).unwrap_err();
            assert!(error.message.starts_with(what), "{}", error.message);
            assert!(
                error
                    .message
                    .ends_with("expected is IDX, NPY, NPZ, safetensors, CSV or PNG, each of them gzipped or not")
            );
            assert!(error.help.unwrap().contains(help), "{name}");
        }
        assert!(message("x.bin", b"what?").starts_with("is of no known kind"));
        assert!(message("x", b"").starts_with("is empty; expected is IDX"));
    }

    /// A header that claims too much is refused by itself: what follows, damaged here, is not unpacked for it.
    #[test]
    fn headers_that_claim_too_much_end_it() {
        let noise: Vec<u8> = (0..1u32 << 18).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        let idx = |size: u32| [&[0, 0, 8, 2], &size.to_be_bytes()[..], &[0, 0, 4, 0], &noise].concat();
        let npy = |size: u32| {
            let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({size}, 1024)}}");
            [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &noise].concat()
        };
        for (bytes, refused) in
            [(idx((2 << 20) + 1), true), (idx(2 << 20), false), (npy((256 << 10) + 1), true), (npy(256 << 10), false)]
        {
            let mut packed = gzip::pack(&bytes);
            packed.truncate(packed.len() - 100);
            let message = message("x", &packed);
            let what = if refused { "needs more than 2,147,483,648 bytes" } else { "is damaged" };
            assert!(message.starts_with(what), "{message}");
        }
    }

    #[test]
    fn damage_never_panics() {
        corrupt::mutations(&gzip::pack(IDX), |bytes| drop(read("x", bytes)));
        corrupt::mutations(b"a,b\n1,2\n", |bytes| drop(read("x.csv", bytes)));
    }
}
