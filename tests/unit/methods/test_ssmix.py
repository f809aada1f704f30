"""SSMix: which tokens of the donor take which places of the base."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.beta import levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.errors import UsageError
from mixup_cli.methods import Decisions, Grid, Known, shares
from mixup_cli.methods.ssmix import SSMix

ROWS, LENGTH = 4000, 40
GRID = Grid(1, 1, LENGTH)


def contents(seed: int = 0, shortest: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Where the content of base and donor lies: int32 (m, 2, 2)."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 3, (ROWS, 2))
    return np.stack([start, start + rng.integers(shortest, LENGTH - 2, (ROWS, 2))], axis=-1).astype(np.int32)


def decided(method: SSMix, content: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> Decisions:
    return method.decide(Draws.of_rows(5, 0, len(content)), GRID, Known(content=content))


@pytest.mark.parametrize("options", [{}, {"part": 0.3}, {"part": 1.0}, {"alpha": 1.0}])
def test_spans_lie_in_the_content_of_both(options: dict[str, float]) -> None:
    content = contents()
    made = decided(SSMix(**options), content)
    assert made.span is not None
    assert made.start is not None
    assert (made.start[:, 0] == 0).all()
    for slot in (0, 1):
        places = made.span + made.start[:, slot : slot + 1]
        assert (places[:, 0] >= content[:, slot, 0]).all()
        assert (places[:, 1] <= content[:, slot, 1]).all()


def test_a_tenth_of_the_base_and_at_least_one_token_is_replaced() -> None:
    content = contents()
    base, donor = np.diff(content).squeeze(-1).T
    span = decided(SSMix(), content).span
    assert span is not None
    wanted = np.maximum(1, np.floor(base / 10 + 0.5))
    np.testing.assert_array_equal(np.diff(span).ravel(), np.minimum(wanted, donor))


def test_with_alpha_the_part_is_drawn() -> None:
    content = contents(shortest=30)
    draws = Draws.of_rows(5, 0, ROWS)
    lam = levels(draws.words[:, RowWord.LAM], 1.0, 1.0) / 65536
    base, donor = np.diff(content).squeeze(-1).T
    span = decided(SSMix(alpha=1.0), content).span
    assert span is not None
    wanted = np.where(lam == 1, 0, np.maximum(1, np.floor(base * (1 - lam) + 0.5)))
    np.testing.assert_array_equal(np.diff(span).ravel(), np.minimum(wanted, np.minimum(base, donor)))
    unmixed = decided(SSMix(alpha=0.0), content).span
    assert unmixed is not None
    assert (np.diff(unmixed) == 0).all()


def test_every_place_is_as_likely_as_any_other() -> None:
    content = np.tile(np.array([[1, 11], [2, 22]], np.int32), (ROWS, 1, 1))
    made = decided(SSMix(part=0.5), content)
    assert made.span is not None
    assert made.start is not None
    for places, first, count in ((made.span[:, 0], 1, 6), (made.span[:, 0] + made.start[:, 1], 2, 16)):
        found = np.bincount(places)[first:]
        assert len(found) == count
        assert (np.abs(found - ROWS / count) < 5 * np.sqrt(ROWS / count)).all()


def test_the_share_is_what_of_the_content_is_kept() -> None:
    content = contents()
    made = decided(SSMix(part=0.4), content)
    weights = SSMix(part=0.4).weights(Decisions(**{**made.present, "content": content[:, 0]}), GRID)
    assert made.span is not None
    replaced = np.diff(made.span).ravel() / np.diff(content[:, 0]).ravel()
    share = shares(weights, GRID)
    np.testing.assert_allclose(share, np.stack([1 - replaced, replaced], axis=1), rtol=0, atol=2.0**-24)


def test_the_part_is_either_given_or_drawn() -> None:
    with pytest.raises(UsageError, match=r"^methods=ssmix: part and alpha both say how much is replaced"):
        SSMix(part=0.1, alpha=1.0)
