"""What archives, stores and tables may hold, images, videos or sounds: which files are samples, and their sources.

A new kind of file that is decoded from its bytes has its classes and a line of `MEDIA` here, and is then read from
tars, zips, stores and tables, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mixup_cli.choices import Task
from mixup_cli.sources.clips.source import VIDEO_FILES, EncodedClips
from mixup_cli.sources.packed.places import Packed
from mixup_cli.sources.packed.rows import Rows
from mixup_cli.sources.pictures.encoded import EncodedPictures
from mixup_cli.sources.pictures.folder import open_tree
from mixup_cli.sources.pictures.source import PICTURE_FILES
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.sounds.folder import open_tree_of_sounds
from mixup_cli.sources.sounds.source import SOUND_FILES, EncodedSounds


class PackedPictures(Packed, EncodedPictures):
    """Images in archives and stores."""


class PackedSounds(Packed, EncodedSounds):
    """Sounds in them. Headers are read when the source is opened, and for that all of each sound."""

    far_limit: ClassVar[int] = 8


class PackedClips(Packed, EncodedClips):
    """Videos in them, of which few are in memory at a time."""

    far_limit: ClassVar[int] = 4


class WebDataset(Packed):
    """Samples in tars; `tar/000017.jpg` is the key, with the tar's name."""

    kind: ClassVar[str] = "webdataset"
    read_as = "WebDataset"
    has_numbered_classes: ClassVar[bool] = True
    has_splits = False

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: the key has the tar's name."""
        return self.keys[index]


class WebPictures(WebDataset, PackedPictures):
    """Images in tars."""


class WebSounds(WebDataset, PackedSounds):
    """Sounds in tars."""

    read_as = "WebDataset of sounds"


class WebClips(WebDataset, PackedClips):
    """Videos in tars."""

    read_as = "WebDataset of videos"


class RowsOfPictures(Rows, EncodedPictures):
    """Images in tables."""


class RowsOfSounds(Rows, EncodedSounds):
    """Sounds in tables. Headers are read when the source is opened, and for that all of each sound."""

    read_as = "a Hugging Face data set of sounds"


class RowsOfClips(Rows, EncodedClips):
    """Videos in tables."""

    read_as = "a Hugging Face data set of videos"


def _with_options(options: SourceOptions) -> dict[str, Any]:
    return {"options": options}


def _with_limit(options: SourceOptions) -> dict[str, Any]:
    return {"max_pixels": options.max_pixels}


@dataclass(frozen=True)
class Medium:
    """How files are known to be samples; the sources of those of class folders, of WebDataset tars and of tables; what
    these take of the options; and what opens a tree of such files."""

    files: FileKind
    packed: type[Packed]
    web: type[WebDataset]
    rows: type[Rows]
    how: Callable[[SourceOptions], dict[str, Any]] = _with_options
    open_tree: Callable[..., Any] = open_tree


MEDIA: dict[Task, Medium] = {
    "classify": Medium(PICTURE_FILES, PackedPictures, WebPictures, RowsOfPictures, _with_limit),
    "video": Medium(VIDEO_FILES, PackedClips, WebClips, RowsOfClips),
    "audio": Medium(SOUND_FILES, PackedSounds, WebSounds, RowsOfSounds, open_tree=open_tree_of_sounds),
}
"""By task. Without a task, the first kind that occurs is read."""


def media_for(task: Task | None) -> Sequence[Medium]:
    """What may be read for a task, the likeliest first."""
    return [*MEDIA.values()] if task is None else [MEDIA.get(task, MEDIA["classify"])]


def first_in(media: Sequence[Medium], endings: Iterable[str]) -> Medium:
    """The first that occurs, by the endings of names in lower case; or the first of all."""
    found = {*endings}
    return next((each for each in media if not found.isdisjoint(each.files.suffixes)), media[0])
