//! The options of imports, `kernel = tflm`: a part of the registry in [`builtins`](crate::builtins).

/// What an option of an import is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSetting {
    /// The name of a kernel: a word.
    Kernel,
    /// A number format.
    Format,
    /// The name of a tensor of the file: a text.
    Tensor,
}

/// An option of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOptionKind {
    /// Its name.
    pub name: &'static str,
    /// What it is set to.
    pub setting: ImportSetting,
    /// Whether it belongs to networks of floats alone.
    pub of_floats: bool,
    /// What it says: without a capital and a final stop.
    pub docs: &'static str,
}

/// The options of imports, in the manual's order.
pub const IMPORT_OPTIONS: &[ImportOptionKind] = &[
    ImportOptionKind {
        name: "kernel",
        setting: ImportSetting::Kernel,
        of_floats: false,
        docs: "whose arithmetic a quantized file is computed by",
    },
    ImportOptionKind {
        name: "weights",
        setting: ImportSetting::Format,
        of_floats: true,
        docs: "the format that the weights of a network of floats are rounded to",
    },
    ImportOptionKind {
        name: "activations",
        setting: ImportSetting::Format,
        of_floats: true,
        docs: "the format that results of activation functions are stored in, and sums that weights multiply",
    },
    ImportOptionKind {
        name: "input",
        setting: ImportSetting::Format,
        of_floats: false,
        docs: "the format of inputs that the file leaves as floats",
    },
    ImportOptionKind {
        name: "biases",
        setting: ImportSetting::Format,
        of_floats: true,
        docs: "the format of biases; without it, they are rounded to the steps of the sums that they are added to",
    },
    ImportOptionKind {
        name: "outputs",
        setting: ImportSetting::Format,
        of_floats: true,
        docs: "the format of the outputs; without it, sums are put out exactly",
    },
    ImportOptionKind {
        name: "output",
        setting: ImportSetting::Tensor,
        of_floats: false,
        docs: "the tensor to end at, by its name in the file",
    },
];

/// The option of a name.
pub fn import_option(name: &str) -> Option<&'static ImportOptionKind> {
    IMPORT_OPTIONS.iter().find(|option| option.name == name)
}
