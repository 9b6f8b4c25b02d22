"""Writes compiler/import/tests/onnx: small models and what the runtimes compute, for tests without the runtimes.

Each model has a file `NAME.txt`: its first line is `KERNEL VNNI [STORAGE …]`, then for each sample `sample INTEGERS` and a line `TENSOR INTEGERS` for each tensor."""
import collections
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare
import floats
import qdq
import qonnx_graphs
import static

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../compiler/import/tests/onnx")
LIMIT = {"qoperator": 110_000, "qdq": 90_000, "qonnx": 110_000, "static": 60_000, "floats": 70_000}


def main():
    evaluator = compare.Evaluator()
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        if name.endswith((".onnx", ".txt")):
            os.remove(os.path.join(FOLDER, name))
    kinds = {"qoperator": compare.qoperator, "qdq": qdq.run, "qonnx": qonnx_graphs.run, "static": static.run, "floats": floats.run}
    for kind, run in kinds.items():
        seen, total = collections.Counter(), 0
        for seed in range(90_000, 90_400):
            operators, verdict, _ = run(evaluator, seed)
            if verdict == "different":
                raise SystemExit(f"{kind} {seed} differs")
            if verdict != "same":
                continue
            kernel, vnni, model, samples, storages = evaluator.last
            samples = samples[:3]
            tensors, _ = evaluator.ask(kernel, vnni, model, samples, storages)
            each = len(tensors) // len(samples)
            shown = (lambda v: f"{float(v):.9g}") if kernel == "float" else (lambda v: str(int(v)))
            text = " ".join([kernel, str(vnni), *storages]) + "\n"
            for k, sample in enumerate(samples):
                text += "sample " + " ".join(shown(v) for part in sample for v in np.asarray(part).ravel()) + "\n"
                for name, _, _, values in tensors[k * each : (k + 1) * each]:
                    if not name or (kernel == "float" and name == "x"):
                        continue
                    text += name + " " + " ".join(shown(v) for v in values) + "\n"
            # Graphs whose operators were rare so far.
            size = len(text) + len(model)
            new = any(seen[o] < (3 if kind != "static" else 1) for o in operators)
            if not new or size > 9000 + 12000 * (kind == "static") or total + size > LIMIT[kind]:
                continue
            seen.update(set(operators))
            total += size
            stem = os.path.join(FOLDER, f"{kind}_{seed - 90_000}")
            with open(stem + ".onnx", "wb") as f:
                f.write(model)
            with open(stem + ".txt", "w") as f:
                f.write(text)
        print(kind, total, dict(seen))


if __name__ == "__main__":
    main()
