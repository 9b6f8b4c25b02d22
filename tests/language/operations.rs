/// Each statement is true of the network.
fn holds(network: &str, statements: &[&str]) {
    let text = statements.iter().enumerate().fold(network.to_owned(), |mut text, (i, statement)| {
        let _ = writeln!(text, "\nproperty p{i} = {statement};");
        text
    });
    let spec = qnn::Spec::with_text(Path::new(SPEC), &text);
    assert!(spec.check().is_empty(), "{text}\n{}", spec.explain(&spec.check()));
    let verified = spec.verify(&qnn::verify::Options::default());
    for (statement, result) in statements.iter().zip(verified.results()) {
        assert_eq!(result.verdict, qnn::verify::Verdict::Proved, "{network}\n{statement}");
    }
}

#[test]
fn leaky_relu_keeps_a_share_of_what_is_negative() {
    let network = "network f(x: fixed<6, 2>[3]) -> real[3] { leaky_relu(x, 0.1) }
network g(x: int<4>) -> int<4> { leaky_relu(x, 1 / 3) as int<4> }
network h(x: int<4>) -> real { leaky_relu(x, -1) }";
    holds(
        network,
        &[
            "f([-2.25, 0, 1.75]) == [-0.225, 0, 1.75]",
            "f.real([-2.25, 0, 1.75]) == [-0.225, 0, 1.75]",
            "forall x: fixed<6, 2>[3]: f(x)[1] <= maximum(f(x)) and f(x)[0] == f.real(x)[0]",
            "g(-4) == -1 and g(-5) == -2 and g(7) == 7",
            "forall x: int<4>: h(x) == abs(x)",
        ],
    );
    let calls = ["leaky_relu(x)", "leaky_relu(x, x)", "leaky_relu(x, slope = 0.1)"];
    let codes = calls.map(|call| codes(&format!("network f(x: int<4>) -> real {{ {call} }}")));
    assert_eq!(codes, [["E0303"], ["E0310"], ["E0303"]]);
}
