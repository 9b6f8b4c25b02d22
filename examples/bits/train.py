"""Trains a small network of floats on handwritten digits with PyTorch, and exports it as ONNX.

    python3 train.py

Writes digits.onnx. Nothing in it is quantized: bits.qnn says by which formats it is to be. Inputs are grey levels over 256; their mean and
standard deviation are part of the file, as in most files that training leaves.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "models"))
from digits import load  # noqa: E402


class Normalize(nn.Module):
    def __init__(self, mean, deviation):
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def forward(self, x):
        return (x - self.mean) / self.deviation


def network(mean, deviation):
    """1 → 6 channels (3×3, stride 2), a hidden layer of 16, 10 scores."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)),
        Normalize(mean, deviation),
        nn.Conv2d(1, 6, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 16),
        nn.ReLU(),
        nn.Linear(16, 10),
    )


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    train, test, train_labels, test_labels = load()
    x, labels = torch.from_numpy(train.astype(np.float32) / 256), torch.from_numpy(train_labels.astype(np.int64))
    model = network(round(float(x.mean()), 2), round(float(x.std()), 2))
    epochs = 60
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(epochs):
        model.train()
        for chosen in torch.randperm(len(x)).split(32):
            noisy = (x[chosen] + 0.05 * torch.randn(len(chosen), 8, 8)).clamp(0, 255 / 256)
            optimizer.zero_grad()
            loss(model(noisy), labels[chosen]).backward()
            optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        right = model(torch.from_numpy(test.astype(np.float32) / 256)).argmax(1).numpy() == test_labels
    print(f"{right.mean():.1%} of {len(test)} test images")
    sample = torch.zeros(1, 8, 8)
    torch.onnx.export(model, (sample,), HERE / "digits.onnx", input_names=["image"], output_names=["scores"], external_data=False)


if __name__ == "__main__":
    main()
