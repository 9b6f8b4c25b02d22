//! Type expressions: heads, aliases, classes and shapes.

use super::{Axis, Classes, MAX_ELEMENTS, Shape, Type, plural};
use crate::check::constant::{Constant, Evaluator, enum_variants};
use crate::check::scope::lookup;
use crate::check::{Checked, Reported, at};
use crate::db::{ItemId, tree};
use crate::diagnostic::Diagnostic;
use crate::number_format::Format;
use qnn_syntax::ast::{Expr, ItemKind, TypeArgument, TypeExpr};
use qnn_syntax::walk::Role;

impl Evaluator<'_> {
    /// The type that a type expression means.
    pub fn ty(&self, expr: &TypeExpr) -> Checked<Type> {
        let shape = self.shape(&expr.shape)?;
        let place = at(self.item, expr.span);
        let with_shape = |ty: Type| -> Checked<Type> {
            if shape.is_empty() {
                return Ok(ty);
            }
            let inner = match &ty {
                Type::Stored(_, inner) | Type::Real(inner) => inner.clone(),
                _ => {
                    return self.context.error(
                        "E0302",
                        place,
                        format!("`{}` can't have axes", ty.show(self.context.db)),
                        "only numbers make tensors",
                    );
                }
            };
            // T[2] with T = U[3] is a tensor of two U[3]: axes of the alias come last.
            let full: Shape = shape.iter().cloned().chain(inner).collect();
            self.check_count(&full, expr)?;
            Ok(match ty {
                Type::Stored(format, _) => Type::Stored(format, full),
                _ => Type::Real(full),
            })
        };
        if let Some(member) = &expr.member {
            return with_shape(self.member(expr, member)?);
        }
        match &*expr.head.text {
            "fixed" | "ufixed" | "int" | "uint" | "affine" => with_shape(Type::Stored(self.format(expr)?, Vec::new())),
            "real" => {
                self.no_arguments(expr)?;
                with_shape(Type::Real(Vec::new()))
            }
            "bool" => {
                self.no_arguments(expr)?;
                with_shape(Type::Bool)
            }
            "acc" => match self.values(expr)?.as_slice() {
                _ if expr.arguments.iter().any(|argument| matches!(argument, TypeArgument::Named(..))) => {
                    Err(self.context.report(
                        Diagnostic::error(
                            "E0303",
                            "`acc<W>` asserts how wide an exact sum is; it neither rounds nor overflows",
                            at(self.item, expr.span),
                            "takes no options",
                        )
                        .help("an accumulator of hardware that wraps is a cast of the sum: `… as fixed<16, F, overflow = wrap>`, with as many bits after the point as the products have"),
                    ))
                }
                [width] => with_shape(Type::Accumulator(self.width(width, 127)?)),
                _ => self.arguments(expr, "acc<W>, the bits of the accumulator"),
            },
            "class" => match expr.arguments.as_slice() {
                [TypeArgument::Value(argument)] => with_shape(Type::Class(self.classes(argument)?)),
                _ => self.arguments(expr, "class<N> or class<Enum>"),
            },
            _ => with_shape(self.alias(expr)?),
        }
    }

    /// An alias, expanded.
    pub(super) fn alias(&self, expr: &TypeExpr) -> Checked<Type> {
        let item = lookup(self.context, self.item, &expr.head, Role::Type)?;
        let db = self.context.db;
        let found = tree(db, item);
        let place = at(self.item, expr.head.span);
        match found.as_deref().map(|t| &t.kind) {
            Some(ItemKind::Type(alias)) => {
                let mut arguments = Vec::new();
                for argument in self.values(expr)? {
                    arguments.push(Constant::int(self.integer(argument)?));
                }
                if arguments.len() != alias.generics.len() {
                    return self.context.error(
                        "E0303",
                        at(self.item, expr.span),
                        format!(
                            "`{}` takes {} in angle brackets, not {}",
                            alias.name.text,
                            plural(alias.generics.len(), "argument"),
                            arguments.len()
                        ),
                        "wrong number of arguments",
                    );
                }
                let locals = |name: &str| {
                    let index = alias.generics.iter().position(|g| &*g.text == name)?;
                    arguments.get(index).cloned().map(Ok)
                };
                Evaluator { context: self.context, item, locals: &locals }.ty(&alias.ty)
            }
            Some(ItemKind::Enum(_)) => Err(self.context.report(
                Diagnostic::error(
                    "E0302",
                    format!("`{}` is an enum, not a type of values", expr.head.text),
                    place,
                    "not a type",
                )
                .help(format!(
                    "write `class<{0}>` for a label, or use it as an axis: `ufixed<8, 0>[{0}]`",
                    expr.head.text
                ))
                .fix(
                    format!("write `class<{}>`", expr.head.text),
                    at(self.item, expr.head.span),
                    format!("class<{}>", expr.head.text),
                ),
            )),
            _ => self.context.error("E0302", place, format!("`{}` is not a type", expr.head.text), "not a type"),
        }
    }

    /// Refuses a format with channels for a tensor whose first axis does not have as many.
    pub fn check_channels(&self, format: &Format, shape: &[Axis], expr: &TypeExpr) -> Checked<()> {
        let first = shape.first().map_or(1, |axis| axis.size);
        if format.channels() == 1 || format.channels() == first {
            return Ok(());
        }
        self.context.error(
            "E0301",
            at(self.item, expr.span),
            format!("this format has {} channels, but the first axis has {first}", format.channels()),
            "one scale for each entry of the first axis",
        )
    }

    /// `class<N>` or `class<Enum>`.
    pub(super) fn classes(&self, expr: &Expr) -> Checked<Classes> {
        match self.eval(expr)? {
            Constant::Enum(item) => Ok(Classes { count: self.variants(item)?, labels: Some(item) }),
            Constant::Number(_) => match self.size(expr)? {
                0 => self.context.error("E0302", at(self.item, expr.span), "there are no 0 classes", "1 or more"),
                count => Ok(Classes { count, labels: None }),
            },
            other => self.context.error(
                "E0302",
                at(self.item, expr.span),
                format!("expected a number of classes or an enum, found {}", other.kind()),
                "neither",
            ),
        }
    }

    /// The number of an enum's variants; one without any has been reported.
    fn variants(&self, item: ItemId) -> Checked<usize> {
        Some(enum_variants(self.context.db, item).len()).filter(|n| *n > 0).ok_or(Reported)
    }

    /// Axes: sizes or enums.
    pub fn shape(&self, axes: &[Expr]) -> Checked<Shape> {
        axes.iter()
            .map(|axis| match self.eval(axis)? {
                Constant::Enum(item) => Ok(Axis { size: self.variants(item)?, labels: Some(item) }),
                _ => match self.size(axis)? {
                    0 => self.context.error(
                        "E0301",
                        at(self.item, axis.span),
                        "an axis of size 0 has no elements",
                        "1 or more",
                    ),
                    size if size > MAX_ELEMENTS => self.context.error(
                        "E0313",
                        at(self.item, axis.span),
                        format!("an axis of {size} elements is too large: at most {MAX_ELEMENTS}"),
                        "too large",
                    ),
                    size => Ok(Axis::of(size)),
                },
            })
            .collect()
    }

    fn check_count(&self, shape: &[Axis], expr: &TypeExpr) -> Checked<()> {
        let total = shape.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.size)).filter(|n| *n <= MAX_ELEMENTS);
        match total {
            Some(_) => Ok(()),
            None => self.context.error(
                "E0313",
                at(self.item, expr.span),
                format!("this tensor has more than {MAX_ELEMENTS} elements"),
                "too large",
            ),
        }
    }

    /// The positional arguments, all of which must be values.
    pub(super) fn values<'e>(&self, expr: &'e TypeExpr) -> Checked<Vec<&'e Expr>> {
        expr.arguments
            .iter()
            .filter_map(|argument| match argument {
                TypeArgument::Value(value) => Some(Ok(value)),
                TypeArgument::Named(..) => None,
                TypeArgument::Type(ty) => Some(self.context.error(
                    "E0302",
                    at(self.item, ty.span),
                    "expected a number here, found a type",
                    "not a number",
                )),
            })
            .collect()
    }

    fn no_arguments(&self, expr: &TypeExpr) -> Checked<()> {
        if expr.arguments.is_empty() { Ok(()) } else { self.arguments(expr, "nothing in angle brackets") }
    }

    pub(super) fn arguments<T>(&self, expr: &TypeExpr, wanted: &str) -> Checked<T> {
        self.context.error(
            "E0303",
            at(self.item, expr.span),
            format!("`{}` takes {wanted}", expr.head.text),
            "wrong arguments",
        )
    }
}
