//! Images and signals, and the windows of convolutions and pools on their planes.
//!
//! In: a tensor `[channels, height, width]`, or `[channels, length]`, and a call's options. Out: the windows along each axis. A signal is an image of height 1.

use super::super::super::Checked;
use super::super::super::types::{Axis, MAX_ELEMENTS, shape_text};
use super::super::{Builder, NetTensor};
use super::options::{Arguments, path_text};
use super::window::{Misfit, Sliding, Windows};
use crate::diagnostic::Diagnostic;
use qnn_syntax::Span;
use qnn_syntax::ast::Expr;

/// The most weights of one layer, after a convolution is written out.
const MAX_WEIGHTS: usize = 1 << 26;

/// The axes that windows slide along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Along the length of a signal.
    Line,
    /// Over the height and the width of an image.
    Plane,
}

impl Space {
    /// The axes by name, as messages have them.
    pub(super) fn axes(self) -> &'static [&'static str] {
        match self {
            Space::Line => &["length"],
            Space::Plane => &["height", "width"],
        }
    }

    /// What is convolved and pooled, with its article.
    fn tensor(self) -> &'static str {
        match self {
            Space::Line => "a signal",
            Space::Plane => "an image",
        }
    }
}

/// The sizes of an image or signal, row-major: channels, rows, columns.
#[derive(Clone, Copy)]
pub(super) struct Image {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Image {
    /// The index of an element.
    pub(super) fn index(&self, channel: usize, y: usize, x: usize) -> usize {
        (channel * self.height + y) * self.width + x
    }
}

/// The windows over a plane, row by row.
#[derive(Clone, Copy)]
pub(super) struct Plane {
    pub rows: Windows,
    pub columns: Windows,
    space: Space,
}

impl Plane {
    /// All windows, by their place along both axes.
    pub(super) fn windows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.columns.count;
        (0..self.rows.count).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// The number of windows.
    pub(super) fn count(&self) -> usize {
        self.rows.count * self.columns.count
    }

    /// The axes of a result with so many channels.
    pub(super) fn shape(&self, channels: usize) -> Vec<Axis> {
        let axes = [channels, self.rows.count, self.columns.count];
        let drop = |at: &usize| self.space == Space::Plane || *at != 1;
        (0..3).filter(drop).map(|at| Axis::of(axes[at])).collect()
    }
}

/// `3×3`, or `3`.
pub(super) fn size_text(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

impl Builder<'_> {
    /// A tensor as an image or a signal.
    pub(super) fn image(&self, x: &NetTensor, space: Space, expr: &Expr) -> Checked<Image> {
        let sizes: Vec<usize> = x.shape.iter().map(|axis| axis.size).collect();
        match (space, sizes.as_slice()) {
            (Space::Line, &[channels, width]) => return Ok(Image { channels, height: 1, width }),
            (Space::Plane, &[channels, height, width]) => return Ok(Image { channels, height, width }),
            _ => {}
        }
        let axes = space.axes();
        let mut diagnostic = Diagnostic::error(
            "E0301",
            format!(
                "{} has the axes [channels, {}], not {}",
                space.tensor(),
                axes.join(", "),
                shape_text(self.db(), &x.shape)
            ),
            self.place(expr.span),
            if sizes.len() == axes.len() { "one axis is missing" } else { "other axes" },
        );
        let name = path_text(expr).unwrap_or_else(|| "…".to_owned());
        if sizes.len() == axes.len() {
            let list: Vec<String> = sizes.iter().map(usize::to_string).collect();
            diagnostic = diagnostic.help(format!("add the channel: `reshape({name}, [1, {}])`", list.join(", ")));
        } else if sizes.len() == axes.len() + 2 && sizes[0] == 1 {
            diagnostic =
                diagnostic.help(format!("a network has one input at a time: `{name}[0]` drops the axis of batches"));
        }
        self.report(diagnostic)
    }

    /// The windows of a call on an image; `taps` is their size along each axis of the space.
    pub(super) fn plane(
        &self,
        image: Image,
        taps: &[usize],
        space: Space,
        arguments: &Arguments<'_>,
        default_stride: &[usize],
    ) -> Checked<Result<Plane, Misfit>> {
        let axes = space.axes();
        let stride = self.sizes_option(arguments, "stride", axes, default_stride.to_vec())?;
        let dilation = self.sizes_option(arguments, "dilation", axes, vec![1; axes.len()])?;
        let padding = self.padding_option(arguments, axes)?;
        let ceil = self.flag_option(arguments, "ceil_mode")?.unwrap_or(false);
        let along = |axis: usize, size: usize| {
            let (taps, stride, dilation) = (taps[axis], stride[axis], dilation[axis]);
            Windows::new(size, Sliding { taps, stride, dilation, padding: padding[axis], ceil })
        };
        Ok(match space {
            Space::Line => along(0, image.width).map(|columns| Plane { rows: Windows::ONE, columns, space }),
            Space::Plane => along(0, image.height)
                .and_then(|rows| along(1, image.width).map(|columns| Plane { rows, columns, space })),
        })
    }

    /// Why windows don't slide.
    pub(super) fn misfit(&self, misfit: Misfit, span: Span) -> Diagnostic {
        let place = self.place(span);
        match misfit {
            Misfit::Zero(name) => {
                Diagnostic::error("E0301", format!("a {name} is at least 1"), place, format!("a {name} of 0"))
            }
            Misfit::TooLarge { window, padded } => Diagnostic::error(
                "E0301",
                format!("a window over {window} elements does not fit into {padded}, padding included"),
                place,
                "larger than what it slides along",
            ),
            Misfit::Overflow => Diagnostic::error("E0313", "these windows are beyond 64 bits", place, "too large")
                .help("sizes, strides, dilations and padding are numbers of elements"),
        }
    }

    /// Refuses layers with too many outputs or weights.
    pub(super) fn limit(&self, outputs: &[usize], each: &[usize], span: Span) -> Checked<()> {
        let outputs = outputs.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).filter(|n| *n <= MAX_ELEMENTS);
        let total = outputs.and_then(|n| each.iter().try_fold(n, |n, s| n.checked_mul(*s)));
        match total {
            Some(total) if total <= MAX_WEIGHTS => Ok(()),
            _ => self.error("E0313", span, format!("this layer has more than {MAX_WEIGHTS} products"), "too large"),
        }
    }
}
