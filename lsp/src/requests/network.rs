//! `qnn/network` and `qnn.showNetwork`: the layers of a network, of a spec or of a model file.

use super::Target;
use super::files::{name, path};
use crate::answering::refused;
use crate::convert::{Encoding, location};
use crate::protocol::{FileProblem, LayerRole, LayerView, NetworkArguments, NetworkView, PlaceInText, ReachView};
use crate::snapshot::Snapshot;
use qnn::check::network::table::{Reach, Source, reach, rows};
use qnn::check::network::{Memory, Network, Port};
use qnn::check::scope::name_place;
use qnn::db::{Db, ItemId};
use qnn::diagnostic::Place;
use qnn::ide::file_range;
use qnn::ide::layers::{Found, networks, signature_of, users, within};
use qnn::ide::model_file::{network, summary};
use qnn::import::Kernel;
use qnn::ir::Interval;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::Url;

/// Whether a URI is that of a model file, which is no document.
pub fn is_model(uri: &Url) -> bool {
    let ending = uri.path().rsplit('.').next().unwrap_or_default();
    Kernel::for_extension(ending).next().is_some()
}

/// A network of a model file.
pub fn of_model(arguments: &NetworkArguments) -> Result<NetworkView> {
    let (uri, path) = (arguments.uri.clone(), path(&arguments.uri)?);
    let file = name(&path);
    let summary = match summary(&path) {
        Err(error) => {
            let problem = FileProblem::of_file(&file, error);
            return Ok(NetworkView::nothing(uri, file, problem));
        }
        Ok((_, Err(error))) => return Ok(NetworkView::nothing(uri, file, error.into())),
        Ok((_, Ok(summary))) => summary,
    };
    let kernel = match &arguments.kernel {
        Some(name) => Kernel::by_name(name).ok_or_else(|| refused(format!("there is no kernel `{name}`")))?,
        None => *summary.kernels.first().ok_or_else(|| refused("no kernel is known for it"))?,
    };
    Ok(match network(&path, &summary, kernel) {
        Err(diagnostic) => {
            let mut nothing = NetworkView::nothing(uri, file, (*diagnostic).into());
            nothing.kernel = Some(kernel.into());
            nothing
        }
        Ok((db, found)) => {
            let view = View { db: &db, network: &found.network, encoding: None };
            view.of(uri, file, None)
        }
    })
}

/// A network of an open spec.
pub fn of_spec(snapshot: &Snapshot, arguments: &NetworkArguments) -> Result<Option<NetworkView>> {
    let target = Target::of(snapshot)?;
    let db = &snapshot.db;
    let uri = arguments.uri.clone();
    let all = networks(db, target.file);
    let names: Vec<String> = all.iter().map(|found| found.network.name.to_string()).collect();
    let wanted = arguments.network.as_deref();
    let asked = |found: &Found| {
        let users = users(db, target.file, found.item);
        let job = arguments.instance.as_ref().and_then(|name| users.iter().find(|job| job.name == *name));
        job.and_then(|job| Some((job.name.clone(), within(db, &found.network, job)?)))
    };
    // Of a network that is generic, the one that the instance applies is meant.
    let mut named = all.iter().filter(|found| wanted.is_none_or(|wanted| called(db, found, wanted)));
    let applied = named.clone().find_map(|found| asked(found).map(|inside| (found, Some(inside))));
    let found = applied.or_else(|| named.next().map(|found| (found, None)));
    let Some((found, inside)) = found else {
        let message = match wanted {
            Some(wanted) => format!("This spec has no network {wanted}, or no property uses it, or it has errors."),
            None => "This spec has no network without errors.".to_owned(),
        };
        let mut nothing =
            NetworkView::nothing(uri, wanted.unwrap_or_default().to_owned(), FileProblem { message, help: None });
        nothing.networks = names;
        return Ok(Some(nothing));
    };
    let users = users(db, target.file, found.item);
    let view = View { db, network: &found.network, encoding: Some(snapshot.encoding) };
    let mut shown = view.of(uri, found.network.name.to_string(), inside.as_ref().map(|(_, ranges)| ranges.as_slice()));
    shown.networks = names;
    shown.instances = users.into_iter().map(|job| job.name).collect();
    shown.instance = inside.map(|(name, _)| name);
    shown.place = view.name_place(found.item);
    Ok(Some(shown))
}

/// Whether a network is meant by a name with or without integers.
fn called(db: &dyn Db, found: &Found, wanted: &str) -> bool {
    *found.network.name == *wanted || found.item.name(db) == wanted
}

/// What a view is made of.
struct View<'a> {
    db: &'a dyn Db,
    network: &'a Network,
    /// How columns count; `None` where there is no text.
    encoding: Option<Encoding>,
}

impl View<'_> {
    fn of(&self, uri: Url, name: String, inside: Option<&[Vec<Interval>]>) -> NetworkView {
        let network = self.network;
        let memory = Memory::of(network);
        let mut layers: Vec<LayerView> = network.inputs.iter().map(|port| self.input(port, inside)).collect();
        let inputs = layers.len();
        let outputs = [&network.output].into_iter().chain(&network.more_outputs);
        let outputs: Vec<_> = outputs.map(|port| port.node).collect();
        let rows = rows(network);
        // Of several layers of one node the last one is the output.
        let is_output = |index: usize| {
            let node = rows[index].layer.port.node;
            outputs.contains(&node) && rows[index + 1..].iter().all(|row| row.layer.port.node != node)
        };
        for (index, row) in rows.iter().enumerate() {
            let layer = row.layer;
            let reads = row.reads.iter().map(|source| match source {
                Source::Input(input) => *input,
                Source::Layer(layer) => inputs + layer,
            });
            let port = &layer.port;
            layers.push(LayerView {
                name: if port.name.starts_with('#') { String::new() } else { port.short_name().to_owned() },
                role: if is_output(index) { LayerRole::Output } else { LayerRole::Hidden },
                operation: layer.operation.clone(),
                reads: reads.collect(),
                shape: port.shape.iter().map(|axis| axis.size).collect(),
                format: port.format.as_ref().map(ToString::to_string),
                bits: layer.width(),
                accumulator_available: row.accumulator_available,
                parameters: layer.parameters.count,
                saturated: layer.parameters.saturated,
                parameter_bits: layer.parameters.bits,
                over_formats: row.reach.into(),
                within: inside.map(|ranges| reach(network, layer, ranges).into()),
                place: self.place(layer.place),
            });
        }
        NetworkView {
            uri,
            name,
            problem: None,
            networks: Vec::new(),
            instances: Vec::new(),
            instance: None,
            signature: signature_of(self.db, network),
            kernel: network.kernel.map(Into::into),
            notes: network.notes.clone(),
            files: network.files.clone(),
            parameters: memory.count,
            saturated: memory.saturated,
            parameter_bits: memory.parameters,
            activation_bits: memory.activations,
            layers,
            place: None,
        }
    }

    fn input(&self, port: &Port, inside: Option<&[Vec<Interval>]>) -> LayerView {
        let held = |ranges: &[Vec<Interval>]| -> ReachView {
            let own = ranges.get(port.node.index()).map_or(&[][..], Vec::as_slice);
            let stored = qnn::check::network::table::stored(port, own);
            Reach { stored, accumulator: None, neurons: None }.into()
        };
        LayerView {
            name: port.name.to_string(),
            role: LayerRole::Input,
            operation: "input".to_owned(),
            reads: Vec::new(),
            shape: port.shape.iter().map(|axis| axis.size).collect(),
            format: port.format.as_ref().map(ToString::to_string),
            bits: port.format.as_ref().map_or(0, |format| format.width),
            accumulator_available: None,
            parameters: 0,
            saturated: 0,
            parameter_bits: 0,
            over_formats: held(&self.network.ranges),
            within: inside.map(held),
            place: None,
        }
    }

    fn place(&self, place: Place) -> Option<PlaceInText> {
        let found = location(self.db, file_range(self.db, place), self.encoding?)?;
        Some(PlaceInText { uri: found.uri, range: found.range })
    }

    fn name_place(&self, item: ItemId) -> Option<PlaceInText> {
        self.place(name_place(self.db, item))
    }
}
