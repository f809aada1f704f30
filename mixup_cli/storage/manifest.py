"""The manifest: what makes a folder of shards a data set. Its models are also its published JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from mixup_cli.choices import Compression, LabelKind
from mixup_cli.errors import DataError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.field import Field as SampleField
from mixup_cli.fields.label import Label
from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.fields.objects import BoxEdges, ObjectField
from mixup_cli.fields.signal import Signal, SignalKind, first_kind, first_name
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.storage.contradictions import of_columns, of_members, of_recipes
from mixup_cli.storage.json_files import content_of, to_json
from mixup_cli.storage.manifest_records import (
    ColumnRecord,
    FieldRecord,
    MemberRecord,
    SamplesRecord,
    SourceRecord,
    Totals,
)
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.shard_records import (
    MOST,
    ListedShards,
    Model,
    Sha256,
    ShardList,
    ShardRecord,
    contradictions,
    shard_lists,
)
from mixup_cli.wording import setting

MOST_INPUTS = 1 << 36
"""Arrays of this length are made when a data set is extended."""

MOST_DIMENSIONS = 31
"""Of a row; HDF5 has 32, of which one is the rows."""


class Manifest(Model):
    """A finished data set."""

    format_version: Literal[1] = 1
    members: tuple[MemberRecord, ...] | None = Field(
        default=None, min_length=1, description="the data sets that it was merged from, if it was"
    )
    recipe: dict[str, Any] = Field(
        description="everything that decides a row's bytes; of a merged data set, what its members have in common"
    )
    recipe_id: Sha256 = Field(description="sha256 of the recipe, or of the members, as canonical JSON")
    source: SourceRecord
    class_names: tuple[str, ...] = Field(
        description="names of what the numbers of a label stand for (classes, or quantities), or of the classes of "
        "objects, in order; empty if there are no labels"
    )
    label_kind: LabelKind = Field(
        description="what a row of labels is: shares of classes that sum to 1 (classes, if each parent has one; else "
        "soft), any number of classes in 0 … 1 (multi), finite numbers (real), or nothing (none)"
    )
    axes: Axes = Field(description="what the dimensions of one image, wave … are")
    boxes: BoxEdges | None = Field(
        default=None, description="what the numbers of `object_box` are, if samples have objects"
    )
    fields: tuple[FieldRecord, ...] | None = Field(
        default=None, description="what a sample is made of besides its first signal and its label, if there is more"
    )
    methods: tuple[str, ...] = Field(
        description="what the numbers in the column `method` mean; of a merged data set, the methods of all members"
    )
    compression: Compression
    columns: tuple[ColumnRecord, ...]
    samples: SamplesRecord | None = Field(
        default=None, description="the samples that readers mix, if shards hold the plan"
    )
    mixed: tuple[ColumnRecord, ...] | None = Field(
        default=None, min_length=1, description="what readers mix and compute then: the signals, and dense labels"
    )
    totals: Totals
    shards: Annotated[Sequence[ShardRecord], AfterValidator(tuple)]
    shard_lists: tuple[ShardList, ...] | None = Field(
        default=None, min_length=1, description="files with the records of all shards, in order: `shards` is then empty"
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for problem in _contradictions(self):
            raise PydanticCustomError("contradiction", "{problem}", {"problem": problem})
        return self

    @property
    def recipes(self) -> list[dict[str, Any]]:
        """The recipe; of a merged data set, that of each member."""
        return [self.recipe] if self.members is None else [member.recipe for member in self.members]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What a sample is made of besides its label."""
        columns = {column.name: column for column in self.readable}
        named: dict[str, tuple[Axes, SignalKind]] = {first_name(self.axes): (self.axes, first_kind(self.axes))}
        named |= {field.name: (field.axes, field.kind) for field in self.fields or ()}
        return tuple(Signal(name, columns[name].dtype, columns[name].shape, *how) for name, how in named.items())

    @property
    def ignore_index(self) -> int:
        """The class in masks that stands for none."""
        return int(self.recipes[0].get("ignore_index", Recipe.ignore_index))

    @property
    def readable(self) -> tuple[ColumnRecord, ...]:
        """The columns that readers give: what they mix, and what shards hold."""
        return (*(self.mixed or ()), *self.columns)

    @property
    def sample(self) -> tuple[SampleField, ...]:
        """The fields of a sample."""
        fields: tuple[SampleField, ...] = (*self.signals, Label.of(self.label_kind, self.class_names, self.recipe))
        return fields if self.boxes is None else (*fields, ObjectField(self.class_names, self.signals[0].size))

    @property
    def usable(self) -> NDArray[np.int64]:
        """The inputs that could be mixed, by source index: int64 (n)."""
        skipped = [each.source_index for each in self.source.skipped]
        return np.delete(np.arange(self.source.samples, dtype=np.int64), skipped)

    @property
    def has_donors(self) -> bool:
        """Whether some inputs are donors alone: of a merged data set, those of some member."""
        sources = [self.source, *(member.source for member in self.members or ())]
        return any(source.donors is not None for source in sources)

    @property
    def least_class(self) -> int:
        """The smallest number that `source_label` may have."""
        return NO_CLASS if self.has_donors else 0

    @property
    def bases(self) -> NDArray[np.int64]:
        """Those of them that can be bases: all, unless some are donors alone."""
        usable = self.usable
        return usable[usable < self.source.samples - (self.source.donors or 0)]

    @property
    def placed_bytes(self) -> Mapping[str, int]:
        """What a row takes at the offset of each column."""
        return {column.name: column.placed_bytes for column in self.columns}

    @property
    def sound_shards(self) -> Iterable[ShardRecord]:
        """Those whose list can be read: all, without lists."""
        return self.shards.sound() if isinstance(self.shards, ListedShards) else self.shards

    def list_files(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each list."""
        if self.shard_lists is not None:
            yield from ((each.file, content) for each, content in shard_lists(self.shards))

    def of_shards(self, shards: Sequence[ShardRecord]) -> Self:
        """The same with these shards in memory, which its lists describe."""
        return self.model_copy(update={"shards": tuple(shards)})

    def reading_lists(self, folder: Path) -> Self:
        """The same, whose `shards` are those in the lists, if it has lists: read in `folder` when they are needed."""
        if self.shard_lists is None:
            return self
        check = partial(contradictions, row_bytes=self.placed_bytes, compression=self.compression)
        shards = ListedShards(folder, self.shard_lists, check)
        return self.model_copy(update={"shards": shards})

    def to_json(self) -> bytes:
        """The bytes of manifest.json: one space of indent, sorted keys, a newline at the end."""
        left_out: dict[str, Any] = {"source": {"skipped"}, **({"shards": True} if self.shard_lists else {})}
        plain = {"shards": [], **self.model_dump(mode="json", exclude_none=True, exclude=left_out)}
        plain["source"]["skipped"] = self.source.skipped  # each is made plain when its turn comes: see `Skipped`
        return to_json(plain)


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """Where fields contradict each other."""
    yield from of_recipes(manifest)
    yield from of_columns(manifest)
    yield from _of_sizes(manifest)
    if manifest.source.samples > MOST_INPUTS:
        yield f"source.samples: is {manifest.source.samples}, expected at most {MOST_INPUTS}"
    outside = (each.source_index for each in manifest.source.skipped if each.source_index >= manifest.source.samples)
    if (beyond := next(outside, None)) is not None:
        yield f"source.skipped: has the input {beyond} of {manifest.source.samples}"
    yield from _of_lists(manifest.shard_lists or ())
    if manifest.shard_lists and manifest.shards:
        yield "shards: are in the manifest and in its lists"
    yield from contradictions(manifest.shards, 0, 0, manifest.placed_bytes, manifest.compression)
    if manifest.totals != (sums := Totals.of(manifest.shards, manifest.shard_lists or ())):
        yield f"totals: are {manifest.totals}, and the sums over the shards are {sums}"
    yield from of_members(manifest)


def _of_lists(lists: Sequence[ShardList]) -> Iterator[str]:
    row = 0
    for number, each in enumerate(lists):
        if each.start != row or each.stop <= row:
            yield f"shard_lists.{number}: has rows {each.start} … {each.stop - 1}, expected rows from {row} on"
        row = each.stop


def _of_sizes(manifest: Manifest) -> Iterator[str]:
    for column in manifest.columns:
        if len(column.shape) > MOST_DIMENSIONS or column.row_bytes > MOST:
            yield f"columns: {column.name} has rows of {len(column.shape)} dimensions or too many bytes"
            return
    for signal in manifest.signals:
        if signal.axes and len(signal.shape) != len(signal.axes):
            yield f"columns: {signal.name} has the shape {signal.shape}, and the axes are {signal.axes}"


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in the bytes of manifest.json. Raises ValueError, which says where they are wrong."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ValueError(": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])) from None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished data set. Raises DataError if it is damaged, FileNotFoundError if it is missing."""
    path = folder / MANIFEST
    try:
        return parse_manifest(content_of(path)).reading_lists(folder)
    except ValueError as problem:
        raise DataError(
            f"{path}: {str(problem).removesuffix('.')}. It was edited, is damaged, or has another format than "
            f"{FORMAT_VERSION}.",
            f"Run mixup-gen repair {folder}, or make the data set again with {setting('force')}.",
        ) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of manifest.json."""
    schema = Manifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
