"""Trains the two MNIST networks by plain cross-entropy and saves their real weights.

    python3 train.py [FOLDER WITH THE FOUR IDX FILES]

Writes mnist.npz (784-64-32-10) and mnist-100.npz (784-100-10). Nothing here knows about bits or robustness: the spec
quantizes the same real weights to every width that it asks about.
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


def forward(params, x):
    """The activations of every layer, input first, logits last."""
    layers = [x]
    for k, (weight, bias) in enumerate(params):
        z = layers[-1] @ weight.T + bias
        layers.append(np.maximum(z, 0) if k + 1 < len(params) else z)
    return layers


def train(images, labels, sizes, seed, epochs=12, batch=100, rate=2e-3, decay=0.15, limit=0.98):
    """Adam with decoupled weight decay. Weights stay inside [-limit, limit], so that fixed<bits, bits-1> holds them."""
    rng = np.random.default_rng(seed)
    params = [
        [rng.normal(0, np.sqrt(2 / i), (o, i)).astype(np.float32), np.zeros(o, np.float32)]
        for i, o in zip(sizes, sizes[1:])
    ]
    first = [[np.zeros_like(p) for p in layer] for layer in params]
    second = [[np.zeros_like(p) for p in layer] for layer in params]
    step = 0
    for epoch in range(epochs):
        pace = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            layers = forward(params, images[chosen])
            back = np.exp(layers[-1] - layers[-1].max(axis=1, keepdims=True))
            back /= back.sum(axis=1, keepdims=True)
            back[np.arange(len(chosen)), labels[chosen]] -= 1
            back /= len(chosen)
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
                np.clip(params[k][0], -limit, limit, out=params[k][0])
    return params


def save(path, params):
    """Through float16, so that the file compresses; the network is what is in the file."""
    arrays = {}
    for k, (weight, bias) in enumerate(params):
        arrays[f"fc{k + 1}.weight"] = weight.astype(np.float16).astype(np.float32)
        arrays[f"fc{k + 1}.bias"] = bias.astype(np.float16).astype(np.float32)
    np.savez_compressed(path, **arrays)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    images, labels, test_images, test_labels = (
        read_idx(folder / f"{name}.gz")
        for name in (
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
        )
    )
    # The spec reads pixels as ufixed<8, 8>: 255 is 255/256.
    images = images.reshape(-1, 784).astype(np.float32) / 256
    test_images = test_images.reshape(-1, 784).astype(np.float32) / 256
    for name, sizes in (("mnist.npz", [784, 64, 32, 10]), ("mnist-100.npz", [784, 100, 10])):
        params = train(images, labels, sizes, seed=1)
        layers = forward(params, test_images)
        accuracy = np.mean(layers[-1].argmax(axis=1) == test_labels)
        largest = [f"{np.abs(weight).max():.2f}" for weight, _ in params]
        reach = [f"{np.quantile(np.abs(layer), 0.999):.1f}" for layer in layers[1:]]
        print(f"{name}: float test accuracy {accuracy:.4f}, largest weights {largest}, 99.9 % of outputs below {reach}")
        save(HERE / name, params)


if __name__ == "__main__":
    main()
