from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.arrays.source import ArraySource, RowKeys
from mixup_cli.sources.combined import combine
from mixup_cli.sources.reading.base import Source

FORM = Form((2, 2, 3), "uint8", "hwc")


def source_of(labels: Labels, count: int = 3, shape: tuple[int, ...] = (2, 2, 3), value: int = 0) -> Source:
    rows = np.full((count, *shape), value, np.uint8)
    rows.reshape(count, -1)[:, 0] = np.arange(count)
    return ArraySource(f"source-{value}", RowKeys(count), labels, rows, notices=[f"note {value}"])


def classes(names: str, indices: list[int]) -> Labels:
    return Labels(tuple(names.split()), np.array(indices, np.int32))


def named(source: Source) -> list[str]:
    assert source.labels.classes is not None
    return [source.labels.class_names[index] for index in source.labels.classes]


CATS = classes("cat dog", [0, 1, 0])
BIRDS = classes("dog bird", [0, 1, 1])


def test_one_source_stays_itself_and_none_is_no_input() -> None:
    source = source_of(CATS)
    assert combine([source]) is source
    with pytest.raises(NoInputError):
        combine([])


def test_samples_keys_and_notices_follow_each_other() -> None:
    both = combine([source_of(CATS, value=10), source_of(BIRDS, value=20)])
    assert list(both.keys) == ["0:00000", "0:00001", "0:00002", "1:00000", "1:00001", "1:00002"]
    assert both.notices == ("note 10", "note 20")
    assert list(both.stored_bytes()) == [12] * 6
    assert len(both) == 6


@pytest.mark.parametrize(("start", "stop"), [(0, 7), (2, 4), (1, 2), (3, 3), (3, 7), (0, 3), (2, 7)])
def test_any_range_is_split_over_the_sources(start: int, stop: int) -> None:
    both = combine([source_of(CATS, value=10), source_of(classes("x", [0]), 1, value=20), source_of(BIRDS, value=30)])
    out = np.empty((stop - start, 2, 2, 3), np.uint8)
    loaded = both.load(start, stop, Target(FORM), out)
    assert len(loaded) == stop - start
    assert out[:, 1, 1, 1].tolist() == [10, 10, 10, 20, 30, 30, 30][start:stop]
    assert out[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 0, 1, 2][start:stop]


def test_keys_of_many_sources_sort() -> None:
    keys = list(combine([source_of(CATS) for _ in range(11)]).keys)
    assert keys[0] == "00:00000"
    assert sorted(keys) == keys


def test_classes_are_merged_by_name() -> None:
    both = combine([source_of(CATS), source_of(BIRDS)])
    assert both.labels.class_names == ("bird", "cat", "dog")
    assert named(both) == ["cat", "dog", "cat", "dog", "bird", "bird"]


def test_the_same_classes_keep_their_order() -> None:
    both = combine([source_of(classes("zebra ant", [0, 1, 1])), source_of(classes("zebra ant", [1, 0, 0]))])
    assert both.labels.class_names == ("zebra", "ant")
    assert named(both) == ["zebra", "ant", "ant", "ant", "zebra", "zebra"]


def test_classes_that_are_numbers_sort_as_numbers() -> None:
    both = combine([source_of(classes("0 9 10", [0, 1, 2])), source_of(classes("2 10", [0, 1, 1]))])
    assert both.labels.class_names == ("0", "2", "9", "10")
    assert named(both) == ["0", "9", "10", "2", "10", "10"]


def test_classes_with_soft_labels_become_soft() -> None:
    soft = Labels(("dog", "bird"), values=np.array([[0.25, 0.75]], np.float32))
    both = combine([source_of(classes("cat dog", [0, 1]), 2), source_of(soft, 1)])
    assert both.labels.class_names == ("bird", "cat", "dog")
    assert both.labels.values is not None
    assert both.labels.values.tolist() == [[0, 1, 0], [0, 0, 1], [0.75, 0, 0.25]]


def test_labelled_with_unlabelled_is_refused() -> None:
    assert combine([source_of(Labels()), source_of(Labels())]).labels.kind == "none"
    with pytest.raises(DataError, match="source-9: has no labels"):
        combine([source_of(CATS), source_of(Labels(), value=9)])


def values_of(names: str, rows: list[list[float]], kind: Literal["soft", "multi", "real"]) -> Labels:
    return Labels(tuple(names.split()), values=np.array(rows, np.float32), values_kind=kind)


def test_multiple_labels_are_merged_by_name() -> None:
    first, second = values_of("cat dog", [[1, 1]], "multi"), values_of("bird cat", [[0, 1], [1, 0]], "multi")
    labels = combine([source_of(first, 1), source_of(second, 2)]).labels
    assert (labels.kind, labels.class_names) == ("multi", ("bird", "cat", "dog"))
    assert labels.values is not None
    assert labels.values.tolist() == [[0, 1, 1], [0, 1, 0], [1, 0, 0]]


def test_real_numbers_of_the_same_names_come_together() -> None:
    first, second = values_of("y x", [[1, 2]], "real"), values_of("y x", [[3, 4]], "real")
    labels = combine([source_of(first, 1), source_of(second, 1)]).labels
    assert (labels.kind, labels.class_names) == ("real", ("y", "x"))
    assert labels.values is not None
    assert labels.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (values_of("x y", [[1, 2]] * 3, "real"), "source-9: has the numbers x, y, and source-0 has y, x"),
        (values_of("y x", [[1, 0]] * 3, "multi"), "source-9: has labels of the kind multi, .* of the kind real"),
        (CATS, "source-9: has labels of the kind classes, .* of the kind real"),
    ],
)
def test_labels_that_do_not_go_together_are_refused(other: Labels, match: str) -> None:
    with pytest.raises(DataError, match=match):
        combine([source_of(values_of("y x", [[1, 2]] * 3, "real")), source_of(other, value=9)])


def test_groups_of_one_name_are_one_group() -> None:
    grouped = replace(CATS, groups=("a", "b", "a"))
    assert combine([source_of(grouped), source_of(replace(BIRDS, groups=("b", "c", "c")))]).labels.groups == (
        "a",
        "b",
        "a",
        "b",
        "c",
        "c",
    )
    assert combine([source_of(Labels(groups=("a",)), 1), source_of(Labels(groups=("b",)), 1)]).labels.groups == (
        "a",
        "b",
    )
    with pytest.raises(DataError, match="source-9: has no groups, and other sources do"):
        combine([source_of(grouped), source_of(BIRDS, value=9)])


def test_surveys_are_added_up() -> None:
    same = combine([source_of(CATS), source_of(CATS)]).survey()
    assert (same.sizes, same.array_form) == ({(2, 2): 6}, FORM)
    grey = combine([source_of(CATS), source_of(CATS, shape=(8, 9))]).survey()
    assert grey.sizes == {(2, 2): 3, (8, 9): 3}
    assert grey.array_form is None  # pictures of two forms: the sizes tell
    assert combine([source_of(CATS), source_of(CATS)]).survey(4).dtypes == {"uint8": 4}


@pytest.mark.parametrize("other", [(2, 2, 3), (8,)])
def test_arrays_that_have_no_common_form_are_refused(other: Any) -> None:
    volumes = source_of(CATS, shape=(4, 4, 4, 4), value=7)
    with pytest.raises(DataError, match=r"source-7 holds arrays uint8 \(4, 4, 4, 4\), and source-8"):
        combine([volumes, source_of(CATS, shape=other, value=8)]).survey()
    assert combine([volumes, volumes]).survey().array_form == Form((4, 4, 4, 4), "uint8", "")


def test_a_mismatch_names_the_key_of_the_whole() -> None:
    both = combine([source_of(CATS), source_of(CATS, shape=(8, 9))])
    with pytest.raises(FormMismatch, match="1:00000: 9x8 uint8"):
        both.load(0, 6, Target(FORM), np.empty((6, 2, 2, 3), np.uint8))
