//! Damaged files for the readers' tests: every truncation, and random changes that are the same on every run.

/// Calls `read` with every proper prefix of `bytes`.
pub(super) fn truncations(bytes: &[u8], mut read: impl FnMut(&[u8])) {
    for end in 0..bytes.len() {
        read(&bytes[..end]);
    }
}

/// Calls `read` with every byte of `bytes` set to a few telling values, and with many random changes.
pub(super) fn mutations(bytes: &[u8], mut read: impl FnMut(&[u8])) {
    for at in 0..bytes.len().min(512) {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff, bytes[at].wrapping_add(1), bytes[at] ^ 0x20] {
            let mut copy = bytes.to_vec();
            copy[at] = value;
            read(&copy);
        }
    }
    let mut generator = qnn_ir::Random::new(0);
    let mut random = |below: usize| generator.below(below.max(1));
    for _ in 0..4000 {
        let mut copy = bytes.to_vec();
        for _ in 0..=random(6) {
            let at = random(copy.len());
            match random(5) {
                0 => copy.truncate(at),
                1 => copy.insert(at, random(256) as u8),
                2 => {
                    // A stretch moved elsewhere: duplicate names, shuffled headers.
                    let end = (at + random(40)).min(copy.len());
                    let stretch: Vec<u8> = copy[at..end].to_vec();
                    let to = random(copy.len() + 1);
                    copy.splice(to..to, stretch);
                }
                _ => {
                    if let Some(byte) = copy.get_mut(at) {
                        *byte = random(256) as u8;
                    }
                }
            }
        }
        read(&copy);
    }
}
