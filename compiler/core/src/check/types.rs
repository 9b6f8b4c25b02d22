//! Types: what a type expression means, with generics known.

use super::constant::{Constant, Evaluator, enum_variants, lookup};
use super::{Checked, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Diagnostic;
use crate::number_format::{Format, Overflow, Scale};
use crate::number_format::{MAX_FRACTION, MAX_WIDTH};
use num_traits::{Signed, ToPrimitive};
use qnn_ir::rational::exact;
use qnn_ir::{Rational, Rounding};
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, ItemKind, TypeArgument, TypeExpr};
use qnn_syntax::walk::Role;

/// The most elements of a tensor.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// An axis of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Its size.
    pub size: usize,
    /// The enum that names its entries, if any.
    pub labels: Option<ItemId>,
}

impl Axis {
    /// An axis without names.
    pub fn of(size: usize) -> Axis {
        Axis { size, labels: None }
    }
}

/// The axes of a tensor; none for a number.
pub type Shape = Vec<Axis>;

/// The number of elements.
pub fn count(shape: &[Axis]) -> usize {
    shape.iter().map(|axis| axis.size).product()
}

/// A shape as a spec writes it: `[28, 28]`, and nothing for a number.
pub fn show_shape(db: &dyn Db, shape: &[Axis]) -> String {
    if shape.is_empty() {
        return String::new();
    }
    let axis = |axis: &Axis| axis.labels.map_or_else(|| axis.size.to_string(), |item| item.name(db).to_owned());
    format!("[{}]", shape.iter().map(axis).collect::<Vec<_>>().join(", "))
}

/// A shape for a sentence: `[10]`, or «a number».
pub fn shape_text(db: &dyn Db, shape: &[Axis]) -> String {
    if shape.is_empty() { "a number".to_owned() } else { show_shape(db, shape) }
}

/// Whether two shapes have the same sizes.
pub fn same_sizes(a: &[Axis], b: &[Axis]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.size == b.size)
}

/// Whether a tensor of the one shape can stand for one of the other: a tensor of one element is a number.
pub fn interchangeable(a: &[Axis], b: &[Axis]) -> bool {
    same_sizes(a, b) || count(a) == 1 && count(b) == 1
}

/// What classes a label or an argmax distinguishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Classes {
    /// How many.
    pub count: usize,
    /// The enum that names them, if any.
    pub labels: Option<ItemId>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Stored integers of a format.
    Stored(Format, Shape),
    /// Exact numbers: an accumulator's values, a real.
    Real(Shape),
    /// An exact accumulator of at most so many bits.
    Accumulator(u32),
    /// A class.
    Class(Classes),
    /// A truth value.
    Bool,
}

impl Type {
    /// As a spec writes it.
    pub fn show(&self, db: &dyn Db) -> String {
        match self {
            Type::Stored(format, shape) => format!("{format}{}", show_shape(db, shape)),
            Type::Real(shape) => format!("real{}", show_shape(db, shape)),
            Type::Accumulator(width) => format!("acc<{width}>"),
            Type::Class(classes) => match classes.labels {
                Some(item) => format!("class<{}>", item.name(db)),
                None => format!("class<{}>", classes.count),
            },
            Type::Bool => "bool".to_owned(),
        }
    }
}

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
    fn alias(&self, expr: &TypeExpr) -> Checked<Type> {
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

    /// A format, from `fixed<6, 4, round = floor>` and the like, or from an alias of one.
    pub fn format(&self, expr: &TypeExpr) -> Checked<Format> {
        let head = &*expr.head.text;
        if !matches!(head, "fixed" | "ufixed" | "int" | "uint" | "affine") {
            return match self.ty(expr)? {
                Type::Stored(format, shape) if shape.is_empty() => Ok(format),
                other => self.context.error(
                    "E0302",
                    at(self.item, expr.span),
                    format!("a format is needed here, not `{}`", other.show(self.context.db)),
                    "not a format",
                ),
            };
        }
        if head == "affine" {
            return self.affine(expr);
        }
        let values = self.values(expr)?;
        let signed = !head.starts_with('u');
        let mut format = match (head, values.as_slice()) {
            ("int" | "uint", [width]) => Format::fixed(signed, self.width(width, MAX_WIDTH)?, 0),
            ("fixed" | "ufixed", [width, fraction]) => {
                Format::fixed(signed, self.width(width, MAX_WIDTH)?, self.fraction(fraction)?)
            }
            ("fixed" | "ufixed", [width]) => {
                let end = Span::new(width.span.end, width.span.end);
                let width = self.width(width, MAX_WIDTH)?;
                return Err(self.context.report(
                    Diagnostic::error(
                        "E0303",
                        format!("`{head}` needs its fraction bits too"),
                        at(self.item, expr.span),
                        "one argument is missing",
                    )
                    .help(format!("write `{head}<{width}, F>` with F bits after the point; F = 0 makes integers"))
                    .fix(format!("write `{head}<{width}, 0>`"), at(self.item, end), ", 0"),
                ));
            }
            ("int" | "uint", _) => return self.arguments(expr, "one width, as in `int<8>`"),
            _ => return self.arguments(expr, "a width and the fraction bits, as in `fixed<8, 4>`"),
        };
        self.modes(expr, &mut format)?;
        Ok(format)
    }

    fn affine(&self, expr: &TypeExpr) -> Checked<Format> {
        let positional: Vec<&TypeArgument> =
            expr.arguments.iter().filter(|a| !matches!(a, TypeArgument::Named(..))).collect();
        let [TypeArgument::Type(base), TypeArgument::Value(scale), TypeArgument::Value(zero)] = positional.as_slice()
        else {
            return self
                .arguments(expr, "an integer format, a scale and a zero point, as in `affine<int<8>, 0.05, -3>`");
        };
        let mut format = self.format(base)?;
        if format.scale != (Scale::Fixed { fraction: 0 }) {
            return self.context.error(
                "E0401",
                at(self.item, base.span),
                format!("`affine` is built on `int` or `uint`, not on `{format}`"),
                "no integer format",
            );
        }
        let scales: Vec<Rational> = self.numbers(scale)?;
        if let Some(bad) = scales.iter().find(|s| !s.is_positive()) {
            return self.context.error(
                "E0401",
                at(self.item, scale.span),
                format!("the scale {} is not positive", exact(bad)),
                "a scale is more than 0",
            );
        }
        let mut zeros = Vec::new();
        for zero_point in self.numbers(zero)? {
            match zero_point.is_integer().then(|| zero_point.to_integer().to_i64()).flatten() {
                Some(z) if (format.min_raw()..=format.max_raw()).contains(&z) => zeros.push(z),
                _ => {
                    return self.context.error(
                        "E0401",
                        at(self.item, zero.span),
                        format!(
                            "the zero point {} is no integer from {} to {}",
                            exact(&zero_point),
                            format.min_raw(),
                            format.max_raw()
                        ),
                        "not a value of the format",
                    );
                }
            }
        }
        if scales.len() != zeros.len() && scales.len() != 1 && zeros.len() != 1 {
            return self.context.error(
                "E0401",
                at(self.item, expr.span),
                format!("{} scales and {} zero points", scales.len(), zeros.len()),
                "as many scales as zero points, or one",
            );
        }
        format.scale = Scale::Affine { scales: scales.into(), zeros: zeros.into() };
        self.modes(expr, &mut format)?;
        Ok(format)
    }

    /// A number, or a list of numbers.
    fn numbers(&self, expr: &Expr) -> Checked<Vec<Rational>> {
        match self.eval(expr)? {
            Constant::Number(n) => Ok(vec![n]),
            Constant::List(list) if !list.is_empty() => list
                .iter()
                .map(|c| match c {
                    Constant::Number(n) => Ok(n.clone()),
                    other => self.context.error(
                        "E0302",
                        at(self.item, expr.span),
                        format!("expected numbers, found {}", other.kind()),
                        "not a list of numbers",
                    ),
                })
                .collect(),
            other => self.context.error(
                "E0302",
                at(self.item, expr.span),
                format!("expected a number or a list of numbers, found {}", other.kind()),
                "neither",
            ),
        }
    }

    /// `round = …` and `overflow = …`.
    fn modes(&self, expr: &TypeExpr, format: &mut Format) -> Checked<()> {
        for argument in &expr.arguments {
            let TypeArgument::Named(name, value) = argument else { continue };
            let word = match &value.kind {
                ExprKind::Name(word) => &*word.text,
                _ => "",
            };
            let known: Vec<&str> = match &*name.text {
                "round" => Rounding::ALL.iter().map(|m| m.name()).collect(),
                "overflow" => Overflow::ALL.iter().map(|m| m.name()).collect(),
                _ => {
                    return self.context.error(
                        "E0303",
                        at(self.item, name.span),
                        format!("a format has no option `{}`", name.text),
                        "the options are `round` and `overflow`",
                    );
                }
            };
            let rounding = Rounding::ALL.into_iter().find(|m| m.name() == word);
            let overflow = Overflow::ALL.into_iter().find(|m| m.name() == word);
            match (&*name.text, rounding, overflow) {
                ("round", Some(mode), _) => format.rounding = mode,
                ("overflow", _, Some(mode)) => format.overflow = mode,
                _ => {
                    let mut diagnostic = Diagnostic::error(
                        "E0401",
                        format!("`{}` is one of {}", name.text, known.join(", ")),
                        at(self.item, value.span),
                        "no such mode",
                    );
                    if let Some(candidate) = super::scope::similar(word, known.iter().copied()) {
                        diagnostic =
                            diagnostic.fix(format!("write `{candidate}`"), at(self.item, value.span), candidate);
                    }
                    return Err(self.context.report(diagnostic));
                }
            }
        }
        Ok(())
    }

    fn width(&self, expr: &Expr, most: u32) -> Checked<u32> {
        let value = self.integer(expr)?;
        let nearest = value.clamp(1, most.into());
        match u32::try_from(value) {
            Ok(width) if (1..=most).contains(&width) => Ok(width),
            _ => Err(self.context.report(
                Diagnostic::error(
                    "E0401",
                    format!("{value} is no width: from 1 to {most} bits are possible"),
                    at(self.item, expr.span),
                    "out of range",
                )
                .help(format!("choose a width from 1 to {most}"))
                .fix(format!("write {nearest}"), at(self.item, expr.span), nearest.to_string()),
            )),
        }
    }

    fn fraction(&self, expr: &Expr) -> Checked<i64> {
        let value = self.integer(expr)?;
        match i64::try_from(value) {
            Ok(fraction) if fraction.abs() <= MAX_FRACTION => Ok(fraction),
            _ => self.context.error(
                "E0401",
                at(self.item, expr.span),
                format!("{value} fraction bits are out of range: from -{MAX_FRACTION} to {MAX_FRACTION}"),
                "out of range",
            ),
        }
    }

    /// `class<N>` or `class<Enum>`.
    fn classes(&self, expr: &Expr) -> Checked<Classes> {
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
    fn values<'e>(&self, expr: &'e TypeExpr) -> Checked<Vec<&'e Expr>> {
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

    fn arguments<T>(&self, expr: &TypeExpr, wanted: &str) -> Checked<T> {
        self.context.error(
            "E0303",
            at(self.item, expr.span),
            format!("`{}` takes {wanted}", expr.head.text),
            "wrong arguments",
        )
    }
}

/// `1 argument`, `2 arguments`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Shared shapes of constants: sizes as unnamed axes.
pub fn axes(sizes: &[usize]) -> Shape {
    sizes.iter().map(|size| Axis::of(*size)).collect()
}
