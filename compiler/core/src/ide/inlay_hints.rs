//! Inlay hints: what the compiler inferred, within the lines of networks.
//!
//! In: a span of a file. Out: short texts at offsets. For a generic network they are of the instances that the file's properties use:
//! one value where they agree, the least and the greatest where they don't.

use super::moved;
use super::networks::{before, instances};
use crate::check::data::PerElement;
use crate::check::network::{Layer, Network};
use crate::check::types::show_shape;
use crate::db::{Db, SourceFile, items, offset, tree};
use num_traits::{One, Signed};
use qnn_ir::Rational;
use qnn_ir::rational::show;
use qnn_syntax::Span;
use qnn_syntax::ast::ItemKind;
use std::collections::BTreeMap;

/// What a hint tells, by weight: editors cut what is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HintKind {
    /// The shape and format of a `let`.
    Type,
    /// What a cast loses.
    Loss,
    /// The width of an accumulator.
    Accumulator,
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where it stands in the file.
    pub offset: u32,
    /// What it tells.
    pub kind: HintKind,
    /// Its text.
    pub text: String,
    /// More, in a sentence.
    pub tooltip: String,
}

/// The hints within a span of a file, in order.
pub fn hints(db: &dyn Db, file: SourceFile, within: Span) -> Vec<Hint> {
    let mut all = Vec::new();
    for item in items(db, file) {
        let Some(found) = tree(db, *item) else { continue };
        let ItemKind::Network(declaration) = &found.kind else { continue };
        let start = offset(db, *item);
        let span = moved(found.span, start);
        if span.end < within.start || within.end < span.start {
            continue;
        }
        let networks = instances(db, *item, file);
        if networks.is_empty() {
            continue;
        }
        for statement in declaration.lets.iter().filter(|l| l.ty.is_none()) {
            let shown: Vec<String> = networks.iter().filter_map(|n| shape(db, n, &statement.name.text)).collect();
            if let Some(text) = joined(&shown) {
                all.push(Hint {
                    offset: statement.name.span.end + start,
                    kind: HintKind::Type,
                    text: format!(": {text}"),
                    tooltip: "shape and format".to_owned(),
                });
            }
        }
        let mut layers: BTreeMap<(u32, u32), Vec<(&Network, &Layer)>> = BTreeMap::new();
        for network in &networks {
            for layer in network.layers.iter().filter(|l| l.place.item == *item && !l.port.name.contains('.')) {
                layers.entry((layer.place.span.start, layer.place.span.end)).or_default().push((network, layer));
            }
        }
        for ((_, end), layers) in layers {
            all.extend(accumulator(end + start, &layers));
            all.extend(loss(end + start, &layers));
        }
    }
    all.retain(|h| within.start <= h.offset && h.offset <= within.end);
    all.sort_by_key(|h| (h.offset, h.kind));
    all
}

/// One text for all instances: theirs if they agree, else the first and the last.
fn joined(texts: &[String]) -> Option<String> {
    let (first, last) = (texts.first()?, texts.last()?);
    Some(if texts.iter().all(|t| t == first) { first.clone() } else { format!("{first} … {last}") })
}

fn shape(db: &dyn Db, network: &Network, name: &str) -> Option<String> {
    let layer = network.layers.iter().rev().find(|l| &*l.port.name == name)?;
    let shape = show_shape(db, &layer.port.shape);
    Some(match &layer.port.format {
        Some(format) => format!("{format}{shape}"),
        None => format!("exact{shape}"),
    })
}

fn accumulator(offset: u32, layers: &[(&Network, &Layer)]) -> Option<Hint> {
    let sums: Vec<_> = layers.iter().filter(|(_, l)| l.parameters.count > 0 && l.port.format.is_none()).collect();
    let (network, layer) = sums.first()?;
    let widths: Vec<u32> = sums.iter().map(|(_, l)| l.width()).collect();
    let (least, greatest) = (widths.iter().min()?, widths.iter().max()?);
    let bits = if least == greatest { format!("{least}") } else { format!("{least}–{greatest}") };
    Some(Hint {
        offset,
        kind: HintKind::Accumulator,
        text: format!("acc {bits}"),
        tooltip: format!(
            "The accumulator has {bits} bits. In {}, over all inputs, its sums are integers from {} to {}.",
            network.name, layer.range.lo, layer.range.hi
        ),
    })
}

fn loss(offset: u32, layers: &[(&Network, &Layer)]) -> Option<Hint> {
    let mut texts = Vec::new();
    let mut tooltips = Vec::new();
    for (network, layer) in layers {
        let Some(format) = &layer.port.format else { continue };
        let Some(exact) = before(layer, network) else { continue };
        let (PerElement::All(from), PerElement::All(to)) = (&exact.port.scale, &layer.port.scale) else { continue };
        let dropped = bits_between(from, to);
        let value = |scale: &Rational, n: i128| scale * qnn_ir::rational::integer(n);
        let (low, high) = (value(from, exact.range.lo), value(from, exact.range.hi));
        let least = format.value(format.min_raw(), 0);
        let greatest = format.value(format.max_raw(), 0);
        let relu = format.min_raw() == format.zero(0);
        let saturates = high > greatest || (low < least && !relu);
        let rounds = match &dropped {
            Some(0) => None,
            Some(bits) => Some(format!("−{bits} bit{}", if *bits == 1 { "" } else { "s" })),
            None => Some("rescaled".to_owned()),
        };
        let parts: Vec<String> = saturates.then(|| "may saturate".to_owned()).into_iter().chain(rounds).collect();
        texts.push(if parts.is_empty() { "exact".to_owned() } else { parts.join(", ") });
        let error = if dropped == Some(0) {
            "no rounding".to_owned()
        } else {
            format!("rounding changes a value by at most {}", show(&(to * Rational::new(1.into(), 2.into()))))
        };
        tooltips.push(format!(
            "In {}: {error}; before it {} to {}, after it {} to {}.",
            network.name,
            show(&low),
            show(&high),
            show(&least),
            show(&greatest)
        ));
    }
    let text = joined(&texts)?;
    Some(Hint { offset, kind: HintKind::Loss, text, tooltip: tooltips.join("\n") })
}

/// How many bits after the point are dropped from one scale to another; `None` if the scales are not powers of two apart.
fn bits_between(from: &Rational, to: &Rational) -> Option<u32> {
    let mut ratio = to / from;
    if !ratio.is_positive() {
        return None;
    }
    let two = Rational::new(2.into(), 1.into());
    let mut bits = 0;
    while ratio > Rational::one() && bits <= 512 {
        ratio /= &two;
        bits += 1;
    }
    // A finer scale drops nothing, whatever it is.
    (ratio == Rational::one() || bits == 0).then_some(bits)
}
