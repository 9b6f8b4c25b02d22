//! `pad`: a tensor with a constant around it.

use super::super::super::Checked;
use super::super::super::data::PerElement;
use super::super::super::types::{Axis, MAX_ELEMENTS, Shape, count, shape_text};
use super::super::{Builder, NetTensor, Parameters};
use super::layout::uniform_format;
use crate::diagnostic::Diagnostic;
use crate::number_format::Format;
use num_traits::{Signed, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::exact;
use qnn_ir::real::NUMBER;
use qnn_ir::{Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;

impl Builder<'_> {
    pub(super) fn pad(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        let arguments = self.arguments(call)?;
        let [input, ends] = arguments.positional.as_slice() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let names: Vec<String> = (0..x.shape.len()).map(|axis| format!("axis {axis}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let ends = self.pairs(ends, "pad", &names)?;
        let value = self.number_option(&arguments, "value")?;
        let format = uniform_format(&x.format).filter(|_| self.real.is_none());
        if let Some(format) = &format {
            let place = arguments.named("value").map_or(span, |argument| argument.value.span);
            self.holds(format, &value, place)?;
        }
        let Some((places, shape)) = padded(&x.shape, &ends) else {
            return self.error(
                "E0313",
                span,
                format!("{} with this padding has more than {MAX_ELEMENTS} elements", shape_text(self.db(), &x.shape)),
                "too large",
            );
        };
        let result = if self.real.is_some() {
            let row = |place: &Place| if place.inside { vec![(place.element, 0)] } else { Vec::new() };
            let rows = places.iter().inspect(|_| work(NUMBER)).map(row).collect();
            let bias = |row: usize| if places[row].inside { Rational::zero() } else { value.clone() };
            self.real_affine(&x, rows, &super::pool::reciprocals(&[1]), &bias, shape, span)?
        } else {
            self.padded_integers(&x, &places, &value, shape, format, span)?
        };
        self.layer(format!("pad with {}", exact(&value)), &result, Parameters::default(), span);
        Ok(result)
    }

    /// A format's value; anything else would have to be rounded.
    fn holds(&self, format: &Format, value: &Rational, span: Span) -> Checked<()> {
        let stored = format.quantize(value, 0);
        if !stored.overflowed && format.value(stored.raw, 0) == *value {
            return Ok(());
        }
        self.report(
            Diagnostic::error(
                "E0408",
                format!("{} is not a value of `{format}`", exact(value)),
                self.place(span),
                "would have to be rounded",
            )
            .note("What stands around a stored tensor is stored like it. The number is a value, not a raw integer.")
            .help(format!("the nearest value is {}", exact(&format.value(stored.raw, 0)))),
        )
    }

    /// The padded tensor in integers. An element of padding has its nearest neighbour's scale, where the value is a multiple of that.
    fn padded_integers(
        &mut self,
        x: &NetTensor,
        places: &[Place],
        value: &Rational,
        shape: Shape,
        format: Option<Format>,
        span: Span,
    ) -> Checked<NetTensor> {
        let multiple = |scale: &Rational| (value / scale).is_integer().then(|| (value / scale).to_integer().to_i128());
        let own = || (if value.is_negative() { -1 } else { 1 }, value.abs());
        let of = |place: &Place| -> Option<(i128, Option<Rational>)> {
            match multiple(x.scale.get(place.element as usize)) {
                Some(number) => Some((number?, None)),
                None => Some(own()).map(|(number, scale)| (number, Some(scale))),
            }
        };
        // All elements have one scale, unless x has several or the value needs its own.
        let uniform = match &x.scale {
            PerElement::All(scale) => multiple(scale).is_some(),
            PerElement::Each(_) => false,
        };
        let (mut numbers, mut scales) = (Vec::<i128>::new(), Vec::new());
        let mut known: Option<(i128, Option<Rational>)> = None;
        let mut picks = Vec::with_capacity(places.len());
        for place in places {
            work(if uniform { 1 } else { NUMBER });
            let mut scale = None;
            let pick = if place.inside {
                (false, place.element)
            } else {
                let found = match &known {
                    Some(known) if uniform => Some(known.clone()),
                    _ => of(place),
                };
                let Some((number, own)) = found else { return self.too_precise_padding(span) };
                known = Some((number, own.clone()));
                scale = own;
                let at = numbers.iter().rposition(|other| *other == number);
                let at = at.unwrap_or_else(|| {
                    numbers.push(number);
                    numbers.len() - 1
                });
                (true, at as u32)
            };
            if !uniform {
                scales.push(scale.unwrap_or_else(|| x.scale.get(place.element as usize).clone()));
            }
            picks.push(pick);
        }
        if numbers.is_empty() {
            return Ok(x.clone());
        }
        let constant = self.push(Op::Constant(numbers.into()), span)?;
        let picks = picks.into_iter().map(|(padding, at)| (if padding { constant } else { x.node }, at)).collect();
        let node = self.gather(picks, span)?;
        let scale = if uniform { x.scale.clone() } else { PerElement::from_each(scales) };
        Ok(NetTensor { node, shape, scale, format })
    }

    fn too_precise_padding<T>(&self, span: Span) -> Checked<T> {
        self.error("E0404", span, "this value has too many digits to be exact", "too precise")
    }
}

/// Where an element of the padded tensor comes from.
#[derive(Clone, Copy)]
struct Place {
    /// The element of the tensor that it is, or that is nearest to it.
    element: u32,
    /// Whether it is that one.
    inside: bool,
}

/// The elements of a padded tensor, row by row, and its axes; `None` if there are more than a tensor may have.
fn padded(shape: &Shape, ends: &[(usize, usize)]) -> Option<(Vec<Place>, Shape)> {
    let mut sizes = Vec::with_capacity(shape.len());
    for (axis, (before, after)) in shape.iter().zip(ends) {
        sizes.push(before.checked_add(axis.size)?.checked_add(*after)?);
    }
    sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).filter(|n| *n <= MAX_ELEMENTS)?;
    let mut places = vec![Place { element: 0, inside: true }];
    let mut axes = Vec::with_capacity(shape.len());
    for (at, (axis, (before, _))) in shape.iter().zip(ends).enumerate() {
        let (stride, size) = (count(&shape[at + 1..]), sizes[at]);
        let along = |place: &Place| {
            work(size);
            let place = *place;
            (0..size).map(move |i| {
                let inside = (*before..before + axis.size).contains(&i);
                let nearest = i.saturating_sub(*before).min(axis.size - 1);
                Place { element: place.element + (nearest * stride) as u32, inside: place.inside && inside }
            })
        };
        places = places.iter().flat_map(along).collect();
        axes.push(if size == axis.size { axis.clone() } else { Axis::of(size) });
    }
    Some((places, axes))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::types::axes;
    use super::*;

    #[test]
    fn padding_knows_its_nearest_neighbour() {
        let (places, shape) = padded(&axes(&[2, 2]), &[(1, 0), (0, 1)]).expect("small");
        assert_eq!(shape.iter().map(|axis| axis.size).collect::<Vec<_>>(), [3, 3]);
        let found: Vec<(u32, bool)> = places.iter().map(|place| (place.element, place.inside)).collect();
        let wanted = [
            [(0, false), (1, false), (1, false)],
            [(0, true), (1, true), (1, false)],
            [(2, true), (3, true), (3, false)],
        ];
        assert_eq!(found, wanted.concat());
        assert!(padded(&axes(&[2]), &[(usize::MAX, 0)]).is_none());
        assert!(padded(&axes(&[2, 2]), &[(MAX_ELEMENTS, 0), (0, 0)]).is_none());
    }
}
