//! `#[counterexample(fewest)]` and `(least)`: a counterexample with as few changed elements as can be, or with the least greatest change.
//!
//! In: an obligation, an assignment that answers it, the centres of the balls that its variables range over, a time. Out: an assignment that answers it, too,
//! with no greater size, and whether it is proved that none has a lesser one. First elements are put back to their centres, as long as the rest still
//! answers; then engines are asked for less. Invariant: every assignment has been replayed on the obligation itself.

use super::session::Session;
use super::verdict::Smallest;
use crate::check::spec::Smallness;
use qnn_engine::Answer;
use qnn_ir::Graph;
use qnn_ir::interrupt::{self, work};
use qnn_ir::obligation::{Assignment, Atom, Linear, Obligation, Replay, Variable};
use std::sync::Arc;
use std::time::Duration;

/// One part in this many of the time that is left is for one question.
const PART: u32 = 2;
/// One part in this many of the time is for putting elements back.
const BACK: u32 = 4;
/// What remains is of no use to an engine.
const LEAST: Duration = Duration::from_millis(10);

/// What is asked for less.
enum Less {
    Asked(Obligation),
    /// There is none, as the variables' ranges show.
    Never,
    TooLarge,
}

/// The search for a smaller counterexample.
pub(super) struct Smaller<'a> {
    pub session: &'a Session<'a>,
    pub obligation: &'a Obligation,
    /// For each variable of the obligation, the centre of its ball, if it has one.
    pub centers: &'a [Option<Arc<[i64]>>],
    pub goal: Smallness,
}

impl Smaller<'_> {
    /// Makes an assignment smaller within a time.
    pub fn run(&self, assignment: &mut Assignment, budget: Duration) -> Smallest {
        let clock = self.session.clock;
        let begun = clock.now();
        let left = || budget.saturating_sub(clock.since(begun));
        self.put_back(assignment, budget / BACK);
        // Nothing is less than this.
        let mut excluded = -1;
        loop {
            let size = self.size(assignment);
            let proved = size - excluded <= 1;
            if proved || left() < LEAST || self.session.cancel.is_cancelled() {
                return Smallest { goal: self.goal, size, proved };
            }
            let most = match self.goal {
                Smallness::Fewest => size - 1,
                Smallness::Least => excluded + (size - excluded) / 2,
            };
            let less = match self.at_most(most) {
                Less::Asked(less) => less,
                Less::Never => {
                    excluded = most;
                    continue;
                }
                Less::TooLarge => return Smallest { goal: self.goal, size, proved },
            };
            let what = format!("{}: a smaller counterexample", self.session.name);
            match self.session.decide(&what, &less, left() / PART).answer {
                Answer::None(_) => excluded = most,
                Answer::Some(mut found) => {
                    found.truncate(self.obligation.variables.len());
                    if !self.answers(&found) || self.size(&found) > most {
                        return Smallest { goal: self.goal, size, proved };
                    }
                    *assignment = found;
                    self.put_back(assignment, left() / BACK);
                }
                Answer::Unknown(_) => return Smallest { goal: self.goal, size, proved },
            }
        }
    }

    /// The elements with their centres: (variable, element, centre).
    fn elements(&self) -> impl Iterator<Item = (usize, usize, i64)> {
        let each = |(variable, center): (usize, &Option<Arc<[i64]>>)| {
            let center = center.clone().unwrap_or_default();
            (0..center.len()).map(move |element| (variable, element, center[element]))
        };
        self.centers.iter().enumerate().flat_map(each)
    }

    /// How many elements are changed, or the greatest change in steps.
    fn size(&self, assignment: &Assignment) -> i64 {
        let changes = self.elements().map(|(variable, element, center)| {
            work(1);
            assignment[variable][element].saturating_sub(center).saturating_abs()
        });
        match self.goal {
            Smallness::Fewest => changes.map(|change| i64::from(change != 0)).sum(),
            Smallness::Least => changes.max().unwrap_or(0),
        }
    }

    fn answers(&self, assignment: &Assignment) -> bool {
        matches!(self.obligation.replay(assignment), Replay::Holds(_))
    }

    /// Puts elements back to their centres, or nearer to them, as long as the rest still answers.
    fn put_back(&self, assignment: &mut Assignment, budget: Duration) {
        let (clock, cancel) = (self.session.clock.clone(), self.session.cancel.clone());
        let begun = clock.now();
        let late = move || cancel.is_cancelled() || clock.since(begun) >= budget;
        // An interrupted attempt leaves what was found before.
        let _ = interrupt::until(late, || match self.goal {
            Smallness::Fewest => self.restore(assignment),
            Smallness::Least => self.shrink(assignment),
        });
    }

    /// Restores elements in groups, the small changes first, groups of half the size each time.
    fn restore(&self, assignment: &mut Assignment) {
        let change = |assignment: &Assignment, (variable, element, center): (usize, usize, i64)| {
            assignment[variable][element].saturating_sub(center).saturating_abs()
        };
        let mut group = self.elements().count().div_ceil(2).max(1);
        loop {
            let mut changed: Vec<(usize, usize, i64)> =
                self.elements().filter(|place| change(assignment, *place) != 0).collect();
            changed.sort_by_key(|place| change(assignment, *place));
            let before = changed.len();
            for places in changed.chunks(group) {
                let mut candidate = assignment.clone();
                places.iter().for_each(|(variable, element, center)| candidate[*variable][*element] = *center);
                if self.answers(&candidate) {
                    *assignment = candidate;
                }
            }
            let left = self.elements().filter(|place| change(assignment, *place) != 0).count();
            if group == 1 && left == before {
                return;
            }
            group = group.min(left.max(1)).div_ceil(2).max(1);
        }
    }

    /// Brings all elements nearer to their centres at once: the nearest by bisection.
    fn shrink(&self, assignment: &mut Assignment) {
        let (mut low, mut high) = (-1, self.size(assignment));
        while high - low > 1 {
            let most = low + (high - low) / 2;
            let mut candidate = assignment.clone();
            for (variable, element, center) in self.elements() {
                let nearest = center.saturating_sub(most)..=center.saturating_add(most);
                let value = &mut candidate[variable][element];
                *value = (*value).clamp(*nearest.start(), *nearest.end());
            }
            match self.answers(&candidate) {
                true => {
                    *assignment = candidate;
                    high = most;
                }
                false => low = most,
            }
        }
    }

    /// The obligation with no more changes than this.
    fn at_most(&self, most: i64) -> Less {
        match self.goal {
            Smallness::Fewest => self.fewer(most).map_or(Less::TooLarge, Less::Asked),
            Smallness::Least => self.nearer(most).map_or(Less::Never, Less::Asked),
        }
    }

    /// The obligation with all elements within so many steps of their centres; `None` if an element has no such value.
    fn nearer(&self, most: i64) -> Option<Obligation> {
        let mut less = self.obligation.clone();
        for (variable, element, center) in self.elements() {
            let domain = &mut less.variables[variable].domain[element];
            *domain = (domain.0.max(center.saturating_sub(most)), domain.1.min(center.saturating_add(most)));
            if domain.0 > domain.1 {
                return None;
            }
        }
        Some(less)
    }

    /// The obligation with no more changed elements than this, each with a flag that is 1 where it is changed; `None` where 64 bits don't suffice.
    fn fewer(&self, most: i64) -> Option<Obligation> {
        let mut less = self.obligation.clone();
        let places: Vec<(usize, usize, i64)> = self.elements().collect();
        let mut graph = Graph::clone(&less.graph);
        let flags = graph.push_input("changed", places.len());
        less.graph = Arc::new(graph);
        let mut sum = Vec::with_capacity(places.len());
        for (index, (variable, element, center)) in places.iter().enumerate() {
            work(16);
            let of = &less.variables[*variable];
            let (lo, hi) = of.domain[*element];
            let (node, element, flag) = (of.node, u32::try_from(*element).ok()?, u32::try_from(index).ok()?);
            let up = i128::from(hi.checked_sub(*center)?.max(0));
            let down = i128::from(center.checked_sub(lo)?.max(0));
            let center = i128::from(*center);
            less.assumptions.push(Atom::new(Linear::new(vec![(flags, flag, up), (node, element, -1)], center)));
            less.assumptions.push(Atom::new(Linear::new(vec![(flags, flag, down), (node, element, 1)], -center)));
            sum.push((flags, flag, -1));
        }
        less.assumptions.push(Atom::new(Linear::new(sum, i128::from(most))));
        less.variables.push(Variable { name: "changed".into(), node: flags, domain: vec![(0, 1); places.len()] });
        Some(less)
    }
}
