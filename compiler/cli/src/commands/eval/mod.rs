//! `qnn eval`: runs networks, exactly as they are verified, by the reference interpreter.

mod evaluation;
mod show;
mod source;

use crate::networks;
use crate::output::{Exit, Failure, Output, plural, quoted};
use crate::spec::Specs;
use evaluation::{Accuracy, Evaluation};
use owo_colors::OwoColorize;
use qnn::check::network::Network;
use qnn::check::types::count;
use source::{Picked, Source, parse_samples};
use std::path::PathBuf;
use std::sync::Arc;

/// The samples that are shown where nothing says which.
const FEW: usize = 10;
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
            arguments.show(&specs, &Evaluation::of(network, &sample)?, true, output)?;
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
            let run = Evaluation::of(network, &sample)?;
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

impl Arguments {
    /// A row of the table of accuracies, and the samples that are misclassified.
    fn accuracy(&self, source: &Source, network: &Arc<Network>) -> Result<Accuracy, Failure> {
        let all = Picked::first(usize::MAX);
        let picked = self.samples.as_ref().unwrap_or(&all).numbers(source, self.samples.is_some())?;
        let mut wrong = Vec::new();
        for number in &picked {
            let sample = source.sample(*number);
            if Evaluation::of(network, &sample)?.is_right() != Some(true) {
                wrong.push(*number);
            }
        }
        Ok(Accuracy { network: network.clone(), dataset: source.name.clone(), samples: picked.len(), wrong })
    }
}
