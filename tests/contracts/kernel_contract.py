"""What every backend of the blend must do, bit for bit: a test class inherits `KernelContract` and names its kernel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.kernels import Kernel, Samples, Surface, Weights

UNIT = 65536
DTYPES = [
    ("uint8", "uint8"),
    ("uint8", "uint16"),
    ("uint8", "float32"),
    ("uint16", "uint16"),
    ("uint16", "float32"),
    ("float32", "float32"),
]
KINDS = ["constant", "box", "mask", "choice"]

inherited = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])


@dataclass(frozen=True)
class Case:
    """The arguments of one blend."""

    surface: Surface
    samples: Samples
    parents: NDArray[np.int64]
    weights: Weights
    out_dtype: str
    rows: NDArray[np.int64]

    @property
    def out(self) -> Samples:
        """Where to blend to: two rows more than are written, all of them 77."""
        return np.full((len(self.rows) + 2, *self.samples.shape[1:]), 77, self.out_dtype)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Pictures and vectors of any size from 1 × 1 up, one to four parents, every dtype and kind of weights."""
    outer, inner = draw(st.sampled_from([(1, 1), (1, 3), (3, 1), (1, 5)]))
    shape = (outer, draw(st.integers(1, 9)), draw(st.integers(1, 9)), inner)
    seed, parent_count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 4))
    return make_case(shape, draw(st.sampled_from(DTYPES)), draw(st.sampled_from(KINDS)), parent_count, seed)


def make_case(shape: tuple[int, ...], dtypes: tuple[str, str], kind: str, parent_count: int, seed: int) -> Case:
    """A blend of five rows from seven samples, with contents from a seed."""
    rng = np.random.default_rng(seed)
    outer, height, width, inner = shape
    surface = Surface(
        outer,
        height,
        width,
        inner,
        fill=np.abs(values(rng, (outer, inner), dtypes[0])),
        mean=rng.normal(size=(outer, inner)).astype(np.float32),
        scale=rng.normal(size=(outer, inner)).astype(np.float32),
    )
    return Case(
        surface,
        values(rng, (7, *shape), dtypes[0]),
        rng.integers(0, 7, (5, parent_count)),
        make_weights(rng, kind, parent_count, height, width),
        dtypes[1],
        rng.permutation(7)[:5],
    )


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Samples:
    """Any values of a dtype: of float32 those of very different sizes too, so that sums must round."""
    if dtype == "float32":
        return (rng.normal(size=shape) * 2.0 ** rng.integers(-40, 40, shape)).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def make_weights(rng: np.random.Generator, kind: str, parent_count: int, height: int, width: int) -> Weights:
    """Weights of five rows. Boxes come in every kind: empty, whole, at the border, inside."""
    parts = split(rng, (5,), parent_count)
    if kind == "constant":
        return Weights(parts)
    if kind == "mask":
        mask = np.moveaxis(split(rng, (5, height, width), parent_count), -1, 1)
        return Weights(parts, mask=np.ascontiguousarray(mask))
    if kind == "choice":
        return Weights(parts, choice=rng.integers(0, parent_count, (5, height, width), np.uint8))
    sides = [np.sort(rng.integers(0, length, (5, 2), endpoint=True), axis=1) for length in (height, width)]
    box = np.stack([sides[0][:, 0], sides[1][:, 0], sides[0][:, 1], sides[1][:, 1]], axis=1).astype(np.int32)
    box[0] = 0, 0, height, width
    return Weights(parts, box, split(rng, (5,), parent_count))


def split(rng: np.random.Generator, shape: tuple[int, ...], parent_count: int) -> NDArray[np.int32]:
    """Weights int32 (*shape, parents): some sum to 65536 and some leave a rest, some are 0 and some are alone."""
    cuts = np.sort(rng.choice([0, UNIT, *rng.integers(0, UNIT, 6)], (*shape, parent_count)), axis=-1)
    cuts[..., -1] = np.where(rng.random(shape) < 0.5, UNIT, cuts[..., -1])
    return np.diff(cuts, axis=-1, prepend=0).astype(np.int32)


def reference(case: Case) -> Samples:
    """The definition in `mixup_cli.kernels`, position by position, in int64 and float64."""
    surface, out = case.surface, case.out
    exact = np.float64 if case.samples.dtype == np.float32 else np.int64
    for r, row in enumerate(case.rows):
        total = np.zeros(surface.shape, exact)
        rest = np.full((1, surface.lines, surface.columns, 1), UNIT)
        for k, parent in enumerate(case.parents[r]):
            weight = weights_at_positions(case, r, k)[None, :, :, None]
            value = case.samples[parent].reshape(surface.shape).astype(exact)
            total += np.where(weight > 0, weight * value, exact(0))
            rest = rest - weight
        total += rest * surface.fill[:, None, None, :].astype(exact)
        out[row] = finish(total, case).reshape(out.shape[1:])
    return out


def weights_at_positions(case: Case, r: int, k: int) -> NDArray[np.int64]:
    """The weight of row r's parent k at every position: int64 (H, W)."""
    weights = case.weights
    if weights.mask is not None:
        return np.asarray(weights.mask[r, k], np.int64)
    if weights.choice is not None:
        return np.where(weights.choice[r] == k, UNIT, 0).astype(np.int64)
    everywhere = np.full((case.surface.lines, case.surface.columns), weights.parts[r, k], np.int64)
    if weights.box is not None and weights.inside is not None:
        top, left, bottom, right = weights.box[r]
        everywhere[top:bottom, left:right] = weights.inside[r, k]
    return everywhere


def finish(total: NDArray[Any], case: Case) -> Samples:
    source, mean, scale = case.samples.dtype, case.surface.mean[:, None, None], case.surface.scale[:, None, None]
    if case.out_dtype == "float32":
        divisor = 1.0 if source == np.uint8 else 65536.0
        with np.errstate(over="ignore"):
            finished: Samples = ((total / divisor).astype(np.float32) - mean) * scale
        return finished
    factor = 257 if case.out_dtype != source else 1
    return ((total * factor + 32768) >> 16).astype(case.out_dtype)


class KernelContract:
    """Inherit, and give the backend."""

    def kernel(self, surface: Surface) -> Kernel:
        raise NotImplementedError

    def blend(self, case: Case) -> Samples:
        out = case.out
        self.kernel(case.surface).blend(case.samples, case.parents, case.weights, out, case.rows)
        return out

    @given(cases())
    @inherited
    def test_gives_the_bits_of_the_definition(self, case: Case) -> None:
        assert_same_bits(self.blend(case), reference(case))

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("shape", [(1, 1, 5000, 1), (1, 70, 50, 3), (3, 60, 61, 1), (1, 2, 2, 3000)])
    def test_larger_samples_than_a_chunk(self, shape: tuple[int, ...], kind: str) -> None:
        case = make_case(shape, ("uint8", "float32"), kind, parent_count=2, seed=1)
        assert_same_bits(self.blend(case), reference(case))

    @pytest.mark.parametrize(("source", "result"), DTYPES[:4])
    @pytest.mark.parametrize("parent_count", [1, 2, 3])
    def test_nothing_overflows_at_full_scale(self, source: str, result: str, parent_count: int) -> None:
        case = make_case((1, 3, 4, 3), (source, result), "constant", parent_count, seed=2)
        parts = case.weights.parts.copy()
        parts[:, 0] += UNIT - parts.sum(axis=1)
        full = np.full_like(case.samples, np.iinfo(source).max)
        blended = self.blend(replace(case, samples=full, weights=Weights(parts)))
        if result == "float32":
            assert np.isfinite(blended).all()
        else:
            assert (blended[case.rows] == np.iinfo(result).max).all()

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_parent_without_weight_takes_no_part(self, kind: str) -> None:
        case = make_case((1, 4, 4, 3), ("float32", "float32"), kind, parent_count=3, seed=3)
        for each in (case.weights.parts, case.weights.inside, case.weights.mask):
            if each is not None:
                each[:, 0] = 0
        if case.weights.choice is not None:
            np.maximum(case.weights.choice, 1, out=case.weights.choice)
        case.samples[0] = np.nan
        case.parents[:, 0], case.parents[:, 1:] = 0, 1
        assert np.isfinite(self.blend(case)).all()

    @pytest.mark.parametrize("kind", KINDS)
    def test_sums_start_from_plus_zero(self, kind: str) -> None:
        case = make_case((1, 2, 2, 1), ("float32", "float32"), kind, parent_count=2, seed=4)
        case.samples[:] = -0.0
        surface = replace(case.surface, fill=np.zeros((1, 1), np.float32), mean=np.zeros((1, 1), np.float32))
        case = replace(case, surface=surface)
        assert_same_bits(self.blend(case), reference(case))

    def test_samples_may_be_mapped_read_only_and_slices_strided(self, tmp_path: Path) -> None:
        case = make_case((1, 5, 4, 3), ("uint8", "uint8"), "box", parent_count=2, seed=5)
        case.samples.tofile(tmp_path / "cache.bin")
        mapped = np.memmap(tmp_path / "cache.bin", np.uint8, "r", shape=case.samples.shape)
        wide = np.repeat(case.parents, 2, axis=1)[:, ::2]
        frozen = Weights(*(_frozen(each) for each in (case.weights.parts, case.weights.box, case.weights.inside)))
        assert_same_bits(self.blend(replace(case, samples=mapped, parents=wide, weights=frozen)), reference(case))

    def test_threads_may_share_a_kernel(self) -> None:
        case = make_case((1, 40, 40, 3), ("uint8", "uint8"), "constant", parent_count=2, seed=6)
        kernel, expected = self.kernel(case.surface), reference(case)

        def work(_: int) -> Samples:
            out = case.out
            kernel.blend(case.samples, case.parents, case.weights, out, case.rows)
            return out

        with ThreadPoolExecutor(4) as pool:
            for blended in pool.map(work, range(64)):
                assert_same_bits(blended, expected)

    def test_one_kernel_takes_batches_of_any_size(self) -> None:
        case = make_case((1, 6, 5, 3), ("uint16", "float32"), "box", parent_count=2, seed=7)
        kernel, out = self.kernel(case.surface), case.out
        for part in (slice(0, 1), slice(1, 5), slice(2, 4), slice(0, 0)):
            kernel.blend(case.samples, case.parents[part], case.weights.of(part), out, case.rows[part])
        assert_same_bits(out, reference(case))


def _frozen(array: NDArray[Any] | None) -> NDArray[Any]:
    assert array is not None
    array = array.copy()
    array.flags.writeable = False
    return array


def assert_same_bits(actual: Samples, expected: Samples) -> None:
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual.view(f"u{actual.itemsize}"), expected.view(f"u{expected.itemsize}"))
