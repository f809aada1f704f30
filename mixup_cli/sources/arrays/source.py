"""Samples that are arrays already: every container of arrays, IDX, STL-10, CIFAR and finished data sets end up here."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.axes import Axes, as_axes, natural_axes, plane_of
from mixup_cli.fields.fit import bring
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.scaling import sample_dtype
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.arrays.forms import problems
from mixup_cli.sources.arrays.stored import StoredArray, is_in_memory
from mixup_cli.sources.reading.base import Source
from mixup_cli.sources.reading.changing import Look, change_while_read, look
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import setting

# A tile is hashed and converted while it is still in the processor's cache.
_TILE_BYTES = 1 << 20

_HELD_BYTES = 2047
"""hashlib lets go of the GIL for more bytes than this. For a small sample, waiting for it again takes threads longer
than to hash one after the other: with two of them, CIFAR's images took three times as long as with one."""

_SMALL_BYTES = 1 << 14


class RowKeys(Sequence[str]):
    """Row numbers as keys, zero padded so that they sort. They are made on demand, for arrays of millions of rows."""

    def __init__(self, count: int) -> None:
        self._numbers = range(count)
        self._width = max(5, len(str(max(count - 1, 0))))

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [f"{number:0{self._width}d}" for number in self._numbers[index]]
        return f"{self._numbers[index]:0{self._width}d}"


class ArraySource(Source):
    """Samples from `rows` (n, *sample shape) of real numbers.

    `shown` names the image axes in which the samples are offered, if not those in which they are stored. Raises
    NoInputError for no samples, DataError for samples that cannot be mixed (complex numbers, objects, strings, empty).
    """

    kind: ClassVar[str] = "arrays"
    has_numbered_classes: ClassVar[bool] = True

    sample_axes: ClassVar[Axes | None] = None
    """The axes of a sample, where its shape does not say them."""

    def __init__(
        self,
        location: str,
        keys: Sequence[str],
        labels: Labels,
        rows: StoredArray,
        *,
        shown: Axes | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        _check_rows(rows, location)
        dtype = sample_dtype(rows.dtype, location)
        if rows.dtype.name == "float64":
            notices = (*notices, f"{location}: samples are float64 and are narrowed to float32.")
        super().__init__(location, keys, labels, notices)
        self._rows = rows
        self._hashes: Sequence[str] | None = None
        self._looks: dict[Path, Look | None] = {}
        self._sample_shape = tuple(rows.shape[1:])
        self._axes = natural_axes(self._sample_shape) if self.sample_axes is None else self.sample_axes
        self._form = Form(self._sample_shape, dtype, self._axes).turned(self._axes if shown is None else shown)

    def watch(self, *files: Path) -> Self:
        """Notice from now on if these files change. `load` raises if they do while rows are read from them."""
        self._looks = {path: look(path) for path in files}
        return self

    def hashed_before(self, hashes: Sequence[str]) -> Self:
        """Take the hashes of all samples, which are integers that can be mixed, as they are."""
        self._hashes = hashes
        return self

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return map(str, self._looks)

    def changed(self) -> str | None:
        """See `Source.changed`."""
        return next((str(path) for path, before in self._looks.items() if look(path) != before), None)

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the file, which a row number does not name."""
        return f"{self.location}, sample {self.keys[index]}"

    def survey(self, limit: int | None = None) -> Survey:
        count = len(self) if limit is None else min(limit, len(self))
        sizes: Counter[tuple[int, int]] = Counter()
        if plane_of(self._axes) == "hw":
            sizes[self._form.size] = count
        return Survey(sizes, Counter({self._form.dtype: count}), self._form)

    def stored_bytes(self) -> Sequence[int]:
        beside = sum(source.stored_bytes()[0] for source in self.beside.values())
        return [math.prod(self._sample_shape) * self._rows.dtype.itemsize + beside] * len(self)

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`. Raises DataError also if samples of this dtype and shape cannot be brought to the target:
        the options are wrong then, not the file."""
        if start == stop:
            return []
        try:
            block = self._rows[start:stop]
        except OSError as error:
            return self._load_one_by_one(start, stop, target, out, error)
        tile = max(1, _TILE_BYTES // max(1, block[:1].nbytes))
        loaded: list[Loaded] = []
        for first in range(0, len(block), tile):
            values, room = block[first : first + tile], out[first : first + tile]
            is_held = np.may_share_memory(values, room)
            if not is_held or self._hashes is None:
                values = np.ascontiguousarray(values)
            found = self._found(values, start + first)
            unfit = target.problems(room) if is_held else bring(values, self._axes, target, room, self.keys[start])
            loaded += [
                one._replace(problem=problem) if one.problem is None and problem is not None else one
                for one, problem in zip(found, unfit, strict=True)
            ]
        # Rows of a map are read twice, for the hash and for the values.
        if not is_in_memory(self._rows) and (name := self.changed()) is not None:
            raise change_while_read(name)
        return loaded

    def _found(self, values: NDArray[Any], start: int) -> list[Loaded]:
        """What is known of the samples from `start` on without their target."""
        if self._hashes is None:
            return hashed(values)
        return [Loaded(values[0].nbytes, each) for each in self._hashes[start : start + len(values)]]

    def held(self, target: Target) -> NDArray[Any] | None:
        """See `Source.held`."""
        rows, form = self._rows, target.form
        if not isinstance(rows, np.ndarray) or isinstance(rows, np.memmap) or rows.dtype != form.dtype:
            return None
        if (self._form.shape, self._form.axes) != (form.shape, form.axes) or (
            target.value_range is not None and form.dtype != "uint8"
        ):
            return None
        samples = as_axes(rows, self._axes, form.axes)
        return samples if samples.flags.c_contiguous and samples.flags.writeable else None

    def _load_one_by_one(
        self, start: int, stop: int, target: Target, out: NDArray[np.generic], error: OSError
    ) -> list[Loaded]:
        """After a read error in a range: find the samples that it spoils (a damaged chunk spoils some, not all)."""
        if stop - start == 1:
            return [Loaded(-1, "", f"cannot read ({error})")]
        loaded: list[Loaded] = []
        for row in range(start, stop):
            loaded += self.load(row, row + 1, target, out[row - start : row - start + 1])
        return loaded


def unlabelled(where: str) -> str:
    """The notice about samples without labels."""
    return f"{where}: no labels found; the samples are unlabelled ({setting('label_key')} names them)."


def _check_rows(rows: StoredArray, location: str) -> None:
    if len(rows.shape) < 2:
        raise DataError(
            f"{location}: found an array of shape {tuple(rows.shape)}, expected samples as its first dimension. "
            "Write it again, with one row a sample."
        )
    if rows.shape[0] == 0:
        raise NoInputError(f"{location}: holds no samples (an array of shape {tuple(rows.shape)}). Fill it.")
    if 0 in rows.shape:
        raise DataError(f"{location}: its samples are empty (an array of shape {tuple(rows.shape)}). Fill it.")


def hashed(values: NDArray[Any]) -> list[Loaded]:
    """sha256 over each sample's bytes, in C order and the byte order in which they are stored."""
    size = values[0].nbytes
    return [Loaded(size, *found) for found in zip(sha256_of(values), problems(values), strict=True)]


def sha256_of(values: NDArray[Any]) -> list[str]:
    """sha256 over the bytes of each of values (m, …), in C order: 64 hex digits."""
    data, size = values.reshape(-1).view(np.uint8).data, values[0].nbytes
    return [_sha256(data[start : start + size]) for start in range(0, values.nbytes, size)]


def _sha256(sample: memoryview) -> str:
    if len(sample) > _SMALL_BYTES:
        return hashlib.sha256(sample).hexdigest()
    digest = hashlib.sha256()
    for start in range(0, len(sample), _HELD_BYTES):
        digest.update(sample[start : start + _HELD_BYTES])
    return digest.hexdigest()
