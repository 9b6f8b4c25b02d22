//! `textDocument/prepareRename` and `textDocument/rename`

use super::Target;
use crate::answering::refused;
use crate::convert::{Lines, text, uri_of};
use crate::snapshot::Snapshot;
use qnn::ide::Edit;
use qnn::ide::rename::{prepare_rename, rename};
use std::collections::HashMap;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    PrepareRenameResponse, RenameParams, TextDocumentPositionParams, TextEdit, Url, WorkspaceEdit,
};

pub fn prepare(snapshot: &Snapshot, params: &TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
    let target = Target::of(snapshot)?;
    let range = prepare_rename(&snapshot.db, target.file, target.offset(params.position)).map_err(refused)?;
    Ok(Some(PrepareRenameResponse::Range(target.lines.range(range.span))))
}

pub fn answer(snapshot: &Snapshot, params: &RenameParams) -> Result<Option<WorkspaceEdit>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position.position);
    let files = snapshot.db.sources();
    let edits = rename(&snapshot.db, target.file, offset, &params.new_name, &files).map_err(refused)?;
    Ok(Some(workspace_edit(snapshot, &edits, &target.view.uri)))
}

/// Edits as LSP takes them. The document asked about keeps the client's own spelling of its URI.
pub fn workspace_edit(snapshot: &Snapshot, edits: &[Edit], own: &Url) -> WorkspaceEdit {
    let own_file = snapshot.document.as_ref().map(|d| d.file);
    let mut changes: HashMap<Url, Vec<TextEdit>> = HashMap::new();
    for edit in edits {
        let file = edit.range.file;
        let uri = if Some(file) == own_file { Some(own.clone()) } else { uri_of(file.path(&snapshot.db)) };
        let Some(uri) = uri else { continue };
        let lines = Lines::new(text(&snapshot.db, file), snapshot.encoding);
        let edit = TextEdit { range: lines.range(edit.range.span), new_text: edit.text.clone() };
        changes.entry(uri).or_default().push(edit);
    }
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}
