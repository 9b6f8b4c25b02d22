//! Version 2: networks with named tensors, whose elements are told by indices.

use super::expression::{Expression, Kind};
use super::formulas::{Names, formula};
use super::problem::Problem;
use super::query::{Element, Network, Query, Role, Tensor, Version};
use qnn_ir::interrupt::work;
use std::collections::HashMap;

/// The most elements of a tensor.
const MAX_ELEMENTS: usize = 1 << 24;

/// The element types of ONNX, and `Real`.
const ELEMENTS: [&str; 22] = [
    "Real",
    "real",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "float8e4m3fn",
    "float8e5m2",
    "float8e4m3fnuz",
    "float8e5m2fnuz",
    "float4e2m1",
    "int2",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint4",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
];

/// The networks that are declared, and their tensors by name.
#[derive(Default)]
struct Declared {
    networks: Vec<Network>,
    /// (network, tensor).
    tensors: HashMap<String, (usize, usize)>,
}

/// The query of a text's lists.
pub fn query(lists: &[Expression<'_>]) -> Result<Query, Problem> {
    let mut declared = Declared::default();
    let mut assertions = Vec::new();
    for list in lists {
        work(8);
        let Some((head, parts)) = list.call() else {
            return Err(Problem::new("this begins with no command", list.span.clone(), "not a command of VNN-LIB"));
        };
        match (head, parts) {
            ("vnnlib-version", [version]) => {
                let word = version.word().unwrap_or_default();
                if !word.starts_with("<2.") || !word.ends_with('>') {
                    let help = "queries of version 2 are read, and those of version 1, which have no such line";
                    return Err(Problem::new("this version is not read", version.span.clone(), "").help(help));
                }
            }
            ("declare-network", [name, parts @ ..]) => declared.network(list, name, parts)?,
            ("assert", [assertion]) => assertions.push(formula(assertion, &declared)?),
            ("vnnlib-version" | "declare-network" | "assert", _) => {
                return Err(Problem::new(format!("`{head}` has other parts"), list.span.clone(), ""));
            }
            _ => {
                let message = format!("there is no command `{head}`");
                let help = "version 2 has `vnnlib-version`, `declare-network` and `assert`";
                return Err(Problem::new(message, list.span.clone(), "not a command of VNN-LIB").help(help));
            }
        }
    }
    if declared.networks.is_empty() {
        let span = lists.last().map_or(0..0, |list| list.span.clone());
        return Err(Problem::new("the query declares no network", span, "").help("`(declare-network …)` does"));
    }
    Ok(Query { version: Version::Two, networks: declared.networks, assertions })
}

impl Declared {
    fn network(
        &mut self,
        list: &Expression<'_>,
        name: &Expression<'_>,
        parts: &[Expression<'_>],
    ) -> Result<(), Problem> {
        let index = self.networks.len();
        let mut network = Network {
            name: identifier(name)?,
            equal_to: None,
            isomorphic_to: None,
            tensors: Vec::new(),
            span: name.span.clone(),
        };
        if self.networks.iter().any(|known| known.name == network.name) {
            return Err(Problem::new("there is a network of this name", name.span.clone(), "the second one"));
        }
        for part in parts {
            let (head, rest) = part.call().unwrap_or(("", &[]));
            let role = match head {
                "declare-input" => Role::Input,
                "declare-hidden" => Role::Hidden,
                "declare-output" => Role::Output,
                // The second spelling is Vehicle's.
                "equal-to" | "equalTo" => {
                    network.equal_to = Some(self.other(part, rest)?);
                    continue;
                }
                "isomorphic-to" => {
                    network.isomorphic_to = Some(self.other(part, rest)?);
                    continue;
                }
                _ => {
                    let help = "a network has `declare-input`, `declare-hidden`, `declare-output`, `equal-to` or `isomorphic-to`";
                    return Err(Problem::new("this declares nothing of a network", part.span.clone(), "").help(help));
                }
            };
            let rank = |role: Role| [Role::Input, Role::Hidden, Role::Output].iter().position(|known| *known == role);
            if network.tensors.last().is_some_and(|last| rank(last.role) > rank(role)) {
                let message = "inputs are declared first, then hidden tensors, then outputs";
                return Err(Problem::new(message, part.span.clone(), "this comes too late"));
            }
            let tensor = tensor(part, role, rest)?;
            if self.tensors.insert(tensor.name.clone(), (index, network.tensors.len())).is_some() {
                return Err(Problem::new("there is a tensor of this name", tensor.span, "the second one"));
            }
            network.tensors.push(tensor);
        }
        for (role, word) in [(Role::Input, "input"), (Role::Output, "output")] {
            if network.of(role).next().is_none() {
                return Err(Problem::new(format!("the network has no {word}"), list.span.clone(), "")
                    .help(format!("`(declare-{word} X Real [3])` declares one")));
            }
            let named = network.of(role).filter(|(_, tensor)| tensor.file_name.is_some()).count();
            if named != 0 && named != network.of(role).count() || (named != 0) != self.is_named(&network) {
                let message = "some inputs and outputs are told by their names in the file, and some are not";
                return Err(
                    Problem::new(message, network.span, "this network").help("give all of them a name, or none")
                );
            }
        }
        self.networks.push(network);
        Ok(())
    }

    /// Whether the first input has a name of the file.
    fn is_named(&self, network: &Network) -> bool {
        network.of(Role::Input).next().is_some_and(|(_, tensor)| tensor.file_name.is_some())
    }

    /// The network before it that a declaration names.
    fn other(&self, part: &Expression<'_>, rest: &[Expression<'_>]) -> Result<usize, Problem> {
        let name = rest.first().filter(|_| rest.len() == 1).and_then(Expression::word);
        let found = self.networks.iter().position(|network| Some(network.name.as_str()) == name);
        found.ok_or_else(|| Problem::new("no network before this one has that name", part.span.clone(), ""))
    }
}

fn tensor(part: &Expression<'_>, role: Role, rest: &[Expression<'_>]) -> Result<Tensor, Problem> {
    let wrong = || {
        Problem::new("a tensor is declared by other parts", part.span.clone(), "")
            .help("name, element type, shape, and perhaps its name in the file: `(declare-input X Real [1, 28, 28] \"image\")`")
    };
    let (name, element, shape, file_name) = match rest {
        [name, element, shape] => (name, element, shape, None),
        [name, element, shape, Expression { kind: Kind::Text(text), .. }] => (name, element, shape, Some(*text)),
        _ => return Err(wrong()),
    };
    let Kind::Axes(axes) = &shape.kind else { return Err(wrong()) };
    let word = element.word().ok_or_else(wrong)?;
    if !ELEMENTS.contains(&word) {
        let message = format!("there are no networks of `{word}` here");
        return Err(Problem::new(message, element.span.clone(), "not an element type of numbers")
            .help("`Real`, and ONNX's types such as `float32` and `uint8`, are known"));
    }
    let size = axes.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis).filter(|n| *n <= MAX_ELEMENTS));
    if size.is_none_or(|size| size == 0) {
        let message = format!("a tensor has 1 to {MAX_ELEMENTS} elements");
        return Err(Problem::new(message, shape.span.clone(), "none, or more"));
    }
    if role == Role::Hidden && file_name.is_none() {
        return Err(Problem::new(
            "a hidden tensor is told by its name in the file",
            part.span.clone(),
            "there is none",
        )
        .help("write it last: `(declare-hidden H Real [64] \"relu_1\")`"));
    }
    Ok(Tensor {
        name: identifier(name)?,
        role,
        element: word.to_owned(),
        shape: axes.clone(),
        file_name: file_name.map(str::to_owned),
        span: name.span.clone(),
    })
}

fn identifier(name: &Expression<'_>) -> Result<String, Problem> {
    let is_name = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let word = name.word().filter(is_name);
    word.map(str::to_owned).ok_or_else(|| {
        Problem::new("this is no name", name.span.clone(), "a name is a letter, then letters, digits and `_`")
    })
}

impl Names for Declared {
    fn element(&self, word: &Expression<'_>, axes: Option<&Expression<'_>>) -> Result<Element, Problem> {
        let name = word.word().unwrap_or_default();
        let found = self.tensors.get(name);
        let tensor = found.and_then(|(network, tensor)| self.networks.get(*network)?.tensors.get(*tensor));
        let (Some((network, index)), Some(tensor)) = (found, tensor) else {
            return Err(Problem::new(format!("`{name}` is not declared"), word.span.clone(), "not a tensor"));
        };
        let place = axes.map_or(word.span.clone(), |axes| axes.span.clone());
        let indices: &[usize] = match axes {
            Some(Expression { kind: Kind::Axes(indices), .. }) => indices,
            _ => &[],
        };
        if indices.len() != tensor.shape.len() {
            let message = format!("`{name}` has {} axes, not {}", tensor.shape.len(), indices.len());
            return Err(Problem::new(message, place, format!("an index for each of {:?}", tensor.shape)));
        }
        let mut flat = 0;
        for (index, size) in indices.iter().zip(&tensor.shape) {
            if index >= size {
                let message = format!("the index {index} is beyond an axis of {size}");
                return Err(Problem::new(message, place, format!("`{name}` is {:?}", tensor.shape)));
            }
            flat = flat * size + index;
        }
        Ok(Element { network: *network, tensor: *index, index: flat })
    }
}
