"""Writes a spec of the ACAS Xu benchmark (Reluplex, CAV 2017) with quantized networks: properties 1 to 9, as VNN-COMP poses them.

    python3 acasxu.py FOLDER [SPEC]

FOLDER holds the real weights, net_A_B.npz with fc1.weight [50, 5] to fc7.bias [5], for some of the 45 networks; the networks are not part of this
folder. SPEC is the file to write, acasxu.qnn in FOLDER by default; it names the weights' files relative to itself.
"""

import os
import re
import sys
from pathlib import Path

MEAN, RANGE = (19791.091, 0, 0, 650, 600), (60261, 6.28318530718, 6.28318530718, 1100, 1200)
OUTPUT_MEAN, OUTPUT_RANGE = 7.5188840201005975, 373.94992
COC, WEAK_LEFT, WEAK_RIGHT, STRONG_LEFT, STRONG_RIGHT = range(5)
ANY = (-3.141592, 3.141592)
EVERYWHERE = ((0, 60760), ANY, ANY, (100, 1200), (0, 1200))

HEADER = """//! ACAS Xu, quantized: written by acasxu.py. Outputs: clear of conflict, weak left, weak right, strong left, strong right; the least is advised.

type In<bits> = fixed<bits, bits - 4>;
type Out<bits> = fixed<bits, bits - 4>;
type Hidden<bits> = ufixed<bits, bits - 6>;
"""


def network(name, path):
    hidden = "\n".join(
        f"    let h = relu(dense({'x' if k == 1 else 'h'}, p.fc{k})) as Hidden<bits>;" for k in range(1, 7)
    )
    return f"""
network {name}<bits>(x: In<bits>[5]) -> Out<bits>[5] {{
    params p = "{path}" {{ *.weight: fixed<bits, bits - 6>; *.bias: fixed<bits + 8, bits - 2>; }}
{hidden}
    dense(h, p.fc7) as Out<bits>
}}
"""


def least(k, others=range(5)):
    """That output k is less than the others."""
    return " and ".join(f"y[{k}] < y[{i}]" for i in others if i != k)


def not_least(k, others=range(5)):
    return "(" + " or ".join(f"y[{i}] < y[{k}]" for i in others if i != k) + ")"


def statement(number, name, box, says):
    """A property about the normalised inputs of a box."""
    ends = [
        f"x[{i}] in ({lo} - {m}) / {r}..=({hi} - {m}) / {r}" for i, ((lo, hi), m, r) in enumerate(zip(box, MEAN, RANGE))
    ]
    where = "\n        and ".join(end.replace("- -", "+ ").replace("(0 - 0)", "0") for end in ends)
    return f"""
property p{number}_{name}(bits in [16, 12, 8]) = forall x: In<bits>[5]
    where {where}:
    let y = net_{name}<bits>(x);
    {says};
"""


def properties(name):
    """The properties that are asked of a network."""
    high = ((55947.691, 60760), ANY, ANY, (1145, 1200), (0, 60))
    yield statement(1, name, high, f"y[0] <= (1500 - {OUTPUT_MEAN}) / {OUTPUT_RANGE}")
    yield statement(2, name, high, "(" + " or ".join(f"y[{i}] > y[0]" for i in range(1, 5)) + ")")
    near = ((1500, 1800), (-0.06, 0.06))
    yield statement(3, name, (*near, (3.10, 3.141592), (980, 1200), (960, 1200)), not_least(COC))
    yield statement(4, name, (*near, (0, 0), (1000, 1200), (700, 800)), not_least(COC))
    west = (-3.141592, -3.136592)
    if name == "1_1":
        yield statement(5, name, ((250, 400), (0.2, 0.4), west, (100, 400), (0, 400)), least(STRONG_RIGHT))
        for half, theta in (("6a", (0.7, 3.141592)), ("6b", (-3.141592, -0.7))):
            yield statement(half, name, ((12000, 62000), theta, west, (100, 1200), (0, 1200)), least(COC))
    if name == "1_9":
        gentle = (COC, WEAK_LEFT, WEAK_RIGHT)
        yield statement(7, name, EVERYWHERE, f"{not_least(STRONG_LEFT, gentle)} and {not_least(STRONG_RIGHT, gentle)}")
    if name == "2_9":
        left = (COC, WEAK_LEFT)
        says = " and ".join(not_least(k, left) for k in (WEAK_RIGHT, STRONG_LEFT, STRONG_RIGHT))
        yield statement(8, name, ((0, 60760), (-3.141592, -2.356194), (-0.1, 0.1), (600, 1200), (600, 1200)), says)
    if name == "3_3":
        ahead = ((2000, 7000), (-0.4, -0.14), (-3.141592, -3.131592), (100, 150), (0, 150))
        yield statement(9, name, ahead, least(STRONG_LEFT))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    spec = Path(sys.argv[2]) if len(sys.argv) == 3 else folder / "acasxu.qnn"
    files = sorted(folder.glob("net_*_*.npz"))
    if not files:
        sys.exit(f"{folder} holds no net_A_B.npz")
    with open(spec, "w", encoding="utf-8") as out:
        out.write(HEADER)
        for file in files:
            name = re.fullmatch(r"net_(\d+_\d+)", file.stem).group(1)
            path = os.path.relpath(file.resolve(), spec.parent.resolve()).replace(os.sep, "/")
            out.write(network(f"net_{name}", path))
            out.writelines(properties(name))


if __name__ == "__main__":
    main()
