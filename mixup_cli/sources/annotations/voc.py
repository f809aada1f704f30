"""Pascal VOC's XML: a file for each picture, in `Annotations` with the pictures in `JPEGImages`, or beside it.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010, and its development kit: the top left
pixel of a picture has the coordinates (1, 1), and a box contains the pixels of all its edges. So edges from 0 are
xmin − 1, ymin − 1, xmax, ymax. Most other tools write edges from 0: `box_origin` 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.annotations.beside import (
    FILE_BYTES,
    Draft,
    Pairs,
    Said,
    chosen_folder,
    files_in,
    first_holds,
    held_in,
    listed,
    missing_picture,
    notes_of,
    pairs_below,
)
from mixup_cli.sources.annotations.notes import CORRECT
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.pictures.walk import walk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.json_files import content_of
from mixup_cli.wording import quoted

READ_AS = "Pascal VOC annotations"

ANNOTATIONS, PICTURES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"

BOX_ORIGIN = 1
"""What the first pixel of a row or a column has as its coordinate."""

EDGES = ("xmin", "ymin", "xmax", "ymax")


def looks_like_voc(path: Path) -> bool:
    """Whether it is a folder with VOC's XML, or one of splits that have it."""
    return _is_kit(path) or bool(held_in(path, _holds))


def _is_kit(path: Path) -> bool:
    return (path / PICTURES).is_dir() and _holds(path / ANNOTATIONS)


def _holds(folder: Path) -> bool:
    return first_holds(folder, ".xml", [b"<annotation"])


def open_voc(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures with what their XML says. Pictures without XML are background. Raises DataError for XML that cannot
    be read, UsageError for an unknown split."""
    origin = BOX_ORIGIN if options.box_origin is None else options.box_origin
    is_kit, notices = _is_kit(path), list[str]()
    if is_kit:
        pairs, folder, ignored = _kit_pairs(path, options.exclude), "", frozenset[str]()
    else:
        folders = held_in(path, _holds)
        folder, notices, ignored = chosen_folder(path, folders, options.split)
        pairs = pairs_below(path, folders, ".xml", options.exclude)
        if not pairs.pictures and _is_kit(above := path.absolute().parent):
            found = f"{escape_name(str(path))}: has no images; they are in {PICTURES} beside it."
            raise NoInputError(found, f"Name {escape_name(str(above))}.")
    said = {picture: _said(path, file, origin) for picture, file in pairs.pictures.items() if file is not None}
    for file in pairs.alone:
        alone = _said(path, file, origin)
        said[f"{PICTURES}/{Path(file).stem}.jpg" if is_kit else missing_picture(file, alone)] = alone
    chosen = _of_split(path, pairs, options.split, notices) if is_kit else None
    if chosen is None:
        chosen = sorted(each for each in {*pairs.pictures, *said} if each.startswith(folder))
        ignored = frozenset({"split"}) if is_kit else ignored
    notes = notes_of(said, chosen, options.classes)  # the classes are those of all splits
    return Annotated(str(path), str(path), chosen, notes, READ_AS, notices, ignored).opened(options)


def _kit_pairs(path: Path, exclude: Sequence[Path]) -> Pairs:
    pictures = [f"{PICTURES}/{name}" for name in walk(str(path / PICTURES), exclude).samples]
    files = [f"{ANNOTATIONS}/{each.name}" for each in files_in(path / ANNOTATIONS, ".xml")]
    return Pairs.of(pictures, files, lambda stem: stem.replace(ANNOTATIONS, PICTURES, 1))


def _of_split(path: Path, pairs: Pairs, wanted: str | None, notices: list[str]) -> list[str] | None:
    """The pictures that the list of a split names; None where there are no lists."""
    if (names := listed(path, LISTS, wanted, notices)) is None:
        return None
    by_stem = {Path(picture).stem: picture for picture in pairs.pictures}
    return [by_stem.get(name, f"{PICTURES}/{name}.jpg") for name in names]


class _Plain(ET.TreeBuilder):
    """Refuses a document type, which is what entities are declared in."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called by the parser where one begins."""
        raise DataError("has a document type, which no annotation needs")


def _said(root: Path, file: str, origin: int) -> Said:
    """What one XML file says. Raises DataError where it cannot be read, or where a box is not four numbers."""
    where = escape_name(str(root / file))
    tree = _tree(content_of(root / file, FILE_BYTES), where)
    drafts = []
    for number, each in enumerate(tree.iterfind("object"), 1):
        edges = [_number(each.findtext(f"bndbox/{edge}")) for edge in EDGES]
        x1, y1, x2, y2 = (edge if isinstance(edge, float) else None for edge in edges)
        if x1 is None or y1 is None or x2 is None or y2 is None:
            found = f"{where}: object {number}: its bndbox lacks a number ({', '.join(EDGES)})."
            raise DataError(found, CORRECT)
        name = (each.findtext("name") or "").strip()
        drafts.append(Draft(f"{where}: object {number}", (x1 - origin, y1 - origin, x2, y2), name))
    sides = (_number(tree.findtext(f"size/{side}") or "0") for side in ("width", "height"))
    width, height = sides
    return Said(where, drafts, (width, height), tree.findtext("filename"))


def _tree(data: bytes, where: str) -> ET.Element:
    try:
        parser = ET.XMLParser(target=_Plain())  # noqa: S314  # `_Plain` refuses what makes XML dangerous
        tree = ET.fromstring(data, parser)  # noqa: S314  # the same
    except DataError as problem:
        raise DataError(f"{where}: {problem.found}.", "Remove it from the file.") from None
    except (ET.ParseError, ValueError, LookupError) as problem:  # the latter two: of encodings
        raise DataError(f"{where}: is not XML ({problem}).", "Fetch it again.") from None
    if tree.tag != "annotation":
        raise DataError(f"{where}: is XML of {quoted(tree.tag, 40)}, expected annotation.", CORRECT)
    return tree


def _number(text: str | None) -> float | str | None:
    """The number that a text is, or the text."""
    try:
        return float(text or "")
    except ValueError:
        return text
