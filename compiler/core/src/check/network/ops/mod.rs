//! The operations of networks, each lowered to nodes of the graph: one file an operation or family of them.
//!
//! In: a call, or operands. Out: the tensor that it comes to. [`operations`] and [`curves`] have an entry for each function that the registry of the
//! language lets stand in networks. Layouts: `dense` weights are [out, in]; images are [channels, height, width]; `conv2d` weights are
//! [out, in / groups, height, width], as PyTorch exports them.

mod affine;
mod arithmetic;
mod batch_norm;
mod cast;
mod clamp;
mod constants;
mod conv2d;
mod curve;
mod dense;
mod layout;
mod leaky_relu;
mod logistic;
mod pool2d;
mod relu;
mod sign;
mod table;
mod transpose;

pub(super) use clamp::Clamped;
pub(super) use constants::picked;
pub(super) use curve::Curve;
pub use layout::pick_indices;

use super::super::Checked;
use super::super::scope::lookup;
use super::{Builder, NetTensor, NetValue};
use crate::db::tree;
use crate::diagnostic::Diagnostic;
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call, Expr, ExprKind, ItemKind};
use qnn_syntax::builtins::{FUNCTIONS, Function, function};
use qnn_syntax::walk::Role;

/// What lowers the call of an operation.
type Lower<'a> = fn(&mut Builder<'a>, &Call, Span) -> Checked<NetTensor>;

/// The operations, by name.
fn operations<'a>() -> [(&'static str, Lower<'a>); 12] {
    [
        ("dense", Builder::dense),
        ("conv2d", Builder::conv2d),
        ("max_pool2d", Builder::max_pool2d),
        ("avg_pool2d", Builder::avg_pool2d),
        ("relu", Builder::relu),
        ("leaky_relu", Builder::leaky_relu),
        ("sign", Builder::sign),
        ("batch_norm", Builder::batch_norm),
        ("add", Builder::add),
        ("flatten", Builder::flatten),
        ("reshape", Builder::reshape),
        ("concat", Builder::concat),
    ]
}

/// The operation that constants have too, and that gives constants then.
const TRANSPOSE: &str = "transpose";

/// What prepares the call of a function that a cast rounds.
type Prepare<'a> = fn(&mut Builder<'a>, &Call, Span) -> Checked<NetValue>;

/// The functions whose values the integers of a tensor may not hold before a cast rounds them, by name.
fn unrounded<'a>() -> [(&'static str, Prepare<'a>); 7] {
    [
        ("clamp", Builder::clamp),
        ("relu6", Builder::relu6),
        ("hard_sigmoid", Builder::hard_sigmoid),
        ("hard_swish", Builder::hard_swish),
        ("sigmoid", Builder::sigmoid),
        ("tanh", Builder::tanh),
        ("lookup", Builder::lookup),
    ]
}

impl Builder<'_> {
    /// A call: of an operation, of a function of constants, or of another network.
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let name = &*call.callee.text;
        if let Some(real) = call.real {
            return self.report(
                Diagnostic::error(
                    "E0612",
                    "a network computes bits; it has no real numbers inside",
                    self.place(real),
                    "not in a network",
                )
                .help("read the whole network as real, in a property: what it calls is then read so too"),
            );
        }
        if let Some(generic) = call.generics.first()
            && function(name).is_some_and(Function::in_networks)
        {
            return self.error(
                "E0303",
                generic.span,
                format!("`{name}` takes nothing in angle brackets"),
                "not expected",
            );
        }
        if let Some((_, lower)) = operations().into_iter().find(|(known, _)| *known == name) {
            return lower(self, call, span).map(NetValue::Tensor);
        }
        if let Some((_, prepare)) = unrounded().into_iter().find(|(known, _)| *known == name) {
            return prepare(self, call, span);
        }
        if name == TRANSPOSE {
            return self.transpose(call, span);
        }
        if matches!(name, "min" | "max" | "abs" | "len") {
            let expr = Expr { kind: ExprKind::Call(call.clone()), span };
            return self.constants(|e| e.eval(&expr)).map(NetValue::Constant);
        }
        if function(name).is_some() {
            let operations: Vec<&str> = FUNCTIONS.iter().filter(|f| f.in_networks()).map(|f| f.name).collect();
            let note = format!(
                "A network computes bit-exactly with {}, + - * with constants, and casts.",
                operations.join(", ")
            );
            let mut diagnostic = Diagnostic::error(
                "E0612",
                format!("`{name}` belongs in properties, not in networks"),
                self.place(call.callee.span),
                "not an operation of networks",
            )
            .note(note);
            if name == "softmax" {
                diagnostic =
                    diagnostic.help("let the network end with its scores: their `argmax` is that of the softmax");
            }
            return self.report(diagnostic);
        }
        let item = lookup(self.evaluator.context, self.evaluator.item, &call.callee, Role::Function)?;
        match tree(self.db(), item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Network(_)) => self.call_network(item, call, span),
            _ => self.error("E0204", call.callee.span, format!("`{name}` is not a network"), "can't be called here"),
        }
    }

    /// Exactly so many arguments, none of them named.
    fn positional<'e, const N: usize>(&self, call: &'e Call, span: Span) -> Checked<[&'e Argument; N]> {
        let all: Vec<&Argument> = call.arguments.iter().collect();
        match <[&Argument; N]>::try_from(all) {
            Ok(arguments) if arguments.iter().all(|a| a.name.is_none()) => Ok(arguments),
            _ => self.wrong_arguments(call, span),
        }
    }

    /// Says how the function is called.
    fn wrong_arguments<T>(&self, call: &Call, span: Span) -> Checked<T> {
        let usage = function(&call.callee.text).map_or(&[][..], |function| function.usage);
        let usage: Vec<String> = usage.iter().map(|usage| format!("`{usage}`")).collect();
        self.error("E0303", span, format!("write {}", usage.join(" or ")), "wrong arguments")
    }

    /// Positional arguments, and the function's options in the registry's order, each an integer.
    fn options<'e>(&self, call: &'e Call) -> Checked<(Vec<&'e Expr>, Vec<Option<usize>>)> {
        let known: Vec<&str> = function(&call.callee.text).into_iter().flat_map(Function::options).collect();
        let mut positional = Vec::new();
        let mut named = vec![None; known.len()];
        for argument in &call.arguments {
            let Some(name) = &argument.name else {
                positional.push(&argument.value);
                continue;
            };
            let Some(index) = known.iter().position(|k| *k == &*name.text) else {
                let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return self.error(
                    "E0303",
                    name.span,
                    format!("`{}` has no option `{}`", call.callee.text, name.text),
                    format!("its options: {names}"),
                );
            };
            if named[index].is_some() {
                return self.error("E0303", name.span, format!("`{}` is given twice", name.text), "given before");
            }
            named[index] = Some(self.constants(|e| e.size(&argument.value))?);
        }
        Ok((positional, named))
    }

    /// An argument that must be a tensor of the network.
    fn tensor(&mut self, expr: &Expr) -> Checked<NetTensor> {
        match self.eval(expr)? {
            NetValue::Tensor(tensor) => Ok(tensor),
            other => self.error(
                "E0302",
                expr.span,
                format!("expected a tensor of the network, found {}", other.kind()),
                "does not depend on the input",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_function_of_networks_is_lowered() {
        let listed: BTreeSet<&str> = FUNCTIONS.iter().filter(|f| f.in_networks()).map(|f| f.name).collect();
        let prepared = unrounded().map(|(name, _)| name);
        let lowered: BTreeSet<&str> =
            operations().map(|(name, _)| name).into_iter().chain(prepared).chain([TRANSPOSE]).collect();
        assert_eq!(listed, lowered);
    }
}
