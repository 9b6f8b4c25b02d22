/// Each statement is true of the network.
fn holds(network: &str, statements: &[&str]) {
    let text = statements.iter().enumerate().fold(network.to_owned(), |mut text, (i, statement)| {
        let _ = writeln!(text, "\nproperty p{i} = {statement};");
        text
    });
    let (db, file) = checked(&text);
    let wrong = codes(&text);
    assert!(wrong.is_empty(), "{text}\n{wrong:?}");
    let options = qnn::verify::Options::default();
    let plan = qnn::verify::plan(&db, file, &qnn::verify::Filter::default(), &options);
    let snapshots = qnn::verify::snapshots(db.clone());
    let verified = qnn::verify::run(&plan, &snapshots, &options, &qnn_engine::CancelToken::new(), &|_| {});
    assert_eq!(verified.results.len(), statements.len(), "{text}");
    for (statement, result) in statements.iter().zip(&verified.results) {
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

#[test]
fn clamps_of_sums_are_exact() {
    let network = "network six(x: fixed<6, 1>[2]) -> fixed<6, 1>[2] { relu6(x) }
network third(x: affine<uint<4>, 0.7, 3>) -> real { relu6(x) }
network hard(x: fixed<6, 2>) -> real { hard_sigmoid(x) }
network rounded(x: fixed<6, 2>) -> ufixed<4, 4> { hard_sigmoid(x) as ufixed<4, 4> }
network beyond(x: uint<4>) -> real { clamp(x, -2, -1) }";
    holds(
        network,
        &[
            "six([-3, 6.5]) == [0, 6] and six([2.5, 6]) == [2.5, 6]",
            "third(-2.1) == 0 and third(5.6) == 5.6 and third(6.3) == 6",
            "hard(-3.25) == 0 and hard(-2.75) == 1 / 24 and hard(0) == 0.5 and hard(1.5) == 0.75 and hard(3) == 1",
            "forall x: fixed<6, 2>: hard(x) == hard.real(x)",
            "rounded(-2.75) == 1 / 16 and rounded(0) == 0.5 and rounded(7) == 15 / 16",
            // Nothing that uint<4> stores.
            "beyond(0) == -1",
        ],
    );
    let stored = "network beyond(x: uint<4>) -> uint<4> { clamp(x, -2, -1) }";
    assert_eq!(codes(stored), ["E0306"]);
}

#[test]
fn sign_is_never_zero() {
    let network = "network s(x: fixed<6, 2>[3]) -> int<2>[3] { sign(x - 0.25) as int<2> }
network xnor(x: uint<1>[3]) -> real { dense(sign(x * 2 - 1), [[1, -1, 1]])[0] }";
    holds(
        network,
        &[
            "s([0, 0.25, 0.5]) == [-1, 1, 1]",
            "xnor([1, 0, 1]) == 3 and xnor([0, 0, 0]) == -1",
            "forall x: uint<1>[3]: xnor(x) in [-3, -1, 1, 3]",
        ],
    );
}

#[test]
fn functions_of_stored_values_are_rounded_by_the_cast() {
    let network = "type X = fixed<6, 2>;
network swish(x: X) -> real { hard_swish(x) }
network stored(x: X) -> fixed<6, 2> { hard_swish(x) as fixed<6, 2> }
network gate(x: X) -> ufixed<8, 8> { sigmoid(x) as ufixed<8, 8> }
network bent(x: X) -> fixed<6, 5, round = floor> { tanh(x) as fixed<6, 5, round = floor> }
network named(x: X) -> ufixed<8, 8> { let s = sigmoid(x); s as ufixed<8, 8> }
network wraps(x: X) -> ufixed<2, 1, overflow = wrap> { hard_swish(x) as ufixed<2, 1, overflow = wrap> }
network channels(x: affine<int<4>, [0.5, 1], [0, -2]>[2]) -> affine<int<4>, [0.25, 0.125], [1, 0]>[2] {
    tanh(x) as affine<int<4>, [0.25, 0.125], [1, 0]>
}";
    holds(
        network,
        &[
            "swish(-3) == 0 and swish(-1.5) == -0.375 and swish(-0.25) == -11 / 96 and swish(4) == 4",
            "stored(-1.5) == -0.25 and stored(-0.25) == 0 and stored(-1) == -0.25 and stored(7.75) == 7.75",
            // 1 / (1 + e) = 0.26894…, 1 / (1 + e^-4) = 0.98201….
            "gate(0) == 0.5 and gate(-1) == 69 / 256 and gate(4) == 251 / 256 and gate(7.75) == 255 / 256",
            // tanh(0.25) = 0.24491…, 7.83… steps of 1 / 32.
            "bent(0) == 0 and bent(0.25) == 7 / 32 and bent(-0.25) == -8 / 32 and bent(7.75) == 31 / 32 and bent(-8) == -1",
            "forall x: X: named(x) == gate(x) and gate(x) + gate(-0.25) <= 1.5",
            "forall x: X, y: X where x <= y: gate(x) <= gate(y)",
            "wraps(7.75) == 0 and wraps(3) == 1 and wraps(2) == 1.5 and wraps(-1.5) == 1.5",
            // tanh(-1) = -0.76159…, tanh(0.5) = 0.46211….
            "channels([-1, -1]) == [-0.75, -0.75] and channels([0.5, 3]) == [0.5, 0.875]",
        ],
    );
}

#[test]
fn tables_say_every_value() {
    let network = "const SQUARES = [4, 2.25, 1, 0.25, 0, 0.25, 1, 2.25];
network square(x: fixed<3, 1>) -> real { lookup(x, SQUARES) }
network stored(x: fixed<3, 1>) -> ufixed<4, 1> { lookup(x, SQUARES as ufixed<4, 1>) }
network cast(x: fixed<3, 1>) -> ufixed<4, 1> { lookup(x, SQUARES) as ufixed<4, 1> }
network falls(x: uint<2>[2]) -> int<3>[2] { lookup(x, [3, 1, 1, -2]) as int<3> }
network zero(x: affine<uint<2>, 0.3, 1>) -> real { lookup(x, [10, 20, 30, 40]) }
network file(x: uint<1>) -> fixed<12, 8> {
    params m = \"norm.npz\" { *: fixed<12, 8>; }
    lookup(x, m.bn.gamma)
}
network rises(x: uint<2>) -> int<8, overflow = error> { lookup(x, [-128, 0, 0, 127]) as int<8, overflow = error> }";
    holds(
        network,
        &[
            "square(-2) == 4 and square(-0.5) == 0.25 and square(1.5) == 2.25",
            "stored(-1.5) == 2.5 and stored(-0.5) == 0.5 and stored(1) == 1",
            "forall x: fixed<3, 1>: stored(x) == cast(x) and cast(x) - square(x) in -0.25..=0.25",
            "falls([0, 3]) == [3, -2] and falls([1, 2]) == [1, 1]",
            "zero(-0.3) == 10 and zero(0) == 20 and zero(0.6) == 40",
            "file(0) == 1 and file(1) == -0.5",
            "rises(0) == -128 and rises(3) == 127",
        ],
    );
    let spec = |body: &str| codes(&format!("network f(x: uint<2>[2]) -> real[2] {{ {body} }}"));
    assert_eq!(spec("lookup(x, [1, 2, 3])"), ["E0301"]);
    assert_eq!(spec("lookup(x, [[1, 2], [3, 4]])"), ["E0301"]);
    assert_eq!(spec("lookup(x, x)"), ["E0302"]);
    assert_eq!(spec("lookup(x + 1, [1, 2, 3, 4])"), ["E0411"]);
    assert_eq!(spec("lookup(x, [1, 2000000, 3, 4])"), ["E0313"]);
    assert_eq!(spec("lookup(x, [1, 9, 3, 4]) as int<4, overflow = error>"), ["E0402"]);
}

#[test]
fn functions_of_stored_values_need_a_store_and_a_cast() {
    let spec = |body: &str| codes(&format!("network f(x: fixed<6, 2>[2]) -> real[2] {{ {body} }}"));
    for body in ["sigmoid(x)", "tanh(x) * 2", "let s = sigmoid(x); s", "let s: real[2] = tanh(x); x", "sigmoid(x + x) as int<2>"] {
        assert_eq!(spec(body), ["E0411"], "{body}");
    }
    let reading = |body: &str| {
        let network = format!("network f(x: fixed<6, 2>[2]) -> real[2] {{ {body} }}");
        codes(&format!("{network}\nproperty p = forall x: fixed<6, 2>[2]: f.real(x)[0] <= 9;"))
    };
    for body in ["sign(x)", "hard_swish(x)", "tanh(x) as int<2>", "relu(sigmoid(x) as int<2>)"] {
        assert_eq!(reading(body), ["E0410"], "{body}");
    }
    let wide = "network f(x: int<17>) -> int<8> { sigmoid(x) as int<8> }";
    assert_eq!(codes(wide), ["E0313"]);
}

#[test]
fn overflow_of_a_channel_is_told_by_its_own_scale() {
    let spec = "network f(x: int<8>[2, 3]) -> affine<int<4>, [0.5, 0.25], 0, overflow = error>[2, 3] {
    (x * 0.001 * [[1, 1, 1], [1, 1, 100]]) as affine<int<4>, [0.5, 0.25], 0, overflow = error>
}";
    let said = check(spec, 0);
    assert_eq!(said.codes, ["E0402"], "{}", said.text);
    assert!(said.text.contains("neuron 5") && said.text.contains("holds -2 to 1.75"), "{}", said.text);
}

#[test]
fn parameters_compute() {
    let network = "params m = \"matrix.npy\" { *: fixed<8, 4>; }
params q = \"model.npz\" { *.bias: fixed<8, 4>; *: fixed<8, 2>; }
network products(x: int<4>[2]) -> real[2] { dense(x, 2 * m.value - 0.5, [1, 2] / 4) }
network turned(x: int<4>[2]) -> real[2] { dense(x, transpose(m.value)) - m.value[0] }
network shares(x: int<4>[2]) -> real[2] { (x - m.value[1, ..]) / [4, -8] * -m.value[0, 1] }
network biased(x: int<4>[3]) -> fixed<8, 4>[3] { (x + q.fc1.bias * [1, 2, 3]) as fixed<8, 4> }
network cast(x: int<4>[2]) -> real[3] { dense(x, (q.fc1.weight / 3) as fixed<4, 2>) }";
    // The matrix is [[0, 0.25], [0.5, 0.75]].
    holds(
        network,
        &[
            "products([1, 2]) == [-0.25, 3] and products.real([1, 2]) == [-0.25, 3]",
            "turned([1, 2]) == [1, 1.5] and turned.real([1, 2]) == [1, 1.5]",
            "shares([2, 3]) == [-3 / 32, 9 / 128] and shares.real([2, 3]) == [-3 / 32, 9 / 128]",
            "biased([0, 1, -1]) == [0, 1.125, -0.625]",
            // [[-0.5, -0.25], [0, 0.25], [0.5, 0.75]] / 3, in quarters.
            "cast([1, 0]) == [-0.25, 0, 0.25] and cast([0, 1]) == [0, 0, 0.25]",
        ],
    );
    let spec = |body: &str| {
        let m = "params m = \"matrix.npy\" { *: fixed<8, 4>; }";
        codes(&format!("{m}\nnetwork f(x: int<4>[2]) -> real[2] {{ {body} }}"))
    };
    assert_eq!(spec("x + (m.value + [1, 2])[0]"), ["E0301"]);
    assert_eq!(spec("x / [1, 0]"), ["E0311"]);
    assert_eq!(spec("x * (1 / m.value)[0]"), ["E0311"]);
    assert_eq!(spec("x + m.value[2]"), ["E0304"]);
    assert_eq!(spec("dense(x, transpose(m.value, [0, 0]))"), ["E0303"]);
    assert_eq!(spec("x + m"), ["E0302"]);
}

#[test]
fn constants_go_with_the_channels_of_images() {
    let network = "network f(x: int<4>[2, 1, 2]) -> real[2, 1, 2] { x * [2, 3] + [[[0, 1]], [[0, 1]]] }
network g(x: int<4>[2, 1, 2]) -> real[2, 1, 2] { x - [[[1]], [[2]]] }
network h(x: int<4>[1, 2, 2]) -> real[2, 1, 2] { transpose(x, [2, 0, 1]) }
network m(x: int<4>[2, 2]) -> real[2, 2] { x * [[1], [2]] + [[10, 20]] }";
    holds(
        network,
        &[
            "f([[[1, 2]], [[3, 4]]]) == [[[2, 5]], [[9, 13]]] and f.real([[[1, 2]], [[3, 4]]]) == [[[2, 5]], [[9, 13]]]",
            "g([[[1, 2]], [[3, 4]]]) == [[[0, 1]], [[1, 2]]]",
            "h([[[1, 2], [3, 4]]]) == [[[1, 3]], [[2, 4]]] and h.real([[[1, 2], [3, 4]]]) == [[[1, 3]], [[2, 4]]]",
            "m([[1, 2], [3, 4]]) == [[11, 22], [16, 28]]",
        ],
    );
    assert_eq!(codes("network f(x: int<4>[2, 3]) -> real[2, 3] { x * [1, 2] }"), ["E0301"]);
}

#[test]
fn batch_norm_is_folded_with_factors_of_24_bits() {
    let network = "params m = \"norm.npz\" { *: fixed<12, 8>; }
network f(x: int<4>[2]) -> real[2] { batch_norm(x, m.bn, epsilon = 0.25) }
network g(x: int<4>[2]) -> real[2] { batch_norm(x, m.bn, epsilon = 1.25) }";
    holds(
        network,
        &[
            // Factors 1 / 2 and -1 / 2.
            "f([1, 2]) == [0.5, -1.5] and f.real([1, 2]) == [0.5, -1.5]",
            // 1 / √5 as a float32 is 15005998 / 2^25.
            "g([1, 0])[0] == 0.25 + 15005998 / 33554432 * 0.5",
        ],
    );
    let spec = |body: &str| {
        let m = "params m = \"norm.npz\" { *: fixed<12, 8>; }";
        codes(&format!("{m}\nnetwork f(x: int<4>[3]) -> real[3] {{ {body} }}"))
    };
    assert_eq!(spec("batch_norm(x, m.bn)"), ["E0303"]);
    assert_eq!(spec("batch_norm(x, m.bn, epsilon = 1)"), ["E0301"]);
    assert_eq!(spec("batch_norm(x, m.conv, epsilon = 1)"), ["E0502"]);
    assert_eq!(spec("batch_norm(x[..2], m.bn, epsilon = -3.75)"), ["E0311"]);
}

#[test]
fn a_symmetric_range_has_no_least_integer() {
    let network = "network f(x: int<8>) -> int<8, overflow = symmetric> { x as int<8, overflow = symmetric> }
network g(x: int<4, overflow = symmetric>) -> real { x }";
    holds(
        network,
        &["f(-128) == -127 and f(-127) == -127 and f(127) == 127", "forall x: int<4, overflow = symmetric>: g(x) in -7..=7"],
    );
    for format in ["uint<8, overflow = symmetric>", "int<1, overflow = symmetric>", "affine<int<8>, 1, -128, overflow = symmetric>"] {
        assert_eq!(codes(&format!("type T = {format};")), ["E0401"], "{format}");
    }
}
