//! The registry of what the language defines itself: functions, types, attributes.
//!
//! The checker, its messages, completion, hovers, signature help, the tables of the manual and the word lists of the editors' grammars go by it. What a
//! function computes is the checker's to know, in a table of its own by the same names; tests compare all of them with this one.

pub use crate::import_options::{IMPORT_OPTIONS, ImportOptionKind, ImportSetting, import_option};
pub use crate::options::{FunctionOption, OPTIONS, option};

/// A function of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The ways to call it, with the defaults of named options: `concat(x, y, …, axis = 0)`. The first has all options.
    pub usage: &'static [&'static str],
    /// Where it may stand.
    pub stands: Stands,
    /// What it takes, as shapes where these matter; for the manual.
    pub takes: &'static str,
    /// What it computes: sentences.
    pub docs: &'static str,
}

/// Where a function may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// In networks, as an operation.
    Networks,
    /// In statements and definitions.
    Properties,
    /// In both.
    Both,
}

impl Function {
    /// Whether it is an operation of networks.
    pub fn in_networks(&self) -> bool {
        self.stands != Stands::Properties
    }

    /// Whether it may stand in statements and definitions.
    pub fn in_properties(&self) -> bool {
        self.stands != Stands::Networks
    }

    /// The ways to call it, in one line.
    pub fn signature(&self) -> String {
        self.usage.join(" or ")
    }

    /// The names of its options: `stride` of `stride = 1`.
    pub fn options(&self) -> impl Iterator<Item = &'static str> {
        let words = self.usage.first().copied().unwrap_or_default().split(['(', ',', ')']);
        words.filter_map(|argument| argument.split_once('=')).map(|(name, _)| name.trim())
    }
}

/// A type of the language, or the head of a family of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// How it is written: `int<W>`.
    pub usage: &'static str,
    /// The same with places to fill in, as editors' snippets have them.
    pub snippet: &'static str,
    /// What it is: sentences.
    pub docs: &'static str,
}

/// An attribute of properties and measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// An example: `timeout(10s)`.
    pub usage: &'static str,
    /// The same with a place to fill in, as editors' snippets have it.
    pub snippet: &'static str,
    /// What it says: a sentence without a capital and a final stop.
    pub docs: &'static str,
}

/// The functions, in the manual's order.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "dense",
        usage: &["dense(x, layer)", "dense(x, w)", "dense(x, w, b)"],
        stands: Stands::Networks,
        takes: "x `[in]`, w `[out, in]`, b `[out]` → `[out]`",
        docs: "A fully connected layer: b + w · x, exactly.",
    },
    Function {
        name: "conv2d",
        usage: &[
            "conv2d(x, layer, stride = 1, padding = 0, dilation = 1, groups = 1)",
            "conv2d(x, w, …)",
            "conv2d(x, w, b, …)",
        ],
        stands: Stands::Networks,
        takes: "x `[c, h, w]`, w `[out, c / groups, kh, kw]`, b `[out]` → `[out, h′, w′]`",
        docs: "Cross-correlation, as PyTorch's `Conv2d`, exactly. Padding holds the value 0.",
    },
    Function {
        name: "conv1d",
        usage: &[
            "conv1d(x, layer, stride = 1, padding = 0, dilation = 1, groups = 1)",
            "conv1d(x, w, …)",
            "conv1d(x, w, b, …)",
        ],
        stands: Stands::Networks,
        takes: "x `[c, n]`, w `[out, c / groups, k]`, b `[out]` → `[out, n′]`",
        docs: "`conv2d` along one axis, as PyTorch's `Conv1d`.",
    },
    Function {
        name: "max_pool2d",
        usage: &["max_pool2d(x, size, stride = size, padding = 0, dilation = 1, ceil_mode = false)"],
        stands: Stands::Networks,
        takes: "`[c, h, w]` → `[c, h′, w′]`",
        docs: "The greatest of each window. Padding never counts.",
    },
    Function {
        name: "max_pool1d",
        usage: &["max_pool1d(x, size, stride = size, padding = 0, dilation = 1, ceil_mode = false)"],
        stands: Stands::Networks,
        takes: "`[c, n]` → `[c, n′]`",
        docs: "`max_pool2d` along one axis.",
    },
    Function {
        name: "avg_pool2d",
        usage: &["avg_pool2d(x, size, stride = size, padding = 0, ceil_mode = false, count_padding = true)"],
        stands: Stands::Networks,
        takes: "`[c, h, w]` → `[c, h′, w′]`",
        docs: "The mean of each window, exactly. Padding counts as the value 0, or, with `count_padding = false`, not at all.",
    },
    Function {
        name: "avg_pool1d",
        usage: &["avg_pool1d(x, size, stride = size, padding = 0, ceil_mode = false, count_padding = true)"],
        stands: Stands::Networks,
        takes: "`[c, n]` → `[c, n′]`",
        docs: "`avg_pool2d` along one axis.",
    },
    Function {
        name: "pad",
        usage: &["pad(x, [[before, after], …], value = 0)"],
        stands: Stands::Networks,
        takes: "any shape, an entry for each axis",
        docs: "The tensor with so many elements of the value before and after it along each axis. A number for an entry stands for both ends.",
    },
    Function {
        name: "relu",
        usage: &["relu(x)"],
        stands: Stands::Networks,
        takes: "any shape",
        docs: "max(x, 0), element by element, exactly.",
    },
    Function {
        name: "clamp",
        usage: &["clamp(x, lo, hi)"],
        stands: Stands::Networks,
        takes: "any shape",
        docs: "x, or the end that it is beyond, as values, element by element.",
    },
    Function {
        name: "leaky_relu",
        usage: &["leaky_relu(x, slope)"],
        stands: Stands::Networks,
        takes: "any shape, a number",
        docs: "x where it is not negative, slope · x where it is, element by element, exactly.",
    },
    Function {
        name: "relu6",
        usage: &["relu6(x)"],
        stands: Stands::Networks,
        takes: "any shape",
        docs: "min(max(x, 0), 6), element by element, exactly.",
    },
    Function {
        name: "hard_sigmoid",
        usage: &["hard_sigmoid(x)"],
        stands: Stands::Networks,
        takes: "any shape",
        docs: "(x + 3) / 6, or the end of 0 … 1 that this is beyond, element by element, exactly.",
    },
    Function {
        name: "sign",
        usage: &["sign(x)"],
        stands: Stands::Networks,
        takes: "any shape",
        docs: "1 where x is not negative, −1 where it is, element by element.",
    },
    Function {
        name: "hard_swish",
        usage: &["hard_swish(x)"],
        stands: Stands::Networks,
        takes: "stored values, any shape",
        docs: "x · relu6(x + 3) / 6, element by element: exactly, or rounded once by the cast around it.",
    },
    Function {
        name: "sigmoid",
        usage: &["sigmoid(x)"],
        stands: Stands::Networks,
        takes: "stored values, any shape",
        docs: "1 / (1 + e^−x), element by element, correctly rounded by the cast around it.",
    },
    Function {
        name: "tanh",
        usage: &["tanh(x)"],
        stands: Stands::Networks,
        takes: "stored values, any shape",
        docs: "The hyperbolic tangent, element by element, correctly rounded by the cast around it.",
    },
    Function {
        name: "lookup",
        usage: &["lookup(x, table)"],
        stands: Stands::Networks,
        takes: "stored values, any shape; a table of one axis",
        docs: "The table's entry for each stored value: the first is that of the least raw integer, the last that of the greatest.",
    },
    Function {
        name: "batch_norm",
        usage: &["batch_norm(x, layer, epsilon = …)"],
        stands: Stands::Networks,
        takes: "`[c, …]`, a group of parameters `[c]`",
        docs: "γ / √(σ² + epsilon) · (x − μ) + β of each channel. The factor has 24 significant bits, as a float32; all else is exact.",
    },
    Function {
        name: "add",
        usage: &["add(x, y)"],
        stands: Stands::Networks,
        takes: "tensors of one shape",
        docs: "The sum, exactly: scales are aligned. The same as `x + y`.",
    },
    Function {
        name: "flatten",
        usage: &["flatten(x)"],
        stands: Stands::Both,
        takes: "any shape; parameters too",
        docs: "The same elements in one axis, row by row.",
    },
    Function {
        name: "reshape",
        usage: &["reshape(x, [sizes])"],
        stands: Stands::Networks,
        takes: "as many elements; parameters too",
        docs: "The same elements with other axes, row by row.",
    },
    Function {
        name: "transpose",
        usage: &["transpose(x)", "transpose(x, [axes])"],
        stands: Stands::Networks,
        takes: "any shape; parameters too",
        docs: "The same elements with the axes in another order: the new first axis is the old one of the list's first number. Without a list, the axes are reversed.",
    },
    Function {
        name: "concat",
        usage: &["concat(x, y, …, axis = 0)"],
        stands: Stands::Both,
        takes: "the other axes agree; vectors, in properties",
        docs: "One after the other along the axis.",
    },
    Function {
        name: "abs",
        usage: &["abs(x)"],
        stands: Stands::Properties,
        takes: "a number or tensor",
        docs: "The absolute value, element by element.",
    },
    Function {
        name: "min",
        usage: &["min(x, y)"],
        stands: Stands::Properties,
        takes: "numbers, tensors",
        docs: "The lesser, element by element.",
    },
    Function {
        name: "max",
        usage: &["max(x, y)"],
        stands: Stands::Properties,
        takes: "numbers, tensors",
        docs: "The greater, element by element.",
    },
    Function {
        name: "minimum",
        usage: &["minimum(x, axes = […])", "minimum(x)"],
        stands: Stands::Both,
        takes: "a tensor",
        docs: "The least of all elements, or of those along the axes, which are dropped.",
    },
    Function {
        name: "maximum",
        usage: &["maximum(x, axes = […])", "maximum(x)"],
        stands: Stands::Both,
        takes: "a tensor",
        docs: "The greatest of all elements, or of those along the axes, which are dropped.",
    },
    Function {
        name: "sum",
        usage: &["sum(x, axes = […])", "sum(x)"],
        stands: Stands::Both,
        takes: "a tensor",
        docs: "The sum of all elements, or of those along the axes, which are dropped.",
    },
    Function {
        name: "mean",
        usage: &["mean(x, axes = […])", "mean(x)"],
        stands: Stands::Both,
        takes: "a tensor",
        docs: "That sum divided by the number of its terms, exactly.",
    },
    Function {
        name: "argmax",
        usage: &["argmax(x)"],
        stands: Stands::Properties,
        takes: "a vector",
        docs: "The index of its *first* maximum: a class, to be compared.",
    },
    Function {
        name: "strict_argmax",
        usage: &["strict_argmax(x)"],
        stands: Stands::Properties,
        takes: "a vector",
        docs: "The index of its only maximum. If there are several, it equals no class.",
    },
    Function {
        name: "softmax",
        usage: &["softmax(x)"],
        stands: Stands::Properties,
        takes: "a vector",
        docs: "The probabilities exp(x[i]) / (exp(x[0]) + … + exp(x[n - 1])), exact: for `argmax`, and to compare two of them.",
    },
    Function {
        name: "len",
        usage: &["len(x)"],
        stands: Stands::Properties,
        takes: "a dataset, list, tensor, enum",
        docs: "The number of samples, of elements.",
    },
    Function {
        name: "ball",
        usage: &["ball(center, radius)"],
        stands: Stands::Properties,
        takes: "a stored tensor, a radius",
        docs: "The values of the centre's format whose every element is within the radius of the centre's.",
    },
];

/// The types, in the manual's order.
pub const TYPES: &[Type] = &[
    Type {
        name: "fixed",
        usage: "fixed<W, F, round = half_up, overflow = saturate>",
        snippet: "fixed<${1:8}, ${2:6}>",
        docs: "Signed fixed point: W bits, two's complement, F of them after the point. Values −2^(W−1−F) to 2^(W−1−F) − 2^−F in steps of 2^−F.",
    },
    Type {
        name: "ufixed",
        usage: "ufixed<W, F, round = half_up, overflow = saturate>",
        snippet: "ufixed<${1:8}, ${2:8}>",
        docs: "Unsigned fixed point: W bits, F of them after the point. Values 0 to 2^(W−F) − 2^−F in steps of 2^−F.",
    },
    Type { name: "int", usage: "int<W>", snippet: "int<${1:8}>", docs: "Signed integers of W bits: `fixed<W, 0>`." },
    Type {
        name: "uint",
        usage: "uint<W>",
        snippet: "uint<${1:8}>",
        docs: "Unsigned integers of W bits: `ufixed<W, 0>`.",
    },
    Type {
        name: "affine",
        usage: "affine<int<W> | uint<W>, scale, zero>",
        snippet: "affine<int<${1:8}>, ${2:0.05}, ${3:0}>",
        docs: "What TFLite and ONNX store: value = (raw − zero) · scale. Scale and zero may be lists, one entry per channel of the first axis.",
    },
    Type {
        name: "class",
        usage: "class<N>",
        snippet: "class<${1:10}>",
        docs: "One of N classes, or of an enum's variants: a label, what `argmax` is compared with.",
    },
    Type { name: "bool", usage: "bool", snippet: "bool", docs: "A truth value." },
    Type {
        name: "real",
        usage: "real[…]",
        snippet: "real",
        docs: "Exact numbers: no rounding, no overflow. `f.real(x)` is the network `f` with its files' weights and without rounding or saturation.",
    },
    Type {
        name: "acc",
        usage: "acc<W>",
        snippet: "acc<${1:16}>",
        docs: "An exact accumulator of at most W bits: the checker proves that no input needs more.",
    },
];

/// The attributes.
pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "timeout",
        usage: "timeout(10s)",
        snippet: "timeout(${1:60s})",
        docs: "how long the engines may work on each instance: a number with `ms`, `s`, `min` or `h`",
    },
    Attribute { name: "engine", usage: "engine(smt)", snippet: "engine(${1:smt})", docs: "which engine decides" },
    Attribute {
        name: "expect",
        usage: "expect(violated)",
        snippet: "expect(${1:violated})",
        docs: "the verdict that is expected: `proved`, `violated` or `vacuous`, of a search `found` or `none`. Any other is a failure",
    },
    Attribute {
        name: "counterexample",
        usage: "counterexample(fewest)",
        snippet: "counterexample(${1|fewest,least|})",
        docs: "which counterexample is shown: the one with the `fewest` changed elements, or with the `least` greatest change, from the centres of balls",
    },
];

/// The function of a name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The type of a name.
pub fn type_named(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|ty| ty.name == name)
}

/// The attribute of a name.
pub fn attribute(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}

/// Whether a name is the language's own, and so can't be an item's.
pub fn is_builtin(name: &str) -> bool {
    function(name).is_some() || type_named(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_off_the_usage() {
        let options = |name| function(name).unwrap().options().collect::<Vec<_>>();
        assert_eq!(options("conv2d"), ["stride", "padding", "dilation", "groups"]);
        assert_eq!(options("concat"), ["axis"]);
        assert_eq!(options("sum"), ["axes"]);
        assert_eq!(options("dense"), Vec::<&str>::new());
    }

    #[test]
    fn each_option_is_described() {
        let used = || FUNCTIONS.iter().flat_map(Function::options);
        assert!(used().all(|name| option(name).is_some()));
        assert!(OPTIONS.iter().all(|option| used().any(|name| name == option.name)));
        assert!(OPTIONS.iter().all(|option| !option.docs.ends_with('.')));
    }

    #[test]
    fn names_are_unique_and_usages_begin_with_them() {
        for (at, function) in FUNCTIONS.iter().enumerate() {
            assert!(FUNCTIONS[..at].iter().all(|other| other.name != function.name), "{}", function.name);
            assert!(function.usage.iter().all(|u| u.starts_with(&format!("{}(", function.name))), "{}", function.name);
        }
        assert!(TYPES.iter().all(|ty| ty.usage.starts_with(ty.name) && ty.snippet.starts_with(ty.name)));
        assert!(ATTRIBUTES.iter().all(|a| a.usage.starts_with(a.name) && a.snippet.starts_with(a.name)));
    }
}
