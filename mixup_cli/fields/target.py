"""What a source is asked for: a look at its samples, and the form to bring them into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Resize
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.scaling import Finish


@dataclass(frozen=True)
class Target:
    """The form to bring samples into, and the rules for it.

    `resize` None means that pictures must have the form's size already; one that has not raises `FormMismatch`.
    `value_range` maps [low, high] of floats and 16-bit values linearly onto the full range of an integer form, clipping
    what lies outside.
    `deepest` is the dtype beyond which a deeper form would be of no use to the output (None: the form's own); a picture
    that is deeper than a form which is not that deep raises `FormMismatch`. `finish` is given if it could
    make infinities of samples: those are then broken. `fill` is the colour around pictures that do not fill the form,
    0 … 255, one number or one for each channel.
    """

    form: Form
    resize: Resize | None = None
    value_range: tuple[float, float] | None = None
    deepest: SampleDtype | None = None
    finish: Finish | None = None
    fill: tuple[int, ...] = (0,)

    def problems(self, samples: NDArray[Any]) -> list[str | None]:
        """Why samples (m, *form.shape) in the form cannot be used, per sample: `finish` makes them infinite."""
        if self.finish is None:
            return [None] * len(samples)
        return self.finish.problems(samples, self.form.channel_axis)


Arrays: TypeAlias = tuple[NDArray[Any], ...]
"""One array (n, *form.shape) for each signal of n samples; or an `uneven.Uneven` in the place of the first."""


class Samples(Protocol):
    """Samples of one signal by their number: an array of them, or what reads one at a time."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> NDArray[Any]: ...


def sample_bytes(targets: Sequence[Target]) -> int:
    """What all signals of one sample take in a cache."""
    return sum(target.form.sample_bytes for target in targets)


def room_for(targets: Sequence[Target], count: int) -> Arrays:
    """Memory for `count` samples, not yet filled."""
    return tuple(np.empty((count, *target.form.shape), target.form.dtype) for target in targets)


def rows_of(arrays: Arrays, start: int, stop: int) -> Arrays:
    """Samples start … stop−1, without a copy."""
    return tuple(array[start:stop] for array in arrays)


@dataclass(frozen=True)
class Survey:
    """What the samples look like before any is decoded: how many have which (height, width), and which dtype.
    `sizes` is empty for arrays without axes, whose `array_form` then says all. `broken` are left out of them:
    the keys of samples whose headers cannot be read, with the reasons. `upper_bits` is how many pictures have 16 bits
    a colour, of which only the upper 8 are read. `window` is how many places in time rows show, if not all."""

    sizes: Counter[tuple[int, int]]
    dtypes: Counter[SampleDtype]
    array_form: Form | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    upper_bits: int = 0
    window: int | None = None


class FormMismatch(Exception):
    """A sample's own size or depth does not fit the form that was assumed from a look at some of the samples."""

    def __init__(self, key: str, size: tuple[int, int], dtype: SampleDtype) -> None:
        super().__init__(f"{key}: {size[1]}x{size[0]} {dtype}")
        self.key, self.size, self.dtype = key, size, dtype

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[int, int], SampleDtype]]:
        return type(self), (self.key, self.size, self.dtype)  # else the message alone would be sent to another process
