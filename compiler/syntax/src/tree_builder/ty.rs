//! Types as they are written: a head, arguments in angle brackets, a shape.

use super::Builder;
use crate::ast::*;
use crate::grammar::Rule;
use pest::iterators::Pair;

impl<'a> Builder<'a> {
    pub(super) fn ty(&mut self, pair: Pair<'a, Rule>) -> (TypeExpr, u32) {
        let span = self.span(&pair);
        let head = self.first_name(pair.clone());
        let mut ty = TypeExpr { head, arguments: Vec::new(), member: None, shape: Vec::new(), span };
        let mut depth = 0;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::type_arguments | Rule::nested_arguments => {
                    for pair in pair.into_inner() {
                        if matches!(pair.as_rule(), Rule::type_argument | Rule::nested_argument)
                            && let Some(pair) = pair.into_inner().next()
                        {
                            let (argument, below) = self.type_argument(pair);
                            ty.arguments.push(argument);
                            depth = depth.max(below);
                        }
                    }
                }
                Rule::type_member => {
                    let name = pair.into_inner().find(|p| p.as_rule() == Rule::field_name);
                    ty.member = name.map(|name| Box::new(self.field_name(&name)));
                }
                Rule::shape => {
                    for axis in self.expressions(pair) {
                        depth = depth.max(axis.depth);
                        ty.shape.push(axis.expr);
                    }
                }
                _ => {}
            }
        }
        (ty, depth + 1)
    }

    fn type_argument(&mut self, pair: Pair<'a, Rule>) -> (TypeArgument, u32) {
        match pair.as_rule() {
            Rule::named_argument => {
                let name = self.first_name(pair.clone());
                let value = self.only(pair);
                (TypeArgument::Named(name, value.expr), value.depth)
            }
            Rule::nested_type => {
                let (ty, depth) = self.ty(pair);
                (TypeArgument::Type(ty), depth)
            }
            _ => {
                let value = self.sequence(pair);
                (TypeArgument::Value(value.expr), value.depth)
            }
        }
    }
}

/// The type that stands for a missing one.
pub(super) fn no_type(name: &Name) -> TypeExpr {
    TypeExpr { head: name.clone(), arguments: Vec::new(), member: None, shape: Vec::new(), span: name.span }
}
