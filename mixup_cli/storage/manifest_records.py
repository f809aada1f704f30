"""What the manifest has a record of besides shards: columns, fields, inputs, members, sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.signal import Signal, SignalKind
from mixup_cli.image_format import ImageFormat
from mixup_cli.storage.shard_records import Count, Model, Sha256, ShardList, ShardRecord

REFERENCE_BYTES = 16
"""What HDF5 takes for a reference to a row of any length."""

Encoding = Annotated[str, Field(pattern="^(png|(jpeg|webp):([1-9][0-9]?|100))$")]
DtypeName = Annotated[str, Field(pattern="^(int8|uint8|int16|uint16|int32|int64|float16|float32)$")]


class ColumnRecord(Model):
    """A data set of every shard."""

    name: str = Field(description="its name in the shard")
    dtype: DtypeName = Field(description="NumPy's name of the type; stored little-endian")
    shape: tuple[Count, ...] = Field(description="the shape of one row")
    encoding: Encoding | None = Field(
        default=None, description="how each row is encoded by itself: as an image of that dtype and shape"
    )
    lossy: Literal[True] | None = Field(default=None, description="whether that encoding changes values")

    @classmethod
    def encoded(cls, name: str, dtype: str, shape: tuple[int, ...], encoding: ImageFormat | None) -> Self:
        """A column whose rows are encoded so, or are stored as they are."""
        if encoding is None:
            return cls(name=name, dtype=dtype, shape=shape)
        return cls(name=name, dtype=dtype, shape=shape, encoding=str(encoding), lossy=encoding.is_lossy or None)

    @property
    def row_bytes(self) -> int:
        """The size of a row's value."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def placed_bytes(self) -> int:
        """What a row takes at the column's offset: its value, or a reference to its encoded bytes."""
        return REFERENCE_BYTES if self.encoding else self.row_bytes


class FieldRecord(Model):
    """A field of every sample besides the column `images` and the label."""

    name: str = Field(description="its column")
    kind: SignalKind = Field(
        description="how parents combine: signals are blended by weight, of index maps one is selected at each "
        "position, and texts are joined"
    )
    axes: Axes = Field(description="what the dimensions of one value are")

    @classmethod
    def of(cls, signal: Signal) -> Self:
        """What the manifest says of a signal."""
        return cls(name=signal.name, kind=signal.kind, axes=signal.axes)


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Skipped:
    """An input that was left out."""  # there can be millions: a Model would take five times the memory

    source_index: Count
    key: str
    reason: str


class InputsRecord(Model):
    """What went in, without where it lay."""

    kind: str
    samples: Count = Field(description="inputs listed in sources.csv, skipped ones included")
    fingerprint: Sha256 = Field(description="sha256 of sources.csv")
    groups: Count | None = Field(default=None, description="how many groups the inputs are in, where they are in any")
    donors: Count | None = Field(
        default=None, description="how many inputs, the last ones, are donors alone, where there are such"
    )


class SourceRecord(InputsRecord):
    """What went in, and what of it was left out."""

    skipped: tuple[Skipped, ...] = ()


class MemberRecord(Model):
    """A data set that was merged. Its shards are those of the rows `start` … `stop`−1; their columns `index`,
    `source_index` and `method` have its own numbers."""

    recipe: dict[str, Any] = Field(description="its recipe")
    recipe_id: Sha256 = Field(description="sha256 of its recipe as canonical JSON")
    source: InputsRecord = Field(description="its source; the fingerprint is that of its own sources.csv")
    methods: tuple[str, ...] = Field(description="what the numbers in its column `method` mean")
    start: Count = Field(description="its first row in the merged data set")
    stop: Count = Field(description="one past its last row")
    first_input: Count = Field(description="the number of its first input in the merged sources.csv")

    @property
    def inputs(self) -> range:
        """Its lines in the merged sources.csv."""
        return range(self.first_input, self.first_input + self.source.samples)


class SamplesRecord(Model):
    """Where the samples are that readers mix, where shards hold the plan: an unmixed data set of the same source."""

    folder: str = Field(description="its folder, with / between names, from that of this manifest on")
    manifest_sha256: Sha256 = Field(description="sha256 of its manifest.json")


class Totals(Model):
    """Sums over the shards."""

    samples: Count
    shards: Count
    bytes: Count

    @classmethod
    def of(cls, shards: Sequence[ShardRecord], lists: Sequence[ShardList]) -> Self:
        """The sums over shards, or over the lists in their place."""
        if lists:
            count, sizes = sum(each.shards for each in lists), [each.shard_bytes for each in lists]
        else:
            count, sizes = len(shards), [each.bytes for each in shards]
        last = (lists or shards)[-1:]
        return cls(samples=last[0].stop if last else 0, shards=count, bytes=sum(sizes))
