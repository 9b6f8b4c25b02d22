//! Why a file is refused.

use std::fmt;

/// Why a file is no network that can be verified: the operator, the reason in a sentence, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The operator at fault, as a person finds it in the file: `operator 3 (SVDF, "lstm/state")`; `None` where it is the file as a whole.
    pub operator: Option<String>,
    /// A sentence without a capital and a final stop: `the file ends within tensor 4`.
    pub reason: String,
    /// What to do, if there is something.
    pub help: Option<String>,
}

impl ImportError {
    /// An error of the file as a whole.
    pub fn new(reason: impl Into<String>) -> ImportError {
        ImportError { operator: None, reason: reason.into(), help: None }
    }

    /// The same with the operator at fault, unless one is named already.
    #[must_use]
    pub fn of(mut self, operator: impl FnOnce() -> String) -> ImportError {
        self.operator.get_or_insert_with(operator);
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> ImportError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operator) = &self.operator {
            write!(f, "{operator}: ")?;
        }
        write!(f, "{}", self.reason)
    }
}

impl std::error::Error for ImportError {}
