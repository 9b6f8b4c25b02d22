//! Gzip, which every reader sees through: by its magic number, never by the file's name.

use super::FileError;
use super::budget::Budget;
use flate2::bufread::MultiGzDecoder;
use qnn_ir::interrupt::work;
use std::borrow::Cow;
use std::io::Read;

/// How many bytes are unpacked at a time.
const CHUNK: usize = 1 << 16;
/// What unpacking a byte takes, in elementary operations.
const BYTE: usize = 4;

/// The bytes themselves, or what they unpack to if they are gzipped (one level of it, any number of members).
pub(super) fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, FileError> {
    unpack_if(bytes, |_| Ok(()))
}

/// The same, unless `refuse` has something against what the first bytes say: then nothing else is unpacked.
pub(super) fn unpack_if(
    bytes: &[u8],
    refuse: impl FnOnce(&[u8]) -> Result<(), FileError>,
) -> Result<Cow<'_, [u8]>, FileError> {
    unpack_within(bytes, &Budget::new(), refuse)
}

/// [`unpack_if`] with its own limit on the unpacked bytes.
fn unpack_within<'a>(
    bytes: &'a [u8],
    budget: &Budget,
    refuse: impl FnOnce(&[u8]) -> Result<(), FileError>,
) -> Result<Cow<'a, [u8]>, FileError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let (mut decoder, mut unpacked, mut refuse) = (MultiGzDecoder::new(bytes), Vec::new(), Some(refuse));
    loop {
        work(BYTE * CHUNK);
        let read = (&mut decoder).take(CHUNK as u64).read_to_end(&mut unpacked).map_err(|cause| {
            FileError::new(format!("is damaged: its gzip compression can't be undone ({cause})"))
                .help("download or export it again")
        })?;
        if let Some(refuse) = refuse.take() {
            refuse(&unpacked)?;
        }
        if unpacked.len() as u64 > budget.left() {
            return Err(budget.exceeded());
        }
        if read < CHUNK {
            return Ok(Cow::Owned(unpacked));
        }
    }
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
        assert!(unpack_within(&bomb, &Budget::of(1 << 20), |_| Ok(())).is_ok());
        let error = unpack_within(&bomb, &Budget::of((1 << 20) - 1), |_| Ok(())).unwrap_err();
        assert_eq!(error.message, "needs more than 1,048,575 bytes of memory when it is unpacked");
    }

    /// What the first bytes say ends it before the others are unpacked: there, the damage would be found.
    #[test]
    fn first_bytes_are_looked_at_first() {
        let mut packed = pack(&(0..1 << 20).map(|i: u32| (i.wrapping_mul(i) >> 7) as u8).collect::<Vec<_>>());
        packed.truncate(packed.len() / 2);
        assert!(unpack(&packed).unwrap_err().message.starts_with("is damaged"));
        let refused = unpack_if(&packed, |head| Err(FileError::new(format!("begins with {} bytes", head.len()))));
        assert_eq!(refused.unwrap_err().message, format!("begins with {CHUNK} bytes"));
    }

    #[test]
    fn damage_is_an_error() {
        let packed = pack(b"some bytes, some more bytes, and some more bytes");
        corrupt::truncations(&packed, |bytes| assert!(bytes.len() < 2 || unpack(bytes).is_err()));
        corrupt::mutations(&packed, |bytes| drop(unpack(bytes)));
    }
}
