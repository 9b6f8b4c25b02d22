//! Words that other languages have, misspelt keywords, and reserved words in the place of names.

use super::context::{Context, error, shorten};
use super::expected::Expected;
use crate::SyntaxError;
use crate::error_codes;
use crate::grammar::Rule;
use crate::lexer::{Kind, is_keyword};

impl Context<'_> {
    /// Constructs of other languages.
    pub(super) fn foreign(&self, at: usize) -> Option<SyntaxError> {
        let found = self.word(Some(at));
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
            error_codes::FOREIGN,
            self.span(at),
            format!("there is no `{word}` in this language"),
            "a word of another language",
            foreign_help(word).unwrap_or_default(),
        )
        .instead(native(word))
    }

    /// A keyword with a slip in it: one that could stand here, or one that would have begun what stands here.
    pub(super) fn misspelt(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
        let near = |at: usize, keywords: &[&'static str]| {
            let token =
                self.token(at).filter(|t| t.kind == Kind::Word && at < self.piece.last && at >= self.piece.first)?;
            let word = token.text(self.text);
            let keyword = nearest(word, keywords).filter(|_| !is_keyword(word))?;
            let span = self.span(at);
            let message = format!("`{}` means nothing here", shorten(word));
            Some(
                error(
                    error_codes::EXPECTED,
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
            (Rule::within, "within"),
            (Rule::kw_from, "from"),
            (Rule::kw_maximize, "maximize"),
            (Rule::kw_minimize, "minimize"),
            (Rule::kw_largest, "largest"),
            (Rule::optimize, "maximize"),
            (Rule::optimize, "minimize"),
            (Rule::largest, "largest"),
            (Rule::share, "share"),
            (Rule::average, "average"),
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
    pub(super) fn misplaced_word(&self, at: usize, expected: &Expected) -> Option<SyntaxError> {
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
            error_codes::RESERVED,
            self.span(at),
            format!("`{word}` is a word of the language and can't be a name"),
            "reserved",
            if self.word(self.piece.keyword) == "find" && matches!(word, "exists" | "forall") {
                "a search has no quantifier before its variables: `find name = x: Type such that statement`".to_owned()
            } else if expected.has(Rule::field_name) {
                format!("a name of a file stands between quotes: `.\"{word}\"`")
            } else {
                format!("choose another name, such as `{word}_` or `my_{word}`")
            },
        ))
    }
}

/// What to write instead of a word of another language.
pub(super) fn foreign_help(word: &str) -> Option<&'static str> {
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

/// The word here for a word of another language, where one alone takes its place.
pub(super) fn native(word: &str) -> Option<&'static str> {
    Some(match word {
        "fn" | "func" | "function" | "fun" => "def",
        "implies" => "=>",
        "iff" => "==",
        "xor" => "!=",
        _ => return None,
    })
}

/// The keyword that a word is a misspelling of, if it is like one.
pub(super) fn nearest(word: &str, keywords: &[&'static str]) -> Option<&'static str> {
    let (changes, keyword) = keywords.iter().map(|k| (distance(word, k), *k)).min()?;
    (changes <= 2 && changes * 3 <= word.len().max(3) && word.len() > 2).then_some(keyword)
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
