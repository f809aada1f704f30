"""Train a residual network on CIFAR-10 that mixup-gen has mixed, in plain PyTorch.

    mixup-gen generate cifar-10-python.tar.gz --split train --alpha 1 --passes 10 -o mixed
    mixup-gen generate cifar-10-python.tar.gz --split test --method none -o test
    python train_cifar10.py mixed test

Each epoch shows one pass of `mixed`. Labels are soft: rows of shares that sum to 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu
from torch.utils.data import DataLoader

from mixup_cli.readers.pytorch import MixedDataset

MODELS = {"resnet18": ((64, 128, 256, 512), 2), "small": ((32, 64, 128), 1)}
"""Widths of the stages, and blocks in each. Both have the stem for CIFAR: a 3 × 3 convolution, and no pooling."""


class Block(nn.Module):
    """Two convolutions and a way around them (He et al., CVPR 2016)."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.around = nn.Sequential()
        if stride != 1 or before != width:
            self.around = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, images: Tensor) -> Tensor:
        return relu(self.convolutions(images) + self.around(images))


def residual_network(model: str, classes: int) -> nn.Sequential:
    """Takes float images, (N, 3, H, W), and gives logits, (N, classes)."""
    widths, blocks = MODELS[model]
    width = widths[0]
    layers = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    for stage, next_width in enumerate(widths):
        for number in range(blocks):
            layers.append(Block(width, next_width, 2 if stage and not number else 1))
            width = next_width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def as_input(images: Tensor, network: nn.Module) -> Tensor:
    """Bytes as floats around 0, on the network's device. A quarter of the bytes of floats has to go there."""
    return (images.to(next(network.parameters()).device, non_blocking=True).float() - 120) / 64


def train(
    network: nn.Module, loader: DataLoader[Any], epochs: int, rate: float, loss_of: Any = cross_entropy
) -> Iterator[float]:
    """Train, and give the mean loss of each epoch. `rate` is the highest learning rate: it rises to it, then falls."""
    optimizer = torch.optim.SGD(network.parameters(), rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, epochs * len(loader), pct_start=0.2)
    for epoch in range(epochs):
        loader.dataset.set_epoch(epoch)  # type: ignore[attr-defined]  # the next pass
        network.train()
        losses = []
        for images, labels in loader:
            scores = network(as_input(images, network))
            loss = loss_of(scores, labels.to(scores.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        yield float(torch.stack(losses).mean())


@torch.inference_mode()
def predict(network: nn.Module, loader: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    """The scores of each sample before softmax, (N, K), and its class, (N)."""
    network.eval()
    found = [(network(as_input(images, network)), labels.argmax(1)) for images, labels in loader]
    scores, classes = zip(*found, strict=True)
    return torch.cat(scores).cpu(), torch.cat(classes)


def main() -> None:
    """Train, and print the accuracy on the test split after each epoch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mixed", help="the data set to train on")
    parser.add_argument("test", help="the test split, unmixed")
    parser.add_argument("--model", choices=MODELS, default="resnet18")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    mixed, test = MixedDataset(options.mixed, epoch=0), MixedDataset(options.test)
    network = residual_network(options.model, len(mixed.class_names)).to(options.device)
    loader = DataLoader(mixed, options.batch_size, shuffle=True, drop_last=True)
    losses = train(network, loader, options.epochs, options.learning_rate)
    for epoch, loss in enumerate(losses, 1):
        scores, classes = predict(network, DataLoader(test, 500))
        accuracy = (scores.argmax(1) == classes).float().mean()
        print(f"epoch {epoch}: loss {loss:.3f}, accuracy on the test split {accuracy:.2%}", flush=True)


if __name__ == "__main__":
    main()
