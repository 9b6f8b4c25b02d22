"""What Vehicle says of its specifications with qnn as its solver, compared with what is known of them."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOLVER = ROOT / "examples/vehicle/qnn-vehicle"
SHARED = Path(os.environ.get("QNN_SHARED", ROOT.parent / "shared"))


def mlp(path, layers, inputs):
    """A network of floats: Gemm and Relu in turn."""
    nodes, constants, last = [], [], "x"
    for i, (w, b) in enumerate(layers):
        constants += [numpy_helper.from_array(np.asarray(v, np.float32), f"{n}{i}") for n, v in (("w", w), ("b", b))]
        final = i == len(layers) - 1
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], ["y" if final else f"a{i}"], transB=1))
        if not final:
            nodes.append(helper.make_node("Relu", [f"a{i}"], [f"h{i}"]))
            last = f"h{i}"
    outputs = len(layers[-1][1])
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def idx(path, array, code, kind):
    """An IDX file, as Vehicle reads datasets."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    Path(path).write_bytes(header + array.astype(kind).tobytes())


def vehicle(spec, *arguments, solver_arguments=""):
    """The lines that Vehicle prints of its properties: name and result."""
    with tempfile.TemporaryDirectory() as folder:
        # Vehicle writes beside a specification what it made of it.
        copy = shutil.copy(HERE / spec, folder)
        command = ["vehicle", "--no-warnings", "verify", "-s", copy, "-v", SOLVER, *arguments]
        if solver_arguments:
            command += ["-a", solver_arguments]
        done = subprocess.run(command, capture_output=True, text=True)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    results = re.findall(r"^\s+result: +(\S+) +- +(.*)$", text, re.M)
    if not results:
        sys.exit(f"{spec}: Vehicle says nothing of its properties\n{done.stdout}\n{done.stderr}")
    return [(mark, said) for mark, said in results], text + done.stderr


def expect(what, found, expected, text):
    marks = [mark for mark, _ in found]
    if marks != expected:
        sys.exit(f"{what}: {found}, not {expected}\n{text}")
    print(f"{what}: {' '.join(marks)}")


HOLDS, FAILS = "🗸", "✗"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # y = -2 · x0 + x1 exactly, which is steady; and one whose gain is too small for readings far away.
        gains = [[1, 0], [-1, 0], [0, 1], [0, -1]]
        mlp(folder / "steady.onnx", [(gains, [0] * 4), ([[-2, 2, 1, -1]], [0])], 2)
        mlp(folder / "weak.onnx", [(gains, [0] * 4), ([[-1.5, 1.5, 1, -1]], [0])], 2)
        for name, expected in (("steady", HOLDS), ("weak", FAILS)):
            found, text = vehicle("wind.vcl", "-n", f"controller:{folder / name}.onnx")
            expect(f"wind controller, {name}", found, [expected], text)
        digits = ROOT / "examples/models"
        idx(folder / "images.idx", np.load(digits / "images.npy")[:3], 0x0E, ">f8")
        idx(folder / "labels.idx", np.load(digits / "labels.npy")[:3], 0x0C, ">i4")
        session = ort.InferenceSession(str(digits / "digits_qdq.onnx"), providers=["CPUExecutionProvider"])
        for epsilon, expected in ((1, DIGITS_1), (16, DIGITS_16)):
            found, text = vehicle("robust.vcl", "-n", f"digits:{digits / 'digits_qdq.onnx'}", "-d", f"images:{folder / 'images.idx'}",
                                  "-d", f"labels:{folder / 'labels.idx'}", "-p", f"epsilon:{epsilon}",
                                  solver_arguments="--kernel ort --timeout 120")
            expect(f"digits within {epsilon} grey levels, as onnxruntime computes them", found, expected, text)
            # What Vehicle shows as a counterexample is one in onnxruntime.
            for shown in re.findall(r"x: (\[ .*\])", text):
                x = np.array(json.loads(shown), np.float32)
                image = int(np.abs(np.load(digits / "images.npy")[:3] - x).max((1, 2)).argmin())
                scores = session.run(None, {"image": x[None]})[0].flatten()
                label = np.load(digits / "labels.npy")[image]
                far = np.abs(np.load(digits / "images.npy")[image] - x).max() > epsilon
                if far or (np.delete(scores, label) < scores[label]).all():
                    sys.exit(f"no counterexample in onnxruntime, whose scores are {scores}: {shown}")
        networks = SHARED / "bench/acasxu"
        if not networks.is_dir():
            print(f"skipped: there is no folder {networks}")
            return
        formats = ("--weights fixed<16,10> --activations ufixed<16,10> --input fixed<16,12> --option biases=fixed<24,14> "
                   "--option outputs=fixed<16,12> --timeout 120")
        for name, expected in (("2_1", [HOLDS, HOLDS]), ("3_3", [HOLDS, HOLDS]), ("1_7", [FAILS, FAILS])):
            held = np.load(networks / f"net_{name}.npz")
            layers = [(held[f"fc{i}.weight"], held[f"fc{i}.bias"]) for i in range(1, 8)]
            mlp(folder / "acas.onnx", layers, 5)
            found, text = vehicle("acas.vcl", "-n", f"acas:{folder / 'acas.onnx'}", solver_arguments=formats)
            expect(f"ACAS Xu {name} of 16 bits, properties 3 and 4", found, expected, text)


# Which of three digits are read rightly whatever changes by so much.
DIGITS_1 = [HOLDS, HOLDS, HOLDS]
DIGITS_16 = [HOLDS, FAILS, HOLDS]

if __name__ == "__main__":
    main()
