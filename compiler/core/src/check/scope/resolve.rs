//! The item that a name means where it is used, or what to write instead of a name that means nothing.

use super::foreign::foreign_name;
use super::{Meaning, meaning, scope, similar};
use crate::check::{Checked, Context, Reported, at};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::Diagnostic;
use qnn_syntax::ast::{ItemKind, Name};
use qnn_syntax::builtins::{FUNCTIONS, TYPES};
use qnn_syntax::walk::Role;

/// Looks a name up among the items of a file.
pub fn lookup(context: &Context<'_>, from: ItemId, name: &Name, role: Role) -> Checked<ItemId> {
    lookup_beside(context, from, name, role, &[])
}

/// The same; where the name is unknown, `locals` are worth suggesting too.
pub fn lookup_beside(context: &Context<'_>, from: ItemId, name: &Name, role: Role, locals: &[&str]) -> Checked<ItemId> {
    let db = context.db;
    match *meaning(db, from.file(db), name.text.clone()) {
        Meaning::Item(item) => Ok(item),
        // What is wrong with it has been reported.
        Meaning::Cyclic | Meaning::Broken => Err(Reported),
        Meaning::Unknown => {
            let mut diagnostic = Diagnostic::error(
                "E0201",
                format!("nothing here is called `{}`", name.text),
                at(from, name.span),
                "unknown name",
            );
            let place = at(from, name.span);
            if let Some(hint) = foreign_name(&name.text, role) {
                diagnostic = match hint.instead {
                    Some(instead) => diagnostic.fix(format!("write `{instead}`"), place, instead),
                    None => diagnostic,
                };
                diagnostic.help = Some(hint.help);
                return Err(context.report(diagnostic));
            }
            let scope = scope(db, from.file(db)).value.as_ref();
            let items =
                scope.iter().flat_map(|s| &s.names).filter(|(_, item)| **item != from && fits(db, **item, role));
            let builtins: Vec<&str> = match role {
                Role::Type => TYPES.iter().map(|ty| ty.name).collect(),
                Role::Function => FUNCTIONS.iter().map(|function| function.name).collect(),
                Role::Value => vec!["true", "false"],
            };
            let locals = locals.iter().copied().filter(|_| role == Role::Value);
            let known = locals.chain(items.map(|(name, _)| &**name)).chain(builtins.iter().copied());
            if let Some(candidate) = similar(&name.text, known) {
                diagnostic = diagnostic.fix(format!("write `{candidate}`"), place, candidate);
            }
            Err(context.report(diagnostic))
        }
    }
}

/// Whether it is a statement that others may call: what a search looks for is none.
fn is_property(kind: &ItemKind) -> bool {
    matches!(kind, ItemKind::Property(property) if !property.find)
}

/// Whether an item may stand in such a place.
fn fits(db: &dyn Db, item: ItemId, role: Role) -> bool {
    let Some(found) = tree(db, item) else { return false };
    match role {
        Role::Type => matches!(found.kind, ItemKind::Type(_)),
        Role::Function => found.kind.is_network() || matches!(found.kind, ItemKind::Def(_)) || is_property(&found.kind),
        Role::Value => {
            matches!(found.kind, ItemKind::Const(_) | ItemKind::Enum(_) | ItemKind::Dataset(_) | ItemKind::Params(_))
        }
    }
}
