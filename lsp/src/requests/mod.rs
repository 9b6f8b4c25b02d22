//! The requests, one file each: LSP in, one call of `qnn::ide`, LSP out.
//!
//! Each has a function `answer(&Snapshot, Params)` that runs on a thread for blocking work and may unwind when the database changes. No request
//! awaits, speaks to the client, or changes anything.

pub mod code_actions;
pub mod code_lens;
pub mod completion;
pub mod definition;
pub mod document_links;
pub mod document_symbols;
pub mod files;
pub mod folding;
pub mod formatting;
pub mod highlight;
pub mod hover;
pub mod inlay_hints;
pub mod network;
pub mod references;
pub mod rename;
pub mod report;
pub mod selection;
pub mod semantic_tokens;
pub mod signature_help;
pub mod trace;
pub mod workspace_symbols;

use crate::convert::{Lines, text};
use crate::snapshot::{DocumentView, Snapshot};
use qnn::db::SourceFile;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::Position;

/// What nearly every request is about: a document's file and its lines.
pub struct Target<'a> {
    pub view: &'a DocumentView,
    pub file: SourceFile,
    pub lines: Lines<'a>,
}

impl<'a> Target<'a> {
    /// The document of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Result<Target<'a>> {
        let view = snapshot.document.as_ref().ok_or_else(|| crate::answering::refused("the document is not open"))?;
        let lines = Lines::new(text(&snapshot.db, view.file), snapshot.encoding);
        Ok(Target { view, file: view.file, lines })
    }

    /// The byte of a position.
    pub fn offset(&self, position: Position) -> u32 {
        self.lines.offset(position)
    }
}
