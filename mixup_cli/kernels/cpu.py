"""The blend on the CPU: one fused pass in numba, without the GIL.

A plane is a line of values, blended in chunks. Sums of integers stay below 2³² (65536 · 65535 + 32768), so they are
uint32. Sums of float32 samples are float64, where each product is exact: a fused multiply-add changes nothing.

Three things make the loops vectorise, and each doubles their speed: indices are unsigned (one that cannot be negative
needs no check), weights are 32 bits wide (numba widens what it does not know to 64), and `term` and `finished` are
inlined by numba and not by LLVM.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from mixup_cli.compiled import compiled
from mixup_cli.kernels import Samples, Surface, Weights


def term(weight: int, value: Any) -> Any:
    """weight · value, exactly: uint32 for integer values, float64 for float32 values."""
    raise NotImplementedError("numba code only")


def finished(sample: Any, out: Any, total: Any, mean: Any, scale: Any) -> Any:
    """A sum of terms as a value of `out`'s dtype; of `sample`, only the dtype counts."""
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


def copied(sample: Any, out: Any) -> bool:
    """Whether a value that is alone is finished as it is: integers of the same dtype, as 65536 · x / 65536 = x."""
    raise NotImplementedError("numba code only")


@overload(copied, inline="always", strict=False)
def _copied(sample: Any, out: Any) -> Any:
    same = sample.dtype == out.dtype and isinstance(out.dtype, types.Integer)
    return (lambda sample, out: True) if same else (lambda sample, out: False)


@compiled
def _pair(weights: Any) -> Any:
    """The two parents that make up everything, as (first, second, weight, weight), or −1 where it is not two.

    A parent that is alone meets itself in halves, so it needs no other loop, and no other parent is read.
    """
    first, second, used, rest = -1, -1, 0, 65536
    for k in range(weights.shape[0]):
        if weights[k] > 0:
            first, second = (k, k) if used == 0 else (first, k)
            used += 1
            rest -= weights[k]
    if rest > 0 or used > 2:
        return -1, -1, np.uint32(0), np.uint32(0)
    alone = used == 1
    return first, second, np.uint32(weights[first] >> alone), np.uint32(weights[second] >> alone)


@compiled
def _side(samples: Any, parents: Any, weights: Any, plane: int) -> Any:
    """What one side of a box's border is blended from: (weights, pair, the pair's two planes)."""
    pair = _pair(weights)
    return weights, pair, samples[parents[pair[0]], plane], samples[parents[pair[1]], plane]


@compiled
def _is_alone(side: Any) -> Any:
    return side[1][0] == side[1][1] and side[1][0] >= 0


@compiled
def _copy(source: Any, target: Any, start: Any, stop: Any) -> None:
    """As a loop, which is vectorised: numba copies slices value by value."""
    for i in range(np.uint64(start), np.uint64(stop)):
        target[i] = source[i]


@compiled
def _paste(source: Any, target: Any, box: Any, line: Any) -> None:
    """Copy a box of one plane, line by line."""
    columns, inner = line
    top, left, bottom, right = box
    for y in range(top, bottom):
        _copy(source, target, (y * columns + left) * inner, (y * columns + right) * inner)


@compiled
def _two(side: Any, finish: Any, target: Any, chunk: Any) -> None:
    """A chunk of two parents that make up everything: nearly every row there is."""
    (_, (_, _, weight_a, weight_b), a, b), (plane, begin, count) = side, chunk
    _, mean, scale, _ = finish
    zero = term(0, a.dtype.type(0))
    for i in range(count):
        j = begin + i
        total = zero + term(weight_a, a[j]) + term(weight_b, b[j])
        target[j] = finished(a, target, total, mean[plane, i], scale[plane, i])


@compiled
def _many(samples: Any, parents: Any, side: Any, finish: Any, target: Any, chunk: Any) -> None:
    """A chunk of any number of parents and the fill, summed one after the other in a buffer."""
    weights, (fill, mean, scale, total), (plane, begin, count) = side[0], finish, chunk
    rest = 65536
    for i in range(count):
        total[i] = 0
    for k in range(parents.shape[0]):
        weight, parent = weights[k], np.uint64(parents[k])
        if weight > 0:
            rest -= weight
            for i in range(count):
                total[i] += term(weight, samples[parent, plane, begin + i])
    for i in range(count):
        whole = total[i] + term(rest, fill[plane, i])
        target[begin + i] = finished(fill, target, whole, mean[plane, i], scale[plane, i])


@compiled
def _span(samples: Any, parents: Any, side: Any, finish: Any, target: Any, place: Any) -> None:
    """Values `start` … `stop−1` of one plane of one sample, in chunks as long as `finish` is."""
    plane, start, stop = place
    if _is_alone(side) and copied(samples, target):
        _copy(side[2], target, start, stop)
        return
    length = finish[0].shape[1]
    for begin in range(start, stop, length):
        chunk = np.uint64(plane), np.uint64(begin), np.uint64(min(length, stop - begin))
        if side[1][0] >= 0:
            _two(side, finish, target, chunk)
        else:
            _many(samples, parents, side, finish, target, chunk)


@compiled
def _blend_regions(samples: Any, parents: Any, regions: Any, finish: Any, out: Any, rows: Any, line: Any) -> None:
    """Weights `parts` everywhere, and then `inside` over it within the box: cheaper than to go around small boxes."""
    parts, box, inside = regions
    columns, inner = line
    planes, count = samples.shape[1:]
    for r in range(parents.shape[0]):
        top, left, bottom, right = box[r]
        for plane in range(planes):
            target = out[rows[r], plane]
            side = _side(samples, parents[r], parts[r], plane)
            _span(samples, parents[r], side, finish, target, (plane, 0, count))
            if top < bottom:
                side = _side(samples, parents[r], inside[r], plane)
                if _is_alone(side) and copied(samples, target):
                    _paste(side[2], target, box[r], line)
                    continue
                for y in range(top, bottom):
                    place = (plane, (y * columns + left) * inner, (y * columns + right) * inner)
                    _span(samples, parents[r], side, finish, target, place)


@compiled
def _spread(mask: Any, position: int, inner: int, out: Any) -> None:
    """Weights from `position` on, once for each of a position's `inner` values."""
    part = mask[position : position + out.shape[0] // inner]
    if inner == 1:
        out[:] = part
    elif inner == 3:  # a distance known beforehand vectorises, three times as fast
        for i in range(part.shape[0]):
            out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = part[i]
    else:
        for i in range(part.shape[0]):
            out[i * inner : (i + 1) * inner] = part[i]


@compiled
def _masked(samples: Any, parents: Any, mask: Any, finish: Any, target: Any, chunk: Any) -> None:
    """A chunk of parents whose weights differ at every position, and the fill."""
    (fill, mean, scale, total), (plane, begin, count, inner) = finish, chunk
    rest, weight = np.empty(count, np.int32), np.empty(count, np.int32)
    for i in range(count):
        total[i], rest[i] = 0, 65536
    for k in range(parents.shape[0]):
        _spread(mask[k], begin // inner, inner, weight)
        parent = np.uint64(parents[k])
        for i in range(count):
            if weight[i] > 0:
                total[i] += term(weight[i], samples[parent, plane, begin + i])
                rest[i] -= weight[i]
    for i in range(count):
        whole = total[i] + term(rest[i], fill[plane, i])
        target[begin + i] = finished(fill, target, whole, mean[plane, i], scale[plane, i])


@compiled
def _blend_mask(samples: Any, parents: Any, mask: Any, finish: Any, out: Any, rows: Any, inner: int) -> None:
    """A weight for every parent at every position."""
    planes, values = samples.shape[1:]
    length = finish[0].shape[1]
    for r in range(parents.shape[0]):
        for plane in range(planes):
            for begin in range(0, values, length):
                count = min(length, values - begin)
                place = np.uint64(plane), np.uint64(begin), np.uint64(count), np.uint64(inner)
                _masked(samples, parents[r], mask[r], finish, out[rows[r], plane], place)


@compiled
def _chosen(samples: Any, parents: Any, choice: Any, finish: Any, target: Any, chunk: Any) -> None:
    """A chunk of parents of which one is alone at every position."""
    (fill, mean, scale, total), (plane, begin, count, inner) = finish, chunk
    which = np.empty(count, np.uint8)
    _spread(choice, begin // inner, inner, which)
    zero = term(0, fill[0, 0])
    for k in range(parents.shape[0]):
        parent = np.uint64(parents[k])
        for i in range(count):
            value = zero + term(65536, samples[parent, plane, begin + i])
            total[i] = value if which[i] == k else total[i]
    for i in range(count):
        target[begin + i] = finished(fill, target, total[i], mean[plane, i], scale[plane, i])


@compiled
def _paste_chosen(samples: Any, parents: Any, choice: Any, target: Any, plane: Any, inner: Any) -> None:
    """The same for a whole plane, where values are finished as they are: runs of positions are copied."""
    one, inner = np.uint64(1), np.uint64(inner)
    first, end = np.uint64(0), np.uint64(choice.shape[0])
    while first < end:
        chosen, last = choice[first], first + one
        while last < end and choice[last] == chosen:
            last += one
        _copy(samples[np.uint64(parents[chosen]), plane], target, first * inner, last * inner)
        first = last


@compiled
def _blend_choice(samples: Any, parents: Any, choice: Any, finish: Any, out: Any, rows: Any, inner: int) -> None:
    """One parent alone at every position."""
    planes, values = samples.shape[1:]
    length = finish[0].shape[1]
    for r in range(parents.shape[0]):
        for plane in range(planes):
            target = out[rows[r], plane]
            if copied(samples, target):
                _paste_chosen(samples, parents[r], choice[r], target, plane, inner)
                continue
            for begin in range(0, values, length):
                count = min(length, values - begin)
                chunk = np.uint64(plane), np.uint64(begin), np.uint64(count), np.uint64(inner)
                _chosen(samples, parents[r], choice[r], finish, target, chunk)


CHUNK_VALUES = 2048
"""About how many values are finished at a time: what a chunk needs fits in a core's L1 cache."""


class CpuKernel:
    """numba's backend. See `mixup_cli.kernels.Kernel`."""

    def __init__(self, surface: Surface) -> None:
        self._shape = (surface.outer, surface.lines * surface.columns * surface.inner)
        self._line = (surface.columns, surface.inner)
        repeats = max(1, min(CHUNK_VALUES // surface.inner, surface.lines * surface.columns))
        self._finish = [np.tile(each, repeats) for each in (surface.fill, surface.mean, surface.scale)]

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """See `mixup_cli.kernels.Kernel.blend`."""
        source, target = np.asarray(samples).reshape(-1, *self._shape), out.reshape(-1, *self._shape)
        sums = np.empty(self._finish[0].shape[1], np.float64 if samples.dtype == np.float32 else np.uint32)
        finish = (*self._finish, sums)
        # contiguous: numba compiles another version for arrays that are not
        parents, parts = np.ascontiguousarray(parents), np.ascontiguousarray(weights.parts)
        if weights.choice is not None:
            choice = np.ascontiguousarray(weights.choice).reshape(len(parents), -1)
            _blend_choice(source, parents, choice, finish, target, rows, self._line[1])
            return
        if weights.mask is not None:
            mask = np.ascontiguousarray(weights.mask).reshape(*weights.mask.shape[:2], -1)
            _blend_mask(source, parents, mask, finish, target, rows, self._line[1])
            return
        if weights.box is None or weights.inside is None:
            regions = parts, np.zeros((len(parents), 4), np.int32), parts
        else:
            regions = parts, np.ascontiguousarray(weights.box), np.ascontiguousarray(weights.inside)
        _blend_regions(source, parents, regions, finish, target, rows, self._line)
