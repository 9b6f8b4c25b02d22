//! Trees and their spans.

use super::super::ast::*;
use super::*;

#[test]
fn the_rich_spec_parses() {
    let parsed = good(RICH);
    assert_eq!(names(&parsed).len(), 30);
    assert_eq!(parsed.docs, "A spec with every construct of the language.\nIs the six-bit digit classifier robust?");
    let documented: Vec<_> = parsed.items.iter().filter(|i| !i.item.docs.is_empty()).map(|i| name(&i.item)).collect();
    assert_eq!(documented, ["Feature"]);
}

#[test]
fn spans_are_relative_to_the_item_and_cover_what_they_name() {
    for item in &good(RICH).items {
        let slice = &RICH[item.start as usize..item.end as usize];
        assert!(slice.ends_with([';', '}']), "{slice}");
        assert!(!slice[item.item.span.start as usize..].starts_with(['#', '/']), "{slice}");
        let tree = format!("{:?}", item.item);
        for part in tree.split("Name { text: \"").skip(1) {
            let (text, rest) = part.split_once("\", span: Span { start: ").unwrap_or_default();
            let (start, rest) = rest.split_once(", end: ").unwrap_or_default();
            let (end, _) = rest.split_once(' ').unwrap_or_default();
            let range = start.parse().unwrap_or(0)..end.parse().unwrap_or(0);
            assert_eq!(&slice[range], text);
        }
    }
}

/// An expression with the source of each of its parts, outermost first.
fn parts(body: &str) -> Vec<String> {
    fn walk(e: &Expr, text: &str, out: &mut Vec<String>) {
        out.push(text[e.span.start as usize..e.span.end as usize].to_owned());
        match &e.kind {
            ExprKind::Binary(_, a, b) => {
                walk(a, text, out);
                walk(b, text, out);
            }
            ExprKind::Unary(_, e) | ExprKind::Lsb(e) | ExprKind::Cast(e, _) | ExprKind::Field(e, _) => {
                walk(e, text, out);
            }
            ExprKind::Index(e, items) => {
                walk(e, text, out);
                items.iter().for_each(|e| walk(e, text, out));
            }
            ExprKind::Call(c) => {
                c.generics.iter().for_each(|e| walk(e, text, out));
                c.arguments.iter().for_each(|a| walk(&a.value, text, out));
            }
            ExprKind::Range { start, end, .. } => {
                start.iter().chain(end).for_each(|e| walk(e, text, out));
            }
            ExprKind::Quantifier(q) => {
                q.condition.iter().for_each(|e| walk(e, text, out));
                walk(&q.body, text, out);
            }
            ExprKind::Let(l) => {
                walk(&l.value, text, out);
                walk(&l.body, text, out);
            }
            _ => {}
        }
    }
    let text = format!("property p = {body};");
    let mut out = Vec::new();
    if let Some(ItemKind::Property(p)) = good(&text).items.first().map(|i| &i.item.kind) {
        walk(&p.body, &text, &mut out);
    }
    out
}

#[test]
fn operators_bind_as_the_manual_says() {
    assert_eq!(
        parts("a or b and not c == d + e * -f lsb"),
        [
            "a or b and not c == d + e * -f lsb",
            "a",
            "b and not c == d + e * -f lsb",
            "b",
            "not c == d + e * -f lsb",
            "c == d + e * -f lsb",
            "c",
            "d + e * -f lsb",
            "d",
            "e * -f lsb",
            "e",
            "-f lsb",
            "f lsb",
            "f",
        ]
    );
    assert_eq!(parts("a => b => c"), ["a => b => c", "a", "b => c", "b", "c"]);
    assert_eq!(parts("a - b - c"), ["a - b - c", "a - b", "a", "b", "c"]);
    assert_eq!(parts("x in 0..n + 1"), ["x in 0..n + 1", "x", "0..n + 1", "0", "n + 1", "n", "1"]);
}

#[test]
fn quantifiers_reach_as_far_as_they_can() {
    assert_eq!(
        parts("a and forall x in S, c > d: b or e")[..4],
        ["a and forall x in S, c > d: b or e", "a", "forall x in S, c > d: b or e", "c > d"]
    );
    assert_eq!(parts("a and let y = b; c => d")[1..], ["a", "let y = b; c => d", "b", "c => d", "c", "d"]);
}

#[test]
fn angle_brackets_open_arguments_only_before_a_call() {
    assert_eq!(parts("f<a + 1, 2>(b) < c"), ["f<a + 1, 2>(b) < c", "f<a + 1, 2>(b)", "a + 1", "a", "1", "2", "b", "c"]);
    assert_eq!(parts("a < b and c > (d)"), ["a < b and c > (d)", "a < b", "a", "b", "c > (d)", "c", "(d)"]);
    assert_eq!(parts("x as T < 3"), ["x as T < 3", "x as T", "x", "3"]);
    assert_eq!(
        parts("m.net.0.w[1.., ..2, ..]"),
        ["m.net.0.w[1.., ..2, ..]", "m.net.0.w", "m.net.0", "m.net", "m", "1..", "1", "..2", "2", ".."]
    );
}
