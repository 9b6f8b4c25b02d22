"""Runs a described network on samples by the reference semantics and prints integers, one JSON line a sample.

    python3 reference.py digits --bits 6 --samples 0..50       input, raw integers of every cast, argmax
    python3 reference.py digits --bits 6 --accuracy            one line: accuracy and the misclassified samples
    python3 reference.py selftest                              the arithmetic against its definitions

A network whose files are absent is skipped, saying so.
"""

import argparse
import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from networks import NETWORKS, Missing
from semantics import (
    Tensor, Trace, add, argmax, avg_pool2d, cast, conv2d, fit, fixed, max_pool2d, quantize, round_ratio,
)


def parse_range(text, count):
    low, high = text.split("..")
    return range(int(low or 0), min(int(high) if high else count, count))


def selftest():
    """Each rounding and overflow mode against its definition, written another way."""
    half = Fraction(1, 2)
    definitions = {
        "floor": math.floor,
        "ceil": math.ceil,
        "toward_zero": math.trunc,
        "up": lambda v: math.ceil(v) if v > 0 else math.floor(v),
        "half_up": lambda v: math.floor(v + half),
        "half_away": lambda v: int(math.copysign(1, v)) * math.floor(abs(v) + half),
        "half_down": lambda v: math.ceil(v - half),
        "half_toward_zero": lambda v: math.ceil(v - half) if v > 0 else math.floor(v + half),
        "half_even": round,  # Fraction.__round__ rounds half to even
    }
    for mode, define in definitions.items():
        for d in range(1, 17):
            n = np.arange(-100, 101)
            got = round_ratio(n, d, mode)
            want = [define(Fraction(int(k), d)) for k in n]
            assert got.tolist() == want, (mode, d)
            assert [int(round_ratio(int(k), d, mode)) for k in n] == want, (mode, d)
    wrap = fixed(4, 0, overflow="wrap")
    assert fit(np.arange(-20, 20), wrap).tolist() == [(k + 8) % 16 - 8 for k in range(-20, 20)]
    assert fit(np.arange(-20, 20), fixed(4, 0)).tolist() == [max(-8, min(7, k)) for k in range(-20, 20)]
    assert quantize(np.float32([0.1, -0.1, 0.5, 9, -9]), fixed(4, 3)).raw.tolist() == [1, -1, 4, 7, -8]
    assert quantize(np.float64([3.0, 5.0, -3.0]), fixed(8, -1)).raw.tolist() == [2, 3, -1]
    x = Tensor(np.arange(16, dtype=np.int64).reshape(1, 1, 4, 4), Fraction(1))
    assert max_pool2d(x, 2).raw.ravel().tolist() == [5, 7, 13, 15]
    assert cast(avg_pool2d(x, 2), fixed(8, 1)).raw.ravel().tolist() == [5, 9, 21, 25]
    assert cast(avg_pool2d(x, 3, 1), fixed(8, 0)).raw.ravel().tolist() == [5, 6, 9, 10]
    w = Tensor(np.ones((1, 1, 3, 3), dtype=np.int64), Fraction(1))
    assert conv2d(x, w, stride=2, padding=1).raw.ravel().tolist() == [10, 24, 51, 90]
    mixed = add(Tensor(np.array([1]), Fraction(1, 4)), Tensor(np.array([1]), Fraction(1, 3)))
    assert mixed.raw.tolist() == [7] and mixed.lsb == Fraction(1, 12)
    print("selftest: ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=[*NETWORKS, "selftest"])
    parser.add_argument("--bits", type=int, help="width of a network that is generic in bits")
    parser.add_argument("--samples", default="..", help="a..b, a.. or ..b (default: all)")
    parser.add_argument("--accuracy", action="store_true", help="print one summary line instead of the samples")
    parser.add_argument("--weights", type=Path, help="another .npz than the one beside the example (aaai21: required)")
    parser.add_argument("--data", type=Path, help="folder of the MNIST files, for the networks that need it")
    args = parser.parse_args()
    if args.network == "selftest":
        return selftest()

    describe = NETWORKS[args.network]
    try:
        network = describe(args)
    except Missing as missing:
        print(f"skipped: {missing}", file=sys.stderr)
        return 0
    samples = parse_range(args.samples, len(network.inputs))
    if not len(samples):
        parser.error(f"no sample in {args.samples}; there are {len(network.inputs)}")
    chosen = network.inputs[samples.start : samples.stop]
    trace = Trace()
    network.run(trace, Tensor(chosen.astype(np.int64), network.input_format.lsb))
    classes = argmax(trace.layers[-1][2])
    labels = None if network.labels is None else network.labels[samples.start : samples.stop]

    if args.accuracy:
        summary = {"network": args.network, "bits": args.bits, "samples": len(samples)}
        if labels is not None:
            wrong = np.flatnonzero(classes != labels)
            summary["accuracy"] = 1 - len(wrong) / len(samples)
            summary["wrong"] = (wrong + samples.start).tolist()
        return print(json.dumps(summary))
    for k, i in enumerate(samples):
        line = {"network": args.network, "bits": args.bits, "sample": i, "input": chosen[k].tolist()}
        if labels is not None:
            line["label"] = int(labels[k])
        line["layers"] = [
            {"name": name, "format": str(format), "raw": out.raw[k].tolist()} for name, format, out in trace.layers
        ]
        line["argmax"] = int(classes[k])
        print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
