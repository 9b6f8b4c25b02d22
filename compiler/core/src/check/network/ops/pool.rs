//! `max_pool2d`, `avg_pool2d`, and the same along one axis.

use super::super::super::Checked;
use super::super::super::data::{ConstantTensor, PerElement};
use super::super::super::types::{Shape, count};
use super::super::{Builder, NetTensor, Parameters};
use super::affine::Rows;
use super::options::Arguments;
use super::plane::{Image, Plane, Space, size_text};
use crate::diagnostic::Diagnostic;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{common_denominator, common_step, integer};
use qnn_ir::real::{NUMBER, RealOp, Row};
use qnn_ir::{Matrix, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;
use std::sync::Arc;

/// The most by which the divisors of one average's windows multiply its integers, so that all have one scale. Beyond it, each has a scale of its own.
const COMMON_DIVISOR: u64 = 1 << 12;

impl Builder<'_> {
    pub(super) fn max_pool2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.max_pool(call, Space::Plane, span)
    }

    pub(super) fn max_pool1d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.max_pool(call, Space::Line, span)
    }

    pub(super) fn avg_pool2d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.avg_pool(call, Space::Plane, span)
    }

    pub(super) fn avg_pool1d(&mut self, call: &Call, span: Span) -> Checked<NetTensor> {
        self.avg_pool(call, Space::Line, span)
    }

    fn max_pool(&mut self, call: &Call, space: Space, span: Span) -> Checked<NetTensor> {
        let arguments = self.arguments(call)?;
        let Pool { x, image, size, plane } = self.pool(call, &arguments, space, span)?;
        let windows = each_window(image, plane).map(Vec::into_boxed_slice).collect();
        let result = self.greatest(&x, windows, plane.shape(image.channels), span)?;
        self.layer(format!("{} {}", call.callee.text, size_text(&size)), &result, Parameters::default(), span);
        Ok(result)
    }

    fn avg_pool(&mut self, call: &Call, space: Space, span: Span) -> Checked<NetTensor> {
        let arguments = self.arguments(call)?;
        let Pool { x, image, size, plane } = self.pool(call, &arguments, space, span)?;
        let count_padding = match (self.flag_option(&arguments, "count_padding")?, arguments.named("padding")) {
            (Some(counts), _) => counts,
            (None, Some(padding)) if padding.word().is_some_and(|word| &*word.text == "same") => {
                return self.report(
                    Diagnostic::error(
                        "E0303",
                        "an average with `padding = same` says whether padding counts",
                        self.place(span),
                        "`count_padding` is missing",
                    )
                    .note("TensorFlow and TFLite, whose word `same` is, divide by the elements of the input alone; `avg_pool2d` counts padding as zeros where nothing is said.")
                    .fix(
                        "write `padding = same, count_padding = false`",
                        self.place(padding.value.span),
                        "same, count_padding = false",
                    ),
                );
            }
            (None, _) => true,
        };
        let divisor = |(y, x): (usize, usize)| match count_padding {
            true => plane.rows.within_padding(y) * plane.columns.within_padding(x),
            false => plane.rows.inside(y).count() * plane.columns.inside(x).count(),
        };
        let mut divisors: Vec<usize> = Vec::new();
        let of_window: Vec<u32> = plane
            .windows()
            .map(|window| {
                work(8 + divisors.len());
                let divisor = divisor(window);
                // The windows along an edge have the same one: the last is the likeliest.
                let known = divisors.iter().rposition(|known| *known == divisor);
                known.unwrap_or_else(|| {
                    divisors.push(divisor);
                    divisors.len() - 1
                }) as u32
            })
            .collect();
        let rows: Vec<Row> = each_window(image, plane)
            .zip((0..image.channels).flat_map(|_| of_window.iter()))
            .map(|(window, divisor)| window.into_iter().map(|i| (i, *divisor)).collect())
            .collect();
        let rows = Rows { rows, bias_of: &|row| row, shape: plane.shape(image.channels) };
        let result = self.affine(&x, rows, &reciprocals(&divisors), None, span)?;
        self.layer(format!("{} {}", call.callee.text, size_text(&size)), &result, Parameters::default(), span);
        Ok(result)
    }

    /// A pool's tensor and windows, each of which covers an element.
    fn pool(&mut self, call: &Call, arguments: &Arguments<'_>, space: Space, span: Span) -> Checked<Pool> {
        let [input, size] = arguments.positional.as_slice() else {
            return self.wrong_arguments(call, span);
        };
        let x = self.tensor(input)?;
        let size = self.sizes(size, "size", space.axes())?;
        let image = self.image(&x, space, input)?;
        let plane = match self.plane(image, &size, space, arguments, &size)? {
            Ok(plane) => plane,
            Err(misfit) => return self.report(self.misfit(misfit, span)),
        };
        self.limit(&[image.channels, plane.rows.count, plane.columns.count], &size, span)?;
        if !plane.rows.none_is_empty() || !plane.columns.none_is_empty() {
            return self.error(
                "E0301",
                span,
                "a window covers no element of the input",
                "a window of padding alone: less padding, or a larger window",
            );
        }
        Ok(Pool { x, image, size, plane })
    }

    /// The greatest element of each window; no window is empty.
    pub(in crate::check::network) fn greatest(
        &mut self,
        x: &NetTensor,
        windows: Arc<[Box<[u32]>]>,
        shape: Shape,
        span: Span,
    ) -> Checked<NetTensor> {
        let uneven = windows
            .iter()
            .inspect(|w| work(w.len()))
            .any(|w| w.iter().any(|i| x.scale.get(*i as usize) != x.scale.get(w[0] as usize)));
        let aligned = if uneven { Some(self.aligned(x, span)?) } else { None };
        let x = aligned.as_ref().unwrap_or(x);
        let scale = x.scale.pick(windows.iter().map(|w| w[0] as usize));
        let node = match self.real {
            Some(_) => self.push_real(RealOp::Max { source: x.node.index(), windows }, span)?,
            None => self.push(Op::Max { source: x.node, windows }, span)?,
        };
        Ok(NetTensor { node, shape, scale, format: x.format.clone() })
    }

    /// The same values with one scale for all elements.
    fn aligned(&mut self, x: &NetTensor, span: Span) -> Checked<NetTensor> {
        let elements = || (0..count(&x.shape)).map(|i| x.scale.get(i));
        let step = elements().inspect(|_| work(NUMBER)).fold(Rational::zero(), |step, scale| common_step(&step, scale));
        let factor = |scale: &Rational| (scale / &step).to_integer().to_i64();
        let Some(factors) = elements().inspect(|_| work(NUMBER)).map(factor).collect::<Option<Vec<i64>>>() else {
            return self.error(
                "E0404",
                span,
                "these scales have no common step within 64 bits",
                "cast to one format first",
            );
        };
        let terms = vec![(x.node, Matrix::diagonal(&factors))];
        let node = self.push(Op::Affine { terms, bias: vec![0; factors.len()].into() }, span)?;
        Ok(NetTensor { node, shape: x.shape.clone(), scale: PerElement::All(step), format: None })
    }
}

/// What is pooled, and by which windows.
struct Pool {
    x: NetTensor,
    image: Image,
    /// Of a window, along each axis of the space.
    size: Vec<usize>,
    plane: Plane,
}

/// The elements under each window, channel by channel.
fn each_window(image: Image, plane: Plane) -> impl Iterator<Item = Vec<u32>> {
    (0..image.channels).flat_map(move |channel| {
        plane.windows().map(move |(y, x)| {
            let across = plane.columns.inside(x);
            let elements = plane.rows.inside(y).flat_map(move |(_, iy)| {
                let row = image.index(channel, iy, 0);
                across.clone().map(move |(_, ix)| (row + ix) as u32)
            });
            let window: Vec<u32> = elements.collect();
            work(4 * (1 + window.len()));
            window
        })
    })
}

/// The reciprocals of some numbers: with one scale, where that makes no integer much larger.
pub(in crate::check::network) fn reciprocals(divisors: &[usize]) -> ConstantTensor {
    let shares: Vec<Rational> = divisors.iter().map(|n| Rational::one() / integer(*n as i128)).collect();
    let common = common_denominator(shares.iter());
    let (numbers, scale) = match common.to_u64().filter(|common| divisors.len() == 1 || *common <= COMMON_DIVISOR) {
        Some(common) if common <= i64::MAX as u64 => {
            let numbers = divisors.iter().map(|n| (common / *n as u64) as i64).collect();
            (numbers, PerElement::All(Rational::one() / integer(i128::from(common))))
        }
        _ => (vec![1; divisors.len()], PerElement::from_each(shares)),
    };
    ConstantTensor { shape: Vec::new(), numbers: numbers.into(), scale, format: None, saturated: 0, exact: None }
}
