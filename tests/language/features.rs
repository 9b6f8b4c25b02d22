#[test]
fn an_empty_spec_is_fine() {
    assert_eq!(codes(""), Vec::<&str>::new());
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
