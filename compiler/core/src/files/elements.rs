//! The binary element types that IDX, NPY and safetensors share: from bytes to a [`FileTensor`].
//!
//! Elements are decoded while they are read. Whatever a header claims, nothing is allocated that the file's bytes could not unpack to.

use super::budget::Budget;
use super::spelling::{counted, grouped};
use super::tensor::count;
use super::{FileData, FileError, FileTensor};
use qnn_ir::interrupt::work;
use std::io::Read;
use std::sync::Arc;

/// The most axes that a tensor may have: NumPy's own limit.
const MAX_AXES: usize = 64;

/// The type of one stored element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    /// 8-bit floats of four exponent bits, without infinities (OCP's E4M3, `float8_e4m3fn`).
    F8E4m3,
    /// 8-bit floats of five exponent bits, the upper half of a float16 (OCP's E5M2).
    F8E5m2,
    F16,
    Bf16,
    F32,
    F64,
}

impl ElementKind {
    /// Bytes that one element takes in a file.
    pub(super) fn size(self) -> usize {
        match self {
            ElementKind::Bool | ElementKind::U8 | ElementKind::I8 | ElementKind::F8E4m3 | ElementKind::F8E5m2 => 1,
            ElementKind::U16 | ElementKind::I16 | ElementKind::F16 | ElementKind::Bf16 => 2,
            ElementKind::U32 | ElementKind::I32 | ElementKind::F32 => 4,
            ElementKind::U64 | ElementKind::I64 | ElementKind::F64 => 8,
        }
    }

    /// Bytes that one element takes in memory.
    fn in_memory(self) -> usize {
        if matches!(self, ElementKind::Bool | ElementKind::U8) { 1 } else { 8 }
    }

    /// NumPy's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            ElementKind::Bool => "bool",
            ElementKind::U8 => "uint8",
            ElementKind::U16 => "uint16",
            ElementKind::U32 => "uint32",
            ElementKind::U64 => "uint64",
            ElementKind::I8 => "int8",
            ElementKind::I16 => "int16",
            ElementKind::I32 => "int32",
            ElementKind::I64 => "int64",
            ElementKind::F8E4m3 => "float8_e4m3fn",
            ElementKind::F8E5m2 => "float8_e5m2",
            ElementKind::F16 => "float16",
            ElementKind::Bf16 => "bfloat16",
            ElementKind::F32 => "float32",
            ElementKind::F64 => "float64",
        }
    }
}

/// Which byte of an element comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

/// Whether a tensor that a header claims may take the memory that it takes; one that is absurd is for [`tensor`] to refuse.
pub(super) fn affordable(kind: ElementKind, shape: &[usize], budget: &Budget) -> Result<(), FileError> {
    count(shape).map_or(Ok(()), |elements| budget.clone().take_elements(elements, kind.in_memory()))
}

/// The tensor that `bytes`, all that follow a header, hold: as many as the shape asks for, no fewer and no more.
pub(super) fn tensor(
    kind: ElementKind,
    endian: Endian,
    shape: Vec<usize>,
    bytes: &[u8],
    budget: &mut Budget,
) -> Result<FileTensor, FileError> {
    tensor_of(kind, endian, shape, &mut &*bytes, bytes.len() as u64, budget)
}

/// The same of a source that ends with the tensor. `most` bounds its length, so that nothing is allocated for what can't come.
pub(super) fn tensor_of(
    kind: ElementKind,
    endian: Endian,
    shape: Vec<usize>,
    source: &mut dyn Read,
    most: u64,
    budget: &mut Budget,
) -> Result<FileTensor, FileError> {
    if shape.len() > MAX_AXES {
        return Err(FileError::new(format!(
            "claims a tensor of {} axes, where {MAX_AXES} are the most",
            grouped(shape.len() as u64)
        )));
    }
    let elements = count(&shape);
    let promised = elements.and_then(|n| n.checked_mul(kind.size())).ok_or_else(|| {
        FileError::new(format!("claims a tensor of shape {shape:?}, more elements than any memory holds"))
            .help("the header is damaged; download or export the file again")
    })?;
    if promised as u64 > most {
        let found = skip(source, MOST_COUNTED)?;
        return Err(short((found < MOST_COUNTED).then_some(found), promised));
    }
    budget.take_elements(promised / kind.size(), kind.in_memory())?;
    let data = ElementSource { source, endian, promised }.decode(kind)?;
    let beyond = skip(source, MOST_COUNTED)?;
    if beyond > 0 {
        return Err(FileError::new(format!(
            "goes on for {}{} after the {} of data that its header promises",
            if beyond < MOST_COUNTED { "" } else { "more than " },
            counted(beyond, "byte"),
            counted(promised as u64, "byte")
        ))
        .help("export it again, one array to a file"));
    }
    Ok(FileTensor { shape, data, element_type: kind.name() })
}

/// The most bytes that are counted for a message.
const MOST_COUNTED: u64 = 16 << 20;

/// The error of data that end too soon: after so many bytes, if they were counted.
fn short(found: Option<u64>, promised: usize) -> FileError {
    let promised = counted(promised as u64, "byte");
    FileError::new(match found {
        Some(found) => format!("ends after {} of the {promised} of data that its header promises", grouped(found)),
        None => format!("ends before the {promised} of data that its header promises"),
    })
    .help("it looks cut short; download or export it again")
}

/// Fills a buffer as far as the source goes. Says how far.
pub(super) fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, FileError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let most = rest.len().min(CHUNK);
        work(most);
        match source.read(&mut rest[..most]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(not_unpacked(&error)),
        }
    }
    Ok(filled)
}

/// Reads over at most so many bytes. Says how many there were.
fn skip(source: &mut dyn Read, most: u64) -> Result<u64, FileError> {
    let (mut buffer, mut skipped) = (vec![0; CHUNK], 0);
    while skipped < most {
        let next = usize::try_from(most - skipped).unwrap_or(CHUNK).min(CHUNK);
        let read = fill(source, &mut buffer[..next])?;
        skipped += read as u64;
        if read < next {
            break;
        }
    }
    Ok(skipped)
}

fn not_unpacked(error: &std::io::Error) -> FileError {
    FileError::new(format!("can't be unpacked ({error})")).help("download or export the file again")
}

/// Where elements come from.
struct ElementSource<'a> {
    source: &'a mut dyn Read,
    endian: Endian,
    /// Bytes of all elements together.
    promised: usize,
}

/// How many bytes are decoded at a time; a multiple of every element's size.
const CHUNK: usize = 1 << 16;

impl ElementSource<'_> {
    fn decode(mut self, kind: ElementKind) -> Result<FileData, FileError> {
        Ok(match kind {
            ElementKind::Bool => {
                let bytes = self.bytes()?;
                if let Some((at, byte)) = bytes.iter().inspect(|_| work(1)).enumerate().find(|(_, byte)| **byte > 1) {
                    return Err(FileError::new(format!(
                        "holds {byte} as its element {}, where a bool is 0 or 1",
                        grouped(at as u64)
                    ))
                    .help("export it again as integers"));
                }
                FileData::Bytes(bytes)
            }
            ElementKind::U8 => FileData::Bytes(self.bytes()?),
            ElementKind::U16 => self.integers(u16::from_le_bytes)?,
            ElementKind::U32 => self.integers(u32::from_le_bytes)?,
            ElementKind::I8 => self.integers(i8::from_le_bytes)?,
            ElementKind::I16 => self.integers(i16::from_le_bytes)?,
            ElementKind::I32 => self.integers(i32::from_le_bytes)?,
            ElementKind::I64 => self.integers(i64::from_le_bytes)?,
            ElementKind::U64 => FileData::Integers(self.elements(|at, raw| {
                i64::try_from(u64::from_le_bytes(raw)).map_err(|_| {
                    FileError::new(format!(
                        "holds {} as its element {}, where {} is the largest integer that can be read",
                        u64::from_le_bytes(raw),
                        grouped(at as u64),
                        i64::MAX
                    ))
                    .help("export it again as int64 or as float64")
                })
            })?),
            ElementKind::F8E4m3 => self.floats(|[byte]| float8_e4m3(byte))?,
            ElementKind::F8E5m2 => self.floats(|[byte]| float16(u16::from(byte) << 8))?,
            ElementKind::F16 => self.floats(|raw| float16(u16::from_le_bytes(raw)))?,
            ElementKind::Bf16 => self.floats(|raw| f32::from_bits(u32::from(u16::from_le_bytes(raw)) << 16).into())?,
            ElementKind::F32 => self.floats(|raw| f32::from_le_bytes(raw).into())?,
            ElementKind::F64 => self.floats(f64::from_le_bytes)?,
        })
    }

    /// Bytes, which are read where they stay.
    fn bytes(&mut self) -> Result<Arc<[u8]>, FileError> {
        let mut all: Arc<[u8]> = std::iter::repeat_n(0, self.promised).collect();
        let filled = fill(self.source, Arc::get_mut(&mut all).unwrap_or_default())?;
        if filled < self.promised { Err(short(Some(filled as u64), self.promised)) } else { Ok(all) }
    }

    /// Elements of `N` bytes each, turned to little endian and decoded into their place.
    fn elements<const N: usize, T: Copy + Default>(
        &mut self,
        mut from: impl FnMut(usize, [u8; N]) -> Result<T, FileError>,
    ) -> Result<Arc<[T]>, FileError> {
        let mut all: Arc<[T]> = std::iter::repeat_n(T::default(), self.promised / N).collect();
        let mut chunk = vec![0; CHUNK.min(self.promised)];
        let (mut at, mut seen) = (0, 0);
        for places in Arc::get_mut(&mut all).unwrap_or_default().chunks_mut(CHUNK / N) {
            let chunk = chunk.get_mut(..places.len() * N).unwrap_or_default();
            let filled = fill(self.source, chunk)?;
            seen += filled;
            if filled < chunk.len() {
                return Err(short(Some(seen as u64), self.promised));
            }
            work(2 * places.len());
            for (place, raw) in places.iter_mut().zip(chunk.as_chunks::<N>().0) {
                let mut raw = *raw;
                if self.endian == Endian::Big {
                    raw.reverse();
                }
                *place = from(at, raw)?;
                at += 1;
            }
        }
        Ok(all)
    }

    fn integers<const N: usize, T: Into<i64>>(&mut self, from: impl Fn([u8; N]) -> T) -> Result<FileData, FileError> {
        self.elements(|_, raw| Ok(from(raw).into())).map(FileData::Integers)
    }

    fn floats<const N: usize>(&mut self, from: impl Fn([u8; N]) -> f64) -> Result<FileData, FileError> {
        self.elements(|_, raw| Ok(from(raw))).map(FileData::Floats)
    }
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

/// The value of an E4M3 number (OCP 8-bit Floating Point Specification 1.0): bias 7, one pattern of each sign a NaN, no infinities.
fn float8_e4m3(byte: u8) -> f64 {
    let mantissa = f64::from(byte & 0x7);
    let magnitude = match (byte >> 3) & 0xf {
        0 => mantissa * f64::powi(2.0, -9),
        0xf if mantissa == 7.0 => f64::NAN,
        exponent => (8.0 + mantissa) * f64::powi(2.0, i32::from(exponent) - 10),
    };
    if byte >> 7 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: ElementKind, endian: Endian, bytes: &[u8]) -> Result<FileData, FileError> {
        tensor(kind, endian, vec![bytes.len() / kind.size()], bytes, &mut Budget::new()).map(|t| t.data)
    }

    #[test]
    fn every_type_in_both_byte_orders() {
        use Endian::{Big, Little};
        let integers = |n: &[i64]| Ok(FileData::Integers(n.into()));
        let floats = |n: &[f64]| Ok(FileData::Floats(n.into()));
        assert_eq!(one(ElementKind::U8, Little, &[0, 255]), Ok(FileData::Bytes([0, 255].into())));
        assert_eq!(one(ElementKind::Bool, Little, &[0, 1]), Ok(FileData::Bytes([0, 1].into())));
        assert_eq!(one(ElementKind::I8, Little, &[0xff]), integers(&[-1]));
        assert_eq!(one(ElementKind::U16, Little, &[1, 2, 255, 255]), integers(&[513, 65535]));
        assert_eq!(one(ElementKind::U16, Big, &[1, 2]), integers(&[258]));
        assert_eq!(one(ElementKind::I16, Big, &[255, 254]), integers(&[-2]));
        assert_eq!(one(ElementKind::U32, Big, &[255, 255, 255, 255]), integers(&[4_294_967_295]));
        assert_eq!(one(ElementKind::I32, Little, &[0, 0, 0, 128]), integers(&[-2_147_483_648]));
        assert_eq!(one(ElementKind::I64, Big, &i64::MIN.to_be_bytes()), integers(&[i64::MIN]));
        assert_eq!(one(ElementKind::U64, Big, &(i64::MAX as u64).to_be_bytes()), integers(&[i64::MAX]));
        assert_eq!(one(ElementKind::F32, Big, &0.1f32.to_be_bytes()), floats(&[f64::from(0.1f32)]));
        assert_eq!(one(ElementKind::F64, Little, &(-0.1f64).to_le_bytes()), floats(&[-0.1]));
        assert_eq!(one(ElementKind::Bf16, Little, &[0xc0, 0x3f, 0x80, 0xff]), floats(&[1.5, f64::NEG_INFINITY]));
        assert_eq!(
            one(ElementKind::F16, Big, &[0x3e, 0x00, 0xfb, 0xff, 0x00, 0x01]),
            floats(&[1.5, -65504.0, 5.960464477539063e-8])
        );
        assert_eq!(
            one(ElementKind::F8E4m3, Little, &[0x00, 0x01, 0x08, 0x38, 0xbc, 0x7e]),
            floats(&[0.0, f64::powi(2.0, -9), f64::powi(2.0, -6), 1.0, -1.5, 448.0])
        );
        assert_eq!(
            one(ElementKind::F8E5m2, Little, &[0x01, 0x3c, 0xbe, 0x7b, 0x7c]),
            floats(&[f64::powi(2.0, -16), 1.0, -1.5, 57344.0, f64::INFINITY])
        );
        let Ok(FileData::Floats(odd)) = one(ElementKind::F8E4m3, Little, &[0x7f, 0xff]) else { panic!() };
        assert!(odd.iter().all(|value| value.is_nan()));
        let Ok(FileData::Floats(odd)) = one(ElementKind::F16, Little, &[0x01, 0x7c, 0x00, 0xfc, 0x00, 0x80]) else {
            panic!()
        };
        assert!(odd[0].is_nan() && odd[1] == f64::NEG_INFINITY && odd[2].to_bits() == (-0.0f64).to_bits());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let message = |result: Result<FileData, FileError>| result.unwrap_err().message;
        assert_eq!(
            message(one(ElementKind::U64, Endian::Little, &[255; 16])),
            "holds 18446744073709551615 as its element 0, where 9223372036854775807 is the largest integer that can be read"
        );
        assert_eq!(
            message(one(ElementKind::Bool, Endian::Little, &[1, 7])),
            "holds 7 as its element 1, where a bool is 0 or 1"
        );
        let shaped = |shape: Vec<usize>, bytes: &[u8]| {
            tensor(ElementKind::I16, Endian::Little, shape, bytes, &mut Budget::of(16)).map(|t| t.data)
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
