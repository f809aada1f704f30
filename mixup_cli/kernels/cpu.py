"""The blend on the CPU: one fused pass in numba, without the GIL.

Values of a plane are taken as one line, cut where the weights change: outside a box, what lies between one of its lines
and the next is one span. Integer sums stay below 2³² (65536 · 65535 + 32768), so they are taken in uint32; float32
samples are summed in float64, where each product is exact, so that fused multiply-adds change nothing.
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
    """weight · value, exactly: uint32 for integer values, float64 for float32 values (0 for no weight)."""
    raise NotImplementedError("numba code only")


def finished(sample: Any, out: Any, total: Any, mean: Any, scale: Any) -> Any:
    """A sum of terms as a value of `out`'s dtype; `sample` is there for its dtype."""
    raise NotImplementedError("numba code only")


def spread(weights: Any, k: int, position: int, inner: int, out: Any) -> None:
    """Parent k's weights, (P) or (P, positions), as one weight per value from `position` on."""
    raise NotImplementedError("numba code only")


@overload(term, inline="always", strict=False)
def _term(weight: Any, value: Any) -> Any:
    if isinstance(value, types.Float):
        return lambda weight, value: np.float64(weight) * np.float64(value) if weight else 0.0
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


@overload(spread, strict=False)
def _spread(weights: Any, k: Any, position: Any, inner: Any, out: Any) -> Any:
    def constant(weights: Any, k: int, position: int, inner: int, out: Any) -> None:
        out[:] = weights[k]

    def masked(weights: Any, k: int, position: int, inner: int, out: Any) -> None:
        mask = weights[k, position : position + out.shape[0] // inner]
        for channel in range(inner):
            for i in range(mask.shape[0]):
                out[i * inner + channel] = mask[i]

    return constant if weights.ndim == 1 else masked


@compiled
def _pair(weights: Any) -> Any:
    """The two parents that make up everything, as (first, second, weight, weight), or −1 if more or fewer do.

    A parent that is alone meets itself in halves: it needs no loop of its own, and the others no reading.
    """
    first, second, used, rest = -1, -1, 0, 65536
    for k in range(weights.shape[0]):
        if weights[k] > 0:
            first, second = (k, k) if used == 0 else (first, k)
            used += 1
            rest -= weights[k]
    if rest > 0 or used > 2:
        return -1, -1, 0, 0
    if used == 1:
        return first, first, 32768, 32768
    return first, second, weights[first], weights[second]


@compiled
def _pair_span(a: Any, b: Any, mix: Any, finish: Any, out: Any) -> None:
    """Two parents that make up everything: nearly every row there is, so it has the one loop that reads nothing else."""
    _, _, weight_a, weight_b = mix
    _, mean, scale = finish
    zero = term(0, a[0])
    for i in range(out.shape[0]):
        out[i] = finished(a, out, zero + term(weight_a, a[i]) + term(weight_b, b[i]), mean[i], scale[i])


@compiled
def _mixed_span(samples: Any, parents: Any, weights: Any, finish: Any, out: Any, place: Any, scratch: Any) -> None:
    """Any number of parents, and the fill colour: parent after parent, in a buffer."""
    fill, mean, scale = finish
    plane, begin, inner = place
    total, rest, weight = scratch
    count = out.shape[0]
    for i in range(count):
        total[i] = 0
        rest[i] = 65536
    for k in range(parents.shape[0]):
        sample = samples[parents[k], plane, begin : begin + count]
        spread(weights, k, begin // inner, inner, weight[:count])
        for i in range(count):
            total[i] += term(weight[i], sample[i])
            rest[i] -= weight[i]
    for i in range(count):
        out[i] = finished(fill, out, total[i] + term(rest[i], fill[i]), mean[i], scale[i])


@compiled
def _span(samples: Any, parents: Any, mix: Any, finish: Any, target: Any, place: Any, scratch: Any) -> None:
    """Values `start` … `stop−1` of one plane of one sample, in chunks as long as `finish` is."""
    weights, pair = mix
    fill, mean, scale = finish
    plane, start, stop, inner = place
    length = fill.shape[1]
    for begin in range(start, stop, length):
        end = min(begin + length, stop)
        out = target[plane, begin:end]  # slices: loops from 0 need no check for negative indices, and vectorise
        part = (fill[plane, : end - begin], mean[plane, : end - begin], scale[plane, : end - begin])
        if pair[0] >= 0:
            a, b = samples[parents[pair[0]], plane, begin:end], samples[parents[pair[1]], plane, begin:end]
            _pair_span(a, b, pair, part, out)
        else:
            _mixed_span(samples, parents, weights, part, out, (plane, begin, inner), scratch)


@compiled
def _blend_regions(
    samples: Any, parents: Any, regions: Any, finish: Any, out: Any, rows: Any, line: Any, scratch: Any
) -> None:
    """Weights `parts` outside the box and `inside` within it."""
    parts, box, inside = regions
    width, inner = line
    planes, count = samples.shape[1:]
    for r in range(parents.shape[0]):
        outside, within = (parts[r], _pair(parts[r])), (inside[r], _pair(inside[r]))
        top, left, bottom, right = box[r]
        target = out[rows[r]]
        for plane in range(planes):
            done = 0
            for y in range(top, bottom):
                enter, leave = (y * width + left) * inner, (y * width + right) * inner
                _span(samples, parents[r], outside, finish, target, (plane, done, enter, inner), scratch)
                _span(samples, parents[r], within, finish, target, (plane, enter, leave, inner), scratch)
                done = leave
            _span(samples, parents[r], outside, finish, target, (plane, done, count, inner), scratch)


@compiled
def _blend_mask(
    samples: Any, parents: Any, mask: Any, finish: Any, out: Any, rows: Any, inner: int, scratch: Any
) -> None:
    """A weight for every parent at every position."""
    planes, count = samples.shape[1:]
    length = finish[0].shape[1]
    for r in range(parents.shape[0]):
        target = out[rows[r]]
        for plane in range(planes):
            for begin in range(0, count, length):
                end = min(begin + length, count)
                fill, mean, scale = finish
                part = (fill[plane, : end - begin], mean[plane, : end - begin], scale[plane, : end - begin])
                _mixed_span(
                    samples, parents[r], mask[r], part, target[plane, begin:end], (plane, begin, inner), scratch
                )


CHUNK_VALUES = 4096
"""About how many values are finished at a time: what a chunk needs fits in a core's L1 cache."""


class CpuKernel:
    """numba's backend. See `mixup_cli.kernels.Kernel`."""

    def __init__(self, surface: Surface) -> None:
        self._inner = surface.inner
        self._width = surface.width
        self._shape = (surface.outer, surface.height * surface.width * surface.inner)
        repeats = max(1, min(CHUNK_VALUES // surface.inner, surface.height * surface.width))
        self._finish = tuple(np.tile(each, repeats) for each in (surface.fill, surface.mean, surface.scale))

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """See `mixup_cli.kernels.Kernel.blend`."""
        source, target = samples.reshape(-1, *self._shape), out.reshape(-1, *self._shape)
        length = self._finish[0].shape[1]
        total = np.empty(length, np.float64 if samples.dtype == np.float32 else np.uint32)
        scratch = (total, np.empty(length, np.int32), np.empty(length, np.int32))
        if weights.mask is not None:
            mask = weights.mask.reshape(*weights.mask.shape[:2], -1)
            _blend_mask(source, parents, mask, self._finish, target, rows, self._inner, scratch)
            return
        box = weights.box if weights.box is not None else np.zeros((len(parents), 4), np.int32)
        inside = weights.inside if weights.inside is not None else weights.parts
        regions, line = (weights.parts, box, inside), (self._width, self._inner)
        _blend_regions(source, parents, regions, self._finish, target, rows, line, scratch)
