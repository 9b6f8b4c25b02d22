//! The syntax tree.
//!
//! Spans are byte offsets relative to the start of the item they stand in, so that text before an item can change without
//! the item's tree changing. The tree says what was written; it knows no types and resolves no names.

use qnn_rational::Rational;
use std::sync::Arc;

/// A half-open range of bytes, relative to the start of the item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start .. end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A string literal, unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text without quotes.
    pub text: Arc<str>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A top-level item. Its first byte (attributes and `///` comments excluded from `span`, included in the parser's slice) is offset 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// `#[…]` before it.
    pub attributes: Vec<Attribute>,
    /// The text of the `///` lines before it, without the slashes; empty if none.
    pub docs: Arc<str>,
    /// The item itself, from its keyword to its end.
    pub span: Span,
}

impl Item {
    /// The item's name; `None` for `use`.
    pub fn name(&self) -> Option<&Name> {
        Some(match &self.kind {
            ItemKind::Use(_) => return None,
            ItemKind::Type(i) => &i.name,
            ItemKind::Enum(i) => &i.name,
            ItemKind::Const(i) => &i.name,
            ItemKind::Dataset(i) => &i.name,
            ItemKind::Params(i) => &i.name,
            ItemKind::Network(i) => &i.name,
            ItemKind::Def(i) => &i.name,
            ItemKind::Property(i) => &i.name,
            ItemKind::Measure(i) => &i.name,
        })
    }
}

/// `#[name(arguments)]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `timeout`, `engine`, `expect`, …
    pub name: Name,
    /// The comma-separated arguments as written: `10s`, `smt`, `violated`.
    pub arguments: Vec<Name>,
    /// From `#` to `]`.
    pub span: Span,
}

/// The kinds of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `use "other.qnn";`
    Use(Text),
    /// `type Act<bits> = ufixed<bits, 4>;`
    Type(TypeItem),
    /// `enum Feature { gender, group_a = "group A" }`
    Enum(EnumItem),
    /// `const W = [[1, 2], [3, 4]];`
    Const(ConstItem),
    /// `dataset test { … }`
    Dataset(DatasetItem),
    /// `params mnist = "mnist.npz" { … }` outside a network.
    Params(Params),
    /// `network f<bits>(x: T) -> U { … }`
    Network(NetworkItem),
    /// `def same(a: T, b: T) -> bool = …;`
    Def(DefItem),
    /// `property p(i in 0..100) = …;`
    Property(PropertyItem),
    /// `measure m(i in 0..100) = maximize …;`
    Measure(MeasureItem),
}

/// `type Name<generics> = type;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeItem {
    /// Its name.
    pub name: Name,
    /// Integer parameters.
    pub generics: Vec<Name>,
    /// What it stands for.
    pub ty: TypeExpr,
}

/// `enum Name { variants }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumItem {
    /// Its name.
    pub name: Name,
    /// The variants in order, each with the text that files use for it, if another than its name.
    pub variants: Vec<(Name, Option<Text>)>,
}

/// `const Name = value;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstItem {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `dataset Name { fields }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetItem {
    /// Its name.
    pub name: Name,
    /// Its fields: `field: type from "file" …;`
    pub fields: Vec<DatasetField>,
}

/// `image: Pixel[28, 28] from "images.npz" tensor "x_test" raw;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetField {
    /// Its name.
    pub name: Name,
    /// The type of one sample's field.
    pub ty: TypeExpr,
    /// The file, relative to the spec.
    pub file: Text,
    /// `tensor "name"`: which tensor of an archive.
    pub tensor: Option<Text>,
    /// `column "name"`: which column of a table.
    pub column: Option<Text>,
    /// `raw`: the file's integers are the format's own.
    pub raw: Option<Span>,
}

/// `params name = "file" { pattern: format; … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Its name.
    pub name: Name,
    /// The file, relative to the spec.
    pub file: Text,
    /// The rules in order: the first whose glob matches a tensor's name gives its format.
    pub rules: Vec<ParamsRule>,
}

/// `*.weight: fixed<6, 5>;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamsRule {
    /// The glob over tensor names, as written (quoted or bare).
    pub pattern: Text,
    /// The format of the tensors it matches.
    pub ty: TypeExpr,
    /// `raw`: the file's integers are the format's own.
    pub raw: Option<Span>,
}

/// A parameter with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkItem {
    /// Its name.
    pub name: Name,
    /// Integer parameters.
    pub generics: Vec<Name>,
    /// Inputs.
    pub params: Vec<Param>,
    /// What it returns.
    pub result: TypeExpr,
    /// `params` blocks inside it.
    pub files: Vec<Params>,
    /// `let` statements in order.
    pub lets: Vec<LetStatement>,
    /// The last expression: the output.
    pub body: Expr,
}

/// `let name: type = value;` in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetStatement {
    /// Its name.
    pub name: Name,
    /// The annotation: a type, or `acc<W>`.
    pub ty: Option<TypeExpr>,
    /// Its value.
    pub value: Expr,
}

/// `def name(params) -> type = body;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefItem {
    /// Its name.
    pub name: Name,
    /// Integer parameters.
    pub generics: Vec<Name>,
    /// Parameters.
    pub params: Vec<Param>,
    /// What it returns.
    pub result: TypeExpr,
    /// Its body.
    pub body: Expr,
}

/// A parameter of a family: `i in 0..100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyParam {
    /// Its name.
    pub name: Name,
    /// A range, a list or an enum.
    pub domain: Expr,
}

/// `property name(family) where filter = body;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyItem {
    /// Its name.
    pub name: Name,
    /// The family's parameters.
    pub params: Vec<FamilyParam>,
    /// Only the instances for which this holds belong to the family.
    pub filter: Option<Expr>,
    /// The statement.
    pub body: Expr,
}

/// `measure name(family) where filter = …;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureItem {
    /// Its name.
    pub name: Name,
    /// The family's parameters.
    pub params: Vec<FamilyParam>,
    /// Only the instances for which this holds belong to the family.
    pub filter: Option<Expr>,
    /// What is measured.
    pub body: MeasureBody,
}

/// What a measure asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeasureBody {
    /// `maximize objective over binders where condition`
    Optimize {
        /// `maximize`, or `minimize`.
        maximize: bool,
        /// The objective.
        objective: Expr,
        /// The quantified variables.
        over: Vec<Binder>,
        /// The assumption.
        condition: Option<Expr>,
    },
    /// `largest name in domain such that goal`
    Largest {
        /// The variable.
        name: Name,
        /// A range of integers.
        domain: Expr,
        /// The statement.
        goal: Expr,
    },
}

/// A type as written: `ufixed<8, 8>[28, 28]`, `class<Digit>`, `Student`, `acc<20>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeExpr {
    /// The head: `fixed`, `class`, `bool`, an alias…
    pub head: Name,
    /// The arguments in angle brackets.
    pub arguments: Vec<TypeArgument>,
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

/// `callee<generics>(arguments)`, `callee<generics>.real(arguments)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function's name.
    pub callee: Name,
    /// Integers in angle brackets.
    pub generics: Vec<Expr>,
    /// The word `real`, for the real-valued reading of a network.
    pub real: Option<Span>,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// An argument, positional or named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// `stride` of `stride = 2`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
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
