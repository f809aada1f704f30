"""SpecMix against its definition, written again from docs/format.md (`tests/end_to_end/format_methods.py`)."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.rng import Draws
from mixup_cli.methods import Grid, shares
from tests.end_to_end import format_methods
from tests.unit.methods.making import decided_by, mask_of, method_of

GRIDS = [Grid(1, 1), Grid(1, 7), Grid(2, 3), Grid(13, 6), Grid(40, 101)]
OPTIONS = [{"bands": 3.0, "gamma": 0.3}, {"bands": 1.0, "gamma": 1.0}, {"bands": 5.0, "gamma": 0.0}]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_bands_lie_where_the_format_says(grid: Grid, options: dict[str, float]) -> None:
    method, rows = method_of("specmix", **options), 20
    weights = method.weights(decided_by(method, grid, rows), grid)
    for row, (words, mask) in enumerate(zip(Draws.of_rows(0, 0, rows).words.tolist(), mask_of(weights), strict=True)):
        again = format_methods.Row(0, row, words, *grid.sides)
        np.testing.assert_array_equal(mask, format_methods.specmix(options, again)[0])


def test_bands_go_through_the_whole_of_the_other_axis() -> None:
    """Each axis has up to three bands of 0.3 of it, and a row in sixteen has none."""
    grid, method = Grid(80, 100), method_of("specmix")
    weights = method.weights(decided_by(method, grid, 2000), grid)
    assert weights.choice is not None
    of_donor = weights.choice == 1
    bands, frames = of_donor.all(axis=2), of_donor.all(axis=1)
    np.testing.assert_array_equal(of_donor, bands[:, :, None] | frames[:, None])
    for lines in (bands, frames):
        begun = np.diff(lines, axis=1, prepend=False) & lines
        assert {*begun.sum(axis=1).tolist()} == {0, 1, 2, 3}
        assert lines.sum(axis=1)[begun.sum(axis=1) > 0].min() == 0.3 * lines.shape[1]
        assert lines.mean(axis=0).min() > 0.01
    donor = shares(weights, grid)[:, 1]
    np.testing.assert_allclose(donor, of_donor.mean(axis=(1, 2)), rtol=0, atol=2**-24)
    assert abs((donor == 0).mean() - 1 / 16) < 0.02
