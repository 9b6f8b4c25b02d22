//! Which samples go into a network: those of the dataset and fields that fit it, or given numbers.

use super::Arguments;
use crate::networks::port_type;
use crate::output::{Failure, Output, plural};
use crate::spec::Specs;
use qnn::check::data::{Dataset, Field, Samples, dataset};
use qnn::check::network::{Network, Port};
use qnn::check::scope::scope;
use qnn::check::types::{Type, count, same_sizes};
use qnn::db::{SourceFile, tree};
use qnn::ir::rational::{parse_decimal, show};
use qnn::syntax::ast::ItemKind;
use std::ops::Range;
use std::sync::Arc;

/// Samples by number; a range may end beyond the dataset's.
#[derive(Clone, Debug)]
pub struct Picked(pub Vec<Range<usize>>);

/// What goes into a network: for each input the node's integers.
pub struct Sample {
    /// Its number; `None` for given numbers.
    pub number: Option<usize>,
    /// For each input the node's integers.
    pub inputs: Vec<Vec<i128>>,
    /// The right class, if the dataset says it.
    pub label: Option<usize>,
}

/// Where a network's samples come from.
pub struct Source {
    pub name: String,
    pub dataset: Arc<Dataset>,
    /// The index of the field of each input.
    fields: Vec<usize>,
    /// The index of the field with the right class.
    pub label: Option<usize>,
}

impl Source {
    pub fn sample(&self, number: usize) -> Sample {
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
    pub fn source(&self, specs: &Specs, file: SourceFile, network: &Network) -> Result<Source, String> {
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
    pub fn given(&self, specs: &Specs, network: &Network, output: &Output) -> Result<Sample, Failure> {
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
}

fn input_types(specs: &Specs, network: &Network) -> String {
    network.inputs.iter().map(|port| port_type(specs, port)).collect::<Vec<_>>().join(", ")
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
    pub fn first(count: usize) -> Picked {
        Picked(std::iter::once(0..count).collect())
    }

    /// The samples' numbers, within the dataset. Numbers that somebody asked for must exist.
    pub fn numbers(&self, source: &Source, asked: bool) -> Result<Vec<usize>, Failure> {
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
pub fn parse_samples(text: &str) -> Result<Picked, String> {
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
