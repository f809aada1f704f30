"""The blend on the CPU: one fused pass in numba, without the GIL.

Every row of a sample is cut into at most three segments of constant weights (before, inside and behind the box).
Integer sums stay below 2³² (65536 · 65535 + 32768), so they are taken in uint32; float32 samples are summed in float64,
where each product is exact, so that fused multiply-adds change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from mixup_cli.kernels import Samples, Surface, Weights

logger = logging.getLogger(__name__)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """njit(nogil), cached on disk where there is a place for it: `cache=True` raises on read-only installs."""
    try:
        return njit(nogil=True, cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError as problem:
        logger.info("kernels are compiled anew in each run: %s", problem)
        return njit(nogil=True)(function)  # type: ignore[no-any-return]


def term(weight: int, value: Any) -> Any:
    """weight · value, exactly: uint32 for integer values, float64 for float32 values."""
    raise NotImplementedError("numba code only")


def finished(sample: Any, out: Any, total: Any, mean: Any, scale: Any) -> Any:
    """A sum of terms as a value of `out`'s dtype; `sample` is there for its dtype."""
    raise NotImplementedError("numba code only")


@overload(term, inline="always", strict=False)
def _term(weight: Any, value: Any) -> Any:
    if isinstance(value, types.Float):
        return lambda weight, value: np.float64(weight) * np.float64(value)
    return lambda weight, value: np.uint32(np.uint32(weight) * np.uint32(value))


@overload(finished, inline="always", strict=False)
def _finished(sample: Any, out: Any, total: Any, mean: Any, scale: Any) -> Any:
    source, result = sample.dtype, out.dtype
    if source == types.uint8 and result == types.float32:
        return lambda sample, out, total, mean, scale: (np.float32(total) - mean) * scale
    if result == types.float32:
        return lambda sample, out, total, mean, scale: (np.float32(np.float64(total) * 2.0**-16) - mean) * scale
    if source == types.uint8 and result == types.uint16:
        return lambda sample, out, total, mean, scale: np.uint32(np.uint32(total * 257) + 32768) >> 16
    return lambda sample, out, total, mean, scale: np.uint32(total + np.uint32(32768)) >> 16


@compiled
def _span(samples: Any, parents: Any, weights: Any, place: Any, finish: Any, target: Any) -> None:
    """Columns `start` … `stop−1` of one line of one sample, all with the same weights."""
    plane, line, start, stop = place
    if start >= stop:
        return
    fill, mean, scale = finish
    first, second, used, rest = 0, 0, 0, 65536
    for k in range(parents.shape[0]):
        if weights[k] > 0:
            first, second = (k, second) if used == 0 else (first, k)
            used += 1
            rest -= weights[k]
    out = target[start:stop]  # slices: loops from 0 need no check for negative indices, and vectorise
    if rest == 0 and used <= 2:  # nearly every row there is
        a, b = samples[parents[first], plane, line, start:stop], samples[parents[second], plane, line, start:stop]
        weight_a, weight_b = weights[first], weights[second] if used == 2 else 0
        means, scales = mean[start:stop], scale[start:stop]
        for i in range(out.shape[0]):
            out[i] = finished(a, out, term(weight_a, a[i]) + term(weight_b, b[i]), means[i], scales[i])
        return
    for i in range(start, stop):
        total = term(rest, fill[i])
        for k in range(parents.shape[0]):
            total += term(weights[k], samples[parents[k], plane, line, i])
        target[i] = finished(fill, target, total, mean[i], scale[i])


@compiled
def _blend_regions(samples: Any, parents: Any, regions: Any, finish: Any, out: Any, rows: Any, inner: int) -> None:
    """Weights `parts` outside the box and `inside` within it, line by line."""
    parts, box, inside = regions
    fill, mean, scale = finish
    outer, height, width = samples.shape[1:]
    for r in range(parents.shape[0]):
        top, left, bottom, right = box[r]
        for plane in range(outer):
            finish_plane = (fill[plane], mean[plane], scale[plane])
            for line in range(height):
                target = out[rows[r], plane, line]
                enter, leave = (left * inner, right * inner) if top <= line < bottom else (0, 0)
                _span(samples, parents[r], parts[r], (plane, line, 0, enter), finish_plane, target)
                _span(samples, parents[r], inside[r], (plane, line, enter, leave), finish_plane, target)
                _span(samples, parents[r], parts[r], (plane, line, leave, width), finish_plane, target)


@compiled
def _blend_mask(samples: Any, parents: Any, mask: Any, finish: Any, out: Any, rows: Any, inner: int) -> None:
    """A weight for every parent at every position."""
    fill, mean, scale = finish
    outer, height, width = samples.shape[1:]
    for r in range(parents.shape[0]):
        for plane in range(outer):
            for line in range(height):
                target = out[rows[r], plane, line]
                for i in range(width):
                    total = term(0, fill[plane, i])
                    rest = 65536
                    for k in range(parents.shape[1]):
                        weight = mask[r, k, line, i // inner]
                        total += term(weight, samples[parents[r, k], plane, line, i])
                        rest -= weight
                    total += term(rest, fill[plane, i])
                    target[i] = finished(fill, target, total, mean[plane, i], scale[plane, i])


WHOLE_SAMPLE_VALUES = 1 << 16
"""Samples up to this many values are blended as one line where no box cuts them: short lines cost more than they do."""


class CpuKernel:
    """numba's backend. See `mixup_cli.kernels.Kernel`."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        whole_shape = (1, 1, int(np.prod(surface.shape)))
        self._line_shape = (surface.outer, surface.height, surface.width * surface.inner)
        self._plain_shape = whole_shape if whole_shape[2] <= WHOLE_SAMPLE_VALUES else self._line_shape
        self._line_finish = self._finish(self._line_shape)
        self._plain_finish = self._finish(self._plain_shape)

    def _finish(self, shape: tuple[int, ...]) -> tuple[Samples, ...]:
        """fill, mean and scale, each spread over one line of every plane: (planes, values per line)."""
        surface = self._surface
        per_value = (
            np.broadcast_to(each[:, None, None, :], surface.shape) for each in (surface.fill, surface.mean, surface.scale)
        )
        return tuple(np.ascontiguousarray(each.reshape(shape)[:, 0]) for each in per_value)

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """See `mixup_cli.kernels.Kernel.blend`."""
        plain = weights.mask is None and weights.box is None
        shape = self._plain_shape if plain else self._line_shape
        finish = self._plain_finish if plain else self._line_finish
        source, target = samples.reshape(-1, *shape), out.reshape(-1, *shape)
        if weights.mask is not None:
            _blend_mask(source, parents, weights.mask, finish, target, rows, self._surface.inner)
            return
        box = weights.box if weights.box is not None else np.zeros((len(parents), 4), np.int32)
        inside = weights.inside if weights.inside is not None else weights.parts
        _blend_regions(source, parents, (weights.parts, box, inside), finish, target, rows, self._surface.inner)
