//! Networks as the commands name them: `digits<6>`, or just `digits` for every width that the spec's properties use.

use super::output::{Failure, Output};
use super::spec::Specs;
use qnn::check::network::{Network, Port, network, real_network};
use qnn::check::scope::{scope, similar};
use qnn::check::spec::{family, question, shown_calls, verifiable};
use qnn::check::types::{plural, show_shape};
use qnn::db::{ItemId, SourceFile, items, tree};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The instances of a family that are looked into for the networks they use.
const MOST_INSTANCES: usize = 64;

/// What follows the name of a network for its real-valued reading.
const REAL: &str = ".real";

/// The number of integers in angle brackets that a network takes; `None` for what is no network.
pub fn generics(specs: &Specs, item: ItemId) -> Option<Vec<Arc<str>>> {
    let found = tree(&specs.db, item);
    let names = found.as_deref()?.kind.network_generics()?;
    Some(names.iter().map(|name| name.text.clone()).collect())
}

/// The networks of a spec in the order of its text; generic ones as the spec's properties use them.
pub fn all(specs: &Specs, file: SourceFile) -> Vec<Arc<Network>> {
    let used = used_integers(specs, file);
    let mut found = Vec::new();
    for item in items(&specs.db, file) {
        match generics(specs, *item) {
            Some(names) if names.is_empty() => found.extend(instance(specs, *item, Vec::new())),
            Some(_) => found.extend(of_item(specs, *item, &used)),
            None => {}
        }
    }
    found
}

/// The instances of a generic network that are used.
fn of_item(specs: &Specs, item: ItemId, used: &BTreeSet<(String, Vec<i128>)>) -> Vec<Arc<Network>> {
    let name = item.name(&specs.db);
    let wanted = used.iter().filter(|(known, _)| known == name).map(|(_, integers)| integers.clone());
    wanted.filter_map(|integers| instance(specs, item, integers)).collect()
}

fn instance(specs: &Specs, item: ItemId, integers: Vec<i128>) -> Option<Arc<Network>> {
    network(&specs.db, item, integers).value.clone()
}

/// Name and integers of every network that an instance of a property applies.
fn used_integers(specs: &Specs, file: SourceFile) -> BTreeSet<(String, Vec<i128>)> {
    let mut used = BTreeSet::new();
    for item in verifiable(&specs.db, file) {
        let count = family(&specs.db, item).value.as_ref().map_or(0, |f| f.instances.len());
        // Parameters vary slowest first: spread the looks over the family, and take its end.
        let step = count.div_ceil(MOST_INSTANCES).max(1);
        let spread = (0..count).step_by(step);
        let end = count.saturating_sub(MOST_INSTANCES / 4)..count;
        for index in spread.chain(if step > 1 { end } else { 0..0 }) {
            let outcome = question(&specs.db, item, index);
            let calls = outcome.value.as_ref().map(|found| shown_calls(&specs.db, item, index, found));
            let calls = calls.unwrap_or_default();
            used.extend(calls.iter().filter_map(|call| integers_of(&call.network.name)));
        }
    }
    used
}

/// `digits<6, 2>` as its name and its integers.
fn integers_of(text: &str) -> Option<(String, Vec<i128>)> {
    let text = text.strip_suffix(REAL).unwrap_or(text);
    let Some((name, rest)) = text.split_once('<') else { return Some((text.trim().to_owned(), Vec::new())) };
    let list = rest.trim_end().strip_suffix('>')?;
    let integers = list.split(',').map(|n| n.trim().parse().ok()).collect::<Option<Vec<i128>>>()?;
    Some((name.trim().to_owned(), integers))
}

/// The networks that an argument means, with `-g`'s integers where it names none.
///
/// # Errors
/// With a sentence, if there is no such network, or its integers are missing or wrong.
pub fn named(
    specs: &mut Specs,
    file: SourceFile,
    text: &str,
    integers: &[i128],
    output: &Output,
) -> Result<Vec<Arc<Network>>, Failure> {
    let found = quantized(specs, file, text, integers, output)?;
    if !text.ends_with(REAL) {
        return Ok(found);
    }
    let named = |network: &Arc<Network>| {
        let (name, integers) = integers_of(&network.name)?;
        Some((*scope(&specs.db, file).value.as_ref()?.names.get(name.as_str())?, integers))
    };
    let wanted: Vec<(ItemId, Vec<i128>)> = found.iter().filter_map(named).collect();
    let mut readings = Vec::with_capacity(wanted.len());
    for (item, integers) in wanted {
        let outcome = real_network(&specs.db, item, integers).clone();
        match &outcome.value {
            Some(network) => readings.push(network.clone()),
            None => {
                specs.show(&outcome.diagnostics, output);
                return Err(Failure::wrong(format!("`{text}` can't be read as real")));
            }
        }
    }
    Ok(readings)
}

fn quantized(
    specs: &mut Specs,
    file: SourceFile,
    text: &str,
    integers: &[i128],
    output: &Output,
) -> Result<Vec<Arc<Network>>, Failure> {
    let (name, written) = integers_of(text).ok_or_else(|| {
        Failure::wrong(format!(
            "`{text}` is no network\n  help: write its name, and integers in angle brackets: 'digits<6>'"
        ))
    })?;
    let scope = scope(&specs.db, file);
    let names = scope.value.as_ref().map(|scope| &scope.names);
    let item = names.and_then(|names| names.get(name.as_str())).copied();
    let Some((item, generics)) = item.and_then(|item| Some((item, generics(specs, item)?))) else {
        let known: Vec<String> = names
            .into_iter()
            .flatten()
            .filter(|(_, item)| generics(specs, **item).is_some())
            .map(|(name, _)| name.to_string())
            .collect();
        let help = match similar(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it has no networks".to_owned(),
            None => format!("its networks are {}", known.join(", ")),
        };
        return Err(Failure::wrong(format!("{} has no network `{name}`\n  help: {help}", specs.name(file))));
    };
    let integers = if written.is_empty() { integers.to_vec() } else { written };
    if integers.is_empty() && !generics.is_empty() {
        let found = of_item(specs, item, &used_integers(specs, file));
        if found.is_empty() {
            let example = vec!["6"; generics.len()].join(", ");
            return Err(Failure::wrong(format!(
                "`{name}` takes {} in angle brackets ({}), and no property says which\n  help: write '{name}<{example}>', in quotes, or `-g {example}`",
                plural(generics.len(), "integer"),
                generics.join(", "),
            )));
        }
        return Ok(found);
    }
    if integers.len() != generics.len() {
        return Err(Failure::wrong(format!(
            "`{name}` takes {} in angle brackets, not {}",
            plural(generics.len(), "integer"),
            integers.len()
        )));
    }
    let outcome = network(&specs.db, item, integers).clone();
    match &outcome.value {
        Some(network) => Ok(vec![network.clone()]),
        None => {
            specs.show(&outcome.diagnostics, output);
            Err(Failure::wrong(format!("`{name}` can't be built with these integers")))
        }
    }
}

/// The type of an input or output: `uint<4>[2]`.
pub fn port_type(specs: &Specs, port: &Port) -> String {
    let format = port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string);
    format!("{format}{}", show_shape(&specs.db, &port.shape))
}
