"""What a run will take, before it takes it: rows, bytes, disk, and a rough time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import StorageError
from mixup_cli.prepare import Job, shard_count
from mixup_cli.sources.fill import existing_part
from mixup_cli.storage.seal import NO_ROOM
from mixup_cli.wording import readable

OVERHEAD_BYTES = 1 << 20
"""For the files around the shards."""

SIDE_BYTES_PER_SAMPLE = 160
"""About what an input takes in sources.csv."""


@dataclass(frozen=True)
class Needs:
    """What a run needs. `output_bytes` is what rows take uncompressed, `side_bytes` what stands around them."""

    rows: int
    shards: int
    row_bytes: int
    output_bytes: int
    side_bytes: int
    cache_bytes: int
    cache_on_disk: bool
    free_bytes: int
    compressed: bool

    @property
    def disk_bytes(self) -> int:
        """Disk that is needed at most."""
        return self.output_bytes + self.side_bytes + (self.cache_bytes if self.cache_on_disk else 0)

    @property
    def certain_bytes(self) -> int:
        """Disk that is needed whatever compression saves."""
        return self.disk_bytes - (self.output_bytes if self.compressed else 0)


def needs(job: Job, sample_count: int, rows: int, out: Path, cache_on_disk: bool) -> Needs:
    """What `rows` rows from `sample_count` samples take; `cache_on_disk` says that these wait on the output's disk."""
    return Needs(
        rows=rows,
        shards=shard_count(rows, job.samples_per_shard),
        row_bytes=job.row_bytes,
        output_bytes=rows * job.row_bytes,
        side_bytes=OVERHEAD_BYTES + sample_count * SIDE_BYTES_PER_SAMPLE,
        cache_bytes=sample_count * job.target.form.sample_bytes,
        cache_on_disk=cache_on_disk,
        free_bytes=shutil.disk_usage(existing_part(out)).free,
        compressed=job.recipe.compression != "none",
    )


def check_room(needed: Needs, done_bytes: int, out: Path) -> None:
    """Refuse a run that cannot fit. `done_bytes` of the output are there already.

    What compression will save is not known, so compressed output is not counted: a full disk will tell.
    """
    missing = needed.certain_bytes - done_bytes
    if missing > needed.free_bytes:
        raise StorageError(
            f"{out}: this run needs {readable(missing)} of disk and {readable(needed.free_bytes)} are free. "
            "Make room, ask for fewer --samples or --passes, or use another -o."
        )


@contextmanager
def room_told(out: Path, missing_bytes: Callable[[], int]) -> Iterator[None]:
    """Where the disk becomes full, tell how much of it is still needed."""
    try:
        yield
    except StorageError as problem:
        if not isinstance(problem.__cause__, OSError) or problem.__cause__.errno not in NO_ROOM:
            raise
        free = readable(shutil.disk_usage(existing_part(out)).free)
        raise StorageError(f"{problem} About {readable(missing_bytes())} are missing, and {free} are free.") from None
