//! What a family's parameters are to it, and against which labels its networks are right: read off the syntax tree.
//!
//! In: a property or measure. Out: for each parameter whether it is a network's width, a ball's radius, a sample's number; and the networks whose argmax is
//! compared with a label of the sample that they are given. Definitions and properties that are called are followed. Nothing is guessed: what is not
//! visible here has no role and no accuracy.

use super::model::Role;
use crate::check::scope::{Meaning, meaning};
use crate::db::{Db, ItemId, tree};
use qnn_syntax::ast::{
    BinaryOp, Binder, BinderRange, Call, Expr, ExprKind, Item, ItemKind, MeasureBody, TypeArgument, TypeExpr,
};
use qnn_syntax::walk::{self, Visit};
use std::collections::HashMap;
use std::sync::Arc;

/// How far calls are followed.
const MOST_DEPTH: usize = 12;

/// A network, and the dataset's fields that it is right or wrong about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pairing {
    /// The network, without its integers.
    pub network: ItemId,
    /// The dataset.
    pub dataset: ItemId,
    /// The field that is its input.
    pub input: Arc<str>,
    /// The field that its argmax is compared with.
    pub label: Arc<str>,
}

impl Pairing {
    /// Whether it is of a network, whatever its integers: `digits<6>`.
    pub fn is_of(&self, db: &dyn Db, network: &str) -> bool {
        network.split('<').next() == Some(self.network.name(db))
    }
}

/// What an item's trees say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    /// The parameters that have a role.
    pub parameters: HashMap<Arc<str>, Role>,
    /// The networks that are right or wrong.
    pub pairings: Vec<Pairing>,
    /// Whether it asks what happens near an input: whether a variable ranges over a ball.
    pub robustness: bool,
}

/// Where a name comes from: whether it holds a sample's field.
type SampleNames = HashMap<Arc<str>, (ItemId, Arc<str>)>;

/// What a property or measure says of its parameters and networks.
pub(super) fn roles(db: &dyn Db, item: ItemId) -> Roles {
    let mut roles = Roles::default();
    let Some(found) = tree(db, item).clone() else { return roles };
    // Each of its parameters stands for itself.
    let own: Names = parameters(&found).into_iter().map(|name| (name.clone(), vec![name])).collect();
    Walker { db, roles: &mut roles }.item(item, &found, &own, &SampleNames::new(), 0);
    roles
}

/// The names of an item's parameters.
fn parameters(item: &Item) -> Vec<Arc<str>> {
    match &item.kind {
        ItemKind::Property(p) => p.params.iter().map(|p| p.name.text.clone()).collect(),
        ItemKind::Measure(m) => {
            let mut names: Vec<Arc<str>> = m.params.iter().map(|p| p.name.text.clone()).collect();
            if let MeasureBody::Largest { name, .. } = &m.body {
                names.push(name.text.clone());
            }
            names
        }
        _ => Vec::new(),
    }
}

/// The family's parameters that a local name depends on.
type Names = HashMap<Arc<str>, Vec<Arc<str>>>;

struct Walker<'a> {
    db: &'a dyn Db,
    roles: &'a mut Roles,
}

impl Walker<'_> {
    fn item(&mut self, item: ItemId, found: &Item, names: &Names, samples: &SampleNames, depth: usize) {
        if depth > MOST_DEPTH {
            return;
        }
        match &found.kind {
            ItemKind::Property(p) => self.expr(item, &p.body, names, samples, depth),
            ItemKind::Def(d) => self.expr(item, &d.body, names, samples, depth),
            ItemKind::Measure(m) => match &m.body {
                MeasureBody::Optimize { objective, over, condition, .. } => {
                    let mut samples = samples.clone();
                    self.binders(item, over, names, &mut samples);
                    condition.iter().for_each(|e| self.expr(item, e, names, &samples, depth));
                    self.expr(item, objective, names, &samples, depth);
                }
                MeasureBody::Share { over, condition, goal: value }
                | MeasureBody::Average { value, over, condition } => {
                    let mut samples = samples.clone();
                    self.binders(item, over, names, &mut samples);
                    condition.iter().for_each(|e| self.expr(item, e, names, &samples, depth));
                    self.expr(item, value, names, &samples, depth);
                }
                MeasureBody::Largest { goal, .. } => self.expr(item, goal, names, samples, depth),
            },
            _ => {}
        }
    }

    /// The family's parameters that an expression mentions get a role, the more telling one if they have one already.
    fn mark(&mut self, expr: &Expr, names: &Names, role: Role) {
        walk::expr(expr, &mut |visit| {
            let name = match visit {
                Visit::Expr(Expr { kind: ExprKind::Name(name), .. }) => name,
                _ => return,
            };
            for parameter in names.get(&name.text).into_iter().flatten() {
                let known = self.roles.parameters.entry(parameter.clone()).or_insert(role);
                if rank(role) < rank(*known) {
                    *known = role;
                }
            }
        });
    }

    fn ty(&mut self, ty: &TypeExpr, names: &Names) {
        walk::ty(ty, &mut |visit| {
            if let Visit::Type(inner) = visit {
                for argument in &inner.arguments {
                    if let TypeArgument::Value(value) | TypeArgument::Named(_, value) = argument {
                        self.mark(value, names, Role::Width);
                    }
                }
            }
        });
    }

    fn binders(&mut self, item: ItemId, binders: &[Binder], names: &Names, samples: &mut SampleNames) {
        for binder in binders {
            let mut sample = None;
            match &binder.range {
                BinderRange::Type(ty) => self.ty(ty, names),
                BinderRange::Set(Expr { kind: ExprKind::Call(call), .. }) if &*call.callee.text == "ball" => {
                    if let [center, radius] = call.arguments.as_slice() {
                        self.roles.robustness = true;
                        self.mark(&radius.value, names, Role::Radius);
                        self.indices(item, &center.value, names);
                        sample = self.sample(item, &center.value, samples);
                    }
                }
                BinderRange::Set(set) => self.indices(item, set, names),
            }
            match sample {
                Some(sample) => samples.insert(binder.name.text.clone(), sample),
                None => samples.remove(&binder.name.text),
            };
        }
    }

    /// `test[i].image` as the dataset and its field.
    fn sample(&self, item: ItemId, expr: &Expr, samples: &SampleNames) -> Option<(ItemId, Arc<str>)> {
        match &expr.kind {
            ExprKind::Name(name) => samples.get(&name.text).cloned(),
            ExprKind::Field(inner, field) => {
                let ExprKind::Index(dataset, _) = &inner.kind else { return None };
                let ExprKind::Name(name) = &dataset.kind else { return None };
                Some((self.dataset(item, &name.text)?, field.text.clone()))
            }
            _ => None,
        }
    }

    fn named(&self, item: ItemId, name: &Arc<str>) -> Option<ItemId> {
        match *meaning(self.db, item.file(self.db), name.clone()) {
            Meaning::Item(found) => Some(found),
            _ => None,
        }
    }

    fn dataset(&self, item: ItemId, name: &Arc<str>) -> Option<ItemId> {
        let found = self.named(item, name)?;
        matches!(tree(self.db, found).as_deref().map(|t| &t.kind), Some(ItemKind::Dataset(_))).then_some(found)
    }

    /// The parameters that pick a sample.
    fn indices(&mut self, item: ItemId, expr: &Expr, names: &Names) {
        let mut found: Vec<&Expr> = Vec::new();
        walk::expr(expr, &mut |visit| {
            if let Visit::Expr(Expr { kind: ExprKind::Index(of, indices), .. }) = visit
                && let ExprKind::Name(name) = &of.kind
                && self.dataset(item, &name.text).is_some()
            {
                found.extend(indices);
            }
        });
        for index in found {
            self.mark(index, names, Role::Sample);
        }
    }

    fn expr(&mut self, item: ItemId, expr: &Expr, names: &Names, samples: &SampleNames, depth: usize) {
        self.indices(item, expr, names);
        self.walk(item, expr, names, samples, depth);
    }

    fn walk(&mut self, item: ItemId, expr: &Expr, names: &Names, samples: &SampleNames, depth: usize) {
        let mut go = |e: &Expr| self.walk(item, e, names, samples, depth);
        match &expr.kind {
            ExprKind::Quantifier(q) => {
                let mut samples = samples.clone();
                self.binders(item, &q.binders, names, &mut samples);
                q.condition.iter().for_each(|e| self.walk(item, e, names, &samples, depth));
                self.walk(item, &q.body, names, &samples, depth);
            }
            ExprKind::Let(l) => {
                go(&l.value);
                let (mut names, mut samples) = (names.clone(), samples.clone());
                names.insert(l.name.text.clone(), mentioned(&l.value, &names));
                match self.sample(item, &l.value, &samples) {
                    Some(sample) => samples.insert(l.name.text.clone(), sample),
                    None => samples.remove(&l.name.text),
                };
                self.walk(item, &l.body, &names, &samples, depth);
            }
            ExprKind::Binary(op, a, b) => {
                if *op == BinaryOp::Equal {
                    self.pair(item, a, b, samples);
                    self.pair(item, b, a, samples);
                }
                self.walk(item, a, names, samples, depth);
                self.walk(item, b, names, samples, depth);
            }
            ExprKind::Call(call) => {
                call.arguments.iter().for_each(|argument| go(&argument.value));
                self.call(item, call, names, samples, depth);
            }
            ExprKind::Cast(inner, ty) => {
                go(inner);
                self.ty(ty, names);
            }
            ExprKind::List(list) => list.iter().for_each(go),
            ExprKind::Lsb(inner) | ExprKind::Unary(_, inner) | ExprKind::Field(inner, _) => go(inner),
            ExprKind::Index(inner, indices) => {
                go(inner);
                indices.iter().for_each(go);
            }
            ExprKind::Range { start, end, .. } => start.iter().chain(end).for_each(|e| go(e)),
            ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Name(_) => {}
        }
    }

    fn call(&mut self, item: ItemId, call: &Call, names: &Names, samples: &SampleNames, depth: usize) {
        let Some(callee) = self.named(item, &call.callee.text) else { return };
        let Some(found) = tree(self.db, callee).clone() else { return };
        let (generics, parameters): (Vec<Arc<str>>, Vec<Arc<str>>) = match &found.kind {
            ItemKind::Network(_) | ItemKind::Import(_) => {
                call.generics.iter().for_each(|generic| self.mark(generic, names, Role::Width));
                return;
            }
            ItemKind::Def(d) => (
                d.generics.iter().map(|g| g.text.clone()).collect(),
                d.params.iter().map(|p| p.name.text.clone()).collect(),
            ),
            ItemKind::Property(p) => (Vec::new(), p.params.iter().map(|p| p.name.text.clone()).collect()),
            _ => return,
        };
        // What it calls its parameters depends on what it is given.
        let mut inner = Names::new();
        let mut inner_samples = SampleNames::new();
        let given = call.generics.iter().zip(&generics);
        for (value, name) in given.chain(call.arguments.iter().map(|a| &a.value).zip(&parameters)) {
            inner.insert(name.clone(), mentioned(value, names));
            if let Some(sample) = self.sample(item, value, samples) {
                inner_samples.insert(name.clone(), sample);
            }
        }
        self.item(callee, &found, &inner, &inner_samples, depth + 1);
    }

    /// `argmax(net(x)) == test[i].label`, where `x` is or is near a field of `test`.
    fn pair(&mut self, item: ItemId, left: &Expr, right: &Expr, samples: &SampleNames) {
        let pairing = (|| {
            let ExprKind::Call(outer) = &left.kind else { return None };
            let [argument] = outer.arguments.as_slice() else { return None };
            let ExprKind::Call(inner) = &argument.value.kind else { return None };
            let [input] = inner.arguments.as_slice() else { return None };
            if !matches!(&*outer.callee.text, "argmax" | "strict_argmax") {
                return None;
            }
            let network = self.named(item, &inner.callee.text)?;
            if !tree(self.db, network).as_deref().is_some_and(|t| t.kind.is_network()) {
                return None;
            }
            let (dataset, input) = self.sample(item, &input.value, samples)?;
            let (other, label) = self.sample(item, right, samples)?;
            (dataset == other).then_some(Pairing { network, dataset, input, label })
        })();
        if let Some(pairing) = pairing
            && !self.roles.pairings.contains(&pairing)
        {
            self.roles.pairings.push(pairing);
        }
    }
}

/// A width says more of a parameter than that it is a radius, and that more than that it picks a sample.
fn rank(role: Role) -> u8 {
    match role {
        Role::Width => 0,
        Role::Radius => 1,
        Role::Sample => 2,
        Role::Other => 3,
    }
}

/// The family's parameters that an expression depends on.
fn mentioned(expr: &Expr, names: &Names) -> Vec<Arc<str>> {
    let mut all: Vec<Arc<str>> = Vec::new();
    walk::expr(expr, &mut |visit| {
        if let Visit::Expr(Expr { kind: ExprKind::Name(name), .. }) = visit {
            all.extend(names.get(&name.text).into_iter().flatten().cloned());
        }
    });
    all.sort();
    all.dedup();
    all
}
