"""The room that samples take, in a cache or in memory: each that of its target, or only as much as it is long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Arrays, Target, room_for, sample_bytes
from mixup_cli.fields.uneven import Uneven, starts_of
from mixup_cli.scan.cache import CacheStorage, allocate, allocate_uneven
from mixup_cli.sources.reading.base import Source


def rooms_of(source: Source, targets: Sequence[Target]) -> NDArray[np.int64] | None:
    """How many places in time each sample takes, int64 (n), where these differ: see `Source.rooms`."""
    rooms = source.rooms(targets[0]) if len(targets) == 1 else None
    return None if rooms is None or (rooms == targets[0].form.time).all() else rooms


def cache_bytes(source: Source, targets: Sequence[Target]) -> int:
    """What all samples take in a cache."""
    rooms = rooms_of(source, targets)
    if rooms is None:
        return len(source) * sample_bytes(targets)
    return int(starts_of(rooms, targets[0].form)[-1]) * np.dtype(targets[0].form.dtype).itemsize


def allocate_for(source: Source, targets: Sequence[Target], folder: Path, kind: CacheStorage) -> Arrays:
    """Room for all samples of a source: see `allocate`."""
    rooms = rooms_of(source, targets)
    if rooms is None:
        return allocate([each.form for each in targets], len(source), folder, kind)
    return allocate_uneven(rooms, targets[0].form, folder, kind)


def room_of(rooms: NDArray[np.int64] | None, targets: Sequence[Target], start: int, stop: int) -> Arrays:
    """Memory for samples start … stop−1 of a source with these `rooms_of` it."""
    if rooms is None:
        return room_for(targets, stop - start)
    made: Any = Uneven.room(rooms[start:stop], targets[0].form)
    return (made,)
