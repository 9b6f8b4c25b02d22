//! The named options of the language's functions, `stride = 2`: a part of the registry in [`builtins`](crate::builtins).

/// A named option of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionOption {
    /// Its name.
    pub name: &'static str,
    /// The words that may stand for a value: they name nothing of the spec.
    pub words: &'static [&'static str],
    /// What it says, and what may stand for its value: without a capital and a final stop.
    pub docs: &'static str,
}

/// The options of functions, in the manual's order.
pub const OPTIONS: &[FunctionOption] = &[
    FunctionOption {
        name: "stride",
        words: &[],
        docs: "how far a window moves from one output to the next: a number, or one for each axis. That of a pool is its size, where nothing is said",
    },
    FunctionOption {
        name: "padding",
        words: &["same", "valid"],
        docs: "how many elements stand around the input: a number, one for each axis, or `[before, after]` for each. Where they count, they are 0. `same` is as much as makes size / stride windows, rounded up, with the odd element at the end; `valid` is 0",
    },
    FunctionOption {
        name: "dilation",
        words: &[],
        docs: "how far apart the elements of a window are: a number, or one for each axis",
    },
    FunctionOption {
        name: "groups",
        words: &[],
        docs: "into how many independent convolutions the channels are divided; as many as there are channels make a depthwise one",
    },
    FunctionOption {
        name: "ceil_mode",
        words: &["true", "false"],
        docs: "whether windows may reach beyond the end, as PyTorch has it: those that begin within the input or the padding before it, and no others. What is beyond never counts",
    },
    FunctionOption {
        name: "count_padding",
        words: &["true", "false"],
        docs: "whether an average divides by the elements of padding, too, as PyTorch does by default, or by those of the input alone, as TFLite does",
    },
    FunctionOption {
        name: "value",
        words: &[],
        docs: "what stands around the tensor: a number, not a raw integer. Around a stored tensor it is one that its format holds, and the result is stored in the same format",
    },
    FunctionOption {
        name: "axes",
        words: &[],
        docs: "the axes that are put together, counted from 0: a number or a list",
    },
    FunctionOption { name: "axis", words: &[], docs: "the axis along which tensors are joined, counted from 0" },
    FunctionOption { name: "epsilon", words: &[], docs: "what is added to a variance before its square root divides" },
];

/// The option of a name.
pub fn option(name: &str) -> Option<&'static FunctionOption> {
    OPTIONS.iter().find(|option| option.name == name)
}
