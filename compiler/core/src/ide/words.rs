//! What the language's own words mean.

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
