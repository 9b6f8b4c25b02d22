"""Windows that slide over images and signals, of convolutions and pools, as docs/language.md defines them."""

from itertools import product
from math import lcm

import numpy as np
from values import Q, along


class Sliding:
    """How windows slide along the axes of an image: everything for each axis, padding as (before, after)."""

    def __init__(self, rng, sizes, pool):
        axes = len(sizes)
        self.taps = [rng.randint(1, 3) for _ in sizes]
        self.stride = [rng.randint(1, 2) for _ in sizes]
        self.dilation = [rng.choice([1, 1, 2]) for _ in sizes] if pool != "avg" else [1] * axes
        self.ceil = pool is not None and rng.random() < 0.3
        kind = rng.choice(["none", "number", "pairs", "same"])
        self.word = "same" if kind == "same" else None
        if kind == "same":
            self.padding = [self.same(*numbers) for numbers in zip(sizes, self.taps, self.stride, self.dilation)]
        else:
            number = rng.randint(1, 2)
            self.padding = [{"none": (0, 0), "number": (number, number)}.get(kind) or (rng.randint(0, 2), rng.randint(0, 2)) for _ in sizes]
        self.counts = [self.count(axis, size) for axis, size in enumerate(sizes)]

    @staticmethod
    def same(size, taps, stride, dilation):
        """As many as make size / stride windows, rounded up; the odd one at the end."""
        wanted = -(-size // stride)
        total = max(0, (wanted - 1) * stride + (taps - 1) * dilation + 1 - size)
        return total // 2, total - total // 2

    def count(self, axis, size):
        before, after = self.padding[axis]
        room = before + size + after - (self.taps[axis] - 1) * self.dilation[axis] - 1
        count = (-(-room // self.stride[axis]) if self.ceil else room // self.stride[axis]) + 1
        # The last window begins within the input, or the padding before it.
        while self.ceil and count > 0 and (count - 1) * self.stride[axis] >= size + before:
            count -= 1
        return max(0, count) if room >= 0 or self.ceil else 0

    def places(self, axis, window, size):
        """Where a window's taps lie along an axis: indices of its elements, None outside of it."""
        start = window * self.stride[axis] - self.padding[axis][0]
        at = [start + tap * self.dilation[axis] for tap in range(self.taps[axis])]
        return [i if 0 <= i < size else None for i in at]

    def padded_places(self, axis, window, size):
        """How many of a window's taps lie on elements or padding."""
        before, after = self.padding[axis]
        start = window * self.stride[axis]
        return sum(start + tap < before + size + after for tap in range(self.taps[axis]))

    def fits(self, sizes, pool):
        if min(self.counts) < 1:
            return False
        covered = lambda axis, window: any(i is not None for i in self.places(axis, window, sizes[axis]))
        return pool is None or all(covered(axis, w) for axis, count in enumerate(self.counts) for w in range(count))

    def options(self, rng):
        """As a spec writes them."""
        short = lambda numbers: numbers[0] if len(set(map(str, numbers))) == 1 and rng.random() < 0.7 else list(numbers)
        entries = [p[0] if p[0] == p[1] and rng.random() < 0.5 else list(p) for p in self.padding]
        padding = entries[0] if len(set(map(str, entries))) == 1 and isinstance(entries[0], int) else entries
        found = [f"stride = {short(self.stride)}", f"padding = {self.word or padding}"]
        if any(d != 1 for d in self.dilation):
            found.append(f"dilation = {short(self.dilation)}")
        if self.ceil:
            found.append("ceil_mode = true")
        return found

    def size(self, rng):
        return self.taps[0] if len(set(self.taps)) == 1 and rng.random() < 0.7 else self.taps


def windows(x, sliding, fill):
    """The windows of each channel: points, channels, windows of each axis in turn, taps. What is outside of the image is `fill`."""
    sizes = x.shape[2:]
    out = np.full((*x.shape[:2], *sliding.counts, int(np.prod(sliding.taps))), fill, dtype=x.dtype)
    for window in np.ndindex(*sliding.counts):
        places = [sliding.places(axis, w, sizes[axis]) for axis, w in enumerate(window)]
        for tap, at in enumerate(product(*places)):
            if None not in at:
                out[(slice(None), slice(None), *window, tap)] = x[(slice(None), slice(None), *at)]
    return out


def conv(x, w, b, sliding, groups):
    out_channels, in_channels = w.num.shape[1:3]
    view = windows(x.num, sliding, 0)
    per_group = out_channels // groups
    axes = len(sliding.taps)
    planes = []
    for o in range(out_channels):
        group = o // per_group
        part = view[:, group * in_channels : (group + 1) * in_channels]
        planes.append((part * w.num[0][o].reshape(in_channels, *[1] * axes, -1)).sum(axis=(1, -1)))
    out = Q(np.stack(planes, axis=1), x.den * w.den)
    return out + along(b, x.num.shape[1:]) if b is not None else out


def average(x, sliding, counted):
    """The mean of each window: over its elements and its padding, or over its elements alone."""
    total = windows(x.num, sliding, 0).sum(axis=-1)
    sizes = x.num.shape[2:]
    divisors = np.ones(sliding.counts, dtype=object)
    for window in np.ndindex(*sliding.counts):
        for axis, w in enumerate(window):
            places = sliding.places(axis, w, sizes[axis])
            divisors[window] *= sliding.padded_places(axis, w, sizes[axis]) if counted else sum(i is not None for i in places)
    den = lcm(*map(int, divisors.reshape(-1)))
    shares = np.array([den // int(d) for d in divisors.reshape(-1)], dtype=object).reshape(divisors.shape)
    return Q(total.astype(object) * shares, x.den * den)
