"""Random specs: their text and files, and what is true of every instance."""

import itertools
from fractions import Fraction

import numpy as np
from networks import Network, shape_text
from properties import Statements
from values import Q, decimal, random_format

POINTS = 1 << 10


class Env(dict):
    """Names with their values over all points of a domain. Calls of networks are made once."""

    def __init__(self, values, calls=None):
        super().__init__(values)
        self.calls = {} if calls is None else calls

    def call(self, network, *names):
        key = (network.name, *names)
        if key not in self.calls:
            self.calls[key] = network(*(self[name] for name in names))
        return self.calls[key]

    def with_parameters(self, values):
        return Env({**self, **values}, self.calls)


def grid(ranges):
    """All points of a box, one row each."""
    axes = [np.arange(lo, hi + 1, dtype=np.int64) for lo, hi in ranges]
    return np.stack([a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")], axis=1)


class Variable:
    """A quantified variable: over its format, or over a ball about a sample."""

    def __init__(self, name, form, shape, sample=None, radius=None):
        self.name, self.form, self.shape, self.sample, self.radius = name, form, shape, sample, radius

    def text(self):
        if self.sample is None:
            return f"{self.name}: {self.form.text}{shape_text(self.shape)}"
        return f"{self.name} in ball(d[{self.sample[0]}].x, {self.radius} lsb)"

    def ranges(self, radius):
        count = int(np.prod(self.shape))
        if self.sample is None:
            return [(self.form.lo, self.form.hi)] * count
        return [(max(self.form.lo, int(c) - radius), min(self.form.hi, int(c) + radius)) for c in self.sample[1].reshape(-1)]


def domain(variables, radius):
    """Every point: the raw integers and the values of all variables."""
    points = grid([r for v in variables for r in v.ranges(radius)])
    raw, values, at = {}, {}, 0
    for v in variables:
        count = int(np.prod(v.shape))
        raw[v.name] = points[:, at : at + count].reshape(-1, *v.shape)
        values[v.name] = v.form.values(raw[v.name])
        at += count
    return Env(values)


class Item:
    """A property or measure with its instances; `truth` says what is right of one."""

    def __init__(self, name, text, parameters, variables, body, kind):
        self.name, self.text, self.parameters = name, text, parameters
        self.variables, self.body, self.kind = variables, body, kind
        self.base = {}

    def instances(self):
        return itertools.product(*(values for _, values in self.parameters))

    def env(self, key):
        named = dict(zip((n for n, _ in self.parameters), key))
        radius = int(named.get("e", 0))
        if radius not in self.base:
            self.base[radius] = domain(self.variables, radius)
        return self.base[radius].with_parameters({n: Q.of(v) for n, v in named.items()})

    def truth(self, key):
        env = self.env(key)
        points = next(iter(env[v.name] for v in self.variables)).num.shape[0]
        over = lambda holds: np.broadcast_to(holds, (points,))
        condition, statement = self.body
        if self.kind in ("maximize", "minimize"):
            extremes = []
            for n in self.candidates:
                chosen = env.with_parameters({"n": Q.of(n)})
                allowed = over(condition(chosen)) if condition else np.ones(points, dtype=bool)
                value = statement(chosen)
                extremes += [Fraction(int(v), value.den) for v in np.unique(np.broadcast_to(value.num, (points,))[allowed])]
            best = max if self.kind == "maximize" else min
            return (self.kind, best(extremes)) if extremes else ("vacuous",)
        allowed = over(condition(env)) if condition else np.ones(points, dtype=bool)
        if self.kind == "find":
            if not allowed.any():
                return ("vacuous",)
            return ("found",) if (allowed & over(statement(env))).any() else ("none",)
        if self.kind == "property":
            if not allowed.any():
                return ("vacuous",)
            return ("violated",) if (allowed & ~over(statement(env))).any() else ("proved",)
        if self.kind == "share":
            holds = [over(statement(env.with_parameters({"n": Q.of(n)}))).all() for n in self.candidates]
            return ("share", Fraction(sum(map(int, holds)), len(holds)))
        if self.kind == "largest":
            best = None
            for n in self.candidates:
                env = env.with_parameters({"n": Q.of(n)})
                if over(statement(env)).all():
                    best = Fraction(n)
            return ("largest", best)
        raise ValueError(self.kind)

    def breaks(self, key, raws):
        """Whether one point, given by raw integers, meets the condition and breaks the statement; and the networks' outputs there."""
        named = dict(zip((n for n, _ in self.parameters), key))
        radius = int(named.get("e", 0))
        values = {}
        for v, raw in zip(self.variables, raws):
            for value, (lo, hi) in zip(raw, v.ranges(radius)):
                if not lo <= value <= hi:
                    return False, {}
            values[v.name] = v.form.values(np.array(raw, dtype=np.int64).reshape(1, *v.shape))
        env = Env({**values, **{n: Q.of(x) for n, x in named.items()}})
        condition, statement = self.body
        wanted = self.kind == "find"
        return bool((condition is None or condition(env).all()) and bool(statement(env).all()) == wanted), env.calls


class Spec:
    """A spec in a folder."""

    def __init__(self, rng, folder):
        self.rng = rng
        bits = rng.randint(1, 4)
        shape = rng.choice([(1,), (2,), (2,), (3,), (4,), (1, 2, 2), (2, 2, 2), (1, 3, 2)])
        while bits * int(np.prod(shape)) > 9:
            if bits > 1:
                bits -= 1
            else:
                shape = (2,)
        self.form, self.shape = random_format(rng, bits, shape[0]), shape
        self.networks = [Network(rng, "f", folder, [(self.form, shape)])]
        if rng.random() < 0.4:
            self.networks.append(Network(rng, "g", folder, [(self.form, shape)]))
        if rng.random() < 0.25:
            self.networks.append(Network(rng, "h", folder, [(self.form, shape), (self.form, shape)]))
        self.samples = np.array([[rng.randint(self.form.lo, self.form.hi) for _ in range(int(np.prod(shape)))] for _ in range(2)])
        self.samples = self.samples.reshape(2, *shape)
        np.savez(folder / "d.npz", x=self.samples)
        self.items = [self.property(i) for i in range(rng.randint(3, 6))]
        self.items += [self.measure(i) for i in range(rng.randint(0, 2))]
        data = f'dataset d {{ x: {self.form.text}{shape_text(shape)} from "d.npz" tensor "x" raw; }}\n'
        self.text = data + "".join(n.text for n in self.networks) + "".join(item.text for item in self.items)
        (folder / "spec.qnn").write_text(self.text)

    def variables(self):
        rng, count = self.rng, int(np.prod(self.shape))
        width = self.form.bits * count
        two = 2 * width <= 10 and rng.random() < 0.4
        if rng.random() < 0.3 and 7 ** (count * (2 if two else 1)) <= POINTS * 8:
            sample = rng.randrange(2)
            first = Variable("x", self.form, self.shape, (sample, self.samples[sample]), "e")
        else:
            first = Variable("x", self.form, self.shape)
        return [first, Variable("y", self.form, self.shape)] if two else [first]

    def scope(self, variables, parameters):
        tensors = []
        for v in variables:
            tensors.append((v.name, v.shape, lambda env, n=v.name: env[n]))
        names = [v.name for v in variables]
        for network in self.networks:
            if len(network.inputs) == 1:
                calls = [(n,) for n in names]
            else:
                calls = [(names[0], names[-1])]
            for arguments in calls:
                text = f"{network.name}({', '.join(arguments)})"
                value = lambda env, f=network, a=arguments: env.call(f, *a)
                tensors += [(text, network.shape, value)] * 2
        return Statements(self.rng, tensors, parameters)

    def family(self, variables):
        rng = self.rng
        parameters = []
        if any(v.radius for v in variables):
            parameters.append(("e", [Fraction(e) for e in range(rng.randint(1, 4))]))
        if rng.random() < 0.85:
            den = rng.choice([1, 2, 4, 3, 10])
            values = sorted({Fraction(rng.randint(-40, 40), den) for _ in range(rng.randint(2, 40))})
            rng.shuffle(values)
            parameters.append(("k", values))
        if rng.random() < 0.3:
            parameters.append(("j", [Fraction(j) for j in range(rng.randint(1, 5))]))
        texts = []
        for name, values in parameters:
            if name == "k":
                texts.append(f"k in [{', '.join(map(decimal, values))}]")
            elif rng.random() < 0.5:
                texts.append(f"{name} in 0..{len(values)}")
            else:
                texts.append(f"{name} in 0..={len(values) - 1}")
        return parameters, f"({', '.join(texts)})" if texts else ""

    def property(self, number):
        rng = self.rng
        variables = self.variables()
        parameters, head = self.family(variables)
        scope = self.scope(variables, [n for n, _ in parameters])
        condition, where = None, ""
        if rng.random() < 0.5:
            text, condition = scope.statement(1) if rng.random() < 0.5 else scope.condition(variables)
            where = f" where {text}"
        text, statement = scope.statement(rng.randint(0, 3))
        over = ", ".join(v.text() for v in variables)
        name = f"p{number}"
        if rng.random() < 0.2:
            body = f"find {name}{head} =\n    {over}{where} such that {text};\n"
            return Item(name, body, parameters, variables, (condition, statement), "find")
        return Item(name, f"property {name}{head} =\n    forall {over}{where}: {text};\n", parameters, variables, (condition, statement), "property")

    def measure(self, number):
        rng = self.rng
        variables = self.variables()
        kind = rng.choice(["maximize", "minimize", "largest", "share"])
        parameters, head = self.family(variables)
        parameters = [(n, v[:6] if n == "k" else v) for n, v in parameters]
        head = head if all(n != "k" for n, _ in parameters) else self.head(parameters)
        over = ", ".join(v.text() for v in variables)
        name = f"m{number}"
        if kind in ("largest", "share"):
            first = rng.randint(-4, 2)
            last = first + rng.randint(0, 8)
            scope = self.scope(variables, [n for n, _ in parameters] + ["n"])
            text, statement = scope.statement(1)
            body = f"{'largest' if kind == 'largest' else 'share of'} n in {first if first >= 0 else f'({first})'}..={last if last >= 0 else f'({last})'} such that forall {over}: {text}"
            item = Item(name, f"measure {name}{head} = {body};\n", parameters, variables, (None, statement), kind)
            item.candidates = range(first, last + 1)
            return item
        index, candidates = "", range(0, 1)
        if rng.random() < 0.4:
            candidates = range(0, rng.randint(1, 4))
            index = f"n in 0..{len(candidates)}, "
        scope = self.scope(variables, [n for n, _ in parameters] + (["n"] if index else []))
        condition, where = None, ""
        if rng.random() < 0.5:
            text, condition = scope.statement(1) if rng.random() < 0.5 else scope.condition(variables)
            where = f" where {text}"
        text, value = scope.number(2)
        item = Item(name, f"measure {name}{head} = {kind} {text} over {index}{over}{where};\n", parameters, variables, (condition, value), kind)
        item.candidates = candidates
        return item

    def head(self, parameters):
        texts = [f"{n} in [{', '.join(map(decimal, v))}]" if n == "k" else f"{n} in 0..{len(v)}" for n, v in parameters]
        return f"({', '.join(texts)})" if texts else ""
