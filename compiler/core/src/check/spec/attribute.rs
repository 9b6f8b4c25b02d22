//! Attributes of properties, searches and measures: `#[timeout(10s)]`, `#[engine(smt)]`, `#[expect(violated)]`.

use crate::check::{Context, Outcome, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Diagnostic;
use crate::duration::parse_duration;
use qnn_syntax::ast::{Item, ItemKind};
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
    /// A search finds something.
    Found,
    /// A search finds nothing, for there is nothing.
    None,
    /// Of a search, by default: it finds something or there is nothing.
    Decided,
}

impl Expectation {
    /// Those that a spec can write.
    pub const ALL: [Expectation; 5] =
        [Expectation::Proved, Expectation::Violated, Expectation::Vacuous, Expectation::Found, Expectation::None];

    /// Whether it says something of a `find`, or else of a property or measure.
    fn goes_with(self, find: bool) -> bool {
        match self {
            Expectation::Vacuous => true,
            Expectation::Found | Expectation::None | Expectation::Decided => find,
            Expectation::Proved | Expectation::Violated => !find,
        }
    }

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Expectation::Proved => "proved",
            Expectation::Violated => "violated",
            Expectation::Vacuous => "vacuous",
            Expectation::Found => "found",
            Expectation::None => "none",
            Expectation::Decided => "decided",
        }
    }
}

/// What `#[counterexample(…)]` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Smallness {
    /// As few elements as can be differ from the centres of the balls that they are in.
    Fewest,
    /// The greatest difference from a centre is as small as can be, in steps of the format.
    Least,
}

impl Smallness {
    /// Both.
    pub const ALL: [Smallness; 2] = [Smallness::Fewest, Smallness::Least];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Smallness::Fewest => "fewest",
            Smallness::Least => "least",
        }
    }
}

/// The attributes of a property, search or measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `#[timeout(10s)]`: the budget of each instance.
    pub timeout: Option<Duration>,
    /// `#[engine(smt)]`.
    pub engine: Option<Arc<str>>,
    /// `#[expect(violated)]`.
    pub expect: Option<Expectation>,
    /// `#[counterexample(fewest)]`.
    pub counterexample: Option<Smallness>,
}

impl Attributes {
    /// What is expected of a `find`, or of something else.
    pub fn expected(&self, find: bool) -> Expectation {
        self.expect.unwrap_or(if find { Expectation::Decided } else { Expectation::Proved })
    }
}

/// Whether an item is a `find`.
pub fn is_find(item: &Item) -> bool {
    matches!(&item.kind, ItemKind::Property(property) if property.find)
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
            bad(format!("`#[{}]` belongs before a property, a search or a measure", attribute.name.text), "not here");
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
            "expect" => {
                let find = found.as_deref().is_some_and(is_find);
                let known = Expectation::ALL.into_iter().filter(|known| known.goes_with(find));
                match known.into_iter().find(|known| known.name() == argument) {
                    None if find => bad(
                        format!("`{argument}` can't be expected of a search"),
                        "expect `found`, `none` or `vacuous`",
                    ),
                    None => bad(format!("`{argument}` can't be expected"), "expect `proved`, `violated` or `vacuous`"),
                    expectation => all.expect = expectation,
                }
            }
            "counterexample" if matches!(found.as_deref().map(|t| &t.kind), Some(ItemKind::Measure(_))) => {
                bad("a measure has no counterexample to be chosen".to_owned(), "belongs before a property or a search");
            }
            "counterexample" => match Smallness::ALL.into_iter().find(|known| known.name() == argument) {
                None => bad(
                    format!("`{argument}` is no counterexample"),
                    "write `fewest`, for few changed elements, or `least`, for small changes",
                ),
                wanted => all.counterexample = wanted,
            },
            other => bad(format!("there is no attribute `{other}`"), &the_attributes()),
        }
    }
    Arc::new(context.outcome(Ok(all)))
}
