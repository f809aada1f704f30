from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.pairing import ORIGINALS_LANE, order, parents


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 63, 64, 65, 1000])
def test_an_order_holds_every_sample_once(count: int) -> None:
    assert sorted(order(5, 0, count).tolist()) == list(range(count))


def test_seeds_and_passes_have_orders_of_their_own() -> None:
    orders = [order(seed, lane, 100).tolist() for seed, lane in [(0, 0), (1, 0), (0, 1), (0, ORIGINALS_LANE)]]
    assert all(orders.count(each) == 1 for each in orders)


def test_an_order_is_shared_and_cannot_be_changed() -> None:
    assert not order(0, 0, 10).flags.writeable


def test_parents_follow_each_other_round_the_cycle() -> None:
    assert parents(np.array([4, 0, 3, 1, 2]), 3, 5, 3).tolist() == [[1, 2, 4], [2, 4, 0]]
