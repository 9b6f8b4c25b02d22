//! Why the grammar gave up, in the reader's terms.
//!
//! In goes the place where the grammar gave up and what it would have accepted there; out comes one error. Typical slips are
//! recognised by the tokens around the place; what is left says what was expected and what was found.

use super::ast::Span;
use super::codes;
use super::grammar::{Failure, Rule};
use super::scan::{Kind, Scan, Token, is_keyword};
use super::split::{ITEM_KEYWORDS, Piece, first_on_line};
use super::tree::malformed_number;
use super::{SyntaxError, SyntaxFix};

/// What is around a failure: the text, its tokens, the item and the item's brackets.
pub struct Context<'a> {
    /// The whole file.
    pub text: &'a str,
    /// Its tokens.
    pub scan: &'a Scan,
    /// The broken item.
    pub piece: Piece,
    /// Which bracket closes which.
    pub brackets: Brackets,
}

/// The brackets of one item, matched as well as can be: a closer never reaches beyond a `{`, and what it passes over stays open.
#[derive(Debug, Default)]
pub struct Brackets {
    first: usize,
    /// For each token, the bracket that it pairs with.
    partners: Vec<Option<usize>>,
    /// For each token, the innermost bracket that is open before it.
    around: Vec<Option<usize>>,
}

impl Brackets {
    /// Matches the brackets among an item's tokens.
    pub fn of(text: &str, scan: &Scan, piece: Piece) -> Brackets {
        let tokens = scan.tokens.get(piece.first..piece.last).unwrap_or(&[]);
        let mut brackets = Brackets {
            first: piece.first,
            partners: vec![None; tokens.len()],
            around: Vec::with_capacity(tokens.len()),
        };
        let mut open: Vec<(usize, &str)> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let written = token.text(text);
            brackets.around.push(open.last().map(|(at, _)| at + piece.first));
            match written {
                "(" | "[" | "{" => open.push((at, written)),
                ")" | "]" | "}" => {
                    let opener = opener_of(written);
                    let reach =
                        if written == "}" { 0 } else { open.iter().rposition(|o| o.1 == "{").map_or(0, |i| i + 1) };
                    let found = open.get(reach..).and_then(|open| open.iter().rposition(|o| o.1 == opener));
                    if let Some(found) = found {
                        let partner = open[reach + found].0;
                        open.truncate(reach + found);
                        brackets.partners[at] = Some(partner + piece.first);
                        brackets.partners[partner] = Some(at + piece.first);
                        brackets.around[at] = Some(partner + piece.first);
                    }
                }
                _ => {}
            }
        }
        brackets
    }

    /// The bracket that pairs with a bracket.
    pub fn partner(&self, token: usize) -> Option<usize> {
        self.partners.get(token.checked_sub(self.first)?).copied().flatten()
    }

    /// The innermost open bracket before a token; for a token beyond the item, the last one left open.
    fn around(&self, token: usize) -> Option<usize> {
        let token = token.checked_sub(self.first)?;
        match self.around.get(token) {
            Some(around) => *around,
            None => (0..self.partners.len()).rev().map(|i| i + self.first).find(|i| self.opens(*i)),
        }
    }

    /// Whether a token is an opening bracket that is never closed. (Only asked of brackets.)
    fn opens(&self, token: usize) -> bool {
        let inside = |i: usize| self.around.get(i).copied().flatten();
        self.partner(token).is_none() && token.checked_sub(self.first).is_some_and(|i| inside(i + 1) == Some(token))
    }
}

fn opener_of(closer: &str) -> &'static str {
    match closer {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}

fn closer_of(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

/// An error without a second place.
pub fn error(
    code: &'static str,
    span: Span,
    message: impl Into<String>,
    label: impl Into<String>,
    help: impl Into<String>,
) -> SyntaxError {
    let help: String = help.into();
    let help = (!help.is_empty()).then_some(help);
    SyntaxError { code, span, message: message.into(), label: label.into(), secondary: None, help, fix: None }
}

impl SyntaxError {
    /// Adds a change that mends it; it is also the help, where there is none yet.
    fn fix(mut self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> SyntaxError {
        let fix = SyntaxFix { title: title.into(), span, replacement: replacement.into() };
        if self.help.is_none() {
            self.help = Some(fix.title.clone());
        }
        self.fix = Some(fix);
        self
    }

    /// Replaces the error's place, if there is something to put there.
    fn instead(self, replacement: Option<&str>) -> SyntaxError {
        let span = self.span;
        match replacement {
            Some(text) => self.fix(format!("write `{text}`"), span, text),
            None => self,
        }
    }
}

impl<'a> Context<'a> {
    fn token(&self, at: usize) -> Option<Token> {
        self.scan.tokens.get(at).copied()
    }

    fn word(&self, at: Option<usize>) -> &'a str {
        at.and_then(|at| self.token(at)).map_or("", |t| t.text(self.text))
    }

    /// The span of a token.
    pub fn span(&self, at: usize) -> Span {
        let end = self.text.len() as u32;
        self.token(at).map_or(Span::new(end, end), |t| Span::new(t.start, t.end))
    }

    /// The last token before a place: where something is missing.
    fn before(&self, at: usize) -> Span {
        at.checked_sub(1).map_or(Span::default(), |at| self.span(at))
    }

    /// What stands at a token, for a message.
    fn found(&self, at: usize) -> String {
        match self.token(at) {
            None => "the end of the file".to_owned(),
            Some(_) if at >= self.piece.last => "the next item".to_owned(),
            Some(token) if matches!(token.kind, Kind::Text { .. }) => "a text in quotes".to_owned(),
            Some(token) => format!("`{}`", shorten(token.text(self.text))),
        }
    }

    /// The error of a failure. `offset` is where the text that was parsed begins in the file, and `after` says what may follow it.
    pub fn explain(&self, failure: &Failure, offset: u32, after: Option<&'static str>) -> SyntaxError {
        let place = offset + failure.at as u32;
        let at = self.scan.tokens.partition_point(|t| t.end <= place);
        let expected = Expected { rules: &failure.expected, after };
        self.lexical(at, &expected)
            .or_else(|| self.foreign(at))
            .or_else(|| self.misspelt(at, &expected))
            .or_else(|| self.misplaced_word(at, &expected))
            .or_else(|| self.equals(at, &expected))
            .or_else(|| self.binder(at, &expected))
            .or_else(|| self.result(at, &expected))
            .or_else(|| self.bracket(at, &expected))
            .or_else(|| self.semicolon(at, &expected))
            .unwrap_or_else(|| self.plain(at, &expected))
    }

    /// Characters and tokens that are wrong in themselves.
    fn lexical(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let token = self.token(at)?;
        let (span, written) = (self.span(at), token.text(self.text));
        match token.kind {
            Kind::Unknown => return Some(unknown_character(self.text, span, written)),
            Kind::Text { closed: false } => {
                let text =
                    written.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | ')' | ']' | '}'));
                let end = token.start + text.len() as u32;
                let error = error(
                    codes::UNCLOSED_TEXT,
                    span,
                    "this text has no closing quote on its line",
                    "opened here and not closed",
                    "add the closing `\"`; a text can't go on over several lines",
                );
                return Some(error.fix("add the quote", Span::new(end, end), "\""));
            }
            Kind::Number if expected.expression() || expected.has(Rule::infix) => {
                let next = self.token(at + 1).filter(|t| t.start == token.end).map_or("", |t| t.text(self.text));
                let whole =
                    if next == "." { self.text.get(token.start as usize..token.end as usize + 1)? } else { written };
                let number = written.bytes().all(|b| b.is_ascii_digit() || b == b'_') && next != ".";
                if expected.expression() && !number {
                    return Some(malformed_number(Span::new(span.start, span.start + whole.len() as u32), whole));
                }
            }
            _ => {}
        }
        let previous = at.checked_sub(1).and_then(|i| self.token(i));
        if expected.has(Rule::field_name)
            && let (Some(dot), Some(number)) = (previous, at.checked_sub(2).and_then(|i| self.token(i)))
            && number.kind == Kind::Number
            && dot.start == number.end
        {
            let span = Span::new(number.start, dot.end);
            return Some(malformed_number(span, self.text.get(number.start as usize..dot.end as usize)?));
        }
        match written {
            "." if expected.expression() => {
                let next = self.token(at + 1).filter(|t| t.kind == Kind::Number && t.start == token.end)?;
                let span = Span::new(token.start, next.end);
                Some(malformed_number(span, self.text.get(token.start as usize..next.end as usize)?))
            }
            "/*" | "*/" => Some(block_comment(self.text, span)),
            "&&" | "||" | "!" | "&" | "|" => {
                let meant = match written {
                    "&&" | "&" => "and",
                    "||" | "|" => "or",
                    _ => "not",
                };
                Some(
                    error(
                        codes::SYMBOL_LOGIC,
                        span,
                        format!("`{written}` is no operator here"),
                        format!("write `{meant}`"),
                        "the logical operators are the words `and`, `or` and `not`, and `=>` for «implies»",
                    )
                    .fix(format!("write `{meant}`"), span, spaced(self.text, span, meant)),
                )
            }
            _ => None,
        }
    }

    /// Constructs of other languages.
    fn foreign(&self, at: usize) -> Option<SyntaxError> {
        let found = self.word(Some(at));
        if self.word(self.piece.keyword) == "network" && found == "=" && self.word(Some(at + 1)) == "import" {
            return Some(error(
                codes::IMPORT,
                self.span(at + 1),
                "deployed models can't be imported yet",
                "not there yet",
                "store the weights in an NPZ or safetensors file, load them with `params` and write the layers as `let`s",
            ));
        }
        let previous = at.checked_sub(1).filter(|i| *i >= self.piece.first);
        if found == "{" || found == "(" {
            let line = (self.piece.first..at).rev().take(40);
            let start = line.clone().find(|i| foreign_help(self.word(Some(*i))).is_some());
            return start.filter(|_| found == "{").map(|i| self.foreign_at(i));
        }
        let word = [Some(at), previous].into_iter().flatten().find(|i| {
            let alone = *i == at || self.token(at).is_some_and(|t| matches!(t.kind, Kind::Word | Kind::Number));
            alone && *i < self.piece.last && foreign_help(self.word(Some(*i))).is_some()
        })?;
        Some(self.foreign_at(word))
    }

    fn foreign_at(&self, at: usize) -> SyntaxError {
        let word = self.word(Some(at));
        error(
            codes::FOREIGN,
            self.span(at),
            format!("there is no `{word}` in this language"),
            "a word of another language",
            foreign_help(word).unwrap_or_default(),
        )
        .instead(native(word))
    }

    /// A keyword with a slip in it: one that could stand here, or one that would have begun what stands here.
    fn misspelt(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let near = |at: usize, keywords: &[&'static str]| {
            let token =
                self.token(at).filter(|t| t.kind == Kind::Word && at < self.piece.last && at >= self.piece.first)?;
            let word = token.text(self.text);
            let keyword = nearest(word, keywords).filter(|_| !is_keyword(word))?;
            let span = self.span(at);
            let message = format!("`{}` means nothing here", shorten(word));
            Some(
                error(
                    codes::EXPECTED,
                    span,
                    message,
                    format!("expected `{keyword}`"),
                    format!("did you mean `{keyword}`?"),
                )
                .fix(format!("write `{keyword}`"), span, keyword),
            )
        };
        let operators: &[&'static str] = if expected.has(Rule::infix) { &["and", "or", "in", "as"] } else { &[] };
        let clauses = [
            (Rule::infix, "where"),
            (Rule::filter, "where"),
            (Rule::kw_where, "where"),
            (Rule::body_colon, "where"),
            (Rule::kw_over, "over"),
            (Rule::kw_such, "such"),
            (Rule::kw_that, "that"),
            (Rule::kw_from, "from"),
            (Rule::kw_maximize, "maximize"),
            (Rule::kw_minimize, "minimize"),
            (Rule::kw_largest, "largest"),
            (Rule::optimize, "maximize"),
            (Rule::optimize, "minimize"),
            (Rule::largest, "largest"),
            (Rule::from_clause, "from"),
        ];
        let clauses = clauses.iter().filter(|(rule, _)| expected.has(*rule)).map(|(_, keyword)| *keyword);
        let here: Vec<&'static str> = operators.iter().copied().chain(clauses).collect();
        near(at, &here).or_else(|| {
            // `foral x in …`: a name, and then another.
            let word = self.token(at).is_some_and(|t| t.kind == Kind::Word);
            let begins = at.checked_sub(1).filter(|_| word && expected.has(Rule::infix))?;
            near(begins, &["forall", "exists", "not", "let"])
        })
    }

    /// A reserved word where a name should stand.
    fn misplaced_word(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let word = self.word(Some(at));
        let begins_item = at >= self.piece.last || self.token(at).is_none();
        let clause = matches!(
            word,
            "where" | "in" | "and" | "or" | "as" | "not" | "forall" | "exists" | "let" | "true" | "false"
        );
        let name = expected.has(Rule::name) || expected.has(Rule::field_name) || expected.has(Rule::variant);
        let wanted = name && !expected.expression() || expected.expression() && !clause;
        if begins_item || !wanted || !is_keyword(word) {
            return None;
        }
        if clause && expected.has(Rule::kw_in) {
            return None;
        }
        Some(error(
            codes::RESERVED,
            self.span(at),
            format!("`{word}` is a word of the language and can't be a name"),
            "reserved",
            format!("choose another name, such as `{word}_` or `my_{word}`"),
        ))
    }

    /// `=` where `==` is meant, or a statement without `let`.
    fn equals(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        if self.word(Some(at)) != "="
            || expected.has(Rule::eq)
            || !(expected.has(Rule::infix) || expected.has(Rule::network_result))
        {
            return None;
        }
        let span = self.span(at);
        let start = at.checked_sub(2).map_or("", |i| self.word(Some(i)));
        if self.word(self.piece.keyword) == "network" && matches!(start, "{" | "}" | ";") {
            let name = self.word(at.checked_sub(1));
            return Some(
                error(
                    codes::EXPECTED,
                    self.before(at),
                    format!("`{name}` is given a value without `let`"),
                    "expected `let` before this",
                    format!("write `let {name} = …;`"),
                )
                .fix(format!("write `let {name}`"), self.before(at), format!("let {name}")),
            );
        }
        Some(
            error(
                codes::SINGLE_EQUALS,
                span,
                "`=` doesn't compare",
                "write `==`",
                "`==` says that two values are equal; `=` gives a name its value",
            )
            .instead(Some("==")),
        )
    }

    /// A quantifier without its `:`, a variable without its range.
    fn binder(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let before = self.before(at);
        let found = self.found(at);
        if expected.has(Rule::body_colon) && !expected.expression() && !matches!(self.word(Some(at)), ")" | "]" | "}") {
            let error = error(
                codes::MISSING_COLON,
                before,
                format!("expected `:` before the quantifier's statement, found {found}"),
                "expected `:` after this",
                "a quantifier reads `forall x in set: statement` or `forall x: Type where condition: statement`",
            );
            return Some(error.fix("add `:`", Span::new(before.end, before.end), ":"));
        }
        if !expected.has(Rule::kw_in) {
            return None;
        }
        let name = self.word(at.checked_sub(1));
        let typed = expected.has(Rule::colon);
        let help = if typed {
            format!("write `{name} in set` (a ball, a range, an enum) or `{name}: Type`")
        } else {
            format!("write `{name} in 0..10`, or `in` and a list or an enum")
        };
        let message = format!("expected `in` and what `{name}` ranges over, found {found}");
        Some(error(codes::MISSING_IN, before, message, "what does this range over?", help))
    }

    /// A network that ends in a statement.
    fn result(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        if self.word(self.piece.keyword) != "network" || at >= self.piece.last {
            return None;
        }
        match self.word(Some(at)) {
            ";" if expected.has(Rule::rbrace) && !expected.has(Rule::params_rule) => {
                Some(no_result(self.span(at), true))
            }
            "}" if expected.has(Rule::network_result) => Some(no_result(self.span(at), false)),
            _ => None,
        }
    }

    /// Brackets that don't match.
    fn bracket(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let found = self.word(Some(at));
        let inside = at < self.piece.last;
        let around = self.brackets.around(at);
        if let Some(open) = around
            && self.brackets.partner(open).is_none()
        {
            let opener = self.word(Some(open));
            let closer = closer_of(opener);
            let rule = match closer {
                ")" => Rule::rparen,
                "]" => Rule::rbracket,
                _ => Rule::rbrace,
            };
            if expected.has(rule) || !inside && !expected.expression() {
                let mut e = error(
                    codes::UNCLOSED,
                    if inside { self.span(at) } else { self.before(at) },
                    format!("this `{opener}` is never closed: expected `{closer}`, found {}", self.found(at)),
                    if inside {
                        format!("expected `{closer}` before this")
                    } else {
                        format!("expected `{closer}` after this")
                    },
                    format!("add the missing `{closer}`"),
                );
                e.secondary = Some((self.span(open), "the bracket that is open".to_owned()));
                let place = if inside { self.span(at).start } else { e.span.end };
                return Some(e.fix(format!("add `{closer}`"), Span::new(place, place), closer));
            }
        }
        if inside && matches!(found, ")" | "]" | "}") && self.brackets.partner(at).is_none() {
            let mut e = error(
                codes::STRAY_CLOSER,
                self.span(at),
                format!("this `{found}` closes nothing"),
                format!("there is no open `{}` for it", opener_of(found)),
                format!("remove it, or add the `{}` that it should close", opener_of(found)),
            )
            .fix(format!("remove `{found}`"), self.span(at), "");
            if let Some(open) = around {
                let opener = self.word(Some(open));
                e.message = format!("`{found}` can't close `{opener}`");
                e.label = format!("expected `{}`", closer_of(opener));
                e.secondary = Some((self.span(open), "opened here".to_owned()));
                e.help = Some(format!("close it with `{}`", closer_of(opener)));
                let span = e.span;
                e = e.fix(format!("write `{}`", closer_of(opener)), span, closer_of(opener));
            }
            return Some(e);
        }
        None
    }

    /// A statement without its `;`.
    fn semicolon(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let ends = expected.has(Rule::semi)
            && (at >= self.piece.last
                || matches!(self.word(Some(at)), "}" | "let")
                || self.token(at).is_some_and(|t| first_on_line(self.text, t.start)));
        let message = format!("expected `;` at the end of the statement, found {}", self.found(at));
        ends.then(|| {
            error(
                codes::MISSING_SEMICOLON,
                self.before(at),
                message,
                "expected `;` after this",
                "end the statement with `;`",
            )
            .fix("add `;`", Span::new(self.before(at).end, self.before(at).end), ";")
        })
    }

    fn plain(&self, at: usize, expected: &Expected) -> SyntaxError {
        let operand = self.token(at).is_some_and(|t| t.kind != Kind::Punctuation) && at < self.piece.last;
        let before = self.word(at.checked_sub(1));
        let alias = before == "=" && self.word(self.piece.keyword) == "type";
        let mut wanted = expected.list(operand && !is_keyword(self.word(Some(at))));
        if wanted == "a name" && (alias || matches!(before, ":" | "->" | "as")) {
            wanted = "a type".to_owned();
        }
        let found = self.found(at);
        let inside = at < self.piece.last;
        let help = if expected.has(Rule::optimize) {
            "a measure is `maximize e over x: T`, `minimize e over x: T` or `largest n in 0..10 such that p`"
        } else if expected.has(Rule::from_clause) && expected.has(Rule::semi) {
            "a field reads `name: Type from \"file\";`, with `tensor \"name\"`, `column \"name\"` or `raw` before the `;`"
        } else if expected.has(Rule::comma) && expected.has(Rule::rangle) && !expected.has(Rule::rparen) {
            "between `<` and `>` stand integers, names and their sums and products"
        } else {
            ""
        };
        let (span, label) = if inside {
            (self.span(at), format!("expected {wanted}"))
        } else {
            (self.before(at), format!("expected {wanted} after this"))
        };
        error(codes::EXPECTED, span, format!("expected {wanted}, found {found}"), label, help)
    }
}

/// The error of a network that ends in a statement.
pub fn no_result(span: Span, semicolon: bool) -> SyntaxError {
    let remove = semicolon.then_some(span);
    let help = if semicolon {
        "remove the `;` after the last expression: it is what the network computes"
    } else {
        "end the network with the expression that it computes, without `;`"
    };
    let label = if semicolon { "this `;` throws the result away" } else { "expected an expression before this" };
    let error = error(codes::NO_RESULT, span, "this network has no result", label, help);
    match remove {
        Some(span) => error.fix("remove the `;`", span, ""),
        None => error,
    }
}

/// The error of text that starts no item, from its first token on.
pub fn no_item(text: &str, scan: &Scan, first: usize, last: usize) -> SyntaxError {
    let Some(token) = scan.tokens.get(first).copied() else {
        return error(codes::NO_ITEM, Span::default(), "expected an item", "", "");
    };
    let word = token.text(text);
    let end = scan.tokens.get(last.saturating_sub(1)).map_or(token.end, |t| t.end).max(token.end);
    let line = text.get(token.start as usize..end as usize).and_then(|t| t.find(['\n', '\r']));
    let span = Span::new(token.start, line.map_or(end, |n| token.start + n as u32));
    let only = Span::new(token.start, token.end);
    let items = "an item begins with `use`, `type`, `enum`, `const`, `dataset`, `params`, `network`, `def`, `property` or `measure`";
    match (token.kind, word) {
        (Kind::Unknown, _) => unknown_character(text, only, word),
        (_, "/*" | "*/") => block_comment(text, only),
        (_, ";") => {
            error(codes::NO_ITEM, only, "this `;` ends nothing", "expected an item", "remove it: no `;` follows `}`")
                .fix("remove `;`", only, "")
        }
        (_, ")" | "]" | "}") => error(
            codes::STRAY_CLOSER,
            only,
            format!("this `{word}` closes nothing"),
            format!("there is no open `{}` for it", opener_of(word)),
            format!("remove it, or add the `{}` that it should close", opener_of(word)),
        )
        .fix(format!("remove `{word}`"), only, ""),
        (_, "#") => error(
            codes::NO_ITEM,
            span,
            "this attribute belongs to no item",
            "expected an item after this",
            "an attribute stands before the item that it is about",
        ),
        (_, "let") => error(
            codes::NO_ITEM,
            only,
            "there is no `let` between items",
            "expected an item",
            "write `const NAME = …;`",
        )
        .instead(Some("const")),
        (_, "import") => error(
            codes::NO_ITEM,
            only,
            "`import` starts no item",
            "expected an item",
            "write `use \"other.qnn\";` to use another spec; weights are read by `params`, samples by a `dataset`",
        )
        .instead(Some("use")),
        (Kind::Word, _) if foreign_help(word).is_some() => error(
            codes::FOREIGN,
            only,
            format!("there is no `{word}` in this language"),
            "a word of another language",
            foreign_help(word).unwrap_or_default(),
        )
        .instead(native(word)),
        (Kind::Word, _) if !is_keyword(word) => {
            let keyword = nearest(word, &ITEM_KEYWORDS);
            let help = keyword.map_or_else(|| items.to_owned(), |keyword| format!("did you mean `{keyword}`?"));
            let error =
                error(codes::NO_ITEM, span, format!("`{}` starts no item", shorten(word)), "expected an item", help);
            match keyword {
                Some(keyword) => error.fix(format!("write `{keyword}`"), only, keyword),
                None => error,
            }
        }
        _ => error(codes::NO_ITEM, span, "expected an item here", "this starts no item", items),
    }
}

/// The error of `/*` or `*/`.
fn block_comment(text: &str, span: Span) -> SyntaxError {
    let error = error(
        codes::BLOCK_COMMENT,
        span,
        "comments go to the end of their line; there are no block comments",
        "no comment begins or ends here",
        "begin each line of the comment with `//`",
    );
    let rest = text.get(span.start as usize..).unwrap_or_default();
    let Some((inside, after)) = rest.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) else { return error };
    let lines = inside.lines().map(|line| line.trim().trim_start_matches('*').trim());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(|line| format!("// {line}")).collect();
    // What follows on the line must not become a part of the comment.
    let end = if after.lines().next().is_some_and(|line| !line.trim().is_empty()) { "\n" } else { "" };
    let comment = Span::new(span.start, span.start + inside.len() as u32 + 4);
    error.fix("begin its lines with `//`", comment, lines.join("\n") + end)
}

fn unknown_character(text: &str, span: Span, written: &str) -> SyntaxError {
    let character = written.chars().next().unwrap_or(' ');
    let help = match character {
        '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '\'' | '`' => {
            "texts stand between straight double quotes: `\"…\"`"
        }
        '\u{A0}' | '\u{2000}'..='\u{200F}' | '\u{202F}' | '\u{2060}' | '\u{3000}' | '\u{FEFF}' => {
            "replace it by a plain space"
        }
        '–' | '—' | '−' | '‐' | '‑' => "write the plain hyphen `-` for minus",
        '×' | '·' | '∙' => "write `*`",
        '÷' => "write `/`",
        '≤' => "write `<=`",
        '≥' => "write `>=`",
        '≠' => "write `!=`",
        '∀' => "write `forall`",
        '∃' => "write `exists`",
        '∈' => "write `in`",
        '∧' => "write `and`",
        '∨' => "write `or`",
        '¬' => "write `not`",
        '⇒' | '→' => "write `=>` for «implies», `->` before a result's type",
        '…' => "write `..` for a range",
        '%' => "there is no remainder; `=>`, ranges and `where` often say the same",
        '^' => "there is no power operator; write the product",
        c if c.is_alphabetic() => "names consist of the letters a to z and A to Z, digits and `_`",
        _ => "other characters than ASCII stand in comments and texts alone",
    };
    let shown = match character {
        c if c.is_control() || c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{FEFF}') => {
            format!("U+{:04X}", c as u32)
        }
        c => format!("`{c}`"),
    };
    let instead = match character {
        '“' | '”' | '„' | '«' | '»' => Some("\""),
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => Some(" "),
        '–' | '—' | '−' | '‐' | '‑' => Some("-"),
        '×' | '·' | '∙' => Some("*"),
        '÷' => Some("/"),
        '≤' => Some("<="),
        '≥' => Some(">="),
        '≠' => Some("!="),
        '⇒' => Some("=>"),
        '∀' => Some("forall"),
        '∃' => Some("exists"),
        '∈' => Some("in"),
        '∧' => Some("and"),
        '∨' => Some("or"),
        '¬' => Some("not"),
        '…' => Some(".."),
        _ => None,
    };
    let error = error(
        codes::CHARACTER,
        span,
        format!("the character {shown} means nothing here"),
        "unexpected character",
        help,
    );
    // The token may hold more than the one character.
    let first = Span::new(span.start, span.start + character.len_utf8() as u32);
    match instead {
        Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            error.fix(format!("write `{word}`"), first, spaced(text, first, word))
        }
        Some(sign) => error.fix(format!("write `{sign}`"), first, sign),
        None => error,
    }
}

/// The error of a character at which an editor may end a line, or turn its direction, where the language does not.
pub fn deceptive_character(at: u32, character: char) -> SyntaxError {
    let span = Span::new(at, at + character.len_utf8() as u32);
    let code = format!("U+{:04X}", character as u32);
    let (what, help, fix) = match character {
        '\r' => (
            format!("a carriage return ({code}) without a line feed stands here"),
            "end lines with a line feed, or with a carriage return and a line feed",
            Some(("end the line with a line feed", "\n")),
        ),
        '\u{2028}' | '\u{2029}' => (
            format!("an invisible line separator ({code}) stands here"),
            "end lines with a line feed, or with a carriage return and a line feed",
            Some(("end the line with a line feed", "\n")),
        ),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => (
            format!("the invisible character {code} turns the direction of the text here"),
            "remove it: what a reader sees is not what is read",
            Some(("remove it", "")),
        ),
        _ => (format!("the control character {code} stands here"), "remove it", Some(("remove it", ""))),
    };
    let error = error(codes::CHARACTER, span, what, "an editor may show other lines than are read", help);
    match fix {
        Some((title, replacement)) => error.fix(title, span, replacement),
        None => error,
    }
}

/// A word in the place of a sign, with spaces where it would run into its neighbours.
fn spaced(text: &str, span: Span, word: &str) -> String {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = text.get(..span.start as usize).and_then(|t| t.chars().next_back());
    let after = text.get(span.end as usize..).and_then(|t| t.chars().next());
    let space = |there: bool| if there { " " } else { "" };
    format!("{}{word}{}", space(joins(before)), space(joins(after)))
}

/// The word here for a word of another language, where one alone takes its place.
fn native(word: &str) -> Option<&'static str> {
    Some(match word {
        "fn" | "func" | "function" | "fun" => "def",
        "implies" => "=>",
        "iff" => "==",
        "xor" => "!=",
        _ => return None,
    })
}

/// The keyword that a word is a misspelling of, if it is like one.
fn nearest(word: &str, keywords: &[&'static str]) -> Option<&'static str> {
    let (changes, keyword) = keywords.iter().map(|k| (distance(word, k), *k)).min()?;
    (changes <= 2 && changes * 3 <= word.len().max(3) && word.len() > 2).then_some(keyword)
}

/// What to write instead of a word of another language.
fn foreign_help(word: &str) -> Option<&'static str> {
    Some(match word {
        "fn" | "func" | "function" | "fun" => {
            "write `def name(x: T) -> U = …;` for a function, or `network` for a network"
        }
        "mut" | "var" => "names are never given another value: write `let name = …;`",
        "if" | "then" | "else" | "elif" | "match" | "switch" => {
            "there are no branches: write `condition => statement` in a property, `max`, `min` or `clamp` in a network"
        }
        "for" | "while" | "loop" | "foreach" => {
            "write `forall x in set: …` in a property; layers work on whole tensors"
        }
        "return" => "the last expression is the result: write it alone, without `;`",
        "struct" | "class" | "record" => "group a network's inputs in a tensor, with an `enum` as its axis",
        "implies" => "write `=>`",
        "iff" => "write `==`",
        "xor" => "write `!=`",
        "assert" | "require" | "ensure" => "write `property name = …;`",
        "pub" | "static" => "every item of a spec is public; leave it out",
        _ => return None,
    })
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(37).chain("…".chars()).collect() }
}

/// How many characters must change to make one word of another; words longer than any keyword are far from all.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 12 {
        return a.len();
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// What the grammar would have accepted.
struct Expected<'a> {
    rules: &'a [Rule],
    after: Option<&'static str>,
}

impl Expected<'_> {
    fn has(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    /// Whether an expression could begin.
    fn expression(&self) -> bool {
        self.rules.iter().any(|r| describe(*r) == Some("an expression"))
    }

    /// `` `,` or `)` ``; `operand` says that an operator may be missing.
    fn list(&self, operand: bool) -> String {
        let mut words: Vec<&str> = Vec::new();
        if operand && self.has(Rule::infix) {
            words.push("an operator");
        }
        for rule in self.rules {
            let word = if *rule == Rule::EOI { self.after } else { describe(*rule) };
            if let Some(word) = word
                && !words.contains(&word)
            {
                words.push(word);
            }
        }
        // What may always follow a name would only be noise.
        let noise: &[&str] = if self.expression() {
            &["a name", "`(`", "`[`"]
        } else if self.has(Rule::infix) {
            &["`=`", "`(`", "`[`"]
        } else if self.has(Rule::shape) || self.has(Rule::lbracket) {
            &["`[`", "`<`"]
        } else {
            &["`<`"]
        };
        if words.iter().any(|w| !noise.contains(w)) {
            words.retain(|w| !noise.contains(w));
        }
        words.sort_by_key(|w| *w == "`largest`");
        if words.is_empty() && self.has(Rule::infix) {
            words.push("an operator");
        }
        match words.as_slice() {
            [] => "something else".to_owned(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }
}

/// A rule in the reader's words; `None` for what may always follow and would only be noise.
fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::name | Rule::generic_names | Rule::field_name | Rule::binder | Rule::binders | Rule::enum_head => {
            "a name"
        }
        Rule::parameter => "a parameter `name: Type`",
        Rule::family_param => "a parameter `name in set`",
        Rule::string => "a text in double quotes",
        Rule::glob => "a tensor's name or pattern",
        Rule::attribute_argument => "an argument",
        Rule::expr
        | Rule::number
        | Rule::kw_true
        | Rule::kw_false
        | Rule::named
        | Rule::list
        | Rule::paren
        | Rule::negate
        | Rule::kw_not
        | Rule::quantifier
        | Rule::let_head
        | Rule::simple
        | Rule::simple_list
        | Rule::simple_paren
        | Rule::simple_named
        | Rule::argument
        | Rule::type_argument
        | Rule::nested_argument
        | Rule::index_item
        | Rule::network_result => "an expression",
        Rule::r#type => "a type",
        Rule::semi => "`;`",
        Rule::comma => "`,`",
        Rule::colon | Rule::body_colon => "`:`",
        Rule::eq => "`=`",
        Rule::arrow => "`->` and the type of the result",
        Rule::hash => "`#`",
        Rule::lparen | Rule::parameters | Rule::family | Rule::arguments => "`(`",
        Rule::rparen => "`)`",
        Rule::lbracket => "`[`",
        Rule::rbracket => "`]`",
        Rule::lbrace => "`{`",
        Rule::rbrace => "`}`",
        Rule::langle => "`<`",
        Rule::rangle => "`>`",
        Rule::kw_in => "`in`",
        Rule::kw_over => "`over`",
        Rule::kw_such => "`such that`",
        Rule::kw_that => "`that`",
        Rule::kw_forall => "`forall`",
        Rule::kw_exists => "`exists`",
        Rule::optimize => "`maximize`, `minimize`",
        Rule::kw_maximize => "`maximize`",
        Rule::kw_minimize => "`minimize`",
        Rule::largest | Rule::kw_largest => "`largest`",
        Rule::from_clause | Rule::kw_from => "`from`",
        Rule::tensor_clause => "`tensor`",
        Rule::column_clause => "`column`",
        Rule::variant => "a variant",
        Rule::dataset_field => "a field `name: Type from \"file\";`",
        Rule::params_rule => "a rule `pattern: Format;`",
        Rule::let_statement => "`let`",
        Rule::params_item => "`params`",
        _ => return None,
    })
}
