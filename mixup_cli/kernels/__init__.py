"""The blend: the one arithmetic operation, a weighted sum of parents.

    I = Σ_k w_k · x_k + (65536 − Σ_k w_k) · fill           in whole 65536ths, exactly
    uint8, uint16:  (I + 32768) >> 16                      with 257 · I for I where uint8 becomes uint16
    float32:        (float32(I) − mean') · scale'          with I / 65536 for I where it is not from uint8

Float32 samples are summed in float64, from +0 in the order above: the parents, then the fill. (Only there does an order
show, and only −0 shows where it starts.) A parent without weight takes no part, even where it is NaN or infinite.

Weights are constant over a sample, or differ inside a box, or differ at every position, or choose one parent there.
What the parents leave of 65536 goes to the fill colour. `cpu.py` (numba), `numpy.py` (small runs) and `torch.py` (any
device) do the same and give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.generic]

UNIT = 65536
"""The weight of a parent that is alone."""


@dataclass(frozen=True)
class Weights:
    """What each of P parents contributes to each of m samples, in 65536ths.

    `parts` int32 (m, P) holds everywhere, or outside `box` int32 (m, 4: top, left, bottom, right, half-open) where
    there is one; `inside` int32 (m, P) then holds inside it. `mask` int32 (m, P, H, W), where given, replaces them all;
    so does `choice` uint8 (m, H, W), the number of the parent that is alone at each position. Weights are in 0 … 65536
    and their sum over the parents is at most 65536.

    What kernels never see, since `mixing.regions.in_time` puts it into the others: of samples that go on in time,
    `inside` holds within `span` int32 (m, 2: start, stop), and inside the box if there is one. `content` int64 (m) is
    how many places in time count for shares, if not all.
    """

    parts: NDArray[np.int32]
    box: NDArray[np.int32] | None = None
    inside: NDArray[np.int32] | None = None
    mask: NDArray[np.int32] | None = None
    choice: NDArray[np.uint8] | None = None
    span: NDArray[np.int32] | None = None
    content: NDArray[np.int64] | None = None

    def of(self, rows: slice | NDArray[np.int64]) -> Weights:
        """The weights of some of the samples."""
        given = {each.name: values for each in fields(self) if (values := getattr(self, each.name)) is not None}
        return Weights(**{name: values[rows] for name, values in given.items()})


@dataclass(frozen=True)
class Surface:
    """How a sample lies in memory, and how the blend is finished.

    A sample is `outer` × `lines` × `columns` × `inner` values: an image is (1, H, W, C) or (C, H, W, 1), and anything
    else one line (1, 1, L, 1). `fill` (in the sample's dtype), `mean` and `scale` (float32) are arrays (outer, inner).
    """

    outer: int
    lines: int
    columns: int
    inner: int
    fill: Samples
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.outer, self.lines, self.columns, self.inner)


class Kernel(Protocol):
    """A backend of the blend for one surface."""

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """Blend `samples[parents[r]]` by `weights` into `out[rows[r]]` for every r.

        `samples` (n, *sample) is uint8, uint16 or float32 and C-contiguous; `parents` (m, P); `out` (·, *sample) is of
        the same dtype, or uint16 (from uint8), or float32. Safe to call from several threads at once.
        """
