"""Small float networks, quantized by `onnxruntime.quantization` as its users do: QDQ and QOperator, with every option that changes the graph."""
import os
import tempfile
import warnings

import numpy as np
import onnx
from onnx import TensorProto as TP
from onnx import helper as h
from onnx import numpy_helper as nh
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import logging

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
f32 = np.float32


def network(seed):
    """(a float network, the shape of its input)."""
    r = np.random.default_rng(seed)
    inits, nodes = {}, []

    def w(name, *shape):
        inits[name] = (r.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]) + 1)).astype(f32)
        return name

    shape = [1, 3, 8, 8]
    nodes.append(h.make_node("Conv", ["x", w("w1", 6, 3, 3, 3), w("b1", 6)], ["c1"], pads=[1] * 4))
    nodes.append(h.make_node("Relu", ["c1"], ["r1"]))
    last, channels, size = "r1", 6, 8
    if r.integers(2):
        nodes.append(h.make_node("MaxPool", [last], ["p1"], kernel_shape=[2, 2], strides=[2, 2]))
        last, size = "p1", 4
    if r.integers(2):
        nodes.append(h.make_node("Conv", [last, w("wd", channels, 1, 3, 3), w("bd", channels)], ["cd"], pads=[1] * 4, group=channels))
        nodes.append(h.make_node("Clip", ["cd", "lo", "hi"], ["rd"]))
        inits["lo"], inits["hi"] = np.asarray(0, f32), np.asarray(6, f32)
        last = "rd"
    if r.integers(2):
        nodes.append(h.make_node("Conv", [last, w("w2", channels, channels, 3, 3), w("b2", channels)], ["c2"], pads=[1] * 4))
        nodes.append(h.make_node("Add", ["c2", last], ["a2"]))
        nodes.append(h.make_node("Relu", ["a2"], ["r2"]))
        last = "r2"
    if r.integers(3) == 0:
        nodes.append(h.make_node("LeakyRelu", [last], ["l3"], alpha=0.1))
        last = "l3"
    if r.integers(2):
        nodes.append(h.make_node("GlobalAveragePool", [last], ["g"]))
        last, size = "g", 1
    nodes.append(h.make_node("Flatten", [last], ["f"]))
    n = channels * size * size
    if r.integers(2):
        nodes.append(h.make_node("Gemm", ["f", w("w4", 10, n), w("b4", 10)], ["y"], transB=1))
    else:
        nodes.append(h.make_node("MatMul", ["f", w("w4", n, 10)], ["y"]))
    end = "y"
    if r.integers(2):
        nodes.append(h.make_node("Softmax", ["y"], ["s"], axis=-1))
        end = "s"
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TP.FLOAT, shape)], [h.make_tensor_value_info(end, TP.FLOAT, [1, 10])], [nh.from_array(v, k) for k, v in inits.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    return model, shape


class Reader(CalibrationDataReader):
    def __init__(self, shape, seed):
        r = np.random.default_rng(seed)
        self.data = iter([{"x": r.normal(0, 1, shape).astype(f32)} for _ in range(8)])

    def get_next(self):
        return next(self.data, None)


def quantized(seed, folder):
    r = np.random.default_rng(seed)
    model, shape = network(seed)
    source, target = os.path.join(folder, "f.onnx"), os.path.join(folder, "q.onnx")
    onnx.save(model, source)
    options = dict(
        quant_format=[QuantFormat.QDQ, QuantFormat.QDQ, QuantFormat.QOperator][r.integers(3)],
        activation_type=[QuantType.QUInt8, QuantType.QUInt8, QuantType.QInt8][r.integers(3)],
        weight_type=[QuantType.QInt8, QuantType.QUInt8][r.integers(2)],
        per_channel=bool(r.integers(2)),
        reduce_range=bool(r.integers(2)),
    )
    if options["activation_type"] == QuantType.QInt8:
        options["weight_type"] = QuantType.QInt8
    if options["weight_type"] == QuantType.QUInt8:
        options["per_channel"] = False
    quantize_static(source, target, Reader(shape, seed), **options)
    return onnx.load(target), shape


def run(evaluator, seed):
    from compare import compare, session
    from qdq import left_in_floats, level
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        model, shape = quantized(seed, folder)
    operators = [n.op_type for n in model.graph.node]
    first = model.graph.node[0]
    constants = {t.name: nh.to_array(t) for t in model.graph.initializer}
    first = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "x")
    s, z = constants[first.input[1]], constants[first.input[2]].astype(int)
    r = np.random.default_rng(seed)
    samples = [r.normal(0, 1.2, shape).astype(f32) for _ in range(4)]
    lo, hi = (0, 255) if constants[first.input[2]].dtype == np.uint8 else (-128, 127)
    inputs = [[np.clip(np.rint(x / s) + z, lo, hi)] for x in samples]
    # Tensors of bytes, exposed one by one: what is exposed changes no integer operator.
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    inferred = onnx.shape_inference.infer_shapes(model) if all(n.domain in ("", "ai.onnx") for n in model.graph.node) else model
    names = [o for n in model.graph.node if n.op_type.startswith("QLinear") or n.op_type in ("QuantizeLinear", "QGemm") for o in n.output]
    pairs = lo < 0 and any(n.op_type == "Conv" for n in model.graph.node)
    if pairs:
        # Of int8, what is exposed is not fused: the last tensor alone.
        last = model.graph.node[-1]
        if last.op_type != "DequantizeLinear" or any(n.op_type == "Softmax" for n in model.graph.node):
            return operators, "empty", None
        names, s, z = [], constants[last.input[1]], constants[last.input[2]].astype(int)
    for name in names:
        exposed.graph.output.append(h.make_tensor_value_info(name, TP.UINT8 if lo == 0 else TP.INT8, None))
    expected = [{} for _ in samples]
    for which in (ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, ort.GraphOptimizationLevel.ORT_ENABLE_ALL):
        run = level(exposed, which)
        keys = [o.name for o in run.get_outputs()]
        for known, x in zip(expected, samples):
            found = dict(zip(keys, run.run(None, {"x": x})))
            if pairs:
                found = {last.input[0]: np.rint(found[last.output[0]] / s).astype(int) + z}
            for key, value in found.items():
                if value.dtype.kind in "iu" and not np.array_equal(known.setdefault(key, value), value):
                    return operators, "different", f"{key}: the levels of optimization differ"
    verdict, detail = compare(evaluator, "ort", model.SerializeToString(), inputs, expected, vnni=True)
    if verdict == "same" and left_in_floats(model):
        return operators, "different", f"is accepted, but onnxruntime leaves {left_in_floats(model)} in floats"
    return operators, verdict, detail
