"""How good predictions are."""

from __future__ import annotations

from torch import Tensor

BINS = 15


def accuracy(scores: Tensor, classes: Tensor) -> float:
    """The part, 0 … 1, of the samples whose largest score, of (N, K), is that of its class, of (N)."""
    return float((scores.argmax(1) == classes).float().mean())


def calibration_error(probabilities: Tensor, classes: Tensor) -> float:
    """Expected calibration error, 0 … 1, in 15 bins of one width (Guo et al., ICML 2017, equation 5), of probabilities
    (N, K) and classes (N)."""
    confidence, said = probabilities.max(1)
    right = (said == classes).float()
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
    gaps = [abs(float(confidence[bins == k].sum() - right[bins == k].sum())) for k in range(BINS)]
    return sum(gaps) / len(classes)
