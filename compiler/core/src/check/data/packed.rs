//! `packed` tensors: bytes that hold several integers of 1, 2 or 4 bits each.

use super::quantize::sizes_text;
use crate::check::{Checked, Context};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::{Element, FileData, FileTensor};
use crate::number_format::Format;
use qnn_ir::interrupt::work;
use std::sync::Arc;

/// The most integers that a tensor is unpacked to: 2 GiB of them.
const MOST: usize = 1 << 28;

/// The raw integers of a format that a tensor of bytes holds, the first in a byte's lowest bits. The last axis grows by their number in a byte.
///
/// Errors: E0503 for a format whose integers are not of 1, 2 or 4 bits, and for a tensor that holds no bytes or too many.
pub(super) fn unpack(
    context: &Context<'_>,
    name: &str,
    tensor: &FileTensor,
    format: &Format,
    place: Place,
) -> Checked<FileTensor> {
    let width = format.width;
    if !matches!(width, 1 | 2 | 4) {
        return Err(context.report(
            Diagnostic::error(
                "E0503",
                format!("`packed` needs integers of 1, 2 or 4 bits, but `{format}` has {width}"),
                place,
                "a byte holds no whole number of them",
            )
            .help("remove `packed`, or give the tensor the width that the file's integers have"),
        ));
    }
    let byte = |i: usize| match tensor.data.get(i) {
        Some(Element::Integer(n)) if matches!(tensor.element_type, "uint8" | "int8") => Some(n as u8),
        _ => None,
    };
    let per_byte = (8 / width) as usize;
    let len = tensor.data.len() * per_byte;
    let Some(shape) = with_last_axis(&tensor.shape, per_byte).filter(|_| byte(0).is_some() && len <= MOST) else {
        let (what, label) = match byte(0) {
            Some(_) if len > MOST => (format!("`{name}` holds {len} integers"), "more than memory is taken for"),
            _ => (
                format!("`{name}` is {}{}", tensor.element_type, sizes_text(&tensor.shape)),
                "`packed` needs an array of bytes, uint8 or int8",
            ),
        };
        return context.error("E0503", place, what, label);
    };
    let mut integers: Arc<[i64]> = std::iter::repeat_n(0, len).collect();
    for (i, places) in Arc::get_mut(&mut integers).unwrap_or_default().chunks_mut(per_byte).enumerate() {
        work(places.len());
        let byte = byte(i).unwrap_or_default();
        places.iter_mut().zip(slots(byte, width, format.signed)).for_each(|(place, slot)| *place = slot);
    }
    Ok(FileTensor { shape, data: FileData::Integers(integers), element_type: tensor.element_type })
}

/// The integers of so many bits in a byte, from its lowest bits to its highest; signed ones in two's complement.
fn slots(byte: u8, width: u32, signed: bool) -> impl Iterator<Item = i64> {
    (0..8).step_by(width as usize).map(move |low| {
        let bits = i64::from(byte >> low) & ((1 << width) - 1);
        let negative = signed && bits >> (width - 1) == 1;
        if negative { bits - (1 << width) } else { bits }
    })
}

fn with_last_axis(shape: &[usize], per_byte: usize) -> Option<Vec<usize>> {
    let mut shape = shape.to_vec();
    *shape.last_mut()? *= per_byte;
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_integer_is_in_the_lowest_bits() {
        let all = |byte, width, signed| slots(byte, width, signed).collect::<Vec<i64>>();
        assert_eq!(all(0x1f, 4, true), [-1, 1]);
        assert_eq!(all(0x83, 4, false), [3, 8]);
        assert_eq!(all(0b10_00_01_11, 2, true), [-1, 1, 0, -2]);
        assert_eq!(all(0b1000_0011, 1, false), [1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(all(0b1000_0011, 1, true), [-1, -1, 0, 0, 0, 0, 0, -1]);
    }
}
