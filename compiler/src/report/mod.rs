//! Reports: what leaves the compiler in other people's formats.

pub mod smtlib;
