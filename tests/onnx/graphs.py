"""Random small ONNX graphs of quantized operators."""
import numpy as np
import onnx
from onnx import TensorProto as TP
from onnx import helper as h
from onnx import numpy_helper as nh

f32 = np.float32
MS = "com.microsoft"
TYPES = {np.uint8: TP.UINT8, np.int8: TP.INT8, np.int32: TP.INT32, np.float32: TP.FLOAT}


def limits(dtype):
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


class Graph:
    """A graph under construction; `shapes`, `types` and `scales` (scale, zero point) describe its tensors."""

    def __init__(self, seed, opset=19):
        self.r = np.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.inits, self.inputs = [], {}, []
        self.shapes, self.types, self.scales, self.floats = {}, {}, {}, set()
        self.count = 0

    def name(self, stem="t"):
        self.count += 1
        return f"{stem}{self.count}"

    def const(self, value, stem="c"):
        name = self.name(stem)
        self.inits[name] = np.asarray(value)
        return name

    def input(self, shape, dtype):
        name = self.name("x")
        self.inputs.append(name)
        self.shapes[name], self.types[name] = list(shape), dtype
        return name

    def node(self, op, inputs, shape=None, dtype=None, domain="", outputs=1, **attributes):
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(h.make_node(op, inputs, names, domain=domain, name=f"n{self.count}", **attributes))
        for name in names:
            self.shapes[name], self.types[name] = shape, dtype
        return names[0] if outputs == 1 else names

    def choose(self, *options):
        return options[self.r.integers(len(options))]

    def scale(self):
        r = self.r
        kind = r.integers(4)
        if kind == 0:
            return f32(2.0 ** -r.integers(1, 9))
        if kind == 1:
            return f32(self.choose(0.02, 0.05, 0.1, 1 / 3, 1 / 255))
        return f32(np.exp(r.uniform(np.log(0.002), np.log(0.5))))

    def zero(self, dtype):
        lo, hi = limits(dtype)
        return int(self.choose(lo, hi, 0 if dtype == np.int8 else 128, self.r.integers(lo, hi + 1), self.r.integers(lo, hi + 1)))

    def quantization(self, name, dtype, scale=None):
        s, z = self.scale() if scale is None else f32(scale), self.zero(dtype)
        self.scales[name] = (s, z)
        return s, z

    def model(self, exposed=None):
        """The model, with `exposed` tensors as outputs; all that are computed, if None."""
        names = exposed or [o for n in self.nodes for o in n.output if self.types[o] is not None]
        outs = [h.make_tensor_value_info(n, TYPES[self.types[n]], None) for n in names]
        ins = [h.make_tensor_value_info(n, TYPES[self.types[n]], self.shapes[n]) for n in self.inputs]
        inits = [nh.from_array(v, n) for n, v in self.inits.items()]
        graph = h.make_graph(self.nodes, "g", ins, outs, inits)
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", self.opset), h.make_opsetid(MS, 1)])
        model.ir_version = 9
        return model

    def samples(self, count):
        """Random inputs; the first ones are extreme."""
        result = []
        for k in range(count):
            sample = {}
            for name in self.inputs:
                dtype = self.types[name]
                if dtype == np.float32:
                    scale, zero = self.scales[name]
                    lo, hi = limits(np.uint8)
                    sample[name] = (self.r.integers(lo, hi + 1, self.shapes[name]) - zero).astype(f32) * scale
                    continue
                lo, hi = limits(dtype)
                values = self.r.integers(lo, hi + 1, self.shapes[name])
                if k == 0:
                    values[:] = hi
                if k == 1:
                    values[:] = lo
                sample[name] = values.astype(dtype)
            result.append(sample)
        return result


def weights(g, shape, xtype):
    """(values, zero, dtype): seven bits of signed weights for unsigned inputs, so that they suit every processor."""
    dtype = np.int8 if xtype == np.int8 else g.choose(np.uint8, np.int8, np.int8)
    lo, hi = limits(dtype)
    if xtype == np.uint8 and dtype == np.int8:
        lo, hi = -64, 63
    w = g.r.integers(lo, hi + 1, shape).astype(dtype)
    zero = int(g.r.integers(100, 150)) if dtype == np.uint8 else 0
    return w, zero, dtype


def out_scale(g, acc_scale, terms):
    """An output scale such that most results are no clamped ones."""
    spread = acc_scale * 60 * 40 * np.sqrt(max(terms, 1))
    return f32(spread / g.choose(60, 100, 200))


def conv_shape(g, rank, channels):
    kernel = [int(g.r.integers(1, 4)) for _ in range(rank)]
    group = g.choose(1, 1, 1, channels)
    filters = group * int(g.r.integers(1, 4))
    attributes = {"group": int(group)}
    kind = g.r.integers(4)
    if kind == 0:
        attributes["auto_pad"] = g.choose("SAME_UPPER", "SAME_LOWER", "VALID")
    elif kind < 3:
        attributes["pads"] = [int(g.r.integers(0, k)) for k in kernel + kernel]
    if g.r.integers(2):
        attributes["strides"] = [int(g.r.integers(1, 3)) for _ in range(rank)]
    if kind and g.r.integers(3) == 0:
        attributes["dilations"] = [int(g.r.integers(1, 3)) for _ in range(rank)]
    return kernel, group, filters, attributes


def scalars(g, scale, zero, dtype):
    return g.const(f32(scale), "s"), g.const(np.asarray(zero, dtype), "z")


def infer(g):
    """Shapes by ONNX's own inference, for what comes next; False where a shape has an empty axis."""
    model = g.model()
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for v in list(inferred.graph.value_info) + list(inferred.graph.output):
        dims = [d.dim_value for d in v.type.tensor_type.shape.dim]
        if v.name in g.shapes and v.type.tensor_type.HasField("shape"):
            g.shapes[v.name] = dims


def run_shapes(g, session):
    """Shapes by running the graph."""
    outs = session.run(None, g.samples(1)[0])
    for o, v in zip(session.get_outputs(), outs):
        g.shapes[o.name] = list(v.shape)
