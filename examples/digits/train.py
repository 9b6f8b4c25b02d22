"""Trains the two digit classifiers by plain cross-entropy and saves their real weights and the test images.

    python3 train.py

Writes digits.npz (64-32-10), deep.npz (64-24-24-24-10), test_images.npy and test_labels.npy (450 images that no training
saw). Nothing here knows about bits: the spec quantizes the same real weights to every width that it asks about.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent


def load():
    """Grey levels 0..16 in rows of 64; train and test, images and labels."""
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images, labels, test_size=450, random_state=3, stratify=labels)


def forward(params, x):
    """The activations of every layer, input first, logits last."""
    layers = [x]
    for k, (weight, bias) in enumerate(params):
        z = layers[-1] @ weight.T + bias
        layers.append(np.maximum(z, 0) if k + 1 < len(params) else z)
    return layers


def train(images, labels, sizes, seed, epochs=60, batch=32, rate=3e-3, decay=0.5, limit=0.98):
    """Adam with decoupled weight decay. Weights stay inside [-limit, limit], so that fixed<bits, bits-1> holds them."""
    rng = np.random.default_rng(seed)
    params = [[rng.normal(0, np.sqrt(2 / i), (o, i)), np.zeros(o)] for i, o in zip(sizes, sizes[1:])]
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
    arrays = {}
    for k, (weight, bias) in enumerate(params):
        arrays[f"fc{k + 1}.weight"] = weight.astype(np.float32)
        arrays[f"fc{k + 1}.bias"] = bias.astype(np.float32)
    np.savez(path, **arrays)


def main():
    images, test_images, labels, test_labels = load()
    np.save(HERE / "test_images.npy", test_images.astype(np.uint8).reshape(-1, 8, 8))
    np.save(HERE / "test_labels.npy", test_labels.astype(np.uint8))
    for name, sizes, seed in (("digits.npz", [64, 32, 10], 9), ("deep.npz", [64, 24, 24, 24, 10], 1)):
        # The spec divides the grey levels by 16 as well.
        params = train(images / 16, labels, sizes, seed)
        layers = forward(params, test_images / 16)
        accuracy = np.mean(layers[-1].argmax(axis=1) == test_labels)
        largest = [f"{np.abs(weight).max():.2f}" for weight, _ in params]
        reach = [f"{np.quantile(np.abs(layer), 0.999):.1f}" for layer in layers[1:]]
        print(f"{name}: float test accuracy {accuracy:.4f}, largest weights {largest}, 99.9 % of outputs below {reach}")
        save(HERE / name, params)


if __name__ == "__main__":
    main()
