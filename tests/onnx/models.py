"""Whole QONNX models against QONNX: every tensor. Usage: models.py FOLDER, with TFC_*.onnx in it."""
import glob
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import Evaluator
from qonnx_graphs import check

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes


def main(folder):
    evaluator, bad = Evaluator(), 0
    for path in sorted(glob.glob(os.path.join(folder, "TFC_*.onnx"))):
        raw = open(path, "rb").read()
        wrapped = ModelWrapper(onnx.load_from_string(raw)).transform(InferShapes()).transform(FoldConstants())
        name = wrapped.graph.input[0].name
        shape = [max(1, d.dim_value) for d in wrapped.graph.input[0].type.tensor_type.shape.dim]
        rng = np.random.default_rng(5)
        drawn = [rng.integers(0, 256, shape) for _ in range(20)]
        answer = evaluator.ask("qonnx", False, raw, [[k] for k in drawn], ["8:0:1/255:0"])
        if isinstance(answer, str):
            print("REFUSED", path, answer)
            bad += 1
            continue
        contexts = [execute_onnx(wrapped, {name: (k.astype(np.float32) / np.float32(255))}, return_full_exec_context=True) for k in drawn]
        verdict, detail = check(answer[0], contexts)
        print(os.path.basename(path), verdict, detail, answer[1], sorted({t[0] for t in answer[0]}, key=int))
        bad += verdict != "same"
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
