//! Laying out: documents with alternatives in, text of at most so many columns out.
//!
//! After Wadler's "A prettier printer": a group is written on one line if it fits, and else each of its lines is
//! broken. Comments are part of a document: one at a line's end waits for that end, and forces it.

/// A document.
#[derive(Debug)]
pub enum Doc<'a> {
    /// Text without a line break.
    Text(&'a str),
    /// A space, or a line break.
    Line,
    /// Nothing, or a line break.
    SoftLine,
    /// A line break.
    HardLine,
    /// A line break and an empty line.
    BlankLine,
    /// Something only if the group around it is broken.
    IfBroken(&'a str),
    /// A comment at the end of the current line.
    LineEnd(&'a str),
    /// A comment on a line of its own.
    OwnLine(&'a str),
    /// One after the other.
    Sequence(Vec<Doc<'a>>),
    /// Its lines are indented one level more.
    Nest(Box<Doc<'a>>),
    /// On one line if it fits. The flag says that it can't be.
    Group(Box<Doc<'a>>, bool),
    /// As many on a line as fit.
    Fill(Vec<Doc<'a>>),
}

/// The columns of a line.
pub const COLUMNS: usize = 100;
/// The columns of a level.
const INDENT: usize = 4;

impl<'a> Doc<'a> {
    /// One after the other, indented.
    pub fn nest(docs: Vec<Doc<'a>>) -> Doc<'a> {
        Doc::Nest(Box::new(Doc::Sequence(docs)))
    }

    /// On one line if it fits.
    pub fn group(docs: Vec<Doc<'a>>) -> Doc<'a> {
        let doc = Doc::Sequence(docs);
        let broken = doc.must_break();
        Doc::Group(Box::new(doc), broken)
    }

    /// Nothing.
    pub fn nothing() -> Doc<'a> {
        Doc::Sequence(Vec::new())
    }

    fn must_break(&self) -> bool {
        match self {
            Doc::HardLine | Doc::BlankLine | Doc::LineEnd(_) | Doc::OwnLine(_) => true,
            Doc::Sequence(docs) | Doc::Fill(docs) => docs.iter().any(Doc::must_break),
            Doc::Nest(doc) => doc.must_break(),
            Doc::Group(_, broken) => *broken,
            _ => false,
        }
    }
}

/// White space that is written when something follows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Nothing,
    Space,
    Newline,
    Blank,
}

struct Writer<'a> {
    out: String,
    column: usize,
    gap: Gap,
    indent: usize,
    line_end: Vec<&'a str>,
    /// How many lines are ended, and how far the current one is indented.
    line: usize,
    line_indent: usize,
    ends: Vec<LineEnd>,
}

/// A comment at a line's end, to be aligned with those of the lines before and after.
struct LineEnd {
    /// The byte of the output before which it is moved to the right.
    at: usize,
    line: usize,
    indent: usize,
    column: usize,
}

impl<'a> Writer<'a> {
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match std::mem::replace(&mut self.gap, Gap::Nothing) {
            Gap::Nothing => {}
            Gap::Space => self.push(" "),
            gap => self.end_line(gap == Gap::Blank),
        }
        self.push(text);
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    fn end_line(&mut self, blank: bool) {
        if !self.line_end.is_empty() && !self.out.is_empty() {
            let (at, line, indent, column) = (self.out.len(), self.line, self.line_indent, self.column);
            self.ends.push(LineEnd { at, line, indent, column });
        }
        for comment in std::mem::take(&mut self.line_end) {
            if !self.out.is_empty() {
                self.out.push(' ');
            }
            self.out.push_str(comment);
        }
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.line += if blank { 2 } else { 1 };
        }
        self.column = self.indent;
        self.line_indent = self.indent;
    }

    /// The text, with the comments at the ends of adjacent lines one below the other.
    fn finish(self) -> String {
        let mut out = String::with_capacity(self.out.len());
        let mut written = 0;
        for run in self.ends.chunk_by(|a, b| a.line + 1 == b.line && a.indent == b.indent) {
            let column = run.iter().map(|end| end.column).max().unwrap_or(0);
            for end in run {
                out.push_str(self.out.get(written..end.at).unwrap_or(""));
                out.extend(std::iter::repeat_n(' ', column - end.column));
                written = end.at;
            }
        }
        out.push_str(self.out.get(written..).unwrap_or(""));
        out
    }

    fn gap(&mut self, gap: Gap, indent: usize) {
        self.gap = self.gap.max(gap);
        if gap >= Gap::Newline {
            self.indent = indent;
        }
    }
}

type Command<'d, 'a> = (usize, bool, &'d Doc<'a>);

/// Writes a document.
pub fn write(doc: &Doc) -> String {
    let mut writer = Writer {
        out: String::new(),
        column: 0,
        gap: Gap::Nothing,
        indent: 0,
        line_end: Vec::new(),
        line: 0,
        line_indent: 0,
        ends: Vec::new(),
    };
    let mut stack: Vec<Command> = vec![(0, true, doc)];
    while let Some((indent, broken, doc)) = stack.pop() {
        match doc {
            Doc::Text(text) => writer.text(text),
            Doc::Line if broken => writer.gap(Gap::Newline, indent),
            Doc::Line => writer.gap(Gap::Space, indent),
            Doc::SoftLine if broken => writer.gap(Gap::Newline, indent),
            Doc::SoftLine => {}
            Doc::HardLine => writer.gap(Gap::Newline, indent),
            Doc::BlankLine => writer.gap(Gap::Blank, indent),
            Doc::IfBroken(text) if broken => writer.text(text),
            Doc::IfBroken(_) => {}
            Doc::LineEnd(comment) => writer.line_end.push(comment),
            Doc::OwnLine(comment) => {
                writer.gap(Gap::Newline, indent);
                writer.text(comment);
                writer.gap(Gap::Newline, indent);
            }
            Doc::Sequence(docs) => stack.extend(docs.iter().rev().map(|d| (indent, broken, d))),
            Doc::Nest(doc) => stack.push((indent + INDENT, broken, doc)),
            Doc::Group(doc, forced) => {
                let broken = *forced || !fits(&writer, &stack, &[(indent, false, doc)]);
                stack.push((indent, broken, doc));
            }
            Doc::Fill(docs) => {
                // Each is written once it is known whether it fits on the line behind the one before it.
                let Some((first, rest)) = docs.split_first() else { continue };
                fill(&mut writer, indent, first, true);
                for doc in rest {
                    fill(&mut writer, indent, doc, false);
                }
            }
        }
    }
    writer.gap(Gap::Newline, 0);
    if !writer.out.is_empty() || !writer.line_end.is_empty() {
        writer.end_line(false);
    }
    writer.finish()
}

/// Writes a flat document on the line if it fits there, with room for a comma or bracket after it.
fn fill(writer: &mut Writer, indent: usize, doc: &Doc, first: bool) {
    let mut texts = Vec::new();
    flat(doc, &mut texts);
    let width: usize = texts.iter().map(|t| t.chars().count()).sum();
    if !first {
        let fits = writer.column + width < COLUMNS;
        writer.gap(if fits { Gap::Space } else { Gap::Newline }, indent);
    }
    for text in texts {
        writer.text(text);
    }
}

fn flat<'a>(doc: &Doc<'a>, texts: &mut Vec<&'a str>) {
    match doc {
        Doc::Text(text) => texts.push(text),
        Doc::Sequence(docs) => docs.iter().for_each(|d| flat(d, texts)),
        Doc::Nest(doc) | Doc::Group(doc, _) => flat(doc, texts),
        _ => {}
    }
}

/// Whether what is to come fits on the line, up to the first place where the line may end.
fn fits(writer: &Writer, rest: &[Command], first: &[Command]) -> bool {
    let gap = match writer.gap {
        Gap::Nothing => writer.column,
        Gap::Space => writer.column + 1,
        _ => writer.indent,
    };
    let Some(mut room) = COLUMNS.checked_sub(gap) else { return false };
    let mut stack: Vec<Command> = first.to_vec();
    let mut rest = rest.iter().rev();
    loop {
        let Some((indent, broken, doc)) = stack.pop().or_else(|| rest.next().copied()) else { return true };
        let width = match doc {
            Doc::Text(text) => text.chars().count(),
            Doc::Line | Doc::SoftLine if broken => return true,
            Doc::Line => 1,
            Doc::HardLine | Doc::BlankLine | Doc::OwnLine(_) => return true,
            Doc::IfBroken(text) if broken => text.len(),
            Doc::SoftLine | Doc::IfBroken(_) | Doc::LineEnd(_) => 0,
            Doc::Sequence(docs) => {
                stack.extend(docs.iter().rev().map(|d| (indent, broken, d)));
                0
            }
            Doc::Fill(docs) => {
                for (i, doc) in docs.iter().enumerate().rev() {
                    stack.push((indent, broken, doc));
                    if i > 0 {
                        stack.push((indent, false, &Doc::Line));
                    }
                }
                0
            }
            Doc::Nest(doc) => {
                stack.push((indent, broken, doc));
                0
            }
            Doc::Group(doc, _) => {
                // A group that is still to come may break: only what is before its first line must fit.
                stack.push((indent, broken, doc));
                0
            }
        };
        match room.checked_sub(width) {
            Some(left) => room = left,
            None => return false,
        }
    }
}
