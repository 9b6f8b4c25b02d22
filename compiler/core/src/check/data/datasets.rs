//! Datasets: fields of files, a sample an entry of their first axis.

use super::super::constant::Evaluator;
use super::super::scope::name_place;
use super::super::{Checked, Context, Outcome, Reported, at};
use super::field::field;
use super::samples::Field;
use crate::db::{Db, ItemId, tree};
use qnn_syntax::ast::ItemKind;
use std::sync::Arc;

/// A dataset: fields of the same number of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The number of samples.
    pub len: usize,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A dataset's samples.
#[salsa::tracked(no_eq)]
pub fn dataset(db: &dyn Db, item: ItemId) -> Arc<Outcome<Dataset>> {
    let context = Context::new(db);
    let value = match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Dataset(declaration)) => {
            let evaluator = Evaluator { context: &context, item, locals: &|_| None };
            let fields: Vec<Checked<Field>> = declaration.fields.iter().map(|f| field(&evaluator, f)).collect();
            fields.into_iter().collect::<Checked<Vec<Field>>>().and_then(|fields| {
                let first = fields.first().ok_or(Reported).or_else(|Reported| {
                    context.error("E0508", name_place(db, item), "a dataset needs a field", "has none")
                })?;
                let len = first.data.len();
                for (field, declared) in fields.iter().zip(&declaration.fields) {
                    if field.data.len() != len {
                        return context.error(
                            "E0508",
                            at(item, declared.file.span),
                            format!(
                                "`{}` has {} samples, but `{}` has {len}",
                                field.name,
                                field.data.len(),
                                first.name
                            ),
                            "fields of a dataset go together, sample by sample",
                        );
                    }
                }
                Ok(Dataset { len, fields })
            })
        }
        _ => Err(Reported),
    };
    Arc::new(context.outcome(value))
}
