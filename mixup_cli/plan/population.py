"""The samples that can be mixed, with what pairing goes by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import Labels
from mixup_cli.pairing import Population


def population_of(labels: Labels, usable: NDArray[np.int64]) -> Population:
    """The population of the samples `usable` int64 (n), by source index."""
    groups = None
    if labels.groups is not None:
        numbers = np.unique(np.array(labels.groups), return_inverse=True)[1]
        groups = numbers[usable].astype(np.int32)
    return Population(
        samples=usable,
        classes=None if labels.classes is None else labels.classes[usable],
        values=None if labels.values is None else labels.values[usable],
        groups=groups,
        class_names=labels.class_names,
    )
