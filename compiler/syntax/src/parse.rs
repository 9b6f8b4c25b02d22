//! Parsing a file: cut it into items, parse each by itself, and for each broken one look at its parts.
//!
//! In goes any text, out comes every good item and every error. One broken item never hides another, and within a
//! block one broken statement never hides another; an item with an error has no tree. Time is linear in the text.

use super::ast::Span;
use super::error_codes;
use super::errors::{Brackets, Context, deceptive_character, error, no_item, no_result};
use super::grammar::{self, Failure, Rule};
use super::lexer::{CommentKind, Kind, Scan, Token, is_keyword, scan};
use super::split_items::{Piece, first_on_line, split};
use super::tree_builder::{Builder, MAX_DEPTH, too_deep};
use super::{Parsed, ParsedItem, SyntaxError, SyntaxFix};
use crate::is_command;
use std::sync::Arc;

/// The largest text that is taken for a spec, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The most characters that are told one by one.
const MAX_DECEPTIVE: usize = 5;

/// More errors than a reader looks at; the rest is dropped.
const MAX_ERRORS: usize = 200;

/// Parses a file.
pub fn parse(text: &str) -> Parsed {
    if text.len() > MAX_BYTES {
        let message = format!("this file is too large for a spec: {} MiB", text.len() >> 20);
        let help = "a spec has at most 4 MiB; keep weights and samples in NPZ, safetensors or CSV files";
        let errors = vec![error(error_codes::TOO_LARGE, Span::default(), message, "more than 4 MiB", help)];
        return Parsed { errors, ..Parsed::default() };
    }
    let scan = scan(text);
    let pieces = split(text, &scan);
    let mut parsed = Parsed { docs: file_docs(text, &scan), ..Parsed::default() };
    for (index, piece) in pieces.iter().enumerate() {
        let end = pieces.get(index + 1).map_or(text.len() as u32, |next| next.start);
        parse_piece(text, &scan, *piece, end, &mut parsed);
    }
    parsed.errors.extend(deceptive(text, &scan));
    parsed.errors.sort_by_key(|e| (e.span.start, e.span.end));
    parsed.errors.dedup();
    parsed.errors.truncate(MAX_ERRORS);
    parsed
}

/// The first characters at which an editor may end a line or turn its direction, and the language does not: what a reader sees there is not
/// what is read. Outside of comments and texts they are no part of any token, and the grammar refuses them.
fn deceptive(text: &str, scan: &Scan) -> Vec<SyntaxError> {
    let deceives = |at: usize, c: char| match c {
        '\t' | '\n' | '\u{61c}' | '\u{200e}' | '\u{200f}' => false,
        '\r' => !text[at..].starts_with("\r\n"),
        c => is_command(c),
    };
    let all = text.char_indices().filter(|(at, c)| deceives(*at, *c));
    let known = |at: usize| {
        let token = scan.tokens.get(scan.token_at(at as u32));
        token.is_some_and(|token| token.start as usize == at && token.kind == Kind::Unknown)
    };
    all.filter(|(at, _)| !known(*at)).take(MAX_DECEPTIVE).map(|(at, c)| deceptive_character(at as u32, c)).collect()
}

/// Parses a piece whose text ends at `end`.
fn parse_piece(text: &str, scan: &Scan, piece: Piece, end: u32, parsed: &mut Parsed) {
    if piece.keyword.is_none() {
        parsed.errors.push(no_item(text, scan, piece.first, piece.last));
        return;
    }
    if let Some(token) = deeper_than(text, scan, piece, MAX_DEPTH) {
        parsed.errors.push(too_deep(Span::new(token.start, token.end)));
        return;
    }
    let slice = text.get(piece.start as usize..end as usize).unwrap_or("");
    let failure = match grammar::parse(Rule::item, slice) {
        Ok(pair) => {
            let end = piece.start + pair.as_span().end() as u32;
            let mut builder = Builder::new(slice, 0);
            let item = builder.item(pair, item_docs(text, scan, piece));
            let good = builder.errors.is_empty();
            parsed.errors.extend(builder.errors.into_iter().map(|e| moved(e, piece.start)));
            if good {
                parsed.items.push(ParsedItem { start: piece.start, end, item: Arc::new(item) });
            }
            let rest = scan.token_at(end);
            if rest < piece.last {
                parsed.errors.push(no_item(text, scan, rest, piece.last));
            }
            return;
        }
        Err(failure) => failure,
    };
    if parsed.errors.len() < MAX_ERRORS * 2 {
        let brackets = Brackets::of(text, scan, piece);
        let broken = Broken { context: Context { text, scan, piece, brackets }, errors: Vec::new() };
        parsed.errors.extend(broken.explain(failure));
    }
}

fn moved(mut error: SyntaxError, by: u32) -> SyntaxError {
    let shift = |span: Span| Span::new(span.start + by, span.end + by);
    error.span = shift(error.span);
    error.secondary = error.secondary.map(|(span, label)| (shift(span), label));
    error.fix = error.fix.map(|fix| SyntaxFix { span: shift(fix.span), ..fix });
    error
}

// ---- Comments

fn file_docs(text: &str, scan: &Scan) -> String {
    let first = scan.tokens.first().map_or(text.len() as u32, |t| t.start);
    docs(text, scan, 0, first, CommentKind::File)
}

fn item_docs(text: &str, scan: &Scan, piece: Piece) -> Arc<str> {
    let keyword = piece.keyword.and_then(|k| scan.tokens.get(k)).map_or(piece.start, |t| t.start);
    docs(text, scan, piece.start, keyword, CommentKind::Item).into()
}

fn docs(text: &str, scan: &Scan, from: u32, to: u32, kind: CommentKind) -> String {
    let comments = scan.comments_between(from, to).iter().filter(|c| c.kind == kind);
    let lines = comments.map(|c| {
        let line = text.get(c.start as usize + 3..c.end as usize).unwrap_or("");
        line.strip_prefix(' ').unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

// ---- Depth

/// What the grammar recurses into.
enum Open {
    Bracket,
    Let,
    Quantifier,
}

/// The first token at which the grammar would recurse too deeply.
///
/// The grammar recurses into brackets, into the head of a quantifier up to the `:` before its statement, and into the value of a `let` up to its `;`.
fn deeper_than(text: &str, scan: &Scan, piece: Piece, limit: u32) -> Option<Token> {
    let tokens = scan.tokens.get(piece.first..piece.last)?;
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |t| t.text(text));
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text(text) {
            "(" | "[" | "{" => open.push(Open::Bracket),
            "let" => open.push(Open::Let),
            "forall" | "exists" => open.push(Open::Quantifier),
            ")" | "]" | "}" => while open.pop().is_some_and(|o| !matches!(o, Open::Bracket)) {},
            ";" => {
                let bracket = open.iter().rposition(|o| matches!(o, Open::Bracket)).map_or(0, |i| i + 1);
                let last = open.iter().rposition(|o| matches!(o, Open::Let)).unwrap_or(0);
                open.truncate(last.max(bracket));
            }
            ":" if matches!(open.last(), Some(Open::Quantifier)) => {
                let before = word(at.checked_sub(2));
                if !matches!(before, "forall" | "exists" | ",") {
                    open.pop();
                }
            }
            _ => {}
        }
        if open.len() > limit as usize {
            return Some(*token);
        }
    }
    None
}

// ---- Broken items

/// An item that the grammar refused.
struct Broken<'a> {
    context: Context<'a>,
    errors: Vec<SyntaxError>,
}

impl<'a> Broken<'a> {
    fn word(&self, at: usize) -> &'a str {
        self.context.scan.tokens.get(at).map_or("", |t| t.text(self.context.text))
    }

    /// All that is wrong, given where the grammar gave up on the whole item.
    fn explain(mut self, failure: Failure) -> Vec<SyntaxError> {
        let piece = self.context.piece;
        let whole = self.context.explain(&failure, piece.start, None);
        let Some(keyword) = piece.keyword else { return vec![whole] };
        let kind = self.word(keyword);
        if let Some(open) = self.block(keyword) {
            let gave_up = self.context.scan.token_at(piece.start + failure.at as u32);
            if keyword > piece.first {
                self.part(Rule::only_attributes, piece.first, keyword, Some("an item"));
            }
            self.parts(kind, keyword, open);
            // The parts have told it, unless it lies between them: a missing `}`, say.
            let end = self.context.brackets.partner(open).unwrap_or(piece.last);
            if self.errors.is_empty() || gave_up >= end && !self.errors.iter().any(|e| e.span == whole.span) {
                self.errors.push(whole);
            }
        } else {
            self.errors.push(whole);
        }
        self.errors
    }

    /// The `{` of an item that has a block.
    fn block(&self, keyword: usize) -> Option<usize> {
        let kinds = ["enum", "dataset", "params", "network"];
        if !kinds.contains(&self.word(keyword)) {
            return None;
        }
        let open = (keyword..self.context.piece.last).find(|at| self.word(*at) == "{")?;
        // The options of an import are no statements.
        (!(keyword..open).any(|at| self.word(at) == "import")).then_some(open)
    }

    /// Looks at the head and at each statement of a block.
    fn parts(&mut self, kind: &str, keyword: usize, open: usize) {
        let end = self.context.brackets.partner(open).unwrap_or(self.context.piece.last);
        let (head, statement) = match kind {
            "enum" => (Rule::only_enum_head, Rule::only_variant),
            "dataset" => (Rule::only_dataset_head, Rule::only_dataset_field),
            "params" => (Rule::only_params_head, Rule::only_params_rule),
            _ => (Rule::only_network_head, Rule::only_let_statement),
        };
        self.part(head, keyword, open, Some("`{`"));
        let statements = self.statements(kind, open + 1, end);
        if kind == "network" {
            self.network_statements(&statements, end);
            return;
        }
        for (first, last) in statements {
            self.part(statement, first, last, None);
        }
    }

    fn network_statements(&mut self, statements: &[(usize, usize)], end: usize) {
        for (index, (first, last)) in statements.iter().copied().enumerate() {
            let is_last = index + 1 == statements.len();
            match self.word(first) {
                "let" => self.part(Rule::only_let_statement, first, last, None),
                "params" => {
                    if !self.try_part(Rule::only_params, first, last)
                        && let Some(open) = (first..last).find(|at| self.word(*at) == "{")
                    {
                        self.parts("params", first, open);
                    } else {
                        self.part(Rule::only_params, first, last, None);
                    }
                }
                _ if self.word(last - 1) == ";" => {
                    let errors = self.errors.len();
                    self.part(Rule::only_network_result, first, last - 1, Some("`;`"));
                    if self.errors.len() > errors || errors >= MAX_ERRORS {
                        continue;
                    }
                    let span = self.context.span(last - 1);
                    self.errors.push(if is_last {
                        no_result(span, true)
                    } else {
                        let whole = self.context.span(first).to(self.context.span(last - 2));
                        let help = "name it with `let name = …;`, or remove it";
                        error(
                            error_codes::EXPECTED,
                            whole,
                            "this value is computed and forgotten",
                            "expected `let`",
                            help,
                        )
                    });
                }
                _ => self.part(Rule::only_network_result, first, last, Some("`}`")),
            }
        }
        let complete = |(first, last): &(usize, usize)| match self.word(*first) {
            "let" => self.word(last - 1) == ";",
            first => first == "params",
        };
        if statements.last().is_none_or(complete) && self.word(end) == "}" {
            self.errors.push(no_result(self.context.span(end), false));
        }
    }

    /// The statements between two tokens: each ends with its `;` (in an enum, `,`), or with the block that is its own.
    fn statements(&self, kind: &str, first: usize, end: usize) -> Vec<(usize, usize)> {
        let mut statements = Vec::new();
        let (mut start, mut at) = (first, first);
        while at < end {
            let word = self.word(at);
            let begins = match kind {
                "network" => matches!(word, "let" | "params"),
                "enum" => false,
                _ => self.word(at + 1) == ":",
            };
            if at > start && begins && self.first_on_line(at) && self.ends_operand(at - 1) {
                statements.push((start, at));
                start = at;
            }
            let block = word == "{";
            if matches!(word, "(" | "[" | "{")
                && let Some(partner) = self.context.brackets.partner(at).filter(|p| *p > at && *p < end)
            {
                at = partner;
            }
            if word == ";" || word == "," && kind == "enum" || block && kind == "network" {
                statements.push((start, at + 1));
                start = at + 1;
            }
            at += 1;
        }
        if start < end {
            statements.push((start, end));
        }
        statements
    }

    fn first_on_line(&self, at: usize) -> bool {
        self.context.scan.tokens.get(at).is_some_and(|t| first_on_line(self.context.text, t.start))
    }

    /// Whether an expression or a type may end with a token.
    fn ends_operand(&self, at: usize) -> bool {
        let word = self.word(at);
        matches!(word, ")" | "]" | "}" | ">" | "lsb" | "raw" | "true" | "false")
            || word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '"') && !is_keyword(word)
    }

    fn slice(&self, first: usize, last: usize) -> (u32, &'a str) {
        let start = self.context.span(first).start;
        let end = last.checked_sub(1).map_or(start, |at| self.context.span(at).end).max(start);
        (start, self.context.text.get(start as usize..end as usize).unwrap_or(""))
    }

    fn try_part(&self, rule: Rule, first: usize, last: usize) -> bool {
        grammar::parse(rule, self.slice(first, last).1).is_ok()
    }

    /// Parses some tokens by themselves and keeps what is wrong with them.
    fn part(&mut self, rule: Rule, first: usize, last: usize, after: Option<&'static str>) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let (start, slice) = self.slice(first, last);
        let pair = match grammar::parse(rule, slice) {
            Ok(pair) => pair,
            Err(failure) => {
                let error = self.context.explain(&failure, start, after);
                self.errors.push(error);
                return;
            }
        };
        let mut builder = Builder::new(slice, start);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::dataset_field => drop(builder.dataset_field(pair)),
                Rule::params_rule => drop(builder.params_rule(pair)),
                Rule::params_item => drop(builder.params(pair)),
                Rule::let_statement => drop(builder.let_statement(pair)),
                Rule::network_result => drop(builder.only_expr(pair)),
                _ => {}
            }
        }
        self.errors.append(&mut builder.errors);
    }
}
