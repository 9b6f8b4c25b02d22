//! Bodies of networks: statements and expressions, evaluated to tensors.

use super::super::constant::{Constant, Evaluator};
use super::super::data::{ConstantTensor, ParamsFile};
use super::super::index::index_range;
use super::super::scope::lookup;
use super::super::types::{Shape, interchangeable, show_shape};
use super::super::{Checked, Reported, at};
use super::ops::{Clamped, pick_indices, picked};
use super::{Builder, NetTensor, NetValue, Port, called, remap};
use crate::db::{ItemId, tree};
use crate::diagnostic::Diagnostic;
use crate::number_format::Format;
use num_traits::{One, ToPrimitive, Zero};
use qnn_ir::interrupt::work;
use qnn_ir::rational::exact;
use qnn_ir::real::NUMBER;
use qnn_ir::{NodeId, Op, Rational};
use qnn_syntax::Span;
use qnn_syntax::ast::{BinaryOp, Call, Expr, ExprKind, ItemKind, NetworkItem, UnaryOp};
use qnn_syntax::walk::Role;
use std::sync::Arc;

impl Builder<'_> {
    /// The declaration's body, once its inputs are bound.
    pub(super) fn body(&mut self, declaration: &NetworkItem) -> Checked<NetTensor> {
        for params in &declaration.files {
            let file = ParamsFile::new(&self.evaluator, params)?;
            self.files.push(file.path().to_owned());
            self.bind(&params.name.text, NetValue::Group(Arc::new(file), String::new()));
        }
        for statement in &declaration.lets {
            let value = match &statement.ty {
                Some(_) => self.eval(&statement.value)?,
                None => self.eval_unrounded(&statement.value)?,
            };
            if let Some(annotation) = &statement.ty {
                let ty = self.evaluator.ty(annotation)?;
                self.check_annotation(&value, &ty, self.place(annotation.span), self.place(statement.value.span))?;
            }
            if let NetValue::Tensor(tensor) = &value {
                self.name_layer(tensor.node, &statement.name.text);
            }
            self.bind(&statement.name.text, value);
        }
        match self.eval(&declaration.body)? {
            NetValue::Tensor(output) => Ok(output),
            other => self.error(
                "E0302",
                declaration.body.span,
                format!("a network's output depends on its input, but this is {}", other.kind()),
                "no tensor of the network",
            ),
        }
    }

    /// An expression's value, exact.
    pub(super) fn eval(&mut self, expr: &Expr) -> Checked<NetValue> {
        match self.eval_unrounded(expr)? {
            NetValue::Curve(curve) => self.unrounded(&curve).map(NetValue::Tensor),
            NetValue::Clamped(clamped) => self.exactly_clamped(clamped).map(NetValue::Tensor),
            other => Ok(other),
        }
    }

    /// An expression's value; a function that the cast around it rounds is left as it is.
    fn eval_unrounded(&mut self, expr: &Expr) -> Checked<NetValue> {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some((_, value)) = self.locals.iter().rev().find(|(known, _)| *known == name.text) {
                    return Ok(value.clone());
                }
                if (self.evaluator.locals)(&name.text).is_none() {
                    let item = lookup(self.evaluator.context, self.evaluator.item, name, Role::Value)?;
                    if let Some(ItemKind::Params(params)) = tree(self.db(), item).as_deref().map(|t| &t.kind) {
                        let nothing = |_: &str| None;
                        let evaluator = Evaluator { context: self.evaluator.context, item, locals: &nothing };
                        let file = ParamsFile::new(&evaluator, params)?;
                        if !self.files.iter().any(|f| f == file.path()) {
                            self.files.push(file.path().to_owned());
                        }
                        return Ok(NetValue::Group(Arc::new(file), String::new()));
                    }
                }
                self.constants(|e| e.eval(expr)).map(NetValue::Constant)
            }
            ExprKind::Field(inner, field) => match self.eval(inner)? {
                NetValue::Group(file, prefix) => {
                    let path =
                        if prefix.is_empty() { field.text.to_string() } else { format!("{prefix}.{}", field.text) };
                    if file.has(self.evaluator.context, &path) {
                        return self.parameter(&file, &path, self.place(expr.span)).map(NetValue::ConstantTensor);
                    }
                    if file.has_group(self.evaluator.context, &path) {
                        return Ok(NetValue::Group(file, path));
                    }
                    self.parameter(&file, &path, self.place(expr.span)).map(NetValue::ConstantTensor)
                }
                NetValue::Tensor(tensor) => {
                    let Some(item) = tensor.shape.first().and_then(|axis| axis.labels) else {
                        return self.error(
                            "E0305",
                            field.span,
                            format!("this tensor has no field `{}`", field.text),
                            "its first axis has no names",
                        );
                    };
                    let index =
                        super::super::constant::variant(self.evaluator.context, item, field, self.evaluator.item)?;
                    self.select(&tensor, &[(index, index + 1, true)], expr.span).map(NetValue::Tensor)
                }
                _ => self.constants(|e| e.eval(expr)).map(NetValue::Constant),
            },
            ExprKind::Cast(inner, ty) => {
                let value = self.eval_unrounded(inner)?;
                let format = self.constants(|e| e.format(ty))?;
                match value {
                    NetValue::Curve(curve) => self.cast_curve(&curve, &format, expr.span, ty).map(NetValue::Tensor),
                    NetValue::Clamped(Clamped { x, ends, .. }) => {
                        self.cast(&x, Some(&ends), &format, expr.span, ty).map(NetValue::Tensor)
                    }
                    NetValue::Tensor(tensor) => self.cast(&tensor, None, &format, expr.span, ty).map(NetValue::Tensor),
                    other => {
                        let tensor = self.constant_tensor(other, inner.span)?;
                        self.quantize_literal(&tensor, &format, expr.span).map(NetValue::ConstantTensor)
                    }
                }
            }
            ExprKind::Unary(UnaryOp::Negate, inner) => match self.eval(inner)? {
                NetValue::Tensor(tensor) => self.scale_by(&tensor, &-Rational::one(), expr.span).map(NetValue::Tensor),
                NetValue::ConstantTensor(tensor) => {
                    let minus = self.constant_tensor(NetValue::Constant(Constant::int(-1)), expr.span)?;
                    self.combine_constants(BinaryOp::Multiply, &minus, &tensor, expr.span).map(NetValue::ConstantTensor)
                }
                NetValue::Constant(_) => self.constants(|e| e.eval(expr)).map(NetValue::Constant),
                other => self.error("E0302", expr.span, format!("`-` can't take {}", other.kind()), "not a number"),
            },
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Index(inner, indices) => match self.eval(inner)? {
                NetValue::Tensor(tensor) => {
                    let selection = self.selection(&tensor.shape, indices)?;
                    self.select(&tensor, &selection, expr.span).map(NetValue::Tensor)
                }
                NetValue::ConstantTensor(tensor) => {
                    let selection = self.selection(&tensor.shape, indices)?;
                    let (elements, shape) = pick_indices(&tensor.shape, &selection);
                    Ok(NetValue::ConstantTensor(picked(&tensor, &elements, shape)))
                }
                NetValue::Constant(_) => self.constants(|e| e.eval(expr)).map(NetValue::Constant),
                other => self.error("E0302", inner.span, format!("{} can't be indexed", other.kind()), "not indexable"),
            },
            ExprKind::Let(l) => {
                let value = self.eval_unrounded(&l.value)?;
                self.bind(&l.name.text, value);
                let result = self.eval_unrounded(&l.body);
                self.locals.pop();
                result
            }
            ExprKind::Quantifier(q) => self.report(
                Diagnostic::error(
                    "E0612",
                    "a network computes; it can't quantify",
                    self.place(q.keyword),
                    "not in a network",
                )
                .help("say this in a `property`"),
            ),
            _ => self.constants(|e| e.eval(expr)).map(NetValue::Constant),
        }
    }

    /// First and one-past-last index of each axis, and whether the axis is dropped.
    pub(super) fn selection(&self, shape: &Shape, indices: &[Expr]) -> Checked<Vec<(usize, usize, bool)>> {
        if indices.len() > shape.len() {
            return self.error(
                "E0304",
                indices[shape.len()].span,
                format!("{} indices for {} axes", indices.len(), shape.len()),
                "one index too many",
            );
        }
        let (context, item) = (self.evaluator.context, self.evaluator.item);
        indices
            .iter()
            .zip(shape)
            .map(|(index, axis)| {
                let mut eval = |expr: &Expr| self.constants(|e| e.eval(expr));
                index_range(context, item, index, axis, &mut eval)
            })
            .collect()
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Checked<NetValue> {
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        if let (NetValue::Constant(a), NetValue::Constant(b)) = (&a, &b)
            && let Some(value) = super::super::constant::combine(op, a, b)
        {
            return super::super::constant::bounded(self.evaluator.context, self.place(span), value)
                .map(NetValue::Constant);
        }
        let constants = |v: &NetValue| matches!(v, NetValue::ConstantTensor(_) | NetValue::Constant(_));
        let one_is_tensor = matches!(a, NetValue::ConstantTensor(_)) || matches!(b, NetValue::ConstantTensor(_));
        let arithmetic = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide);
        if arithmetic && one_is_tensor && constants(&a) && constants(&b) {
            let (a, b) = (self.constant_tensor(a, left.span)?, self.constant_tensor(b, right.span)?);
            return self.combine_constants(op, &a, &b, span).map(NetValue::ConstantTensor);
        }
        match (op, a, b) {
            (BinaryOp::Add | BinaryOp::Subtract, NetValue::Tensor(a), NetValue::Tensor(b)) => {
                self.sum(&a, &b, op == BinaryOp::Subtract, span).map(NetValue::Tensor)
            }
            (BinaryOp::Add | BinaryOp::Subtract, NetValue::Tensor(a), other) => {
                let constant = self.constant_tensor(other, right.span)?;
                self.plus_constant(&a, &constant, op == BinaryOp::Subtract, span).map(NetValue::Tensor)
            }
            (BinaryOp::Add, other, NetValue::Tensor(b)) => {
                let constant = self.constant_tensor(other, left.span)?;
                self.plus_constant(&b, &constant, false, span).map(NetValue::Tensor)
            }
            (BinaryOp::Subtract, other, NetValue::Tensor(b)) => {
                let constant = self.constant_tensor(other, left.span)?;
                let negated = self.scale_by(&b, &-Rational::one(), span)?;
                self.plus_constant(&negated, &constant, false, span).map(NetValue::Tensor)
            }
            (BinaryOp::Multiply, NetValue::Tensor(_), NetValue::Tensor(_)) => self.report(
                Diagnostic::error("E0601", "a product of two variables is not linear", self.place(span), "both factors depend on the input")
                    .note("Networks here are built of sums, products with constants, and monotone functions; no engine decides products of variables."),
            ),
            (BinaryOp::Multiply, NetValue::Tensor(tensor), NetValue::Constant(Constant::Number(n)))
            | (BinaryOp::Multiply, NetValue::Constant(Constant::Number(n)), NetValue::Tensor(tensor)) => {
                self.scale_by(&tensor, &n, span).map(NetValue::Tensor)
            }
            (BinaryOp::Multiply, NetValue::Tensor(tensor), other) => {
                let constant = self.constant_tensor(other, right.span)?;
                self.times_constant(&tensor, &constant, false, span).map(NetValue::Tensor)
            }
            (BinaryOp::Multiply, other, NetValue::Tensor(tensor)) => {
                let constant = self.constant_tensor(other, left.span)?;
                self.times_constant(&tensor, &constant, false, span).map(NetValue::Tensor)
            }
            (BinaryOp::Divide, NetValue::Tensor(tensor), NetValue::Constant(Constant::Number(n))) => {
                if n.is_zero() {
                    return self.error("E0311", right.span, "division by zero", "this is 0");
                }
                self.scale_by(&tensor, &(Rational::one() / n), span).map(NetValue::Tensor)
            }
            (BinaryOp::Divide, NetValue::Tensor(tensor), other) if constants(&other) => {
                let constant = self.constant_tensor(other, right.span)?;
                self.times_constant(&tensor, &constant, true, span).map(NetValue::Tensor)
            }
            (BinaryOp::Divide, _, NetValue::Tensor(_)) => {
                self.error("E0601", span, "division by a variable is not linear", "the divisor depends on the input")
            }
            (_, NetValue::Constant(_), NetValue::Constant(_)) => {
                // The constants' own message.
                let expr = Expr {
                    kind: ExprKind::Binary(op, Box::new(left.clone()), Box::new(right.clone())),
                    span,
                };
                self.constants(|e| e.eval(&expr)).map(NetValue::Constant)
            }
            (_, a, b) => self.error(
                "E0302",
                span,
                format!("`{}` can't take {} and {} in a network", op.symbol(), a.kind(), b.kind()),
                "not an operation of networks",
            ),
        }
    }

    /// A call of another network.
    /// A constant that is passed to a network: values of the input's format, stored in it.
    fn constant_input(&mut self, constant: &ConstantTensor, port: &Port, span: Span) -> Checked<NodeId> {
        let Some(format) = &port.format else { return Err(Reported) };
        if !interchangeable(&constant.shape, &port.shape) {
            let (wanted, found) = (show_shape(self.db(), &port.shape), show_shape(self.db(), &constant.shape));
            let message = format!("this input is `{format}{wanted}`, but the constant has the shape {found}");
            return self.error("E0306", span, message, "another shape");
        }
        let mut stored = Vec::with_capacity(constant.len());
        for i in 0..constant.len() {
            work(NUMBER);
            let value = constant.value(i);
            let steps = &value / port.scale.get(i);
            let number = steps.is_integer().then(|| steps.to_integer().to_i128()).flatten();
            let raw = number.map(|number| port.raw(i, number));
            let range = i128::from(format.min_raw())..=i128::from(format.max_raw());
            let Some(number) = number.filter(|_| raw.is_some_and(|raw| range.contains(&raw))) else {
                return self.report(
                    Diagnostic::error(
                        "E0408",
                        format!("{} is not a value of `{format}`", exact(&value)),
                        self.place(span),
                        "would have to be rounded, or is out of range",
                    )
                    .help(format!("round it: `… as {format}`")),
                );
            };
            stored.push(number);
        }
        self.push(Op::Constant(stored.into()), span)
    }

    pub(super) fn call_network(&mut self, item: ItemId, call: &Call, span: Span) -> Checked<NetValue> {
        let generics: Vec<i128> =
            call.generics.iter().map(|g| self.constants(|e| e.integer(g))).collect::<Checked<_>>()?;
        let inner = called(self.evaluator.context, item, generics, call, at(self.evaluator.item, span))?;
        if call.arguments.len() != inner.inputs.len() {
            return self.error(
                "E0303",
                span,
                format!(
                    "`{}` takes {}, not {}",
                    inner.name,
                    super::super::types::plural(inner.inputs.len(), "input"),
                    call.arguments.len()
                ),
                "wrong number of arguments",
            );
        }
        if self.real.is_some() {
            if let Some(at) = call.at() {
                return self.error(
                    "E0204",
                    at.span,
                    "a layer of another network has no real-valued reading",
                    "read as real here",
                );
            }
            return self.read_network(item, call).map(NetValue::Tensor);
        }
        let mut map: Vec<Option<NodeId>> = vec![None; inner.graph.nodes.len()];
        for (argument, port) in call.arguments.iter().zip(&inner.inputs) {
            if let Some(name) = &argument.name {
                return self.error("E0303", name.span, "inputs have no names here", "write the value alone");
            }
            let tensor = match self.eval(&argument.value)? {
                NetValue::Tensor(tensor) => tensor,
                constant => {
                    let constant = self.constant_tensor(constant, argument.value.span)?;
                    map[port.node.index()] = Some(self.constant_input(&constant, port, argument.value.span)?);
                    continue;
                }
            };
            if tensor.format != port.format || !interchangeable(&tensor.shape, &port.shape) {
                let format = port.format.as_ref().map(Format::to_string).unwrap_or_default();
                let difference = tensor.format.as_ref().zip(port.format.as_ref()).and_then(|(a, b)| b.difference(a));
                return self.report(
                    Diagnostic::error(
                        "E0306",
                        format!(
                            "`{}` takes `{format}{}`, not `{}`",
                            inner.name,
                            show_shape(self.db(), &port.shape),
                            self.type_text(&tensor)
                        ),
                        self.place(argument.value.span),
                        "another type",
                    )
                    .notes(difference),
                );
            }
            map[port.node.index()] = Some(tensor.node);
        }
        for (index, node) in inner.graph.nodes.iter().enumerate() {
            if map[index].is_none() {
                let op = remap(&node.op, &|id| map[id.index()].expect("sources come first"));
                map[index] = Some(self.push(op, span)?);
            }
        }
        let mapped = |id: NodeId| map[id.index()].expect("every node was mapped");
        for layer in &inner.layers {
            let mut layer = layer.clone();
            layer.port.node = mapped(layer.port.node);
            layer.port.name = format!("{}.{}", call.callee.text, layer.port.name).into();
            layer.range = self.range(layer.port.node);
            layer.stored = self.stored(&layer.port);
            self.layers.push(layer);
        }
        let output = &inner.output;
        Ok(NetValue::Tensor(NetTensor {
            node: mapped(output.node),
            shape: output.shape.clone(),
            scale: output.scale.clone(),
            format: output.format.clone(),
        }))
    }
}
