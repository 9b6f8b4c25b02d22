//! Items and their parts.

use super::expr::{Binder, Expr, TypeExpr};
use super::{Name, Span, Text};
use crate::import_options::{ImportSetting, import_option};
use std::sync::Arc;

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

impl ItemKind {
    /// The integer parameters of a network, defined or imported; `None` for what is no network.
    pub fn network_generics(&self) -> Option<&[Name]> {
        match self {
            ItemKind::Network(i) => Some(&i.generics),
            ItemKind::Import(i) => Some(&i.generics),
            _ => None,
        }
    }

    /// The names of the data and model files in it, in the order of the text.
    pub fn files(&self) -> Vec<&Text> {
        match self {
            ItemKind::Dataset(dataset) => dataset.fields.iter().map(|field| &field.file).collect(),
            ItemKind::Params(params) => vec![&params.file],
            ItemKind::Network(network) => network.files.iter().map(|params| &params.file).collect(),
            ItemKind::Import(import) => vec![&import.file],
            _ => Vec::new(),
        }
    }

    /// Whether it is a network, defined or imported.
    pub fn is_network(&self) -> bool {
        self.network_generics().is_some()
    }
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
            ItemKind::Import(i) => &i.name,
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
    /// `network kws = import "kws.tflite" { kernel = tflm };`
    Import(ImportItem),
    /// `def same(a: T, b: T) -> bool = …;`
    Def(DefItem),
    /// `property p(i in 0..100) = …;`, and `find f(i in 0..100) = …;`
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
    /// `packed`: a byte of the file holds several of them.
    pub packed: Option<Span>,
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

/// A network that a model file holds: `network name<generics> = import "file" { options };`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportItem {
    /// Its name.
    pub name: Name,
    /// Integer parameters.
    pub generics: Vec<Name>,
    /// The model's file.
    pub file: Text,
    /// How it is read.
    pub options: Vec<ImportOption>,
}

/// `kernel = tflm`, `input = ufixed<8, 8>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOption {
    /// What is set.
    pub name: Name,
    /// Its value.
    pub value: ImportValue,
}

/// What an option of an import is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportValue {
    /// A type, or, as the head of one, a word.
    Type(TypeExpr),
    /// A tensor of the file.
    Text(Text),
}

impl ImportOption {
    /// The type that it is set to, if that is one, and no word that names nothing of the spec.
    pub fn ty(&self) -> Option<&TypeExpr> {
        match &self.value {
            ImportValue::Type(ty) => {
                let option = import_option(&self.name.text)?;
                (option.setting == ImportSetting::Format).then_some(ty)
            }
            ImportValue::Text(_) => None,
        }
    }

    /// Where its value stands.
    pub fn value_span(&self) -> Span {
        match &self.value {
            ImportValue::Type(ty) => ty.span,
            ImportValue::Text(text) => text.span,
        }
    }
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

/// `property name(family) where filter = body;`, or `find name(family) where filter = binders where condition such that goal;`.
///
/// A search asks what a property asks: is there an assignment that breaks `body`? Of `find`, the body is
/// `forall binders where condition: not goal`, so that what breaks it is what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyItem {
    /// Its name.
    pub name: Name,
    /// Whether it is a `find`.
    pub find: bool,
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
        /// `within width`: how far the ends of what is proved may be apart.
        within: Option<Expr>,
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
    /// `share of binders where condition such that goal`
    Share {
        /// What is counted: each choice of these variables' values.
        over: Vec<Binder>,
        /// Only the choices for which this holds count.
        condition: Option<Expr>,
        /// The statement.
        goal: Expr,
    },
    /// `average value over binders where condition`
    Average {
        /// A constant for each choice of the variables' values.
        value: Expr,
        /// The variables.
        over: Vec<Binder>,
        /// Only the choices for which this holds count.
        condition: Option<Expr>,
    },
}
