"""An export from its first piece to its last: pieces that an earlier run sealed are taken, the others are made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Literal, TypeAlias

from mixup_cli.errors import OutputExistsError, UsageError
from mixup_cli.exporters.exporter import Exporter, Notes, exporter_of
from mixup_cli.exporters.job import Job, Options, in_order
from mixup_cli.exporters.place import CLOSING, ExportFolder, Record
from mixup_cli.image_format import ImageFormat
from mixup_cli.listener import Listener
from mixup_cli.storage.seal import storage_errors, sync_folder
from mixup_cli.wording import use_another

State: TypeAlias = Literal["exported", "unchanged"]


@dataclass(frozen=True)
class Exported:
    """The result: rows and files that the export has, and their size."""

    state: State
    rows: int
    files: int
    bytes: int
    seconds: float


def prepared(data_set: str | Path, options: Options) -> Exporter:
    """Who exports what is wanted. Writes nothing.

    Raises NoInputError and DataError for a data set that is missing or damaged, UsageError for options that do not go
    with it or with the format.
    """
    kind = exporter_of(options.to)
    if kind.encodes_images:
        options = replace(options, image_format=options.image_format or ImageFormat())
    elif options.image_format is not None:
        found = f"{options.to} has arrays, and no encoded images."
        raise UsageError(found, "Leave it out.", field="image_format", value=options.image_format)
    return kind(Job(data_set, options))


def export(
    data_set: str | Path, out: Path, options: Options, *, force: bool = False, listener: Listener | None = None
) -> Exported:
    """Write a finished data set, or some of its rows and columns, in another format into the folder `out`; for formats
    with a `single` file and an `out` with that ending, into this file.

    The same call continues after an interruption, and leaves a finished export alone. Raises what `prepared` raises,
    OutputExistsError if `out` holds anything else, StorageError.
    """
    began, exporter, listener = time.time(), prepared(data_set, options), listener or Listener()
    _check_apart(exporter.job, out)
    if exporter.single and out.suffix == exporter.single:
        return _to_file(exporter, out, force, began)
    folder = ExportFolder(out, exporter.job.wanted)
    with folder.locked(force):
        if folder.is_finished:
            return _exported("unchanged", folder, began)
        for notice in exporter.notices():
            listener.notice(notice)
        _make_all(folder, exporter, listener)
        folder.publish()
    return _exported("exported", folder, began)


def stream(data_set: str | Path, options: Options, file: BinaryIO) -> int:
    """Write it as one file, from front to back. Returns the number of rows. Raises what `prepared` raises, UsageError
    for a format that cannot be streamed."""
    exporter = prepared(data_set, options)
    if not exporter.streams:
        raise UsageError(f"{options.to} cannot be streamed.", "Name a folder.", field="out", value="-")
    exporter.write_file(exporter.job.rows, file)
    return len(exporter.job.rows)


def _check_apart(job: Job, out: Path) -> None:
    if out.resolve().is_relative_to(job.arrays.folder.resolve()):
        raise UsageError(f"lies in the data set {job.arrays.folder}.", "Use another one.", field="out", value=out)


def _to_file(exporter: Exporter, out: Path, force: bool, began: float) -> Exported:
    """The whole in one file, sealed by a rename."""
    state: State = "unchanged"
    if force or exporter.wanted_of(out) != exporter.job.wanted:
        if os.path.lexists(out) and not force:
            raise OutputExistsError(f"{out}: already exists.", use_another(or_force=True))
        state = "exported"
        with storage_errors(out), TemporaryDirectory(dir=out.absolute().parent, prefix=".mixup-gen-") as work:
            made = Path(work) / out.name
            with made.open("wb") as file:
                exporter.write_file(exporter.job.rows, file)
                os.fsync(file.fileno())
            made.replace(out)
            sync_folder(out.absolute().parent)
    return Exported(state, len(exporter.job.rows), 1, out.stat().st_size, time.time() - began)


def _exported(state: State, folder: ExportFolder, began: float) -> Exported:
    records = [*folder.records()]
    rows, files = sum(each.rows for each in records), sum(len(each.files) for each in records)
    return Exported(state, rows, files, sum(each.total_bytes for each in records), time.time() - began)


def _make_all(folder: ExportFolder, exporter: Exporter, listener: Listener) -> None:
    """Every piece, and what completes the whole. A piece is sealed while the next one is written."""
    job, pieces = exporter.job, [*exporter.job.pieces(exporter.has_even_pieces)]
    done = {piece.number: record for piece in pieces if (record := folder.sealed(f"{piece.number:06}"))}
    listener.begin("export", len(job.rows), "samples", sum(record.rows for record in done.values()))

    def written() -> Iterator[tuple[str, int, Notes]]:
        for piece in pieces:
            if piece.number not in done:
                name = f"{piece.number:06}"
                with storage_errors(folder.path):
                    yield name, len(piece.rows), exporter.write(piece, folder.scratch(name))

    def seal(made: tuple[str, int, Notes]) -> Record:
        return folder.seal(*made)

    for record in in_order(written(), seal, 1):
        listener.advance(record.rows)
    if folder.sealed(CLOSING) is None:
        with storage_errors(folder.path):
            exporter.close(folder.scratch(CLOSING), [record.notes for record in folder.records() if record.rows])
        folder.seal(CLOSING, 0, {})
    listener.end()
