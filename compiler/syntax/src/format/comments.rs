//! Comments and empty lines: which are due before a part, and where they go.

use super::Formatter;
use crate::grammar::Rule;
use crate::lexer::{Comment, CommentKind};
use crate::pretty_printer::Doc;
use crate::split_items::first_on_line;
use pest::iterators::Pair;

impl<'a> Formatter<'a> {
    pub(super) fn next_comment(&mut self, before: u32) -> Option<Comment> {
        let comment = self.scan.comments.get(self.next_comment).copied().filter(|c| c.start < before)?;
        self.next_comment += 1;
        Some(comment)
    }

    fn comment_text(&self, comment: Comment) -> &'a str {
        self.text.get(comment.start as usize..comment.end as usize).unwrap_or("")
    }

    fn own_line(&self, comment: Comment) -> bool {
        first_on_line(self.text, comment.start)
    }

    /// The comments before a part within a statement, where a line may be broken.
    pub(super) fn before(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        self.comments(pair).0
    }

    /// The comments before a part that must not begin a line of itself: each on a line of its own.
    pub(super) fn before_tight(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        let start = self.base + pair.as_span().start() as u32;
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(start) {
            docs.push(Doc::OwnLine(self.comment_text(comment)));
            self.end = comment.end;
        }
        Doc::Sequence(docs)
    }

    /// The comments before the `;` of a statement: those that go behind it, and those that must not, as they would
    /// document the next item.
    pub(super) fn before_end(&mut self, pair: &Pair<'a, Rule>) -> (Doc<'a>, Doc<'a>) {
        let start = self.base + pair.as_span().start() as u32;
        let (mut inside, mut behind) = (Vec::new(), Vec::new());
        while let Some(comment) = self.next_comment(start) {
            let text = self.comment_text(comment);
            match comment.kind {
                CommentKind::Item => inside.push(Doc::OwnLine(text)),
                _ if self.own_line(comment) => behind.push(Doc::OwnLine(text)),
                _ => behind.push(Doc::LineEnd(text)),
            }
            self.end = comment.end;
        }
        (Doc::Sequence(inside), Doc::Sequence(behind))
    }

    /// The same as `before`, and whether there are any.
    pub(super) fn comments(&mut self, pair: &Pair<'a, Rule>) -> (Doc<'a>, bool) {
        let start = self.base + pair.as_span().start() as u32;
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(start) {
            let text = self.comment_text(comment);
            docs.push(if self.own_line(comment) { Doc::OwnLine(text) } else { Doc::LineEnd(text) });
            self.end = comment.end;
        }
        let any = !docs.is_empty();
        (Doc::Sequence(docs), any)
    }

    /// A line break, or an empty line where there was one since what was printed last.
    fn line_break(&mut self, start: u32) -> Doc<'a> {
        let between = self.text.get(self.end as usize..start as usize).unwrap_or("");
        let opened = std::mem::take(&mut self.opened);
        let blank = !opened && self.end > 0 && between.bytes().filter(|b| *b == b'\n').count() > 1;
        if blank { Doc::BlankLine } else { Doc::HardLine }
    }

    /// The comments up to a place, each on its line.
    pub(super) fn rest(&mut self, place: u32) -> Doc<'a> {
        let mut docs = Vec::new();
        while let Some(comment) = self.next_comment(place) {
            let text = self.comment_text(comment);
            if self.own_line(comment) || self.end == 0 {
                docs.push(self.line_break(comment.start));
                docs.push(Doc::Text(text));
                docs.push(Doc::HardLine);
            } else {
                docs.push(Doc::LineEnd(text));
            }
            self.end = comment.end;
        }
        Doc::Sequence(docs)
    }

    /// The comments and the line break before a statement or an item.
    pub(super) fn lead(&mut self, pair: &Pair<'a, Rule>) -> Doc<'a> {
        let start = self.base + pair.as_span().start() as u32;
        let comments = self.rest(start);
        Doc::Sequence(vec![comments, self.line_break(start)])
    }
}
