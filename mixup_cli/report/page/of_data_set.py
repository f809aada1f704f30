"""The page of a finished data set: all rows are counted, and some are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.signal import FIRST
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.report.finished import Finished, Opened
from mixup_cli.report.lines import Preview
from mixup_cli.report.page.cards import chosen_rows
from mixup_cli.report.page.content import SURVEYED, Content, before_of
from mixup_cli.report.page.kinds import Kind, kinds_of
from mixup_cli.report.page.tally import BLOCK_ROWS, Block, Tally
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.mirror import mirrored

PICTURES_BYTES = 64 << 20
"""Of the pictures that are prepared together, as float32."""

LABEL_NUMBERS = 1 << 22
"""Numbers of dense labels that are read, of rows spread evenly."""

UNKNOWN = -1


def content_of_data_set(folder: Path, opened: Opened) -> Content:
    """What a finished data set holds. Raises DataError if it is damaged."""
    finished = Finished(folder, MixedArrays(folder), opened)
    data, manifest, table = finished.data, finished.data.manifest, finished.table
    _check_sizes(folder, manifest)
    members = [*members_of(manifest)]
    sources = [source for each in dict.fromkeys(member.source for member in members) if (source := opened(*each))]
    classes = None if table is None else _classes_of(table.labels, manifest.class_names)
    before = before_of(classes, manifest, sources)
    kinds = {member.rows: _kinds(member) for member in members}
    tally = Tally([*dict.fromkeys(chain.from_iterable(kinds.values()))], len(manifest.class_names), before)
    for member in members:
        for block in _blocks(data, member, kinds[member.rows], tally.kinds, classes):
            tally.add(block)
    if not tally.label_rows and manifest.class_names and manifest.label_kind != "real":
        tally.add_labels(_labels(data))
    drawn = _drawn(finished, tally)
    sizes = sum((source.survey(SURVEYED).sizes for source in sources), Counter[tuple[int, int]]())
    return Content(manifest, False, before, tally, drawn.lines, sizes, drawn.notices)


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    """Raises DataError for a shard that is missing or has another size than the manifest says. Those of a data set at a
    URL are fetched when they are read, and have the right hash then."""
    for shard in () if mirrored(folder) else manifest.sound_shards:
        path = folder / shard.file
        found = path.stat().st_size if path.exists() else None
        if found != shard.bytes:
            problem = "is missing" if found is None else f"has {found:,} bytes, and {shard.bytes:,} were sealed"
            raise DataError(f"{path}: {problem}. Run mixup-gen verify {folder}.")


def _classes_of(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int32] | None:
    """The class of each input, int32 (n), by the names in sources.csv; None if it has hashes of other labels."""
    numbers = {name: number for number, name in enumerate(names)}
    if not numbers or not numbers.keys() >= {*labels}:
        return None
    return np.array([numbers[label] for label in labels], np.int32)


def _kinds(member: Member) -> list[Kind]:
    """What the member's own numbers of methods mean."""
    return kinds_of(Recipe.from_dict(member.manifest.recipe), member.manifest.methods)


def _blocks(
    data: MixedArrays, member: Member, own: Sequence[Kind], kinds: Sequence[Kind], classes: NDArray[np.int32] | None
) -> Iterator[Block]:
    """The rows of a member, whose methods are `own`, block by block. Raises DataError where a number is beyond what the
    manifest has."""
    numbers = np.full(256, UNKNOWN, np.int64)
    for kind, name in zip(own, member.manifest.methods, strict=True):
        numbers[data.manifest.methods.index(name)] = kinds.index(kind)
    is_sparse = any(column.name == "source_label" for column in data.manifest.columns)
    for start in range(member.rows.start, member.rows.stop, BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, member.rows.stop))
        kind, labels, weights = numbers[data.column("method")[rows]], None, None
        if is_sparse:
            labels, weights = data.column("source_label")[rows], data.column("label_share")[rows]
        elif classes is not None:
            labels = classes[data.column("source_index")[rows].clip(0, len(classes) - 1)]
        if kind.min() == UNKNOWN or (labels is not None and not _are_known(labels, len(data.class_names))):
            raise DataError(f"{data.folder}: rows name methods or classes that it lacks. Run mixup-gen verify.")
        yield Block(start, kind, data.column("share")[rows], labels, weights)


def _are_known(classes: NDArray[np.int32], count: int) -> bool:
    return 0 <= int(classes.min()) <= int(classes.max()) < count


def _drawn(finished: Finished, tally: Tally) -> Preview:
    """Rows with their pictures, some at a time; none of samples that are not images."""
    data = finished.data
    if not data.axes:
        return Preview(())
    rows = chosen_rows(tally.first, len(data))
    pictures = 1 + data.column("source_index").shape[1]
    count = max(1, PICTURES_BYTES // (4 * int(np.prod(data.column(FIRST).shape[1:])) * pictures))
    parts = [finished.preview(rows[start : start + count]) for start in range(0, len(rows), count)]
    notices = dict.fromkeys(notice for part in parts for notice in part.notices)
    return Preview(tuple(line for part in parts for line in part.lines), tuple(notices))


def _labels(data: MixedArrays) -> NDArray[np.float32]:
    """Labels (m, K) of rows spread evenly."""
    most = max(1, LABEL_NUMBERS // len(data.class_names))
    labels = data.labels(np.linspace(0, len(data) - 1, min(most, len(data))).astype(np.int64))
    return np.empty((0, len(data.class_names)), np.float32) if labels is None else labels
