//! `textDocument/documentHighlight`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::navigation::references;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{DocumentHighlight, DocumentHighlightKind, DocumentHighlightParams};

pub fn answer(snapshot: &Snapshot, params: &DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position_params.position);
    let found = references(&snapshot.db, target.file, offset, &[target.file]);
    let here = found.into_iter().filter(|r| r.range.file == target.file);
    let highlights = here.map(|r| DocumentHighlight {
        range: target.lines.range(r.range.span),
        kind: Some(if r.declares { DocumentHighlightKind::WRITE } else { DocumentHighlightKind::READ }),
    });
    Ok(Some(highlights.collect()))
}
