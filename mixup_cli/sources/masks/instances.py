"""Pascal VOC's instances: `SegmentationObject` beside `SegmentationClass`, PNGs of the same names.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010: a pixel has the number of its object
in one and that of its class in the other; 0 is background, and 255 the border around objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import INSTANCES
from mixup_cli.sources.annotations.notes import Fault, Notes
from mixup_cli.sources.annotations.segments import SegmentMaps, Segments, ids_of
from mixup_cli.sources.annotations.source import AnnotatedPictures
from mixup_cli.sources.pictures.source import READERS
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import counted

CLASSES, OBJECTS = "SegmentationClass", "SegmentationObject"

BACKGROUND, BORDER = 0, 255


@dataclass(frozen=True)
class _Object:
    """An object of a picture: its number, its class (None: its pixels have none), and its box."""

    number: int
    class_number: int | None
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class _Picture:
    """The objects of a picture, and the largest class in its mask."""

    objects: Sequence[_Object] = ()
    largest: int = 0


@dataclass(frozen=True)
class Instances:
    """The instances of some pictures: `names` are those of their masks, in `classes` and in `objects`."""

    classes: Path
    objects: Path
    names: Sequence[str]

    def source_of(self, root: str, paths: Sequence[str], options: SourceOptions) -> AnnotatedPictures | None:
        """The pictures as a source with objects, whose boxes and classes are those of their pixels; None if there are
        none. Raises DataError for objects without a class, unless they may be left out."""
        with ThreadPoolExecutor(READERS) as pool:
            found = [*pool.map(lambda name: self._read(name, options), self.names)]
        if not any(each.objects for each in found):
            return None
        largest = max(each.largest for each in found)
        labels = Labels(class_names=options.classes or tuple(map(str, range(largest + 1))))
        source = AnnotatedPictures(root, paths, labels, max_pixels=options.max_pixels)
        made = self._notes(found, labels.class_names).objects(source.extents(), range(len(source)), options.on_error)
        source.objects = made.objects
        segments = Segments.of_objects(made.objects)
        maps = SegmentMaps((str(self.objects), self.names), segments, source.extent, options.max_pixels)
        said = f"{counted(len(made.objects.box), 'object')} in {OBJECTS}"
        unnamed = () if options.classes else (f"classes are called by their numbers, 0 … {largest}",)
        source.beside, source.notices = {INSTANCES: maps}, (said, *unnamed, *made.notices)
        return source

    def _notes(self, found: Sequence[_Picture], names: tuple[str, ...]) -> Notes:
        notes = Notes(names)
        for place, picture in enumerate(found):
            where = escape_name(str(self.objects / self.names[place]))
            for each in picture.objects:
                name = f"{where}: object {each.number}"
                if each.class_number is None:
                    notes.faults.append(Fault(name, f"has no class in {CLASSES}"))
                else:
                    notes.add(name, place, box=each.box, class_number=each.class_number, number=each.number)
        return notes

    def _read(self, name: str, options: SourceOptions) -> _Picture:
        """What the pixels of a picture say; nothing where the scan will report that an image cannot be used."""
        try:
            objects, classes = (
                ids_of((folder / name).read_bytes(), options.max_pixels) for folder in (self.objects, self.classes)
            )
        except (OSError, Undecodable):
            return _Picture()
        if objects.shape != classes.shape:
            return _Picture()
        has_class = classes != options.ignore_index
        numbers = np.unique(objects)
        numbers = numbers[(numbers != BACKGROUND) & (numbers != BORDER)]
        found = [_object(number, objects == number, classes, has_class) for number in numbers.tolist()]
        return _Picture(found, int(classes[has_class].max(initial=0)))


def instances_of(classes: Path, names: Sequence[str]) -> Instances | None:
    """The instances for some masks in a folder as VOC has it; None without any."""
    folder = classes.parent / OBJECTS
    is_there = classes.name == CLASSES and any((folder / name).is_file() for name in names)
    return Instances(classes, folder, names) if is_there else None


def _object(number: int, seen: NDArray[np.bool_], classes: NDArray[np.int64], has_class: NDArray[np.bool_]) -> _Object:
    """The object whose pixels are `seen`: the class that most of them have, of equally many the smaller."""
    counts = np.bincount(classes[seen & has_class])
    lines, columns = (np.flatnonzero(seen.any(axis=axis)).tolist() for axis in (1, 0))
    box = columns[0], lines[0], columns[-1] + 1, lines[-1] + 1
    return _Object(number, int(counts.argmax()) if counts.size else None, box)
