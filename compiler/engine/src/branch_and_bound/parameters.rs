//! The parameters of the search, each with its reason.

use std::time::Duration;

/// The bound must be this much below zero before integers are asked.
pub(super) const MARGIN: f64 = 1e-6;
/// Steps of the solver for one node.
pub(super) const LIMIT: u64 = 2000;
/// Every so many branches the primal point is where an attack starts.
pub(super) const ATTACKED: u64 = 8;
/// Atoms with more terms than this are left to the relaxation.
pub(super) const FEW_TERMS: usize = 64;
/// How often atoms are looked at anew because others narrowed the inputs.
pub(super) const ROUNDS: usize = 8;
/// Inputs with at most so many bits together are few.
pub(super) const FEW_BITS: f64 = 24.0;
/// So many branches are taken below the best one, the deepest first, before what is left there is compared with the others: one branch is a few steps
/// of the solver from the last, and a point that answers the question is often near one that nearly does.
pub(super) const PLUNGE: u64 = 100;
/// The solver's sums for one of repairs, which start at primal points.
pub(super) const REPAIRED: u64 = 2;
/// In deep networks repairs hit while the bound of some open branch exceeds what closes it by most of an output's step: by this share of it. After that …
pub(super) const ROOM: f64 = 0.8;
/// … a proof is near, and the solver's sums count for repairs so many times less.
pub(super) const WITHOUT_ROOM: u64 = 8;
/// The first repair is as late as if there had been one with so many sums before.
pub(super) const FIRST_REPAIR: u64 = 1 << 20;
/// So often a repair goes by what the relaxation says that columns are worth, else by lines through the staircases; in deep networks …
pub(super) const BY_PRICES: f64 = 0.5;
/// … less often.
pub(super) const BY_PRICES_DEEP: f64 = 0.3;
/// In deep networks the points of a turn's first repairs, where there is most room, are where half of the later ones start again.
pub(super) const FIRST_POINTS: usize = 32;
/// Branches that only inputs are left to split in are worth this much work, in sums, before it is compared with the solver's.
pub(super) const REALIZED: u64 = 1 << 29;
/// A search that takes longer than this asks others for a core …
pub(super) const LONG: Duration = Duration::from_millis(50);
/// … in its last moments, so that nobody waits for it longer than this.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// A search that has spent more than what is left to it, divided by this, is long enough to wait for another that asks for its core.
pub(super) const PATIENT: u32 = 10;
/// The steps of the solver for an expression's bound in a branch: most of what there is to gain, at a third of the price.
pub(super) const TIGHTENING: u64 = 12;
/// A range that gets narrower by less than this share is not worth a step of the proof.
pub(super) const NARROWER: f64 = 0.03;
/// A result that is nearer than this to its staircase has no gap for a narrower range to close.
pub(super) const GAP: f64 = 1e-3;
/// About how many bytes a node of the proof takes, without its step's multipliers.
pub(super) const NODE: usize = 160;
/// The default for the memory of open branches, in bytes.
pub const MEMORY: u64 = 1 << 30;
