//! `textDocument/references`

use super::Target;
use crate::convert::location;
use crate::snapshot::Snapshot;
use qnn::ide::navigation::references;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Location, ReferenceParams};

pub fn answer(snapshot: &Snapshot, params: &ReferenceParams) -> Result<Option<Vec<Location>>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position.position);
    let found = references(&snapshot.db, target.file, offset, &snapshot.db.sources());
    let wanted = found.into_iter().filter(|r| params.context.include_declaration || !r.declares);
    Ok(Some(wanted.filter_map(|r| location(&snapshot.db, r.range, snapshot.encoding)).collect()))
}
