"""What the work folder of a finished data set holds, for who wonders where it comes from and whether it may go."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from mixup_cli.errors import MixupGenError
from mixup_cli.storage.begun import JOB
from mixup_cli.storage.folder import SIDECAR
from mixup_cli.storage.growth import NEXT_NAME
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.locks import SEALING, Holder
from mixup_cli.storage.manifest import ShardRecord
from mixup_cli.storage.parts import Part
from mixup_cli.wording import counted

DONE = "done"
REMEDY = "Running generate again, or repair, removes it."


def left_over(work: Path, shards: Sequence[ShardRecord]) -> str | None:
    """What a run has left in the work folder `work` of a data set that has these shards, in words. Nothing is changed.

    None where there is nothing, or what a run that extends the data set has there: locks and temporary files from its
    beginning on, then what is under way.
    """
    if not os.path.lexists(work):
        return None
    if work.is_symlink() or not work.is_dir():
        return "is no folder, and no run makes anything else of that name. Remove it."
    if (work / NEXT_NAME).is_dir():
        return None
    try:
        told = [*_begun(work), *_sidecars(work / DONE, shards), *_strange(work)]
        told = [*_runs(work), *told, *_scratch(work)] if told else []
    except OSError as problem:
        return f"cannot be read ({problem.strerror}). Make it readable."
    return f"is there, and holds {'; '.join(told)}. {REMEDY}" if told else None


def _runs(work: Path) -> Iterator[str]:
    """Who says that they are at work. That a lock is still held is not found out: trying would be taking it."""
    for path in sorted(work.glob("part-*.lock")):
        part = Part.named(path.stem)
        if part is not None:
            yield f"the lock of {Holder.read(path.with_suffix('.json'))}, which is at work or was cut off"


def _begun(work: Path) -> Iterator[str]:
    if (work / JOB).exists():
        yield "the recipe of a run that has begun and not ended"


def _sidecars(done: Path, shards: Sequence[ShardRecord]) -> Iterator[str]:
    """How many sidecars there are, and which do not tell of the manifest's shards."""
    paths = sorted(path for path in done.glob("*.json") if SIDECAR.fullmatch(path.name))
    others = [path for path in paths if not _tells_of(path, shards)]
    if others:
        which = "it is" if len(paths) == 1 else f"{len(others)} of them"
        yield f"{counted(len(paths), 'sidecar')}, {which} of no shard of the manifest ({DONE}/{others[0].name})"
    elif paths:
        yield f"{counted(len(paths), 'sidecar')} of the manifest's shards"


def _tells_of(sidecar: Path, shards: Sequence[ShardRecord]) -> bool:
    number = int(sidecar.stem)
    try:
        record = ShardRecord.model_validate_json(content_of(sidecar))
    except (ValidationError, MixupGenError, OSError):
        return False
    return number < len(shards) and record == shards[number]


def _names(work: Path) -> list[tuple[str, bool]]:
    """What is none of the above, and whether it belongs to a part."""
    names = sorted(path.name for path in work.iterdir() if path.name not in {JOB, DONE, SEALING})
    return [(name, Part.named(name.partition(".")[0]) is not None) for name in names]


def _scratch(work: Path) -> Iterator[str]:
    folders = [name for name, is_part in _names(work) if is_part and "." not in name]
    if folders:
        yield f"temporary files of a run ({folders[0]})"


def _strange(work: Path) -> Iterator[str]:
    """What no run makes."""
    strange = [name for name, is_part in _names(work) if not is_part]
    if strange:
        yield f"{counted(len(strange), 'file')} that no run makes ({strange[0]!r})"
