"""Runs a TFLite model by the kernels that qnn knows and returns the stored integers of every operator's output.

Kernels: `tflm` (TensorFlow Lite Micro's reference kernels), `xnnpack` (LiteRT's default), `litert_reference` (LiteRT's BUILTIN_REF).
No runtime of PyPI is compiled with single rounding: `tflm_single_rounding` is compared with nothing here.
"""
import os, pickle
import flatbuffers, numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

KERNELS = ("tflm", "litert_reference", "xnnpack")
RESOLVERS = {"xnnpack": OpResolverType.AUTO, "litert_reference": OpResolverType.BUILTIN_REF}


def pack(model):
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def exposed(content):
    """The model with the output of every operator among its outputs, so that every runtime keeps them: (model, tensors)."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    tensors = []
    for operator in graph.operators:
        tensors += [int(o) for o in operator.outputs if int(o) >= 0 and int(o) not in tensors]
    graph.outputs, model.signatureDefs = tensors, None
    # LiteRT refuses one-dimensional tensors that are quantized along another axis than 0; TensorFlow Lite Micro does not look.
    for tensor in graph.tensors:
        if tensor.quantization is not None and tensor.shape is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    return pack(model), tensors


class LiteRt:
    def __init__(self, content, kernel):
        self.interpreter = Interpreter(model_content=content, experimental_op_resolver_type=RESOLVERS[kernel], num_threads=1)
        self.interpreter.allocate_tensors()

    def run(self, inputs):
        for detail, x in zip(self.interpreter.get_input_details(), inputs):
            self.interpreter.set_tensor(detail["index"], x.reshape(detail["shape"]).astype(detail["dtype"]))
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(d["index"]).copy() for d in self.interpreter.get_output_details()]


class Micro:
    def __init__(self, content, count):
        from tflite_micro import runtime
        self.interpreter, self.count = runtime.Interpreter.from_bytes(content, arena_size=8 << 20), count

    def run(self, inputs):
        for k, x in enumerate(inputs):
            self.interpreter.set_input(x, k)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(k)) for k in range(self.count)]


def layers(content, kernel, samples):
    """What `layers_here` says, from a process of its own: a runtime that aborts ends that process only."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer = layers_here(content, kernel, samples)
        except Exception as error:
            answer = (str(error).strip() or repr(error)).splitlines()[-1][:120]
        with os.fdopen(writable, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        data = pipe.read()
    status = os.waitpid(child, 0)[1]
    return pickle.loads(data) if status == 0 else f"the runtime ended with signal {os.WTERMSIG(status)}"


def layers_here(content, kernel, samples):
    """For each sample {tensor index: integers}. Where a runtime computes another output without the other tensors exposed, that one is taken."""
    whole, tensors = exposed(content)
    graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
    outputs = [int(o) for o in graph.outputs]
    make = (lambda c, n: Micro(c, n)) if kernel == "tflm" else (lambda c, n: LiteRt(c, kernel))
    all_layers, plain = make(whole, len(tensors)), make(reset(content, outputs), len(outputs))
    result = []
    for sample in samples:
        values = dict(zip(tensors, all_layers.run(sample)))
        values.update(zip(outputs, plain.run(sample)))
        result.append(values)
    return result


def reset(content, outputs):
    """The model as it is, repaired as `exposed` repairs it."""
    model = schema.ModelT.InitFromPackedBuf(exposed(content)[0], 0)
    model.subgraphs[0].outputs = outputs
    return pack(model)
