"""The page of a finished data set: all rows are counted, and some are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.fields.signal import INPUT_IDS
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.report.finished import Finished, Opened, check_numbers
from mixup_cli.report.lines import Preview
from mixup_cli.report.mask_counts import MaskCounts
from mixup_cli.report.object_counts import ObjectCounts, blocks
from mixup_cli.report.page.cards import USUAL_ROWS, chosen_rows
from mixup_cli.report.page.content import SURVEYED, Content, before_of
from mixup_cli.report.page.kinds import Kind, kinds_of
from mixup_cli.report.page.tally import BLOCK_ROWS, Block, Tally
from mixup_cli.report.played import Player
from mixup_cli.report.preview import SHOWN
from mixup_cli.report.texts import preview_text_set
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.mirror import mirrored

PICTURES_BYTES = 64 << 20
"""Of the pictures that are prepared together, as float32."""

LABEL_NUMBERS = 1 << 22
"""Numbers of dense labels that are read, of rows spread evenly."""


def content_of_data_set(folder: Path, opened: Opened) -> Content:
    """What a finished data set holds. Raises DataError if it is damaged."""
    data = MixedArrays(folder)
    finished = Finished(folder, data, opened, Player(data.axes))
    manifest, table = data.manifest, finished.table
    _check_sizes(folder, manifest)
    members = [*members_of(manifest)]
    sources = [source for each in dict.fromkeys(member.source for member in members) if (source := opened(*each))]
    classes = None if table is None else _classes_of(table.labels, manifest.class_names, manifest.has_donors)
    before = before_of(classes, manifest, sources)
    kinds = {each.rows: kinds_of(Recipe.from_dict(each.manifest.recipe), each.manifest.methods) for each in members}
    tally = Tally([*dict.fromkeys(chain.from_iterable(kinds.values()))], len(manifest.class_names), before)
    objects = ObjectCounts.of(data)
    for member in members:
        numbers = _numbers(data, member, kinds[member.rows], tally.kinds)
        for block in _blocks(data, member, numbers, classes):
            tally.add(block)
        if objects is not None:
            _count_objects(data, member, numbers, tally, objects)
    if objects is None and not tally.label_rows and manifest.class_names and manifest.label_kind != "real":
        most = max(1, LABEL_NUMBERS // len(data.class_names))
        labels = data.labels(np.linspace(0, len(data) - 1, min(most, len(data))).astype(np.int64))
        tally.add_labels(np.asarray(labels))
    drawn = _drawn(finished, tally)
    sizes = sum((source.survey(SURVEYED).sizes for source in sources), Counter[tuple[int, int]]())
    masks, texts = MaskCounts.of_rows(data), _texts(finished)
    return Content(manifest, False, before, tally, drawn.lines, sizes, drawn.notices, objects, masks, texts)


def _texts(finished: Finished) -> tuple[str, ...]:
    """Some rows of texts, in lines; none without their source, which has the words."""
    if finished.data.manifest.signals[0].name != INPUT_IDS:
        return ()
    with suppress(UsageError):
        return preview_text_set(finished.folder, finished.data, finished.opened, range(USUAL_ROWS)).lines
    return ()


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    """Raises DataError for a shard that is missing or has another size than the manifest says. Those of a data set at a
    URL are fetched when they are read, and have the right hash then."""
    for shard in () if mirrored(folder) else manifest.sound_shards:
        path = folder / shard.file
        found = path.stat().st_size if path.exists() else None
        if found != shard.bytes:
            problem = "is missing" if found is None else f"has {found:,} bytes, and {shard.bytes:,} were sealed"
            raise DataError(f"{path}: {problem}. Run mixup-gen verify {folder}.")


def _classes_of(labels: Sequence[str], names: Sequence[str], has_donors: bool) -> NDArray[np.int32] | None:
    """The class of each input, int32 (n), by the names in sources.csv; None if it has hashes of other labels."""
    numbers = {name: number for number, name in enumerate(names)}
    numbers |= {"": NO_CLASS} if numbers and has_donors else {}
    if not numbers or not numbers.keys() >= {*labels}:
        return None
    return np.array([numbers[label] for label in labels], np.int32)


def _numbers(data: MixedArrays, member: Member, own: Sequence[Kind], kinds: Sequence[Kind]) -> NDArray[np.int64]:
    """The number among all kinds of each method of the whole, in the rows of a member whose methods are `own`."""
    numbers = np.zeros(len(data.manifest.methods), np.int64)
    for kind, name in zip(own, member.manifest.methods, strict=True):
        numbers[data.manifest.methods.index(name)] = kinds.index(kind)
    return numbers


def _count_objects(
    data: MixedArrays, member: Member, numbers: NDArray[np.int64], tally: Tally, objects: ObjectCounts
) -> None:
    """Count the objects in the rows of a member, whose methods have these numbers of kinds."""
    for rows, columns in blocks(data, member.rows):
        objects.add(columns)
        tally.add_objects(rows.start, numbers[data.column("method")[rows]], columns)


def _blocks(
    data: MixedArrays, member: Member, numbers: NDArray[np.int64], classes: NDArray[np.int32] | None
) -> Iterator[Block]:
    """The rows of a member, whose methods have these numbers of kinds, block by block. Raises DataError where a number
    is beyond what the manifest has."""
    is_sparse = any(column.name == "source_label" for column in data.manifest.columns)
    for start in range(member.rows.start, member.rows.stop, BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, member.rows.stop))
        check_numbers(data.folder, data, member.inputs, np.arange(rows.start, rows.stop))
        labels, weights = None, None
        if is_sparse:
            labels, weights = data.column("source_label")[rows], data.column("label_share")[rows]
        elif classes is not None:
            labels = classes[data.column("source_index")[rows]]
        yield Block(start, numbers[data.column("method")[rows]], data.column("share")[rows], labels, weights)


def _drawn(finished: Finished, tally: Tally) -> Preview:
    """Rows with their pictures, some at a time; none of samples that are not images."""
    data = finished.data
    if data.axes not in SHOWN:
        return Preview(())
    rows = chosen_rows(tally.first, len(data))
    pictures = 1 + data.column("source_index").shape[1]
    count = max(1, PICTURES_BYTES // (4 * int(np.prod(data.manifest.signals[0].shape)) * pictures))
    parts = [finished.preview(rows[start : start + count]) for start in range(0, len(rows), count)]
    notices = dict.fromkeys(notice for part in parts for notice in part.notices)
    return Preview(tuple(line for part in parts for line in part.lines), tuple(notices))
