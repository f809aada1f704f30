"""Open Images' table: a row for each box, about the pictures of a folder.

Kuznetsova et al., "The Open Images Dataset V4", IJCV 2020; https://storage.googleapis.com/openimages/web/download_v7.html.
`XMin`, `XMax`, `YMin`, `YMax` are parts of the picture's width and height; `IsGroupOf` is 1 for a box around many.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.annotations.beside import Draft, Said, notes_of
from mixup_cli.sources.annotations.notes import CORRECT, shown
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.pictures.walk import walk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.rows import TableRow, table_rows
from mixup_cli.wording import counted

READ_AS = "Open Images annotations"

EDGES = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("imageid", "labelname", *EDGES)


def open_open_images(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures below a folder, with the boxes that the table `labels_from` has of them. Pictures without rows are
    background; rows of other pictures are counted. Raises DataError for a table without its columns or of other
    pictures alone."""
    table = Path(str(options.labels_from))
    pictures = sorted(walk(str(path), options.exclude).samples)
    names, name = PictureNames(pictures), escape_name(str(table))
    drafts: dict[str, list[Draft]] = defaultdict(list)
    others = Counter[str]()
    for number, row in table_rows(table, names.has):
        cells = {column.strip().lower(): cell for column, cell in row.items()}
        if missing := [column for column in COLUMNS if column not in cells]:
            found = f"{name}: lacks the column {missing[0]}, expected ImageID, LabelName, XMin, XMax, YMin, YMax."
            raise DataError(found, CORRECT)
        image = str(cells["imageid"])
        if names.has(image):
            drafts[image].append(_draft(f"{name}, line {number}", cells))
        else:
            others[image] += 1
    matched, _ = names.matched(drafts, lambda image: f"{name}: {shown(image)}")
    if not matched:
        raise DataError(f"{name}: no row is about an image in {escape_name(str(path))}.", "Give the right file.")
    said = {picture: Said(name, drafts[image]) for image, picture in matched.items()}
    notes = notes_of(said, pictures, options.classes)
    notes.relative = True
    left = others.total() + sum(len(found) for image, found in drafts.items() if image not in matched)
    notices = [f"{name}: ignored {counted(left, 'row')} of images that are not in this folder"] if left else []
    return Annotated(str(path), str(path), pictures, notes, READ_AS, notices).opened(options)


def _draft(where: str, cells: TableRow) -> Draft:
    edges = []
    for edge in EDGES:
        try:
            edges.append(float(str(cells[edge])))
        except ValueError:
            raise DataError(f"{where}: {edge} is {shown(cells[edge])}, expected a number.", CORRECT) from None
    if any(not -1 <= each <= 2 for each in edges):  # a little beyond is clipped
        found = f"{where}: has a box in other units, expected parts of the image's width and height (0 … 1)."
        raise DataError(found, CORRECT)
    crowd = str(cells.get("isgroupof", 0)) in ("1", "True", "true")
    return Draft(where, tuple(edges), cells["labelname"], crowd)
