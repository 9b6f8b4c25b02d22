//! Completion: what could stand at the cursor.
//!
//! In: an offset. Out: candidates, and the word that they replace. What may stand there is told by the tokens before the cursor alone, so that
//! it works in text that does not parse, as text under a cursor rarely does; what names mean comes from the items that do parse.

mod code;
mod imports;
mod items;
mod members;
mod position;
mod quoted;

use super::text;
use crate::db::{Db, SourceFile};
use qnn_syntax::Span;
use qnn_syntax::lexer::{Kind, Scan, Token, scan};
use qnn_syntax::split_items::split;

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum CompletionKind {
    Keyword,
    Snippet,
    Type,
    Enum,
    Variant,
    Network,
    Function,
    Property,
    Dataset,
    Field,
    Constant,
    Variable,
    Tensor,
    File,
    Folder,
    Value,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown and, without `insert`, inserted.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside it.
    pub detail: String,
    /// What is inserted instead, with `$1`, `${1:name}` and `$0` for places to fill in.
    pub snippet: Option<String>,
    /// Its documentation, in Markdown.
    pub docs: String,
    /// How near it is; what is nearer comes first.
    pub rank: u8,
}

/// The candidates at an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// What they replace.
    pub replace: Span,
    /// They.
    pub items: Vec<Completion>,
}

/// What could stand at an offset.
pub fn complete(db: &dyn Db, file: SourceFile, offset: u32) -> Completions {
    let source = text(db, file);
    let offset = offset.min(source.len() as u32);
    if !source.is_char_boundary(offset as usize) {
        return Completions::default();
    }
    let scan = scan(source);
    if scan.comments.iter().any(|c| c.start < offset && offset <= c.end) {
        return Completions::default();
    }
    // The word under the cursor is what is replaced; what stands before it says what may stand here.
    let word = scan.tokens.iter().find(|t| t.start < offset && offset <= t.end);
    let inside_text = word.is_some_and(|t| matches!(t.kind, Kind::Text { closed } if offset < t.end || !closed));
    let word = word.filter(|t| t.kind == Kind::Word || inside_text);
    if scan.tokens.iter().any(|t| t.kind == Kind::Number && t.start < offset && offset <= t.end) {
        return Completions::default();
    }
    let start = word.map_or(offset, |t| t.start);
    let before: Vec<Token> = scan.tokens.iter().copied().take_while(|t| t.end <= start).collect();
    let pieces = split(source, &scan);
    let piece = pieces.iter().rev().find(|p| p.start <= start);
    let first = piece.map_or(0, |p| p.keyword.unwrap_or(p.first));
    let mut completer = Completer { db, file, source, tokens: &scan, before, first, items: Vec::new() };
    let replace = if inside_text {
        let opening = start + 1;
        let line = source[opening as usize..].find(['"', '\n']).map_or(source.len(), |n| n + opening as usize);
        let path = completer.in_text(source.get(opening as usize..offset as usize).unwrap_or_default());
        Span::new(opening + path, (line as u32).max(offset))
    } else {
        completer.in_code();
        Span::new(start, word.map_or(offset, |t| t.end))
    };
    let mut items = completer.items;
    items.sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
    items.dedup_by(|a, b| a.label == b.label);
    Completions { replace, items }
}

struct Completer<'a> {
    db: &'a dyn Db,
    file: SourceFile,
    source: &'a str,
    tokens: &'a Scan,
    /// The tokens before the word at the cursor.
    before: Vec<Token>,
    /// The keyword of the piece that the cursor stands in.
    first: usize,
    items: Vec<Completion>,
}

impl<'a> Completer<'a> {
    fn word(&self, back: usize) -> &'a str {
        self.before.len().checked_sub(back).and_then(|at| self.before.get(at)).map_or("", |t| t.text(self.source))
    }

    fn add(&mut self, label: impl Into<String>, kind: CompletionKind, detail: impl Into<String>, rank: u8) {
        let (label, detail) = (label.into(), detail.into());
        self.items.push(Completion { label, kind, detail, snippet: None, docs: String::new(), rank });
    }

    fn snippet(&mut self, label: &str, snippet: &str, detail: &str, rank: u8) {
        self.items.push(Completion {
            label: label.to_owned(),
            kind: CompletionKind::Snippet,
            detail: detail.to_owned(),
            snippet: Some(snippet.to_owned()),
            docs: String::new(),
            rank,
        });
    }

    fn keywords(&mut self, words: &[&str], rank: u8) {
        words.iter().for_each(|word| self.add(*word, CompletionKind::Keyword, "", rank));
    }

    fn builtin(&mut self, name: &str, kind: CompletionKind, (detail, docs): (String, &str), snippet: String, rank: u8) {
        self.items.push(Completion {
            label: name.to_owned(),
            kind,
            detail,
            snippet: Some(snippet),
            docs: docs.to_owned(),
            rank,
        });
    }
}
