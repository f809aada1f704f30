"""What the work folder of a finished data set holds, for a user who wants to know whether it can be removed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from mixup_cli.errors import MixupGenError
from mixup_cli.storage.contents import SIDECAR
from mixup_cli.storage.growth import NEXT_NAME
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.locks import SCAN_FILES, SEALING, Holder
from mixup_cli.storage.names import BEGUN
from mixup_cli.storage.parts import Part
from mixup_cli.storage.seal import reason
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.wording import counted

DONE = "done"


def left_over(work: Path, shards: Sequence[ShardRecord]) -> tuple[str, str] | None:
    """What a run left in the work folder `work` of a data set with these shards, and what to do. Nothing is changed.

    None if it is empty, or if a run is extending the data set: then it holds locks and temporary files, and the growth.
    """
    if not os.path.lexists(work):
        return None
    if work.is_symlink() or not work.is_dir():
        return "is not a folder: mixup-gen did not make it", "Remove it."
    if (work / NEXT_NAME).is_dir():
        return None
    try:
        found = [*_evidence(work, shards)]
        found = [*_runs(work), *found, *_scratch(work)] if found else []
    except OSError as problem:
        return f"cannot be read ({reason(problem)})", "Make it readable."
    return (f"holds {'; '.join(found)}", "Running generate again, or repair, removes it.") if found else None


def _evidence(work: Path, shards: Sequence[ShardRecord]) -> Iterator[str]:
    """What only a run that was cut off leaves, or what no run makes."""
    if (work / BEGUN).exists():
        yield "the recipe of an unfinished run"
    paths = sorted(path for path in (work / DONE).glob("*.json") if SIDECAR.fullmatch(path.name))
    others = [path for path in paths if not _is_of(path, shards)]
    if paths:
        strangers = f", {len(others)} of other shards ({DONE}/{others[0].name})" if others else ""
        yield f"{counted(len(paths), 'sidecar')} of finished shards{strangers}"
    known = {BEGUN, DONE, SEALING, *SCAN_FILES}
    if strange := sorted(path.name for path in work.iterdir() if path.name not in known and _part_of(path) is None):
        yield f"{counted(len(strange), 'file')} that mixup-gen does not make ({strange[0]!r})"


def _runs(work: Path) -> Iterator[str]:
    """The runs that have a lock. Whether it is held stays unknown: to try would be to take it."""
    for path in sorted(work.glob("part-*.lock")):
        if _part_of(path) is not None:
            yield f"the lock of {Holder.read(path.with_suffix('.json'))}, which is running or was cut off"


def _scratch(work: Path) -> Iterator[str]:
    folders = sorted(path.name for path in work.glob("part-*") if "." not in path.name and _part_of(path) is not None)
    if folders:
        yield f"temporary files of a run ({folders[0]})"


def _part_of(path: Path) -> Part | None:
    """The part that a file in the work folder belongs to."""
    return Part.named(path.name.partition(".")[0])


def _is_of(sidecar: Path, shards: Sequence[ShardRecord]) -> bool:
    """Whether a sidecar has the record that the manifest has."""
    number = int(sidecar.stem)
    try:
        record = ShardRecord.model_validate_json(content_of(sidecar))
    except (ValidationError, MixupGenError, OSError):
        return False
    return number < len(shards) and record == shards[number]
