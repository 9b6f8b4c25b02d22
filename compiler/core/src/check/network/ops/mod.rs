//! The operations of networks, each lowered to nodes of the graph: one file an operation or family of them.
//!
//! In: a call, or operands. Out: the tensor that it comes to. [`operations`], [`unrounded`] and [`rearrangements`] have an entry for each function that the registry of the
//! language lets stand in networks. Layouts: `dense` weights are [out, in]; images are [channels, height, width];
//! `conv2d` weights are [out, in / groups, height, width], as PyTorch exports them.

mod affine;
mod arithmetic;
mod batch_norm;
mod cast;
mod clamp;
mod constants;
mod conv;
mod curve;
mod dense;
mod kernel_layout;
mod layout;
mod leaky_relu;
mod logistic;
mod options;
mod pad;
mod plane;
mod pool;
mod reduce;
mod relu;
mod sign;
mod table;
mod transpose;
mod window;

pub(super) use affine::Rows;
pub(super) use batch_norm::rounded_root;
pub(super) use clamp::Clamped;
pub(super) use constants::picked;
pub(super) use curve::Curve;
pub use layout::pick_indices;
pub(super) use pool::reciprocals;

use super::super::Checked;
use super::super::scope::lookup;
use super::{Builder, NetTensor, NetValue};
use crate::db::tree;
use crate::diagnostic::Diagnostic;
use qnn_syntax::Span;
use qnn_syntax::ast::{Call, Expr, ExprKind};
use qnn_syntax::builtins::{FUNCTIONS, Function, function};
use qnn_syntax::walk::Role;

/// What lowers the call of an operation.
type Lower<'a> = fn(&mut Builder<'a>, &Call, Span) -> Checked<NetTensor>;

/// The operations, by name.
fn operations<'a>() -> [(&'static str, Lower<'a>); 18] {
    [
        ("dense", Builder::dense),
        ("conv2d", Builder::conv2d),
        ("conv1d", Builder::conv1d),
        ("max_pool2d", Builder::max_pool2d),
        ("max_pool1d", Builder::max_pool1d),
        ("avg_pool2d", Builder::avg_pool2d),
        ("avg_pool1d", Builder::avg_pool1d),
        ("pad", Builder::pad),
        ("minimum", Builder::minimum),
        ("maximum", Builder::maximum),
        ("sum", Builder::sum_over_axes),
        ("mean", Builder::mean),
        ("relu", Builder::relu),
        ("leaky_relu", Builder::leaky_relu),
        ("sign", Builder::sign),
        ("batch_norm", Builder::batch_norm),
        ("add", Builder::add),
        ("concat", Builder::concat),
    ]
}

/// What puts elements elsewhere: those of a tensor of the network, or constants, which give constants.
type Rearrange<'a> = fn(&mut Builder<'a>, &Call, Span) -> Checked<NetValue>;

/// The operations that constants have too, by name.
fn rearrangements<'a>() -> [(&'static str, Rearrange<'a>); 3] {
    [("flatten", Builder::flatten), ("reshape", Builder::reshape), ("transpose", Builder::transpose)]
}

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
    /// Refuses `min`, `max` and `abs` of a tensor: these are functions of constants, and in properties.
    fn not_elementwise(&self, call: &Call) -> Checked<()> {
        let tensor = call.arguments.iter().find_map(|argument| match &argument.value.kind {
            ExprKind::Name(name) => self
                .locals
                .iter()
                .rev()
                .find(|(known, _)| *known == name.text)
                .filter(|(_, value)| matches!(value, NetValue::Tensor(_)))
                .map(|_| name),
            _ => None,
        });
        let Some(tensor) = tensor else { return Ok(()) };
        let x = &tensor.text;
        let help = match &*call.callee.text {
            "max" => format!(
                "`relu({x})` is the greater of each element and 0, `clamp({x}, a, b)` limits to a … b, `maximum({x})` is the greatest element"
            ),
            "min" => format!("`clamp({x}, a, b)` limits each element to a … b, `minimum({x})` is the least element"),
            "abs" => format!("`relu({x}) + relu(-{x})` is the absolute value of each element"),
            _ => return Ok(()),
        };
        self.report(
            Diagnostic::error(
                "E0310",
                format!("a constant is needed here, but `{x}` is a tensor of the network"),
                self.place(tensor.span),
                format!("`{}` is a function of constants", call.callee.text),
            )
            .help(help),
        )
    }

    /// A call: of an operation, of a function of constants, or of another network.
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Checked<NetValue> {
        let name = &*call.callee.text;
        if let Some(real) = call.real() {
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
        if let Some(at) = call.at().filter(|_| function(name).is_some()) {
            return self.error("E0204", at.span, format!("`{name}` has no layers"), "only networks have layers");
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
        if let Some((_, rearrange)) = rearrangements().into_iter().find(|(known, _)| *known == name) {
            return rearrange(self, call, span);
        }
        if matches!(name, "min" | "max" | "abs" | "len") {
            self.not_elementwise(call)?;
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
            Some(kind) if kind.is_network() => self.call_network(item, call, span),
            _ => self.error("E0204", call.callee.span, format!("`{name}` is not a network"), "can't be called here"),
        }
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
        let (prepared, rearranged) = (unrounded().map(|(name, _)| name), rearrangements().map(|(name, _)| name));
        let lowered: BTreeSet<&str> =
            operations().map(|(name, _)| name).into_iter().chain(prepared).chain(rearranged).collect();
        assert_eq!(listed, lowered);
    }
}
