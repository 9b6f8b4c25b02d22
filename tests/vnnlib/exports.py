"""What `qnn export --vnnlib` writes, as other tools read it: version 1 by Marabou, which answers it, version 2 by the standard's own parser.

Marabou answers about real numbers, as `qnn solve` does without formats: the two have to agree. Where Marabou is not installed, that part is skipped and said.
"""
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import vnnlib
from floats import Case

SPEC = """network f = import "model.onnx" {{ weights = fixed<8, 3>, activations = ufixed<8, 3>, input = fixed<4, 2>, outputs = fixed<12, 6> }};
property bounded(t in [{t}]) = forall x: f.input where {box}: f(x)[0] <= t;
property ordered(t in [{t}]) = forall x: f.input where {box}: f(x)[0] + t >= f(x)[{last}] or f(x)[{last}] <= t;
property mixed(t in [{t}]) = forall x: f.input where {box} and x[0] + x[{end}] <= 1: 2 * f(x)[0] + x[0] <= t and f(x)[{last}] > -4;
"""


def marabou():
    """The command, beside its Python package."""
    found = Path(sys.prefix) / "bin" / "Marabou"
    return found if find_spec("maraboupy") and found.exists() else None


def main(qnn, count):
    solver, counts = marabou(), {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for seed in range(count):
            case = Case(seed)
            if case.inputs == 1 or case.outputs == 1:
                continue
            onnx.save(case.model, folder / "model.onnx")
            rng = np.random.default_rng(seed)
            numbers = sorted({float(v) / 4 for v in rng.integers(-20, 40, 3)})
            box = " and ".join(f"x[{i}] in {lo}..={lo + 1.5}" for i, lo in enumerate(rng.integers(-4, 2, case.inputs) / 2))
            spec = SPEC.format(t=", ".join(map(str, numbers)), box=box, last=case.outputs - 1, end=case.inputs - 1)
            (folder / "spec.qnn").write_text(spec)
            for version in (1, 2):
                out = folder / f"out{version}"
                done = subprocess.run([qnn, "export", f"--vnnlib={version}", folder / "spec.qnn", "-o", out], capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f"seed {seed}: {done.stderr}")
                for file in sorted(out.iterdir()):
                    key = f"version {version}"
                    if version == 2:
                        vnnlib.parse_query_file(str(file))
                    elif solver:
                        theirs = subprocess.run([solver, folder / "model.onnx", file, "--verbosity", "0"], capture_output=True, text=True)
                        theirs = next((line for line in theirs.stdout.splitlines() if line in ("sat", "unsat")), theirs.stdout + theirs.stderr)
                        if "Unsupported argument for VNN-LIB operator" in theirs:
                            # Its reader takes no products in sums.
                            counts["version 1 that Marabou does not read"] = counts.get("version 1 that Marabou does not read", 0) + 1
                            file.unlink()
                            continue
                        ours = subprocess.run([qnn, "solve", folder / "model.onnx", file, "--timeout", "60"], capture_output=True, text=True)
                        if ours.stdout.splitlines()[:1] != [theirs]:
                            sys.exit(f"seed {seed}: {ours.stdout}{ours.stderr}, but Marabou says {theirs}\n{spec}\n{file.read_text()}")
                        key = f"version 1 {theirs}"
                    counts[key] = counts.get(key, 0) + 1
                    file.unlink()
    print("exports:", ", ".join(f"{n} of {kind}" for kind, n in sorted(counts.items())))
    if solver and not (counts.get("version 1 sat") and counts.get("version 1 unsat")):
        sys.exit("the exports are too much alike")
    if not solver:
        print("skipped: Marabou is not installed, so that exports of version 1 were not answered by it")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
