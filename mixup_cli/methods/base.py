"""What a mixing method is: it decides weights, and leaves the blend to the kernels.

A method turns random words into `Decisions` (what the plan stores) and decisions into `Weights` (what the kernels
take). Both are functions of one row alone, computed in float64 or integers on the CPU. A few methods also rearrange
their parents' pixels before the blend (ResizeMix shrinks its donor).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known

Resample: TypeAlias = Callable[[NDArray[Any], tuple[int, int]], NDArray[Any]]
"""Brings pixels (height, width, channels) to a size (height, width): see `kernels.resample`."""

DonorMaps: TypeAlias = NDArray[np.int32]
"""The numbers of the donor's index map at each position, as it is seen: (m, height, width); −1 for none."""


@dataclass(frozen=True)
class Pictures:
    """The pictures (height, width, channels) that `numbers` int64 (m, P) choose from `all` (n, height, width,
    channels)."""

    all: NDArray[Any]
    numbers: NDArray[np.int64]


class Method(ABC):
    """A mixing method. Its options, with their defaults, are the fields of the frozen dataclass that it is."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """What it does, in a few words."""

    paper: ClassVar[str] = ""
    """BibTeX of where it comes from; empty if no paper describes it (`test_methods.py` names these methods)."""

    needs_picture: ClassVar[bool] = False
    """Whether it needs height and width, for a box or a mask."""

    needs_frames: ClassVar[bool] = False
    """Whether it chooses among images that follow each other."""

    has_box: ClassVar[bool] = False
    """Whether its rows have a box."""

    has_span: ClassVar[bool] = False
    """Whether it can choose a part in time, where samples go on in time."""

    has_seed: ClassVar[bool] = False
    """Whether something in its rows is drawn from a mask seed."""

    weighs: ClassVar[bool] = False
    """Whether its weights decide something. Otherwise the base has all of them, and the box or the mask decides."""

    has_mask: ClassVar[bool] = False
    """Whether its weights differ at every position."""

    places: ClassVar[bool] = False
    """Whether its mask follows from a box and takes a byte a position, so that many rows of it fit in memory."""

    rearranges: ClassVar[bool] = False
    """Whether it has a `rearrange`."""

    needs_peaks: ClassVar[bool] = False
    """Whether it must know where donors are salient."""

    needs_levels: ClassVar[frozenset[int]] = frozenset()
    """Which levels of its parents it must know (see `gains`)."""

    shares_apart: ClassVar[bool] = False
    """Whether it decides shares, too, which do not follow from its weights."""

    keeps_label: ClassVar[bool] = False
    """Whether, of several parents, the base alone counts for the label."""

    moves_in_time: ClassVar[bool] = False
    """Whether it decides from which place in time on parents are seen."""

    only: ClassVar[str] = ""
    """For which alone it makes sense: the column of the first signal (waves, spectrograms, input_ids), or a task."""

    needs_map: ClassVar[str] = ""
    """The column of the index map that decides its weights: see `weights_by`."""

    averages: ClassVar[bool] = False
    """Whether it averages values of parents. If it only places them, mixing in light or in sRGB gives the same."""

    fills: ClassVar[bool] = False
    """Whether part of a row can be the recipe's fill colour."""

    accepted_box: ClassVar[str] = ""
    """What `accepts` asks for, in words."""

    with_objects: ClassVar[Mapping[str, float]] = {}
    """The options, unless given, of this method where samples have objects."""

    balanced: ClassVar[Mapping[str, float]] = {}
    """The options, unless given, of this method with the pairing "balanced"."""

    makes_noise: ClassVar[bool] = False
    """Whether part of a row can be any value of the dtype."""

    decided: ClassVar[frozenset[str]] = frozenset()
    """The options that only `decide` reads: a plan has settled them."""

    ranges: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of options, of which the first is at most the second."""

    parent_count: ClassVar[int] = 2
    """How many samples a row mixes."""

    keeps_objects: ClassVar[bool] = False
    """Whether objects can follow their pixels: through `placed` and `shown`."""

    def __post_init__(self) -> None:
        for names in self.ranges:
            low, high = (getattr(self, name) for name in names)
            if low > high:
                found = f"{names[0]}={low:g} is above {names[1]}={high:g}."
                raise UsageError(found, "Give them the other way round.", field="methods", value=self.name)

    @classmethod
    def has_map(cls, maps: Collection[str]) -> bool:
        """Whether the index map that it needs, if it needs one, is among these."""
        return not cls.needs_map or cls.needs_map in maps

    @property
    def looks_ahead(self) -> bool:
        """Whether it must see its parents before it decides."""
        return self.needs_peaks or bool(self.needs_levels)

    @property
    def idle(self) -> frozenset[str]:
        """The options without effect beside the values of the others."""
        return frozenset()

    @abstractmethod
    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        """The decisions of m rows from their random words and what is known of their parents."""

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        """The weights that the decisions mean: constant over the sample, unless a method says otherwise."""
        return Weights(decisions.parts)

    def weights_by(self, decisions: Decisions, maps: DonorMaps) -> Weights:
        """The weights that decisions mean with the donors' index maps, if `needs_map`."""
        raise NotImplementedError(f"{self.name} decides its weights without index maps")

    def accepts(self, box: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which boxes within the grid, (m, 4), a plan file may give its rows: bool (m)."""
        return np.ones(len(box), bool)

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        """Where the pixels of each parent lie, if `keeps_objects`: everywhere, unless a method says otherwise."""
        return Shown.whole(len(decisions.parts), self.parent_count, grid)

    @property
    def of_index_maps(self) -> Method:
        """What does the same to index maps, whose numbers nothing may average or make up."""
        return self

    def rearrange(self, parents: Pictures, decisions: Decisions, out: NDArray[Any], resample: Resample) -> None:
        """Write parents (m, P) into `out` (m, P, height, width, channels) as they are to be blended. What has no weight
        may stay as it is. `resample` is what resizes."""
        raise NotImplementedError(f"{self.name} leaves its parents as they are")


@dataclass(frozen=True)
class Shown:
    """Where parents' pixels lie in a row, in rectangles (m, P, 4: top, left, bottom, right) of the output. `window` is
    what a parent may fill, `cover` what of it something else hides. `scale` (m, P, 2: y, x) and `shift` (m, P, 2) say
    where a place of a parent comes to lie: at scale · place + shift."""

    window: NDArray[np.int32]
    cover: NDArray[np.int32]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]

    @classmethod
    def whole(cls, rows: int, parent_count: int, grid: Grid) -> Shown:
        """Every parent everywhere, at its place."""
        shape = (rows, parent_count)
        window = np.tile(np.array([0, 0, *grid.sides], np.int32), (*shape, 1))
        return cls(window, np.zeros((*shape, 4), np.int32), np.ones((*shape, 2)), np.zeros((*shape, 2)))


def pure(rows: int, parent: int, parent_count: int) -> NDArray[np.int32]:
    """Weights with which one parent is alone: int32 (rows, parent_count)."""
    parts = np.zeros((rows, parent_count), np.int32)
    parts[:, parent] = UNIT
    return parts
