//! The stable codes of syntax errors; each has a page in `docs/errors/`.

/// Something else was expected here.
pub const EXPECTED: &str = "E0101";
/// A character that means nothing in the language: a curly quote, an invisible space, `%`.
pub const CHARACTER: &str = "E0102";
/// A text in quotes does not end on its line.
pub const UNCLOSED_TEXT: &str = "E0103";
/// `\x` in a text, for an x that has no meaning there.
pub const ESCAPE: &str = "E0104";
/// A number that is written wrongly: `.5`, `3lsb`, `0x10`.
pub const NUMBER: &str = "E0105";
/// A number with too many digits or too large an exponent.
pub const HUGE_NUMBER: &str = "E0106";
/// A bracket that is never closed.
pub const UNCLOSED: &str = "E0107";
/// A closing bracket that closes nothing, or something else.
pub const STRAY_CLOSER: &str = "E0108";
/// Expressions nested too deeply.
pub const TOO_DEEP: &str = "E0109";
/// A file too large to be a spec.
pub const TOO_LARGE: &str = "E0110";
/// A word of the language used as a name.
pub const RESERVED: &str = "E0111";
/// A statement without its final `;`.
pub const MISSING_SEMICOLON: &str = "E0112";
/// A quantifier without the `:` before its statement.
pub const MISSING_COLON: &str = "E0113";
/// A variable that doesn't say what it ranges over.
pub const MISSING_IN: &str = "E0114";
/// `a < b < c`, `a..b..c`.
pub const CHAINED: &str = "E0115";
/// `=` where `==` is meant.
pub const SINGLE_EQUALS: &str = "E0116";
/// `&&`, `||`, `!` for `and`, `or`, `not`.
pub const SYMBOL_LOGIC: &str = "E0117";
/// A construct of another language: `fn`, `let mut`, `if`.
pub const FOREIGN: &str = "E0118";
/// A quantifier, `let` or `not` as an operand that must be in parentheses.
pub const NEEDS_PARENTHESES: &str = "E0119";
/// Text between items that starts no item.
pub const NO_ITEM: &str = "E0120";
/// A network that does not end in an expression.
pub const NO_RESULT: &str = "E0121";
/// A clause that is given twice, or a field without its file.
pub const CLAUSE: &str = "E0122";
/// `/* … */`.
pub const BLOCK_COMMENT: &str = "E0123";
