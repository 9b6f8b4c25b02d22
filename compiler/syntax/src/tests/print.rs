//! Random trees, printed in the plainest way: each must parse back to itself, and so must its formatted text.

use super::super::ast::*;
use super::*;
use crate::lexer::member_text;
use proptest::prelude::*;
use qnn_rational::ratio;

// ---- Printing

fn comma<T>(list: &[T], print: impl Fn(&T) -> String) -> String {
    list.iter().map(print).collect::<Vec<_>>().join(", ")
}

/// How tightly an expression's outermost operator binds, as the reference manual says.
fn binding(e: &Expr) -> u8 {
    match &e.kind {
        ExprKind::Quantifier(_) | ExprKind::Let(_) => 0,
        ExprKind::Binary(op, ..) => match op {
            BinaryOp::Implies => 1,
            BinaryOp::Or => 2,
            BinaryOp::And => 3,
            BinaryOp::Add | BinaryOp::Subtract => 7,
            BinaryOp::Multiply | BinaryOp::Divide => 8,
            _ => 5,
        },
        ExprKind::Unary(UnaryOp::Not, _) => 4,
        ExprKind::Range { .. } => 6,
        ExprKind::Unary(UnaryOp::Negate, _) => 9,
        _ => 10,
    }
}

/// An expression where only operators that bind at least so tightly need no parentheses.
fn within(e: &Expr, min: u8) -> String {
    if binding(e) < min { format!("({})", expr(e)) } else { expr(e) }
}

fn operand(e: &Expr) -> String {
    within(e, 10)
}

fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number { value, integer } => {
            if *integer {
                value.to_integer().to_string()
            } else {
                format!("{}.{}", value.to_integer(), if value.is_integer() { "0" } else { "5" })
            }
        }
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Name(n) => n.text.to_string(),
        ExprKind::List(list) => format!("[{}]", comma(list, expr)),
        ExprKind::Lsb(e) => format!("{} lsb", operand(e)),
        ExprKind::Unary(UnaryOp::Negate, e) => format!("-{}", within(e, 9)),
        ExprKind::Unary(UnaryOp::Not, e) => format!("not {}", within(e, 4)),
        ExprKind::Binary(op, a, b) => {
            let own = binding(e);
            let (left, right) = match own {
                1 => (2, 1),
                5 => (6, 6),
                _ => (own, own + 1),
            };
            format!("{} {} {}", within(a, left), op.symbol(), within(b, right))
        }
        ExprKind::Cast(e, t) => format!("({} as {})", operand(e), ty(t)),
        ExprKind::Field(e, n) => format!("{}.{}", operand(e), member_text(&n.text)),
        ExprKind::Index(e, items) => format!("{}[{}]", operand(e), comma(items, expr)),
        ExprKind::Call(c) => {
            let generics =
                if c.generics.is_empty() { String::new() } else { format!("<{}>", comma(&c.generics, operand)) };
            let arguments = comma(&c.arguments, |a| match &a.name {
                Some(name) => format!("{} = {}", name.text, expr(&a.value)),
                None => expr(&a.value),
            });
            let reading = match c.at() {
                Some(at) => format!(".at({})", quoted(&at.text)),
                None => if c.real().is_some() { ".real" } else { "" }.to_owned(),
            };
            format!("{}{generics}{reading}({arguments})", c.callee.text)
        }
        ExprKind::Range { start, end, inclusive } => {
            let side = |e: &Option<Box<Expr>>| e.as_deref().map(|e| within(e, 7)).unwrap_or_default();
            format!("{}{}{}", side(start), if *inclusive { "..=" } else { ".." }, side(end))
        }
        ExprKind::Quantifier(q) => {
            let keyword = if q.kind == QuantifierKind::Forall { "forall" } else { "exists" };
            let condition = q.condition.as_ref().map(|c| format!(" where {}", expr(c))).unwrap_or_default();
            format!("{keyword} {}{condition}: {}", comma(&q.binders, binder), expr(&q.body))
        }
        ExprKind::Let(l) => format!("let {} = {}; {}", l.name.text, expr(&l.value), expr(&l.body)),
    }
}

fn binder(b: &Binder) -> String {
    match &b.range {
        BinderRange::Type(t) => format!("{}: {}", b.name.text, ty(t)),
        BinderRange::Set(e) => format!("{} in {}", b.name.text, expr(e)),
    }
}

fn ty(t: &TypeExpr) -> String {
    let argument = |a: &TypeArgument| match a {
        TypeArgument::Value(e) => operand(e),
        TypeArgument::Type(t) => ty(t),
        TypeArgument::Named(n, e) => format!("{} = {}", n.text, operand(e)),
    };
    let arguments = if t.arguments.is_empty() { String::new() } else { format!("<{}>", comma(&t.arguments, argument)) };
    let shape = if t.shape.is_empty() { String::new() } else { format!("[{}]", comma(&t.shape, operand)) };
    let member = t.member.as_ref().map(|m| format!(".{}", member_text(&m.text))).unwrap_or_default();
    format!("{}{arguments}{member}{shape}", t.head.text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

// ---- Random trees

fn some_name() -> impl Strategy<Value = Name> {
    const WORDS: [&str; 12] =
        ["x", "y", "bits", "eps", "Pixel", "tensor", "column", "round", "_a1", "classifier", "format", "int"];
    proptest::sample::select(&WORDS[..]).prop_map(|text| Name { text: text.into(), span: Span::default() })
}

/// A name, or a name of a file.
fn some_member() -> impl Strategy<Value = Name> {
    prop_oneof![3 => some_name(), 1 => "[a-z/ .\"\\\\:0-9]{0,6}".prop_map(name_of)]
}

fn name_of(text: String) -> Name {
    Name { text: text.into(), span: Span::default() }
}

fn at(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn number() -> impl Strategy<Value = Expr> {
    (0..200i128, any::<bool>(), any::<bool>()).prop_map(|(n, integer, half)| {
        let value = if integer || !half { ratio(n, 1) } else { ratio(2 * n + 1, 2) };
        at(ExprKind::Number { value, integer })
    })
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        number(),
        any::<bool>().prop_map(|b| at(ExprKind::Bool(b))),
        some_name().prop_map(|n| at(ExprKind::Name(n))),
    ]
}

/// What may stand between `<` and `>` and in shapes.
fn simple() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (proptest::sample::select(&OPERATORS[10..]), inner.clone(), inner.clone())
                .prop_map(|(op, a, b)| at(ExprKind::Binary(op, a.into(), b.into()))),
            inner.clone().prop_map(|e| at(ExprKind::Unary(UnaryOp::Negate, e.into()))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|l| at(ExprKind::List(l))),
            (some_name(), prop::collection::vec(inner, 0..3)).prop_map(|(callee, arguments)| {
                let arguments = arguments.into_iter().map(|value| Argument { name: None, value }).collect();
                at(ExprKind::Call(Call { callee, generics: Vec::new(), reading: None, arguments }))
            }),
        ]
    })
}

fn some_type() -> impl Strategy<Value = TypeExpr> {
    let flat = prop_oneof![
        simple().prop_map(TypeArgument::Value),
        (some_name(), simple()).prop_map(|(n, e)| TypeArgument::Named(n, e)),
    ];
    let nested = (some_name(), prop::collection::vec(flat.clone(), 1..3)).prop_map(|(head, arguments)| {
        TypeArgument::Type(TypeExpr { head, arguments, member: None, shape: Vec::new(), span: Span::default() })
    });
    let argument = prop_oneof![3 => flat, 1 => nested];
    let member = prop::option::weighted(0.2, some_member().prop_map(Box::new));
    (some_name(), prop::collection::vec(argument, 0..3), member, prop::collection::vec(simple(), 0..3))
        .prop_map(|(head, arguments, member, shape)| TypeExpr { head, arguments, member, shape, span: Span::default() })
}

const OPERATORS: [BinaryOp; 14] = [
    BinaryOp::Implies,
    BinaryOp::Or,
    BinaryOp::And,
    BinaryOp::Equal,
    BinaryOp::NotEqual,
    BinaryOp::Less,
    BinaryOp::LessEqual,
    BinaryOp::Greater,
    BinaryOp::GreaterEqual,
    BinaryOp::In,
    BinaryOp::Add,
    BinaryOp::Subtract,
    BinaryOp::Multiply,
    BinaryOp::Divide,
];

fn some_expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let range = (boxed.clone(), boxed.clone(), any::<bool>());
        let item = prop_oneof![
            3 => inner.clone(),
            1 => (prop::option::of(boxed.clone()), prop::option::of(boxed.clone()))
                .prop_map(|(start, end)| at(ExprKind::Range { start, end, inclusive: false })),
        ];
        let binder = (some_name(), prop_oneof![some_type().prop_map(BinderRange::Type), inner.clone().prop_map(BinderRange::Set)])
            .prop_map(|(name, range)| Binder { name, range });
        let argument = (prop::option::of(some_name()), inner.clone()).prop_map(|(name, value)| Argument { name, value });
        prop_oneof![
            4 => (proptest::sample::select(&OPERATORS[..]), boxed.clone(), boxed.clone())
                .prop_map(|(op, a, b)| at(ExprKind::Binary(op, a, b))),
            1 => boxed.clone().prop_map(|e| at(ExprKind::Unary(UnaryOp::Negate, e))),
            1 => boxed.clone().prop_map(|e| at(ExprKind::Unary(UnaryOp::Not, e))),
            1 => range.prop_map(|(a, b, inclusive)| at(ExprKind::Range { start: Some(a), end: Some(b), inclusive })),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|l| at(ExprKind::List(l))),
            1 => boxed.clone().prop_map(|e| at(ExprKind::Lsb(e))),
            1 => (boxed.clone(), some_type()).prop_map(|(e, t)| at(ExprKind::Cast(e, t))),
            1 => (boxed.clone(), some_member())
                .prop_filter("a number has no fields", |(e, _)| !matches!(e.kind, ExprKind::Number { .. }))
                .prop_map(|(e, n)| at(ExprKind::Field(e, n))),
            1 => (boxed, prop::collection::vec(item, 1..3)).prop_map(|(e, items)| at(ExprKind::Index(e, items))),
            2 => (
                some_name(),
                prop::collection::vec(simple(), 0..3),
                any::<bool>(),
                prop::option::weighted(0.2, "[a-z/ .\"\\\\:0-9]{0,6}"),
                prop::collection::vec(argument, 0..4),
            )
                .prop_map(|(callee, generics, real, layer, arguments)| {
                    let layer = layer.map(|text| Reading::At(Text { text: text.into(), span: Span::default() }));
                    let reading = layer.or(real.then(|| Reading::Real(Span::default()))).map(Box::new);
                    at(ExprKind::Call(Call { callee, generics, reading, arguments }))
                }),
            2 => (any::<bool>(), prop::collection::vec(binder, 1..3), prop::option::of(inner.clone()), inner.clone())
                .prop_map(|(all, binders, condition, body)| {
                    let kind = if all { QuantifierKind::Forall } else { QuantifierKind::Exists };
                    at(ExprKind::Quantifier(Box::new(Quantifier { kind, keyword: Span::default(), binders, condition, body })))
                }),
            1 => (some_name(), inner.clone(), inner)
                .prop_map(|(name, value, body)| at(ExprKind::Let(Box::new(LetExpr { name, value, body })))),
        ]
    })
}

fn body(parsed: &Parsed) -> String {
    let body = parsed.items.first().map(|i| &i.item.kind);
    match body {
        Some(ItemKind::Property(p)) => without_spans(&p.body),
        _ => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_parses_to_itself(tree in some_expr()) {
        let text = format!("property p = {};", expr(&tree));
        let parsed = good(&text);
        prop_assert!(body(&parsed) == without_spans(&tree), "{}", text);
        check_format(&text);
    }

    #[test]
    fn no_text_panics(text in "(\\PC|[ \n(){}\\[\\];:,.<>=+*/\"#]|forall |let |network |params |property |in |where ){0,60}") {
        let parsed = parse(&text);
        for e in &parsed.errors {
            prop_assert!(text.get(e.span.start as usize..e.span.end as usize).is_some());
            show_errors(&text, std::slice::from_ref(e));
        }
        if parsed.errors.is_empty() {
            check_format(&text);
        }
    }

    #[test]
    fn what_parses_after_a_change_formats(at in 0..RICH.len(), length in 0..12usize, new in "[a-z0-9 \n(){}\\[\\];:,.<>=+*/\"-]{0,6}") {
        let end = (at + length).min(RICH.len());
        if let (Some(before), Some(after)) = (RICH.get(..at), RICH.get(end..)) {
            let text = format!("{before}{new}{after}");
            if parse(&text).errors.is_empty() {
                check_format(&text);
            }
        }
    }
}
