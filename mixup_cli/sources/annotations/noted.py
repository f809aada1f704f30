"""Image files of which more is known than they hold: it is part of their hashes."""

from __future__ import annotations

import hashlib
from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.storage.loaded import Loaded


class NotedPictures(PictureSource):
    """Image files with notes. The hash of a sample is that of two, of 32 bytes each: of its file, and of its notes."""

    @abstractmethod
    def noted(self, index: int) -> bytes:
        """A sha256 of what is noted of one sample: 32 bytes."""

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        return self._with_notes(start, super().load(start, stop, target, out))

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`."""
        return self._with_notes(start, super().examine(start, stop, target))

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        found = super().rehash(index)
        return found and self._together_with(index, found)

    def _with_notes(self, start: int, found: list[Loaded]) -> list[Loaded]:
        return [
            each._replace(sha256=self._together_with(index, each.sha256)) if each.sha256 else each
            for index, each in enumerate(found, start)
        ]

    def _together_with(self, index: int, sha256: str) -> str:
        return hashlib.sha256(bytes.fromhex(sha256) + self.noted(index)).hexdigest()
