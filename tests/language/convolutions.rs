/// The codes of a network of one operation, and what is said of it.
fn said(input: &str, body: &str) -> (Vec<&'static str>, String) {
    let found = check(&format!("network f(x: {input}) -> real {{ {body} }}"), 0);
    (found.codes, found.text)
}

#[test]
fn windows_slide_along_each_axis_in_its_own_way() {
    let network = "type X = int<4>[1, 3, 4];
const I = [[[1, 2, 3, 4], [5, 6, 7, -8], [0, -1, -2, -3]]];
const W = [[[[1, 10], [100, 1000]]]];
network stride(x: X) -> real[1, 2, 2] { conv2d(x, W, stride = [1, 2]) }
network pads(x: X) -> real[1, 2, 3] { conv2d(x, W, stride = [3, 1], padding = [[1, 2], 0]) }
network apart(x: X) -> real[1, 1, 1] { conv2d(x, W, dilation = [2, 3]) }
network signal(x: int<4>[2, 5]) -> real[1, 3] { conv1d(x, [[[1, 2], [10, 20]]], [5], stride = 2, padding = [[1, 0]]) }
network pooled(x: X) -> real[1, 2, 2] { max_pool2d(x, [2, 3], stride = 1) }
network line(x: int<4>[1, 5]) -> real[1, 2] { max_pool1d(x, 2, dilation = 3, stride = 1) }";
    holds(
        network,
        &[
            "stride(I) == [[[6521, -7257], [-935, -3273]]]",
            "pads(I) == [[[2100, 3200, 4300], [-10, -1 - 20, -2 - 30]]]",
            "apart(I) == 1 + 40 - 3000",
            "signal([[1, 2, 3, 4, 5], [1, 0, 0, 0, -1]]) == [[5 + 2 + 20, 5 + 2 + 6, 5 + 4 + 10 - 20]]",
            "pooled(I) == [[[7, 7], [7, 7]]]",
            "line([[1, 2, 0, -3, 4]]) == [[1, 4]]",
        ],
    );
}

#[test]
fn same_padding_puts_the_odd_element_at_the_end() {
    let network = "const W = [[[[1, 10], [100, 1000]]]];
network even(x: int<4>[1, 3, 3]) -> real[1, 3, 3] { conv2d(x, W, padding = same) }
network strides(x: int<4>[1, 5]) -> real[1, 3] { conv1d(x, [[[1, 10, 100]]], padding = same, stride = 2) }
network none(x: int<4>[1, 5]) -> real[1, 3] { conv1d(x, [[[1, 10, 100]]], padding = valid) }
const same = 3;
network word(x: int<4>[1, 5]) -> real[1, 5] { let valid = 1; conv1d(x, [[[1]]], padding = same) * same * valid }";
    holds(
        network,
        &[
            "even([[[1, 2, 3], [4, 5, 6], [7, -8, -1]]])[0, 2] == [7 - 80, -8 - 10, -1]",
            "even([[[1, 2, 3], [4, 5, 6], [7, -8, -1]]])[0, 0, 2] == 3 + 600",
            "strides([[1, 2, 3, 4, 5]]) == [[210, 432, 54]]",
            "none([[1, 2, 3, 4, 5]]) == [[321, 432, 543]]",
            "word([[1, 2, 3, 4, 5]]) == [[3, 6, 9, 12, 15]]",
        ],
    );
}

#[test]
fn an_average_counts_padding_or_not() {
    let network = "type X = fixed<6, 1>[1, 3, 3];
network counted(x: X) -> real[1, 2, 2] { avg_pool2d(x, 2, padding = 1) }
network alone(x: X) -> real[1, 2, 2] { avg_pool2d(x, 2, padding = 1, count_padding = false) }
network tflite(x: X) -> fixed<6, 1>[1, 2, 2] { avg_pool2d(x, 2, padding = same, count_padding = false) as fixed<6, 1> }
network beyond(x: X) -> real[1, 2, 2] { avg_pool2d(x, 2, ceil_mode = true) }
network wide(x: int<4>[1, 9]) -> real[1, 9] { avg_pool1d(x, 9, stride = 1, padding = 4, count_padding = false) }
network maxima(x: X) -> real[1, 1, 1] { max_pool2d(avg_pool2d(x, 2, padding = 1, count_padding = false), 2) }
network channels(x: affine<int<4>, [0.5, 3], 0>[2, 2]) -> real[2, 2] { avg_pool1d(x, 2, stride = 1, padding = [[0, 1]], count_padding = false) }
const I = [[[1, 2, 3], [4, 5, 6], [7, 8, 9.5]]];";
    holds(
        network,
        &[
            "counted(I) == [[[0.25, 1.25], [2.75, 28.5 / 4]]]",
            "alone(I) == [[[1, 2.5], [5.5, 28.5 / 4]]]",
            "tflite(I) == [[[3, 4.5], [7.5, 9.5]]]",
            "beyond(I) == [[[3, 4.5], [7.5, 9.5]]]",
            "wide([[1, 2, 3, 4, 5, 6, 7, -8, 0]]) == [[3, 21 / 6, 4, 20 / 8, 20 / 9, 19 / 8, 17 / 7, 14 / 6, 2]]",
            "maxima(I) == 28.5 / 4",
            "channels([[0.5, 1], [3, 6]]) == [[0.75, 1], [4.5, 6]]",
            "forall x: X: alone(x) == alone.real(x) and beyond(x) == beyond.real(x)",
            "forall x: int<4>[1, 9]: wide(x)[0, 0] == wide.real(x)[0, 0] and wide(x)[0, 8] <= 7",
        ],
    );
    let (codes, text) = said("int<4>[1, 3, 3]", "avg_pool2d(x, 2, padding = same)");
    assert_eq!(codes, ["E0303"], "{text}");
    assert!(text.contains("padding = same, count_padding = false"), "{text}");
}

#[test]
fn axes_are_put_together() {
    let network = "type X = fixed<4, 1>[2, 2, 2];
network means(x: X) -> real[2] { mean(x, axes = [1, 2]) }
network all(x: X) -> real { mean(x) - sum(x) / 8 }
network sums(x: X) -> real[2, 2] { sum(x, axes = 0) }
network greatest(x: X) -> fixed<4, 1>[2] { maximum(x, axes = [0, 2]) }
network least(x: X) -> fixed<4, 1> { minimum(x) }
network channels(x: affine<int<4>, [0.5, 3], [1, 2]>[2, 2]) -> real[2] { maximum(x, axes = [1]) + minimum(x, axes = 1) }
network across(x: affine<int<4>, [0.5, 3], [1, 2]>[2, 2]) -> real[2] { maximum(x, axes = 0) - minimum(x, axes = 0) }
const I = [[[1, 2], [3, -4]], [[0.5, 0], [-1, -2]]];";
    holds(
        network,
        &[
            "means(I) == [0.5, -0.625] and means.real(I) == [0.5, -0.625]",
            "forall x: X: means(x) == mean(x, axes = [1, 2]) and all(x) - x[0, 0, 0] <= 4",
            "sums(I) == [[1.5, 2], [2, -6]]",
            "forall x: X: sums(x) == sum(x, axes = 0) and sum(mean(x, axes = [2, 0])) == 2 * mean(x)",
            "greatest(I) == [2, 3] and least(I) == -4 and least.real(I) == -4",
            "forall x: X: greatest(x) == maximum(x, axes = [0, 2]) and least(x) == minimum(minimum(x, axes = 1))",
            "channels([[0.5, -1], [3, -6]]) == [-0.5, -3]",
            "across([[0.5, -1], [3, -6]]) == [2.5, 5] and across.real([[0.5, -1], [3, -6]]) == [2.5, 5]",
            "mean([1, 2, 6]) == 3",
        ],
    );
    assert_eq!(said("int<4>[2, 2]", "mean(x, axes = 2)").0, ["E0303"]);
    assert_eq!(said("int<4>[2, 2]", "mean(x, axes = [0, 0])").0, ["E0303"]);
    assert_eq!(said("int<4>[2, 2]", "mean(x, axes = -1)").0, ["E0303"]);
    assert_eq!(codes("property p = forall x: int<4>[2, 2]: sum(x, axes = 2) == 0;"), ["E0303"]);
    assert_eq!(codes("property p = forall x: int<4>[2, 2]: sum(x, dim = 1) == 0;"), ["E0303"]);
}

#[test]
fn padding_holds_a_value() {
    let network = "network zeros(x: int<4>[2, 2]) -> int<4>[3, 5] { pad(x, [[1, 0], [1, 2]]) }
network value(x: affine<int<4>, 0.5, 3>[2]) -> affine<int<4>, 0.5, 3>[4] { pad(x, 1, value = -1.5) }
network exact(x: int<4>[2]) -> real[3] { pad(x * 0.5, [[0, 1]], value = 1 / 3) }
network sixths(x: int<4>[2]) -> real { dense(pad(x * 0.5, [[0, 1]], value = -1 / 3), [[1, 1, 1]])[0] }
network channels(x: affine<int<4>, [0.5, 3], 0>[2, 1]) -> real[2, 1] { max_pool1d(pad(x, [0, 1]), 3) }
network unpadded(x: int<4>[2]) -> int<4>[2] { pad(x, 0, value = 3) }
network before(x: int<4>[1, 2, 2]) -> real[1, 3, 3] { conv2d(pad(x, [0, 1, 1], value = 2), [[[[1, 1], [1, 1]]]]) }";
    holds(
        network,
        &[
            "zeros([[1, 2], [3, 4]]) == [[0, 0, 0, 0, 0], [0, 1, 2, 0, 0], [0, 3, 4, 0, 0]]",
            "value([0, 1]) == [-1.5, 0, 1, -1.5] and value.real([0, 1]) == [-1.5, 0, 1, -1.5]",
            "exact([1, 2]) == [0.5, 1, 1 / 3] and exact.real([1, 2]) == [0.5, 1, 1 / 3]",
            "forall x: int<4>[2]: sixths(x) == sum(x) / 2 - 1 / 3",
            "forall x: affine<int<4>, [0.5, 3], 0>[2, 1]: channels(x)[1, 0] == max(x[1, 0], 0)",
            "unpadded([1, -8]) == [1, -8]",
            "before([[[1, 1], [1, 1]]]) == [[[7, 6, 7], [6, 4, 6], [7, 6, 7]]]",
        ],
    );
    assert_eq!(said("int<4>[2]", "pad(x, 1, value = 0.5)").0, ["E0408"]);
    assert_eq!(said("int<4>[2]", "pad(x, 1, value = 8)").0, ["E0408"]);
    assert_eq!(said("int<4>[2]", "pad(x, -1)").0, ["E0304"]);
    assert_eq!(said("int<4>[2]", "pad(x, [1, 1])").0, ["E0303"]);
    assert_eq!(said("int<4>[2]", "pad(x, [[1, 1, 1]])").0, ["E0303"]);
    assert_eq!(said("int<4>[2]", "pad(x, 9223372036854775807)").0, ["E0313"]);
}

#[test]
fn constants_have_axes_too() {
    let network = "network turned(x: int<4>[2, 2, 2]) -> real[4, 1, 1] {
    let keras = [[[[1, 2], [3, 4]]]] as int<4>;
    conv2d(x, reshape(transpose(keras, [2, 3, 0, 1]), [4, 1, 1, 1]), groups = 2, stride = 2)
}
network matrix(x: int<4>[4]) -> real[2] { dense(x, reshape([1, 2, 3, 4, 5, 6, 7, 8], [2, 4])) + flatten([[1], [2]]) }";
    holds(
        network,
        &[
            "turned([[[1, 0], [0, 0]], [[-1, 0], [0, 0]]]) == [[[1]], [[2]], [[-3]], [[-4]]]",
            "matrix([1, 0, 0, -1]) == [-2, -1] and matrix.real([1, 0, 0, -1]) == [-2, -1]",
        ],
    );
}

#[test]
fn windows_that_do_not_slide_are_refused() {
    for (body, code) in [
        ("conv2d(x, [[[[1]]]], stride = 0)", "E0301"),
        ("conv2d(x, [[[[1]]]], dilation = [1, 0])", "E0301"),
        ("conv2d(x, [[[[1]]]], groups = 0)", "E0303"),
        ("conv2d(x, [[[[1, 1, 1, 1, 1]]]])", "E0301"),
        ("conv2d(x, [[[[1, 1]]]], dilation = 9223372036854775807)", "E0301"),
        ("conv2d(x, [[[[1, 1, 1]]]], dilation = 9223372036854775807)", "E0301"),
        ("conv2d(x, [[[[1, 1, 1, 1, 1]]]], dilation = 9223372036854775807)", "E0313"),
        ("conv2d(x, [[[[1]]]], padding = 9223372036854775807)", "E0313"),
        ("conv2d(x, [[[[1]]]], padding = 1000000)", "E0313"),
        ("conv2d(x, [[[[1, 1]]]], dilation = 9223372036854775807, padding = same)", "E0301"),
        ("conv2d(x, [[[[1]]]], padding = -1)", "E0304"),
        ("conv2d(x, [[[[1]]]], padding = 0.5)", "E0302"),
        ("conv2d(x, [[[[1]]]], padding = [1, 1, 1])", "E0303"),
        ("conv2d(x, [[[[1]]]], padding = [1, 1, 1, 1])", "E0303"),
        ("conv2d(x, [[[[1]]]], stride = same)", "E0201"),
        ("conv2d(x, [[[[1]]]], padding = SAME)", "E0201"),
        ("conv2d(x, [[[[1]]]], strides = 1)", "E0303"),
        ("conv2d(x, [[[[1]]]], ceil_mode = true)", "E0303"),
        ("conv1d(x, [[[1]]])", "E0301"),
        ("max_pool2d(x, 0)", "E0301"),
        ("max_pool2d(x, [2, 2, 2])", "E0303"),
        ("max_pool2d(x, 2, padding = 2)", "E0301"),
        ("max_pool2d(x, 2, dilation = 5, padding = 2)", "E0301"),
        ("max_pool2d(x, 9223372036854775807)", "E0301"),
        ("max_pool2d(x, 9223372036854775807, padding = 9223372036854775807)", "E0313"),
        ("avg_pool2d(x, 2000000, padding = 1000000)", "E0313"),
        ("avg_pool2d(x, 2, ceil_mode = 1)", "E0302"),
        ("avg_pool2d(x, 2, count_include_pad = false)", "E0303"),
        ("avg_pool2d(x, 2, dilation = 2)", "E0303"),
    ] {
        let (codes, text) = said("int<4>[1, 4, 4]", body);
        assert_eq!(codes, [code], "{body}\n{text}");
    }
}

#[test]
fn other_layouts_are_told_apart() {
    let suggests = |spec: &str, wanted: &str| {
        let found = check(spec, 0);
        assert_eq!(found.codes, ["E0301"], "{}", found.text);
        assert!(found.text.contains(wanted), "{wanted}\n{}", found.text);
    };
    let of = |input: &str, body: &str| format!("network f(x: {input}) -> real {{ {body} }}");
    suggests(&of("int<4>[8, 8, 3]", "conv2d(x, [[[[1]], [[1]], [[1]]]])"), "transpose(x, [2, 0, 1])");
    let file = "params m = \"norm.npz\" { *: fixed<12, 8>; }";
    let file = |body: &str| format!("{file}\n{}", of("uint<4>[1, 3, 3]", body));
    suggests(&file("conv2d(x, m.conv.kernel)"), "transpose(m.conv.kernel, [3, 2, 0, 1])");
    suggests(&of("int<4>[2, 1, 1]", "conv2d(x, [[[[1, 2]]]])"), "transpose(…, [0, 3, 1, 2])");
    suggests(&of("int<4>[1, 1, 3, 3]", "conv2d(x, [[[[1]]]])"), "`x[0]`");
    suggests(&of("int<4>[3, 3]", "max_pool2d(x, 2)"), "reshape(x, [1, 3, 3])");
    suggests(&of("int<4>[2]", "dense(x, [[1, 2, 3], [4, 5, 6]])"), "transpose(…)");
}

/// What PyTorch and TensorFlow compute: `tests/frameworks/run` writes the vectors.
#[test]
fn frameworks_compute_the_same() {
    let file: serde_json::Value = serde_json::from_str(&read("tests/frameworks/vectors.json")).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list of vectors");
    assert!(vectors.len() >= 100, "{}", vectors.len());
    for chunk in vectors.chunks(25) {
        let (mut networks, mut statements) = (String::new(), Vec::new());
        for (i, vector) in chunk.iter().enumerate() {
            let list = |key: &str| vector[key].to_string().replace('"', "");
            let shape = |key: &str| shape_of(&vector[key]);
            let weights = if vector["w"].is_null() { String::new() } else { format!("let w = {}; ", list("w")) };
            let operation = vector["operation"].as_str().expect("a text");
            let _ = writeln!(
                networks,
                "// {}\nnetwork f{i}(x: int<4>{}) -> real{} {{ {weights}{operation} }}",
                vector["framework"],
                shape("x"),
                shape("y")
            );
            statements.push(format!("f{i}({0}) == {1} and f{i}.real({0}) == {1}", list("x"), list("y")));
        }
        holds(&networks, &statements.iter().map(String::as_str).collect::<Vec<&str>>());
    }
}

/// The shape of a nested list, as a type has it.
fn shape_of(value: &serde_json::Value) -> String {
    let sizes: Vec<String> =
        std::iter::successors(Some(value), |value| value.get(0)).filter_map(serde_json::Value::as_array).map(|list| list.len().to_string()).collect();
    format!("[{}]", sizes.join(", "))
}
