"""What parents count in a label, and what labels come of it: by hand, and for anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.fields.labels import (
    base_shares,
    dense_from_classes,
    dense_from_values,
    remix_shares,
    smoothed,
    union_of_values,
    union_shares,
)
from mixup_cli.methods.shares import SHARE_UNIT

CLASS_COUNT = 4


def shares_of(*rows: list[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def classes_of(*rows: list[int]) -> NDArray[np.int32]:
    return np.array(rows, np.int32)


# --- labels from label shares -----------------------------------------------------------------------------------------


def test_each_class_gets_its_parents_share() -> None:
    labels = dense_from_classes(classes_of([0, 2]), shares_of([0.25, 0.75]), 3)
    assert labels.tolist() == [[0.25, 0.0, 0.75]]
    assert labels.dtype == np.float32


def test_parents_of_one_class_add_up() -> None:
    shares = np.array([[1, 2, 2**24 - 3]]) / np.float32(2**24)
    labels = dense_from_classes(classes_of([1, 1, 1]), shares.astype(np.float32), 2)
    assert labels.tolist() == [[0.0, 1.0]]


def test_one_hot_values_give_what_classes_give() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 4, (50, 3)).astype(np.int32)
    shares = (rng.multinomial(2**24, [0.5, 0.3, 0.2], 50) / 2**24).astype(np.float32)
    one_hot = np.eye(4, dtype=np.float32)[classes]
    np.testing.assert_array_equal(dense_from_values(one_hot, shares), dense_from_classes(classes, shares, 4))


def test_soft_labels_are_averaged_by_share() -> None:
    soft = np.array([[[0.5, 0.5], [0.1, 0.9]]], np.float32)
    labels = dense_from_values(soft, shares_of([0.75, 0.25]))
    np.testing.assert_allclose(labels, [[0.4, 0.6]], rtol=1e-7)


def test_real_numbers_are_averaged_by_share() -> None:
    real = np.array([[[-3, 2.0**100], [5, 0]]], np.float32)
    assert dense_from_values(real, shares_of([0.75, 0.25])).tolist() == [[-1.0, 0.75 * 2.0**100]]


# --- label rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.25, 0.75], [0, 1]),
        ([0.5, 0.5], [1, 0]),
        ([0.25, 0.375, 0.375], [0, 1, 0]),
        ([1, 0], [1, 0]),
        ([1], [1]),
    ],
)
def test_base_is_the_parent_with_the_largest_share(shares: list[float], expected: list[float]) -> None:
    assert base_shares(shares_of(shares)).tolist() == [expected]


@pytest.mark.parametrize(
    ("classes", "shares", "expected"),
    [
        ([0, 1], [0.9, 0.1], [1, 1]),
        ([0, 0], [0.9, 0.1], [1, 0]),
        ([0, 1], [1, 0], [1, 0]),
        ([0, 1], [0, 1], [0, 1]),
        ([1, 0, 1, 0], [0.25, 0.25, 0.25, 0.25], [1, 1, 0, 0]),
        ([2, 2, 1], [0, 0.5, 0.5], [0, 1, 1]),
        ([3], [1], [1]),
    ],
)
def test_union_counts_every_class_once(classes: list[int], shares: list[float], expected: list[float]) -> None:
    assert union_shares(classes_of(classes), shares_of(shares)).tolist() == [expected]


SIZES = np.array([90, 30, 29, 10])
"""Of the classes: 0 is three times as large as 1, and a little more than that against 2."""


@pytest.mark.parametrize(
    ("classes", "lam", "expected"),
    [
        ([0, 3], 0.25, 0),  # a large base with a small part: all to the donor, which is of the small class
        ([3, 0], 0.75, 1),  # a small base, and the large donor's part is small: all to the base
        ([0, 3], 0.75, 0.75),  # the large class has the larger part: as mixup
        ([0, 1], 0.25, 0),  # just κ times as large counts
        ([2, 1], 0.25, 0.25),  # of like size: as mixup
        ([0, 3], 0.5, 0.5),  # τ itself is not below τ
        ([3, 0], 0.5, 0.5),
        ([3, 0], 0.25, 0.25),  # the small base has the smaller part: as mixup
        ([1, 1], 0.25, 0.25),
    ],
)
def test_remix_favours_the_smaller_class(classes: list[int], lam: float, expected: float) -> None:
    found = remix_shares(classes_of(classes), shares_of([lam, 1 - lam]), SIZES, kappa=3, tau=0.5)
    assert found.tolist() == [[expected, 1 - expected]]
    assert found.dtype == np.float32


@pytest.mark.parametrize(("kappa", "tau"), [(3, 0.5), (1, 1), (1, 0), (2.5, 0.7)])
@pytest.mark.parametrize("classes", [[0, 3], [3, 0], [2, 2]])
def test_remix_leaves_unmixed_rows_alone(classes: list[int], kappa: float, tau: float) -> None:
    shares = shares_of([1, 0], [0, 1])
    assert (remix_shares(classes_of(classes, classes), shares, SIZES, kappa, tau) == shares).all()
    alone = shares_of([1])
    assert remix_shares(classes_of([classes[0]]), alone, SIZES, kappa, tau) is alone


def test_a_union_of_multiple_labels_has_all_that_parents_with_a_share_have() -> None:
    values = np.array([[[1, 0, 0], [0, 0, 1]], [[1, 1, 0], [0, 0, 1]], [[0, 0.5, 0], [0, 0.25, 1]]], np.float32)
    shares = shares_of([0.9, 0.1], [0, 1], [0.5, 0.5])
    assert union_of_values(values, shares).tolist() == [[1, 0, 1], [0, 0, 1], [0, 0.5, 1]]


def test_smoothing_moves_a_part_to_all_classes() -> None:
    labels = smoothed(np.array([[0.75, 0.25, 0, 0]], np.float32), 0.5)
    assert labels.tolist() == [[0.5, 0.25, 0.125, 0.125]]
    same = np.array([[0.3, 0.7]], np.float32)
    assert smoothed(same, 0) is same


@pytest.mark.parametrize("smoothing", [0.1, 0.3, 0.999])
def test_smoothed_labels_are_rounded_once(smoothing: float) -> None:
    soft = np.random.default_rng(1).dirichlet([1] * 5, (20, 2)).astype(np.float32)
    shares = np.stack([np.full(20, 0.3125), np.full(20, 0.6875)], axis=1).astype(np.float32)
    base, donor = np.moveaxis(soft.astype(np.float64), 1, 0)
    mixed = 0.3125 * base + 0.6875 * donor
    expected = ((1 - smoothing) * mixed + smoothing / 5).astype(np.float32)
    np.testing.assert_array_equal(dense_from_values(soft, shares, smoothing), expected)


# --- for any parents --------------------------------------------------------------------------------------------------


@st.composite
def mixtures(draw: st.DrawFn, parents: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The classes and shares of the parents of one row; shares may be 0, and sum to 1."""
    count = parents or draw(st.integers(1, 5))
    cuts = sorted(draw(st.lists(st.integers(0, SHARE_UNIT) | st.just(0), min_size=count - 1, max_size=count - 1)))
    parts = np.diff([0, *cuts, SHARE_UNIT])
    classes = draw(st.lists(st.integers(0, CLASS_COUNT - 1), min_size=count, max_size=count))
    return classes_of(classes), shares_of(list(parts / SHARE_UNIT))


def exact_sums(classes: NDArray[np.int32], shares: NDArray[np.float32]) -> list[float]:
    """Σ share · one-hot, in integers."""
    sums = [0] * CLASS_COUNT
    for number, share in zip(classes[0], shares[0], strict=True):
        sums[number] += int(share * np.float64(SHARE_UNIT))
    return [each / SHARE_UNIT for each in sums]


@given(mixtures())
def test_labels_are_the_sums_of_shares_of_one_hot_rows(mixture: tuple[NDArray[np.int32], NDArray[np.float32]]) -> None:
    classes, shares = mixture
    for counted in (shares, base_shares(shares), union_shares(classes, shares)):
        assert dense_from_classes(classes, counted, CLASS_COUNT)[0].tolist() == exact_sums(classes, counted)


@given(mixtures())
def test_a_union_is_multi_hot(mixture: tuple[NDArray[np.int32], NDArray[np.float32]]) -> None:
    classes, shares = mixture
    labels = dense_from_classes(classes, union_shares(classes, shares), CLASS_COUNT)
    assert set(np.flatnonzero(labels[0] == 1)) == set(classes[shares > 0])
    assert set(labels[0]) <= {0.0, 1.0}
    one_hot = np.eye(CLASS_COUNT, dtype=np.float32)[classes]
    assert (union_of_values(one_hot, shares) == labels).all()


@given(mixtures())
def test_base_is_hard_and_takes_a_largest_share(mixture: tuple[NDArray[np.int32], NDArray[np.float32]]) -> None:
    _, shares = mixture
    counted = base_shares(shares)
    assert sorted(counted[0])[-1] == counted.sum() == 1
    assert shares[0, counted.argmax()] == shares.max()


@given(mixtures(parents=2), st.floats(1, 10), st.floats(0, 1))
def test_remix_never_gives_less_to_the_smaller_class(
    mixture: tuple[NDArray[np.int32], NDArray[np.float32]], kappa: float, tau: float
) -> None:
    classes, shares = mixture
    counted = remix_shares(classes, shares, SIZES, kappa, tau)
    assert counted.sum() == 1
    sizes = SIZES[classes[0]]
    if sizes[0] != sizes[1]:
        assert counted[0, sizes.argmin()] >= shares[0, sizes.argmin()]
    assert counted[0].tolist() in ([0, 1], [1, 0], shares[0].tolist())
