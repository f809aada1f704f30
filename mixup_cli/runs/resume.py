"""What an output folder holds already, and whether a run may go on with it: if not, exit code 73."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import versions
from mixup_cli.scan.table import table_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.json_files import read_json
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.storage.manifest import MANIFEST, RUN, SOURCES, Manifest
from mixup_cli.storage.source_table import (
    SourceTable,
    first_difference,
    sealed_table,
)
from mixup_cli.wording import counted, plural

REMEDY = "Use another -o, or --force to replace it"


def what_stays(folder: DataSetFolder, force: bool) -> tuple[Manifest | None, Recipe | None]:
    """As `what_is_there`; nothing with `force`. Raises OutputExistsError where no data set can lie here."""
    nearest = next((each for each in (folder.path, *folder.path.parents) if os.path.lexists(each)), None)
    if nearest is not None and not nearest.is_dir():
        raise OutputExistsError(f"{nearest}: is not a folder, and -o {folder.path} needs one. Use another -o.")
    if not force:
        return what_is_there(folder)
    folder.check_clearable()
    return None, None


def what_is_there(folder: DataSetFolder) -> tuple[Manifest | None, Recipe | None]:
    """The manifest if the data set is finished, and the recipe of a finished or unfinished one."""
    foreign = folder.foreign()
    finished, job = folder.finished(), folder.job()
    if foreign and not folder.is_ours:
        folder.check_clearable()  # if even --force would refuse, do not speak of it
        raise OutputExistsError(
            f"{folder.path}: holds {foreign[0]!r}, which is not part of a data set. Use another -o (or --force, which "
            "leaves such files alone)."
        )
    if finished is not None:
        return finished, Recipe.from_dict(finished.recipe)
    return None, Recipe.from_dict(job["recipe"]) if job else None


def check_same_recipe(folder: DataSetFolder, stored: Recipe | None, wanted: Recipe) -> None:
    """Refuse to mix two recipes in one folder, naming what differs."""
    if stored is None or stored == wanted:
        return
    differences = "; ".join(_differences(stored.to_dict(), wanted.to_dict()))
    raise OutputExistsError(f"{folder.path}: is of another recipe ({differences}). {REMEDY}.")


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """What differs between two recipes as plain data: `methods.0.options.alpha was 0.2 and is 0.3`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, pair in enumerate(zip(before, now, strict=True)):
            yield from _differences(*pair, f"{name}.{number}")
    elif before != now:
        yield f"{name} was {_shown(before)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    """A value of a recipe; of methods, where others were added or left out, their names."""
    if isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value):
        return ", ".join(str(each["name"]) for each in value)
    return repr(value)


def check_same_listing(folder: DataSetFolder, source: Source) -> None:
    """Refuse if the source's keys, labels or sizes are not those of sources.csv. Reads no content."""
    finished = folder.finished()
    before = sealed_table(folder.path, finished)
    if before is None:  # a run was cut off before it wrote that down
        return
    if finished is not None and finished.source.samples != len(before.loaded):
        found = f"says {counted(finished.source.samples, 'input')}, and {SOURCES} lists {len(before.loaded)}"
        raise DataError(f"{folder.path / MANIFEST}: {found}. Make the data set again with --force.")
    sizes = source.stored_bytes()
    unchanged = [
        loaded if size in (-1, loaded.stored_bytes) or loaded.problem else loaded.resized(size)
        for loaded, size in zip(before.loaded, sizes, strict=False)
    ]
    check_same_source(folder, before, table_of(source, LoadedColumn.of(unchanged)))


def other_labels(before: tuple[LabelKind, tuple[str, ...]], now: tuple[LabelKind, tuple[str, ...]]) -> str | None:
    """How labels differ in their kind and their classes; None where they do not."""
    shown = [f"{kind} ({', '.join(names[:5])})" for kind, names in (before, now)]
    return None if before == now else f"{shown[0]} then, {shown[1]} now"


def check_same_labels(
    folder: DataSetFolder, finished: Manifest | None, kind: LabelKind, names: tuple[str, ...]
) -> None:
    """Refuse where the numbers of the labels mean something else than before: sources.csv tells their values alone."""
    before: tuple[LabelKind, tuple[str, ...]] | None = None
    if finished is not None:
        before = (finished.label_kind, finished.class_names)
    elif (job := folder.job()) is not None and job.get("label_kind") is not None:
        before = (job["label_kind"], tuple(job.get("class_names") or ()))
    if before is None or (difference := other_labels(before, (kind, names))) is None:
        return
    found = f"{folder.path}: was made from other labels ({difference})"
    again = f"Pass --classes {folder.path} for those of then. " if finished and kind == finished.label_kind else ""
    raise OutputExistsError(f"{found}. {again}{REMEDY}.")


def check_same_rows(folder: DataSetFolder, rows: int) -> None:
    """Refuse a part of another number of rows than the data set was begun for: parts would not fit together. A run of
    its own may change its mind."""
    begun = (folder.job() or {}).get("rows")
    if folder.part.is_whole or begun in (None, rows):
        return
    raise OutputExistsError(
        f"{folder.path}: was begun for {begun} {plural(begun, 'sample')}, and part {folder.part} is asked for {rows}. "
        f"Ask for as many in all parts, or {folder.give_up}."
    )


def check_same_source(folder: DataSetFolder, before: SourceTable | None, now: SourceTable) -> None:
    """Refuse if anything about the inputs differs from what the data set was begun with."""
    difference = first_difference(before, now) if before is not None else None
    if difference is not None:
        raise OutputExistsError(f"{folder.path}: was made from another source ({difference}). {REMEDY}.")


def check_same_fingerprint(folder: DataSetFolder, now: SourceTable) -> None:
    """Refuse to go on with shards of another source where sources.csv, which would tell how it differs, is lost."""
    before = (folder.job() or {}).get("source_fingerprint")
    if before not in (None, now.fingerprint) and folder.rows_done():
        raise OutputExistsError(
            f"{folder.path}: was begun from another source (the hash of its list is {now.fingerprint[:12]}…, and was "
            f"{before[:12]}…; {SOURCES}, which would tell what differs, is missing). {REMEDY}."
        )


def check_same_pixels(folder: DataSetFolder, fingerprint: str) -> None:
    """Refuse to continue with a decoder or resizer that makes other pixels."""
    if (changed := other_pixels(folder, fingerprint)) is not None:
        raise OutputExistsError(
            f"{folder.path}: was begun where pictures decode to other pixels ({changed}). Continue there. {REMEDY}."
        )


def other_pixels(folder: DataSetFolder, fingerprint: str) -> str | None:
    """Which versions changed where the data set was begun under another pixel fingerprint; None where it was not, or
    where nobody wrote it down."""
    before = folder.job() or _run_record(folder)
    if before.get("pixel_fingerprint", fingerprint) == fingerprint:
        return None
    told, new = before.get("versions"), versions()
    old = told if isinstance(told, dict) else {}
    changed = [f"{name} {old.get(name)} then, {new[name]} now" for name in new if old.get(name) != new[name]]
    return "; ".join(changed) or "another machine"


def _run_record(folder: DataSetFolder) -> dict[str, Any]:
    """run.json. Nothing needs it where it is not there."""
    path = folder.path / RUN
    try:
        return read_json(path) if path.exists() else {}
    except DataError as problem:
        raise DataError(f"{path}: cannot be read ({problem}). Remove it: the data set is whole without it.") from None


def complete(folder: DataSetFolder, finished: Manifest, wanted: int) -> bool:
    """Whether a finished data set has just the rows that are wanted, and its shards. Refuses where it has more rows."""
    return enough(folder, finished, wanted) and all_there(folder, finished)


def all_there(folder: DataSetFolder, finished: Manifest) -> bool:
    """Whether every shard is there in full length. Reads no content: that is what `verify` is for."""
    sizes = folder.shard_sizes()
    return all(sizes.get(shard.file) == shard.bytes for shard in finished.shards)


def done_bytes(folder: DataSetFolder, finished: Manifest | None, rows: int, samples_per_shard: int) -> int:
    """What is here already of the shards that `rows` rows take: a short last one is made anew beside the old one."""
    there = folder.shard_bytes()
    if finished is not None and finished.totals.samples < rows:
        there -= sum(shard.bytes for shard in finished.shards[-1:] if shard.stop - shard.start < samples_per_shard)
    return there


def check_not_cut_down(folder: DataSetFolder, rows: int) -> None:
    """Refuse to throw away shards that an unfinished run has made for more rows than are wanted now."""
    made = folder.rows_done()
    if made > rows:
        raise OutputExistsError(
            f"{folder.path}: an unfinished run has made {counted(made, 'sample')} here, more than the {rows} asked "
            f"for. Ask for as many, or {folder.give_up}."
        )


def enough(folder: DataSetFolder, finished: Manifest, wanted: int) -> bool:
    """Whether a finished data set has just the rows that are wanted. Refuses where it has more."""
    if wanted < finished.totals.samples:
        found = counted(finished.totals.samples, "sample")
        raise OutputExistsError(f"{folder.path}: has {found}, more than the {wanted} asked for. {REMEDY}.")
    return wanted == finished.totals.samples
