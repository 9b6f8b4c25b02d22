//! Attributes of properties and measures: `#[timeout(10s)]`, `#[engine(smt)]`, `#[expect(violated)]`.

use crate::check::{Context, Outcome, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Diagnostic;
use crate::duration::parse_duration;
use qnn_syntax::ast::ItemKind;
use qnn_syntax::builtins;
use std::sync::Arc;
use std::time::Duration;

/// What `#[expect(…)]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// The default.
    Proved,
    /// A counterexample is known, or wanted.
    Violated,
    /// No input meets the assumptions.
    Vacuous,
}

impl Expectation {
    /// All of them.
    pub const ALL: [Expectation; 3] = [Expectation::Proved, Expectation::Violated, Expectation::Vacuous];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Expectation::Proved => "proved",
            Expectation::Violated => "violated",
            Expectation::Vacuous => "vacuous",
        }
    }
}

/// The attributes of a property or measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `#[timeout(10s)]`: the budget of each instance.
    pub timeout: Option<Duration>,
    /// `#[engine(smt)]`.
    pub engine: Option<Arc<str>>,
    /// `#[expect(violated)]`.
    pub expect: Option<Expectation>,
}

/// Which attributes there are.
fn the_attributes() -> String {
    let names: Vec<String> = builtins::ATTRIBUTES.iter().map(|attribute| format!("`{}`", attribute.name)).collect();
    format!("the attributes are {}", names.join(", "))
}

/// The attributes of an item, with what is wrong with them.
#[salsa::tracked]
pub fn attributes(db: &dyn Db, item: ItemId) -> Arc<Outcome<Attributes>> {
    let context = Context::new(db);
    let mut all = Attributes::default();
    let found = tree(db, item);
    for attribute in found.iter().flat_map(|t| &t.attributes) {
        let place = at(item, attribute.span);
        let verifiable =
            matches!(found.as_deref().map(|t| &t.kind), Some(ItemKind::Property(_) | ItemKind::Measure(_)));
        let bad = |message: String, label: &str| {
            context.report(Diagnostic::error("E0608", message, place, label));
        };
        if !verifiable {
            bad(format!("`#[{}]` belongs before a property or a measure", attribute.name.text), "not here");
            continue;
        }
        let earlier = found.iter().flat_map(|t| &t.attributes).take_while(|a| a.span != attribute.span);
        if earlier.into_iter().any(|a| a.name.text == attribute.name.text) {
            bad(format!("`#[{}]` is given twice", attribute.name.text), "given before");
            continue;
        }
        let argument = match attribute.arguments.as_slice() {
            [only] => &*only.text,
            _ => {
                let example = match builtins::attribute(&attribute.name.text) {
                    Some(known) => format!("write `#[{}]`, say", known.usage),
                    None => the_attributes(),
                };
                bad(format!("`#[{}]` takes one argument in parentheses", attribute.name.text), &example);
                continue;
            }
        };
        match &*attribute.name.text {
            "timeout" => match parse_duration(argument) {
                Ok(budget) => all.timeout = Some(budget),
                Err(_) => bad(format!("`{argument}` is no time"), "write `10s`, `500ms`, `2min` or `1h`"),
            },
            "engine" => {
                if qnn_engine::NAMES.contains(&argument) {
                    all.engine = Some(argument.into());
                } else {
                    bad(
                        format!("there is no engine `{argument}`"),
                        &format!("the engines are {}", qnn_engine::NAMES.join(", ")),
                    );
                }
            }
            "expect" => match Expectation::ALL.into_iter().find(|known| known.name() == argument) {
                None => bad(format!("`{argument}` can't be expected"), "expect `proved`, `violated` or `vacuous`"),
                expectation => all.expect = expectation,
            },
            other => bad(format!("there is no attribute `{other}`"), &the_attributes()),
        }
    }
    Arc::new(context.outcome(Ok(all)))
}
