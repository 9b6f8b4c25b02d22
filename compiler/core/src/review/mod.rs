//! Review: proof files, and checking what they say without any engine.
//!
//! In: results with their evidence, or a proof file and the spec that it speaks of. Out: a proof file; or, for each statement, what it
//! rests on once everything was checked here. Invariants: no engine runs: obligations are derived anew from the spec, counterexamples go through the
//! reference interpreter, certificates through `proof::check`. What a file says is believed for nothing but which verdict is claimed; no
//! file makes this room panic, or take memory without a limit.

pub mod claim;
pub mod file;
mod over_indices;
pub mod recheck;

pub use claim::{CheckedRecord, ClaimStanding, Gap, Refusal};
pub use file::{Header, Limits, Reader, Record, brief, write};
pub use recheck::{Subject, review};

#[cfg(test)]
mod tests {
    /// Whoever checks knows no engine: the sources of the checking rooms don't mention one.
    #[test]
    fn checking_needs_no_engine() {
        let sources = [
            include_str!("claim.rs"),
            include_str!("file.rs"),
            include_str!("over_indices.rs"),
            include_str!("recheck.rs"),
        ];
        for source in sources {
            assert!(!source.contains("engine::") && !source.contains("verify::run"));
        }
    }
}
