//! Networks and files on the page.

use super::elements::{network_anchor, scroll};
use crate::report::model::{File, Network};
use crate::report::sentences::{bits, percent, plural, thousands};
use maud::{Markup, html};

pub(super) fn of_network(network: &Network, spec: usize) -> Markup {
    let sums = network.layers.iter().any(|layer| layer.accumulator_bits.is_some());
    html! {
        h4 id=(network_anchor(spec, &network.name)) { code { (network.name) } }
        dl.facts {
            dt { "Takes and gives" } dd { code { (network.signature) } }
            dt { "Parameters" } dd {
                (thousands(network.parameters)) " in " (bits(network.parameter_bits))
                @if network.saturated > 0 { ", of which " (thousands(network.saturated)) " saturated when they were quantized" }
            }
            dt { "Activations" } dd { (bits(network.activation_bits)) ", at most two neighbouring layers at a time" }
            @if let Some(accuracy) = &network.accuracy { dt { "Accuracy" } dd {
                (percent(accuracy.right, accuracy.samples, 1)) ": " (thousands(accuracy.right)) " of " (thousands(accuracy.samples)) " samples of " code { (accuracy.dataset) }
                @if accuracy.samples < accuracy.of { " (the first of " (thousands(accuracy.of)) ")" }
            } }
            @if let Some(kernel) = &network.kernel { dt { "Kernels" } dd { code { (kernel) } ": whose arithmetic it is, bit for bit" } }
            @for note in &network.notes { dt { "Note" } dd { (note) } }
            @for file in &network.files { dt { "File" } dd { (file.path) @if let Some(hash) = &file.blake3 { br; span.soft { "BLAKE3 " code.hash { (hash) } } } } }
        }
        details { summary { (plural(network.layers.len(), "layer", "layers")) }
            (scroll(&format!("Layers of {}", network.name), html! { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Operation" } th scope="col" { "Shape" } th scope="col" { "Format" } th.number scope="col" { "Bits" }
                    th.number scope="col" { "Integers" } @if sums { th.number scope="col" { "Bits of sums" } } th.number scope="col" { "Parameters" }
                } }
                tbody { @for layer in &network.layers { tr {
                    td { (layer.name) } td { code { (layer.operation) } } td { (layer.shape) } td { code { (layer.format) } } td.number { (layer.bits) }
                    td.number { (layer.least) " to " (layer.greatest) }
                    @if sums { td.number { @if let Some(bits) = layer.accumulator_bits { (bits) } } }
                    td.number { (thousands(layer.parameters)) }
                } } }
            } }))
        }
    }
}

pub(super) fn files(all: &[File]) -> Markup {
    html! { section aria-labelledby="files" {
        h2 #files { "Files" }
        (scroll("All files", html! { table.wide {
            caption { "Everything that was read, by content" }
            thead { tr { th scope="col" { "File" } th scope="col" { "BLAKE3" } } }
            tbody { @for file in all { tr {
                th scope="row" { (file.path) }
                td { @match &file.blake3 { Some(hash) => code.hash { (hash) }, None => "can't be read" } }
            } } }
        } }))
    } }
}
