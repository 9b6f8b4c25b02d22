//! The arguments of an operation's call: those by position, and its options by name.
//!
//! The registry of the language says which options there are and which words may stand for their values. A number for each axis is one number for all, or a
//! list.

use super::super::super::Checked;
use super::super::super::constant::{Constant, size_of};
use super::super::super::scope::similar;
use super::super::super::types::{axes_text, plural};
use super::super::Builder;
use super::window::Padding;
use crate::diagnostic::Diagnostic;
use num_traits::Zero;
use qnn_ir::Rational;
use qnn_syntax::Span;
use qnn_syntax::ast::{Argument, Call, Expr, ExprKind, Name};
use qnn_syntax::builtins::{Function, function};

/// The arguments of a call, each option at most once.
pub(super) struct Arguments<'e> {
    /// Those without a name.
    pub positional: Vec<&'e Expr>,
    named: Vec<(&'static str, &'e Argument)>,
}

impl<'e> Arguments<'e> {
    /// An option's argument.
    pub(super) fn named(&self, name: &str) -> Option<&'e Argument> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, argument)| *argument)
    }
}

impl Builder<'_> {
    /// Exactly so many arguments, none of them named.
    pub(super) fn positional<'e, const N: usize>(&self, call: &'e Call, span: Span) -> Checked<[&'e Argument; N]> {
        let all: Vec<&Argument> = call.arguments.iter().collect();
        match <[&Argument; N]>::try_from(all) {
            Ok(arguments) if arguments.iter().all(|a| a.name.is_none()) => Ok(arguments),
            _ => self.wrong_arguments(call, span),
        }
    }

    /// Says how the function is called.
    pub(super) fn wrong_arguments<T>(&self, call: &Call, span: Span) -> Checked<T> {
        let usage = function(&call.callee.text).map_or(&[][..], |function| function.usage);
        let usage: Vec<String> = usage.iter().map(|usage| format!("`{usage}`")).collect();
        self.error("E0303", span, format!("write {}", usage.join(" or ")), "wrong arguments")
    }

    /// Positional arguments, and the function's options.
    pub(super) fn arguments<'e>(&self, call: &'e Call) -> Checked<Arguments<'e>> {
        let known: Vec<&str> = function(&call.callee.text).into_iter().flat_map(Function::options).collect();
        let mut found = Arguments { positional: Vec::new(), named: Vec::new() };
        for argument in &call.arguments {
            let Some(name) = &argument.name else {
                found.positional.push(&argument.value);
                continue;
            };
            let Some(index) = known.iter().position(|k| *k == &*name.text) else {
                return self.unknown_option(call, name, &known);
            };
            if found.named(known[index]).is_some() {
                return self.error("E0303", name.span, format!("`{}` is given twice", name.text), "given before");
            }
            found.named.push((known[index], argument));
        }
        Ok(found)
    }

    fn unknown_option<T>(&self, call: &Call, name: &Name, known: &[&str]) -> Checked<T> {
        let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let mut diagnostic = Diagnostic::error(
            "E0303",
            format!("`{}` has no option `{}`", call.callee.text, name.text),
            self.place(name.span),
            format!("its options: {names}"),
        );
        let foreign = foreign_option(&name.text).iter().find(|instead| known.contains(instead)).copied();
        match foreign.or_else(|| similar(&name.text, known.iter().copied())) {
            Some(instead) => {
                diagnostic = diagnostic.help(format!("did you mean `{instead}`?")).fix(
                    format!("write `{instead}`"),
                    self.place(name.span),
                    instead,
                );
            }
            None if matches!(&*name.text, "layout" | "data_format") => {
                diagnostic = diagnostic
                    .help("images are [channels, height, width]: write `transpose(x, [2, 0, 1])` for an input [height, width, channels]");
            }
            None if matches!(&*name.text, "keepdim" | "keepdims" | "keep_dims") => {
                diagnostic = diagnostic.help("axes are dropped: `reshape(…, [sizes])` puts axes of size 1 back");
            }
            None if matches!(&*name.text, "kernel_size" | "kernel_shape" | "ksize" | "filters" | "out_channels") => {
                diagnostic = diagnostic.help(if known.contains(&"groups") {
                    "the weights' shape says it: [out, in, height, width]"
                } else {
                    "the window's size is the second argument: `max_pool2d(x, 2)`"
                });
            }
            None if matches!(&*name.text, "count_include_pad" | "include_pad") => {
                diagnostic =
                    diagnostic.help("padding is never the greatest: a maximum has no use for it; leave it out");
            }
            None => {}
        }
        self.report(diagnostic)
    }

    /// An option that is a size; `None` where it is not given.
    pub(super) fn size_option(&self, arguments: &Arguments<'_>, name: &str) -> Checked<Option<usize>> {
        arguments.named(name).map(|argument| self.constants(|e| e.size(&argument.value))).transpose()
    }

    /// An option that is true or false; `None` where it is not given.
    pub(super) fn flag_option(&self, arguments: &Arguments<'_>, name: &str) -> Checked<Option<bool>> {
        arguments.named(name).map(|argument| self.constants(|e| e.bool(&argument.value))).transpose()
    }

    /// An option that is an exact number, 0 where it is not given.
    pub(super) fn number_option(&self, arguments: &Arguments<'_>, name: &str) -> Checked<Rational> {
        let given = arguments.named(name).map(|argument| self.constants(|e| e.number(&argument.value)));
        Ok(given.transpose()?.unwrap_or_else(Rational::zero))
    }

    /// An option with a size for each axis; `default` where it is not given.
    pub(super) fn sizes_option(
        &self,
        arguments: &Arguments<'_>,
        name: &str,
        axes: &[&str],
        default: Vec<usize>,
    ) -> Checked<Vec<usize>> {
        match arguments.named(name) {
            Some(argument) => self.sizes(&argument.value, name, axes),
            None => Ok(default),
        }
    }

    /// A size for each of some axes: one number for all, or a list.
    pub(super) fn sizes(&self, expr: &Expr, what: &str, axes: &[&str]) -> Checked<Vec<usize>> {
        let place = self.place(expr.span);
        match self.constants(|e| e.eval(expr))? {
            Constant::List(list) if list.len() == axes.len() => {
                list.iter().map(|size| size_of(self.evaluator.context, place, size)).collect()
            }
            Constant::List(list) => self.wrong_list(expr.span, what, axes, list.len()),
            number => Ok(vec![size_of(self.evaluator.context, place, &number)?; axes.len()]),
        }
    }

    /// The padding of each axis: a word, one number for all, or a list with a number or a pair for each.
    pub(super) fn padding_option(&self, arguments: &Arguments<'_>, axes: &[&str]) -> Checked<Vec<Padding>> {
        let Some(argument) = arguments.named("padding") else { return Ok(vec![Padding::Each(0, 0); axes.len()]) };
        match argument.word() {
            Some(word) if &*word.text == "same" => Ok(vec![Padding::Same; axes.len()]),
            Some(_) => Ok(vec![Padding::Each(0, 0); axes.len()]),
            None => {
                let pairs = self.pairs(&argument.value, "padding", axes)?;
                Ok(pairs.into_iter().map(|(before, after)| Padding::Each(before, after)).collect())
            }
        }
    }

    /// What stands before and after each of some axes: one number for all ends, or a list with a number or a pair for each axis.
    pub(super) fn pairs(&self, expr: &Expr, what: &str, axes: &[&str]) -> Checked<Vec<(usize, usize)>> {
        let (context, place) = (self.evaluator.context, self.place(expr.span));
        let entry = |value: &Constant| match value {
            Constant::List(pair) => match &pair[..] {
                [before, after] => Ok((size_of(context, place, before)?, size_of(context, place, after)?)),
                other => self.error(
                    "E0303",
                    expr.span,
                    format!("the ends of an axis are a pair, [before, after], not {}", plural(other.len(), "number")),
                    "wrong number of ends",
                ),
            },
            number => size_of(context, place, number).map(|size| (size, size)),
        };
        match self.constants(|e| e.eval(expr))? {
            Constant::List(list) if list.len() == axes.len() => list.iter().map(entry).collect(),
            Constant::List(list) if list.len() == 2 * axes.len() => self.report(
                Diagnostic::error(
                    "E0303",
                    format!("`{what}` has an entry for each axis, not one for each end"),
                    place,
                    format!("{} for {}", plural(list.len(), "number"), axes_text(axes.len())),
                )
                .help(format!(
                    "pair the ends of each axis: `[{}]`",
                    axes.iter().map(|axis| format!("[{}]", ends(axis))).collect::<Vec<_>>().join(", ")
                )),
            ),
            Constant::List(list) => self.wrong_list(expr.span, what, axes, list.len()),
            number => Ok(vec![entry(&number)?; axes.len()]),
        }
    }

    fn wrong_list<T>(&self, span: Span, what: &str, axes: &[&str], found: usize) -> Checked<T> {
        let wanted = format!("[{}]", axes.join(", "));
        self.error(
            "E0303",
            span,
            format!("`{what}` is a number for all axes, or one for each, {wanted}, not a list of {found}"),
            format!("this has {}", axes_text(axes.len())),
        )
    }
}

/// The ends of an axis by name: `top, bottom`.
fn ends(axis: &str) -> &'static str {
    match axis {
        "height" => "top, bottom",
        "width" => "left, right",
        _ => "before, after",
    }
}

/// What an option of other frameworks may be called here.
fn foreign_option(name: &str) -> &'static [&'static str] {
    match name {
        "strides" | "step" => &["stride"],
        "pads" | "pad" | "paddings" => &["padding"],
        "dilations" | "dilation_rate" | "dilation_factor" => &["dilation"],
        "group" | "feature_group_count" | "num_groups" => &["groups"],
        "count_include_pad" | "include_pad" => &["count_padding"],
        "ceil" => &["ceil_mode"],
        "constant_values" | "constant_value" | "pad_value" => &["value"],
        "dim" | "dims" | "axis" | "axes" => &["axes", "axis"],
        "eps" => &["epsilon"],
        _ => &[],
    }
}

/// The expression as a spec writes it, where it is a name or a path of names: `m.conv.weight`.
pub(super) fn path_text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.to_string()),
        ExprKind::Field(inner, field) => Some(format!("{}.{}", path_text(inner)?, field.text)),
        _ => None,
    }
}
