"""What a reader shows of a data set: the contract of all readers, met by the core that they stand on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixup_cli.readers.view import Batch, View
from tests.contracts.reader_contract import ReaderContract


class TestView(ReaderContract):
    def open(self, folder: Path, **choices: Any) -> View:
        return View(folder, "chw", **choices)

    def batches(self, reader: View) -> Iterable[Batch]:
        return (reader.read(rows) for rows in reader.batches(8, epoch=reader.choices.get("epoch") or 0))

    def losses(self, reader: View) -> Sequence[float]:
        """Of a linear classifier."""
        batch: Any = reader.read(np.arange(20))
        images, labels = batch
        inputs = images.reshape(len(images), -1) / 255
        weights, found = np.zeros((inputs.shape[1], labels.shape[1])), []
        for _ in range(3):
            scores = np.exp(inputs @ weights)
            shares = scores / scores.sum(axis=1, keepdims=True)
            found.append(-(labels * np.log(shares)).sum(axis=1).mean())
            weights -= 0.1 * inputs.T @ (shares - labels) / len(labels)
        return found
