"""Samples of different lengths in time, one behind another in memory: a minute of noise beside words of a second would
otherwise make a minute of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.form import Form


@dataclass(frozen=True, eq=False)
class Uneven:
    """n samples in place of an array (n, *form.shape): number i is `flat[starts[i] : starts[i + 1]]`, and has the shape
    of `form` but for its length in time. `flat` has one dimension, `starts` is int64 (n + 1)."""

    flat: NDArray[Any]
    starts: NDArray[np.int64]
    form: Form

    @classmethod
    def of(cls, samples: Sequence[NDArray[Any]], form: Form) -> Self:
        """A copy of some samples of this form."""
        starts = np.cumsum([0, *(each.size for each in samples)])
        return cls(np.concatenate([each.ravel() for each in samples] or [np.empty(0, form.dtype)]), starts, form)

    @classmethod
    def room(cls, lengths: NDArray[np.int64], form: Form) -> Self:
        """Memory for samples of these lengths int64 (n), not yet filled."""
        starts = starts_of(lengths, form)
        return cls(np.empty(starts[-1], form.dtype), starts, form)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of all."""
        return self.flat.dtype

    @overload
    def __getitem__(self, key: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: int | slice) -> NDArray[Any] | Self:
        """A sample, or some consecutive ones, without a copy."""
        if isinstance(key, slice):
            first, stop, _ = key.indices(len(self))
            return replace(self, starts=self.starts[first : max(first, stop) + 1])
        sample = self.flat[self.starts[key] : self.starts[key + 1]]
        return sample.reshape(self.form.lasting(len(sample) // values_in_a_place(self.form)).shape)


def put(room: Any, start: int, samples: Any) -> None:
    """Copy samples over those of a room from `start` on, which are as long: both are arrays, or both `Uneven`."""
    if isinstance(room, Uneven):
        (first, stop), begin = samples.starts[[0, -1]], room.starts[start]
        room.flat[begin : begin + stop - first] = samples.flat[first:stop]
    else:
        room[start : start + len(samples)] = samples


def in_memory_as(samples: Any) -> NDArray[Any]:
    """The array that holds samples."""
    return samples.flat if isinstance(samples, Uneven) else samples


def values_in_a_place(form: Form) -> int:
    """How many values a place in time has."""
    return form.sample_bytes // (np.dtype(form.dtype).itemsize * form.time)


def starts_of(lengths: NDArray[np.int64], form: Form) -> NDArray[np.int64]:
    """Where samples of these lengths int64 (n) begin, and where the last one ends: int64 (n + 1)."""
    return np.concatenate([[0], np.cumsum(lengths * values_in_a_place(form))]).astype(np.int64)
