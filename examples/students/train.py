"""Trains the maths-grade networks on the exam scores and saves their real weights.

    python3 train.py StudentsPerformance.csv

Writes students.npz (9-16-1) and everyone.npy, the 240 combinations of features that a valid student can have (not the
data). The network's number is (grade - 50) / 10: 1.0 is ten points, 0 is a grade of 50.
"""

import csv
import sys
from itertools import product
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent

# In the order of `enum Feature` in students.qnn.
GROUPS = ["group A", "group B", "group C", "group D", "group E"]
EDUCATION = [
    "some high school", "high school", "some college", "associate's degree", "bachelor's degree", "master's degree",
]


def encode(gender, group, lunch, preparation, education):
    return [gender, *(int(group == k) for k in range(5)), lunch, preparation, education]


def load(path):
    """Rows with a missing answer are left out."""
    features, grades = [], []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                features.append(
                    encode(
                        ["female", "male"].index(row["gender"]),
                        GROUPS.index(row["race/ethnicity"]),
                        ["free/reduced", "standard"].index(row["lunch"]),
                        ["none", "completed"].index(row["test preparation course"]),
                        EDUCATION.index(row["parental level of education"]),
                    )
                )
            except ValueError:
                continue
            grades.append((float(row["math score"]) - 50) / 10)
    return np.array(features, float), np.array(grades)


def forward(params, x):
    layers = [x]
    for k, (weight, bias) in enumerate(params):
        z = layers[-1] @ weight.T + bias
        layers.append(np.maximum(z, 0) if k + 1 < len(params) else z)
    return layers


def train(features, grades, sizes, seed, epochs=300, batch=64, rate=5e-3, decay=0.05):
    """Least squares by Adam with decoupled weight decay; weights stay inside [-1.9, 1.9] (fixed<bits, bits-2>)."""
    rng = np.random.default_rng(seed)
    params = [[rng.normal(0, np.sqrt(1 / i), (o, i)), np.zeros(o)] for i, o in zip(sizes, sizes[1:])]
    first = [[np.zeros_like(p) for p in layer] for layer in params]
    second = [[np.zeros_like(p) for p in layer] for layer in params]
    step = 0
    for epoch in range(epochs):
        pace = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = rng.permutation(len(features))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            layers = forward(params, features[chosen])
            back = 2 * (layers[-1] - grades[chosen, None]) / len(chosen)
            step += 1
            for k in reversed(range(len(params))):
                gradients = back.T @ layers[k], back.sum(axis=0)
                back = (back @ params[k][0]) * (layers[k] > 0)
                for j, gradient in enumerate(gradients):
                    first[k][j] += 0.1 * (gradient - first[k][j])
                    second[k][j] += 0.001 * (gradient**2 - second[k][j])
                    unbiased = second[k][j] / (1 - 0.999**step)
                    params[k][j] -= pace * (first[k][j] / (1 - 0.9**step)) / (np.sqrt(unbiased) + 1e-8)
                params[k][0] -= pace * decay * params[k][0]
                np.clip(params[k][0], -1.9, 1.9, out=params[k][0])
    return params


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    features, grades = load(sys.argv[1])
    order = np.random.default_rng(0).permutation(len(features))
    held_out, kept = order[: len(order) // 5], order[len(order) // 5 :]
    params = train(features[kept], grades[kept], [9, 16, 1], seed=1)
    error = np.abs(forward(params, features[held_out])[-1][:, 0] - grades[held_out]).mean() * 10
    guess = np.abs(grades[kept].mean() - grades[held_out]).mean() * 10
    print(f"{len(features)} students; mean error {error:.1f} points on {len(held_out)} held out (the mean grade: {guess:.1f})")

    everyone = np.array(
        [encode(*choice) for choice in product(range(2), range(5), range(2), range(2), range(6))], dtype=np.uint8
    )
    layers = forward(params, everyone.astype(float))
    print("largest weights", [f"{np.abs(w).max():.2f}" for w, _ in params], "biases", [f"{np.abs(b).max():.2f}" for _, b in params])
    print("hidden up to", layers[1].max().round(2), "output", layers[2].min().round(2), layers[2].max().round(2))
    gap = layers[2][120:, 0] - layers[2][:120, 0]
    print(f"real gap, men minus women: {10 * gap.min():.1f} to {10 * gap.max():.1f} points")

    np.save(HERE / "everyone.npy", everyone)
    arrays = {}
    for k, (weight, bias) in enumerate(params):
        arrays[f"fc{k + 1}.weight"] = weight.astype(np.float32)
        arrays[f"fc{k + 1}.bias"] = bias.astype(np.float32)
    np.savez(HERE / "students.npz", **arrays)


if __name__ == "__main__":
    main()
