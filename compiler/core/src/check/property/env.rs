//! Local names of an expression, and which way a statement counts.

use super::value::Value;
use crate::check::constant::{Constant, Local};
use crate::db::ItemId;
use std::sync::Arc;

/// Local names and the item in which an expression stands.
#[derive(Clone)]
pub(crate) struct Env {
    pub(super) item: ItemId,
    pub(super) locals: Vec<(Arc<str>, Value)>,
    pub(super) depth: usize,
}

impl Env {
    /// An item's body with its parameters known.
    pub fn new(item: ItemId, parameters: &[(Arc<str>, Constant)]) -> Env {
        let locals = parameters.iter().map(|(name, value)| (name.clone(), Value::Constant(value.clone()))).collect();
        Env { item, locals, depth: 0 }
    }

    pub(super) fn with(&self, name: &Arc<str>, value: Value) -> Env {
        let mut env = self.clone();
        env.locals.push((name.clone(), value));
        env
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.locals.iter().rev().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    pub(super) fn local(&self, name: &str) -> Option<Local> {
        self.get(name).map(|value| match value {
            Value::Constant(c) => Ok(c.clone()),
            other => Err(other.kind()),
        })
    }
}

/// Which way a statement counts: a quantifier over values can be moved to the front only where it counts positively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    Positive,
    Negative,
    Both,
}

impl Polarity {
    pub(super) fn flipped(self) -> Polarity {
        match self {
            Polarity::Positive => Polarity::Negative,
            Polarity::Negative => Polarity::Positive,
            Polarity::Both => Polarity::Both,
        }
    }
}
