//! The relaxation's view of a graph: columns, expressions and nonlinearities.
//!
//! A *column* is an element that is no linear function of others: an input, or the result of a step, a wrap or a maximum.
//! An *expression* is an integer linear form over earlier columns: what a step sees. A *nonlinearity* ties the two together:
//! column = f(expressions). In: a graph, or an atom. Out: the same in exact integers, kept as `f64` where they are far
//! below 2^53, because that is what vectorizes. Invariant: every number kept here is an integer of at most [`LIMIT`].

use super::kernels::{add_scaled, add_scaled4, dot, middle_and_width};
use qnn_ir::interrupt::work;
use qnn_ir::obligation::Linear;
use qnn_ir::{Graph, NodeId, Op, Step};
use std::collections::HashMap;

/// Every coefficient, constant and range end is at most this.
pub const LIMIT: i64 = 1 << 50;

/// More values than this are not tabulated; the staircase is then a strip.
const TABULATED: i128 = 1 << 13;

/// No nonlinearity.
pub const NONE: u32 = u32::MAX;

/// An integer linear form over columns, in runs of consecutive columns.
#[derive(Clone, Debug, Default)]
pub struct LinearExpr {
    /// The constant.
    pub constant: f64,
    /// (first column, offset into `values`, length).
    runs: Vec<(u32, u32, u32)>,
    values: Vec<f64>,
    /// The greatest absolute coefficient.
    pub greatest: f64,
}

impl LinearExpr {
    /// From (column, coefficient) by ascending column.
    fn new(terms: &[(u32, i64)], constant: i64) -> LinearExpr {
        let mut expr = LinearExpr { constant: constant as f64, ..LinearExpr::default() };
        let mut next = 0;
        for (column, coefficient) in terms {
            // A short gap is cheaper to fill with zeros than to jump over.
            if expr.runs.is_empty() || column - next > 3 {
                expr.runs.push((*column, expr.values.len() as u32, 0));
            } else {
                expr.values.resize(expr.values.len() + (column - next) as usize, 0.0);
            }
            expr.values.push(*coefficient as f64);
            let run = expr.runs.last_mut().expect("a run was begun");
            run.2 = expr.values.len() as u32 - run.1;
            next = column + 1;
            expr.greatest = expr.greatest.max((*coefficient as f64).abs());
        }
        expr
    }

    /// (first column, coefficients).
    pub fn runs(&self) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        self.runs.iter().map(|(first, at, len)| (*first as usize, &self.values[*at as usize..(*at + *len) as usize]))
    }

    /// How many coefficients are kept, zeros among them.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// (first column, count) if the coefficients are of consecutive columns.
    #[inline]
    fn span(&self) -> Option<(usize, usize)> {
        match self.runs[..] {
            [(first, _, len)] => Some((first as usize, len as usize)),
            _ => None,
        }
    }

    /// The first column and the one after the last.
    fn reach(&self) -> Option<(u32, u32)> {
        Some((self.runs.first()?.0, self.runs.last().map(|(first, _, len)| first + len)?))
    }

    /// Fills up with zeros, so that the coefficients are of all columns from one to another.
    fn fill(&mut self, first: u32, end: u32) {
        work((end - first) as usize);
        let mut values = vec![0.0; (end - first) as usize];
        for (at, own) in self.runs() {
            values[at - first as usize..at - first as usize + own.len()].copy_from_slice(own);
        }
        (self.runs, self.values) = (vec![(first, 0, end - first)], values);
    }

    /// The coefficient of a column.
    #[inline]
    pub fn coefficient(&self, column: usize) -> f64 {
        let at = match self.runs.len() {
            0 | 1 => self.runs.len(),
            _ => self.runs.partition_point(|run| run.0 as usize <= column),
        };
        let Some((first, offset, len)) = at.checked_sub(1).map(|at| self.runs[at]) else { return 0.0 };
        if column < first as usize {
            return 0.0;
        }
        let within = column - first as usize;
        if within < len as usize { self.values[offset as usize + within] } else { 0.0 }
    }

    /// Marks the columns that have a coefficient.
    pub fn mark(&self, columns: &mut [bool]) {
        for (first, values) in self.runs() {
            for (marked, value) in columns[first..].iter_mut().zip(values) {
                *marked |= *value != 0.0;
            }
        }
    }

    /// target += factor · self, without the constant.
    pub fn add_to(&self, target: &mut [f64], factor: f64) {
        for (first, values) in self.runs() {
            add_scaled(&mut target[first..first + values.len()], values, factor);
        }
    }

    /// The value at a point.
    pub fn value(&self, x: &[f64]) -> f64 {
        self.runs().fold(self.constant, |sum, (first, values)| sum + dot(values, &x[first..first + values.len()]))
    }

    /// The least and the greatest value in a box; exact while sums stay below 2^53.
    pub fn range(&self, lower: &[f64], upper: &[f64]) -> (f64, f64) {
        let (mut twice_middle, mut width) = (0.0, 0.0);
        for (first, values) in self.runs() {
            let (m, w) =
                middle_and_width(values, &lower[first..first + values.len()], &upper[first..first + values.len()]);
            twice_middle += m;
            width += w;
        }
        (self.constant + (twice_middle - width) / 2.0, self.constant + (twice_middle + width) / 2.0)
    }
}

/// target += the sum of factor · expression, without the constants, for some of the columns; four of the same columns at a time.
pub fn add_all<'a>(
    terms: &[(u32, f64)],
    expr: impl Fn(usize) -> &'a LinearExpr,
    columns: std::ops::Range<usize>,
    target: &mut [f64],
) {
    let within = |first: usize, len: usize| {
        let (begin, end) = (first.max(columns.start), (first + len).min(columns.end));
        (begin < end).then(|| (begin..end, begin - first..end - first))
    };
    let mut rest = terms;
    while let [one, others @ ..] = rest {
        if let [a, b, c, d, after @ ..] = rest
            && let [a, b, c, d] = [a, b, c, d].map(|(e, factor)| (expr(*e as usize), *factor))
            && let Some((first, len)) = a.0.span()
            && [&b, &c, &d].iter().all(|other| other.0.span() == Some((first, len)))
        {
            if let Some((columns, own)) = within(first, len) {
                let values = [a, b, c, d].map(|(expr, _)| &expr.values[own.clone()]);
                add_scaled4(&mut target[columns], values, [a.1, b.1, c.1, d.1]);
            }
            rest = after;
        } else {
            for (first, values) in expr(one.0 as usize).runs() {
                if let Some((columns, own)) = within(first, values.len()) {
                    add_scaled(&mut target[columns], &values[own], one.1);
                }
            }
            rest = others;
        }
    }
}

/// A staircase: value `lo + k` begins at `thresholds[k - 1]`.
#[derive(Clone, Debug)]
pub enum StepTable {
    /// All thresholds.
    Table {
        /// The least value.
        lo: i64,
        /// Non-decreasing, clamped to ±2 · [`LIMIT`], which no range reaches.
        thresholds: Vec<i64>,
        /// All thresholds are equally far from the next.
        even: bool,
    },
    /// Too many values to list.
    Wide(Step),
}

impl StepTable {
    fn new(step: &Step) -> Option<StepTable> {
        let (lo, hi) = (step.lo(), step.hi());
        let far = i128::from(LIMIT) * 2;
        let count = hi.checked_sub(lo)?;
        if count > TABULATED && matches!(step, Step::Round { .. }) {
            let fits = lo.abs() <= i128::from(LIMIT) && hi.abs() <= i128::from(LIMIT);
            return fits.then(|| StepTable::Wide(step.clone()));
        }
        work(16 * count as usize);
        let thresholds = (lo + 1..=hi).map(|v| Some(step.threshold(v)?.clamp(-far, far) as i64));
        let thresholds: Vec<i64> = thresholds.collect::<Option<_>>()?;
        let even = thresholds.windows(3).all(|t| t[1] - t[0] == t[2] - t[1]);
        Some(StepTable::Table { lo: i64::try_from(lo).ok()?, thresholds, even })
    }

    /// The value; `None` beyond 128 bits.
    pub fn apply(&self, a: i64) -> Option<i64> {
        match self {
            StepTable::Table { lo, thresholds, .. } => Some(lo + thresholds.partition_point(|t| *t <= a) as i64),
            StepTable::Wide(step) => step.checked_apply(i128::from(a)).and_then(|v| i64::try_from(v).ok()),
        }
    }

    /// The least argument with at least this value; `None` where all or none have it.
    pub fn threshold(&self, v: i64) -> Option<i64> {
        match self {
            StepTable::Table { lo, thresholds, .. } => {
                thresholds.get(usize::try_from(v.checked_sub(*lo)?.checked_sub(1)?).ok()?).copied()
            }
            StepTable::Wide(step) => step.threshold(i128::from(v)).and_then(|t| i64::try_from(t).ok()),
        }
    }
}

impl StepTable {
    /// Whether it has too many values to list.
    pub fn is_wide(&self) -> bool {
        matches!(self, StepTable::Wide(_))
    }

    /// The least value `lo` of a wide staircase whose arguments, from `least` on, are not all at the slope: where to split it.
    pub fn kink(&self, least: f64, lo: f64) -> Option<f64> {
        let first = self.threshold(lo as i64 + 1)?;
        let flat = self.is_wide() && least < first as f64 - 1.0;
        // What a value's own arguments are is no flat part.
        let next = self.threshold(lo as i64 + 2)?;
        (flat && first as f64 - 1.0 - least > (next - first) as f64).then_some(lo)
    }

    /// The least and the greatest value.
    pub fn ends(&self) -> (f64, f64) {
        match self {
            StepTable::Table { lo, thresholds, .. } => (*lo as f64, (*lo + thresholds.len() as i64) as f64),
            StepTable::Wide(step) => (step.lo() as f64, step.hi() as f64),
        }
    }

    /// (slope, value at zero) of a line through the middle of the staircase.
    pub fn line(&self) -> (f64, f64) {
        let (lo, hi) = self.ends();
        let ends = (self.threshold(lo as i64 + 1), self.threshold(hi as i64));
        let (Some(first), Some(last)) = ends else { return (0.0, lo) };
        let (first, last) = (first as f64, last as f64);
        let slope = if last > first { (hi - lo - 1.0) / (last - first) } else { 0.5 };
        (slope, lo + 0.5 - slope * first)
    }
}

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
            Kind::Wrap { width, signed } => qnn_ir::interpret::wrap(first as i128, width, signed) as f64,
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

/// For each column, the expressions that mention it with their coefficients, in runs of consecutive expressions.
#[derive(Debug, Default)]
pub struct Mentions {
    /// The first run of each column, and the end.
    starts: Vec<u32>,
    /// (first expression, offset into `values`, length).
    runs: Vec<(u32, u32, u32)>,
    values: Vec<f64>,
}

impl Mentions {
    /// From (expression, coefficient) by ascending expression, column by column.
    pub fn new(columns: &[Vec<(u32, f64)>]) -> Mentions {
        let mut mentions = Mentions { starts: vec![0], runs: Vec::new(), values: Vec::new() };
        for column in columns {
            work(2 * column.len());
            let begin = mentions.runs.len();
            let mut next = 0;
            for (e, value) in column.iter().copied() {
                // A short gap is cheaper to fill with zeros than to jump over.
                if mentions.runs.len() == begin || e - next > 3 {
                    mentions.runs.push((e, mentions.values.len() as u32, 0));
                } else {
                    mentions.values.resize(mentions.values.len() + (e - next) as usize, 0.0);
                }
                mentions.values.push(value);
                let length = mentions.values.len() as u32;
                if let Some(run) = mentions.runs.last_mut() {
                    run.2 = length - run.1;
                }
                next = e + 1;
            }
            mentions.starts.push(mentions.runs.len() as u32);
        }
        mentions
    }

    /// (first expression, coefficients).
    pub fn of(&self, column: usize) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        let own = self.starts[column] as usize..self.starts[column + 1] as usize;
        self.runs[own]
            .iter()
            .map(|(first, at, len)| (*first as usize, &self.values[*at as usize..(*at + *len) as usize]))
    }

    /// target += the sum of move · coefficient.
    pub fn spread(&self, moved: &[(u32, f64)], target: &mut [f64]) {
        for (j, delta) in moved {
            for (first, values) in self.of(*j as usize) {
                let target = &mut target[first..first + values.len()];
                if values.len() < 8 {
                    target.iter_mut().zip(values).for_each(|(t, v)| *t += delta * v);
                } else {
                    add_scaled(target, values, *delta);
                }
            }
        }
    }
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
    /// For each column, the expressions that mention it.
    pub mentions: Mentions,
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
            mentions: Mentions::default(),
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
        relaxation.mentions = Mentions::new(&by_column);
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
