//! Casts: the one place where values are rounded and leave a range.

use super::super::super::data::{PerElement, scales, zeros};
use super::super::super::scope::{Meaning, meaning};
use super::super::super::types::count;
use super::super::super::{Checked, at};
use super::super::{Builder, NetTensor, Parameters};
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Fix, Place};
use crate::number_format::{Format, MAX_WIDTH, Overflow, Scale};
use num_traits::ToPrimitive;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{exact, integer};
use qnn_ir::real::NUMBER;
use qnn_ir::{Interval, Matrix, NodeId, Op, Step, Steps};
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, ItemKind, TypeArgument, TypeExpr};

impl Builder<'_> {
    /// `x as Format`: the one place where bits are lost.
    pub(in crate::check::network) fn cast(
        &mut self,
        x: &NetTensor,
        format: &Format,
        span: Span,
        ty: &TypeExpr,
    ) -> Checked<NetTensor> {
        let format_span = ty.span;
        if self.real.is_some() {
            return self.real_cast(x, format, span, format_span);
        }
        if x.format.as_ref() == Some(format) {
            return Ok(x.clone());
        }
        self.channels_fit(x, format, format_span)?;
        let scale = scales(format, &x.shape);
        let zeros = zeros(format, &x.shape);
        let len = count(&x.shape);
        // A ReLU or clamp just before is part of the same Step.
        let (source, clamps) = match &self.graph.node(x.node).op {
            Op::Step {
                source,
                steps: Steps::Uniform(Step::Round { numerator: 1, denominator: 1, offset: 0, lo, hi, .. }),
            } => (*source, Some((*lo, *hi))),
            _ => (x.node, None),
        };
        let uniform_cast =
            matches!((&x.scale, &scale, &zeros), (PerElement::All(_), PerElement::All(_), PerElement::All(_)));
        let mut steps = Vec::with_capacity(if uniform_cast { 1 } else { len });
        let mut wraps = false;
        for i in 0..if uniform_cast { 1 } else { len } {
            work(NUMBER);
            let zero = i128::from(*zeros.get(i));
            let (min, max) = (i128::from(format.min_raw()) - zero, i128::from(format.max_raw()) - zero);
            let quotient = x.scale.get(i) / scale.get(i);
            let parts = (quotient.numer().to_i128(), quotient.denom().to_i128());
            let (Some(numerator), Some(denominator)) = parts else {
                return self.too_precise_cast(span);
            };
            let small = |n: i128| n.checked_mul(4).and_then(|n| n.checked_mul(1 << (MAX_WIDTH + 1))).is_some();
            if !small(denominator) || numerator > 1 << 60 {
                return self.too_precise_cast(span);
            }
            let round =
                |lo: i128, hi: i128| Step::Round { numerator, denominator, offset: 0, mode: format.rounding, lo, hi };
            let free = round(i128::MIN >> 2, i128::MAX >> 2);
            let elements: Vec<usize> = if uniform_cast { (0..len).collect() } else { vec![i] };
            // What the cast would have to hold, over all inputs.
            let mut worst: Option<(usize, Interval)> = None;
            for element in elements {
                work(8);
                let mut range = self.ranges[source.index()][element];
                if let Some((lo, hi)) = clamps {
                    range = Interval::new(range.lo.clamp(lo, hi), range.hi.clamp(lo, hi));
                }
                let ends = free.checked_apply(range.lo).zip(free.checked_apply(range.hi));
                let Some((lo, hi)) = ends else { return self.too_precise_cast(span) };
                let need = Interval::new(lo, hi);
                let over = |r: Interval| (min - r.lo).max(r.hi - max);
                if worst.is_none_or(|(_, known)| over(need) > over(known)) {
                    worst = Some((element, need));
                }
            }
            let Some((element, need)) = worst else { continue };
            let beyond = need.lo < min || need.hi > max;
            match format.overflow {
                Overflow::Error if beyond => return self.overflow_error(x, format, element, need, span, ty),
                Overflow::Wrap if beyond => {
                    wraps = true;
                    let (lo, hi) = self.unclamped(source, clamps, &free)?;
                    steps.push(round(lo, hi));
                }
                _ => {
                    let step = round(min, max);
                    let clamped = match clamps {
                        Some((lo, hi)) => match step.checked_apply(lo).zip(step.checked_apply(hi)) {
                            Some((low, high)) => step.then_clamp(low, high),
                            None => return self.too_precise_cast(span),
                        },
                        None => step,
                    };
                    steps.push(clamped);
                }
            }
        }
        let steps = if uniform_cast { Steps::Uniform(steps.remove(0)) } else { uniform(steps) };
        let mut node = self.push(Op::Step { source, steps }, span)?;
        if wraps {
            node = self.wrap(node, format, &zeros, len, span)?;
        }
        let result = NetTensor { node, shape: x.shape.clone(), scale, format: Some(format.clone()) };
        self.layer(format!("as {format}"), &result, Parameters::default(), span);
        Ok(result)
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
                "scales too far apart",
            )
            .help("cast in two steps, or use constants with fewer digits"),
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

/// Equal steps as one.
pub(in crate::check::network) fn uniform(steps: Vec<Step>) -> Steps {
    match steps.split_first() {
        Some((first, rest)) if rest.iter().inspect(|_| work(1)).all(|s| s == first) => Steps::Uniform(first.clone()),
        _ => Steps::Each(steps.into()),
    }
}
