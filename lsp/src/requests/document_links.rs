//! `textDocument/documentLink`

use super::Target;
use crate::convert::uri_of;
use crate::snapshot::Snapshot;
use qnn::ide::document_links::links;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::DocumentLink;

pub fn answer(snapshot: &Snapshot) -> Result<Option<Vec<DocumentLink>>> {
    let target = Target::of(snapshot)?;
    let all = links(&snapshot.db, target.file).into_iter().map(|link| DocumentLink {
        range: target.lines.range(link.span),
        target: uri_of(&link.path),
        tooltip: None,
        data: None,
    });
    Ok(Some(all.collect()))
}
