//! Where diagnostics gather while something is checked, and what a check comes to.

use crate::db::{Db, ItemId};
use crate::diagnostic::{Diagnostic, Place};
use qnn_syntax::Span;
use std::cell::RefCell;

/// The check failed, and why has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported;

/// A value, or the promise that a diagnostic says why there is none.
pub type Checked<T> = Result<T, Reported>;

/// A query's value with its diagnostics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<T> {
    /// The value, if it could be made.
    pub value: Option<T>,
    /// What is to be said, in the order found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where diagnostics gather while something is checked.
pub struct Context<'db> {
    /// The database.
    pub db: &'db dyn Db,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'db> Context<'db> {
    /// An empty context.
    pub fn new(db: &'db dyn Db) -> Context<'db> {
        Context { db, diagnostics: RefCell::default() }
    }

    /// Adds a diagnostic, unless the same has been said.
    pub fn report(&self, diagnostic: Diagnostic) -> Reported {
        let mut all = self.diagnostics.borrow_mut();
        if !all.contains(&diagnostic) {
            all.push(diagnostic);
        }
        Reported
    }

    /// An error at a place, reported.
    pub fn error<T>(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Checked<T> {
        Err(self.report(Diagnostic::error(code, message, place, label)))
    }

    /// The value with what was reported.
    pub fn outcome<T>(self, value: Checked<T>) -> Outcome<T> {
        Outcome { value: value.ok(), diagnostics: self.diagnostics.into_inner() }
    }
}

/// A span of an item as a place.
pub fn at(item: ItemId, span: Span) -> Place {
    Place { item, span }
}
