"""Every backend keeps the contract, and so all give the same bits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

from mixup_cli.kernels import Kernel, Surface
from mixup_cli.kernels.cpu import CpuKernel
from mixup_cli.kernels.torch import TorchKernel
from tests.contracts.kernel_contract import Case, KernelContract, assert_same_bits, cases

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
MPS = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="torch finds no MPS device here")


class TestCpu(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return CpuKernel(surface)


class TestTorchOnCpu(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cpu")


@CUDA
class TestTorchOnCuda(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "cuda")


@MPS
class TestTorchOnMps(KernelContract):
    def kernel(self, surface: Surface) -> Kernel:
        return TorchKernel(surface, "mps")


@given(cases())
@settings(deadline=None)
def test_numba_and_torch_give_the_same_bits(case: Case) -> None:
    kernels: list[Kernel] = [CpuKernel(case.surface), TorchKernel(case.surface, "cpu")]
    outs = [case.out, case.out]
    for kernel, out in zip(kernels, outs, strict=True):
        kernel.blend(case.samples, case.parents, case.weights, out, case.rows)
    assert_same_bits(*outs)
