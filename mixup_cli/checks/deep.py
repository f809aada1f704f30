"""`verify --deep`: recompute every row from the source, and compare bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.checks.rescan import SourceOf, check_labels, check_plan, check_source, rescan
from mixup_cli.checks.verify import Finding, Piece
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError
from mixup_cli.listener import Listener
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import pixel_fingerprint
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.records import Content, manifest_of
from mixup_cli.runs.scanned import Scanned
from mixup_cli.runs.settings import Run
from mixup_cli.runs.standing import other_pixels
from mixup_cli.scan.fill import ScanSettings
from mixup_cli.scan.scan import Tolerance
from mixup_cli.scan.stored_samples import samples_place
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.encoded import encoded_place, encoded_rows
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import plain_numbers
from mixup_cli.storage.hdf5.shard import bytes_of
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.mirror import release
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.opened import finished_manifest
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.wording import quoted

OF_SHARDS = {"shards", "shard_lists", "totals"}

SameRows: TypeAlias = Callable[[int, NDArray[Any]], NDArray[np.bool_]]
"""Which of some rows are stored so, from one on: bool (m)."""


def recompute(
    folder: DataSetFolder, manifest: Manifest, opened: SourceOf, scratch: Path, run: Run, listener: Listener
) -> list[Finding]:
    """Compare every row with what its source gives, and `run.plan` if it was made from a plan file. A cache that does
    not fit in memory goes into `scratch`; with a window, none is made.

    Raises DataError if the data set was made from another source or plan.
    """
    findings: list[Finding] = []
    opened = cache(opened)
    _check_encoders(folder, manifest)
    for member in members_of(manifest):
        findings += _of_member(folder.path, member, opened(*member.source), scratch, run, listener)
    if manifest.samples is not None:
        place = samples_place(folder.path, manifest.samples)
        own = replace(run, plan=None)
        found = recompute(DataSetFolder(place), finished_manifest(place), opened, scratch, own, listener)
        findings += [replace(each, file=f"{manifest.samples.folder}/{each.file}") for each in found]
    return sorted(findings, key=str)


def _check_encoders(folder: DataSetFolder, manifest: Manifest) -> None:
    """Raises DataError if images would be encoded otherwise here than where they were made, if that is known."""
    for encode in {recipe.get("encode") for recipe in manifest.recipes} - {None}:
        if changed := other_pixels(folder, pixel_fingerprint(encode)):
            found = f"its images were encoded by other versions, whose bytes cannot be compared here ({changed})."
            raise DataError(f"{folder.path}: {found}", "Check it where it was made, or without --deep.")


def _of_member(
    out: Path, member: Member, source: Source, scratch: Path, run: Run, listener: Listener
) -> Iterator[Finding]:
    engine, manifest = LocalEngine(run.threads), member.manifest
    recipe = Recipe.from_dict(manifest.recipe)
    check_plan(out, recipe, run.plan)
    again = rescan(out, recipe, source, scratch, ScanSettings(Tolerance("skip"), engine, listener))
    check_source(out, member, again)
    check_labels(out, manifest, again)
    backend.settle(manifest.totals.samples, again.job.spec.row_bytes)
    maker = shard_maker(again, run, engine.checkpoint)
    yield from _other_fields(manifest, again, maker.plan.methods.names)
    columns = [*map(Column.of, manifest.columns)]
    tasks = (partial(_recompute, out, columns, record, maker) for record in manifest.shards)
    listener.begin("recompute", manifest.totals.samples, "samples")
    with maker.supply.serving([range(record.start, record.stop) for record in manifest.shards]):
        for count, found in engine.run(tasks):
            yield from found
            listener.advance(count)
    listener.end()


def _other_fields(manifest: Manifest, again: Scanned, methods: Sequence[str]) -> Iterator[Finding]:
    """What the manifest says that its recipe and its source do not give. Shards are compared row by row, and the kind
    of the source is believed: a folder may have become an archive."""
    made = manifest_of(Content.of(again.job, manifest.samples), manifest.source.kind, again.table, methods, ())
    for name in Manifest.model_fields.keys() - OF_SHARDS:
        if (found := getattr(manifest, name)) != (expected := getattr(made, name)):
            found, expected = quoted(str(found), 60), quoted(str(expected), 60)
            yield Finding(MANIFEST, f"{name} is {found}, and recipe and source give {expected}", Piece.MANIFEST)


def _recompute(
    folder: Path, columns: list[Column], record: ShardRecord, maker: ShardMaker
) -> tuple[int, list[Finding]]:
    blocks = maker.values(range(record.start, record.stop))
    problems: list[str] = []
    try:
        path = file_inside(folder, record.file)
        with open_shard(path) as file:
            for column in columns:
                problems += _first_other_row(file, path, column, blocks(column), record)
    except DataError as problem:
        problems.append(f"cannot be read ({problem})")
    finally:
        release(folder / record.file)
    return record.stop - record.start, [Finding(record.file, problem, Piece.SHARD) for problem in problems]


def _first_other_row(
    file: h5py.File, path: Path, column: Column, blocks: Iterator[NDArray[Any]], record: ShardRecord
) -> Iterator[str]:
    """Names the first row of a column whose bits differ from what the source gives."""
    with path.open("rb") as opened:
        same_rows = _same_encoded(file, opened, column, record) if column.codec else _same_values(file, column)
        start = 0
        for block in blocks:
            same = same_rows(start, block)
            if not same.all():
                yield f"{column.name} of row {record.start + start + int(np.argmin(same))} is not what the source gives"
                return
            start += len(block)


def _same_values(file: h5py.File, column: Column) -> SameRows:
    stored = plain_numbers(file, column.name, column.name)
    return lambda start, block: (bits(stored[start : start + len(block)]) == bits(block)).all(axis=1)


def _same_encoded(file: h5py.File, opened: BinaryIO, column: Column, record: ShardRecord) -> SameRows:
    codec, count = column.codec, record.stop - record.start
    rows = encoded_rows(opened, column, encoded_place(file, column, count), count, column.name)

    def same(start: int, block: NDArray[Any]) -> NDArray[np.bool_]:
        again = enumerate(codec.encode(block) if codec else (), start)
        return np.array([rows.encoded(row) == data for row, data in again])

    return same


def bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Every row's bytes: uint8 (rows, bytes), so that NaN equals NaN and −0 differs from 0."""
    return np.frombuffer(bytes_of(values), np.uint8).reshape(len(values), -1)
