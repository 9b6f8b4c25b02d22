//! Which instance goes next, and for how long: what is hard never keeps waiting what is quick.
//!
//! A [`Turn`] is how long a job may work at a stretch: while others wait it is short, and if that does not decide the job a longer one follows later, up to
//! its budget. [`Schedule`] gives them to a plan's jobs. In: their budgets, and what became of each turn. Out: turns, in rounds; when all have had theirs, the
//! undecided get more, if that is wanted. A budget of the whole run is shared evenly among the jobs that wait. Invariants: no job gets more than its budget,
//! and every turn is over when the run's time is. Knows neither jobs nor engines. Who has a queue of their own takes the turns alone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A job's first turn, while others wait …
const FIRST: Duration = Duration::from_millis(500);
/// … and by how much each is longer than the one before: what is begun anew costs little beside it.
const LONGER: u32 = 10;
/// A turn is the rest of the budget if it would be more than this part of it; one that is less than this part of another is short beside it.
const PART: u32 = 4;
/// A rest of the run's time that is shorter than this is of no use to anybody.
const LEAST: Duration = Duration::from_millis(20);

/// Jobs and their turns.
#[derive(Debug)]
pub(super) struct Schedule {
    budgets: Vec<Duration>,
    /// By phase (0, or 1 for what is tried again with more time) and round, in the order of the jobs.
    waiting: BTreeMap<(u32, u32), VecDeque<Waiting>>,
    threads: u32,
    /// By how much more time the undecided get at last.
    retry: Option<u32>,
    /// Each job has one turn, of all its budget.
    whole: bool,
}

/// A job that waits for its turn.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    index: usize,
    had: Duration,
    tried: Duration,
}

/// A turn of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What the job has had before, of the budget.
    pub had: Duration,
    /// What was not enough for it before it was tried again.
    pub tried: Duration,
    /// What it gets; nothing, if the run's time is over.
    pub time: Duration,
    /// All that it may have.
    pub budget: Duration,
    /// How many turns it has had before.
    pub round: u32,
}

impl Turn {
    /// A turn of a job that has had some of its budget in so many turns before: all that is left, unless others are `kept_waiting` by it.
    pub fn new(budget: Duration, had: Duration, round: u32, kept_waiting: bool) -> Turn {
        let rest = budget.saturating_sub(had);
        let short = FIRST.saturating_mul(LONGER.saturating_pow(round));
        let time = if !kept_waiting || short.saturating_mul(PART) > rest { rest } else { short };
        Turn { had, tried: Duration::ZERO, time, budget, round }
    }

    /// The only turn of a job that keeps nobody waiting.
    pub fn whole(budget: Duration) -> Turn {
        Turn::new(budget, Duration::ZERO, 0, false)
    }

    /// What the job has had after it, if there is more to be had.
    pub fn after(&self) -> Option<Duration> {
        Some(self.had + self.time).filter(|had| !self.time.is_zero() && *had < self.budget)
    }

    /// Whether it is over long before another one is.
    pub fn is_short_beside(&self, other: &Turn) -> bool {
        self.time.saturating_mul(PART) < other.time
    }

    /// The same with all the rest of the budget.
    pub(super) fn to_the_end(self) -> Turn {
        Turn { time: self.budget.saturating_sub(self.had), ..self }
    }

    /// What the job may have beside this turn.
    pub(super) fn others(&self) -> Duration {
        self.budget.saturating_sub(self.time)
    }
}

/// A turn of one of a plan's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheduled {
    /// The job.
    pub index: usize,
    pub turn: Turn,
    pub phase: u32,
}

impl Schedule {
    /// Every job waits for its first turn.
    pub fn new(budgets: Vec<Duration>, threads: usize, retry: Option<u32>, whole: bool) -> Schedule {
        let all =
            (0..budgets.len()).map(|index| Waiting { index, had: Duration::ZERO, tried: Duration::ZERO }).collect();
        let threads = u32::try_from(threads).unwrap_or(u32::MAX);
        Schedule { budgets, waiting: BTreeMap::from([((0, 0), all)]), threads, retry, whole }
    }

    /// The next turn; `left` is what is left of the run's time.
    pub fn next(&mut self, left: Option<Duration>) -> Option<Scheduled> {
        let mut first = self.waiting.first_entry()?;
        let (phase, round) = *first.key();
        let job = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        let Waiting { index, had, tried } = job?;
        let budget = self.budgets[index].saturating_mul(if phase == 0 { 1 } else { self.retry.unwrap_or(1) });
        let others = self.waiting.values().map(|queue| u32::try_from(queue.len()).unwrap_or(u32::MAX));
        let others = others.fold(0, u32::saturating_add);
        let mut turn = Turn::new(budget, had, round, others > 0 && !self.whole);
        if let Some(left) = left {
            let share = (left / others.saturating_add(1)).saturating_mul(self.threads).min(left);
            turn.time = if left < LEAST { Duration::ZERO } else { turn.time.min(share.max(LEAST)) };
        }
        turn.tried = tried;
        Some(Scheduled { index, turn, phase })
    }

    /// Whether a job that its turn did not decide gets another one.
    pub fn again(&mut self, Scheduled { index, turn, phase }: Scheduled) -> bool {
        let (place, had, tried) = if turn.time.is_zero() {
            return false;
        } else if let Some(had) = turn.after() {
            ((phase, turn.round + 1), had, turn.tried)
        } else if phase == 0 && self.retry.is_some() {
            ((1, turn.round + 1), Duration::ZERO, turn.had + turn.time)
        } else {
            return false;
        };
        self.waiting.entry(place).or_default().push_back(Waiting { index, had, tried });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What one thread does with jobs that need so much time at a stretch: when each was decided, if it was, and when all is over.
    fn run(
        needs: &[Duration],
        budget: Duration,
        total: Option<Duration>,
        retry: Option<u32>,
    ) -> (Vec<Option<Duration>>, Duration) {
        let mut schedule = Schedule::new(vec![budget; needs.len()], 1, retry, false);
        let (mut now, mut decided) = (Duration::ZERO, vec![None; needs.len()]);
        let mut had = vec![Duration::ZERO; needs.len()];
        while let Some(next) = schedule.next(total.map(|total| total.saturating_sub(now))) {
            let Scheduled { index, turn, .. } = next;
            assert!(turn.had + turn.time <= turn.budget);
            if needs[index] <= turn.time {
                now += needs[index];
                decided[index] = Some(now);
            } else {
                now += turn.time;
                had[index] += turn.time;
                schedule.again(next);
            }
        }
        let most = budget * (1 + retry.unwrap_or(0));
        assert!(had.iter().all(|had| *had <= most));
        (decided, now)
    }

    #[test]
    fn a_hard_job_keeps_no_quick_one_waiting() {
        let mut needs = vec![SECOND / 100; 50];
        needs[0] = SECOND * 3600;
        needs[7] = SECOND * 5;
        let (decided, over) = run(&needs, SECOND * 10, None, None);
        let quick = decided.iter().enumerate().filter(|(index, _)| ![0, 7].contains(index));
        assert!(quick.map(|(_, at)| *at).all(|at| at < Some(SECOND * 2)), "{decided:?}");
        assert!(decided[7].is_some() && decided[0].is_none());
        assert!(over < SECOND * 17, "{over:?}");
    }

    #[test]
    fn who_is_alone_gets_the_whole_budget_at_once() {
        assert_eq!(run(&[SECOND * 10], SECOND * 10, None, None), (vec![Some(SECOND * 10)], SECOND * 10));
        let (decided, over) = run(&[SECOND * 20, SECOND * 20], SECOND * 10, None, None);
        assert_eq!((decided, over), (vec![None, None], SECOND * 20));
    }

    #[test]
    fn long_budgets_are_given_in_longer_and_longer_turns() {
        let (decided, over) = run(&[SECOND * 9999, SECOND * 4, SECOND * 40], SECOND * 3600, None, None);
        assert!(decided[1] < Some(SECOND * 12) && decided[2] < Some(SECOND * 120), "{decided:?}");
        assert_eq!((decided[0], over > SECOND * 3600), (None, true));
    }

    #[test]
    fn a_total_is_shared_and_never_exceeded() {
        for total in [SECOND / 100, SECOND, SECOND * 7, SECOND * 60, SECOND * 600] {
            let needs: Vec<Duration> = (0..40).map(|k| SECOND / 8 * k).collect();
            let (decided, over) = run(&needs, SECOND * 10, Some(total), Some(5));
            assert!(over <= total + LEAST, "{over:?} of {total:?}");
            // Nobody who needs less than a fair share goes without.
            for (need, at) in needs.iter().zip(&decided).filter(|(need, _)| **need < (total / 40).min(FIRST)) {
                assert!(at.is_some(), "{need:?} of {total:?}: {decided:?}");
            }
        }
        let (decided, over) = run(&[SECOND * 99; 4], SECOND * 10, Some(SECOND * 8), None);
        assert!(decided.iter().all(Option::is_none) && over > SECOND * 79 / 10, "{over:?}");
    }

    #[test]
    fn what_is_tried_again_has_had_something() {
        let mut schedule = Schedule::new(vec![SECOND * 10; 1], 1, Some(2), false);
        let first = schedule.next(None).expect("one waits");
        assert!(schedule.again(first));
        let (first, second) = (first.turn, schedule.next(Some(Duration::ZERO)).expect("it waits again").turn);
        assert_eq!((first.tried, second.had, second.tried), (Duration::ZERO, Duration::ZERO, SECOND * 10));
    }

    #[test]
    fn only_the_undecided_are_tried_again() {
        let (decided, over) = run(&[SECOND, SECOND * 30, SECOND * 99], SECOND * 10, None, Some(5));
        assert!(decided[0] < Some(SECOND * 3) && decided[1] > Some(SECOND * 20) && decided[2].is_none(), "{decided:?}");
        assert!(over <= SECOND * (1 + 20 + 35 + 50), "{over:?}");
    }
}
