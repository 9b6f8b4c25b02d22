#[test]
fn a_file_without_items_is_warned_of() {
    for spec in ["", "  \n", "// property p = 1 <= 2;\n", "//! Nothing yet.\n"] {
        assert_eq!(codes(spec), ["W0614"], "{spec:?}");
    }
    assert_eq!(codes("const LIBRARY = 1;"), Vec::<&str>::new());
}

#[test]
fn what_an_editor_shows_as_a_line_is_no_part_of_a_comment() {
    for end in ["\r", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}", "\u{202e}", "\u{2066}", "\0", "\u{1b}[2K"] {
        let spec = format!("const A = 1; // first{end}property p = 1 <= 2;\nconst B = 2;\n");
        assert_eq!(codes(&spec), ["E0102"], "{end:?}");
        let spec = format!("const A = 1;\nproperty p = 1 <= 2; // \u{200f}שלום\u{200e}, {end}\r\n");
        assert_eq!(codes(&spec), ["E0102"], "{end:?}");
        let spec = format!("dataset d {{ x: int<4>[2] from \"a{end}b\"; }}");
        assert!(codes(&spec).contains(&"E0102"), "{end:?}");
    }
    assert_eq!(codes("// \u{200f}שלום\u{200e} …\r\nconst A = 1;\t// é\r\n"), Vec::<&str>::new());
}

#[test]
fn premises_that_nothing_meets_are_found() {
    let network = "network f(x: int<4>[1]) -> int<4>[1] { dense(x, [[1]]) as int<4> }\n";
    let said = |statement: &str| codes(&format!("{network}property p = {statement};"));
    for impossible in [
        "forall x: int<4>[1]: f(x)[0] >= 8 => x[0] == 100",
        "forall x: int<4>[1]: not f(x)[0] < 8 => x[0] == 100",
        "forall x: int<4>: x > 3 and x < 2 => x == 100",
        "forall x: int<4>: x in 2..1 => x == 100",
        "forall x: int<4>: x == 2.5 => x == 100",
        "forall x: int<4>: x < 9 and (x > 5 or x < 2) and x in 3..5 => x == 100",
        "forall x: int<4>, y: int<4>: x + y == 14 and y < 7 => x == 100",
        "forall x: int<4> where x > 3: x < 2 => x == 100",
        "forall x: int<4>: forall i in 0..2 where x > 6 + i and x < 5: x == 100",
        "forall i in 0..0: 1 == 2",
        "forall i in []: 1 == 2",
        "forall x: int<4>: x < 9 and forall i in 3..3: x == i",
    ] {
        assert!(said(impossible).contains(&"W0615"), "{impossible}");
    }
    for possible in [
        "forall x: int<4>[1]: f(x)[0] >= 7 => x[0] == 7",
        "forall x: int<4>: x > 3 and x < 5 => x == 4",
        "forall x: int<4>: x in 2..3 => x == 2",
        "forall x: fixed<4, 1>: x == 2.5 => x > 2",
        "forall x: int<4>, y: int<4>: x + y == 14 and y < 8 => x == 7",
        "forall x: int<4> where x > 3: x < 5 => x == 4",
        "forall x: int<4>: x < 9 and forall i in 0..3: forall j in 0..i: x < 10 + j",
    ] {
        assert_eq!(said(possible), Vec::<&str>::new(), "{possible}");
    }
}

#[test]
fn a_ball_around_numbers_asks_for_a_stored_centre() {
    for centre in ["[1, 1]", "1"] {
        let said = check(&format!("property p = forall x in ball({centre}, 1 lsb): x[0] <= 2;"), 0);
        assert_eq!(said.codes, ["E0302"], "{}", said.text);
        assert!(said.text.contains("a ball's centre is a stored value") && said.text.contains("sample"), "{}", said.text);
    }
}

#[test]
fn near_names_of_functions_and_formats_are_suggested() {
    for (spec, near) in [
        ("network f(x: int<4>) -> int<4> { ReLU(x) as int<4> }\nproperty p = forall x: int<4>: f(x) >= 0;", "`relu`"),
        ("property p = forall x: unit<8>: x >= 0;", "`uint`"),
        ("property p = forall x: UInt<8>: x >= 0;", "`uint`"),
        ("property p = forall x: int<4>[2]: Maximum(x) <= 7;", "`maximum`"),
    ] {
        let said = check(spec, 0);
        assert!(said.codes.contains(&"E0201") && said.text.contains(&format!("help: write {near}")), "{}", said.text);
    }
}

#[test]
fn equal_values_make_one_instance() {
    assert_eq!(codes("property p(k in [1, 1]) = forall x: int<4>: x <= 7 * k;"), ["W0613"]);
    assert_eq!(codes("property p(k in [0.5, 1 / 2]) = forall x: int<4>: x <= 20 * k;"), ["W0613"]);
    assert_eq!(codes("property p(k in [1 / 3, 0.333333]) = forall x: int<4>: x <= 30 * k;"), Vec::<&str>::new());
    let spec = "enum A { one, two }\nenum B { one, three }\nproperty p(k in [A.one, B.one]) = k == A.one or true;";
    assert_eq!(codes(spec), ["E0302"]);
}

#[test]
fn formats_that_look_alike_are_told_apart() {
    let spec = "network f(x: affine<int<8>, 0.1000000001, 0>) -> real { x }
property p = forall x: affine<int<8>, 0.1, 0>: f(x) <= 100;";
    let said = check(spec, 0);
    assert_eq!(said.codes, ["E0306"]);
    assert!(said.text.contains("0.1000000001"), "{}", said.text);
    let of = |last: &str| format!("affine<int<8>, [0.1, 0.2, 0.3, 0.4, {last}], 0>[5]");
    let spec = format!("network f(x: {}) -> real[5] {{ x }}\nproperty p = forall x: {}: f(x)[0] <= 100;", of("0.5"), of("0.6"));
    let said = check(&spec, 0);
    assert_eq!(said.codes, ["E0306"]);
    assert!(said.text.contains("scales of channel 4 differ"), "{}", said.text);
}

#[test]
fn a_statement_of_its_own_serves_a_largest() {
    let spec = r#"dataset t { x: ufixed<8, 8>[2, 2] from "images.npz" tensor "x" raw; }
measure m(i in 0..2) = largest n in 0..=4 such that
    forall x in ball(t[i].x, n lsb): let y = x[0, 0]; y <= 1 and x[1, 1] >= 0;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
    let (db, file) = checked(spec);
    let item = verifiable(&db, file)[0];
    let asked = question(&db, item, 1);
    assert!(matches!(asked.value, Some(Question::Largest { monotone: true, .. })));
}

#[test]
fn each_width_tells_of_its_own_weights() {
    let spec = r#"params w = "large.npz" { *: fixed<8, 7>; }
network f<bits>(x: int<4>[2]) -> real[2] {
    params v = "large.npz" { *: fixed<bits, 2>; }
    dense(x, v.fc)
}
property p(bits in 3..=5) = forall x: int<4>[2]: f<bits>(x)[0] <= 100;"#;
    let said = check(spec, 0);
    assert_eq!(said.codes, ["W0405"]);
    for (format, instance) in [("fixed<3, 2>", "f<3>"), ("fixed<4, 2>", "f<4>")] {
        assert!(said.text.contains(format) && said.text.contains(instance), "{}", said.text);
    }
    assert!(!said.text.contains("f<5>"), "{}", said.text);
}

#[test]
fn let_constants_are_constants() {
    let spec = r#"network n(x: int<4>[4]) -> int<4>[2, 2] { let s = [2, 2]; let k = -1; reshape(x * k, s) as int<4> }"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn a_tensor_is_no_constant() {
    let spec = r#"network n(x: int<4>[1, 4, 4]) -> int<4>[1, 2, 2] { max_pool2d(x, x) }"#;
    assert_eq!(codes(spec), ["E0310"]);
}

#[test]
fn dataset_lengths_are_constants_everywhere() {
    let spec = r#"type P = ufixed<8, 8>;
dataset t { x: P[2, 2] from "images.npz" tensor "x" raw; }
property p = forall i in 0..len(t): t[i].x[0, 0] >= 0;
measure m = largest n in 0..len(t) such that forall x in ball(t[0].x, n lsb): x[0, 0] <= 1;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn channels_must_fit_where_a_variable_is_made() {
    let spec = r#"property p = forall x: affine<int<8>, [0.5, 0.25], 0>[3]: x[2] >= 0;"#;
    assert_eq!(codes(spec), ["E0301"]);
}

#[test]
fn channels_must_fit_where_an_input_is_made() {
    let spec = r#"network n(x: affine<int<8>, [0.5, 0.25], 0>[3]) -> real[3] { x }"#;
    assert_eq!(codes(spec), ["E0301"]);
}

#[test]
fn an_enum_without_variants_has_no_axis() {
    let spec = r#"enum E {}
property p = forall x: int<8>[E]: x[0] >= 0;"#;
    assert_eq!(codes(spec), ["E0302"]);
}

#[test]
fn an_empty_tensor_is_no_weight() {
    let spec = r#"params w = "empty.npz" { *: int<8>; }
network n(x: int<8>[2]) -> real[2] { dense(x, w.fc) }"#;
    assert_eq!(codes(spec), ["E0503"]);
}

#[test]
fn each_tensor_that_saturates_is_named() {
    let spec = r#"params w = "model.npz" { *: fixed<2, 4>; }
network n(x: int<8>[2]) -> real[2] { dense(dense(x, w.fc1) as int<8>, w.fc2) }"#;
    assert_eq!(codes(spec), ["W0405", "W0405"]);
}

#[test]
fn argmaxes_of_two_networks_are_compared() {
    let spec = r#"network n(x: int<4>[10]) -> int<4>[10] { (x + 1) as int<4> }
property p = forall x: int<4>[10]: argmax(n(x)) == argmax(x);"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn a_definition_keeps_its_promise() {
    let spec = r#"def f(x: int<4>) -> int<5> = x;
property p = forall x: int<4>: f(x) >= 0;"#;
    assert_eq!(codes(spec), ["E0306"]);
}

#[test]
fn a_number_is_no_statement() {
    let spec = r#"def f(x: int<4>) -> real = x;
property p = forall x: int<4>: f(x);"#;
    assert_eq!(codes(spec), ["E0302"]);
}

#[test]
fn overflow_error_holds_for_weights() {
    let spec = r#"params w = "large.npz" { *: fixed<4, 3, overflow = error>; }
network n(x: int<8>[2]) -> real[2] { dense(x, w.fc) }"#;
    assert_eq!(codes(spec), ["E0402"]);
}

#[test]
fn csv_integers_may_be_raw() {
    let spec = r#"enum F { gender, lunch, score }
dataset d { x: ufixed<4, 2>[F] from "students.csv" raw; }
property p = d[0].x.score == 1.75;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn folders_are_labelled_by_their_names() {
    let spec = r#"type P = ufixed<8, 8>;
dataset d { x: P[2, 2] from "digits" raw; y: class<2> from "digits"; }
property p = d[2].y == 1 and d[2].x[0, 0] == 200 / 256;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn names_side_by_side_differ() {
    let spec = r#"network n(x: int<4>, x: int<4>) -> real { x }
def f(a: int<4>, a: int<4>) -> bool = true;
dataset d { y: class<2> from "labels-idx1-ubyte.gz"; y: class<2> from "labels-idx1-ubyte.gz"; }"#;
    assert_eq!(codes(spec), ["E0202", "E0202", "W0207", "E0202"]);
}

#[test]
fn inputs_have_no_names() {
    let spec = r#"network n(x: int<4>) -> real { x }
property p = forall a: int<4>: n(x = a) >= -8;"#;
    assert_eq!(codes(spec), ["E0303"]);
}

#[test]
fn a_list_is_a_set() {
    let spec = r#"property p(i in 0..9) where i in [1, 4] = forall x: int<8>: x + i >= x;"#;
    assert_eq!(codes(spec), ["W0604"]);
}

#[test]
fn a_measure_with_generics_is_not_monotone_by_its_balls_alone() {
    let spec = r#"def f<n>(x: int<8>) -> bool = x <= 100 - n;
measure m = largest n in 0..=3 such that forall x in ball([0] as int<8>, n lsb): f<n>(x);"#;
    assert_eq!(codes(spec), ["E0612"]);
}

#[test]
fn strict_argmax() {
    let spec = r#"network n(x: int<4>[3]) -> int<4>[3] { x }
property p = forall x: int<4>[3]: strict_argmax(n(x)) == 1 => argmax(n(x)) == 1;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn a_tensor_of_one_element_is_a_number() {
    let spec = r#"network n(x: int<4>[1]) -> int<4> { x }
property p = forall x: int<4>: n(x) >= -8 + 0 * n(x) or n(x) == 3;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn lists_compute() {
    let spec = r#"const W = [1, -2];
network n(x: int<4>[2]) -> real[2] { x * (0.5 * W + 1) }
property p = forall x: int<4>[2]: maximum(abs(n(x) - [1, 0])) <= 20;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn a_cast_of_one_side_is_explained() {
    let spec = r#"network n(x: int<4>) -> int<4> { x + 1 as int<4> }"#;
    assert_eq!(codes(spec), ["E0306"]);
}

#[test]
fn maxima_are_compared_without_multiplying_cases() {
    let spec = r#"property p = forall x: int<4>[16], y: int<4>[16]: maximum(x) <= maximum(y);"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn an_edge_of_a_family_may_be_constant() {
    let spec = r#"property p(k in 0..4) = forall x: int<4>: x * k <= 7;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn a_known_argument_is_computed() {
    let spec = r#"network n(x: int<4>[2]) -> real[2] { x + 1 }
property p = argmax(n([1, 2])) == 1 and n([3, 4])[0] == 4;"#;
    assert_eq!(codes(spec), Vec::<&str>::new());
}

#[test]
fn classes_are_of_one_enum() {
    let spec = r#"enum A { x, y }
enum B { x, y }
network n(v: int<4>[2]) -> int<4>[A] { v }
property p = forall v: int<4>[2]: argmax(n(v)) == A.x;
property q = forall v: int<4>[2]: argmax(n(v)) == B.x;"#;
    assert_eq!(codes(spec), ["E0603"]);
}

#[test]
fn a_classs_argument_is_a_class() {
    let spec = r#"def f(c: class<2>) -> bool = c == 1;
property p = f(5);"#;
    assert_eq!(codes(spec), ["E0306"]);
}

#[test]
fn variables_side_by_side_differ() {
    let spec = r#"property p = forall x: int<4>, x: int<5>: x >= 1;"#;
    assert_eq!(codes(spec), ["E0202"]);
}

#[test]
fn a_measure_of_nothing() {
    let spec = r#"measure m = maximize x over x: int<4> where x > 9;
measure c = maximize 3 over x: int<4>;"#;
    assert_eq!(codes(spec), ["W0605", "W0604"]);
}

#[test]
fn a_number_has_no_empty_shape() {
    let spec = r#"property p = forall x: int<4>[2]: x == x[0];"#;
    assert_eq!(codes(spec), ["E0301"]);
}

#[test]
fn names_and_words_of_other_languages_get_a_hint() {
    let property = |body: &str| format!("property p = {body};");
    let network = |body: &str| format!("network sgn(x: int<4>[3]) -> int<4>[3] {{ {body} }}");
    for (spec, hint) in [
        (property("forall x: int8: x >= 0"), "write `int<8>`"),
        (property("forall x: uint16: x >= 0"), "write `uint<16>`"),
        (property("forall x: float32: x >= 0"), "no floats"),
        (property("forall x: boolean: x >= 0"), "write `bool`"),
        (property("forall x: fixd<8, 4>: x >= 0"), "write `fixed`"),
        (property("forall x: int<4>[2]: mean(x) >= 0"), "sum(x)"),
        (property("forall x: int<4>[2]: maximun(x) >= 0"), "write `maximum`"),
        (property("forall x: int<4>: x >= 0 and True"), "write `true`"),
        (network("softmax(x) as int<4>"), "leave it out"),
        (network("linear(x, [[1, 0, 0]]) as int<4>"), "write `dense`"),
        (network("rellu(x) as int<4>"), "write `relu`"),
        (property("foral x: int<4>: x >= 0"), "did you mean `forall`?"),
        (property("forall x: int<4> were x > 0: x >= 0"), "did you mean `where`?"),
        (property("forall x: int<4>: if x > 0 { x < 9 }"), "no branches"),
        (property("forall x: int<4>: x = 0 or x != 0"), "`==`"),
        ("propety p = 1 <= 2;".to_owned(), "did you mean `property`?"),
        ("fn f(x: int<4>) -> int<4> { x }".to_owned(), "`def name"),
        ("import \"other.qnn\";".to_owned(), "write `use"),
        ("assert 1 <= 2;".to_owned(), "write `property"),
    ] {
        let said = check(&spec, 0);
        assert!(said.text.contains(hint), "{spec}: {hint}\n{}", said.text);
    }
    // Nothing is told to call itself, nor to call what can't be called.
    for body in ["sign(x)", "sgm(x) as int<4>", "xs(x) as int<4>"] {
        let said = check(&network(body), 0);
        assert_eq!(said.codes, ["E0201"], "{}", said.text);
        assert!(!said.text.contains("`sgn`") && !said.text.contains("write `x`"), "{}", said.text);
    }
}

#[test]
fn quick_fixes_mend_what_they_are_for() {
    for (broken, mended) in [
        ("property p = forall x: int8: x >= -128;", "property p = forall x: int<8>: x >= -128;"),
        ("property p = forall x: int<8>: x ≥ -128;", "property p = forall x: int<8>: x >= -128;"),
        ("property p = forall x: int<8>: x = 0 or x != 0;", "property p = forall x: int<8>: x == 0 or x != 0;"),
        ("property p = forall x: int<8>: x > 0 || x < 9;", "property p = forall x: int<8>: x > 0 or x < 9;"),
        ("const A = 1\nconst B = 2;", "const A = 1;\nconst B = 2;"),
        ("propety p = 1 <= 2;", "property p = 1 <= 2;"),
        ("property p = foral x: int<8>: x < 900;", "property p = forall x: int<8>: x < 900;"),
        ("const A = 1; // a\rconst B = 2;", "const A = 1; // a\nconst B = 2;"),
        ("let A = 1;", "const A = 1;"),
    ] {
        let (db, file) = checked(broken);
        let all = qnn::check::spec::diagnostics(&db, file);
        let fix = all.iter().find_map(|d| d.fixes.first()).unwrap_or_else(|| panic!("{broken}: {all:?}"));
        let range = qnn::ide::file_range(&db, fix.place);
        let mut text = broken.to_owned();
        text.replace_range(range.span.start as usize..range.span.end as usize, &fix.replacement);
        assert_eq!(text, mended);
        assert!(!codes(mended).iter().any(|code| code.starts_with('E')), "{mended}");
    }
}
