//! Layers that are sums of products with known weights: where the factors of each sum are.
//!
//! In: shapes and attributes of a convolution or a matrix product. Out: for each element of the result (element of the input, weight) pairs.

use super::model::Node;
use super::shape::{Windows, broadcast, stretched, strides};
use crate::ImportError;
use qnn_ir::interrupt::work;

/// The factors of each sum.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) shape: Vec<usize>,
    /// For each element of the result, (element of the input, weight).
    pub(super) taps: Vec<Vec<(u32, u32)>>,
    /// For each element of the result, its channel: the output channel of a convolution, the column of a matrix product.
    pub(super) channels: Vec<u32>,
    /// The weights that are multiplied for one channel, in the orders in which kernels may take neighbouring pairs.
    pub(super) orders: Vec<Vec<u32>>,
}

/// The most products of a layer.
const MAX_PRODUCTS: usize = 1 << 26;

fn within(outputs: Option<usize>, each: Option<usize>) -> Result<usize, ImportError> {
    let products = outputs.zip(each).and_then(|(a, b)| a.checked_mul(b)).filter(|n| *n <= MAX_PRODUCTS);
    let outputs = products.and(outputs);
    outputs.ok_or_else(|| ImportError::new(format!("it is too large: more than {MAX_PRODUCTS} products")))
}

fn product(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
}

/// A convolution of `x` [N, C, …] with weights `w` [O, C / group, …].
pub(super) fn convolution(node: &Node, x: &[usize], w: &[usize]) -> Result<Linear, ImportError> {
    let fail = || ImportError::new(format!("its weights {w:?} don't fit its input {x:?}"));
    let ([batch, channels, space @ ..], [filters, depth, kernel @ ..]) = (x, w) else { return Err(fail()) };
    let group = usize::try_from(node.int("group").unwrap_or(1)).ok().filter(|g| *g > 0).ok_or_else(fail)?;
    if space.len() != kernel.len() || depth.checked_mul(group) != Some(*channels) || filters % group != 0 {
        return Err(fail());
    }
    let sizes = node.ints("kernel_shape").filter(|sizes| !sizes.is_empty());
    if sizes.is_some_and(|s| !s.iter().map(|n| usize::try_from(*n).ok()).eq(kernel.iter().map(|n| Some(*n)))) {
        return Err(fail());
    }
    let windows = Windows::of(node, space, kernel)?;
    let cells = product(kernel).ok_or_else(fail)?;
    let area = product(space).ok_or_else(fail)?;
    let outputs = product(&[*batch, *filters, windows.cells.len()]);
    let count = within(outputs, depth.checked_mul(cells))?;
    let (mut taps, mut owners) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for n in 0..*batch {
        for filter in 0..*filters {
            let first = n * channels + filter / (filters / group) * depth;
            for window in &windows.cells {
                work(8 + 2 * depth * window.len());
                let mut row = Vec::with_capacity(depth * window.len());
                for c in 0..*depth {
                    let (x, w) = ((first + c) * area, (filter * depth + c) * cells);
                    row.extend(window.iter().map(|(cell, k)| ((x + *cell as usize) as u32, (w + *k as usize) as u32)));
                }
                taps.push(row);
                owners.push(filter as u32);
            }
        }
    }
    let mut orders = Vec::with_capacity(2 * filters);
    for filter in 0..*filters {
        let first = filter * depth * cells;
        orders.push((first..first + depth * cells).map(|i| i as u32).collect());
        let by_cell = (0..cells).flat_map(|k| (0..*depth).map(move |c| (first + c * cells + k) as u32));
        orders.push(by_cell.collect());
    }
    Ok(Linear { shape: [&[*batch, *filters], windows.out.as_slice()].concat(), taps, channels: owners, orders })
}

/// A matrix product of `a` […, M, K] and `b` […, K, N], of which `b` holds the weights unless `swapped`.
pub(super) fn matrix_product(a: &[usize], b: &[usize], swapped: bool) -> Result<Linear, ImportError> {
    let fail = || ImportError::new(format!("the matrices {a:?} and {b:?} don't fit"));
    // Vectors are matrices of one row or column, whose axis the result lacks.
    let (left, right): (Vec<usize>, Vec<usize>) = match (a, b) {
        ([], _) | (_, []) => return Err(fail()),
        ([k], _) => (vec![1, *k], if b.len() == 1 { vec![b[0], 1] } else { b.to_vec() }),
        (_, [k]) => (a.to_vec(), vec![*k, 1]),
        _ => (a.to_vec(), b.to_vec()),
    };
    let (m, k, n) = (left[left.len() - 2], left[left.len() - 1], right[right.len() - 1]);
    if right[right.len() - 2] != k {
        return Err(fail());
    }
    let (left_batch, right_batch) = (&left[..left.len() - 2], &right[..right.len() - 2]);
    let batch = broadcast(left_batch, right_batch)?;
    let batches = product(&batch).ok_or_else(fail)?;
    let count = within(product(&[batches, m, n]), Some(k))?;
    let (lefts, rights) = (stretched(left_batch, &batch), stretched(right_batch, &batch));
    let (mut taps, mut channels) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (l, r) in lefts.iter().zip(&rights) {
        for row in 0..m {
            for column in 0..n {
                let pair = |i: usize| {
                    let (a, b) = (((l * m + row) * k + i) as u32, ((r * k + i) * n + column) as u32);
                    if swapped { (b, a) } else { (a, b) }
                };
                work(8 + 2 * k);
                taps.push((0..k).map(pair).collect());
                channels.push(column as u32);
            }
        }
    }
    let weights = if swapped { &left } else { &right };
    let blocks: usize = product(&weights[..weights.len() - 2]).ok_or_else(fail)?;
    let mut orders = Vec::new();
    for block in 0..blocks {
        match swapped {
            true => orders.extend((0..m).map(|row| (0..k).map(|i| ((block * m + row) * k + i) as u32).collect())),
            false => orders.extend((0..n).map(|c| (0..k).map(|i| ((block * k + i) * n + c) as u32).collect())),
        }
    }
    let mut shape = batch;
    if a.len() > 1 {
        shape.push(m);
    }
    if b.len() > 1 {
        shape.push(n);
    }
    Ok(Linear { shape, taps, channels, orders })
}

/// `Gemm`: `x` [M, K], or [K, M] where `transposed.0`, times weights `w` [K, N], or [N, K] where `transposed.1`.
pub(super) fn gemm(x: &[usize], w: &[usize], transposed: (bool, bool)) -> Result<Linear, ImportError> {
    let fail = || ImportError::new(format!("its matrices {x:?} and {w:?} don't fit"));
    let ([x0, x1], [w0, w1]) = (x, w) else { return Err(fail()) };
    let (m, k) = if transposed.0 { (*x1, *x0) } else { (*x0, *x1) };
    let (inner, n) = if transposed.1 { (*w1, *w0) } else { (*w0, *w1) };
    if inner != k {
        return Err(fail());
    }
    let count = within(product(&[m, n]), Some(k))?;
    let weight = |i: usize, column: usize| (if transposed.1 { column * k + i } else { i * n + column }) as u32;
    let (mut taps, mut channels) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for row in 0..m {
        for column in 0..n {
            let input = |i: usize| (if transposed.0 { i * m + row } else { row * k + i }) as u32;
            work(8 + 2 * k);
            taps.push((0..k).map(|i| (input(i), weight(i, column))).collect());
            channels.push(column as u32);
        }
    }
    let orders = (0..n).map(|column| (0..k).map(|i| weight(i, column)).collect()).collect();
    Ok(Linear { shape: vec![m, n], taps, channels, orders })
}

/// For each element of `shape`, its position along an axis.
pub(super) fn along(shape: &[usize], axis: usize) -> Vec<usize> {
    let step = strides(shape).get(axis).copied().unwrap_or(1);
    let size = shape.get(axis).copied().unwrap_or(1);
    (0..shape.iter().product::<usize>()).map(|i| i / step % size).collect()
}
