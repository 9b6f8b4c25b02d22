//! Casts: the one place where values are rounded and leave a range.

use super::super::super::data::{PerElement, scales, zeros};
use super::super::super::scope::{Meaning, meaning};
use super::super::super::types::count;
use super::super::super::{Checked, at};
use super::super::{Builder, NetTensor, Parameters};
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Fix, Place};
use crate::number_format::{Format, MAX_WIDTH, Overflow, Scale};
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{exact, integer};
use qnn_ir::real::NUMBER;
use qnn_ir::{Interval, Matrix, NodeId, Op, Rational, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, ItemKind, TypeArgument, TypeExpr};
use std::ops::Range;

/// A cast that is being lowered.
struct Cast<'a> {
    x: &'a NetTensor,
    /// The node that it rounds: what `x` clamps, where that is all that `x` does.
    source: NodeId,
    /// Ends between which the source's integers are taken before.
    clamps: Option<(i128, i128)>,
    /// Ends between which the values are taken before.
    ends: Option<&'a (Rational, Rational)>,
    format: &'a Format,
    span: Span,
    ty: &'a TypeExpr,
}

impl Builder<'_> {
    /// `x as Format`: the one place where bits are lost. With ends, of `x` between them.
    pub(in crate::check::network) fn cast(
        &mut self,
        x: &NetTensor,
        ends: Option<&(Rational, Rational)>,
        format: &Format,
        span: Span,
        ty: &TypeExpr,
    ) -> Checked<NetTensor> {
        if self.real.is_some() {
            return self.real_cast(x, format, span, ty.span);
        }
        if ends.is_none() && x.format.as_ref() == Some(format) {
            return Ok(x.clone());
        }
        self.channels_fit(x, format, ty.span)?;
        let (scale, zeros, len) = (scales(format, &x.shape), zeros(format, &x.shape), count(&x.shape));
        // A ReLU or clamp just before is part of the same Step.
        let (source, clamps) = match &self.graph.node(x.node).op {
            Op::Step {
                source,
                steps: Steps::Uniform(Step::Round { numerator: 1, denominator: 1, offset: 0, lo, hi, .. }),
            } => (*source, Some((*lo, *hi))),
            _ => (x.node, None),
        };
        let cast = Cast { x, source, clamps, ends, format, span, ty };
        let uniform_cast =
            matches!((&x.scale, &scale, &zeros), (PerElement::All(_), PerElement::All(_), PerElement::All(_)));
        let mut wraps = false;
        let steps = if uniform_cast {
            Steps::Uniform(self.cast_step(&cast, 0..len, scale.get(0), *zeros.get(0), &mut wraps)?)
        } else {
            let each = (0..len).map(|i| self.cast_step(&cast, i..i + 1, scale.get(i), *zeros.get(i), &mut wraps));
            uniform(each.collect::<Checked<Vec<Step>>>()?)
        };
        let mut node = self.push(Op::Step { source, steps }, span)?;
        if wraps {
            node = self.wrap(node, format, &zeros, len, span)?;
        }
        let result = NetTensor { node, shape: x.shape.clone(), scale, format: Some(format.clone()) };
        self.layer(format!("as {format}"), &result, Parameters::default(), span);
        Ok(result)
    }

    /// The step of elements that share their scales. Says whether it must wrap afterwards.
    fn cast_step(
        &self,
        cast: &Cast<'_>,
        elements: Range<usize>,
        lsb: &Rational,
        zero: i64,
        wraps: &mut bool,
    ) -> Checked<Step> {
        work(NUMBER);
        let Cast { x, source, clamps, ends, format, span, ty } = *cast;
        let zero = i128::from(zero);
        let (min, max) = (i128::from(format.min_raw()) - zero, i128::from(format.max_raw()) - zero);
        let range_of = |element: usize| {
            let range = self.ranges[source.index()][element];
            clamps.map_or(range, |(lo, hi)| Interval::new(range.lo.clamp(lo, hi), range.hi.clamp(lo, hi)))
        };
        let most = elements.clone().map(|i| range_of(i).lo.abs().max(range_of(i).hi.abs())).max().unwrap_or(0);
        let Some((numerator, denominator)) = quotient(&(x.scale.get(elements.start) / lsb), most) else {
            return self.too_precise_cast(span);
        };
        let round =
            |lo: i128, hi: i128| Step::Round { numerator, denominator, offset: 0, mode: format.rounding, lo, hi };
        let mut free = round(i128::MIN >> 2, i128::MAX >> 2);
        if let Some((lo, hi)) = ends {
            let end = |value: &Rational| format.rounding.round(&(value / lsb)).to_i128();
            let Some((lo, hi)) = end(lo).zip(end(hi)) else { return self.too_precise_cast(span) };
            free = free.then_clamp(lo, hi);
        }
        // What the cast would have to hold, over all inputs.
        let mut worst: Option<(usize, Interval)> = None;
        for element in elements {
            work(8);
            let range = range_of(element);
            let ends = free.checked_apply(range.lo).zip(free.checked_apply(range.hi));
            let Some((lo, hi)) = ends else { return self.too_precise_cast(span) };
            let need = Interval::new(lo, hi);
            let over = |r: Interval| (min - r.lo).max(r.hi - max);
            if worst.is_none_or(|(_, known)| over(need) > over(known)) {
                worst = Some((element, need));
            }
        }
        let Some((element, need)) = worst else { return Ok(round(min, max)) };
        let beyond = need.lo < min || need.hi > max;
        match format.overflow {
            Overflow::Error if beyond => self.overflow_error(x, format, element, need, span, ty),
            Overflow::Wrap if beyond => {
                *wraps = true;
                let (lo, hi) = self.unclamped(source, clamps, &free)?;
                Ok(round(lo, hi))
            }
            _ => {
                // The ends come first, the format's range after them.
                let step = round(free.lo().clamp(min, max), free.hi().clamp(min, max));
                let Some((lo, hi)) = clamps else { return Ok(step) };
                match step.checked_apply(lo).zip(step.checked_apply(hi)) {
                    Some((low, high)) => Ok(step.then_clamp(low, high)),
                    None => self.too_precise_cast(span),
                }
            }
        }
    }

    /// A format with a scale for each channel has as many as the tensor.
    pub(super) fn channels_fit(&self, x: &NetTensor, format: &Format, format_span: Span) -> Checked<()> {
        let first = x.shape.first().map_or(1, |axis| axis.size);
        if format.channels() == 1 || format.channels() == first {
            return Ok(());
        }
        self.error(
            "E0301",
            format_span,
            format!("this format has {} channels, but the tensor's first axis has {first}", format.channels()),
            "one scale per channel",
        )
    }

    /// The least and the greatest rounded value of a source, over all elements.
    pub(in crate::check::network) fn unclamped(
        &self,
        source: NodeId,
        clamps: Option<(i128, i128)>,
        free: &Step,
    ) -> Checked<(i128, i128)> {
        let range = self.range(source);
        let (lo, hi) = clamps.map_or((range.lo, range.hi), |(lo, hi)| (range.lo.clamp(lo, hi), range.hi.clamp(lo, hi)));
        free.checked_apply(lo).zip(free.checked_apply(hi)).ok_or(super::super::super::Reported)
    }

    /// `overflow = wrap`: the low bits of the raw integer.
    pub(in crate::check::network) fn wrap(
        &mut self,
        node: NodeId,
        format: &Format,
        zeros: &PerElement<i64>,
        len: usize,
        span: Span,
    ) -> Checked<NodeId> {
        let shifted = matches!(format.scale, Scale::Affine { .. });
        let shift = |builder: &mut Self, node: NodeId, sign: i128| {
            let bias: Vec<i128> = (0..len).inspect(|_| work(1)).map(|i| sign * i128::from(*zeros.get(i))).collect();
            let terms = vec![(node, Matrix::diagonal(&vec![1; len]))];
            builder.push(Op::Affine { terms, bias: bias.into() }, span)
        };
        let raw = if shifted { shift(self, node, 1)? } else { node };
        let wrapped = self.push(Op::Wrap { source: raw, width: format.width, signed: format.signed }, span)?;
        if shifted { shift(self, wrapped, -1) } else { Ok(wrapped) }
    }

    pub(in crate::check::network) fn too_precise_cast<T>(&self, span: Span) -> Checked<T> {
        self.report(
            Diagnostic::error(
                "E0404",
                "this cast needs more than 127 bits to be exact",
                self.place(span),
                "the sum is too wide, or the scales are too far apart",
            )
            .help("cast earlier, or in two steps"),
        )
    }

    /// A cast under `overflow = error` that can overflow.
    pub(in crate::check::network) fn overflow_error<T>(
        &self,
        x: &NetTensor,
        format: &Format,
        element: usize,
        need: Interval,
        span: Span,
        ty: &TypeExpr,
    ) -> Checked<T> {
        let zero = i128::from(*zeros(format, &x.shape).get(element));
        let raw = Interval::new(need.lo + zero, need.hi + zero);
        let lsb = scales(format, &x.shape).get(element).clone();
        let value = |n: i128| exact(&(integer(n) * &lsb));
        let width = if format.signed || raw.lo < 0 { raw.signed_width() } else { raw.signed_width() - 1 };
        let mut wider = format.clone();
        wider.width = width;
        wider.signed = format.signed || raw.lo < 0;
        let place: Place = self.place(ty.span);
        let mut diagnostic = Diagnostic::error(
            "E0402",
            format!("this cast can overflow: neuron {element} ranges from {} to {}", value(need.lo), value(need.hi)),
            at(self.evaluator.item, span),
            "can leave the format's range",
        )
        .label(
            place,
            format!(
                "holds {} to {}",
                value(i128::from(format.min_raw()) - zero),
                value(i128::from(format.max_raw()) - zero)
            ),
        )
        .note(
            "`overflow = error` asks for a proof that no input overflows; the range is over all inputs of the formats.",
        );
        if width <= MAX_WIDTH {
            diagnostic = diagnostic.help(format!("`{wider}` would hold every value"));
            diagnostic.fixes.extend(self.widened(ty, format, &wider));
        }
        self.report(diagnostic)
    }

    /// The change that widens a format where it is written, be it in an alias; `None` where its width is computed.
    pub(in crate::check::network) fn widened(&self, ty: &TypeExpr, format: &Format, wider: &Format) -> Option<Fix> {
        let db = self.db();
        let (mut item, mut ty, mut whose) = (self.evaluator.item, ty, String::new());
        // Aliases of aliases end, for circles are errors.
        loop {
            if matches!(&*ty.head.text, "fixed" | "ufixed" | "int" | "uint") {
                let literal = |argument: &TypeArgument| match argument {
                    TypeArgument::Value(Expr { kind: ExprKind::Number { .. }, span }) => Some(*span),
                    _ => None,
                };
                let width = literal(ty.arguments.first()?)?;
                let computed = |a: &TypeArgument| !matches!(a, TypeArgument::Named(..)) && literal(a).is_none();
                let (place, replacement) = match wider.signed == format.signed {
                    true => (at(item, width), wider.width.to_string()),
                    false if ty.shape.is_empty() && !ty.arguments.iter().any(computed) => {
                        (at(item, ty.span), wider.to_string())
                    }
                    false => return None,
                };
                return Some(Fix { title: format!("widen {whose}to `{wider}`"), place, replacement });
            }
            let Meaning::Item(alias) = *meaning(db, item.file(db), ty.head.text.clone()) else { return None };
            let ItemKind::Type(declared) = &tree(db, alias).as_deref()?.kind else { return None };
            if !declared.generics.is_empty() {
                return None;
            }
            whose = format!("`{}` ", ty.head.text);
            (item, ty) = (alias, &declared.ty);
        }
    }
}

/// The quotient of two scales as a fraction that steps can compute with: its own, or a simpler one with which all integers of at most `most` are rounded
/// alike, in every mode. `None` if there is none.
///
/// How a·q rounds depends on no more than how q compares with k / a and (2k + 1) / 2a, which are fractions with denominators of at most 2a. So any q' that lies
/// between the same two neighbours among the fractions with denominators of at most 2·`most` will do; their mediant does
/// (Graham, Knuth, Patashnik, *Concrete Mathematics*, 4.5).
fn quotient(exact: &Rational, most: i128) -> Option<(i128, i128)> {
    let fits = |q: &Rational| {
        let (numerator, denominator) = (q.numer().to_i128()?, q.denom().to_i128()?);
        let small = |n: i128| n.checked_mul(4).and_then(|n| n.checked_mul(1 << (MAX_WIDTH + 1))).is_some();
        (small(denominator) && numerator <= 1 << 60).then_some((numerator, denominator))
    };
    fits(exact).or_else(|| fits(&between_neighbours(exact, &BigInt::from(most.max(1).checked_mul(2)?))))
}

/// The mediant of the two fractions next to a positive number among those with denominators of at most `order`; the number itself if it is one of them.
fn between_neighbours(number: &Rational, order: &BigInt) -> Rational {
    if number.denom() <= order {
        return number.clone();
    }
    // The path to the number in the Stern-Brocot tree, by its continued fraction, as far as denominators are within the order.
    let (mut below, mut above) = ((number.floor().to_integer(), BigInt::one()), (BigInt::one(), BigInt::zero()));
    let mut rest = number.fract();
    let mut upper = true;
    while !rest.is_zero() {
        work(NUMBER);
        let next = rest.recip();
        let wanted = next.floor().to_integer();
        let (moved, fixed) = if upper { (&mut above, &below) } else { (&mut below, &above) };
        let possible = (order - &moved.1) / &fixed.1;
        let steps = wanted.clone().min(possible.clone());
        moved.0 += &steps * &fixed.0;
        moved.1 += &steps * &fixed.1;
        if possible < wanted {
            break;
        }
        (rest, upper) = (next.fract(), !upper);
    }
    Rational::new(below.0 + above.0, below.1 + above.1)
}

/// Equal steps as one.
pub(in crate::check::network) fn uniform(steps: Vec<Step>) -> Steps {
    match steps.split_first() {
        Some((first, rest)) if rest.iter().inspect(|_| work(1)).all(|s| s == first) => Steps::Uniform(first.clone()),
        _ => Steps::Each(steps.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qnn_ir::Rounding;
    use qnn_ir::rational::ratio;

    #[test]
    fn a_quotient_of_many_digits_rounds_as_its_neighbours_mediant() {
        let q = ratio(271_828_182_845_904_523_536_028, 314_159_265_358_979_323_846_264_338_327);
        let (numerator, denominator) = quotient(&q, 1000).unwrap();
        assert!(denominator <= 4001, "{numerator}/{denominator}");
        let simple = ratio(numerator, denominator);
        for a in -1000..=1000 {
            for mode in Rounding::ALL {
                assert_eq!(mode.round(&(integer(a) * &q)), mode.round(&(integer(a) * &simple)), "{a} {mode:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn neighbours_enclose_as_closely_as_their_order_allows(n in 1..5000i128, d in 1..5000i128, order in 1..60i128) {
            let number = ratio(n, d);
            let found = between_neighbours(&number, &BigInt::from(order));
            let (low, high) = (number.clone().min(found.clone()), number.clone().max(found.clone()));
            for denominator in 1..=order {
                // No fraction of the order between the two, nor one that is the one and not the other.
                let first = (&low * integer(denominator)).ceil();
                prop_assert!(low == high || first / integer(denominator) > high, "{number} {found} {denominator}");
            }
        }
    }
}
