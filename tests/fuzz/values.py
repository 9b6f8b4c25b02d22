"""Exact numbers for many points at once, and number formats, as docs/language.md defines them.

A `Q` holds, for each point of a domain, a tensor of rationals with one common denominator. Axis 0 counts the points (1 for what does not depend
on them). Integers are machine words where they provably fit, and Python's own where they might not.
"""

from fractions import Fraction
from math import lcm

import numpy as np

SAFE = 1 << 62


def most(numbers):
    """The greatest absolute value of an array of integers."""
    return max((abs(int(numbers.max())), abs(int(numbers.min()))), default=0) if numbers.size else 0


def times(numbers, factor):
    """An array of integers times an integer."""
    if numbers.dtype != object and most(numbers) * abs(factor) >= SAFE:
        numbers = numbers.astype(object)
    return numbers * factor if abs(factor) < SAFE else numbers.astype(object) * factor


class Q:
    """Rationals `num / den`."""

    def __init__(self, num, den=1):
        self.num, self.den = np.asarray(num), int(den)

    @staticmethod
    def of(value):
        """A constant: a number, or a nested list of numbers."""
        values = np.array(value, dtype=object)
        flat = [Fraction(v) for v in values.reshape(-1)]
        den = lcm(*(v.denominator for v in flat)) if flat else 1
        num = np.array([int(v * den) for v in flat], dtype=object).reshape((1, *values.shape))
        return Q(num.astype(np.int64) if most(num) < SAFE else num, den)

    @property
    def shape(self):
        return self.num.shape[1:]

    def over(self, den):
        """The numerators over a multiple of the denominator."""
        return times(self.num, den // self.den)

    def aligned(self, other):
        den = lcm(self.den, other.den)
        a, b = self.over(den), other.over(den)
        # Numbers go with tensors element by element.
        while a.ndim < b.ndim:
            a = a[..., None]
        while b.ndim < a.ndim:
            b = b[..., None]
        if object in (a.dtype, b.dtype) or most(a) + most(b) >= SAFE:
            a, b = a.astype(object), b.astype(object)
        return a, b, den

    def __add__(self, other):
        a, b, den = self.aligned(other)
        return Q(a + b, den)

    def __sub__(self, other):
        a, b, den = self.aligned(other)
        return Q(a - b, den)

    def scaled(self, factor):
        factor = Fraction(factor)
        return Q(times(self.num, factor.numerator), self.den * factor.denominator)

    def abs(self):
        return Q(abs(self.num), self.den)

    def lesser(self, other):
        a, b, den = self.aligned(other)
        return Q(np.minimum(a, b), den)

    def greater(self, other):
        a, b, den = self.aligned(other)
        return Q(np.maximum(a, b), den)

    def flat(self):
        return Q(self.num.reshape(self.num.shape[0], -1), self.den)

    def minimum(self):
        return Q(self.flat().num.min(axis=1), self.den)

    def maximum(self):
        return Q(self.flat().num.max(axis=1), self.den)

    def sum(self):
        flat = self.flat().num
        if flat.dtype != object and most(flat) * flat.shape[1] >= SAFE:
            flat = flat.astype(object)
        return Q(flat.sum(axis=1), self.den)

    def at(self, index):
        return Q(self.num[(slice(None), *index)], self.den)

    def compare(self, op, other):
        """For each point, and for tensors for each element, whether the comparison holds."""
        a, b, _ = self.aligned(other)
        holds = {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]
        return np.asarray(holds, dtype=bool)

    def fractions(self, point):
        return [Fraction(int(n), self.den) for n in self.num[point].reshape(-1)]


def rounded(num, den, mode):
    """Integers nearest to num / den, in the way that a mode says; den is positive."""
    whole = num // den
    if mode == "floor":
        return whole
    if mode == "ceil":
        return -(-num // den)
    sign = np.where(num < 0, -1, 1).astype(num.dtype)
    if mode == "toward_zero":
        return sign * (abs(num) // den)
    if mode == "up":
        return sign * -(-abs(num) // den)
    if mode == "half_up":
        return (2 * num + den) // (2 * den)
    if mode == "half_away":
        return sign * ((2 * abs(num) + den) // (2 * den))
    if mode == "half_down":
        return -((den - 2 * num) // (2 * den))
    if mode == "half_toward_zero":
        return sign * -((den - 2 * abs(num)) // (2 * den))
    assert mode == "half_even"
    twice = 2 * (num - whole * den)
    up = (twice > den) | ((twice == den) & (whole % 2 != 0))
    return whole + np.where(up, 1, 0).astype(num.dtype)


def along(values, shape):
    """Constants of one axis as they go with a tensor: with its only axis, or with the channels of an image."""
    return Q(values.num.reshape(1, -1, *[1] * (len(shape) - 1)), values.den)


class Format:
    """A format: its range of raw integers, and for each channel a scale and a zero point."""

    def __init__(self, text, bits, signed, scales, zeros, mode="half_up", overflow="saturate"):
        self.text, self.bits, self.mode, self.overflow = text, bits, mode, overflow
        self.lo = -(1 << (bits - 1)) if signed else 0
        self.hi = self.lo + (1 << bits) - 1
        self.lo += overflow == "symmetric"
        self.scales, self.zeros = [Fraction(s) for s in scales], zeros

    @property
    def per_channel(self):
        return max(len(self.scales), len(self.zeros)) > 1

    def channel(self, c):
        return self.scales[c if len(self.scales) > 1 else 0], self.zeros[c if len(self.zeros) > 1 else 0]

    def parts(self, array):
        """The channels' slices of an array whose axis 1 they are, or all of it."""
        if not self.per_channel:
            return [(slice(None), *self.channel(0))]
        return [((slice(None), slice(c, c + 1)), *self.channel(c)) for c in range(array.shape[1])]

    def values(self, raw):
        """What raw integers stand for."""
        pieces = [(where, zero, scale) for where, scale, zero in self.parts(raw)]
        den = lcm(*(scale.denominator for _, _, scale in pieces))
        big = (most(raw) + 64) * max(int(abs(s) * den) for _, _, s in pieces) >= SAFE
        num = np.zeros(raw.shape, dtype=object if big else np.int64)
        for where, zero, scale in pieces:
            num[where] = (raw[where].astype(num.dtype) - zero) * int(scale * den)
        return Q(num, den)

    def cast(self, q):
        """The raw integers that values are stored as."""
        # A great denominator does not fit a small integer either, not even times zero.
        big = max(most(q.num), 1) * max(s.denominator for s in self.scales) >= SAFE // 4
        den_big = q.den * max(s.numerator for s in self.scales) >= SAFE // 4
        num = q.num.astype(object) if big or den_big else q.num.astype(np.int64)
        raw = np.zeros(num.shape, dtype=num.dtype)
        for where, scale, zero in self.parts(num):
            whole = rounded(num[where] * scale.denominator, q.den * scale.numerator, self.mode) + zero
            if self.overflow == "wrap":
                whole = (whole - self.lo) % (1 << self.bits) + self.lo
            raw[where] = np.clip(whole, self.lo, self.hi)
        return raw.astype(np.int64)

    def convert(self, q):
        """Values after a cast."""
        return self.values(self.cast(q))


def decimal(value):
    """A rational as a spec writes it: a decimal where it has one, else a quotient."""
    value = Fraction(value)
    den, twos, fives = value.denominator, 0, 0
    while den % 2 == 0:
        den, twos = den // 2, twos + 1
    while den % 5 == 0:
        den, fives = den // 5, fives + 1
    if den != 1:
        return f"({value.numerator} / {value.denominator})"
    places = max(twos, fives)
    digits = abs(value.numerator) * 10**places // value.denominator
    text = f"{digits // 10**places}" + (f".{digits % 10**places:0{places}}" if places else "")
    return f"-{text}" if value < 0 else text


def random_format(rng, bits, channels=1):
    """A format of so many bits with a random scale and random options."""
    mode = rng.choice(["half_up", "half_even", "half_away", "half_down", "half_toward_zero", "floor", "ceil", "toward_zero", "up"])
    signed = rng.random() < 0.6
    overflow = rng.choice(["saturate", "saturate", "wrap", "symmetric"] if signed and bits > 1 else ["saturate", "saturate", "wrap"])
    options = [t for t in (f"round = {mode}" if mode != "half_up" or rng.random() < 0.2 else "",
                           f"overflow = {overflow}" if overflow != "saturate" or rng.random() < 0.1 else "") if t]
    rng.shuffle(options)
    kind = rng.random()
    if kind < 0.7:
        fraction = rng.randint(-1, bits + 1)
        head, scales, zeros = f"{'' if signed else 'u'}fixed<{bits}, {fraction}", [Fraction(2) ** -fraction], [0]
    elif kind < 0.8:
        head, scales, zeros = f"{'' if signed else 'u'}int<{bits}", [Fraction(1)], [0]
    else:
        lo = -(1 << (bits - 1)) if signed else 0
        hi, lo = lo + (1 << bits) - 1, lo + (overflow == "symmetric")
        many = channels if channels > 1 and rng.random() < 0.5 else 1
        digits = ["0.05", "0.1", "0.3", "0.75", "2", "1.5", "0.0625"]
        # As viewers of files print them: a cast takes any digits.
        if rng.random() < 0.04:
            digits = ["0.0235284771770238876", "0.10135298967361450195", "1.0000000116860974"]
        scales = [Fraction(rng.choice(digits)) for _ in range(many)]
        many_zeros = many if rng.random() < 0.5 else 1
        zeros = [rng.randint(lo, hi) for _ in range(many_zeros)]
        if many == 1 and rng.random() < 0.1:
            scales, text = [Fraction(1, 3)], "1 / 3"
        else:
            text = "[" + ", ".join(map(decimal, scales)) + "]" if many > 1 else decimal(scales[0])
        zero = "[" + ", ".join(map(str, zeros)) + "]" if many_zeros > 1 else str(zeros[0])
        head = f"affine<{'' if signed else 'u'}int<{bits}>, {text}, {zero}"
    text = ", ".join([head, *options]) + ">"
    return Format(text, bits, signed, scales, zeros, mode, overflow)
