//! Semantic tokens: what each word of a text is.
//!
//! In: a file. Out: tokens in order that don't overlap. What the trees don't know (keywords, numbers, comments, broken items) is told by
//! scanning.

use super::names::{Definition, LocalKind, occurrences};
use super::text;
use crate::db::{Db, SourceFile, items, offset, tree};
use qnn_syntax::Span;
use qnn_syntax::ast::ItemKind;
use qnn_syntax::builtins::type_named;
use qnn_syntax::lexer::{CommentKind, Kind, is_keyword, scan};
use std::collections::HashMap;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is a kind that LSP or every editor knows")]
pub enum TokenKind {
    Keyword,
    Type,
    Enum,
    EnumMember,
    Function,
    Variable,
    Parameter,
    TypeParameter,
    Property,
    Number,
    String,
    Comment,
    Operator,
    Decorator,
}

/// A token with what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands in the file; within one line.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is a definition.
    pub declaration: bool,
    /// Whether the language defines it.
    pub builtin: bool,
    /// Whether it is documentation.
    pub documentation: bool,
}

/// The tokens of a file.
pub fn tokens(db: &dyn Db, file: SourceFile) -> Vec<Token> {
    let source = text(db, file);
    let scan = scan(source);
    let mut names: HashMap<u32, (TokenKind, bool, bool)> = HashMap::new();
    for item in items(db, file) {
        let start = offset(db, *item);
        for occurrence in occurrences(db, *item).iter() {
            if let Some((kind, builtin)) = kind_of(db, &occurrence.definition) {
                names.insert(occurrence.span.start + start, (kind, occurrence.declares, builtin));
            }
        }
    }
    let plain = |span: Span, kind| Token { span, kind, declaration: false, builtin: false, documentation: false };
    let mut all: Vec<Token> = Vec::new();
    let mut attribute = false;
    for (index, token) in scan.tokens.iter().enumerate() {
        let written = token.text(source);
        let span = Span::new(token.start, token.end);
        let next = scan.tokens.get(index + 1).map_or("", |t| t.text(source));
        match token.kind {
            Kind::Word if attribute => {
                all.push(plain(span, TokenKind::Decorator));
                attribute = false;
            }
            Kind::Word => match names.get(&token.start) {
                Some((kind, declaration, builtin)) => {
                    all.push(Token { declaration: *declaration, builtin: *builtin, ..plain(span, *kind) })
                }
                None if is_keyword(written) => all.push(plain(span, TokenKind::Keyword)),
                None => {}
            },
            Kind::Number => all.push(plain(span, TokenKind::Number)),
            Kind::Text { .. } => all.push(plain(span, TokenKind::String)),
            Kind::Punctuation => {
                attribute |=
                    written == "[" && index > 0 && scan.tokens.get(index - 1).is_some_and(|t| t.text(source) == "#");
                if matches!(written, "=>" | "==" | "!=" | "<=" | ">=" | "+" | "-" | "*" | "/" | ".." | "..=")
                    && next != ">"
                {
                    all.push(plain(span, TokenKind::Operator));
                }
            }
            Kind::Unknown => {}
        }
    }
    all.extend(scan.comments.iter().map(|comment| Token {
        documentation: comment.kind != CommentKind::Plain,
        ..plain(Span::new(comment.start, comment.end), TokenKind::Comment)
    }));
    all.sort_by_key(|t| t.span.start);
    all
}

fn kind_of(db: &dyn Db, definition: &Definition) -> Option<(TokenKind, bool)> {
    Some(match definition {
        Definition::Item(item) => match &tree(db, *item).as_ref()?.kind {
            ItemKind::Use(_) => return None,
            ItemKind::Type(_) => (TokenKind::Type, false),
            ItemKind::Enum(_) => (TokenKind::Enum, false),
            ItemKind::Const(_) | ItemKind::Dataset(_) | ItemKind::Params(_) => (TokenKind::Variable, false),
            ItemKind::Network(_)
            | ItemKind::Import(_)
            | ItemKind::Def(_)
            | ItemKind::Property(_)
            | ItemKind::Measure(_) => (TokenKind::Function, false),
        },
        Definition::Local { kind, .. } => match kind {
            LocalKind::Generic => (TokenKind::TypeParameter, false),
            LocalKind::Parameter | LocalKind::FamilyParameter => (TokenKind::Parameter, false),
            LocalKind::Let | LocalKind::Variable | LocalKind::Params => (TokenKind::Variable, false),
        },
        Definition::Field(..) | Definition::Tensor { .. } => (TokenKind::Property, false),
        Definition::Variant(..) => (TokenKind::EnumMember, false),
        Definition::Builtin(name) if type_named(name).is_some() => (TokenKind::Type, true),
        Definition::Builtin(_) => (TokenKind::Function, true),
        Definition::Option(_) => (TokenKind::Parameter, true),
        Definition::Unknown => return None,
    })
}
