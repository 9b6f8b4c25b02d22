//! `qnn eval`: runs networks, exactly as they are verified, by the reference interpreter.

use crate::networks;
use crate::output::{Exit, Failure, Output, columns, flow, json_integer, plural, quoted, table, width};
use crate::spec::Specs;
use owo_colors::OwoColorize;
use qnn::check::constant::variant_names;
use qnn::check::data::{Dataset, Field, Samples, dataset};
use qnn::check::network::{Network, Port};
use qnn::check::scope::scope;
use qnn::check::types::{Type, count, same_sizes, show_shape};
use qnn::db::{SourceFile, tree};
use qnn::ir::Rational;
use qnn::ir::interpret;
use qnn::ir::rational::{exact, parse_decimal, show, to_f64};
use qnn::report::picture::{Panel, Scale, image_size, side_by_side};
use qnn::report::sentences::{percent, tied};
use qnn::syntax::ast::ItemKind;
use qnn::verify::verdict::argmax;
use serde_json::{Value, json};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The samples that are shown where nothing says which.
const FEW: usize = 10;
/// The numbers of a tensor that are written on one line.
const MOST_NUMBERS: usize = 16;

/// Runs networks on samples of a dataset, or on given numbers
///
/// With neither `--samples` nor `--input` it says how accurate the networks are on the dataset that fits them. The reference interpreter
/// computes, bit for bit as the networks are verified.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  qnn eval digits.qnn                                 accuracy of every network, at every width that a property uses
  qnn eval digits.qnn 'digits<6>' --samples 0..20     classes and outputs of twenty samples
  qnn eval digits.qnn digits -g 6 --samples 3 --layers
  qnn eval digits.qnn 'digits<6>.real'                accuracy of the network before it was quantized
  qnn eval tour.qnn side --input 1,0.5                on a point, given as values (`--raw 4,2`: as stored integers)
  qnn eval digits.qnn --accuracy --wrong              which samples are misclassified")]
pub struct Arguments {
    /// The spec
    spec: PathBuf,
    /// The network, such as `classifier` or 'digits<6>' (in quotes), with `.real` for its real-valued reading; all of them by default
    network: Option<String>,
    /// The integers for a generic network: `-g 6` for `<6>`
    #[arg(short, long, value_name = "INTEGERS", value_delimiter = ',', allow_negative_numbers = true)]
    generics: Vec<i128>,
    /// The dataset; by default the only one with a field of the input's type
    #[arg(short, long, value_name = "NAME")]
    dataset: Option<String>,
    /// The dataset's field that goes into the network (one for each of its inputs); by default the one of the input's type
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    field: Vec<String>,
    /// The dataset's field with the right class; by default the only one with no more classes than the network has outputs
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    /// Which samples: `3`, `0..20`, `0..=20`, `0,4,7`
    #[arg(short, long, value_name = "RANGE", value_parser = parse_samples)]
    samples: Option<Picked>,
    /// Values for an input instead of a sample, row by row: `1,0.5,-2`; once for each input of the network
    #[arg(short, long, value_name = "VALUES", allow_hyphen_values = true, conflicts_with_all = ["samples", "dataset", "raw"])]
    input: Vec<String>,
    /// Stored integers for an input instead of a sample; once for each input of the network
    #[arg(short, long, value_name = "INTEGERS", allow_hyphen_values = true, conflicts_with_all = ["samples", "dataset"])]
    raw: Vec<String>,
    /// Shows every layer that is stored, as raw integers and values; with `=all` the exact sums between them too
    #[arg(short, long, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "stored",
          value_parser = ["stored", "all"])]
    layers: Option<String>,
    /// Says how many samples are classified as their label says
    #[arg(short, long)]
    accuracy: bool,
    /// With the accuracy, lists the numbers of the samples that are misclassified
    #[arg(short, long)]
    wrong: bool,
    /// Prints JSON, one line for each sample
    #[arg(long)]
    json: bool,
}

/// Samples by number; a range may end beyond the dataset's.
#[derive(Clone, Debug)]
struct Picked(Vec<Range<usize>>);

/// What goes into a network: for each input the node's integers.
struct Sample {
    /// Its number; `None` for given numbers.
    number: Option<usize>,
    inputs: Vec<Vec<i128>>,
    label: Option<usize>,
}

/// What comes out.
struct Run<'a> {
    network: &'a Network,
    sample: &'a Sample,
    values: Vec<Vec<i128>>,
    /// The output of a real-valued reading.
    reals: Option<Vec<Rational>>,
}

/// Evaluates.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let (mut specs, file) = Specs::read_one(&arguments.spec)?;
    specs.demand(file, output)?;
    let networks = match &arguments.network {
        Some(name) => networks::named(&mut specs, file, name, &arguments.generics, output)?,
        None => networks::all(&specs, file),
    };
    if networks.is_empty() {
        return Err(Failure::wrong(format!(
            "{} has no network that can be run\n  help: name one, with integers if it is generic: `qnn eval {} 'digits<6>'`",
            specs.name(file),
            quoted(&arguments.spec)
        )));
    }
    let given = !arguments.input.is_empty() || !arguments.raw.is_empty();
    if given && arguments.accuracy {
        return Err(Failure::wrong("accuracy is of a dataset's samples, not of given numbers"));
    }
    let mut rows = Vec::new();
    let mut skipped = Vec::new();
    for network in &networks {
        if given {
            let sample = arguments.given(&specs, network, output)?;
            arguments.show(&specs, &Run::of(network, &sample)?, true, output)?;
            continue;
        }
        let source = match arguments.source(&specs, file, network) {
            Ok(source) => source,
            // Of all networks, those that no dataset fits are passed over.
            Err(why) if arguments.network.is_none() && networks.len() > 1 => {
                skipped.push((network.name.clone(), why));
                continue;
            }
            Err(why) => return Err(Failure::wrong(why)),
        };
        let labelled = source.label.is_some();
        if arguments.accuracy && !labelled {
            return Err(Failure::wrong(format!(
                "`{}` has no field with the {} classes that `{}` tells apart\n  help: name one with `--label`",
                source.name,
                count(&network.output.shape),
                network.name
            )));
        }
        let by_default = arguments.samples.is_none() && arguments.layers.is_none() && !arguments.json;
        if arguments.accuracy || arguments.wrong && labelled || labelled && by_default {
            rows.push(arguments.accuracy(&source, network)?);
            continue;
        }
        let default = Picked::first(if arguments.json { usize::MAX } else { FEW });
        let numbers = arguments.samples.as_ref().unwrap_or(&default).numbers(&source, arguments.samples.is_some())?;
        let alone = numbers.len() == 1;
        if !arguments.json {
            let head =
                format!("{} on {} of `{}`", network.name, plural(numbers.len(), "sample", "samples"), source.name);
            output.line(head.bold())?;
        }
        let mut right = 0;
        for number in &numbers {
            let sample = source.sample(*number);
            let run = Run::of(network, &sample)?;
            right += usize::from(run.is_right() == Some(true));
            arguments.show(&specs, &run, alone, output)?;
        }
        if !arguments.json && labelled && !alone {
            output.line(format_args!("  {right} of {} as labelled", numbers.len()).dimmed().to_string())?;
        }
        if !arguments.json && by_default && source.dataset.len > FEW {
            output.line(format!("  the first {FEW} of {}; `--samples` picks others", source.dataset.len).dimmed())?;
        }
    }
    arguments.show_accuracy(&rows, output)?;
    for (name, why) in &skipped {
        output.note(format_args!("{} `{name}` is left out: {why}", "note:".bold()));
    }
    if rows.is_empty() && skipped.len() == networks.len() {
        return Err(Failure::wrong("no network could be run on a dataset\n  help: give numbers with `--input`"));
    }
    Ok(Exit::Fine)
}

/// Where a network's samples come from.
struct Source {
    name: String,
    dataset: Arc<Dataset>,
    /// The index of the field of each input.
    fields: Vec<usize>,
    /// The index of the field with the right class.
    label: Option<usize>,
}

impl Source {
    fn sample(&self, number: usize) -> Sample {
        let inputs = self.fields.iter().map(|field| match &self.dataset.fields[*field].data {
            Samples::Numbers { numbers, each } => {
                let numbers = numbers.part(number * each, *each);
                numbers.iter().flat_map(|part| part.iter()).map(|n| i128::from(*n)).collect()
            }
            Samples::Classes(_) => Vec::new(),
        });
        let label = self.label.and_then(|field| match &self.dataset.fields[field].data {
            Samples::Classes(classes) => classes.get(number).map(|class| *class as usize),
            Samples::Numbers { .. } => None,
        });
        Sample { number: Some(number), inputs: inputs.collect(), label }
    }
}

impl Arguments {
    /// The dataset and its fields for a network, or why there is none.
    fn source(&self, specs: &Specs, file: SourceFile, network: &Network) -> Result<Source, String> {
        let db = &specs.db;
        let names = scope(db, file);
        let all: Vec<(String, Arc<Dataset>)> = names
            .value
            .iter()
            .flat_map(|scope| &scope.names)
            .filter(|(_, item)| matches!(tree(db, **item).as_deref().map(|t| &t.kind), Some(ItemKind::Dataset(_))))
            .filter_map(|(name, item)| Some((name.to_string(), Arc::new(dataset(db, *item).value.clone()?))))
            .collect();
        let list = |all: &[(String, Arc<Dataset>)]| {
            all.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let wanted: Vec<(String, Arc<Dataset>)> = match &self.dataset {
            Some(name) => all.iter().filter(|(known, _)| known == name).cloned().collect(),
            None => all.clone(),
        };
        if let (Some(name), true) = (&self.dataset, wanted.is_empty()) {
            let known = if all.is_empty() { "it has none".to_owned() } else { format!("there are {}", list(&all)) };
            return Err(format!("the spec has no dataset `{name}`\n  help: {known}"));
        }
        let mut found: Vec<Source> = Vec::new();
        let mut why = None;
        for (name, dataset) in &wanted {
            match self.fields(specs, network, name, dataset) {
                Ok(fields) => {
                    let label = self.label(network, name, dataset)?;
                    found.push(Source { name: name.clone(), dataset: dataset.clone(), fields, label });
                }
                Err(reason) => why = Some(reason),
            }
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 if wanted.len() == 1 || !self.field.is_empty() => {
                Err(why.unwrap_or_else(|| "the spec has no dataset".to_owned()))
            }
            0 if all.is_empty() => Err("the spec has no dataset\n  help: give numbers with `--input`".to_owned()),
            0 => Err(format!("no dataset has a field of the type {}", input_types(specs, network))),
            _ => {
                let names: Vec<_> = found.into_iter().map(|s| (s.name, s.dataset)).collect();
                Err(format!("several datasets fit: {}\n  help: pick one with `--dataset`", list(&names)))
            }
        }
    }

    /// The field of each input.
    fn fields(&self, specs: &Specs, network: &Network, name: &str, dataset: &Dataset) -> Result<Vec<usize>, String> {
        let fits = |field: &Field, port: &Port| match &field.ty {
            Type::Stored(format, shape) => port.format.as_ref() == Some(format) && same_sizes(shape, &port.shape),
            _ => false,
        };
        let mut fields = Vec::new();
        for (index, port) in network.inputs.iter().enumerate() {
            let wanted = self.field.get(index).or(self.field.first().filter(|_| self.field.len() == 1));
            if let Some(wanted) = wanted {
                let position = dataset.fields.iter().position(|field| &*field.name == wanted.as_str());
                let position = position.ok_or_else(|| format!("`{name}` has no field `{wanted}`"))?;
                if !fits(&dataset.fields[position], port) {
                    return Err(format!(
                        "`{name}.{wanted}` is {}, but `{}` takes {}",
                        dataset.fields[position].ty.show(&specs.db),
                        network.name,
                        port_type(specs, port)
                    ));
                }
                fields.push(position);
                continue;
            }
            let fitting: Vec<usize> = (0..dataset.fields.len()).filter(|f| fits(&dataset.fields[*f], port)).collect();
            let by_name = fitting.iter().find(|f| dataset.fields[**f].name == port.name);
            match (by_name, fitting.as_slice()) {
                (Some(field), _) => fields.push(*field),
                (None, [only]) => fields.push(*only),
                (None, []) => {
                    return Err(format!("`{name}` has no field of the type {}", port_type(specs, port)));
                }
                _ => return Err(format!("several fields of `{name}` fit\n  help: pick one with `--field`")),
            }
        }
        Ok(fields)
    }

    /// The field with the right class.
    fn label(&self, network: &Network, name: &str, dataset: &Dataset) -> Result<Option<usize>, String> {
        let outputs = count(&network.output.shape);
        // A network may tell more classes apart than the labels use.
        let fits = |field: &Field| matches!(&field.ty, Type::Class(classes) if outputs > 1 && classes.count <= outputs);
        if let Some(wanted) = &self.label {
            let position = dataset.fields.iter().position(|field| &*field.name == wanted.as_str());
            return match position {
                Some(position) if fits(&dataset.fields[position]) => Ok(Some(position)),
                Some(_) => Err(format!("`{name}.{wanted}` is no class among the {outputs} of `{}`", network.name)),
                None => Err(format!("`{name}` has no field `{wanted}`")),
            };
        }
        let fitting: Vec<usize> = (0..dataset.fields.len()).filter(|f| fits(&dataset.fields[*f])).collect();
        Ok(match fitting.as_slice() {
            [only] if outputs > 1 => Some(*only),
            _ => None,
        })
    }

    /// The numbers that `--input` or `--raw` gives.
    fn given(&self, specs: &Specs, network: &Network, output: &Output) -> Result<Sample, Failure> {
        let (texts, raw) = if self.input.is_empty() { (&self.raw, true) } else { (&self.input, false) };
        if texts.len() != network.inputs.len() {
            return Err(Failure::wrong(format!(
                "`{}` takes {}, not {}\n  help: give `--{}` once for each",
                network.name,
                plural(network.inputs.len(), "input", "inputs"),
                texts.len(),
                if raw { "raw" } else { "input" },
            )));
        }
        let inputs = texts.iter().zip(&network.inputs).map(|(text, port)| numbers(specs, text, port, raw, output));
        Ok(Sample { number: None, inputs: inputs.collect::<Result<_, _>>()?, label: None })
    }

    /// A row of the table of accuracies, and the samples that are misclassified.
    fn accuracy(&self, source: &Source, network: &Arc<Network>) -> Result<Accuracy, Failure> {
        let all = Picked::first(usize::MAX);
        let picked = self.samples.as_ref().unwrap_or(&all).numbers(source, self.samples.is_some())?;
        let mut wrong = Vec::new();
        for number in &picked {
            let sample = source.sample(*number);
            if Run::of(network, &sample)?.is_right() != Some(true) {
                wrong.push(*number);
            }
        }
        Ok(Accuracy { network: network.clone(), dataset: source.name.clone(), samples: picked.len(), wrong })
    }

    fn show_accuracy(&self, rows: &[Accuracy], output: &mut Output) -> Result<(), Failure> {
        if self.json {
            for row in rows {
                let row = json!({
                    "network": row.network.name,
                    "dataset": row.dataset,
                    "samples": row.samples,
                    "right": row.samples - row.wrong.len(),
                    "accuracy": row.share(),
                    "wrong": row.wrong,
                });
                output.json_text(&row.to_string())?;
            }
            return Ok(());
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                vec![
                    row.network.name.to_string(),
                    percent(row.samples - row.wrong.len(), row.samples, 2),
                    format!("{} of {}", row.samples - row.wrong.len(), plural(row.samples, "sample", "samples")),
                    format!("of `{}`", row.dataset),
                ]
            })
            .collect();
        for ((line, row), cells) in table(&cells, &[1, 2], usize::MAX).iter().zip(rows).zip(&cells) {
            match columns(line) <= width() {
                true => output.line(line)?,
                false => output.text(flow("", cells, width()))?,
            }
            if self.wrong && !row.wrong.is_empty() {
                let list: Vec<String> = row.wrong.iter().map(usize::to_string).collect();
                output.text(flow("  ", &[format!("wrong: {}", list.join(", "))], width()))?;
            }
        }
        Ok(())
    }

    /// What a network makes of a sample.
    fn show(&self, specs: &Specs, run: &Run<'_>, alone: bool, output: &mut Output) -> Result<(), Failure> {
        if self.json {
            return output.json_text(&run.json(self.layers.as_deref() == Some("all")).to_string());
        }
        if alone || self.layers.is_some() {
            return self.show_in_full(specs, run, output);
        }
        let values = run.output_values();
        let name = |class: usize| class_name(specs, &run.network.output, class);
        let mut line = run.sample.number.map_or_else(String::new, |n| format!("{n:>6}"));
        if let Some(class) = run.argmax() {
            line.push_str(&format!("  {}", tied(class, &run.ties(), |i| name(*i)).bold()));
        }
        match (run.is_right(), run.sample.label) {
            (Some(true), _) => line.push_str(&format!(" {}", "✓".green())),
            (Some(false), Some(label)) => line.push_str(&format!(" {}", format!("✗ is {}", name(label)).red())),
            _ => {}
        }
        let shown = values[..values.len().min(MOST_NUMBERS)].join(" ");
        let more = if values.len() > MOST_NUMBERS { " …" } else { "" };
        output.text(flow("", &[line, format!("{}{more}", shown.dimmed())], width()))
    }

    fn show_in_full(&self, specs: &Specs, run: &Run<'_>, output: &mut Output) -> Result<(), Failure> {
        let title = match run.sample.number {
            Some(number) => format!("{} on sample {number}", run.network.name),
            None => run.network.name.to_string(),
        };
        output.line(title.bold())?;
        for (port, numbers) in run.network.inputs.iter().zip(&run.sample.inputs) {
            show_tensor(specs, port, numbers, true, output)?;
        }
        if let Some(which) = &self.layers {
            for layer in &run.network.layers {
                let port = &layer.port;
                let is_output = port.node == run.network.output.node;
                if (port.format.is_some() || which == "all") && !is_output {
                    let named = Port { name: layer_name(&port.name, &layer.operation).into(), ..port.clone() };
                    show_tensor(specs, &named, &run.values[port.node.index()], false, output)?;
                }
            }
        }
        let out = &run.network.output;
        match &run.reals {
            None => show_tensor(specs, out, &run.values[out.node.index()], false, output)?,
            Some(_) => {
                output.line(format_args!("  {}  {}", out.name.bold(), port_type(specs, out).dimmed()))?;
                for values in run.output_values().chunks(MOST_NUMBERS) {
                    output.text(flow("    ", &[values.join(" ")], width()))?;
                }
            }
        }
        if let Some(class) = run.argmax() {
            let label = match (run.is_right(), run.sample.label) {
                (Some(true), _) => format!("  {}", "✓ as labelled".green()),
                (_, Some(label)) => format!("  {}", format!("✗ labelled {}", class_name(specs, out, label)).red()),
                _ => String::new(),
            };
            let name = tied(class, &run.ties(), |i| class_name(specs, out, *i));
            output.line(format_args!("  argmax {}{label}", name.bold()))?;
        }
        Ok(())
    }
}

/// How accurate a network is.
struct Accuracy {
    network: Arc<Network>,
    dataset: String,
    samples: usize,
    wrong: Vec<usize>,
}

impl Accuracy {
    fn share(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { (self.samples - self.wrong.len()) as f64 / self.samples as f64 }
    }
}

impl<'a> Run<'a> {
    fn of(network: &'a Network, sample: &'a Sample) -> Result<Run<'a>, Failure> {
        let values = interpret(&network.graph, &sample.inputs).map_err(|overflow| {
            let message = format!("`{}` overflows 128 bits at node {}", network.name, overflow.node.0);
            Failure::Message(Exit::Internal, message)
        })?;
        let reals = network.real.as_ref().map(|reading| {
            let inputs: Vec<&[i128]> = sample.inputs.iter().map(Vec::as_slice).collect();
            reading.real.evaluate(&inputs, reading.output)
        });
        Ok(Run { network, sample, values, reals })
    }

    /// The output's values.
    fn outputs(&self) -> Vec<Rational> {
        let out = &self.network.output;
        match &self.reals {
            Some(values) => values.clone(),
            None => self.values[out.node.index()].iter().enumerate().map(|(i, n)| out.value(i, *n)).collect(),
        }
    }

    fn output_values(&self) -> Vec<String> {
        self.outputs().iter().map(show).collect()
    }

    /// The index of the first greatest value.
    fn argmax(&self) -> Option<usize> {
        argmax(&self.outputs()).0
    }

    /// The indices of all greatest values where there are several.
    fn ties(&self) -> Vec<usize> {
        argmax(&self.outputs()).1
    }

    fn is_right(&self) -> Option<bool> {
        Some(self.argmax()? == self.sample.label?)
    }

    fn json(&self, exact_too: bool) -> Value {
        let tensor =
            |port: &Port, numbers: &[i128]| -> Value { raw(port, numbers).into_iter().map(json_integer).collect() };
        let layers: Vec<Value> = self
            .network
            .layers
            .iter()
            .filter(|layer| layer.port.format.is_some() || exact_too)
            .map(|layer| {
                json!({
                    "name": layer.port.name,
                    "operation": layer.operation,
                    "shape": sizes(&layer.port),
                    "format": layer.port.format.as_ref().map(ToString::to_string),
                    "raw": tensor(&layer.port, &self.values[layer.port.node.index()]),
                })
            })
            .collect();
        let inputs: Vec<Value> =
            self.network.inputs.iter().zip(&self.sample.inputs).map(|(port, n)| tensor(port, n)).collect();
        let out = &self.network.output;
        json!({
            "network": self.network.name,
            "sample": self.sample.number,
            // One input, as nearly always, is not wrapped in a list.
            "input": if let [only] = inputs.as_slice() { only.clone() } else { json!(inputs) },
            "layers": layers,
            // Exact numbers are no raw integers of any format.
            "output": if self.reals.is_none() { tensor(out, &self.values[out.node.index()]) } else { Value::Null },
            "values": self.output_values(),
            "exact": self.outputs().iter().map(exact).collect::<Vec<String>>(),
            "argmax": self.argmax(),
            "ties": self.ties(),
            "label": self.sample.label,
        })
    }
}

fn sizes(port: &Port) -> Vec<usize> {
    port.shape.iter().map(|axis| axis.size).collect()
}

fn raw(port: &Port, numbers: &[i128]) -> Vec<i128> {
    numbers.iter().enumerate().map(|(i, n)| port.raw(i, *n)).collect()
}

fn values(port: &Port, numbers: &[i128]) -> Vec<String> {
    numbers.iter().enumerate().map(|(i, n)| show(&port.value(i, *n))).collect()
}

/// What a layer is called: by its `let`, and by what it computes unless that is the cast its type shows anyway.
fn layer_name(name: &str, operation: &str) -> String {
    match (name.starts_with('#'), operation.starts_with("as ")) {
        (true, true) => "as".to_owned(),
        (true, false) => operation.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) => format!("{name} = {operation}"),
    }
}

/// A class by its name, if an enum names it.
fn class_name(specs: &Specs, output: &Port, class: usize) -> String {
    let labels = output.shape.first().and_then(|axis| axis.labels);
    let name = labels.and_then(|item| variant_names(&specs.db, item).get(class).cloned());
    name.map_or_else(|| class.to_string(), |name| name.to_string())
}

fn port_type(specs: &Specs, port: &Port) -> String {
    let format = port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string);
    format!("{format}{}", show_shape(&specs.db, &port.shape))
}

fn input_types(specs: &Specs, network: &Network) -> String {
    network.inputs.iter().map(|port| port_type(specs, port)).collect::<Vec<_>>().join(", ")
}

/// A tensor with its type: as a picture, or raw integers and values.
fn show_tensor(
    specs: &Specs,
    port: &Port,
    numbers: &[i128],
    picture: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    output.line(format_args!("  {}  {}", port.name.bold(), port_type(specs, port).dimmed()))?;
    if let Some((height, width)) = image_size(&sizes(port)).filter(|_| picture) {
        let pixels: Vec<f64> = numbers.iter().enumerate().map(|(i, n)| to_f64(&port.value(i, *n))).collect();
        let scale =
            Scale::Grey(pixels.iter().copied().fold(0.0, f64::min), pixels.iter().copied().fold(f64::MIN, f64::max));
        let panel = Panel { caption: String::new(), height, width, pixels, scale };
        for line in side_by_side(&[panel], output.ink()).lines().skip(1) {
            output.line(format_args!("    {line}"))?;
        }
        return Ok(());
    }
    let raw: Vec<String> = raw(port, numbers).iter().map(i128::to_string).collect();
    let values = values(port, numbers);
    let per_line = match port.shape.last() {
        Some(axis) if port.shape.len() > 1 && axis.size <= MOST_NUMBERS => axis.size,
        _ => MOST_NUMBERS,
    };
    let right: Vec<usize> = (0..=per_line).collect();
    let names: Option<Vec<Arc<str>>> = match port.shape.as_slice() {
        [axis] => axis.labels.map(|item| variant_names(&specs.db, item)),
        _ => None,
    };
    for start in (0..raw.len()).step_by(per_line) {
        let end = (start + per_line).min(raw.len());
        let row = |name: &str, cells: &[String]| [&[name.to_owned()], cells].concat();
        let mut rows = Vec::new();
        if let Some(names) = &names {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            rows.push(row("", &names[start..end]));
        }
        rows.push(row("raw", &raw[start..end]));
        rows.push(row("value", &values[start..end]));
        for line in table(&rows, &right, width()) {
            output.line(format_args!("    {line}"))?;
        }
    }
    Ok(())
}

/// The node's integers for numbers as a person writes them.
fn numbers(specs: &Specs, text: &str, port: &Port, raw: bool, output: &Output) -> Result<Vec<i128>, Failure> {
    let parts: Vec<&str> = text.split([',', ' ', ';', '[', ']']).filter(|part| !part.is_empty()).collect();
    let wanted = count(&port.shape);
    if parts.len() != wanted {
        return Err(Failure::wrong(format!(
            "`{}` is {}: {}, not {}",
            port.name,
            port_type(specs, port),
            plural(wanted, "number", "numbers"),
            parts.len()
        )));
    }
    let format = port.format.as_ref();
    let (mut numbers, mut rounded) = (Vec::with_capacity(wanted), Vec::new());
    let first = port.shape.first().map_or(1, |axis| axis.size);
    for (i, part) in parts.iter().enumerate() {
        let bad = |why: String| Failure::wrong(format!("`{part}` {why}"));
        let zero = port.raw(i, 0);
        let number = match (raw, format) {
            (true, Some(format)) => {
                let stored: i64 = part.parse().map_err(|_| bad("is no integer".to_owned()))?;
                if !(format.min_raw()..=format.max_raw()).contains(&stored) {
                    let (least, greatest) = (format.min_raw(), format.max_raw());
                    return Err(bad(format!("is beyond `{format}`, whose integers are {least} to {greatest}")));
                }
                i128::from(stored) - zero
            }
            (false, Some(format)) => {
                let value = parse_decimal(part).ok_or_else(|| bad("is no number".to_owned()))?;
                let channel = if format.channels() == 1 { 0 } else { i / (wanted / first).max(1) };
                let quantized = format.quantize(&value, channel);
                if quantized.overflowed || quantized.error != Default::default() {
                    rounded.push(format!("{part} becomes {}", show(&format.value(quantized.raw, channel))));
                }
                i128::from(quantized.raw) - zero
            }
            (_, None) => part.parse().map_err(|_| bad("is no integer".to_owned()))?,
        };
        numbers.push(number);
    }
    if let (Some(first), Some(format)) = (rounded.first(), format) {
        let more = if rounded.len() > 1 { format!(" (and {} more)", rounded.len() - 1) } else { String::new() };
        output.warning(format_args!("not every number is a value of `{format}`: {first}{more}"));
    }
    Ok(numbers)
}

impl Picked {
    /// The first so many.
    fn first(count: usize) -> Picked {
        Picked(std::iter::once(0..count).collect())
    }

    /// The samples' numbers, within the dataset. Numbers that somebody asked for must exist.
    fn numbers(&self, source: &Source, asked: bool) -> Result<Vec<usize>, Failure> {
        let len = source.dataset.len;
        let mut numbers = Vec::new();
        for range in &self.0 {
            if asked && range.end > len {
                return Err(Failure::wrong(format!(
                    "`{}` has {}, 0 to {}: there is no sample {}",
                    source.name,
                    plural(len, "sample", "samples"),
                    len.saturating_sub(1),
                    range.end - 1
                )));
            }
            numbers.extend(range.start..range.end.min(len));
        }
        Ok(numbers)
    }
}

/// `3`, `0..20`, `0..=20`, `0,4,7`.
fn parse_samples(text: &str) -> Result<Picked, String> {
    let number = |text: &str| {
        text.trim().parse::<usize>().ok().filter(|n| *n < usize::MAX / 2).ok_or("write 3, 0..20, 0..=20 or 0,4,7")
    };
    let mut ranges = Vec::new();
    for part in text.split(',') {
        ranges.push(match part.split_once("..") {
            Some((start, end)) => match end.strip_prefix('=') {
                Some(last) => number(start)?..number(last)? + 1,
                None => number(start)?..number(end)?,
            },
            None => number(part)?..number(part)? + 1,
        });
    }
    match ranges.iter().find(|range| range.is_empty()) {
        Some(range) => Err(format!("{}..{} holds no sample", range.start, range.end)),
        None => Ok(Picked(ranges)),
    }
}
