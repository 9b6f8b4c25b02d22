"""Random float networks: their structure, evaluated in doubles, against onnxruntime's floats."""
import numpy as np
import onnx
from graphs import *


def build(seed):
    from static import network

    if seed % 3 == 0:
        model, shape = network(seed)
        return model, shape
    g = Graph(seed)
    r = g.r
    shape = [1, int(r.integers(2, 12))] if r.integers(2) else [1, int(r.integers(1, 4)), int(r.integers(3, 7)), int(r.integers(3, 7))]
    g.shapes["x"], g.types["x"] = shape, np.float32
    x, s = "x", list(shape)
    for _ in range(r.integers(1, 7)):
        channels = [1, s[1], *[1] * (len(s) - 2)]

        def c(*of):
            return g.const(r.normal(0, 1, of).astype(f32))

        kind = r.integers(14)
        if kind < 4 and len(s) == 2:
            n = int(r.integers(1, 8))
            if kind == 0:
                x = g.node("MatMul", [x, c(s[1], n)], None, np.float32)
            else:
                x = g.node("Gemm", [x, c(n, s[1]), *([c(n)] if r.integers(2) else [])], None, np.float32, transB=1)
            s = [1, n]
        elif kind < 4:
            kernel, group, filters, attributes = conv_shape(g, 2, s[1])
            y = g.node("Conv", [x, c(filters, s[1] // group, *kernel), *([c(filters)] if r.integers(2) else [])], None, np.float32, **attributes)
            x, s = y, None
        elif kind == 4:
            x = g.node(g.choose("Relu", "Sigmoid", "Tanh", "Neg"), [x], None, np.float32)
        elif kind == 5:
            x = g.node("LeakyRelu", [x], None, np.float32, alpha=0.125)
        elif kind == 6:
            lo, hi = sorted(r.normal(0, 2, 2).astype(f32))
            x = g.node("Clip", [x, g.const(lo), g.const(hi) if r.integers(2) else ""], None, np.float32)
        elif kind == 7:
            p = [c(s[1]), c(s[1]), c(s[1]), g.const(r.uniform(0.1, 4, s[1]).astype(f32))]
            x = g.node("BatchNormalization", [x, *p], None, np.float32, epsilon=1e-5)
        elif kind == 8:
            pair = [x, c(*channels)]
            x = g.node(g.choose("Add", "Sub", "Mul"), pair if r.integers(2) else pair[::-1], None, np.float32)
        elif kind == 9:
            x = g.node("Div", [x, g.const(f32(g.choose(2, 0.25, -8)))], None, np.float32)
        elif kind == 10:
            y = g.node("Relu", [x], None, np.float32)
            x = g.node(g.choose("Add", "Sub"), [x, y], None, np.float32)
        elif kind == 11 and len(s) == 4:
            op = g.choose("MaxPool", "AveragePool", "GlobalAveragePool")
            attributes = {} if op[0] == "G" else dict(kernel_shape=[2, 2], pads=[int(v) for v in r.integers(0, 2, 4)])
            if op[0] == "A":
                attributes["count_include_pad"] = int(r.integers(2))
            x, s = g.node(op, [x], None, np.float32, **attributes), None
        elif kind == 12:
            x, s = g.node("Flatten", [x], None, np.float32), None
        elif kind == 13:
            y = g.node("Transpose", [x], None, np.float32, perm=[0, *[int(v) for v in 1 + r.permutation(len(s) - 1)]])
            z = g.node("Pad", [y, g.const(np.asarray([0, *[1] * (len(s) - 1)] * 2, np.int64))], None, np.float32)
            x, s = z, None
        if s is None:
            g.inputs = ["x"]
            from compare import session

            run = session(g.model([x]))
            s = list(run.run(None, {"x": np.zeros(shape, f32)})[0].shape)
            if 0 in s or int(np.prod(s)) > 3000:
                return None, None
    g.inputs = ["x"]
    return (g.model(), shape) if g.nodes else (None, None)


def run(evaluator, seed):
    from compare import session

    try:
        model, shape = build(seed)
    except Exception:
        return None, "empty", None
    if model is None:
        return None, "empty", None
    if seed % 3 == 0:
        for node in model.graph.node[:-1]:
            model.graph.output.append(h.make_tensor_value_info(node.output[0], TP.FLOAT, None))
    r = np.random.default_rng(seed)
    samples = [r.normal(0, 1, shape).astype(f32) for _ in range(3)]
    answer = evaluator.ask("float", False, model.SerializeToString(), [[x] for x in samples])
    operators = [n.op_type for n in model.graph.node]
    if isinstance(answer, str):
        return operators, "refused", answer
    s = session(model)
    names = [o.name for o in s.get_outputs()]
    expected = [dict(zip(names, s.run(None, {"x": x}))) for x in samples]
    each, count = len(answer[0]) // len(samples), 0
    for k, (name, _, _, values) in enumerate(answer[0]):
        wanted = expected[k // each].get(name)
        if wanted is None:
            continue
        wanted = np.asarray(wanted, np.float64).ravel()
        if wanted.shape != values.shape or not np.allclose(wanted, values, rtol=1e-4, atol=1e-4 * (1 + np.abs(wanted).max())):
            return operators, "different", f"{name}: {values[:4]} instead of {wanted[:4]}"
        count += len(values)
    return (operators, "same", count) if count else (operators, "different", "nothing to compare")
