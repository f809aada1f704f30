"""Labels of every kind, and groups, from metadata.csv and metadata.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources import open_source
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.tables import labels as metadata_labels
from tests.picture_folders import pictures

NAMES = ("a.png", "b.png", "c.png")


def labels_of(folder: Path, **options: Any) -> Labels:
    return open_source([folder], SourceOptions(**options)).labels


def csv_of(folder: Path, columns: str, *cells: str) -> Path:
    pictures(folder, *NAMES[: len(cells)])
    lines = [f"file_name,{columns}", *(f"{name},{cell}" for name, cell in zip(NAMES, cells, strict=False))]
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


def jsonl_of(folder: Path, *rows: dict[str, Any]) -> Path:
    pictures(folder, *NAMES[: len(rows)])
    lines = [json.dumps({"file_name": name, **row}) for name, row in zip(NAMES, rows, strict=False)]
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def table(labels: Labels) -> list[list[float]]:
    assert labels.values is not None
    assert labels.values.dtype == "float32"
    rows: list[list[float]] = labels.values.tolist()
    return rows


def test_names_with_bars_between_them_are_classes(tmp_path: Path) -> None:
    labels = labels_of(csv_of(tmp_path, "tags", "dog| cat", "", "cat|cat"), label_column="tags", label_kind="multi")
    assert (labels.kind, labels.class_names) == ("multi", ("cat", "dog"))
    assert table(labels) == [[1, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize("kind", ["multi", "classes"])
def test_too_many_classes_are_refused(kind: LabelKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_labels, "CLASS_LIMIT", 2)
    csv_of(tmp_path, "tags", "a", "b", "c")
    with pytest.raises(DataError, match="column tags: found 3 classes for 3 samples, which is too many"):
        labels_of(tmp_path, label_column="tags", label_kind=kind)


def test_a_table_of_labels_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few megabytes of names can ask for a number of each, for each sample."""
    monkeypatch.setattr(metadata_labels, "LABELS_LIMIT_BYTES", 4 * 3 * 3)
    csv_of(tmp_path, "tags", "a|b", "c", "a")
    assert len(table(labels_of(tmp_path, label_column="tags", label_kind="multi"))) == 3
    csv_of(tmp_path, "tags", "a|b", "c", "d")
    with pytest.raises(DataError, match="found 4 classes for 3 samples"):
        labels_of(tmp_path, label_column="tags", label_kind="multi")


def test_names_in_json_lists_are_classes(tmp_path: Path) -> None:
    folder = jsonl_of(tmp_path, {"labels": ["10", "9"]}, {"labels": []}, {"labels": [10]})
    labels = labels_of(folder, label_kind="multi")
    assert labels.class_names == ("9", "10")
    assert table(labels) == [[1, 1], [0, 0], [0, 1]]


def test_columns_of_zeros_and_ones_are_classes(tmp_path: Path) -> None:
    folder = csv_of(tmp_path, "dog,cat,x", "1,0,", "0,0,", "1,1.0,")
    labels = labels_of(folder, label_column="dog,cat", label_kind="multi")
    assert labels.class_names == ("cat", "dog")
    assert table(labels) == [[0, 1], [0, 0], [1, 1]]


def test_numbers_stay_in_the_order_of_their_columns(tmp_path: Path) -> None:
    folder = csv_of(tmp_path, "y,x", "0.5,-1e3", "2,3", "0,7")
    labels = labels_of(folder, label_column="y,x", label_kind="real")
    assert (labels.kind, labels.class_names) == ("real", ("y", "x"))
    assert table(labels) == [[0.5, -1000], [2, 3], [0, 7]]


def test_one_column_of_numbers(tmp_path: Path) -> None:
    labels = labels_of(jsonl_of(tmp_path, {"target": 1.5}, {"target": "2"}), label_kind="real")
    assert table(labels) == [[1.5], [2]]


def test_shares_in_columns_are_soft_labels(tmp_path: Path) -> None:
    folder = csv_of(tmp_path, "b,a", "0.25,0.75", "1,0", "0,1")
    labels = labels_of(folder, label_column="b,a", label_kind="soft")
    assert (labels.kind, labels.class_names) == ("soft", ("a", "b"))
    assert table(labels) == [[0.75, 0.25], [0, 1], [1, 0]]


def test_labels_are_left_out_on_request(tmp_path: Path) -> None:
    source = open_source([csv_of(tmp_path, "label", "x", "")], SourceOptions(label_kind="none"))
    assert source.labels == Labels()
    assert not any("--label-column" in notice for notice in source.notices)
    pictures(tmp_path / "folders", "cat/a.png")
    assert labels_of(tmp_path / "folders", label_kind="none") == Labels()


def test_a_column_may_have_a_comma_in_its_name(tmp_path: Path) -> None:
    folder = csv_of(tmp_path, '"x,y"', "cat", "dog")
    assert labels_of(folder, label_column="x,y").class_names == ("cat", "dog")


def test_groups_follow_the_order_of_the_keys(tmp_path: Path) -> None:
    pictures(tmp_path, *NAMES)
    (tmp_path / "metadata.csv").write_text("file_name,label,who\nc.png,x,2\na.png,y,1\nb.png,x,2\n")
    labels = labels_of(tmp_path, group_column="who")
    assert labels.groups == ("1", "2", "2")
    assert [labels.class_names[number] for number in labels.classes.tolist()] == ["y", "x", "x"]  # type: ignore[union-attr]
    assert labels_of(tmp_path, group_column="who", label_kind="none").groups == ("1", "2", "2")


@pytest.mark.parametrize(
    ("columns", "cells", "options", "message"),
    [
        ("label", ["a||b"], {"label_kind": "multi"}, "line 2: column label has no usable class"),
        ("label", [""], {"label_kind": "multi"}, "column label names no class at all"),
        ("label", ["high"], {"label_kind": "real"}, r"line 2: column label has no finite number \(found: 'high'"),
        ("label", ["nan"], {"label_kind": "real"}, "has no finite number"),
        ("label", ["1", ""], {"label_kind": "real"}, "line 3: column label has no finite number"),
        ("label", ["1e39"], {"label_kind": "real"}, r"row 0 is 1e\+39, which float32 does not hold"),
        (
            "p,q",
            ["1,0", "1,2"],
            {"label_kind": "multi", "label_column": "p,q"},
            "row 1 is 1, 2, and label_kind=multi",
        ),
        ("p,q", ["0.5,0.6"], {"label_kind": "soft", "label_column": "p,q"}, r"row 0 is not a soft label \(sum 1.1\)"),
        ("label,who", ["x,"], {"group_column": "who"}, "line 2: column who has no usable group"),
    ],
)
def test_cells_that_are_none_are_refused(
    tmp_path: Path, columns: str, cells: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        labels_of(csv_of(tmp_path, columns, *cells), **options)


@pytest.mark.parametrize("value", [None, 3, {"a": 1}])
def test_json_that_is_no_list_of_classes_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match="line 1: column label has no list of classes"):
        labels_of(jsonl_of(tmp_path, {"label": value}), label_kind="multi")


def test_a_list_where_one_class_was_expected_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pass label_kind=multi"):
        labels_of(jsonl_of(tmp_path, {"label": ["a", "b"]}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_column": "p,q"}, "label_column=p,q: .* Pass label_kind=multi"),
        ({"label_column": "p,q", "label_kind": "classes"}, "classes are in a single column"),
        (
            {"label_column": "p,r", "label_kind": "real"},
            r"label_column=r: .* no such column \(found: file_name, p, q",
        ),
        ({"label_column": "p,p", "label_kind": "real"}, "names a column twice"),
        ({"group_column": "who"}, "group_column=who: .* no such column"),
    ],
)
def test_columns_that_do_not_fit_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        labels_of(csv_of(tmp_path, "p,q", "1,2"), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_kind": "multi"}, "label_kind=multi: .* has labels of the kind classes. .* metadata.csv"),
        ({"label_kind": "real"}, "label_kind=real: "),
        ({"group_column": "who"}, "group_column=who: .* has no metadata.csv or .jsonl"),
    ],
)
def test_class_folders_have_classes_and_no_groups(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    pictures(tmp_path, "cat/a.png", "dog/b.png")
    assert labels_of(tmp_path, label_kind="classes").kind == "classes"
    with pytest.raises(UsageError, match=message):
        labels_of(tmp_path, **options)
