"""The JAX readers: sources of grain's, in any number of workers, and batches on a device."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import grain
import jax
import numpy as np
import pytest
from jax import numpy as jnp

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.readers.jax import MixedBatches, MixedDataset, on_device
from mixup_cli.readers.view import Batch
from tests.contracts.reader_contract import PASSES, ReaderContract, write_mixed
from tests.running import LAST_RESORT_SECONDS

ROOT = Path(__file__).parents[2]


def losses(batch: Any) -> list[float]:
    """Three steps of a linear model on a batch."""
    images, labels = batch
    inputs = jnp.asarray(images).reshape(len(images), -1).astype(jnp.float32) / 255

    def loss(weights: Any) -> Any:
        return -(labels * jax.nn.log_softmax(inputs @ weights)).sum(axis=1).mean()

    weights = jnp.zeros((inputs.shape[1], labels.shape[1]))
    found: list[float] = []
    for _ in range(3):
        value, gradient = jax.value_and_grad(loss)(weights)
        weights -= 0.05 * gradient
        found.append(float(value))
    return found


def loader(source: Any, workers: int, *operations: Any, seed: int | None = None) -> Any:
    """grain's DataLoader over an epoch of a source."""
    shuffled = {"shuffle": seed is not None, "seed": seed}
    sampler = grain.samplers.IndexSampler(
        len(source), num_epochs=1, shard_options=grain.sharding.NoSharding(), **shuffled
    )
    return grain.DataLoader(data_source=source, sampler=sampler, operations=operations, worker_count=workers)


class TestMixedDataset(ReaderContract):
    axes: ClassVar[Axes] = "hwc"

    def open(self, folder: Path, **choices: Any) -> MixedDataset:
        return MixedDataset(folder, **choices)

    def batches(self, reader: MixedDataset) -> Iterable[Batch]:
        for batch in loader(reader, 0, grain.transforms.Batch(8)):  # which sorts names
            yield {name: batch[name] for name in reader[0]} if isinstance(batch, dict) else batch

    def losses(self, reader: MixedDataset) -> Sequence[float]:
        return losses(grain.MapDataset.source(reader).batch(20)[0])


class TestMixedBatches(ReaderContract):
    axes: ClassVar[Axes] = "hwc"

    def open(self, folder: Path, **choices: Any) -> MixedBatches:
        return MixedBatches(folder, 8, **choices)

    def batches(self, reader: MixedBatches) -> Iterable[Batch]:
        found: Iterable[Batch] = grain.MapDataset.source(reader).to_iter_dataset()
        return found

    def losses(self, reader: MixedBatches) -> Sequence[float]:
        return losses(next(on_device(reader)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("jax"))


def rows_of(batches: Iterable[Any]) -> list[int]:
    return [row for batch in batches for row in np.asarray(batch["index"]).tolist()]


def test_samples_are_arrays_without_the_first_dimension(folder: Path) -> None:
    data = MixedDataset(folder)
    image, label = data[-1]
    assert (image.shape, image.dtype, label.shape, label.dtype) == ((4, 6, 3), np.uint8, (3,), np.float32)
    assert MixedDataset(folder, sample=["index"], epoch=1)[2]["index"] == PASSES[1][2]
    with pytest.raises(IndexError, match="sample 45 of 45"):
        data[45]


def test_batches_of_several_epochs(folder: Path) -> None:
    batches = MixedBatches(folder, 4, seed=5, epoch=1, epochs=3, sample=["index"])
    epochs = [rows_of(batches[4 * epoch + number] for number in range(4)) for epoch in range(3)]
    assert [sorted(rows) for rows in epochs] == [[*PASSES[1]], [*PASSES[0]], [*PASSES[1]]]
    assert epochs[0] != epochs[2]
    assert len(batches) == 12
    assert len(MixedBatches(folder, 4, drop_remainder=True, epoch=0, epochs=2)) == 6
    for batch, again in zip(batches, pickle.loads(pickle.dumps(batches)), strict=True):
        np.testing.assert_array_equal(batch["index"], again["index"])
    assert repr(batches) == repr(MixedBatches(folder, 4, seed=5, epoch=1, epochs=3, sample=["index"]))
    with pytest.raises(IndexError, match="batch 12 of 12"):
        batches[12]
    with pytest.raises(UsageError, match="epochs=0: expected a whole number, 1 or more"):
        MixedBatches(folder, 4, epochs=0)


def test_batches_are_put_on_the_device_one_ahead(folder: Path) -> None:
    asked = []

    def watched() -> Iterable[Any]:
        for number, batch in enumerate(MixedBatches(folder, 8)):
            asked.append(number)
            yield batch

    for number, (images, labels) in enumerate(on_device(watched(), jax.devices()[0])):
        assert isinstance(images, jax.Array)
        assert isinstance(labels, jax.Array)
        assert asked[-1] == min(number + 1, 5)
    assert number == 5


WORKERS = """
import sys
import grain
from absl import app
from mixup_cli.readers.jax import MixedBatches, MixedDataset
from tests.frameworks.test_jax import loader, rows_of

def main(_):
    data = MixedDataset(sys.argv[1], sample=["index"])
    assert sorted(rows_of(loader(data, 2, grain.transforms.Batch(8), seed=1))) == [*range(45)]
    batches = MixedBatches(sys.argv[1], 8, seed=3, sample=["index"])
    by_two = rows_of(loader(batches, 2))
    assert by_two == rows_of(batches)

if __name__ == "__main__":
    app.run(main)  # grain reads flags
"""


def test_workers_give_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(WORKERS)
    command = [sys.executable, str(tmp_path / "script.py"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, check=True, timeout=LAST_RESORT_SECONDS)
