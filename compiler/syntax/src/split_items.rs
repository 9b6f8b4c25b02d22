//! A file cut into items, by tokens alone, so that one broken item never hides the others.
//!
//! The words that start items are reserved and stand nowhere else (but `params`, which also stands in networks), so
//! each of them starts an item, whatever brackets the text before it has left open.

use super::lexer::{CommentKind, Scan, Token, is_keyword};

/// The words that start an item.
pub const ITEM_KEYWORDS: [&str; 11] =
    ["use", "type", "enum", "const", "dataset", "params", "network", "def", "property", "find", "measure"];

/// A piece of a file: an item as far as its tokens tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first byte: of its `///` comments, its attributes or its keyword.
    pub start: u32,
    /// Its first token.
    pub first: usize,
    /// Its keyword's token; `None` for text that belongs to no item.
    pub keyword: Option<usize>,
    /// One past its last token.
    pub last: usize,
}

/// Cuts a text. The pieces are in order, and every token is in exactly one.
pub fn split(text: &str, scan: &Scan) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut depth = 0usize;
    // The first token of the attributes that precede the next item.
    let mut prefix = None;
    // Looking ahead for a block's end costs at most as many steps as there are tokens, all in all.
    let mut budget = scan.tokens.len() * 2;
    let mut at = 0;
    while let Some(token) = scan.tokens.get(at) {
        let written = token.text(text);
        if written == "#" {
            prefix.get_or_insert(at);
            at = after_attribute(text, scan, at);
            continue;
        }
        let starts = if written == "params" {
            depth == 0 || at_line_start(text, *token) && !closes(text, scan, at, &mut budget)
        } else {
            ITEM_KEYWORDS.contains(&written)
        };
        if starts && starts_item(text, scan, at, depth) {
            let first = prefix.take().unwrap_or(at);
            begin(text, scan, &mut pieces, first, Some(at));
            depth = 0;
        } else {
            prefix = None;
            if pieces.is_empty() {
                begin(text, scan, &mut pieces, 0, None);
            }
        }
        match written {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    if let Some(first) = prefix {
        begin(text, scan, &mut pieces, first, None);
    }
    if let Some(piece) = pieces.last_mut() {
        piece.last = scan.tokens.len();
    }
    pieces
}

fn begin(text: &str, scan: &Scan, pieces: &mut Vec<Piece>, first: usize, keyword: Option<usize>) {
    if let Some(previous) = pieces.last_mut() {
        previous.last = first;
    }
    let from = first.checked_sub(1).and_then(|i| scan.tokens.get(i)).map_or(0, |t| t.end);
    let token = scan.tokens.get(first).map_or(from, |t| t.start);
    // A comment behind the last item's end, on its line, is about that item.
    let comments = scan.comments_between(from, token).iter();
    let mut docs = comments.filter(|c| c.kind == CommentKind::Item && (from == 0 || first_on_line(text, c.start)));
    let start = docs.next().filter(|_| keyword.is_some()).map_or(token, |c| c.start);
    pieces.push(Piece { start, first, keyword, last: first });
}

/// The token after `#[…]`, or after as much of it as is there.
fn after_attribute(text: &str, scan: &Scan, hash: usize) -> usize {
    let mut depth = 0;
    for (at, token) in scan.tokens.iter().enumerate().skip(hash + 1) {
        match token.text(text) {
            "[" | "(" => depth += 1,
            "]" | ")" if depth <= 1 => return at + 1,
            "]" | ")" => depth -= 1,
            "#" | ";" | "{" | "}" => return at,
            word if depth == 0 || ITEM_KEYWORDS.contains(&word) => return at,
            _ => {}
        }
    }
    scan.tokens.len()
}

/// Whether a word that can start an item does so here, and is no reserved word in the place of a name.
fn starts_item(text: &str, scan: &Scan, at: usize, depth: usize) -> bool {
    let word = |i: Option<usize>| i.and_then(|i| scan.tokens.get(i)).map_or("", |t| t.text(text));
    let (before, after) = (word(at.checked_sub(1)), word(Some(at + 1)));
    let begins_line = scan.tokens.get(at).is_some_and(|t| first_on_line(text, t.start));
    let names = matches!(before, "." | "let" | "forall" | "exists") || ITEM_KEYWORDS.contains(&before);
    if names && (!begins_line || after.starts_with(['=', '(', '<', '{'])) {
        return false;
    }
    if matches!(before, "" | ";" | "}" | "]") || begins_line {
        return depth == 0 && before != "]"
            || !matches!(after, "," | ":" | "=" | ")" | "]" | "}" | ".")
            || after.is_empty();
    }
    after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !is_keyword(after)
        || word(Some(at)) == "use" && after.starts_with('"')
}

/// Whether only white space stands before a place on its line.
pub fn first_on_line(text: &str, place: u32) -> bool {
    let before = text.get(..place as usize).unwrap_or("");
    before.bytes().rev().find(|b| !matches!(b, b' ' | b'\t' | b'\r')).is_none_or(|b| b == b'\n')
}

fn at_line_start(text: &str, token: Token) -> bool {
    token.start == 0 || text.as_bytes().get(token.start as usize - 1) == Some(&b'\n')
}

/// Whether the block around a token is closed before the next item starts: then `params` is a part of a network.
fn closes(text: &str, scan: &Scan, at: usize, budget: &mut usize) -> bool {
    let mut depth = 0usize;
    for (i, token) in scan.tokens.iter().enumerate().skip(at) {
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return true;
        }
        match token.text(text) {
            "{" => depth += 1,
            "}" if depth == 0 => return true,
            "}" => depth -= 1,
            "params" => {}
            word if ITEM_KEYWORDS.contains(&word) && starts_item(text, scan, i, 1) => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::lexer::scan;
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        let scan = scan(text);
        let pieces = split(text, &scan);
        pieces
            .iter()
            .map(|p| {
                let end = scan.tokens[p.last - 1].end as usize;
                let kind = p.keyword.map_or("-", |k| scan.tokens[k].text(text));
                format!("{kind}: {}", &text[p.start as usize..end])
            })
            .collect()
    }

    #[test]
    fn open_brackets_do_not_swallow_the_next_item() {
        assert_eq!(
            pieces("network f(x: T) -> R { let a = (b; \n/// doc\n#[engine(smt)]\nproperty p = true;"),
            ["network: network f(x: T) -> R { let a = (b;", "property: /// doc\n#[engine(smt)]\nproperty p = true;"]
        );
    }

    #[test]
    fn a_reserved_word_as_a_name_starts_no_item() {
        assert_eq!(
            pieces("enum E {\n  type,\n  use\n}\nconst a = type + x.def;"),
            ["enum: enum E {\n  type,\n  use\n}", "const: const a = type + x.def;"]
        );
    }

    #[test]
    fn params_belong_to_their_network() {
        let inner = "network f() -> R {\nparams p = \"f\" { }\nx }";
        assert_eq!(pieces(inner), [format!("network: {inner}")]);
        assert_eq!(pieces("network f() -> R {\nx\nparams p = \"f\" { }\ndef g() -> T = 1;").len(), 3);
    }

    #[test]
    fn text_before_the_first_item_is_a_piece_of_its_own() {
        assert_eq!(pieces("oops\ntype A = B; #[x]"), ["-: oops", "type: type A = B;", "-: #[x]"]);
    }
}
