//! What kind of place the cursor stands in, by the tokens before it.

use super::Completer;
use qnn_syntax::builtins::{Function, function};
use qnn_syntax::lexer::Token;
use qnn_syntax::split_items::ITEM_KEYWORDS;

impl<'a> Completer<'a> {
    /// The first token of the statement under the cursor.
    pub(super) fn statement(&self) -> usize {
        let boundary = |t: &Token| matches!(t.text(self.source), ";" | "{" | "}");
        self.before.iter().rposition(boundary).map_or(self.first, |at| at + 1)
    }

    /// The format whose angle brackets the cursor stands in, with the first word of each argument before the cursor's.
    pub(super) fn in_format(&self) -> Option<(&'a str, Vec<&'a str>)> {
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let mut at = self.before.len();
        let mut arguments = Vec::new();
        loop {
            at = at.checked_sub(1).filter(|at| *at > self.first)?;
            match word(at) {
                "<" => break,
                "," => arguments.push(word(at.checked_sub(1)?)),
                "+" | "-" | "*" | "=" => {}
                other => other.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some(())?,
            }
        }
        arguments.reverse();
        let head = word(at.checked_sub(1)?);
        matches!(head, "fixed" | "ufixed" | "int" | "uint" | "acc" | "class").then_some((head, arguments))
    }

    /// Whether the item under the cursor has ended before it.
    pub(super) fn ended(&self) -> bool {
        matches!(self.word(1), ";" | "}") && self.depth() == 0
    }

    /// How many brackets are open since the item's keyword.
    pub(super) fn depth(&self) -> usize {
        let tokens = self.before.get(self.first..).unwrap_or_default();
        tokens.iter().fold(0usize, |depth, t| match t.text(self.source) {
            "{" | "(" | "[" => depth + 1,
            "}" | ")" | "]" => depth.saturating_sub(1),
            _ => depth,
        })
    }

    pub(super) fn at_statement(&self) -> bool {
        matches!(self.word(1), ";" | "{" | "}")
    }

    /// The function whose next argument the cursor stands at: right after the comma of its call.
    pub(super) fn next_argument(&self) -> Option<&'static Function> {
        let (last, before) = self.before.split_last()?;
        if last.text(self.source) != "," {
            return None;
        }
        let mut depth = 0usize;
        for (at, token) in before.iter().enumerate().rev() {
            match token.text(self.source) {
                ")" | "]" | "}" => depth += 1,
                "(" if depth == 0 => return function(before.get(at.checked_sub(1)?)?.text(self.source)),
                "(" | "[" | "{" => depth = depth.checked_sub(1)?,
                ";" => return None,
                _ => {}
            }
        }
        None
    }

    /// Whether a new name is to be written here.
    pub(super) fn declares(&self) -> bool {
        let word = self.word(1);
        let named = word != "use" && ITEM_KEYWORDS.contains(&word);
        named || matches!(word, "let" | "forall" | "exists" | "largest")
    }

    pub(super) fn expects_type(&self) -> bool {
        self.types_at(1)
    }

    /// Whether a type follows the token that stands so far back: 1 is the last one.
    pub(super) fn types_at(&self, back: usize) -> bool {
        match self.word(back) {
            "as" | "->" => true,
            // `x: T` in parameters and binders; not the `:` that ends a quantifier's head.
            ":" => {
                let name = self.word(back + 2);
                matches!(name, "(" | "," | "forall" | "exists" | "over" | "let" | "{" | ";") || name == "<"
            }
            "<" => self.word(back + 1) == "affine",
            _ => false,
        }
    }

    /// The file of the `params` block that the cursor stands in.
    pub(super) fn in_params(&self) -> Option<String> {
        let open = self.before.iter().rposition(|t| matches!(t.text(self.source), "{" | "}"))?;
        if self.before.get(open)?.text(self.source) != "{" {
            return None;
        }
        let [params, _, _, file] = self.before.get(open.checked_sub(4)?..open)? else { return None };
        (params.text(self.source) == "params").then(|| file.text(self.source).trim_matches('"').to_owned())
    }
}
