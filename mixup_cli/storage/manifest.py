"""The manifest: what makes a folder of shards a data set. Its models are also its published JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixup_cli.errors import DataError
from mixup_cli.recipe import FORMAT_VERSION

MANIFEST = "manifest.json"
SOURCES = "sources.csv"
CHECKSUMS = "SHA256SUMS"
CROISSANT = "croissant.json"
CARD = "README.md"
RUN = "run.json"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
ShardFile = Annotated[str, Field(pattern=r"^shard-[0-9]{5,}\.h5$")]
"""A file in the data set's own folder: a name that leaves it cannot be written down."""


class Model(BaseModel):
    """Frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRecord(Model):
    """A data set of every shard."""

    name: str = Field(description="its name in the shard")
    dtype: str = Field(description="NumPy's name of the type; stored little-endian")
    shape: tuple[Count, ...] = Field(description="the shape of one row")


class StoredColumn(Model):
    """A column in one shard."""

    offset: Count | None = Field(default=None, description="where its bytes begin in the file (uncompressed shards)")
    content_sha256: Sha256 | None = Field(
        default=None, description="hash of its uncompressed bytes (compressed shards)"
    )


class ShardRecord(Model):
    """One sealed shard."""

    file: ShardFile
    bytes: Count
    sha256: Sha256 = Field(description="hash of the whole file")
    start: Count = Field(description="first row of the plan that it holds")
    stop: Count = Field(description="one past the last row")
    columns: dict[str, StoredColumn]


class Skipped(Model):
    """An input that was left out."""

    source_index: Count
    key: str
    reason: str


class SourceRecord(Model):
    """What went in, without where it lay."""

    kind: str
    samples: Count = Field(description="inputs listed in sources.csv, skipped ones included")
    fingerprint: Sha256 = Field(description="sha256 of sources.csv")
    skipped: tuple[Skipped, ...] = ()


class Totals(Model):
    """Sums over the shards."""

    samples: Count
    shards: Count
    bytes: Count


class Manifest(Model):
    """A finished data set."""

    format_version: Literal[1] = 1
    recipe: dict[str, Any] = Field(description="everything that decides a row's bytes")
    recipe_id: Sha256 = Field(description="sha256 of the recipe as canonical JSON")
    source: SourceRecord
    class_names: tuple[str, ...] = Field(description="names of the label classes, in order; empty if unlabelled")
    axes: Literal["hwc", "chw", "hw", ""] = Field(description="what the dimensions of one image are")
    methods: tuple[str, ...] = Field(description="what the numbers in the column `method` mean")
    compression: Literal["none", "gzip", "zstd"]
    columns: tuple[ColumnRecord, ...]
    totals: Totals
    shards: tuple[ShardRecord, ...]

    def to_json(self) -> bytes:
        """The bytes of manifest.json: one space of indent, sorted keys, a newline at the end."""
        return to_json(self.model_dump(mode="json", exclude_none=True))


def to_json(plain: Any) -> bytes:
    """JSON for the data set's files: the same text for the same content."""
    return (json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours. Raises DataError where it is none."""
    try:
        plain = json.loads(path.read_bytes())
    except ValueError as problem:
        raise DataError(f"{path}: not JSON ({problem}). Restore it, or start anew with --force.") from None
    if not isinstance(plain, dict):
        raise DataError(f"{path}: not a JSON object. Restore it, or start anew with --force.")
    return plain


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished data set. Raises DataError where it is damaged, FileNotFoundError if there is none."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise DataError(
            f"{path}: {where}: {first['msg']}. It was edited or damaged, or is of another version than "
            f"{FORMAT_VERSION}. Make the data set again with --force."
        ) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of manifest.json."""
    schema = Manifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
