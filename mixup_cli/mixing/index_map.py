"""Index maps: numbers that name something (a class, an object). They are never summed: at each position one parent's is
selected, by the weights with which signals are blended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.kernels import Weights

Parts = NDArray[np.int32]


def selected(weights: Weights) -> Weights:
    """Weights with which one parent is alone at each position: the one with the largest weight, ties to the earlier;
    none where the fill colour has more than each of them."""
    if weights.choice is not None:
        return weights
    inside, mask = (None if each is None else _alone(each) for each in (weights.inside, weights.mask))
    return replace(weights, parts=_alone(weights.parts), inside=inside, mask=mask)


def _alone(parts: Parts) -> Parts:
    """Of weights (m, P, …), all for the largest."""
    first = np.expand_dims(parts.argmax(axis=1), 1)
    largest = np.take_along_axis(parts, first, 1)
    alone = np.zeros_like(parts)
    np.put_along_axis(alone, first, np.where(largest < UNIT - parts.sum(axis=1, keepdims=True), 0, UNIT), 1)
    return alone


def of_parent(weights: Weights, slot: int) -> Weights:
    """Weights of one parent, which is alone wherever it takes part."""
    if weights.choice is not None:
        chosen = (weights.choice == slot)[:, None].astype(np.int32) * UNIT
        return Weights(weights.parts[:, :1], mask=chosen)
    inside, mask = (None if each is None else _taking_part(each, slot) for each in (weights.inside, weights.mask))
    return Weights(_taking_part(weights.parts, slot), weights.box, inside, mask)


def _taking_part(parts: Parts, slot: int) -> Parts:
    return (parts[:, slot : slot + 1] > 0).astype(np.int32) * UNIT
