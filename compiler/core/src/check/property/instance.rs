//! One instance, lowered: from its statement or objective to an obligation.
//!
//! In: the item's body with its parameters known. Out: integer atoms over a graph that holds what they mention and nothing else.

use super::cases;
use super::domains::Domains;
use super::env::{Env, Polarity};
use super::eval;
use super::lowering::Lowering;
use super::normal_form;
use super::prune::{Renaming, mapped, prune, renamed_calls, renamed_infos};
use super::statement::{Extreme, Optimization, Statement, VariableInfo};
use super::value::Value;
use crate::check::{Checked, at};
use crate::diagnostic::{Diagnostic, Place};
use num_traits::Signed;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::term::Formula;
use qnn_ir::obligation::{Atom, Exact, ExactObjective, Objective, Obligation, Variable};
use qnn_ir::{NodeId, Op};
use qnn_syntax::ast::Expr;
use std::collections::HashMap;
use std::sync::Arc;

impl Lowering<'_> {
    /// Lowers a property's body, or that of a `find`, which what is looked for breaks.
    pub fn property(mut self, env: &Env, body: &Expr, find: bool) -> Checked<Statement> {
        let goal = self.statement(env, body)?;
        if find {
            // What is looked for is no class that an output should have.
            self.calls.iter_mut().for_each(|call| call.claims.clear());
        }
        let place = at(env.item, body.span);
        if !self.variables.is_empty()
            && let Formula::Bool(holds) = goal
        {
            let message = match (find, holds) {
                (true, true) => "nothing is what this search looks for, whatever its variables are",
                (true, false) => "everything is what this search looks for, whatever its variables are",
                (false, true) => "this property is true whatever its variables are",
                (false, false) => "this property is false whatever its variables are",
            };
            self.context.report(
                Diagnostic::warning("W0604", message, place, "does not depend on a quantified variable")
                    .note(match find {
                        true => "Nothing about a network is learnt from it.",
                        false => "Nothing about a network is proved by it.",
                    })
                    .help("check that the statement mentions the variables it quantifies over"),
            );
        }
        self.report_premises();
        let assumption = Formula::and(std::mem::take(&mut self.assumptions));
        let goal = goal.opposite();
        let negated = self.cases(&goal, place)?;
        let mut domains = Domains::default();
        let (assumptions, alternatives) = self.assume(&assumption, &negated, &mut domains, place)?;
        let cases = cases::product(&alternatives, negated);
        let constrained = !assumptions.is_empty() || alternatives != [Vec::new()];
        let nodes = self.needed(assumptions.iter().chain(cases.iter().flatten()).chain(alternatives.iter().flatten()));
        self.check_magnitudes(assumptions.iter().chain(cases.iter().flatten()), place)?;
        let (variables, infos): (Vec<Variable>, Vec<VariableInfo>) =
            std::mem::take(&mut self.variables).into_iter().unzip();
        let (graph, map, variables) = prune(&self.graph, &nodes, variables, &domains);
        let mut renaming = Renaming { map: &map, known: HashMap::new() };
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

    /// Lowers a `maximize` or `minimize`, for one choice of its indices.
    pub fn optimize(mut self, env: &Env, extreme: &Extreme<'_>) -> Checked<Optimization> {
        let Extreme { maximize, objective, over, condition, within, choice } = *extreme;
        let place = at(env.item, objective.span);
        let outer = env;
        let mut env = env.clone();
        for binder in over {
            if let Some((_, value)) = choice.iter().find(|(name, _)| *name == binder.name.text) {
                env = env.with(&binder.name.text, Value::Constant(value.clone()));
                continue;
            }
            match self.binder(&env, binder)? {
                eval::Binding::Variable(value, condition) => {
                    env = env.with(&binder.name.text, value);
                    self.assumptions.push(condition);
                }
                eval::Binding::Finite => {
                    return self.error(
                        "E0611",
                        at(env.item, binder.name.span),
                        "a variable of a measure ranges over values for some indices and over indices for others",
                        "one or the other",
                    );
                }
            }
        }
        if let Some(condition) = condition {
            let formula = self.formula(&env, condition, Polarity::Negative)?;
            self.assumptions.push(formula);
        }
        self.report_premises();
        let value = self.eval(&env, objective)?;
        let within = within.map(|width| self.width(outer, width, &value)).transpose()?;
        let term = self.number(&value, None, place)?;
        if term.as_constant().is_some() {
            self.context.report(
                Diagnostic::warning(
                    "W0604",
                    match choice {
                        [] => "this measure is the same whatever its variables are",
                        _ => "for given indices this measure is the same whatever its other variables are",
                    },
                    place,
                    "is constant",
                )
                .note("Nothing about a network is learnt from it.")
                .help("check that the expression mentions the variables"),
            );
        }
        let term = if maximize { term } else { term.negated() };
        let assumption = Formula::and(std::mem::take(&mut self.assumptions));
        let mut domains = Domains::default();
        let (assumptions, alternatives) = self.assume(&assumption, &[], &mut domains, place)?;
        let normal_form::Objective { pieces, scale, error } =
            normal_form::objective(&mut self.graph, &mut self.errors, &term)
                .map_err(|limit| self.beyond(limit, place))?;
        let forms: Vec<Atom> = pieces.into_iter().map(|piece| Atom { linear: Arc::new(piece) }).collect();
        let nodes = self.needed(assumptions.iter().chain(alternatives.iter().flatten()).chain(&forms));
        self.check_magnitudes(assumptions.iter().chain(&forms), place)?;
        let (variables, infos): (Vec<Variable>, Vec<VariableInfo>) =
            std::mem::take(&mut self.variables).into_iter().unzip();
        let (graph, map, variables) = prune(&self.graph, &nodes, variables, &domains);
        let mut renaming = Renaming { map: &map, known: HashMap::new() };
        let base = Obligation {
            graph: self.context.db.shared(graph),
            variables,
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
            within,
            variables: renamed_infos(infos, &map),
            calls: renamed_calls(self.calls, &map),
        })
    }

    /// How far apart the ends of what is proved of a measured value may be.
    fn width(&mut self, env: &Env, expr: &Expr, measured: &Value) -> Checked<Rational> {
        let place = at(env.item, expr.span);
        let lsb = match measured {
            Value::Tensor(t) => t.lsb.as_ref().map(|lsb| lsb.get(0).clone()),
            _ => None,
        };
        let width = Value::Constant(self.known(env, expr)?);
        let width = self.number(&width, lsb.as_ref(), place)?;
        match width.as_constant() {
            Some(width) if !width.is_negative() => Ok(width.clone()),
            _ => self.error("E0611", place, "a width is not negative", "no width"),
        }
    }

    /// A number that is known.
    pub fn constant(mut self, env: &Env, expr: &Expr) -> Checked<Rational> {
        let term = self.scalar(env, expr)?;
        match term.as_constant() {
            Some(number) => Ok(number.clone()),
            None => self.error(
                "E0310",
                at(env.item, expr.span),
                "this number has to be known, but it varies",
                "depends on a quantified variable",
            ),
        }
    }

    /// Whether a condition on constants alone holds: the filter of a family. `None` if it speaks of more than constants.
    pub fn filter(mut self, env: &Env, condition: &Expr) -> Checked<Option<bool>> {
        Ok(match self.formula(env, condition, Polarity::Both)? {
            Formula::Bool(holds) => Some(holds),
            _ => None,
        })
    }

    fn report_vacuous(&self, place: Place) {
        self.context.report(
            Diagnostic::warning("W0605", "nothing satisfies the assumptions here", place, "is about no input at all")
                .note("What is said of no input is vacuous: it says nothing about the network.")
                .help("check the conditions after `where`"),
        );
    }

    /// The assumptions as conditions that all hold, and alternatives of which one holds too; what is said of variables' elements alone is in their domains, and in `domains`.
    fn assume(
        &mut self,
        assumption: &Formula,
        cases: &[Vec<Atom>],
        domains: &mut Domains,
        place: Place,
    ) -> Checked<(Vec<Atom>, Vec<Vec<Atom>>)> {
        let nodes: HashMap<NodeId, usize> =
            self.variables.iter().enumerate().map(|(i, (variable, _))| (variable.node, i)).collect();
        let domain = |(node, element): (NodeId, u32)| {
            nodes.get(&node).map(|variable| self.variables[*variable].0.domain[element as usize])
        };
        let rest = domains.define(assumption.clone(), &domain);
        let normal = normal_form::normal(&mut self.graph, &mut self.errors, &rest);
        let normal = normal.map_err(|limit| self.beyond(limit, place))?;
        let mut variables: Vec<&mut Variable> = self.variables.iter_mut().map(|(variable, _)| variable).collect();
        let normal = domains.narrow(normal, &mut self.graph, &mut variables);
        cases::alternatives(&mut self.graph, normal, cases).map_err(|limit| self.beyond(limit, place))
    }

    pub(super) fn cases(&mut self, formula: &Formula, place: Place) -> Checked<Vec<Vec<Atom>>> {
        let normal = normal_form::normal(&mut self.graph, &mut self.errors, formula);
        let cases = normal.and_then(|normal| cases::cases(&mut self.graph, &normal));
        cases.map_err(|limit| self.beyond(limit, place))
    }

    /// What is meant, where graphs enclose real-valued networks, or numbers with too many digits; `goal` is the negated one.
    pub(super) fn exact(
        &self,
        assumptions: &Formula,
        goal: Option<Formula>,
        map: &[Option<NodeId>],
    ) -> Option<Arc<Exact>> {
        (!self.errors.is_empty()).then(|| {
            let exact = Exact { calls: self.reals.clone(), assumptions: assumptions.clone(), goal };
            Arc::new(exact.renamed(&|node| mapped(map, node)))
        })
    }

    /// The nodes that must stay: those of the atoms, the variables and the networks' outputs.
    pub(super) fn needed<'b>(&self, atoms: impl Iterator<Item = &'b Atom>) -> Vec<bool> {
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
                return Err(self.beyond(normal_form::Limit::Digits, place));
            }
        }
        Ok(())
    }
}

/// Whether interval arithmetic alone shows that nothing answers the obligation.
pub(super) fn impossible(obligation: &Obligation) -> bool {
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
