//! What networks make of samples, as text.

use super::Arguments;
use super::evaluation::{Accuracy, Evaluation, raw, sizes};
use crate::networks::port_type;
use crate::output::{Failure, Output, columns, flow, plural, table, width};
use crate::spec::Specs;
use owo_colors::OwoColorize;
use qnn::check::constant::variant_names;
use qnn::check::network::Port;
use qnn::ir::rational::{show, to_f64};
use qnn::report::sentences::{percent, tied};
use qnn::report::terminal_picture::{ColorScale, Panel, image_size, side_by_side};
use serde_json::json;
use std::sync::Arc;

/// The numbers of a tensor that are written on one line.
const MOST_NUMBERS: usize = 16;

impl Arguments {
    /// The table of accuracies.
    pub fn show_accuracy(&self, rows: &[Accuracy], output: &mut Output) -> Result<(), Failure> {
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
    pub fn show(&self, specs: &Specs, run: &Evaluation<'_>, alone: bool, output: &mut Output) -> Result<(), Failure> {
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

    fn show_in_full(&self, specs: &Specs, run: &Evaluation<'_>, output: &mut Output) -> Result<(), Failure> {
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

/// A tensor with its type: as a picture, or raw integers and values.
fn show_tensor(
    specs: &Specs,
    port: &Port,
    numbers: &[i128],
    picture: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    output.line(format_args!("  {}  {}", port.name.bold(), port_type(specs, port).dimmed()))?;
    if let Some(size) = image_size(&sizes(port)).filter(|_| picture) {
        let pixels: Vec<f64> = numbers.iter().enumerate().map(|(i, n)| to_f64(&port.value(i, *n))).collect();
        let scale = ColorScale::Grey(
            pixels.iter().copied().fold(0.0, f64::min),
            pixels.iter().copied().fold(f64::MIN, f64::max),
        );
        let panel = Panel { caption: String::new(), size, pixels, scale };
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
