"""One shard: rows of the plan, blended tile by tile while they are in cache, column after column in file order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device
from mixup_cli.kernels import Weights
from mixup_cli.methods import shares
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.signal import Mixer
from mixup_cli.plan.plan import Planned, Rows
from mixup_cli.scan.supply import Portion, Supply
from mixup_cli.storage.hdf5.layout import Column

TILE_BYTES = 1 << 20
"""Signals are blended, hashed and written in tiles of about this size: larger ones leave the core's cache, and each
costs some Python. For CIFAR's pictures a quarter of it took about a quarter more CPU time (EPYC, 1 MiB of L2 a core),
and twice as much a little more."""

BATCH_BYTES = 32 << 20
"""The same for a GPU, where each tile is a transfer."""


@dataclass(frozen=True)
class Block:
    """Some consecutive rows: the plan's, the parents' shares, and the weights of each method's rows."""

    rows: Rows
    share: NDArray[np.float32]
    groups: list[tuple[NDArray[np.int64], Weights]]


KeptBlock: TypeAlias = tuple[Rows, NDArray[np.float32]]
"""What is kept of a block: the plan's rows and the parents' shares."""


@dataclass(frozen=True)
class ShardMaker:
    """Computes the values of any rows of a data set. `supply` gives the samples, `mixers` blend them: one for each
    signal, by the name of its column, in their order. `batch_size` None leaves the size of tiles to the device."""

    plan: Planned
    supply: Supply
    row_columns: RowColumns
    mixers: Mapping[str, Mixer]
    batch_size: int | None
    device: Device
    checkpoint: Callable[[], None]

    def values(self, start: int, stop: int) -> Callable[[Column], Iterator[NDArray[Any]]]:
        """The values of each column of rows start … stop−1, block by block.

        Ask for the first signal first: the rows and shares that it brings about are kept for the other columns. The
        weights, which may be large, are not: further signals compute them again.
        """
        kept: list[KeptBlock] = []

        def of(column: Column) -> Iterator[NDArray[Any]]:
            if column.name not in self.mixers:
                for rows, share in kept or [(block.rows, block.share) for block in self._blocks(start, stop)]:
                    yield self.row_columns.values(column.name, rows, share)
                return
            is_first = not kept
            for portion in self.supply.portions(range(start, stop)):
                for block in self._blocks(portion.rows.start, portion.rows.stop):
                    if is_first:
                        kept.append((block.rows, block.share))
                    yield from self._tiles(block, portion, column)
                del portion  # its samples go before the next ones come

        return of

    def _blocks(self, start: int, stop: int) -> Iterator[Block]:
        block_rows = self.plan.methods.block_rows
        for first in range(start, stop, block_rows):
            yield self._block(first, min(first + block_rows, stop))

    def _block(self, start: int, stop: int) -> Block:
        self.checkpoint()
        rows = self.plan.rows(start, stop)
        methods = self.plan.methods
        share = np.zeros((len(rows), methods.parent_count), np.float32)
        groups = []
        for number, positions in methods.groups(rows.method):
            weights = methods.weights(number, rows.decisions[positions])
            share[positions, : weights.parts.shape[1]] = shares(weights, methods.grid)
            groups.append((positions, weights))
        return Block(rows, share, groups)

    def _tiles(self, block: Block, portion: Portion, column: Column) -> Iterator[NDArray[Any]]:
        """A signal of a block, tile by tile in one buffer: take each before asking for the next."""
        signal, mixer = [*self.mixers].index(column.name), self.mixers[column.name]
        tile_rows = min(tile_rows_for(column, self.batch_size, self.device), len(block.rows))
        blended = np.empty((tile_rows, *column.shape), _blend_dtype(column.dtype))
        placed = replace(block.rows, parents=portion.places(block.rows.parents))
        for first in range(0, len(block.rows), tile_rows):
            self.checkpoint()
            tile = blended[: len(block.rows) - first]
            for positions, weights in block.groups:
                part = slice(*np.searchsorted(positions, [first, first + len(tile)]))
                inside = positions[part]
                if len(inside):
                    mixer.mix(portion.for_a_tile(signal), placed[inside], weights.of(part), tile, inside - first)
            yield tile.astype(column.dtype, copy=False)


def _blend_dtype(column_dtype: str) -> str:
    """The dtype that kernels write: float16 output is blended in float32 and rounded once."""
    return "float32" if column_dtype == "float16" else column_dtype


def tile_rows_for(column: Column, batch_size: int | None, device: Device) -> int:
    """Rows of one tile: `batch_size` if one is asked for, else what fits in a core's cache, or is worth a transfer."""
    tile_bytes = TILE_BYTES if device == "cpu" else BATCH_BYTES
    return batch_size or max(1, tile_bytes // max(1, column.row_bytes))
