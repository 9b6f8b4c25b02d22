"""Random small networks of floats and random queries, as functions of real numbers and under formats.

Over the reals Z3 answers an encoding of its own, written here, and an answer `sat` is evaluated in exact fractions. Under formats every input is evaluated, by
rounding as the manual says.
"""
import itertools
import math
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import z3
from onnx import TensorProto, helper, numpy_helper
from queries import Query, answer


class Case:
    """y = W2 · relu(W1 · x + b1) + b2, the weights multiples of 1/8."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.inputs, self.hidden, self.outputs = (int(rng.integers(1, n)) for n in (4, 6, 4))
        self.w1 = rng.integers(-12, 13, (self.hidden, self.inputs)) / 8
        self.w2 = rng.integers(-12, 13, (self.outputs, self.hidden)) / 8
        self.b1 = rng.integers(-32, 33, self.hidden) / 32
        self.b2 = rng.integers(-64, 65, self.outputs) / 64
        gemm = bool(rng.integers(2))
        constants = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in
                     (("w1", self.w1 if gemm else self.w1.T), ("b1", self.b1), ("w2", self.w2 if gemm else self.w2.T), ("b2", self.b2))]
        if gemm:
            nodes = [helper.make_node("Gemm", ["x", "w1", "b1"], ["a"], transB=1), helper.make_node("Relu", ["a"], ["h"]),
                     helper.make_node("Gemm", ["h", "w2", "b2"], ["y"], transB=1)]
        else:
            nodes = [helper.make_node("MatMul", ["x", "w1"], ["m"]), helper.make_node("Add", ["m", "b1"], ["a"]),
                     helper.make_node("Relu", ["a"], ["h"]),
                     helper.make_node("MatMul", ["h", "w2"], ["n"]), helper.make_node("Add", ["n", "b2"], ["y"])]
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, self.inputs])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, self.outputs])], constants)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

    def run(self, x, store=lambda v: v):
        f = lambda row: [Fraction(float(v)) for v in row]
        h = [store(max(sum(a * b for a, b in zip(f(row), x)) + Fraction(float(c)), Fraction(0))) for row, c in zip(self.w1, self.b1)]
        return [sum(a * b for a, b in zip(f(row), h)) + Fraction(float(c)) for row, c in zip(self.w2, self.b2)]

    def query(self):
        rng = self.rng
        query = Query(rng, self.inputs, self.outputs)
        for i in range(self.inputs):
            lo = Fraction(int(rng.integers(-20, 12)), 10)
            query.bound(i, lo, lo + Fraction(int(rng.integers(0, 20)), 10))
        points = [[lo + (hi - lo) * Fraction(int(rng.integers(0, 9)), 8) for _, lo, hi in query.boxes] for _ in range(30)]
        values = [self.run(x) for x in points]
        ranges = {("Y", j): (min(v[j] for v in values), max(v[j] for v in values)) for j in range(self.outputs)}
        ranges.update({("X", i): (lo, hi) for i, lo, hi in query.boxes})
        query.ask(ranges, mixed=True)
        return query


def real(value):
    return z3.RealVal(f"{value.numerator}/{value.denominator}")


def satisfiable(case, query):
    """Whether the query is satisfiable over the reals, by Z3's Python interface."""
    solver = z3.Solver()
    x = [z3.Real(f"x{i}") for i in range(case.inputs)]
    f = lambda v: real(Fraction(float(v)))
    h = []
    for row, c in zip(case.w1, case.b1):
        a = sum((f(w) * v for w, v in zip(row, x)), f(c))
        h.append(z3.If(a > 0, a, real(Fraction(0))))
    y = [sum((f(w) * v for w, v in zip(row, h)), f(c)) for row, c in zip(case.w2, case.b2)]

    def say(formula):
        if formula[0] in ("and", "or", "not"):
            parts = [say(part) for part in formula[1]]
            return {"and": z3.And(parts), "or": z3.Or(parts), "not": z3.Not(z3.And(parts))}[formula[0]]
        relation, terms, constant = formula
        left = sum((real(factor) * (x if letter == "X" else y)[i] for (letter, i), factor in terms.items()), real(Fraction(0)))
        right = real(constant)
        return {"<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right, "=": left == right, "!=": left != right}[relation]

    for i, lo, hi in query.boxes:
        solver.add(x[i] >= real(lo), x[i] <= real(hi))
    solver.add([say(a) for a in query.assertions])
    return str(solver.check())


def stored(value):
    """ufixed<6, 3>: rounded half up, saturated."""
    return min(max(Fraction(math.floor(value * 8 + Fraction(1, 2)), 8), Fraction(0)), Fraction(63, 8))


FORMATS = ["--weights", "fixed<8, 3>", "--activations", "ufixed<6, 3>", "--input", "fixed<4, 2>"]


def main(qnn, count, first):
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        model, text = Path(folder) / "model.onnx", Path(folder) / "query.vnnlib"
        for seed in range(first, first + count):
            case = Case(seed)
            query, version, formats = case.query(), 1 + seed % 2, seed % 4 > 1
            onnx.save(case.model, model)
            text.write_text(query.text(version, [1, case.inputs], [case.outputs]))
            command = [qnn, "solve", model, text, "--no-cache", "--timeout", "60", *(FORMATS if formats else [])]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"seed {seed}: exit {done.returncode}\n{done.stderr}\n{text.read_text()}")
            verdict, x, y = answer(done.stdout, version)
            if formats:
                values = [[v for v in (Fraction(q, 4) for q in range(-8, 8)) if lo <= v <= hi] for _, lo, hi in query.boxes]
                expected = "sat" if any(query.holds(p, case.run(p, stored)) for p in itertools.product(*values)) else "unsat"
            else:
                expected = satisfiable(case, query)
            where = f"seed {seed}: {verdict}, but it is {expected}\n{done.stderr}\n{text.read_text()}"
            if verdict != expected:
                sys.exit(where)
            # A point without finite decimals is printed rounded, and qnn says so.
            if verdict == "sat" and "no finite decimals" not in done.stderr:
                if case.run(x, stored if formats else lambda v: v) != y or not query.holds(x, y):
                    sys.exit(f"{where}\nX {x}\nY {y}")
            key = ("formats" if formats else "reals", verdict)
            counts[key] = counts.get(key, 0) + 1
    print("files of floats:", ", ".join(f"{n} {kind} {verdict}" for (kind, verdict), n in sorted(counts.items())))
    if count >= 100 and (len(counts) < 4 or min(counts.values()) < count // 50):
        sys.exit("the random queries are too much alike")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
