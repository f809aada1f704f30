"""Whether a data set is intact and matches its manifest. Every finding is listed, not just the first."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import TypeAlias

import h5py

from mixup_cli.checks.row_values import value_problems
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.listener import Listener
from mixup_cli.scan.stored_samples import samples_place
from mixup_cli.storage import names
from mixup_cli.storage.contents import SHARD
from mixup_cli.storage.finish import checksum_entries
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.hdf5.encoded import encoded_place, encoded_rows
from mixup_cli.storage.hdf5.layout import Column, attribute_text
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.hdf5.shard import bytes_of, require_filter
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.left_over import left_over
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord
from mixup_cli.storage.members import sound_shards_of
from mixup_cli.storage.mirror import release
from mixup_cli.storage.opened import finished_manifest
from mixup_cli.storage.seal import WORK_FOLDER, reason, sha256_of
from mixup_cli.storage.shard_records import ShardRecord, shard_name
from mixup_cli.storage.stores import Store
from mixup_cli.wording import counted

READ_BYTES = 1 << 20
NAME_LETTERS = 80


Stored: TypeAlias = Mapping[str, PlainDataSet]
"""The columns of a shard that are not encoded, by name."""


class Piece(Enum):
    """What a file is to the data set: `repair` decides by it."""

    MANIFEST = auto()
    SHARD = auto()
    SURPLUS = auto()  # a shard that the manifest does not list
    SOURCES = auto()
    DESCRIPTION = auto()  # card, metadata or checksums: they follow from the manifest
    WORK = auto()
    SAMPLES = auto()  # a file of the samples that readers mix
    ALL_SAMPLES = auto()  # their folder


PIECES = {names.MANIFEST: Piece.MANIFEST, names.SOURCES: Piece.SOURCES}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the file, what was found and what was expected, what the file is, and what to do about
    it, if `repair` is not the answer."""

    file: str
    problem: str
    piece: Piece
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}{'. ' * bool(self.remedy)}{self.remedy}"


def verify(folder: Path, workers: int = 1, listener: Listener | None = None) -> list[Finding]:
    """Check hashes, shapes, dtypes, row numbers, shares and label sums of a finished data set.

    Raises NoInputError if there is no data set, DataError if its manifest cannot be read.
    """
    return findings_of(folder, open_finished(folder), workers, listener)


def findings_of(folder: Path, manifest: Manifest, workers: int = 1, listener: Listener | None = None) -> list[Finding]:
    """What is wrong with a data set whose manifest was read: see `verify`."""
    listener = listener or Listener()
    if Growth(folder).is_complete:
        waiting = "holds a larger data set that is complete, and some of its files are not in place yet"
        return [Finding(WORK_FOLDER, waiting, Piece.WORK, "Run generate or repair: both move them.")]
    findings = [*_files(folder, manifest)]
    listener.begin("verify", manifest.totals.samples, "samples")
    tasks = (partial(_shard, folder, manifest, *each) for each in sound_shards_of(manifest))
    for count, found in LocalEngine(workers).run(tasks):
        findings += found
        listener.advance(count)
    listener.end()
    return sorted([*findings, *_of_samples(folder, manifest, workers, listener)], key=str)


def _of_samples(folder: Path, manifest: Manifest, workers: int, listener: Listener) -> Iterator[Finding]:
    """What is wrong with the samples that readers mix."""
    if manifest.samples is None:
        return
    name = manifest.samples.folder
    try:
        place = samples_place(folder, manifest.samples)
        found = verify(place, workers, listener)
    except (DataError, NoInputError) as problem:
        again = f"Run the command that made {folder} again."
        yield Finding(name, f"cannot be read ({problem.found})", Piece.ALL_SAMPLES, problem.remedy or again)
        return
    for each in found:
        yield replace(each, file=f"{name}/{each.file}", piece=Piece.SAMPLES)


def data_set_place(place: Path | Store) -> Path | Store:
    """The place of a data set that is named by itself or by its manifest."""
    if isinstance(place, Store):
        return Store(place.url.removesuffix(f"/{names.MANIFEST}"))
    return names.data_set_folder(place)


def open_finished(folder: Path) -> Manifest:
    """The manifest of a data set, whose compression can be read here."""
    manifest = finished_manifest(folder)
    require_filter(manifest.compression)
    return manifest


def _files(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Surplus files, a work folder, and small files that changed since they were sealed."""
    for path in sorted(folder.glob("shard-*.h5")):
        if not _is_numbered(path.name, manifest.totals.shards):
            remedy = "Remove it: readers that take shard-*.h5 would read it."
            yield Finding(path.name, "is not in the manifest", Piece.SURPLUS, remedy)
    if (left := left_over(folder / WORK_FOLDER, manifest.shards)) is not None:
        yield Finding(WORK_FOLDER, left[0], Piece.WORK, left[1])
    listed = {shard.file: shard.sha256 for shard in manifest.sound_shards}
    lists = {each.file: each.sha256 for each in manifest.shard_lists or ()}
    known = {names.SOURCES: manifest.source.fingerprint, **lists}
    try:
        entries = checksum_entries(folder)
    except (DataError, StorageError, FileNotFoundError, ValueError) as failure:
        expected = known
        yield Finding(names.CHECKSUMS, f"cannot be read ({reason(failure)})", Piece.DESCRIPTION)
    else:
        if len(listed) < manifest.totals.shards:  # a list cannot be read, and its shards have no hash here
            entries = [entry for entry in entries if entry[1] in listed or not SHARD.fullmatch(entry[1])]
        expected = yield from _checksums(entries, listed | known)
    for name, digest in sorted(expected.items()):
        if name not in listed and (problem := _small_file_problem(folder, name, known.get(name, digest))):
            yield Finding(name, problem, PIECES.get(name, Piece.DESCRIPTION))


def _is_numbered(name: str, count: int) -> bool:
    """Whether it is the name of one of `count` shards."""
    number = SHARD.fullmatch(name)
    return number is not None and int(number[1]) < count and name == shard_name(int(number[1]))


def _checksums(entries: list[tuple[str, str]], by_manifest: dict[str, str]) -> Generator[Finding, None, dict[str, str]]:
    """Compare SHA256SUMS with the manifest. Returns its hash of each file; "" if it has none."""
    expected = dict.fromkeys([*by_manifest, names.CARD, names.CROISSANT, names.MANIFEST], "")
    for number, (digest, name) in enumerate(entries, 1):
        if expected.get(name) != "":  # a name from outside is never opened: it could lead anywhere
            problem = f"line {number} names {name[:NAME_LETTERS]!r}, which was not expected"
            yield Finding(names.CHECKSUMS, problem, Piece.DESCRIPTION)
        else:
            expected[name] = digest
    for name, digest in sorted(expected.items()):
        if name in by_manifest and digest != by_manifest[name]:
            yield Finding(names.CHECKSUMS, f"its hash of {name} is not the manifest's", Piece.DESCRIPTION)
    return expected


def _small_file_problem(folder: Path, name: str, expected: str) -> str | None:
    try:
        return _hash_problem(file_inside(folder, name), expected)
    except DataError as problem:
        return f"cannot be read ({problem})"


def _hash_problem(path: Path, expected: str, shards: Iterable[ShardRecord] = ()) -> str | None:
    """Whether a file has another hash than expected. It may be that of one of the `shards`."""
    if not expected:
        return f"has no line in {names.CHECKSUMS}"
    try:
        found = sha256_of(path)
    except OSError as problem:
        return f"cannot be read ({reason(problem)})"
    if found == expected:
        return None
    other = next((shard.file for shard in shards if shard.sha256 == found), None)
    shown = f"that of {other}" if other else f"{found[:12]}…"
    return f"its sha256 is {shown}, and {expected[:12]}… was sealed"


def _shard(folder: Path, whole: Manifest, manifest: Manifest, record: ShardRecord) -> tuple[int, list[Finding]]:
    """The findings of one shard, with the count of its rows. `manifest` is that of its member (`storage.members`)."""
    problems, path = [], folder / record.file
    try:
        path = file_inside(folder, record.file)
        size = path.stat().st_size
        if size != record.bytes:
            problems.append(f"has {counted(size, 'byte')} instead of {record.bytes:,}")
        if (problem := _hash_problem(path, record.sha256, whole.sound_shards)) is not None:
            problems.append(problem)
        else:  # HDF5 is not made for damaged files, so only a file with the right hash is opened
            with open_shard(path) as file:
                problems += _content(file, path, manifest, record)
    except FileNotFoundError:
        problems.append("is missing")
    except (DataError, OSError) as problem:
        problems.append(f"cannot be read ({reason(problem)})")
    finally:
        release(path)
    return record.stop - record.start, [Finding(record.file, problem, Piece.SHARD) for problem in problems]


def _content(file: h5py.File, path: Path, manifest: Manifest, record: ShardRecord) -> Iterator[str]:
    """Where the attributes and the columns differ from the manifest."""
    for name in ("format_version", "recipe", "class_names"):
        if file.attrs.get(name) != attribute_text(getattr(manifest, name)):
            yield f"its attribute {name} is not the manifest's"
    if surplus := sorted(file.keys() ^ {column.name for column in manifest.columns}):
        yield f"has other columns than the manifest: {', '.join(surplus)}"
        return
    for column in (column for column in manifest.columns if column.encoding):
        yield from _encoded(file, path, Column.of(column), record)
    plain = [column for column in manifest.columns if not column.encoding]
    stored = {column.name: plain_numbers(file, column.name, column.name) for column in plain}
    if (problem := _other_form(stored, plain, record)) is not None:
        yield problem
        return
    yield from _bad_values(stored, manifest, record)
    yield from _other_bytes(stored, record)


def _other_form(stored: Stored, columns: Iterable[ColumnRecord], record: ShardRecord) -> str | None:
    """Which column, the first of them, has another dtype or shape than the manifest says."""
    for column in columns:
        found, shape = stored[column.name], (record.stop - record.start, *column.shape)
        if (found.dtype.name, found.shape) != (column.dtype, shape):
            return f"{column.name} is {found.dtype.name} {found.shape}, expected {column.dtype} {shape}"
    return None


def _bad_values(stored: Stored, manifest: Manifest, record: ShardRecord) -> Iterator[str]:
    """What is wrong with the values of all columns but the signals."""
    signals, fields = {signal.name for signal in manifest.signals}, manifest.sample
    small = {name: column for name, column in stored.items() if name not in signals}
    row_bytes = sum(math.prod(column.shape[1:]) * column.dtype.itemsize for column in small.values())
    for block in _blocks(record.stop - record.start, row_bytes):
        values = {name: column[block] for name, column in small.items()}
        if problems := [*value_problems(values, manifest, fields, record.start + block.start)]:
            yield from problems  # those of one block are enough
            return


def _other_bytes(stored: Stored, record: ShardRecord) -> Iterator[str]:
    """Where columns begin elsewhere, or hold other bytes, than was sealed."""
    for name, column in stored.items():
        sealed = record.columns[name]
        if sealed.offset is not None and sealed.offset != column.offset:
            yield f"{name} begins at {column.offset}, and the manifest says {sealed.offset}"
        if sealed.content_sha256 and content_hash(column) != sealed.content_sha256:
            yield f"{name} does not hold what was sealed"


def _encoded(file: h5py.File, path: Path, column: Column, record: ShardRecord) -> Iterator[str]:
    """What is wrong with encoded rows: where they lie, and what their headers say. Nothing is decoded."""
    count, sealed = record.stop - record.start, record.columns[column.name].offset
    try:
        if (offset := encoded_place(file, column, count)) != sealed:
            yield f"{column.name} begins at {offset}, and the manifest says {sealed}"
            return
        with path.open("rb") as opened:
            rows = encoded_rows(opened, column, offset, count, column.name)
            for row in range(count):
                rows.check(row)
    except DataError as problem:  # one of them is enough
        yield problem.found


def content_hash(column: PlainDataSet) -> str:
    """sha256 of the uncompressed bytes of a column, read a few chunks at a time."""
    digest = hashlib.sha256()
    for rows in _blocks(len(column), math.prod(column.shape[1:]) * column.dtype.itemsize):
        digest.update(bytes_of(column[rows]))
    return digest.hexdigest()


def _blocks(count: int, row_bytes: int) -> Iterator[slice]:
    """All of `count` rows, a few at a time: the rows that a shard claims need not fit into memory."""
    step = max(1, READ_BYTES // max(1, row_bytes))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
