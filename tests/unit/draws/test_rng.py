from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.rng import ROW_WORDS, Draws, RowWord, Stream, below, mask_words, uniforms, words


@pytest.mark.parametrize("start", [0, 1, 3, 4, 5, 1023, 10**12])
def test_a_range_is_a_slice_of_a_larger_one(start: int) -> None:
    larger = words(7, Stream.ROW, start, 20)
    assert words(7, Stream.ROW, start + 6, 9).tolist() == larger[6:15].tolist()


def test_words_are_numpys_philox() -> None:
    generator = np.random.Philox(key=np.array([7, Stream.ROW], np.uint64))
    assert words(7, Stream.ROW, 0, 10).tolist() == generator.random_raw(10).tolist()


def test_seeds_streams_and_lanes_share_no_words() -> None:
    places = [(1, Stream.ROW, 0), (2, Stream.ROW, 0), (1, Stream.ORDER, 0), (1, Stream.ROW, 1), (1, Stream.ROW, 2**63)]
    drawn = [word for seed, stream, lane in places for word in words(seed, stream, 0, 100, lane).tolist()]
    assert len(set(drawn)) == len(drawn)


def test_rows_have_words_of_their_own() -> None:
    some, all_ = Draws.of_rows(3, 5, 7), Draws.of_rows(3, 0, 10)
    assert some.words.tolist() == all_.words[5:7].tolist()
    assert some.more(2).tolist() == all_[np.array([5, 6])].more(2).tolist()
    assert Draws.of_rows(3, 5, 5).words.shape == (0, ROW_WORDS)


def test_further_words_differ_from_lane_to_lane() -> None:
    draws = Draws.of_rows(3, 0, 4)
    assert len(np.unique([draws.words, draws.more(0), draws.more(1)])) == 3 * 4 * ROW_WORDS


@pytest.mark.parametrize("count", [1, 3, 4, 5, 100])
def test_words_of_masks_are_numpys(count: int) -> None:
    seeds = [0, 1, 2**63, 2**64 - 1, 0x9E3779B97F4A7C15]
    expected = [words(seed, Stream.MASK, 0, count).tolist() for seed in seeds]
    assert mask_words(np.array(seeds, np.uint64), count).tolist() == expected


def test_a_mask_depends_on_its_seed_alone() -> None:
    seeds = np.array([7, 2**64 - 1, 7], np.uint64)
    drawn = mask_words(seeds, 5)
    assert drawn[0].tolist() == drawn[2].tolist() != drawn[1].tolist()
    assert mask_words(seeds, 9)[:, :5].tolist() == drawn.tolist()
    assert max(RowWord) < ROW_WORDS


def test_uniforms_never_reach_one() -> None:
    extremes = uniforms(np.array([0, 2**11 - 1, 2**11, 2**64 - 1], np.uint64))
    assert extremes.tolist() == [0.0, 0.0, 2.0**-53, 1.0 - 2.0**-53]


@pytest.mark.parametrize("bound", [1, 3, 4000, 2**32])
def test_integers_stay_below_their_bound(bound: int) -> None:
    drawn = below(np.array([0, 2**63, 2**64 - 1], np.uint64), bound)
    assert drawn.tolist() == [0, bound // 2, bound - 1]
