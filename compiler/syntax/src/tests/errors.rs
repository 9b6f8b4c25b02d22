//! Errors, as a reader sees them.

use super::*;
use insta::assert_snapshot;

/// The errors of some broken texts, one after the other.
fn errors(texts: &[&str]) -> String {
    let shown = texts.iter().map(|text| {
        let parsed = parse(text);
        assert!(!parsed.errors.is_empty(), "no error: {text}");
        show_errors(text, &parsed.errors)
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn something_else_was_expected() {
    assert_snapshot!(errors(&[
        "type A ufixed<8, 8>;",
        "type A = ;",
        "enum E { a b }",
        "const = 3;",
        "def f(x: T) = x;",
        "def f(x) -> T = x;",
        "property p = ;",
        "property p = a b;",
        "property p = f(a b);",
        "property p = a and;",
        "measure m = x;",
        "measure m = maximize x;",
        "measure m = largest n in 0..3;",
        "dataset d { x: T \"f\"; }",
        "dataset d { x = T; }",
        "params p { }",
        "params p = \"f\" { *.weight fixed<1, 2>; }",
        "network f(x: T) { x }",
        "type A = fixed<a < b>;",
        "#[timeout(] property p = true;",
        "use other;",
    ]));
}

#[test]
fn characters_and_texts() {
    assert_snapshot!(errors(&[
        "use “other.qnn”;",
        "property p = a\u{a0}and b;",
        "property p = a ≤ b;",
        "property p = größe > 0;",
        "property p = a % 2 == 0;",
        "use \"other.qnn;",
        "use \"C:\\weights\\new.npz\";",
        "/* a comment */ property p = true;",
        "property p = a /* b */;",
    ]));
}

#[test]
fn numbers() {
    assert_snapshot!(errors(&[
        "property p = x == .5;",
        "property p = x == 4.;",
        "property p = x == 3lsb;",
        "property p = x == 0x10;",
        "property p = x == 1.2.3;",
        "property p = x == 1e99999;",
    ]));
}

#[test]
fn brackets() {
    assert_snapshot!(errors(&[
        "property p = f(a, (b + c);",
        "network f(x: T) -> T {\n    let y = relu(dense(x, w) as Act;\n    let z = y +;\n    z\n}",
        "network f(x: T) -> T {\n    x\n\nproperty p = true;",
        "property p = f(a];",
        "property p = f(a));",
        "property p = true; }",
        "const W = [[1, 2], [3, 4];",
        &format!("property p = {}x{};", "(".repeat(129), ")".repeat(129)),
    ]));
}

#[test]
fn statements_and_networks() {
    assert_snapshot!(errors(&[
        "type A = B\ntype C = D;",
        "network f(x: T) -> T {\n    let a = g(x)\n    let b = h(a);\n    b\n}",
        "network f(x: T) -> T {\n    let a = g(x);\n    a;\n}",
        "network f(x: T) -> T {\n    let a = g(x);\n}",
        "network f(x: T) -> T {\n    a = g(x);\n    a\n}",
        "network f(x: T) -> T {\n    g(x);\n    x\n}",
        "network f(x: T) -> T {\n    let a = g(x, );\n    let b = = a;\n    let c = 3 lsp;\n    b c\n}",
        "network m = import \"model.onnx\" { kernel = ort }",
        "network m = import { kernel = ort };",
        "network m = import \"model.onnx\" { kernel: ort };",
        "network m = \"model.onnx\";",
        "network m(x: T) = import \"model.onnx\";",
        "dataset d {\n    x: T from \"a\" from \"b\";\n    y: T;\n    z: T from;\n}",
        "enum E { a, type, b = 3 }",
    ]));
}

#[test]
fn quantifiers_and_operators() {
    assert_snapshot!(errors(&[
        "property p = forall x in S f(x);",
        "property p = forall x: f(x) > 0;",
        "property p = forall x: T;",
        "property p = forall x > 0: f(x);",
        "property p(i 0..10) = true;",
        "property p(i: 0..10) = true;",
        "measure m = largest n 0..10 such that p(n);",
        "property p = 0 < x < 10;",
        "property p = a == b == c;",
        "property p = x in 0..1..2;",
        "property p = x = 3;",
        "property p = a && b || !c;",
        "property p = !a;",
        "property p = 1 + forall x: T: f(x);",
        "property p = a == not b;",
    ]));
}

#[test]
fn other_languages_and_reserved_words() {
    assert_snapshot!(errors(&[
        "fn f(x: T) -> T { x }",
        "let a = 3;",
        "propery p = true;",
        "import \"other.qnn\";",
        "const type = 3;",
        "def f(from: T) -> T = from;",
        "property p = if a then b else c;",
        "property p = if (a) { b } else { c };",
        "network f(x: T) -> T {\n    let mut y = x;\n    return y\n}",
        "network f(x: T) -> T {\n    for i in 0..3 { x }\n}",
        "property p = x.type == 3;",
        "enum E { a, b };",
        "#[slow]",
    ]));
}
