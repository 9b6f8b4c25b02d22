//! Items: their heads, fields, rules and statements.
//!
//! A part that is missing becomes an empty name, type or expression, and the error says so.

use super::Builder;
use super::ty::no_type;
use crate::ast::*;
use crate::error_codes;
use crate::grammar::Rule;
use pest::iterators::Pair;
use std::sync::Arc;

impl<'a> Builder<'a> {
    /// Any pair of rule `item`.
    pub fn item(&mut self, pair: Pair<'a, Rule>, docs: Arc<str>) -> Item {
        let mut attributes = Vec::new();
        let mut kind = None;
        let mut span = self.span(&pair);
        for pair in pair.into_inner() {
            if pair.as_rule() == Rule::attribute {
                attributes.push(self.attribute(pair));
            } else {
                span = self.span(&pair);
                kind = Some(self.item_kind(pair));
            }
        }
        let kind = kind.unwrap_or_else(|| ItemKind::Use(Text { text: "".into(), span }));
        Item { kind, attributes, docs, span }
    }

    fn item_kind(&mut self, pair: Pair<'a, Rule>) -> ItemKind {
        match pair.as_rule() {
            Rule::type_item => ItemKind::Type(self.type_item(pair)),
            Rule::enum_item => ItemKind::Enum(self.enum_item(pair)),
            Rule::const_item => {
                let (mut name, mut value) = (self.no_name(&pair), None);
                for pair in pair.into_inner() {
                    match pair.as_rule() {
                        Rule::name => name = self.name(&pair),
                        Rule::expr => value = Some(self.expr(pair)),
                        _ => {}
                    }
                }
                ItemKind::Const(ConstItem { value: value.unwrap_or_else(|| self.no_expr(name.span)), name })
            }
            Rule::dataset_item => ItemKind::Dataset(self.dataset(pair)),
            Rule::params_item => ItemKind::Params(self.params(pair)),
            Rule::network_item => ItemKind::Network(self.network(pair)),
            Rule::import_item => ItemKind::Import(self.import(pair)),
            Rule::def_item => ItemKind::Def(self.def(pair)),
            Rule::property_item | Rule::find_item => ItemKind::Property(self.property(pair)),
            Rule::measure_item => ItemKind::Measure(self.measure(pair)),
            _ => {
                let span = self.span(&pair);
                let text = pair.into_inner().find(|p| p.as_rule() == Rule::string).map(|p| self.string(&p));
                ItemKind::Use(text.unwrap_or(Text { text: "".into(), span }))
            }
        }
    }

    fn attribute(&mut self, pair: Pair<'a, Rule>) -> Attribute {
        let span = self.span(&pair);
        let mut attribute = Attribute { name: self.no_name(&pair), arguments: Vec::new(), span };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => attribute.name = self.name(&pair),
                Rule::attribute_argument => attribute.arguments.push(self.name(&pair)),
                _ => {}
            }
        }
        attribute
    }

    fn type_item(&mut self, pair: Pair<'a, Rule>) -> TypeItem {
        let name = self.no_name(&pair);
        let mut item = TypeItem { ty: no_type(&name), name, generics: Vec::new() };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::generic_names => item.generics = self.names(pair),
                Rule::r#type => item.ty = self.ty(pair).0,
                _ => {}
            }
        }
        item
    }

    fn enum_item(&mut self, pair: Pair<'a, Rule>) -> EnumItem {
        let mut item = EnumItem { name: self.no_name(&pair), variants: Vec::new() };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::enum_head => item.name = self.first_name(pair),
                Rule::variant => {
                    let name = self.first_name(pair.clone());
                    let text = pair.into_inner().find(|p| p.as_rule() == Rule::string).map(|p| self.string(&p));
                    item.variants.push((name, text));
                }
                _ => {}
            }
        }
        item
    }

    fn dataset(&mut self, pair: Pair<'a, Rule>) -> DatasetItem {
        let mut item = DatasetItem { name: self.no_name(&pair), fields: Vec::new() };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::dataset_head => item.name = self.first_name(pair),
                Rule::dataset_field => item.fields.push(self.dataset_field(pair)),
                _ => {}
            }
        }
        item
    }

    /// A pair of rule `dataset_field`.
    pub fn dataset_field(&mut self, pair: Pair<'a, Rule>) -> DatasetField {
        let name = self.first_name(pair.clone());
        let mut ty = no_type(&name);
        let (mut file, mut tensor, mut column, mut raw) = (None, None, None, None);
        for pair in pair.into_inner() {
            let span = self.span(&pair);
            let twice = match pair.as_rule() {
                Rule::r#type => {
                    ty = self.ty(pair).0;
                    false
                }
                Rule::from_clause => file.replace(self.first_string(pair)).is_some(),
                Rule::tensor_clause => tensor.replace(self.first_string(pair)).is_some(),
                Rule::column_clause => column.replace(self.first_string(pair)).is_some(),
                Rule::kw_raw => raw.replace(span).is_some(),
                _ => false,
            };
            if twice {
                let clause = self.source(span).split_whitespace().next().unwrap_or_default();
                self.error(
                    error_codes::CLAUSE,
                    span,
                    &format!("`{clause}` is given twice for `{}`", name.text),
                    "given for the second time",
                    "keep one of the two".to_owned(),
                );
            }
        }
        if file.is_none() {
            self.error(
                error_codes::CLAUSE,
                name.span,
                &format!("the field `{}` doesn't say which file it comes from", name.text),
                "this field needs a file",
                format!("write `{}: … from \"file.npz\";`", name.text),
            );
        }
        let file = file.unwrap_or_else(|| Text { text: "".into(), span: name.span });
        DatasetField { name, ty, file, tensor, column, raw }
    }

    /// A pair of rule `params_item`.
    pub fn params(&mut self, pair: Pair<'a, Rule>) -> Params {
        let mut name = self.no_name(&pair);
        let mut file = Text { text: "".into(), span: name.span };
        let mut rules = Vec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::params_head => {
                    name = self.first_name(pair.clone());
                    file = self.first_string(pair);
                }
                Rule::params_rule => rules.push(self.params_rule(pair)),
                _ => {}
            }
        }
        Params { name, file, rules }
    }

    /// A pair of rule `params_rule`.
    pub fn params_rule(&mut self, pair: Pair<'a, Rule>) -> ParamsRule {
        let mut pattern = Text { text: "".into(), span: self.span(&pair) };
        let (mut ty, mut raw, mut packed) = (no_type(&self.no_name(&pair)), None, None);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::string => pattern = self.string(&pair),
                Rule::glob => pattern = Text { text: pair.as_str().into(), span: self.span(&pair) },
                Rule::r#type => ty = self.ty(pair).0,
                Rule::kw_raw => raw = Some(self.span(&pair)),
                Rule::word_packed => packed = Some(self.span(&pair)),
                _ => {}
            }
        }
        ParamsRule { pattern, ty, raw, packed }
    }

    fn network(&mut self, pair: Pair<'a, Rule>) -> NetworkItem {
        let name = self.no_name(&pair);
        let mut item = NetworkItem {
            generics: Vec::new(),
            params: Vec::new(),
            result: no_type(&name),
            files: Vec::new(),
            lets: Vec::new(),
            body: self.no_expr(name.span),
            name,
        };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::network_head => {
                    for pair in pair.into_inner() {
                        match pair.as_rule() {
                            Rule::name => item.name = self.name(&pair),
                            Rule::generic_names => item.generics = self.names(pair),
                            Rule::parameters => item.params = self.parameters(pair),
                            Rule::r#type => item.result = self.ty(pair).0,
                            _ => {}
                        }
                    }
                }
                Rule::params_item => item.files.push(self.params(pair)),
                Rule::let_statement => item.lets.push(self.let_statement(pair)),
                Rule::network_result => item.body = self.only_expr(pair),
                _ => {}
            }
        }
        item
    }

    fn import(&mut self, pair: Pair<'a, Rule>) -> ImportItem {
        let name = self.no_name(&pair);
        let file = Text { text: "".into(), span: name.span };
        let mut item = ImportItem { name, generics: Vec::new(), file, options: Vec::new() };
        for pair in pair.into_inner().flat_map(Pair::into_inner) {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::generic_names => item.generics = self.names(pair),
                Rule::string => item.file = self.string(&pair),
                Rule::import_option => {
                    let name = self.first_name(pair.clone());
                    let mut value = ImportValue::Type(no_type(&name));
                    for pair in pair.into_inner() {
                        match pair.as_rule() {
                            Rule::r#type => value = ImportValue::Type(self.ty(pair).0),
                            Rule::string => value = ImportValue::Text(self.string(&pair)),
                            _ => {}
                        }
                    }
                    item.options.push(ImportOption { name, value });
                }
                _ => {}
            }
        }
        item
    }

    /// A pair of rule `let_statement`.
    pub fn let_statement(&mut self, pair: Pair<'a, Rule>) -> LetStatement {
        let name = self.first_name(pair.clone());
        let (mut ty, mut value) = (None, None);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::r#type => ty = Some(self.ty(pair).0),
                Rule::expr => value = Some(self.expr(pair)),
                _ => {}
            }
        }
        LetStatement { value: value.unwrap_or_else(|| self.no_expr(name.span)), name, ty }
    }

    pub(super) fn def(&mut self, pair: Pair<'a, Rule>) -> DefItem {
        let name = self.no_name(&pair);
        let mut item = DefItem {
            generics: Vec::new(),
            params: Vec::new(),
            result: no_type(&name),
            body: self.no_expr(name.span),
            name,
        };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::generic_names => item.generics = self.names(pair),
                Rule::parameters => item.params = self.parameters(pair),
                Rule::r#type => item.result = self.ty(pair).0,
                Rule::expr => item.body = self.expr(pair),
                _ => {}
            }
        }
        item
    }

    fn property(&mut self, pair: Pair<'a, Rule>) -> PropertyItem {
        let name = self.no_name(&pair);
        let find = pair.as_rule() == Rule::find_item;
        let mut item = PropertyItem { find, params: Vec::new(), filter: None, body: self.no_expr(name.span), name };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::family => item.params = self.family(pair),
                Rule::filter => item.filter = Some(self.only_expr(pair)),
                Rule::expr => item.body = self.expr(pair),
                Rule::search => item.body = self.search(pair),
                _ => {}
            }
        }
        item
    }

    /// The statement that what is looked for breaks.
    fn search(&mut self, pair: Pair<'a, Rule>) -> Expr {
        let span = self.span(&pair);
        let keyword = Span::new(span.start, span.start);
        let (binders, condition, goal) = self.such_that(pair);
        let body = Expr { span: goal.span, kind: ExprKind::Unary(UnaryOp::Not, Box::new(goal)) };
        let quantifier = Quantifier { kind: QuantifierKind::Forall, keyword, binders, condition, body };
        Expr { kind: ExprKind::Quantifier(Box::new(quantifier)), span }
    }

    /// A pair of rule `search`: its variables, the condition on them, its statement.
    fn such_that(&mut self, pair: Pair<'a, Rule>) -> (Vec<Binder>, Option<Expr>, Expr) {
        let span = self.span(&pair);
        let (mut binders, mut condition, mut goal) = (Vec::new(), None, None);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::binders => binders = self.binders(pair).0,
                Rule::filter => condition = Some(self.only_expr(pair)),
                Rule::expr => goal = Some(self.expr(pair)),
                _ => {}
            }
        }
        (binders, condition, goal.unwrap_or_else(|| self.no_expr(span)))
    }

    fn measure(&mut self, pair: Pair<'a, Rule>) -> MeasureItem {
        let name = self.no_name(&pair);
        let nothing =
            MeasureBody::Largest { name: name.clone(), domain: self.no_expr(name.span), goal: self.no_expr(name.span) };
        let mut item = MeasureItem { params: Vec::new(), filter: None, body: nothing, name };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::family => item.params = self.family(pair),
                Rule::filter => item.filter = Some(self.only_expr(pair)),
                Rule::optimize => {
                    let mut maximize = true;
                    let mut objective = self.no_expr(item.name.span);
                    let (mut over, mut condition, mut within) = (Vec::new(), None, None);
                    for pair in pair.into_inner() {
                        match pair.as_rule() {
                            Rule::kw_minimize => maximize = false,
                            Rule::expr => objective = self.expr(pair),
                            Rule::binders => over = self.binders(pair).0,
                            Rule::filter => condition = Some(self.only_expr(pair)),
                            Rule::within => within = Some(self.only_expr(pair)),
                            _ => {}
                        }
                    }
                    item.body = MeasureBody::Optimize { maximize, objective, over, condition, within };
                }
                Rule::largest => {
                    let name = self.first_name(pair.clone());
                    let mut expressions = pair.into_inner().filter(|p| p.as_rule() == Rule::expr);
                    let domain = expressions.next().map(|p| self.expr(p));
                    let goal = expressions.next().map(|p| self.expr(p));
                    item.body = MeasureBody::Largest {
                        domain: domain.unwrap_or_else(|| self.no_expr(name.span)),
                        goal: goal.unwrap_or_else(|| self.no_expr(name.span)),
                        name,
                    };
                }
                Rule::share => {
                    if let Some(pair) = pair.into_inner().find(|p| p.as_rule() == Rule::search) {
                        let (over, condition, goal) = self.such_that(pair);
                        item.body = MeasureBody::Share { over, condition, goal };
                    }
                }
                Rule::average => {
                    let mut value = self.no_expr(item.name.span);
                    let (mut over, mut condition) = (Vec::new(), None);
                    for pair in pair.into_inner() {
                        match pair.as_rule() {
                            Rule::expr => value = self.expr(pair),
                            Rule::binders => over = self.binders(pair).0,
                            Rule::filter => condition = Some(self.only_expr(pair)),
                            _ => {}
                        }
                    }
                    item.body = MeasureBody::Average { value, over, condition };
                }
                _ => {}
            }
        }
        item
    }

    fn parameters(&mut self, pair: Pair<'a, Rule>) -> Vec<Param> {
        let parameters = pair.into_inner().filter(|p| p.as_rule() == Rule::parameter);
        parameters
            .map(|pair| {
                let name = self.first_name(pair.clone());
                let ty = pair.into_inner().find(|p| p.as_rule() == Rule::r#type).map(|p| self.ty(p).0);
                Param { ty: ty.unwrap_or_else(|| no_type(&name)), name }
            })
            .collect()
    }

    fn family(&mut self, pair: Pair<'a, Rule>) -> Vec<FamilyParam> {
        let parameters = pair.into_inner().filter(|p| p.as_rule() == Rule::family_param);
        parameters
            .map(|pair| FamilyParam { name: self.first_name(pair.clone()), domain: self.only_expr(pair) })
            .collect()
    }
}
