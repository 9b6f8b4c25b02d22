"""Makes ONNX models of 8-bit integers from the weights that train_tflite.py trained, with onnxruntime's quantizer.

    python3 convert_onnx.py

Writes digits_qdq.onnx (QuantizeLinear and DequantizeLinear around each float operator) and digits_qoperator.onnx (QLinearConv,
QGemm). Activations are uint8; weights are int8 in 7 bits (`reduce_range`), so that no sum of two products leaves 16 bits: on
processors without VNNI such sums would saturate, and the model would be another there.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from digits import HERE, load


def float_model(weights):
    """Keras' weights in ONNX's order: channels first, and the rows of the dense layer in the order of a flattened [c, h, w]."""
    channels, height, width = 12, 2, 2
    dense = weights["logits.weight"].reshape(height, width, channels, 10).transpose(2, 0, 1, 3).reshape(-1, 10)
    tensors = {
        "conv1.weight": weights["conv1.weight"].transpose(3, 2, 0, 1),
        "conv1.bias": weights["conv1.bias"],
        "conv2.weight": weights["conv2.weight"].transpose(3, 2, 0, 1),
        "conv2.bias": weights["conv2.bias"],
        "logits.weight": dense.T,
        "logits.bias": weights["logits.bias"],
    }
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["pixels"]),
        # Keras' "same" padding of stride 2 over 8 pixels is one row below and one column to the right.
        helper.make_node("Conv", ["pixels", "conv1.weight", "conv1.bias"], ["conv1.sum"], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("Relu", ["conv1.sum"], ["conv1"]),
        helper.make_node("Conv", ["conv1", "conv2.weight", "conv2.bias"], ["conv2.sum"]),
        helper.make_node("Relu", ["conv2.sum"], ["conv2"]),
        helper.make_node("Flatten", ["conv2"], ["flat"]),
        helper.make_node("Gemm", ["flat", "logits.weight", "logits.bias"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(t, np.float32), name) for name, t in tensors.items()]
        + [numpy_helper.from_array(np.array([1, 1, 8, 8]), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


class Samples(CalibrationDataReader):
    def __init__(self, images):
        # The full range first, so that the input's scale is 1 and its zero point 0.
        full = np.linspace(0, 255, 64, dtype=np.float32).reshape(1, 8, 8)
        self.items = iter([{"image": full}] + [{"image": x[None]} for x in images.astype(np.float32)])

    def get_next(self):
        return next(self.items, None)


def accuracy(path, images, labels):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"image": x[None]})[0].argmax() for x in images.astype(np.float32)]
    return np.mean(np.array(answers) == labels)


def main():
    images, test_images, _, test_labels = load()
    with np.load(HERE / "digits_float.npz") as weights, tempfile.TemporaryDirectory() as folder:
        real, ready = Path(folder) / "float.onnx", Path(folder) / "ready.onnx"
        onnx.save(float_model(weights), real)
        print(f"float: {accuracy(real, test_images, test_labels):.4f} of the test images")
        quant_pre_process(str(real), str(ready), skip_symbolic_shape=True)
        for name, form in (("digits_qdq.onnx", QuantFormat.QDQ), ("digits_qoperator.onnx", QuantFormat.QOperator)):
            quantize_static(
                str(ready),
                str(HERE / name),
                Samples(images[:300]),
                quant_format=form,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
            )
            print(f"{name}: {accuracy(HERE / name, test_images, test_labels):.4f}")


if __name__ == "__main__":
    main()
