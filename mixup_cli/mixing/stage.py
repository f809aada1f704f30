"""The stage: copies of a tile's parents, as they are to be mixed. Most recipes need none, and mix from the cache.

Parents are copied a tile at a time, while they are in the core's cache: the part in time that is seen, through their
views (flips and crops), then rearranged by the method (ResizeMix), then decoded to linear light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import as_pictures
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Samples
from mixup_cli.fields.uneven import Uneven
from mixup_cli.kernels.light import linear_levels
from mixup_cli.methods import Decisions, Method
from mixup_cli.methods.base import Pictures, Resample
from mixup_cli.plan.views import Views


@dataclass(frozen=True)
class Stage:
    """What happens to parents before the blend. `cached` and `form` are the forms of samples before and after; `fill`
    (outer, inner) is seen where a view sticks out, and `resample` is what resizes."""

    cached: Form
    form: Form
    fill: NDArray[Any]
    linear_light: bool
    resample: Resample

    def set(
        self,
        samples: NDArray[Any] | Uneven,
        parents: NDArray[np.int64],
        views: Views | None,
        method: Method,
        decisions: Decisions,
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples and parents (m, P) as the kernel is to take them: the cache's own, or copies made for this tile."""
        staged, parents = self._in_time(samples, parents, decisions.start)
        if views is None and not method.rearranges and not self.linear_light:
            return staged, parents
        if views is not None:
            staged = self._seen(staged, parents.ravel(), views)
            parents = np.arange(parents.size).reshape(parents.shape)
        if method.rearranges:
            moved = np.empty((parents.size, *self.form.shape), staged.dtype)
            out = as_pictures(moved, self.form.axes)
            chosen = Pictures(as_pictures(staged, self.form.axes), parents)
            method.rearrange(chosen, decisions, out.reshape(*parents.shape, *out.shape[1:]), self.resample)
            staged, parents = moved, np.arange(parents.size).reshape(parents.shape)
        if self.linear_light:
            staged = linear_levels()[staged[parents.ravel()]]
            parents = np.arange(parents.size).reshape(parents.shape)
        return staged, parents

    def _in_time(
        self, samples: NDArray[Any] | Uneven, parents: NDArray[np.int64], starts: NDArray[np.int64] | None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Samples and parents as rows show them in time. Those of different lengths are filled up."""
        if starts is None and not isinstance(samples, Uneven):
            return samples, parents
        begin = np.zeros_like(parents) if starts is None else starts
        return self.later(samples, parents.ravel(), begin.ravel()), np.arange(parents.size).reshape(parents.shape)

    def later(self, samples: Samples, parents: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[Any]:
        """Copies of parents (m) from some places in time on: (m, *form.shape)."""
        axis, length = self.form.axes.index("t"), self.form.time
        before = (slice(None),) * axis
        copies = np.empty((len(parents), *self.form.shape), self.cached.dtype)
        copies[...] = self.fill.ravel()[0]
        for copy, parent, start in zip(copies, parents.tolist(), starts.tolist(), strict=True):
            first = max(0, start)
            seen = samples[parent][(*before, slice(first, max(first, start + length)))]
            copy[(*before, slice(first - start, first - start + seen.shape[axis]))] = seen
        return copies

    def _seen(self, samples: NDArray[Any], parents: NDArray[np.int64], views: Views) -> NDArray[Any]:
        """Copies of parents (m) through views (m, …, 5): (m, *form.shape)."""
        views = views.reshape(-1, 5)
        copies = np.empty((len(parents), *self.form.shape), samples.dtype)
        whole = (views[:, 2:4] - views[:, :2] == self.form.size).all(axis=1)
        if whole.any():
            from mixup_cli.kernels.take import take  # numba takes half a second to import

            source, seen = samples.reshape(-1, *self.cached.planes), copies.reshape(-1, *self.form.planes)
            take(source, parents[whole], views[whole], self.fill, seen, np.flatnonzero(whole))
        pictures, out = as_pictures(samples, self.cached.axes), as_pictures(copies, self.form.axes)
        for row in np.flatnonzero(~whole):
            out[row] = self._resized(pictures[parents[row]], views[row])
        return copies

    def _resized(self, picture: NDArray[Any], view: Views) -> NDArray[Any]:
        """The part (height, width, channels) that a view shows, resized. It is cut out first, as in torchvision, so
        that the filter sees nothing of what lies around it."""
        top, left, bottom, right, mirrored = (int(each) for each in view)
        shown = self.resample(picture[top:bottom, left:right], self.form.size)
        return shown[:, ::-1] if mirrored else shown
