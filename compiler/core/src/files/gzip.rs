//! Gzip, which every reader sees through: by its magic number, never by the file's name.

use super::FileError;
use super::budget::Budget;
use flate2::bufread::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// The bytes themselves, or what they unpack to if they are gzipped (one level of it, any number of members).
pub(super) fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, FileError> {
    unpack_within(bytes, Budget::new())
}

/// [`unpack`] with its own limit on the unpacked bytes.
fn unpack_within(bytes: &[u8], budget: Budget) -> Result<Cow<'_, [u8]>, FileError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes).take(budget.left().saturating_add(1)).read_to_end(&mut unpacked).map_err(|cause| {
        FileError::new(format!("is damaged: its gzip compression can't be undone ({cause})"))
            .help("download or export it again")
    })?;
    if unpacked.len() as u64 > budget.left() {
        return Err(budget.exceeded());
    }
    Ok(Cow::Owned(unpacked))
}

/// Gzips `bytes`, for tests.
#[cfg(test)]
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

#[cfg(test)]
mod tests {
    use super::super::corrupt;
    use super::*;

    #[test]
    fn unpacks_members_one_after_the_other() {
        let both = [pack(b"one "), pack(b"two")].concat();
        assert_eq!(&*unpack(&both).unwrap(), b"one two");
        assert_eq!(&*unpack(b"plain").unwrap(), b"plain");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = pack(&vec![0; 1 << 20]);
        assert!(unpack_within(&bomb, Budget::of(1 << 20)).is_ok());
        let error = unpack_within(&bomb, Budget::of((1 << 20) - 1)).unwrap_err();
        assert_eq!(error.message, "needs more than 1,048,575 bytes of memory when it is unpacked");
    }

    #[test]
    fn damage_is_an_error() {
        let packed = pack(b"some bytes, some more bytes, and some more bytes");
        corrupt::truncations(&packed, |bytes| assert!(bytes.len() < 2 || unpack(bytes).is_err()));
        corrupt::mutations(&packed, |bytes| drop(unpack(bytes)));
    }
}
