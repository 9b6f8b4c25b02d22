//! Properties: statements and objectives with their parameters known, lowered to obligations.
//!
//! Inside a property numbers are exact. Evaluation is symbolic: a tensor's elements are terms over the graph's integers, a
//! statement is a formula over terms, and quantified variables are input nodes. What comes out is an owned obligation and what
//! is needed to show its counterexamples.

mod builtins;
mod eval;
pub mod lower;
mod premise;

use super::constant::{Constant, Evaluator, Local, size_of};
use super::data::PerElement;
use super::network::{Network, Port};
use super::types::{Axis, Classes, Shape};
use super::{Checked, Context, Reported, at};
use crate::db::ItemId;
use crate::diagnostic::{Diagnostic, Place};
use crate::number_format::Format;
use lower::Errors;
use num_integer::Integer;
use premise::{Premise, Ranges};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::exact::RealCall;
use qnn_ir::obligation::term::{Formula, Term};
use qnn_ir::obligation::{Atom, Exact, ExactObjective, Linear, Objective, Obligation, Variable};
use qnn_ir::{Graph, NodeId, Op};
use qnn_syntax::ast::{Binder, Expr, ExprKind};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A number, a statement, or what else an expression in a property can be.
#[derive(Clone)]
pub(crate) enum Value {
    Constant(Constant),
    Formula(Formula),
    Tensor(Tensor),
    /// A known class.
    Class(Classes, usize),
    /// The index of the first maximum; none at all, if strict and not unique.
    Argmax {
        of: Tensor,
        strict: bool,
    },
    Dataset(ItemId),
    Sample(ItemId, usize),
    /// All values of the centre's format whose elements are within the radius.
    Ball {
        center: Tensor,
        radius: Constant,
    },
}

impl Value {
    fn kind(&self) -> String {
        match self {
            Value::Constant(c) => c.kind().to_owned(),
            Value::Formula(_) => "a statement".to_owned(),
            Value::Tensor(t) if t.shape.is_empty() => "a number".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Class(..) => "a class".to_owned(),
            Value::Argmax { .. } => "an argmax".to_owned(),
            Value::Dataset(_) => "a dataset".to_owned(),
            Value::Sample(..) => "a sample of a dataset".to_owned(),
            Value::Ball { .. } => "a ball".to_owned(),
        }
    }
}

/// A tensor of exact numbers.
#[derive(Clone)]
pub(crate) struct Tensor {
    shape: Shape,
    elements: Elements,
    /// The value of one step of each element, where all that goes into it has the same.
    lsb: Option<PerElement<Rational>>,
    /// The format, for values as they are stored: variables, samples, outputs.
    format: Option<Format>,
}

#[derive(Clone)]
enum Elements {
    /// Elements of nodes, each times its lsb.
    Picks(Arc<[(NodeId, u32)]>),
    /// Known integers, each times its lsb.
    Known(Arc<[i64]>),
    /// Anything.
    Terms(Arc<[Term]>),
}

impl Tensor {
    fn len(&self) -> usize {
        match &self.elements {
            Elements::Picks(picks) => picks.len(),
            Elements::Known(numbers) => numbers.len(),
            Elements::Terms(terms) => terms.len(),
        }
    }

    /// An element as a term.
    fn term(&self, i: usize) -> Term {
        let lsb = || self.lsb.as_ref().map(|l| l.get(i).clone()).unwrap_or_else(num_traits::One::one);
        match &self.elements {
            Elements::Picks(picks) => Term::element(picks[i].0, picks[i].1, lsb()),
            Elements::Known(numbers) => Term::constant(qnn_ir::rational::integer(i128::from(numbers[i])) * lsb()),
            Elements::Terms(terms) => terms[i].clone(),
        }
    }

    /// The sum of the elements, none of which is made a term of its own.
    fn sum(&self) -> Term {
        let lsb = |i: usize| self.lsb.as_ref().map(|l| l.get(i).clone()).unwrap_or_else(num_traits::One::one);
        match &self.elements {
            Elements::Picks(picks) => Term::of_elements((0..picks.len()).map(|i| (picks[i], lsb(i))).collect()),
            Elements::Known(numbers) => {
                let value = |i: usize| qnn_ir::rational::integer(i128::from(numbers[i])) * lsb(i);
                Term::constant((0..numbers.len()).inspect(|_| work(EXPRESSION)).map(value).sum())
            }
            Elements::Terms(terms) => Term::sum(terms),
        }
    }

    fn terms(&self) -> Vec<Term> {
        (0..self.len()).map(|i| self.term(i)).collect()
    }

    /// A tensor of stored values.
    fn stored(port: &Port, elements: Elements) -> Tensor {
        Tensor { shape: port.shape.clone(), elements, lsb: Some(port.scale.clone()), format: port.format.clone() }
    }
}

/// A quantified variable, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableInfo {
    /// Its name, axes, scale and format; the node is the obligation's.
    pub port: Port,
    /// The centre of the ball it ranges over, if it does, as the node's integers.
    pub center: Option<Arc<[i64]>>,
}

/// A network applied in the property, for people.
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
    /// Its variables.
    pub variables: Vec<VariableInfo>,
    /// Its networks' outputs.
    pub calls: Vec<CallInfo>,
}

/// Which way a statement counts: a quantifier over values can be moved to the front only where it counts positively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    Positive,
    Negative,
    Both,
}

impl Polarity {
    fn flipped(self) -> Polarity {
        match self {
            Polarity::Positive => Polarity::Negative,
            Polarity::Negative => Polarity::Positive,
            Polarity::Both => Polarity::Both,
        }
    }
}

/// Local names and the item in which an expression stands.
#[derive(Clone)]
pub(crate) struct Env {
    item: ItemId,
    locals: Vec<(Arc<str>, Value)>,
    depth: usize,
}

impl Env {
    /// An item's body with its parameters known.
    pub fn new(item: ItemId, parameters: &[(Arc<str>, Constant)]) -> Env {
        let locals = parameters.iter().map(|(name, value)| (name.clone(), Value::Constant(value.clone()))).collect();
        Env { item, locals, depth: 0 }
    }

    fn with(&self, name: &Arc<str>, value: Value) -> Env {
        let mut env = self.clone();
        env.locals.push((name.clone(), value));
        env
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.locals.iter().rev().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    fn local(&self, name: &str) -> Option<Local> {
        self.get(name).map(|value| match value {
            Value::Constant(c) => Ok(c.clone()),
            other => Err(other.kind()),
        })
    }
}

/// Lowers one instance.
pub(crate) struct Lowering<'a> {
    context: &'a Context<'a>,
    graph: Graph,
    variables: Vec<(Variable, VariableInfo)>,
    calls: Vec<CallInfo>,
    /// Conditions on the variables of the outermost quantifiers.
    assumptions: Vec<Formula>,
    /// The greatest magnitude of the integers of each node that comes from a variable or a network.
    magnitudes: Vec<Option<i128>>,
    /// The real-valued networks whose graphs only enclose them, and by how much.
    reals: Vec<RealCall>,
    errors: Errors,
    /// How many disjunctions the statement that is being evaluated stands in.
    disjunctions: usize,
    /// The premises of the statement's implications, and what its binders range over: whether something may meet each, wherever it is written out.
    premises: BTreeMap<Place, (Premise, bool)>,
    /// What so many of the assumptions say of elements.
    given: (usize, Ranges),
    /// Expressions and elements evaluated so far, and the expressions that are being evaluated.
    steps: Cell<usize>,
    depth: usize,
}

/// The most parts of one instance: expressions that are evaluated, and elements that arithmetic makes.
const MAX_STEPS: usize = 2_000_000;
/// What an expression takes beside its elements, in elementary operations.
const EXPRESSION: usize = 256;
/// How deeply expressions may be nested, definitions written out.
const MAX_NESTING: usize = 200;
/// The most operations of the networks of one instance, counted at each use.
const MAX_NODES: usize = 100_000;

impl<'a> Lowering<'a> {
    pub fn new(context: &'a Context<'a>) -> Lowering<'a> {
        Lowering {
            context,
            graph: Graph::new(),
            variables: Vec::new(),
            calls: Vec::new(),
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

    fn error<T>(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Checked<T> {
        self.context.error(code, place, message, label)
    }

    /// Lowers a property's body.
    pub fn property(mut self, env: &Env, body: &Expr) -> Checked<Statement> {
        let goal = self.statement(env, body)?;
        let place = at(env.item, body.span);
        if !self.variables.is_empty()
            && let Formula::Bool(holds) = goal
        {
            self.context.report(
                Diagnostic::warning(
                    "W0604",
                    format!("this property is {} whatever its variables are", if holds { "true" } else { "false" }),
                    place,
                    "does not depend on a quantified variable",
                )
                .note("Nothing about a network is proved by it.")
                .help("check that the statement mentions the variables it quantifies over"),
            );
        }
        self.report_premises();
        let assumption = Formula::and(std::mem::take(&mut self.assumptions));
        let (assumptions, alternatives) = self.split(&assumption, place)?;
        let assumptions = self.fold_into_domains(assumptions);
        let goal = goal.opposite();
        let negated = self.cases(&goal, place)?;
        let cases = self.product(&alternatives, negated, place)?;
        let constrained = !assumptions.is_empty() || alternatives != [Vec::new()];
        let nodes = self.needed(assumptions.iter().chain(cases.iter().flatten()).chain(alternatives.iter().flatten()));
        self.check_magnitudes(assumptions.iter().chain(cases.iter().flatten()), place)?;
        let (graph, map) = prune(&self.graph, &nodes);
        let mut renaming = Renaming { map: &map, known: HashMap::new() };
        let (variables, infos): (Vec<Variable>, Vec<VariableInfo>) =
            std::mem::take(&mut self.variables).into_iter().unzip();
        let variables: Vec<Variable> =
            variables.into_iter().map(|v| Variable { node: mapped(&map, v.node), ..v }).collect();
        let obligation = Obligation {
            graph: self.context.db.shared(graph),
            variables,
            assumptions: renaming.atoms(&assumptions),
            cases: renaming.cases(&cases),
            exact: self.exact(&assumption, Some(goal), &map),
        };
        let alternatives = renaming.cases(&alternatives);
        let vacuity = constrained.then(|| {
            let exact = self.exact(&assumption, None, &map);
            Arc::new(Obligation { cases: alternatives, exact, ..obligation.clone() })
        });
        if let Some(vacuity) = &vacuity
            && impossible(vacuity)
        {
            self.report_vacuous(place);
        }
        Ok(Statement {
            obligation: Arc::new(obligation),
            vacuity,
            variables: renamed_infos(infos, &map),
            calls: renamed_calls(self.calls, &map),
        })
    }

    /// Lowers a `maximize` or `minimize`.
    pub fn optimize(
        mut self,
        env: &Env,
        maximize: bool,
        objective: &Expr,
        over: &[Binder],
        condition: Option<&Expr>,
    ) -> Checked<Optimization> {
        let place = at(env.item, objective.span);
        let mut env = env.clone();
        for binder in over {
            match self.binder(&env, binder)? {
                eval::Bound::Variable(value, condition) => {
                    env = env.with(&binder.name.text, value);
                    self.assumptions.push(condition);
                }
                eval::Bound::Finite => {
                    return self.error(
                        "E0611",
                        at(env.item, binder.name.span),
                        "a measure is over values of a format, not over indices",
                        "give the measure a parameter instead: `measure m(i in …)`",
                    );
                }
            }
        }
        if let Some(condition) = condition {
            let formula = self.formula(&env, condition, Polarity::Negative)?;
            self.assumptions.push(formula);
        }
        self.report_premises();
        let term = self.scalar(&env, objective)?;
        if term.as_constant().is_some() {
            self.context.report(
                Diagnostic::warning(
                    "W0604",
                    "this measure is the same whatever its variables are",
                    place,
                    "is constant",
                )
                .note("Nothing about a network is learnt from it.")
                .help("check that the expression mentions the variables"),
            );
        }
        let term = if maximize { term } else { term.negated() };
        let assumption = Formula::and(std::mem::take(&mut self.assumptions));
        let (assumptions, alternatives) = self.split(&assumption, place)?;
        let assumptions = self.fold_into_domains(assumptions);
        let lower::Objective { pieces, scale, error } =
            lower::objective(&mut self.graph, &mut self.errors, &term).map_err(|p| self.problem(p, place))?;
        let forms: Vec<Atom> = pieces.into_iter().map(|piece| Atom { linear: Arc::new(piece) }).collect();
        let nodes = self.needed(assumptions.iter().chain(alternatives.iter().flatten()).chain(&forms));
        self.check_magnitudes(assumptions.iter().chain(&forms), place)?;
        let (graph, map) = prune(&self.graph, &nodes);
        let mut renaming = Renaming { map: &map, known: HashMap::new() };
        let (variables, infos): (Vec<Variable>, Vec<VariableInfo>) =
            std::mem::take(&mut self.variables).into_iter().unzip();
        let base = Obligation {
            graph: self.context.db.shared(graph),
            variables: variables.into_iter().map(|v| Variable { node: mapped(&map, v.node), ..v }).collect(),
            assumptions: renaming.atoms(&assumptions),
            cases: Vec::new(),
            exact: self.exact(&assumption, None, &map),
        };
        let alternatives = renaming.cases(&alternatives);
        if impossible(&Obligation { cases: alternatives.clone(), ..base.clone() }) {
            self.report_vacuous(place);
        }
        let objective = Objective {
            base,
            alternatives,
            pieces: forms.iter().map(|atom| Arc::unwrap_or_clone(renaming.atom(atom).linear)).collect(),
            scale,
            negated: !maximize,
            exact: (error > 0).then(|| {
                let exact = ExactObjective { calls: self.reals.clone(), term, error };
                Arc::new(exact.renamed(&|node| mapped(&map, node)))
            }),
        };
        Ok(Optimization {
            objective: Arc::new(objective),
            variables: renamed_infos(infos, &map),
            calls: renamed_calls(self.calls, &map),
        })
    }

    /// Whether a condition on constants alone holds: the filter of a family. `None` if it speaks of more than constants.
    pub fn filter(mut self, env: &Env, condition: &Expr) -> Checked<Option<bool>> {
        Ok(match self.formula(env, condition, Polarity::Both)? {
            Formula::Bool(holds) => Some(holds),
            _ => None,
        })
    }

    /// Evaluates something, unless it is nested too deeply or has become too large.
    fn nested<T>(&mut self, place: Place, f: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        work(EXPRESSION);
        self.parts(1, place)?;
        if self.graph.nodes.len() > MAX_NODES {
            return Err(self.problem(lower::Problem::Cases, place));
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
    fn parts(&self, count: usize, place: Place) -> Checked<()> {
        self.steps.set(self.steps.get().saturating_add(count));
        if self.steps.get() > MAX_STEPS { Err(self.problem(lower::Problem::Cases, place)) } else { Ok(()) }
    }

    fn problem(&self, problem: lower::Problem, place: Place) -> Reported {
        self.context.report(match problem {
            lower::Problem::Cases => Diagnostic::error(
                "E0606",
                format!(
                    "this statement has more than {} cases, {} conditions in all of them, or {MAX_STEPS} parts",
                    lower::MAX_CASES,
                    lower::MAX_CONDITIONS
                ),
                place,
                "too large when written out",
            )
            .note("A statement is decided case by case; `or` within `and` multiplies the cases.")
            .help("split it into several properties"),
            lower::Problem::Digits => Diagnostic::error(
                "E0404",
                "the numbers here need more than 100 bits to be exact",
                place,
                "too precise, or too large",
            )
            .help("use constants with fewer digits"),
        })
    }

    fn report_vacuous(&self, place: Place) {
        self.context.report(
            Diagnostic::warning("W0605", "nothing satisfies the assumptions here", place, "is about no input at all")
                .note("What is said of no input is vacuous: it says nothing about the network.")
                .help("check the conditions after `where`"),
        );
    }

    fn split(&mut self, formula: &Formula, place: Place) -> Checked<(Vec<Atom>, Vec<Vec<Atom>>)> {
        lower::split(&mut self.graph, &mut self.errors, formula).map_err(|p| self.problem(p, place))
    }

    /// Assumptions on one element of one variable become part of its domain, exactly; those that would leave nothing stay.
    fn fold_into_domains(&mut self, assumptions: Vec<Atom>) -> Vec<Atom> {
        let fold = |variables: &mut Vec<(Variable, VariableInfo)>, atom: &Atom| -> bool {
            let [(node, element, factor)] = atom.linear.terms.as_slice() else { return false };
            let Some((variable, _)) = variables.iter_mut().find(|(v, _)| v.node == *node) else { return false };
            let Some((lo, hi)) = variable.domain.get_mut(*element as usize) else { return false };
            // factor · x + constant >= 0.
            if *factor > 0 {
                let least = Integer::div_ceil(&-atom.linear.constant, factor);
                match i64::try_from(least) {
                    Ok(least) if least <= *hi => *lo = least.max(*lo),
                    Err(_) if least < 0 => {}
                    _ => return false,
                }
            } else {
                let greatest = Integer::div_floor(&atom.linear.constant, &-factor);
                match i64::try_from(greatest) {
                    Ok(greatest) if greatest >= *lo => *hi = greatest.min(*hi),
                    Err(_) if greatest > 0 => {}
                    _ => return false,
                }
            }
            true
        };
        assumptions.into_iter().filter(|atom| !fold(&mut self.variables, atom)).collect()
    }

    fn cases(&mut self, formula: &Formula, place: Place) -> Checked<Vec<Vec<Atom>>> {
        lower::cases(&mut self.graph, &mut self.errors, formula).map_err(|p| self.problem(p, place))
    }

    /// What is meant, where graphs enclose real-valued networks, or numbers with too many digits; `goal` is the negated one.
    fn exact(&self, assumptions: &Formula, goal: Option<Formula>, map: &[Option<NodeId>]) -> Option<Arc<Exact>> {
        (!self.errors.is_empty()).then(|| {
            let exact = Exact { calls: self.reals.clone(), assumptions: assumptions.clone(), goal };
            Arc::new(exact.renamed(&|node| mapped(map, node)))
        })
    }

    /// Each alternative of the assumptions with each case of the negated goal.
    fn product(&self, alternatives: &[Vec<Atom>], cases: Vec<Vec<Atom>>, place: Place) -> Checked<Vec<Vec<Atom>>> {
        if let [only] = alternatives
            && only.is_empty()
        {
            return Ok(cases);
        }
        if alternatives.len().saturating_mul(cases.len()) > lower::MAX_CASES {
            return Err(self.problem(lower::Problem::Cases, place));
        }
        let conditions = |cases: &[Vec<Atom>]| cases.iter().map(Vec::len).sum::<usize>();
        let total = conditions(alternatives).saturating_mul(cases.len());
        let total = total.saturating_add(conditions(&cases).saturating_mul(alternatives.len()));
        if total > lower::MAX_CONDITIONS {
            return Err(self.problem(lower::Problem::Cases, place));
        }
        work(total);
        Ok(alternatives
            .iter()
            .flat_map(|alternative| cases.iter().map(move |case| [alternative.as_slice(), case.as_slice()].concat()))
            .collect())
    }

    /// The nodes that must stay: those of the atoms, the variables and the networks' outputs.
    fn needed<'b>(&self, atoms: impl Iterator<Item = &'b Atom>) -> Vec<bool> {
        let mut needed = vec![false; self.graph.nodes.len()];
        for atom in atoms {
            atom.linear.terms.iter().for_each(|(node, ..)| needed[node.index()] = true);
        }
        self.variables.iter().for_each(|(v, _)| needed[v.node.index()] = true);
        for call in &self.calls {
            needed[call.output.node.index()] = true;
            call.inputs.iter().for_each(|node| needed[node.index()] = true);
        }
        for id in self.graph.ids().rev() {
            if needed[id.index()] {
                self.graph.node(id).op.sources().for_each(|source| needed[source.index()] = true);
            }
        }
        needed
    }

    /// Refuses linear forms whose values could leave 128 bits.
    fn check_magnitudes<'b>(&self, atoms: impl Iterator<Item = &'b Atom>, place: Place) -> Checked<()> {
        let mut known: Vec<i128> = Vec::with_capacity(self.graph.nodes.len());
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let magnitude = match (self.magnitudes.get(index).copied().flatten(), &node.op) {
                (Some(magnitude), _) => magnitude,
                (None, Op::Affine { terms, bias }) => (0..node.len)
                    .map(|row| {
                        terms.iter().fold(bias[row].saturating_abs(), |sum, (source, matrix)| {
                            work(matrix.entries(row));
                            matrix.row(row).fold(sum, |sum, (_, w)| {
                                sum.saturating_add(i128::from(w).abs().saturating_mul(known[source.index()]))
                            })
                        })
                    })
                    .max()
                    .unwrap_or(0),
                (None, Op::Constant(values)) => values.iter().map(|v| v.saturating_abs()).max().unwrap_or(0),
                (None, op) => op.sources().map(|source| known[source.index()]).max().unwrap_or(0),
            };
            known.push(magnitude);
        }
        for atom in atoms {
            work(1 + atom.linear.terms.len());
            let total =
                atom.linear.terms.iter().fold(atom.linear.constant.saturating_abs(), |sum, (node, _, factor)| {
                    sum.saturating_add(factor.saturating_abs().saturating_mul(known[node.index()]))
                });
            if total > 1 << 120 {
                return Err(self.problem(lower::Problem::Digits, place));
            }
        }
        Ok(())
    }
}

/// Whether interval arithmetic alone shows that nothing answers the obligation.
fn impossible(obligation: &Obligation) -> bool {
    // Networks in assumptions are rare and their ranges costly: only atoms over the variables are looked at.
    let boxes = obligation.boxes();
    let nodes: Vec<NodeId> = obligation.variables.iter().map(|v| v.node).collect();
    let range = |node: NodeId, element: u32| {
        let index = nodes.iter().position(|n| *n == node)?;
        boxes[index].get(element as usize).copied()
    };
    let never = |atom: &Atom| {
        let mut hi = Some(atom.linear.constant);
        for (node, element, factor) in &atom.linear.terms {
            let part = range(*node, *element).and_then(|r| r.checked_scale(*factor)).map(|r| r.hi);
            hi = hi.zip(part).and_then(|(a, b)| a.checked_add(b));
        }
        hi.is_some_and(|hi| hi < 0)
    };
    obligation.assumptions.iter().any(never) || obligation.cases.iter().all(|case| case.iter().any(never))
}

/// The graph without the nodes that nothing needs, and where the others went.
fn prune(graph: &Graph, needed: &[bool]) -> (Graph, Vec<Option<NodeId>>) {
    let mut small = Graph::new();
    let mut map: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if !needed[index] {
            continue;
        }
        map[index] = Some(match &node.op {
            Op::Input => small.push_input(node.name.clone(), node.len),
            op => small.push(node.name.clone(), super::network::remap(op, &|id| mapped(&map, id))),
        });
    }
    (small, map)
}

fn mapped(map: &[Option<NodeId>], id: NodeId) -> NodeId {
    map[id.index()].expect("needed nodes were kept")
}

/// Renames the nodes of atoms; those that share a form go on sharing it.
struct Renaming<'a> {
    map: &'a [Option<NodeId>],
    /// By the form's address. The form itself is kept, so that no other has its address.
    known: HashMap<*const Linear, (Arc<Linear>, Atom)>,
}

impl Renaming<'_> {
    fn atom(&mut self, atom: &Atom) -> Atom {
        let renamed = || {
            work(4 * (1 + atom.linear.terms.len()));
            let mut linear = Linear::clone(&atom.linear);
            linear.terms.iter_mut().for_each(|term| term.0 = mapped(self.map, term.0));
            (atom.linear.clone(), Atom { linear: Arc::new(linear) })
        };
        self.known.entry(Arc::as_ptr(&atom.linear)).or_insert_with(renamed).1.clone()
    }

    fn atoms(&mut self, atoms: &[Atom]) -> Vec<Atom> {
        atoms.iter().map(|atom| self.atom(atom)).collect()
    }

    fn cases(&mut self, cases: &[Vec<Atom>]) -> Vec<Vec<Atom>> {
        cases.iter().map(|case| self.atoms(case)).collect()
    }
}

fn renamed_infos(mut infos: Vec<VariableInfo>, map: &[Option<NodeId>]) -> Vec<VariableInfo> {
    infos.iter_mut().for_each(|info| info.port.node = mapped(map, info.port.node));
    infos
}

fn renamed_calls(mut calls: Vec<CallInfo>, map: &[Option<NodeId>]) -> Vec<CallInfo> {
    for call in &mut calls {
        call.output.node = mapped(map, call.output.node);
        call.inputs.iter_mut().for_each(|node| *node = mapped(map, *node));
    }
    calls
}

/// First and one-past-last index of an axis, and whether the axis is dropped (a single index rather than a range).
pub fn index_range(
    context: &Context<'_>,
    item: ItemId,
    index: &Expr,
    axis: &Axis,
    eval: &mut dyn FnMut(&Expr) -> Checked<Constant>,
) -> Checked<(usize, usize, bool)> {
    let place = at(item, index.span);
    let outside = |text: String| {
        context.error(
            "E0304",
            place,
            format!("{text} is outside this axis of {} elements", axis.size),
            format!("the indices are 0 to {}", axis.size - 1),
        )
    };
    if let ExprKind::Range { start, end, inclusive } = &index.kind {
        let mut size = |e: &Expr| size_of(context, at(item, e.span), &eval(e)?);
        let start = start.as_ref().map_or(Ok(0), |e| size(e))?;
        let end = end.as_ref().map_or(Ok(axis.size), |e| Ok(size(e)?.saturating_add(usize::from(*inclusive))))?;
        return if start < end && end <= axis.size {
            Ok((start, end, false))
        } else {
            outside(format!("the range {start}..{end}"))
        };
    }
    let i = match (eval(index)?, axis.labels) {
        (Constant::Variant(item, index), Some(labels)) if item == labels => index,
        (Constant::Variant(item, _), _) => {
            return context.error(
                "E0304",
                place,
                format!("this axis is not indexed by `{}`", item.name(context.db)),
                "a variant of another enum",
            );
        }
        (value, _) => size_of(context, place, &value)?,
    };
    if i < axis.size { Ok((i, i + 1, true)) } else { outside(format!("index {i}")) }
}
