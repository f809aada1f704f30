"""The options that say what to read, and how. One that is not given is None: defaults live in `SourceOptions`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from mixup_cli.choices import LabelKind, LabelLevel, OnError, Short, Task, TextEncoding
from mixup_cli.cli.options.groups import SOURCE, Group, argument, flag, switch
from mixup_cli.cli.options.parse import FEATURES, NAME, PATH_OR_URL, SECONDS, whole, word
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.wording import setting

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.sources import Source, SourceOptions

FILES = ("files_from", "labels_from", "tokenizer", "donors_from")
PERHAPS_FILES = ("label_key", "group_column")
"""Options that name a file, and those that name an array, a column or a file."""


Places: TypeAlias = tuple[Path | str, ...]
"""Paths, and the texts of URLs."""


def local(places: Places) -> list[Path]:
    """Those of some places that are paths."""
    return [each for each in places if isinstance(each, Path)]


@dataclass(frozen=True)
class PlaceFlags:
    """Where the source is, for commands that take one."""

    sources: Places = argument(
        "[SOURCE]…",
        "Folders of images or sounds, .zip or .tar files of images, annotations of objects, WebDataset tars, CIFAR "
        "archives, IDX or array files, or URLs of these.",
        nargs=-1,
        reader=PATH_OR_URL,
        otherwise="the current folder",
    )

    @property
    def finished(self) -> Path | None:
        """The finished data set that is named alone, if one is; of one at a URL, its mirror."""
        from mixup_cli.storage.names import MANIFEST
        from mixup_cli.storage.opened import folder_at

        if len(self.sources) != 1:
            return None
        first = self.sources[0]
        found = first if isinstance(first, Path) else folder_at(first)
        return found if found is not None and (found / MANIFEST).is_file() else None


@dataclass(frozen=True)
class SourceFlags(Group):
    """What to read, and how."""

    files_from: str | None = flag(SOURCE, "Read image paths from a list, one a line.", NAME, metavar="FILE|-")
    null: bool = switch(SOURCE, "Paths in that list end with NUL instead of a newline.")
    split: str | None = flag(
        SOURCE,
        "Which split to read. Pass '' if these folders are classes.",
        metavar="NAME",
        otherwise="the training split",
    )
    classes: str | None = flag(
        SOURCE,
        "Class names in order: a file (one name a line, or a JSON list), a finished data set, or the names themselves.",
        NAME,
        metavar="FILE|OUT|A,B,…",
        otherwise="the classes of all splits, sorted",
    )
    label_level: LabelLevel | None = flag(
        SOURCE, "Which labels of CIFAR-100 to use.", word(LabelLevel), otherwise="fine"
    )
    labels_from: str | None = flag(
        SOURCE,
        "Read labels from a table with a row for each image: CSV, TSV, text, JSON lines or Parquet; or objects or "
        "captions from COCO's JSON or, with --task detect, Open Images' CSV; or masks from a folder.",
        NAME,
    )
    file_column: str | None = flag(SOURCE, "Column of that table that names the images.", metavar="NAME")
    label_column: str | None = flag(
        SOURCE,
        "Column or columns with labels, in that table, in metadata.csv or in a table of texts.",
        metavar="NAME[,NAME…]",
    )
    label_separator: str | None = flag(SOURCE, "What separates several classes in one cell, such as ' ' or ','.")
    label_kind: LabelKind | None = flag(
        SOURCE,
        "One class for each sample (classes), shares of classes (soft), any number of classes (multi), numbers "
        "(real), or no labels (none).",
        word(LabelKind),
        otherwise="classes or soft, as found",
    )
    group_column: str | None = flag(
        SOURCE,
        "Column of metadata.csv, or array, that names each sample's fold, patient, speaker …; only samples of "
        "the same group are mixed. none: ignore the groups of a finished data set.",
        metavar="NAME",
    )
    task: Task | None = flag(
        SOURCE,
        "What is read of annotations (COCO, YOLO, Pascal VOC, labelme): boxes (detect), boxes with keypoints (pose), "
        "outlines or masks (segment), or nothing but the images (classify); or that these are sounds (audio), videos "
        "(video), or images with captions (caption).",
        word(Task),
        otherwise="as found",
    )
    frames: int | None = flag(SOURCE, "Frames to take of each video.", whole(1, 4096), metavar="COUNT", otherwise=16)
    stride: int | None = flag(
        SOURCE, "Take every so many frames of a video, counted as they are shown.", whole(1, 4096), otherwise=2
    )
    clips: int | None = flag(
        SOURCE,
        "Clips to keep of each video, spread evenly over it; each row shows one.",
        whole(1, 64),
        metavar="COUNT",
        otherwise=1,
    )
    ignore_index: int | None = flag(
        SOURCE, "Class in masks of pixels that have none.", whole(0, 65535), metavar="CLASS", otherwise=255
    )
    box_origin: int | None = flag(
        SOURCE,
        "With Pascal VOC: whether pixels are counted from 1, and boxes have both edges; or from 0, as most tools do.",
        whole(0, 1),
        metavar="1|0",
        otherwise=1,
    )
    flip_pairs: str | None = flag(
        SOURCE,
        "Keypoints that change places in a mirror, by number from 0: 1-2,3-4.",
        metavar="A-B,…",
        otherwise="as the annotations say, or left and right by name",
    )
    tokenizer: str | None = flag(
        SOURCE,
        "Read labelled texts (CSV, TSV, JSON lines, Parquet, or lines that begin with their label), or with --task "
        "caption captions, and make tokens of them by this tokenizer.json.",
        NAME,
    )
    length: int | None = flag(
        SOURCE,
        "Cut and pad texts, or the captions of a row, to N tokens.",
        whole(1, 65536),
        otherwise="those of the longest, or of two captions; at most 512",
    )
    text_column: str | None = flag(
        SOURCE,
        "Column with the texts or captions; in WebDataset tars, an ending or a field of .json.",
        metavar="NAME",
        otherwise="by its name",
    )
    encoding: TextEncoding | None = flag(
        SOURCE, "Encoding of the texts.", word(TextEncoding, "NAME"), otherwise="utf-8"
    )
    data_key: str | None = flag(
        SOURCE,
        "Array with the samples, in a file of several arrays (.npz, .h5, .safetensors); several are mixed alike. "
        "Column or ending of the samples, in a table or in WebDataset tars.",
        metavar="NAME,…",
    )
    label_key: str | None = flag(
        SOURCE,
        "Array or column with the labels; for .npy, a file; for WebDataset tars, an ending or a field of .json.",
        metavar="NAME",
    )
    rate: int | None = flag(
        SOURCE,
        "With sounds: samples a second; those of other rates are resampled.",
        whole(1000, 768_000),
        metavar="HZ",
        otherwise="the files' own",
    )
    seconds: float | None = flag(
        SOURCE,
        "With sounds: how long each row lasts; of longer ones each row shows another part.",
        SECONDS,
        metavar="S",
        otherwise="as long as the longest",
    )
    short: Short | None = flag(
        SOURCE, "With sounds: what follows shorter ones, silence or the same again.", word(Short), otherwise="pad"
    )
    features: str | None = flag(
        SOURCE,
        "With sounds: mix their log-mel spectrograms of so many bands (80), not the waves. Further parts: "
        "window=SECONDS (0.025), hop=SECONDS (0.01).",
        FEATURES,
        otherwise="the waves",
    )
    donors_from: str | None = flag(
        SOURCE,
        "Take donors from a folder of their own, whose samples are never bases and need no labels: noise behind "
        "sounds, with --method snr, or textures for images, with --label-rule base.",
        NAME,
        metavar="FOLDER",
        otherwise="other samples of the source",
    )
    max_pixels: int | None = flag(SOURCE, "Refuse images with more pixels than N.", whole(1), otherwise="100 million")

    def options(self, out: Path, on_error: OnError = "skip") -> SourceOptions:
        """As the library takes them."""
        from mixup_cli.sources import SourceOptions
        from mixup_cli.sources.reading.class_table import read_classes

        given = {name: value for name, value in self.given().items() if name not in ("files_from", "null")}
        if self.classes is not None:
            given["classes"] = read_classes(self.classes)
        return SourceOptions(exclude=(out.absolute(),), on_error=on_error, **given)

    def open(self, locations: Places, out: Path, list_folder: Path = Path(), *, on_error: OnError = "skip") -> Source:
        """The source that the command line names; the current folder if it names none. What a list names is relative
        to `list_folder`. Objects that cannot be used are left out by a command that only looks at the source, or
        computes again what a run has made of it."""
        from mixup_cli.sources import open_list, open_source

        for location in self.folders(locations or (Path(),)):
            if location.resolve().is_relative_to(out.resolve()):
                found = f"the source {location} lies in that folder."
                raise UsageError(found, f"Use another {setting('out')}.", field="out", value=out)
        if self.files_from is None:
            return open_source([*locations] or [Path()], self.options(out, on_error))
        if locations:
            found = f"the source {locations[0]} is named, too."
            raise UsageError(found, "Give one or the other.", field="files_from", value=self.files_from)
        from mixup_cli.sources.pictures.file_list import split_nul
        from mixup_cli.sources.reading.bounded_read import lines_of

        with _list_stream(self.files_from) as stream:
            lines = split_nul(stream, self.files_from) if self.null else lines_of(stream, self.files_from)
            return open_list(lines, self.files_from, self.options(out), str(list_folder))

    def folders(self, locations: Places) -> list[Path]:
        """The paths on this machine that name the source, unless a list of files does, and its donors."""
        named = [] if self.files_from is not None else local(locations or (Path(),))
        return named if self.donors_from is None else [*named, Path(self.donors_from)]

    def origin(self, locations: Places) -> dict[str, Any]:
        """What run.json says of the source, so that `verify --deep` finds it again: class names, not the file that they
        are in. Texts are escaped as keys are. Raises what reading class names raises.
        """
        from mixup_cli.sources.reading.class_table import classes_text, read_classes
        from mixup_cli.sources.reading.names import escape_name

        options = self.given()
        if self.classes is not None:
            options["classes"] = classes_text(read_classes(self.classes))
        for name, value in options.items():
            if (name in FILES and value != "-") or (name in PERHAPS_FILES and _is_path(value)):
                options[name] = str(Path(value).absolute())
        return {
            "locations": [
                escape_name(str(place.absolute() if isinstance(place, Path) else place))
                for place in locations or [Path()]
            ],
            "options": {
                name: escape_name(value) if isinstance(value, str) else value for name, value in options.items()
            },
        }


def _is_path(name: str) -> bool:
    """Whether what may name an array or a file names a file."""
    return ("." in name or "/" in name) and Path(name).is_file()


def _list_stream(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        if sys.stdin is None:
            raise UsageError("stdin is closed.", "Pipe a list of paths in.", field="files_from", value="-")
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as problem:
        remedy = f"{setting('files_from')} takes a file, or - for stdin."
        raise NoInputError(f"{name}: cannot be read ({problem.strerror}).", remedy) from None
