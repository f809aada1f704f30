"""`verify --deep`: recompute every row from the source, and compare bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

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
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.settings import Run
from mixup_cli.scan.fill import ScanSettings
from mixup_cli.scan.scan import Tolerance
from mixup_cli.scan.stored_samples import samples_place
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.hdf5.shard import bytes_of
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.mirror import release
from mixup_cli.storage.opened import finished_manifest
from mixup_cli.storage.shard_records import ShardRecord


def recompute(
    folder: DataSetFolder, manifest: Manifest, opened: SourceOf, scratch: Path, run: Run, listener: Listener
) -> list[Finding]:
    """Compare every row with what its source gives, and `run.plan` if it was made from a plan file. A cache that does
    not fit in memory goes into `scratch`; with a window, none is made.

    Raises DataError if the data set was made from another source or plan.
    """
    findings: list[Finding] = []
    opened = cache(opened)
    for member in members_of(manifest):
        findings += _of_member(folder.path, member, opened(*member.source), scratch, run, listener)
    if manifest.samples is not None:
        place = samples_place(folder.path, manifest.samples)
        own = replace(run, plan=None)
        found = recompute(DataSetFolder(place), finished_manifest(place), opened, scratch, own, listener)
        findings += [replace(each, file=f"{manifest.samples.folder}/{each.file}") for each in found]
    return sorted(findings, key=str)


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
    columns = [Column(column.name, column.dtype, column.shape) for column in manifest.columns]
    tasks = (partial(_recompute, out, columns, record, maker) for record in manifest.shards)
    listener.begin("recompute", manifest.totals.samples, "samples")
    with maker.supply.serving([range(record.start, record.stop) for record in manifest.shards]):
        for count, found in engine.run(tasks):
            yield from found
            listener.advance(count)
    listener.end()


def _recompute(
    folder: Path, columns: list[Column], record: ShardRecord, maker: ShardMaker
) -> tuple[int, list[Finding]]:
    blocks = maker.values(range(record.start, record.stop))
    problems: list[str] = []
    try:
        path = file_inside(folder, record.file)
        with open_shard(path) as file:
            for column in columns:
                stored = plain_numbers(file, column.name, column.name)
                problems += _first_other_row(stored, blocks(column), column.name, record.start)
    except DataError as problem:
        problems.append(f"cannot be read ({problem})")
    finally:
        release(folder / record.file)
    return record.stop - record.start, [Finding(record.file, problem, Piece.SHARD) for problem in problems]


def _first_other_row(stored: PlainDataSet, blocks: Iterator[NDArray[Any]], name: str, first_row: int) -> Iterator[str]:
    """Names the first row whose bits differ from what the source gives."""
    start = 0
    for block in blocks:
        there = stored[start : start + len(block)]
        same = (bits(there) == bits(block)).all(axis=1)
        if not same.all():
            yield f"{name} of row {first_row + start + int(np.argmin(same))} is not what the source gives"
            return
        start += len(block)


def bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Every row's bytes: uint8 (rows, bytes), so that NaN equals NaN and −0 differs from 0."""
    return np.frombuffer(bytes_of(values), np.uint8).reshape(len(values), -1)
