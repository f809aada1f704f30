"""The lines of a sheet: for each row its parents, its result and its captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind
from mixup_cli.methods import build
from mixup_cli.methods.none import Unmixed
from mixup_cli.recipe import Recipe
from mixup_cli.report.captions import Word, label_words, weightiest
from mixup_cli.report.maps import IndexMaps
from mixup_cli.report.objects import Objects, Seen, object_words
from mixup_cli.report.played import Player
from mixup_cli.report.rgb import Pictures, rgb, span
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import counted, printable

UNREAD = "not mixed: a parent cannot be read"


@dataclass(frozen=True)
class Tile:
    """An image, or the reason why it is missing; of a parent with its key and label, of a result with its box: top,
    left, bottom, right, half-open, in pixels of the image. `objects` are those that it shows."""

    picture: Pictures | None
    key: str = ""
    label: tuple[Word, ...] = ()
    box: tuple[int, int, int, int] | None = None
    problem: str = ""
    objects: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Line:
    """One row: its parents (none where they are not known), its result, and what is to be said of it. `weights` are the
    largest values of its label, with their names. `played` are data URLs of what plays of its parents and of its
    result, if they do, and `caption` is the joined one."""

    number: int
    method: str
    lam: float
    label: tuple[Word, ...]
    parents: tuple[Tile, ...]
    result: Tile
    weights: tuple[tuple[str, float], ...] = ()
    played: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Preview:
    """The lines of a sheet, and what the user should know."""

    lines: tuple[Line, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mixed:
    """m mixed rows: `numbers` int64 (m) in the plan, `methods` the name of each row's, `parents` int64 (m, P) by source
    index, `samples` (m, *shape), `pictures` (m, height, width, channels) as `rgb.levels` gives them, `boxes` int32
    (m, 4), zeros where a row has none, `lam` float32 (m), `labels` float32 (m, K) or None, of the kind and with the
    names that are given.
    `objects` are those of each row; None where samples have a label instead. `maps` are the index maps that rows have,
    if any, and `captions` their joined captions, one each if they have any."""

    numbers: NDArray[np.int64]
    methods: list[str]
    parents: NDArray[np.int64]
    samples: NDArray[Any]
    pictures: NDArray[np.float32]
    boxes: NDArray[np.int32]
    lam: NDArray[np.float32]
    labels: NDArray[np.float32] | None
    label_kind: LabelKind
    class_names: tuple[str, ...]
    objects: Objects | None = None
    maps: IndexMaps | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parents:
    """The parents of rows: `samples` (m, P, *shape), and `pictures` (m, P, height, width, channels) as `rgb.levels`
    gives them, with their objects by row and slot, why some of them cannot be read, by source index, and their index
    maps, slot after slot of one row after the other, if they have any."""

    source: Source
    samples: NDArray[Any]
    pictures: NDArray[np.float32]
    objects: Sequence[Objects]
    problems: Mapping[int, str] = field(default_factory=dict)
    maps: IndexMaps | None = None

    def label(self, index: int) -> tuple[Word, ...]:
        """The label of a sample and its caption; nothing if it has none."""
        captions = self.source.captions
        text = "" if captions is None else printable(" ".join(captions.texts[index].split()))
        return (*self._label(index), *([Word(text)] if text else []))

    def _label(self, index: int) -> tuple[Word, ...]:
        labels = self.source.labels
        if labels.base_count is not None and index >= labels.base_count:
            return ()
        if labels.classes is not None:
            return (Word(labels.class_names[labels.classes[index]]),)
        if labels.values is not None:
            return label_words(labels.values[index], labels.kind, labels.class_names)
        return ()


def roles(parent_count: int) -> list[str]:
    """What the tiles of a line are called: those of its parents, and the result."""
    donors = ["donor"] if parent_count == 2 else [f"donor {number}" for number in range(1, parent_count)]
    return [*["base", *donors][:parent_count], "result"]


def lines_of(mixed: Mixed, recipe: Recipe, parents: Parents | None, player: Player | None = None) -> tuple[Line, ...]:
    """The lines of some rows, all shown by one scale of brightness; results alone where the parents are not known.
    `player` makes what plays of those that are mixed."""
    shown = span([mixed.pictures] if parents is None else [mixed.pictures, parents.pictures])
    results = rgb(mixed.pictures, shown)
    counts = {choice.name: build(choice).parent_count for choice in recipe.methods}
    lines = []
    for row, method in enumerate(mixed.methods):
        tiles = () if parents is None else _tiles(parents, mixed.parents, row, counts.get(method, 1), shown)
        unread = any(tile.picture is None for tile in tiles)
        own = [] if parents is None else [*parents.samples[row, : len(tiles)]]
        playing = None if unread or method == Unmixed.name else player
        lines.append(
            Line(
                number=int(mixed.numbers[row]),
                method=method,
                lam=float(mixed.lam[row]),
                label=_label(mixed, row),
                parents=tiles,
                result=Tile(None, problem=UNREAD) if unread else _result(mixed, row, results[row]),
                weights=()
                if mixed.labels is None
                else weightiest(mixed.labels[row], mixed.label_kind, mixed.class_names),
                played=() if playing is None else playing.row(own, mixed.samples[row], recipe),
                caption=mixed.captions[row] if mixed.captions and not unread else "",
            )
        )
    return tuple(lines)


def _result(mixed: Mixed, row: int, picture: Pictures) -> Tile:
    if mixed.maps is not None:
        picture = mixed.maps.over(row, picture)
    return Tile(picture, box=_box(mixed, row), objects=() if mixed.objects is None else mixed.objects[row])


def _box(mixed: Mixed, row: int) -> tuple[int, int, int, int] | None:
    """The box of a row, if it has one; within the picture, whatever a damaged data set says."""
    height, width = mixed.pictures.shape[1:3]
    top, left, bottom, right = np.clip(mixed.boxes[row], 0, [height, width, height, width]).tolist()
    return (top, left, bottom, right) if top < bottom and left < right else None


def _label(mixed: Mixed, row: int) -> tuple[Word, ...]:
    if mixed.objects is not None:
        return (Word(f"{counted(len(mixed.objects[row]), 'object')}:"), *object_words(mixed.objects[row]))
    return () if mixed.labels is None else label_words(mixed.labels[row], mixed.label_kind, mixed.class_names)


def _tiles(
    parents: Parents, indices: NDArray[np.int64], row: int, count: int, shown: tuple[float, float]
) -> tuple[Tile, ...]:
    """The tiles of one row's first `count` parents."""
    tiles = []
    for slot, index in enumerate(indices[row, :count].tolist()):
        problem = parents.problems.get(index, "")
        picture: NDArray[Any] | None = None if problem else rgb(parents.pictures[row, slot], shown)
        if picture is not None and parents.maps is not None:
            picture = parents.maps.over(row * indices.shape[1] + slot, picture)
        objects = () if problem else parents.objects[row][slot]
        label = object_words(objects) or parents.label(index)
        tiles.append(Tile(picture, parents.source.keys[index], label, problem=problem, objects=objects))
    return tuple(tiles)
