//! The command `qnn`.
fn main() {}
