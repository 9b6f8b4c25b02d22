//! Logistic and tanh of int16: the table of 256 values of the logistic function that all kernels share, and straight lines between them.
//!
//! In: the scale of the input. Out: the stored output of scale 2^−15. Ports of `reference_integer_ops::Logistic` and `Tanh` for int16
//! (`kernels/internal/reference/integer_ops/{logistic,tanh}.h`) and of how `kernels/activations.cc` scales their inputs. Invariant: integers stay
//! within 32 bits, as the kernels have them.

/// Where the kernels' table is one more than the nearest integer, as measured: every line between two of its values fits these alone.
const ONE_MORE: [usize; 44] = [
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49,
    50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
];

/// Both functions for inputs of one scale.
#[derive(Clone, Debug)]
pub(super) struct Int16Curve {
    multiplier: i64,
    shift: u32,
    /// 2^16 · logistic(k / 24), nearly.
    table: Vec<i64>,
}

impl Int16Curve {
    /// `None` for scales whose multiplier leaves 16 bits.
    pub(super) fn new(scale: f32, is_tanh: bool) -> Option<Int16Curve> {
        let value = |k: usize| {
            // No value is so near to the middle of two integers that another library's `exp` could change it.
            let nearest = (65536.0 / (1.0 + (-(k as f64) / 24.0).exp())).round() as i64;
            nearest + i64::from(ONE_MORE.contains(&k))
        };
        let table = (0..256).map(value).collect();
        // `CheckedLog2`, in 32-bit floats. Nothing depends on its last bits but for scales at the edge of what it allows, which are refused.
        let exponent = f64::from(scale).log2();
        let distance = (exponent - exponent.round()).abs();
        if (distance - 0.001).abs() < 1e-4 {
            return None;
        }
        let left = 12 + exponent.round() as i64;
        if distance < 0.001 && (left == 0 || is_tanh && left == 1) {
            return Some(Int16Curve { multiplier: 3 << left, shift: 0, table });
        }
        let mut multiplier = f64::from(scale) * 4096.0 * 3.0;
        let mut shift = 0;
        while multiplier <= 32767.0 / 2.0 && shift <= 30 {
            multiplier *= 2.0;
            shift += 1;
        }
        (multiplier < 32768.0).then_some(Int16Curve { multiplier: multiplier as i64, shift, table })
    }

    /// The input in steps of 1/(3 · 4096).
    fn scaled(&self, x: i64) -> i64 {
        let half = (1i64 << self.shift) >> 1;
        (x * self.multiplier + half) >> self.shift
    }

    /// The table at a magnitude with so many bits between two of its values, with as many more bits; `saturated` beyond it.
    fn between(&self, magnitude: i64, bits: u32, saturated: i64) -> i64 {
        let at = usize::try_from(magnitude >> bits).unwrap_or(usize::MAX);
        match (self.table.get(at), self.table.get(at.saturating_add(1))) {
            (Some(from), Some(to)) => (from << bits) + (magnitude & ((1 << bits) - 1)) * (to - from),
            _ => saturated,
        }
    }

    /// The stored logistic of a stored input.
    pub(super) fn logistic(&self, x: i64) -> i64 {
        let x = self.scaled(x);
        let result = self.between(x.abs(), 9, 0x7fff << 10);
        let half = 1 << 9;
        (if x >= 0 { result + half } else { (1 << 25) - result + half - 1 }) >> 10
    }

    /// The stored tanh of a stored input.
    pub(super) fn tanh(&self, x: i64) -> i64 {
        let x = self.scaled(x);
        let result = self.between(x.abs(), 8, 0xffff << 8) - (1 << 23);
        let half = 1 << 7;
        (if x >= 0 { result + half } else { -result + half - 1 }) >> 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_near_the_real_functions() {
        for scale in [1.0 / 4096.0, 1.0 / 2048.0, 0.000_31, 0.002, 0.4] {
            let (logistic, tanh) = (Int16Curve::new(scale, false).unwrap(), Int16Curve::new(scale, true).unwrap());
            for x in (-(1 << 15)..1 << 15).step_by(7) {
                let real = f64::from(x) * f64::from(scale);
                let near = |stored: i64, value: f64| (stored as f64 / 32768.0 - value).abs() < 4e-4;
                assert!(near(logistic.logistic(i64::from(x)), 1.0 / (1.0 + (-real).exp())), "logistic {real}");
                assert!(near(tanh.tanh(i64::from(x)), real.tanh()), "tanh {real}");
            }
        }
        assert!(Int16Curve::new(3.0, false).is_none());
    }
}
