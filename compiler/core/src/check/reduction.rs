//! Reductions over axes, `sum(x, axes = [1, 2])`: which elements of a tensor come together.

use super::constant::{Constant, integer_of};
use super::types::{Shape, axes_text, count};
use super::{Checked, Context};
use crate::diagnostic::Place;
use qnn_ir::interrupt::work;

/// The elements of a tensor in groups of equally many, one for each element of the result.
pub struct Grouped {
    /// The axes of the result: those that are left.
    pub shape: Shape,
    /// The elements of each group: 1 or more.
    pub terms: usize,
    /// The first element of each group, row by row.
    first: Vec<usize>,
    /// How far each element of a group is from its first, in order.
    offsets: Vec<usize>,
}

impl Grouped {
    /// Those that differ along the given axes alone; each axis is one of the shape's.
    pub fn new(shape: &Shape, axes: &[usize]) -> Grouped {
        let (mut first, mut offsets, mut left) = (vec![0], vec![0], Vec::new());
        for (at, axis) in shape.iter().enumerate() {
            let stride = count(&shape[at + 1..]);
            let along = if axes.contains(&at) { &mut offsets } else { &mut first };
            *along = along
                .iter()
                .inspect(|_| work(axis.size))
                .flat_map(|element| (0..axis.size).map(move |i| element + i * stride))
                .collect();
            if !axes.contains(&at) {
                left.push(axis.clone());
            }
        }
        Grouped { shape: left, terms: offsets.len(), first, offsets }
    }

    /// The groups, as row-major indices of the tensor, in order.
    pub fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = usize> + '_> + '_ {
        self.first.iter().map(|first| self.offsets.iter().map(move |offset| first + offset))
    }
}

/// The axes that a constant names: a number, or a list of different ones, of a tensor with so many axes.
///
/// # Errors
/// Reported: E0302 for what is no integer, E0303 for what names no axis, or one twice.
pub fn axes_of(context: &Context<'_>, place: Place, value: &Constant, rank: usize) -> Checked<Vec<usize>> {
    let axis_of = |value: &Constant| {
        let axis = integer_of(context, place, value)?;
        usize::try_from(axis).or_else(|_| {
            let message = format!("there is no axis {axis}: axes are counted from 0, and this has {}", axes_text(rank));
            context.error(
                "E0303",
                place,
                message,
                rank.checked_sub(1).map_or_else(String::new, |last| format!("the last is {last}")),
            )
        })
    };
    let axes: Vec<usize> = match value {
        Constant::List(list) => list.iter().map(axis_of).collect::<Checked<_>>()?,
        number => vec![axis_of(number)?],
    };
    let wrong = axes.iter().enumerate().find(|(at, axis)| **axis >= rank || axes[..*at].contains(axis));
    match wrong {
        None => Ok(axes),
        Some((_, axis)) if *axis < rank => {
            context.error("E0303", place, format!("axis {axis} is given twice"), "each axis once")
        }
        Some((_, axis)) => context.error(
            "E0303",
            place,
            format!("there is no axis {axis}: this has {}", axes_text(rank)),
            "axes are counted from 0",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::types::axes;

    #[test]
    fn groups_differ_along_their_axes() {
        let of = |sizes: &[usize], along: &[usize]| {
            let grouped = Grouped::new(&axes(sizes), along);
            let groups: Vec<Vec<usize>> = grouped.groups().map(Iterator::collect).collect();
            assert!(groups.iter().all(|group| group.len() == grouped.terms));
            assert_eq!(groups.len(), count(&grouped.shape));
            groups
        };
        assert_eq!(of(&[2, 3], &[1]), [[0, 1, 2], [3, 4, 5]]);
        assert_eq!(of(&[2, 3], &[0]), [[0, 3], [1, 4], [2, 5]]);
        assert_eq!(of(&[2, 3], &[1, 0]), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(of(&[2, 2, 2], &[0, 2]), [[0, 1, 4, 5], [2, 3, 6, 7]]);
        assert_eq!(of(&[2], &[]), [[0], [1]]);
    }
}
