"""Random graphs of QLinear operators, and of QDQ groups."""
from graphs import *


def start(g, rank=None):
    dtype = g.choose(np.uint8, np.uint8, np.int8)
    rank = rank or g.choose(2, 4, 4, 3)
    space = [int(g.r.integers(3, 8)) for _ in range(max(0, rank - 2))]
    if rank == 2:
        shape = [1, int(g.r.integers(2, 20))]
    else:
        shape = [1, int(g.r.integers(1, 6)), *space]
    x = g.input(shape, dtype)
    g.quantization(x, dtype)
    return x


def qlinearconv(g, x):
    shape, t = g.shapes[x], g.types[x]
    if len(shape) < 3:
        return None
    kernel, group, filters, attributes = conv_shape(g, len(shape) - 2, shape[1])
    w, zw, wt = weights(g, [filters, shape[1] // group, *kernel], t)
    sx, zx = g.scales[x]
    each = g.r.integers(2) and wt == np.int8
    sw = np.asarray(g.r.uniform(0.001, 0.01, filters) if each else g.r.uniform(0.001, 0.01), f32)
    zw = np.full(filters, zw, wt) if each else np.asarray(zw, wt)
    sy, zy = out_scale(g, sx * sw.max(), w[0].size), g.zero(t)
    inputs = [x, *scalars(g, sx, zx, t), g.const(w), g.const(sw), g.const(zw), *scalars(g, sy, zy, t)]
    if g.r.integers(2):
        inputs.append(g.const(g.r.integers(-9000, 9000, filters).astype(np.int32)))
    y = g.node("QLinearConv", inputs, None, t, **attributes)
    g.scales[y] = (sy, zy)
    return y


def qlinearmatmul(g, x):
    shape, t = g.shapes[x], g.types[x]
    n = int(g.r.integers(1, 9))
    w, zw, wt = weights(g, [shape[-1], n], t)
    sx, zx = g.scales[x]
    sw = f32(g.r.uniform(0.001, 0.01))
    sy, zy = out_scale(g, sx * sw, shape[-1]), g.zero(t)
    y = g.node("QLinearMatMul", [x, *scalars(g, sx, zx, t), g.const(w), *scalars(g, sw, zw, wt), *scalars(g, sy, zy, t)], None, t)
    g.scales[y] = (sy, zy)
    return y


def qgemm(g, x):
    shape, t = g.shapes[x], g.types[x]
    if len(shape) != 2:
        return None
    n, trans = int(g.r.integers(1, 9)), int(g.r.integers(2))
    w, zw, wt = weights(g, [n, shape[1]] if trans else [shape[1], n], t)
    each = g.r.integers(2) and wt == np.int8
    sw = np.asarray(g.r.uniform(0.001, 0.01, n) if each else g.r.uniform(0.001, 0.01), f32)
    zw = np.full(n, zw, wt) if each else np.asarray(zw, wt)
    sx, zx = g.scales[x]
    alpha = float(g.choose(1.0, 1.0, 0.5, 0.3))
    sy, zy = out_scale(g, alpha * sx * sw.max(), shape[1]), g.zero(t)
    c = g.const(g.r.integers(-9000, 9000, n).astype(np.int32)) if g.r.integers(2) else ""
    inputs = [x, *scalars(g, sx, zx, t), g.const(w), g.const(sw), g.const(zw), c, *scalars(g, sy, zy, t)]
    y = g.node("QGemm", inputs, None, t, domain=MS, alpha=alpha, transB=trans)
    g.scales[y] = (sy, zy)
    return y


def qlinearadd(g, x):
    shape, t = g.shapes[x], g.types[x]
    sx, zx = g.scales[x]
    others = [o for o in g.scales if o != x and g.types[o] == t and g.shapes[o] == shape]
    if others and g.r.integers(3):
        other = others[g.r.integers(len(others))]
        so, zo = g.scales[other]
    else:
        lo, hi = limits(t)
        kind = g.r.integers(3)
        to = shape if kind == 0 else [1] if kind == 1 else [shape[1], *[1] * (len(shape) - 2)]
        other = g.const(g.r.integers(lo, hi + 1, to).astype(t))
        so, zo = g.scale(), g.zero(t)
    sy, zy = f32(g.choose(sx + so, (sx + so) / 2, max(sx, so), 2 * sx, sx * 1.3)), g.zero(t)
    pair = [x, *scalars(g, sx, zx, t)], [other, *scalars(g, so, zo, t)]
    first, second = pair if g.r.integers(2) else pair[::-1]
    y = g.node("QLinearAdd", [*first, *second, *scalars(g, sy, zy, t)], None, t, domain=MS)
    g.scales[y] = (sy, zy)
    return y


def qlinearmul(g, x):
    shape, t = g.shapes[x], g.types[x]
    sx, zx = g.scales[x]
    lo, hi = limits(t)
    to = [1] if g.r.integers(2) else [shape[1], *[1] * (len(shape) - 2)]
    c, so, zo = g.r.integers(lo, hi + 1, to).astype(t), g.scale(), g.zero(t)
    sy, zy = f32(sx * so * 60), g.zero(t)
    y = g.node("QLinearMul", [x, *scalars(g, sx, zx, t), g.const(c), *scalars(g, so, zo, t), *scalars(g, sy, zy, t)], None, t, domain=MS)
    g.scales[y] = (sy, zy)
    return y


def qlinearconcat(g, x):
    t, shape = g.types[x], g.shapes[x]
    others = [o for o in g.scales if g.types[o] == t and len(g.shapes[o]) == len(shape) and all(a == b for k, (a, b) in enumerate(zip(g.shapes[o], shape)) if k != 1)]
    parts = [x] + [others[g.r.integers(len(others))] for _ in range(g.r.integers(1, 3))]
    if sum(g.shapes[p][1] for p in parts) > 24:
        return None
    sy, zy = g.choose(g.scales[x], (g.scale(), g.zero(t)))
    inputs = [*scalars(g, sy, zy, t)]
    for p in parts:
        inputs += [p, *scalars(g, *g.scales[p], t)]
    y = g.node("QLinearConcat", inputs, None, t, domain=MS, axis=1)
    g.scales[y] = (f32(sy), zy)
    return y


def qlinearleaky(g, x):
    t = g.types[x]
    sx, zx = g.scales[x]
    sy, zy = f32(sx * g.choose(1, 0.7, 2)), g.zero(t)
    y = g.node("QLinearLeakyRelu", [x, *scalars(g, sx, zx, t), *scalars(g, sy, zy, t)], None, t, domain=MS, alpha=float(g.choose(0.1, 0.01, 0.25, 0.3)))
    g.scales[y] = (sy, zy)
    return y


def qlinearsigmoid(g, x):
    t = g.types[x]
    sx, zx = g.scales[x]
    sy, zy = f32(g.choose(1 / 256, 1 / 255, 0.01)), limits(t)[0]
    y = g.node("QLinearSigmoid", [x, *scalars(g, sx, zx, t), *scalars(g, sy, zy, t)], None, t, domain=MS)
    g.scales[y] = (sy, zy)
    return y


def averagepool(g, x):
    t, shape = g.types[x], g.shapes[x]
    if len(shape) < 3 or min(shape[2:]) < 2:
        return None
    sx, zx = g.scales[x]
    sy, zy = g.choose((sx, zx), (f32(sx * 0.61), g.zero(t)))
    if g.r.integers(2) and len(shape) == 4:
        y = g.node("QLinearGlobalAveragePool", [x, *scalars(g, sx, zx, t), *scalars(g, sy, zy, t)], None, t, domain=MS, channels_last=0)
    else:
        kernel = [int(g.r.integers(1, min(4, s + 1))) for s in shape[2:]]
        attributes = {"pads": [int(g.r.integers(0, k)) for k in kernel * 2]} if g.r.integers(5) == 0 else {}
        y = g.node("QLinearAveragePool", [x, *scalars(g, sx, zx, t), *scalars(g, sy, zy, t)], None, t, domain=MS, kernel_shape=kernel, strides=[int(g.r.integers(1, 3)) for _ in kernel], **attributes)
    g.scales[y] = (sy, zy)
    return y


def maxpool(g, x):
    shape, t = g.shapes[x], g.types[x]
    if len(shape) < 3:
        return None
    kernel = [int(g.r.integers(1, min(4, s + 1))) for s in shape[2:]]
    attributes = {"pads": [int(g.r.integers(0, (k + 1) // 2)) for k in kernel * 2]} if g.r.integers(2) else {}
    y = g.node("MaxPool", [x], None, t, kernel_shape=kernel, strides=[int(g.r.integers(1, 3)) for _ in kernel], **attributes)
    g.scales[y] = g.scales[x]
    return y


def i64(g, values):
    return g.const(np.asarray(values, np.int64), "i")


def move(g, x):
    """An operator that moves elements."""
    shape, t = g.shapes[x], g.types[x]
    kind = g.r.integers(9)
    if kind == 0:
        y = g.node("Reshape", [x, i64(g, [1, -1] if g.r.integers(2) else [0, -1, 1])], None, t)
    elif kind == 1:
        y = g.node("Flatten", [x], None, t)
    elif kind == 2:
        perm = [0, *(1 + g.r.permutation(len(shape) - 1))]
        y = g.node("Transpose", [x], None, t, perm=[int(p) for p in perm])
    elif kind == 3:
        y = g.node("Unsqueeze", [x, i64(g, [len(shape)])], None, t) if len(shape) < 4 else g.node("Squeeze", [x, i64(g, [0])], None, t)
        if len(shape) >= 4:
            y = g.node("Unsqueeze", [y, i64(g, [0])], None, t)
            g.scales[g.nodes[-2].output[0]] = g.scales[x]
    elif kind == 4:
        pads = [0, *[int(p) for p in g.r.integers(0, 2, len(shape) - 1)]] * 2
        y = g.node("Pad", [x, i64(g, pads), g.const(np.asarray(g.zero(t), t))], None, t)
    elif kind == 5:
        axis = int(g.r.integers(1, len(shape)))
        begin, step = int(g.r.integers(0, max(1, shape[axis] // 2))), int(g.choose(1, 1, 2))
        y = g.node("Slice", [x, i64(g, [begin]), i64(g, [2**31]), i64(g, [axis]), i64(g, [step])], None, t)
    elif kind == 6:
        axis = int(g.r.integers(1, len(shape)))
        y = g.node("Gather", [x, i64(g, g.r.integers(-shape[axis], shape[axis], g.r.integers(1, 5)))], None, t, axis=axis)
    elif kind == 7:
        others = [o for o in g.scales if g.scales[o] == g.scales[x] and g.types[o] == t and g.shapes[o] == shape]
        if int(np.prod(shape)) > 200:
            return None
        y = g.node("Concat", [x, others[g.r.integers(len(others))]], None, t, axis=int(g.r.integers(1, len(shape))))
    else:
        axis = int(g.r.integers(1, len(shape)))
        if shape[axis] < 2:
            return None
        first = int(g.r.integers(1, shape[axis]))
        y, other = g.node("Split", [x, i64(g, [first, shape[axis] - first])], None, t, outputs=2, axis=axis)
        g.scales[other] = g.scales[x]
    g.scales[y] = g.scales[x]
    return y


def integer(g, x):
    """An operator of 32-bit sums; nothing follows it but what makes floats of them."""
    shape, t = g.shapes[x], g.types[x]
    _, zx = g.scales[x]
    if len(shape) >= 3 and g.r.integers(2) and t == np.uint8:
        kernel, group, filters, attributes = conv_shape(g, len(shape) - 2, shape[1])
        w, zw, wt = weights(g, [filters, shape[1] // group, *kernel], t)
        if len(shape) != 4:
            return None
        y = g.node("ConvInteger", [x, g.const(w), g.const(np.asarray(zx, t)), g.const(np.asarray(zw, wt))], None, np.int32, **attributes)
        n = [filters, 1, 1]
    else:
        columns = int(g.r.integers(1, 9))
        w, zw, wt = weights(g, [shape[-1], columns], t)
        y = g.node("MatMulInteger", [x, g.const(w), g.const(np.asarray(zx, t)), g.const(np.asarray(zw, wt))], None, np.int32)
        n = [columns]
    if g.r.integers(2):
        f = g.node("Cast", [y], None, None, to=TP.FLOAT)
        sw = np.asarray(g.r.uniform(0.001, 0.01, n), f32) * g.choose(f32(1), f32(-1))
        f = g.node("Mul", [f, g.const(sw)], None, None)
        if g.r.integers(2):
            f = g.node("Add", [f, g.const(np.asarray(g.r.normal(0, 3, n), f32))], None, None)
        if g.r.integers(2):
            f = g.node("Relu", [f], None, None)
        sy, zy = f32(0.3), g.zero(np.uint8)
        y = g.node("QuantizeLinear", [f, *scalars(g, sy, zy, np.uint8)], None, np.uint8)
    return y


KINDS = [qlinearconv, qlinearconv, qlinearmatmul, qgemm, qlinearadd, qlinearadd, qlinearmul, qlinearconcat, qlinearleaky, qlinearsigmoid, averagepool, maxpool, move, move]


def qoperator(seed, session):
    """A random graph of some operators one after another."""
    g = Graph(seed)
    x = start(g)
    steps = int(g.r.integers(1, 5))
    for k in range(steps):
        kind = g.choose(*KINDS)
        if k == steps - 1 and g.r.integers(6) == 0:
            kind = integer
        saved = len(g.nodes), dict(g.scales)
        y = kind(g, x)
        if y is None:
            continue
        try:
            run_shapes(g, session(g.model()))
        except Exception:
            del g.nodes[saved[0]:]
            g.scales = saved[1]
            continue
        if any(0 in g.shapes[o] for n in g.nodes[saved[0]:] for o in n.output if g.shapes[o] is not None):
            del g.nodes[saved[0]:]
            g.scales = saved[1]
            continue
        if y not in g.scales:
            break
        x = y
    return g if g.nodes else None
