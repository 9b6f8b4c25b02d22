#!/usr/bin/env python3
"""A second checker of certificates: plain Python, integers and nothing else.

Reads JSON lines {"obligation": ..., "certificate": ...} from the files given (or the standard input) and prints one verdict
a line; exit code 1 if any is rejected. Written from docs/certificates.md, not from the Rust checker.

Nothing is computed with before its form was looked at: Python takes floats and booleans where integers are meant, and negative
indices, which count from the end. NumPy, where it is installed, finds sums of products that the page keeps within 62 bits; nothing else rests on it.
"""
import functools
import itertools
import json
import sys
from bisect import bisect_right

try:
    import numpy
except ImportError:
    numpy = None


class Rejected(Exception):
    pass


class Empty(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Rejected(reason)


# The form of what is read.

def read(line):
    """A line of JSON without anything but integers for numbers, and without names that are there twice."""
    def unique(pairs):
        value = dict(pairs)
        need(len(value) == len(pairs), "a name that is there twice")
        return value

    def refuse(text):
        raise Rejected(f"{text} is no integer")

    return json.loads(line.decode(), object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse)


def fields(value, *names):
    """The fields of an object that has just these."""
    need(type(value) is dict and value.keys() == set(names), f"not an object of {', '.join(names)}")
    return [value[name] for name in names]


def array(value, length=None):
    need(type(value) is list and length in (None, len(value)), "not a list, or not of its length")
    return value


def integer(value, least=-1 << 63, most=(1 << 63) - 1):
    need(type(value) is int and least <= value <= most, "not an integer, or not within its limits")
    return value


def below(value, end):
    """An index, or the number of something."""
    return integer(value, 0, end - 1)


def indices(*values):
    """Indices of what is yet to be looked up."""
    for value in values:
        below(value, 1 << 32)


def number(value):
    """An integer of an obligation: beyond 64 bits it is a string."""
    if type(value) is not str:
        return integer(value)
    need(str(int(value)) == value, "not an integer as it is written")
    return int(value)


def read_multipliers(data):
    atoms, slots = fields(data, "atoms", "slots")
    for entry in array(atoms):
        atom, weight = array(entry, 2)
        indices(atom)
        integer(weight)
    for entry in array(slots):
        node, slot, multiplier = array(entry, 3)
        indices(node, slot)
        integer(multiplier)
    return data


def read_tighten(data):
    node, element, weight, multipliers = fields(data, "node", "element", "weight", "multipliers")
    indices(node, element)
    integer(weight)
    read_multipliers(multipliers)
    return data


def read_split(data):
    node, element, value = fields(data, "node", "element", "value")
    indices(node, element)
    integer(value)
    return data


def read_step(step):
    """Its kind and what it says."""
    if type(step) is str:
        need(step in ("empty", "enumerate", "propagate"), "a step of unknown kind")
        return step, None
    need(type(step) is dict and len(step) == 1, "not a step")
    (kind, data), = step.items()
    readers = {"bound": read_multipliers, "slack": read_multipliers, "tighten": read_tighten, "split": read_split}
    need(kind in readers, "a step of unknown kind")
    return kind, readers[kind](data)


MODES = ("HalfUp", "HalfEven", "HalfAway", "HalfDown", "HalfTowardZero", "Floor", "Ceil", "TowardZero", "Up")


class Step:
    """A monotone function, by apply and threshold."""

    def __init__(self, data):
        self.thresholds = None
        if type(data) is dict and "thresholds" in data:
            lo, thresholds = fields(data, "lo", "thresholds")
            self.lo, self.thresholds = number(lo), [number(t) for t in array(thresholds)]
            self.hi = self.lo + len(self.thresholds)
            need(self.thresholds == sorted(self.thresholds), "thresholds out of order")
        else:
            names = ("numerator", "denominator", "offset", "lo", "hi")
            *numbers, self.mode = fields(data, *names, "mode")
            self.n, self.d, self.o, self.lo, self.hi = map(number, numbers)
            need(self.n > 0 and self.d > 0 and self.lo <= self.hi, "not a monotone step")
            need(self.mode in MODES, "a mode of unknown name")
            self.threshold = functools.cache(self.threshold)

    def apply(self, a):
        if self.thresholds is not None:
            return self.lo + bisect_right(self.thresholds, a)
        floor, rest = divmod(self.n * a + self.o, self.d)
        if rest:
            above = 2 * rest > self.d
            tie = 2 * rest == self.d
            negative = self.n * a + self.o < 0
            up = {"HalfUp": above or tie, "HalfEven": above or (tie and floor % 2 == 1),
                  "HalfAway": above or (tie and not negative), "HalfDown": above,
                  "HalfTowardZero": above or (tie and negative), "Floor": False, "Ceil": True, "TowardZero": negative,
                  "Up": not negative}[self.mode]
            floor += up
        return max(self.lo, min(self.hi, floor))

    def threshold(self, v):
        """The least a with apply(a) >= v, for lo < v <= hi."""
        if self.thresholds is not None:
            return self.thresholds[v - self.lo - 1]
        # The quotient is near v: look for the exact place around it.
        a = ((v - 1) * self.d - self.o) // self.n - 1
        step = 1
        while self.apply(a + step) < v:
            step *= 2
        low, high = a, a + step  # apply(low) < v <= apply(high)
        need(self.apply(low) < v, "the threshold's bracket")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.apply(middle) >= v else (middle, high)
        return high


def wrap(a, width, signed):
    low = a % (1 << width)
    return low - (1 << width) if signed and low >> (width - 1) else low


class Checker:
    def __init__(self, obligation):
        key, nodes, domains, atoms, assumptions, cases = fields(
            obligation, "key", "nodes", "domains", "atoms", "assumptions", "cases")
        need(type(key) is str, "a key that is no string")
        self.key, self.nodes, self.lengths = key, array(nodes), []
        for node in self.nodes:
            self.lengths.append(self.read_node(node))
        atoms = [self.read_atom(a) for a in array(atoms)]
        self.assumptions = [atoms[below(a, len(atoms))] for a in array(assumptions)]
        self.cases = [[atoms[below(a, len(atoms))] for a in array(case)] for case in array(cases)]
        self.domains = {}
        for entry in array(domains):
            n, domain = array(entry, 2)
            need(self.nodes[below(n, len(self.nodes))]["op"] == "input" and n not in self.domains, "not an input")
            self.domains[n] = [tuple(integer(end) for end in array(d, 2)) for d in array(domain, self.lengths[n])]
            need(all(lo <= hi for lo, hi in self.domains[n]), "an empty domain")
        need(len(self.domains) == sum(node["op"] == "input" for node in self.nodes), "an input without a domain")

    def read_node(self, node):
        """Its length: it reads nodes before it, at elements that they have."""
        need(type(node) is dict, "not a node")
        op = node.get("op")
        source = lambda n: self.lengths[below(n, len(self.lengths))]
        if op == "input":
            _, length = fields(node, "op", "len")
            return integer(length, 0)
        if op == "constant":
            _, values = fields(node, "op", "values")
            node["values"] = [number(v) for v in array(values)]
            return len(values)
        if op == "affine":
            _, bias, terms = fields(node, "op", "bias", "terms")
            node["bias"] = [number(v) for v in array(bias)]
            for term in array(terms):
                s, rows = array(term, 2)
                columns = source(s)
                for row in array(rows, len(bias)):
                    for entry in array(row):
                        column, weight = array(entry, 2)
                        below(column, columns)
                        integer(weight)
            return len(bias)
        if op == "gather":
            _, picks = fields(node, "op", "picks")
            for pick in array(picks):
                n, element = array(pick, 2)
                below(element, source(n))
            return len(picks)
        if op == "max":
            _, s, windows = fields(node, "op", "source", "windows")
            for window in array(windows):
                need(array(window), "an empty window")
                for element in window:
                    below(element, source(s))
            return len(windows)
        if op == "step":
            _, s, length, steps = fields(node, "op", "source", "len", "steps")
            steps = [Step(step) for step in array(steps)]
            node["f"] = steps * length if len(steps) == 1 else steps
            need(len(node["f"]) == length, "not a step for each element")
        else:
            need(op == "wrap", "a node of unknown kind")
            _, s, length, width, signed = fields(node, "op", "source", "len", "width", "signed")
            integer(width, 1)
            need(type(signed) is bool, "neither signed nor unsigned")
        need(integer(length) == source(s), "not of its source's length")
        return length

    def read_atom(self, data):
        constant, terms = array(data, 2)
        atom = number(constant), []
        for term in array(terms):
            n, i, factor = array(term, 3)
            below(i, self.lengths[below(n, len(self.lengths))])
            atom[1].append((n, i, number(factor)))
        return atom

    def sources(self, node):
        if node["op"] == "affine":
            return [s for s, _ in node["terms"]]
        if node["op"] == "gather":
            return [n for n, _ in node["picks"]]
        return [node["source"]] if "source" in node else []

    def interval(self, k, ranges):
        """The interval analysis of one node."""
        node = self.nodes[k]
        op = node["op"]
        if op == "input":
            return list(self.domains[k])
        if op == "constant":
            return [(v, v) for v in node["values"]]
        if op == "affine":
            result = []
            for r, bias in enumerate(node["bias"]):
                lo = hi = bias
                for s, rows in node["terms"]:
                    for c, w in rows[r]:
                        l, u = ranges[s][c]
                        lo, hi = lo + min(w * l, w * u), hi + max(w * l, w * u)
                result.append((lo, hi))
            return result
        if op == "gather":
            return [ranges[n][i] for n, i in node["picks"]]
        source = ranges[node["source"]]
        if op == "step":
            return [(f.apply(l), f.apply(u)) for f, (l, u) in zip(node["f"], source)]
        if op == "max":
            return [(max(source[i][0] for i in w), max(source[i][1] for i in w)) for w in node["windows"]]
        width, signed = node["width"], node["signed"]
        least = -(1 << width - 1) if signed else 0
        greatest = least + (1 << width) - 1
        result = []
        for l, u in source:
            first = wrap(l, width, signed)
            result.append((first, first + u - l) if first + u - l <= greatest else (least, greatest))
        return result

    def evaluate(self, inputs):
        values = []
        for k, node in enumerate(self.nodes):
            if node["op"] == "input":
                values.append(inputs[k])
            elif node["op"] == "wrap":
                values.append([wrap(a, node["width"], node["signed"]) for a in values[node["source"]]])
            else:
                points = [[(v, v) for v in vector] for vector in values]
                values.append([lo for lo, _ in self.interval(k, points)])
        return values

    # The dual bound.

    def slots(self, k):
        """How many multipliers a node takes."""
        if self.nodes[k]["op"] == "max":
            return sum(len(window) for window in self.nodes[k]["windows"])
        return self.lengths[k] if self.nodes[k]["op"] in ("step", "wrap") else 0

    def bound(self, ranges, form, constant, slots):
        m_of = {}
        for node, slot, m in slots:
            below(slot, self.slots(below(node, len(self.nodes))))
            m_of[node, slot] = m
        coefficients = [[0] * len(r) for r in ranges]
        for n, i, factor in form:
            coefficients[n][i] += factor
        total, terms = constant, []
        for k in range(len(self.nodes) - 1, -1, -1):
            node, mine = self.nodes[k], coefficients[k]
            op = node["op"]
            if op == "max":
                slot = 0
                for c, window in zip(mine, node["windows"]):
                    entries = []
                    for i in window:
                        m = m_of.get((k, slot), 0)
                        slot += 1
                        entries.append((m, ranges[node["source"]][i]))
                        coefficients[node["source"]][i] += m
                    total += self.window(c, entries)
                continue
            for i, c in enumerate(mine):
                if op == "input":
                    share = c * ranges[k][i][1 if c > 0 else 0]
                    total += share
                    terms.append((k, i, c, 0, share))
                elif op == "constant":
                    total += c * node["values"][i]
                elif op == "gather":
                    n, e = node["picks"][i]
                    coefficients[n][e] += c
                elif op == "affine" and c:
                    total += c * node["bias"][i]
                    for s, rows in node["terms"]:
                        for column, w in rows[i]:
                            coefficients[s][column] += c * w
                elif op in ("step", "wrap"):
                    m = m_of.get((k, i), 0)
                    if c or m:
                        s = node["source"]
                        if op == "step":
                            share = self.staircase(node["f"][i], c, m, ranges[k][i], ranges[s][i])
                            terms.append((k, i, c, m, share))
                        else:
                            share = self.sawtooth(node, c, m, ranges[s][i])
                        total += share
                        coefficients[s][i] += m
        return total, terms

    @staticmethod
    def at_value(f, c, m, v, a):
        first = max(a[0], f.threshold(v)) if v > f.lo else a[0]
        last = min(a[1], f.threshold(v + 1) - 1) if v < f.hi else a[1]
        return None if first > last else c * v - m * (first if m > 0 else last)

    def staircase(self, f, c, m, y, a):
        first, last = max(f.apply(a[0]), y[0]), min(f.apply(a[1]), y[1])
        if f.thresholds is not None or last - first <= 1 << 16:
            shares = [self.at_value(f, c, m, v, a) for v in range(first, last + 1)]
            return max(s for s in shares if s is not None)
        # Very many values of a rounded quotient: those between the first and the last are less than one off, or none.
        shares = [self.at_value(f, c, m, v, a) for v in (first, last)]
        rounding = 0 if f.n % f.d == 0 and f.o % f.d == 0 else abs(c)
        for at in (f.threshold(first + 1), f.threshold(last) - 1):
            shares.append(-(-c * (f.n * at + f.o) // f.d) + rounding - m * at)
        return max(s for s in shares if s is not None)

    @staticmethod
    def sawtooth(node, c, m, a):
        width, signed = node["width"], node["signed"]
        need(a[1] - a[0] <= 1 << 20, "too wide a range for this checker")
        ends = [t for t in range(a[0], a[1] + 1) if wrap(t, width, signed) > wrap(t + 1, width, signed)]
        points = {a[0], a[1]} | set(ends) | {t + 1 for t in ends if t < a[1]}
        return max(c * wrap(t, width, signed) - m * t for t in points)

    @staticmethod
    def window(c, entries):
        best = lambda k, r: max(k * r[0], k * r[1])
        if c >= 0:
            return max(sum(best((c if i == j else 0) - m, r) for i, (m, r) in enumerate(entries))
                       for j in range(len(entries)))
        least = max(r[0] for _, r in entries)
        return max(c * t + sum(best(-m, (r[0], min(r[1], t))) for m, r in entries)
                   for t in {least} | {r[1] for _, r in entries if r[1] > least})

    # Ranges.

    def meet(self, ranges, k, i, lo, hi, dirty):
        old = ranges[k][i]
        new = (old[0] if lo is None else max(old[0], lo), old[1] if hi is None else min(old[1], hi))
        if new[0] > new[1]:
            raise Empty
        if new != old:
            ranges[k][i] = new
            dirty.add(k)

    def contract(self, ranges, dirty):
        if not dirty:
            return
        for k in range(len(self.nodes) - 1, -1, -1):
            node = self.nodes[k]
            if k not in dirty:
                continue
            for i, (lo, hi) in enumerate(ranges[k]):
                if node["op"] == "step":
                    f = node["f"][i]
                    if lo > f.hi or hi < f.lo:
                        raise Empty
                    self.meet(ranges, node["source"], i, f.threshold(lo) if lo > f.lo else None,
                              f.threshold(hi + 1) - 1 if hi < f.hi else None, dirty)
                elif node["op"] == "max":
                    for e in node["windows"][i]:
                        self.meet(ranges, node["source"], e, None, hi, dirty)
                elif node["op"] == "gather":
                    n, e = node["picks"][i]
                    self.meet(ranges, n, e, lo, hi, dirty)
        for k, node in enumerate(self.nodes):
            if any(s in dirty for s in self.sources(node)):
                for i, (lo, hi) in enumerate(self.interval(k, ranges)):
                    self.meet(ranges, k, i, lo, hi, dirty)

    def narrow(self, ranges, news):
        dirty = set()
        for k, i, lo, hi in news:
            self.meet(ranges, k, i, lo, hi, dirty)
        self.contract(ranges, dirty)

    # Steps.

    def weighted(self, ranges, atoms, multipliers, form):
        constant, form = 0, list(form)
        for atom, weight in multipliers["atoms"]:
            need(weight >= 0, "a negative weight")
            below(atom, len(atoms))
            constant += weight * atoms[atom][0]
            form += [(n, i, weight * factor) for n, i, factor in atoms[atom][1]]
        return self.bound(ranges, form, constant, multipliers["slots"])

    def element(self, data):
        """The node and the element that a step names, whatever is left of its branch."""
        k, i = data["node"], data["element"]
        below(i, self.lengths[below(k, len(self.nodes))])
        return k, i

    def tighten(self, ranges, atoms, data):
        (k, i), w = self.element(data), data["weight"]
        need(w != 0, "a weight of zero")
        value, _ = self.weighted(ranges, atoms, data["multipliers"], [(k, i, w)])
        self.narrow(ranges, [(k, i, None, value // w) if w > 0 else (k, i, -(value // -w), None)])

    def slack(self, ranges, atoms, multipliers):
        value, terms = self.weighted(ranges, atoms, multipliers, [])
        if value < 0:
            raise Empty
        news = []
        for k, i, c, m, share in terms:
            lo, hi = ranges[k][i]
            if lo == hi:
                continue
            node = self.nodes[k]
            if node["op"] == "input":
                if c:
                    far = value // abs(c)
                    lo, hi = (max(lo, hi - far), hi) if c > 0 else (lo, min(hi, lo + far))
            else:
                f, a = node["f"][i], ranges[node["source"]][i]
                first, last = max(f.apply(a[0]), lo), min(f.apply(a[1]), hi)
                if last - first > 1 << 16:
                    continue
                lo, hi = first, last

                def possible(v):
                    best = self.at_value(f, c, m, v, a)
                    return best is not None and best >= share - value

                while lo < hi and not possible(lo):
                    lo += 1
                while lo < hi and not possible(hi):
                    hi -= 1
            news.append((k, i, lo, hi))
        self.narrow(ranges, news)

    def enumerate(self, ranges, atoms):
        inputs = sorted(self.domains)
        boxes = [range(lo, hi + 1) for k in inputs for lo, hi in ranges[k]]
        count = 1
        for box in boxes:
            count *= len(box)
        need(count <= 1 << 20, "too many inputs to evaluate")
        for point in itertools.product(*boxes):
            rest, assignment = iter(point), {}
            for k in inputs:
                assignment[k] = [next(rest) for _ in ranges[k]]
            values = self.evaluate(assignment)
            holds = all(c + sum(f * values[n][i] for n, i, f in terms) >= 0 for c, terms in atoms)
            need(not holds, "an input meets all atoms")

    def tree(self, start, atoms, steps):
        """`None` stands for ranges of which one is empty."""
        steps, stack = iter(steps), [start]
        while stack:
            ranges = stack.pop()
            step = next(steps, None)
            need(step is not None, "the tree ends too soon")
            kind, data = step
            if kind == "split":
                k, i = self.element(data)
                sides = [(None, data["value"]), (data["value"] + 1, None)]
                for lo, hi in reversed(sides):
                    stack.append(self.after(ranges, lambda r: self.narrow(r, [(k, i, lo, hi)])))
            elif kind == "tighten":
                self.element(data)
                stack.append(self.after(ranges, lambda r: self.tighten(r, atoms, data)))
            elif kind == "slack":
                stack.append(self.after(ranges, lambda r: self.slack(r, atoms, data)))
            elif kind == "empty":
                need(ranges is None, "no range is empty")
            elif kind == "propagate":
                if ranges is not None:
                    need(Propagation(self, ranges).closes(atoms), "propagation does not close the branch")
            elif kind == "enumerate":
                if ranges is not None:
                    self.enumerate(ranges, atoms)
            elif ranges is not None:
                need(self.weighted(ranges, atoms, data, [])[0] < 0, "the bound is not negative")
        need(next(steps, None) is None, "the tree goes on after all branches are closed")

    @staticmethod
    def after(ranges, change):
        if ranges is None:
            return None
        ranges = [list(r) for r in ranges]
        try:
            change(ranges)
        except Empty:
            return None
        return ranges

    def check(self, certificate):
        version, key, prelude, cases = fields(certificate, "version", "obligation", "prelude", "cases")
        integer(version)
        need(version in (1, 2), "another version")
        need(key == self.key, "another obligation")
        prelude = [read_tighten(data) for data in array(prelude)]
        cases = [[read_step(step) for step in array(case)] for case in array(cases)]
        need(len(cases) == len(self.cases), "not a tree for each case")
        need(version > 1 or not any(kind == "propagate" for case in cases for kind, _ in case), "a step of version 2")
        ranges = []
        for k in range(len(self.nodes)):
            ranges.append(self.interval(k, ranges))
        for data in prelude:
            self.element(data)
            ranges = self.after(ranges, lambda r: self.tighten(r, self.assumptions, data))
        for case, steps in zip(self.cases, cases):
            self.tree(ranges, self.assumptions + case, steps)


class TooLarge(Exception):
    """The rule's numbers don't suffice for a form: it has no bound."""


class Propagation:
    """The fixed rule of the step "propagate": ranges, lines, and bounds by backward substitution."""

    # How far below v, in halves, the quotients lie from which on a mode rounds to v: at most, and at least.
    ENDS = {"Floor": (0, 0), "Ceil": (2, 2), "TowardZero": (2, 0), "Up": (2, 0)}

    def __init__(self, checker, ranges):
        self.nodes, self.checker = checker.nodes, checker
        self.ranges = [list(r) for r in ranges]
        self.lines = [None] * len(self.nodes)
        self.read = {s for node in self.nodes for s in checker.sources(node)}

    def closes(self, atoms):
        try:
            self.run()
        except Empty:
            return True
        for constant, terms in atoms:
            try:
                if self.upper(terms, constant) < 0:
                    return True
            except TooLarge:
                pass
        return False

    def run(self):
        done = set()
        for k, node in enumerate(self.nodes):
            op = node["op"]
            if op in ("input", "constant"):
                continue
            if op in ("step", "wrap", "max") and self.nodes[node["source"]]["op"] in ("affine", "gather"):
                s = node["source"]
                for i in self.undecided(node):
                    if (s, i) not in done:
                        done.add((s, i))
                        self.substitute(node, s, i)
            for i, (lo, hi) in enumerate(self.checker.interval(k, self.ranges)):
                self.meet(k, i, lo, hi)
            if op in ("step", "wrap", "max"):
                self.is_read = k in self.read
                self.lines[k] = getattr(self, op + "_lines")(node, self.ranges[node["source"]], self.ranges[k])

    def meet(self, k, i, lo, hi):
        old = self.ranges[k][i]
        self.ranges[k][i] = max(old[0], lo), min(old[1], hi)
        if self.ranges[k][i][0] > self.ranges[k][i][1]:
            raise Empty

    def substitute(self, reader, k, i):
        for sign in (1, -1):
            if sign < 0 and self.decided(reader, i, self.ranges[k][i]):
                return
            try:
                upper = self.upper([(k, i, sign)], 0)
            except TooLarge:
                continue
            lo, hi = self.ranges[k][i]
            self.meet(k, i, *((lo, upper) if sign > 0 else (-upper, hi)))

    # What lines depend on, and the lines.

    def undecided(self, node):
        """The elements of the source whose ranges the lines depend on, in order."""
        source = self.ranges[node["source"]]
        if node["op"] != "max":
            return [i for i, a in enumerate(source) if not self.decided(node, i, a)]
        return [i for w in node["windows"] if not self.greatest(w, source)[1] for i in w]

    def decided(self, node, i, a):
        if node["op"] != "step":
            return node["op"] == "wrap" and self.shift(node, a) is not None
        f = node["f"][i]
        within = f.thresholds is None and f.n * a[0] + f.o >= f.d * f.lo and f.n * a[1] + f.o <= f.d * f.hi
        return within or f.apply(a[0]) == f.apply(a[1])

    @staticmethod
    def shift(node, a):
        width, signed = node["width"], node["signed"]
        first = wrap(a[0], width, signed)
        greatest = (1 << width - 1) - 1 if signed else (1 << width) - 1
        return first - a[0] if first + a[1] - a[0] <= greatest else None

    @staticmethod
    def greatest(window, source):
        best = max(window, key=lambda i: source[i][0])  # the first of the greatest
        return best, all(i == best or source[i][1] <= source[best][0] for i in window)

    def max_lines(self, node, source, own):
        return 0, [self.greatest(w, source) for w in node["windows"]]

    def wrap_lines(self, node, source, own):
        lines = []
        for a, y in zip(source, own):
            shift = self.shift(node, a)
            lines.append(((0, y[1]), (0, y[0])) if shift is None else ((1, shift), (1, shift)))
        return 0, lines

    def step_lines(self, node, source, own):
        slopes = [self.slopes(f, a, y) for f, a, y in zip(node["f"], source, own)]
        exponents = [29 + q.bit_length() - p.bit_length() for pair in slopes for p, q in pair if p]
        exponent = max(0, min(60, min(exponents, default=0)))
        lines = []
        for f, a, y, pair in zip(node["f"], source, own, slopes):
            up, down = (min((p << exponent) // q, (1 << 30) - 1) for p, q in pair)
            lines.append(self.lines_of(f, a, y, up, down, exponent))
        return exponent, lines

    def slopes(self, f, a, y):
        """The slopes above and below, as quotients."""
        rise, run = y[1] - y[0], a[1] - a[0]
        if rise == 0 or run == 0:
            return (0, 1), (0, 1)
        if f.thresholds is not None:
            return (rise, run), (rise, run)
        first, last, low, high = f.n * a[0] + f.o, f.n * a[1] + f.o, f.d * f.lo, f.d * f.hi
        corner = lambda to, beyond: (rise * f.n, to) if to > 0 and (to >= beyond or not self.is_read) else (0, 1)
        if first >= low and last <= high:
            return (f.n, f.d), (f.n, f.d)
        above = corner(high - first, last - high) if last > high else (rise, run)
        below = corner(last - low, low - first) if first < low else (rise, run)
        return above, below

    def lines_of(self, f, a, y, up, down, exponent):
        one = 1 << exponent
        if up == down == 0:
            return (0, one * y[1]), (0, one * y[0])
        above, below = [one * y[0] - up * a[0]], [one * y[1] - down * a[1]]
        if f.thresholds is None and y[1] - y[0] > 16:
            least, greatest = self.ENDS.get(f.mode, (1, 1))
            for v in (y[0] + 1, y[1]):
                above.append(one * v + -(up * (f.d * (2 * v - least) - 2 * f.o)) // (2 * f.n))
            for v in (y[0], y[1] - 1):
                below.append(one * v - down * (f.d * (2 * v + 2 - greatest) - 2 * f.o) // (2 * f.n))
        else:
            for v in range(y[0], y[1]):
                above.append(one * (v + 1) - up * f.threshold(v + 1))
                below.append(one * v - down * (f.threshold(v + 1) - 1))
        return (up, max(above)), (down, min(below))

    # Backward substitution.

    def upper(self, terms, constant):
        self.live, self.constant, self.exponent = {}, constant, 0
        for k, i, factor in terms:
            self.limit(factor)
            self.add(k, i, factor)
        last = max(self.live, default=-1)
        for k in range(last, -1, -1):
            node = self.nodes[k]
            if k not in self.live or node["op"] == "input":
                continue
            if not any(self.live[k]):
                del self.live[k]
                continue
            getattr(self, "replace_" + node["op"])(k, node)
        value = self.constant
        for k, mine in self.live.items():
            value += sum(c * (hi if c > 0 else lo) for c, (lo, hi) in zip(mine, self.ranges[k]))
        return value >> self.exponent if self.exponent >= 0 else value << -self.exponent

    @staticmethod
    def limit(number):
        if not -1 << 63 <= number < 1 << 63:
            raise TooLarge

    def add(self, k, i, factor):
        mine = self.live.setdefault(k, [0] * len(self.ranges[k]))
        mine[i] += factor
        self.limit(mine[i])

    def replace_constant(self, k, node):
        self.constant += sum(c * v for c, v in zip(self.live.pop(k), node["values"]))

    def replace_gather(self, k, node):
        for c, (n, e) in zip(self.live.pop(k), node["picks"]):
            if c:
                self.add(n, e, c)

    def replace_affine(self, k, node):
        total = lambda: sum(map(abs, self.live[k]))
        norm = max((self.norm(rows) for _, rows in node["terms"]), default=0)
        self.shift_by(k, max(self.bits(k) - 30, total().bit_length() + norm.bit_length() - 62, self.bits_of_others(k) - 62))
        if total() * norm >= 1 << 62:
            raise TooLarge
        mine = self.live.pop(k)
        self.constant += sum(c * b for c, b in zip(mine, node["bias"]))
        for s, rows in node["terms"]:
            target = self.live.setdefault(s, [0] * len(self.ranges[s]))
            self.live[s] = [t + p for t, p in zip(target, self.products(mine, rows, len(target)))]
            if len(node["terms"]) > 1 and max(map(abs, self.live[s]), default=0) >= 1 << 62:
                raise TooLarge

    def norm(self, rows):
        known = self.checker.__dict__.setdefault("norms", {})
        if id(rows) not in known:
            known[id(rows)] = max((sum(abs(w) for _, w in row) for row in rows), default=0)
        return known[id(rows)]

    def products(self, mine, rows, columns):
        """The sum over rows of coefficient times row."""
        if numpy is not None and len(rows) * columns <= 1 << 22:
            known = self.checker.__dict__.setdefault("matrices", {})
            if id(rows) not in known:
                known[id(rows)] = numpy.zeros((len(rows), columns), numpy.int64)
                for r, row in enumerate(rows):
                    for c, w in row:
                        known[id(rows)][r, c] += w
            return (numpy.array(mine, numpy.int64) @ known[id(rows)]).tolist()
        sums = [0] * columns
        for c, row in zip(mine, rows):
            if c:
                for column, w in row:
                    sums[column] += c * w
        return sums

    def replace_step(self, k, node):
        exponent, lines = self.lines[k]
        self.shift_for_lines(k, exponent)
        target = self.live.setdefault(node["source"], [0] * len(lines))
        for i, (c, (above, below)) in enumerate(zip(self.live.pop(k), lines)):
            if c:
                slope, intercept = above if c > 0 else below
                target[i] += c * slope
                self.limit(target[i])
                self.constant += c * intercept

    replace_wrap = replace_step

    def replace_max(self, k, node):
        self.shift_for_lines(k, 0)
        _, lines = self.lines[k]
        for i, (c, (best, dominant)) in enumerate(zip(self.live.pop(k), lines)):
            if c < 0 or c and dominant:
                self.add(node["source"], best, c)
            elif c:
                self.constant += c * self.ranges[k][i][1]

    def bits(self, k):
        return max(map(abs, self.live[k]), default=0).bit_length()

    def bits_of_others(self, k):
        return max((self.bits(other) for other in self.live if other != k), default=0)

    def shift_for_lines(self, k, exponent):
        others = self.bits_of_others(k)
        others = others + exponent - 62 if others else 0
        self.shift_by(k, max(self.bits(k) - 30, others, self.constant.bit_length() + exponent - 110))
        for other in self.live:
            if other != k:
                self.live[other] = [c << exponent for c in self.live[other]]
        self.constant <<= exponent
        self.exponent += exponent

    def shift_by(self, k, by):
        """The form divided by 2^by: coefficients rounded down, what that takes from them at upper ends, the constant rounded up."""
        if by <= 0:
            return
        if by > 62:
            raise TooLarge
        for other, mine in self.live.items():
            self.constant += sum((c & (1 << by) - 1) * hi for c, (_, hi) in zip(mine, self.ranges[other]))
            self.live[other] = [c >> by for c in mine]
        self.constant = -(-self.constant >> by)
        self.exponent -= by


def main():
    files = [open(path, "rb") for path in sys.argv[1:]] or [sys.stdin.buffer]
    rejected = 0
    for number, line in enumerate(itertools.chain.from_iterable(files), 1):
        # Whatever goes wrong with a line, it is not accepted, and the next one is read.
        try:
            obligation, certificate = fields(read(line), "obligation", "certificate")
            Checker(obligation).check(certificate)
            print(f"{number}: accepted")
        except Exception as reason:
            rejected += 1
            print(f"{number}: rejected: {reason!a}")
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
