"""The cache: every sample once, in the working form, in memory or in a mapped file beside the output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.sources.base import Form
from mixup_cli.storage.seal import storage_errors

MEMORY_BYTES = 2 << 30
"""A cache up to this size is held in memory, a larger one in a file."""

CACHE_FILE = "cache.bin"


def goes_to_disk(form: Form, sample_count: int) -> bool:
    """Whether a cache of so many samples is too large for memory."""
    return form.sample_bytes * sample_count > MEMORY_BYTES


def allocate(form: Form, sample_count: int, folder: Path) -> NDArray[Any]:
    """Room for all samples: (sample_count, *form.shape) of form.dtype. A file goes into `folder`."""
    shape = (sample_count, *form.shape)
    if not goes_to_disk(form, sample_count):
        return np.empty(shape, form.dtype)
    path = folder / CACHE_FILE
    with storage_errors(path), path.open("wb") as file:
        _reserve(file.fileno(), form.sample_bytes * sample_count)
    return np.memmap(path, form.dtype, "r+", shape=shape)


def discard(folder: Path) -> None:
    """Remove the cache's file, if there is one: it serves one run."""
    (folder / CACHE_FILE).unlink(missing_ok=True)


def _reserve(descriptor: int, size_bytes: int) -> None:
    """Take the disk space now: a full disk under a mapped file would be a signal, not an exception."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
    else:
        os.truncate(descriptor, size_bytes)
