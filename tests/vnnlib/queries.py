"""Random queries as trees of Python, their two texts, and what they say of numbers."""
from fractions import Fraction


def number(value, rng, point=False):
    """An exact decimal of a fraction whose denominator is of twos and fives; with a point in any case, if it is to have one."""
    value = Fraction(value)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    scaled = int(abs(value) * 10**digits)
    text = str(scaled).rjust(digits + 1, "0")
    text = (text[:-digits] + "." + text[-digits:]) if digits else text + (".0" if point or rng.integers(2) else "")
    return ("-" if value < 0 else "") + text


class Query:
    """Boxes of X, and assertions on X and Y; `shapes` are those of version 2."""

    def __init__(self, rng, inputs, outputs):
        self.rng, self.inputs, self.outputs = rng, inputs, outputs
        self.boxes, self.assertions = [], []

    def bound(self, index, lo, hi):
        self.boxes.append((index, Fraction(lo), Fraction(hi)))

    def comparison(self, ranges, mixed):
        """(relation, terms, constant): Σ factor · element REL constant, about the middle of what is possible."""
        rng = self.rng
        terms = {}
        kind = rng.integers(4)
        outputs = rng.permutation(self.outputs)
        if kind == 0 or self.outputs == 1:
            terms[("Y", int(outputs[0]))] = Fraction(int(rng.choice([1, -1, 2])))
        elif kind == 1:
            terms[("Y", int(outputs[0]))], terms[("Y", int(outputs[1]))] = Fraction(1), Fraction(-1)
        else:
            for output in outputs[: 1 + rng.integers(self.outputs)]:
                terms[("Y", int(output))] = Fraction(int(rng.integers(1, 9)) * int(rng.choice([1, -1])), 4)
        if mixed and rng.integers(3) == 0:
            terms[("X", int(rng.integers(self.inputs)))] = Fraction(int(rng.integers(-4, 5)), 2)
        lo = sum(min(f * ranges[e][0], f * ranges[e][1]) for e, f in terms.items())
        hi = sum(max(f * ranges[e][0], f * ranges[e][1]) for e, f in terms.items())
        place = Fraction(int(rng.integers(-2, 19)), 16)
        constant = Fraction(round((lo + (hi - lo) * place) * 16), 16)
        relation = str(rng.choice(["<=", ">=", "<", ">", "<=", ">=", "=" if rng.integers(2) else "!="]))
        return (relation, terms, constant)

    def formula(self, ranges, mixed, depth=2):
        rng = self.rng
        if depth == 0 or rng.integers(2):
            return self.comparison(ranges, mixed)
        parts = [self.formula(ranges, mixed, depth - 1) for _ in range(int(rng.integers(1, 4)))]
        return (str(rng.choice(["and", "or", "not"])), parts)

    def ask(self, ranges, mixed=False):
        self.assertions = [self.formula(ranges, mixed) for _ in range(int(self.rng.integers(1, 3)))]

    def holds(self, x, y):
        def of(element):
            return (x if element[0] == "X" else y)[element[1]]

        def true(formula):
            if formula[0] in ("and", "or", "not"):
                parts = [true(part) for part in formula[1]]
                return {"and": all(parts), "or": any(parts), "not": not all(parts)}[formula[0]]
            relation, terms, constant = formula
            value = sum(factor * of(element) for element, factor in terms.items())
            return {"<=": value <= constant, ">=": value >= constant, "<": value < constant, ">": value > constant,
                    "=": value == constant, "!=": value != constant}[relation]

        return all(lo <= x[i] <= hi for i, lo, hi in self.boxes) and all(true(a) for a in self.assertions)

    def text(self, version, input_shape=None, output_shape=None, element=("real", "real")):
        rng = self.rng

        def index(shape, flat):
            indices = []
            for size in reversed(shape):
                indices.append(str(flat % size))
                flat //= size
            return "[" + ",".join(reversed(indices)) + "]"

        def name(e):
            if version == 1:
                return f"{e[0]}_{e[1]}"
            return ("in" if e[0] == "X" else "out") + index(input_shape if e[0] == "X" else output_shape, e[1])

        def term(e, factor):
            if factor == 1:
                return name(e)
            if factor == -1 and rng.integers(2):
                return f"(- {name(e)})"
            parts = [number(factor, rng, version == 2), name(e)]
            return f"(* {' '.join(parts if rng.integers(2) else parts[::-1])})"

        def say(formula):
            if formula[0] in ("and", "or"):
                return f"({formula[0]} {' '.join(say(part) for part in formula[1])})"
            if formula[0] == "not":
                inner = formula[1][0] if len(formula[1]) == 1 else ("and", formula[1])
                if version == 1:
                    return f"(not {say(inner)})"
                return say(negated(inner))
            relation, terms, constant = formula
            all_terms = [term(e, f) for e, f in terms.items()]
            left = all_terms[0] if len(all_terms) == 1 else f"(+ {' '.join(all_terms)})"
            right = number(constant, rng, version == 2)
            if relation == "!=" and version == 1:
                return f"(not (= {left} {right}))"
            word = "==" if relation == "=" and version == 2 else relation
            return f"({word} {left} {right})"

        def negated(formula):
            if formula[0] in ("and", "or"):
                return ("or" if formula[0] == "and" else "and", [negated(part) for part in formula[1]])
            if formula[0] == "not":
                return formula[1][0] if len(formula[1]) == 1 else ("and", formula[1])
            flipped = {"<=": ">", ">=": "<", "<": ">=", ">": "<=", "=": "!=", "!=": "="}
            return (flipped[formula[0]], formula[1], formula[2])

        lines = ["; a random query"]
        if version == 1:
            lines += [f"(declare-const X_{i} Real)" for i in range(self.inputs)]
            lines += [f"(declare-const Y_{i} Real)" for i in range(self.outputs)]
        else:
            shape = lambda s: "[" + ",".join(map(str, s)) + "]"
            lines += ["(vnnlib-version <2.0>)", f"(declare-network net (declare-input in {element[0]} {shape(input_shape)})",
                      f"  (declare-output out {element[1]} {shape(output_shape)}))"]
        for i, lo, hi in self.boxes:
            e = ("X", i)
            lines.append(f"(assert (and (>= {name(e)} {number(lo, rng, version == 2)}) (<= {name(e)} {number(hi, rng, version == 2)})))")
        lines += [f"(assert {say(a)})" for a in self.assertions]
        return "\n".join(lines) + "\n"


def answer(text, version):
    """The verdict that qnn printed, and the numbers of X and Y."""
    lines = text.splitlines()
    if not lines or lines[0] not in ("sat", "unsat", "unknown", "timeout"):
        raise ValueError(f"no answer: {text!r}")
    if lines[0] != "sat":
        return lines[0], None, None
    values = {"X": [], "Y": []}
    if version == 1:
        body = "\n".join(lines[1:])
        assert body.startswith("((") and body.endswith("))"), body
        for line in body[1:-1].splitlines():
            name, value = line.strip("()").split()
            letter, index = name.split("_")
            assert int(index) == len(values[letter]), line
            values[letter].append(Fraction(value))
    else:
        rest = lines[1:]
        for letter, known in (("X", "in"), ("Y", "out")):
            name, _, shape = rest.pop(0).split()
            assert name == known, name
            count = 1
            for size in shape.strip("[]").split(","):
                count *= int(size or 1)
            values[letter] = [Fraction(rest.pop(0)) for _ in range(count)]
        assert not rest, rest
    return "sat", values["X"], values["Y"]
