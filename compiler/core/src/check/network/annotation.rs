//! What a body says of its tensors' types, held against what they are.

use super::super::types::{Type, interchangeable, shape_text};
use super::super::{Checked, Reported};
use super::{Builder, NetTensor, NetValue};
use crate::diagnostic::{Diagnostic, Place};
use qnn_syntax::Span;
use qnn_syntax::ast::{ExprKind, NetworkItem};

impl Builder<'_> {
    /// Holds what a value is against the type that an annotation gives it; `value` is where the value stands.
    pub(super) fn check_annotation(
        &mut self,
        found: &NetValue,
        ty: &Type,
        annotation: Place,
        value: Place,
    ) -> Checked<()> {
        // The network itself has been checked; its reading stores nothing.
        if self.real.is_some() {
            return Ok(());
        }
        let context = self.evaluator.context;
        let NetValue::Tensor(tensor) = found else {
            return context.error(
                "E0306",
                annotation,
                format!("this is {}", found.kind()),
                "no type can be given to it",
            );
        };
        match ty {
            Type::Accumulator(width) => {
                let ranges = &self.ranges[tensor.node.index()];
                let (element, worst) = ranges
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, range)| range.signed_width())
                    .map(|(element, range)| (element, *range))
                    .ok_or(Reported)?;
                let needed = worst.signed_width();
                if needed <= *width {
                    return Ok(());
                }
                Err(context.report(
                    Diagnostic::error(
                        "E0403",
                        format!("this accumulator needs {needed} bits, not {width}"),
                        annotation,
                        format!("{width} bits hold {} to {}", -(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
                    )
                    .label(value, format!("element {element} ranges from {} to {}", worst.lo, worst.hi))
                    .note("The range is exact for the inputs' formats: some input reaches each end.")
                    .fix(format!("write `acc<{needed}>`"), annotation, format!("acc<{needed}>")),
                ))
            }
            Type::Stored(format, shape)
                if tensor.format.as_ref() == Some(format) && interchangeable(shape, &tensor.shape) =>
            {
                Ok(())
            }
            Type::Real(shape) if interchangeable(shape, &tensor.shape) => Ok(()),
            _ => {
                let difference = match (&tensor.format, ty) {
                    (Some(found), Type::Stored(format, _)) => found.difference(format),
                    _ => None,
                };
                Err(context.report(
                    Diagnostic::error(
                        "E0306",
                        format!("this is `{}`, not `{}`", self.type_text(tensor), ty.show(self.db())),
                        value,
                        format!("is `{}`", self.type_text(tensor)),
                    )
                    .label(annotation, "annotated here")
                    .notes(difference),
                ))
            }
        }
    }

    pub(super) fn check_result(&self, output: &NetTensor, wanted: &Type, declaration: &NetworkItem) -> Checked<()> {
        let (result, body) = (self.place(declaration.result.span), self.place(declaration.body.span));
        let shape = match wanted {
            Type::Stored(_, shape) | Type::Real(shape) => shape,
            other => {
                return self.error(
                    "E0302",
                    declaration.result.span,
                    format!("a network's output is stored integers, not `{}`", other.show(self.db())),
                    "a format is needed",
                );
            }
        };
        if !interchangeable(shape, &output.shape) {
            return self.report(
                Diagnostic::error(
                    "E0301",
                    format!(
                        "the network returns {}, but {} is declared",
                        shape_text(self.db(), &output.shape),
                        shape_text(self.db(), shape)
                    ),
                    body,
                    format!("has the shape {}", shape_text(self.db(), &output.shape)),
                )
                .label(result, "declared here"),
            );
        }
        match (wanted, &output.format) {
            (Type::Real(_), _) => Ok(()),
            (Type::Stored(format, _), Some(found)) if format == found => Ok(()),
            (Type::Stored(format, _), Some(found)) => {
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    format!("the network returns `{found}`, but `{format}` is declared"),
                    body,
                    format!("is `{found}`"),
                )
                .label(result, "declared here")
                .notes(found.difference(format))
                .help("make the last cast and the declared output the same format");
                // Of a generic network, formats are other ones with other integers.
                if let (ExprKind::Cast(_, ty), true) = (&declaration.body.kind, declaration.generics.is_empty()) {
                    if ty.shape.is_empty() && format.is_written_whole() {
                        let text = format.to_string();
                        diagnostic = diagnostic.fix(format!("cast to `{text}`"), self.place(ty.span), text);
                    }
                    if declaration.result.shape.is_empty() && found.is_written_whole() {
                        let (text, place) = (found.to_string(), self.place(declaration.result.span));
                        diagnostic = diagnostic.fix(format!("declare `{text}`"), place, text);
                    }
                }
                self.report(diagnostic)
            }
            (_, _) => {
                let end = Place { span: Span::new(declaration.body.span.end, declaration.body.span.end), ..body };
                let plain = declaration.result.arguments.is_empty();
                // Of a generic network, the format is another one with other integers.
                let literal = match wanted {
                    Type::Stored(format, _) => {
                        (declaration.generics.is_empty() && format.is_written_whole()).then(|| format.to_string())
                    }
                    _ => None,
                };
                let text = if plain { Some(declaration.result.head.text.to_string()) } else { literal };
                let text = text.map(|text| format!(" as {text}"));
                let mut diagnostic = Diagnostic::error(
                    "E0306",
                    "the network returns an exact accumulator, but stored integers are declared",
                    body,
                    format!("is `{}`", self.type_text(output)),
                )
                .label(result, "declared here")
                .note("Bits are lost only at a cast, so that it is always visible where.");
                let half_cast = match &declaration.body.kind {
                    ExprKind::Binary(op, left, right) => {
                        [left, right].iter().any(|side| matches!(side.kind, ExprKind::Cast(..))).then_some(op.symbol())
                    }
                    _ => None,
                };
                let whole =
                    !matches!(declaration.body.kind, ExprKind::Binary(..) | ExprKind::Unary(..) | ExprKind::Let(_));
                diagnostic = if let Some(symbol) = half_cast {
                    diagnostic.help(format!(
                        "`as` binds tighter than `{symbol}`: put the sum in parentheses, `(… {symbol} …) as Format`"
                    ))
                } else if !whole {
                    diagnostic.help("cast it to the output's format: `(…) as Format`")
                } else if let Some(text) = text {
                    diagnostic.fix(format!("add `{}`", text.trim_start()), end, text)
                } else {
                    diagnostic.help("cast it to the output's format: `… as Format`")
                };
                self.report(diagnostic)
            }
        }
    }
}
