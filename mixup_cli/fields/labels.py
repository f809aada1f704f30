"""Labels of mixed samples: what each parent's share counts in the label, and what the labels then are.

Shares are whole 2⁻²⁴ths, so that sums of shares are exact in float32 and a row of labels made from classes sums to
exactly 1 (under the rule union: has exactly the ones it should have). Rows made from soft labels sum to 1 within 1e-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind

NO_CLASS = -1
"""In the place of a class: that of a donor which has none."""


def base_shares(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """The label of the parent with the largest share, ties to the earlier one: ones and zeros, float32 (m, P)."""
    one_hot: NDArray[np.float32] = np.eye(shares.shape[1], dtype=np.float32)[shares.argmax(axis=1)]
    return one_hot


def shares_of_base_alone(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """The label of the base, whatever its share: ones and zeros, float32 (m, P)."""
    alone = np.zeros_like(shares)
    alone[:, 0] = 1
    return alone


def union_shares(classes: NDArray[np.int32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """One for every class among the parents that have a share: float32 (m, P) from int32 (m, P) and float32 (m, P).

    Of several such parents of one class only the first counts, so that the sum of one-hot rows has no two.
    """
    counts = shares > 0
    for later in range(1, shares.shape[1]):
        same = classes[:, :later] == classes[:, later : later + 1]
        counts[:, later] &= ~(same & counts[:, :later]).any(axis=1)
    return counts.astype(np.float32)


def remix_shares(
    classes: NDArray[np.int32], shares: NDArray[np.float32], class_sizes: NDArray[np.int64], kappa: float, tau: float
) -> NDArray[np.float32]:
    """Remix: between a large and a small class, the label goes to the small one. float32 (m, P) from (m, P), P ≤ 2.

    Chou, Chang, Pan, Wei, Juan, "Remix: Rebalanced Mixup", ECCV workshops 2020, the definition of λ_y (the paper has
    κ = 3, τ = 0.5): with lam the share of base i, and n the sizes of the classes, 0 if n_i / n_j ≥ κ and lam < τ; else
    1 if n_j / n_i ≥ κ and 1 − lam < τ; else lam. All in float64. A row without a second parent keeps its share.
    """
    if shares.shape[1] == 1:
        return shares
    base_size, donor_size = class_sizes[classes].astype(np.float64).T
    lam, rest = shares.astype(np.float64).T
    to_donor = (base_size / donor_size >= kappa) & (lam < tau)
    to_base = (donor_size / base_size >= kappa) & (rest < tau)
    remixed = shares.copy()
    remixed[to_base] = (1, 0)
    remixed[to_donor] = (0, 1)  # the first of the paper's cases, so the last word
    return remixed


def smoothed(labels: NDArray[np.float32] | NDArray[np.float64], smoothing: float) -> NDArray[np.float32]:
    """Label smoothing: (1 − smoothing)·y + smoothing/K in float64, rounded once to float32 (m, K).

    Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7.
    """
    if smoothing:
        labels = (1 - smoothing) * labels.astype(np.float64) + smoothing / labels.shape[1]
    rounded: NDArray[np.float32] = labels.astype(np.float32, copy=False)
    return rounded


def dense_from_classes(
    classes: NDArray[np.int32], shares: NDArray[np.float32], class_count: int, smoothing: float = 0.0
) -> NDArray[np.float32]:
    """Labels from the parents' classes: float32 (m, K) from int32 (m, P) and label shares, float32 (m, P).

    labels[r, c] = Σ of shares[r, k] over the parents k of class c (Zhang et al. 2018, eq. 2, for one-hot labels). A
    parent without a class (`NO_CLASS`) has no share.
    """
    labels = np.zeros((len(classes), class_count), np.float32)
    rows = np.arange(len(classes))
    for parent in range(classes.shape[1]):
        labels[rows, classes[:, parent]] += shares[:, parent]
    return smoothed(labels, smoothing)


def dense_from_values(
    values: NDArray[np.float32], shares: NDArray[np.float32], smoothing: float = 0.0
) -> NDArray[np.float32]:
    """Labels from the parents' rows of numbers: float32 (m, K) from float32 (m, P, K) and float32 (m, P).

    The mean by share, summed in float64, parent after parent, and rounded once.
    """
    mixed = np.zeros((values.shape[0], values.shape[2]), np.float64)
    for parent in range(values.shape[1]):
        mixed += shares[:, parent, None].astype(np.float64) * values[:, parent]
    return smoothed(mixed, smoothing)


def union_of_values(values: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whatever a parent with a share has: the largest of their numbers (0 or more), class by class, float32 (m, K)."""
    largest: NDArray[np.float32] = np.where((shares > 0)[..., None], values, np.float32(0)).max(axis=1)
    return largest


@dataclass(frozen=True)
class Labels:
    """The labels of n samples, and the groups that mixing must not cross.

    `classes` is int32 (n,) with values in 0 … K−1; or else `values` is float32 (n, K), of the kind `values_kind`: rows
    of shares that sum to 1 ("soft"), of zeros and ones ("multi"), or of any finite numbers ("real"). `class_names` has
    K entries: the classes, or what the numbers are. `groups`, where given, has n texts: only samples of the same group
    are mixed (folds, patients, speakers …). `base_count`, where given, is how many samples can be bases: the first
    ones. Those behind them are donors alone and have no label: their class is −1, their numbers are zeros.
    """

    class_names: tuple[str, ...] = ()
    classes: NDArray[np.int32] | None = None
    values: NDArray[np.float32] | None = None
    values_kind: Literal["soft", "multi", "real"] = "soft"
    groups: tuple[str, ...] | None = None
    base_count: int | None = None

    @property
    def kind(self) -> LabelKind:
        if self.classes is not None:
            return "classes"
        return "none" if self.values is None else self.values_kind

    def at(self, samples: Sequence[int]) -> Labels:
        """The labels of some samples, in that order, over the same classes. Donors among them come last."""
        chosen = np.array(samples, np.int64)
        return replace(
            self,
            classes=None if self.classes is None else self.classes[chosen],
            values=None if self.values is None else self.values[chosen],
            groups=None if self.groups is None else tuple(self.groups[sample] for sample in samples),
            base_count=None if self.base_count is None else int((chosen < self.base_count).sum()),
        )

    def with_donors(self, base_count: int, donor_count: int) -> Labels:
        """The labels of `base_count` samples, which are in no groups, and of as many donors behind them."""
        return replace(
            self,
            classes=None if self.classes is None else np.pad(self.classes, (0, donor_count), constant_values=NO_CLASS),
            values=None if self.values is None else np.pad(self.values, ((0, donor_count), (0, 0))),
            base_count=base_count,
        )
