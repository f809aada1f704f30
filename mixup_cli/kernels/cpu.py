"""The blend on the CPU: one fused pass in numba, without the GIL.

Values of a plane are taken as one line, cut where the weights change: outside a box, what lies between one of its lines
and the next is one span. Integer sums stay below 2³² (65536 · 65535 + 32768), so they are taken in uint32; float32
samples are summed in float64, where each product is exact, so that fused multiply-adds change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from mixup_cli.kernels import Samples, Surface, Weights


def _cached() -> bool:
    """Whether numba finds a place to keep compiled code; on read-only installs `cache=True` raises."""
    try:
        njit(cache=True)(_cached)
    except RuntimeError:
        return False
    return True


CACHED = _cached()
compiled = njit(nogil=True, cache=CACHED)


def term(weight: int, value: Any) -> Any:
    """weight · value, exactly: uint32 for integer values, float64 for float32 values (0 for no weight)."""
    raise NotImplementedError("numba code only")


def finished(sample: Any, out: Any, total: Any, mean: Any, scale: Any) -> Any:
    """A sum of terms as a value of `out`'s dtype; `sample` is there for its dtype."""
    raise NotImplementedError("numba code only")


@overload(term, strict=False)
def _term(weight: Any, value: Any) -> Any:
    if isinstance(value, types.Float):
        return lambda weight, value: np.float64(weight) * np.float64(value) if weight else 0.0
    return lambda weight, value: np.uint32(np.uint32(weight) * np.uint32(value))


@overload(finished, strict=False)
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
def _pair(weights: Any) -> Any:
    """The two parents that make up everything, as (first, second, weight, weight); −1 where it is not two.

    A parent that is alone meets itself in halves: so it needs no loop of its own, and nobody else is read.
    """
    first, second, used, rest = -1, -1, 0, 65536
    for k in range(weights.shape[0]):
        if weights[k] > 0:
            first, second = (k, k) if used == 0 else (first, k)
            used += 1
            rest -= weights[k]
    if rest > 0 or used > 2:
        return -1, -1, 0, 0
    return first, second, weights[first] >> (used == 1), weights[second] >> (used == 1)


@compiled
def _side(samples: Any, parents: Any, weights: Any, plane: int) -> Any:
    """What is blended on one side of a box's border: (weights, pair, its two planes)."""
    pair = _pair(weights)
    a, b = samples[parents[pair[0]], plane], samples[parents[pair[1]], plane]
    return weights, pair, a, b


@compiled
def _span(samples: Any, parents: Any, side: Any, finish: Any, target: Any, place: Any) -> None:
    """Values `start` … `stop−1` of one plane of one sample, in chunks as long as `finish` is."""
    weights, (first, _, weight_a, weight_b), a, b = side
    fill, mean, scale, total = finish
    plane, start, stop = place
    length = fill.shape[1]
    for begin in range(start, stop, length):
        count = min(length, stop - begin)
        # unsigned: an index that cannot be negative needs no check, and the loop vectorises
        offset, p = np.uint64(begin), np.uint64(plane)
        if first >= 0:  # nearly every row there is
            zero = term(0, a[0])
            for i in range(np.uint64(count)):
                both = zero + term(weight_a, a[offset + i]) + term(weight_b, b[offset + i])
                target[offset + i] = finished(a, target, both, mean[p, i], scale[p, i])
            continue
        rest = 65536
        for i in range(np.uint64(count)):
            total[i] = 0
        for k in range(parents.shape[0]):
            weight, parent = weights[k], np.uint64(parents[k])
            rest -= weight
            for i in range(np.uint64(count)):
                total[i] += term(weight, samples[parent, p, offset + i])
        for i in range(np.uint64(count)):
            target[offset + i] = finished(fill, target, total[i] + term(rest, fill[p, i]), mean[p, i], scale[p, i])


@compiled
def _blend_regions(samples: Any, parents: Any, regions: Any, finish: Any, out: Any, rows: Any, line: Any) -> None:
    """Weights `parts` outside the box and `inside` within it."""
    parts, box, inside = regions
    width, inner = line
    planes, count = samples.shape[1:]
    for r in range(parents.shape[0]):
        top, left, bottom, right = box[r]
        for plane in range(planes):
            outside = _side(samples, parents[r], parts[r], plane)
            within = _side(samples, parents[r], inside[r], plane)
            target = out[rows[r], plane]
            done = 0
            for y in range(top, bottom):
                enter, leave = (y * width + left) * inner, (y * width + right) * inner
                _span(samples, parents[r], outside, finish, target, (plane, done, enter))
                _span(samples, parents[r], within, finish, target, (plane, enter, leave))
                done = leave
            _span(samples, parents[r], outside, finish, target, (plane, done, count))


@compiled
def _blend_mask(samples: Any, parents: Any, mask: Any, finish: Any, out: Any, rows: Any, inner: int) -> None:
    """A weight for every parent at every position."""
    fill, mean, scale, total = finish
    rest, weight = np.empty(total.shape, np.int32), np.empty(total.shape, np.int32)
    planes, values = samples.shape[1:]
    length = fill.shape[1]
    for r in range(parents.shape[0]):
        for plane in range(planes):
            target = out[rows[r], plane]
            for begin in range(0, values, length):
                count, offset, p = min(length, values - begin), np.uint64(begin), np.uint64(plane)
                for i in range(np.uint64(count)):
                    total[i], rest[i] = 0, 65536
                for k in range(parents.shape[1]):
                    _spread(mask[r, k], begin // inner, inner, weight[:count])
                    parent = np.uint64(parents[r, k])
                    for i in range(np.uint64(count)):
                        total[i] += term(weight[i], samples[parent, p, offset + i])
                        rest[i] -= weight[i]
                for i in range(np.uint64(count)):
                    whole = total[i] + term(rest[i], fill[p, i])
                    target[offset + i] = finished(fill, target, whole, mean[p, i], scale[p, i])


@compiled
def _spread(mask: Any, position: int, inner: int, out: Any) -> None:
    """Weights from `position` on, once for each of `inner` values."""
    part = mask[position : position + out.shape[0] // inner]
    if inner == 1:
        out[:] = part
    elif inner == 3:
        for i in range(part.shape[0]):
            out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = part[i]
    else:
        for i in range(part.shape[0]):
            for channel in range(inner):
                out[i * inner + channel] = part[i]


CHUNK_VALUES = 2048
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
        total = np.empty(self._finish[0].shape[1], np.float64 if samples.dtype == np.float32 else np.uint32)
        finish = (*self._finish, total)
        if weights.mask is not None:
            mask = weights.mask.reshape(*weights.mask.shape[:2], -1)
            _blend_mask(source, parents, mask, finish, target, rows, self._inner)
            return
        box = weights.box if weights.box is not None else np.zeros((len(parents), 4), np.int32)
        inside = weights.inside if weights.inside is not None else weights.parts
        regions, line = (weights.parts, box, inside), (self._width, self._inner)
        _blend_regions(source, parents, regions, finish, target, rows, line)
