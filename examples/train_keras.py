"""Train a residual network on CIFAR-10 that mixup-gen has mixed, in Keras 3 with any backend.

    mixup-gen generate cifar-10-python.tar.gz --split train --alpha 1 --passes 10 -o mixed
    mixup-gen generate cifar-10-python.tar.gz --split test --method none -o test
    KERAS_BACKEND=jax python train_keras.py mixed test

Each epoch shows one pass of `mixed`. Labels are soft: rows of shares that sum to 1.
"""

from __future__ import annotations

import argparse
from typing import Any

import keras
from keras import layers

from mixup_cli.readers.keras import MixedDataset

MODELS = {"resnet18": ((64, 128, 256, 512), 2), "small": ((32, 64, 128), 1)}
"""Widths of the stages, and blocks in each. Both have the stem for CIFAR: a 3 × 3 convolution, and no pooling."""


def convolution(images: Any, width: int, size: int, stride: int = 1) -> Any:
    """A convolution with batch normalisation."""
    images = layers.Conv2D(width, size, stride, padding="same", use_bias=False)(images)
    return layers.BatchNormalization(momentum=0.9)(images)


def block(images: Any, width: int, stride: int) -> Any:
    """Two convolutions and a way around them (He et al., CVPR 2016)."""
    around = images
    if stride != 1 or images.shape[-1] != width:
        around = convolution(images, width, 1, stride)
    images = layers.ReLU()(convolution(images, width, 3, stride))
    return layers.ReLU()(convolution(images, width, 3) + around)


def residual_network(model: str, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Takes images as the data set stores them, bytes of this shape, and gives logits."""
    widths, blocks = MODELS[model]
    inputs = keras.Input(shape, dtype="uint8")
    images = layers.Rescaling(1 / 64, offset=-120 / 64)(inputs)
    images = layers.ReLU()(convolution(images, widths[0], 3))
    for stage, width in enumerate(widths):
        for number in range(blocks):
            images = block(images, width, 2 if stage and not number else 1)
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(images)))


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
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    mixed = MixedDataset(options.mixed, options.batch_size, seed=options.seed, epoch=0, drop_remainder=True)
    network = residual_network(options.model, mixed.view.parts[0].shape, len(mixed.class_names))
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, options.epochs * len(mixed))
    network.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=5e-4),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    # The rows are shuffled already, in each epoch in another order.
    network.fit(mixed, epochs=options.epochs, validation_data=MixedDataset(options.test, 500), shuffle=False, verbose=2)


if __name__ == "__main__":
    main()
