"""The blend in NumPy, for runs that are over before numba has started. The bits are the same.

Sums of integers are uint32, as in `cpu.py`, and sums of float32 samples float64. Each step is a pass over some rows
that stay in a cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.kernels import UNIT, Samples, Surface, Weights

CHUNK_VALUES = 1 << 18
"""About how many values are summed at a time."""


@dataclass(frozen=True)
class NumpyKernel:
    """NumPy's backend. See `mixup_cli.kernels.Kernel`."""

    surface: Surface

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """See `mixup_cli.kernels.Kernel.blend`."""
        shape = (self.surface.outer, self.surface.lines, self.surface.columns * self.surface.inner)
        source, target = np.asarray(samples).reshape(-1, *shape), out.reshape(-1, *shape)
        step = max(1, min(len(parents), CHUNK_VALUES // max(1, prod(shape))))
        exact = np.float64 if source.dtype == np.float32 else np.uint32
        total, product = np.empty((2, step, *shape), exact)
        for first in range(0, len(parents), step):
            part = slice(first, min(first + step, len(parents)))
            sums = total[: part.stop - first]
            self._sum(source, parents[part], weights.of(part), sums, product[: len(sums)])
            target[rows[part]] = self._finished(sums, source.dtype, out.dtype)  # casts integers

    def _sum(
        self,
        source: Samples,
        parents: NDArray[np.int64],
        weights: Weights,
        total: NDArray[Any],
        product: NDArray[Any],
    ) -> None:
        """Σ w·x over the parents and then the fill into `total` (m, outer, H, W·inner), by way of `product`."""
        rest: Any = np.uint32(UNIT)
        for number, (parent, weight) in enumerate(zip(parents.T, self._spread(weights), strict=True)):
            rest = rest - weight
            term = product if number else total
            term[...] = source[parent]
            _multiply(term, weight)
            if number:
                total += product
        if rest.any():
            product[...] = self._along(self.surface.fill)
            _multiply(product, rest)
            total += product
        if total.dtype == np.float64:
            total += 0.0  # the sum of the other backends begins with 0, so that it is never −0

    def _spread(self, weights: Weights) -> Iterator[NDArray[np.uint32]]:
        """One array of weights per parent that broadcasts to (m, outer, H, W·inner)."""
        inner = self.surface.inner
        for parent in range(weights.parts.shape[1]):
            if weights.choice is not None:
                chosen = (weights.choice == parent).astype(np.uint32) * np.uint32(UNIT)
                yield chosen.repeat(inner, axis=-1)[:, None]
            elif weights.mask is not None:
                yield weights.mask[:, parent].astype(np.uint32).repeat(inner, axis=-1)[:, None]
            else:
                parts = weights.parts[:, parent].astype(np.uint32)[:, None, None, None]
                if weights.box is None or weights.inside is None:
                    yield parts
                else:
                    inside = weights.inside[:, parent].astype(np.uint32)[:, None, None, None]
                    yield np.where(self._within(weights.box), inside, parts)

    def _within(self, box: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which values lie inside the boxes (m, 4): (m, 1, H, W·inner)."""
        top, left, bottom, right = box.T[:, :, None, None]
        lines = np.arange(self.surface.lines)[:, None]
        columns = np.arange(self.surface.columns).repeat(self.surface.inner)
        inside: NDArray[np.bool_] = (top <= lines) & (lines < bottom) & (left <= columns) & (columns < right)
        return inside[:, None]

    def _along(self, constants: Samples) -> Samples:
        """Constants (outer, inner) along a line: (outer, 1, W·inner)."""
        return np.tile(constants, self.surface.columns)[:, None]

    def _finished(self, total: NDArray[Any], source: np.dtype[Any], result: np.dtype[Any]) -> NDArray[Any]:
        """A sum as output values, which may be of a wider dtype. Changes `total`."""
        if result != np.float32:
            if result != source:  # uint16 from uint8
                total *= np.uint32(257)
            total += np.uint32(UNIT // 2)
            total >>= np.uint32(16)
            return total
        with np.errstate(over="ignore", invalid="ignore"):  # of samples that are infinite, or nearly
            values = total if source == np.uint8 else total * 2.0**-16
            finished: NDArray[Any] = values.astype(np.float32)
            finished -= self._along(self.surface.mean)
            finished *= self._along(self.surface.scale)
        return finished


def _multiply(values: NDArray[Any], weight: NDArray[np.uint32]) -> None:
    """Multiply in place, exactly; no weight gives 0, whatever the value."""
    if values.dtype == np.float64:
        np.copyto(values, 0.0, where=weight == 0)
    values *= weight
