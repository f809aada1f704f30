"""What the work folder of a finished data set holds, for who wonders where it comes from and whether it may go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from mixup_cli.errors import MixupGenError
from mixup_cli.storage.folder import JOB, SIDECAR
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.locks import SEALING, Holder
from mixup_cli.storage.manifest import ShardRecord
from mixup_cli.storage.parts import Part
from mixup_cli.wording import counted

DONE = "done"
REMEDY = "Running generate again, or repair, removes it."


def left_over(work: Path, shards: Sequence[ShardRecord]) -> str:
    """What is in the work folder `work` of a data set that has these shards, in words. Nothing is changed."""
    if work.is_symlink() or not work.is_dir():
        return "is no folder, and no run makes anything else of that name. Remove it."
    try:
        told = [*_runs(work), *_begun(work), *_sidecars(work / DONE, shards), *_others(work)]
    except OSError as problem:
        return f"cannot be read ({problem.strerror}). Make it readable."
    if not told:
        return f"is there and empty: a run has ended here, and did not remove it. {REMEDY}"
    return f"is there, and holds {'; '.join(told)}. {REMEDY}"


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


def _others(work: Path) -> Iterator[str]:
    """What is none of the above, and no lock or scratch folder of a part."""
    known = {JOB, DONE, SEALING}
    names = [path.name for path in sorted(work.iterdir()) if path.name not in known]
    strange = [name for name in names if Part.named(name.partition(".")[0]) is None]
    scratch = [name for name in names if name not in strange and "." not in name]
    if scratch:
        yield f"temporary files of a run ({scratch[0]})"
    if strange:
        yield f"{counted(len(strange), 'file')} that no run makes ({strange[0]!r})"
