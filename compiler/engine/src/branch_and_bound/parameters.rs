//! The parameters of the search, each with its reason.

use std::time::Duration;

/// The float bound must be this much below zero before the exact bound is computed.
pub(super) const MARGIN: f64 = 1e-6;
/// Steps of the solver for one node.
pub(super) const LIMIT: u64 = 2000;
/// An attack starts at the primal point of every node whose number is a multiple of this.
pub(super) const ATTACKED: u64 = 8;
/// Atoms with more terms than this are left to the relaxation.
pub(super) const FEW_TERMS: usize = 64;
/// The rounds of propagation over all atoms.
pub(super) const ROUNDS: usize = 8;
/// Inputs with at most this many bits together are branched on first.
pub(super) const FEW_BITS: f64 = 24.0;
/// A worker takes this many nodes below the best one, the deepest first, before it returns the others to the queue: a child is a few steps of the
/// solver from its parent, and answers are often near points that miss by little.
pub(super) const PLUNGE: u64 = 100;
/// Repairs, which start at primal points, get one sum for this many of the solver's.
pub(super) const REPAIRED: u64 = 2;
/// In deep networks repairs succeed while some open node's bound is above what closes it by this share of an output's step. After that …
pub(super) const ROOM: f64 = 0.8;
/// … a proof is near, and repairs get this many times less work.
pub(super) const WITHOUT_ROOM: u64 = 8;
/// Added to the sums of repairs, so that the first one is not too early.
pub(super) const FIRST_REPAIR: u64 = 1 << 20;
/// The share of repairs that weight columns by reduced costs, the others by lines through the step tables; in deep networks …
pub(super) const BY_PRICES: f64 = 0.5;
/// … a smaller one.
pub(super) const BY_PRICES_DEEP: f64 = 0.3;
/// In deep networks half of the repairs start at one of a turn's first points, where there is most room.
pub(super) const FIRST_POINTS: usize = 32;
/// The work, in sums, that nodes with only inputs left to split get before it is compared with the solver's.
pub(super) const REALIZED: u64 = 1 << 29;
/// A search that has taken longer than this requests a core …
pub(super) const LONG: Duration = Duration::from_millis(50);
/// … once less than this is left of its time, so that the lender waits no longer than this.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// A search that has spent more than one part in this many of the time left lends its core to another long search.
pub(super) const LENDS: u32 = 10;
/// The solver's steps for an expression's bound in a node: most of the gain, for a third of the steps that the optimum takes.
pub(super) const TIGHTENING: u64 = 12;
/// A range is narrowed only by more than this share, so that the proof has fewer steps.
pub(super) const NARROWER: f64 = 0.03;
/// A nonlinearity whose result is nearer than this to its step table is not bounded anew: there is no gap to close.
pub(super) const GAP: f64 = 1e-3;
/// About how many bytes a node of the proof takes, without its step's multipliers.
pub(super) const NODE: usize = 160;
/// The default for the memory of open branches, in bytes.
pub const MEMORY: u64 = 1 << 30;
/// The branches that a case gets before any other effort is spent on it.
pub(super) const FEW_BRANCHES: u64 = 16;
/// The default for the branches of a deep case before its ranges are narrowed …
pub(super) const FIRST_TRY: u64 = 250;
/// … by the bounds of as many expressions as this many steps of the solver give.
pub(super) const NARROWING: u64 = 20_000;
/// Fewer expressions than this are bounded before another worker has started.
pub(super) const FEW_TARGETS: usize = 8;
/// Nodes at this depth bound expressions anew: there are few of them, and each has a large part of the tree below it.
pub(super) const TIGHTENING_DEPTH: i32 = 4;
/// Where the root has more warm starts than this, nodes don't bound expressions anew: it would take longer than it saves.
pub(super) const MOST_WARM_STARTS: usize = 256;
/// The branches of a case's first turn, where the search is long.
pub(super) const TURN: u64 = 500;
/// The seed of a case's attacks is this plus the case's index.
pub(super) const SEED: u64 = 0x5eed;
