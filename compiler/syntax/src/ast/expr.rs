//! Types and expressions.

use super::{Name, Span, Text};
use crate::builtins::option;
use qnn_rational::Rational;

/// A type as written: `ufixed<8, 8>[28, 28]`, `class<Digit>`, `Student`, `acc<20>`, `kws.input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeExpr {
    /// The head: `fixed`, `class`, `bool`, an alias…
    pub head: Name,
    /// The arguments in angle brackets.
    pub arguments: Vec<TypeArgument>,
    /// `input` of `kws.input`: the head is a network then, and the type that of its input or output.
    pub member: Option<Box<Name>>,
    /// The axes in square brackets: integers or enums.
    pub shape: Vec<Expr>,
    /// All of it.
    pub span: Span,
}

/// An argument in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeArgument {
    /// `6`, `bits - 1`, `Digit`, `[0.1, 0.2]`.
    Value(Expr),
    /// `int<8>`: a head with arguments of its own.
    Type(TypeExpr),
    /// `round = half_even`.
    Named(Name, Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// `12`, `0.25`, `1e-3`: exact. `integer` says that it was written without point and exponent.
    Number {
        /// The exact value.
        value: Rational,
        /// Whether it was written as an integer.
        integer: bool,
    },
    /// `true`, `false`.
    Bool(bool),
    /// A name.
    Name(Name),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `e lsb`.
    Lsb(Box<Expr>),
    /// `-e`, `not e`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a and b`, …
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `e as Format`.
    Cast(Box<Expr>, TypeExpr),
    /// `e.name`.
    Field(Box<Expr>, Name),
    /// `e[i, 2..5]`; ranges are `Range` expressions, open ends allowed.
    Index(Box<Expr>, Vec<Expr>),
    /// `f<6>(x, stride = 2)`.
    Call(Call),
    /// `a..b`, `a..=b`; inside an index also `..b`, `a..`, `..`.
    Range {
        /// The first; `None` for the start.
        start: Option<Box<Expr>>,
        /// The end; `None` for the end.
        end: Option<Box<Expr>>,
        /// `..=`.
        inclusive: bool,
    },
    /// `forall x in ball(c, r), y: T where A: P`, and `exists`.
    Quantifier(Box<Quantifier>),
    /// `let y = f(x); P`.
    Let(Box<LetExpr>),
}

/// `callee<generics>(arguments)`, `callee<generics>.real(arguments)`, `callee<generics>.at("layer")(arguments)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function's name.
    pub callee: Name,
    /// Integers in angle brackets.
    pub generics: Vec<Expr>,
    /// What stands between the network and its arguments.
    pub reading: Option<Box<Reading>>,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// What a call means instead of the network itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The word `real`: the real-valued reading of the network.
    Real(Span),
    /// `"conv1"` of `kws.at("conv1")(x)`: the layer whose result it is.
    At(Text),
}

impl Call {
    /// The word `real`, if it is there.
    pub fn real(&self) -> Option<Span> {
        match self.reading.as_deref() {
            Some(Reading::Real(span)) => Some(*span),
            _ => None,
        }
    }

    /// The layer that it names, if it does.
    pub fn at(&self) -> Option<&Text> {
        match self.reading.as_deref() {
            Some(Reading::At(text)) => Some(text),
            _ => None,
        }
    }

    /// Where it says that it is not the network itself.
    pub fn part(&self) -> Option<Span> {
        self.real().or(self.at().map(|at| at.span))
    }
}

/// An argument, positional or named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// `stride` of `stride = 2`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

impl Argument {
    /// A word of the option that the argument is, which names nothing of the spec: `same` of `padding = same`.
    pub fn word(&self) -> Option<&Name> {
        let option = option(&self.name.as_ref()?.text)?;
        match &self.value.kind {
            ExprKind::Name(name) if option.words.contains(&&*name.text) => Some(name),
            _ => None,
        }
    }
}

/// Which quantifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantifierKind {
    /// `forall`
    Forall,
    /// `exists`
    Exists,
}

/// A quantified statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantifier {
    /// Which.
    pub kind: QuantifierKind,
    /// The keyword.
    pub keyword: Span,
    /// The variables.
    pub binders: Vec<Binder>,
    /// `where A`, or after a comma.
    pub condition: Option<Expr>,
    /// The statement.
    pub body: Expr,
}

/// `x: T` or `x in set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binder {
    /// The variable.
    pub name: Name,
    /// What it ranges over.
    pub range: BinderRange,
}

/// What a quantified variable ranges over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinderRange {
    /// All values of a type.
    Type(TypeExpr),
    /// A ball, a range of integers, an enum.
    Set(Expr),
}

/// `let name = value; body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetExpr {
    /// The name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// Where it is known.
    pub body: Expr,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Infix operators, loosest first: `=>` (right), `or`, `and`, comparisons and `in` (not chained), `+ -`, `* /`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=>`
    Implies,
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `x in ball(c, r)`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl BinaryOp {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Implies => "=>",
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::In => "in",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
        }
    }
}
