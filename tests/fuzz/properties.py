"""Random statements and measures: their text, and their truth at each point, as docs/language.md defines it.

An expression is a pair of a text and a function from an environment (names to values) to a `Q` or to an array of truth values, one for each point.
"""

from fractions import Fraction

import numpy as np
from values import Q, decimal


def every(holds):
    """For each point, whether a comparison holds of all elements."""
    return holds.reshape(holds.shape[0], -1).all(axis=1)


class Statements:
    """Expressions over tensors that are in scope: names with shapes, and calls."""

    def __init__(self, rng, tensors, parameters):
        """`tensors`: triples of a text, a shape and a function; `parameters`: names of numbers."""
        self.rng, self.tensors, self.parameters = rng, tensors, parameters
        self.bound = 0

    def constant(self):
        rng = self.rng
        kind = rng.random()
        if self.parameters and kind < 0.35:
            name = rng.choice(self.parameters)
            if rng.random() < 0.6:
                return name, lambda env: env[name]
            factor = rng.choice([Fraction(1, 2), Fraction(-1), Fraction(1, 10), Fraction(3)])
            return f"{name} * ({decimal(factor)})", lambda env: env[name].scaled(factor)
        value = Fraction(rng.randint(-16, 16), rng.choice([1, 1, 2, 4, 8, 10, 3]))
        return decimal(value) if value >= 0 else f"({decimal(value)})", lambda env: Q.of(value)

    def tensor(self, depth=1):
        """A tensor: text, shape, function."""
        rng = self.rng
        text, shape, value = rng.choice(self.tensors)
        if depth and rng.random() < 0.3:
            kind = rng.choice(["minus", "abs", "times", "negative"])
            others = [t for t in self.tensors if t[1] == shape]
            if kind == "minus":
                other, _, subtrahend = rng.choice(others)
                return f"({text} - {other})", shape, lambda env: value(env) - subtrahend(env)
            if kind == "abs":
                return f"abs({text})", shape, lambda env: value(env).abs()
            if kind == "negative":
                return f"(-{text})", shape, lambda env: value(env).scaled(-1)
            factor = rng.choice([Fraction(1, 2), Fraction(-2), Fraction(3, 4)])
            return f"({text} * ({decimal(factor)}))", shape, lambda env: value(env).scaled(factor)
        return text, shape, value

    def element(self, tensor):
        text, shape, value = tensor
        if not shape or int(np.prod(shape)) == 1:
            return text, lambda env: Q(value(env).num.reshape(value(env).num.shape[0]), value(env).den)
        index = [self.rng.randrange(n) for n in shape]
        return f"{text}[{', '.join(map(str, index))}]", lambda env: value(env).at(index)

    def number(self, depth):
        rng = self.rng
        kind = rng.random()
        if depth == 0 or kind < 0.35:
            return self.element(self.tensor(0))
        if kind < 0.45:
            name = rng.choice(["sum", "minimum", "maximum"])
            text, _, value = self.tensor()
            return f"{name}({text})", lambda env: getattr(value(env), name)()
        a, fa = self.number(depth - 1)
        if kind < 0.6:
            b, fb = self.number(depth - 1)
            return (f"({a} + {b})", lambda env: fa(env) + fb(env)) if rng.random() < 0.4 else (f"({a} - {b})", lambda env: fa(env) - fb(env))
        if kind < 0.7:
            factor = rng.choice([Fraction(1, 2), Fraction(-1), Fraction(3), Fraction(-1, 3), Fraction(1, 10)])
            if rng.random() < 0.5:
                return f"({decimal(factor)}) * {a}", lambda env: fa(env).scaled(factor)
            return f"{a} / ({decimal(1 / factor)})", lambda env: fa(env).scaled(factor)
        if kind < 0.8:
            return f"abs({a})", lambda env: fa(env).abs()
        if kind < 0.9:
            b, fb = self.number(depth - 1) if rng.random() < 0.7 else self.constant()
            return (f"min({a}, {b})", lambda env: fa(env).lesser(fb(env))) if rng.random() < 0.5 else (f"max({a}, {b})", lambda env: fa(env).greater(fb(env)))
        b, fb = self.constant()
        return f"({a} + {b})", lambda env: fa(env) + fb(env)

    def atom(self, depth):
        rng = self.rng
        kind = rng.random()
        vectors = [t for t in self.tensors if len(t[1]) == 1 and t[1][0] > 1]
        if vectors and kind < 0.25:
            return self.of_class(vectors)
        if kind < 0.33:
            text, shape, value = rng.choice(self.tensors)
            other, _, beside = rng.choice([t for t in self.tensors if t[1] == shape])
            op = rng.choice(["==", "!="])
            if op == "==":
                return f"{text} == {other}", lambda env: every(value(env).compare("==", beside(env)))
            return f"{text} != {other}", lambda env: ~every(value(env).compare("==", beside(env)))
        a, fa = self.number(depth)
        if kind < 0.43:
            lo = Fraction(rng.randint(-8, 8), rng.choice([1, 2, 4]))
            hi = lo + Fraction(rng.randint(1, 12), rng.choice([1, 2, 4]))
            closed = rng.random() < 0.5
            below = "<=" if closed else "<"
            text = f"{a} in {decimal(lo) if lo >= 0 else f'({decimal(lo)})'}..{'=' if closed else ''}{decimal(hi) if hi >= 0 else f'({decimal(hi)})'}"
            return text, lambda env: fa(env).compare(">=", Q.of(lo)) & fa(env).compare(below, Q.of(hi))
        if kind < 0.5:
            values = [Fraction(rng.randint(-8, 8), rng.choice([1, 2, 4])) for _ in range(rng.randint(1, 3))]
            text = f"{a} in [{', '.join(map(decimal, values))}]"
            return text, lambda env: np.any([fa(env).compare("==", Q.of(v)) for v in values], axis=0)
        b, fb = self.constant() if rng.random() < 0.75 else self.number(depth - 1 if depth else 0)
        op = rng.choice(["<=", ">=", "<", ">", "<=", ">=", "==", "!="])
        return f"{a} {op} {b}", lambda env: fa(env).compare(op, fb(env))

    def of_class(self, vectors):
        rng = self.rng
        text, shape, value = rng.choice(vectors)
        first = lambda env: value(env).num.argmax(axis=1) if value(env).num.dtype != object else np.array([list(r).index(max(r)) for r in value(env).num])
        only = lambda env: (value(env).num == value(env).num.max(axis=1, keepdims=True)).sum(axis=1) == 1
        index = rng.randrange(shape[0])
        kind = rng.random()
        if kind < 0.08:
            # The elements of a softmax compare as the scores do.
            op, other = rng.choice(["<=", ">=", "<", ">", "==", "!="]), rng.randrange(shape[0])
            score = lambda env, i: value(env).num[:, i]
            compare = {"<=": np.less_equal, ">=": np.greater_equal, "<": np.less, ">": np.greater, "==": np.equal, "!=": np.not_equal}[op]
            return f"softmax({text})[{index}] {op} softmax({text})[{other}]", lambda env: compare(score(env, index), score(env, other)).astype(bool)
        if rng.random() < 0.1:
            text = f"softmax({text})"
        if kind < 0.3:
            op = rng.choice(["==", "!="])
            holds = lambda env: only(env) & (first(env) == index)
            return f"strict_argmax({text}) {op} {index}", holds if op == "==" else lambda env: ~holds(env)
        if kind < 0.5:
            some = sorted({rng.randrange(shape[0]) for _ in range(2)})
            return f"argmax({text}) in [{', '.join(map(str, some))}]", lambda env: np.isin(first(env), some)
        others = [t for t in vectors if t[1] == shape]
        if kind < 0.65:
            other, _, beside = rng.choice(others)
            second = lambda env: np.array([list(r).index(max(r)) for r in beside(env).num])
            op = rng.choice(["==", "!="])
            return f"argmax({text}) {op} argmax({other})", (lambda env: first(env) == second(env)) if op == "==" else (lambda env: first(env) != second(env))
        op = rng.choice(["==", "!="])
        return f"argmax({text}) {op} {index}", (lambda env: first(env) == index) if op == "==" else (lambda env: first(env) != index)

    def statement(self, depth):
        rng = self.rng
        kind = rng.random()
        if depth == 0 or kind < 0.4:
            return self.atom(rng.randint(0, 2))
        if kind < 0.5:
            a, fa = self.statement(depth - 1)
            return f"not ({a})", lambda env: ~fa(env)
        if kind < 0.6:
            vectors = [t for t in self.tensors if len(t[1]) == 1 and t[1][0] > 1]
            if vectors:
                return self.written_out(rng.choice(vectors))
        if kind < 0.65:
            # A name for a number.
            a, fa = self.number(1)
            b, fb = self.constant()
            self.bound += 1
            name, op = f"t{self.bound}", rng.choice(["<=", ">"])
            return f"(let {name} = {a}; {name} {op} {b} or {name} == 0)", lambda env: fa(env).compare(op, fb(env)) | fa(env).compare("==", Q.of(0))
        (a, fa), (b, fb) = self.statement(depth - 1), self.statement(depth - 1)
        word = rng.choice(["and", "or", "=>"])
        if word == "and":
            return f"({a}) and ({b})", lambda env: fa(env) & fb(env)
        if word == "or":
            return f"({a}) or ({b})", lambda env: fa(env) | fb(env)
        return f"({a}) => ({b})", lambda env: ~fa(env) | fb(env)

    def condition(self, variables):
        """A condition on variables as assumptions have them: sets of values, codes, elements that others define, and many disjunctions."""
        rng = self.rng
        elements = [(v, index) for v in variables for index in np.ndindex(*v.shape)]

        def read(v, index):
            return f"{v.name}[{', '.join(map(str, index))}]", lambda env: env[v.name].at(list(index))

        def some(v, index):
            # A value of the format, now and then one that it does not have.
            value = v.form.values(np.full((1, *v.shape), rng.randint(v.form.lo, v.form.hi))).at(list(index))
            value = Fraction(int(value.num[0]), value.den)
            return value if rng.random() < 0.95 else value + Fraction(1, 3)

        def literal(value):
            return decimal(value) if value >= 0 else f"({decimal(value)})"

        def single(v, index):
            text, value = read(v, index)
            if rng.random() < 0.5:
                values = [some(v, index) for _ in range(rng.randint(1, 3))]
                return f"{text} in [{', '.join(map(decimal, values))}]", lambda env: np.any([value(env).compare("==", Q.of(c)) for c in values], axis=0)
            lo, hi = some(v, index), some(v, index)
            return f"({text} <= {literal(lo)} or {text} > {literal(hi)})", lambda env: value(env).compare("<=", Q.of(lo)) | value(env).compare(">", Q.of(hi))

        def points(chosen):
            parts = []
            for _ in range(rng.randint(2, 4)):
                parts.append([(read(v, index), some(v, index)) for v, index in chosen])
            text = " or ".join("(" + " and ".join(f"{t} == {literal(c)}" for (t, _), c in part) + ")" for part in parts)
            holds = lambda env: np.any([np.all([f(env).compare("==", Q.of(c)) for (_, f), c in part], axis=0) for part in parts], axis=0)
            return f"({text})", holds

        def defined():
            (v, index), (w, other) = rng.choice(elements), rng.choice(elements)
            (a, fa), (b, fb) = read(v, index), read(w, other)
            shift, lo, hi = some(w, other), *sorted((some(v, index), some(v, index)))
            kind = rng.random()
            if kind < 0.4:
                return f"{a} == min(max({b} + {literal(shift)}, {literal(lo)}), {literal(hi)})", lambda env: fa(env).compare("==", (fb(env) + Q.of(shift)).greater(Q.of(lo)).lesser(Q.of(hi)))
            if kind < 0.7:
                return f"{a} == {b} - {literal(shift)}", lambda env: fa(env).compare("==", fb(env) - Q.of(shift))
            return f"{a} == -{b}", lambda env: fa(env).compare("==", fb(env).scaled(-1))

        def either():
            (a, fa), (b, fb) = self.atom(0), self.atom(0)
            return f"({a} or {b})", lambda env: fa(env) | fb(env)

        parts = []
        for _ in range(rng.randint(1, 3)):
            kind = rng.random()
            if kind < 0.3:
                parts += [single(*element) for element in elements if rng.random() < 0.5]
            elif kind < 0.55:
                parts.append(points(rng.sample(elements, min(len(elements), rng.randint(1, 3)))))
            elif kind < 0.8:
                parts.append(defined())
            else:
                parts += [either() for _ in range(rng.randint(2, 9))]
        if not parts:
            parts.append(either())
        return " and ".join(text for text, _ in parts), lambda env: np.all(np.broadcast_arrays(*[holds(env) for _, holds in parts]), axis=0)

    def written_out(self, vector):
        """A quantifier over the elements of a vector."""
        rng = self.rng
        text, (n,), value = vector
        b, fb = self.constant()
        op = rng.choice(["<=", ">=", "!=", "=="])
        self.bound += 1
        name, word = f"k{self.bound}", rng.choice(["forall", "exists"])
        start = rng.randint(0, n - 1)
        holds = lambda env: value(env).compare(op, Q(fb(env).num[:, None], fb(env).den))[:, start:]
        join = np.all if word == "forall" else np.any
        return f"({word} {name} in {start}..{n}: {text}[{name}] {op} {b})", lambda env: join(holds(env), axis=1)
