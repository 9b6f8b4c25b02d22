//! The tree of one item, made of the pairs that the grammar found.
//!
//! The grammar leaves expressions flat; their shape comes from precedence climbing here, with the few errors that depend on it (comparisons in a
//! chain, a quantifier as an operand of `+`, nesting that is too deep). Building always ends with a tree; it is of
//! no use if there are errors.

use super::ast::*;
use super::codes;
use super::grammar::Rule;
use super::{SyntaxError, SyntaxFix};
use num_traits::Zero;
use pest::iterators::Pair;
use qnn_rational::parse_decimal;
use std::iter::Peekable;
use std::sync::Arc;

/// The deepest tree and the deepest nesting of brackets, so that no later stage needs to fear for its stack.
pub const MAX_DEPTH: u32 = 128;

type Pairs<'a> = Peekable<pest::iterators::Pairs<'a, Rule>>;

/// Builds trees out of pairs; offsets are moved by `base`.
pub struct Builder<'a> {
    text: &'a str,
    base: u32,
    /// What is wrong, at places moved by `base`.
    pub errors: Vec<SyntaxError>,
    too_deep: bool,
    /// How many brackets, prefixes and right operands are around what is being built.
    level: u32,
}

/// An expression with the depth of its tree.
struct Deep {
    expr: Expr,
    depth: u32,
}

/// How tightly an infix operator binds.
pub fn infix(symbol: &str) -> (u8, Option<BinaryOp>) {
    match symbol {
        "=>" => (IMPLIES, Some(BinaryOp::Implies)),
        "or" => (2, Some(BinaryOp::Or)),
        "and" => (3, Some(BinaryOp::And)),
        "==" => (COMPARE, Some(BinaryOp::Equal)),
        "!=" => (COMPARE, Some(BinaryOp::NotEqual)),
        "<" => (COMPARE, Some(BinaryOp::Less)),
        "<=" => (COMPARE, Some(BinaryOp::LessEqual)),
        ">" => (COMPARE, Some(BinaryOp::Greater)),
        ">=" => (COMPARE, Some(BinaryOp::GreaterEqual)),
        "in" => (COMPARE, Some(BinaryOp::In)),
        "+" => (7, Some(BinaryOp::Add)),
        "-" => (7, Some(BinaryOp::Subtract)),
        "*" => (8, Some(BinaryOp::Multiply)),
        "/" => (8, Some(BinaryOp::Divide)),
        _ => (RANGE, None),
    }
}

/// How tightly `=>` binds.
const IMPLIES: u8 = 1;
/// How tightly comparisons bind, and `not`.
pub const COMPARE: u8 = 5;
/// How tightly ranges bind.
pub const RANGE: u8 = 6;
/// How tightly a minus sign binds.
pub const NEGATE: u8 = 9;

impl<'a> Builder<'a> {
    /// A builder for pairs of `text`.
    pub fn new(text: &'a str, base: u32) -> Builder<'a> {
        Builder { text, base, errors: Vec::new(), too_deep: false, level: 0 }
    }

    /// Where a pair stands. A pair that ends in something optional reaches into the white space and the comments
    /// behind it, so its end is then that of its last token.
    fn span(&self, pair: &Pair<'a, Rule>) -> Span {
        let span = pair.as_span();
        let mut end = span.end();
        if span.as_str().ends_with(|c: char| c.is_ascii_whitespace()) {
            let mut last = pair.clone();
            while let Some(inner) = last.clone().into_inner().next_back() {
                last = inner;
            }
            end = last.as_span().end();
        }
        Span::new(self.base + span.start() as u32, self.base + end as u32)
    }

    fn source(&self, span: Span) -> &'a str {
        self.text.get((span.start - self.base) as usize..(span.end - self.base) as usize).unwrap_or("")
    }

    fn error(&mut self, code: &'static str, span: Span, message: &str, label: &str, help: impl Into<Option<String>>) {
        self.errors.push(SyntaxError {
            code,
            span,
            message: message.to_owned(),
            label: label.to_owned(),
            secondary: None,
            help: help.into(),
            fix: None,
        });
    }

    // ---- Items

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
            Rule::def_item => ItemKind::Def(self.def(pair)),
            Rule::property_item => ItemKind::Property(self.property(pair)),
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
                    codes::CLAUSE,
                    span,
                    &format!("`{clause}` is given twice for `{}`", name.text),
                    "given for the second time",
                    "keep one of the two".to_owned(),
                );
            }
        }
        if file.is_none() {
            self.error(
                codes::CLAUSE,
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
        let (mut ty, mut raw) = (no_type(&self.no_name(&pair)), None);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::string => pattern = self.string(&pair),
                Rule::glob => pattern = Text { text: pair.as_str().into(), span: self.span(&pair) },
                Rule::r#type => ty = self.ty(pair).0,
                Rule::kw_raw => raw = Some(self.span(&pair)),
                _ => {}
            }
        }
        ParamsRule { pattern, ty, raw }
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

    fn def(&mut self, pair: Pair<'a, Rule>) -> DefItem {
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
        let mut item = PropertyItem { params: Vec::new(), filter: None, body: self.no_expr(name.span), name };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => item.name = self.name(&pair),
                Rule::family => item.params = self.family(pair),
                Rule::filter => item.filter = Some(self.only_expr(pair)),
                Rule::expr => item.body = self.expr(pair),
                _ => {}
            }
        }
        item
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
                    let (mut over, mut condition) = (Vec::new(), None);
                    for pair in pair.into_inner() {
                        match pair.as_rule() {
                            Rule::kw_minimize => maximize = false,
                            Rule::expr => objective = self.expr(pair),
                            Rule::binders => over = self.binders(pair).0,
                            Rule::filter => condition = Some(self.only_expr(pair)),
                            _ => {}
                        }
                    }
                    item.body = MeasureBody::Optimize { maximize, objective, over, condition };
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

    // ---- Names and texts

    fn name(&self, pair: &Pair<'a, Rule>) -> Name {
        Name { text: pair.as_str().into(), span: self.span(pair) }
    }

    fn no_name(&self, pair: &Pair<'a, Rule>) -> Name {
        Name { text: "".into(), span: self.span(pair) }
    }

    fn first_name(&self, pair: Pair<'a, Rule>) -> Name {
        let none = self.no_name(&pair);
        pair.into_inner().find(|p| p.as_rule() == Rule::name).map_or(none, |p| self.name(&p))
    }

    fn names(&self, pair: Pair<'a, Rule>) -> Vec<Name> {
        pair.into_inner().filter(|p| p.as_rule() == Rule::name).map(|p| self.name(&p)).collect()
    }

    fn first_string(&mut self, pair: Pair<'a, Rule>) -> Text {
        let span = self.span(&pair);
        let string = pair.into_inner().find(|p| p.as_rule() == Rule::string);
        string.map_or(Text { text: "".into(), span }, |p| self.string(&p))
    }

    fn string(&mut self, pair: &Pair<'a, Rule>) -> Text {
        let span = self.span(pair);
        let written = pair.as_str();
        let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
        let mut text = String::new();
        let mut characters = inside.char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            match characters.next().map(|(_, c)| c) {
                Some(c @ ('\\' | '"')) => text.push(c),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => {
                    let start = span.start + 1 + at as u32;
                    self.error(
                        codes::ESCAPE,
                        Span::new(start, start + 1 + other.len_utf8() as u32),
                        &format!("`\\{other}` means nothing in a text"),
                        "no such escape",
                        "write `\\\\` for a backslash, or `/` between the folders of a path; \
                         the escapes are `\\\\`, `\\\"`, `\\n` and `\\t`"
                            .to_owned(),
                    );
                }
                None => {}
            }
        }
        Text { text: text.into(), span }
    }

    // ---- Types

    fn ty(&mut self, pair: Pair<'a, Rule>) -> (TypeExpr, u32) {
        let span = self.span(&pair);
        let head = self.first_name(pair.clone());
        let mut ty = TypeExpr { head, arguments: Vec::new(), shape: Vec::new(), span };
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

    // ---- Expressions

    /// A pair of rule `expr`.
    pub fn expr(&mut self, pair: Pair<'a, Rule>) -> Expr {
        self.sequence(pair).expr
    }

    /// The expression inside a pair.
    pub fn only_expr(&mut self, pair: Pair<'a, Rule>) -> Expr {
        self.only(pair).expr
    }

    fn only(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let inner = pair.into_inner().find(|p| matches!(p.as_rule(), Rule::expr | Rule::simple));
        match inner {
            Some(inner) => self.sequence(inner),
            None => self.nothing(span),
        }
    }

    /// All expressions directly inside a pair.
    fn expressions(&mut self, pair: Pair<'a, Rule>) -> Vec<Deep> {
        let inner = pair.into_inner().filter(|p| matches!(p.as_rule(), Rule::expr | Rule::simple));
        inner.map(|p| self.sequence(p)).collect()
    }

    fn no_expr(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Bool(false), span }
    }

    fn nothing(&self, span: Span) -> Deep {
        Deep { expr: self.no_expr(span), depth: 0 }
    }

    /// Checks a depth; what is too deep becomes an error, once, and a leaf.
    fn deep(&mut self, expr: Expr, below: u32) -> Deep {
        if below < MAX_DEPTH {
            return Deep { expr, depth: below + 1 };
        }
        let span = expr.span;
        self.report_depth(span);
        self.nothing(span)
    }

    fn report_depth(&mut self, span: Span) {
        if !self.too_deep {
            self.too_deep = true;
            self.errors.push(too_deep(span));
        }
    }

    fn sequence(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let mut pairs = pair.into_inner().peekable();
        self.climb(&mut pairs, 0)
    }

    /// Builds what is joined by operators that bind at least as tightly as `min`.
    fn climb(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        self.level += 1;
        let built = self.climb_here(pairs, min);
        self.level -= 1;
        built
    }

    fn climb_here(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        let mut left = self.operand(pairs, min);
        while !self.too_deep {
            let Some((operator, binding, symbol)) = self.next_infix(pairs).filter(|(_, binding, _)| *binding >= min)
            else {
                return left;
            };
            let (operator, at) = (operator, symbol);
            pairs.next();
            let right = self.climb(pairs, if binding == IMPLIES { binding } else { binding + 1 });
            if self.too_deep {
                return left;
            }
            let (left_span, right_span) = (left.expr.span, right.expr.span);
            let span = left_span.to(right_span);
            let below = left.depth.max(right.depth);
            let kind = match operator {
                Some(operator) => ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr)),
                None => ExprKind::Range {
                    start: Some(Box::new(left.expr)),
                    end: Some(Box::new(right.expr)),
                    inclusive: self.source(at) == "..=",
                },
            };
            left = self.deep(Expr { kind, span }, below);
            if let Some((_, next, second)) = self.next_infix(pairs)
                && next == binding
                && matches!(binding, COMPARE | RANGE)
            {
                self.chained(at, second, left_span, right_span);
            }
        }
        left
    }

    /// The operator that comes next, how tightly it binds and where it stands.
    fn next_infix(&self, pairs: &mut Pairs<'a>) -> Option<(Option<BinaryOp>, u8, Span)> {
        let pair = pairs.peek().filter(|p| matches!(p.as_rule(), Rule::infix | Rule::simple_infix))?;
        let (binding, operator) = infix(pair.as_str());
        Some((operator, binding, self.span(pair)))
    }

    fn chained(&mut self, first: Span, second: Span, left: Span, right: Span) {
        let (a, b) = (self.source(left).trim(), self.source(right).trim());
        let (one, two) = (self.source(first), self.source(second));
        let short = a.len() + b.len() < 60 && !a.contains('\n') && !b.contains('\n');
        let range = one.starts_with("..");
        let help = if range {
            "a range has one start and one end".to_owned()
        } else if short {
            format!("write `{a} {one} {b} and {b} {two} …`, or put one comparison in parentheses")
        } else {
            "join two comparisons with `and`, or put one in parentheses".to_owned()
        };
        let what = if range { "ranges don't chain" } else { "comparisons don't chain" };
        self.error(codes::CHAINED, second, what, &format!("a second `{two}`"), help);
        if let Some(error) = self.errors.last_mut() {
            error.secondary = Some((first, format!("the first `{one}`")));
            error.fix = (short && !range).then(|| SyntaxFix {
                title: "join the two by `and`".to_owned(),
                span: second,
                replacement: format!("and {b} {two}"),
            });
        }
    }

    fn operand(&mut self, pairs: &mut Pairs<'a>, min: u8) -> Deep {
        let Some(pair) = pairs.next() else { return self.nothing(Span::new(self.base, self.base)) };
        let span = self.span(&pair);
        if self.level > MAX_DEPTH {
            self.report_depth(span);
            return self.nothing(span);
        }
        let loose = matches!(pair.as_rule(), Rule::kw_not | Rule::quantifier | Rule::let_head);
        if loose && min > COMPARE {
            let word = self.source(span).split_whitespace().next().unwrap_or_default();
            let word_span = Span::new(span.start, span.start + word.len() as u32);
            self.error(
                codes::NEEDS_PARENTHESES,
                word_span,
                &format!("`{word}` can't be an operand here without parentheses"),
                "reaches further to the right than the operator before it",
                format!("write `({word} …)`"),
            );
        }
        match pair.as_rule() {
            Rule::negate | Rule::kw_not => {
                let (operator, min) =
                    if pair.as_rule() == Rule::negate { (UnaryOp::Negate, NEGATE) } else { (UnaryOp::Not, COMPARE) };
                let inner = self.climb(pairs, min);
                let span = span.to(inner.expr.span);
                self.deep(Expr { kind: ExprKind::Unary(operator, Box::new(inner.expr)), span }, inner.depth)
            }
            Rule::quantifier => self.quantifier(pair, pairs),
            Rule::let_head => {
                let name = self.first_name(pair.clone());
                let value = self.only(pair);
                let body = self.climb(pairs, 0);
                let span = span.to(body.expr.span);
                let below = value.depth.max(body.depth);
                let kind = ExprKind::Let(Box::new(LetExpr { name, value: value.expr, body: body.expr }));
                self.deep(Expr { kind, span }, below)
            }
            _ => {
                let primary = self.primary(pair);
                self.postfix(primary, pairs)
            }
        }
    }

    fn quantifier(&mut self, pair: Pair<'a, Rule>, pairs: &mut Pairs<'a>) -> Deep {
        let span = self.span(&pair);
        let (mut kind, mut keyword) = (QuantifierKind::Forall, span);
        let (mut binders, mut condition, mut below) = (Vec::new(), None, 0);
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::kw_forall => keyword = self.span(&pair),
                Rule::kw_exists => (kind, keyword) = (QuantifierKind::Exists, self.span(&pair)),
                Rule::binders => {
                    let (list, depth) = self.binders(pair);
                    (binders, below) = (list, depth);
                }
                Rule::condition | Rule::filter => {
                    let deep = self.only(pair);
                    below = below.max(deep.depth);
                    condition = Some(deep.expr);
                }
                _ => {}
            }
        }
        let body = self.climb(pairs, 0);
        let span = span.to(body.expr.span);
        let below = below.max(body.depth);
        let quantifier = Quantifier { kind, keyword, binders, condition, body: body.expr };
        self.deep(Expr { kind: ExprKind::Quantifier(Box::new(quantifier)), span }, below)
    }

    fn binders(&mut self, pair: Pair<'a, Rule>) -> (Vec<Binder>, u32) {
        let mut below = 0;
        let mut binders = Vec::new();
        for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::binder) {
            let name = self.first_name(pair.clone());
            let mut range = BinderRange::Type(no_type(&name));
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::expr => {
                        let set = self.sequence(pair);
                        below = below.max(set.depth);
                        range = BinderRange::Set(set.expr);
                    }
                    Rule::r#type => {
                        let (ty, depth) = self.ty(pair);
                        below = below.max(depth);
                        range = BinderRange::Type(ty);
                    }
                    _ => {}
                }
            }
            binders.push(Binder { name, range });
        }
        (binders, below)
    }

    fn primary(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::number => {
                let kind = self.number(&pair);
                self.deep(Expr { kind, span }, 0)
            }
            Rule::kw_true => self.deep(Expr { kind: ExprKind::Bool(true), span }, 0),
            Rule::kw_false => self.deep(Expr { kind: ExprKind::Bool(false), span }, 0),
            Rule::list | Rule::simple_list => {
                let elements = self.expressions(pair);
                let below = elements.iter().map(|e| e.depth).max().unwrap_or(0);
                let elements = elements.into_iter().map(|e| e.expr).collect();
                self.deep(Expr { kind: ExprKind::List(elements), span }, below)
            }
            Rule::named | Rule::simple_named => self.named(pair),
            _ => {
                // Parentheses leave no trace but the wider span, so that what is built on it is underlined whole.
                let mut inner = self.only(pair);
                inner.expr.span = span;
                inner
            }
        }
    }

    fn number(&mut self, pair: &Pair<'a, Rule>) -> ExprKind {
        let written = pair.as_str();
        let integer = !written.contains(['.', 'e', 'E']);
        let value = parse_decimal(written).unwrap_or_else(|| {
            let span = self.span(pair);
            self.error(
                codes::HUGE_NUMBER,
                span,
                "this number is too long to be exact",
                "more than 4096 digits, or an exponent beyond 4096",
                "no format holds such a number; write fewer digits or a smaller exponent".to_owned(),
            );
            qnn_rational::Rational::zero()
        });
        ExprKind::Number { value, integer }
    }

    /// A variable or a call.
    fn named(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let callee = self.first_name(pair.clone());
        let mut call = Call { callee, generics: Vec::new(), real: None, arguments: Vec::new() };
        let (mut below, mut called) = (0, false);
        for pair in pair.into_inner() {
            called |= matches!(pair.as_rule(), Rule::arguments | Rule::simple_arguments);
            match pair.as_rule() {
                Rule::generics => {
                    for generic in self.expressions(pair) {
                        below = below.max(generic.depth);
                        call.generics.push(generic.expr);
                    }
                }
                Rule::reading => call.real = pair.into_inner().last().map(|word| self.span(&word)),
                Rule::arguments => {
                    for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::argument) {
                        let mut name = None;
                        let mut value = None;
                        for pair in pair.into_inner() {
                            match pair.as_rule() {
                                Rule::argument_name => name = Some(self.first_name(pair)),
                                _ => value = Some(self.sequence(pair)),
                            }
                        }
                        let value = value.unwrap_or_else(|| self.nothing(span));
                        below = below.max(value.depth);
                        call.arguments.push(Argument { name, value: value.expr });
                    }
                }
                Rule::simple_arguments => {
                    for value in self.expressions(pair) {
                        below = below.max(value.depth);
                        call.arguments.push(Argument { name: None, value: value.expr });
                    }
                }
                _ => {}
            }
        }
        if called {
            return self.deep(Expr { kind: ExprKind::Call(call), span }, below);
        }
        self.deep(Expr { kind: ExprKind::Name(call.callee), span }, 0)
    }

    fn postfix(&mut self, mut base: Deep, pairs: &mut Pairs<'a>) -> Deep {
        while let Some(pair) =
            pairs.next_if(|p| matches!(p.as_rule(), Rule::kw_lsb | Rule::cast | Rule::field | Rule::index))
        {
            if self.too_deep {
                continue;
            }
            let span = base.expr.span.to(self.span(&pair));
            let mut below = base.depth;
            let inner = Box::new(base.expr);
            let kind = match pair.as_rule() {
                Rule::kw_lsb => ExprKind::Lsb(inner),
                Rule::cast => {
                    let ty = pair.clone().into_inner().find(|p| p.as_rule() == Rule::r#type).map(|p| self.ty(p));
                    let (ty, depth) = ty.unwrap_or_else(|| (no_type(&self.no_name(&pair)), 0));
                    below = below.max(depth);
                    ExprKind::Cast(inner, ty)
                }
                Rule::field => {
                    let field = pair.clone().into_inner().find(|p| p.as_rule() == Rule::field_name);
                    let field = field.map_or_else(|| self.no_name(&pair), |p| self.name(&p));
                    if matches!(inner.kind, ExprKind::Number { .. }) {
                        self.errors.push(malformed_number(span, self.source(span)));
                    }
                    ExprKind::Field(inner, field)
                }
                _ => {
                    let mut items = Vec::new();
                    for pair in pair.into_inner().filter(|p| p.as_rule() == Rule::index_item) {
                        let item = self.index_item(pair);
                        below = below.max(item.depth);
                        items.push(item.expr);
                    }
                    ExprKind::Index(inner, items)
                }
            };
            base = self.deep(Expr { kind, span }, below);
        }
        base
    }

    fn index_item(&mut self, pair: Pair<'a, Rule>) -> Deep {
        let span = self.span(&pair);
        let mut value = None;
        let mut open = false;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::open_start => {
                    let inclusive = pair.as_str().starts_with("..=");
                    let end = pair.into_inner().find(|p| p.as_rule() == Rule::expr).map(|p| self.sequence(p));
                    let below = end.as_ref().map_or(0, |e| e.depth);
                    let end = end.map(|e| Box::new(e.expr));
                    return self.deep(Expr { kind: ExprKind::Range { start: None, end, inclusive }, span }, below);
                }
                Rule::expr => value = Some(self.sequence(pair)),
                _ => open = true,
            }
        }
        let value = value.unwrap_or_else(|| self.nothing(span));
        if !open {
            return value;
        }
        let kind = ExprKind::Range { start: Some(Box::new(value.expr)), end: None, inclusive: false };
        self.deep(Expr { kind, span }, value.depth)
    }
}

fn no_type(name: &Name) -> TypeExpr {
    TypeExpr { head: name.clone(), arguments: Vec::new(), shape: Vec::new(), span: name.span }
}

/// The error of an expression or of brackets that nest too deeply.
pub fn too_deep(span: Span) -> SyntaxError {
    SyntaxError {
        code: codes::TOO_DEEP,
        span,
        message: format!("this is nested more than {MAX_DEPTH} levels deep"),
        label: "too deep from here on".to_owned(),
        secondary: None,
        help: Some("name parts of it with `let`, `def` or `const`, or use `sum`, `min` or a quantifier".to_owned()),
        fix: None,
    }
}

/// The error of a number that is written wrongly.
pub fn malformed_number(span: Span, written: &str) -> SyntaxError {
    let unit = written.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '_');
    let digits = &written[..written.len() - unit.len()];
    let (help, meant) = if unit == "lsb" {
        (format!("write a space between them: `{digits} lsb`"), Some(format!("{digits} lsb")))
    } else if let Some(fraction) = written.strip_prefix('.') {
        (format!("write `0.{fraction}`"), Some(format!("0.{fraction}")))
    } else if let Some(whole) = written.strip_suffix('.') {
        (format!("write `{whole}.0` or `{whole}`"), Some(format!("{whole}.0")))
    } else {
        ("numbers are decimal: `12`, `0.25`, `1_000`, `1e-3`; a name can't begin with a digit".to_owned(), None)
    };
    SyntaxError {
        code: codes::NUMBER,
        span,
        message: format!("`{written}` is neither a number nor a name"),
        label: "not a number".to_owned(),
        secondary: None,
        help: Some(help),
        fix: meant.map(|text| SyntaxFix { title: format!("write `{text}`"), span, replacement: text }),
    }
}
