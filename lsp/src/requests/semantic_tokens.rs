//! `textDocument/semanticTokens/full` and `…/range`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::semantic_tokens::{TokenKind, tokens};
use qnn::syntax::Span;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    Range, SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};

/// What the numbers of tokens mean.
pub fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: vec![
            SemanticTokenType::KEYWORD,
            SemanticTokenType::TYPE,
            SemanticTokenType::ENUM,
            SemanticTokenType::ENUM_MEMBER,
            SemanticTokenType::FUNCTION,
            SemanticTokenType::VARIABLE,
            SemanticTokenType::PARAMETER,
            SemanticTokenType::TYPE_PARAMETER,
            SemanticTokenType::PROPERTY,
            SemanticTokenType::NUMBER,
            SemanticTokenType::STRING,
            SemanticTokenType::COMMENT,
            SemanticTokenType::OPERATOR,
            SemanticTokenType::DECORATOR,
        ],
        token_modifiers: vec![
            SemanticTokenModifier::DECLARATION,
            SemanticTokenModifier::DEFAULT_LIBRARY,
            SemanticTokenModifier::DOCUMENTATION,
        ],
    }
}

/// A kind's place in the legend.
fn number(kind: TokenKind) -> u32 {
    match kind {
        TokenKind::Keyword => 0,
        TokenKind::Type => 1,
        TokenKind::Enum => 2,
        TokenKind::EnumMember => 3,
        TokenKind::Function => 4,
        TokenKind::Variable => 5,
        TokenKind::Parameter => 6,
        TokenKind::TypeParameter => 7,
        TokenKind::Property => 8,
        TokenKind::Number => 9,
        TokenKind::String => 10,
        TokenKind::Comment => 11,
        TokenKind::Operator => 12,
        TokenKind::Decorator => 13,
    }
}

pub fn answer(snapshot: &Snapshot, within: Option<Range>) -> Result<Option<SemanticTokens>> {
    let target = Target::of(snapshot)?;
    let within = within.map_or(Span::new(0, u32::MAX), |range| target.lines.span(range));
    let mut data = Vec::new();
    let (mut line, mut character) = (0, 0);
    for token in tokens(&snapshot.db, target.file) {
        if token.span.end < within.start || within.end < token.span.start {
            continue;
        }
        let start = target.lines.position(token.span.start);
        let delta_line = start.line - line;
        let delta_start = if delta_line == 0 { start.character - character } else { start.character };
        (line, character) = (start.line, start.character);
        data.push(SemanticToken {
            delta_line,
            delta_start,
            length: target.lines.units(token.span),
            token_type: number(token.kind),
            token_modifiers_bitset: u32::from(token.declaration)
                | u32::from(token.builtin) << 1
                | u32::from(token.documentation) << 2,
        });
    }
    Ok(Some(SemanticTokens { result_id: None, data }))
}
