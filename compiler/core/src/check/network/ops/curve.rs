//! Functions of one stored value, which the cast that follows rounds: `hard_swish`, `sigmoid`, `tanh`, `lookup`.
//!
//! In: a stored tensor and a function. Out: a [`Curve`], and of it, once a cast says the format, a table of the rounded values; or, where nothing rounds
//! them, a table of the exact ones, if they are rational. What a table becomes in the graph is [`super::table`]'s to know.

use super::super::super::Checked;
use super::super::super::data::{PerElement, scales};
use super::super::super::types::count;
use super::super::{Builder, NetTensor, NetValue, Parameters};
use super::logistic;
use super::table::Table;
use crate::diagnostic::Diagnostic;
use crate::number_format::{Format, Overflow};
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_denominator, integer};
use qnn_ir::real::NUMBER;
use qnn_ir::{Interval, Rational, Rounding};
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call, TypeExpr};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The most stored values that a function is tabulated for.
const MAX_ENTRIES: i128 = 1 << 16;

/// What is said of values beyond it, as if they were it.
const FAR: i128 = 1 << 100;

/// A function of each element of a stored tensor, before any rounding.
#[derive(Clone, Debug)]
pub(in crate::check::network) struct Curve {
    x: NetTensor,
    /// The format of `x`.
    format: Format,
    function: Function,
    /// Where it is called.
    span: Span,
}

#[derive(Clone, Debug)]
enum Function {
    /// x · clamp(x + 3, 0, 6) / 6.
    HardSwish,
    /// 1 / (1 + e^−x).
    Sigmoid,
    /// (e^x − e^−x) / (e^x + e^−x).
    Tanh,
    /// A value for each raw integer of the format, from the least; all of them stored in a format, perhaps.
    Lookup(Arc<[Rational]>, Option<Format>),
}

impl Function {
    fn name(&self) -> &'static str {
        match self {
            Function::HardSwish => "hard_swish",
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
            Function::Lookup(..) => "lookup",
        }
    }

    /// Whether it never falls.
    fn is_monotone(&self) -> bool {
        matches!(self, Function::Sigmoid | Function::Tanh)
    }

    /// The exact value at a value, which is the entry of so many; `None` where it is irrational.
    fn exact(&self, value: &Rational, entry: usize) -> Option<Rational> {
        match self {
            Function::HardSwish => {
                let factor = (value + integer(3)).clamp(Rational::zero(), integer(6));
                Some(value * factor / integer(6))
            }
            Function::Lookup(values, _) => values.get(entry).cloned(),
            Function::Sigmoid | Function::Tanh => None,
        }
    }

    /// The value over the resolution, rounded.
    fn rounded(&self, value: &Rational, entry: usize, resolution: &Rational, mode: Rounding) -> BigInt {
        work(NUMBER);
        match self {
            Function::Sigmoid => logistic::sigmoid(value, resolution, mode),
            Function::Tanh => logistic::tanh(value, resolution, mode),
            Function::HardSwish | Function::Lookup(..) => {
                self.exact(value, entry).map_or_else(BigInt::zero, |exact| mode.round(&(exact / resolution)))
            }
        }
    }
}

/// The elements of a tensor that share a channel's scales, with the stored integers that occur among them, relative to the zero point.
struct Group {
    channel: usize,
    elements: std::ops::Range<usize>,
    range: RangeInclusive<i128>,
}

impl Builder<'_> {
    pub(super) fn hard_swish(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        self.curve(x, Function::HardSwish, span).map(NetValue::Curve)
    }

    pub(super) fn sigmoid(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        self.curve(x, Function::Sigmoid, span).map(NetValue::Curve)
    }

    pub(super) fn tanh(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x] = self.positional(call, span)?;
        self.curve(x, Function::Tanh, span).map(NetValue::Curve)
    }

    pub(super) fn lookup(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let [x, table] = self.positional(call, span)?;
        let entries = self.eval(&table.value)?;
        let entries = self.constant_tensor(entries, table.value.span)?;
        let format = entries.format.clone().filter(|format| format.channels() == 1);
        let curve = self.curve(x, Function::Lookup(entries.values().into(), format), span)?;
        let wanted = i128::from(curve.format.max_raw()) - i128::from(curve.format.min_raw()) + 1;
        if entries.shape.len() != 1 || entries.len() as i128 != wanted {
            return self.report(
                Diagnostic::error(
                    "E0301",
                    format!("a table for `{}` is a list of {wanted} numbers", curve.format),
                    self.place(table.value.span),
                    format!("has the shape {}", super::super::super::types::shape_text(self.db(), &entries.shape)),
                )
                .note(format!(
                    "It has an entry for each raw integer of the format, from {} to {}.",
                    curve.format.min_raw(),
                    curve.format.max_raw()
                )),
            );
        }
        Ok(NetValue::Curve(curve))
    }

    /// A sigmoid, or a hyperbolic tangent, of a stored tensor.
    pub(in crate::check::network) fn squashed(&mut self, x: NetTensor, tanh: bool, span: Span) -> Checked<Curve> {
        let function = if tanh { Function::Tanh } else { Function::Sigmoid };
        self.curve_of(x, function, span, span)
    }

    fn curve(&mut self, x: &Argument, function: Function, span: Span) -> Checked<Curve> {
        let tensor = self.tensor(&x.value)?;
        self.curve_of(tensor, function, x.value.span, span)
    }

    fn curve_of(&mut self, tensor: NetTensor, function: Function, of: Span, span: Span) -> Checked<Curve> {
        let name = function.name();
        if self.real.is_some() {
            return self.no_real_reading(name, "is no sum, product or maximum", span);
        }
        let Some(format) = tensor.format.clone() else {
            return self.report(
                Diagnostic::error(
                    "E0411",
                    format!("`{name}` is of stored values, and this is an exact sum"),
                    self.place(of),
                    format!("is `{}`", self.type_text(&tensor)),
                )
                .help(format!("cast it first: `{name}(… as Format)`")),
            );
        };
        Ok(Curve { x: tensor, format, function, span })
    }

    /// The elements by the channels of two formats, with the stored integers that occur.
    fn groups(&self, curve: &Curve, other: Option<&Format>) -> Checked<Vec<Group>> {
        let channels = curve.format.channels().max(other.map_or(1, Format::channels));
        let inner = count(&curve.x.shape) / channels;
        let ranges = &self.ranges[curve.x.node.index()];
        let mut groups = Vec::with_capacity(channels);
        for channel in 0..channels {
            let elements = channel * inner..(channel + 1) * inner;
            work(inner);
            let least = ranges[elements.clone()].iter().map(|range| range.lo).min().unwrap_or(0);
            let greatest = ranges[elements.clone()].iter().map(|range| range.hi).max().unwrap_or(0);
            let zero = i128::from(curve.format.zero(if curve.format.channels() == 1 { 0 } else { channel }));
            let stored = i128::from(curve.format.min_raw())..=i128::from(curve.format.max_raw());
            debug_assert!(stored.contains(&(least + zero)) && stored.contains(&(greatest + zero)));
            if greatest - least >= MAX_ENTRIES {
                return self.report(
                    Diagnostic::error(
                        "E0313",
                        format!("`{}` is tabulated for at most {MAX_ENTRIES} stored values", curve.function.name()),
                        self.place(curve.span),
                        format!("`{}` has more", curve.format),
                    )
                    .help("cast to a format of at most 16 bits first"),
                );
            }
            groups.push(Group { channel, elements, range: least..=greatest });
        }
        Ok(groups)
    }

    /// The values without any rounding, where they are rational.
    pub(in crate::check::network) fn unrounded(&mut self, curve: &Curve) -> Checked<NetTensor> {
        let name = curve.function.name();
        if let Function::Lookup(_, Some(format)) = &curve.function {
            return self.tabulated(curve, format, curve.span, None);
        }
        if curve.function.exact(&Rational::zero(), 0).is_none() {
            return self.report(
                Diagnostic::error(
                    "E0411",
                    format!("`{name}` has irrational values, which a cast must round"),
                    self.place(curve.span),
                    "no cast follows",
                )
                .help(format!("say the format: `{name}(…) as Format`")),
            );
        }
        let mut values = Vec::new();
        let groups = self.groups(curve, None)?;
        for group in &groups {
            let own = group.range.clone().map(|n| {
                work(NUMBER);
                let (value, entry) = curve.argument(n, group.channel);
                curve.function.exact(&value, entry).unwrap_or_else(Rational::zero)
            });
            values.push(own.collect::<Vec<Rational>>());
        }
        let denominator = common_denominator(values.iter().flatten().inspect(|_| work(NUMBER)));
        let mut tables = Vec::new();
        for (group, values) in groups.iter().zip(&values) {
            let number = |value: &Rational| {
                work(NUMBER);
                (value * Rational::from_integer(denominator.clone())).to_integer().to_i128()
            };
            let Some(numbers) = values.iter().map(number).collect::<Option<Vec<i128>>>() else {
                return self.error("E0404", curve.span, "these values have too many digits to be exact", "too precise");
            };
            tables.push(Table { first: *group.range.start(), values: numbers, elements: group.elements.clone() });
        }
        let node = self.table(curve.x.node, &tables, curve.span)?;
        let scale = PerElement::All(Rational::new(BigInt::one(), denominator));
        let result = NetTensor { node, shape: curve.x.shape.clone(), scale, format: None };
        self.layer(name.to_owned(), &result, Parameters::default(), curve.span);
        Ok(result)
    }

    /// The values cast to a format.
    pub(in crate::check::network) fn cast_curve(
        &mut self,
        curve: &Curve,
        format: &Format,
        span: Span,
        ty: &TypeExpr,
    ) -> Checked<NetTensor> {
        self.channels_fit(&curve.x, format, ty.span)?;
        self.tabulated(curve, format, span, Some(ty))
    }

    /// The values as integers of a format; `ty` is where the cast says it.
    fn tabulated(&mut self, curve: &Curve, format: &Format, span: Span, ty: Option<&TypeExpr>) -> Checked<NetTensor> {
        let mut tables = Vec::new();
        for group in self.groups(curve, Some(format))? {
            let zero = format.zero(group.channel);
            let rounded = curve.rounded(&group, format);
            let integers = rounded.iter().inspect(|_| work(NUMBER)).map(|n| format.stored(n + zero));
            let integers: Vec<(i64, bool)> = integers.collect();
            if let (Overflow::Error, Some(ty)) = (format.overflow, ty)
                && integers.iter().any(|(_, beyond)| *beyond)
            {
                let far =
                    |n: &BigInt| n.to_i128().map_or(if n.is_negative() { -FAR } else { FAR }, |n| n.clamp(-FAR, FAR));
                let ends = (rounded.iter().min().map_or(0, far), rounded.iter().max().map_or(0, far));
                let need = Interval::new(ends.0, ends.1);
                return self.overflow_error(&curve.x, format, group.elements.start, need, span, ty);
            }
            let values = integers.iter().map(|(raw, _)| i128::from(*raw) - i128::from(zero)).collect();
            tables.push(Table { first: *group.range.start(), values, elements: group.elements });
        }
        let node = self.table(curve.x.node, &tables, span)?;
        let scale = scales(format, &curve.x.shape);
        let result = NetTensor { node, shape: curve.x.shape.clone(), scale, format: Some(format.clone()) };
        self.layer(format!("{} as {format}", curve.function.name()), &result, Parameters::default(), span);
        Ok(result)
    }
}

impl Curve {
    /// What a stored integer, relative to the zero point, stands for, and the entry of a list that is its own.
    fn argument(&self, n: i128, channel: usize) -> (Rational, usize) {
        let channel = if self.format.channels() == 1 { 0 } else { channel };
        let raw = n + i128::from(self.format.zero(channel));
        let entry = usize::try_from(raw - i128::from(self.format.min_raw())).unwrap_or(usize::MAX);
        (integer(n) * self.format.lsb(channel), entry)
    }

    /// The function's values over a format's resolution, rounded, for each stored integer of a group.
    fn rounded(&self, group: &Group, format: &Format) -> Vec<BigInt> {
        let resolution = format.lsb(if format.channels() == 1 { 0 } else { group.channel });
        let first = *group.range.start();
        let at = |index: usize| {
            let (value, entry) = self.argument(first + index as i128, group.channel);
            self.function.rounded(&value, entry, &resolution, format.rounding)
        };
        let len = (group.range.end() - first + 1).to_usize().unwrap_or(0);
        if !self.function.is_monotone() {
            return (0..len).map(at).collect();
        }
        // Between two arguments with equal values all have that value.
        let mut values = vec![BigInt::zero(); len];
        let mut open = vec![(0, len - 1)];
        (values[0], values[len - 1]) = (at(0), at(len - 1));
        while let Some((from, to)) = open.pop() {
            if values[from] == values[to] {
                let (value, inner) = (values[from].clone(), values.get_mut(from + 1..to));
                inner.into_iter().flatten().for_each(|v| *v = value.clone());
            } else if to - from > 1 {
                let middle = from.midpoint(to);
                values[middle] = at(middle);
                open.extend([(from, middle), (middle, to)]);
            }
        }
        values
    }
}
