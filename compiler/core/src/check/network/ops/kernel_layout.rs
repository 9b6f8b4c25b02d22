//! In which order a convolution's weights and image seem to be stored, where their sizes don't fit: what the message suggests.
//!
//! It guesses, and nothing is computed by it.

/// An order of the axes of weights, as a framework stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KernelLayout {
    /// The axes by name.
    pub axes: &'static str,
    /// Who stores them so.
    pub used_by: &'static str,
    /// The axes' order for `transpose`.
    pub order: &'static [usize],
    /// Whether it is one of depthwise convolutions alone: the first axis after the order is channels · multiplier.
    depthwise: Depthwise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depthwise {
    No,
    /// `[1, height, width, channels · multiplier]`.
    Joined,
    /// `[height, width, channels, multiplier]`: two axes that are to be joined.
    Apart,
}

const fn layout(axes: &'static str, used_by: &'static str, order: &'static [usize]) -> KernelLayout {
    KernelLayout { axes, used_by, order, depthwise: Depthwise::No }
}

const PLANES: &[KernelLayout] = &[
    layout("[out, in, height, width]", "PyTorch", &[0, 1, 2, 3]),
    layout("[out, height, width, in]", "TFLite", &[0, 3, 1, 2]),
    layout("[height, width, in, out]", "Keras and TensorFlow", &[3, 2, 0, 1]),
    KernelLayout {
        axes: "[1, height, width, out]",
        used_by: "TFLite's depthwise convolutions",
        order: &[3, 0, 1, 2],
        depthwise: Depthwise::Joined,
    },
    KernelLayout {
        axes: "[height, width, in, multiplier]",
        used_by: "Keras's depthwise convolutions",
        order: &[2, 3, 0, 1],
        depthwise: Depthwise::Apart,
    },
];

const LINES: &[KernelLayout] = &[
    layout("[out, in, length]", "PyTorch", &[0, 1, 2]),
    layout("[out, length, in]", "TFLite", &[0, 2, 1]),
    layout("[length, in, out]", "Keras and TensorFlow", &[2, 1, 0]),
];

/// What sizes suggest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    /// Whether the image has its channels last.
    pub channels_last: bool,
    /// How the weights seem to be stored.
    pub kernel: KernelLayout,
    /// The groups that the weights ask for, where the call says others.
    pub groups: Option<usize>,
}

impl KernelLayout {
    /// Whether the axes have the order that is wanted.
    pub(super) fn is_wanted(&self) -> bool {
        self.order.is_sorted()
    }

    /// The weights in the order that is wanted, as text.
    pub(super) fn text(&self, name: &str, sizes: &[usize]) -> String {
        let order: Vec<String> = self.order.iter().map(usize::to_string).collect();
        let turned = format!("transpose({name}, [{}])", order.join(", "));
        match (self.depthwise, sizes) {
            (Depthwise::Apart, [height, width, channels, multiplier]) => {
                format!("reshape({turned}, [{}, 1, {height}, {width}])", channels.saturating_mul(*multiplier))
            }
            _ => turned,
        }
    }

    /// Output channels, input channels of a group and taps, if the weights of an image with so many channels are stored so.
    fn read(&self, sizes: &[usize], channels: usize) -> Option<(usize, usize, usize)> {
        let turned: Vec<usize> = self.order.iter().map(|axis| sizes.get(*axis).copied()).collect::<Option<_>>()?;
        let (out, rest) = turned.split_first()?;
        let (inner, taps) = rest.split_first()?;
        let taps = taps.iter().fold(1usize, |n, size| n.saturating_mul(*size));
        match self.depthwise {
            Depthwise::No => Some((*out, *inner, taps)),
            Depthwise::Joined => (*inner == 1).then_some((*out, 1, taps)),
            Depthwise::Apart => (*out == channels).then(|| (out.saturating_mul(*inner), 1, taps)),
        }
    }
}

/// How an image and weights of these sizes may be stored, so that they go together: with as few changes as possible, and then with the fewest taps.
pub(super) fn guess(image: &[usize], weights: &[usize], groups: usize) -> Option<Guess> {
    let layouts = if weights.len() == 3 { LINES } else { PLANES };
    let candidates = [false, true].into_iter().flat_map(|channels_last| {
        let channels = if channels_last { image.last() } else { image.first() }.copied().unwrap_or(0);
        layouts.iter().filter_map(move |kernel| {
            let (out, inner, taps) = kernel.read(weights, channels)?;
            let asked = if kernel.depthwise == Depthwise::No { groups } else { channels };
            let fits = inner.checked_mul(asked) == Some(channels) && out % asked.max(1) == 0;
            let groups = (asked != groups).then_some(asked);
            // What is stored as it should be is not what went wrong.
            let changes = channels_last || !kernel.is_wanted();
            let rank = match (channels_last, kernel.is_wanted(), groups.is_some()) {
                (false, _, false) => 0,
                (true, true, _) => 1,
                (true, false, false) => 2,
                (true, false, true) => 3,
                (false, _, true) => 4,
            };
            (fits && changes).then_some(((rank, taps), Guess { channels_last, kernel: *kernel, groups }))
        })
    });
    candidates.min_by_key(|(rank, _)| *rank).map(|(_, guess)| guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(image: &[usize], weights: &[usize], groups: usize) -> Option<(bool, String, Option<usize>)> {
        guess(image, weights, groups).map(|g| (g.channels_last, g.kernel.text("w", weights), g.groups))
    }

    #[test]
    fn layouts_are_told_by_the_channels() {
        let kernel = |text: &str| Some((false, text.to_owned(), None));
        assert_eq!(said(&[3, 8, 8], &[16, 5, 5, 3], 1), kernel("transpose(w, [0, 3, 1, 2])"));
        assert_eq!(said(&[3, 8, 8], &[5, 5, 3, 16], 1), kernel("transpose(w, [3, 2, 0, 1])"));
        // Both would do: the smaller kernel is likelier.
        assert_eq!(said(&[16, 8, 8], &[3, 3, 16, 16], 1), kernel("transpose(w, [3, 2, 0, 1])"));
        assert_eq!(said(&[4, 8, 8], &[1, 3, 3, 8], 4), kernel("transpose(w, [3, 0, 1, 2])"));
        assert_eq!(said(&[4, 8, 8], &[3, 3, 4, 2], 4), kernel("reshape(transpose(w, [2, 3, 0, 1]), [8, 1, 3, 3])"));
        assert_eq!(said(&[2, 9], &[3, 2, 6], 1), kernel("transpose(w, [2, 1, 0])"));
        assert_eq!(said(&[2, 9], &[6, 3, 2], 1), kernel("transpose(w, [0, 2, 1])"));
    }

    #[test]
    fn images_with_channels_last_are_told() {
        let last = |text: &str| Some((true, text.to_owned(), None));
        assert_eq!(said(&[8, 8, 3], &[16, 3, 5, 5], 1), last("transpose(w, [0, 1, 2, 3])"));
        assert_eq!(said(&[28, 28, 1], &[3, 3, 1, 8], 1), last("transpose(w, [3, 2, 0, 1])"));
        assert_eq!(said(&[28, 28, 4], &[8, 3, 3, 4], 1), last("transpose(w, [0, 3, 1, 2])"));
    }

    #[test]
    fn groups_that_are_left_out_are_told() {
        let joined = "transpose(w, [3, 0, 1, 2])".to_owned();
        assert_eq!(said(&[4, 8, 8], &[1, 3, 3, 12], 1), Some((false, joined, Some(4))));
        assert_eq!(said(&[5, 8, 6], &[7, 3, 3, 8], 1), None);
        assert_eq!(said(&[5, 8, 8], &[7, 3], 1), None);
    }
}
