//! `textDocument/definition`

use super::Target;
use crate::convert::location;
use crate::snapshot::Snapshot;
use qnn::ide::navigation::definition;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{GotoDefinitionParams, GotoDefinitionResponse, LocationLink};

pub fn answer(snapshot: &Snapshot, params: &GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position_params.position);
    let Some((from, to)) = definition(&snapshot.db, target.file, offset) else { return Ok(None) };
    let Some(there) = location(&snapshot.db, to, snapshot.encoding) else { return Ok(None) };
    if !snapshot.links {
        return Ok(Some(GotoDefinitionResponse::Scalar(there)));
    }
    Ok(Some(GotoDefinitionResponse::Link(vec![LocationLink {
        origin_selection_range: Some(target.lines.range(from.span)),
        target_uri: there.uri,
        target_range: there.range,
        target_selection_range: there.range,
    }])))
}
