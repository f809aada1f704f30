"""Captions of rows, on any side, with any special tokens."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mixup_cli.fields.captions import Captions, Frame
from mixup_cli.mixing.captions import attention_mask, token_ids

PADDING = 99


def captions(counts: list[int], frame: Frame) -> Captions:
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Captions([""] * len(counts), np.arange(starts[-1], dtype=np.int32), starts, {}, frame)


@pytest.mark.parametrize(("pads_left", "cuts_left"), [*product((False, True), repeat=2)])
@pytest.mark.parametrize(("before", "behind"), [((), ()), ((100,), (101,)), ((), (101, 102)), ((100, 103), ())])
def test_rows_are_those_put_together_one_by_one(
    before: tuple[int, ...], behind: tuple[int, ...], pads_left: bool, cuts_left: bool
) -> None:
    frame = Frame(9, PADDING, before, behind, pads_left, cuts_left)
    made = captions([3, 1, 8, 4, 12], frame)
    draw = np.random.default_rng(1)
    parents = draw.integers(0, 5, (60, 3))
    share = np.where(draw.random((60, 3)) < 0.6, np.float32(0.5), np.float32(0))
    ids, mask = token_ids(made, parents, share), attention_mask(made, parents, share)
    for row in range(60):
        used = [each for each, part in zip(parents[row], share[row], strict=True) if part]
        tokens = [token for each in used for token in range(made.starts[each], made.starts[each + 1])]
        room = 9 - len(before) - len(behind)
        tokens = tokens[max(0, len(tokens) - room) :] if cuts_left else tokens[:room]
        whole = [*before, *tokens, *behind]
        rest = [PADDING] * (9 - len(whole))
        assert ids[row].tolist() == ([*rest, *whole] if pads_left else [*whole, *rest])
        ones = [0] * len(rest) + [1] * len(whole)
        assert mask[row].tolist() == (ones if pads_left else ones[::-1])


def test_some_of_them() -> None:
    made = captions([3, 1, 8], Frame(9, PADDING, (), ())).at(np.array([2, 0]))
    assert made.ids.tolist() == [*range(4, 12), *range(3)]
    assert made.starts.tolist() == [0, 8, 11]
