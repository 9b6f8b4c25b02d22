//! The language server of qnn.
fn main() {}
