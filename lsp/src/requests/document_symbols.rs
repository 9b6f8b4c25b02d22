//! `textDocument/documentSymbol`

use super::Target;
use crate::convert::Lines;
use crate::snapshot::Snapshot;
use qnn::ide::symbols::{Symbol, SymbolKind as Kind, symbols};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{DocumentSymbol, DocumentSymbolResponse, SymbolKind};

pub fn answer(snapshot: &Snapshot) -> Result<Option<DocumentSymbolResponse>> {
    let target = Target::of(snapshot)?;
    let all = symbols(&snapshot.db, target.file);
    Ok(Some(DocumentSymbolResponse::Nested(all.iter().map(|s| convert(s, &target.lines)).collect())))
}

#[allow(deprecated, reason = "LSP's structure has a deprecated field that must be given")]
fn convert(symbol: &Symbol, lines: &Lines<'_>) -> DocumentSymbol {
    DocumentSymbol {
        name: symbol.name.clone(),
        detail: (!symbol.detail.is_empty()).then(|| symbol.detail.clone()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: lines.range(symbol.span),
        selection_range: lines.range(symbol.name_span),
        children: Some(symbol.children.iter().map(|child| convert(child, lines)).collect()),
    }
}

/// The nearest of LSP's kinds.
pub fn kind(kind: Kind) -> SymbolKind {
    match kind {
        Kind::Use => SymbolKind::FILE,
        Kind::Type => SymbolKind::STRUCT,
        Kind::Enum => SymbolKind::ENUM,
        Kind::Variant => SymbolKind::ENUM_MEMBER,
        Kind::Const => SymbolKind::CONSTANT,
        Kind::Dataset => SymbolKind::CLASS,
        Kind::Field => SymbolKind::FIELD,
        Kind::Params => SymbolKind::OBJECT,
        Kind::Network => SymbolKind::MODULE,
        Kind::Let => SymbolKind::VARIABLE,
        Kind::Def => SymbolKind::FUNCTION,
        Kind::Property | Kind::Measure => SymbolKind::EVENT,
    }
}
