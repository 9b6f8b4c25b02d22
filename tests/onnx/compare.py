"""Random graphs, run by onnxruntime or QONNX and by qnn: every tensor has to be the same.

Usage: compare.py KIND COUNT [FIRST SEED]; KIND is qoperator, or a module here that has `run`: qdq, qonnx_graphs. The environment names the program: EVALUATE."""
import collections
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort

ort.set_default_logger_severity(4)


def session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Evaluator:
    """The program, one line a question."""

    def __init__(self):
        program = os.environ["EVALUATE"]
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()

    def ask(self, kernel, vnni, model, samples, storages=()):
        """(samples' tensors, notes), or the reason of a refusal."""
        self.last = kernel, int(vnni), model, samples, storages
        path, inputs = os.path.join(self.folder.name, "m.onnx"), os.path.join(self.folder.name, "x.txt")
        with open(path, "wb") as f:
            f.write(model)
        with open(inputs, "w") as f:
            for sample in samples:
                f.write(" ".join(str(float(v) if kernel == "float" else int(v)) for part in sample for v in np.asarray(part).ravel()) + "\n")
        self.process.stdin.write(" ".join([kernel, str(int(vnni)), path, inputs, *storages]) + "\n")
        self.process.stdin.flush()
        result, notes = [], []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the program ended")
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "error":
                return rest
            if word == "end":
                return result, notes
            if word == "float":
                name, *values = rest.split(" ")
                result.append((name, [1.0], 0, np.array([float(v) for v in values])))
                continue
            if word == "note":
                notes.append(rest)
                continue
            name, scale, zero, *values = rest.split(" ")
            integers = np.array([int(v) for v in values], np.int64)
            result.append((name, [float(s) for s in scale.split(",")], int(zero), integers))


def has_vnni():
    """Whether this processor adds two byte products without saturation: x86 with VNNI, and whatever is no x86."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    info = pathlib.Path("/proc/cpuinfo")
    return info.exists() and any(flag in info.read_text().split() for flag in ("avx512_vnni", "avx_vnni"))


def compare(evaluator, kernel, model, samples, expected, storages=(), vnni=False):
    """`expected`: for each sample {tensor: stored integers}. The number of elements compared, or the reason of a refusal, or a difference."""
    answer = evaluator.ask(kernel, vnni and has_vnni(), model, samples, storages)
    if isinstance(answer, str):
        return "refused", answer
    tensors, _ = answer
    each = len(tensors) // len(samples)
    count, seen = 0, set()
    for k, (name, _, _, values) in enumerate(tensors):
        wanted = expected[k // each].get(name)
        if wanted is None:
            continue
        wanted = np.asarray(wanted).astype(np.int64).ravel()
        if wanted.shape != values.shape:
            return "different", f"{name}: {values.shape} elements instead of {wanted.shape}"
        if not np.array_equal(wanted, values):
            at = np.flatnonzero(wanted != values)
            return "different", f"{name}: {len(at)} of {len(wanted)} differ, at {at[:5]}: {values[at[:5]]} instead of {wanted[at[:5]]}"
        count += len(wanted)
        seen.add(name)
    if not seen:
        return "different", f"nothing to compare: {[t[0] for t in tensors]} and {list(expected[0])}"
    return "same", count


def qoperator(evaluator, seed):
    import qoperators

    g = qoperators.qoperator(seed, session)
    if g is None:
        return None, "empty", None
    model = g.model()
    s = session(model)
    samples = g.samples(6)
    names = [o.name for o in s.get_outputs()]
    expected = [dict(zip(names, s.run(None, sample))) for sample in samples]
    inputs = [[sample[n] for n in g.inputs] for sample in samples]
    result = compare(evaluator, "ort", model.SerializeToString(), inputs, expected)
    return [n.op_type for n in g.nodes], *result


KINDS = {"qoperator": qoperator}


def main(kind, count, first=0):
    import importlib

    run = KINDS.get(kind) or importlib.import_module(kind).run
    evaluator = Evaluator()
    results, operators, refusals, elements, bad = collections.Counter(), collections.Counter(), collections.Counter(), 0, 0
    for seed in range(first, first + count):
        ops, verdict, detail = run(evaluator, seed)
        results[verdict] += 1
        if verdict == "same":
            operators.update(set(ops))
            elements += detail
        elif verdict == "refused":
            refusals[detail.partition(": ")[2].replace(str(seed), "")[:110] if ": " in detail else detail[:110]] += 1
        elif verdict == "different":
            bad += 1
            if bad <= 12:
                print("DIFFERENT", kind, seed, ops, detail)
    print(kind, dict(results), f"{elements} elements compared")
    print("  operators in graphs that agree:", dict(operators.most_common()))
    for reason, n in refusals.most_common(25):
        print(f"  refused {n}: {reason}")
    return bad == 0


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(0 if main(sys.argv[1], int(sys.argv[2]), *[int(a) for a in sys.argv[3:]]) else 1)
