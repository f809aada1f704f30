"""Labels of mixed samples: one-hot rows mixed by the parents' label shares.

Shares are whole 2⁻²⁴ths, so that sums of shares are exact in float32 and a row of labels made from classes sums to
exactly 1. Rows made from soft labels sum to 1 within 1e-6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE_UNIT = 1 << 24
"""Shares are whole multiples of 1/SHARE_UNIT: every one of them is exact in float32."""


def dense_from_classes(
    classes: NDArray[np.int32], shares: NDArray[np.float32], class_count: int
) -> NDArray[np.float32]:
    """Soft labels from the parents' classes: float32 (m, K) from int32 (m, P) and float32 (m, P).

    labels[r, c] = Σ of shares[r, k] over the parents k of class c (Zhang et al. 2018, eq. 2, for one-hot labels).
    """
    labels = np.zeros((len(classes), class_count), np.float32)
    rows = np.arange(len(classes))
    for parent in range(classes.shape[1]):
        labels[rows, classes[:, parent]] += shares[:, parent]
    return labels


def dense_from_soft(soft: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Soft labels from the parents' soft labels: float32 (m, K) from float32 (m, P, K) and float32 (m, P).

    Summed in float64, parent after parent, and rounded once.
    """
    mixed = np.zeros((soft.shape[0], soft.shape[2]), np.float64)
    for parent in range(soft.shape[1]):
        mixed += shares[:, parent, None].astype(np.float64) * soft[:, parent]
    return mixed.astype(np.float32)
