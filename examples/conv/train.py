"""Trains the convolutional digit classifier by plain cross-entropy and saves its real weights.

    python3 train.py

Writes conv.npz: conv1 [4, 1, 3, 3] (stride 2, padding 1), conv2 [8, 4, 3, 3], fc [10, 32]. Same images and same split as
examples/digits.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "digits"))
from train import load  # noqa: E402  (examples/digits/train.py)


def unfold(x, stride, padding):
    """[n, c, h, w] -> 3x3 patches [n, rows, cols, c * 9]."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, cols = windows.shape[:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows, cols, c * 9)


def fold(patches, shape, stride, padding):
    """The adjoint of unfold: adds gradients of patches back onto the image."""
    n, c, h, w = shape
    out = np.zeros((n, c, h + 2 * padding, w + 2 * padding))
    rows, cols = patches.shape[1:3]
    parts = patches.reshape(n, rows, cols, c, 3, 3)
    for dy in range(3):
        for dx in range(3):
            target = out[:, :, dy : dy + stride * rows : stride, dx : dx + stride * cols : stride]
            target += parts[:, :, :, :, dy, dx].transpose(0, 3, 1, 2)
    return out[:, :, padding : padding + h, padding : padding + w]


def forward(p, x):
    """Everything that the backward pass needs; logits last."""
    a = unfold(x.reshape(-1, 1, 8, 8), 2, 1)
    h = np.maximum(a @ p["conv1.weight"].reshape(4, -1).T + p["conv1.bias"], 0).transpose(0, 3, 1, 2)
    b = unfold(h, 1, 0)
    g = np.maximum(b @ p["conv2.weight"].reshape(8, -1).T + p["conv2.bias"], 0).transpose(0, 3, 1, 2)
    f = g.reshape(len(x), -1)
    return a, h, b, g, f, f @ p["fc.weight"].T + p["fc.bias"]


def gradients(p, x, labels):
    a, h, b, g, f, z = forward(p, x)
    back = np.exp(z - z.max(axis=1, keepdims=True))
    back /= back.sum(axis=1, keepdims=True)
    back[np.arange(len(x)), labels] -= 1
    back /= len(x)
    out = {"fc.weight": back.T @ f, "fc.bias": back.sum(axis=0)}
    back = ((back @ p["fc.weight"]).reshape(g.shape) * (g > 0)).transpose(0, 2, 3, 1)
    out["conv2.weight"] = np.einsum("nrco,nrcp->op", back, b).reshape(8, 4, 3, 3)
    out["conv2.bias"] = back.sum(axis=(0, 1, 2))
    back = fold(back @ p["conv2.weight"].reshape(8, -1), h.shape, 1, 0) * (h > 0)
    back = back.transpose(0, 2, 3, 1)
    out["conv1.weight"] = np.einsum("nrco,nrcp->op", back, a).reshape(4, 1, 3, 3)
    out["conv1.bias"] = back.sum(axis=(0, 1, 2))
    return out


def train(images, labels, seed=1, epochs=80, batch=32, rate=4e-3, decay=0.3, limit=0.98):
    """Adam with decoupled weight decay. Weights stay inside [-limit, limit], so that fixed<bits, bits-1> holds them."""
    rng = np.random.default_rng(seed)
    shapes = {"conv1": (4, 1, 3, 3), "conv2": (8, 4, 3, 3), "fc": (10, 32)}
    p = {}
    for name, shape in shapes.items():
        p[f"{name}.weight"] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        p[f"{name}.bias"] = np.zeros(shape[0])
    first = {name: np.zeros_like(v) for name, v in p.items()}
    second = {name: np.zeros_like(v) for name, v in p.items()}
    step = 0
    for epoch in range(epochs):
        pace = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            step += 1
            for name, gradient in gradients(p, images[chosen], labels[chosen]).items():
                first[name] += 0.1 * (gradient - first[name])
                second[name] += 0.001 * (gradient**2 - second[name])
                p[name] -= pace * (first[name] / (1 - 0.9**step)) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
                if name.endswith("weight"):
                    p[name] -= pace * decay * p[name]
                    np.clip(p[name], -limit, limit, out=p[name])
    return p


def main():
    images, test_images, labels, test_labels = load()
    p = train(images / 16, labels)
    _, h, _, g, _, z = forward(p, test_images / 16)
    accuracy = np.mean(z.argmax(axis=1) == test_labels)
    largest = {name: round(float(np.abs(v).max()), 2) for name, v in p.items()}
    reach = [round(float(np.quantile(np.abs(v), 0.999)), 1) for v in (h, g, z)]
    print(f"conv.npz: float test accuracy {accuracy:.4f}, largest {largest}, 99.9 % of outputs below {reach}")
    np.savez(HERE / "conv.npz", **{name: v.astype(np.float32) for name, v in p.items()})


if __name__ == "__main__":
    main()
