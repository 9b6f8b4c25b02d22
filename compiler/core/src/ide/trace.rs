//! A counterexample layer by layer: what each layer of a network holds for the original input and for the attacked one, and where they part.
//!
//! In: an instance as it is in the text, and its counterexample. Out: the layers of each network that it applies to variables. The reference interpreter computes
//! both sides; what it puts out for the counterexample is compared with what the counterexample says, and anything else is refused.

use crate::check::network::Network;
use crate::check::network::table::steps;
use crate::check::property::{CallInfo, VariableInfo};
use crate::check::spec::{Question, question_once, shown_calls};
use crate::db::{Db, ItemId};
use crate::report::image::{Picture, beside};
use crate::report::terminal_picture::{PictureSize, image_size};
use crate::verify::verdict::Counterexample;
use qnn_ir::interpret;
use qnn_ir::interrupt::work;
use std::sync::Arc;

/// The channels of a layer that are shown as pictures, the first ones.
const MOST_CHANNELS: usize = 8;

/// A network's layers for a counterexample.
#[derive(Clone, Debug)]
pub struct CallTrace {
    /// As the spec writes it: `digits<6>(x)`.
    pub text: String,
    /// The network.
    pub network: Arc<Network>,
    /// Its inputs, then its layers.
    pub layers: Vec<LayerTrace>,
}

/// A layer of both sides. Integers are as its format stores them, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTrace {
    /// For the counterexample.
    pub attacked: Vec<i128>,
    /// For the centre of the ball; `None` where nothing is a centre.
    pub original: Option<Vec<i128>>,
    /// How many elements differ.
    pub differ: usize,
    /// The greatest difference of an element, attacked minus original, by its magnitude.
    pub greatest: i128,
    /// The neurons that change side, where the layer rounds.
    pub crossings: Option<Crossings>,
    /// The two sides and their difference, where the layer is an image, or a few of its channels are.
    pub pictures: Vec<Picture>,
}

/// The neurons of a layer that reach an end of what it puts out on one side only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossings {
    /// Those that fall to the least integer: a ReLU that goes out.
    pub off: usize,
    /// Those that leave the least integer: a ReLU that comes on.
    pub on: usize,
    /// Those that saturate: they rise to the greatest integer.
    pub saturate: usize,
    /// Those that leave the greatest integer.
    pub leave: usize,
}

/// The layers of each network that an instance applies to its variables.
///
/// # Errors
/// Why there are none, in a sentence.
pub fn traces(
    db: &dyn Db,
    item: ItemId,
    instance: usize,
    counterexample: &Counterexample,
) -> Result<Vec<CallTrace>, String> {
    let question = question_once(db, item, instance).value.ok_or("The property has errors now.")?;
    let variables = match &question {
        Question::Property(statement) => &statement.variables,
        Question::Optimize(optimization) => &optimization.variables,
        _ => return Err("What is asked here is several questions, whose layers differ.".to_owned()),
    };
    let calls = shown_calls(db, item, instance, &question);
    let all = calls.iter().filter_map(|call| trace(call, variables, counterexample));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err("No network is applied to a variable as it is, so that its layers can't be told apart.".to_owned());
    }
    Ok(all)
}

/// A call's layers; `None` if its inputs are no variables, or it has no layers of its own.
fn trace(
    call: &CallInfo,
    variables: &[VariableInfo],
    counterexample: &Counterexample,
) -> Option<Result<CallTrace, String>> {
    let network = &call.network;
    let (mut attacked, mut original, mut centred) = (Vec::new(), Vec::new(), false);
    for (node, port) in call.inputs.iter().zip(&network.inputs) {
        let info = variables.iter().find(|info| info.port.node == *node)?;
        let value = counterexample.variables.iter().find(|value| *value.name == *info.port.name)?;
        // The interpreter's integers are without the zero point.
        let inputs: Vec<i128> =
            value.numbers.raw.iter().enumerate().map(|(i, raw)| raw - info.port.raw(i, 0)).collect();
        if inputs.len() != network.graph.len(port.node) {
            return None;
        }
        centred |= info.center.is_some();
        let center = info.center.as_deref().filter(|center| center.len() == inputs.len());
        original.push(center.map_or_else(|| inputs.clone(), |center| center.iter().map(|n| i128::from(*n)).collect()));
        attacked.push(inputs);
    }
    if network.real.is_some() || network.layers.is_empty() {
        return None;
    }
    let said = counterexample.calls.iter().find(|value| value.text == call.text)?;
    Some(both(network, &attacked, centred.then_some(&original), &said.output.numbers.raw).map(|layers| CallTrace {
        text: call.text.clone(),
        network: network.clone(),
        layers,
    }))
}

fn both(
    network: &Network,
    attacked: &[Vec<i128>],
    original: Option<&Vec<Vec<i128>>>,
    said: &[i128],
) -> Result<Vec<LayerTrace>, String> {
    let overflow = |_| "128 bits don't hold what a layer computes.".to_owned();
    let after = interpret(&network.graph, attacked).map_err(overflow)?;
    let before = original.map(|original| interpret(&network.graph, original)).transpose().map_err(overflow)?;
    let stored = |values: &[Vec<i128>], port: &crate::check::network::Port| -> Vec<i128> {
        let own = values.get(port.node.index()).map_or(&[][..], Vec::as_slice);
        own.iter().enumerate().map(|(i, n)| port.raw(i, *n)).collect()
    };
    if stored(&after, &network.output) != said {
        return Err("The network computes something else now than the counterexample says: verify it again.".to_owned());
    }
    // TensorFlow's files have the channels last; ONNX has them first, and so does a spec.
    let channels_last = network.kernel.is_some_and(|kernel| kernel.extension() == "tflite");
    let ports = network.inputs.iter().chain(network.layers.iter().map(|layer| &layer.port));
    Ok(ports
        .map(|port| {
            let attacked = stored(&after, port);
            let original = before.as_ref().map(|before| stored(before, port));
            work(attacked.len());
            let pairs = || original.iter().flat_map(|original| original.iter().zip(&attacked));
            let steps = steps(&network.graph, port.node);
            let crossings = before.as_ref().zip(steps).map(|(before, steps)| {
                let mut all = Crossings::default();
                let own = |values: &[Vec<i128>]| values.get(port.node.index()).cloned().unwrap_or_default();
                for (element, (before, after)) in own(before).into_iter().zip(own(&after)).enumerate() {
                    let step = steps.at(element);
                    all.off += usize::from(before > step.lo() && after <= step.lo());
                    all.on += usize::from(before <= step.lo() && after > step.lo());
                    all.saturate += usize::from(before < step.hi() && after >= step.hi());
                    all.leave += usize::from(before >= step.hi() && after < step.hi());
                }
                all
            });
            let sizes: Vec<usize> = port.shape.iter().map(|axis| axis.size).collect();
            LayerTrace {
                differ: pairs().filter(|(a, b)| a != b).count(),
                greatest: pairs().map(|(a, b)| b - a).max_by_key(|d| d.unsigned_abs()).unwrap_or(0),
                crossings,
                pictures: pictures(&sizes, original.as_deref(), &attacked, channels_last),
                attacked,
                original,
            }
        })
        .collect())
}

/// The pictures of a layer: of an image one, of a stack of channels the first few.
fn pictures(sizes: &[usize], original: Option<&[i128]>, attacked: &[i128], channels_last: bool) -> Vec<Picture> {
    let floats = |numbers: &[i128]| -> Vec<f64> { numbers.iter().map(|n| *n as f64).collect() };
    if let Some(size) = image_size(sizes) {
        return vec![beside("", size, original.map(floats), floats(attacked))];
    }
    let [first, second, third] = *sizes else { return Vec::new() };
    let (channels, height, width) = if channels_last { (third, first, second) } else { (first, second, third) };
    let Some(size) = image_size(&[1, height, width]) else { return Vec::new() };
    let plane = |numbers: &[i128], channel: usize| -> Vec<f64> {
        let place =
            |pixel: usize| if channels_last { pixel * channels + channel } else { channel * height * width + pixel };
        (0..height * width).map(|pixel| numbers.get(place(pixel)).map_or(0.0, |n| *n as f64)).collect()
    };
    let size = PictureSize { channels: 1, ..size };
    let one = |channel: usize| {
        beside(&format!("channel {channel}"), size, original.map(|o| plane(o, channel)), plane(attacked, channel))
    };
    (0..channels.min(MOST_CHANNELS)).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Database;
    use crate::verify::{Filter, Options, plan, run, snapshots};
    use qnn_engine::CancelToken;

    const SPEC: &str = "
        type T = int<4>;
        network net(x: T[2]) -> int<8>[2] {
            let h = relu(dense(x, [[1, 0], [-1, 1], [2, 0]], [0, 0, 0])) as uint<3>;
            dense(h, [[1, 1, 0], [0, 0, 1]], [0, 0]) as int<8>
        }
        #[expect(violated)]
        property p = forall x in ball([1, 1] as T, 2 lsb): net(x)[1] <= 5;
    ";

    #[test]
    fn both_sides_of_each_layer_are_what_the_interpreter_computes() {
        let mut db = Database::new(crate::db::Disk);
        let file = db.set_text(std::path::Path::new("/nowhere/trace.qnn"), SPEC.into());
        let plan = plan(&db, file, &Filter::default(), &Options::default());
        let job = plan.jobs.first().expect("a job").clone();
        let summary = run(&plan, &snapshots(db.clone()), &Options::default(), &CancelToken::new(), &|_| {});
        let counterexample = summary.results[0].counterexample.clone().expect("it is violated");
        let traces = traces(&db, job.item, job.instance, &counterexample).expect("a trace");
        let [trace] = traces.as_slice() else { panic!("one call") };
        let x = &trace.layers[0];
        assert_eq!(x.original.as_deref(), Some([1, 1].as_slice()));
        assert_eq!(x.attacked, counterexample.variables[0].numbers.raw);
        assert_eq!(x.differ, x.attacked.iter().filter(|n| **n != 1).count());
        // `h`: 1, 0 and 2 before; the third neuron is what breaks the property.
        let h = trace.layers.iter().zip(std::iter::once(None).chain(trace.network.layers.iter().map(Some)));
        let (h, _) = h.into_iter().find(|(_, layer)| layer.is_some_and(|l| &*l.port.name == "h")).expect("h");
        assert_eq!(h.original.as_deref(), Some([1, 0, 2].as_slice()));
        assert_eq!(h.attacked[2], (2 * x.attacked[0]).clamp(0, 7));
        let output = trace.layers.last().expect("layers");
        assert_eq!(output.attacked, counterexample.calls[0].output.numbers.raw);

        // What another network would compute is no trace of this counterexample.
        let mut other = counterexample;
        other.calls[0].output.numbers.raw[0] += 1;
        assert!(
            super::traces(&db, job.item, job.instance, &other).expect_err("it differs").contains("verify it again")
        );
    }
}
