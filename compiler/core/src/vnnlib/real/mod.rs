//! Queries about networks of floats, as functions of real numbers.
//!
//! In: a query and files of floats. Out: `sat` with a point that was evaluated in exact rationals and meets the query, `unsat` where exact ranges or Z3's linear
//! arithmetic over the reals prove that there is none, and otherwise `unknown` with the reason. What floats of 32 bits round on the way is no part of it.

mod network;
mod script;
mod search;

use super::answer::Answer;
use super::assignment::Assignment;
use super::bounds::Bounds;
use super::model::{Mismatch, count, described, element, fits, sizes, summary, without_batch};
use super::problem::Problem;
use super::query::{Formula, Query, Relation, Role, Version};
use crate::db::{BytesContent, Db};
use network::{Range, RealNetwork};
use num_bigint::BigInt;
use num_traits::Signed;
use qnn_engine::smt::reals::{self, Verdict};
use qnn_engine::smt::version;
use qnn_engine::{CancelToken, Control, Reason};
use qnn_import::FloatNetwork;
use qnn_ir::Rational;
use script::Bound;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// An answer about real numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RealAnswer {
    /// The answer.
    pub answer: Answer,
    /// What to say of it, a sentence each.
    pub notes: Vec<String>,
}

/// What an answer may cost.
pub fn real_control(deadline: Instant, memory: Option<u64>, cancel: &CancelToken) -> Control {
    Control { deadline: Some(deadline), memory, cancel: cancel.clone(), ..Control::default() }
}

/// A file's network, and which of its tensors those of a declaration are.
struct Loaded {
    floats: FloatNetwork,
    tensors: Vec<usize>,
}

/// Answers a query about the files of its networks.
///
/// # Errors
/// If a file can't be read as a network of floats, or has other tensors than the query declares.
pub fn solve_reals(db: &dyn Db, query: &Query, paths: &[PathBuf], control: &Control) -> Result<RealAnswer, Mismatch> {
    let loaded = control.bound(|| {
        let each = query.networks.iter().zip(paths).map(|(network, path)| load(db, query.version, network, path));
        each.collect::<Result<Vec<Loaded>, Mismatch>>()
    });
    let loaded = match loaded {
        Ok(loaded) => loaded?,
        Err(reason) => return Ok(undecided(&reason)),
    };
    let mut notes: Vec<String> = loaded.iter().flat_map(|own| own.floats.notes.clone()).collect();
    let answered = control.bound(|| answer(query, &loaded, control));
    let mut answer = answered.unwrap_or_else(|reason| undecided(&reason));
    notes.append(&mut answer.notes);
    Ok(RealAnswer { notes, ..answer })
}

fn undecided(reason: &Reason) -> RealAnswer {
    match reason {
        Reason::Timeout => RealAnswer { answer: Answer::Timeout, notes: Vec::new() },
        other => RealAnswer { answer: Answer::Unknown, notes: vec![other.to_string()] },
    }
}

fn load(db: &dyn Db, version: Version, declared: &super::query::Network, path: &Path) -> Result<Loaded, Mismatch> {
    let held = summary(db, path)?;
    let shown = path.display();
    let floats = match &db.data(path).bytes(db).content {
        BytesContent::File(bytes) => qnn_import::float_network(bytes, None),
        _ => return Err(Mismatch::File(format!("`{shown}` can't be read"), None)),
    };
    let floats = floats
        .map_err(|problem| Mismatch::File(format!("`{shown}` can't be imported: {problem}"), problem.help.clone()))?;
    if let Some(note) = floats.notes.iter().find(|note| note.contains(qnn_import::LEFT_OUT)) {
        let message = format!("`{shown}` has outputs that a query can't be asked about: {note}");
        return Err(Mismatch::File(message, None));
    }
    if floats.outputs.len() != held.outputs.len() {
        return Err(Mismatch::File(format!("some outputs of `{shown}` are the same tensor"), None));
    }
    let mut tensors = Vec::new();
    for role in [Role::Input, Role::Hidden, Role::Output] {
        let of_role: Vec<_> = declared.of(role).map(|(_, tensor)| tensor).collect();
        let (described_all, own) = match role {
            Role::Input => (&held.inputs, &floats.inputs),
            _ => (&held.outputs, &floats.outputs),
        };
        if role != Role::Hidden {
            count(path, declared, role, of_role.len(), described_all.len())?;
        }
        for (place, tensor) in of_role.into_iter().enumerate() {
            if role == Role::Hidden {
                let name = tensor.file_name.as_deref().unwrap_or_default();
                let found = floats.tensors.iter().position(|own| &*own.name == name);
                let missing = || Problem::new(format!("the file computes no tensor `{name}`"), tensor.span.clone(), "");
                let index = found.ok_or_else(missing)?;
                fits(tensor, &floats.tensors[index].shape, false)?;
                real_element(tensor, version)?;
                tensors.push(index);
                continue;
            }
            let (place, described) = described(tensor, place, described_all)?;
            element(tensor, &described.element)?;
            real_element(tensor, version)?;
            let index = own.get(place).copied();
            let index = index.ok_or_else(|| Problem::new("the file has no such tensor", tensor.span.clone(), ""))?;
            let shape = if role == Role::Input {
                without_batch(&sizes(described))
            } else {
                floats.tensors[index].shape.clone()
            };
            fits(tensor, &shape, version == Version::One)?;
            tensors.push(index);
        }
    }
    Ok(Loaded { floats, tensors })
}

/// A query about floats of 32 bits is not one about real numbers.
fn real_element(tensor: &super::query::Tensor, version: Version) -> Result<(), Problem> {
    if version == Version::One || tensor.element.eq_ignore_ascii_case("real") {
        return Ok(());
    }
    let message =
        format!("answers about {} would have to be those of its rounding, which are not known", tensor.element);
    Err(Problem::new(message, tensor.span.clone(), "declared here")
        .help("declare it as `Real`: the answer is then about real numbers"))
}

fn answer(query: &Query, loaded: &[Loaded], control: &Control) -> RealAnswer {
    let mut networks = Vec::new();
    for own in loaded {
        match RealNetwork::new(&own.floats) {
            Ok(network) => networks.push(network),
            Err(why) => return RealAnswer { answer: Answer::Unknown, notes: vec![why] },
        }
    }
    let boxes: Vec<Vec<Vec<Range>>> = input_boxes(query, loaded, &networks);
    let mut bounds = Vec::new();
    for ((network, own), inputs) in networks.iter().zip(loaded).zip(&boxes) {
        match network.ranges(inputs) {
            Some(ranges) => bounds.push(Bound { network, tensors: own.tensors.clone(), ranges }),
            None => {
                return RealAnswer { answer: Answer::Unknown, notes: vec!["a network's inputs don't fit".to_owned()] };
            }
        }
    }
    let empty = |range: &Range| matches!((&range.lo, &range.hi), (Some(lo), Some(hi)) if lo > hi);
    if boxes.iter().flatten().flatten().any(empty) || query.assertions.iter().any(|part| !is_possible(part, &bounds)) {
        let notes = vec!["proved by exact ranges".to_owned()];
        return RealAnswer { answer: Answer::Unsat, notes };
    }
    let floats: Vec<&FloatNetwork> = loaded.iter().map(|own| &own.floats).collect();
    if let Some(inputs) = search::search(query, &floats, &bounds, &boxes, control)
        && let Some(assignment) = evaluated(query, &bounds, &inputs)
    {
        return RealAnswer { answer: Answer::Sat(assignment), notes: Vec::new() };
    }
    let names: Vec<String> = bounds
        .iter()
        .enumerate()
        .flat_map(|(index, bound)| {
            bound.network.inputs.iter().flat_map(move |input| {
                (0..bound.network.tensors[*input].len()).map(move |i| script::constant(index, (*input, i)))
            })
        })
        .collect();
    match reals::check(script::script(query, &bounds), names, control) {
        Ok(Verdict::Unsatisfiable) => {
            RealAnswer { answer: Answer::Unsat, notes: vec![format!("proved by {}, on its word", version())] }
        }
        Ok(Verdict::Satisfiable(values)) => from_model(query, &bounds, values),
        Err(reason) => undecided(&reason),
    }
}

/// The answer that the solver's values make: rounded to short decimals, if these meet the query, too.
fn from_model(query: &Query, bounds: &[Bound<'_>], values: Vec<Rational>) -> RealAnswer {
    let shaped = |values: &[Rational]| {
        let mut rest = values.iter().cloned();
        let network = |bound: &Bound<'_>| -> Vec<Vec<Rational>> {
            bound
                .network
                .inputs
                .iter()
                .map(|input| rest.by_ref().take(bound.network.tensors[*input].len()).collect())
                .collect()
        };
        bounds.iter().map(network).collect::<Vec<_>>()
    };
    for digits in [9, 17, 40, 80] {
        let unit = Rational::from_integer(BigInt::from(10).pow(digits));
        let rounded: Vec<Rational> = values.iter().map(|value| (value * &unit).round() / &unit).collect();
        if let Some(assignment) = evaluated(query, bounds, &shaped(&rounded)) {
            return RealAnswer { answer: Answer::Sat(assignment), notes: Vec::new() };
        }
    }
    match evaluated(query, bounds, &shaped(&values)) {
        Some(assignment) => {
            let note = "the point has no finite decimals: what is printed is rounded, and only near a point that meets the query";
            RealAnswer { answer: Answer::Sat(assignment), notes: vec![note.to_owned()] }
        }
        None => {
            let note = format!("{} gave a point that does not meet the query", version());
            RealAnswer { answer: Answer::Unknown, notes: vec![note] }
        }
    }
}

/// The assignment of inputs, each a list of the networks' inputs in the files' order, if it meets the query.
fn evaluated(query: &Query, bounds: &[Bound<'_>], inputs: &[Vec<Vec<Rational>>]) -> Option<Assignment> {
    let mut values = Vec::new();
    for (bound, inputs) in bounds.iter().zip(inputs) {
        let all = bound.network.evaluate(inputs)?;
        values.push(bound.tensors.iter().map(|tensor| all.get(*tensor).cloned()).collect::<Option<Vec<_>>>()?);
    }
    let assignment = Assignment { values };
    query.holds(&|element| assignment.get(element)).then_some(assignment)
}

/// The box that all of the query demands of the inputs, of each network in its file's order.
fn input_boxes(query: &Query, loaded: &[Loaded], networks: &[RealNetwork]) -> Vec<Vec<Vec<Range>>> {
    let mut boxes: Vec<Vec<Vec<Range>>> = networks
        .iter()
        .map(|network| {
            network.inputs.iter().map(|input| vec![Range::default(); network.tensors[*input].len()]).collect()
        })
        .collect();
    for (index, declared) in query.networks.iter().enumerate() {
        for (tensor, own) in declared.of(Role::Input) {
            let held = loaded[index].tensors[tensor];
            let Some(input) = networks[index].inputs.iter().position(|input| *input == held) else { continue };
            let mut bounds = vec![Bounds::default(); own.count()];
            for assertion in &query.assertions {
                meet_all(&mut bounds, assertion, (index, tensor));
            }
            for (range, Bounds { lo, hi }) in boxes[index][input].iter_mut().zip(bounds) {
                (range.lo, range.hi) = (lo.map(|(bound, _)| bound), hi.map(|(bound, _)| bound));
            }
        }
    }
    boxes
}

/// Takes over what a formula demands of the elements of a tensor.
fn meet_all(bounds: &mut [Bounds], formula: &Formula, (network, tensor): (usize, usize)) {
    match formula {
        Formula::And(parts) => parts.iter().for_each(|part| meet_all(bounds, part, (network, tensor))),
        Formula::Or(_) => {}
        Formula::Compare(_, sum) => {
            let mut elements = sum.terms.keys();
            let (Some(element), None) = (elements.next(), elements.next()) else { return };
            if (element.network, element.tensor) == (network, tensor)
                && let Some(own) = bounds.get_mut(element.index)
            {
                own.meet(formula, *element);
            }
        }
    }
}

/// Whether the ranges leave it open that a formula holds.
fn is_possible(formula: &Formula, bounds: &[Bound<'_>]) -> bool {
    match formula {
        Formula::And(parts) => parts.iter().all(|part| is_possible(part, bounds)),
        Formula::Or(parts) => parts.iter().any(|part| is_possible(part, bounds)),
        Formula::Compare(relation, sum) => {
            let end = |upper: bool| -> Option<Rational> {
                let mut all = sum.constant.clone();
                for (element, factor) in &sum.terms {
                    let bound = bounds.get(element.network)?;
                    let range = bound.ranges.get(*bound.tensors.get(element.tensor)?)?.get(element.index)?;
                    let end = if factor.is_positive() == upper { &range.hi } else { &range.lo };
                    all += end.as_ref()? * factor;
                }
                Some(all)
            };
            match relation {
                Relation::AtLeast => end(true).is_none_or(|end| !end.is_negative()),
                Relation::Above => end(true).is_none_or(|end| end.is_positive()),
                Relation::Equal => {
                    end(true).is_none_or(|end| !end.is_negative()) && end(false).is_none_or(|end| !end.is_positive())
                }
                Relation::Unequal => true,
            }
        }
    }
}
