"""Trains two networks of few bits with Brevitas (PyTorch) and exports them as QONNX.

    python3 train_qonnx.py

Writes digits_w3a3.onnx (two convolutions and a dense layer, weights and activations of 3 bits) and digits_binary.onnx (three dense
layers, weights and hidden activations -1 or 1). Inputs are pixels over 256. All scales are powers of two, so that the floats of
the file are exact and the network has one meaning, whoever runs it.
"""

import numpy as np
import onnx
import torch
from brevitas import nn as qnn
from brevitas.export import export_qonnx
from brevitas.quant import Int8WeightPerTensorFixedPoint, Uint8ActPerTensorFixedPoint
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import nn

from digits import HERE, load


class Weights3(Int8WeightPerTensorFixedPoint):
    bit_width = 3


class Activations3(Uint8ActPerTensorFixedPoint):
    bit_width = 3


class Bipolar(SignedBinaryActPerTensorConst):
    scaling_init = 1.0


class BipolarWeights(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


def few_bits():
    """1 → 8 channels (3×3, stride 2), 8 → 16 (3×3), dense. Batch normalization keeps its factors: they become thresholds."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)),
        qnn.QuantConv2d(1, 8, 3, stride=2, padding=1, bias=False, weight_quant=Weights3),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=Activations3),
        qnn.QuantConv2d(8, 16, 3, bias=False, weight_quant=Weights3),
        nn.BatchNorm2d(16),
        qnn.QuantReLU(act_quant=Activations3),
        nn.Flatten(),
        qnn.QuantLinear(64, 10, bias=False, weight_quant=Weights3),
    )


def binary():
    """64-64-48-10, as FINN's TFC: the last layer's sums are the logits."""
    sizes = [64, 64, 48]
    layers = [nn.Flatten()]
    for into, out in zip(sizes, sizes[1:]):
        layers += [
            qnn.QuantLinear(into, out, bias=False, weight_quant=BipolarWeights),
            nn.BatchNorm1d(out),
            qnn.QuantIdentity(act_quant=Bipolar),
        ]
    return nn.Sequential(*layers, qnn.QuantLinear(sizes[-1], 10, bias=False, weight_quant=BipolarWeights))


def train(model, images, labels, epochs, temperature):
    """`temperature` divides the logits, which of binary networks are large integers."""
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        for chosen in torch.randperm(len(images)).split(32):
            x = (images[chosen] + 0.05 * torch.randn(len(chosen), 8, 8)).clamp(0, 255 / 256)
            optimizer.zero_grad()
            loss(model(x) / temperature, labels[chosen]).backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def accuracy(model, images, labels):
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def without_metadata(model):
    """The same model without what the exporter notes about its own run: stack traces, with the paths of this machine."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return model


def main():
    torch.set_num_threads(1)
    images, test_images, labels, test_labels = load()
    images, test_images = (torch.tensor(x / 256, dtype=torch.float32) for x in (images, test_images))
    labels, test_labels = (torch.tensor(x.astype(np.int64)) for x in (labels, test_labels))
    for name, network, epochs, temperature in (("digits_w3a3", few_bits, 60, 1.0), ("digits_binary", binary, 150, 8.0)):
        torch.manual_seed(5)
        model = train(network(), images, labels, epochs, temperature)
        print(f"{name}: {accuracy(model, test_images, test_labels):.4f} of the test images")
        path = str(HERE / f"{name}.onnx")
        export_qonnx(model, test_images[:1], export_path=path, input_names=["image"], output_names=["logits"], opset_version=18)
        exported = without_metadata(onnx.load(path))
        onnx.checker.check_model(onnx.shape_inference.infer_shapes(exported))
        onnx.save(exported, path)


if __name__ == "__main__":
    main()
