//! Counterexamples and witnesses as text: images as pictures, other tensors as numbers, outputs before → after.

use super::output::{columns, flow, table};
use owo_colors::OwoColorize;
use qnn::ir::rational;
use qnn::report::image::picture_size;
use qnn::report::sentences::{argmax, greatest, label, smallest_line};
use qnn::report::terminal_picture::{ColorScale, Ink, Panel, PictureSize, side_by_side};
use qnn::verify::verdict::{CallValue, Counterexample, Layout, Numbers, Output as Outputs, VariableValue};

/// By how much a counterexample is further in than its instance, with what stands below a call.
const MARGIN: usize = 8;
/// The most numbers of a tensor that are written out.
const MOST_NUMBERS: usize = 24;
/// The most outputs that are written out.
const MOST_OUTPUTS: usize = 16;

/// The counterexample, each line ended by a line feed.
pub fn show(counterexample: &Counterexample, ink: Ink, width: usize) -> String {
    // What is shown stands further in.
    let width = width.saturating_sub(MARGIN);
    let mut text = String::new();
    let mut rest = counterexample.variables.as_slice();
    while let Some((first, others)) = rest.split_first() {
        // Variables of one named type stand in one table.
        let alike = others.iter().take_while(|v| named(first).is_some() && named(v) == named(first)).count();
        match (named(first), picture_size(&first.layout)) {
            (Some(names), _) => text.push_str(&named_table(names, &rest[..=alike], width)),
            (None, Some(size)) => text.push_str(&picture(first, size, ink, width)),
            (None, None) => text.push_str(&numbers(first, width)),
        }
        rest = &rest[alike + 1..];
    }
    for call in &counterexample.calls {
        text.push_str(&outputs(call, width));
    }
    if let Some(smallest) = &counterexample.smallest {
        text.push_str(&flow("", &[smallest_line(smallest).dimmed().to_string()], width));
    }
    text
}

/// The names of the entries of a vector.
fn named(variable: &VariableValue) -> Option<&[String]> {
    match variable.layout.labels.as_slice() {
        [Some(names)] if names.len() <= MOST_NUMBERS => Some(names),
        _ => None,
    }
}

fn named_table(names: &[String], variables: &[VariableValue], width: usize) -> String {
    let mut rows = vec![[&[String::new()], names].concat()];
    for variable in variables {
        if let Some(center) = &variable.center {
            rows.push([&[format!("center of {}", variable.name)], center.numbers.values.as_slice()].concat());
        }
        rows.push([std::slice::from_ref(&variable.name), variable.numbers.values.as_slice()].concat());
    }
    let right: Vec<usize> = (1..=names.len()).collect();
    let lines = table(&rows, &right, width);
    lines.iter().enumerate().fold(String::new(), |text, (row, line)| {
        if row == 0 { format!("{text}{}\n", line.dimmed()) } else { format!("{text}{line}\n") }
    })
}

/// The pictures of a variable, and of the centre it stays near.
fn picture(variable: &VariableValue, size: PictureSize, ink: Ink, width: usize) -> String {
    let values = variable.numbers.floats();
    let center = variable.center.as_ref().map(|c| c.numbers.floats());
    let all = || values.iter().chain(center.iter().flatten()).copied();
    // Most images are of what is at least 0: then 0 is black, however dark the image.
    let scale = ColorScale::Grey(all().fold(0.0, f64::min), all().fold(f64::MIN, f64::max));
    let panel = |caption: String, pixels: Vec<f64>, scale| Panel { caption, size, pixels, scale };
    let mut panels = Vec::new();
    if let Some(center) = &center {
        let change: Vec<f64> = values.iter().zip(center).map(|(value, center)| value - center).collect();
        let strongest = change.iter().fold(0.0, |most: f64, d| most.max(d.abs()));
        let count = change.iter().filter(|d| **d != 0.0).count();
        panels.push(panel("original".to_owned(), center.clone(), scale));
        panels.push(panel(variable.name.clone(), values, scale));
        let most =
            variable.greatest_difference().map_or_else(String::new, |most| format!(", ≤ {}", rational::show(&most)));
        panels.push(panel(format!("{count} changed{most}"), change, ColorScale::Change(strongest)));
    } else {
        panels.push(panel(variable.name.clone(), values, scale));
    }
    beside(&panels, ink, width)
}

/// Panels side by side, and below each other where the width asks for it.
fn beside(panels: &[Panel], ink: Ink, width: usize) -> String {
    let whole = side_by_side(panels, ink);
    match panels.split_last() {
        Some((last, others)) if !others.is_empty() && whole.lines().any(|line| columns(line) > width) => {
            beside(others, ink, width) + &side_by_side(std::slice::from_ref(last), ink)
        }
        _ => whole,
    }
}

/// A variable as numbers, with what differs from the centre where there are many.
fn numbers(variable: &VariableValue, width: usize) -> String {
    let name = &variable.name;
    let all = |numbers: &Numbers| match (variable.layout.shape.as_slice(), numbers.values.as_slice()) {
        ([], [only]) => only.clone(),
        (_, values) if values.len() <= MOST_NUMBERS => format!("[{}]", values.join(", ")),
        (_, values) => format!("[{}, … {} numbers]", values[..8].join(", "), values.len()),
    };
    let line = |name: &str, numbers: &Numbers| flow("", &[format!("{name} = {}", all(numbers))], width);
    let Some(center) = &variable.center else { return line(name, &variable.numbers) };
    if variable.numbers.values.len() <= MOST_NUMBERS {
        return line("original", &center.numbers) + &line(name, &variable.numbers);
    }
    let changed: Vec<usize> = (0..center.difference.len()).filter(|i| center.difference[*i] != 0).collect();
    let (count, of) = (changed.len(), center.difference.len());
    let text = flow("", &[format!("{name} differs from the center in {count} of {of} numbers:")], width);
    let list: Vec<String> = changed
        .iter()
        .take(8)
        .map(|i| {
            let place = index(&variable.layout, *i);
            format!("{name}[{place}] {} → {}", center.numbers.values[*i], variable.numbers.values[*i])
        })
        .collect();
    let more = if changed.len() > 8 { ", …" } else { "" };
    text + &flow("  ", &[format!("{}{more}", list.join(", "))], width)
}

/// The indices of an element: `2, 3`.
fn index(layout: &Layout, mut element: usize) -> String {
    let mut places = Vec::new();
    for size in layout.shape.iter().rev() {
        places.push((element % size.max(&1)).to_string());
        element /= size.max(&1);
    }
    places.reverse();
    places.join(", ")
}

/// A network's output, before → after where there is a before.
fn outputs(call: &CallValue, width: usize) -> String {
    let count = call.output.numbers.values.len();
    let before = call.center.as_ref();
    let title = call.text.bold().to_string();
    let class = |output: &Outputs| argmax(&call.layout, output);
    let changed = before.is_some_and(|before| before.argmax != call.output.argmax);
    let mut verdict = match (before.and_then(&class), class(&call.output)) {
        (Some(a), Some(b)) if changed => format!("  argmax {} → {}", a.green().bold(), b.red().bold()),
        (_, Some(b)) => format!("  argmax {}", b.bold()),
        _ => String::new(),
    };
    match label(call) {
        Some(label) if call.wrong_before => verdict.push_str(&format!("  {}", label.red())),
        Some(label) => verdict.push_str(&format!("  {label}")),
        None => {}
    }
    if count == 1 || call.layout.shape.len() > 1 || count > MOST_OUTPUTS {
        let show = |output: &Outputs| match output.numbers.values.as_slice() {
            [only] => only.clone(),
            values if values.len() <= MOST_OUTPUTS => format!("[{}]", values.join(", ")),
            values => format!("{} numbers", values.len()),
        };
        return match before {
            Some(before) => flow("", &[format!("{title} = {} → {}{verdict}", show(before), show(&call.output))], width),
            None => flow("", &[format!("{title} = {}{verdict}", show(&call.output))], width),
        };
    }
    let mut rows = vec![std::iter::once(String::new()).chain((0..count).map(|i| call.layout.entry(i))).collect()];
    // A star marks the argmax, for those who see no colours.
    let row = |name: &str, output: &Outputs| {
        let cell = |(i, value): (usize, &String)| format!("{value}{}", if greatest(output, i) { "*" } else { " " });
        let cells = output.numbers.values.iter().enumerate().map(cell);
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    if let Some(before) = before {
        rows.push(row("original", before));
        rows.push(row(&changed_name(call), &call.output));
    } else {
        rows.push(row("", &call.output));
    }
    let (first, others) = rows.split_at(1);
    // The header has no star: its cells make room for one.
    let header: Vec<String> = first[0].iter().map(|cell| format!("{cell} ")).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(others.iter().cloned()).collect();
    let right: Vec<usize> = (1..=count).collect();
    let mut text = flow("", &[format!("{title}{verdict}")], width);
    for (number, line) in table(&rows, &right, width).iter().enumerate() {
        if number == 0 {
            text.push_str(&format!("  {}\n", line.dimmed()));
        } else {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// What the changed input is called beside the original.
fn changed_name(call: &CallValue) -> String {
    let inner = call.text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or("changed");
    inner.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_fit_a_narrow_terminal() {
        let values: Vec<String> = (1000..1020).map(|n| n.to_string()).collect();
        let numbers = Numbers { raw: Vec::new(), values: values.clone(), exact: values };
        let layout = |shape: Vec<usize>| Layout { labels: vec![None; shape.len()], shape, format: None, limits: None };
        let variable = VariableValue { name: "x".to_owned(), layout: layout(vec![20]), numbers, center: None };
        let values: Vec<String> = (0..12).map(|n| format!("{n}000")).collect();
        let output = Outputs {
            numbers: Numbers { raw: Vec::new(), values: values.clone(), exact: values },
            argmax: Some(11),
            ties: Vec::new(),
        };
        let call = |shape: Vec<usize>| CallValue {
            text: "f(x)".to_owned(),
            network: "f".to_owned(),
            layout: layout(shape),
            output: output.clone(),
            center: Some(output.clone()),
            asks_argmax: true,
            label: None,
            wrong_before: false,
        };
        let shown =
            Counterexample { variables: vec![variable], calls: vec![call(vec![12]), call(vec![3, 4])], smallest: None };
        for width in [30, 50, 80] {
            let text = show(&shown, Ink::Plain, width);
            assert!(text.lines().all(|line| columns(line) + 6 <= width), "{width}: {text}");
        }
    }
}
