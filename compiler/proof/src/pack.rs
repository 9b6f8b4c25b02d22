//! Certificates as bytes: gzipped JSON.
//!
//! In: a certificate, or bytes that claim to be one. Out: the other. Invariant: no bytes make this panic or take more
//! memory than the limit says: what unpacks to more is refused before it is there.

use super::Certificate;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use std::fmt;
use std::io::{Read, Write};

/// The most bytes that a certificate may have as JSON.
pub const MAX_CERTIFICATE_BYTES: u64 = 64 << 20;

/// Why bytes are no certificate, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

/// The certificate as gzipped JSON; `None` if it is larger than what [`unpack()`] reads.
pub fn pack(certificate: &Certificate) -> Option<Vec<u8>> {
    pack_within(certificate, MAX_CERTIFICATE_BYTES)
}

/// The certificate as gzipped JSON; `None` if the JSON takes more than `limit` bytes.
pub fn pack_within(certificate: &Certificate, limit: u64) -> Option<Vec<u8>> {
    // What is too large is not written to its end.
    let mut text = Limited(Vec::new(), limit);
    serde_json::to_writer(&mut text, certificate).ok()?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text.0).ok()?;
    encoder.finish().ok()
}

/// Bytes, up to a limit.
struct Limited(Vec<u8>, u64);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > self.1 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The certificate that [`pack()`] packed.
///
/// # Errors
/// [`Unreadable`] if it is damaged, of another form, or larger than [`MAX_CERTIFICATE_BYTES`].
pub fn unpack(bytes: &[u8]) -> Result<Certificate, Unreadable> {
    let text = unpack_within(bytes, MAX_CERTIFICATE_BYTES)?;
    serde_json::from_slice(&text).map_err(|error| Unreadable(format!("It is no certificate: {error}.")))
}

/// Gzipped bytes as they were, if they are no more than `limit`.
///
/// # Errors
/// [`Unreadable`] if they are damaged or more.
pub fn unpack_within(bytes: &[u8], limit: u64) -> Result<Vec<u8>, Unreadable> {
    let mut decoder = GzDecoder::new(bytes);
    let mut text = Vec::new();
    let read = decoder.by_ref().take(limit.saturating_add(1)).read_to_end(&mut text);
    if text.len() as u64 > limit {
        return Err(Unreadable(format!("It unpacks to more than {} MiB, the most that is read.", limit >> 20)));
    }
    read.map_err(|error| Unreadable(format!("It is damaged: its gzip compression can't be undone ({error}).")))?;
    if !decoder.into_inner().is_empty() {
        return Err(Unreadable("It is damaged: something follows its end.".to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::{CERTIFICATE_VERSION, Multipliers, Step};
    use super::*;

    fn certificate() -> Certificate {
        let multipliers = Multipliers { atoms: vec![(0, 3)], slots: vec![(4, 1, -7)] };
        let split = Step::Split { node: 1, element: 2, value: -3 };
        let cases = vec![vec![split, Step::Bound(multipliers), Step::Enumerate]];
        Certificate { version: CERTIFICATE_VERSION, obligation: "ab".repeat(32), prelude: Vec::new(), cases }
    }

    #[test]
    fn writing_ends_at_the_limit() {
        let text = serde_json::to_vec(&certificate()).unwrap();
        for (room, fits) in [(0, true), (1, false)] {
            let mut limited = Limited(Vec::new(), text.len() as u64 - room);
            assert_eq!(serde_json::to_writer(&mut limited, &certificate()).is_ok(), fits);
            assert!(text.starts_with(&limited.0) && (limited.0 == text) == fits);
        }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        assert_eq!(unpack(&pack(&certificate()).unwrap()), Ok(certificate()));
    }

    #[test]
    fn damage_is_refused() {
        let packed = pack(&certificate()).unwrap();
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end]).is_err(), "the first {end} bytes");
        }
        assert!(unpack(&[packed.clone(), vec![0]].concat()).is_err());
        for at in 10..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x10;
            // The last bits before the check sums are padding, which says nothing.
            assert!(unpack(&damaged).map_or(true, |unpacked| unpacked == certificate()), "byte {at}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(unpack_within(&bomb, 1 << 20).is_ok());
        assert!(unpack_within(&bomb, (1 << 20) - 1).unwrap_err().0.contains("the most that is read"));
    }
}
