//! Ranges of LSP for the schema: the types of `lsp_types` have none.

use schemars::JsonSchema;

/// A range of a document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Range {
    start: Position,
    end: Position,
}

/// A position in a document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Position {
    line: u32,
    character: u32,
}
