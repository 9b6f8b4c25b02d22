//! The grammar of qnn for tree-sitter.
//!
//! `grammar.js` is the source; `cargo run -p tree-sitter-qnn --example generate` makes `src/` of it. Knows nothing of the compiler: only the tests compare the two.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_qnn() -> *const ();
}

/// The language.
// SAFETY: the generated parser defines this function, and it returns a language.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_qnn) };

/// What is highlighted, for Neovim, Helix and Zed.
pub const HIGHLIGHTS: &str = include_str!("queries/highlights.scm");
