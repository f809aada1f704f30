"""The values of a shard: rows of the plan, blended tile by tile while they are in cache, then the other columns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device
from mixup_cli.fields.signal import FIRST, INSTANCES
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import DonorMaps
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.instances import InstanceMaps, pixel_counts
from mixup_cli.mixing.signal import Mixer
from mixup_cli.plan.plan import Planned, Rows
from mixup_cli.scan.supply import Portion, Supply
from mixup_cli.storage.hdf5.layout import Column

TILE_BYTES = 1 << 20
"""Signals are blended, hashed and written in tiles of about this size: larger ones leave the core's cache, and each
costs some Python. For CIFAR's images a quarter of it took about a quarter more CPU time (EPYC, 1 MiB of L2 a core),
and twice as much a little more."""

BATCH_BYTES = 32 << 20
"""The same for a GPU, where each tile is a transfer."""


Groups: TypeAlias = list[tuple[NDArray[np.int64], Weights]]
"""The rows of each method that occurs, by their positions, and their weights."""


@dataclass(frozen=True)
class Block:
    """Some consecutive rows: the plan's, the parents' shares, and the weights of each method's rows."""

    rows: Rows
    share: NDArray[np.float32]
    groups: Groups

    def parts(self, first: int, last: int) -> Iterator[tuple[NDArray[np.int64], Weights]]:
        """Of the rows first … last−1 of the block, those of each method: their positions, and their weights."""
        for positions, weights in self.groups:
            part = slice(*np.searchsorted(positions, [first, last]))
            if part.start < part.stop:
                yield positions[part], weights.of(part)


MapsOfRows: TypeAlias = Callable[[Rows, str], DonorMaps]
"""Gives the donors' index maps of rows, by their column."""


def block_of(plan: Planned, start: int, stop: int, maps_of: MapsOfRows | None = None) -> Block:
    """Rows start … stop−1 of a plan with their shares and weights. No sample is needed, but by methods that need index
    maps: without `maps_of` they raise UsageError."""
    rows, methods = plan.rows(start, stop), plan.methods
    groups = []
    for number, positions in methods.groups(rows.method):
        maps = None if maps_of is None else partial(maps_of, rows[positions])
        groups.append((positions, methods.weights(number, rows.decisions[positions], maps)))
    return Block(rows, _shares(rows, methods, groups) if rows.share is None else rows.share, groups)


def _shares(rows: Rows, methods: MethodSet, groups: Groups) -> NDArray[np.float32]:
    """The shares of all parents: float32 (m, P)."""
    share = np.zeros((len(rows), methods.parent_count), np.float32)
    for positions, weights in groups:
        found = methods.shares(int(rows.method[positions[0]]), rows.decisions[positions], weights)
        share[positions, : found.shape[1]] = found
    return share


Others: TypeAlias = Callable[[Column], Iterator[NDArray[Any]]]
"""Gives every column but that of the first signal, block by block."""

Mixing: TypeAlias = Generator[NDArray[Any], None, Others]
"""The first signal of a shard, tile by tile in one buffer: take each before asking for the next. The generator returns
what gives the other columns, which therefore come after it."""


class ShardValues:
    """The columns of a shard as a writer asks for them, each once. Tiles of the first signal that were not taken when
    another column is asked for are mixed and dropped."""

    def __init__(self, mixing: Mixing, first_name: str = FIRST) -> None:
        self._mixing, self._first_name = mixing, first_name
        self._others: Others | None = None

    def __call__(self, column: Column) -> Iterator[NDArray[Any]]:
        """A column, block by block."""
        if column.name == self._first_name:
            return self._first()
        for _ in self._first():
            pass
        if self._others is None:
            raise ValueError("mixing these rows has failed before")
        return self._others(column)

    def _first(self) -> Iterator[NDArray[Any]]:
        while self._others is None:  # not `yield from`, which would end mixing when a reader stops half-way
            try:
                tile = next(self._mixing)
            except StopIteration as end:
                self._others = end.value
                return
            yield tile


@dataclass(frozen=True)
class SignalMaker:
    """What makes the column of one signal, `tile_rows` rows at a time."""

    column: Column
    mixer: Mixer
    tile_rows: int


@dataclass(frozen=True)
class ShardMaker:
    """Computes the values of any rows of a data set. `supply` gives the samples, of the same `signals` in order."""

    plan: Planned
    supply: Supply
    row_columns: RowColumns
    signals: tuple[SignalMaker, ...]
    checkpoint: Callable[[], None]

    def values(self, rows: range) -> ShardValues:
        """The values of each column of these rows."""
        first = self.signals[0].column.name if self.signals else FIRST
        return ShardValues(self.mix(rows), first)

    def mix(self, rows: range) -> Mixing:
        """Mix the rows. See `Mixing`."""
        kept = []  # rows and shares, and not the weights, which may be large: further signals compute them again
        for portion in self.supply.portions(rows):
            for block in self._blocks(portion):
                kept.append((block.rows, block.share, self._objects(block, portion)))
                if self.signals:
                    yield from self._tiles(block, portion, 0)
            del portion  # its samples go before the next ones come
        numbers = {signal.column.name: number for number, signal in enumerate(self.signals)}

        def other(column: Column) -> Iterator[NDArray[Any]]:
            if column.name in numbers and not any(column.name in made for _, _, made in kept):
                return self._signal(rows, numbers[column.name])
            return (
                made[column.name] if column.name in made else self.row_columns.values(column.name, rows, share)
                for rows, share, made in kept
            )

        return other

    def _objects(self, block: Block, portion: Portion) -> Mapping[str, NDArray[Any]]:
        """The columns of objects for a block, by name: none of a source without objects."""
        maker = self.row_columns.objects
        number = next((number for number, each in enumerate(self.signals) if each.column.name == INSTANCES), None)
        if maker is None or number is None:
            return {} if maker is None else maker.columns(block.rows)
        placed = replace(block.rows, parents=portion.places(block.rows.parents))
        made = []
        for first in range(0, len(block.rows), self.signals[number].tile_rows):
            self.checkpoint()
            rows = range(first, min(first + self.signals[number].tile_rows, len(block.rows)))
            maps = self._maps(number, portion, placed, block, rows, maker.stride)
            made.append(maker.columns(block.rows[np.array(rows)], maps))
        return {name: np.concatenate([each[name] for each in made]) for name in made[0]}

    def _maps(
        self, number: int, portion: Portion, placed: Rows, block: Block, rows: range, stride: int
    ) -> InstanceMaps:
        """The instances of some rows of a block. `placed` are its rows with their parents' places in the portion."""
        signal, samples = self.signals[number], portion.for_a_tile(number)
        mixed = np.empty((len(rows), *signal.column.shape), signal.column.dtype)
        slots = None if mixed.ndim > samples.ndim else np.zeros(mixed.shape, mixed.dtype)
        for positions, weights in block.parts(rows.start, rows.stop):
            signal.mixer.mix(samples, placed[positions], weights, mixed, positions - rows.start)
            if slots is not None:
                slots[positions - rows.start] = signal.mixer.slots(placed[positions], weights)
        return InstanceMaps.of(mixed, slots, pixel_counts(samples, placed.parents[rows.start : rows.stop], stride))

    def _signal(self, rows: range, number: int) -> Iterator[NDArray[Any]]:
        for portion in self.supply.portions(rows):
            for block in self._blocks(portion):
                yield from self._tiles(block, portion, number)

    def _blocks(self, portion: Portion) -> Iterator[Block]:
        rows, block_rows = portion.rows, self.plan.methods.block_rows
        for first in range(rows.start, rows.stop, block_rows):
            self.checkpoint()
            block = block_of(self.plan, first, min(first + block_rows, rows.stop), partial(self._donor_maps, portion))
            yield replace(block, rows=self.row_columns.seen(block.rows))

    def _donor_maps(self, portion: Portion, rows: Rows, name: str) -> DonorMaps:
        number = [signal.column.name for signal in self.signals].index(name)
        stage, donor = self.signals[number].mixer.stage, slice(1, 2)
        views = None if rows.views is None else rows.views[:, donor]
        places = portion.places(rows.parents[:, donor])
        samples, places = stage.set(portion.for_a_tile(number), places, views, Unmixed(), rows.decisions)
        seen = samples[places[:, 0]].astype(np.int32)
        return np.where(seen == stage.fill.item(), -1, seen)

    def _tiles(self, block: Block, portion: Portion, number: int) -> Iterator[NDArray[Any]]:
        signal = self.signals[number]
        tile_rows = min(signal.tile_rows, len(block.rows))
        dtype = blend_dtype(signal.column.dtype, signal.mixer.stage.form.dtype)
        blended = np.empty((tile_rows, *signal.column.shape), dtype)
        placed = replace(block.rows, parents=portion.places(block.rows.parents))
        for first in range(0, len(block.rows), tile_rows):
            self.checkpoint()
            tile = blended[: len(block.rows) - first]
            for positions, weights in block.parts(first, first + len(tile)):
                samples = portion.for_a_tile(number)
                signal.mixer.mix(samples, placed[positions], weights, tile, positions - first)
            yield stored(tile, signal.column.dtype)


def blend_dtype(column_dtype: str, sample_dtype: str) -> str:
    """The dtype that kernels write: output that they cannot write is blended in float32 and rounded once; numbers of
    more bits, which are selected, come as the samples have them."""
    return {"float16": "float32", "int16": "float32", "int32": sample_dtype}.get(column_dtype, column_dtype)


INT16_SCALE = 32768
"""What stands for 1.0 in a wave of 16 bits, as in files."""


def stored(values: NDArray[Any], dtype: str) -> NDArray[Any]:
    """What kernels have written, as it is stored."""
    if dtype == "int16":
        values = np.clip(np.rint(values * np.float32(INT16_SCALE)), -INT16_SCALE, INT16_SCALE - 1)
    return values.astype(dtype, copy=False)


def tile_rows_for(column: Column, batch_size: int | None, device: Device) -> int:
    """Rows of one tile: `batch_size` if given, else what fits in a core's cache, or is worth a transfer."""
    tile_bytes = TILE_BYTES if device == "cpu" else BATCH_BYTES
    return batch_size or max(1, tile_bytes // max(1, column.row_bytes))
