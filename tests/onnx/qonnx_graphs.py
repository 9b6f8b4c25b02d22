"""Random small QONNX graphs, executed by QONNX node by node."""
import logging
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
import numpy as np
from onnx import TensorProto as TP
from onnx import helper as h
from onnx import numpy_helper as nh
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

f32 = np.float32
Q = "qonnx.custom_op.general"
ModelWrapper.check_all_tensor_shapes_specified = lambda self, *a, **k: True


class Graph:
    def __init__(self, seed):
        self.r = np.random.default_rng(seed)
        self.nodes, self.inits, self.shapes = [], {}, {}
        self.count = 0
        # Scales that are powers of two make sums of floats exact.
        self.version = int(self.r.integers(1, 3))
        self.dyadic = self.r.integers(3) > 0

    def choose(self, *options):
        return options[self.r.integers(len(options))]

    def const(self, value):
        self.count += 1
        name = f"c{self.count}"
        self.inits[name] = np.asarray(value, f32)
        return name

    def node(self, op, inputs, shape, domain="", **attributes):
        self.count += 1
        name = f"t{self.count}"
        self.nodes.append(h.make_node(op, inputs, [name], domain=domain, name=f"n{self.count}", **attributes))
        self.shapes[name] = list(shape)
        return name

    def scale(self):
        if self.dyadic:
            return f32(2.0 ** -self.r.integers(0, 6)) * self.choose(f32(1), f32(1), f32(3))
        return f32(self.r.uniform(0.02, 0.7))

    def quant(self, x, shape, signed=None, weights=False):
        signed = int(self.r.integers(2)) if signed is None else signed
        if weights and self.r.integers(4) == 0:
            return self.node("BipolarQuant", [x, self.const(self.scale())], shape, Q)
        bits = int(self.r.integers(2, 9)) if weights else int(self.r.integers(2 if signed else 1, 7))
        scale = self.scale()
        if weights and not self.dyadic and self.r.integers(2) and len(shape) in (2, 4):
            scale = np.asarray(self.r.uniform(0.02, 0.7, [1, shape[1]] if len(shape) == 2 else [shape[0], 1, 1, 1]), f32)
        zero = f32(self.choose(0, 0, 0, 1, -2)) if not weights else f32(0)
        mode = self.choose("ROUND", "ROUND", "ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
        narrow = int(self.r.integers(2)) if signed or bits > 1 else 0
        return self.node("Quant", [x, self.const(scale), self.const(zero), self.const(f32(bits))], shape, Q, signed=signed, narrow=narrow, rounding_mode=mode)

    def weight(self, shape):
        return self.quant(self.const(self.r.normal(0, 1, shape)), shape, 1, True)


def layer(g, x):
    shape = g.shapes[x]
    if len(shape) == 2:
        n = int(g.r.integers(1, 8))
        kind = g.r.integers(3)
        if kind == 0:
            w = g.weight([shape[1], n])
            bias = [g.const(g.r.integers(-8, 9, n) * f32(0.25))] if g.r.integers(2) else []
            return g.node("Gemm", [x, w, *bias], [shape[0], n])
        if kind == 1:
            w = g.weight([n, shape[1]])
            w = g.node("Transpose", [w], [shape[1], n], perm=[1, 0])
            return g.node("MatMul", [x, w], [shape[0], n])
        return g.node("MatMul", [x, g.weight([shape[1], n])], [shape[0], n])
    group = g.choose(1, 1, shape[1])
    filters = int(group * g.r.integers(1, 4))
    k = [int(v) for v in g.r.integers(1, 3, 2)]
    pads = [int(v) for v in g.r.integers(0, 2, 4)]
    out = [shape[2] + pads[0] + pads[2] - k[0] + 1, shape[3] + pads[1] + pads[3] - k[1] + 1]
    bias = [g.const(g.r.integers(-8, 9, filters) * f32(0.25))] if g.r.integers(3) == 0 else []
    return g.node("Conv", [x, g.weight([filters, shape[1] // group, *k]), *bias], [1, filters, *out], kernel_shape=k, pads=pads, group=int(group))


def elementwise(g, x):
    """What may stand between a layer and its quantizer."""
    shape, r = g.shapes[x], g.r
    channels = [1, shape[1], *[1] * (len(shape) - 2)]
    for _ in range(r.integers(0, 4)):
        kind = r.integers(8)
        if kind == 0:
            n = shape[1]
            parameters = [g.const(v) for v in (r.normal(0.3, 1, n), r.normal(0, 1, n), r.normal(0, 2, n), r.uniform(0.1, 9, n))]
            x = g.node("BatchNormalization", [x, *parameters], shape, epsilon=1e-5)
        elif kind == 1:
            x = g.node("Relu", [x], shape)
        elif kind == 2:
            x = g.node("Mul", [x, g.const(r.normal(0, 1, channels if r.integers(2) else []))], shape)
        elif kind == 3:
            c = g.const(r.normal(0, 1, channels))
            x = g.node(g.choose("Add", "Sub"), [x, c] if r.integers(2) else [c, x], shape)
        elif kind == 4:
            x = g.node("Div", [x, g.const(r.uniform(0.3, 3, channels))], shape)
        elif kind == 5:
            x = g.node("LeakyRelu", [x], shape, alpha=float(g.choose(0.1, 0.25)))
        elif kind == 6:
            x = g.node("Tanh", [x], shape)
        else:
            lo, hi = sorted(r.normal(0, 3, 2).astype(f32))
            x = g.node("Clip", [x, g.const(lo), g.const(hi)], shape)
    return x


def quantizer(g, x):
    shape, r = g.shapes[x], g.r
    kind = r.integers(8)
    if kind == 0:
        return g.node("BipolarQuant", [x, g.const(g.scale())], shape, Q)
    if kind == 1:
        return g.node("Sign", [x], shape)
    if kind == 2:
        t = np.sort(r.normal(0, 3, [g.choose(1, shape[1]), int(r.integers(1, 8))]), axis=1)
        return g.node("MultiThreshold", [x, g.const(t)], shape, Q, out_dtype="UINT4", out_scale=float(g.choose(1.0, 2.0, 0.25)), out_bias=float(g.choose(0.0, -1.0, -0.5, 2.0)))
    x = g.quant(x, shape)
    if kind == 3:
        quant = g.nodes[-1]
        scale, zero, bits = (g.inits[quant.input[i]] for i in (1, 2, 3))
        if float(zero) == 0 and int(bits) > 2:
            if g.version == 2:
                power = f32(2.0 ** int(r.integers(0, 3)))
                less = f32(int(r.integers(2, int(bits) + 1)))
                return g.node("Trunc", [x, quant.input[1], quant.input[2], quant.input[3], g.const(scale * power), g.const(less)], shape, Q, rounding_mode=g.choose("FLOOR", "ROUND", "CEIL"), signed=int(r.integers(2)), narrow=int(r.integers(2)))
            less = f32(int(bits) - int(r.integers(1, int(bits) - 1)))
            return g.node("Trunc", [x, quant.input[1], quant.input[2], quant.input[3], g.const(less)], shape, Q, rounding_mode=g.choose("FLOOR", "ROUND"))
    return x


def graph(seed):
    g = Graph(seed)
    r = g.r
    if r.integers(2):
        g.shapes["x"] = [1, int(r.integers(2, 12))]
    else:
        g.shapes["x"] = [1, int(r.integers(1, 4)), int(r.integers(3, 6)), int(r.integers(3, 6))]
    g.input = list(g.shapes["x"])
    x, storage = "x", None
    kind = r.integers(3)
    if kind == 0:
        storage = (8, 0, "1/255", 0)
        if r.integers(2):
            x = g.node("Mul", [x, g.const(f32(2))], g.input)
            x = g.node("Sub", [x, g.const(f32(1))], g.input)
    elif kind == 1:
        storage = (8, 1, "1/64", 0)
    x = g.quant(x, g.shapes[x])
    for k in range(r.integers(1, 4)):
        skip = x
        x = layer(g, x)
        if r.integers(5) == 0 and len(g.shapes[x]) == 4 and min(g.shapes[x][2:]) > 1 and g.r.integers(2):
            s = g.shapes[x]
            x = g.node("MaxPool", [elementwise(g, x)], [1, s[1], s[2] - 1, s[3] - 1], kernel_shape=[2, 2])
        x = elementwise(g, x)
        x = quantizer(g, x)
        if g.shapes[x] == g.shapes[skip] and r.integers(2):
            x = g.node("Add", [x, skip], g.shapes[x])
            x = g.quant(x, g.shapes[x])
        s = g.shapes[x]
        if len(s) == 4 and r.integers(3) == 0 and min(s[2:]) > 1:
            x = g.node("MaxPool", [x], [1, s[1], s[2] - 1, s[3] - 1], kernel_shape=[2, 2])
        s = g.shapes[x]
        if len(s) == 4 and r.integers(5) == 0 and k:
            if min(s[2:]) > 1 and r.integers(2):
                x = g.node("AveragePool", [x], [1, s[1], s[2] - 1, s[3] - 1], kernel_shape=[2, 2])
            else:
                x = g.node("GlobalAveragePool", [x], [1, s[1], 1, 1])
            x = g.quant(x, g.shapes[x])
        s = g.shapes[x]
        if len(s) == 4 and r.integers(3) == 0:
            x = g.node("Flatten", [x], [1, int(np.prod(s[1:]))])
    if r.integers(3) == 0:
        x = layer(g, x)
        if r.integers(2):
            x = g.node("Mul", [x, g.const(f32(0.75))], g.shapes[x])
            x = g.node("Add", [x, g.const(r.integers(-4, 5, g.shapes[x][1]).reshape([1, -1, *[1] * (len(g.shapes[x]) - 2)]) * f32(0.5))], g.shapes[x])
    g.output = x
    return g, storage


def model(g):
    def info(name):
        return h.make_tensor_value_info(name, TP.FLOAT, g.shapes[name])

    inits = [nh.from_array(v, n) for n, v in g.inits.items()]
    values = [info(n) for n in g.shapes if n not in ("x", g.output)]
    values += [h.make_tensor_value_info(n, TP.FLOAT, v.shape) for n, v in g.inits.items()]
    proto = h.make_graph(g.nodes, "g", [info("x")], [info(g.output)], inits, value_info=values)
    m = h.make_model(proto, opset_imports=[h.make_opsetid("", 13), h.make_opsetid(Q, g.version)])
    m.ir_version = 8
    return m


def execute(m, x):
    return execute_onnx(ModelWrapper(m), {"x": x}, return_full_exec_context=True)


def check(tensors, contexts):
    """Compares stored integers with floats: exactly, but for sums that floats round."""
    each, count, seen = len(tensors) // len(contexts), 0, set()
    for k, (name, scales, zero, values) in enumerate(tensors):
        wanted = contexts[k // each].get(name)
        if wanted is None:
            continue
        wanted = np.asarray(wanted, f32).ravel()
        if wanted.shape != values.shape:
            return "different", f"{name}: {values.shape} elements instead of {wanted.shape}"
        exact = (values - zero).astype(np.float64) * np.asarray(scales)
        close = np.abs(exact - wanted) <= 2e-5 * np.abs(wanted).max() + 2e-6
        integers = np.rint(wanted / np.asarray(scales)) + zero
        small = np.abs(values).max() < 1 << 20 and min(scales) > 1e-3
        if not close.all() or (small and not np.array_equal(integers, values)):
            at = np.flatnonzero(~close)
            return "different", f"{name}: {exact[at[:4]]} instead of {wanted[at[:4]]}, {len(at)} of {len(values)}"
        count += len(values)
        seen.add(name)
    return ("same", count) if seen else ("different", "nothing to compare")


def samples(g, storage, rng, count):
    """(stored integers, floats) of inputs."""
    if storage is None:
        quant = next(n for n in g.nodes if n.op_type == "Quant")
        scale, zero, bits = (g.inits[quant.input[i]] for i in (1, 2, 3))
        flags = {a.name: a.i for a in quant.attribute}
        lo = -(2 ** (int(bits) - 1)) + flags["narrow"] if flags["signed"] else 0
        hi = 2 ** (int(bits) - 1) - 1 if flags["signed"] else 2 ** int(bits) - 1 - flags["narrow"]
        mode = [a.s for a in quant.attribute if a.name == "rounding_mode"][0]
        result = []
        for _ in range(count):
            k = rng.integers(lo, hi + 1, g.input)
            # Floats whose quantizer gives these integers, whatever its rounding.
            shift = {b"CEIL": -0.25, b"FLOOR": 0.25}.get(mode, 0.0)
            if mode in (b"UP", b"DOWN"):
                shift = np.sign(k) * (-0.25 if mode == b"UP" else 0.25)
            x = ((k - float(zero) + shift).astype(f32) * scale).astype(f32)
            result.append((k, x))
        return result
    width, signed, scale, zero = storage
    lo, hi = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    numerator, denominator = (f32(int(v)) for v in scale.split("/"))
    result = []
    for _ in range(count):
        k = rng.integers(lo, hi + 1, g.input)
        result.append((k, ((k - zero).astype(f32) * numerator / denominator).astype(f32)))
    return result


def run(evaluator, seed):
    g, storage = graph(seed)
    m = model(g)
    drawn = samples(g, storage, np.random.default_rng(seed + 1), 4)
    storages = [":".join(str(v) for v in storage)] if storage else []
    answer = evaluator.ask("qonnx", False, m.SerializeToString(), [[k] for k, _ in drawn], storages)
    operators = [n.op_type for n in g.nodes]
    if isinstance(answer, str):
        return operators, "refused", answer
    contexts = [execute(m, x) for _, x in drawn]
    return operators, *check(answer[0], contexts)
