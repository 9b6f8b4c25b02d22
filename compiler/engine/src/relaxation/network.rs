//! The relaxation's view of a graph: columns, expressions and nonlinearities.
//!
//! A *column* is an element that is no linear function of others: an input, or the result of a step, a wrap or a maximum.
//! An *expression* is an integer linear form over earlier columns: what a step sees. A *nonlinearity* ties the two together:
//! column = f(expressions). In: a graph, or an atom. Out: the same in exact integers, kept as `f64` where they are far
//! below 2^53, because that is what vectorizes. Invariant: every number kept here is an integer of at most [`LIMIT`].

use super::LIMIT;
use super::columnwise::Columnwise;
use super::linear_expr::LinearExpr;
use super::step_table::StepTable;
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Linear;
use qnn_ir::{Graph, NodeId, Op, Step};
use std::collections::HashMap;

/// No nonlinearity.
pub const NONE: u32 = u32::MAX;

/// What a nonlinearity computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A staircase, by its index in [`Relaxation::step_tables`].
    Step(u32),
    /// Modulo a power of two.
    Wrap {
        /// The bits kept.
        width: u32,
        /// Two's complement.
        signed: bool,
    },
    /// The greatest of the expressions.
    Max,
}

/// column = f(expressions).
#[derive(Clone, Debug)]
pub struct Nonlinearity {
    /// The function.
    pub kind: Kind,
    /// The result.
    pub column: u32,
    /// The first expression.
    pub first: u32,
    /// How many expressions: one, but for a maximum.
    pub count: u32,
    /// The node, for certificates.
    pub node: NodeId,
    /// The slot of the first expression in the node, for certificates.
    pub slot: u32,
    /// It reads inputs alone.
    pub shallow: bool,
}

impl Nonlinearity {
    /// The indices of the expressions.
    pub fn exprs(&self) -> std::ops::Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }

    /// Its value where the expressions have these.
    pub fn value(&self, relaxation: &Relaxation, exprs: &[f64]) -> f64 {
        let first = exprs[self.first as usize];
        match self.kind {
            Kind::Step(table) => relaxation.step_tables[table as usize].apply(first as i64).unwrap_or(0) as f64,
            Kind::Wrap { width, signed } => qnn_ir::interpreter::wrap(first as i128, width, signed) as f64,
            Kind::Max => exprs[self.exprs()].iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// Where an expression lives in the graph.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// The element.
    pub element: u32,
    /// The checker's interval of it, made node by node, can be wider than the expression's over the columns.
    pub composite: bool,
}

/// A graph as columns, expressions and nonlinearities.
#[derive(Debug)]
pub struct Relaxation {
    /// Each column's element, in node order.
    pub columns: Vec<(NodeId, u32)>,
    /// Each column's nonlinearity, [`NONE`] for an input.
    pub nonlinearity_of: Vec<u32>,
    /// By ascending column.
    pub nonlinearities: Vec<Nonlinearity>,
    /// The nonlinearities' arguments.
    pub exprs: Vec<LinearExpr>,
    /// Each expression's element.
    pub places: Vec<Place>,
    /// The nonlinearity of each expression.
    pub user: Vec<u32>,
    /// The distinct staircases.
    pub step_tables: Vec<StepTable>,
    /// The expressions' coefficients, column by column.
    pub columnwise: Columnwise,
    forms: Vec<Vec<Form>>,
}

/// A linear form over columns, sparse.
#[derive(Clone, Debug, Default)]
struct Form {
    terms: Vec<(u32, i64)>,
    constant: i64,
    /// Made of other linear nodes.
    composite: bool,
}

impl Form {
    fn column(column: u32) -> Form {
        Form { terms: vec![(column, 1)], ..Form::default() }
    }

    /// One column and nothing else, or a number: an interval analysis sees the same.
    fn is_column(&self) -> bool {
        let plain = self.terms.is_empty() || (self.terms.len() == 1 && self.terms[0].1 == 1 && self.constant == 0);
        // What became so by adding up is wider to an analysis that goes node by node.
        plain && !self.composite
    }
}

/// Sums up forms without overflow.
struct Adder {
    sums: Vec<i128>,
    touched: Vec<u32>,
    constant: i128,
}

impl Adder {
    fn add(&mut self, form: &Form, factor: i128) -> Option<()> {
        work(1 + 2 * form.terms.len());
        for (column, coefficient) in &form.terms {
            let at = &mut self.sums[*column as usize];
            if *at == 0 {
                self.touched.push(*column);
            }
            *at = at.checked_add(factor.checked_mul(i128::from(*coefficient))?)?;
        }
        self.constant = self.constant.checked_add(factor.checked_mul(i128::from(form.constant))?)?;
        Some(())
    }

    fn take(&mut self, composite: bool) -> Option<Form> {
        work(8 * self.touched.len());
        self.touched.sort_unstable();
        self.touched.dedup();
        let mut form =
            Form { terms: Vec::with_capacity(self.touched.len()), constant: small(self.constant)?, composite };
        for column in self.touched.drain(..) {
            let coefficient = std::mem::take(&mut self.sums[column as usize]);
            if coefficient != 0 {
                form.terms.push((column, small(coefficient)?));
            }
        }
        self.constant = 0;
        Some(form)
    }
}

fn small(n: i128) -> Option<i64> {
    i64::try_from(n).ok().filter(|n| n.abs() <= LIMIT)
}

impl Relaxation {
    /// The graph's columns, expressions and nonlinearities; `None` where a number is beyond [`LIMIT`].
    pub fn new(graph: &Graph) -> Option<Relaxation> {
        let mut relaxation = Relaxation {
            columns: Vec::new(),
            nonlinearity_of: Vec::new(),
            nonlinearities: Vec::new(),
            exprs: Vec::new(),
            places: Vec::new(),
            user: Vec::new(),
            step_tables: Vec::new(),
            columnwise: Columnwise::default(),
            forms: Vec::with_capacity(graph.nodes.len()),
        };
        let total = graph.nodes.iter().map(|node| node.len).sum();
        let mut adder = Adder { sums: vec![0; total], touched: Vec::new(), constant: 0 };
        let mut known: HashMap<Step, u32> = HashMap::new();
        for id in graph.ids() {
            let node = graph.node(id);
            let forms: Vec<Form> = match &node.op {
                Op::Input => {
                    (0..node.len).map(|element| Form::column(relaxation.push_column(id, element, NONE))).collect()
                }
                Op::Constant(values) => {
                    let form = |v: &i128| Some(Form { constant: small(*v)?, ..Form::default() });
                    values.iter().map(form).collect::<Option<_>>()?
                }
                Op::Affine { terms, bias } => {
                    let mut forms = Vec::with_capacity(node.len);
                    for (element, bias) in bias.iter().enumerate() {
                        let (mut composite, mut entries) = (false, 0);
                        adder.constant = *bias;
                        for (source, matrix) in terms {
                            for (column, weight) in matrix.row(element) {
                                let form = &relaxation.forms[source.index()][column];
                                composite |= !form.is_column();
                                entries += form.terms.len();
                                adder.add(form, i128::from(weight))?;
                            }
                        }
                        let mut form = adder.take(composite)?;
                        // What mentions a column twice is added up here, but not by the interval analysis.
                        form.composite |= form.terms.len() != entries;
                        forms.push(form);
                    }
                    forms
                }
                Op::Gather { picks } => picks
                    .iter()
                    .map(|(node, element)| relaxation.forms[node.index()][*element as usize].clone())
                    .collect(),
                Op::Step { source, steps } => (0..node.len)
                    .map(|element| {
                        let step = steps.at(element);
                        let table = match known.get(step) {
                            Some(table) => *table,
                            None => {
                                relaxation.step_tables.push(StepTable::new(step)?);
                                known.insert(step.clone(), relaxation.step_tables.len() as u32 - 1);
                                relaxation.step_tables.len() as u32 - 1
                            }
                        };
                        let sources = [(*source, element as u32)];
                        Some(relaxation.push_nonlinearity(id, element, element, Kind::Step(table), &sources))
                    })
                    .collect::<Option<_>>()?,
                Op::Wrap { source, width, signed } => (0..node.len)
                    .map(|element| {
                        let kind = Kind::Wrap { width: *width, signed: *signed };
                        relaxation.push_nonlinearity(id, element, element, kind, &[(*source, element as u32)])
                    })
                    .collect(),
                Op::Max { source, windows } => {
                    let mut slot = 0;
                    let mut forms = Vec::with_capacity(node.len);
                    for (element, window) in windows.iter().enumerate() {
                        let sources: Vec<_> = window.iter().map(|i| (*source, *i)).collect();
                        forms.push(relaxation.push_nonlinearity(id, element, slot, Kind::Max, &sources));
                        slot += window.len();
                    }
                    forms
                }
            };
            relaxation.forms.push(forms);
        }
        relaxation.align();
        let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); relaxation.columns.len()];
        for (index, expr) in relaxation.exprs.iter().enumerate() {
            for (first, values) in expr.runs() {
                work(2 * values.len());
                for (k, value) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    by_column[first + k].push((index as u32, *value));
                }
            }
        }
        relaxation.columnwise = Columnwise::new(&by_column);
        Some(relaxation)
    }

    /// Gives the expressions of a dense layer the same columns: four of them are added up at a time then.
    fn align(&mut self) {
        let mut at = 0;
        while at < self.exprs.len() {
            let node = self.places[at].node;
            let count = self.places[at..].iter().take_while(|place| place.node == node).count();
            let own = &mut self.exprs[at..at + count];
            at += count;
            let extents = own.iter().filter_map(LinearExpr::reach);
            let Some((first, end)) = extents.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { continue };
            let entries: usize = own.iter().map(LinearExpr::entries).sum();
            if entries * 2 >= own.len() * (end - first) as usize {
                own.iter_mut().for_each(|expr| expr.fill(first, end));
            }
        }
    }

    fn push_column(&mut self, node: NodeId, element: usize, nonlinearity: u32) -> u32 {
        self.columns.push((node, element as u32));
        self.nonlinearity_of.push(nonlinearity);
        self.columns.len() as u32 - 1
    }

    fn push_nonlinearity(
        &mut self,
        node: NodeId,
        element: usize,
        slot: usize,
        kind: Kind,
        sources: &[(NodeId, u32)],
    ) -> Form {
        let nonlinearity = self.nonlinearities.len() as u32;
        let column = self.push_column(node, element, nonlinearity);
        let first = self.exprs.len() as u32;
        for (source, element) in sources {
            let form = &self.forms[source.index()][*element as usize];
            self.exprs.push(LinearExpr::new(&form.terms, form.constant));
            self.places.push(Place { node: *source, element: *element, composite: form.composite });
            self.user.push(nonlinearity);
        }
        let mut terms =
            sources.iter().flat_map(|(source, element)| &self.forms[source.index()][*element as usize].terms);
        let shallow = terms.all(|(column, _)| self.nonlinearity_of[*column as usize] == NONE);
        self.nonlinearities.push(Nonlinearity {
            kind,
            column,
            first,
            count: sources.len() as u32,
            node,
            slot: slot as u32,
            shallow,
        });
        Form::column(column)
    }

    /// A linear form over elements as an expression over columns; `None` beyond [`LIMIT`].
    pub fn express(&self, linear: &Linear) -> Option<LinearExpr> {
        work(self.columns.len());
        let mut adder = Adder { sums: vec![0; self.columns.len()], touched: Vec::new(), constant: linear.constant };
        for (node, element, factor) in &linear.terms {
            adder.add(&self.forms[node.index()][*element as usize], *factor)?;
        }
        let form = adder.take(true)?;
        Some(LinearExpr::new(&form.terms, form.constant))
    }
}
