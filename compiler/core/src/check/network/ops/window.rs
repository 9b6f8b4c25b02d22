//! Windows that slide along an axis, of convolutions and pools: how many there are, and which elements each covers.
//!
//! In: an axis's size, and a window's size, stride, dilation and padding. Out: the number of windows, and for each its taps with the elements under them. It
//! knows neither tensors nor channels; an image has one window for each of its axes.

use qnn_ir::interrupt::work;

/// What stands before and after an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// So many elements before, and so many after.
    Each(usize, usize),
    /// As many as make ⌈size / stride⌉ windows, the odd one after: TensorFlow's `SAME`, and, where the stride is 1, PyTorch's `same`.
    Same,
}

/// How a window slides; all sizes in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sliding {
    /// The window's taps.
    pub taps: usize,
    /// From one window to the next.
    pub stride: usize,
    /// From one tap to the next.
    pub dilation: usize,
    /// Around the axis.
    pub padding: Padding,
    /// Whether a last window may reach beyond the end.
    pub ceil: bool,
}

/// The windows along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// The axis's elements.
    size: usize,
    taps: usize,
    stride: usize,
    dilation: usize,
    /// The elements of padding before and after the axis.
    before: usize,
    after: usize,
    /// How many windows there are: 1 or more.
    pub count: usize,
}

/// Why no window slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// A size, stride or dilation of 0.
    Zero(&'static str),
    /// The window, from its first tap to its last, and what it would have to fit into.
    TooLarge { window: usize, padded: usize },
    /// Sizes beyond 64 bits.
    Overflow,
}

impl Windows {
    /// An axis of one element, with one window of one tap.
    pub(super) const ONE: Windows = Windows { size: 1, taps: 1, stride: 1, dilation: 1, before: 0, after: 0, count: 1 };

    /// The windows along an axis of 1 or more elements: (padded − window) / stride + 1, rounded down, or up with `ceil`, but then without those that would begin in
    /// the padding after the end (PyTorch's rule).
    pub(super) fn new(size: usize, sliding: Sliding) -> Result<Windows, Misfit> {
        let Sliding { taps, stride, dilation, padding, ceil } = sliding;
        for (name, number) in [("size", taps), ("stride", stride), ("dilation", dilation)] {
            if number == 0 {
                return Err(Misfit::Zero(name));
            }
        }
        let window = (taps - 1).checked_mul(dilation).and_then(|n| n.checked_add(1)).ok_or(Misfit::Overflow)?;
        let (before, after) = match padding {
            Padding::Each(before, after) => (before, after),
            Padding::Same => {
                // The last window begins within the axis, so that only the window's own length can be too large.
                let end = ((size - 1) / stride * stride).checked_add(window).ok_or(Misfit::Overflow)?;
                let total = end.saturating_sub(size);
                (total / 2, total - total / 2)
            }
        };
        let padded = before.checked_add(size).and_then(|n| n.checked_add(after)).ok_or(Misfit::Overflow)?;
        let fitting = match padded.checked_sub(window) {
            Some(room) if ceil => room.div_ceil(stride) + 1,
            Some(room) => room / stride + 1,
            // Rounded up, a negative quotient above -1 is 0.
            None if ceil && window - padded < stride => 1,
            None => return Err(Misfit::TooLarge { window, padded }),
        };
        let count = if ceil { fitting.min((before + size).div_ceil(stride)) } else { fitting };
        Ok(Windows { size, taps, stride, dilation, before, after, count })
    }

    /// The taps of a window that lie on elements of the axis, in order: (tap, element).
    pub(super) fn inside(&self, window: usize) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
        let Windows { before, dilation, .. } = *self;
        let start = window * self.stride;
        // The first tap at or after the axis's first element, and the first one after its last.
        let first = before.saturating_sub(start).div_ceil(dilation).min(self.taps);
        let end = (before + self.size).saturating_sub(start).div_ceil(dilation).min(self.taps);
        (first..end).map(move |tap| (tap, start + tap * dilation - before))
    }

    /// Whether each window has a tap on an element.
    pub(super) fn none_is_empty(&self) -> bool {
        (0..self.count).inspect(|_| work(1)).all(|window| self.inside(window).next().is_some())
    }

    /// How many taps of a window without dilation lie on elements or on padding, and not beyond.
    pub(super) fn within_padding(&self, window: usize) -> usize {
        let start = window * self.stride;
        start.saturating_add(self.taps).min(self.before + self.size + self.after).saturating_sub(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation of PyTorch and TensorFlow says, position by position, on signed integers.
    fn by_definition(
        size: i64,
        taps: i64,
        stride: i64,
        dilation: i64,
        (before, after): (i64, i64),
        ceil: bool,
    ) -> Vec<Vec<(usize, usize)>> {
        let reach = (taps - 1) * dilation + 1;
        let begins = |start: &i64| if ceil { *start < size } else { start + reach <= size + after };
        let starts = (0..).map(|window| window * stride - before).take_while(begins);
        // With `ceil`, the one after the last that fits is there if it begins in time.
        let fitting = |start: &i64| start + reach <= size + after;
        let mut found = Vec::new();
        for start in starts {
            let last = start - stride;
            if !fitting(&start) && last + reach >= size + after {
                break;
            }
            let taps = (0..taps).map(|tap| (tap, start + tap * dilation)).filter(|(_, at)| (0..size).contains(at));
            found.push(taps.map(|(tap, at)| (tap as usize, at as usize)).collect());
        }
        found
    }

    fn all(windows: &Windows) -> Vec<Vec<(usize, usize)>> {
        (0..windows.count).map(|window| windows.inside(window).collect()).collect()
    }

    #[test]
    fn every_small_window_slides_as_defined() {
        let mut tried = 0;
        for (size, taps, stride, dilation) in (1..7usize)
            .flat_map(|size| (1..5usize).flat_map(move |taps| (1..4usize).map(move |stride| (size, taps, stride))))
            .flat_map(|(size, taps, stride)| (1..4usize).map(move |dilation| (size, taps, stride, dilation)))
        {
            for (before, after, ceil) in
                (0..4usize).flat_map(|b| (0..4usize).flat_map(move |a| [false, true].map(|ceil| (b, a, ceil))))
            {
                let sliding = Sliding { taps, stride, dilation, padding: Padding::Each(before, after), ceil };
                let [s, t, st, d, b, a] = [size, taps, stride, dilation, before, after].map(|n| n as i64);
                let wanted = by_definition(s, t, st, d, (b, a), ceil);
                let shown = format!("{size} {sliding:?}");
                match Windows::new(size, sliding) {
                    Ok(windows) => assert_eq!(all(&windows), wanted, "{shown}"),
                    Err(misfit) => {
                        let window = (taps - 1) * dilation + 1;
                        assert_eq!(misfit, Misfit::TooLarge { window, padded: size + before + after }, "{shown}");
                        assert!(wanted.is_empty(), "{shown}");
                    }
                }
                tried += 1;
            }
        }
        assert_eq!(tried, 6 * 4 * 3 * 3 * 16 * 2);
    }

    #[test]
    fn same_padding_is_tensorflows() {
        for (size, taps, stride, dilation) in (1..9usize)
            .flat_map(|size| (1..6usize).flat_map(move |taps| (1..5usize).map(move |stride| (size, taps, stride))))
            .flat_map(|(size, taps, stride)| (1..3usize).map(move |dilation| (size, taps, stride, dilation)))
        {
            for ceil in [false, true] {
                let sliding = Sliding { taps, stride, dilation, padding: Padding::Same, ceil };
                let windows = Windows::new(size, sliding).expect("there is as much padding as is needed");
                // The formulas of `tf.nn.convolution`'s documentation.
                let reach = (taps - 1) * dilation + 1;
                let total = match size % stride {
                    0 => reach.saturating_sub(stride),
                    rest => reach.saturating_sub(rest),
                };
                assert_eq!(windows.count, size.div_ceil(stride), "{size} {sliding:?}");
                assert_eq!((windows.before, windows.after), (total / 2, total - total / 2), "{size} {sliding:?}");
            }
        }
    }

    #[test]
    fn counted_taps_end_with_the_padding() {
        // PyTorch: 5 elements, 2 of padding at each end, windows of 3, every 3rd: the last begins at the second element of padding after the end.
        let sliding = Sliding { taps: 3, stride: 3, dilation: 1, padding: Padding::Each(1, 1), ceil: true };
        let windows = Windows::new(6, sliding).expect("they fit");
        assert_eq!((0..windows.count).map(|w| windows.within_padding(w)).collect::<Vec<_>>(), [3, 3, 2]);
        assert_eq!((0..windows.count).map(|w| windows.inside(w).count()).collect::<Vec<_>>(), [2, 3, 1]);
    }

    #[test]
    fn huge_sizes_are_refused() {
        let sliding = |taps, stride, dilation, padding| Sliding { taps, stride, dilation, padding, ceil: true };
        let (most, none) = (usize::MAX, Padding::Each(0, 0));
        assert_eq!(Windows::new(5, sliding(3, 1, most, none)), Err(Misfit::Overflow));
        assert_eq!(Windows::new(5, sliding(3, 1, 1, Padding::Each(most, 1))), Err(Misfit::Overflow));
        assert_eq!(Windows::new(5, sliding(2, 1, most - 1, Padding::Same)), Err(Misfit::Overflow));
        assert_eq!(Windows::new(5, sliding(most, 1, 1, none)), Err(Misfit::TooLarge { window: most, padded: 5 }));
        assert_eq!(Windows::new(5, sliding(2, most, 1, none)).map(|w| w.count), Ok(1));
        for (numbers, name) in [((0, 1, 1), "size"), ((1, 0, 1), "stride"), ((1, 1, 0), "dilation")] {
            let (taps, stride, dilation) = numbers;
            assert_eq!(Windows::new(5, sliding(taps, stride, dilation, none)), Err(Misfit::Zero(name)));
        }
    }
}
