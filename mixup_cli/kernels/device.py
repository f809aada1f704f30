"""Which backend a device means. Torch is imported only where a device asks for it."""

from __future__ import annotations

from mixup_cli.backend import has_numba
from mixup_cli.choices import Device
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Kernel, Surface
from mixup_cli.wording import setting


def open_kernel(device: Device, surface: Surface) -> Kernel:
    """The backend of the blend for a device. Raises UsageError if this machine lacks the device."""
    name = _available_gpu() or "cpu" if device == "auto" else device
    if name == "cpu":
        return _open_cpu(surface)
    _require_torch(device)
    from mixup_cli.kernels.torch import open_torch

    return open_torch(name, surface)


def _open_cpu(surface: Surface) -> Kernel:
    if not has_numba():
        from mixup_cli.kernels.numpy import NumpyKernel

        return NumpyKernel(surface)
    from mixup_cli.kernels.cpu import CpuKernel

    return CpuKernel(surface)


def _available_gpu() -> str | None:
    """`cuda`, `mps`, or None without a GPU or torch."""
    try:
        import torch
    except ImportError:
        return None
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _require_torch(device: Device) -> None:
    try:
        import torch
    except ModuleNotFoundError:
        remedy = f"Install it, or pass {setting('device', 'cpu')}."
        raise UsageError("torch is not installed.", remedy, field="device", value=device) from None
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device, True):
        remedy = f"Pass {setting('device', 'cpu')} or auto."
        raise UsageError("torch finds no such device here.", remedy, field="device", value=device)
