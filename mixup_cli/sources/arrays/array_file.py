"""The interface of array files, whatever the container: arrays by name, read one at a time."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.stored import StoredArray

_LABELS = re.compile(r"(.*[_\-.])?(y|labels?|targets?|classes)([_\-.].*)?", re.IGNORECASE)


class ArrayFile(ABC):
    """A file with arrays, listed by their `keys`.

    A container is a subclass in a file of its own, and a line in `containers.CONTAINERS`. Its constructor takes the
    path, reads the keys, and raises DataError for a damaged file and NoInputError for one that cannot be read.
    """

    is_single: ClassVar[bool] = False
    """Whether the format holds one array without a name, so that labels are in a file beside it."""

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self.path, self.keys = path, keys

    @abstractmethod
    def read(self, key: str) -> StoredArray:
        """The array of this name, left in the file where that is possible. Raises DataError if it is damaged."""

    def in_rows(self, samples: StoredArray, labels: StoredArray | None) -> tuple[StoredArray, StoredArray | None]:
        """Samples and labels with the samples counted by the first dimension, as most formats have them already."""
        return samples, labels

    def counted_from_zero(self, labels: Labels) -> tuple[Labels, str]:
        """Labels whose classes begin at 0, as most formats have them already, and a notice if that is a change."""
        return labels, ""

    def has(self, key: str) -> bool:
        """Whether the file has an array of this name, or a group that can have it."""
        return not self.is_single and (key in self.keys or key.strip("/").partition("/")[0] in self.keys)

    def called_labels(self) -> list[str]:
        """The arrays whose names say that they are labels."""
        return [key for key in self.keys if _LABELS.fullmatch(key)]

    def check(self, key: str) -> None:
        """Raises DataError if the file has no array of this name."""
        if not self.has(key):
            raise DataError(f"{self.path}: has no array {key!r}. Found: {listed(self.keys)}. Name one of them.")


def listed(names: Sequence[str]) -> str:
    """The first of these names, for messages."""
    shown = ", ".join(names[:20]) or "nothing"
    return f"{shown}, … ({len(names)} in all)" if len(names) > 20 else shown
