"""Random networks: their text, and what they compute, as docs/language.md defines it."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
from values import Format, Q, along, decimal, random_format, times
from windows import Sliding, average, conv, windows


def nested(values):
    """A nested list as a spec writes it."""
    return "[" + ", ".join(map(nested, values)) + "]" if isinstance(values, list) else decimal(values)


def weight(rng):
    return Fraction(rng.choice(["0", "1", "-1", "0.5", "-0.5", "2", "-1.25", "0.3", "-0.7", "1.5", "0.125", "-3"]))


def tensor(rng, shape):
    return [tensor(rng, shape[1:]) for _ in range(shape[0])] if shape else weight(rng)


class Params:
    """Tensors of an NPZ file with the formats that a spec gives them."""

    def __init__(self, name):
        self.name, self.arrays, self.rules = name, {}, []

    def add(self, rng, key, shape):
        """A tensor; returns its values."""
        if rng.random() < 0.25:
            form = random_format(rng, rng.randint(2, 5), shape[0])
            raw = np.array([rng.randint(form.lo, form.hi) for _ in range(int(np.prod(shape)))]).reshape(shape)
            self.arrays[key] = raw.astype(rng.choice([np.int16, np.int32, np.int64]))
            self.rules.append(f"{key}: {form.text} raw;")
            return form.values(raw[None])
        form = random_format(rng, rng.randint(3, 6), shape[0])
        reals = np.array([rng.choice([-1.5, -0.75, -0.3, -0.1, 0, 0.2, 0.45, 0.5, 1.0, 1.9]) for _ in range(int(np.prod(shape)))])
        reals = reals.reshape(shape).astype(rng.choice([np.float32, np.float64]))
        self.arrays[key] = reals
        self.rules.append(f"{key}: {form.text};")
        exact = np.array([Fraction(float(v)) for v in reals.reshape(-1)], dtype=object).reshape(shape)
        return form.convert(Q.of(exact.tolist()))

    def put(self, key, form, raw):
        """A tensor of raw integers; returns its values."""
        self.arrays[key] = np.array(raw)
        self.rules.append(f"{key}: {form.text} raw;")
        return form.values(self.arrays[key][None])

    def text(self, file):
        return f'    params {self.name} = "{file}" {{ {" ".join(self.rules)} }}\n' if self.rules else ""


def dense(x, w, b):
    """b + w · x."""
    wide = w.num[0]
    big = max(1, int(abs(x.num).max())) * max(1, int(abs(wide).astype(object).sum(axis=1).max())) >= 1 << 62
    kind = object if big else np.int64
    out = Q(x.num.astype(kind) @ wide.astype(kind).T, x.den * w.den)
    return out + b if b is not None else out


def multiplied(x, c):
    """x times constants that go with it, axis by axis."""
    num = x.num.astype(object) * c.num.astype(object)
    return Q(num, x.den * c.den)


def float32_root(square):
    """The square root, to the nearest with 24 bits."""
    with localcontext() as context:
        context.prec = 120
        root = Fraction((Decimal(square.numerator) / square.denominator).sqrt())
    exponent = 0
    while root >= 1 << 24:
        root, exponent = root / 2, exponent + 1
    while 0 < root < 1 << 23:
        root, exponent = root * 2, exponent - 1
    return round(root) * Fraction(2) ** exponent


def clamp(x, lo, hi):
    return x.greater(Q.of(lo)).lesser(Q.of(hi))


def hard_swish(v):
    return v * min(max(v + 3, 0), 6) / 6


def sigmoid(v):
    """1 / (1 + e^-v) within 10^-80 of it: no rounding of a small format is decided by less, as the value is irrational but for v = 0."""
    with localcontext() as context:
        context.prec = 120
        return Fraction(1 / (1 + (-Decimal(v.numerator) / v.denominator).exp()))


def tanh(v):
    return 2 * sigmoid(2 * v) - 1


def each(x, f):
    """A function of each value."""
    known, at = np.unique(x.num, return_inverse=True)
    values = Q.of([f(Fraction(int(n), x.den)) for n in known])
    return Q(values.num[0][at].reshape(x.num.shape), values.den)


class Network:
    """A network with a text, and a function from its inputs' values to its output's."""

    def __init__(self, rng, name, folder, inputs):
        """`inputs` are formats with shapes."""
        self.rng, self.name, self.inputs = rng, name, inputs
        self.params = Params("m")
        self.lines, self.steps = [], []
        self.fresh = 0
        self.values = [(f"x{i}", shape) for i, (_, shape) in enumerate(inputs)]
        current = self.values[0]
        if len(inputs) > 1:
            current = self.join(current, self.values[1])
        elif rng.random() < 0.2:
            current = self.curve(current, inputs[0][0])
        for _ in range(rng.randint(1, 3)):
            current = self.layer(current)
        self.finish(current)
        file = f"{name}.npz"
        if self.params.arrays:
            np.savez(folder / file, **self.params.arrays)
        signature = ", ".join(f"x{i}: {form.text}{shape_text(shape)}" for i, (form, shape) in enumerate(inputs))
        result = "real" if self.format is None else self.format.text
        body = "".join(f"    {line}\n" for line in self.lines)
        self.text = f"network {name}({signature}) -> {result}{shape_text(self.shape)} {{\n{self.params.text(file)}{body}}}\n"

    def __call__(self, *arguments):
        env = {f"x{i}": argument for i, argument in enumerate(arguments)}
        for name, function in self.steps:
            env[name] = function(env)
        return env["result"]

    def let(self, text, function, shape):
        self.fresh += 1
        name = f"v{self.fresh}"
        self.lines.append(f"let {name} = {text};")
        self.steps.append((name, function))
        return name, shape

    def join(self, a, b):
        (left, ls), (right, rs) = a, b
        if ls == rs and self.rng.random() < 0.6:
            if self.rng.random() < 0.5:
                return self.let(f"{left} + {right}", lambda env: env[left] + env[right], ls)
            return self.let(f"{left} - {right}", lambda env: env[left] - env[right], ls)
        left, ls = self.flat(a)
        right, rs = self.flat(b)

        def joined(env):
            x, y = env[left], env[right]
            a, b, den = (x.over(x.den * y.den), y.over(x.den * y.den), x.den * y.den)
            points = max(a.shape[0], b.shape[0])
            a, b = (np.broadcast_to(v, (points, *v.shape[1:])) for v in (a, b))
            return Q(np.concatenate([a, b], axis=1), den)

        return self.let(f"concat({left}, {right})", joined, (ls[0] + rs[0],))

    def flat(self, value):
        name, shape = value
        size = int(np.prod(shape)) if shape else 1
        if len(shape) == 1:
            return value
        if not shape:
            return self.let(f"reshape({name}, [1])", lambda env: Q(env[name].num.reshape(-1, 1), env[name].den), (1,))
        return self.let(f"flatten({name})", lambda env: env[name].flat(), (size,))

    def cast(self, value, bits):
        name, shape = value
        form = random_format(self.rng, bits, shape[0] if shape else 1)
        self.last = form
        return self.let(f"{name} as {form.text}", lambda env: form.convert(env[name]), shape)

    def curve(self, value, form):
        """A function of what is stored in a format, rounded by a cast or, if it is rational, not at all."""
        rng = self.rng
        name, shape = value
        kind = rng.choice(["hard_swish", "sigmoid", "tanh", "lookup"])
        if kind == "lookup":
            rises = rng.random() < 0.3
            entries = [Fraction(rng.randint(-9, 9), rng.choice([1, 2, 4])) for _ in range(form.hi - form.lo + 1)]
            entries = sorted(entries) if rises else entries
            text = f"lookup({name}, {nested(entries)})"
            table = Q.of(entries)
            function = lambda env: Q(table.num[0][form.cast(env[name]) - form.lo], table.den)
        else:
            text = f"{kind}({name})"
            of = {"hard_swish": hard_swish, "sigmoid": sigmoid, "tanh": tanh}[kind]
            function = lambda env: each(env[name], of)
        if kind in ("hard_swish", "lookup") and rng.random() < 0.3:
            return self.let(text, function, shape)
        out = random_format(rng, rng.randint(1, 6), shape[0] if shape else 1)
        self.last = out
        if rng.random() < 0.3:
            return self.let(f"(let t = {text}; t) as {out.text}", lambda env: out.convert(function(env)), shape)
        return self.let(f"{text} as {out.text}", lambda env: out.convert(function(env)), shape)

    def weights(self, shape, bias):
        """A weight and a bias as texts and values: from a file, or as lists."""
        rng = self.rng
        if rng.random() < 0.5:
            self.fresh += 1
            key = f"l{self.fresh}"
            if rng.random() < 0.6:
                w = self.params.add(rng, f"{key}.weight", shape)
                b = self.params.add(rng, f"{key}.bias", shape[:1]) if bias else None
                return f"m.{key}", w, b
            text, w = self.computed_weight(key, shape)
            if not bias:
                return text, w, None
            b = self.params.add(rng, f"{key}.bias", shape[:1])
            if rng.random() < 0.5:
                return f"{text}, m.{key}.bias", w, b
            return f"{text}, -m.{key}.bias / 4 + {nested(tensor(rng, shape[:1]))} * 0", w, b.scaled(Fraction(-1, 4))
        w = tensor(rng, shape)
        text, w = nested(w), Q.of(w)
        if rng.random() < 0.3:
            form = random_format(rng, rng.randint(2, 5), shape[0])
            text, w = f"{text} as {form.text}", form.convert(w)
        if not bias:
            return text, w, None
        b = tensor(rng, shape[:1])
        return f"{text}, {nested(b)}", w, Q.of(b)

    def computed_weight(self, key, shape):
        """A weight made of a tensor of another layout or size, or by arithmetic."""
        rng = self.rng
        kind = rng.choice(["transposed", "slice", "line"])
        if kind == "transposed":
            order = rng.sample(range(len(shape)), len(shape))
            stored = [0] * len(shape)
            for axis, source in enumerate(order):
                stored[source] = shape[axis]
            w = self.params.add(rng, f"{key}.weight", tuple(stored))
            w = Q(np.transpose(w.num, [0, *(1 + source for source in order)]), w.den)
            reverse = order == list(range(len(shape)))[::-1] and rng.random() < 0.5
            return f"transpose(m.{key}.weight{'' if reverse else f', {order}'})", w
        if kind == "slice":
            w = self.params.add(rng, f"{key}.weight", (2, shape[0] + 1, *shape[1:]))
            return f"m.{key}.weight[1, 1..{shape[0] + 1}]", Q(w.num[:, 1, 1:], w.den)
        w = self.params.add(rng, f"{key}.weight", shape)
        c, d = Fraction(rng.choice(["0.5", "-2", "0.1", "3"])), Fraction(rng.choice(["0", "1", "-0.25"]))
        return f"m.{key}.weight * ({decimal(c)}) + ({decimal(d)})", w.scaled(c) + Q.of(d)

    def batch_norm(self, value):
        rng = self.rng
        name, shape = value
        self.fresh += 1
        key = f"n{self.fresh}"
        names = rng.choice([("weight", "bias", "running_mean", "running_var"), ("gamma", "beta", "moving_mean", "moving_variance")])
        signed, positive = Format("fixed<5, 2>", 5, True, [Fraction(1, 4)], [0]), Format("ufixed<6, 3>", 6, False, [Fraction(1, 8)], [0])
        numbers = lambda lo, hi: [rng.randint(lo, hi) for _ in range(shape[0])]
        gamma, beta = Q.of([1] * shape[0]), Q.of(0)
        if rng.random() < 0.7:
            gamma = self.params.put(f"{key}.{names[0]}", signed, numbers(-16, 15))
            beta = self.params.put(f"{key}.{names[1]}", signed, numbers(-16, 15))
        mean = self.params.put(f"{key}.{names[2]}", signed, numbers(-16, 15))
        variance = self.params.put(f"{key}.{names[3]}", positive, numbers(0, 63))
        epsilon = Fraction(rng.choice(["0.001", "0.5", "1"]))
        sign = lambda v: -1 if v < 0 else 1
        factor = Q.of([sign(g) * float32_root(g * g / (v + epsilon)) for g, v in zip(gamma.fractions(0), variance.fractions(0))])
        offset = beta - multiplied(factor, mean)
        return self.let(f"batch_norm({name}, m.{key}, epsilon = {decimal(epsilon)})",
                        lambda env: multiplied(env[name], along(factor, shape)) + along(offset, shape), shape)

    def layer(self, value):
        rng = self.rng
        name, shape = value
        if len(shape) == 3:
            value = self.image_layer(value)
        elif rng.random() < 0.8:
            name, shape = self.flat(value)
            out = rng.randint(1, 3)
            text, w, b = self.weights((out, shape[0]), rng.random() < 0.7)
            value = self.let(f"dense({name}, {text})", lambda env: dense(env[name], w, b), (out,))
        value = self.pointwise(value)
        if rng.random() < 0.75:
            value = self.cast(value, rng.randint(2, 6))
            if rng.random() < 0.3:
                value = self.curve(value, self.last)
            elif rng.random() < 0.1:
                before = self.let(f"relu({value[0]})", lambda env, n=value[0]: env[n].greater(Q.of(0)), value[1])
                value = before
        return value

    def image_layer(self, value):
        rng = self.rng
        name, (channels, rows, columns) = value
        kind = rng.choice(["conv", "conv", "max", "avg", "flatten", "pad", "reduce", "line"])
        if kind == "flatten":
            return self.flat(value)
        if kind == "pad":
            return self.padded(value)
        if kind == "reduce":
            return self.reduced(value)
        if kind == "line":
            # One-dimensional forms, along the columns of an image of one row, or of the rows as channels.
            shape = (channels * rows, columns)
            value = self.let(f"reshape({name}, {list(shape)})", lambda env, n=name: Q(env[n].num.reshape(-1, *shape), env[n].den), shape)
            kind = rng.choice(["conv", "max", "avg"])
        name, (channels, *sizes) = value
        axes = len(sizes)
        pool = None if kind == "conv" else kind
        sliding = Sliding(rng, sizes, pool)
        if not sliding.fits(sizes, pool):
            return value if axes == 2 else self.flat(value)
        options = sliding.options(rng)
        if kind == "conv":
            groups = channels if rng.random() < 0.3 else 1
            out = groups * rng.randint(1, 2)
            text, w, b = self.weights((out, channels // groups, *sliding.taps), rng.random() < 0.6)
            text = f"conv{axes}d({name}, {text}, {', '.join([*options, f'groups = {groups}'])})"
            return self.let(text, lambda env: conv(env[name], w, b, sliding, groups), (out, *sliding.counts))
        if kind == "max":
            least = -(1 << 62)
            result = lambda env: Q(windows(env[name].num.astype(object), sliding, least).max(axis=-1), env[name].den)
        else:
            counted = rng.random() < 0.5
            if not counted or sliding.word:
                options.append(f"count_padding = {'true' if counted else 'false'}")
            result = lambda env: average(env[name], sliding, counted)
        text = f"{kind}_pool{axes}d({name}, {', '.join([str(sliding.size(rng)), *options])})"
        return self.let(text, result, (channels, *sliding.counts))

    def padded(self, value):
        rng = self.rng
        name, shape = value
        ends = [(rng.randint(0, 1), rng.randint(0, 1)) for _ in shape]
        # Any number stands around an exact tensor, which a product is; 0 stands around a stored one, too.
        number = rng.choice([Fraction(0), Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 10)])
        operand = f"{name} * 1" if number else name
        text = ", ".join(str(a) if a == b and rng.random() < 0.5 else f"[{a}, {b}]" for a, b in ends)
        option = f", value = {decimal(number)}" if number or rng.random() < 0.3 else ""

        def result(env):
            x = env[name].scaled(1)
            whole = Q(times(x.num, number.denominator), x.den * number.denominator)
            fill = number.numerator * x.den
            num = whole.num if abs(fill) < 1 << 62 else whole.num.astype(object)
            return Q(np.pad(num, [(0, 0), *ends], constant_values=fill), whole.den)

        return self.let(f"pad({operand}, [{text}]{option})", result, tuple(a + n + b for (a, b), n in zip(ends, shape)))

    def reduced(self, value):
        rng = self.rng
        name, shape = value
        axes = rng.sample(range(len(shape)), rng.randint(1, len(shape) - 1))
        along = tuple(1 + axis for axis in axes)
        terms = int(np.prod([shape[axis] for axis in axes]))
        function = rng.choice(["sum", "mean", "maximum", "minimum"])

        def result(env):
            num = env[name].num.astype(object)
            if function in ("maximum", "minimum"):
                return Q(num.max(axis=along) if function == "maximum" else num.min(axis=along), env[name].den)
            return Q(num.sum(axis=along), env[name].den * (terms if function == "mean" else 1))

        text = axes[0] if len(axes) == 1 and rng.random() < 0.5 else axes
        left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
        return self.let(f"{function}({name}, axes = {text})", result, left)

    def pointwise(self, value):
        rng = self.rng
        name, shape = value
        kind = rng.choice(["relu", "relu", "relu", "none", "clamp", "leaky", "relu6", "hard_sigmoid", "sign", "norm", "list", "list", "times", "plus", "minus", "index", "range"])
        if kind == "relu":
            return self.let(f"relu({name})", lambda env: env[name].greater(Q.of(0)), shape)
        if kind == "clamp":
            lo = Fraction(rng.randint(-6, 2), 2)
            hi = lo + Fraction(rng.randint(1, 8), 2)
            return self.let(f"clamp({name}, {decimal(lo)}, {decimal(hi)})",
                            lambda env: env[name].greater(Q.of(lo)).lesser(Q.of(hi)), shape)
        if kind == "relu6":
            return self.let(f"relu6({name})", lambda env: clamp(env[name], 0, 6), shape)
        if kind == "hard_sigmoid":
            return self.let(f"hard_sigmoid({name})", lambda env: clamp((env[name] + Q.of(3)).scaled(Fraction(1, 6)), 0, 1), shape)
        if kind == "norm" and shape:
            return self.batch_norm(value)
        if kind == "list" and len(shape) in (1, 3):
            op = rng.choice("*/+-")
            values = [weight(rng) if op != "/" else rng.choice([Fraction(2), Fraction(-1, 2), Fraction(5)]) for _ in range(shape[0])]
            of = along(Q.of([1 / v for v in values] if op == "/" else values), shape)
            function = {"+": lambda x: x + of, "-": lambda x: x - of}.get(op, lambda x: multiplied(x, of))
            return self.let(f"{name} {op} {nested(values)}", lambda env: function(env[name]), shape)
        if kind == "sign":
            return self.let(f"sign({name})", lambda env: Q(np.where(env[name].num < 0, -1, 1)), shape)
        if kind == "leaky":
            slope = rng.choice([Fraction(1, 10), Fraction(1, 8), Fraction(1, 2), Fraction(-1, 4), Fraction(3, 2)])
            zero = Q.of(0)
            return self.let(f"leaky_relu({name}, {decimal(slope)})",
                            lambda env: env[name].greater(zero) + env[name].lesser(zero).scaled(slope), shape)
        if kind == "times":
            c = rng.choice([Fraction(1, 2), Fraction(-3, 4), Fraction(1, 10), Fraction(2)])
            if rng.random() < 0.5:
                return self.let(f"{name} / ({decimal(1 / c)})", lambda env: env[name].scaled(c), shape)
            return self.let(f"{name} * ({decimal(c)})", lambda env: env[name].scaled(c), shape)
        if kind == "plus":
            c = Fraction(rng.randint(-6, 6), 4)
            return self.let(f"{name} + ({decimal(c)})", lambda env: env[name] + Q.of(c), shape)
        if kind == "minus":
            return self.let(f"-{name}", lambda env: env[name].scaled(-1), shape)
        if kind == "range" and len(shape) == 1 and shape[0] > 1:
            start = rng.randint(0, shape[0] - 1)
            stop = rng.randint(start + 1, shape[0])
            return self.let(f"{name}[{start}..{stop}]", lambda env: Q(env[name].num[:, start:stop], env[name].den), (stop - start,))
        if kind == "index" and len(shape) == 1 and shape[0] > 1 and rng.random() < 0.5:
            i = rng.randrange(shape[0])
            j = rng.randrange(shape[0])
            return self.let(f"concat({name}[{i}..{i + 1}], {name}[{j}..{j + 1}])",
                            lambda env: Q(env[name].num[:, [i, j]], env[name].den), (2,))
        return value

    def finish(self, value):
        if self.rng.random() < 0.85:
            value = self.cast(value, self.rng.randint(2, 6))
            self.format = self.last
        else:
            self.format = None
        name, self.shape = value
        self.lines.append(name)
        self.steps.append(("result", lambda env: env[name]))


def shape_text(shape):
    return "[" + ", ".join(map(str, shape)) + "]" if shape else ""
