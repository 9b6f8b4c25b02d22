"""Writes compiler/import/tests/onnx/refused: small models that can't be imported exactly, each for its reason. `KERNEL_NAME.onnx`."""
import os

import numpy as np
import onnx
from onnx import TensorProto as TP
from onnx import helper as h
from onnx import numpy_helper as nh

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../compiler/import/tests/onnx/refused")
f32, U8, S8 = np.float32, np.uint8, np.int8
TYPES = {"u8": TP.UINT8, "s8": TP.INT8, "f": TP.FLOAT, "i32": TP.INT32}
SCALE = {"s": f32(0.1), "z": U8(7), "zs": S8(0), "one": f32(1), "zero": f32(0), "bits": f32(4)}


def write(name, nodes, ins, outs, **inits):
    nodes = [h.make_node(op, i, o, domain=d, name=f"node_{o[0]}", **a) for op, i, o, d, a in nodes]
    used = {i for n in nodes for i in n.input}
    inits = {**SCALE, **inits}
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info(n, TYPES[t], s) for n, t, s in ins],
        [h.make_tensor_value_info(n, TYPES[t], None) for n, t in outs],
        [nh.from_array(np.asarray(v), n) for n, v in inits.items() if n in used],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 19), h.make_opsetid("com.microsoft", 1), h.make_opsetid("qonnx.custom_op.general", 1)])
    model.ir_version, model.producer_name = 9, ""
    with open(os.path.join(FOLDER, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())
    return model


MS, Q = "com.microsoft", "qonnx.custom_op.general"


def op(kind, inputs, output, domain="", **attributes):
    return kind, inputs, [output] if isinstance(output, str) else output, domain, attributes


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.remove(os.path.join(FOLDER, name))
    w = np.full((2, 2), 127, S8)
    write("ort_pairs", [op("QLinearMatMul", ["x", "s", "z", "w", "s", "zs", "s", "z"], "y")], [("x", "u8", [1, 2])], [("y", "u8")], w=w)
    write("ort_unknown", [op("LSTM", ["x", "s", "s"], "y")], [("x", "u8", [1, 2])], [("y", "u8")])
    write("ort_domain", [op("Magic", ["x"], "y", "acme")], [("x", "u8", [1, 2])], [("y", "u8")])
    write("ort_padded_mean", [op("QLinearAveragePool", ["x", "s", "z", "s", "z"], "y", MS, kernel_shape=[2, 2], pads=[1, 1, 0, 0])], [("x", "u8", [1, 1, 3, 3])], [("y", "u8")])
    write("ort_mean_ties", [op("QLinearAveragePool", ["x", "s", "z", "s", "z"], "y", MS, kernel_shape=[2, 2])], [("x", "u8", [1, 1, 3, 3])], [("y", "u8")])
    write("ort_float_conv", [op("Conv", ["x", "w"], "y")], [("x", "f", [1, 1, 3, 3])], [("y", "f")], w=np.ones((1, 1, 2, 2), f32))
    dq = [op("DequantizeLinear", ["x", "s", "z"], "xf"), op("DequantizeLinear", ["w", "s", "zs"], "wf"), op("MatMul", ["xf", "wf"], "m")]
    write("ort_no_quantizer", dq, [("x", "u8", [1, 2])], [("m", "f")], w=w // 2)
    write("ort_relu_not_contained", [*dq, op("Relu", ["m"], "r"), op("QuantizeLinear", ["r", "s", "z"], "y")], [("x", "u8", [1, 2])], [("y", "u8")], w=w // 2)
    signed = [op("DequantizeLinear", ["x", "s", "zs"], "xf"), *dq[1:]]
    write("ort_signed_activations", [*signed, op("QuantizeLinear", ["m", "s", "zs"], "y")], [("x", "s8", [1, 2])], [("y", "s8")], w=w // 2)
    write("ort_quantized_twice", [op("DequantizeLinear", ["x", "s", "z"], "xf"), op("QuantizeLinear", ["xf", "one", "z"], "y")], [("x", "u8", [1, 2])], [("y", "u8")])
    write("ort_product_of_two", [op("QLinearMul", ["x", "s", "z", "x", "s", "z", "s", "z"], "y", MS)], [("x", "u8", [1, 2])], [("y", "u8")])
    write("ort_open_size", [op("Identity", ["x"], "y")], [("x", "u8", [1, "n"])], [("y", "u8")])
    write("ort_missing", [op("Identity", ["nothing"], "y")], [("x", "u8", [1, 2])], [("y", "u8")])
    write("ort_shapes", [op("QLinearMatMul", ["x", "s", "z", "w", "s", "zs", "s", "z"], "y")], [("x", "u8", [1, 3])], [("y", "u8")], w=w // 2)
    write("ort_huge_padding", [op("Pad", ["x", "p"], "y")], [("x", "u8", [1, 2])], [("y", "u8")], p=np.asarray([0, 0, 1 << 18, 1 << 18], np.int64))
    write("qonnx_float_input", [op("Relu", ["x"], "y")], [("x", "f", [1, 2])], [("y", "f")])
    quant = op("Quant", ["x", "one", "zero", "bits"], "q", Q, signed=1, narrow=0, rounding_mode="ROUND")
    write("qonnx_threshold_too_close", [quant, op("MatMul", ["q", "v"], "m"), op("BipolarQuant", ["m", "one"], "y", Q)], [("x", "f", [1, 2])], [("y", "f")], v=np.asarray([[0.1], [0.3]], f32))
    write("qonnx_not_quantized", [quant, op("MatMul", ["q", "v"], "m"), op("MatMul", ["m", "u"], "y")], [("x", "f", [1, 2])], [("y", "f")], v=np.asarray([[0.1], [0.3]], f32), u=np.asarray([[0.7]], f32))
    write("qonnx_exponential", [quant, op("Exp", ["q"], "y")], [("x", "f", [1, 2])], [("y", "f")])
    write("qonnx_order_reversed", [quant, op("MatMul", ["q", "v"], "m"), op("Mul", ["m", "k"], "y")], [("x", "f", [1, 2])], [("y", "f")], v=np.asarray([[1, 1], [1, 2]], f32), k=np.asarray([0.1, 0.30000004], f32))
    model = write("ort_external", [op("QLinearMatMul", ["x", "s", "z", "w", "s", "zs", "s", "z"], "y")], [("x", "u8", [1, 2])], [("y", "u8")], w=w // 2)
    tensor = next(t for t in model.graph.initializer if t.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TP.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    with open(os.path.join(FOLDER, "ort_external.onnx"), "wb") as f:
        f.write(model.SerializeToString())


if __name__ == "__main__":
    main()
