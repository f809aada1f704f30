"""The blend in torch, on the CPU or a GPU, with the bits of the CPU kernel.

Sums are taken in int32 where they fit (uint8 samples), else in int64 (uint16) or float64 (float32, where every product
is exact). Each step is a separate operation, so that nothing can be contracted into a fused multiply-add.

MPS has no float64, so there what needs it (float32 samples, and float32 output from uint16) is done on the CPU.

Samples that fit into half of a CUDA device's free memory are kept there, and parents are gathered there: a tile then
costs the transfer of its decisions in and of its rows out. Other samples are gathered on the host, into pinned memory.
`blend` returns when its rows are in `out`. Each of the engine's threads has a stream and a set of pinned buffers, so
transfers overlap with other threads' sums and with the writing of rows. Two sets in one thread would need promises.

This module has run on the CPU only, not on CUDA or MPS. Tests keep samples "on the device" that is the CPU. No test has
run `pin_memory`, `torch.cuda.Stream`, the `non_blocking` copies of the chunked upload, and `torch.cuda.mem_get_info`.
`make bench-gpu` runs them.
"""

from __future__ import annotations

import contextlib
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mixup_cli.kernels import UNIT, Samples, Surface, Weights

SUM_DTYPE = {"uint8": torch.int32, "uint16": torch.int64, "float32": torch.float64}
"""What a sum of samples of a dtype is exact in (float32: rounded once per parent, as everywhere)."""

UPLOAD_BYTES = 32 << 20
"""Samples that are kept on the device go there in parts of about this size."""


class TorchKernel:
    """torch's backend, on `device` "cpu", "cuda" or "mps". See `mixup_cli.kernels.Kernel`.

    It leaves `torch.set_num_threads` alone: a caller that runs several threads sets it to 1.

    An array of samples stays on the device from its second blend on if it has at most `room_bytes` (by default half of
    what a CUDA device has free, and 0 elsewhere). It must not change from then on.
    """

    def __init__(self, surface: Surface, device: str, room_bytes: int | None = None) -> None:
        self._surface, self._device = surface, device
        self._shape = (surface.outer, surface.lines, surface.columns * surface.inner)
        self._inner = surface.inner
        # one line of every plane: (outer, 1, W·inner)
        self._finish = [np.tile(each, surface.columns)[:, None] for each in (surface.fill, surface.mean, surface.scale)]
        self._lanes = threading.local()
        self._kept = _Kept(room_bytes)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, Surface]]:
        """Another process opens another backend: streams and samples on the device stay here."""
        return open_torch, ("cpu-torch" if self._device == "cpu" else self._device, self._surface)

    def blend(
        self, samples: Samples, parents: NDArray[np.int64], weights: Weights, out: Samples, rows: NDArray[np.int64]
    ) -> None:
        """See `mixup_cli.kernels.Kernel.blend`."""
        lane = self._lane(_device_for(self._device, samples.dtype, out.dtype))
        with lane.stream_context():
            taken = self._gathered(lane, samples, parents)
            total = self._sum(lane, taken, samples.dtype, weights)
            result = lane.returned(_finished(lane, total, samples.dtype, out.dtype), out.dtype)
        out.reshape(-1, *self._shape)[rows] = result

    def _gathered(self, lane: _Lane, samples: Samples, parents: NDArray[np.int64]) -> Tensor:
        """The parents' samples on the device: (P, m, outer, H, W·inner)."""
        shape = (parents.shape[1], len(parents), *self._shape)
        kept = self._kept.on_device(samples, lane)
        if kept is not None:
            there = lane.workspace("samples", (parents.size, *self._shape), kept.dtype)
            positions = lane.moved(np.ascontiguousarray(parents.T), "parents").view(-1)
            return torch.index_select(kept.view(-1, *self._shape), 0, positions, out=there).view(shape)
        taken = lane.buffer("samples", shape, samples.dtype)
        source = np.asarray(samples).reshape(-1, *self._shape)
        for parent, positions in enumerate(parents.T):
            # mode="raise" would gather into a second buffer first
            np.take(source, positions, axis=0, out=taken[parent], mode="clip")
        return lane.moved(taken)

    def _lane(self, device: str) -> _Lane:
        """This thread's way to the device: streams and staging buffers are not shared."""
        lanes: dict[str, _Lane] = self._lanes.__dict__
        if device not in lanes:
            lanes[device] = _Lane(device, *self._finish)
        return lanes[device]

    def _sum(self, lane: _Lane, taken: Tensor, dtype: np.dtype[Any], weights: Weights) -> Tensor:
        """Σ w·x over the parents and then the fill: (m, outer, H, W·inner) in the exact dtype."""
        total = lane.workspace("total", taken.shape[1:], SUM_DTYPE[dtype.name]).zero_()
        rest = torch.full((), UNIT, dtype=torch.int32, device=taken.device)
        for parent, weight in enumerate(self._spread(lane, weights)):
            total += _product(lane, taken[parent], weight, dtype)
            rest = rest - weight
        if _leaves_rest(weights):
            total += _product(lane, lane.fill.expand(total.shape), rest, dtype)
        return total

    def _spread(self, lane: _Lane, weights: Weights) -> Sequence[Tensor]:
        """One tensor of weights per parent, int32, that broadcasts to (m, outer, H, W·inner)."""
        if weights.choice is not None:
            choice = lane.moved(weights.choice, "choice").repeat_interleave(self._inner, dim=-1)[:, None]
            return [(choice == parent).to(torch.int32).mul_(UNIT) for parent in range(weights.parts.shape[1])]
        if weights.mask is not None:
            mask = lane.moved(weights.mask, "mask").repeat_interleave(self._inner, dim=-1)
            return mask[:, :, None].unbind(1)
        parts = lane.moved(weights.parts, "parts")[..., None, None, None].unbind(1)
        if weights.box is None or weights.inside is None:
            return parts
        within = self._within(lane.moved(weights.box, "box"))
        inside = lane.moved(weights.inside, "inside")[..., None, None, None].unbind(1)
        return [torch.where(within, *each) for each in zip(inside, parts, strict=True)]

    def _within(self, box: Tensor) -> Tensor:
        """Which values lie inside the boxes, int32 (m, 4): bool (m, 1, H, W·inner)."""
        top, left, bottom, right = box[:, :, None, None].unbind(1)
        lines = torch.arange(self._shape[1], device=box.device)[:, None]
        columns = torch.arange(self._shape[2], device=box.device).div(self._inner, rounding_mode="floor")
        inside: Tensor = (top <= lines) & (lines < bottom) & (left <= columns) & (columns < right)
        return inside[:, None]


def open_torch(device: str, surface: Surface) -> TorchKernel:
    """torch's backend for the device "cpu-torch", "cuda" or "mps"."""
    if device == "cpu-torch":
        torch.set_num_threads(1)  # the engine's workers are the threads: torch's own would fight them
    return TorchKernel(surface, device.removesuffix("-torch"))


class _Lane:
    """One thread's stream to a device, its staging buffers, which are reused from call to call, and the constants."""

    def __init__(self, device: str, fill: Samples, mean: Samples, scale: Samples) -> None:
        self._device = torch.device(device)
        self._stream = torch.cuda.Stream() if device == "cuda" else None  # type: ignore[no-untyped-call]
        self._buffers: dict[str, Tensor] = {}
        with self.stream_context():
            self.fill, self.mean, self.scale = (_signed(each).to(self._device) for each in (fill, mean, scale))

    def stream_context(self) -> contextlib.AbstractContextManager[object]:
        """What is queued inside goes to this thread's stream."""
        return contextlib.nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Samples:
        """A host array to copy from or into, in pinned memory for CUDA. Its content lasts until the next call."""
        count = math.prod(shape) * dtype.itemsize
        held = self._buffers.get(name)
        if held is None or len(held) < count:
            held = torch.empty(count, dtype=torch.uint8, pin_memory=self._stream is not None)
            self._buffers[name] = held
        return held[:count].numpy().view(dtype).reshape(shape)

    def workspace(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """An undefined tensor on the device, in the same memory each time: new pages cost a CPU more than the sums."""
        count = math.prod(shape)
        held = self._buffers.get(name)
        if held is None or len(held) < count or held.dtype != dtype:
            self._buffers[name] = held = torch.empty(count, dtype=dtype, device=self._device)
        return held[:count].view(*shape)

    def moved(self, values: Samples, staged_as: str | None = None) -> Tensor:
        """Values on the device, by way of the staging buffer `staged_as` if they do not lie in one already."""
        if self._stream is not None and staged_as is not None:
            staging = self.buffer(staged_as, values.shape, values.dtype)
            staging[:] = values
            values = staging
        return _signed(values).to(self._device, non_blocking=self._stream is not None)

    def uploaded(self, samples: Samples) -> Tensor | None:
        """A copy of all samples on the device, one value after the other; None if they do not fit."""
        values = np.asarray(samples).reshape(-1)
        try:
            copy = torch.empty(len(values), dtype=_signed(values[:0]).dtype, device=self._device)
        except torch.cuda.OutOfMemoryError:
            return None
        step = UPLOAD_BYTES // values.itemsize
        for start in range(0, len(values), step):
            part = values[start : start + step]
            staging = self.buffer("upload", part.shape, part.dtype)
            staging[:] = part
            copy[start : start + step].copy_(_signed(staging), non_blocking=self._stream is not None)
            self.wait()  # the buffer is filled again, and in the end other threads' streams read the copy
        self._buffers.pop("upload", None)
        return copy

    def room(self) -> int:
        """How many bytes of samples may stay on the device."""
        return torch.cuda.mem_get_info(self._device)[0] // 2 if self._stream is not None else 0

    def wait(self) -> None:
        """Return when all queued work is done."""
        if self._stream is not None:
            self._stream.synchronize()

    def returned(self, values: Tensor, dtype: np.dtype[Any]) -> Samples:
        """Values from the device, after all queued work. They are valid until this thread's next blend."""
        if self._stream is None:
            return values.cpu().numpy().view(dtype)
        staging = self.buffer("result", tuple(values.shape), dtype)
        _signed(staging).copy_(values, non_blocking=True)
        self.wait()
        return staging


class _Kept:
    """The array of samples that stays on the device: the first that is blended twice.

    The cache is blended in every tile, the stage's copies once each. Arrays are compared as objects, and the one that
    stays is held, so that no other array can take its address.
    """

    def __init__(self, room_bytes: int | None) -> None:
        self._room_bytes = room_bytes
        self._lock = threading.Lock()
        self._last: weakref.ref[Samples] | None = None
        self._settled: tuple[Samples, Tensor | None] | None = None

    def on_device(self, samples: Samples, lane: _Lane) -> Tensor | None:
        """These samples on the lane's device, in one line; None if they are not kept there."""
        if self._settled is None:
            with self._lock:  # other threads wait for this upload
                if self._settled is None:
                    self._consider(samples, lane)
        if self._settled is None or self._settled[0] is not samples:
            return None
        return self._settled[1]

    def _consider(self, samples: Samples, lane: _Lane) -> None:
        if self._last is None or self._last() is not samples:
            self._last = weakref.ref(samples)
            return
        room = lane.room() if self._room_bytes is None else self._room_bytes
        self._settled = samples, lane.uploaded(samples) if samples.nbytes <= room else None


def _device_for(device: str, source: np.dtype[Any], result: np.dtype[Any]) -> str:
    """The device, or the CPU if the blend needs float64 and the device lacks it."""
    needs_float64 = source == np.float32 or (source == np.uint16 and result == np.float32)
    return "cpu" if device == "mps" and needs_float64 else device


def _signed(values: Samples) -> Tensor:
    """A tensor that shares the array's memory: uint16, which torch hardly supports, as the int16 of the same bits."""
    values = np.require(values, requirements=["C", "W"])  # torch warns of arrays that cannot be written to
    return torch.from_numpy(values.view(np.int16) if values.dtype == np.uint16 else values)


def _product(lane: _Lane, values: Tensor, weight: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """weight · value, exactly, for values of (NumPy) `dtype`; 0 for no weight, whatever the value."""
    product = lane.workspace("product", values.shape, SUM_DTYPE[dtype.name]).copy_(values)
    if dtype == np.uint16:
        product.bitwise_and_(0xFFFF)
    product.mul_(weight)
    return product.masked_fill_(weight == 0, 0.0) if dtype == np.float32 else product


def _finished(lane: _Lane, total: Tensor, source: np.dtype[Any], result: np.dtype[Any]) -> Tensor:
    """A sum as output values (uint16 as the int16 of the same bits). Changes `total`."""
    if result == np.float32:
        if source != np.uint8:
            total = total.to(torch.float64).mul_(2.0**-16)
        return total.to(torch.float32).sub_(lane.mean).mul_(lane.scale)
    if result != source:  # uint16 from uint8: times 257 exceeds int32
        total = total.to(torch.int64).mul_(257)
    rounded = total.add_(UNIT // 2).bitwise_right_shift_(16)
    return rounded.to(torch.uint8 if result == np.uint8 else torch.int16)


def _leaves_rest(weights: Weights) -> bool:
    """Whether the parents leave any weight to the fill colour."""
    if weights.choice is not None:
        return False
    given = (each for each in (weights.parts, weights.inside, weights.mask) if each is not None)
    return any(bool((each.sum(axis=1) != UNIT).any()) for each in given)
