"""Image files with objects as a source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Keypoints, Objects
from mixup_cli.fields.signal import INSTANCES
from mixup_cli.sources.annotations.noted import NotedPictures
from mixup_cli.sources.annotations.notes import Notes
from mixup_cli.sources.annotations.outlines import OutlineMaps, check_library
from mixup_cli.sources.reading.base import Source, SourceOptions, Stamps
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import counted, quoted, setting


class AnnotatedPictures(NotedPictures):
    """Image files, each with any number of objects, which are part of their hashes (`Objects.digest`)."""

    objects: Objects
    ignored: frozenset[str] = frozenset()
    """The options that other sources of this kind take, and this one does not."""

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`."""
        has_no_keypoints = self.objects.keypoints is None
        return name in self.ignored or (name == "flip_pairs" and has_no_keypoints) or super().ignores(name, value)

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`. What annotation files say is known by its hash."""
        if (stamps := super().stamps()) is None:
            return None
        return replace(stamps, reading=(*stamps.reading, self._objects_sha256))

    @cached_property
    def _objects_sha256(self) -> str:
        return hashlib.sha256(b"".join(map(self.noted, range(len(self))))).hexdigest()

    def noted(self, index: int) -> bytes:
        """See `NotedPictures`."""
        return self.objects.digest(index)


MapsOf: TypeAlias = Callable[[AnnotatedPictures, Sequence[int]], Mapping[str, Source]]
"""Makes the index maps of a source, by column. Its pictures are those `order` (n) of what annotation files list."""


@dataclass(frozen=True)
class Annotated:
    """What annotation files say of pictures: `paths` are relative to `root`, or absolute. `location` is what the user
    named, and `read_as` what messages call the format. `ignored` are options without effect on such files."""

    location: str
    root: str
    paths: Sequence[str]
    notes: Notes
    read_as: str
    notices: Sequence[str] = ()
    ignored: frozenset[str] = frozenset()
    maps: MapsOf | None = None
    """What makes their index maps; None: of outlines, if they are asked for."""

    def opened(self, options: SourceOptions) -> AnnotatedPictures:
        """The source, in the order of its keys. Raises DataError for objects that cannot be used and for pictures of
        other sizes than the files say, NoInputError if there are no objects, and UsageError for a task or for keypoints
        that they do not have."""
        where = escape_name(self.location)
        if not self.paths:
            raise NoInputError(f"{where}: {self.read_as} without images. Give another folder.")
        order = sorted(range(len(self.paths)), key=[escape_name(path) for path in self.paths].__getitem__)
        paths = [self.paths[index] for index in order]
        labels = Labels(class_names=self.notes.class_names)
        source = AnnotatedPictures(self.root, paths, labels, max_pixels=options.max_pixels)
        extent = source.extents()
        as_listed = np.empty_like(extent)
        as_listed[order] = extent
        self.notes.check_sizes(as_listed, self.paths)
        made = self.notes.objects(extent, order, options.on_error)
        if not len(made.objects.box):
            remedy = f"Give other files, or pass {setting('task', 'classify')} to read the images alone."
            raise NoInputError(f"{where}: {self.read_as} without objects.", remedy)
        source.objects = _for_task(made.objects, options, where)
        source.task = "detect" if source.objects.keypoints is None else "pose"
        if self.maps is not None:
            source.beside, source.task = self.maps(source, order), "segment"
        elif options.task == "segment":
            if not any(outline is not None for outline in made.outlines):
                found = f"{where} has no outlines. Pass {setting('task', 'detect')}."
                raise UsageError(found, field="task", value="segment")
            check_library()
            maps = OutlineMaps(self.location, source.keys, source.objects, made.outlines, made.wheres)
            source.beside, source.task = {INSTANCES: maps}, "segment"
        source.location, source.read_as, source.ignored = self.location, self.read_as, self.ignored
        source.notices = (*self._said(source, options), *self.notices, *made.notices)
        return source

    def _said(self, source: AnnotatedPictures, options: SourceOptions) -> list[str]:
        """That these were taken for annotations, and for which task; and what a mirror does."""
        found = f"{counted(len(source), 'image')} with {counted(len(source.objects.box), 'object')}"
        said = f"read as {self.read_as}: {found}"
        if options.task is None:
            to = setting("task", "classify")
            said += f", for {setting('task', source.task)} ({to} reads the images alone)"
        keypoints = source.objects.keypoints
        if keypoints is None or keypoints.mirrored != tuple(range(len(keypoints.names))) or len(keypoints.names) == 1:
            return [said]
        return [said, f"each keypoint keeps its place in a mirror; {setting('flip_pairs')} names those that swap"]


def _for_task(objects: Objects, options: SourceOptions, where: str) -> Objects:
    """The objects with the keypoints that a task asks for, and as `flip_pairs` says."""
    if options.task in ("detect", "segment"):
        return replace(objects, keypoints=None, points=np.zeros((0, 0, 3)))
    if options.task == "pose" and objects.keypoints is None:
        found = f"{where} has no keypoints. Pass {setting('task', 'detect')}, or leave it out."
        raise UsageError(found, field="task", value="pose")
    if objects.keypoints is None or options.flip_pairs is None:
        return objects
    return replace(objects, keypoints=_paired(objects.keypoints, options.flip_pairs))


def _paired(keypoints: Keypoints, text: str) -> Keypoints:
    """Keypoints of which these pairs, by number from 0, change places in a mirror. Raises UsageError for others."""
    count = len(keypoints.names)
    mirrored = [*range(count)]
    for pair in text.split(","):
        numbers = re.fullmatch(r"\s*(\d{1,6})-(\d{1,6})\s*", pair)
        first, second = (int(numbers[1]), int(numbers[2])) if numbers else (count, count)
        is_free = max(first, second) < count and first != second
        if not is_free or mirrored[first] != first or mirrored[second] != second:
            found = f"{quoted(pair, 20)} is not a pair of keypoints; there are 0 … {count - 1}, and each has one place."
            raise UsageError(found, "Give, for example, 1-2,3-4.", field="flip_pairs", value=text)
        mirrored[first], mirrored[second] = second, first
    return replace(keypoints, mirrored=tuple(mirrored))
