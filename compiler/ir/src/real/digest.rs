//! The hash of a real graph's operations, which keys of obligations contain.

use super::numbers::Numbers;
use super::{NUMBER, RealOp};
use crate::Rational;
use crate::interrupt::work;
use num_bigint::BigInt;

/// Each number's length in bytes and its bytes, as few as tell its sign.
pub(super) fn hash_numbers(numbers: &Numbers, hasher: &mut blake3::Hasher) {
    // Many short pieces are slow to hash one by one.
    let mut bytes = Vec::new();
    let mut add = |number: &[u8]| {
        work(4);
        bytes.extend_from_slice(&(number.len() as u64).to_le_bytes());
        bytes.extend_from_slice(number);
        if bytes.len() >= 1 << 16 {
            hasher.update(&bytes);
            bytes.clear();
        }
    };
    for index in 0..numbers.len() {
        match numbers.short(index) {
            Some(n) => {
                let sign = if n < 0 { n.leading_ones() } else { n.leading_zeros() };
                add(&n.to_le_bytes()[..(129 - sign).div_ceil(8) as usize]);
            }
            None => add(&numbers.get(index).to_signed_bytes_le()),
        }
    }
    hasher.update(&bytes);
}

/// Hashes an operation and the length of its result.
pub(super) fn hash(op: &RealOp, len: usize, hasher: &mut blake3::Hasher) {
    fn number(hasher: &mut blake3::Hasher, n: &BigInt) {
        work(NUMBER);
        let bytes = n.to_signed_bytes_le();
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    fn value(hasher: &mut blake3::Hasher, value: &Rational) {
        number(hasher, value.numer());
        number(hasher, value.denom());
    }
    let word = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    word(hasher, len);
    match op {
        RealOp::Input(scales) => {
            word(hasher, 0);
            scales.iter().for_each(|scale| value(hasher, scale));
        }
        RealOp::Affine { terms, bias } => {
            word(hasher, 1);
            word(hasher, terms.len());
            for (source, matrix) in terms {
                word(hasher, *source);
                word(hasher, matrix.numbers().len());
                number(hasher, matrix.denominator());
                hash_numbers(matrix.numbers(), hasher);
                for row in matrix.rows().iter() {
                    work(4 * (1 + row.len()));
                    word(hasher, row.len());
                    let bytes = row.iter().flat_map(|(column, index)| [column.to_le_bytes(), index.to_le_bytes()]);
                    hasher.update(&bytes.flatten().collect::<Vec<u8>>());
                }
            }
            bias.iter().for_each(|n| value(hasher, n));
        }
        RealOp::Clamp { source, lo, hi } => {
            word(hasher, 2);
            word(hasher, *source);
            value(hasher, lo);
            word(hasher, usize::from(hi.is_some()));
            hi.iter().for_each(|hi| value(hasher, hi));
        }
        RealOp::Max { source, windows } => {
            word(hasher, 3);
            word(hasher, *source);
            for window in windows.iter() {
                work(4 * (1 + window.len()));
                word(hasher, window.len());
                window.iter().for_each(|i| word(hasher, *i as usize));
            }
        }
        RealOp::Gather(picks) => {
            word(hasher, 4);
            for (node, i) in picks.iter() {
                work(4);
                word(hasher, *node);
                word(hasher, *i as usize);
            }
        }
    }
}
