"""COCO's captions: JSON with pictures and, of each, about five captions. Every caption is a sample, with its picture.

https://cocodataset.org/#format-data, Image Captioning.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Target
from mixup_cli.sources.annotations.coco import (
    CAPTION_WORDS,
    chosen_file,
    content_of,
    is_coco,
    looks_like_coco,
    place_of,
)
from mixup_cli.sources.annotations.coco_tables import Reader
from mixup_cli.sources.annotations.notes import CORRECT
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import counted

KEYS = frozenset((*CAPTION_WORDS, "id", "file_name", "image_id"))
TABLES = CAPTION_WORDS[:2]


class CaptionedPictures(PictureSource):
    """Image files, of which several samples in a row may be the same one."""

    read_as = "COCO captions"
    load_limit = 40
    """In a range of samples, a file is read and decoded once."""

    ignored: frozenset[str] = frozenset()
    """See `AnnotatedPictures.ignored`."""

    def __init__(self, root: str, paths: Sequence[str], keys: Sequence[str], max_pixels: int) -> None:
        super().__init__(root, paths, Labels(), max_pixels=max_pixels)
        self.keys = keys

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`."""
        return name in self.ignored or super().ignores(name, value)

    def load(self, start: int, stop: int, target: Target, out: NDArray[Any]) -> list[Loaded]:
        """See `Source.load`."""
        load, found = super().load, list[Loaded]()
        for place, index in enumerate(range(start, stop)):
            if place and self._is_the_same(index):
                out[place] = out[place - 1]
                found.append(found[-1])
            else:
                found += load(index, index + 1, target, out[place : place + 1])
        return found

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`."""
        examine, found = super().examine, list[Loaded]()
        for index in range(start, stop):
            is_known = found and self._is_the_same(index)
            found += found[-1:] if is_known else examine(index, index + 1, target)
        return found

    def _is_the_same(self, index: int) -> bool:
        """Whether a sample has the file of the one before."""
        return self._paths[index] == self._paths[index - 1]


def has_captions(path: Path, options: SourceOptions) -> bool:
    """Whether a place, or the file of labels for it, has COCO's captions."""
    if path.is_dir() and options.labels_from is not None:
        return is_coco(Path(options.labels_from), CAPTION_WORDS)
    return looks_like_coco(path, "caption")


def open_coco_captions(path: Path, options: SourceOptions) -> CaptionedPictures:
    """The pictures and captions of a file, or of the one in a folder that is of the wanted split; or of `labels_from`.
    Raises what `open_coco` raises, DataError for annotations without captions."""
    file, notices, ignored = chosen_file(path, options)
    name = escape_name(str(file))
    reader = Reader(name, {"categories": [], **content_of(file, KEYS, TABLES)})
    paths, found = reader.paths(), _captions(reader)
    root = place_of(file, path if path.is_dir() else path.parent, paths)
    rows = sorted((f"{escape_name(paths[place])}#{number}", paths[place], text) for number, place, text in found)
    source = CaptionedPictures(str(root), [row[1] for row in rows], [row[0] for row in rows], options.max_pixels)
    source.location, source.ignored = str(path), ignored
    source.texts, source.task = [row[2] for row in rows], "caption"
    count = len({place for _, place, _ in found})
    said = f"read as COCO captions: {counted(count, 'image')} with {counted(len(rows), 'caption')}, each a sample"
    lacking = [f"left out {counted(len(paths) - count, 'image')} without captions"] * (count < len(paths))
    source.notices = (said, *notices, *lacking)
    return source


def _captions(reader: Reader) -> list[tuple[int, int, object]]:
    """The id of each annotation, the place of its picture, and what stands in the place of its caption."""
    places = {identity: place for place, identity in enumerate(reader.pictures)}
    found = list[tuple[int, int, object]]()
    for number, entry, where in reader.annotated():
        text = entry.get("caption")
        place = reader.referred(entry, "image_id", places, where)
        found.append((number, place, text.strip() if isinstance(text, str) else text))
    if not any(isinstance(text, str) for _, _, text in found):
        raise DataError(f"{reader.name}: has no captions (found {counted(len(found), 'annotation')}).", CORRECT)
    return found
