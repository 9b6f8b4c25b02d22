"""What PyTorch and TensorFlow compute for random convolutions and pools, as vectors that qnn is compared with.

Each vector is an operation as a spec writes it, of `x` and, where it has weights, of `w`; the framework's own call; the input, the weights and the output. Inputs
and weights are small integers, so that float64 holds every sum, and the quotient of a sum and a window's size is found again as a fraction.
"""

import argparse
import json
import os
import random
import sys
from fractions import Fraction
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F

FILE = Path(__file__).with_name("vectors.json")
KEYS = {"operation", "framework", "x", "w", "y"}


def text(option, value):
    """An option as a spec writes it."""
    words = {True: "true", False: "false"}
    return f"{option} = {words[value] if isinstance(value, bool) else value}"


def call(name, arguments, options):
    return f"{name}({', '.join([*arguments, *(text(option, value) for option, value in options.items())])})"


def integers(rng, shape):
    return np.array([rng.randint(-8, 7) for _ in range(int(np.prod(shape)))], dtype=np.float64).reshape(shape)


def exact(value):
    """A number, or `n/d`: what a float64 with a small denominator stands for."""
    fraction = Fraction(float(value)).limit_denominator(10_000)
    assert abs(fraction - Fraction(float(value))) < Fraction(1, 10**9), value
    return int(fraction) if fraction.denominator == 1 else str(fraction)


def nested(array, element):
    return [nested(part, element) for part in array] if np.ndim(array) else element(array)


def vector(operation, framework, x, w, y):
    entry = {"operation": operation, "framework": framework, "x": nested(x, int)}
    if w is not None:
        entry["w"] = nested(w, int)
    return entry | {"y": nested(np.asarray(y), exact)}


def each_axis(rng, axes, least, most):
    """A number for all axes, or one for each: as an option's value, and written out."""
    if rng.random() < 0.5:
        number = rng.randint(least, most)
        return number, [number] * axes
    numbers = [rng.randint(least, most) for _ in range(axes)]
    return numbers, numbers


def torch_conv(rng, axes):
    groups = rng.choice([1, 1, 2])
    channels, out = groups * rng.randint(1, 2), groups * rng.randint(1, 2)
    size = [rng.randint(3, 6) for _ in range(axes)]
    taps = [rng.randint(1, 3) for _ in range(axes)]
    x, w = integers(rng, [channels, *size]), integers(rng, [out, channels // groups, *taps])
    options, native = {}, {}
    for name, least, most in (("stride", 1, 3), ("padding", 0, 2), ("dilation", 1, 2)):
        options[name], native[name] = each_axis(rng, axes, least, most)
    if rng.random() < 0.25:
        # PyTorch knows the word for strides of 1 alone.
        options["stride"], native["stride"] = 1, [1] * axes
        options["padding"], native["padding"] = "same", "same"
    options["groups"] = native["groups"] = groups
    function = [F.conv1d, F.conv2d][axes - 1]
    y = function(torch.tensor(x)[None], torch.tensor(w), **native)[0].numpy()
    return vector(call(f"conv{axes}d", ["x", "w"], options), f"torch.{call(f'conv{axes}d', ['x', 'w'], native)}", x, w, y)


def torch_pool(rng, axes, kind):
    size = [rng.randint(2, 7) for _ in range(axes)]
    x = integers(rng, [rng.randint(1, 2), *size])
    taps, native_taps = each_axis(rng, axes, 1, 3)
    options, native = {}, {}
    options["stride"], native["stride"] = each_axis(rng, axes, 1, 3)
    # No more padding than half a window, which is PyTorch's limit.
    padding = [rng.randint(0, tap // 2) for tap in native_taps]
    options["padding"] = native["padding"] = padding
    if kind == "max":
        options["dilation"], native["dilation"] = each_axis(rng, axes, 1, 2)
    else:
        options["count_padding"] = native["count_include_pad"] = rng.random() < 0.5
    options["ceil_mode"] = native["ceil_mode"] = rng.random() < 0.6
    functions = {"max": [F.max_pool1d, F.max_pool2d], "avg": [F.avg_pool1d, F.avg_pool2d]}
    name = f"{kind}_pool{axes}d"
    y = functions[kind][axes - 1](torch.tensor(x)[None], native_taps, **native)[0].numpy()
    if not np.isfinite(y).all():
        raise ValueError("a window of padding alone")
    return vector(call(name, ["x", str(taps)], options), f"torch.{call(name, ['x', str(native_taps)], native)}", x, None, y)


def tf_image(rng):
    return integers(rng, [rng.randint(2, 7), rng.randint(2, 7), rng.randint(1, 3)])


# TensorFlow's images are [height, width, channels].
FIRST, LAST = "transpose(x, [2, 0, 1])", "[1, 2, 0]"


def tf_conv(rng):
    x = tf_image(rng)
    w = integers(rng, [rng.randint(1, 4), rng.randint(1, 4), x.shape[2], rng.randint(1, 2)])
    # TensorFlow has strides or dilations, not both.
    strides, dilations = ([1, 1], [rng.randint(1, 2) for _ in range(2)]) if rng.random() < 0.4 else ([rng.randint(1, 3) for _ in range(2)], [1, 1])
    y = tf.nn.convolution(x[None], w, strides=strides, padding="SAME", dilations=dilations)[0].numpy()
    options = {"stride": strides, "padding": "same", "dilation": dilations}
    operation = call("conv2d", [FIRST, "transpose(w, [3, 2, 0, 1])"], options)
    return vector(f"transpose({operation}, {LAST})", f"tf.nn.convolution(x, w, {strides}, SAME, {dilations})", x, w, y)


def tf_depthwise(rng):
    x = tf_image(rng)
    channels, multiplier = x.shape[2], rng.randint(1, 2)
    w = integers(rng, [rng.randint(1, 3), rng.randint(1, 3), channels, multiplier])
    stride, padding = rng.randint(1, 2), rng.choice(["SAME", "VALID"])
    if padding == "VALID" and any(w.shape[axis] > x.shape[axis] for axis in (0, 1)):
        raise ValueError("no window fits")
    y = tf.nn.depthwise_conv2d(x[None], w, [1, stride, stride, 1], padding)[0].numpy()
    kernel = f"reshape(transpose(w, [2, 3, 0, 1]), [{channels * multiplier}, 1, {w.shape[0]}, {w.shape[1]}])"
    operation = call("conv2d", [FIRST, kernel], {"stride": stride, "padding": padding.lower(), "groups": channels})
    return vector(f"transpose({operation}, {LAST})", f"tf.nn.depthwise_conv2d(x, w, {stride}, {padding})", x, w, y)


def tf_pool(rng, kind):
    x = tf_image(rng)
    taps = [rng.randint(1, 4) for _ in range(2)]
    # TensorFlow takes no strides beyond the window.
    strides = [rng.randint(1, min(tap, 3)) for tap in taps]
    y = tf.nn.pool(x[None], taps, kind.upper(), strides=strides, padding="SAME")[0].numpy()
    options = {"stride": strides, "padding": "same"} | ({"count_padding": False} if kind == "avg" else {})
    operation = call(f"{kind}_pool2d", [FIRST, str(taps)], options)
    return vector(f"transpose({operation}, {LAST})", f"tf.nn.pool(x, {taps}, {kind.upper()}, {strides}, SAME)", x, None, y)


KINDS = [
    (14, lambda rng: torch_conv(rng, 1)),
    (24, lambda rng: torch_conv(rng, 2)),
    (8, lambda rng: torch_pool(rng, 1, "max")),
    (18, lambda rng: torch_pool(rng, 2, "max")),
    (10, lambda rng: torch_pool(rng, 1, "avg")),
    (22, lambda rng: torch_pool(rng, 2, "avg")),
    (18, tf_conv),
    (12, tf_depthwise),
    (8, lambda rng: tf_pool(rng, "max")),
    (16, lambda rng: tf_pool(rng, "avg")),
]


def vectors():
    rng, made = random.Random(1), []
    for count, make in KINDS:
        wanted = len(made) + count
        while len(made) < wanted:
            try:
                made.append(make(rng))
            except (ValueError, RuntimeError) as error:
                # A window that fits nowhere: both frameworks refuse it, in words of their own.
                known = ("no window fits", "padding alone", "too small", "can't be greater", "Calculated padded input size")
                if not any(part in str(error) for part in known):
                    raise
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare the file with the frameworks, and write nothing")
    arguments = parser.parse_args()
    made = vectors()
    assert all(KEYS >= set(entry) for entry in made)
    lines = ",\n".join(json.dumps(entry) for entry in made)
    page = f'{{"made_by": "PyTorch {torch.__version__.split("+")[0]}, TensorFlow {tf.__version__}",\n"vectors": [\n{lines}\n]}}\n'
    if not arguments.check:
        FILE.write_text(page)
        print(f"{len(made)} vectors in {FILE}")
        return
    known = json.loads(FILE.read_text())["vectors"]
    different = [(old, new) for old, new in zip(known, made, strict=True) if old != new]
    for old, new in different:
        print(f"the file: {json.dumps(old)}\nnow:      {json.dumps(new)}")
    print(f"{len(made) - len(different)} of {len(made)} vectors as in the file")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
