/// Whether the first measure of a spec visibly gets harder with each candidate.
fn is_monotone(spec: &str) -> bool {
    assert!(!codes(spec).iter().any(|code| code.starts_with('E')), "{spec}");
    let (db, file) = checked(spec);
    let asked = question(&db, verifiable(&db, file)[0], 0);
    let Some(Question::Largest { monotone, .. }) = &asked.value else { panic!("a largest: {:?}", asked.diagnostics) };
    *monotone
}

#[test]
fn radii_of_balls_alone_are_monotone() {
    let measure = |statement: &str| {
        format!(
            "dataset t {{ x: ufixed<8, 8>[2, 2] from \"images.npz\" tensor \"x\" raw; }}\n\
             def f<n>(x: real) -> bool = x <= 100 - n;\n\
             measure m = largest n in 0..=4 such that forall x in ball(t[0].x, n lsb): {statement};\n"
        )
    };
    assert!(is_monotone(&measure("x[0, 0] <= 1")));
    assert!(is_monotone(&measure("let y = x[0, 0]; y <= 1 and x[1, 1] >= 0")));
    assert!(!is_monotone(&measure("f<n>(x[0, 0])")));
}
