//! `qnn show`: what a spec holds, and what its networks take in hardware.

use crate::networks::{self, port_type};
use crate::output::{Exit, Failure, Output, json_integer, plural, table, thousands, width};
use crate::spec::Specs;
use owo_colors::OwoColorize;
use qnn::check::data::{Samples, dataset};
use qnn::check::network::{Memory, Network, Port};
use qnn::check::spec::{attributes, family, verifiable};
use qnn::check::types::show_shape;
use qnn::db::{ItemId, SourceFile, items, tree};
use qnn::import::Kernel;
use qnn::ir::Interval;
use qnn::report::sentences::bits;
use qnn::syntax::ast::{ItemKind, MeasureBody};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Shows what a spec holds: networks with their layers and widths, datasets, properties
///
/// For each layer of a network: shape, format, the integers it can hold over all inputs, the bits an accumulator needs for
/// them, its parameters, and how many of those saturated when they were quantized. Name a network to see just that one,
/// at any width: `qnn show spec.qnn 'digits<5>'`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The spec
    spec: PathBuf,
    /// A network, dataset, property or measure; everything by default
    name: Option<String>,
    /// The integers for a generic network: `-g 6` for `<6>`
    #[arg(short, long, value_name = "INTEGERS", value_delimiter = ',', allow_negative_numbers = true)]
    generics: Vec<i128>,
    /// Prints one JSON document
    #[arg(long)]
    json: bool,
}

/// Shows.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (mut specs, file) = Specs::read_one(&arguments.spec)?;
    specs.demand(file, output)?;
    let item = arguments
        .name
        .as_ref()
        .and_then(|name| items(&specs.db, file).iter().copied().find(|item| item.name(&specs.db) == name));
    let networks = match (&arguments.name, item) {
        (Some(_), Some(item)) if networks::generics(&specs, item).is_none() => Vec::new(),
        (Some(name), _) => networks::named(&mut specs, file, name, &arguments.generics, output)?,
        (None, _) => networks::all(&specs, file),
    };
    let wanted: Vec<ItemId> = match (&arguments.name, item) {
        (Some(_), Some(item)) if networks.is_empty() => vec![item],
        (Some(_), _) => Vec::new(),
        (None, _) => items(&specs.db, file).clone(),
    };
    if arguments.json {
        let datasets: Vec<Value> = wanted.iter().filter_map(|item| dataset_json(&specs, *item)).collect();
        let properties: Vec<Value> = questions(&specs, file, &wanted).map(|q| q.json(&specs)).collect();
        let networks: Vec<Value> = networks.iter().map(|network| network_json(&specs, network)).collect();
        output.json(&json!({
            "version": 1,
            "spec": specs.name(file),
            "datasets": datasets,
            "networks": networks,
            "properties": properties,
        }))?;
        return Ok(Exit::Fine);
    }
    let mut first = true;
    let mut gap = |output: &mut Output| {
        if std::mem::take(&mut first) { Ok(()) } else { output.line("") }
    };
    for item in &wanted {
        if let Some(ItemKind::Dataset(_)) = tree(&specs.db, *item).as_deref().map(|t| &t.kind) {
            gap(output)?;
            show_dataset(&specs, *item, output)?;
        }
    }
    for network in &networks {
        gap(output)?;
        show_network(&specs, network, output)?;
    }
    let rows: Vec<Vec<String>> = questions(&specs, file, &wanted).map(|q| q.row(&specs)).collect();
    if !rows.is_empty() {
        gap(output)?;
        for line in table(&rows, &[], width()) {
            output.line(line)?;
        }
    }
    Ok(Exit::Fine)
}

/// `name(x: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`.
fn signature(specs: &Specs, network: &Network) -> String {
    let inputs: Vec<String> =
        network.inputs.iter().map(|port| format!("{}: {}", port.name, port_type(specs, port))).collect();
    format!("({}) -> {}", inputs.join(", "), port_type(specs, &network.output))
}

fn show_network(specs: &Specs, network: &Network, output: &mut Output) -> Result<(), Failure> {
    output.line(format_args!("network {}{}", network.name.bold(), signature(specs, network)))?;
    let head = ["", "operation", "shape", "format", "bits", "integers", "sums", "parameters", "saturated"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for layer in &network.layers {
        let name = if layer.port.name.starts_with('#') { "" } else { layer.port.short_name() };
        let parameters = layer.parameters;
        let some = |n: usize| if n > 0 { thousands(n) } else { String::new() };
        rows.push(vec![
            format!("  {name}"),
            layer.operation.clone(),
            show_shape(&specs.db, &layer.port.shape),
            layer.port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string),
            layer.width().to_string(),
            format!("{} to {}", layer.stored.lo, layer.stored.hi),
            layer.accumulator.map(|sums| format!("{} bits", sums.signed_width())).unwrap_or_default(),
            some(parameters.count),
            some(parameters.saturated),
        ]);
    }
    // Columns that say nothing are left out.
    for column in (6..9).rev() {
        if rows[1..].iter().all(|row| row[column].is_empty()) {
            rows.iter_mut().for_each(|row| _ = row.remove(column));
        }
    }
    for (number, line) in table(&rows, &[4, 5, 6, 7, 8], width()).iter().enumerate() {
        if number == 0 { output.line(line.dimmed())? } else { output.line(line)? }
    }
    let memory = Memory::of(network);
    let saturated =
        if memory.saturated > 0 { format!(" ({} saturated)", thousands(memory.saturated)) } else { String::new() };
    output.line(format_args!(
        "  {}{saturated} in {} of memory; {} for activations, at most two neighbouring layers at a time",
        plural(memory.count, "parameter", "parameters"),
        bits(memory.parameters),
        bits(memory.activations),
    ))?;
    if !network.files.is_empty() {
        let kernel = network.kernel.map(|kernel| format!(", by the kernels `{}`", kernel.name())).unwrap_or_default();
        output.line(format_args!("  from {}{kernel}", network.files.join(", ")))?;
    }
    for note in &network.notes {
        output.line(format_args!("  note: {note}"))?;
    }
    Ok(())
}

fn network_json(specs: &Specs, network: &Network) -> Value {
    let port = |port: &Port| {
        json!({
            "name": port.name,
            "shape": port.shape.iter().map(|axis| axis.size).collect::<Vec<_>>(),
            "format": port.format.as_ref().map(ToString::to_string),
        })
    };
    let layers: Vec<Value> = network
        .layers
        .iter()
        .map(|layer| {
            json!({
                "name": layer.port.name,
                "operation": layer.operation,
                "shape": layer.port.shape.iter().map(|axis| axis.size).collect::<Vec<_>>(),
                "format": layer.port.format.as_ref().map(ToString::to_string),
                "bits": layer.width(),
                "least": json_integer(layer.stored.lo),
                "greatest": json_integer(layer.stored.hi),
                "accumulator_bits": layer.accumulator.map(Interval::signed_width),
                "parameters": layer.parameters.count,
                "saturated": layer.parameters.saturated,
                "parameter_bits": layer.parameters.bits,
            })
        })
        .collect();
    let memory = Memory::of(network);
    json!({
        "name": network.name,
        "signature": format!("{}{}", network.name, signature(specs, network)),
        "inputs": network.inputs.iter().map(port).collect::<Vec<_>>(),
        "output": port(&network.output),
        "layers": layers,
        "parameters": memory.count,
        "saturated": memory.saturated,
        "parameter_bits": memory.parameters,
        "activation_bits": memory.activations,
        "files": network.files,
        "kernel": network.kernel.map(Kernel::name),
        "notes": network.notes,
    })
}

fn show_dataset(specs: &Specs, item: ItemId, output: &mut Output) -> Result<(), Failure> {
    let outcome = dataset(&specs.db, item);
    let Some(data) = &outcome.value else { return Ok(()) };
    output.line(format_args!("dataset {}: {}", item.name(&specs.db).bold(), plural(data.len, "sample", "samples")))?;
    let rows: Vec<Vec<String>> = data
        .fields
        .iter()
        .map(|field| vec![format!("  {}", field.name), field.ty.show(&specs.db), what(&field.data)])
        .collect();
    for line in table(&rows, &[], width()) {
        output.line(line)?;
    }
    Ok(())
}

/// What a field's samples hold.
fn what(samples: &Samples) -> String {
    match samples {
        Samples::Numbers { numbers, .. } => {
            numbers.range().map_or_else(String::new, |(least, greatest)| format!("integers {least} to {greatest}"))
        }
        Samples::Classes(classes) => {
            let mut present = classes.to_vec();
            present.sort_unstable();
            present.dedup();
            plural(present.len(), "class occurs", "classes occur")
        }
    }
}

fn dataset_json(specs: &Specs, item: ItemId) -> Option<Value> {
    let Some(ItemKind::Dataset(_)) = tree(&specs.db, item).as_deref().map(|t| &t.kind) else { return None };
    let outcome = dataset(&specs.db, item);
    let data = outcome.value.as_ref()?;
    let fields: Vec<Value> =
        data.fields.iter().map(|field| json!({ "name": field.name, "type": field.ty.show(&specs.db) })).collect();
    Some(json!({ "name": item.name(&specs.db), "samples": data.len, "fields": fields }))
}

/// A property or measure.
struct QuestionLine {
    item: ItemId,
    kind: &'static str,
    instances: usize,
    parameters: Vec<String>,
}

fn questions<'a>(
    specs: &'a Specs,
    file: SourceFile,
    wanted: &'a [ItemId],
) -> impl Iterator<Item = QuestionLine> + use<'a> {
    verifiable(&specs.db, file).into_iter().filter(|item| wanted.contains(item)).map(|item| {
        let family = family(&specs.db, item);
        let family = family.value.as_ref();
        let kind = match tree(&specs.db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Measure(m)) => match &m.body {
                MeasureBody::Optimize { maximize: true, .. } => "maximize",
                MeasureBody::Optimize { .. } => "minimize",
                MeasureBody::Largest { .. } => "largest",
                MeasureBody::Share { .. } => "share",
                MeasureBody::Average { .. } => "average",
            },
            Some(ItemKind::Property(property)) if property.find => "find",
            _ => "property",
        };
        QuestionLine {
            item,
            kind,
            instances: family.map_or(0, |f| f.instances.len()),
            parameters: family.map(|f| f.names.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        }
    })
}

impl QuestionLine {
    fn row(&self, specs: &Specs) -> Vec<String> {
        let kind = if matches!(self.kind, "property" | "find") { self.kind } else { "measure" };
        let list = if self.parameters.is_empty() { String::new() } else { format!("({})", self.parameters.join(", ")) };
        let expects = attributes(&specs.db, self.item).value.as_ref().and_then(|a| a.expect);
        let expects = expects.map(|e| format!("expected to be {}", format!("{e:?}").to_lowercase()));
        vec![
            kind.to_owned(),
            format!("{}{list}", self.item.name(&specs.db)),
            plural(self.instances, "instance", "instances"),
            expects.unwrap_or_default(),
        ]
    }

    fn json(&self, specs: &Specs) -> Value {
        json!({
            "name": self.item.name(&specs.db),
            "kind": self.kind,
            "parameters": self.parameters,
            "instances": self.instances,
        })
    }
}
