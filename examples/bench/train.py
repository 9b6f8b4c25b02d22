"""Trains the convolutional MNIST network by plain cross-entropy and saves its real weights.

    python3 train.py [FOLDER WITH THE FOUR IDX FILES]

Writes mnist-conv.npz: conv1 [4, 1, 3, 3] and conv2 [8, 4, 3, 3], both of stride 2 and padding 1, fc [10, 392].
Nothing here knows about bits or robustness.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def read_idx(path):
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def unfold(x):
    """[n, c, h, w] -> 3x3 patches [n, h/2, w/2, c * 9], of stride 2 and padding 1."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    n, c, rows, cols = windows.shape[:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows, cols, c * 9)


def fold(patches, shape):
    """The adjoint of unfold: adds gradients of patches back onto the image."""
    n, c, h, w = shape
    out = np.zeros((n, c, h + 2, w + 2), patches.dtype)
    rows, cols = patches.shape[1:3]
    parts = patches.reshape(n, rows, cols, c, 3, 3)
    for dy in range(3):
        for dx in range(3):
            out[:, :, dy : dy + 2 * rows : 2, dx : dx + 2 * cols : 2] += parts[:, :, :, :, dy, dx].transpose(0, 3, 1, 2)
    return out[:, :, 1 : 1 + h, 1 : 1 + w]


def forward(p, x):
    """Everything that the backward pass needs; logits last."""
    a = unfold(x.reshape(-1, 1, 28, 28))
    h = np.maximum(a @ p["conv1.weight"].reshape(4, -1).T + p["conv1.bias"], 0).transpose(0, 3, 1, 2)
    b = unfold(h)
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
    out["conv2.weight"] = (back.reshape(-1, 8).T @ b.reshape(-1, 36)).reshape(8, 4, 3, 3)
    out["conv2.bias"] = back.sum(axis=(0, 1, 2))
    back = fold(back @ p["conv2.weight"].reshape(8, -1), h.shape) * (h > 0)
    back = back.transpose(0, 2, 3, 1)
    out["conv1.weight"] = (back.reshape(-1, 4).T @ a.reshape(-1, 9)).reshape(4, 1, 3, 3)
    out["conv1.bias"] = back.sum(axis=(0, 1, 2))
    return out


def train(images, labels, seed=1, epochs=4, batch=100, rate=4e-3, decay=0.1, limit=0.98):
    """Adam with decoupled weight decay. Weights stay inside [-limit, limit], so that fixed<bits, bits-1> holds them."""
    rng = np.random.default_rng(seed)
    shapes = {"conv1": (4, 1, 3, 3), "conv2": (8, 4, 3, 3), "fc": (10, 392)}
    p = {}
    for name, shape in shapes.items():
        p[f"{name}.weight"] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        p[f"{name}.bias"] = np.zeros(shape[0], np.float32)
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
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "mnist"
    images, labels, test_images, test_labels = (
        read_idx(folder / f"{name}.gz")
        for name in (
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
        )
    )
    # The spec reads pixels as ufixed<8, 8>: 255 is 255/256.
    p = train(images.astype(np.float32) / 256, labels)
    _, h, _, g, _, z = forward(p, test_images.astype(np.float32) / 256)
    accuracy = np.mean(z.argmax(axis=1) == test_labels)
    largest = {name: round(float(np.abs(v).max()), 2) for name, v in p.items()}
    reach = [round(float(np.quantile(np.abs(v), 0.999)), 1) for v in (h, g, z)]
    print(f"mnist-conv.npz: float test accuracy {accuracy:.4f}, largest {largest}, 99.9 % of outputs below {reach}")
    # Through float16, so that the file compresses; the network is what is in the file.
    np.savez_compressed(
        HERE / "mnist-conv.npz", **{name: v.astype(np.float16).astype(np.float32) for name, v in p.items()}
    )


if __name__ == "__main__":
    main()
