//! Safetensors: named tensors behind a JSON header, little endian, in C order.
//!
//! The crate of that name checks the header (contiguous offsets that match shapes); the bytes are read here.

use super::archive::{TensorSource, Tensors};
use super::budget::Budget;
use super::content::Content;
use super::elements::{ElementKind, Endian, tensor};
use super::spelling::{counted, grouped, quoted};
use super::tensor::TensorHeader;
use super::{FileError, FileTensor, gzip};
use ::safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The longest header that is read, enough for some hundred thousand tensors.
const MAX_HEADER: u64 = 16 << 20;

/// Reads a safetensors file, gzipped or not: its tensors by name.
pub fn read(bytes: &[u8]) -> Result<Tensors, FileError> {
    open(Content::Unpacked(Arc::new(gzip::unpack(bytes)?.into_owned())))
}

/// The tensors of a file that is not gzipped.
pub(super) fn open(content: Content) -> Result<Tensors, FileError> {
    let (header, data) = split(content.as_ref())?;
    let damaged = |why: &dyn fmt::Display| {
        FileError::new(format!("has a header that can't be read ({why})")).help("download or export it again")
    };
    // A map keeps the last of two equal keys, and would hide the first.
    if let Some(name) =
        (&mut serde_json::Deserializer::from_slice(header)).deserialize_map(Twice).map_err(|e| damaged(&e))?
    {
        return Err(FileError::new(format!("holds two tensors of the name {}", quoted(&name)))
            .help("export it again, each tensor under a name of its own"));
    }
    let metadata: Metadata = serde_json::from_slice(header).map_err(|e| damaged(&e))?;
    let promised = metadata.data_len();
    if data.len() != promised {
        let (is, help) = if data.len() < promised { ("ends after", "it looks cut short; ") } else { ("holds", "") };
        return Err(FileError::new(format!(
            "{is} {} of data, where its header promises {}",
            counted(data.len() as u64, "byte"),
            grouped(promised as u64)
        ))
        .help(format!("{help}download or export it again")));
    }
    let start = content.as_ref().len() - data.len();
    let (names, infos): (Vec<String>, Vec<TensorInfo>) =
        metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).unzip();
    let names: Vec<(String, usize)> = names.into_iter().zip(0..).collect();
    Ok(Tensors::new(SafetensorsFile { content, start, infos }, names, Budget::new()))
}

/// A file and what its header says of its tensors.
struct SafetensorsFile {
    content: Content,
    /// Where the data begin.
    start: usize,
    infos: Vec<TensorInfo>,
}

impl TensorSource for SafetensorsFile {
    fn read(&self, index: usize, name: &str, budget: &mut Budget) -> Result<FileTensor, FileError> {
        let beyond = || FileError::new("lies beyond the end of the file");
        let mut read = || {
            let info = self.infos.get(index).ok_or_else(beyond)?;
            let (start, end) = info.data_offsets;
            let data = self.content.as_ref().get(self.start..).and_then(|data| data.get(start..end));
            tensor(element_type(info.dtype)?, Endian::Little, info.shape.clone(), data.ok_or_else(beyond)?, budget)
        };
        read().map_err(|error| error.inside(&format!("the tensor {}", quoted(name))))
    }

    fn header(&self, index: usize, _name: &str) -> Result<TensorHeader, FileError> {
        let info = self.infos.get(index).ok_or_else(|| FileError::new("is gone"))?;
        let name = element_type(info.dtype).map_or_else(|_| format!("{:?}", info.dtype), |kind| kind.name().to_owned());
        Ok(TensorHeader { element_type: name, shape: info.shape.clone() })
    }
}

/// Whether the bytes begin like a safetensors file: a length that fits, then a JSON object.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    split(bytes).is_ok_and(|(header, _)| header.starts_with(b"{"))
}

/// The JSON header, and the bytes after it.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), FileError> {
    let cut = || FileError::new("ends within its header").help("it looks cut short; download or export it again");
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(FileError::new(format!(
            "claims a header of {}, where {} are the most",
            counted(length, "byte"),
            grouped(MAX_HEADER)
        ))
        .help("it is damaged, or no safetensors file; download or export it again"));
    }
    rest.split_at_checked(length as usize).ok_or_else(cut)
}

/// The element type that is read for one of the format's own.
fn element_type(dtype: Dtype) -> Result<ElementKind, FileError> {
    Ok(match dtype {
        Dtype::BOOL => ElementKind::Bool,
        Dtype::U8 => ElementKind::U8,
        Dtype::U16 => ElementKind::U16,
        Dtype::U32 => ElementKind::U32,
        Dtype::U64 => ElementKind::U64,
        Dtype::I8 => ElementKind::I8,
        Dtype::I16 => ElementKind::I16,
        Dtype::I32 => ElementKind::I32,
        Dtype::I64 => ElementKind::I64,
        Dtype::F8_E4M3 => ElementKind::F8E4m3,
        Dtype::F8_E5M2 => ElementKind::F8E5m2,
        Dtype::F16 => ElementKind::F16,
        Dtype::BF16 => ElementKind::Bf16,
        Dtype::F32 => ElementKind::F32,
        Dtype::F64 => ElementKind::F64,
        other => {
            return Err(FileError::new(format!("has elements of type {other:?}, which can't be read"))
                .help("save it as float32, or as integers"));
        }
    })
}

/// Finds a key that an object holds twice.
struct Twice;

impl<'de> Visitor<'de> for Twice {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        let mut names = BTreeSet::new();
        let mut twice = None;
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if let Some(name) = names.replace(name) {
                twice.get_or_insert(name);
            }
        }
        Ok(twice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileData, corrupt};
    use super::*;
    use ::safetensors::tensor::{TensorView, serialize};
    use std::collections::BTreeMap;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    /// All tensors of a file.
    fn read(bytes: &[u8]) -> Result<BTreeMap<String, FileTensor>, FileError> {
        super::read(bytes)?.all()
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().message
    }

    #[test]
    fn reads_what_the_reference_writes() {
        let floats: Vec<u8> = [1.5f32, f32::NAN, -0.25, 4.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        let tensors = [
            ("w", TensorView::new(Dtype::F32, vec![2, 2], &floats).unwrap()),
            ("half", TensorView::new(Dtype::BF16, vec![1], &[0xc0, 0x3f]).unwrap()),
            ("raw", TensorView::new(Dtype::I8, vec![3], &[255, 0, 1]).unwrap()),
            ("none", TensorView::new(Dtype::F16, vec![0, 4], &[]).unwrap()),
        ];
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        let bytes = serialize(tensors, Some(metadata)).unwrap();
        let read_back = read(&bytes).unwrap();
        assert_eq!(read_back.keys().collect::<Vec<_>>(), ["half", "none", "raw", "w"]);
        assert_eq!((read_back["w"].shape.as_slice(), read_back["w"].element_type), ([2, 2].as_slice(), "float32"));
        assert!(matches!(&read_back["w"].data, FileData::Floats(v) if v[0] == 1.5 && v[1].is_nan() && v[3] == 4.0));
        assert_eq!(read_back["raw"].data, FileData::Integers([-1, 0, 1].into()));
        assert_eq!(read_back["half"].data, FileData::Floats([1.5].into()));
        assert_eq!(read(&gzip::pack(&bytes)).unwrap().len(), 4);
        assert!(looks_like(&bytes));
        corrupt::truncations(&bytes, |bytes| assert!(read(bytes).is_err()));
        corrupt::mutations(&bytes, |bytes| drop(read(bytes)));
    }

    #[test]
    fn says_what_is_wrong() {
        let one = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#;
        assert_eq!(message(&file(one, &[1])), "ends after 1 byte of data, where its header promises 4");
        assert_eq!(message(&file(one, &[1; 5])), "holds 5 bytes of data, where its header promises 4");
        assert_eq!(message(b"abc"), "ends within its header");
        assert_eq!(
            message(&[255; 9]),
            "claims a header of 18,446,744,073,709,551,615 bytes, where 16,777,216 are the most"
        );
        let twice = one.replace("}}", r#"},"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#);
        assert_eq!(message(&file(&twice, &[1; 4])), "holds two tensors of the name `a`");
        let complex = one.replace("U8", "C64").replace("[4]", "[]").replace("4]", "8]");
        assert_eq!(
            message(&file(&complex, &[1; 8])),
            "holds the tensor `a`, which has elements of type C64, which can't be read"
        );
        // One of a type that can't be read spoils no other.
        let both = r#"{"a":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#;
        let both = super::read(&file(both, &[1, 2, 3])).unwrap();
        assert_eq!(both.get("b").unwrap().unwrap().data, FileData::Bytes([3].into()));
        assert!(both.get("a").unwrap().unwrap_err().message.contains("F8_E8M0"));
        assert_eq!(both.describe("a").unwrap(), "F8_E8M0[2]");
        assert!(message(&file(&"[".repeat(5000), &[])).starts_with("has a header that can't be read"));
        assert!(message(&file("{\"\u{1}\":1}", &[])).starts_with("has a header that can't be read"));
    }

    /// Offsets whose sum with the header's length passes 2^64 must not come back around to the file's length.
    #[test]
    fn absurd_offsets_do_not_wrap_around() {
        let (mut parts, mut start) = (Vec::new(), 0u64);
        for at in 0..8u64 {
            let size = if at == 7 { u64::MAX - start - 300 } else { (1 << 61) - 1 };
            let end = start + size;
            parts.push(format!(r#""t{at}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{start},{end}]}}"#));
            start = end;
        }
        let header = format!("{{{}}}", parts.join(","));
        assert!(read(&file(&header, &[])).is_err());
    }
}
