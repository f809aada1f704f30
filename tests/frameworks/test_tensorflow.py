"""The TensorFlow reader: static shapes, an epoch each iteration, threads that keep the order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.readers import tensorflow
from mixup_cli.readers.tensorflow import mixed_dataset
from mixup_cli.readers.view import Batch
from tests.contracts.reader_contract import PASSES, ReaderContract, write_mixed
from tests.running import LAST_RESORT_SECONDS


class TestMixedDataset(ReaderContract):
    axes: ClassVar[Axes] = "hwc"

    def open(self, folder: Path, **choices: Any) -> Any:
        return mixed_dataset(folder, 8, **choices)

    def batches(self, reader: Any) -> Iterable[Batch]:
        found: Iterable[Batch] = reader.as_numpy_iterator()
        return found

    def losses(self, reader: Any) -> Sequence[float]:
        images, labels = next(iter(reader))
        inputs = tf.reshape(tf.cast(images, tf.float32) / 255, [len(images), -1])
        weights = tf.Variable(tf.zeros([inputs.shape[1], labels.shape[1]]))
        found = []
        for _ in range(3):
            with tf.GradientTape() as tape:
                each = tf.nn.softmax_cross_entropy_with_logits(labels, inputs @ weights)
                loss = tf.reduce_mean(each)
            weights.assign_sub(0.05 * tape.gradient(loss, weights))
            found.append(float(loss))
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("tensorflow"))


def rows_of(data: Any) -> list[int]:
    return [row for batch in data for row in batch["index"].numpy().tolist()]


def test_shapes_are_static(folder: Path) -> None:
    spec = {"images": ([4, 6, 3], tf.uint8), "labels": ([3], tf.float32)}
    for drop_remainder, rows, count in ((True, 8, 5), (False, None, 6)):
        data = mixed_dataset(folder, 8, seed=1, drop_remainder=drop_remainder)
        assert data.element_spec == tuple(tf.TensorSpec([rows, *shape], dtype) for shape, dtype in spec.values())
        assert len(data) == count == len(list(data))
    named = mixed_dataset(folder, 8, sample=["labels", "method"]).element_spec
    assert named == {"labels": tf.TensorSpec([None, 3], tf.float32), "method": tf.TensorSpec([None], tf.uint8)}
    assert mixed_dataset(folder, 8, sample="pair").element_spec[1:] == (
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.float32),
    )


@pytest.mark.parametrize("choices", [{}, {"sample": "pair"}, {"sample": ["index", "images"], "epoch": 0}], ids=str)
@pytest.mark.parametrize("drop_remainder", [False, True])
def test_batches_that_are_read_together_are_the_same(
    drop_remainder: bool, choices: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(most_bytes: int) -> list[Any]:
        monkeypatch.setattr(tensorflow, "READ_BYTES", most_bytes)
        data = mixed_dataset(folder, 4, seed=1, drop_remainder=drop_remainder, **choices)
        found = [*data.as_numpy_iterator()]
        assert len(found) == len(data)
        return [[*each.values()] if isinstance(each, dict) else [*each] for each in found]

    alone = shown(0)
    row_bytes = sum(part[0].nbytes for part in alone[0])
    together = shown(3 * 4 * row_bytes)  # of 11 batches or 5, some are left
    assert len(together) == len(alone)
    for parts, others in zip(together, alone, strict=True):
        assert all(np.array_equal(part, other) for part, other in zip(parts, others, strict=True))


def test_each_iteration_is_shuffled_anew_and_the_same_again(folder: Path) -> None:
    data, again = (mixed_dataset(folder, 4, seed=5, sample=["index"]) for _ in range(2))
    epochs = [rows_of(data) for _ in range(3)]
    assert all(sorted(rows) == [*range(45)] for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) == 3
    assert rows_of(again.repeat(3)) == [row for rows in epochs for row in rows]


def test_each_iteration_shows_the_next_pass(folder: Path) -> None:
    data = mixed_dataset(folder, 4, seed=5, epoch=1, sample=["index"])
    epochs = [rows_of(data) for _ in range(3)]
    assert [sorted(rows) for rows in epochs] == [[*PASSES[1]], [*PASSES[0]], [*PASSES[1]]]
    assert epochs[0] != epochs[2]


def test_a_failed_read_says_where_and_what_to_do(tmp_path: Path) -> None:
    folder = write_mixed(tmp_path)
    data = mixed_dataset(folder, 8)
    (folder / "shard-00004.h5").unlink()
    with pytest.raises(tf.errors.UnknownError, match=r"shard-00004\.h5: .* Run mixup-gen verify\."):
        list(data)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch_size": 0}, "batch_size=0: expected a whole number, 1 or more."),
        ({"batch_size": 46, "drop_remainder": True}, "batch_size=46: 45 rows are less than one batch."),
        ({"batch_size": 4, "seed": -1}, "seed=-1: expected a whole number, 0 or more."),
    ],
)
def test_mistakes(how: dict[str, Any], message: str, folder: Path) -> None:
    with pytest.raises(UsageError, match=message):
        mixed_dataset(folder, **how)


UNFINISHED = """
import sys
from mixup_cli.readers import tensorflow
from mixup_cli.readers.tensorflow import mixed_dataset
batches = iter(mixed_dataset(sys.argv[1], 1, seed=0).repeat())
for _ in range(60):
    next(batches)
"""


def test_a_program_ends_while_batches_are_read_ahead(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", UNFINISHED, folder], check=True, timeout=LAST_RESORT_SECONDS)
