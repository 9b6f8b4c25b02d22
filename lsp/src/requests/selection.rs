//! `textDocument/selectionRange`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::selection::around;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Position, Range, SelectionRange, SelectionRangeParams};

pub fn answer(snapshot: &Snapshot, params: &SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
    let target = Target::of(snapshot)?;
    let at = |position: &Position| {
        let spans = around(&snapshot.db, target.file, target.offset(*position));
        let ranges = spans.iter().rev().map(|span| target.lines.range(*span));
        let nested = ranges.fold(None, |parent: Option<SelectionRange>, range| {
            Some(SelectionRange { range, parent: parent.map(Box::new) })
        });
        nested.unwrap_or(SelectionRange { range: Range { start: *position, end: *position }, parent: None })
    };
    Ok(Some(params.positions.iter().map(at).collect()))
}
