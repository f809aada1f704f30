"""The cache: every sample once, in the working form, in memory or in a mapped file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import CacheKind
from mixup_cli.errors import StorageError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Arrays
from mixup_cli.fields.uneven import Uneven, starts_of
from mixup_cli.scan.mapped import map_file
from mixup_cli.storage.seal import storage_errors
from mixup_cli.wording import setting

MEMORY_BYTES = 2 << 30
"""A cache up to this size is held in memory, a larger one in a file."""

ZEROS_BYTES = 1 << 20
"""How much is written at a time to take disk space."""

CACHE_FILE = "cache.bin"

PAGE_BYTES = 4096

KEPT_FOLDER = ".mixup-gen-cache"
"""Where decoded samples are kept for later runs, unless `CacheSettings.folder` names another folder."""


CacheStorage: TypeAlias = CacheKind | Literal["file"]
"""Where samples wait. `file` is always a file, which is removed with the run: worker processes map it."""


@dataclass(frozen=True)
class CacheSettings:
    """Where decoded samples wait until they are mixed.

    `memory`; `auto`, which is memory up to MEMORY_BYTES and else a file that is removed with the run; `disk`, where
    later runs find them again: in `folder`, or else beside the output, up to `limit_bytes`; or `none`: only the windows
    that are being mixed are decoded, in memory.
    """

    kind: CacheKind = "auto"
    folder: Path | None = None
    limit_bytes: int = 20 << 30

    def kept_in(self, out: Path) -> Path | None:
        """The folder where samples are kept for later runs, or None. Raises UsageError for an unusable one."""
        if self.kind != "disk":
            return None
        if self.folder is None:
            if out.resolve().parent == Path(os.path.expanduser("~")).resolve():  # pathlib raises without one
                remedy = f"Name a folder: {setting('cache_folder', 'FOLDER')}."
                raise UsageError(f"{out} is in your home folder.", remedy, field="cache", value="disk")
            return out.absolute().parent / KEPT_FOLDER
        if self.folder.is_file():
            raise UsageError("is a file. Name a folder.", field="cache_folder", value=self.folder)
        if self.folder.resolve().is_relative_to(out.resolve()):
            raise UsageError("is in the output folder. Name another.", field="cache_folder", value=self.folder)
        return self.folder


def goes_to_disk(size_bytes: int, kind: CacheStorage = "auto") -> bool:
    """Whether a cache of this size that is not kept takes a file."""
    return kind == "file" or (kind not in ("memory", "none") and size_bytes > MEMORY_BYTES)


def allocate_uneven(lengths: NDArray[np.int64], form: Form, folder: Path, kind: CacheStorage) -> Arrays:
    """Room for samples of these lengths int64 (n), as `allocate` makes it for samples of one form."""
    starts = starts_of(lengths, form)
    (flat,) = allocate([Form((int(starts[-1]),), form.dtype, "")], 1, folder, kind)
    made: Any = Uneven(flat[0], starts, form)
    return (made,)


def allocate(forms: Sequence[Form], sample_count: int, folder: Path, kind: CacheStorage = "auto") -> Arrays:
    """Room for all samples, an array (sample_count, *form.shape) for each form. A file goes into `folder`."""
    shapes = [(sample_count, *form.shape) for form in forms]
    offsets = [0]
    for form in forms:  # each begins with a page, so that its values are aligned
        offsets.append(-(-(offsets[-1] + form.sample_bytes * sample_count) // PAGE_BYTES) * PAGE_BYTES)
    size_bytes = offsets[len(forms) - 1] + forms[-1].sample_bytes * sample_count
    if not goes_to_disk(size_bytes, kind):
        try:
            return tuple(np.empty(shape, form.dtype) for form, shape in zip(forms, shapes, strict=True))
        except MemoryError as problem:
            remedy = f"Pass {setting('cache', 'auto')}."
            raise StorageError(f"the samples do not fit into memory ({problem}).", remedy) from None
    path = folder / CACHE_FILE
    with storage_errors(path), path.open("wb") as file:
        reserve(file.fileno(), size_bytes)
    places = zip(forms, shapes, offsets, strict=False)
    mapped = tuple(map_file(path, form.dtype, shape, offset) for form, shape, offset in places)
    if kind != "file" and os.name != "nt":
        path.unlink()  # the map keeps it: however the process ends, the disk space is free again
    return mapped


def reserve(descriptor: int, size_bytes: int) -> None:
    """Take the disk space now: a full disk under a mapped file would be a signal (SIGBUS), not an exception.

    On systems without a call for it (macOS, Windows) this writes zeros. Raises OSError for a full disk.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
        return
    zeros = memoryview(bytes(min(size_bytes, ZEROS_BYTES)))
    missing = size_bytes
    while missing:
        missing -= os.write(descriptor, zeros[:missing])
