"""Samples of different lengths in one piece of memory."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import Form
from mixup_cli.fields.uneven import Uneven, in_memory_as, put

LENGTHS = np.array([3, 1, 4, 2])
FORMS: list[tuple[tuple[int, ...], Axes]] = [((4, 2), "tc"), ((5, 4), "ft")]


def samples_of(form: Form) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=form.lasting(length).shape).astype(form.dtype) for length in LENGTHS.tolist()]


@pytest.mark.parametrize(("shape", "axes"), FORMS)
def test_each_sample_is_as_long_as_it_is(shape: tuple[int, ...], axes: Axes) -> None:
    form = Form(shape, "float32", axes)
    samples = samples_of(form)
    room = Uneven.room(LENGTHS, form)
    assert len(room) == 4
    assert in_memory_as(room).nbytes == sum(each.nbytes for each in samples)
    for number, sample in enumerate(samples):
        room[number][...] = sample
    for number, sample in enumerate(samples):
        np.testing.assert_array_equal(room[number], sample)
    np.testing.assert_array_equal(Uneven.of(samples, form).flat, room.flat)


@pytest.mark.parametrize(("shape", "axes"), FORMS)
def test_a_part_shares_memory_and_can_be_copied_back(shape: tuple[int, ...], axes: Axes) -> None:
    form = Form(shape, "float32", axes)
    samples = samples_of(form)
    whole, other = Uneven.of(samples, form), Uneven.of([np.zeros_like(each) for each in samples], form)
    part = whole[1:3]
    assert [part[number].shape for number in range(len(part))] == [each.shape for each in samples[1:3]]
    assert np.shares_memory(part[0], whole.flat)
    assert len(whole[4:]) == 0
    put(other, 1, part)
    assert not other[0].any()
    np.testing.assert_array_equal(other[2], samples[2])
    array = np.zeros((4, 2))
    put(array, 1, np.ones((2, 2)))
    assert array.sum(axis=1).tolist() == [0, 2, 2, 0]
