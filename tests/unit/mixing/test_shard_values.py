"""The columns of a shard, in whatever order and however far a reader takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.mixing.shard_values import Mixing, ShardValues
from mixup_cli.storage.hdf5.layout import Column

IMAGES, INDEX = Column("images", "uint8", (1,)), Column("index", "int64", ())


def mixing(fails: bool = False) -> Mixing:
    """Three tiles, and an index of two rows for each tile that was mixed."""
    kept: list[NDArray[Any]] = []
    for number in range(3):
        kept.append(np.array([2 * number, 2 * number + 1]))
        yield np.full((2, 1), number, np.uint8)
    if fails:
        raise OSError("the source is gone")

    def others(column: Column) -> Iterator[NDArray[Any]]:
        assert column == INDEX
        yield from kept

    return others


@pytest.mark.parametrize("taken", range(4))
def test_other_columns_have_all_rows_however_many_tiles_were_taken(taken: int) -> None:
    values = ShardValues(mixing())
    images = values(IMAGES)
    assert [int(next(images)[0, 0]) for _ in range(taken)] == list(range(taken))
    del images  # a reader that has found what it looked for
    for _ in range(2):
        assert np.concatenate(list(values(INDEX))).tolist() == list(range(6))


def test_no_other_column_follows_mixing_that_failed() -> None:
    values = ShardValues(mixing(fails=True))
    with pytest.raises(OSError, match="gone"):
        list(values(IMAGES))
    with pytest.raises(ValueError, match="failed"):
        values(INDEX)
