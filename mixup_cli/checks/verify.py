"""Whether a data set is whole and exactly what its manifest says: every finding is listed, not just the first."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind, LabelRule
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.fields.labels import dense_from_classes
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.storage import manifest as names
from mixup_cli.storage.finish import checksum_entries
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.hdf5.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.hdf5.shard import bytes_of, require_filter
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.left_over import left_over
from mixup_cli.storage.manifest import Manifest, ShardRecord, read_manifest
from mixup_cli.storage.seal import WORK_FOLDER, sha256_of
from mixup_cli.wording import plural

READ_BYTES = 1 << 20
SUM_TOLERANCE = 1e-6
NAME_LETTERS = 80

UNSETTLED = "holds a larger data set that is complete, and not all files of which are in their places"

UNFINISHED = "It is unfinished: run its generate command again."

DAMAGE = (DataError, OSError, RuntimeError, KeyError, TypeError, ValueError)
"""All that reading a damaged shard raises."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the file, and what was found and expected."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def verify(folder: Path, workers: int = 1, listener: Listener | None = None) -> list[Finding]:
    """Check hashes, shapes, dtypes, row numbers, shares and label sums of a finished data set.

    Raises NoInputError where there is no data set, DataError where its manifest cannot be read.
    """
    return findings_of(folder, open_finished(folder), workers, listener)


def findings_of(folder: Path, manifest: Manifest, workers: int = 1, listener: Listener | None = None) -> list[Finding]:
    """What is wrong with a data set whose manifest was read: see `verify`."""
    listener = listener or Listener()
    if Growth(folder).is_complete:  # its files are on their way to their places
        return [Finding(WORK_FOLDER, f"{UNSETTLED}. Running generate again, or repair, moves them.")]
    findings = [*_files(folder, manifest)]
    listener.begin("verify", manifest.totals.samples, "samples")
    names_by_hash = {record.sha256: record.file for record in manifest.shards}
    tasks = (partial(_shard, folder, manifest, record, names_by_hash) for record in manifest.shards)
    for count, found in LocalEngine(workers).run(tasks):
        findings += found
        listener.advance(count)
    listener.end()
    return sorted(findings, key=str)


def data_set_folder(path: Path) -> Path:
    """The folder of a data set that is named by itself or by its manifest."""
    return path.parent if path.name == names.MANIFEST else path


def open_finished(folder: Path) -> Manifest:
    """The manifest of a data set that can be read here."""
    if not (folder / names.MANIFEST).exists():
        unfinished = (folder / WORK_FOLDER).exists()
        remedy = UNFINISHED if unfinished else "Name the folder of a data set."
        raise NoInputError(f"{folder}: there is no {names.MANIFEST}. {remedy}")
    manifest = read_manifest(folder)
    require_filter(manifest.compression)
    return manifest


def _files(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """What the folder has too much of, and whether the small files are as they were sealed."""
    listed = {shard.file for shard in manifest.shards}
    for path in sorted(folder.glob("shard-*.h5")):
        if path.name not in listed:
            yield Finding(path.name, "is not in the manifest. Remove it: readers that take shard-*.h5 would read it.")
    if (problem := left_over(folder / WORK_FOLDER, manifest.shards)) is not None:
        yield Finding(WORK_FOLDER, problem)
    known = {names.SOURCES: manifest.source.fingerprint}
    try:
        entries = checksum_entries(folder)
    except (DataError, StorageError, FileNotFoundError, ValueError) as failure:
        yield Finding(names.CHECKSUMS, f"cannot be read ({failure})")
        expected = known
    else:
        sealed = {shard.file: shard.sha256 for shard in manifest.shards} | known
        expected = yield from _checksums(entries, sealed)
    for name, digest in sorted(expected.items()):
        if name not in listed and (problem := _small_file_problem(folder, name, known.get(name, digest))):
            yield Finding(name, problem)


def _checksums(entries: list[tuple[str, str]], by_manifest: dict[str, str]) -> Generator[Finding, None, dict[str, str]]:
    """Hold SHA256SUMS against the manifest. Returns the hash that it has for each file; "" where it has none."""
    expected = dict.fromkeys([*by_manifest, names.CARD, names.CROISSANT, names.MANIFEST], "")
    for number, (digest, name) in enumerate(entries, 1):
        if expected.get(name) != "":  # a name from outside is never opened: it could lead anywhere
            yield Finding(names.CHECKSUMS, f"line {number} names {name[:NAME_LETTERS]!r}, which was not expected")
        else:
            expected[name] = digest
    for name, digest in sorted(expected.items()):
        if name in by_manifest and digest != by_manifest[name]:
            yield Finding(names.CHECKSUMS, f"its hash of {name} is not the manifest's")
    return expected


def _small_file_problem(folder: Path, name: str, expected: str) -> str | None:
    try:
        return _hash_problem(file_inside(folder, name), expected)
    except DataError as problem:
        return f"cannot be read ({problem})"


def _hash_problem(path: Path, expected: str, names_by_hash: Mapping[str, str] | None = None) -> str | None:
    """What is wrong with a file's content, held against its hash. `names_by_hash` tells which file has another one."""
    if not expected:
        return f"has no line in {names.CHECKSUMS}"
    try:
        found = sha256_of(path)
    except OSError as problem:
        return f"cannot be read ({problem.strerror})"
    other = (names_by_hash or {}).get(found)
    shown = f"that of {other}" if other else f"{found[:12]}…"
    return None if found == expected else f"its sha256 is {shown}, and {expected[:12]}… was sealed"


def _shard(
    folder: Path, manifest: Manifest, record: ShardRecord, names_by_hash: Mapping[str, str]
) -> tuple[int, list[Finding]]:
    """The findings of one shard, with the count of its rows."""
    problems = []
    try:
        path = file_inside(folder, record.file)
        size = path.stat().st_size
        if size != record.bytes:
            problems.append(f"has {size} {plural(size, 'byte')}, and {record.bytes} were sealed")
        if (problem := _hash_problem(path, record.sha256, names_by_hash)) is not None:
            problems.append(problem)
        else:  # HDF5 is not made for damaged files: what is not as it was sealed is not opened
            with h5py.File(path, "r", locking=False) as file:
                problems += _content(file, manifest, record)
    except FileNotFoundError:
        problems.append("is missing")
    except DAMAGE as problem:
        problems.append(f"cannot be read ({problem})")
    return record.stop - record.start, [Finding(record.file, problem) for problem in problems]


def _content(file: h5py.File, manifest: Manifest, record: ShardRecord) -> Iterator[str]:
    """What the columns hold, held against the manifest."""
    rows = record.stop - record.start
    columns = {column.name: column for column in manifest.columns}
    if surplus := sorted(file.keys() ^ columns.keys()):
        yield f"has other columns than the manifest: {', '.join(surplus)}"
        return
    stored = {name: plain_numbers(file, name, name) for name in columns}
    for name, column in columns.items():
        found = (stored[name].dtype.name, stored[name].shape)
        if found != (expected := (column.dtype, (rows, *column.shape))):
            yield f"{name} is {found[0]} {found[1]}, and {expected[0]} {expected[1]} was expected"
            return
    signals = {signal.name for signal in manifest.signals}
    small = {name: column for name, column in stored.items() if name not in signals}
    for block in _blocks(rows, sum(math.prod(c.shape[1:]) * c.dtype.itemsize for c in small.values())):
        values = {name: column[block] for name, column in small.items()}
        if problems := [*_values(values, manifest, record.start + block.start)]:
            yield from problems  # of one block are enough
            break
    for name, sealed in record.columns.items():
        if sealed.offset is not None and sealed.offset != stored[name].offset:
            yield f"{name} begins at {stored[name].offset}, and the manifest says {sealed.offset}"
        if sealed.content_sha256 and content_hash(stored[name]) != sealed.content_sha256:
            yield f"{name} does not hold what was sealed"


def content_hash(column: PlainDataSet) -> str:
    """sha256 of the uncompressed bytes of a column, a few chunks at a time."""
    digest = hashlib.sha256()
    for rows in _blocks(len(column), math.prod(column.shape[1:]) * column.dtype.itemsize):
        digest.update(bytes_of(column[rows]))
    return digest.hexdigest()


def _blocks(count: int, row_bytes: int) -> Iterator[slice]:
    """All of so many rows, a few at a time: what a shard claims to hold need not fit into memory."""
    step = max(1, READ_BYTES // max(1, row_bytes))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _values(columns: dict[str, NDArray[Any]], manifest: Manifest, first_row: int) -> Iterator[str]:
    """What must hold of the values of some rows whatever the recipe."""
    index = columns["index"]
    if not np.array_equal(index, np.arange(first_row, first_row + len(index))):
        yield f"index is not {first_row} … {first_row + len(index) - 1}"
    recipe = Recipe.from_dict(manifest.recipe)
    yield from _rows_of_shares(columns, manifest.label_kind, recipe.label_rule)
    counts = {
        "source_index": (manifest.source.samples, "inputs"),
        "source_label": (len(manifest.class_names), "classes"),
        "method": (len(manifest.methods), "methods"),
    }
    outside = [
        f"{name} goes from {columns[name].min()} to {columns[name].max()}, and there are {count} {what}"
        for name, (count, what) in counts.items()
        if name in columns and not 0 <= columns[name].min() <= columns[name].max() < count
    ]
    yield from outside
    if not outside and {"labels", "source_label", "label_share"} <= columns.keys():
        same = columns["labels"] == dense_from_classes(
            columns["source_label"], columns["label_share"], len(manifest.class_names), recipe.label_smoothing
        )
        if not same.all():
            row = first_row + int(np.argmin(same.all(axis=1)))
            yield f"labels of row {row} is not what source_label and label_share give"
    for signal in manifest.signals:
        yield from signal.check(columns, first_row)
    if "view" in columns:
        yield from _views(columns["view"], first_row)


def _rows_of_shares(columns: dict[str, NDArray[Any]], kind: LabelKind, rule: LabelRule) -> Iterator[str]:
    """Shares sum to 1; so do label shares and labels, but for a union of classes, several classes, and real numbers."""
    summing = {"share"} | ({"label_share"} if rule != "union" else set())
    summing |= {"labels"} if kind in ("classes", "soft") else set()
    for name in sorted(columns.keys() & summing):
        worst = np.abs(columns[name].sum(axis=1, dtype=np.float64) - 1.0).max()
        if not worst <= SUM_TOLERANCE:
            yield f"a row of {name} sums to 1 only within {worst:.3g}"
    if rule == "union" and "label_share" in columns and not np.isin(columns["label_share"], (0, 1)).all():
        yield "label_share holds other numbers than 0 and 1, which a union of classes does not"
    if "labels" not in columns:
        return
    labels = columns["labels"]
    if kind == "multi" and not ((labels >= 0) & (labels <= 1)).all():
        yield f"labels goes from {labels.min():g} to {labels.max():g}, and 0 … 1 was expected"
    if kind == "real" and not np.isfinite(labels).all():
        yield "labels holds a number that is not finite"


def _views(views: NDArray[np.int32], first_row: int) -> Iterator[str]:
    """Views show something, and are mirrored or not."""
    top, left, bottom, right, mirrored = np.moveaxis(views, -1, 0)
    sound = ((top < bottom) & (left < right) & ((mirrored == 0) | (mirrored == 1))).all(axis=1)
    if not sound.all():
        row = int(np.argmin(sound))
        yield f"view of row {first_row + row} is {views[row].tolist()}: empty, or neither mirrored nor not"
