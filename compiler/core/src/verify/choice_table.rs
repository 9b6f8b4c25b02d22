//! What is known of the choices of a maximum's indices: the best value that any attains, and for each what it never exceeds.
//!
//! Data that outlasts a job's turns. Values are *ranks*: the spec's numbers, negated where a minimum is sought, so that more is better.

use super::evidence::Evidence;
use super::verdict::{Counterexample, Parameter};
use qnn_engine::Trust;
use qnn_engine::measure::MeasureAnswer;
use qnn_ir::Rational;

/// A choice of the indices.
#[derive(Debug, Default)]
pub(super) struct ChoiceRow {
    /// The rank that it is known never to exceed; `None` where nothing is known.
    pub bound: Option<Rational>,
    /// No value meets its assumptions.
    pub vacuous: bool,
    /// Its greatest integer is attained: nothing is left to search, whatever an enclosure is off.
    pub settled: bool,
    /// What `bound` or `vacuous` rests on, once an engine has shown it.
    pub trust: Option<Trust>,
    /// The evidence of that.
    pub proof: Option<Evidence>,
    /// The greatest integer that it attains, and the evidence.
    pub found: Option<(i128, Evidence)>,
    /// What a search that was not complete knows, with its key.
    pub search: Option<(String, MeasureAnswer)>,
}

/// The best value found.
#[derive(Debug)]
pub(super) struct Incumbent {
    /// Its rank.
    pub rank: Rational,
    /// The choice that attains it.
    pub choice: Vec<Parameter>,
    /// Where it is attained.
    pub witness: Counterexample,
    /// The evidence.
    pub evidence: Evidence,
}

/// All choices.
#[derive(Debug, Default)]
pub(super) struct ChoiceTable {
    /// In the order of the spec.
    pub rows: Vec<ChoiceRow>,
    /// How many of them intervals have bounded.
    pub bounded: usize,
    /// The best value found.
    pub incumbent: Option<Incumbent>,
}

impl ChoiceTable {
    /// Nothing is known of so many choices.
    pub fn new(choices: usize) -> ChoiceTable {
        ChoiceTable { rows: (0..choices).map(|_| ChoiceRow::default()).collect(), bounded: 0, incumbent: None }
    }

    /// The rank that decides a choice that does not exceed it: the best found, and how far apart the ends may be.
    pub fn enough(&self, within: Option<&Rational>) -> Option<Rational> {
        let best = &self.incumbent.as_ref()?.rank;
        Some(within.map_or_else(|| best.clone(), |within| best + within))
    }

    /// Whether nothing is left to search in a choice.
    pub fn is_closed(&self, choice: usize, enough: Option<&Rational>) -> bool {
        let row = &self.rows[choice];
        let low = || row.bound.as_ref().zip(enough).is_some_and(|(bound, enough)| bound <= enough);
        row.trust.is_some() && (row.vacuous || row.settled || low())
    }

    /// The rank that no choice exceeds, of those but one; `None` where nothing is known of some, `Some(None)` where all are vacuous.
    pub fn bound_but(&self, left_out: Option<usize>) -> Option<Option<&Rational>> {
        let rows = self.rows.iter().enumerate().filter(|(i, row)| Some(*i) != left_out && !row.vacuous);
        let bounds = rows.map(|(_, row)| row.bound.as_ref()).collect::<Option<Vec<&Rational>>>();
        Some(bounds?.into_iter().max())
    }

    /// The rank that no choice exceeds; `None` where nothing is known of some, or all are vacuous.
    pub fn bound(&self) -> Option<&Rational> {
        self.bound_but(None).flatten()
    }
}

/// A choice in a sentence: `i = 3, g = other`.
pub(super) fn listed(choice: &[Parameter]) -> String {
    choice.iter().map(|parameter| format!("{} = {}", parameter.name, parameter.text)).collect::<Vec<_>>().join(", ")
}
