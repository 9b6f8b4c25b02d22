//! The binary element types that IDX, NPY and safetensors share: from bytes to a [`FileTensor`].
//!
//! Whatever a header claims, nothing is allocated before the bytes are seen to be there.

use super::budget::Budget;
use super::tensor::count;
use super::words::{counted, grouped};
use super::{FileData, FileError, FileTensor};
use std::sync::Arc;

/// The most axes that a tensor may have: NumPy's own limit.
const MAX_AXES: usize = 64;

/// The type of one stored element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Kind {
    /// Bytes that one element takes in a file.
    pub(super) fn size(self) -> usize {
        match self {
            Kind::Bool | Kind::U8 | Kind::I8 => 1,
            Kind::U16 | Kind::I16 | Kind::F16 | Kind::Bf16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
        }
    }

    /// NumPy's name.
    fn name(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::U8 => "uint8",
            Kind::U16 => "uint16",
            Kind::U32 => "uint32",
            Kind::U64 => "uint64",
            Kind::I8 => "int8",
            Kind::I16 => "int16",
            Kind::I32 => "int32",
            Kind::I64 => "int64",
            Kind::F16 => "float16",
            Kind::Bf16 => "bfloat16",
            Kind::F32 => "float32",
            Kind::F64 => "float64",
        }
    }
}

/// Which byte of an element comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

/// The tensor that `bytes`, all that follow a header, hold: as many as the shape asks for, no fewer and no more.
pub(super) fn tensor(
    kind: Kind,
    endian: Endian,
    shape: Vec<usize>,
    bytes: &[u8],
    budget: &mut Budget,
) -> Result<FileTensor, FileError> {
    if shape.len() > MAX_AXES {
        return Err(FileError::new(format!(
            "claims a tensor of {} axes, where {MAX_AXES} are the most",
            grouped(shape.len() as u64)
        )));
    }
    let promised = count(&shape).and_then(|n| n.checked_mul(kind.size())).ok_or_else(|| {
        FileError::new(format!("claims a tensor of shape {shape:?}, more elements than any memory holds"))
            .help("the header is damaged; download or export the file again")
    })?;
    length(bytes.len(), promised)?;
    let in_memory = if matches!(kind, Kind::Bool | Kind::U8) { 1 } else { 8 };
    budget.take_elements(promised / kind.size(), in_memory)?;
    Ok(FileTensor { shape, data: decode(kind, endian, bytes)?, element_type: kind.name() })
}

/// An error unless the data have exactly the length that the header promises.
fn length(found: usize, promised: usize) -> Result<(), FileError> {
    if found < promised {
        return Err(FileError::new(format!(
            "ends after {} of the {} of data that its header promises",
            grouped(found as u64),
            counted(promised as u64, "byte")
        ))
        .help("it looks cut short; download or export it again"));
    }
    if found > promised {
        return Err(FileError::new(format!(
            "goes on for {} after the {} of data that its header promises",
            counted((found - promised) as u64, "byte"),
            counted(promised as u64, "byte")
        ))
        .help("export it again, one array to a file"));
    }
    Ok(())
}

/// The elements of `bytes`, whose length is a multiple of the element's size.
fn decode(kind: Kind, endian: Endian, bytes: &[u8]) -> Result<FileData, FileError> {
    Ok(match kind {
        Kind::Bool => {
            if let Some((at, byte)) = bytes.iter().enumerate().find(|(_, byte)| **byte > 1) {
                return Err(FileError::new(format!(
                    "holds {byte} as its element {}, where a bool is 0 or 1",
                    grouped(at as u64)
                ))
                .help("export it again as integers"));
            }
            FileData::Bytes(Arc::from(bytes))
        }
        Kind::U8 => FileData::Bytes(Arc::from(bytes)),
        Kind::U16 => integers(bytes, endian, u16::from_le_bytes),
        Kind::U32 => integers(bytes, endian, u32::from_le_bytes),
        Kind::I8 => integers(bytes, endian, i8::from_le_bytes),
        Kind::I16 => integers(bytes, endian, i16::from_le_bytes),
        Kind::I32 => integers(bytes, endian, i32::from_le_bytes),
        Kind::I64 => integers(bytes, endian, i64::from_le_bytes),
        Kind::U64 => {
            let too_large = elements(bytes, endian).map(u64::from_le_bytes).enumerate().find(|(_, n)| *n > MAX_INTEGER);
            if let Some((at, n)) = too_large {
                return Err(FileError::new(format!(
                    "holds {n} as its element {}, where {MAX_INTEGER} is the largest integer that can be read",
                    grouped(at as u64)
                ))
                .help("export it again as int64 or as float64"));
            }
            integers(bytes, endian, i64::from_le_bytes)
        }
        Kind::F16 => floats(bytes, endian, |raw| float16(u16::from_le_bytes(raw))),
        Kind::Bf16 => floats(bytes, endian, |raw| f32::from_bits(u32::from(u16::from_le_bytes(raw)) << 16).into()),
        Kind::F32 => floats(bytes, endian, |raw| f32::from_le_bytes(raw).into()),
        Kind::F64 => floats(bytes, endian, f64::from_le_bytes),
    })
}

/// The largest integer that [`FileData::Integers`] can hold.
const MAX_INTEGER: u64 = i64::MAX as u64;

/// The elements of `N` bytes each, turned to little endian.
fn elements<const N: usize>(bytes: &[u8], endian: Endian) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().map(move |chunk| {
        let mut raw = *chunk;
        if endian == Endian::Big {
            raw.reverse();
        }
        raw
    })
}

fn integers<const N: usize, T: Into<i64>>(bytes: &[u8], endian: Endian, from: impl Fn([u8; N]) -> T) -> FileData {
    FileData::Integers(elements(bytes, endian).map(|raw| from(raw).into()).collect())
}

fn floats<const N: usize>(bytes: &[u8], endian: Endian, from: impl Fn([u8; N]) -> f64) -> FileData {
    FileData::Floats(elements(bytes, endian).map(from).collect())
}

/// The value of an IEEE 754 half-precision number; every one is exact as a double.
fn float16(bits: u16) -> f64 {
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match (bits >> 10) & 0x1f {
        0 => mantissa * f64::powi(2.0, -24),
        0x1f if mantissa == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + mantissa) * f64::powi(2.0, i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: Kind, endian: Endian, bytes: &[u8]) -> Result<FileData, FileError> {
        tensor(kind, endian, vec![bytes.len() / kind.size()], bytes, &mut Budget::new()).map(|t| t.data)
    }

    #[test]
    fn every_type_in_both_byte_orders() {
        use Endian::{Big, Little};
        let integers = |n: &[i64]| Ok(FileData::Integers(n.into()));
        let floats = |n: &[f64]| Ok(FileData::Floats(n.into()));
        assert_eq!(one(Kind::U8, Little, &[0, 255]), Ok(FileData::Bytes([0, 255].into())));
        assert_eq!(one(Kind::Bool, Little, &[0, 1]), Ok(FileData::Bytes([0, 1].into())));
        assert_eq!(one(Kind::I8, Little, &[0xff]), integers(&[-1]));
        assert_eq!(one(Kind::U16, Little, &[1, 2, 255, 255]), integers(&[513, 65535]));
        assert_eq!(one(Kind::U16, Big, &[1, 2]), integers(&[258]));
        assert_eq!(one(Kind::I16, Big, &[255, 254]), integers(&[-2]));
        assert_eq!(one(Kind::U32, Big, &[255, 255, 255, 255]), integers(&[4_294_967_295]));
        assert_eq!(one(Kind::I32, Little, &[0, 0, 0, 128]), integers(&[-2_147_483_648]));
        assert_eq!(one(Kind::I64, Big, &i64::MIN.to_be_bytes()), integers(&[i64::MIN]));
        assert_eq!(one(Kind::U64, Big, &(i64::MAX as u64).to_be_bytes()), integers(&[i64::MAX]));
        assert_eq!(one(Kind::F32, Big, &0.1f32.to_be_bytes()), floats(&[f64::from(0.1f32)]));
        assert_eq!(one(Kind::F64, Little, &(-0.1f64).to_le_bytes()), floats(&[-0.1]));
        assert_eq!(one(Kind::Bf16, Little, &[0xc0, 0x3f, 0x80, 0xff]), floats(&[1.5, f64::NEG_INFINITY]));
        assert_eq!(
            one(Kind::F16, Big, &[0x3e, 0x00, 0xfb, 0xff, 0x00, 0x01]),
            floats(&[1.5, -65504.0, 5.960464477539063e-8])
        );
        let Ok(FileData::Floats(odd)) = one(Kind::F16, Little, &[0x01, 0x7c, 0x00, 0xfc, 0x00, 0x80]) else { panic!() };
        assert!(odd[0].is_nan() && odd[1] == f64::NEG_INFINITY && odd[2].to_bits() == (-0.0f64).to_bits());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let message = |result: Result<FileData, FileError>| result.unwrap_err().message;
        assert_eq!(
            message(one(Kind::U64, Endian::Little, &[255; 16])),
            "holds 18446744073709551615 as its element 0, where 9223372036854775807 is the largest integer that can be read"
        );
        assert_eq!(
            message(one(Kind::Bool, Endian::Little, &[1, 7])),
            "holds 7 as its element 1, where a bool is 0 or 1"
        );
        let shaped = |shape: Vec<usize>, bytes: &[u8]| {
            tensor(Kind::I16, Endian::Little, shape, bytes, &mut Budget::of(16)).map(|t| t.data)
        };
        assert_eq!(message(shaped(vec![3], &[0; 5])), "ends after 5 of the 6 bytes of data that its header promises");
        assert_eq!(
            message(shaped(vec![2], &[0; 5])),
            "goes on for 1 byte after the 4 bytes of data that its header promises"
        );
        assert_eq!(
            message(shaped(vec![usize::MAX, 2], &[])),
            "claims a tensor of shape [18446744073709551615, 2], more elements than any memory holds"
        );
        assert_eq!(message(shaped(vec![1; 65], &[0; 2])), "claims a tensor of 65 axes, where 64 are the most");
        assert_eq!(message(shaped(vec![3], &[0; 6])), "needs more than 16 bytes of memory when it is unpacked");
        assert!(shaped(vec![2, 0, 7], &[]).unwrap().is_empty());
        assert_eq!(shaped(vec![], &[1, 0]).unwrap().len(), 1);
    }
}
