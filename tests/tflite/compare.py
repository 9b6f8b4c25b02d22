"""Compares what qnn imports with the runtimes, layer by layer, and writes vectors for the tests of the crate.

    python compare.py [--evaluate PATH] [--samples N] models FILE…     every layer of these files, on random inputs, and on FILE's `inputs/*.npy`
    python compare.py [--evaluate PATH] [--seed S] random COUNT        random small graphs of a kind: --kind int8, int4 (weights), int16, uint8
    python compare.py vectors FILE                                     random graphs with what the runtimes compute, one a line

PATH is the example `evaluate` of the crate `qnn-import`. Exits with 1 if an integer differs.
"""
import argparse, base64, collections, json, pathlib, subprocess, sys, tempfile
import numpy as np
from ai_edge_litert import schema_py_generated as schema
import graphs, runtimes

DTYPES = {schema.TensorType.INT8: np.int8, schema.TensorType.UINT8: np.uint8, schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT16: np.int16}


class Case:
    """A model with samples, and what each runtime makes of them."""

    def __init__(self, name, content, samples):
        self.name, self.content, self.samples = name, content, samples
        self.graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
        self.expected = {}
        for kernel in runtimes.KERNELS:
            self.expected[kernel] = runtimes.layers(content, kernel, samples)

    def ports(self, sample, kernel):
        """The integers of the network's inputs. Floats are what the runtime quantizes them to."""
        result = []
        for i, x in zip(self.graph.inputs, self.samples[sample]):
            if x.dtype == np.float32:
                quantize = next(o for o in self.graph.operators if int(o.inputs[0]) == int(i))
                values = self.expected.get(kernel)
                x = x * 0 if values is None or isinstance(values, str) else values[sample][int(quantize.outputs[0])]
            result.append(x)
        return result

    def names(self):
        return {t.name.decode() if isinstance(t.name, bytes) else t.name: k for k, t in enumerate(self.graph.tensors)}


def random_samples(content, count, rng):
    graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
    samples = []
    for k in range(count):
        sample = []
        for i in graph.inputs:
            t = graph.tensors[int(i)]
            kind = DTYPES[t.type]
            if kind == np.float32:
                sample.append(rng.normal(0, 1, list(t.shape)).astype(kind))
                continue
            info = np.iinfo(kind)
            x = rng.integers(info.min, info.max + 1, list(t.shape))
            if k % 3 == 1:
                unit = (info.max - info.min + 1) / 256
                x = np.clip(np.rint(unit * rng.normal(rng.uniform(-90, 90), rng.uniform(5, 60), list(t.shape))), info.min, info.max)
            if k % 3 == 2:
                x = np.where(rng.random(list(t.shape)) < 0.5, info.min, info.max)
            if k == 0 and x.size in (256, 65536):
                x = np.rint(np.linspace(info.min, info.max, x.size)).reshape(x.shape)
            sample.append(np.asarray(x).astype(kind))
        samples.append(sample)
    return samples


def evaluate(program, cases):
    """{(case, kernel): reason, or for each sample {tensor name: integers}}"""
    jobs = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines = []
        for k, case in enumerate(cases):
            (folder / f"{k}.tflite").write_bytes(case.content)
            for kernel in runtimes.KERNELS + ("tflm_single_rounding",):
                flat = [np.concatenate([np.asarray(x).astype("<i4").ravel() for x in case.ports(sample, kernel)]) for sample in range(len(case.samples))]
                (folder / f"{k}.{kernel}").write_bytes(np.concatenate(flat).tobytes())
                lines.append(f"{kernel}\t{folder}/{k}.tflite\t{folder}/{k}.{kernel}")
                jobs.append((case, kernel))
        (folder / "list").write_text("\n".join(lines) + "\n")
        text = subprocess.run([program, str(folder / "list")], check=True, capture_output=True, text=True).stdout
    results, block = {}, []
    jobs = iter(jobs)
    for line in text.splitlines():
        if line != "end":
            block.append(line.split("\t"))
            continue
        case, kernel = next(jobs)
        if block and block[0][0] == "refused":
            results[case, kernel] = block[0][1]
        else:
            per = len(block) // max(1, len(case.samples))
            chunks = [block[i:i + per] for i in range(0, len(block), per)] if per else []
            results[case, kernel] = [{name: np.array([int(v) for v in values.split()]) for name, values in chunk} for chunk in chunks]
        block = []
    return results


def report(cases, results, verbose):
    """Prints what differs; whether nothing does."""
    good, equal, refused, unsupported = True, collections.Counter(), collections.Counter(), collections.Counter()
    for case in cases:
        names = case.names()
        for kernel in runtimes.KERNELS:
            got, want = results[case, kernel], case.expected[kernel]
            if isinstance(got, str):
                refused[kernel, case.name, got.split(": ", 1)[-1][:90]] += 1
                if verbose and not isinstance(want, str):
                    print(f"{case.name} {kernel}: refused: {got}")
                continue
            if isinstance(want, str):
                unsupported[kernel, case.name, want] += 1
                continue
            different = collections.OrderedDict()
            for mine, theirs in zip(got, want):
                for name, values in mine.items():
                    other = np.asarray(theirs[names[name]]).astype(int).ravel()
                    wrong = int((values != other).sum()) if len(values) == len(other) else -1
                    equal[kernel] += len(values) - max(0, wrong)
                    if wrong:
                        worst = int(abs(values - other).max()) if wrong > 0 else 0
                        count, of, most = different.get(name, (0, 0, 0))
                        different[name] = (count + abs(wrong), of + len(values), max(most, worst))
            for name, (count, of, most) in different.items():
                producer = next(o for o in case.graph.operators if names[name] in [int(x) for x in o.outputs])
                print(f"DIFFERENT {case.name} {kernel}: {name} (operator {case.graph.operators.index(producer)}): {count} of {of}, by up to {most}")
                good = False
                break
    for kernel in runtimes.KERNELS:
        print(f"{kernel}: {equal[kernel]} integers equal")
    for title, counter in (("refused by qnn", refused), ("refused by the runtime, accepted by qnn", unsupported)):
        for (kernel, name, why), count in sorted(counter.items()):
            print(f"{title}: {kernel} {name}: {why} ({count})")
    return good


def vector(name, content, rng):
    """A line of the vectors: what the runtimes compute of one random sample; None if none of them takes the graph."""
    case = Case(name, content, random_samples(content, 1, rng))
    known = {k: v for k, v in case.expected.items() if not isinstance(v, str)}
    if not known:
        return None
    layers = []
    for tensor, index in case.names().items():
        groups = {}
        for kernel, values in known.items():
            if index in values[0]:
                integers = tuple(int(v) for v in np.asarray(values[0][index]).ravel())
                groups.setdefault(integers, []).append(kernel)
        layers += [[tensor, kernels, list(integers)] for integers, kernels in groups.items()]
    inputs = [[int(v) for v in np.asarray(x).ravel()] for x in case.samples[0]]
    line = {"name": name, "model": base64.b64encode(content).decode(), "inputs": inputs, "layers": layers}
    return json.dumps(line, separators=(",", ":"))


def write_vectors(path, rng):
    """One or two small graphs of every operator and kind, and the models of this folder, one sample each: {"name", "model", "inputs", "layers": [[tensor, kernels, integers]]}."""
    lines = []
    layers = ("conv", "depthwise", "fully_connected")
    for kind, only in ((kind, only) for kind in graphs.KINDS for only in (layers if kind == "int4" else graphs.MAKERS)):
        # A few operators have no runtime for some kinds.
        count, wanted, refused = 0, 2 if kind in ("int8", "int4") else 1, 0
        for number in range(1000):
            name, content = graphs.random_graph(rng, number, only, kind=kind)
            graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
            if len(content) > 3400 or sum(int(np.prod(t.shape)) for t in graph.tensors) > 700:
                continue
            line = vector(f"{kind} {only} " + name.split(":")[1], content, rng)
            if line is None:
                refused += 1
            else:
                lines.append(line)
                count += 1
            if count == wanted or refused == 5:
                break
    # What Keras converts by default computes the shape of its reshapes, for a batch of any size.
    lines += [vector(file.stem, file.read_bytes(), rng) for file in sorted(pathlib.Path(__file__).parent.glob("*.tflite"))]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} graphs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--evaluate", default="target/debug/examples/evaluate")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--wild", type=float, default=0.0)
    parser.add_argument("--kind", choices=graphs.KINDS, default="int8")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("what", choices=["models", "random", "vectors"])
    parser.add_argument("rest", nargs="+")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    cases = []
    if options.what == "vectors":
        return write_vectors(options.rest[0], rng)
    if options.what == "models":
        for path in map(pathlib.Path, options.rest):
            content = path.read_bytes()
            samples = random_samples(content, options.samples, rng)
            real = path.parent.parent / "inputs" / (path.stem + ".npy")
            if real.exists():
                shape = samples[0][0].shape
                samples += [[x.reshape(shape)] for x in np.load(real)]
            cases.append(Case(path.name, content, samples))
    else:
        for k in range(int(options.rest[0])):
            name, content = graphs.random_graph(rng, k, options.only, options.wild, options.kind)
            cases.append(Case(name, content, random_samples(content, options.samples, rng)))
    sys.exit(0 if report(cases, evaluate(options.evaluate, cases), options.verbose) else 1)


if __name__ == "__main__":
    main()
