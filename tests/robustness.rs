//! No text, however broken, makes the checker panic or dawdle.

mod support;

use qnn::ir::Random;
use std::time::{Duration, Instant};
use support::{check, read};

/// The words, numbers and signs of a text, white space dropped.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in
        text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.chars().chain(['\n']))
    {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        tokens.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        tokens.push(c.to_string());
    }
    tokens
}

/// Checks a text; says what it was if that took too long.
fn quickly(text: &str) {
    let start = Instant::now();
    let said = check(text, 0);
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}:\n{text}", start.elapsed());
    assert!(!said.text.contains("panicked"));
}

#[test]
fn the_whole_rich_spec_is_clean() {
    let said = check(&read("tests/fixtures/rich.qnn"), 0);
    assert!(said.codes.is_empty(), "{}", said.text);
}

#[test]
fn changed_tokens() {
    let whole = tokens(&read("tests/fixtures/rich.qnn"));
    let real: Vec<usize> = (0..whole.len()).filter(|i| !whole[*i].trim().is_empty()).collect();
    let extreme =
        ["0", "-1", "1e4000", "9223372036854775807", "63", "64", "1e-9", "99999999", "Feature", "test", "lsb", ".."];
    let mut random = Random::new(1);
    for _ in 0..1500 {
        let mut changed = whole.clone();
        for _ in 0..1 + random.below(2) {
            let at = real[random.below(real.len())];
            let other = whole[real[random.below(real.len())]].clone();
            match random.below(5) {
                0 => changed[at] = String::new(),
                1 => changed[at] = other,
                2 => changed[at] = format!("{} {other}", changed[at]),
                3 => changed[at] = extreme[random.below(extreme.len())].to_owned(),
                _ => changed.swap(at, real[random.below(real.len())]),
            }
        }
        quickly(&changed.concat());
    }
}

#[test]
fn changed_bytes() {
    let whole = read("tests/fixtures/rich.qnn").into_bytes();
    let mut random = Random::new(2);
    for _ in 0..1000 {
        let mut changed = whole.clone();
        for _ in 0..1 + random.below(3) {
            let at = random.below(changed.len());
            match random.below(3) {
                0 => drop(changed.remove(at)),
                1 => changed[at] = whole[random.below(whole.len())],
                _ => changed.insert(at, b" 0123456789<>()[]{};:.,=+-*/#\"ax\n"[random.below(33)]),
            }
        }
        quickly(&String::from_utf8_lossy(&changed));
    }
}

#[test]
fn definitions_that_double_one_another() {
    let chain = |first: &str, next: &dyn Fn(usize) -> String, n: usize| {
        (1..n).fold(format!("{first}\n"), |text, i| text + &next(i) + "\n")
    };
    quickly(&chain("const C0 = 3;", &|i| format!("const C{i} = C{0} * C{0};", i - 1), 60));
    quickly(&chain("const C0 = [1, 2];", &|i| format!("const C{i} = [C{0}, C{0}];", i - 1), 60));
    quickly(&chain("const C0 = 1;", &|i| format!("const C{i} = C{} + 1;", i - 1), 3000));
    quickly(&chain("type T0 = int<8>;", &|i| format!("type T{i} = T{}[2];", i - 1), 3000));
    let nets = chain(
        "network n0(x: int<4>[2]) -> int<4>[2] { (x + x) as int<4> }",
        &|i| format!("network n{i}(x: int<4>[2]) -> int<4>[2] {{ n{0}(n{0}(x)) }}", i - 1),
        40,
    );
    quickly(&(nets + "property p = forall x: int<4>[2]: n39(x)[0] >= 0;"));
    let defs = chain(
        "def d0(x: int<4>) -> bool = x >= 0;",
        &|i| format!("def d{i}(x: int<4>) -> bool = d{0}(x) and d{0}(x);", i - 1),
        50,
    );
    quickly(&(defs + "property p = forall x: int<4>: d49(x);"));
    quickly("property p = forall i in 0..99999, j in 0..99999, x: int<4>: x >= i - j;");
    quickly("network n(x: int<8>[4194304]) -> int<8>[4194304] { let a = concat(x, x); let b = concat(a, a); b }");
    quickly("property p = forall x: affine<int<8>, [0.5, 0.25], 0>[3]: x[2] >= 0;");
    quickly("enum E {}\nproperty p = forall x: int<8>[E]: x[0] >= 0;");
}
