//! Certificates: why an obligation has no answer, in a form that a small checker can follow.
//!
//! A [`Certificate`] is data: integers, indices and a tree. [`check()`] accepts it or says where it fails, in exact integer
//! arithmetic. The crate knows the IR, obligations and integers; it shares no code with the engines that
//! find certificates, so that a bug there ends in a rejected certificate and not in a wrong verdict. The format, and the
//! mathematics of the bound, are described in `docs/certificates.md`.

mod bound;
mod check;
mod export;
#[cfg(test)]
mod form_tests;
mod pack;
mod plain;
mod propagate;

pub use check::{Checked, Rejection, check, check_in_parts, check_until};
pub use export::{Export, export};
pub use pack::{MAX_CERTIFICATE_BYTES, Unreadable, pack, pack_within, unpack, unpack_within};
pub use plain::plain;
pub use propagate::{Propagated, Reach, propagate};

use serde::{Deserialize, Serialize};

/// The version of the format that is written. [`check()`] reads those before it, too.
pub const CERTIFICATE_VERSION: u32 = 2;
/// The first version that has [`Step::Propagate`].
const PROPAGATION_VERSION: u32 = 2;

/// A proof that an obligation has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// From 1 to [`CERTIFICATE_VERSION`].
    pub version: u32,
    /// The key of the obligation that it is about.
    pub obligation: String,
    /// Ranges that follow from the assumptions alone, in order; each may use those before it.
    pub prelude: Vec<Tighten>,
    /// A tree for each case of the obligation.
    pub cases: Vec<Tree>,
}

impl Certificate {
    /// About how many integers it has.
    pub fn integers(&self) -> usize {
        let of = |multipliers: &Multipliers| 2 * multipliers.atoms.len() + 3 * multipliers.slots.len();
        let step = |step: &Step| match step {
            Step::Bound(multipliers) | Step::Slack(multipliers) => of(multipliers),
            Step::Tighten(tighten) => 3 + of(&tighten.multipliers),
            Step::Split { .. } => 3,
            Step::Empty | Step::Enumerate | Step::Propagate => 1,
        };
        let prelude = self.prelude.iter().map(|tighten| 3 + of(&tighten.multipliers));
        prelude.chain(self.cases.iter().flatten().map(step)).sum()
    }

    /// How many steps it has in all.
    pub fn steps(&self) -> usize {
        self.prelude.len() + self.cases.iter().map(Vec::len).sum::<usize>()
    }
}

/// A tree in preorder: a [`Step::Split`] is followed by its two subtrees (first below, then above), [`Step::Tighten`] and
/// [`Step::Slack`] by one, the others by none.
pub type Tree = Vec<Step>;

/// A step of a proof. All are about the current ranges: those of the obligation's domains, narrowed by the steps above. Exhaustive for other crates too:
/// a checker must know every step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Closes the branch: the dual bound of the weighted atoms is negative, though each of them should be at least zero.
    Bound(Multipliers),
    /// Closes the branch: a range is empty.
    Empty,
    /// Closes the branch: none of the inputs left meets all atoms, as evaluating each one shows.
    Enumerate,
    /// Closes the branch: by [`propagate()`], an atom is negative, or a range becomes empty.
    Propagate,
    /// Two branches: the element's value is at most `value`, or it is at least `value + 1`.
    Split {
        /// The node.
        node: u32,
        /// The element.
        element: u32,
        /// The greatest value of the first branch.
        value: i64,
    },
    /// Narrows the range of one element.
    Tighten(Tighten),
    /// Narrows ranges by slack: with D the dual bound of the weighted atoms, an element's value that costs more than D is impossible.
    Slack(Multipliers),
}

/// A dual bound of one element: `weight · element + the weighted atoms <= D`, and so `element <= floor(D / weight)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tighten {
    /// The node.
    pub node: u32,
    /// The element.
    pub element: u32,
    /// Not zero; a negative weight bounds the element from below: `element >= ceil(D / weight)`.
    pub weight: i64,
    /// The multipliers of the bound.
    pub multipliers: Multipliers,
}

/// The integers that define a dual bound; see `docs/certificates.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multipliers {
    /// (atom, weight), weights not negative: atoms are counted through the assumptions, then through the case.
    pub atoms: Vec<(u32, i64)>,
    /// (node, slot, multiplier): the slots of a Step or a Wrap are its elements; those of a Max are the entries of its windows,
    /// one window after the other. What is not listed is zero.
    pub slots: Vec<(u32, u32, i64)>,
}
