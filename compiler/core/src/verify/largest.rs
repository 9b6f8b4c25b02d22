//! `largest n in R such that P`: which candidates to try, in which order, and what follows from the answers.
//!
//! In: a range, whether P only gets harder with n, and someone who decides one candidate within a time. Out: what is known of the answer. If P only
//! gets harder, each answer speaks for all candidates on its side, and the range is bisected; otherwise candidates are tried from the top down.
//! A candidate that takes too long is left for later: those beside it may be easy. Knows neither engines nor the spec.

use super::verdict::Verdict;
use qnn_engine::Clock;
use std::collections::BTreeMap;
use std::time::Duration;

/// The part of the remaining time that one candidate may take before others are tried.
const SLICE: u32 = 4;
/// The part of the whole budget that every candidate gets, if it is still there.
const LEAST: u32 = 50;

/// The search for the largest candidate.
#[derive(Debug)]
pub(super) struct Search {
    first: i128,
    last: i128,
    /// Whether the statement only gets harder.
    pub monotone: bool,
    /// The largest candidate that is proved.
    pub proved: Option<i128>,
    /// The verdicts of what was tried.
    pub tried: BTreeMap<i128, Verdict>,
}

/// What to do with a candidate's verdict: an error ends the search.
pub(super) type Answered<E> = Result<Verdict, E>;

impl Search {
    /// Nothing tried.
    pub fn new(first: i128, last: i128, monotone: bool) -> Search {
        Search { first, last, monotone, proved: None, tried: BTreeMap::new() }
    }

    /// Tries candidates until the answer is known, the time is up or nothing more can be decided.
    ///
    /// # Errors
    /// The first error of `ask`.
    pub fn run<E>(
        &mut self,
        budget: Duration,
        clock: &Clock,
        is_cancelled: &dyn Fn() -> bool,
        ask: &mut dyn FnMut(i128, Duration) -> Answered<E>,
    ) -> Result<(), E> {
        let start = clock.now();
        let remaining = || budget.saturating_sub(clock.since(start));
        while let Some(candidate) = self.next() {
            if remaining().is_zero() || is_cancelled() {
                return Ok(());
            }
            let slice = (remaining() / SLICE).max(budget / LEAST).min(remaining());
            let verdict = ask(candidate, slice)?;
            self.learn(candidate, verdict);
        }
        // What was given up once gets what time is left.
        if let Some(candidate) = self.postponed() {
            if remaining().is_zero() || is_cancelled() {
                return Ok(());
            }
            let verdict = ask(candidate, remaining())?;
            self.learn(candidate, verdict);
            if verdict == Verdict::Timeout {
                return Ok(());
            }
            // It may have made others worth a try.
            self.run(remaining(), clock, is_cancelled, ask)
        } else {
            Ok(())
        }
    }

    fn learn(&mut self, candidate: i128, verdict: Verdict) {
        if verdict == Verdict::Proved {
            self.proved = self.proved.max(Some(candidate));
        }
        self.tried.insert(candidate, verdict);
    }

    /// The least violated candidate above what is proved.
    pub fn violated(&self) -> Option<i128> {
        self.above().find(|(_, verdict)| **verdict == Verdict::Violated).map(|(candidate, _)| *candidate)
    }

    /// What was tried above the largest that is proved.
    fn above(&self) -> impl DoubleEndedIterator<Item = (&i128, &Verdict)> {
        self.tried.range(self.floor() + 1..)
    }

    /// The largest candidate that is proved, or the one before the first.
    fn floor(&self) -> i128 {
        self.proved.unwrap_or(self.first - 1)
    }

    /// The least candidate that is excluded together with all above it.
    fn ceiling(&self) -> i128 {
        if self.monotone {
            return self.violated().unwrap_or(self.last + 1);
        }
        let mut ceiling = self.last + 1;
        while ceiling > self.first && self.tried.get(&(ceiling - 1)) == Some(&Verdict::Violated) {
            ceiling -= 1;
        }
        ceiling
    }

    /// The largest candidate that is not excluded; below the first if all are.
    pub fn bound(&self) -> i128 {
        (self.ceiling() - 1).max(self.floor())
    }

    /// How many candidates above the largest proved one could still be the answer.
    pub fn open(&self) -> usize {
        let (floor, ceiling) = (self.floor(), self.ceiling());
        let between = (ceiling - 1 - floor).max(0);
        let out = self.above().filter(|(c, v)| **c < ceiling && **v == Verdict::Violated).count();
        usize::try_from(between).unwrap_or(usize::MAX) - out
    }

    /// A candidate that has not been tried and could be the answer.
    fn next(&self) -> Option<i128> {
        let (floor, ceiling) = (self.floor(), self.ceiling());
        if !self.monotone {
            return (floor + 1..ceiling).rev().find(|candidate| !self.tried.contains_key(candidate));
        }
        // The middle of what is open; above and below what was given up, if something was.
        let middle = |lo: i128, hi: i128| (hi - lo > 1).then(|| lo + (hi - lo) / 2);
        let mut given_up = self.tried.range(floor + 1..ceiling).map(|(candidate, _)| *candidate);
        match (given_up.next(), given_up.next_back()) {
            (None, _) => middle(floor, ceiling),
            (Some(least), greatest) => middle(greatest.unwrap_or(least), ceiling).or_else(|| middle(floor, least)),
        }
    }

    /// A candidate that took too long when it was tried.
    fn postponed(&self) -> Option<i128> {
        let mut late = self.tried.range(self.floor() + 1..self.ceiling()).filter(|(_, v)| **v == Verdict::Timeout);
        // From the top, where each may be the answer; from the bottom, where the lower are the easier.
        let found = if self.monotone { late.next() } else { late.next_back() };
        found.map(|(candidate, _)| *candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(first: i128, last: i128, monotone: bool, truth: impl Fn(i128) -> Verdict) -> (Search, Vec<i128>) {
        let mut asked = Vec::new();
        let mut search = Search::new(first, last, monotone);
        let result = search.run::<()>(Duration::from_secs(60), &Clock::default(), &|| false, &mut |candidate, _| {
            asked.push(candidate);
            Ok(truth(candidate))
        });
        assert_eq!(result, Ok(()));
        (search, asked)
    }

    fn holds(yes: bool) -> Verdict {
        if yes { Verdict::Proved } else { Verdict::Violated }
    }

    #[test]
    fn bisects_what_only_gets_harder() {
        for answer in -1..=32 {
            let (search, asked) = search(0, 32, true, |candidate| holds(candidate <= answer));
            assert_eq!(search.proved, (answer >= 0).then_some(answer));
            assert_eq!(search.violated(), (answer < 32).then_some(answer + 1));
            assert_eq!((search.bound(), search.open()), (answer, 0));
            assert!(asked.len() <= 6, "{asked:?}");
        }
    }

    #[test]
    fn tries_the_others_from_the_top() {
        let (search, asked) = search(0, 9, false, |candidate| holds([2, 6].contains(&candidate)));
        assert_eq!((search.proved, search.violated(), search.open()), (Some(6), Some(7), 0));
        assert_eq!(asked, [9, 8, 7, 6]);
    }

    #[test]
    fn nothing_holds() {
        for monotone in [false, true] {
            let (search, _) = search(3, 7, monotone, |_| Verdict::Violated);
            assert_eq!((search.proved, search.bound(), search.open()), (None, 2, 0), "{monotone}");
        }
    }

    #[test]
    fn goes_round_what_is_too_hard() {
        let truth = |candidate| match candidate {
            ..=11 => Verdict::Proved,
            12..=18 => Verdict::Timeout,
            _ => Verdict::Violated,
        };
        let (found, _) = search(0, 32, true, truth);
        assert_eq!((found.proved, found.violated(), found.bound(), found.open()), (Some(11), Some(19), 18, 7));
        let (found, _) = search(0, 32, false, truth);
        assert_eq!((found.proved, found.bound(), found.open()), (Some(11), 18, 7));
    }

    /// An undecided candidate above a proved one leaves the answer open.
    #[test]
    fn one_open_candidate_counts() {
        let truth = |candidate| match candidate {
            5 => Verdict::Unknown,
            _ => holds(candidate == 2),
        };
        let (found, asked) = search(0, 7, false, truth);
        assert_eq!((found.proved, found.bound(), found.open()), (Some(2), 5, 1));
        assert_eq!(asked, [7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn the_range_may_be_one_candidate() {
        for monotone in [false, true] {
            assert_eq!(search(4, 4, monotone, |_| Verdict::Proved).0.proved, Some(4));
            assert_eq!(search(4, 4, monotone, |_| Verdict::Timeout).0.open(), 1);
        }
    }
}
