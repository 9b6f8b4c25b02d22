//! IDX, the file format of MNIST and its kin.
//!
//! Two zero bytes, a byte for the element type, a byte for the number of axes, each axis as 32 bits, then the elements:
//! all big endian, the last axis fastest.

use super::budget::Budget;
use super::elements::{ElementKind, Endian, tensor};
use super::spelling::counted;
use super::{FileError, FileTensor, elements, gzip};

/// Reads an IDX file, gzipped or not.
pub fn read(bytes: &[u8]) -> Result<FileTensor, FileError> {
    let bytes = gzip::unpack(bytes)?;
    let (kind, shape, data) = header(&bytes)?;
    tensor(kind, Endian::Big, shape, data, &mut Budget::new())
}

/// Refuses a file that needs too much memory by what its first bytes claim.
pub(super) fn affordable(head: &[u8]) -> Result<(), FileError> {
    header(head).map_or(Ok(()), |(kind, shape, _)| elements::affordable(kind, &shape, &Budget::new()))
}

/// The element type, the shape, and what follows the header.
fn header(bytes: &[u8]) -> Result<(ElementKind, Vec<usize>, &[u8]), FileError> {
    let Some(([0, 0, code, axes], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(FileError::new("is not an IDX file: those begin with two zero bytes")
            .help("MNIST's files are IDX; other arrays can be saved as NPY (`numpy.save`)"));
    };
    let kind = element_type(*code).ok_or_else(|| {
        FileError::new(format!(
            "has the element type 0x{code:02x}, which IDX doesn't define (0x08 uint8, 0x09 int8, 0x0b int16, 0x0c int32, \
             0x0d float32, 0x0e float64)"
        ))
        .help("the header is damaged, or this is no IDX file; download it again")
    })?;
    let Some((sizes, data)) = rest.split_at_checked(usize::from(*axes) * 4) else {
        return Err(FileError::new(format!(
            "ends within its header: {} of the {} that hold its sizes",
            rest.len(),
            counted(u64::from(*axes) * 4, "byte")
        ))
        .help("it looks cut short; download it again"));
    };
    let shape = sizes.as_chunks::<4>().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    Ok((kind, shape, data))
}

/// Whether the bytes begin like an IDX file.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, code, axes, ..] if *axes > 0 && element_type(*code).is_some())
}

/// The element type of the code in the header's third byte.
fn element_type(code: u8) -> Option<ElementKind> {
    Some(match code {
        0x08 => ElementKind::U8,
        0x09 => ElementKind::I8,
        0x0b => ElementKind::I16,
        0x0c => ElementKind::I32,
        0x0d => ElementKind::F32,
        0x0e => ElementKind::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{FileData, corrupt};
    use super::*;

    const SIX: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

    #[test]
    fn reads_images_and_labels() {
        let tensor = read(SIX).unwrap();
        assert_eq!((tensor.shape.as_slice(), tensor.element_type), ([2, 3].as_slice(), "uint8"));
        assert_eq!(tensor.data, FileData::Bytes([1, 2, 3, 4, 5, 6].into()));
        assert_eq!(read(&gzip::pack(SIX)).unwrap(), tensor);
        let shorts = read(&[0, 0, 0x0b, 1, 0, 0, 0, 2, 255, 255, 1, 0]).unwrap();
        assert_eq!((shorts.data, shorts.element_type), (FileData::Integers([-1, 256].into()), "int16"));
        let nan = read(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 0x7f, 0xc0, 0, 0]).unwrap();
        assert!(matches!(&nan.data, FileData::Floats(v) if v[0].is_nan()));
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().message;
        assert_eq!(message(b""), "is not an IDX file: those begin with two zero bytes");
        assert!(message(&[0, 0, 7, 1]).starts_with("has the element type 0x07, which IDX doesn't define"));
        assert_eq!(message(&SIX[..9]), "ends within its header: 5 of the 8 bytes that hold its sizes");
        assert_eq!(message(&SIX[..16]), "ends after 4 of the 6 bytes of data that its header promises");
        assert!(message(&[0, 0, 8, 1, 255, 255, 255, 255]).contains("4,294,967,295 bytes"));
        let mut absurd = vec![0, 0, 8, 255];
        absurd.resize(4 + 255 * 4, 0xff);
        assert_eq!(message(&absurd), "claims a tensor of 255 axes, where 64 are the most");
    }

    #[test]
    fn damage_never_panics() {
        for bytes in [SIX.to_vec(), gzip::pack(SIX)] {
            corrupt::truncations(&bytes, |bytes| assert!(read(bytes).is_err()));
            corrupt::mutations(&bytes, |bytes| drop(read(bytes)));
        }
    }
}
