//! Instances of properties and measures as they leave the lowering: obligations, and what is needed to show their counterexamples.

use crate::check::constant::Constant;
use crate::check::network::{Network, Port};
use qnn_ir::obligation::{Objective, Obligation};
use qnn_ir::{Graph, NodeId, Rational};
use qnn_syntax::ast::{Binder, Expr};
use std::sync::Arc;

/// A quantified variable as counterexamples show it.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableInfo {
    /// Its name, axes, scale and format; the node is the obligation's.
    pub port: Port,
    /// The centre of the ball it ranges over, if it does, as the node's integers.
    pub center: Option<Arc<[i64]>>,
}

/// A network's use in the property as counterexamples show it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallInfo {
    /// As the spec writes it: `classifier(x)`.
    pub text: String,
    /// The output: axes, scale, format; the node is the obligation's.
    pub output: Port,
    /// The network.
    pub network: Arc<Network>,
    /// The nodes of its inputs.
    pub inputs: Vec<NodeId>,
    /// Whether the property asks for its argmax.
    pub argmax: bool,
    /// What the property claims of its argmax wherever it holds, each claim once.
    pub claims: Vec<ClassClaim>,
}

/// A network's graph within that of the obligation.
pub struct AppliedGraph {
    /// The network's graph.
    pub graph: Arc<Graph>,
    /// The obligation's nodes of its inputs.
    pub inputs: Vec<NodeId>,
    /// The obligation's node for each of its nodes that is there.
    pub nodes: Vec<Option<NodeId>>,
}

/// A class that an argmax is claimed to be, or not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassClaim {
    /// The class.
    pub class: usize,
    /// Whether the argmax is claimed to be any other.
    pub excluded: bool,
    /// Whether it is the strict argmax, which is no class where elements tie.
    pub strict: bool,
}

/// An instance of a property, lowered.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Is there an assignment that breaks it?
    pub obligation: Arc<Obligation>,
    /// Is there an assignment that meets its assumptions? `None` where there is no assumption to meet.
    pub vacuity: Option<Arc<Obligation>>,
    /// Its variables.
    pub variables: Vec<VariableInfo>,
    /// Its networks' outputs.
    pub calls: Vec<CallInfo>,
}

/// An instance of a `maximize` or `minimize`, lowered.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimization {
    /// What is to be maximised.
    pub objective: Arc<Objective>,
    /// How far apart the best value found and the bound may be, in the spec's numbers; `None` where they have to meet.
    pub within: Option<Rational>,
    /// Its variables.
    pub variables: Vec<VariableInfo>,
    /// Its networks' outputs.
    pub calls: Vec<CallInfo>,
}

/// What a `maximize` or `minimize` says, with the values of its indices.
#[derive(Clone, Copy)]
pub struct Extreme<'a> {
    /// The greatest is sought, not the least.
    pub maximize: bool,
    /// The number.
    pub objective: &'a Expr,
    /// Its variables.
    pub over: &'a [Binder],
    /// What is assumed of them.
    pub condition: Option<&'a Expr>,
    /// How far apart the best value found and the bound may be.
    pub within: Option<&'a Expr>,
    /// The values of those variables that are indices.
    pub choice: &'a [(Arc<str>, Constant)],
}
