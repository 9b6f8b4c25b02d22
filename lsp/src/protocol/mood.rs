//! The mood: the one word for how a spec, a property or an instance stands, decided from all its verdicts.
//!
//! Code lens, inlay hint and `qnn/verificationStatus` take it from here, and clients from the notification. Invariant: `passed` is said only where
//! every instance has a final verdict of the text as it is, and that verdict is the expected one.

use super::state::State;
use serde::{Deserialize, Serialize};

/// How something stands. The order is that of urgency, the most urgent first: the mood of several is the most urgent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Mood {
    /// Something is queued or running.
    Running,
    /// The spec is wrong, or qnn is.
    Error,
    /// A verdict is decided and not the expected one.
    Failed,
    /// The budget was spent, no engine could decide it, or the run was cancelled.
    Undecided,
    /// The verdict is of an earlier text.
    Stale,
    /// There is no verdict, or nothing to verify.
    None,
    /// All verdicts are the expected ones.
    Passed,
}

impl Mood {
    /// The mood of an instance: its state, and whether its verdict is the expected one.
    pub fn of(state: State, as_expected: Option<bool>) -> Mood {
        match state {
            State::Running | State::Queued => Mood::Running,
            State::Error => Mood::Error,
            State::Timeout | State::Unknown => Mood::Undecided,
            State::Stale => Mood::Stale,
            State::Unverified => Mood::None,
            State::Proved | State::Violated | State::Found | State::None | State::Vacuous => match as_expected {
                Some(true) => Mood::Passed,
                _ => Mood::Failed,
            },
        }
    }

    /// One character for it; a state says more where several states have one mood.
    pub fn mark(self, state: State) -> &'static str {
        match self {
            Mood::Running => "…",
            Mood::Error => "!",
            Mood::Failed if state == State::Vacuous => "∅",
            Mood::Failed => "✗",
            Mood::Undecided if state == State::Timeout => "⏱",
            Mood::Undecided => "?",
            Mood::Stale => "⟳",
            Mood::None => "○",
            Mood::Passed => "✓",
        }
    }

    /// The mood of several: of a property's instances, or a document's properties.
    pub fn of_all(moods: impl IntoIterator<Item = Mood>) -> Mood {
        moods.into_iter().min().unwrap_or(Mood::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 12] = [
        State::Running,
        State::Queued,
        State::Error,
        State::Violated,
        State::Vacuous,
        State::Timeout,
        State::Unknown,
        State::Stale,
        State::Unverified,
        State::Found,
        State::None,
        State::Proved,
    ];

    /// What an instance can be: a state, and, where that is final, whether its verdict is the expected one.
    fn instances() -> Vec<(State, Option<bool>)> {
        let mut all = Vec::new();
        for state in STATES {
            match state {
                State::Proved | State::Violated | State::Found | State::None | State::Vacuous => {
                    all.extend([(state, Some(true)), (state, Some(false))]);
                }
                State::Error | State::Timeout => all.push((state, Some(false))),
                // A cancelled instance has no verdict that could be expected.
                State::Unknown => all.extend([(state, Some(false)), (state, None)]),
                _ => all.push((state, None)),
            }
        }
        all
    }

    #[test]
    fn no_set_of_verdicts_looks_better_than_it_is() {
        let all = instances();
        let count = all.len();
        let mut sets = vec![Vec::new()];
        for a in 0..count {
            sets.push(vec![all[a]]);
            for b in a..count {
                sets.push(vec![all[a], all[b]]);
                sets.extend((b..count).map(|c| vec![all[a], all[b], all[c]]));
            }
        }
        for set in sets {
            let mood = Mood::of_all(set.iter().map(|(state, expected)| Mood::of(*state, *expected)));
            let any = |states: &[State]| set.iter().any(|(state, _)| states.contains(state));
            let decided = [State::Proved, State::Violated, State::Found, State::None, State::Vacuous];
            let right = if any(&[State::Running, State::Queued]) {
                Mood::Running
            } else if any(&[State::Error]) {
                Mood::Error
            } else if set.iter().any(|(state, expected)| decided.contains(state) && *expected == Some(false)) {
                Mood::Failed
            } else if any(&[State::Timeout, State::Unknown]) {
                Mood::Undecided
            } else if any(&[State::Stale]) {
                Mood::Stale
            } else if set.is_empty() || any(&[State::Unverified]) {
                Mood::None
            } else {
                Mood::Passed
            };
            assert_eq!(mood, right, "{set:?}");
        }
    }
}
