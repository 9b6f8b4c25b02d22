//! Products of unsigned and signed bytes on processors without VNNI.
//!
//! There, two neighbouring products are added in 16 bits with saturation (`vpmaddubsw`) before the sum goes on in 32 bits. A layer is the same on every
//! processor if no pair of its products can pass 16 bits.

use super::Scale;
use crate::onnx::linear::Linear;
use crate::onnx::lowering::Lowering;
use crate::onnx::tensor::Element;
use crate::{ImportError, Kernel};
use qnn_ir::Interval;

/// Refuses layers in which a pair of products can saturate, unless the user says that the processor has VNNI.
pub(super) fn check(
    lowering: &mut Lowering,
    x: &Scale,
    integers: Interval,
    weights: &[i64],
    element: Element,
    linear: &Linear,
) -> Result<(), ImportError> {
    match (x.element, element) {
        (Element::Uint8, Element::Uint8) | (Element::Int8, Element::Int8) => return Ok(()),
        (Element::Uint8, Element::Int8) => {}
        (x, w) => {
            return Err(ImportError::new(format!(
                "values of type {} with weights of type {} are not supported",
                x.name(),
                w.name()
            )));
        }
    }
    let (lo, hi) = (integers.lo + i128::from(x.zero), integers.hi + i128::from(x.zero));
    // Rows and columns beyond the tensor are padded with the zero point, and the rest of the last block with zeros.
    let (lo, hi) = (lo.min(i128::from(x.zero)).min(0), hi.max(i128::from(x.zero)).max(0));
    let at = |i: &u32| i128::from(weights.get(*i as usize).copied().unwrap_or(0));
    let saturates = |pair: &[u32]| {
        let ends = |w: i128| ((w * lo).min(w * hi), (w * lo).max(w * hi));
        let (least, greatest) =
            pair.iter().map(|i| ends(at(i))).fold((0, 0), |sum, end| (sum.0 + end.0, sum.1 + end.1));
        least < i128::from(i16::MIN) || greatest > i128::from(i16::MAX)
    };
    let Some(pair) = linear.orders.iter().flat_map(|order| order.chunks(2)).find(|pair| saturates(pair)) else {
        return Ok(());
    };
    if lowering.options.kernel == Kernel::OrtVnni {
        lowering.note(
            "it is right for processors with VNNI: on x86 processors without, pairs of products of unsigned and signed bytes saturate at 16 bits",
        );
        return Ok(());
    }
    let pair: Vec<String> = pair.iter().map(|i| at(i).to_string()).collect();
    Err(ImportError::new(format!(
        "its products of unsigned and signed bytes pass 16 bits in pairs (weights {}), where x86 processors without VNNI saturate",
        pair.join(" and ")
    ))
    .help("quantize the weights to 7 bits (`reduce_range=True`), or state that the processor has VNNI: `kernel = ort_vnni`"))
}
