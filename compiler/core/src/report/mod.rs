//! Reports: what leaves the compiler in other people's formats.
//!
//! [`gather`] makes the report of a run, [`model`] is what it holds and its JSON, and each renderer is a function of that alone. What shows a single
//! thing (a diagnostic in a terminal, a picture, an obligation for another tool) has a file of its own.

mod chart;
pub mod checked;
pub mod diff;
mod english;
pub mod error_pages;
mod family_figures;
pub mod gather;
pub mod html;
pub mod image;
pub mod junit;
pub mod locate;
pub mod markdown;
pub mod model;
mod roles;
pub mod sarif;
pub mod sentences;
pub mod smtlib;
pub mod summary;
pub mod terminal;
pub mod terminal_picture;
pub mod vnnlib;
