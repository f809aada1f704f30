"""Fill the cache: by a scan, or with samples that an earlier run has decoded and kept."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.engines.base import Engine
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import StorageError
from mixup_cli.fields.target import Arrays, FormMismatch, Target, sample_bytes
from mixup_cli.listener import Listener
from mixup_cli.scan.cache import CacheSettings, CacheStorage, allocate, goes_to_disk
from mixup_cli.scan.kept_cache import KeptCache, NotKeptError
from mixup_cli.scan.kept_entry import DamagedError, entry_key
from mixup_cli.scan.room import allocate_for, cache_bytes
from mixup_cli.scan.scan import Tolerance, scan, settle
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import counted, readable


@dataclass(frozen=True, kw_only=True)
class CachePlace:
    """Where the samples of one run wait.

    `work` is a folder for a file that serves this run alone, `out` the output folder, `decoder` names what decodes (for
    samples that are kept), and `spare_bytes` is the disk space that the run needs besides. With `mapped` samples always
    wait in a file, which other processes can map.
    """

    caching: CacheSettings
    work: Path
    out: Path
    decoder: str = ""
    spare_bytes: int = 0
    mapped: bool = False

    @property
    def kind(self) -> CacheStorage:
        """Where samples wait if they are not kept."""
        return "file" if self.mapped else self.caching.kind

    @property
    def kept(self) -> KeptCache | None:
        folder = self.caching.kept_in(self.out)
        return None if folder is None else KeptCache(folder, self.caching.limit_bytes)


@dataclass(frozen=True)
class ScanSettings:
    """How a scan is carried out."""

    tolerance: Tolerance
    engine: Engine
    listener: Listener

    @property
    def threads(self) -> Engine:
        """What runs tasks that share this process's memory."""
        return self.engine if self.engine.shares_memory else LocalEngine(self.engine.workers)


Filled = tuple[Arrays | None, SourceTable]


def fill(source: Source, targets: Sequence[Target], place: CachePlace, how: ScanSettings) -> Filled:
    """Every sample, an array for each target, or None without a cache, and what the scan found of each. Raises what
    `scan` raises, and StorageError."""
    kept, target = place.kept, targets[0]
    if kept is None:
        return _for_this_run(source, targets, place, how)
    looked_ns, stamps = time.time_ns(), source.stamps()
    if stamps is None:
        how.listener.notice(f"{source.location}: not only image files, so decoded samples are not kept")
        return _for_this_run(source, targets, place, how)
    keys = _keys(source, stamps, target, place)
    for key in keys:
        try:
            found = kept.find(key, source, stamps, target.form, looked_ns)
            if found is None:
                continue
            found.check(how.threads)
        except FormMismatch:
            if key == keys[0]:
                raise
            continue
        except DamagedError as problem:
            how.listener.notice(f"{kept.folder}: kept samples are damaged ({problem}); this run decodes them again")
            continue
        table = settle(source, found.loaded, how.tolerance)
        how.listener.notice(f"{counted(len(source), 'decoded sample')} {_are(source)} used again from {kept.folder}")
        return (found.samples,), table
    return _kept(source, target, place, how, _Wanted(kept, keys[0], stamps, looked_ns))


def _keys(source: Source, stamps: Stamps, target: Target, place: CachePlace) -> list[str]:
    """The keys of the entries that will do, the target's own first.

    An entry that was made without resizing holds pictures that had the size already, which resizing leaves alone.
    """
    targets = [target] if target.resize is None else [target, replace(target, resize=None)]
    return [entry_key(source, stamps, each, place.decoder) for each in targets]


@dataclass(frozen=True)
class _Wanted:
    """The entry that is to be made, and the source as it was before."""

    kept: KeptCache
    key: str
    stamps: Stamps
    looked_ns: int


def _for_this_run(source: Source, targets: Sequence[Target], place: CachePlace, how: ScanSettings) -> Filled:
    kind = place.kind
    held = source.held(targets[0]) if len(targets) == 1 and kind not in ("none", "file") else None
    cache: Arrays | None = None if held is None else (held,)
    if cache is None and kind != "none":
        cache = allocate_for(source, targets, place.work, kind)
    return cache, scan(source, targets, cache, how.tolerance, how.engine, how.listener)


def _kept(source: Source, target: Target, place: CachePlace, how: ScanSettings, wanted: _Wanted) -> Filled:
    """Scan into an entry, or, where that cannot be, into a cache of this run alone. Sources of which samples are kept
    have one signal."""
    with ExitStack() as stack:
        try:
            spare_bytes = place.spare_bytes if same_disk(wanted.kept.folder, place.out) else 0
            room = wanted.kept.draft(wanted.key, target.form, len(source), spare_bytes)
            draft = stack.enter_context(room)
        except NotKeptError as reason:
            how.listener.notice(f"decoded samples are not kept: {reason}")
            return _for_this_run(source, [target], place, how)
        try:
            table = scan(source, [target], (draft.samples,), how.tolerance, how.engine, how.listener)
        except FormMismatch as found:
            if wanted.stamps.same(source.stamps()):
                wanted.kept.note_misfit(wanted.key, found, wanted.looked_ns)
            raise
        problem = _why_not(source, table, wanted.stamps)
        if problem is None:
            try:
                draft.seal(wanted.key, table.loaded, wanted.looked_ns, how.threads)
            except (OSError, StorageError) as error:
                problem = str(error)
        folder, size = wanted.kept.folder, readable(draft.samples.nbytes)
        what = counted(len(source), "decoded sample")
        is_kept = f"{what} ({size}) {_are(source)} kept for later runs in {folder}"
        how.listener.notice(is_kept if problem is None else f"decoded samples are not kept: {problem}")
        if problem is None or not place.mapped:
            return (draft.samples,), table
        # the draft's file goes, and its name with it
        (cache,) = allocate([target.form], len(source), place.work, place.kind)
        cache[:] = draft.samples
        return (cache,), table


def _are(source: Source) -> str:
    return "is" if len(source) == 1 else "are"


def _why_not(source: Source, table: SourceTable, before: Stamps) -> str | None:
    if not table.loaded.all_hashed:
        return "some inputs could not be read"
    if not before.same(source.stamps()):
        return "the source has changed during the scan"
    return None


def is_kept(source: Source, target: Target, place: CachePlace) -> bool:
    """Whether an earlier run has kept these samples, without a check of them."""
    kept = place.kept
    stamps = None if kept is None else source.stamps()
    return (
        kept is not None
        and stamps is not None
        and any(kept.has(key, target.form, len(source)) for key in _keys(source, stamps, target, place))
    )


def size_of_cache(source: Source, targets: Sequence[Target], place: CachePlace) -> int:
    """What all samples take, in bytes: those that are kept for later runs have one form."""
    return cache_bytes(source, targets) if place.kept is None else len(source) * sample_bytes(targets)


def needs_file(source: Source, targets: Sequence[Target], place: CachePlace) -> bool:
    """Whether the cache will take a file on the disk of the output."""
    if not goes_to_disk(size_of_cache(source, targets, place), place.kind):
        return False
    kept = place.kept
    return kept is None or (same_disk(kept.folder, place.out) and not is_kept(source, targets[0], place))


def same_disk(one: Path, other: Path) -> bool:
    """Whether two paths, which need not exist, are on the same file system."""
    return os.stat(nearest_existing(one)).st_dev == os.stat(nearest_existing(other)).st_dev


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    path = path.absolute()
    return path if path.exists() else nearest_existing(path.parent)


def cache_text(source: Source, targets: Sequence[Target], place: CachePlace) -> str:
    """The cache of a run, for people."""
    size_bytes, kept = size_of_cache(source, targets, place), place.kept
    size = readable(size_bytes)
    if kept is None or source.stamps() is None:
        return f"{size} {'on disk' if goes_to_disk(size_bytes, place.kind) else 'in memory'}"
    return f"{size} {'kept' if is_kept(source, targets[0], place) else 'to be kept'} in {kept.folder}"
