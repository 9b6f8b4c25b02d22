"""Random graphs of quantizers and float operators, as `onnxruntime.quantization` makes them (QDQ), at the optimization levels extended and all."""
import os
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from graphs import *


def level(model, which):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = which
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Builder(Graph):
    def dequantize(self, q):
        again = [d for d, of in self.values.items() if of == q and any(d in n.output for n in self.nodes)]
        if again and self.r.integers(2):
            return again[-1]
        s, z = self.scales[q]
        d = self.node("DequantizeLinear", [q, *scalars(self, s, z, self.types[q])], self.shapes[q], None)
        self.values[d] = q
        return d

    def quantize(self, x, shape, s, z):
        dtype = self.dtype
        z = z - 128 if dtype == np.int8 else z
        q = self.node("QuantizeLinear", [x, *scalars(self, s, z, dtype)], shape, dtype)
        self.scales[q] = (f32(s), z)
        self.quantized.append(q)
        return q

    def weight(self, w, sw, axis=0):
        zw = np.zeros(np.shape(sw), w.dtype)
        extra = {"axis": axis} if np.ndim(sw) else {}
        return self.node("DequantizeLinear", [self.const(w), self.const(np.asarray(sw, f32)), self.const(zw)], w.shape, None, **extra)


def activation(g, y, shape, s):
    """A Relu or a Clip behind an operator, and the quantizer's zero point."""
    z = g.zero(np.uint8)
    kind = g.r.integers(4)
    if kind == 0:
        y, z = g.node("Relu", [y], shape, None), 0 if g.r.integers(4) else z
    elif kind == 1:
        y = g.node("Clip", [y, g.const(f32(0)), g.const(f32(6))], shape, None)
        s, z = f32(6 / 255) if g.r.integers(2) else s, 0
    return y, s, z


def layer(g, q):
    shape, (sx, _) = g.shapes[q], g.scales[q]
    d = g.dequantize(q)
    if len(shape) == 4 and g.r.integers(5) == 0:
        shape = [1, int(np.prod(shape[1:]))]
        d = g.node("Flatten", [d], shape, None)
    wt = g.choose(np.int8, np.int8, np.uint8)
    lo, hi = (-64, 64) if wt == np.int8 else (0, 256)
    if len(shape) == 2:
        n, trans = int(g.r.integers(1, 9)), int(g.r.integers(2))
        each = g.r.integers(2) and wt == np.int8
        sw = np.asarray(g.r.uniform(0.001, 0.01, n) if each else g.r.uniform(0.001, 0.01), f32)
        if g.r.integers(2):
            w = g.r.integers(lo, hi, [n, shape[1]] if trans else [shape[1], n]).astype(wt)
            inputs = [d, g.weight(w, sw, 0 if trans else 1)]
            if g.r.integers(2):
                b = g.r.integers(-9000, 9000, n).astype(np.int32)
                inputs.append(g.node("DequantizeLinear", [g.const(b), g.const((sx * sw * g.choose(1, 1, 1, 1, 1, 1.5)).astype(f32)), g.const(np.zeros(np.shape(sw), np.int32))], [n], None, **({"axis": 0} if each else {})))
            y, out = g.node("Gemm", inputs, [1, n], None, transB=trans), [1, n]
        else:
            w = g.r.integers(lo, hi, [shape[1], n]).astype(wt)
            y, out = g.node("MatMul", [d, g.weight(w, sw, 1)], [1, n], None), [1, n]
        terms = shape[1]
    else:
        kernel, group, filters, attributes = conv_shape(g, 2, shape[1])
        attributes.pop("auto_pad", None)
        each = g.r.integers(2) and wt == np.int8
        sw = np.asarray(g.r.uniform(0.001, 0.01, filters) if each else g.r.uniform(0.001, 0.01), f32)
        w = g.r.integers(lo, hi, [filters, shape[1] // group, *kernel]).astype(wt)
        inputs = [d, g.weight(w, sw)]
        if g.r.integers(2):
            b = g.r.integers(-9000, 9000, filters).astype(np.int32)
            inputs.append(g.node("DequantizeLinear", [g.const(b), g.const((sx * sw * g.choose(1, 1, 1, 1, 1, 1.5)).astype(f32)), g.const(np.zeros(np.shape(sw), np.int32))], [filters], None, **({"axis": 0} if each else {})))
        y = g.node("Conv", inputs, None, None, **attributes)
        out, terms = None, w[0].size
    s = out_scale(g, sx * sw.max(), terms)
    y, s, z = activation(g, y, out, s)
    return g.quantize(y, out, s, z)


def add(g, q):
    shape = g.shapes[q]
    others = [o for o in g.quantized if o != q and g.shapes[o] == shape and g.types[o] == g.dtype]
    if not others:
        return None
    other = others[g.r.integers(len(others))]
    (s, _), (t, _) = g.scales[q], g.scales[other]
    y = g.node("Add", [g.dequantize(q), g.dequantize(other)], shape, None)
    y, s, z = activation(g, y, shape, f32(g.choose(s + t, (s + t) / 2, s)))
    return g.quantize(y, shape, s, z)


def multiply(g, q):
    s, _ = g.scales[q]
    c = g.const(g.r.integers(0, 256, [1]).astype(np.uint8))
    t = g.scale()
    d = g.node("DequantizeLinear", [c, *scalars(g, t, g.zero(np.uint8), np.uint8)], [1], None)
    y = g.node("Mul", [g.dequantize(q), d], g.shapes[q], None)
    return g.quantize(y, g.shapes[q], f32(s * t * 50), g.zero(np.uint8))


def same_scale(g, q):
    """Operators that are moved through quantizers of the same scale."""
    shape, d = g.shapes[q], g.dequantize(q)
    kind = g.r.integers(5)
    if kind == 0 and len(shape) == 4 and min(shape[2:]) > 1:
        y = g.node("MaxPool", [d], None, None, kernel_shape=[2, 2], strides=[int(v) for v in g.r.integers(1, 3, 2)])
    elif kind == 1:
        y = g.node("Flatten", [d], None, None)
    elif kind == 2:
        y = g.node("Transpose", [d], None, None, perm=[0, *[int(v) for v in 1 + g.r.permutation(len(shape) - 1)]])
    elif kind == 3:
        y = g.node("Reshape", [d, g.const(np.asarray([1, -1], np.int64))], None, None)
    else:
        others = [o for o in g.quantized if g.shapes[o] == shape and g.types[o] == g.dtype]
        e = g.dequantize(others[g.r.integers(len(others))])
        y = g.node("Concat", [d, e], None, None, axis=1)
    s, z = g.scales[q]
    z = z + 128 if g.dtype == np.int8 else z
    if kind == 4 and g.r.integers(2):
        s, z = f32(s * 1.3), g.zero(np.uint8)
    return g.quantize(y, None, s, z)


def curve(g, q):
    s, z = g.scales[q]
    z = z + 128 if g.dtype == np.int8 else z
    d = g.dequantize(q)
    kind = g.r.integers(5)
    if kind == 0:
        y = g.node("LeakyRelu", [d], g.shapes[q], None, alpha=0.1)
    elif kind == 1:
        return g.quantize(g.node("Sigmoid", [d], g.shapes[q], None), g.shapes[q], f32(1 / 256), 0)
    elif kind == 2 and len(g.shapes[q]) == 4:
        y = g.node("GlobalAveragePool", [d], None, None)
        return g.quantize(y, None, s, z)
    elif kind == 3 and len(g.shapes[q]) == 4 and min(g.shapes[q][2:]) > 2:
        y = g.node("AveragePool", [d], None, None, kernel_shape=[3, 3])
        return g.quantize(y, None, s, z)
    else:
        y = g.node(g.choose("Relu", "Clip"), [d], g.shapes[q], None)
        if g.nodes[-1].op_type == "Clip":
            g.nodes[-1].input.extend([g.const(f32(0)), g.const(f32(6))])
        z = g.choose(0, z, 3)
    return g.quantize(y, g.shapes[q], f32(s * g.choose(1, 0.7, 1.1)), z)


def build(seed):
    g = Builder(seed)
    g.values, g.quantized = {}, []
    g.dtype = g.choose(np.uint8, np.uint8, np.int8)
    shape = [1, int(g.r.integers(2, 16))] if g.r.integers(3) == 0 else [1, int(g.r.integers(1, 5)), int(g.r.integers(3, 8)), int(g.r.integers(3, 8))]
    floating = g.r.integers(2)
    x = g.input(shape, np.float32 if floating else g.dtype)
    s, z = g.scale(), g.zero(np.uint8)
    g.scales[x] = (s, z if floating or g.dtype == np.uint8 else z - 128)
    if floating:
        q = g.quantize(x, shape, s, z)
    else:
        q = x
        g.quantized.append(x)
    for _ in range(g.r.integers(1, 5)):
        kind = g.choose(layer, layer, layer, add, multiply, same_scale, same_scale, curve)
        saved = len(g.nodes), dict(g.scales), list(g.quantized)
        y = kind(g, q)
        if y is not None:
            try:
                outs = [o for o in g.quantized if o not in g.inputs]
                s = level(g.model(outs), ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
                for o, v in zip(outs, s.run(None, g.samples(1)[0])):
                    g.shapes[o] = list(v.shape)
                if any(0 in g.shapes[o] for o in outs):
                    raise ValueError("empty")
                q = y
                continue
            except Exception:
                pass
        del g.nodes[saved[0]:]
        g.scales, g.quantized = saved[1], saved[2]
    g.last = q
    g.end = g.r.integers(2)
    if g.end:
        g.final = g.dequantize(q)
        g.types[g.final] = np.float32
    else:
        g.final = q
    return g if any(n.op_type not in ("QuantizeLinear", "DequantizeLinear") for n in g.nodes) else None


def left_in_floats(model):
    """Float operators that onnxruntime's optimizer leaves, whose sums depend on the machine."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = os.path.join(folder, "optimized.onnx")
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        optimized = onnx.load(options.optimized_model_filepath)
    sums = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "Add", "Mul", "AveragePool", "GlobalAveragePool"}
    return [n.op_type for n in optimized.graph.node if n.op_type in sums]


def run(evaluator, seed):
    g = build(seed)
    if g is None:
        return None, "empty", None
    samples = g.samples(5)
    outs = [o for o in g.quantized if o not in g.inputs]
    expected = [{} for _ in samples]
    for which in (ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, ort.GraphOptimizationLevel.ORT_ENABLE_ALL):
        # What is exposed of int8 is not fused.
        shown = outs if g.dtype == np.uint8 else []
        alone, exposed = level(g.model([g.final]), which), level(g.model(shown or [g.final]), which)
        for known, sample in zip(expected, samples):
            values = dict(zip(shown, exposed.run(None, sample)))
            final = alone.run(None, sample)[0]
            if g.end:
                s, z = g.scales[g.last]
                final = np.rint(final / s) + z
            key = f"{which}"
            known[key] = {**values, g.last: final}
    inputs = []
    for sample in samples:
        x = sample[g.inputs[0]]
        if x.dtype == np.float32:
            s, z = g.scales[g.inputs[0]]
            x = np.clip(np.rint(x / s) + z - (128 if g.dtype == np.int8 else 0), *limits(g.dtype))
        inputs.append([x])
    from compare import compare

    operators = [n.op_type for n in g.nodes]
    total = 0
    for key in expected[0]:
        wanted = [{**known[key], g.final: known[key][g.last]} for known in expected]
        verdict, detail = compare(evaluator, "ort", g.model([g.final]).SerializeToString(), inputs, wanted)
        if verdict != "same":
            return operators, verdict, detail
        total += detail
    floats = left_in_floats(g.model([g.final]))
    if floats:
        return operators, "different", f"is accepted, but onnxruntime leaves {floats} in floats"
    return operators, "same", total
