//! From a database and its results to the report.
//!
//! In: a spec in the database, its plan and its results. Out: the model's [`Spec`]. Networks are lowered once for each choice of the parameters that
//! decide them, and run on the dataset where a property compares them with its labels; nothing is verified here.

use super::english;
use super::family_figures;
use super::locate::{begin, show_path};
use super::model::{Accuracy, Counts, File, Ground, Layer, Network, Property, Remark, Role, Spec};
use super::roles::{Pairing, Roles, roles};
use crate::check::data::{Samples, dataset};
use crate::check::network::{self, Memory, Port};
use crate::check::property::CallInfo;
use crate::check::spec::{question_once, shown_calls};
use crate::check::types::{Type, count, same_sizes, show_shape};
use crate::db::{Database, ItemId, SourceFile, normalise, offset, parsed, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::spelling::hex;
use crate::verify::{InstanceResult, Job, Plan, Summary};
use qnn_ir::interrupt::Condition;
use qnn_ir::{Interval, interpret, interrupt};
use qnn_syntax::Span;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// How many samples a network is run on at most, where nobody says otherwise.
pub const ACCURACY_SAMPLES: usize = 1000;
/// The choices of a property's widths for which its networks are looked up.
const MOST_CHOICES: usize = 64;

/// The time for a report never ends.
pub fn never() -> Condition {
    Arc::new(|| false)
}

/// What a report is made with.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Paths below this folder are shown relative to it.
    pub base: &'a Path,
    /// How many samples of a dataset each network is run on at most.
    pub samples: usize,
    /// Once it holds nothing more is lowered for the sake of the report: networks are then missing from it.
    pub stop: &'a Condition,
}

/// The files that the database has read.
pub fn files(db: &Database, base: &Path) -> Vec<File> {
    let all = db.files().into_iter();
    all.map(|(path, hash)| File { path: show_path(&path, base), blake3: hash.map(|hash| hex(&hash)) }).collect()
}

/// A spec with what the checker says of it, and with its results if it was verified. Nothing is checked here: the time for it may be over.
pub fn spec(
    db: &Database,
    file: SourceFile,
    found: &[Diagnostic],
    run: Option<(&Plan, &Summary)>,
    ask: Ask<'_>,
) -> Spec {
    let results = run.map_or(&[][..], |(_, summary)| &summary.results);
    let mut spec = Spec {
        spec: show_path(file.path(db), ask.base),
        docs: parsed(db, file).docs.clone(),
        diagnostics: found.iter().map(|d| remark(db, d, ask.base)).collect(),
        time: run.map(|(_, summary)| summary.time.as_secs_f64()),
        warnings: run.map_or_else(Vec::new, |(_, summary)| summary.warnings.clone()),
        left_out: run.map_or(0, |(plan, _)| plan.left_out),
        empty: run.map_or_else(Vec::new, |(_, summary)| summary.empty.iter().map(ToString::to_string).collect()),
        networks: Vec::new(),
        properties: Vec::new(),
        results: results.to_vec(),
    };
    let Some((plan, _)) = run else { return spec };
    let mut networks = Networks { db, ask, known: BTreeMap::new() };
    for jobs in plan.jobs.chunk_by(|a, b| a.item == b.item) {
        let of = jobs.iter().filter_map(|job| results.get(job.index)).cloned().collect::<Vec<_>>();
        spec.properties.extend(property(db, jobs, &of, &mut networks));
    }
    spec.networks = networks.known.into_values().collect();
    spec
}

fn remark(db: &Database, d: &Diagnostic, base: &Path) -> Remark {
    let place = d.labels.first().map(|label| label.place);
    let (line, column) = place.map(|place| begin(db, place)).unwrap_or_default();
    Remark {
        severity: d.severity,
        code: d.code.to_owned(),
        message: d.message.clone(),
        file: place.map(|place| show_path(place.item.file(db).path(db), base)),
        line,
        column,
        notes: d.notes.clone(),
        help: d.help.clone(),
    }
}

fn property(
    db: &Database,
    jobs: &[Job],
    results: &[Arc<InstanceResult>],
    networks: &mut Networks<'_>,
) -> Option<Property> {
    let first = jobs.first()?;
    let item = first.item;
    let found = tree(db, item).clone()?;
    let all = item.file(db).text(db).as_ref().ok()?;
    let text = all.get(offset(db, item) as usize..)?;
    let Span { start, end } = found.span;
    let attributes = found.attributes.iter().map(|a| a.span.start).min().unwrap_or(start);
    let name = found.name().map_or(found.span, |name| name.span);
    let (line, column) = begin(db, Place { item, span: name });
    let roles = roles(db, item);
    let applied = networks.of(jobs, &roles);
    let role = |name: &str| roles.parameters.get(name).copied().unwrap_or(Role::Other);
    let family = family_figures::FamilyFigures::new(results, &role);
    let mut engines = BTreeMap::new();
    for engine in results.iter().filter_map(|result| result.engine.clone()) {
        *engines.entry(engine).or_default() += 1;
    }
    // A property that says nothing about right and wrong has nothing to do with accuracies.
    let judged = |name: &str| roles.pairings.iter().any(|pairing| pairing.is_of(db, name));
    let accuracies = applied.by_choice.iter().filter(|(_, name)| judged(name)).filter_map(|(choice, name)| {
        let network = networks.known.get(name)?;
        Some((choice.as_slice(), name.as_str(), network.accuracy.as_ref()?))
    });
    let mut curve = family.curve();
    if let Some(curve) = &mut curve {
        curve.accuracy = family_figures::accuracy(&curve.axis, accuracies);
    }
    Some(Property {
        name: first.property.to_string(),
        kind: first.kind,
        line,
        column,
        docs: found.docs.to_string(),
        text: text.get(attributes.min(start) as usize..end as usize)?.trim().to_owned(),
        words: english::words(text, &found),
        definitions: definitions(db, item),
        assumptions: english::assumptions(text, &found),
        expected: first.expected,
        instances: results.len(),
        counts: Counts::of(results.iter().map(Arc::as_ref)),
        time: results.iter().map(|result| result.time.as_secs_f64()).sum(),
        engines,
        rests_on: Ground::of(results.iter().map(Arc::as_ref)),
        networks: applied.names,
        axes: family.axes(),
        grid: family.grid(),
        curve,
        intervals: family.intervals(),
        histogram: family.histogram(),
        reversals: if roles.robustness { family.reversals() } else { Vec::new() },
    })
}

/// The definitions that an item leads to, in English, each once.
fn definitions(db: &Database, item: ItemId) -> Vec<String> {
    use crate::check::scope::{Meaning, meaning};
    use qnn_syntax::ast::ItemKind;
    let (mut open, mut seen, mut said) = (vec![item], HashSet::new(), Vec::new());
    while let Some(at) = open.pop() {
        let Some(found) = tree(db, at).clone() else { continue };
        if let ItemKind::Def(_) = found.kind
            && let Some(text) = at.file(db).text(db).as_ref().ok().and_then(|t| t.get(offset(db, at) as usize..))
        {
            said.push(english::words(text, &found));
        }
        for (name, _) in qnn_syntax::walk::mentions(&found) {
            if let Meaning::Item(next) = *meaning(db, at.file(db), name.text.clone())
                && matches!(
                    tree(db, next).as_deref().map(|t| &t.kind),
                    Some(ItemKind::Def(_) | ItemKind::Property(_) | ItemKind::Measure(_))
                )
                && next != item
                && seen.insert(next)
            {
                open.push(next);
            }
        }
    }
    said
}

/// A choice of parameters: name and value.
type DecidingParameters = Vec<(String, String)>;

/// The networks that a property applies.
struct Applied {
    names: Vec<String>,
    /// For each choice of the parameters that decide them.
    by_choice: Vec<(DecidingParameters, String)>,
}

/// What an instance calls.
fn calls(db: &Database, job: &Job) -> Vec<CallInfo> {
    let question = question_once(db, job.item, job.instance).value;
    question.map(|question| shown_calls(db, job.item, job.instance, &question)).unwrap_or_default()
}

/// The networks that were met so far.
struct Networks<'a> {
    db: &'a Database,
    ask: Ask<'a>,
    known: BTreeMap<String, Network>,
}

impl Networks<'_> {
    fn of(&mut self, jobs: &[Job], roles: &Roles) -> Applied {
        let mut applied = Applied { names: Vec::new(), by_choice: Vec::new() };
        let mut choices: HashMap<DecidingParameters, &Job> = HashMap::new();
        let mut order = Vec::new();
        for job in jobs {
            let deciding = job.parameters.iter().filter(|p| roles.parameters.get(&p.name) == Some(&Role::Width));
            let choice: DecidingParameters = deciding.map(|p| (p.name.to_string(), p.text.clone())).collect();
            if choices.len() < MOST_CHOICES && !choices.contains_key(&choice) {
                choices.insert(choice.clone(), job);
                order.push((choice, job));
            }
        }
        for (choice, job) in order {
            let stop = self.ask.stop;
            let late = || {
                let stop = stop.clone();
                move || stop()
            };
            if stop() {
                break;
            }
            let Ok(calls) = interrupt::until(late(), || calls(self.db, job)) else { break };
            let mut here = HashSet::new();
            for call in calls {
                let name = call.network.name.to_string();
                if !applied.names.contains(&name) {
                    applied.names.push(name.clone());
                }
                if here.insert(name.clone()) {
                    applied.by_choice.push((choice.clone(), name.clone()));
                }
                let pairing = roles.pairings.iter().find(|pairing| pairing.is_of(self.db, &name));
                let wants = self.known.get(&name).is_none_or(|known| known.accuracy.is_none() && pairing.is_some());
                if wants {
                    let accuracy = pairing.and_then(|pairing| {
                        interrupt::until(late(), || self.accuracy(&call.network, pairing)).ok().flatten()
                    });
                    let shown = self.network(&call.network, job, accuracy);
                    self.known.insert(name, shown);
                }
            }
        }
        applied
    }

    fn network(&self, network: &network::Network, job: &Job, accuracy: Option<Accuracy>) -> Network {
        let db = self.db;
        let memory = Memory::of(network);
        let port = |port: &Port| {
            let format = port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string);
            format!("{format}{}", show_shape(db, &port.shape))
        };
        let inputs: Vec<String> = network.inputs.iter().map(|p| format!("{}: {}", p.name, port(p))).collect();
        let layers = network.layers.iter().map(|layer| Layer {
            name: if layer.port.name.starts_with('#') { String::new() } else { layer.port.short_name().to_owned() },
            operation: layer.operation.clone(),
            shape: show_shape(db, &layer.port.shape),
            format: layer.port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string),
            bits: layer.width(),
            least: layer.stored.lo,
            greatest: layer.stored.hi,
            accumulator_bits: layer.accumulator.map(Interval::signed_width),
            parameters: layer.parameters.count,
        });
        // Its files are named from the folder of the spec that it stands in: that of its first layer's place.
        let home = network.layers.first().map_or(job.item, |layer| layer.place.item).file(db).path(db);
        let folder = home.parent().unwrap_or(Path::new("")).to_owned();
        let read: HashMap<_, _> = db.files().into_iter().collect();
        let files = network.files.iter().map(|path| {
            let path = normalise(&folder.join(path));
            let blake3 = read.get(&path).copied().flatten().map(|hash| hex(&hash));
            File { path: show_path(&path, self.ask.base), blake3 }
        });
        Network {
            name: network.name.to_string(),
            signature: format!("({}) -> {}", inputs.join(", "), port(&network.output)),
            layers: layers.collect(),
            parameters: memory.count,
            saturated: memory.saturated,
            parameter_bits: memory.parameters,
            activation_bits: memory.activations,
            files: files.collect(),
            kernel: network.kernel.map(|kernel| kernel.name().to_owned()),
            notes: network.notes.clone(),
            accuracy,
        }
    }

    /// How often the network is right on the first samples; `None` if the fields don't fit it, or nobody wants to know.
    fn accuracy(&self, network: &network::Network, pairing: &Pairing) -> Option<Accuracy> {
        let data = dataset(self.db, pairing.dataset);
        let data = data.value.as_ref()?;
        let field = |name: &str| data.fields.iter().find(|field| &*field.name == name);
        let (input, label) = (field(&pairing.input)?, field(&pairing.label)?);
        let [port] = network.inputs.as_slice() else { return None };
        let fits = match &input.ty {
            Type::Stored(format, shape) => port.format.as_ref() == Some(format) && same_sizes(shape, &port.shape),
            _ => false,
        };
        let (Samples::Numbers { numbers, each }, Samples::Classes(labels)) = (&input.data, &label.data) else {
            return None;
        };
        let samples = data.len.min(self.ask.samples);
        if !fits || samples == 0 || *each != count(&port.shape) {
            return None;
        }
        let mut right = 0;
        for sample in 0..samples {
            let values = numbers.part(sample * each, *each)?.iter().map(|n| i128::from(*n)).collect();
            let all = interpret(&network.graph, &[values]).ok()?;
            let out = all.get(network.output.node.index())?;
            let value = |i: usize| network.output.value(i, out[i]);
            let best = (1..out.len()).fold(0, |best, i| if value(i) > value(best) { i } else { best });
            right += usize::from(out.len() > 1 && labels.get(sample).is_some_and(|label| *label as usize == best));
        }
        let name = pairing.dataset.name(self.db);
        let fields = format!("{name}.{} against {name}.{}", pairing.input, pairing.label);
        Some(Accuracy { dataset: fields, samples, of: data.len, right })
    }
}
