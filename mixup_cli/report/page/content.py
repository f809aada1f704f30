"""What the page says, and how it is counted, whether a data set exists or would come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import lengths
from mixup_cli.methods.base import Grid
from mixup_cli.report.lines import Line
from mixup_cli.report.page.kinds import Kind
from mixup_cli.report.page.tally import Tally, largest
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.manifest import Manifest

Numbers = NDArray[np.float64]

SURVEYED = 2000
"""Inputs whose headers are read for their sizes, spread over the source."""

NOT_IMAGES = "its samples are not images"


class Quantity(NamedTuple):
    """Least, mean and largest of a real-valued label."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Content:
    """What the templates say. `is_expected`: of a source, whose data set does not exist yet. `tally` counts its first
    `tally.rows` rows. `lines` are the rows of the contact sheet. `before` and `after` float64 (K) are the sums of
    labels by class, the latter over `label_rows` rows; of real labels `quantities` has before, if it is known, and
    after. `sizes` counts (height, width) among `surveyed` inputs, `stored` has the sizes of their files in bytes."""

    manifest: Manifest
    is_expected: bool
    tally: Tally
    lines: Sequence[Line]
    before: Numbers | None
    after: Numbers | None
    label_rows: int
    quantities: Sequence[tuple[Quantity | None, Quantity]] = ()
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    stored: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    notices: tuple[str, ...] = ()


def before_of(classes: NDArray[np.int32] | None, manifest: Manifest, sources: Sequence[Source]) -> Numbers | None:
    """The sum of the labels of usable inputs by class, by the class of every input, if it is known, or else by the
    sources that are open."""
    if classes is not None:
        return np.bincount(classes[manifest.usable], minlength=len(manifest.class_names)).astype(np.float64)
    values = [source.labels.values for source in sources if source.labels.values is not None]
    return summed(np.concatenate(values)) if values and manifest.label_kind != "real" else None


def summed(labels: NDArray[np.float32]) -> Numbers:
    """The sum of labels (m, K) by class."""
    return np.asarray(labels.sum(axis=0, dtype=np.float64))


def quantities_of(
    manifest: Manifest, sources: Sequence[Source], mixed: NDArray[np.float32] | None
) -> list[tuple[Quantity | None, Quantity]]:
    """Of real labels, each quantity in the sources, if one is open, and in mixed labels (m, K)."""
    if manifest.label_kind != "real" or mixed is None or not len(mixed):
        return []
    values = [source.labels.values for source in sources if source.labels.values is not None]
    before = _quantities(np.concatenate(values)) if values else [None] * mixed.shape[1]
    return [*zip(before, _quantities(mixed), strict=True)]


def _quantities(values: NDArray[np.float32]) -> list[Quantity]:
    low, mean, high = values.min(axis=0), values.mean(axis=0, dtype=np.float64), values.max(axis=0)
    return [Quantity(*each) for each in zip(low.tolist(), mean.tolist(), high.tolist(), strict=True)]


def known(sizes: Iterable[int]) -> NDArray[np.int64]:
    """Sizes in bytes without those that are unknown, ascending: int64 (n)."""
    found = np.sort(np.array([*sizes], np.int64))
    return found[found >= 0]


def empty_tally(kinds: Sequence[Kind], before: Numbers | None, manifest: Manifest) -> Tally:
    """What counts rows of these kinds."""
    first, count = manifest.signals[0], len(manifest.class_names)
    return Tally(kinds, count, largest(before, count), Grid(*lengths(first.shape, first.axes, "hw")))
