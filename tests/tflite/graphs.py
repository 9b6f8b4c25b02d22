"""Random small integer models of all operators that qnn imports: shapes, paddings, strides, scales and zero points vary, and how integers are stored."""
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from runtimes import pack

OP, OPTIONS, TYPE = schema.BuiltinOperator, schema.BuiltinOptions, schema.TensorType
NUMPY = {TYPE.INT8: np.int8, TYPE.INT32: np.int32, TYPE.UINT8: np.uint8, TYPE.FLOAT32: np.float32, TYPE.INT64: np.int64,
         TYPE.INT16: np.int16}

# What activations and weights are stored as, by the name of a kind of graphs.
KINDS = {"int8": (TYPE.INT8, TYPE.INT8), "int4": (TYPE.INT8, TYPE.INT4), "int16": (TYPE.INT16, TYPE.INT8), "uint8": (TYPE.UINT8, TYPE.UINT8)}


def packed_nibbles(data):
    """int4, two to a byte, the first in the lower half."""
    flat = np.asarray(data).ravel().astype(np.int64) & 15
    flat = np.append(flat, np.zeros(len(flat) % 2, np.int64))
    return (flat[0::2] | flat[1::2] << 4).astype(np.uint8)


class Graph:
    """A model under construction. The last tensor is what the next operator reads."""

    def __init__(self, rng, wild=0.0, kind="int8"):
        self.rng, self.wild, self.model = rng, wild, schema.ModelT()
        self.kind, self.weight_kind = KINDS[kind]
        info = np.iinfo(NUMPY[self.kind])
        self.low, self.high = info.min, info.max
        # Integers of 16 bits stand for as much as those of 8.
        self.unit = 1 / 256 if self.kind == TYPE.INT16 else 1.0
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [schema.BufferT()], []
        self.model.description = "random"
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs = [self.graph]
        self.last, self.names = None, []

    def tensor(self, shape, kind=None, scale=None, zero=None, dimension=0, data=None):
        kind, tensor = self.kind if kind is None else kind, schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = [int(n) for n in shape], kind, 0, f"t{len(self.graph.tensors)}"
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(np.float32(s)) for s in np.atleast_1d(scale)]
            tensor.quantization.zeroPoint = [int(z) for z in np.atleast_1d(zero)]
            tensor.quantization.quantizedDimension = dimension
        if data is not None:
            buffer = schema.BufferT()
            if kind == TYPE.INT4:
                buffer.data = packed_nibbles(data)
            else:
                buffer.data = np.frombuffer(np.ascontiguousarray(data).astype(NUMPY[kind]).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, code, inputs, outputs, kind=0, options=None, version=1):
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), version
        self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes) - 1, list(inputs), list(outputs)
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.graph.operators.append(operator)
        self.last = outputs[0]
        self.names.append(next(n for n, v in vars(OP).items() if v == code))

    # What the last tensor is.
    def shape(self, tensor=None):
        return [int(n) for n in self.graph.tensors[self.last if tensor is None else tensor].shape]

    def scale(self, tensor=None):
        return self.graph.tensors[self.last if tensor is None else tensor].quantization.scale[0]

    def zero(self, tensor=None):
        return self.graph.tensors[self.last if tensor is None else tensor].quantization.zeroPoint[0]

    # Random parameters.
    def random_scale(self, low=0.004, high=0.3):
        return self.unit * self.unscaled(low, high)

    def unscaled(self, low, high):
        kind = self.rng.integers(0, 8)
        if kind == 0:
            return float(2.0 ** self.rng.integers(-8, -1))
        if kind == 1:
            top = float(self.rng.choice([1, 6]))
            return float(np.float32(top / (self.rng.integers(2, 30) * int(top + 1) // 2 + 0.5)))
        if kind == 2 and self.rng.random() < self.wild:
            return float(np.exp(self.rng.uniform(np.log(1e-7), np.log(1e3))))
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def suited(self, scale, spread=1.0):
        """A scale near one, sometimes any other."""
        if self.rng.random() < 0.15 or self.rng.random() < self.wild:
            return self.random_scale()
        if self.rng.random() < 0.15:
            # 6 or 1 is halfway between two integers of such a scale.
            top = float(self.rng.choice([1, 6]))
            return float(np.float32(top / (self.rng.integers(2, 30) * int(top + 1) // 2 + 0.5)))
        if self.rng.random() < 0.35:
            # Products land halfway between two integers, but for the last bits of the quotient of the scales.
            return float(np.float32(np.float32(scale) * np.float32(self.rng.integers(1, 13) / self.rng.integers(1, 13))))
        return max(1e-9, float(scale * np.exp(self.rng.uniform(-spread, spread))))

    def random_zero(self):
        if self.kind == TYPE.INT16:
            return 0
        return self.low + 128 + self.signed_zero()

    def integers(self, shape):
        """Data of a constant that is stored as activations are."""
        return self.rng.integers(self.low, self.high + 1, shape)

    def signed_zero(self):
        kind = self.rng.integers(0, 4)
        return int([-128, 0, 127, self.rng.integers(-128, 128)][kind] if kind != 2 else self.rng.integers(-20, 20))

    def like(self, shape, tensor=None):
        """A tensor that is stored like the last one."""
        return self.tensor(shape, scale=self.scale(tensor), zero=self.zero(tensor))

    def stored(self, shape):
        return self.tensor(shape, scale=self.random_scale(), zero=self.random_zero())

    def input(self, shape, like=None):
        scale, zero = (self.random_scale(), self.random_zero()) if like is None else (self.scale(like), self.zero(like))
        tensor = self.tensor(shape, None, scale, zero)
        self.graph.inputs.append(tensor)
        if self.last is None:
            self.last = tensor
        return tensor

    def spoil(self):
        """Makes what a file says of a tensor's scales unusual: some runtimes refuse that, others take another kernel, others don't look."""
        tensor = self.graph.tensors[int(self.rng.integers(0, len(self.graph.tensors)))]
        kind = self.rng.integers(0, 4)
        if kind == 0 and tensor.type == TYPE.INT32:
            tensor.quantization = None
        elif tensor.quantization is not None:
            if kind == 1:
                tensor.quantization.quantizedDimension = int(self.rng.integers(0, 5))
            elif kind == 2:
                tensor.quantization.zeroPoint = tensor.quantization.zeroPoint[:-1]
            elif tensor.type == TYPE.INT32:
                tensor.quantization.scale = tensor.quantization.scale[:1]

    def done(self):
        self.graph.outputs = [self.last]
        for _ in range(3 * int(self.rng.random() < self.wild)):
            self.spoil()
        return pack(self.model)


def options(cls, **fields):
    result = cls()
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def fused(g, some=(0, 0, 1, 3, 2)):
    return int(g.rng.choice(some))


def weights(g, shape, axis, channels, dimension, per_channel=None):
    """A tensor of weights and one of biases."""
    rng = g.rng
    per_channel = rng.random() < 0.7 if per_channel is None else per_channel
    # Scales of channels came after uint8.
    per_channel = per_channel and g.weight_kind != TYPE.UINT8
    count = channels if per_channel else 1
    scale = np.exp(rng.uniform(np.log(0.001), np.log(0.02), count)).astype(np.float32)
    narrow = int(rng.random() < 0.5)
    low, high = {TYPE.INT8: (-128, 128), TYPE.INT4: (-8, 8), TYPE.UINT8: (0, 256)}[g.weight_kind]
    data = rng.integers(low + narrow, high, shape)
    zero = int(rng.integers(0, 256)) if g.weight_kind == TYPE.UINT8 else 0
    w = g.tensor(shape, g.weight_kind, scale, [zero] * count, dimension if per_channel else 0, data)
    if rng.random() < 0.06:
        return w, -1, scale
    wide = 1 << int(rng.integers(4, 21 if rng.random() > g.wild else 31))
    bias_kind = TYPE.INT32
    if g.kind == TYPE.INT16:
        wide = 1 << int(rng.integers(4, 29 if rng.random() > g.wild else 45))
        bias_kind = TYPE.INT64 if wide > 1 << 30 or rng.random() < 0.75 else TYPE.INT32
    bias = rng.integers(-wide, wide, channels)
    b = g.tensor([channels], bias_kind, (np.float32(g.scale()) * scale).astype(np.float32), [0] * count, 0, bias)
    return w, b, scale


def halves(unit, near):
    """A power of two times the unit: quotients of sums are halves often."""
    return unit * 2.0 ** round(float(np.log2(near / unit)))


def output_for(g, shape, scale, depth):
    """An output whose scale suits sums of `depth` products, more or less."""
    typical = 4 if g.weight_kind == TYPE.INT4 else 60
    real = float(g.scale()) * float(np.mean(scale)) * 127 * typical * np.sqrt(depth)
    return g.tensor(shape, scale=g.suited(halves(float(np.float32(g.scale())) * float(scale[0]), real / 127), 2), zero=g.random_zero())


def window(n, k, stride, dilation, padding):
    reach = (k - 1) * dilation + 1
    return -(-n // stride) if padding == 0 else (n - reach) // stride + 1


def images(g):
    """Makes the last tensor four-dimensional."""
    shape = g.shape()
    if len(shape) != 4 or shape[0] != 1:
        n = int(np.prod(shape))
        c = next((c for c in (8, 6, 4, 3, 2) if n % c == 0), 1)
        rest = n // c
        h = next((h for h in range(int(np.sqrt(rest)), 0, -1) if rest % h == 0), 1)
        reshape(g, [1, h, rest // h, c])
    return g.shape()


def reshape(g, shape):
    consts = [g.tensor([len(shape)], TYPE.INT32, data=shape)]
    g.operator(OP.RESHAPE, [g.last] + consts, [g.like(shape)], OPTIONS.ReshapeOptions, options(schema.ReshapeOptionsT, newShape=list(shape)))


def conv(g):
    _, h, w, c = images(g)
    rng = g.rng
    kh, kw = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    sh, sw = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    dh, dw = (int(rng.integers(1, 3)), int(rng.integers(1, 3))) if rng.random() < 0.3 else (1, 1)
    padding = int(rng.integers(0, 2))
    oh, ow = window(h, kh, sh, dh, padding), window(w, kw, sw, dw, padding)
    if oh < 1 or ow < 1:
        return False
    groups = int(rng.choice([k for k in (1, 1, 1, 2, 3) if c % k == 0]))
    out = groups * int(rng.integers(1, 6))
    ws, bs, scale = weights(g, [out, kh, kw, c // groups], 0, out, 0)
    o = output_for(g, [1, oh, ow, out], scale, kh * kw * c // groups)
    g.operator(OP.CONV_2D, [g.last, ws] + ([bs] if bs >= 0 else []), [o], OPTIONS.Conv2DOptions,
               options(schema.Conv2DOptionsT, padding=padding, strideH=sh, strideW=sw, dilationHFactor=dh, dilationWFactor=dw, fusedActivationFunction=fused(g)), 3)
    return True


def depthwise(g):
    _, h, w, c = images(g)
    rng = g.rng
    kh, kw, s = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    dilation = int(rng.integers(1, 3)) if s == 1 else 1
    padding = int(rng.integers(0, 2))
    oh, ow = window(h, kh, s, dilation, padding), window(w, kw, s, dilation, padding)
    if oh < 1 or ow < 1:
        return False
    mult = int(rng.choice([1, 1, 2]))
    ws, bs, scale = weights(g, [1, kh, kw, c * mult], 3, c * mult, 3, per_channel=True)
    o = output_for(g, [1, oh, ow, c * mult], scale, kh * kw)
    g.operator(OP.DEPTHWISE_CONV_2D, [g.last, ws] + ([bs] if bs >= 0 else []), [o], OPTIONS.DepthwiseConv2DOptions,
               options(schema.DepthwiseConv2DOptionsT, padding=padding, strideH=s, strideW=s, depthMultiplier=mult, dilationHFactor=dilation, dilationWFactor=dilation, fusedActivationFunction=fused(g)), 3)
    return True


def transpose_conv(g):
    _, h, w, c = images(g)
    rng = g.rng
    kh, kw, s = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    padding = int(rng.integers(0, 2))
    if padding == 0:
        oh, ow = h * s, w * s
        if s > min(kh, kw):
            return False
    else:
        oh, ow = (h - 1) * s + kh, (w - 1) * s + kw
    out = int(rng.integers(1, 5))
    shape = g.tensor([4], TYPE.INT32, data=[1, oh, ow, out])
    ws, bs, scale = weights(g, [out, kh, kw, c], 0, out, 0)
    o = output_for(g, [1, oh, ow, out], scale, kh * kw * c)
    inputs = [shape, ws, g.last] + ([bs] if bs >= 0 else [])
    g.operator(OP.TRANSPOSE_CONV, inputs, [o], OPTIONS.TransposeConvOptions,
               options(schema.TransposeConvOptionsT, padding=padding, strideH=s, strideW=s, fusedActivationFunction=0), 3)
    return True


def fully_connected(g):
    shape = g.shape()
    rng = g.rng
    keep = len(shape) > 2 and rng.random() < 0.3
    depth = shape[-1] if keep else int(np.prod(shape[1:]))
    batch = int(np.prod(shape)) // depth
    out = int(rng.integers(1, 12))
    ws, bs, scale = weights(g, [out, depth], 0, out, 0, per_channel=rng.random() < 0.3)
    if len(scale) == 1 and g.weight_kind == TYPE.INT8 and rng.random() < 0.1:
        g.graph.tensors[ws].quantization.zeroPoint = [int(rng.integers(-20, 20))]
    o = output_for(g, (shape[:-1] if keep else [batch]) + [out], scale, depth)
    g.operator(OP.FULLY_CONNECTED, [g.last, ws, bs], [o], OPTIONS.FullyConnectedOptions,
               options(schema.FullyConnectedOptionsT, fusedActivationFunction=fused(g), keepNumDims=keep), 4)
    return True


def binary(code, kind, cls, versions=2):
    def make(g):
        rng, shape = g.rng, g.shape()
        other = list(shape)
        if rng.random() < 0.4:
            other = [n if rng.random() < 0.5 else 1 for n in shape][int(rng.integers(0, len(shape))):]
        if code == OP.MUL or rng.random() < 0.4:
            scale = g.random_scale()
            if code == OP.MUL and rng.random() < 0.6:
                other = [shape[-1]] if rng.random() < 0.5 else []
            b = g.tensor(other, None, scale, g.random_zero(), 0, g.integers(other))
        else:
            b = g.input(other)
        inputs = [g.last, b] if rng.random() < 0.7 else [b, g.last]
        spread = g.scale() * g.scale(b) * 64 / g.unit if code == OP.MUL else max(g.scale(), g.scale(b)) * 1.5
        o = g.tensor(shape, scale=g.suited(spread), zero=g.random_zero())
        g.operator(code, inputs, [o], kind, options(cls, fusedActivationFunction=fused(g)), versions)
        return True
    return make


def extremum(code):
    def make(g):
        rng, shape = g.rng, g.shape()
        if rng.random() < 0.5:
            other = shape if rng.random() < 0.5 else [shape[-1]]
            b = g.tensor(other, None, g.scale(), g.zero(), 0, g.integers(other))
        else:
            b = g.input(shape, like=g.last)
        g.operator(code, [g.last, b], [g.like(shape)], OPTIONS.MaximumMinimumOptions, schema.MaximumMinimumOptionsT(), 2)
        return True
    return make


def pool(code):
    def make(g):
        _, h, w, c = images(g)
        rng = g.rng
        kh, kw, sh, sw = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(1, 3)), int(rng.integers(1, 3))
        padding = int(rng.integers(0, 2))
        oh, ow = window(h, kh, sh, 1, padding), window(w, kw, sw, 1, padding)
        if oh < 1 or ow < 1 or kh > h or kw > w:
            return False
        g.operator(code, [g.last], [g.like([1, oh, ow, c])], OPTIONS.Pool2DOptions,
                   options(schema.Pool2DOptionsT, padding=padding, strideH=sh, strideW=sw, filterHeight=kh, filterWidth=kw, fusedActivationFunction=fused(g)), 2)
        return True
    return make


def reduction(code):
    def make(g):
        rng, shape = g.rng, g.shape()
        if len(shape) < 2:
            return False
        keep = bool(rng.integers(0, 2))
        axes = [1, 2] if len(shape) == 4 and rng.random() < 0.6 else sorted(rng.choice(np.arange(int(rng.random() < 0.8), len(shape)), int(rng.integers(1, len(shape))), replace=False).tolist())
        given = [a - len(shape) if rng.random() < 0.2 else a for a in axes]
        out = [1 if k in axes else n for k, n in enumerate(shape) if keep or k not in axes]
        axis = g.tensor([len(given)], TYPE.INT32, data=given)
        count = np.prod([shape[a] for a in axes]) if code == OP.SUM else 1
        o = g.like(out) if rng.random() < 0.3 else g.tensor(out, scale=g.suited(halves(g.scale(), g.scale() * count ** 0.7)), zero=g.random_zero())
        g.operator(code, [g.last, axis], [o], OPTIONS.ReducerOptions, options(schema.ReducerOptionsT, keepDims=keep), 2)
        return True
    return make


def function(code, kind=0, cls=None, version=1, fixed=None, like=False):
    def make(g):
        rng = g.rng
        if fixed:
            scale, zero = (2.0 ** -15, 0) if g.kind == TYPE.INT16 else (fixed[0], fixed[1] + g.low + 128)
            o = g.tensor(g.shape(), scale=scale, zero=zero)
        elif like or rng.random() < 0.3:
            o = g.like(g.shape())
        else:
            o = g.tensor(g.shape(), scale=g.suited(g.scale(), 1.5), zero=g.random_zero())
        opts = None if cls is None else cls()
        if code == OP.LEAKY_RELU:
            opts.alpha = float(rng.uniform(0.01, 0.9) if rng.random() < 0.5 else rng.integers(1, 10) / rng.integers(10, 21))
        g.operator(code, [g.last], [o], kind, opts, version)
        return True
    return make


def prelu(g):
    rng, shape = g.rng, g.shape()
    other = [1] * (len(shape) - 2) + [shape[-1]] if len(shape) > 1 and rng.random() < 0.7 else shape[1:]
    zero = 0 if g.kind == TYPE.INT16 else g.low + int(rng.integers(0, 129))
    slope = float(rng.uniform(0.001, 0.01) if rng.random() < 0.5 else rng.integers(1, 10) / 800)
    a = g.tensor(other, None, slope * g.unit, zero, 0, g.integers(other))
    o = g.tensor(shape, scale=g.suited(g.scale()), zero=g.random_zero())
    g.operator(OP.PRELU, [g.last, a], [o])
    return True


def pad(code):
    def make(g):
        rng, shape = g.rng, g.shape()
        if len(shape) > 4:
            return False
        widths = [[0, 0]] + [[int(rng.integers(0, 3)), int(rng.integers(0, 3))] for _ in shape[1:]]
        out = [n + a + b for n, (a, b) in zip(shape, widths)]
        inputs = [g.last, g.tensor([len(shape), 2], TYPE.INT32, data=widths)]
        if code == OP.PADV2:
            inputs.append(g.tensor([1], None, g.scale(), g.zero(), 0, g.integers([1])))
        kind, cls = (OPTIONS.PadOptions, schema.PadOptionsT) if code == OP.PAD else (OPTIONS.PadV2Options, schema.PadV2OptionsT)
        g.operator(code, inputs, [g.like(out)], kind, cls(), 2)
        return True
    return make


def concatenation(g):
    rng, shape = g.rng, g.shape()
    axis = int(rng.integers(1, len(shape))) if len(shape) > 1 else 0
    other = list(shape)
    other[axis] = int(rng.integers(1, 4))
    b = g.input(other, like=g.last) if rng.random() < 0.7 else g.tensor(other, None, g.scale(), g.zero(), 0, g.integers(other))
    out = list(shape)
    out[axis] += other[axis]
    given = axis - len(shape) if rng.random() < 0.3 else axis
    inputs = [g.last, b] if rng.random() < 0.5 else [b, g.last]
    g.operator(OP.CONCATENATION, inputs, [g.like(out)], OPTIONS.ConcatenationOptions, options(schema.ConcatenationOptionsT, axis=given), 2)
    return True


def split(g):
    rng, shape = g.rng, g.shape()
    choices = [(a, p) for a, n in enumerate(shape) for p in (2, 3) if n % p == 0]
    if not choices:
        return False
    axis, parts = choices[int(rng.integers(0, len(choices)))]
    out = list(shape)
    out[axis] //= parts
    outs = [g.like(out) for _ in range(parts)]
    g.operator(OP.SPLIT, [g.tensor([], TYPE.INT32, data=[axis]), g.last], outs, OPTIONS.SplitOptions, options(schema.SplitOptionsT, numSplits=parts), 2)
    g.last = outs[int(rng.integers(0, parts))]
    return True


def slice_(g):
    rng, shape = g.rng, g.shape()
    begin = [int(rng.integers(0, n)) for n in shape]
    size = [int(rng.integers(1, n - b + 1)) for n, b in zip(shape, begin)]
    given = [-1 if b + s == n and rng.random() < 0.5 else s for n, b, s in zip(shape, begin, size)]
    consts = [g.tensor([len(shape)], TYPE.INT32, data=v) for v in (begin, given)]
    g.operator(OP.SLICE, [g.last] + consts, [g.like(size)], OPTIONS.SliceOptions, schema.SliceOptionsT(), 2)
    return True


def strided_slice(g):
    rng, shape = g.rng, g.shape()
    if len(shape) > 4:
        return False
    begin, end, stride, masks, picks = [], [], [], [0, 0, 0], []
    for axis, n in enumerate(shape):
        step = int(rng.choice([1, 1, 2, -1]))
        b, e = int(rng.integers(-n, n)), int(rng.integers(-n - 1, n + 2))
        if rng.random() < 0.3:
            masks[0] |= 1 << axis
        if rng.random() < 0.4:
            masks[1] |= 1 << axis
        shrink = axis > 0 and rng.random() < 0.15
        if shrink:
            masks[2] |= 1 << axis
            step, masks[0], masks[1] = 1, masks[0] & ~(1 << axis), masks[1] & ~(1 << axis)
            e = b + 1
        begin.append(b), end.append(e), stride.append(step)
        at = slice(None if masks[0] >> axis & 1 else b, None if masks[1] >> axis & 1 else e, step)
        picks.append((b % n) if shrink else at)
    out = list(np.zeros(shape)[tuple(picks)].shape)
    if 0 in out or not out:
        return False
    consts = [g.tensor([len(shape)], TYPE.INT32, data=v) for v in (begin, end, stride)]
    g.operator(OP.STRIDED_SLICE, [g.last] + consts, [g.like(out)], OPTIONS.StridedSliceOptions,
               options(schema.StridedSliceOptionsT, beginMask=masks[0], endMask=masks[1], shrinkAxisMask=masks[2]), 2)
    return True


def transpose(g):
    shape = g.shape()
    axes = g.rng.permutation(len(shape)).tolist()
    g.operator(OP.TRANSPOSE, [g.last, g.tensor([len(shape)], TYPE.INT32, data=axes)], [g.like([shape[a] for a in axes])], OPTIONS.TransposeOptions, schema.TransposeOptionsT(), 2)
    return True


def gather(g):
    rng, shape = g.rng, g.shape()
    axis = int(rng.integers(0, len(shape)))
    count = int(rng.integers(1, 5))
    indices = g.tensor([count], TYPE.INT32, data=rng.integers(0, shape[axis], count))
    out = shape[:axis] + [count] + shape[axis + 1:]
    g.operator(OP.GATHER, [g.last, indices], [g.like(out)], OPTIONS.GatherOptions, options(schema.GatherOptionsT, axis=axis), 2)
    return True


def squeeze(g):
    shape = g.shape()
    ones = [k for k, n in enumerate(shape) if n == 1 and k > 0]
    if not ones:
        return False
    out = [n for k, n in enumerate(shape) if k not in ones]
    g.operator(OP.SQUEEZE, [g.last], [g.like(out)], OPTIONS.SqueezeOptions, options(schema.SqueezeOptionsT, squeezeDims=ones), 1)
    return True


def expand_dims(g):
    shape = g.shape()
    if len(shape) > 3:
        return False
    axis = int(g.rng.integers(0, len(shape) + 1))
    out = shape[:axis] + [1] + shape[axis:]
    g.operator(OP.EXPAND_DIMS, [g.last, g.tensor([1], TYPE.INT32, data=[axis])], [g.like(out)], OPTIONS.ExpandDimsOptions, schema.ExpandDimsOptionsT(), 1)
    return True


def packed(g):
    shape = g.shape()
    if len(shape) > 3:
        return False
    b = g.input(shape, like=g.last)
    axis = int(g.rng.integers(0, len(shape) + 1))
    g.operator(OP.PACK, [g.last, b], [g.like(shape[:axis] + [2] + shape[axis:])], OPTIONS.PackOptions, options(schema.PackOptionsT, valuesCount=2, axis=axis), 1)
    return True


def unpack(g):
    shape = g.shape()
    axes = [k for k, n in enumerate(shape) if 1 < n < 5]
    if not axes or len(shape) < 2:
        return False
    axis = int(g.rng.choice(axes))
    outs = [g.like(shape[:axis] + shape[axis + 1:]) for _ in range(shape[axis])]
    g.operator(OP.UNPACK, [g.last], outs, OPTIONS.UnpackOptions, options(schema.UnpackOptionsT, num=shape[axis], axis=axis), 1)
    return True


MAKERS = dict(
    conv=conv, depthwise=depthwise, transpose_conv=transpose_conv, fully_connected=fully_connected,
    add=binary(OP.ADD, OPTIONS.AddOptions, schema.AddOptionsT), sub=binary(OP.SUB, OPTIONS.SubOptions, schema.SubOptionsT, 3),
    mul=binary(OP.MUL, OPTIONS.MulOptions, schema.MulOptionsT), maximum=extremum(OP.MAXIMUM), minimum=extremum(OP.MINIMUM),
    average_pool=pool(OP.AVERAGE_POOL_2D), max_pool=pool(OP.MAX_POOL_2D), mean=reduction(OP.MEAN), sum=reduction(OP.SUM),
    quantize=function(OP.QUANTIZE, version=2), relu=function(OP.RELU, version=2), relu6=function(OP.RELU6, version=2),
    relu1=function(OP.RELU_N1_TO_1), leaky_relu=function(OP.LEAKY_RELU, OPTIONS.LeakyReluOptions, schema.LeakyReluOptionsT, 2), prelu=prelu,
    logistic=function(OP.LOGISTIC, version=2, fixed=(1 / 256, -128)), tanh=function(OP.TANH, version=2, fixed=(1 / 128, 0)), elu=function(OP.ELU),
    hard_swish=function(OP.HARD_SWISH, OPTIONS.HardSwishOptions, schema.HardSwishOptionsT),
    pad=pad(OP.PAD), padv2=pad(OP.PADV2), concatenation=concatenation, split=split, slice=slice_, strided_slice=strided_slice,
    transpose=transpose, gather=gather, squeeze=squeeze, expand_dims=expand_dims, pack=packed, unpack=unpack,
)


def begin(g, shape, only):
    """The input: what activations are, or quantized to that from floats, and to int8 from uint8."""
    kind = g.rng.integers(0, 10) if not only or only == "ends" else 9
    if kind > 1 or kind == 0 and g.kind != TYPE.INT8:
        g.input(shape)
        return
    scale, zero = g.random_scale(), g.random_zero()
    if kind == 0:
        g.last = g.tensor(shape, TYPE.UINT8, scale, zero + 128)
    else:
        g.last = g.tensor(shape, TYPE.FLOAT32)
    g.graph.inputs.append(g.last)
    g.operator(OP.QUANTIZE, [g.last], [g.tensor(shape, scale=scale, zero=zero)], OPTIONS.QuantizeOptions, schema.QuantizeOptionsT(), 2 if kind == 0 else 1)


def end(g, only):
    """Perhaps a softmax, and floats."""
    if only and only != "ends":
        return
    shape = g.shape()
    if g.rng.random() < 0.15 and 1 <= len(shape) <= 4:
        o = g.tensor(shape, scale=2.0 ** -15 if g.kind == TYPE.INT16 else 1 / 256, zero=0 if g.kind == TYPE.INT16 else g.low)
        g.operator(OP.SOFTMAX, [g.last], [o], OPTIONS.SoftmaxOptions, options(schema.SoftmaxOptionsT, beta=1.0), 2)
    if g.rng.random() < 0.15:
        g.operator(OP.DEQUANTIZE, [g.last], [g.tensor(shape, TYPE.FLOAT32)], OPTIONS.DequantizeOptions, schema.DequantizeOptionsT(), 2)


# Functions of one integer: they are tried on all 256.
FUNCTIONS = ("quantize", "relu", "relu6", "relu1", "leaky_relu", "logistic", "tanh", "elu", "hard_swish")


def random_graph(rng, number, only="", wild=0.0, kind="int8"):
    """(name, model). `only`: the one operator's maker; otherwise chains of up to four. `wild`: how often scales and biases are extreme. `kind`: one of KINDS."""
    names = list(MAKERS)
    while True:
        g = Graph(rng, wild, kind)
        rank = int(rng.choice([4, 4, 4, 2, 3]))
        shape = [1] + [int(rng.integers(1, 8)) for _ in range(rank - 1)]
        if only in FUNCTIONS or rng.random() < 0.05:
            shape = [1, 8, 32]
        if int(np.prod(shape)) < 2:
            continue
        begin(g, shape, only)
        wanted = [only] * int(rng.integers(1, 3)) if only else [names[number % len(names)]] + [str(rng.choice(names)) for _ in range(int(rng.integers(0, 4)))]
        rng.shuffle(wanted)
        made = [MAKERS[name](g) for name in wanted]
        if any(made) and (only or all(made)) and max(int(np.prod(g.shape(t))) for t in range(len(g.graph.tensors))) < 20000:
            end(g, only)
            return f"{number}:" + "+".join(g.names), g.done()
