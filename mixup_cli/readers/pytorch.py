"""A finished data set as a PyTorch `Dataset`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

from mixup_cli.fields.axes import as_axes
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.passes import OneByOne, Shown, shown_of

Sample = tuple[Tensor, ...] | Tensor


class MixedDataset(Dataset[Any]):
    """Samples as (image, label) tensors, the label float32 (K); only images if the data set has no labels. Further
    signals stand between the two, in the order of the manifest.

    `label_kind` decides the loss: labels of the kinds "classes" and "soft" sum to 1, "multi" are any number of classes
    in 0 … 1, and "real" are numbers to predict. `class_names` are their K names.

    Images come channels first, (C, H, W), as PyTorch's models and torchvision's transforms take them, in their stored
    dtype; those of axes "hw" as (1, H, W). `transform` is applied to each image.

    All rows are shown, or those of `passes` over the source: one number, or several. With `epoch`, one pass is shown at
    a time: number `epoch` modulo the count of passes, until `set_epoch` moves on. These passes have one length, so that
    samplers can be made once. Originals that were kept belong to no pass. Raises IndexError and UsageError as
    `readers.passes.shown_of` does.

    A `DataLoader` fetches whole batches at once. For samples with labels and without a `transform`, its default
    `collate_fn` recognises them and stacks nothing. Images stored as NHWC then are a view, channels first and in
    torch's memory format `channels_last`. Each process maps the shards for itself.
    """

    def __init__(
        self,
        folder: str | Path,
        transform: Callable[[Tensor], Tensor] | None = None,
        *,
        passes: int | Iterable[int] | None = None,
        epoch: int | None = None,
    ) -> None:
        self.arrays = MixedArrays(folder)
        self.class_names = self.arrays.class_names
        self.label_kind = self.arrays.label_kind
        self._transform = transform
        self._has_epochs = epoch is not None
        self._epoch = torch.tensor(epoch or 0)
        if self._has_epochs:  # workers that stay from epoch to epoch must see it
            self._epoch.share_memory_()  # type: ignore[no-untyped-call]
        self._shown: Sequence[Shown] | OneByOne = [Shown([range(len(self.arrays))])]
        if passes is not None or epoch is not None:
            self._shown = shown_of(self.arrays.folder, self.arrays.passes, passes, self._has_epochs)

    @property
    def set_epoch(self) -> Callable[[int], None]:
        """Show the pass of an epoch, from the next batch that a worker fetches: call it between epochs.

        Without `epoch`, this method does not exist: trainers call it if they find it, and it would change nothing.
        """
        if not self._has_epochs:
            raise AttributeError(
                "set_epoch: this data set shows the same rows in every epoch. Open it with epoch=0 to see one pass in "
                "each."
            )
        return self._set_epoch

    def _set_epoch(self, epoch: int) -> None:
        self._epoch.fill_(epoch)

    @property
    def _now(self) -> Shown:
        return self._shown[int(self._epoch) % len(self._shown)]

    def __len__(self) -> int:
        return len(self._now)

    def __getitem__(self, row: int) -> Sample:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        sample: Sample = self.__getitems__([row % len(self)])[0]
        return tuple(sample) if isinstance(sample, _Pair) else sample

    def __getitems__(self, rows: list[int]) -> Sequence[Sample]:
        """Several samples in one read; what PyTorch's `DataLoader` calls for a batch."""
        stored = self._now.rows(rows)
        signals = [
            torch.from_numpy(as_axes(values, signal.axes, "chw") if signal.axes else values)
            for signal, values in zip(self.arrays.manifest.signals, self.arrays.signals(stored).values(), strict=True)
        ]
        labels = self.arrays.labels(stored)
        tensors = signals if labels is None else [*signals, torch.from_numpy(labels)]
        if labels is not None and self._transform is None:
            return _Batch(tensors)
        first = list(signals[0]) if self._transform is None else [self._transform(image) for image in signals[0]]
        return first if len(tensors) == 1 else list(zip(first, *tensors[1:], strict=True))


class _Pair(tuple[Tensor, ...]):
    """An (image, label) of a `_Batch`, with further signals between them. A type for torch, which collates a batch by
    the type of its first sample."""

    __slots__ = ()


class _Batch(Sequence[Any]):
    """Samples that were read at once: signals (m, …) and, last, labels (m, K). To other code, a sequence of samples."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, position: Any) -> Any:
        taken = [tensor[position] for tensor in self.tensors]
        return _Batch(taken) if isinstance(position, slice) else _Pair(taken)


def _collate(batch: Sequence[Any], *, collate_fn_map: dict[Any, Any] | None = None) -> list[Tensor]:
    """What torch's `default_collate` makes of a batch: [images, labels], without a copy if it was read at once."""
    if isinstance(batch, _Batch):
        return batch.tensors
    return [torch.stack(each) for each in zip(*batch, strict=True)]  # a selection of such samples


default_collate_fn_map[_Pair] = _collate  # as the documentation of `default_collate` says
