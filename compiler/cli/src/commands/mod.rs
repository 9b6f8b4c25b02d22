//! The subcommands, a file each: arguments in, text and an exit code out.

pub mod bundle;
pub mod cache;
pub mod check;
pub mod check_proof;
pub mod completions;
pub mod diff;
pub mod eval;
pub mod explain;
pub mod export;
pub mod fmt;
pub mod import;
pub mod new;
pub mod report;
pub mod show;
pub mod solve;
pub mod verify;
