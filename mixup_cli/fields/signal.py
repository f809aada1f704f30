"""Signals: numbers on axes (images, arrays), of which parents are blended by weight; and index maps, whose numbers name
something (a class, an object), of which one parent is selected at each position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import Form, Shaped
from mixup_cli.fields.target import Target
from mixup_cli.methods import Grid

FIRST = "images"
"""The column of the first signal, whatever it holds: format 1 names it so."""

MASK, INSTANCES = "mask", "instances"
"""The columns of index maps: the class of each pixel, and which object of the row it belongs to, from 1; 0 to none."""

SignalKind: TypeAlias = Literal["signal", "index"]


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
        if self.axes == "phw":
            return Form(self.shape[1:], target.form.dtype, "hw")
        return Form(self.shape, target.form.dtype, self.axes)

    def check(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        """Boxes lie in the first signal; they are zeros if it lacks height and width."""
        if self.name != FIRST:
            return
        grid = self.grid or Grid(0, 0)
        inside = grid.holds(columns["box"])
        if not inside.all():
            row = int(np.argmin(inside))
            yield f"box of row {first_row + row} is {columns['box'][row].tolist()}, and the image is {grid}"
