//! Names that other languages and frameworks have, and what to write instead.

use qnn_syntax::walk::Role;

/// What to write for a name that other languages and frameworks have.
pub(super) struct ForeignName {
    pub(super) help: String,
    /// What can simply take its place.
    pub(super) instead: Option<String>,
}

pub(super) fn foreign_name(name: &str, role: Role) -> Option<ForeignName> {
    let simple =
        |instead: &str| Some(ForeignName { help: format!("write `{instead}`"), instead: Some(instead.to_owned()) });
    let help = |help: &str| Some(ForeignName { help: help.to_owned(), instead: None });
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let width: Option<u32> = digits.parse().ok().filter(|w| (1..=63).contains(w));
    let lower = name.to_ascii_lowercase();
    let stem = &lower[..lower.len() - digits.len()];
    match (role, stem, width) {
        (Role::Type, "int" | "i" | "sint" | "qint", Some(width)) => return simple(&format!("int<{width}>")),
        (Role::Type, "uint" | "u" | "quint", Some(width)) => return simple(&format!("uint<{width}>")),
        (Role::Type, "float" | "f" | "fp" | "bfloat", _) if !digits.is_empty() || stem == "float" => {
            return help(
                "there are no floats: a format such as `fixed<8, 4>` says which numbers are stored, and `real` is any exact number",
            );
        }
        _ => {}
    }
    match (role, lower.as_str()) {
        (Role::Type, "double" | "half" | "number" | "decimal") => help(
            "there are no floats: a format such as `fixed<8, 4>` says which numbers are stored, and `real` is any exact number",
        ),
        (Role::Type, "boolean" | "prop") => simple("bool"),
        (Role::Type, "integer" | "unsigned" | "signed" | "byte" | "long" | "short" | "char" | "nat" | "usize") => {
            help("integers have a width: `int<8>` is signed, `uint<8>` is not")
        }
        (Role::Type, "tensor" | "array" | "vector" | "matrix" | "list") => {
            help("a tensor is a format with its shape: `fixed<8, 4>[28, 28]`")
        }
        (Role::Type, "string" | "str" | "text") => {
            help("there are no texts as values; an `enum` names classes and axes")
        }
        (Role::Function, "log_softmax") => {
            help("it keeps the order of the scores: leave it out, and compare the scores or their `argmax`")
        }
        (
            Role::Function,
            "gelu" | "silu" | "swish" | "elu" | "selu" | "mish" | "softplus" | "exp" | "log" | "sqrt" | "pow" | "sin"
            | "cos",
        ) => help(
            "a function of stored values is a table: `lookup(x, [values])`, with an entry for each raw integer of x's format",
        ),
        (Role::Function, "sgn" | "ste_sign" | "binarize") => simple("sign"),
        (Role::Function, "step" | "heaviside") => help("`sign(x)` is 1 or -1, so that `(sign(x) + 1) / 2` is 1 or 0"),
        (Role::Function, "linear" | "fc" | "fully_connected" | "matmul" | "gemm" | "dot") => simple("dense"),
        (Role::Function, "conv" | "convolution" | "conv2") => simple("conv2d"),
        (Role::Function, "depthwise_conv2d" | "depthwiseconv2d" | "depthwise_conv" | "depthwise") => help(
            "a depthwise convolution has as many groups as channels: `conv2d(x, w, groups = c)`, with weights [out, 1, height, width]",
        ),
        (Role::Function, "conv3d" | "max_pool3d" | "avg_pool3d") => {
            help("windows slide over one or two axes: `conv1d`, `conv2d`")
        }
        (Role::Function, "maxpool" | "maxpool2d" | "max_pool" | "maxpooling2d" | "max_pooling2d") => {
            simple("max_pool2d")
        }
        (Role::Function, "maxpool1d" | "maxpooling1d" | "max_pooling1d") => simple("max_pool1d"),
        (
            Role::Function,
            "avgpool" | "avgpool2d" | "avg_pool" | "mean_pool" | "averagepooling2d" | "average_pooling2d"
            | "average_pool2d" | "averagepool",
        ) => simple("avg_pool2d"),
        (Role::Function, "avgpool1d" | "averagepooling1d" | "average_pooling1d") => simple("avg_pool1d"),
        (
            Role::Function,
            "global_avg_pool"
            | "global_avg_pool2d"
            | "globalaveragepooling2d"
            | "global_average_pooling2d"
            | "globalaveragepool"
            | "global_average_pool"
            | "adaptive_avg_pool2d"
            | "adaptiveavgpool2d",
        ) => help("the mean over height and width is `mean(x, axes = [1, 2])`"),
        (
            Role::Function,
            "global_max_pool"
            | "global_max_pool2d"
            | "globalmaxpooling2d"
            | "global_max_pooling2d"
            | "globalmaxpool"
            | "adaptive_max_pool2d"
            | "adaptivemaxpool2d",
        ) => help("the greatest over height and width is `maximum(x, axes = [1, 2])`"),
        (Role::Function, "reduce_mean" | "reducemean" | "average" | "avg") => simple("mean"),
        (Role::Function, "reduce_sum" | "reducesum") => simple("sum"),
        (Role::Function, "reduce_max" | "reducemax" | "amax") => simple("maximum"),
        (Role::Function, "reduce_min" | "reducemin" | "amin") => simple("minimum"),
        (
            Role::Function,
            "zeropadding2d" | "zero_padding2d" | "zero_pad2d" | "zeropad2d" | "constantpad2d" | "constant_pad2d"
            | "padv2" | "padding",
        ) => help("write `pad(x, [[before, after], …], value = 0)`, with an entry for each axis"),
        (Role::Function, "hardtanh" | "clip") => help("write `clamp(x, lo, hi)`, as in `clamp(x, -1, 1)`"),
        (Role::Type, "ap_fixed" | "ap_ufixed" | "ac_fixed") => help(
            "`ap_fixed<W, I>` counts the bits before the point: it is `fixed<W, W - I, round = floor, overflow = wrap>`, and `ap_ufixed` is `ufixed`",
        ),
        (Role::Type, "quantized_bits" | "quantized_relu" | "quantize") => help(
            "QKeras's `quantized_bits(b, i)` is `fixed<b, b - 1 - i, round = half_even, overflow = symmetric>`, and `quantized_relu(b, i)` is `ufixed<b, b - i, round = half_even>`",
        ),
        (
            Role::Function,
            "upsample" | "upsampling2d" | "interpolate" | "resize" | "conv2d_transpose" | "conv_transpose2d"
            | "convtranspose2d" | "conv2dtranspose" | "deconv",
        ) => help(
            "there is no operation for it: `dense` with its matrix, or `concat` of repeated rows and columns; models with it can be imported",
        ),
        (Role::Function, "leakyrelu" | "prelu") => help("write `leaky_relu(x, slope)`, as in `leaky_relu(x, 0.01)`"),
        (Role::Function, "hardsigmoid") => simple("hard_sigmoid"),
        (Role::Function, "hardswish") => simple("hard_swish"),
        (Role::Function, "logistic" | "expit") => simple("sigmoid"),
        (Role::Function, "lut" | "table" | "gather") => simple("lookup"),
        (Role::Function, "norm" | "dist" | "distance" | "linf") => {
            help("write `maximum(abs(x - y))` for the greatest difference, `sum(abs(x - y))` for their sum")
        }
        (Role::Function, "argmin") => help("write `argmax(-x)`"),
        (Role::Function, "round" | "floor" | "ceil" | "quantize" | "cast") => {
            help("a cast rounds: `x as fixed<8, 4, round = floor>`")
        }
        (Role::Function, "size" | "length" | "shape" | "count") => simple("len"),
        (Role::Function, "permute" | "swapaxes" | "moveaxis") => {
            help("write `transpose(x, [axes])`, with the old place of each new axis")
        }
        (Role::Function, "view" | "squeeze" | "unsqueeze" | "expand_dims") => help("write `reshape(x, [sizes])`"),
        (Role::Function, "cat" | "stack" | "concatenate") => simple("concat"),
        (Role::Function, "range") => help("write `0..n`"),
        (Role::Function, "all") => help("write `forall i in 0..n: …`"),
        (Role::Function, "any" | "some") => help("write `exists i in 0..n: …`"),
        (Role::Value, "true" | "false") => simple(&lower),
        (Role::Value, "same" | "valid") => {
            help("the word stands alone, in lower case, as `padding` of a convolution or a pool: `padding = same`")
        }
        (Role::Value, "none" | "null" | "nil" | "inf" | "infinity" | "nan") => {
            help("every value is an exact number: there is nothing that is no number")
        }
        _ => None,
    }
}
