"""A small finished data set, made with the storage layer alone."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.storage.card import card
from mixup_cli.storage.croissant import croissant
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import Array, ShardSpec, writer_for
from mixup_cli.storage.json_files import to_json
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord, SourceRecord, Totals
from mixup_cli.storage.names import CARD, CROISSANT, MANIFEST, SOURCES
from mixup_cli.storage.seal import Sealed, seal_bytes
from mixup_cli.storage.shard_records import ShardRecord, StoredColumn, shard_lists
from tests.contracts.writer_contract import in_blocks

ROWS = (3, 3, 1)
"""Rows of each shard."""

COLUMNS = (
    Column("images", "uint8", (4, 5, 3)),
    Column("labels", "float32", (2,)),
    Column("index", "int64", ()),
    Column("source_index", "int64", (2,)),
    Column("share", "float32", (2,)),
    Column("method", "uint8", ()),
    Column("box", "int32", (4,)),
)

CLASSES = ("cat", "dog")
RECIPE = Recipe(methods=(MethodChoice("mixup", 1.0, {"alpha": 0.2}),), dtype="uint8", samples_per_shard=ROWS[0])

SOURCES_CSV = (
    b"source_index,key,label,bytes,sha256,status\n"
    b"0,cat/1.png,cat,120,aa,ok\n"
    b'1,"cat/a, ""b"".png",cat,99,bb,ok\n'
    b"2,dog/1.png,dog,7,cc,cannot decode (file ends at byte 7)\n"
)


def arrays() -> dict[str, Array]:
    """The data set's columns, all rows of them."""
    count = sum(ROWS)
    lam = np.linspace(0, 1, count, dtype=np.float32)
    share = np.stack([lam, 1 - lam], axis=1)
    images = np.random.default_rng(5).integers(0, 256, (count, 4, 5, 3), np.uint8)
    return {
        "images": images,
        "labels": share,
        "index": np.arange(count),
        "source_index": np.tile(np.arange(2), (count, 1)),
        "share": share,
        "method": np.zeros(count, np.uint8),
        "box": np.zeros((count, 4), np.int32),
    }


def manifest_of(shards: tuple[ShardRecord, ...], compression: str = "none", **changes: Any) -> Manifest:
    """The manifest of such shards. Nobody checks that the changes go with the rest."""
    lists = tuple(each for each, _ in shard_lists(shards))
    plain = {
        "recipe": RECIPE.to_dict(),
        "recipe_id": RECIPE.recipe_id,
        "source": SourceRecord(kind="folder", samples=3, fingerprint=hashlib.sha256(SOURCES_CSV).hexdigest()),
        "class_names": CLASSES,
        "label_kind": "soft",
        "axes": "hwc",
        "methods": ("mixup",),
        "compression": compression,
        "columns": tuple(ColumnRecord(name=c.name, dtype=c.dtype, shape=c.shape) for c in COLUMNS),
        "totals": Totals.of(shards, lists),
        "shards": () if lists else shards,
        "shard_lists": lists or None,
    }
    return Manifest.model_validate(plain).of_shards(shards).model_copy(update=changes)


def shard_records(count: int) -> tuple[ShardRecord, ...]:
    """Records of shards that are nowhere."""
    return tuple(
        ShardRecord(
            file=f"shard-{number:05}.h5",
            bytes=10_000 + number,
            sha256=f"{number:064x}",
            start=10 * number,
            stop=10 * number + 10,
            columns={column.name: StoredColumn(offset=4096) for column in COLUMNS},
        )
        for number in range(count)
    )


def write_data_set(folder: Path, compression: str = "none", **changes: Any) -> Manifest:
    """Real shards, sources.csv, README.md, croissant.json and manifest.json in `folder`, which must be new."""
    work = folder / "work"
    work.mkdir(parents=True)
    attributes = {"format_version": 1, "recipe": RECIPE.to_dict(), "class_names": CLASSES}
    writer = writer_for(ShardSpec(COLUMNS, attributes, compression), work)
    writer.prepare(ROWS)
    shards, start = [], 0
    for number, rows in enumerate(ROWS):
        part = {name: array[start : start + rows] for name, array in arrays().items()}
        name = f"shard-{number:05}.h5"
        written = writer.write(folder / name, rows, in_blocks(part, 2))
        columns = {name: StoredColumn(**stored) for name, stored in written.columns.items()}
        shards.append(
            ShardRecord(
                file=name,
                bytes=written.file.file_bytes,
                sha256=written.file.sha256,
                start=start,
                stop=start + rows,
                columns=columns,
            )
        )
        start += rows
    manifest = manifest_of(tuple(shards), compression=compression, **changes)
    files: dict[str, Sealed] = {SOURCES: seal_bytes(folder / SOURCES, SOURCES_CSV, work)}
    seal_bytes(folder / CARD, card(manifest).encode(), work)
    seal_bytes(folder / CROISSANT, to_json(croissant(manifest, files)), work)
    seal_bytes(folder / MANIFEST, manifest.to_json(), work)
    work.rmdir()
    return manifest
