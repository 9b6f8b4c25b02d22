//! What every name in a file means.
//!
//! In: a file. Out: each occurrence of a name with its definition: an item, something that an item binds, a field, an enum's variant, a tensor.
//! Names in items that can't be parsed are not known.

use super::{FileRange, file_range, item_at, moved, touches};
use crate::check::at;
use crate::check::constant::variant_names;
use crate::check::scope::{Scope, name_place, scope};
use crate::db::{Db, ItemId, SourceFile, tree};
use qnn_syntax::Span;
use qnn_syntax::ast::{
    Binder, BinderRange, Call, Expr, ExprKind, Item, ItemKind, MeasureBody, Name, Params, TypeArgument, TypeExpr,
};
use qnn_syntax::builtins::is_builtin;
use std::sync::Arc;

/// What a name is defined by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Definition {
    /// An item.
    Item(ItemId),
    /// Something that an item binds, by where it binds it (relative to the item).
    Local {
        /// The item.
        item: ItemId,
        /// The name's span where it is bound.
        span: Span,
        /// What it is.
        kind: LocalKind,
    },
    /// A dataset's field, by its index.
    Field(ItemId, usize),
    /// An enum's variant, by its index.
    Variant(ItemId, usize),
    /// A tensor, or a group of them, in the file of a `params` block whose name stands at the span.
    Tensor {
        /// The item that the block stands in, or is.
        item: ItemId,
        /// The span of the block's name.
        params: Span,
        /// The path: `fc1`, `fc1.weight`.
        path: Arc<str>,
    },
    /// A function or type of the language.
    Builtin(Arc<str>),
    /// The name of an argument or option: `stride`, `round`.
    Option(Arc<str>),
    /// Nothing known.
    Unknown,
}

/// What a local name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalKind {
    /// An integer in angle brackets.
    Generic,
    /// A parameter of a network or definition.
    Parameter,
    /// A parameter of a family.
    FamilyParameter,
    /// A `let`.
    Let,
    /// A quantified variable.
    Variable,
    /// A `params` block.
    Params,
}

/// A name where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Where, relative to its item.
    pub span: Span,
    /// What it means.
    pub definition: Definition,
    /// Whether it is its own definition.
    pub declares: bool,
}

/// The names of an item, in the order of the text.
#[salsa::tracked]
pub fn occurrences(db: &dyn Db, item: ItemId) -> Arc<Vec<Occurrence>> {
    let Some(tree) = tree(db, item) else { return Arc::default() };
    let outcome = scope(db, item.file(db));
    let nothing = Scope::default();
    let mut walker = NameWalker {
        db,
        item,
        names: outcome.value.as_ref().unwrap_or(&nothing),
        bound: Vec::new(),
        found: Vec::new(),
    };
    walker.item(tree);
    let mut found = walker.found;
    found.sort_by_key(|o| (o.span.start, o.span.end));
    Arc::new(found)
}

/// The occurrence at an offset of a file, with its range there.
pub fn at_offset(db: &dyn Db, file: SourceFile, offset: u32) -> Option<(ItemId, FileRange, Definition)> {
    let (item, start) = item_at(db, file, offset)?;
    let relative = offset.checked_sub(start)?;
    let all = occurrences(db, item);
    // A cursor between two names means the one that it stands before.
    let mut touching = all.iter().filter(|o| touches(o.span, relative));
    let first = touching.next()?;
    let found = touching.next().filter(|next| next.span.start == relative).unwrap_or(first);
    Some((item, FileRange { file, span: moved(found.span, start) }, found.definition.clone()))
}

/// Where a definition's name stands; `None` for what no spec defines.
pub fn place(db: &dyn Db, definition: &Definition) -> Option<FileRange> {
    let place = match definition {
        Definition::Item(item) => name_place(db, *item),
        Definition::Local { item, span, .. } => at(*item, *span),
        Definition::Field(item, index) => match &tree(db, *item).as_ref()?.kind {
            ItemKind::Dataset(dataset) => at(*item, dataset.fields.get(*index)?.name.span),
            _ => return None,
        },
        Definition::Variant(item, index) => match &tree(db, *item).as_ref()?.kind {
            ItemKind::Enum(declaration) => at(*item, declaration.variants.get(*index)?.0.span),
            _ => return None,
        },
        Definition::Tensor { item, params, .. } => at(*item, *params),
        Definition::Builtin(_) | Definition::Option(_) | Definition::Unknown => return None,
    };
    Some(file_range(db, place))
}

/// A name that is bound around an expression.
#[derive(Clone)]
struct BoundName<'a> {
    name: &'a Name,
    kind: LocalKind,
    /// Its value, as far as the tree says it.
    value: KnownValue<'a>,
}

/// What is known of a name's value without evaluating it.
#[derive(Clone, Copy)]
enum KnownValue<'a> {
    Type(&'a TypeExpr),
    Value(&'a Expr),
    Params(&'a Params),
    Nothing,
}

/// Something with fields.
enum Fields<'a> {
    Samples(ItemId),
    Variants(ItemId),
    /// A tensor whose first axis is an enum.
    Axis(ItemId),
    Tensors(ItemId, &'a Params, String),
}

struct NameWalker<'a> {
    db: &'a dyn Db,
    item: ItemId,
    names: &'a Scope,
    bound: Vec<BoundName<'a>>,
    found: Vec<Occurrence>,
}

impl<'a> NameWalker<'a> {
    fn record(&mut self, span: Span, definition: Definition, declares: bool) {
        self.found.push(Occurrence { span, definition, declares });
    }

    fn bind(&mut self, name: &'a Name, kind: LocalKind, value: KnownValue<'a>) {
        self.record(name.span, Definition::Local { item: self.item, span: name.span, kind }, true);
        self.bound.push(BoundName { name, kind, value });
    }

    fn item(&mut self, tree: &'a Item) {
        if let Some(name) = tree.name() {
            self.record(name.span, Definition::Item(self.item), true);
        }
        match &tree.kind {
            ItemKind::Use(_) => {}
            ItemKind::Type(i) => {
                i.generics.iter().for_each(|g| self.bind(g, LocalKind::Generic, KnownValue::Nothing));
                self.ty(&i.ty);
            }
            ItemKind::Enum(i) => {
                for (index, (name, _)) in i.variants.iter().enumerate() {
                    self.record(name.span, Definition::Variant(self.item, index), true);
                }
            }
            ItemKind::Const(i) => self.expr(&i.value),
            ItemKind::Dataset(i) => {
                for (index, field) in i.fields.iter().enumerate() {
                    self.record(field.name.span, Definition::Field(self.item, index), true);
                    self.ty(&field.ty);
                }
            }
            ItemKind::Params(i) => i.rules.iter().for_each(|rule| self.ty(&rule.ty)),
            ItemKind::Import(i) => {
                i.generics.iter().for_each(|g| self.bind(g, LocalKind::Generic, KnownValue::Nothing));
                for option in &i.options {
                    self.record(option.name.span, Definition::Option(option.name.text.clone()), false);
                    option.ty().into_iter().for_each(|ty| self.ty(ty));
                }
            }
            ItemKind::Network(i) => {
                i.generics.iter().for_each(|g| self.bind(g, LocalKind::Generic, KnownValue::Nothing));
                for param in &i.params {
                    self.ty(&param.ty);
                    self.bind(&param.name, LocalKind::Parameter, KnownValue::Type(&param.ty));
                }
                self.ty(&i.result);
                for params in &i.files {
                    params.rules.iter().for_each(|rule| self.ty(&rule.ty));
                    self.bind(&params.name, LocalKind::Params, KnownValue::Params(params));
                }
                for statement in &i.lets {
                    if let Some(ty) = &statement.ty {
                        self.ty(ty);
                    }
                    self.expr(&statement.value);
                    self.bind(&statement.name, LocalKind::Let, KnownValue::Value(&statement.value));
                }
                self.expr(&i.body);
            }
            ItemKind::Def(i) => {
                i.generics.iter().for_each(|g| self.bind(g, LocalKind::Generic, KnownValue::Nothing));
                for param in &i.params {
                    self.ty(&param.ty);
                    self.bind(&param.name, LocalKind::Parameter, KnownValue::Type(&param.ty));
                }
                self.ty(&i.result);
                self.expr(&i.body);
            }
            ItemKind::Property(i) => {
                for param in &i.params {
                    self.expr(&param.domain);
                    self.bind(&param.name, LocalKind::FamilyParameter, KnownValue::Nothing);
                }
                i.filter.iter().for_each(|e| self.expr(e));
                self.expr(&i.body);
            }
            ItemKind::Measure(i) => {
                for param in &i.params {
                    self.expr(&param.domain);
                    self.bind(&param.name, LocalKind::FamilyParameter, KnownValue::Nothing);
                }
                i.filter.iter().for_each(|e| self.expr(e));
                match &i.body {
                    MeasureBody::Optimize { objective, over, condition, within, .. } => {
                        within.iter().for_each(|e| self.expr(e));
                        over.iter().for_each(|b| self.binder(b));
                        condition.iter().for_each(|e| self.expr(e));
                        self.expr(objective);
                    }
                    MeasureBody::Share { over, condition, goal: value }
                    | MeasureBody::Average { value, over, condition } => {
                        over.iter().for_each(|b| self.binder(b));
                        condition.iter().for_each(|e| self.expr(e));
                        self.expr(value);
                    }
                    MeasureBody::Largest { name, domain, goal } => {
                        self.expr(domain);
                        self.bind(name, LocalKind::Variable, KnownValue::Nothing);
                        self.expr(goal);
                    }
                }
            }
        }
    }

    fn binder(&mut self, binder: &'a Binder) {
        let value = match &binder.range {
            BinderRange::Type(ty) => {
                self.ty(ty);
                KnownValue::Type(ty)
            }
            BinderRange::Set(set) => {
                self.expr(set);
                match &set.kind {
                    ExprKind::Call(call) if &*call.callee.text == "ball" => {
                        call.arguments.first().map_or(KnownValue::Nothing, |centre| KnownValue::Value(&centre.value))
                    }
                    _ => KnownValue::Nothing,
                }
            }
        };
        self.bind(&binder.name, LocalKind::Variable, value);
    }

    /// What a name means here.
    fn lookup(&self, name: &str) -> Definition {
        if let Some(bound) = self.bound.iter().rev().find(|b| &*b.name.text == name) {
            return Definition::Local { item: self.item, span: bound.name.span, kind: bound.kind };
        }
        self.global(name)
    }

    fn global(&self, name: &str) -> Definition {
        match self.names.names.get(name) {
            Some(item) => Definition::Item(*item),
            None if is_builtin(name) => Definition::Builtin(name.into()),
            None => Definition::Unknown,
        }
    }

    fn ty(&mut self, ty: &'a TypeExpr) {
        let head = self.global(&ty.head.text);
        self.record(ty.head.span, head, false);
        for argument in &ty.arguments {
            match argument {
                TypeArgument::Value(e) => self.expr(e),
                TypeArgument::Named(name, _) => self.record(name.span, Definition::Option(name.text.clone()), false),
                TypeArgument::Type(ty) => self.ty(ty),
            }
        }
        ty.shape.iter().for_each(|e| self.expr(e));
    }

    fn call(&mut self, call: &'a Call) {
        let callee = self.global(&call.callee.text);
        self.record(call.callee.span, callee, false);
        call.generics.iter().for_each(|e| self.expr(e));
        if let Some(real) = call.real() {
            self.record(real, Definition::Builtin("real".into()), false);
        }
        for argument in &call.arguments {
            let option = argument.name.as_ref().map(|name| Definition::Option(name.text.clone()));
            if let (Some(name), Some(option)) = (&argument.name, &option) {
                self.record(name.span, option.clone(), false);
            }
            match (argument.word(), option) {
                (Some(word), Some(option)) => self.record(word.span, option, false),
                _ => self.expr(&argument.value),
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Number { .. } | ExprKind::Bool(_) => {}
            ExprKind::Name(name) => {
                let meant = self.lookup(&name.text);
                self.record(name.span, meant, false);
            }
            ExprKind::List(elements) => elements.iter().for_each(|e| self.expr(e)),
            ExprKind::Lsb(inner) | ExprKind::Unary(_, inner) => self.expr(inner),
            ExprKind::Binary(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Cast(inner, ty) => {
                self.expr(inner);
                self.ty(ty);
            }
            ExprKind::Field(inner, name) => {
                self.expr(inner);
                let meant = self.field(inner, &name.text);
                self.record(name.span, meant, false);
            }
            ExprKind::Index(inner, indices) => {
                self.expr(inner);
                indices.iter().for_each(|e| self.expr(e));
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Range { start, end, .. } => {
                start.iter().for_each(|e| self.expr(e));
                end.iter().for_each(|e| self.expr(e));
            }
            ExprKind::Quantifier(q) => {
                let outside = self.bound.len();
                q.binders.iter().for_each(|b| self.binder(b));
                q.condition.iter().for_each(|e| self.expr(e));
                self.expr(&q.body);
                self.bound.truncate(outside);
            }
            ExprKind::Let(l) => {
                self.expr(&l.value);
                let outside = self.bound.len();
                self.bind(&l.name, LocalKind::Let, KnownValue::Value(&l.value));
                self.expr(&l.body);
                self.bound.truncate(outside);
            }
        }
    }

    fn field(&self, of: &Expr, name: &str) -> Definition {
        match self.fields(of, 0) {
            Some(Fields::Samples(item)) => match tree(self.db, item).as_deref().map(|t| &t.kind) {
                Some(ItemKind::Dataset(dataset)) => dataset
                    .fields
                    .iter()
                    .position(|f| &*f.name.text == name)
                    .map_or(Definition::Unknown, |index| Definition::Field(item, index)),
                _ => Definition::Unknown,
            },
            Some(Fields::Variants(item) | Fields::Axis(item)) => variant_names(self.db, item)
                .iter()
                .position(|v| &**v == name)
                .map_or(Definition::Unknown, |index| Definition::Variant(item, index)),
            Some(Fields::Tensors(item, params, path)) => {
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                Definition::Tensor { item, params: params.name.span, path: path.into() }
            }
            None => Definition::Unknown,
        }
    }

    /// What an expression's fields are.
    fn fields(&self, expr: &Expr, depth: usize) -> Option<Fields<'a>> {
        if depth > 32 {
            return None;
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(bound) = self.bound.iter().rev().find(|b| b.name.text == name.text) {
                    return match bound.value {
                        KnownValue::Type(ty) => first_axis(self.db, self.item, ty, 0).map(Fields::Axis),
                        KnownValue::Value(value) => self.fields(value, depth + 1),
                        KnownValue::Params(params) => Some(Fields::Tensors(self.item, params, String::new())),
                        KnownValue::Nothing => None,
                    };
                }
                let item = *self.names.names.get(&name.text)?;
                match &tree(self.db, item).as_ref()?.kind {
                    ItemKind::Enum(_) => Some(Fields::Variants(item)),
                    ItemKind::Params(params) => Some(Fields::Tensors(item, params, String::new())),
                    _ => None,
                }
            }
            ExprKind::Index(inner, _) => match &inner.kind {
                ExprKind::Name(name) if !self.bound.iter().any(|b| b.name.text == name.text) => {
                    let item = *self.names.names.get(&name.text)?;
                    matches!(&tree(self.db, item).as_ref()?.kind, ItemKind::Dataset(_)).then_some(Fields::Samples(item))
                }
                _ => None,
            },
            ExprKind::Field(inner, name) => match self.fields(inner, depth + 1)? {
                Fields::Samples(item) => match &tree(self.db, item).as_ref()?.kind {
                    ItemKind::Dataset(dataset) => {
                        let field = dataset.fields.iter().find(|f| f.name.text == name.text)?;
                        first_axis(self.db, item, &field.ty, 0).map(Fields::Axis)
                    }
                    _ => None,
                },
                Fields::Tensors(item, params, path) => {
                    let path = if path.is_empty() { name.text.to_string() } else { format!("{path}.{}", name.text) };
                    Some(Fields::Tensors(item, params, path))
                }
                Fields::Variants(_) | Fields::Axis(_) => None,
            },
            ExprKind::Call(call) => {
                let item = *self.names.names.get(&call.callee.text)?;
                match &tree(self.db, item).as_ref()?.kind {
                    ItemKind::Network(n) => first_axis(self.db, item, &n.result, 0).map(Fields::Axis),
                    ItemKind::Def(d) => first_axis(self.db, item, &d.result, 0).map(Fields::Axis),
                    _ => None,
                }
            }
            ExprKind::Cast(_, ty) => first_axis(self.db, self.item, ty, 0).map(Fields::Axis),
            _ => None,
        }
    }
}

/// The enum that is the first axis of a type, which stands in an item.
pub fn first_axis(db: &dyn Db, from: ItemId, ty: &TypeExpr, depth: usize) -> Option<ItemId> {
    if depth > 32 {
        return None;
    }
    let outcome = scope(db, from.file(db));
    let names = &outcome.value.as_ref()?.names;
    match ty.shape.first() {
        Some(Expr { kind: ExprKind::Name(name), .. }) => {
            let item = *names.get(&name.text)?;
            matches!(&tree(db, item).as_ref()?.kind, ItemKind::Enum(_)).then_some(item)
        }
        Some(_) => None,
        None => {
            let alias = *names.get(&ty.head.text)?;
            match &tree(db, alias).as_ref()?.kind {
                ItemKind::Type(declaration) => first_axis(db, alias, &declaration.ty, depth + 1),
                _ => None,
            }
        }
    }
}
