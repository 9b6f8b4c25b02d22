"""Writes digits.onnx: the network of floats that ../models/train_tflite.py trained, before anything is quantized.

    python3 make.py

It takes the weights from ../models/digits_float.npz. There, inputs are grey levels 0 to 255; here, they are these over 256, which the weights of
the first layer make up for exactly. Needs the packages of ../models/requirements-onnx.txt.
"""

import sys
from pathlib import Path

import numpy as np
import onnx

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
sys.path.append(str(MODELS))
from convert_onnx import float_model  # noqa: E402


def main():
    weights = dict(np.load(MODELS / "digits_float.npz"))
    weights["conv1.weight"] = weights["conv1.weight"] * np.float32(256)
    onnx.save(float_model(weights), HERE / "digits.onnx")


if __name__ == "__main__":
    main()
