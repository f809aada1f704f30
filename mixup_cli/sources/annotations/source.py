"""Image files with objects as a source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Task
from mixup_cli.errors import NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.target import Target
from mixup_cli.sources.annotations.notes import Notes
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.loaded import Loaded

READERS = 4
"""Threads that read headers: most of the time goes to waiting for a disk."""


class AnnotatedPictures(PictureSource):
    """Image files, each with any number of objects. The hash of a sample is that of two, of 32 bytes each: of its file,
    and of its objects (`Objects.digest`)."""

    objects: Objects

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        return self._with_objects(start, super().load(start, stop, target, out))

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`."""
        return self._with_objects(start, super().examine(start, stop, target))

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        found = super().rehash(index)
        return found and self._together_with(index, found)

    def _with_objects(self, start: int, found: list[Loaded]) -> list[Loaded]:
        return [
            replace(each, sha256=self._together_with(index, each.sha256)) if each.sha256 else each
            for index, each in enumerate(found, start)
        ]

    def _together_with(self, index: int, sha256: str) -> str:
        return hashlib.sha256(bytes.fromhex(sha256) + self.objects.digest(index)).hexdigest()


@dataclass(frozen=True)
class Annotated:
    """What annotation files say of pictures: `paths` are relative to `root`, or absolute. `read_as` is what messages
    call the format."""

    root: str
    paths: Sequence[str]
    notes: Notes
    read_as: str
    notices: Sequence[str] = ()
    groups: tuple[str, ...] | None = None

    def opened(self, options: SourceOptions) -> AnnotatedPictures:
        """The source, in the order of its keys. Raises DataError for objects that cannot be used."""
        if not self.paths:
            raise NoInputError(f"{escape_name(self.root)}: {self.read_as} without pictures. Give another folder.")
        order = sorted(range(len(self.paths)), key=[escape_name(path) for path in self.paths].__getitem__)
        paths = [self.paths[index] for index in order]
        labels = Labels(class_names=self.notes.class_names)
        source = AnnotatedPictures(self.root, paths, labels, max_pixels=options.max_pixels)
        with ThreadPoolExecutor(READERS) as pool:
            extent = np.array([*pool.map(source.extent, range(len(source)))], np.int32).reshape(-1, 2)
        source.objects, left_out = self.notes.objects(extent, order, options.on_error)
        source.task, source.read_as = task_of(source.objects, options.task), self.read_as
        said = f"read as {self.read_as}: {len(source):,} pictures with {len(source.objects.box):,} objects"
        source.notices = (said, *self.notices, *left_out)
        return source


def task_of(objects: Objects, asked: Task | None) -> Task:
    """What a source with objects is for, unless it is asked for: keypoints, or boxes alone."""
    return asked or ("pose" if objects.keypoints else "detect")
