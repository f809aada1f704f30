"""The contract of a field: one part of every sample, as a data set stores it.

A kind of field answers four questions, each where what it takes is at hand:

- **form**: its column, dtype, shape and axes. That is what a `Field` holds; manifest, readers, card and preview ask it.
- **load**: how values from outside come into that form. A signal has a `target.Target`, which sources carry out.
- **mix**: how parents combine. `mixing.signal` blends signals by a method's weights, each at its own resolution, and
  selects index maps by the same weights; `label.Label` mixes labels by share; `mixing.objects` concatenates objects,
  moves and clips them; `mixing.captions` joins captions.
- **check**: what must hold of stored values, whatever the recipe. `verify` asks.

A sample has one or more signals, perhaps index maps or a caption, and a label, or objects. Other kinds come as a file
here and one in `mixing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from mixup_cli.fields.objects import LOST, OBJECT_COLUMNS

IN_TIME = ("span", "source_start", "gain")
"""The columns of samples that go on in time."""

COLUMNS = (
    *("labels", "index", "source_index", "source_label", "share", "label_share", "method", "box", "view", *IN_TIME),
    *(*OBJECT_COLUMNS, LOST),
)
"""The columns that follow the signals, in this order. No further signal can have one of these names."""

PLAN_COLUMNS = ("weight", "mask_seed")
"""What a data set that stores its plan has beside them: with `source_index`, `method`, `box`, `view`, `span` and
`source_start`, all that a reader needs to mix a row …"""

SCALE = "scale"
"""… but of waves, which have a `gain`: by what a blended row is multiplied, too."""


class Field(Protocol):
    """One part of every sample."""

    @property
    def kind(self) -> str:
        """What the manifest calls the kind."""

    @property
    def name(self) -> str:
        """Its column."""

    def check(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        """What is wrong with some rows, for people. `columns` has all columns but those of the signals, by name."""
