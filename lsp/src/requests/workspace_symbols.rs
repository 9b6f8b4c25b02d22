//! `workspace/symbol`: the items of all specs that have been read.

use super::document_symbols::kind;
use crate::convert::{Lines, text, uri_of};
use crate::snapshot::Snapshot;
use qnn::ide::symbols::{match_query, symbols};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Location, SymbolInformation, WorkspaceSymbolParams};

/// More than a list shows.
const MOST: usize = 500;

#[allow(deprecated, reason = "LSP's structure has a deprecated field that must be given")]
pub fn answer(snapshot: &Snapshot, params: &WorkspaceSymbolParams) -> Result<Option<Vec<SymbolInformation>>> {
    let mut found = Vec::new();
    for file in snapshot.db.sources() {
        let path = file.path(&snapshot.db);
        let Some(uri) = uri_of(path) else { continue };
        let lines = Lines::new(text(&snapshot.db, file), snapshot.encoding);
        let container = path.file_name().map(|name| name.to_string_lossy().into_owned());
        for symbol in symbols(&snapshot.db, file) {
            let Some(rank) = match_query(&params.query, &symbol.name) else { continue };
            let location = Location { uri: uri.clone(), range: lines.range(symbol.name_span) };
            found.push((
                rank,
                SymbolInformation {
                    name: symbol.name,
                    kind: kind(symbol.kind),
                    tags: None,
                    deprecated: None,
                    location,
                    container_name: container.clone(),
                },
            ));
        }
    }
    found.sort_by(|(a, x), (b, y)| (a, &x.name).cmp(&(b, &y.name)));
    Ok(Some(found.into_iter().take(MOST).map(|(_, symbol)| symbol).collect()))
}
