//! Text between items that starts none.

use super::brackets::opener_of;
use super::character::{block_comment, unknown_character};
use super::context::{error, shorten};
use super::word::{foreign_help, native, nearest};
use crate::SyntaxError;
use crate::ast::Span;
use crate::error_codes;
use crate::lexer::{Kind, Scan, is_keyword};
use crate::split_items::ITEM_KEYWORDS;

/// The error of text that starts no item, from its first token on.
pub fn no_item(text: &str, scan: &Scan, first: usize, last: usize) -> SyntaxError {
    let Some(token) = scan.tokens.get(first).copied() else {
        return error(error_codes::NO_ITEM, Span::default(), "expected an item", "", "");
    };
    let word = token.text(text);
    let end = scan.tokens.get(last.saturating_sub(1)).map_or(token.end, |t| t.end).max(token.end);
    let line = text.get(token.start as usize..end as usize).and_then(|t| t.find(['\n', '\r']));
    let span = Span::new(token.start, line.map_or(end, |n| token.start + n as u32));
    let only = Span::new(token.start, token.end);
    let items = item_keywords();
    match (token.kind, word) {
        (Kind::Unknown, _) => unknown_character(text, only, word),
        (_, "/*" | "*/") => block_comment(text, only),
        (_, ";") => error(
            error_codes::NO_ITEM,
            only,
            "this `;` ends nothing",
            "expected an item",
            "remove it: no `;` follows `}`",
        )
        .fix("remove `;`", only, ""),
        (_, ")" | "]" | "}") => error(
            error_codes::STRAY_CLOSER,
            only,
            format!("this `{word}` closes nothing"),
            format!("there is no open `{}` for it", opener_of(word)),
            format!("remove it, or add the `{}` that it should close", opener_of(word)),
        )
        .fix(format!("remove `{word}`"), only, ""),
        (_, "#") => error(
            error_codes::NO_ITEM,
            span,
            "this attribute belongs to no item",
            "expected an item after this",
            "an attribute stands before the item that it is about",
        ),
        (_, "let") => error(
            error_codes::NO_ITEM,
            only,
            "there is no `let` between items",
            "expected an item",
            "write `const NAME = …;`",
        )
        .instead(Some("const")),
        (_, "import") => error(
            error_codes::NO_ITEM,
            only,
            "`import` starts no item",
            "expected an item",
            "write `use \"other.qnn\";` to use another spec, and `network name = import \"model.tflite\" { kernel = … };` for a model",
        )
        .instead(Some("use")),
        (Kind::Word, _) if foreign_help(word).is_some() => error(
            error_codes::FOREIGN,
            only,
            format!("there is no `{word}` in this language"),
            "a word of another language",
            foreign_help(word).unwrap_or_default(),
        )
        .instead(native(word)),
        (Kind::Word, _) if !is_keyword(word) => {
            let keyword = nearest(word, &ITEM_KEYWORDS);
            let help = keyword.map_or_else(|| items.clone(), |keyword| format!("did you mean `{keyword}`?"));
            let error = error(
                error_codes::NO_ITEM,
                span,
                format!("`{}` starts no item", shorten(word)),
                "expected an item",
                help,
            );
            match keyword {
                Some(keyword) => error.fix(format!("write `{keyword}`"), only, keyword),
                None => error,
            }
        }
        _ => error(error_codes::NO_ITEM, span, "expected an item here", "this starts no item", items),
    }
}

/// What an item begins with.
fn item_keywords() -> String {
    let [first @ .., last] = ITEM_KEYWORDS.map(|keyword| format!("`{keyword}`"));
    format!("an item begins with {} or {last}", first.join(", "))
}
