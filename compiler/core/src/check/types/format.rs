//! Number formats as they are written: `fixed<6, 4, round = floor>`, `affine<int<8>, 0.05, -3>`.

use super::Type;
use crate::check::constant::{Constant, Evaluator};
use crate::check::scope::similar;
use crate::check::{Checked, at};
use crate::diagnostic::Diagnostic;
use crate::number_format::{Format, MAX_FRACTION, MAX_WIDTH, Overflow, Scale};
use num_traits::{Signed, ToPrimitive};
use qnn_ir::rational::exact;
use qnn_ir::{Rational, Rounding};
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, TypeArgument, TypeExpr};

impl Evaluator<'_> {
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

    pub(super) fn affine(&self, expr: &TypeExpr) -> Checked<Format> {
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
    pub(super) fn numbers(&self, expr: &Expr) -> Checked<Vec<Rational>> {
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
                    if let Some(candidate) = foreign_mode(word)
                        .filter(|mode| known.contains(mode))
                        .or_else(|| similar(word, known.iter().copied()))
                    {
                        diagnostic =
                            diagnostic.fix(format!("write `{candidate}`"), at(self.item, value.span), candidate);
                    }
                    return Err(self.context.report(diagnostic));
                }
            }
        }
        if format.overflow == Overflow::Symmetric {
            self.symmetric(expr, format)?;
        }
        Ok(())
    }

    /// A range that is as large below 0 as above is of signed integers, and holds the zero points.
    fn symmetric(&self, expr: &TypeExpr, format: &Format) -> Checked<()> {
        let zeros = || (0..format.channels()).all(|channel| format.zero(channel) >= format.min_raw());
        if format.signed && format.width > 1 && zeros() {
            return Ok(());
        }
        self.context.error(
            "E0401",
            at(self.item, expr.span),
            "`overflow = symmetric` is of signed formats of 2 bits or more, whose zero points are not the least integer",
            "not symmetric",
        )
    }

    pub(super) fn width(&self, expr: &Expr, most: u32) -> Checked<u32> {
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
}

/// The mode that other tools call so: `ap_fixed`'s, NumPy's, those of hardware descriptions.
fn foreign_mode(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ap_rnd" | "round_half_up" => "half_up",
        "ap_rnd_conv" | "even" | "nearest_even" | "rint" | "bankers" | "convergent" | "round_half_to_even" => {
            "half_even"
        }
        "ap_rnd_inf" | "round" | "nearest" | "away" => "half_away",
        "ap_rnd_zero" => "half_toward_zero",
        "ap_rnd_min_inf" => "half_down",
        "ap_trn" | "down" | "truncate_down" => "floor",
        "ap_trn_zero" | "trunc" | "truncate" | "zero" => "toward_zero",
        "ap_sat" | "sat" | "saturating" | "clip" | "clamp" => "saturate",
        "ap_sat_sym" | "sym" => "symmetric",
        "ap_wrap" | "wrapping" | "modulo" | "overflow" => "wrap",
        _ => return None,
    })
}
