//! Data: datasets and parameter files, their tensors turned into raw integers of the formats that the spec gives them.

mod datasets;
mod field;
mod packed;
mod params;
mod quantize;
mod samples;
mod tensor;

pub use datasets::{Dataset, dataset};
pub use params::ParamsFile;
pub use quantize::quantized_floats;
pub use samples::{Field, FieldIntegers, Samples};
pub use tensor::{ConstantTensor, Loss, PerElement, scales, zero, zeros};

/// «`a`, `b` and `c`», shortened.
pub fn list_names(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] if names.len() <= 8 => {
            format!("{} and `{last}`", first.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
        }
        _ => format!(
            "{} and {} more",
            names[..6].iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
            names.len() - 6
        ),
    }
}
