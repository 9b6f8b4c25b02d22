//! Hostile texts: deep, long, or made to backtrack.

use super::*;
use std::time::{Duration, Instant};

fn codes(text: &str) -> Vec<&'static str> {
    let started = Instant::now();
    let codes = parse(text).errors.iter().map(|e| e.code).collect();
    let spent = started.elapsed();
    assert!(spent < Duration::from_secs(5), "{spent:?} for {} bytes: {}", text.len(), &text[..text.len().min(60)]);
    codes
}

fn property(body: &str) -> String {
    format!("property p = {body};")
}

#[test]
fn depth_is_refused_and_the_limit_itself_is_not() {
    let nested: [(&str, &str, &str); 14] = [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("f(", "x", ")"),
        ("f<1>(", "x", ")"),
        ("x[", "x", "]"),
        ("a < (", "x", ")"),
        ("- ", "x", ""),
        ("not ", "x", ""),
        ("forall x: T: ", "x", ""),
        ("forall x in ", "y", ": y"),
        ("forall x: T where ", "y", ": y"),
        ("let x = ", "y", "; y"),
        ("let x = y; ", "y", ""),
        ("a => ", "x", ""),
    ];
    for (before, inner, after) in nested {
        for (levels, good) in [(60, true), (130, false), (10_000, false)] {
            let text = property(&format!("{}{inner}{}", before.repeat(levels), after.repeat(levels)));
            let found = codes(&text);
            let expected = if good { vec![] } else { vec!["E0109"] };
            assert_eq!(found, expected, "{levels} times `{before}`");
        }
    }
    for chain in ["x + ", "x and ", "x in x and ", "x => "] {
        assert_eq!(codes(&property(&format!("{}x", chain.repeat(100)))), [] as [&str; 0], "{chain}");
        assert_eq!(codes(&property(&format!("{}x", chain.repeat(10_000)))), ["E0109"], "{chain}");
    }
    for postfix in [".x", "[0]", " lsb", " as T"] {
        assert_eq!(codes(&property(&format!("x{}", postfix.repeat(100)))), [] as [&str; 0], "{postfix}");
        assert_eq!(codes(&property(&format!("x{}", postfix.repeat(10_000)))), ["E0109"], "{postfix}");
    }
}

#[test]
fn no_text_makes_the_grammar_backtrack_for_ever() {
    for unit in [
        "(",
        "[",
        "{",
        "a<",
        "a<(",
        "a < b > (",
        "f<1>(",
        "x as T<(",
        "x as T[",
        "x as T<T<",
        "x as T < (x ",
        "forall x in (",
        "forall a in X, b in (",
        "forall a in X, b in ",
        "let a = ",
        "let a: T = ",
        "f(a = ",
        "f(a = (",
        "x[..",
        "x[a..(",
        "- ",
        "not (",
        "\"",
        "#[",
        "#[x(",
        "params p = \"f\" {",
        "*",
        "a.b:",
        "1..",
        "where ",
        "=> ",
        "a, ",
        "a; ",
        "(a; ",
        "[)",
        "(]",
    ] {
        for head in
            ["property p = ", "network f(x: T) -> T { ", "const a = ", "dataset d { ", "enum E {", "type A = ", ""]
        {
            for times in [20, 100, 2_000] {
                codes(&format!("{head}{}", unit.repeat(times)));
            }
        }
    }
}

#[test]
fn long_lists_are_fine() {
    let numbers = "1.25, ".repeat(100_000);
    assert_eq!(codes(&format!("const W = [{numbers}];")), [] as [&str; 0]);
    let rows = format!("[{}], ", "1, -2, ".repeat(100)).repeat(1_000);
    assert_eq!(codes(&format!("const W = [{rows}];")), [] as [&str; 0]);
    let lets = "let x = f(x);\n".repeat(20_000);
    assert_eq!(codes(&format!("network f(x: T) -> T {{ {lets} x }}")), [] as [&str; 0]);
}

#[test]
fn a_file_beyond_four_mebibytes_is_refused() {
    assert_eq!(codes(&" ".repeat(super::super::MAX_BYTES)), [] as [&str; 0]);
    assert_eq!(codes(&" ".repeat(super::super::MAX_BYTES + 1)), ["E0110"]);
}

#[test]
fn a_mebibyte_of_anything_ends_soon() {
    for unit in ["(", "}", "type ", "params\n{\n", "a;", "\u{201c}", "/", "let x = 1; ", "property p = a b;\n", "#"] {
        for head in ["", "network f(x: T) -> T {"] {
            codes(&format!("{head}{}", unit.repeat((1 << 20) / unit.len())));
        }
    }
}

#[test]
fn two_thousand_lines_take_milliseconds() {
    let text = RICH.repeat(2_000 / RICH.lines().count() + 1);
    let times = (0..10).map(|_| {
        let started = Instant::now();
        good(&text);
        started.elapsed()
    });
    let best = times.min().unwrap_or_default();
    println!("{} lines, {} bytes: {best:?}", text.lines().count(), text.len());
    assert!(best < Duration::from_millis(200), "{best:?}");
}
