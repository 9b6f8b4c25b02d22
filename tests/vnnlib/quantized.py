"""Random small quantized ONNX files and random queries: what `qnn solve` says is what onnxruntime computes of every input.

Inputs of integers are enumerated. Of inputs of floats, which the file quantizes, every integer that a float of the box becomes is tried by way of floats near
each of its ends; an answer `sat` is replayed in onnxruntime.
"""
import itertools
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import vnnlib
from onnx import TensorProto, helper, numpy_helper
from queries import Query, answer

f32 = np.float32


class Case:
    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.inputs, self.hidden, self.outputs = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
        self.floats = bool(rng.integers(2))
        self.shape = [1, self.inputs] if rng.integers(3) else [1, 1, self.inputs]
        self.scale_in = f32(rng.choice([1, 0.5, 0.25, 0.1, 0.0625, 0.3]))
        self.zero_in = int(rng.integers(0, 8))
        self.scale_out = f32(rng.choice([1, 0.5, 0.125]))
        self.zero_out = int(rng.integers(0, 200))
        self.build()
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(self.model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def build(self):
        rng, nodes, constants = self.rng, [], []

        def const(value):
            name = f"c{len(constants)}"
            constants.append(numpy_helper.from_array(np.asarray(value), name))
            return name

        def node(op, inputs, **attributes):
            name = f"t{len(nodes)}"
            nodes.append(helper.make_node(op, inputs, [name], **attributes))
            return name

        w1 = rng.integers(-60, 61, (self.inputs, self.hidden)).astype(np.int8)
        w2 = rng.integers(-60, 61, (self.hidden, self.outputs)).astype(np.int8)
        s1, s2 = f32(1 / 64), f32(1 / 32)
        # A wide enough step that hidden values are not saturated throughout.
        sh, zh = f32(float(self.scale_in) * rng.choice([0.25, 0.5, 1])), int(rng.integers(0, 100))
        quantization = lambda s, z: [const(f32(s)), const(np.uint8(z))]
        x = "x"
        if len(self.shape) == 3:
            x = node("Reshape", [x, const(np.array([1, self.inputs]))])
        if self.floats:
            x = node("QuantizeLinear", [x, *quantization(self.scale_in, self.zero_in)])
        weights = lambda w, s: [const(w), const(f32(s)), const(np.int8(0))]
        h = node("QLinearMatMul", [x, *quantization(self.scale_in, self.zero_in), *weights(w1, s1), *quantization(sh, zh)])
        y = node("QLinearMatMul", [h, *quantization(sh, zh), *weights(w2, s2), *quantization(self.scale_out, self.zero_out)])
        if self.floats:
            y = node("DequantizeLinear", [y, *quantization(self.scale_out, self.zero_out)])
        kind = TensorProto.FLOAT if self.floats else TensorProto.UINT8
        nodes[-1].output[0] = "y"
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", kind, self.shape)],
                                  [helper.make_tensor_value_info("y", kind, [1, self.outputs])], constants)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)

    def run(self, x):
        x = np.asarray(x, f32 if self.floats else np.uint8).reshape(self.shape)
        return [Fraction(float(v)) for v in self.session.run(None, {"x": x})[0].flatten()]

    def query(self):
        """A query with narrow boxes, and the inputs that are tried for it."""
        rng = self.rng
        query = Query(rng, self.inputs, self.outputs)
        tried = []
        for i in range(self.inputs):
            first, count = int(rng.integers(-2, 250)), int(rng.integers(0, 7))
            if self.floats:
                step = Fraction(float(self.scale_in))
                lo = Fraction(round((first - self.zero_in + Fraction(int(rng.integers(-3, 4)), 8)) * step * 64), 64)
                hi = lo + Fraction(int(rng.integers(0, 8 * count + 1)), 8) * Fraction(round(step * 16), 16)
                query.bound(i, lo, hi)
                tried.append(self.floats_of(lo, hi))
            else:
                lo, hi = Fraction(2 * first + int(rng.integers(2)), 2), Fraction(2 * (first + count) + int(rng.integers(2)), 2)
                query.bound(i, lo, hi)
                tried.append([v for v in range(0, 256) if lo <= v <= hi])
        sample = [self.run([int(rng.choice(v)) if not self.floats and v else (float(rng.choice(v)) if v else 0) for v in tried]) for _ in range(20)]
        ranges = {("Y", j): (min(s[j] for s in sample), max(s[j] for s in sample)) for j in range(self.outputs)}
        ranges.update({("X", i): (query.boxes[i][1], query.boxes[i][2]) for i in range(self.inputs)})
        query.ask(ranges, mixed=not self.floats)
        return query, tried

    def floats_of(self, lo, hi):
        """Floats of a box, near every place where the integer that they become changes."""
        exact = lambda v: Fraction(float(v))
        near = [f32(float(lo)), f32(float(hi))]
        for q in range(-1, 257):
            middle = f32((q - self.zero_in + 0.5) * float(self.scale_in))
            near.append(f32((q - self.zero_in) * float(self.scale_in)))
            for direction in (-np.inf, np.inf):
                a = np.nextafter(middle, f32(direction), dtype=f32)
                near += [middle, a, np.nextafter(a, f32(direction), dtype=f32)]
        near += [np.nextafter(v, f32(d), dtype=f32) for v in near[:2] for d in (-np.inf, np.inf)]
        inside = sorted({float(v) for v in near if lo <= exact(v) <= hi})
        # One for each integer is enough for the network, and those at the box's ends for the query.
        kept, seen = [], set()
        for v in inside:
            q = min(max(int(np.rint(f32(v) / self.scale_in)) + self.zero_in, 0), 255)
            if q not in seen or v in (inside[0], inside[-1]):
                seen.add(q)
                kept.append(v)
        return kept


def main(qnn, count, first):
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        model, text = Path(folder) / "model.onnx", Path(folder) / "query.vnnlib"
        for seed in range(first, first + count):
            case = Case(seed)
            query, tried = case.query()
            onnx.save(case.model, model)
            version = 1 + int(case.rng.integers(2))
            text.write_text(query.text(version, case.shape, [1, case.outputs]))
            if version == 2:
                # The standard's own parser takes it, too.
                vnnlib.parse_query_string(text.read_text())
            engine = [[], ["--engine", "enumerate"], ["--engine", "search"], ["--engine", "smt"]][int(case.rng.integers(4))]
            command = [qnn, "solve", model, text, "--kernel", "ort", "--no-cache", "--timeout", "60", *engine]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"seed {seed}: exit {done.returncode}\n{done.stderr}\n{text.read_text()}")
            verdict, x, y = answer(done.stdout, version)
            number = float if case.floats else int
            found = next((p for p in itertools.product(*tried) if query.holds([Fraction(v) for v in p], case.run([number(v) for v in p]))), None)
            expected = "unsat" if found is None else "sat"
            where = f"seed {seed}: {verdict}, but onnxruntime says {expected} {found}\n{done.stderr}\n{text.read_text()}"
            if verdict != expected:
                sys.exit(where)
            if verdict == "sat":
                replayed = case.run([number(v) for v in x])
                exact = all(Fraction(float(f32(float(v)))) == v for v in x) if case.floats else all(v.denominator == 1 for v in x)
                if replayed != y or not exact or not query.holds(x, y):
                    sys.exit(f"{where}\nX {x}\nY {y}\nreplayed {replayed}")
            key = ("floats" if case.floats else "integers", verdict)
            counts[key] = counts.get(key, 0) + 1
    print("quantized files:", ", ".join(f"{n} {kind} {verdict}" for (kind, verdict), n in sorted(counts.items())))
    if count >= 100 and (len(counts) < 4 or min(counts.values()) < count // 50):
        sys.exit("the random queries are too much alike")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
