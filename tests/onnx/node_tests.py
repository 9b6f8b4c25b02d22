"""The node tests of the ONNX package for operators on integers, with all inputs but the first as known tensors."""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np
import onnx
from compare import Evaluator, compare
from onnx import numpy_helper as nh
from onnx.backend.test.case.node import collect_testcases

OPERATORS = {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "QuantizeLinear", "DequantizeLinear", "MaxPool"}


def main():
    evaluator, bad, same = Evaluator(), 0, 0
    for test in collect_testcases(None):
        nodes = test.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OPERATORS:
            continue
        for ins, outs in test.data_sets:
            names = [i.name for i in test.model.graph.input]
            model = onnx.ModelProto()
            model.CopyFrom(test.model)
            first, data = names[0], ins[0]
            if not hasattr(data, "dtype") or data.dtype not in (np.uint8, np.int8):
                if nodes[0].op_type != "QuantizeLinear" or not hasattr(outs[0], "dtype") or outs[0].dtype not in (np.uint8, np.int8):
                    continue
                data = outs[0]  # The input of floats is its quantized tensor.
            for name, value in zip(names[1:], ins[1:]):
                model.graph.initializer.append(nh.from_array(np.asarray(value), name))
            output = model.graph.output[0].name
            if nodes[0].op_type == "DequantizeLinear":
                outs = [data]
            if nodes[0].op_type == "MatMulInteger" and len(ins) > 3 and np.size(ins[2]) > 1:
                continue
            verdict, detail = compare(evaluator, "ort", model.SerializeToString(), [[data]], [{output: outs[0]}], vnni=True)
            print(test.name, verdict, detail)
            same += verdict == "same"
            bad += verdict == "different"
    print(f"{same} node tests agree, {bad} do not")
    return bad or same < 10


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
