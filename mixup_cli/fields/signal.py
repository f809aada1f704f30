"""Signals: numbers on axes (images, arrays), of which parents are blended by weight; index maps, whose numbers name
something (a class, an object), of which one parent is selected at each position; and tokens of captions, which are
joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import Axes, plane_of
from mixup_cli.fields.form import Form, Shaped
from mixup_cli.fields.target import Target
from mixup_cli.methods import Grid

FIRST = "images"
"""The column of the first signal, images or arrays: format 1 names it so …"""

FIRST_OF_AXES: dict[Axes, str] = {
    "tc": "waves",
    "ft": "spectrograms",
    "thwc": "clips",
    "t": "input_ids",
    "pt": "input_ids",
}
"""… but where its axes say that it holds something else."""

PADDING = "padding"
"""In a recipe's `reading`: the number behind the last token."""

RATE = "rate"
"""In a recipe's `reading`: how many samples of a wave make a second."""

FEATURES = "features"
"""Likewise: how spectrograms are computed, if these are mixed."""

INPUT_IDS, ATTENTION = "input_ids", "attention_mask"
"""The columns of index maps along one line: the number of each token, and 1 where there is one."""

MASK, INSTANCES = "mask", "instances"
"""The columns of index maps: the class of each pixel, and which object of the row it belongs to, from 1; 0 to none."""

SignalKind: TypeAlias = Literal["signal", "index", "text"]


def first_name(axes: Axes) -> str:
    """The column of a first signal with these axes."""
    return FIRST_OF_AXES.get(axes, FIRST)


def first_kind(axes: Axes) -> SignalKind:
    """How parents combine in it."""
    return "index" if first_name(axes) == INPUT_IDS else "signal"


OF_ONE: dict[Axes, Axes] = {"phw": "hw", "pt": "t"}
"""The axes of one map, where there is one for each parent."""


@dataclass(frozen=True)
class Signal(Shaped):
    """A signal as a data set stores it: its column, dtype, shape and axes. See `fields.field.Field`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    axes: Axes
    kind: SignalKind = "signal"

    @property
    def is_index_map(self) -> bool:
        """Whether one parent is selected at each position."""
        return self.kind == "index"

    def mixed(self, target: Target) -> Form:
        """The form in which it is mixed: its own, of one parent, in the dtype in which it is cached."""
        if (axes := OF_ONE.get(self.axes)) is not None:
            return Form(self.shape[1:], target.form.dtype, axes)
        return Form(self.shape, target.form.dtype, self.axes)

    def check(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        """Boxes and spans lie in the first signal; boxes are zeros if it lacks height and width."""
        if self.kind == "text" or self.name != first_name(self.axes):
            return
        grid = self.grid if plane_of(self.axes) else None
        inside = (grid or Grid(0, 0)).holds(columns["box"])
        if not inside.all():
            row = int(np.argmin(inside))
            yield f"box of row {first_row + row} is {columns['box'][row].tolist()}, and the image is {grid}"
        if "span" in columns:
            start, stop = columns["span"].T
            inside = (start >= 0) & (start <= stop) & (stop <= self.length)
            if not inside.all():
                row = int(np.argmin(inside))
                yield f"span of row {first_row + row} is {columns['span'][row].tolist()}, expected 0 … {self.length}"


def but_texts(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Those of some signals that are mixed from values of samples."""
    return tuple(signal for signal in signals if signal.kind != "text")
