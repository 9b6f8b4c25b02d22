//! Axes and windows: broadcasting, and the cells that convolutions and pools look at.
//!
//! In: shapes and attributes. Out: indices into flat row-major tensors. Sizes are checked before anything is allocated.

use super::model::Node;
use super::tensor::count;
use crate::ImportError;
use qnn_ir::interrupt::work;

/// The most elements of a tensor.
const MAX_ELEMENTS: usize = 1 << 24;

/// The most indices that a list of windows holds.
const MAX_INDICES: usize = 1 << 26;

/// The steps of a flat index along each axis.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// An axis that may count from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, ImportError> {
    let positive = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    positive
        .and_then(|a| usize::try_from(a).ok())
        .filter(|a| *a < rank)
        .ok_or_else(|| ImportError::new(format!("it has no axis {axis}: its tensor has {rank} axes")))
}

/// The shape that two shapes are stretched to.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, ImportError> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], i: usize| if i + shape.len() < rank { 1 } else { shape[i + shape.len() - rank] };
    let both = |i: usize| match (size(a, i), size(b, i)) {
        (x, y) if x == y || y == 1 => Ok(x),
        (1, y) => Ok(y),
        _ => Err(ImportError::new(format!("the shapes {a:?} and {b:?} don't fit"))),
    };
    let shape: Vec<usize> = (0..rank).map(both).collect::<Result<_, _>>()?;
    let fits = count(&shape).is_some_and(|count| count <= MAX_ELEMENTS);
    fits.then_some(shape)
        .ok_or_else(|| ImportError::new(format!("the shapes {a:?} and {b:?} stretch to too many elements")))
}

/// For each element of `to`, the element of a tensor of shape `from` that is stretched there.
pub(super) fn stretched(from: &[usize], to: &[usize]) -> Vec<usize> {
    let len = to.iter().product();
    work(len);
    if from == to {
        return (0..len).collect();
    }
    work(16 * len);
    let offset = to.len() - from.len().min(to.len());
    let steps: Vec<usize> = strides(from).into_iter().zip(from).map(|(s, n)| if *n == 1 { 0 } else { s }).collect();
    indices(to).map(|at| at.iter().skip(offset).zip(&steps).map(|(i, s)| i * s).sum()).collect()
}

/// All positions of a shape in row-major order.
pub(super) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    let count: usize = shape.iter().product();
    let strides = strides(&shape);
    (0..count).map(move |flat| strides.iter().zip(&shape).map(|(stride, size)| flat / stride % size).collect())
}

/// The number of elements of a result, unless they are too many.
pub(super) fn elements(shape: &[usize]) -> Result<usize, ImportError> {
    count(shape)
        .filter(|n| *n <= MAX_ELEMENTS)
        .ok_or_else(|| ImportError::new(format!("its result {shape:?} is too large")))
}

/// Windows that slide over the spatial axes of a tensor.
#[derive(Debug)]
pub(super) struct Windows {
    /// The sizes of the result's spatial axes.
    pub(super) out: Vec<usize>,
    /// For each position of the result, the cells inside the tensor: (cell of the tensor, cell of the window).
    pub(super) cells: Vec<Vec<(u32, u32)>>,
    /// Whether some window reaches beyond the tensor.
    pub(super) padded: bool,
}

impl Windows {
    /// The windows of `kernel` cells over `input`, both sizes of spatial axes, by an operator's attributes.
    pub(super) fn of(node: &Node, input: &[usize], kernel: &[usize]) -> Result<Windows, ImportError> {
        let rank = input.len();
        let fail = |what: &str| ImportError::new(format!("its attribute `{what}` does not suit {rank} spatial axes"));
        let list = |name: &str, default: usize, len: usize, least: i64| match node.ints(name) {
            None | Some([]) => Ok(vec![default; len]),
            Some(ints) if ints.len() == len && ints.iter().all(|v| (least..=1 << 20).contains(v)) => {
                Ok(ints.iter().map(|v| *v as usize).collect::<Vec<usize>>())
            }
            Some(_) => Err(fail(name)),
        };
        let (stride, dilation) = (list("strides", 1, rank, 1)?, list("dilations", 1, rank, 1)?);
        if kernel.len() != rank || kernel.contains(&0) || input.contains(&0) || kernel.iter().any(|k| *k > 1 << 20) {
            return Err(fail("kernel_shape"));
        }
        let reach: Vec<usize> = kernel.iter().zip(&dilation).map(|(k, d)| (k - 1) * d + 1).collect();
        let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
        match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "" => {
                let pads = list("pads", 0, 2 * rank, 0)?;
                before.copy_from_slice(&pads[..rank]);
                after.copy_from_slice(&pads[rank..]);
            }
            "VALID" => {}
            mode @ ("SAME_UPPER" | "SAME_LOWER") => {
                for a in 0..rank {
                    let needed = (input[a].div_ceil(stride[a]) - 1) * stride[a] + reach[a];
                    let total = needed.saturating_sub(input[a]);
                    (before[a], after[a]) = (total / 2, total - total / 2);
                    if mode == "SAME_LOWER" {
                        (before[a], after[a]) = (after[a], before[a]);
                    }
                }
            }
            _ => return Err(fail("auto_pad")),
        }
        let mut out = Vec::with_capacity(rank);
        for a in 0..rank {
            let room = (input[a] + before[a] + after[a])
                .checked_sub(reach[a])
                .ok_or_else(|| ImportError::new("its window is larger than its padded tensor"))?;
            if node.int("ceil_mode").unwrap_or(0) != 0 && room % stride[a] != 0 {
                return Err(ImportError::new(
                    "`ceil_mode` with windows that reach beyond the padding is not supported",
                ));
            }
            out.push(room / stride[a] + 1);
        }
        let cells: Option<usize> = out.iter().chain(kernel).try_fold(1usize, |n, d| n.checked_mul(*d));
        if cells.is_none_or(|n| n > MAX_INDICES) {
            return Err(ImportError::new("its windows are too large"));
        }
        work(4 * cells.unwrap_or(0));
        let steps = strides(input);
        let window: Vec<Vec<usize>> = indices(kernel).collect();
        let mut padded = false;
        let cells = indices(&out)
            .map(|at| {
                let cell = |k: &Vec<usize>| {
                    (0..rank).try_fold(0, |sum, a| {
                        let position = (at[a] * stride[a] + k[a] * dilation[a]).checked_sub(before[a])?;
                        (position < input[a]).then_some(sum + position * steps[a])
                    })
                };
                let inside = window.iter().enumerate().filter_map(|(w, k)| Some((cell(k)? as u32, w as u32)));
                let inside: Vec<(u32, u32)> = inside.collect();
                padded |= inside.len() < window.len();
                inside
            })
            .collect();
        Ok(Windows { out, cells, padded })
    }
}
