//! Pseudo-random numbers: the same for the same seed, on every machine.
//!
//! In: a seed. Out: a sequence, for attacks and perturbations as for tests. They are not for secrets.

/// A generator of pseudo-random numbers: xorshift64 (Marsaglia, "Xorshift RNGs", 2003), whose state SplitMix64's finalizer makes of the seed, so that the
/// sequences of neighbouring seeds have nothing in common.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The state 0 has no other after it.
        Random((state ^ state >> 31).max(1))
    }

    /// 64 random bits, never all zero; the upper half is the better one.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 0 to less than 1, of 24 bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 40) as f64 / (1u64 << 24) as f64
    }

    /// A number in `lo ..= hi`.
    pub fn between(&mut self, lo: i64, hi: i64) -> i64 {
        let span = hi.wrapping_sub(lo) as u64;
        if span == u64::MAX { self.bits() as i64 } else { lo.wrapping_add((self.bits() % (span + 1)) as i64) }
    }

    /// An index below `len`, which is not 0.
    pub fn below(&mut self, len: usize) -> usize {
        (self.bits() % len as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.bits() % 100 < percent
    }

    /// One of the choices.
    pub fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_stays_the_same() {
        let sequence = |seed| {
            let mut random = Random::new(seed);
            [(); 3].map(|()| random.bits())
        };
        assert_eq!(sequence(0), [0x6661_260e_8cc5_7df4, 0x2ed7_a803_1b23_0a0f, 0x1383_0ddd_eb20_2fdb]);
        assert_eq!(sequence(u64::MAX), [0x311d_6e06_556c_ee78, 0xa221_2187_cc7a_a9a4, 0x706c_eb41_e392_b5f7]);
    }
}
