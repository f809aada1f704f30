"""What the page says, whether a data set exists or would come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.report.lines import Line
from mixup_cli.report.mask_counts import MaskCounts
from mixup_cli.report.object_counts import ObjectCounts
from mixup_cli.report.page.tally import Tally
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.manifest import Manifest

SURVEYED = 2000
"""Inputs whose headers are read for their sizes, spread over the source."""


@dataclass(frozen=True)
class Content:
    """What the templates say. `is_expected`: of a source, whose data set does not exist yet. `before` float64 (K) are
    the sums of the labels of the inputs by class, None if they are unknown, and `tally` counts the first `tally.rows`
    rows. `lines` are the rows of the contact sheet. `sizes` counts (height, width) among inputs. `objects` are
    those of the rows that were counted, None where samples have labels instead; `masks` what is counted of masks, None
    without, or where no row exists yet. `texts` are some rows of texts, in lines."""

    manifest: Manifest
    is_expected: bool
    before: NDArray[np.float64] | None
    tally: Tally
    lines: Sequence[Line]
    sizes: Counter[tuple[int, int]]
    notices: tuple[str, ...]
    objects: ObjectCounts | None = None
    masks: MaskCounts | None = None
    texts: tuple[str, ...] = ()


def before_of(
    classes: NDArray[np.int32] | None, manifest: Manifest, sources: Sequence[Source]
) -> NDArray[np.float64] | None:
    """The sum of the labels of usable inputs by class, by the class of every input, if it is known, or else by the
    sources that are open. Each object of a source is a label."""
    if classes is not None:
        found = classes[manifest.usable]
        return np.bincount(found[found != NO_CLASS], minlength=len(manifest.class_names)).astype(np.float64)
    if objects := [source.objects.classes for source in sources if source.objects is not None]:
        return np.bincount(np.concatenate(objects), minlength=len(manifest.class_names)).astype(np.float64)
    values = [source.labels.values for source in sources if source.labels.values is not None]
    if not values or manifest.label_kind == "real":
        return None
    return np.asarray(np.concatenate(values).sum(axis=0, dtype=np.float64))
