"""The handwritten digits that every script here trains on, as a camera gives them: bytes, 0 (paper) to 255 (ink).

    python3 digits.py

Writes images.npy (uint8 [50, 8, 8]) and labels.npy (uint8 [50]): images that no training saw. scikit-learn's `load_digits`
has grey levels 0 to 16; level g becomes the byte that is nearest to g · 255 / 16.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SAMPLES = 50


def load():
    """Train images, test images (uint8 [n, 8, 8]), train labels, test labels (uint8 [n])."""
    grey, labels = load_digits(return_X_y=True)
    images = np.rint(grey * 255 / 16).astype(np.uint8).reshape(-1, 8, 8)
    return train_test_split(images, labels.astype(np.uint8), test_size=450, random_state=3, stratify=labels)


def main():
    _, images, _, labels = load()
    np.save(HERE / "images.npy", images[:SAMPLES])
    np.save(HERE / "labels.npy", labels[:SAMPLES])


if __name__ == "__main__":
    main()
