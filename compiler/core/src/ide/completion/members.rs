//! After a dot: fields, variants, tensors, as the tokens before it tell.

use super::quoted::TensorName;
use super::{Completer, CompletionKind};
use crate::check::constant::variant_names;
use crate::check::scope::scope;
use crate::db::{ItemId, tree};
use crate::ide::names::first_axis;
use crate::ide::{moved, text};
use qnn_syntax::ast::{ItemKind, Params};

/// Something with members, as tokens tell.
pub(super) enum Members {
    Dataset(ItemId),
    Axis(ItemId),
    Enum(ItemId),
    Params {
        file: String,
        prefix: String,
    },
    /// A network that is not called yet.
    Network(ItemId),
}

impl<'a> Completer<'a> {
    pub(super) fn members(&mut self) {
        let dot = self.before.len() - 1;
        match self.members_of(dot, 0) {
            Some(Members::Dataset(item)) => {
                if let Some(ItemKind::Dataset(dataset)) = tree(self.db, item).as_deref().map(|t| &t.kind) {
                    let source = text(self.db, item.file(self.db));
                    let start = crate::db::offset(self.db, item);
                    for field in &dataset.fields {
                        let span = moved(field.ty.span, start);
                        let ty = source.get(span.start as usize..span.end as usize).unwrap_or_default();
                        self.add(&*field.name.text, CompletionKind::Field, ty, 0);
                    }
                }
            }
            Some(Members::Axis(item) | Members::Enum(item)) => {
                for name in variant_names(self.db, item) {
                    self.add(&*name, CompletionKind::Variant, item.name(self.db), 0);
                }
            }
            Some(Members::Params { file, prefix }) => self.tensors(&file, &prefix, TensorName::Member),
            Some(Members::Network(item)) => self.network_members(item),
            None => {}
        }
    }

    /// The names of tensors, between the quotes after a dot.
    pub(super) fn quoted_members(&mut self) {
        let dot = self.before.len().checked_sub(1);
        // `kws.at("`: the dot stands before `at` and its bracket.
        if self.word(1) == "(" {
            let dot = self.before.len().checked_sub(3);
            if let Some(Members::Network(item)) = dot.and_then(|dot| self.members_of(dot, 0)) {
                self.layers(item);
            }
            return;
        }
        if let Some(Members::Params { file, prefix }) = dot.and_then(|dot| self.members_of(dot, 0)) {
            self.tensors(&file, &prefix, TensorName::QuotedMember);
        }
    }

    /// What the expression that ends before a dot has as members.
    fn members_of(&self, dot: usize, depth: usize) -> Option<Members> {
        if depth > 16 {
            return None;
        }
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let mut at = dot.checked_sub(1)?;
        // Over brackets, back to the name that they belong to.
        let (mut indexed, mut called) = (false, false);
        loop {
            let opening = match word(at) {
                "]" => "[",
                ")" => "(",
                ">" => "<",
                _ => break,
            };
            indexed |= opening == "[";
            called |= opening == "(";
            let closing = word(at);
            let mut open = 0;
            loop {
                let here = word(at);
                open += i32::from(here == closing) - i32::from(here == opening);
                if open == 0 {
                    break;
                }
                at = at.checked_sub(1)?;
            }
            at = at.checked_sub(1)?;
        }
        let name = word(at).trim_matches('"');
        if at > 0 && word(at - 1) == "." {
            return match self.members_of(at - 1, depth + 1)? {
                Members::Dataset(item) => {
                    let found = tree(self.db, item).as_ref()?;
                    let ItemKind::Dataset(dataset) = &found.kind else { return None };
                    let field = dataset.fields.iter().find(|f| &*f.name.text == name)?;
                    first_axis(self.db, item, &field.ty, 0).map(Members::Axis)
                }
                Members::Params { file, prefix } => Some(Members::Params { file, prefix: format!("{prefix}{name}.") }),
                Members::Network(item) if called && name == "real" => match &tree(self.db, item).as_ref()?.kind {
                    ItemKind::Network(n) => first_axis(self.db, item, &n.result, 0).map(Members::Axis),
                    _ => None,
                },
                Members::Axis(_) | Members::Enum(_) | Members::Network(_) => None,
            };
        }
        if let Some((_, bound)) = self.bound().into_iter().rev().find(|(known, at_)| *known == name && *at_ < at) {
            return self.members_of_local(bound, depth);
        }
        let outcome = scope(self.db, self.file);
        let item = *outcome.value.as_ref()?.names.get(name)?;
        match &tree(self.db, item).as_ref()?.kind {
            ItemKind::Dataset(_) if indexed => Some(Members::Dataset(item)),
            ItemKind::Enum(_) => Some(Members::Enum(item)),
            ItemKind::Params(params) => Some(params_members(params)),
            ItemKind::Network(n) if called => first_axis(self.db, item, &n.result, 0).map(Members::Axis),
            ItemKind::Network(_) | ItemKind::Import(_) => Some(Members::Network(item)),
            ItemKind::Def(d) if called => first_axis(self.db, item, &d.result, 0).map(Members::Axis),
            _ => None,
        }
    }

    fn members_of_local(&self, bound: usize, depth: usize) -> Option<Members> {
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let outcome = scope(self.db, self.file);
        let names = &outcome.value.as_ref()?.names;
        match (bound.checked_sub(1).map(word)?, word(bound + 1)) {
            ("params", "=") => {
                Some(Members::Params { file: word(bound + 2).trim_matches('"').to_owned(), prefix: String::new() })
            }
            (_, ":") => {
                // `s: Student`, or `s: ufixed<4, 0>[Feature]`: the first name in square brackets, else the alias's.
                let ty = word(bound + 2);
                let mut at = bound + 3;
                while !matches!(word(at), "[" | "," | ")" | ":" | "" | "where" | ";") {
                    at += 1;
                }
                let axis = if word(at) == "[" { names.get(word(at + 1)).copied() } else { None };
                if let Some(axis) = axis {
                    return matches!(&tree(self.db, axis).as_ref()?.kind, ItemKind::Enum(_))
                        .then_some(Members::Axis(axis));
                }
                let alias = *names.get(ty)?;
                match &tree(self.db, alias).as_ref()?.kind {
                    ItemKind::Type(t) => first_axis(self.db, alias, &t.ty, 0).map(Members::Axis),
                    _ => None,
                }
            }
            // `let s = side(p);`, `x in ball(points[i].p, …)`: as what it is made of.
            ("let", "=") => {
                let end = (bound + 2..self.before.len()).find(|at| word(*at) == ";")?;
                self.members_of(end, depth + 1)
            }
            (_, "in") if word(bound + 2) == "ball" => {
                let mut open = 0;
                let end = (bound + 3..self.before.len()).find(|at| {
                    match word(*at) {
                        "(" | "[" => open += 1,
                        ")" | "]" => open -= 1,
                        _ => {}
                    }
                    open == 1 && word(*at) == ","
                })?;
                self.members_of(end, depth + 1)
            }
            _ => None,
        }
    }
}

fn params_members(params: &Params) -> Members {
    Members::Params { file: params.file.text.to_string(), prefix: String::new() }
}
