//! What a network's layers are: their formats, widths and accumulators.

use crate::check::network::{Layer, Network};
use crate::check::types::show_shape;
use crate::db::Db;
use crate::ide::networks;
use std::fmt::Write;

/// A network's layers as a table.
pub(super) fn about_network(db: &dyn Db, network: &Network) -> String {
    let mut text = format!("\n`{}{}`\n\n", network.name, networks::signature(db, network));
    text.push_str("| layer | shape | format | bits | integers |\n| --- | --- | --- | ---: | --- |\n");
    for layer in network.layers.iter().take(40) {
        let name =
            if layer.port.name.starts_with('#') { String::new() } else { format!("{} = ", layer.port.short_name()) };
        let _ = writeln!(
            text,
            "| {name}{} | {} | {} | {} | {} to {} |",
            layer.operation,
            show_shape(db, &layer.port.shape),
            layer.port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string),
            layer.width(),
            layer.stored.lo,
            layer.stored.hi,
        );
    }
    let (count, bits) = network
        .layers
        .iter()
        .fold((0, 0), |(count, bits), layer| (count + layer.parameters.count, bits + layer.parameters.bits));
    let _ = writeln!(text, "\n{count} parameters in {} bytes.", bits.div_ceil(8));
    if let Some(kernel) = network.kernel {
        let _ = writeln!(text, "\nBy the kernels `{}`: {}", kernel.name(), kernel.summary());
    }
    network.notes.iter().for_each(|note| _ = writeln!(text, "\n{note}."));
    text
}

/// What a `let` is in one instance of its network.
pub(super) fn about_let(db: &dyn Db, network: &Network, name: &str) -> String {
    let Some(layer) = network.layers.iter().find(|l| &*l.port.name == name) else { return String::new() };
    let format = layer.port.format.as_ref();
    let shown = format.map_or_else(|| "exact".to_owned(), ToString::to_string);
    let mut text = format!(
        "\n`{}`: {shown}{}, {} bits, integers {} to {}\n",
        network.name,
        show_shape(db, &layer.port.shape),
        layer.width(),
        layer.stored.lo,
        layer.stored.hi
    );
    if let Some(ranges) = network.ranges.get(layer.port.node.index()) {
        let constant = ranges.iter().filter(|range| range.is_point()).count();
        if constant > 0 {
            let _ = writeln!(text, "\n{constant} of its {} numbers are the same for all inputs.", ranges.len());
        }
    }
    if let Some((lowest, highest)) = worst(layer, network) {
        let _ = writeln!(
            text,
            "\nThe accumulator before it: {} bits, worst case {lowest} to {highest}.",
            accumulator(layer, network)
        );
    }
    text
}

fn worst(layer: &Layer, network: &Network) -> Option<(i128, i128)> {
    networks::before(layer, network).map(|l| (l.range.lo, l.range.hi))
}

fn accumulator(layer: &Layer, network: &Network) -> u32 {
    networks::before(layer, network).map_or(0, |l| l.range.signed_width())
}
