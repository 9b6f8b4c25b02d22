//! Planning: which instances a file has, and what each may spend.
//!
//! In: a file of the database, a filter, options. Out: jobs in the order of the text. Nothing is lowered.

use super::filter::Filter;
use super::options::{DEFAULT_TIMEOUT, Options};
use super::verdict::{Kind, Parameter};
use crate::check::spec::{Attributes, Expectation, Smallness, attributes, family, instance_name, verifiable};
use crate::db::{Db, ItemId, SourceFile, tree};
use qnn_syntax::ast::{ItemKind, MeasureBody};
use std::sync::Arc;
use std::time::Duration;

/// An instance to be decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its place in the plan.
    pub index: usize,
    /// The instance's name: `robust(i = 3, eps = 1)`.
    pub name: String,
    /// The property or measure.
    pub property: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The item.
    pub item: ItemId,
    /// Its index in the family.
    pub instance: usize,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What is expected of it.
    pub expected: Expectation,
    /// What it may spend.
    pub budget: Duration,
    /// Who decides it.
    pub engine: Arc<str>,
    /// Which of its counterexamples is shown.
    pub counterexample: Option<Smallness>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The instances, in the order of the text and of their families.
    pub jobs: Vec<Job>,
    /// How many instances the filter left out.
    pub left_out: usize,
    /// The properties and measures that are wanted and have no instances.
    pub empty: Vec<Arc<str>>,
    /// The database's state that the instances are of.
    pub(super) revision: salsa::Revision,
}

/// Names the instances of a file that the filter wants. Cheap: nothing is lowered.
///
/// A family whose parameters are in error gets one job under its own name, which ends as an error.
/// Errors elsewhere in the file are [`crate::check::spec::diagnostics`]' to tell.
pub fn plan(db: &dyn Db, file: SourceFile, filter: &Filter, options: &Options) -> Plan {
    let mut plan =
        Plan { jobs: Vec::new(), left_out: 0, empty: Vec::new(), revision: salsa::plumbing::current_revision(db) };
    for item in verifiable(db, file) {
        let kind = match tree(db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Measure(measure)) => match &measure.body {
                MeasureBody::Optimize { maximize: true, .. } => Kind::Maximize,
                MeasureBody::Optimize { .. } => Kind::Minimize,
                MeasureBody::Largest { .. } => Kind::Largest,
                MeasureBody::Share { .. } => Kind::Share,
                MeasureBody::Average { .. } => Kind::Average,
            },
            Some(ItemKind::Property(property)) if property.find => Kind::Find,
            _ => Kind::Property,
        };
        let all = attributes(db, item);
        let nothing = Attributes::default();
        let said = all.value.as_ref().unwrap_or(&nothing);
        let property: Arc<str> = item.name(db).into();
        let mut add = |name: String, instance: usize, parameters: Vec<Parameter>| {
            if !filter.matches(&property, &name) {
                plan.left_out += 1;
                return;
            }
            plan.jobs.push(Job {
                index: plan.jobs.len(),
                name,
                property: property.clone(),
                kind,
                item,
                instance,
                parameters,
                expected: said.expected(kind == Kind::Find),
                budget: options.timeout.or(said.timeout).unwrap_or(DEFAULT_TIMEOUT),
                engine: options.engine.clone().or_else(|| said.engine.clone()).unwrap_or_else(|| "auto".into()),
                counterexample: said.counterexample,
            });
        };
        let family = family(db, item);
        let Some(family) = &family.value else {
            add(property.to_string(), 0, Vec::new());
            continue;
        };
        for (instance, values) in family.instances.iter().enumerate() {
            let named = family.names.iter().zip(values);
            let parameters =
                named.map(|(name, value)| Parameter { name: name.clone(), text: value.text(db) }).collect();
            add(instance_name(db, item, family, instance), instance, parameters);
        }
        if family.instances.is_empty() && filter.matches(&property, &property) {
            plan.empty.push(property);
        }
    }
    plan
}

impl Plan {
    /// What it leaves unverified for having no instances, in a sentence.
    pub(super) fn nothing(&self) -> Option<String> {
        let names: Vec<String> = self.empty.iter().map(|name| format!("`{name}`")).collect();
        match names.as_slice() {
            [] if self.jobs.is_empty() => {
                Some("There is nothing to verify: no property, no search and no measure is here.".to_owned())
            }
            [] => None,
            [only] => Some(format!("{only} has no instances: nothing of it was verified.")),
            [first @ .., last] => {
                Some(format!("{} and {last} have no instances: nothing of them was verified.", first.join(", ")))
            }
        }
    }
}
