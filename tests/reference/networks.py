"""The shipped example networks (and one private benchmark), described for the reference semantics.

Each description mirrors its .qnn file by hand: whoever changes a format there changes it here.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Callable

import numpy as np

from semantics import (
    Format, Params, conv2d, dense, fixed, flatten, read_idx, relu, reshape, scale, ufixed,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Digit images: grey levels 0..16 in steps of an eighth. The files hold grey levels, so raw = level << 3.
GREY = ufixed(8, 3)


class Missing(Exception):
    """A file that the user has to fetch isn't there."""


@dataclass
class Network:
    input_format: Format
    inputs: np.ndarray  # raw integers, one sample a row
    labels: np.ndarray | None
    run: Callable  # (trace, input tensor) -> None; the last cast is the output


def _existing(path):
    if not path.exists():
        raise Missing(f"{path} is absent")
    return path


def _digits_data():
    folder = EXAMPLES / "digits"
    return np.load(folder / "test_images.npy"), np.load(folder / "test_labels.npy")


def _mnist_data(args):
    folder = args.data or EXAMPLES / "mnist"
    return (
        read_idx(_existing(folder / "t10k-images-idx3-ubyte.gz")),
        read_idx(_existing(folder / "t10k-labels-idx1-ubyte.gz")),
    )


def _bits(args):
    if args.bits is None:
        raise SystemExit(f"{args.network} is generic: give --bits")
    return args.bits


def digits(args):
    """examples/digits/digits.qnn: network digits<bits>."""
    bits = _bits(args)
    params = Params(args.weights or EXAMPLES / "digits" / "digits.npz", [("", fixed(bits, bits - 1))])

    def run(trace, image):
        x = scale(flatten(image), Fraction(1, 16))
        h = trace.cast("h", relu(dense(x, *params["fc1"])), ufixed(bits, bits - 2))
        trace.cast("output", dense(h, *params["fc2"]), fixed(bits, bits - 3))

    images, labels = _digits_data()
    return Network(GREY, images.astype(np.int64) << GREY.frac, labels, run)


def deep(args):
    """examples/digits/digits.qnn: network deep<bits>."""
    bits = _bits(args)
    params = Params(args.weights or EXAMPLES / "digits" / "deep.npz", [("", fixed(bits, bits - 1))])
    hidden = ufixed(bits, bits - 3)

    def run(trace, image):
        x = scale(flatten(image), Fraction(1, 16))
        a = trace.cast("a", relu(dense(x, *params["fc1"])), hidden)
        b = trace.cast("b", relu(dense(a, *params["fc2"])), hidden)
        c = trace.cast("c", relu(dense(b, *params["fc3"])), hidden)
        trace.cast("output", dense(c, *params["fc4"]), fixed(bits, bits - 4))

    images, labels = _digits_data()
    return Network(GREY, images.astype(np.int64) << GREY.frac, labels, run)


def conv(args):
    """examples/conv/conv.qnn: network conv<bits>."""
    bits = _bits(args)
    formats = [(".weight", fixed(bits, bits - 1)), (".bias", fixed(bits, bits - 2))]
    params = Params(args.weights or EXAMPLES / "conv" / "conv.npz", formats)
    hidden = ufixed(bits, bits - 3)

    def run(trace, image):
        x = scale(reshape(image, 1, 8, 8), Fraction(1, 16))
        h = trace.cast("h", relu(conv2d(x, *params["conv1"], stride=2, padding=1)), hidden)
        g = trace.cast("g", relu(conv2d(h, *params["conv2"])), hidden)
        trace.cast("output", dense(flatten(g), *params["fc"]), fixed(bits, bits - 4))

    images, labels = _digits_data()
    return Network(GREY, images.astype(np.int64) << GREY.frac, labels, run)


def students(args):
    """examples/students/students.qnn: network student<bits>. Sample i is the i-th of the 240 possible students."""
    bits = _bits(args)
    params = Params(args.weights or EXAMPLES / "students" / "students.npz", [("", fixed(bits, bits - 2))])

    def run(trace, student):
        h = trace.cast("h", relu(dense(student, *params["fc1"])), ufixed(bits, bits - 2))
        trace.cast("output", dense(h, *params["fc2"]), fixed(bits, bits - 4))

    return Network(ufixed(4, 0), np.load(EXAMPLES / "students" / "everyone.npy"), None, run)


def mnist(args):
    """examples/mnist/mnist.qnn: network mnist<bits>."""
    bits = _bits(args)
    formats = [(".weight", fixed(bits, bits - 1)), (".bias", fixed(bits, bits - 2))]
    params = Params(args.weights or EXAMPLES / "mnist" / "mnist.npz", formats)
    hidden = ufixed(bits, bits - 3)

    def run(trace, image):
        h = trace.cast("h", relu(dense(flatten(image), *params["fc1"])), hidden)
        g = trace.cast("g", relu(dense(h, *params["fc2"])), hidden)
        trace.cast("output", dense(g, *params["fc3"]), fixed(bits, bits - 5))

    return Network(ufixed(8, 8), *_mnist_data(args), run)


def mnist100(args):
    """examples/mnist/mnist.qnn: network wide<bits>."""
    bits = _bits(args)
    formats = [(".weight", fixed(bits, bits - 1)), (".bias", fixed(bits, bits - 2))]
    params = Params(args.weights or EXAMPLES / "mnist" / "mnist-100.npz", formats)

    def run(trace, image):
        h = trace.cast("h", relu(dense(flatten(image), *params["fc1"])), ufixed(bits, bits - 3))
        trace.cast("output", dense(h, *params["fc2"]), fixed(bits, bits - 5))

    return Network(ufixed(8, 8), *_mnist_data(args), run)


def aaai21(args):
    """A benchmark that isn't shipped: 784-64-32, all 32 outputs rivals, 6 bits. Needs --weights and --data."""
    if args.weights is None:
        raise Missing("aaai21 needs --weights mnist_mlp.npz and --data FOLDER")
    formats = [(".weight", fixed(6, 5, round="half_away")), (".bias", fixed(6, 4, round="half_away"))]
    params = Params(_existing(args.weights), formats)

    def run(trace, image):
        h = trace.cast("h", relu(dense(flatten(image), *params["fc1"])), ufixed(6, 4))
        trace.cast("output", dense(h, *params["fc2"]), fixed(6, 4))

    return Network(ufixed(8, 8), *_mnist_data(args), run)


NETWORKS = {
    "digits": digits,
    "deep": deep,
    "conv": conv,
    "students": students,
    "mnist": mnist,
    "mnist-100": mnist100,
    "aaai21": aaai21,
}
