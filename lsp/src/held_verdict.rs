//! A verdict with what it is of: what the server remembers of an instance, in an open document and after it is closed.

use qnn::verify::InstanceResult;
use qnn::verify::verdict::Counterexample;
use std::sync::Arc;

/// A verdict with what it is of.
#[derive(Clone)]
pub struct Held {
    /// The verdict.
    pub result: Arc<InstanceResult>,
    /// What the property meant.
    pub fingerprint: [u8; 32],
}

impl Held {
    /// The counterexample, or the witness of a measure.
    pub fn counterexample(&self) -> Option<&Counterexample> {
        let measured = self.result.measure.as_ref().and_then(|m| m.witness.as_ref());
        self.result.counterexample.as_ref().or(measured)
    }
}
