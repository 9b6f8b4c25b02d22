//! Reports: what leaves the compiler in other people's formats.

pub mod picture;
pub mod smtlib;
pub mod terminal;
