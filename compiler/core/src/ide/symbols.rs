//! The symbols of a file: its items, with what they hold.

use super::text;
use crate::db::{Db, SourceFile, parsed};
use qnn_syntax::Span;
use qnn_syntax::ast::{ItemKind, Name};

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the kind of item or part of its name")]
pub enum SymbolKind {
    Use,
    Type,
    Enum,
    Variant,
    Const,
    Dataset,
    Field,
    Params,
    Network,
    Let,
    Def,
    Property,
    Measure,
}

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// What stands beside its name: a type, parameters.
    pub detail: String,
    /// Where all of it stands in the file.
    pub span: Span,
    /// Where its name stands in the file.
    pub name_span: Span,
    /// What it holds.
    pub children: Vec<Symbol>,
}

/// The symbols of a file in the order of its text.
pub fn symbols(db: &dyn Db, file: SourceFile) -> Vec<Symbol> {
    let source = text(db, file);
    let mut all = Vec::new();
    for slice in &parsed(db, file).items {
        let absolute = |span: Span| super::moved(span, slice.start);
        let written = |span: Span| {
            let span = absolute(span);
            let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let child = |name: &Name, kind, detail: String, span: Span| Symbol {
            name: name.text.to_string(),
            kind,
            detail,
            span: absolute(span),
            name_span: absolute(name.span),
            children: Vec::new(),
        };
        let tree = &slice.item;
        let generics = |names: &[Name]| match names {
            [] => String::new(),
            names => format!("<{}>", names.iter().map(|n| &*n.text).collect::<Vec<_>>().join(", ")),
        };
        let (kind, detail, children) = match &tree.kind {
            ItemKind::Use(path) => {
                all.push(Symbol {
                    name: path.text.to_string(),
                    kind: SymbolKind::Use,
                    detail: "use".to_owned(),
                    span: absolute(tree.span),
                    name_span: absolute(path.span),
                    children: Vec::new(),
                });
                continue;
            }
            ItemKind::Type(i) => (SymbolKind::Type, written(i.ty.span), Vec::new()),
            ItemKind::Enum(i) => {
                let children =
                    i.variants.iter().map(|(n, _)| child(n, SymbolKind::Variant, String::new(), n.span)).collect();
                (SymbolKind::Enum, String::new(), children)
            }
            ItemKind::Const(i) => (SymbolKind::Const, written(i.value.span).chars().take(60).collect(), Vec::new()),
            ItemKind::Dataset(i) => {
                let fields = i.fields.iter();
                let children = fields
                    .map(|f| child(&f.name, SymbolKind::Field, written(f.ty.span), f.name.span.to(f.ty.span)))
                    .collect();
                (SymbolKind::Dataset, String::new(), children)
            }
            ItemKind::Params(i) => (SymbolKind::Params, i.file.text.to_string(), Vec::new()),
            ItemKind::Network(i) => {
                let params =
                    i.files.iter().map(|p| child(&p.name, SymbolKind::Params, p.file.text.to_string(), p.name.span));
                let lets =
                    i.lets.iter().map(|l| child(&l.name, SymbolKind::Let, String::new(), l.name.span.to(l.value.span)));
                let inputs: Vec<String> = i.params.iter().map(|p| written(p.ty.span)).collect();
                let detail = format!("{}({}) -> {}", generics(&i.generics), inputs.join(", "), written(i.result.span));
                (SymbolKind::Network, detail, params.chain(lets).collect())
            }
            ItemKind::Import(i) => {
                let detail = format!("{} {}", generics(&i.generics), i.file.text).trim_start().to_owned();
                (SymbolKind::Network, detail, Vec::new())
            }
            ItemKind::Def(i) => {
                let inputs: Vec<String> = i.params.iter().map(|p| written(p.ty.span)).collect();
                let detail = format!("{}({}) -> {}", generics(&i.generics), inputs.join(", "), written(i.result.span));
                (SymbolKind::Def, detail, Vec::new())
            }
            ItemKind::Property(i) => {
                let params: Vec<String> =
                    i.params.iter().map(|p| format!("{} in {}", p.name.text, written(p.domain.span))).collect();
                (SymbolKind::Property, params.join(", "), Vec::new())
            }
            ItemKind::Measure(i) => {
                let params: Vec<String> =
                    i.params.iter().map(|p| format!("{} in {}", p.name.text, written(p.domain.span))).collect();
                (SymbolKind::Measure, params.join(", "), Vec::new())
            }
        };
        let Some(name) = tree.name() else { continue };
        all.push(Symbol {
            name: name.text.to_string(),
            kind,
            detail,
            span: absolute(tree.span),
            name_span: absolute(name.span),
            children,
        });
    }
    all
}

/// How well a query names a symbol: its letters in order, in any case; less is better. `None` if it does not.
pub fn match_query(query: &str, name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    let query = query.to_lowercase();
    if let Some(at) = lower.find(&query) {
        return Some(at);
    }
    let mut rest = lower.chars();
    query.chars().all(|c| rest.any(|n| n == c)).then_some(1000 + name.len())
}
