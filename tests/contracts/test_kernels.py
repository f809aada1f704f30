"""Every backend keeps the contract, and so all give the same bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import mixup_cli.kernels.torch as torch_kernel
from mixup_cli.kernels import Kernel, Samples, Surface
from mixup_cli.kernels.cpu import CpuKernel
from mixup_cli.kernels.numpy import NumpyKernel
from mixup_cli.kernels.torch import TorchKernel
from tests.contracts.kernel_contract import Case, KernelContract, assert_same_bits, cases, make_case, reference

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
MPS = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="torch finds no MPS device here")


class TestCpu(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return CpuKernel(surface)


class TestNumpy(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return NumpyKernel(surface)


class TestTorchOnCpu(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cpu")


class TestTorchWithSamplesKept(KernelContract):
    """What a GPU with room for the samples does, on the CPU: an array's second blend gathers from the device's copy."""

    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cpu", room_bytes=1 << 30)

    def blend(self, case: Case) -> Samples:
        kernel, first, second = self.kernel(case.surface), case.out, case.out
        for out in (first, second):
            kernel.blend(case.samples, case.parents, case.weights, out, case.rows)
        assert_same_bits(first, second)
        return second


def kept_case(**changes: Any) -> Case:
    return replace(make_case((1, 6, 5, 3), ("uint8", "uint8"), "box", parent_count=2, seed=8), **changes)


def blended(kernel: Kernel, case: Case) -> Samples:
    out = case.out
    kernel.blend(case.samples, case.parents, case.weights, out, case.rows)
    return out


def test_samples_are_kept_from_their_second_blend_on() -> None:
    case = kept_case()
    kernel, expected = TorchKernel(case.surface, "cpu", room_bytes=case.samples.nbytes), reference(case)
    for _ in range(2):
        assert_same_bits(blended(kernel, case), expected)
    case.samples[:] = 0  # not allowed: here it shows where the samples came from
    assert_same_bits(blended(kernel, case), expected)


def test_copies_that_come_once_are_never_taken_for_each_other() -> None:
    case = kept_case()
    kernel = TorchKernel(case.surface, "cpu", room_bytes=1 << 30)
    for shift in range(20):  # each array may lie where the one before it lay
        moved = kept_case(samples=case.samples.astype(np.uint8) + np.uint8(shift))
        assert_same_bits(blended(kernel, moved), reference(moved))
        assert_same_bits(blended(kernel, case), reference(case))


@pytest.mark.parametrize("room_bytes", [None, 0, 629])
def test_samples_without_room_stay_on_the_host(room_bytes: int | None) -> None:
    case = kept_case()
    assert case.samples.nbytes == 630
    kernel = TorchKernel(case.surface, "cpu", room_bytes)
    for value in (1, 2, 3):
        case.samples[:] = value
        assert_same_bits(blended(kernel, case), reference(case))


def test_samples_go_to_the_device_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_kernel, "UPLOAD_BYTES", 100)
    case = replace(kept_case(), samples=kept_case().samples.astype(np.uint16) * 257, out_dtype="uint16")
    case = replace(case, surface=replace(case.surface, fill=case.surface.fill.astype(np.uint16)))
    kernel = TorchKernel(case.surface, "cpu", room_bytes=1 << 30)
    for _ in range(2):
        assert_same_bits(blended(kernel, case), reference(case))


@CUDA
class TestTorchOnCuda(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cuda")


@CUDA
class TestTorchOnCudaWithSamplesKept(TestTorchWithSamplesKept):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cuda")


@MPS
class TestTorchOnMps(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "mps")


@given(cases())
@settings(deadline=None)
def test_all_backends_give_the_same_bits(case: Case) -> None:
    first, *others = (
        blended(kernel, case)
        for kernel in (CpuKernel(case.surface), NumpyKernel(case.surface), TorchKernel(case.surface, "cpu"))
    )
    for other in others:
        assert_same_bits(first, other)
