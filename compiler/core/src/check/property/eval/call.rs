//! Calls of functions and networks. A network's graph becomes part of the obligation's.

use super::super::super::data::zeros;
use super::super::super::network::{Network, Port};
use super::super::super::network::{called, remap};
use super::super::super::scope::lookup;
use super::super::super::types::{count, interchangeable, plural, show_shape};
use super::super::super::{Checked, Reported, at};
use super::super::env::Env;
use super::super::lowering::Lowering;
use super::super::statement::{AppliedGraph, CallInfo};
use super::super::value::{Elements, Tensor, Value};
use super::comparison::known_numbers;
use crate::db::tree;
use crate::diagnostic::{Diagnostic, Place};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::exact::RealCall;
use qnn_ir::obligation::term::Term;
use qnn_ir::rational::exact;
use qnn_ir::{Interval, NodeId, Op, interpret};
use qnn_syntax::Span;
use qnn_syntax::ast::Call;
use qnn_syntax::builtins::function;
use qnn_syntax::walk::Role;
use std::sync::Arc;

impl Lowering<'_> {
    pub(super) fn call(&mut self, env: &Env, call: &Call, span: Span) -> Checked<Value> {
        let place = at(env.item, span);
        if function(&call.callee.text).is_some() {
            return if call.part().is_some() { self.no_reading(env, call) } else { self.builtin(env, call, place) };
        }
        if let Some((inner, body, result)) = self.definition(env, call)? {
            let value = self.eval(&inner, &body)?;
            let Some(result) = result else { return Ok(value) };
            let ty = self.constants(&inner, |e| e.ty(&result))?;
            let declared = (at(inner.item, result.span), "the result's type is declared here");
            return self.expect_type(value, &ty, at(inner.item, body.span), declared);
        }
        let item = lookup(self.context, env.item, &call.callee, Role::Function)?;
        if !tree(self.context.db, item).as_deref().is_some_and(|t| t.kind.is_network()) {
            return self.error(
                "E0204",
                at(env.item, call.callee.span),
                format!("`{}` can't be called", call.callee.text),
                "neither a network nor a definition",
            );
        }
        let generics: Vec<i128> =
            call.generics.iter().map(|g| self.constants(env, |e| e.integer(g))).collect::<Checked<_>>()?;
        let network = called(self.context, item, generics, call, place)?;
        if call.arguments.len() != network.inputs.len() {
            return Err(self.context.report(
                Diagnostic::error(
                    "E0303",
                    format!(
                        "`{}` takes {}, not {}",
                        network.name,
                        plural(network.inputs.len(), "input"),
                        call.arguments.len()
                    ),
                    place,
                    "wrong number of arguments",
                )
                .label(crate::check::scope::name_place(self.context.db, item), "defined here"),
            ));
        }
        let mut arguments = Vec::new();
        let mut texts = Vec::new();
        for (argument, port) in call.arguments.iter().zip(&network.inputs) {
            if let Some(name) = &argument.name {
                let place = at(env.item, name.span);
                return self.error("E0303", place, "inputs have no names here", "write the value alone");
            }
            let value = self.eval(env, &argument.value)?;
            arguments.push(self.input(value, port, &network, at(env.item, argument.value.span))?);
            texts.push(super::super::builtins::text_of(&argument.value));
        }
        let known: Option<Vec<Vec<i128>>> = arguments
            .iter()
            .map(|a| match a {
                Elements::Known(numbers) => Some(numbers.iter().map(|n| i128::from(*n)).collect()),
                _ => None,
            })
            .collect();
        if let Some(inputs) = known {
            // Every input is known: so is the output.
            if let Some(reading) = &network.real {
                let inputs: Vec<&[i128]> = inputs.iter().map(Vec::as_slice).collect();
                let values = reading.real.evaluate(&inputs, reading.output);
                let elements = Elements::Terms(values.into_iter().map(Term::constant).collect());
                let shape = network.output.shape.clone();
                return Ok(Value::Tensor(Tensor { shape, elements, lsb: None, format: None }));
            }
            let values = interpret(&network.graph, &inputs).map_err(|_| Reported)?;
            let numbers: Option<Vec<i64>> =
                values[network.output.node.index()].iter().map(|n| i64::try_from(*n).ok()).collect();
            let elements = match numbers {
                Some(numbers) => Elements::Known(numbers.into()),
                None => return self.error("E0404", place, "these outputs need more than 64 bits", "too large"),
            };
            return Ok(Value::Tensor(Tensor::stored(&network.output, elements)));
        }
        let inputs: Vec<NodeId> = arguments.iter().map(|a| self.node_of(a)).collect();
        let boxes = inputs.iter().zip(&network.inputs);
        let boxes = boxes.map(|(node, port)| self.box_of(*node, &network.ranges[port.node.index()])).collect();
        let output = self.apply(&network, inputs, boxes, format!("{}({})", network.name, texts.join(", ")), place)?;
        let output = Tensor::stored(&network.output, output);
        if network.real.is_some() {
            // The steps are those of what encloses it, not of the network.
            let elements = Elements::Terms(output.terms().into());
            return Ok(Value::Tensor(Tensor { elements, lsb: None, ..output }));
        }
        Ok(Value::Tensor(output))
    }

    /// `.real` or `.at` of what is no network.
    pub(super) fn no_reading<T>(&self, env: &Env, call: &Call) -> Checked<T> {
        let place = at(env.item, call.part().unwrap_or(call.callee.span));
        if call.at().is_some() {
            let message = format!("`{}` has no layers", call.callee.text);
            return self.error("E0204", place, message, "only networks have layers");
        }
        self.error(
            "E0204",
            place,
            format!("`{}` has no real-valued reading", call.callee.text),
            "only networks round, and can be read without",
        )
    }

    /// An argument of a network: stored values of the input's format.
    pub(super) fn input(&self, value: Value, port: &Port, network: &Network, place: Place) -> Checked<Elements> {
        let db = self.context.db;
        let format = port.format.as_ref().ok_or(Reported)?;
        let wanted = format!("`{format}{}`", show_shape(db, &port.shape));
        match value {
            Value::Tensor(t) if t.format.as_ref() == Some(format) && interchangeable(&t.shape, &port.shape) => {
                Ok(t.elements)
            }
            Value::Tensor(t) => {
                let found = match &t.format {
                    Some(format) => format!("`{format}{}`", show_shape(db, &t.shape)),
                    None => format!("exact numbers {}", show_shape(db, &t.shape)),
                };
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    format!("`{}` takes {wanted}, not {found}", network.name),
                    place,
                    format!("this is {found}"),
                );
                diagnostic = diagnostic.notes(t.format.as_ref().and_then(|found| found.difference(format)));
                diagnostic = if t.format.is_none() {
                    diagnostic.note("The result of arithmetic may not be a value of the format, so that a network could not take it as it is.")
                        .help("quantify over the network's input itself, and state the arithmetic as a condition")
                } else {
                    diagnostic.help("quantify over the network's input type")
                };
                Err(self.context.report(diagnostic))
            }
            Value::Constant(constant) => {
                let mut numbers = Vec::new();
                let problem = known_numbers(&constant, &mut numbers, &port.scale);
                match problem {
                    Ok(()) if numbers.len() == count(&port.shape) => {
                        let zeros = zeros(format, &port.shape);
                        let fits = numbers.iter().inspect(|_| work(4)).enumerate().all(|(i, n)| {
                            n.checked_add(*zeros.get(i))
                                .is_some_and(|raw| (format.min_raw()..=format.max_raw()).contains(&raw))
                        });
                        if fits {
                            return Ok(Elements::Known(numbers.into()));
                        }
                        self.error(
                            "E0408",
                            place,
                            format!("these numbers are beyond `{format}`"),
                            "out of the format's range",
                        )
                    }
                    Ok(()) => self.error(
                        "E0301",
                        place,
                        format!("`{}` takes {wanted}, but these are {} numbers", network.name, numbers.len()),
                        "another number of elements",
                    ),
                    Err(Some(value)) => self.error(
                        "E0408",
                        place,
                        format!("{} is not a value of `{format}`", exact(&value)),
                        "would have to be rounded",
                    ),
                    Err(None) => self.error(
                        "E0302",
                        place,
                        format!("`{}` takes {wanted}, not {}", network.name, constant.kind()),
                        "not numbers",
                    ),
                }
            }
            other => self.error(
                "E0302",
                place,
                format!("`{}` takes {wanted}, not {}", network.name, other.kind()),
                "not a network's input",
            ),
        }
    }

    /// A node whose elements are these.
    pub(in crate::check::property) fn node_of(&mut self, elements: &Elements) -> NodeId {
        match elements {
            Elements::Picks(picks) => {
                let first = picks.first().map(|p| p.0);
                if let Some(node) = first
                    && self.graph.len(node) == picks.len()
                    && picks.iter().inspect(|_| work(1)).enumerate().all(|(i, p)| *p == (node, i as u32))
                {
                    return node;
                }
                self.graph.push("input", Op::Gather { picks: picks.clone() })
            }
            Elements::Known(numbers) => {
                self.graph.push("constant", Op::Constant(numbers.iter().map(|n| i128::from(*n)).collect()))
            }
            // Only stored values get here, and those are never terms.
            Elements::Terms(terms) => self.graph.push("constant", Op::Constant(vec![0; terms.len()].into())),
        }
    }

    /// The ranges of a network's input where it is made of variables and constants; else those of its format.
    pub(super) fn box_of(&self, node: NodeId, format: &[Interval]) -> Vec<Interval> {
        let of = |node: NodeId, element: usize, default: Interval| match &self.graph.node(node).op {
            Op::Input => {
                let variable = self.variables.iter().find(|(variable, _)| variable.node == node);
                variable.map_or(default, |(variable, _)| {
                    let (lo, hi) = variable.domain[element];
                    Interval::new(lo.into(), hi.into())
                })
            }
            Op::Constant(values) => Interval::new(values[element], values[element]),
            _ => default,
        };
        let element = |(i, default): (usize, &Interval)| match &self.graph.node(node).op {
            Op::Gather { picks } => of(picks[i].0, picks[i].1 as usize, *default),
            _ => of(node, i, *default),
        };
        format.iter().inspect(|_| work(8)).enumerate().map(element).collect()
    }

    /// The output of a network on these inputs, which lie in these boxes; the same application is made once.
    pub(super) fn apply(
        &mut self,
        network: &Arc<Network>,
        inputs: Vec<NodeId>,
        boxes: Vec<Vec<Interval>>,
        text: String,
        place: Place,
    ) -> Checked<Elements> {
        let known = self.calls.iter().find(|c| c.inputs == inputs && Arc::ptr_eq(&c.network, network));
        let node = match known {
            Some(call) => call.output.node,
            None => {
                let same = |a: &AppliedGraph| a.inputs == inputs && Arc::ptr_eq(&a.graph, &network.graph);
                let mut map = match self.applied.iter().position(same) {
                    Some(index) => self.applied.swap_remove(index).nodes,
                    None => {
                        let mut map: Vec<Option<NodeId>> = vec![None; network.graph.nodes.len()];
                        for (port, node) in network.inputs.iter().zip(&inputs) {
                            map[port.node.index()] = Some(*node);
                        }
                        map
                    }
                };
                let mut needed = vec![false; network.graph.nodes.len()];
                needed[network.output.node.index()] = true;
                for id in network.graph.ids().rev() {
                    if needed[id.index()] {
                        network.graph.node(id).op.sources().for_each(|s| needed[s.index()] = true);
                    }
                }
                for (index, node) in network.graph.nodes.iter().enumerate() {
                    if map[index].is_some() || !needed[index] {
                        continue;
                    }
                    let op = remap(&node.op, &|id| map[id.index()].expect("sources come first"));
                    let id = self.graph.push(network.name.clone(), op);
                    map[index] = Some(id);
                    let ranges = network.ranges[index].iter().inspect(|_| work(1));
                    let magnitude = ranges.map(|r| r.lo.abs().max(r.hi.abs())).max();
                    self.magnitudes.resize(id.index(), None);
                    self.magnitudes.push(magnitude);
                }
                let node = map[network.output.node.index()].expect("the output was mapped");
                if let Some(reading) = &network.real
                    && !reading.enclosure.is_exact()
                {
                    let errors = reading.enclosure.errors(&boxes);
                    let errors = errors.map_err(|_| self.beyond(super::super::normal_form::Limit::Digits, place))?;
                    if errors.iter().any(|error| *error > 0) {
                        self.errors.insert(node, errors);
                        self.reals.push(RealCall { reading: reading.clone(), inputs: inputs.clone(), output: node });
                    }
                }
                let graph = network.graph.clone();
                self.applied.push(AppliedGraph { graph, inputs: inputs.clone(), nodes: map });
                let output = Port { node, ..network.output.clone() };
                self.calls.push(CallInfo {
                    text,
                    output,
                    network: network.clone(),
                    inputs,
                    argmax: false,
                    claims: Vec::new(),
                });
                node
            }
        };
        let len = self.graph.len(node) as u32;
        Ok(Elements::Picks((0..len).inspect(|_| work(1)).map(|i| (node, i)).collect()))
    }
}
