"""Samples that were read at once, as PyTorch's `DataLoader` collates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map


class TupleSample(tuple[Any, ...]):
    """A sample of a `ReadBatch`. A type for torch, which collates a batch by the type of its first sample."""

    __slots__ = ()


class NamedSample(dict[str, Any]):
    """The same with names."""

    __slots__ = ()


class ReadBatch(Sequence[Any]):
    """Samples that were read at once, part by part: tensors (m, …), or a list of what `transform` made. To other code,
    a sequence of samples."""

    def __init__(self, parts: Sequence[Tensor | list[Any]], names: Sequence[str] | None) -> None:
        self.parts, self.names = parts, names

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, position: Any) -> Any:
        taken = [part[position] for part in self.parts]
        if isinstance(position, slice):
            return ReadBatch(taken, self.names)
        return TupleSample(taken) if self.names is None else NamedSample(zip(self.names, taken, strict=True))

    @property
    def is_single(self) -> bool:
        """Whether samples are one tensor each, and no tuples."""
        return len(self.parts) == 1 and self.names is None

    def collated(self) -> Any:
        """The parts of all samples: a list of them, a dictionary, or the only one."""
        parts = [default_collate(part) if isinstance(part, list) else part for part in self.parts]
        if self.names is not None:
            return dict(zip(self.names, parts, strict=True))
        return parts[0] if self.is_single else parts


def _collate(batch: Sequence[Any], *, collate_fn_map: dict[Any, Any] | None = None) -> Any:
    """What torch's `default_collate` makes of a batch: [images, labels], without a copy if it was read at once."""
    if isinstance(batch, ReadBatch):
        return batch.collated()
    plain = dict if isinstance(batch[0], NamedSample) else tuple  # a selection of such samples
    return default_collate([plain(sample) for sample in batch])


# As the documentation of `default_collate` says.
default_collate_fn_map.update({TupleSample: _collate, NamedSample: _collate})
