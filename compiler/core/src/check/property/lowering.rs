//! The state of lowering one instance, its limits, and its refusals.

use super::cases::MAX_CONDITIONS;
use super::normal_form::{self, Errors};
use super::statement::{AppliedGraph, CallInfo, VariableInfo};
use crate::check::{Checked, Context, Reported};
use crate::diagnostic::{Diagnostic, Place};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Variable;
use qnn_ir::obligation::exact::RealCall;
use qnn_ir::obligation::term::Formula;
use qnn_ir::{Graph, NodeId, Rational};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

/// The most parts of one instance: expressions that are evaluated, and elements that arithmetic makes.
const MAX_STEPS: usize = 2_000_000;

/// What an expression takes beside its elements, in elementary operations.
pub(super) const EXPRESSION: usize = 256;

/// How deeply expressions may be nested, definitions written out.
const MAX_NESTING: usize = 200;

/// The most operations of the networks of one instance, counted at each use.
const MAX_NODES: usize = 100_000;

/// What may be impossible: see `premise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Premise {
    Condition,
    /// The values of a binder.
    Range,
}

/// The least and the greatest value of elements.
pub(super) type Ranges = HashMap<(NodeId, u32), (Rational, Rational)>;

/// Lowers one instance.
pub(crate) struct Lowering<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) graph: Graph,
    pub(super) variables: Vec<(Variable, VariableInfo)>,
    pub(super) calls: Vec<CallInfo>,
    /// The networks whose nodes are in the graph, so that two layers of one application share them.
    pub(super) applied: Vec<AppliedGraph>,
    /// Conditions on the variables of the outermost quantifiers.
    pub(super) assumptions: Vec<Formula>,
    /// The greatest magnitude of the integers of each node that comes from a variable or a network.
    pub(super) magnitudes: Vec<Option<i128>>,
    /// The real-valued networks whose graphs only enclose them, and by how much.
    pub(super) reals: Vec<RealCall>,
    pub(super) errors: Errors,
    /// How many disjunctions the statement that is being evaluated stands in.
    pub(super) disjunctions: usize,
    /// The premises of the statement's implications, and what its binders range over: whether something may meet each, wherever it is written out.
    pub(super) premises: BTreeMap<Place, (Premise, bool)>,
    /// What so many of the assumptions say of elements.
    pub(super) given: (usize, Ranges),
    /// Expressions and elements evaluated so far, and the expressions that are being evaluated.
    pub(super) steps: Cell<usize>,
    pub(super) depth: usize,
}

impl<'a> Lowering<'a> {
    pub fn new(context: &'a Context<'a>) -> Lowering<'a> {
        Lowering {
            context,
            graph: Graph::new(),
            variables: Vec::new(),
            calls: Vec::new(),
            applied: Vec::new(),
            assumptions: Vec::new(),
            magnitudes: Vec::new(),
            reals: Vec::new(),
            errors: Errors::new(),
            disjunctions: 0,
            premises: BTreeMap::new(),
            given: (0, Ranges::new()),
            steps: Cell::new(0),
            depth: 0,
        }
    }

    pub(super) fn error<T>(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Checked<T> {
        self.context.error(code, place, message, label)
    }

    /// Evaluates something, unless it is nested too deeply or has become too large.
    pub(super) fn nested<T>(&mut self, place: Place, f: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        work(EXPRESSION);
        self.parts(1, place)?;
        if self.graph.nodes.len() > MAX_NODES {
            return Err(self.beyond(normal_form::Limit::Parts, place));
        }
        if self.depth >= MAX_NESTING {
            return self.error(
                "E0205",
                place,
                "definitions are nested too deeply here",
                format!("more than {MAX_NESTING} levels when they are written out"),
            );
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Counts parts of the statement; refuses one that becomes too large.
    pub(super) fn parts(&self, count: usize, place: Place) -> Checked<()> {
        self.steps.set(self.steps.get().saturating_add(count));
        if self.steps.get() > MAX_STEPS { Err(self.beyond(normal_form::Limit::Parts, place)) } else { Ok(()) }
    }

    pub(super) fn beyond(&self, limit: normal_form::Limit, place: Place) -> Reported {
        self.context.report(match limit {
            normal_form::Limit::Parts => Diagnostic::error(
                "E0606",
                format!("this statement has more than {MAX_STEPS} parts, or {MAX_CONDITIONS} conditions"),
                place,
                "too large when written out",
            )
            .note("Definitions are written out, and so are quantifiers over ranges.")
            .help("split it into several properties"),
            normal_form::Limit::Digits => Diagnostic::error(
                "E0404",
                "the numbers here need more than 100 bits to be exact",
                place,
                "too precise, or too large",
            )
            .help("use constants with fewer digits"),
        })
    }
}
