//! Sentences: what the language's own words mean, what a proof rests on, a counterexample in a line and in full.

use super::picture::panels;
use crate::engine::Trust;
use crate::report::picture::{Ink, image_size, side_by_side};
use crate::verify::verdict::{CallValue, Counterexample, Layout, Numbers, Output, VariableValue};
use std::fmt::Write;

/// The most numbers that are written out.
const MOST_NUMBERS: usize = 24;

/// The signature and the meaning of a function or type of the language, as Markdown.
pub fn builtin_docs(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "fixed" => (
            "fixed<W, F, round = half_up, overflow = saturate>",
            "Signed fixed point: W bits, two's complement, F of them after the point. Values −2^(W−1−F) to 2^(W−1−F) − 2^−F in steps of 2^−F.",
        ),
        "ufixed" => (
            "ufixed<W, F, round = half_up, overflow = saturate>",
            "Unsigned fixed point: W bits, F of them after the point. Values 0 to 2^(W−F) − 2^−F in steps of 2^−F.",
        ),
        "int" => ("int<W>", "Signed integers of W bits: `fixed<W, 0>`."),
        "uint" => ("uint<W>", "Unsigned integers of W bits: `ufixed<W, 0>`."),
        "affine" => (
            "affine<int<W> | uint<W>, scale, zero>",
            "What TFLite and ONNX store: value = (raw − zero) · scale. Scale and zero may be lists, one entry per channel of the first axis.",
        ),
        "class" => ("class<N>", "One of N classes, or of an enum's variants: a label, what `argmax` is compared with."),
        "bool" => ("bool", "A truth value."),
        "real" => (
            "real[…]",
            "Exact numbers: no rounding, no overflow. `f.real(x)` is the network `f` with its files' weights and without rounding or saturation.",
        ),
        "acc" => ("acc<W>", "An exact accumulator of at most W bits: the checker proves that no input needs more."),
        "dense" => (
            "dense(x, weight, bias) or dense(x, params.layer)",
            "A fully connected layer: weight · x + bias, exact. `weight` has an axis of outputs, then one of inputs.",
        ),
        "conv2d" => (
            "conv2d(x, weight, bias, stride = 1, padding = 0, groups = 1)",
            "A convolution of `[channels, height, width]`, exact. `weight` is `[out, in, height, width]`.",
        ),
        "relu" => ("relu(x)", "max(x, 0), element by element. Exact."),
        "clamp" => ("clamp(x, low, high)", "The nearest value in low..=high, element by element. Exact."),
        "max_pool2d" => (
            "max_pool2d(x, size, stride = size, padding = 0)",
            "The greatest value of each window of `[channels, height, width]`.",
        ),
        "avg_pool2d" => {
            ("avg_pool2d(x, size, stride = size, padding = 0)", "The mean of each window, exact until the next cast.")
        }
        "add" => ("add(a, b)", "The sum of two tensors of one shape, exact until the next cast."),
        "flatten" => ("flatten(x)", "All elements in one axis, row-major."),
        "reshape" => ("reshape(x, [sizes])", "The same elements with other axes."),
        "concat" => ("concat(a, b, …)", "One after the other along the first axis."),
        "ball" => (
            "ball(center, radius)",
            "All values of the centre's format that differ from it by at most `radius` in every element.",
        ),
        "abs" => ("abs(x)", "Without its sign; of a tensor, element by element."),
        "min" => ("min(a, b, …)", "The least of several numbers."),
        "max" => ("max(a, b, …)", "The greatest of several numbers."),
        "sum" => ("sum(x)", "The sum of a tensor's elements."),
        "maximum" => ("maximum(x)", "The greatest element of a tensor."),
        "minimum" => ("minimum(x)", "The least element of a tensor."),
        "argmax" => ("argmax(x)", "The index of the first greatest element of a vector."),
        "strict_argmax" => (
            "strict_argmax(x)",
            "The index of the greatest element; false in every comparison where two share the maximum.",
        ),
        "len" => ("len(dataset)", "The number of a dataset's samples; of a list, of its entries."),
        _ => return None,
    })
}

/// What a proof rests on.
pub fn trust_text(trust: &Trust) -> String {
    match trust {
        Trust::Interval => "exact integer intervals".to_owned(),
        Trust::Solver { name } => format!("the word of {name}"),
        Trust::Certificate { steps, .. } => {
            format!("a certificate of {steps} step{}, checked", if *steps == 1 { "" } else { "s" })
        }
    }
}

/// A counterexample in a line.
pub fn counterexample_line(counterexample: &Counterexample) -> String {
    let variables = counterexample.variables.iter().map(variable_line);
    let calls = counterexample.calls.iter().map(call_line);
    variables.chain(calls).collect::<Vec<_>>().join("; ")
}

/// A variable in a line: `x = [1, 2]`, `x differs from its centre in 3 of 64 numbers`.
pub fn variable_line(variable: &VariableValue) -> String {
    let count = variable.numbers.values.len();
    match &variable.center {
        Some(center) if count > 4 => {
            let changed = center.difference.iter().filter(|d| **d != 0).count();
            let most = center.difference.iter().map(|d| d.unsigned_abs()).max().unwrap_or(0);
            format!("{} differs from its centre in {changed} of {count} numbers, by at most {most} lsb", variable.name)
        }
        _ => format!("{} = {}", variable.name, numbers(&variable.numbers)),
    }
}

/// A call in a line: `digits<4>(x): 8 → 3`.
pub fn call_line(call: &CallValue) -> String {
    let before = call.center.as_ref();
    let show = |output: &Output| match output.argmax.filter(|_| call.asks_argmax) {
        Some(index) => format!("argmax {}", entry(&call.layout, index)),
        None => numbers(&output.numbers),
    };
    match before {
        Some(before) => format!("{}: {} → {}", call.text, show(before), show(&call.output)),
        None => format!("{}: {}", call.text, show(&call.output)),
    }
}

fn numbers(numbers: &Numbers) -> String {
    match numbers.values.as_slice() {
        [only] => only.clone(),
        values if values.len() <= MOST_NUMBERS => format!("[{}]", values.join(", ")),
        values => format!("[{}, … {} numbers]", values[..6].join(", "), values.len()),
    }
}

/// The name of an entry of a vector: an enum's variant, or its index.
fn entry(layout: &Layout, index: usize) -> String {
    let names = layout.labels.first().and_then(Option::as_ref);
    names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string())
}

/// A counterexample in full, as plain text: images as pictures of characters, raw integers beside values.
pub fn counterexample_text(counterexample: &Counterexample) -> String {
    let mut text = String::new();
    for variable in &counterexample.variables {
        let format = variable.layout.format.as_deref().unwrap_or("exact");
        let shape: Vec<String> = variable.layout.shape.iter().map(ToString::to_string).collect();
        let shape = if shape.is_empty() { String::new() } else { format!("[{}]", shape.join(", ")) };
        let _ = writeln!(text, "{}: {format}{shape}", variable.name);
        if image_size(&variable.layout.shape).is_some() {
            text.push_str(&side_by_side(&panels(variable), Ink::Plain));
        }
        table(&mut text, variable);
        text.push('\n');
    }
    for call in &counterexample.calls {
        let format = call.layout.format.as_deref().unwrap_or("exact");
        let _ = writeln!(text, "{}  ({} -> {format})", call_line(call), call.network);
        let count = call.output.numbers.values.len();
        for index in 0..count.min(64) {
            let now = pair(&call.output.numbers, index);
            let before = call.center.as_ref().map(|center| pair(&center.numbers, index));
            let star = if call.output.argmax == Some(index) { " *" } else { "" };
            let name = if count == 1 { String::new() } else { entry(&call.layout, index) };
            match before {
                Some(before) => _ = writeln!(text, "  {name:>12}  {before} → {now}{star}"),
                None => _ = writeln!(text, "  {name:>12}  {now}{star}"),
            }
        }
        text.push('\n');
    }
    text
}

/// `0.5 (raw 8)`.
fn pair(numbers: &Numbers, index: usize) -> String {
    let value = numbers.values.get(index).map_or("", String::as_str);
    match numbers.raw.get(index) {
        Some(raw) => format!("{value} (raw {raw})"),
        None => value.to_owned(),
    }
}

/// The elements of a variable that differ from the centre's, or the first of all.
fn table(text: &mut String, variable: &VariableValue) {
    let count = variable.numbers.values.len();
    let wanted: Vec<usize> = match &variable.center {
        Some(center) => (0..count).filter(|i| center.difference.get(*i).is_some_and(|d| *d != 0)).collect(),
        None => (0..count).collect(),
    };
    for index in wanted.iter().take(MOST_NUMBERS) {
        let place = place(&variable.layout, *index);
        let now = pair(&variable.numbers, *index);
        match &variable.center {
            Some(center) => _ = writeln!(text, "  {}{place}: {} → {now}", variable.name, pair(&center.numbers, *index)),
            None => _ = writeln!(text, "  {}{place}: {now}", variable.name),
        }
    }
    if wanted.len() > MOST_NUMBERS {
        let _ = writeln!(text, "  … and {} more", wanted.len() - MOST_NUMBERS);
    }
}

/// An element's indices: `[2, 3]`, `[gender]`, nothing for a number.
fn place(layout: &Layout, mut element: usize) -> String {
    let mut places: Vec<String> = Vec::new();
    for (axis, size) in layout.shape.iter().enumerate().rev() {
        let size = (*size).max(1);
        let index = element % size;
        element /= size;
        let names = layout.labels.get(axis).and_then(Option::as_ref);
        places.push(names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string()));
    }
    places.reverse();
    if places.is_empty() { String::new() } else { format!("[{}]", places.join(", ")) }
}
