//! Constants: expressions whose value is known while the spec is checked.

use super::scope::{Meaning, is_cyclic, meaning, scope, similar};
use super::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use num_traits::{ToPrimitive, Zero};
use qnn_ir::Rational;
use qnn_ir::rational::{exact, integer};
use qnn_syntax::Span;
use qnn_syntax::ast::{BinaryOp, Expr, ExprKind, ItemKind, Name, UnaryOp};
use qnn_syntax::builtins::{FUNCTIONS, TYPES};
use qnn_syntax::walk::Role;
use std::sync::Arc;

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// An exact number.
    Number(Rational),
    /// So many steps of the format that it is compared with.
    Lsb(Rational),
    /// A truth value.
    Bool(bool),
    /// A list.
    List(Arc<[Constant]>),
    /// A variant of an enum.
    Variant(ItemId, usize),
    /// `a..b` or `a..=b`.
    Range(Range),
    /// A whole enum.
    Enum(ItemId),
}

/// All numbers from `start` to `end`; `end` is one of them if the range is inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The least number.
    pub start: Rational,
    /// Where it ends.
    pub end: Rational,
    /// Whether the end belongs to it.
    pub inclusive: bool,
}

impl Range {
    /// Whether a number lies in it.
    pub fn contains(&self, n: &Rational) -> bool {
        *n >= self.start && if self.inclusive { *n <= self.end } else { *n < self.end }
    }

    /// The first and the last integer that a variable over the range goes through (last < first if there is none): its ends must be integers.
    ///
    /// # Errors
    /// Reported.
    pub fn integers(&self, context: &Context<'_>, place: Place) -> Checked<(i128, i128)> {
        if let Some(end) = [&self.start, &self.end].into_iter().find(|end| !end.is_integer()) {
            let message = format!("a variable over a range goes through its integers, but {} is none", exact(end));
            return Err(context.report(
                Diagnostic::error("E0302", message, place, "an end of this range is no integer")
                    .note("As a condition, `x in 0..=0.5` says that x is from 0 to 0.5; as the range of a variable it would have to be counted.")
                    .help("write integers and divide, `k in 0..=4` and `k / 8`, or list the values: `[0, 0.25, 0.5]`"),
            ));
        }
        let end = |n: &Rational| integer_of(context, place, &Constant::Number(n.clone()));
        let (first, last) = (end(&self.start)?, end(&self.end)?);
        Ok((first, if self.inclusive { last } else { last - 1 }))
    }
}

impl Constant {
    /// What kind of thing it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Constant::Number(_) => "a number",
            Constant::Lsb(_) => "a number of lsb",
            Constant::Bool(_) => "a truth value",
            Constant::List(_) => "a list",
            Constant::Variant(..) => "an enum's variant",
            Constant::Range(..) => "a range",
            Constant::Enum(_) => "an enum",
        }
    }

    /// An integer as a constant.
    pub fn int(n: i128) -> Constant {
        Constant::Number(integer(n))
    }

    /// As a spec would write it.
    pub fn text(&self, db: &dyn Db) -> String {
        match self {
            Constant::Number(n) => exact(n),
            Constant::Lsb(n) => match exact(n) {
                fraction if fraction.contains('/') => format!("({fraction}) lsb"),
                number => format!("{number} lsb"),
            },
            Constant::Bool(b) => b.to_string(),
            Constant::List(items) => {
                format!("[{}]", items.iter().map(|i| i.text(db)).collect::<Vec<_>>().join(", "))
            }
            Constant::Variant(item, index) => {
                enum_variants(db, *item).get(*index).map_or_else(|| index.to_string(), |v| v.0.to_string())
            }
            Constant::Range(range) => {
                let sign = if range.inclusive { "..=" } else { ".." };
                format!("{}{sign}{}", exact(&range.start), exact(&range.end))
            }
            Constant::Enum(item) => item.name(db).to_owned(),
        }
    }
}

/// The variants of an enum in order: name, and the text that files use for it. Empty for what is no enum.
pub fn enum_variants(db: &dyn Db, item: ItemId) -> Vec<(Arc<str>, Arc<str>)> {
    match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Enum(e)) => e
            .variants
            .iter()
            .map(|(name, text)| (name.text.clone(), text.as_ref().unwrap_or(&as_text(name)).text.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

fn as_text(name: &Name) -> qnn_syntax::ast::Text {
    qnn_syntax::ast::Text { text: name.text.clone(), span: name.span }
}

/// The value of a `const` item.
#[salsa::tracked]
pub fn constant_item(db: &dyn Db, item: ItemId) -> Arc<Outcome<Constant>> {
    let context = Context::new(db);
    let value = match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Const(c)) if !is_cyclic(db, item) => {
            Evaluator { context: &context, item, locals: &|_| None }.eval(&c.value)
        }
        _ => Err(Reported),
    };
    Arc::new(context.outcome(value))
}

/// Looks a name up among the items of a file.
pub fn lookup(context: &Context<'_>, from: ItemId, name: &Name, role: Role) -> Checked<ItemId> {
    lookup_beside(context, from, name, role, &[])
}

/// The same; where the name is unknown, `locals` are worth suggesting too.
pub fn lookup_beside(context: &Context<'_>, from: ItemId, name: &Name, role: Role, locals: &[&str]) -> Checked<ItemId> {
    let db = context.db;
    match *meaning(db, from.file(db), name.text.clone()) {
        Meaning::Item(item) => Ok(item),
        // What is wrong with it has been reported.
        Meaning::Cyclic | Meaning::Broken => Err(Reported),
        Meaning::Unknown => {
            let mut diagnostic = Diagnostic::error(
                "E0201",
                format!("nothing here is called `{}`", name.text),
                at(from, name.span),
                "unknown name",
            );
            let place = at(from, name.span);
            if let Some(hint) = foreign_name(&name.text, role) {
                diagnostic = match hint.instead {
                    Some(instead) => diagnostic.fix(format!("write `{instead}`"), place, instead),
                    None => diagnostic,
                };
                diagnostic.help = Some(hint.help);
                return Err(context.report(diagnostic));
            }
            let scope = scope(db, from.file(db)).value.as_ref();
            let items =
                scope.iter().flat_map(|s| &s.names).filter(|(_, item)| **item != from && fits(db, **item, role));
            let builtins: Vec<&str> = match role {
                Role::Type => TYPES.iter().map(|ty| ty.name).collect(),
                Role::Function => FUNCTIONS.iter().map(|function| function.name).collect(),
                Role::Value => vec!["true", "false"],
            };
            let locals = locals.iter().copied().filter(|_| role == Role::Value);
            let known = locals.chain(items.map(|(name, _)| &**name)).chain(builtins.iter().copied());
            if let Some(candidate) = similar(&name.text, known) {
                diagnostic = diagnostic.fix(format!("write `{candidate}`"), place, candidate);
            }
            Err(context.report(diagnostic))
        }
    }
}

/// Whether an item may stand in such a place.
fn fits(db: &dyn Db, item: ItemId, role: Role) -> bool {
    let Some(found) = tree(db, item) else { return false };
    match role {
        Role::Type => matches!(found.kind, ItemKind::Type(_)),
        Role::Function => matches!(found.kind, ItemKind::Network(_) | ItemKind::Def(_) | ItemKind::Property(_)),
        Role::Value => {
            matches!(found.kind, ItemKind::Const(_) | ItemKind::Enum(_) | ItemKind::Dataset(_) | ItemKind::Params(_))
        }
    }
}

/// What to write for a name that other languages and frameworks have.
struct ForeignName {
    help: String,
    /// What can simply take its place.
    instead: Option<String>,
}

fn foreign_name(name: &str, role: Role) -> Option<ForeignName> {
    let simple =
        |instead: &str| Some(ForeignName { help: format!("write `{instead}`"), instead: Some(instead.to_owned()) });
    let help = |help: &str| Some(ForeignName { help: help.to_owned(), instead: None });
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let width: Option<u32> = digits.parse().ok().filter(|w| (1..=63).contains(w));
    let lower = name.to_ascii_lowercase();
    let stem = &lower[..lower.len() - digits.len()];
    match (role, stem, width) {
        (Role::Type, "int" | "i" | "sint" | "qint", Some(width)) => return simple(&format!("int<{width}>")),
        (Role::Type, "uint" | "u" | "quint", Some(width)) => return simple(&format!("uint<{width}>")),
        (Role::Type, "float" | "f" | "fp" | "bfloat", _) if !digits.is_empty() || stem == "float" => {
            return help(
                "there are no floats: a format such as `fixed<8, 4>` says which numbers are stored, and `real` is any exact number",
            );
        }
        _ => {}
    }
    match (role, lower.as_str()) {
        (Role::Type, "double" | "half" | "number" | "decimal") => help(
            "there are no floats: a format such as `fixed<8, 4>` says which numbers are stored, and `real` is any exact number",
        ),
        (Role::Type, "boolean" | "prop") => simple("bool"),
        (Role::Type, "integer" | "unsigned" | "signed" | "byte" | "long" | "short" | "char" | "nat" | "usize") => {
            help("integers have a width: `int<8>` is signed, `uint<8>` is not")
        }
        (Role::Type, "tensor" | "array" | "vector" | "matrix" | "list") => {
            help("a tensor is a format with its shape: `fixed<8, 4>[28, 28]`")
        }
        (Role::Type, "string" | "str" | "text") => {
            help("there are no texts as values; an `enum` names classes and axes")
        }
        (Role::Function, "softmax" | "log_softmax") => {
            help("it keeps the order of the scores: leave it out, and compare the scores or their `argmax`")
        }
        (
            Role::Function,
            "sigmoid" | "tanh" | "gelu" | "silu" | "swish" | "elu" | "exp" | "log" | "sqrt" | "pow" | "sin" | "cos",
        ) => help(
            "networks are made of sums, products with constants, `relu`, `clamp`, pools and casts; nothing else can be computed exactly",
        ),
        (Role::Function, "sign" | "sgn" | "step" | "heaviside") => {
            help("there is no step function; `clamp(x * c, -1, 1)` cast to a format is a steep one")
        }
        (Role::Function, "linear" | "fc" | "fully_connected" | "matmul" | "gemm" | "dot") => simple("dense"),
        (Role::Function, "conv" | "convolution" | "conv2") => simple("conv2d"),
        (Role::Function, "maxpool" | "maxpool2d" | "max_pool") => simple("max_pool2d"),
        (Role::Function, "avgpool" | "avgpool2d" | "avg_pool" | "mean_pool") => simple("avg_pool2d"),
        (Role::Function, "relu6" | "hardtanh" | "clip") => help("write `clamp(x, lo, hi)`, as in `clamp(x, 0, 6)`"),
        (Role::Function, "mean" | "average" | "avg") => help("write the sum over a number: `sum(x) / 10`"),
        (Role::Function, "norm" | "dist" | "distance" | "linf") => {
            help("write `maximum(abs(x - y))` for the greatest difference, `sum(abs(x - y))` for their sum")
        }
        (Role::Function, "argmin") => help("write `argmax(-x)`"),
        (Role::Function, "round" | "floor" | "ceil" | "quantize" | "cast") => {
            help("a cast rounds: `x as fixed<8, 4, round = floor>`")
        }
        (Role::Function, "size" | "length" | "shape" | "count") => simple("len"),
        (Role::Function, "view" | "squeeze" | "unsqueeze") => help("write `reshape(x, [sizes])`"),
        (Role::Function, "cat" | "stack" | "concatenate") => simple("concat"),
        (Role::Function, "range") => help("write `0..n`"),
        (Role::Function, "all") => help("write `forall i in 0..n: …`"),
        (Role::Function, "any" | "some") => help("write `exists i in 0..n: …`"),
        (Role::Value, "true" | "false") => simple(&lower),
        (Role::Value, "none" | "null" | "nil" | "inf" | "infinity" | "nan") => {
            help("every value is an exact number: there is nothing that is no number")
        }
        _ => None,
    }
}

/// Evaluates constant expressions.
pub struct Evaluator<'a> {
    /// Where diagnostics go.
    pub context: &'a Context<'a>,
    /// The item in which the expressions stand.
    pub item: ItemId,
    /// Local names: generics, family parameters.
    pub locals: &'a dyn Fn(&str) -> Option<Local>,
}

/// What a local name stands for: a constant, or something else, by its kind.
pub type Local = Result<Constant, String>;

/// The most elements of a constant list, all its lists together.
const MAX_LIST: usize = 1 << 22;
/// The most bits of a constant's numerator and denominator.
const MAX_BITS: u64 = 1 << 16;

impl Evaluator<'_> {
    fn place(&self, span: Span) -> Place {
        at(self.item, span)
    }

    /// The expression's value.
    pub fn eval(&self, expr: &Expr) -> Checked<Constant> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Constant::Number(value.clone())),
            ExprKind::Bool(value) => Ok(Constant::Bool(*value)),
            ExprKind::List(elements) => {
                let values: Vec<Constant> = elements.iter().map(|e| self.eval(e)).collect::<Checked<_>>()?;
                bounded(self.context, self.place(expr.span), Constant::List(values.into()))
            }
            ExprKind::Name(name) => self.name(name),
            ExprKind::Lsb(inner) => Ok(Constant::Lsb(self.number(inner)?)),
            ExprKind::Unary(UnaryOp::Negate, inner) => {
                let value = self.eval(inner)?;
                negated(&value).ok_or(()).or_else(|()| self.mismatch(inner.span, "a number", value.kind()))
            }
            ExprKind::Unary(UnaryOp::Not, inner) => Ok(Constant::Bool(!self.bool(inner)?)),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::Field(inner, field) => match self.eval(inner)? {
                Constant::Enum(item) => {
                    variant(self.context, item, field, self.item).map(|index| Constant::Variant(item, index))
                }
                other => self.context.error(
                    "E0305",
                    self.place(field.span),
                    format!("{} has no field `{}`", other.kind(), field.text),
                    "unknown field",
                ),
            },
            ExprKind::Range { start: Some(start), end: Some(end), inclusive } => {
                let (start, end) = (self.number(start)?, self.number(end)?);
                Ok(Constant::Range(Range { start, end, inclusive: *inclusive }))
            }
            ExprKind::Index(inner, indices) => {
                let mut value = self.eval(inner)?;
                for index in indices {
                    let Constant::List(list) = &value else {
                        return self.mismatch(inner.span, "a list", value.kind());
                    };
                    value = element(self.context, self.place(index.span), list, &self.eval(index)?)?;
                }
                Ok(value)
            }
            ExprKind::Call(call) if matches!(&*call.callee.text, "min" | "max" | "abs" | "len") => {
                self.call(call, expr.span)
            }
            _ => self.context.error(
                "E0310",
                self.place(expr.span),
                "a constant is needed here",
                "not known while the spec is checked",
            ),
        }
    }

    fn call(&self, call: &qnn_syntax::ast::Call, span: Span) -> Checked<Constant> {
        let arguments: Vec<Constant> = call.arguments.iter().map(|a| self.eval(&a.value)).collect::<Checked<_>>()?;
        match (&*call.callee.text, arguments.as_slice()) {
            ("min", [Constant::Number(a), Constant::Number(b)]) => Ok(Constant::Number(a.min(b).clone())),
            ("max", [Constant::Number(a), Constant::Number(b)]) => Ok(Constant::Number(a.max(b).clone())),
            ("abs", [Constant::Number(a)]) => Ok(Constant::Number(num_traits::Signed::abs(a))),
            ("len", [Constant::List(list)]) => Ok(Constant::int(list.len() as i128)),
            ("len", [Constant::Enum(item)]) => Ok(Constant::int(enum_variants(self.context.db, *item).len() as i128)),
            (name, _) => self.context.error(
                "E0303",
                self.place(span),
                format!("`{name}` can't take these constants"),
                "wrong number or kind of arguments",
            ),
        }
    }

    fn name(&self, name: &Name) -> Checked<Constant> {
        match (self.locals)(&name.text) {
            Some(Ok(value)) => return Ok(value),
            Some(Err(kind)) => {
                return self.context.error(
                    "E0310",
                    self.place(name.span),
                    format!("a constant is needed here, but `{}` is {kind}", name.text),
                    "not known while the spec is checked",
                );
            }
            None => {}
        }
        let item = lookup(self.context, self.item, name, Role::Value)?;
        let db = self.context.db;
        match tree(db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Const(_)) => constant_item(db, item).value.clone().ok_or(Reported),
            Some(ItemKind::Enum(_)) => Ok(Constant::Enum(item)),
            _ => self.context.error(
                "E0310",
                self.place(name.span),
                format!("`{}` is not a constant", name.text),
                "a constant is needed here",
            ),
        }
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Checked<Constant> {
        match op {
            BinaryOp::And => return Ok(Constant::Bool(self.bool(left)? && self.bool(right)?)),
            BinaryOp::Or => return Ok(Constant::Bool(self.bool(left)? || self.bool(right)?)),
            BinaryOp::Implies => return Ok(Constant::Bool(!self.bool(left)? || self.bool(right)?)),
            _ => {}
        }
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        match combine(op, &a, &b) {
            Some(value) => bounded(self.context, self.place(span), value),
            None if op == BinaryOp::Divide && matches!(&b, Constant::Number(n) if n.is_zero()) => {
                self.context.error("E0311", self.place(right.span), "division by zero", "this is 0")
            }
            None => self.context.error(
                "E0302",
                self.place(span),
                format!("`{}` can't take {} and {}", op.symbol(), a.kind(), b.kind()),
                "these don't go together",
            ),
        }
    }

    fn mismatch<T>(&self, span: Span, wanted: &str, found: &str) -> Checked<T> {
        self.context.error(
            "E0302",
            self.place(span),
            format!("expected {wanted}, found {found}"),
            format!("this is {found}"),
        )
    }

    /// A number.
    pub fn number(&self, expr: &Expr) -> Checked<Rational> {
        match self.eval(expr)? {
            Constant::Number(n) => Ok(n),
            other => self.mismatch(expr.span, "a number", other.kind()),
        }
    }

    /// A truth value.
    pub fn bool(&self, expr: &Expr) -> Checked<bool> {
        match self.eval(expr)? {
            Constant::Bool(b) => Ok(b),
            other => self.mismatch(expr.span, "a truth value", other.kind()),
        }
    }

    /// An integer of moderate size.
    pub fn integer(&self, expr: &Expr) -> Checked<i128> {
        integer_of(self.context, self.place(expr.span), &self.eval(expr)?)
    }

    /// A non-negative integer for a size or an index.
    pub fn size(&self, expr: &Expr) -> Checked<usize> {
        size_of(self.context, self.place(expr.span), &self.eval(expr)?)
    }
}

/// An integer of moderate size.
pub fn integer_of(context: &Context<'_>, place: Place, value: &Constant) -> Checked<i128> {
    let found = match value {
        Constant::Number(n) if n.is_integer() => match n.to_integer().to_i64() {
            Some(n) => return Ok(i128::from(n)),
            None => return context.error("E0312", place, "this integer is too large", "beyond 64 bits"),
        },
        Constant::Number(n) => format!("the number {}", exact(n)),
        other => other.kind().to_owned(),
    };
    context.error("E0302", place, format!("expected an integer, found {found}"), format!("this is {found}"))
}

/// A non-negative integer for a size or an index.
pub fn size_of(context: &Context<'_>, place: Place, value: &Constant) -> Checked<usize> {
    let value = integer_of(context, place, value)?;
    usize::try_from(value)
        .or_else(|_| context.error("E0304", place, format!("{value} is no size"), "a size or an index is 0 or more"))
}

/// An element of a list.
pub fn element(context: &Context<'_>, place: Place, list: &[Constant], index: &Constant) -> Checked<Constant> {
    let at = integer_of(context, place, index)?;
    match usize::try_from(at).ok().and_then(|i| list.get(i)) {
        Some(element) => Ok(element.clone()),
        None => context.error(
            "E0304",
            place,
            format!("index {at} is outside the list of {} elements", list.len()),
            "out of range",
        ),
    }
}

/// The values of a range, a list or an enum, in order.
pub fn domain_of(context: &Context<'_>, place: Place, set: &Constant, limit: usize) -> Checked<Vec<Constant>> {
    match set {
        Constant::Range(range) => {
            let (first, last) = range.integers(context, place)?;
            if last.saturating_sub(first) >= limit as i128 {
                return context.error(
                    "E0607",
                    place,
                    format!("this range has {} values; at most {limit} are allowed", last - first + 1),
                    "too many",
                );
            }
            Ok((first..=last).map(Constant::int).collect())
        }
        Constant::List(list) => Ok(list.to_vec()),
        Constant::Enum(item) => {
            let count = enum_variants(context.db, *item).len();
            Ok((0..count).map(|index| Constant::Variant(*item, index)).collect())
        }
        other => context.error(
            "E0302",
            place,
            format!("expected a range, a list or an enum, found {}", other.kind()),
            format!("this is {}", other.kind()),
        ),
    }
}

/// The negation of a number, or of all numbers in a list.
pub fn negated(value: &Constant) -> Option<Constant> {
    match value {
        Constant::Number(n) => Some(Constant::Number(-n)),
        Constant::Lsb(n) => Some(Constant::Lsb(-n)),
        Constant::List(list) => list.iter().map(negated).collect::<Option<Arc<[_]>>>().map(Constant::List),
        _ => None,
    }
}

/// Refuses constants that would take too much memory: definitions that double one another grow fast.
pub fn bounded(context: &Context<'_>, place: Place, value: Constant) -> Checked<Constant> {
    fn elements(value: &Constant, left: &mut usize) -> bool {
        match value {
            Constant::List(list) => {
                let enough = *left >= list.len();
                *left = left.saturating_sub(list.len());
                enough && list.iter().all(|item| !matches!(item, Constant::List(_)) || elements(item, left))
            }
            _ => true,
        }
    }
    match &value {
        Constant::Number(n) | Constant::Lsb(n) if n.numer().bits().max(n.denom().bits()) > MAX_BITS => {
            context.error("E0312", place, "this number has too many digits", "more than 65,536 bits")
        }
        list if !elements(list, &mut MAX_LIST.clone()) => context.error(
            "E0313",
            place,
            format!("this list has more than {MAX_LIST} elements, all its lists together"),
            "too large",
        ),
        _ => Ok(value),
    }
}

/// The index of a variant.
pub fn variant(context: &Context<'_>, item: ItemId, field: &Name, from: ItemId) -> Checked<usize> {
    let variants = enum_variants(context.db, item);
    if let Some(index) = variants.iter().position(|(name, _)| *name == field.text) {
        return Ok(index);
    }
    let mut diagnostic = Diagnostic::error(
        "E0305",
        format!("`{}` has no variant `{}`", item.name(context.db), field.text),
        at(from, field.span),
        "unknown variant",
    )
    .label(super::scope::name_place(context.db, item), "the enum is defined here");
    if let Some(candidate) = similar(&field.text, variants.iter().map(|(name, _)| &**name)) {
        diagnostic = diagnostic.fix(format!("write `{candidate}`"), at(from, field.span), candidate);
    }
    Err(context.report(diagnostic))
}

/// The result of an operator on constants; `None` where it has none.
pub fn combine(op: BinaryOp, a: &Constant, b: &Constant) -> Option<Constant> {
    use Constant::{Bool, Lsb, Number, Range, Variant};
    Some(match (op, a, b) {
        (BinaryOp::Add, Number(a), Number(b)) => Number(a + b),
        (BinaryOp::Subtract, Number(a), Number(b)) => Number(a - b),
        (BinaryOp::Multiply, Number(a), Number(b)) => Number(a * b),
        (BinaryOp::Divide, Number(a), Number(b)) if !b.is_zero() => Number(a / b),
        (BinaryOp::Add, Lsb(a), Lsb(b)) => Lsb(a + b),
        (BinaryOp::Subtract, Lsb(a), Lsb(b)) => Lsb(a - b),
        (BinaryOp::Multiply, Number(a), Lsb(b)) | (BinaryOp::Multiply, Lsb(a), Number(b)) => Lsb(a * b),
        (BinaryOp::Divide, Lsb(a), Number(b)) if !b.is_zero() => Lsb(a / b),
        (BinaryOp::Less, Number(a), Number(b)) | (BinaryOp::Less, Lsb(a), Lsb(b)) => Bool(a < b),
        (BinaryOp::LessEqual, Number(a), Number(b)) | (BinaryOp::LessEqual, Lsb(a), Lsb(b)) => Bool(a <= b),
        (BinaryOp::Greater, Number(a), Number(b)) | (BinaryOp::Greater, Lsb(a), Lsb(b)) => Bool(a > b),
        (BinaryOp::GreaterEqual, Number(a), Number(b)) | (BinaryOp::GreaterEqual, Lsb(a), Lsb(b)) => Bool(a >= b),
        (BinaryOp::Equal, Number(_) | Lsb(_) | Bool(_) | Variant(..), _) if same_kind(a, b) => Bool(a == b),
        (BinaryOp::NotEqual, Number(_) | Lsb(_) | Bool(_) | Variant(..), _) if same_kind(a, b) => Bool(a != b),
        (BinaryOp::In, Number(n), Range(range)) => Bool(range.contains(n)),
        (BinaryOp::In, Number(_) | Lsb(_) | Bool(_) | Variant(..), Constant::List(list))
            if list.iter().all(|c| same_kind(a, c)) =>
        {
            Bool(list.contains(a))
        }
        // Lists: element by element, or a number with each element.
        (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide, _, _) => {
            let list: Option<Arc<[Constant]>> = match (a, b) {
                (Constant::List(a), Constant::List(b)) if a.len() == b.len() => {
                    a.iter().zip(b.iter()).map(|(a, b)| combine(op, a, b)).collect()
                }
                (Constant::List(a), Number(_)) => a.iter().map(|a| combine(op, a, b)).collect(),
                (Number(_), Constant::List(b)) => b.iter().map(|b| combine(op, a, b)).collect(),
                _ => None,
            };
            Constant::List(list?)
        }
        _ => return None,
    })
}

fn same_kind(a: &Constant, b: &Constant) -> bool {
    use Constant::{Bool, Lsb, Number, Variant};
    match (a, b) {
        (Number(_), Number(_)) | (Lsb(_), Lsb(_)) | (Bool(_), Bool(_)) => true,
        (Variant(e, _), Variant(f, _)) => e == f,
        _ => false,
    }
}
