//! Tokens: the text cut into words, numbers, texts, punctuation and comments.
//!
//! In goes any text, out comes every token in order; scanning never fails. The grammar alone decides what is valid: tokens only
//! tell where items and statements begin, how deeply brackets nest, where comments stand, and what to say about the
//! place where the grammar gave up.

use std::borrow::Cow;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A digit and what follows it without a space, valid or not.
    Number,
    /// `"…"`, or what is there of it until the end of its line.
    Text {
        /// Whether the final quote is there.
        closed: bool,
    },
    /// One or more characters of punctuation.
    Punctuation,
    /// A character that means nothing in the language.
    Unknown,
}

/// A token; its text is `&text[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Which comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `// …`
    Plain,
    /// `/// …`: about the next item.
    Item,
    /// `//! …`: about the file.
    File,
}

/// A comment, without the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Which.
    pub kind: CommentKind,
    /// The first slash.
    pub start: u32,
    /// One past the last byte that is not white space.
    pub end: u32,
}

/// A scanned text.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// All tokens but comments.
    pub tokens: Vec<Token>,
    /// All comments.
    pub comments: Vec<Comment>,
}

/// Punctuation of several characters, longer ones before their prefixes.
const LONG: [&str; 16] =
    ["..=", "=>", "==", "!=", "<=", ">=", "->", "..", "&&", "||", "::", "**", "/*", "*/", ":=", "<>"];

/// Scans a text of less than 4 GiB.
pub fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut scan = Scan::default();
    // A byte order mark is no part of the text.
    let mut at = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let kind = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = line_end(bytes, at);
                let written = text[start..at].trim_end();
                let kind = if written.starts_with("//!") {
                    CommentKind::File
                } else if written.starts_with("///") && !written.starts_with("////") {
                    CommentKind::Item
                } else {
                    CommentKind::Plain
                };
                scan.comments.push(Comment { kind, start: start as u32, end: (start + written.len()) as u32 });
                continue;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                at = word_end(bytes, at);
                Kind::Word
            }
            b'0'..=b'9' => {
                let after_dot = scan.tokens.last().is_some_and(|t| t.end as usize == start && &text[t.range()] == ".");
                at = number_end(bytes, at, after_dot);
                Kind::Number
            }
            b'"' => {
                let (end, closed) = text_end(bytes, at);
                at = end;
                Kind::Text { closed }
            }
            _ if LONG.iter().any(|long| text[at..].starts_with(long)) => {
                at += LONG.iter().find(|long| text[at..].starts_with(**long)).map_or(1, |long| long.len());
                Kind::Punctuation
            }
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b',' | b';' | b':' | b'=' | b'.' | b'#' | b'+'
            | b'-' | b'*' | b'/' | b'!' | b'&' | b'|' | b'?' => {
                at += 1;
                Kind::Punctuation
            }
            _ => {
                let character = text[at..].chars().next().unwrap_or(' ');
                at += character.len_utf8();
                Kind::Unknown
            }
        };
        scan.tokens.push(Token { kind, start: start as u32, end: at as u32 });
    }
    scan
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').map_or(bytes.len(), |n| at + n)
}

/// A number is what a reader would take for one, malformed or not; after a dot (`net.0.weight`) it is digits alone.
fn number_end(bytes: &[u8], at: usize, after_dot: bool) -> usize {
    let mut end = word_end(bytes, at);
    if after_dot {
        return end;
    }
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = word_end(bytes, end + 1);
    }
    let exponent = matches!(bytes[end - 1], b'e' | b'E') && matches!(bytes.get(end), Some(b'+' | b'-'));
    if exponent && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = word_end(bytes, end + 1);
    }
    end
}

fn text_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return (at + 1, true),
            b'\n' | b'\r' => return (at, false),
            b'\\' if bytes.get(at + 1).is_some_and(|b| !matches!(b, b'\n' | b'\r')) => at += 2,
            _ => at += 1,
        }
    }
    (bytes.len(), false)
}

impl Token {
    /// Its bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Its text.
    pub fn text(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or("")
    }
}

impl Scan {
    /// The index of the first token that starts at or after an offset.
    pub fn token_at(&self, offset: u32) -> usize {
        self.tokens.partition_point(|t| t.start < offset)
    }

    /// The comments that stand between two offsets.
    pub fn comments_between(&self, from: u32, to: u32) -> &[Comment] {
        let first = self.comments.partition_point(|c| c.start < from);
        let last = self.comments.partition_point(|c| c.start < to);
        self.comments.get(first..last).unwrap_or(&[])
    }
}

/// The words that are not names.
pub const KEYWORDS: [&str; 32] = [
    "type", "enum", "const", "dataset", "network", "params", "let", "def", "property", "find", "measure", "forall",
    "exists", "where", "in", "and", "or", "not", "as", "use", "maximize", "minimize", "largest", "such", "that",
    "over", "from", "raw", "true", "false", "lsb", "import",
];

/// Whether a word is reserved.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// A name of a file as it follows a dot in a spec: as it is where it is a name of the language, else between quotes.
pub fn member_text(name: &str) -> Cow<'_, str> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let number = name.bytes().all(|b| b.is_ascii_digit());
    let plain = name.bytes().all(word) && (number || !name.starts_with(|c: char| c.is_ascii_digit()));
    if plain && !name.is_empty() && !is_keyword(name) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(quoted(name))
}

/// A tensor's name as the pattern of a rule: as it is where that is a bare pattern, else between quotes.
pub fn pattern_text(name: &str) -> Cow<'_, str> {
    let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if bare && !name.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(quoted(name)) }
}

fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        scan(text).tokens.iter().map(|t| t.text(text)).collect()
    }

    #[test]
    fn cuts_numbers_and_ranges() {
        assert_eq!(
            texts("0..100 1.5e-3 4. .5 m.0.1 10s 1..=2"),
            ["0", "..", "100", "1.5e-3", "4", ".", ".", "5", "m", ".", "0", ".", "1", "10s", "1", "..=", "2"]
        );
    }

    #[test]
    fn members_are_quoted_where_they_are_no_names() {
        for (name, written) in [
            ("weight", "weight"),
            ("0", "0"),
            ("in", "\"in\""),
            ("dense/kernel:0", "\"dense/kernel:0\""),
            ("3x3", "\"3x3\""),
            ("", "\"\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
        ] {
            assert_eq!(member_text(name), written);
        }
    }

    #[test]
    fn texts_end_with_their_line() {
        assert_eq!(texts("\"a\\\" b\" \"c\nd"), ["\"a\\\" b\"", "\"c", "d"]);
        assert_eq!(texts("\"a\\"), ["\"a\\"]);
    }

    #[test]
    fn knows_three_comments() {
        let kinds: Vec<_> = scan("//! f\n/// d\n//// p\n// p").comments.iter().map(|c| c.kind).collect();
        assert_eq!(kinds, [CommentKind::File, CommentKind::Item, CommentKind::Plain, CommentKind::Plain]);
    }
}
