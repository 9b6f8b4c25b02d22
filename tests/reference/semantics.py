"""Reference semantics of qnn networks, independent of the compiler.

In:   real weights, raw integer inputs, formats.
Out:  exact integers with a step: tensors of value raw * lsb.
Law:  every number is an integer or an exact ratio of integers; no floating-point operation takes part. A real weight is
      read as the ratio of integers that the float is, sums and products are exact, and only `cast` rounds.
Doesn't know: any particular network, the command line, properties.
"""

import gzip
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

# Accumulators are int64; a sum whose bound reaches this is refused instead of wrapping silently.
LIMIT = 1 << 62


# --- formats -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """`fixed<bits, frac>` or `ufixed<bits, frac>`: the value of raw integer r is r * 2**-frac."""

    signed: bool
    bits: int
    frac: int
    round: str = "half_up"
    overflow: str = "saturate"

    @property
    def low(self):
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self):
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    @property
    def lsb(self):
        return Fraction(1, 1 << self.frac) if self.frac >= 0 else Fraction(1 << -self.frac)

    def __str__(self):
        return f"{'fixed' if self.signed else 'ufixed'}<{self.bits}, {self.frac}>"


def fixed(bits, frac, round="half_up", overflow="saturate"):
    return Format(True, bits, frac, round, overflow)


def ufixed(bits, frac, round="half_up", overflow="saturate"):
    return Format(False, bits, frac, round, overflow)


def round_ratio(n, d, mode):
    """n / d as an integer, d > 0. Works on Python integers and, element by element, on integer arrays."""
    q = n // d  # floor, for negative n too
    r = n - q * d  # 0 <= r < d
    if mode == "floor":
        return q
    if mode == "toward_zero":
        return q + (n < 0) * (r != 0)
    if mode == "ceil":
        return q + (r != 0)
    if mode == "up":
        return q + (n > 0) * (r != 0)
    if mode == "half_up":
        return q + (2 * r >= d)
    above, tie = 2 * r > d, 2 * r == d
    if mode == "half_away":
        return q + above + tie * (n >= 0)
    if mode == "half_down":
        return q + above
    if mode == "half_toward_zero":
        return q + above + tie * (n < 0)
    if mode == "half_even":
        return q + above + tie * (q % 2)
    raise ValueError(f"unknown rounding mode {mode!r}")


def fit(q, format):
    """Brings integers into the format's range, the way its overflow mode says."""
    if format.overflow == "saturate":
        return np.minimum(np.maximum(q, format.low), format.high)
    if format.overflow == "wrap":
        return (q - format.low) % (1 << format.bits) + format.low
    if format.overflow == "error":
        if np.any(q < format.low) or np.any(q > format.high):
            raise OverflowError(f"a value does not fit {format}")
        return q
    raise ValueError(f"unknown overflow mode {format.overflow!r}")


def quantize(reals, format):
    """Real weights (floats of any width, or integers as values) -> a Tensor of the format."""
    reals = np.asarray(reals)
    out = np.empty(reals.shape, dtype=object)
    for index, value in np.ndenumerate(reals):
        n, d = value.item().as_integer_ratio()  # exact; raises on NaN and infinities
        ratio = Fraction(n, d) / format.lsb
        out[index] = round_ratio(ratio.numerator, ratio.denominator, format.round)
    return Tensor(fit(out, format).astype(np.int64), format.lsb)


# --- values ------------------------------------------------------------------------------------------------------


@dataclass
class Tensor:
    """Exact values raw * lsb, raw an int64 array, lsb one positive ratio for the whole tensor."""

    raw: np.ndarray
    lsb: Fraction


def _magnitude(array):
    return max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0


def _guard(bound):
    if bound >= LIMIT:
        raise OverflowError("an accumulator of this network does not fit 62 bits; the reference refuses to guess")


def _scale(raw, factor):
    assert factor.denominator == 1
    _guard(_magnitude(raw) * factor.numerator)
    return raw * factor.numerator


def _common_step(a, b):
    """The largest step of which both a and b are whole multiples."""
    denominator = math.lcm(a.denominator, b.denominator)
    return Fraction(math.gcd(int(a * denominator), int(b * denominator)), denominator)


def add(a, b):
    lsb = _common_step(a.lsb, b.lsb)
    x, y = _scale(a.raw, a.lsb / lsb), _scale(b.raw, b.lsb / lsb)
    _guard(_magnitude(x) + _magnitude(y))
    return Tensor(x + y, lsb)


def scale(x, constant):
    """`x * constant` for a positive constant: the integers stay, the step changes."""
    return Tensor(x.raw, x.lsb * constant)


# Every operation below has the batch as axis 0.


def dense(x, weight, bias=None):
    """[n, i] by weight [o, i] and bias [o] -> [n, o]."""
    _guard(_magnitude(x.raw) * _magnitude(weight.raw) * x.raw.shape[1])
    acc = Tensor(x.raw @ weight.raw.T, x.lsb * weight.lsb)
    return acc if bias is None else add(acc, bias)


def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    """[n, c, h, w] by weight [o, c / groups, kh, kw] (cross-correlation, zero padding) -> [n, o, h', w']."""
    n, c, _, _ = x.raw.shape
    o, cg, kh, kw = weight.raw.shape
    assert c == cg * groups and o % groups == 0
    _guard(_magnitude(x.raw) * _magnitude(weight.raw) * cg * kh * kw)
    image = np.pad(x.raw, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows = (image.shape[2] - kh) // stride + 1
    cols = (image.shape[3] - kw) // stride + 1
    out = np.zeros((n, o, rows, cols), dtype=np.int64)
    for k in range(o):
        first = k // (o // groups) * cg
        for j in range(cg):
            for dy in range(kh):
                for dx in range(kw):
                    patch = image[:, first + j, dy : dy + stride * rows : stride, dx : dx + stride * cols : stride]
                    out[:, k] += weight.raw[k, j, dy, dx] * patch[:, :rows, :cols]
    acc = Tensor(out, x.lsb * weight.lsb)
    return acc if bias is None else add(acc, Tensor(bias.raw.reshape(1, o, 1, 1), bias.lsb))


def _windows(x, size, stride):
    rows = (x.raw.shape[2] - size) // stride + 1
    cols = (x.raw.shape[3] - size) // stride + 1
    return np.stack(
        [
            x.raw[:, :, dy : dy + stride * (rows - 1) + 1 : stride, dx : dx + stride * (cols - 1) + 1 : stride]
            for dy in range(size)
            for dx in range(size)
        ]
    )


def max_pool2d(x, size, stride=None):
    return Tensor(_windows(x, size, stride or size).max(axis=0), x.lsb)


def avg_pool2d(x, size, stride=None):
    """The exact mean: the sum, with a step smaller by the number of elements."""
    _guard(_magnitude(x.raw) * size * size)
    return Tensor(_windows(x, size, stride or size).sum(axis=0), x.lsb / (size * size))


def relu(x):
    return Tensor(np.maximum(x.raw, 0), x.lsb)


def flatten(x):
    return Tensor(x.raw.reshape(x.raw.shape[0], -1), x.lsb)


def reshape(x, *shape):
    return Tensor(x.raw.reshape(x.raw.shape[0], *shape), x.lsb)


def cast(x, format):
    """`x as format`: the only place where bits are lost."""
    ratio = x.lsb / format.lsb
    _guard(2 * _magnitude(x.raw) * ratio.numerator + ratio.denominator)
    return Tensor(fit(round_ratio(x.raw * ratio.numerator, ratio.denominator, format.round), format), format.lsb)


def argmax(x):
    """The first maximum."""
    return np.argmax(x.raw, axis=1)


# --- files -------------------------------------------------------------------------------------------------------


def read_idx(path):
    """An IDX file of unsigned bytes, plain or gzipped."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is not an IDX file of unsigned bytes")
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3]).reshape(shape)


class Params:
    """The tensors of an .npz, quantized by a list of (suffix, Format); the first suffix that fits decides."""

    def __init__(self, path, formats):
        with np.load(path) as tensors:
            self.tensors = {}
            for name in tensors.files:
                format = next(f for suffix, f in formats if name.endswith(suffix))
                self.tensors[name] = quantize(tensors[name], format)

    def __getitem__(self, layer):
        return self.tensors[layer + ".weight"], self.tensors[layer + ".bias"]


class Trace:
    """Collects the casts of one run, in order."""

    def __init__(self):
        self.layers = []

    def cast(self, name, x, format):
        out = cast(x, format)
        self.layers.append((name, format, out))
        return out
