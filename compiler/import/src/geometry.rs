//! Where elements stand: windows of convolutions and pools, broadcasting, axes.
//!
//! Everything is in row-major order. Functions return positions, never values; whatever could be large is bounded by the caller's element counts.

/// How a window moves along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// The input's size.
    pub(crate) input: usize,
    /// The window's size.
    pub(crate) window: usize,
    /// At least 1.
    pub(crate) stride: usize,
    /// The distance of two cells of a window; at least 1.
    pub(crate) dilation: usize,
    /// Cells before the first element.
    pub(crate) before: usize,
    /// The number of windows.
    pub(crate) output: usize,
}

impl Axis {
    /// An axis without padding; `None` where no window fits.
    pub(crate) fn valid(input: usize, window: usize, stride: usize, dilation: usize) -> Option<Axis> {
        let reach = window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let output = input.checked_sub(reach)?.checked_div(stride)?.checked_add(1)?;
        Some(Axis { input, window, stride, dilation, before: 0, output })
    }

    /// An axis with as many windows as strides, padded on both sides, one more behind: TensorFlow's `SAME`.
    pub(crate) fn same(input: usize, window: usize, stride: usize, dilation: usize) -> Option<Axis> {
        let reach = window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let output = input.checked_add(stride.checked_sub(1)?)?.checked_div(stride)?;
        let total = output.checked_sub(1)?.checked_mul(stride)?.checked_add(reach)?.saturating_sub(input);
        Some(Axis { input, window, stride, dilation, before: total / 2, output })
    }

    /// The cells of a window that lie inside: (cell, position in the input).
    pub(crate) fn cells(self, window: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        (0..self.window).filter_map(move |cell| {
            let at = (window * self.stride + cell * self.dilation).checked_sub(self.before)?;
            (at < self.input).then_some((cell, at))
        })
    }

    /// The windows that have a position of the input among their cells: (cell, window). Without dilation.
    pub(crate) fn windows_at(self, at: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        (0..self.window).filter_map(move |cell| {
            let begin = (at + self.before).checked_sub(cell)?;
            (begin % self.stride == 0 && begin / self.stride < self.output).then_some((cell, begin / self.stride))
        })
    }
}

/// The distance in memory of two neighbours along each axis.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// For each element of a box the position that a start and a step along each axis lead to.
/// The caller sees to it that all of them exist.
pub(crate) fn walk(shape: &[usize], start: isize, steps: &[isize]) -> Vec<u32> {
    let mut positions = vec![start];
    for (size, step) in shape.iter().zip(steps) {
        let inner = |at: &isize| (0..*size as isize).map(|i| at + i * step).collect::<Vec<_>>();
        positions = positions.iter().flat_map(inner).collect();
    }
    positions.into_iter().map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect()
}

/// The shape that two shapes are broadcast to.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// For each element of `to` the position in a tensor of shape `from` that is broadcast to it. The caller has the shape of [`broadcast_shape`].
pub(crate) fn broadcast(from: &[usize], to: &[usize]) -> Vec<u32> {
    let missing = to.len() - from.len();
    let own = strides(from);
    let steps: Vec<isize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if from[axis] > 1 => own[axis] as isize,
            _ => 0,
        })
        .collect();
    walk(to, 0, &steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_of_tensorflow() {
        let same = Axis::same(5, 3, 2, 1).unwrap();
        assert_eq!((same.output, same.before), (3, 1));
        assert_eq!(same.cells(0).collect::<Vec<_>>(), [(1, 0), (2, 1)]);
        assert_eq!(same.cells(2).collect::<Vec<_>>(), [(0, 3), (1, 4)]);
        // The odd cell of padding stands behind.
        assert_eq!(Axis::same(4, 2, 1, 1).unwrap().before, 0);
        assert_eq!(Axis::valid(7, 3, 2, 2).unwrap().output, 2);
        assert_eq!(Axis::valid(2, 3, 1, 1), None);
        assert_eq!(Axis::valid(2, 1, 0, 1), None);
    }

    #[test]
    fn broadcasting_repeats_axes_of_one() {
        assert_eq!(broadcast_shape(&[2, 1], &[3]), Some(vec![2, 3]));
        assert_eq!(broadcast_shape(&[2], &[3]), None);
        assert_eq!(broadcast(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(walk(&[2, 2], 5, &[-2, 1]), [5, 6, 3, 4]);
    }
}
