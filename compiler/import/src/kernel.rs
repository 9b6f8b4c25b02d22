//! The kernels: whose arithmetic a file's operators have.

/// An implementation of a file's operators, which decides how sums are scaled and rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// TensorFlow Lite Micro's reference kernels, and CMSIS-NN.
    Tflm,
    /// The same, compiled with single rounding.
    TflmSingleRounding,
    /// XNNPACK, which LiteRT and TensorFlow Lite use for int8 unless told otherwise.
    Xnnpack,
    /// LiteRT's reference kernels.
    LitertReference,
    /// onnxruntime's CPU provider, whatever the processor.
    Ort,
    /// The same on processors whose products of unsigned and signed bytes never saturate: x86 with VNNI, ARM64.
    OrtVnni,
    /// QONNX's execution: floats of 32 bits between quantizers.
    Qonnx,
}

/// A kernel's name in a spec, and what it is in a sentence.
struct Described {
    kernel: Kernel,
    name: &'static str,
    summary: &'static str,
    extension: &'static str,
}

const KERNELS: [Described; 7] = [
    Described {
        kernel: Kernel::Tflm,
        name: "tflm",
        summary: "TensorFlow Lite Micro's reference kernels, and CMSIS-NN: 31-bit multipliers, two roundings.",
        extension: "tflite",
    },
    Described {
        kernel: Kernel::TflmSingleRounding,
        name: "tflm_single_rounding",
        summary: "The same compiled with `TFLITE_SINGLE_ROUNDING`, or `CMSIS_NN_USE_SINGLE_ROUNDING`: one rounding, half up.",
        extension: "tflite",
    },
    Described {
        kernel: Kernel::Xnnpack,
        name: "xnnpack",
        summary: "XNNPACK, which LiteRT runs by default on phones and servers: a product of 32-bit floats, rounded half to even.",
        extension: "tflite",
    },
    Described {
        kernel: Kernel::LitertReference,
        name: "litert_reference",
        summary: "LiteRT's reference kernels (`BUILTIN_REF`) since 1.4: as `tflm`, but fully connected layers scale in 64-bit floats.",
        extension: "tflite",
    },
    Described {
        kernel: Kernel::Ort,
        name: "ort",
        summary: "onnxruntime's CPU provider, on any processor: integer sums, a product of 32-bit floats, rounded half to even.",
        extension: "onnx",
    },
    Described {
        kernel: Kernel::OrtVnni,
        name: "ort_vnni",
        summary: "The same on processors whose sums of two byte products do not saturate: x86 with VNNI, and ARM64. Older x86 saturates them at 16 bits.",
        extension: "onnx",
    },
    Described {
        kernel: Kernel::Qonnx,
        name: "qonnx",
        summary: "QONNX (Brevitas, QKeras, FINN, hls4ml): quantizers between layers of floats, as integers where that is exact.",
        extension: "onnx",
    },
];

impl Kernel {
    /// All kernels, in the order of the manual.
    pub fn all() -> impl Iterator<Item = Kernel> {
        KERNELS.iter().map(|described| described.kernel)
    }

    /// The kernels for files whose names end in `extension`.
    pub fn for_extension(extension: &str) -> impl Iterator<Item = Kernel> {
        KERNELS.iter().filter(move |d| d.extension.eq_ignore_ascii_case(extension)).map(|d| d.kernel)
    }

    /// The kernel that a spec calls `name`.
    pub fn by_name(name: &str) -> Option<Kernel> {
        KERNELS.iter().find(|described| described.name == name).map(|described| described.kernel)
    }

    fn described(self) -> &'static Described {
        KERNELS.iter().find(|described| described.kernel == self).expect("every kernel is described")
    }

    /// Whether it is TensorFlow Lite Micro's, whatever its rounding.
    pub(crate) fn is_micro(self) -> bool {
        matches!(self, Kernel::Tflm | Kernel::TflmSingleRounding)
    }

    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        self.described().name
    }

    /// What it is, in a sentence.
    pub fn summary(self) -> &'static str {
        self.described().summary
    }

    /// The files that it is for: `tflite` or `onnx`.
    pub fn extension(self) -> &'static str {
        self.described().extension
    }
}
