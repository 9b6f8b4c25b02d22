//! `batch_norm`: each channel times a factor, plus an offset, from the statistics of training.
//!
//! factor = γ / √(σ² + ε) has 24 significant bits, as a float32 has; all else is exact: factor · x + (β − factor · μ).

use super::super::super::Checked;
use super::super::super::data::ParamsFile;
use super::super::super::types::{count, shape_text};
use super::super::{Builder, NetTensor, NetValue, Parameters};
use crate::diagnostic::Diagnostic;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{exact, integer, power_of_two};
use qnn_ir::real::NUMBER;
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr};

/// The significant bits of a factor.
const BITS: u64 = 24;

impl Builder<'_> {
    pub(super) fn batch_norm(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let [input, layer, epsilon] = call.arguments.as_slice() else { return self.wrong_arguments(call, span) };
        let named = epsilon.name.as_ref().is_some_and(|name| &*name.text == "epsilon");
        if input.name.is_some() || layer.name.is_some() || !named {
            return self.wrong_arguments(call, span);
        }
        let x = self.tensor(&input.value)?;
        let epsilon = self.constants(|e| e.number(&epsilon.value))?;
        let NetValue::Group(file, prefix) = self.eval(&layer.value)? else {
            return self.error("E0302", layer.value.span, "expected a group of parameters", "no group");
        };
        let channels = x.shape.first().map_or(1, |axis| axis.size);
        let statistic = |names: &[&str], default: Option<i128>| {
            self.statistic((&file, &prefix), names, default, channels, &layer.value)
        };
        let scale = statistic(&["weight", "gamma"], Some(1))?;
        let offset = statistic(&["bias", "beta"], Some(0))?;
        let mean = statistic(&["running_mean", "moving_mean", "mean"], None)?;
        let variance = statistic(&["running_var", "moving_variance", "variance", "var"], None)?;
        let (mut factors, mut offsets) = (Vec::new(), Vec::new());
        for channel in 0..channels {
            work(8 * NUMBER);
            let under = &variance[channel] + &epsilon;
            if !under.is_positive() {
                return self.error(
                    "E0311",
                    span,
                    format!("the variance of channel {channel} and epsilon come to {}", exact(&under)),
                    "no square root to divide by",
                );
            }
            let size = rounded_root(&(&scale[channel] * &scale[channel] / under));
            let factor = if scale[channel].is_negative() { -size } else { size };
            offsets.push(&offset[channel] - &factor * &mean[channel]);
            factors.push(factor);
        }
        let inner = count(&x.shape) / channels;
        let spread = |values: Vec<Rational>| -> Vec<Rational> {
            work(NUMBER * channels * inner);
            values.into_iter().flat_map(|value| std::iter::repeat_n(value, inner)).collect()
        };
        let scaled = self.times_each(&x, &spread(factors), span)?;
        let result = self.plus(&scaled, spread(offsets), span)?;
        self.layer("batch_norm".to_owned(), &result, Parameters::default(), span);
        Ok(result)
    }

    /// A number for each channel, by the first of its names that the file has.
    fn statistic(
        &self,
        (file, prefix): (&ParamsFile, &str),
        names: &[&str],
        default: Option<i128>,
        channels: usize,
        group: &Expr,
    ) -> Checked<Vec<Rational>> {
        let full = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let known = names.iter().map(|name| full(name)).find(|name| file.has(self.evaluator.context, name));
        let name = match (known, default) {
            (Some(name), _) => name,
            (None, Some(default)) => return Ok(vec![integer(default); channels]),
            (None, None) => full(names[0]),
        };
        let tensor = self.parameter(file, &name, self.place(group.span))?;
        if tensor.shape.len() != 1 || tensor.len() != channels {
            return self.report(
                Diagnostic::error(
                    "E0301",
                    format!(
                        "`{name}` has the shape {}, but there are {channels} channels",
                        shape_text(self.db(), &tensor.shape)
                    ),
                    self.place(group.span),
                    format!("[{channels}] is needed"),
                )
                .note("Channels are the first axis of what is normalized."),
            );
        }
        Ok(tensor.values())
    }
}

/// The square root of a number that is not negative, to the nearest with [`BITS`] significant bits, ties to even.
pub(in crate::check::network) fn rounded_root(square: &Rational) -> Rational {
    if square.is_zero() {
        return Rational::zero();
    }
    // With square / 4^e from 4^(BITS - 1) to 4^BITS, the root over 2^e has the bits before the point.
    let (least, most) = (BigInt::one() << (2 * (BITS - 1)), BigInt::one() << (2 * BITS));
    let size = square.numer().bits() as i64 - square.denom().bits() as i64;
    let mut exponent = size.div_euclid(2) - BITS as i64;
    let shifted = |exponent: i64| square * power_of_two(-2 * exponent);
    while shifted(exponent) >= Rational::from_integer(most.clone()) {
        exponent += 1;
    }
    while shifted(exponent) < Rational::from_integer(least.clone()) {
        exponent -= 1;
    }
    let square = shifted(exponent);
    let root = square.to_integer().sqrt();
    // (root + 1/2)², where the nearest changes.
    let middle = Rational::new((&root * 2 + 1u32) * (&root * 2 + 1u32), 4.into());
    let up = square > middle || square == middle && root.is_odd();
    Rational::from_integer(root + i32::from(up)) * power_of_two(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::ToPrimitive;
    use qnn_ir::rational::ratio;

    #[test]
    fn roots_are_those_of_floats() {
        for (n, d) in
            [(1, 1), (2, 1), (1, 3), (4, 9), (123_456_789, 1000), (1, 1_000_000_007), (i128::from(i64::MAX), 3)]
        {
            let value = ratio(n, d);
            let float = (n as f64 / d as f64).sqrt() as f32;
            assert_eq!(rounded_root(&value).to_f64(), Some(f64::from(float)), "{n}/{d}");
        }
        assert_eq!(rounded_root(&Rational::zero()), Rational::zero());
    }
}
