//! The brackets of a broken item, paired as well as can be.

use crate::lexer::Scan;
use crate::split_items::Piece;

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
    pub(super) fn around(&self, token: usize) -> Option<usize> {
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

pub(super) fn opener_of(closer: &str) -> &'static str {
    match closer {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}
