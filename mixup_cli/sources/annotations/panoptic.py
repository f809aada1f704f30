"""COCO's panoptic format: JSON about segments, and a folder of PNGs whose pixels have their ids.

Kirillov et al., "Panoptic Segmentation", CVPR 2019; https://cocodataset.org/#format-data. The id of a pixel is R +
256·G + 65536·B. A segment is a thing (a dog) or of stuff (grass), as `isthing` says of its category. Things are objects
with the box of their segment and its id. Pixels of the id 0 have no class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.signal import INSTANCES, MASK
from mixup_cli.sources.annotations.beside import files_in
from mixup_cli.sources.annotations.coco_tables import Entry, Reader, are_numbers, below, first_with, is_whole
from mixup_cli.sources.annotations.notes import CORRECT, Notes, checked_names, shown
from mixup_cli.sources.annotations.segments import SegmentMaps, Segments
from mixup_cli.sources.annotations.source import AnnotatedPictures
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import setting

READ_AS = "panoptic COCO annotations"

PREFIX = "panoptic"
"""How names of files begin; `panoptic_train2017` is of the pictures `train2017`, and its PNGs lie in a folder of its
name."""

NO_SEGMENT, MOST_ID = 0, (1 << 24) - 1
"""The id of a pixel of no segment, and the largest that one can have."""


def is_panoptic(content: Entry) -> bool:
    """Whether the annotations of a file are lists of segments."""
    return any(isinstance(entry, dict) and "segments_info" in entry for entry in content["annotations"][:1])


def panoptic_in(folder: Path) -> bool:
    """Whether a folder has such a file, whose PNGs are then not masks."""
    return any(each.name.startswith(PREFIX) for each in files_in(folder, ".json"))


class PanopticReader(Reader):
    """One file of segments. `maps` is known once `notes` has read it: of each picture that has segments, in order, its
    PNG and the class of each segment."""

    def __init__(self, name: str, content: Entry) -> None:
        super().__init__(name, content)
        self.maps: list[tuple[str, dict[int, int]]] = []
        self._entries = self._by_picture()
        self.left_out = len(self.pictures) - len(self._entries)
        self.pictures = {each: picture for each, picture in self.pictures.items() if each in self._entries}

    def _by_picture(self) -> dict[int, tuple[str, Entry]]:
        """The annotation of each picture, with where it stands."""
        found: dict[int, tuple[str, Entry]] = {}
        for number, entry in enumerate(self.annotations):
            where = f"{self.name}: annotations[{number}]"
            if not isinstance(entry, dict) or not isinstance(entry.get("segments_info"), list):
                raise DataError(f"{where}: has no list segments_info.", CORRECT)
            identity = entry.get("image_id")
            if not is_whole(identity) or identity not in self.pictures or identity in found:
                expected = "that of an image without another annotation"
                raise DataError(f"{where}: its image_id is {shown(identity)}, expected {expected}.", CORRECT)
            found[identity] = where, entry
        return found

    def notes(self) -> Notes:
        """The things of all pictures that have segments."""
        classes = {identity: place for place, identity in enumerate(self.categories)}
        names = [category.get("name") for category in self.categories.values()]
        notes = Notes(checked_names(names, self.name))
        for place, (identity, picture) in enumerate(self.pictures.items()):
            notes.sized(f"{self.name}: image {shown(identity)}", place, picture.get("width"), picture.get("height"))
            where, entry = self._entries[identity]
            found: dict[int, int] = {}
            for number, segment in enumerate(entry["segments_info"]):
                self._read(notes, f"{where}: segments_info[{number}]", (place, segment), classes, found)
            self.maps.append((below(entry.get("file_name"), where), {NO_SEGMENT: -1, **found}))
        return notes

    def _read(
        self, notes: Notes, where: str, of: tuple[int, Entry], classes: dict[int, int], found: dict[int, int]
    ) -> None:
        """Take in a segment of a picture, and a thing as an object."""
        place, segment = of
        identity = segment.get("id") if isinstance(segment, dict) else None
        if not is_whole(identity) or not NO_SEGMENT < identity <= MOST_ID or identity in found:
            raise DataError(f"{where}: its id is {shown(identity)}, expected another one in 1 … {MOST_ID}.", CORRECT)
        found[identity] = self.referred(segment, "category_id", classes, where)
        if not self.categories[segment["category_id"]].get("isthing", 1):
            return
        box = segment.get("bbox")
        if not are_numbers(box) or len(box) != 4:
            raise DataError(f"{where}: its bbox is {shown(box)}, expected a list of four numbers.", CORRECT)
        edges, is_crowd = (box[0], box[1], box[0] + box[2], box[1] + box[3]), bool(segment.get("iscrowd"))
        notes.add(where, place, box=edges, class_number=found[identity], number=identity, crowd=is_crowd)


@dataclass(frozen=True)
class PanopticMaps:
    """Makes the index maps of a panoptic file: of the pictures in its order, `maps` as `PanopticReader` has them."""

    file: Path
    maps: Sequence[tuple[str, dict[int, int]]]
    options: SourceOptions

    def __call__(self, source: AnnotatedPictures, order: Sequence[int]) -> dict[str, Source]:
        """The class of each pixel, and its instance, of the pictures `order`. Raises DataError if their PNGs are
        nowhere, and UsageError if the number for none is that of a class."""
        void, class_count = self.options.ignore_index, len(source.labels.class_names)
        if void < class_count:
            found = f"there are {class_count} classes, and it is the number of one of them. Give {class_count} or more."
            raise UsageError(found, field="ignore_index", value=void)
        paths = [self.maps[place][0] for place in order]
        numbers = [{key: void if key == NO_SEGMENT else each for key, each in self.maps[n][1].items()} for n in order]
        name, parent = self.file.stem, self.file.parent
        places = [parent / name, parent / name / name, parent, parent.parent / name]
        if (root := first_with(places, paths)) is None:
            first = f"{escape_name(str(self.file))}: its first PNG, {escape_name(paths[0])}, is not in"
            found = f"{first} {escape_name(str(places[0]))}."
            raise DataError(found, f"Put the PNGs there, or pass {setting('task', 'detect')}.")
        files, limit = (str(root), paths), self.options.max_pixels
        return {
            MASK: SegmentMaps(files, Segments.of_classes(numbers, void), source.extent, limit),
            INSTANCES: SegmentMaps(files, Segments.of_objects(source.objects), source.extent, limit),
        }
