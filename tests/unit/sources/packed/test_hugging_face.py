"""Hugging Face data sets on disk, as `datasets` and pyarrow write them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.packed import cells
from tests.contracts.source_contract import loaded
from tests.packed_sources import hugging_face, images_of

Image, ClassLabel, Features = datasets.Image, datasets.ClassLabel, datasets.Features


@pytest.fixture(autouse=True)
def _no_progress_bars() -> None:
    datasets.disable_progress_bars()


@pytest.fixture
def image(photos: Path) -> bytes:
    return images_of(photos)["cat/0.jpg"]


def opened(path: Path, **options: object) -> Source:
    return open_source([path], SourceOptions(**options))  # type: ignore[arg-type]


def table(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def test_a_dictionary_of_splits_gives_the_training_split(photos: Path, tmp_path: Path) -> None:
    whole = hugging_face(photos)
    datasets.DatasetDict({"train": whole.select(range(6)), "validation": whole.select([7])}).save_to_disk(
        tmp_path / "d"
    )
    source = opened(tmp_path / "d")
    assert (len(source), source.keys[0], source.name_of(0)) == (6, "00000", f"{tmp_path / 'd'}, row 00000")
    assert "using the training split" in source.notices[0]
    assert len(opened(tmp_path / "d", split="validation")) == len(opened(tmp_path / "d", split="val")) == 1
    with pytest.raises(UsageError, match=r"has no such split \(found: train, val\)"):
        opened(tmp_path / "d", split="test")


def test_rows_that_were_chosen_and_shuffled(photos: Path, tmp_path: Path) -> None:
    """`save_to_disk` writes rows in their new order."""
    chosen = hugging_face(photos).shuffle(seed=1).select(range(5))
    chosen.save_to_disk(tmp_path / "d")
    expected = [each["bytes"] for each in chosen.cast_column("image", Image(decode=False))["image"]]
    source = opened(tmp_path / "d")
    found = [source.read(index) for index in range(5)]  # type: ignore[attr-defined]
    assert found == expected


def test_a_folder_of_parquet_files_has_splits_by_their_names(photos: Path, tmp_path: Path) -> None:
    whole = hugging_face(photos)
    (tmp_path / "data").mkdir()
    for name, rows in (("train-00000-of-00002", 3), ("train-00001-of-00002", 2), ("test-00000-of-00001", 1)):
        whole.select(range(rows)).to_parquet(tmp_path / "data" / f"{name}.parquet")
    assert len(opened(tmp_path)) == 5
    assert len(opened(tmp_path, split="test")) == 1


def test_groups_of_rows_are_read_as_they_are_needed(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    hugging_face(photos).to_parquet(path, batch_size=1)
    assert parquet.ParquetFile(path).num_row_groups == 8
    assert loaded(opened(path))[1] == [None] * 8


def test_a_group_of_rows_that_is_too_large(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "GROUP_BYTES", 1000)
    plain, dotted = tmp_path / "a.parquet", tmp_path / "b.parquet"
    hugging_face(photos).to_parquet(plain)
    table(dotted, **{"an.image": [*images_of(photos).values()]})
    for path in (plain, dotted):
        with pytest.raises(DataError, match=r"a group of rows has \d+ bytes, and at most 1000 are read at once"):
            loaded(opened(path))


def test_numbers_in_a_column_get_names(image: bytes, tmp_path: Path) -> None:
    labels = opened(table(tmp_path / "a.parquet", image=[image] * 3, label=[1, 0, 1]), classes=("no", "yes")).labels
    assert labels.classes is not None
    assert (labels.class_names, labels.classes.tolist()) == (("no", "yes"), [1, 0, 1])


def test_columns_are_chosen_by_option(image: bytes, tmp_path: Path) -> None:
    features = Features(
        {name: Image() for name in ("left", "right")}
        | {"fine": ClassLabel(names=["poodle", "tabby"]), "coarse": ClassLabel(names=["cat", "dog"])}
    )
    row = {"left": {"bytes": image, "path": None}, "right": {"bytes": image, "path": None}, "fine": 0, "coarse": 1}
    datasets.Dataset.from_list([row], features=features).save_to_disk(tmp_path / "d")
    with pytest.raises(UsageError, match=r"several columns of images \(left, right\)\. Pick one: data_key=left"):
        opened(tmp_path / "d")
    with pytest.raises(UsageError, match=r"several columns of classes \(fine, coarse\)\. Pick one: label_key=fine"):
        opened(tmp_path / "d", data_key="right")
    assert opened(tmp_path / "d", data_key="right", label_key="coarse").labels.class_names == ("cat", "dog")
    with pytest.raises(UsageError, match=r"label_key=x: .* has no such column \(found: left, right, fine, coarse\)"):
        opened(tmp_path / "d", data_key="right", label_key="x")


@pytest.mark.parametrize(
    ("values", "kind", "names"),
    [
        ([1, 0], "classes", ("0", "1")),
        (["dog", "cat"], "classes", ("cat", "dog")),
        ([[0.5, 0.5], [1.0, 0.0]], "soft", ("0", "1")),
        ([None, None], "none", ()),
    ],
)
def test_labels_without_a_feature(
    values: list[object], kind: str, names: tuple[str, ...], image: bytes, tmp_path: Path
) -> None:
    source = opened(table(tmp_path / "a.parquet", image=[{"bytes": image}] * 2, label=values))
    assert (source.labels.kind, source.labels.class_names) == (kind, names)


def test_plain_bytes_are_images(image: bytes, tmp_path: Path) -> None:
    source = opened(table(tmp_path / "a.parquet", photo=[image, b"no image"], label=[0, 1]))
    assert [problem is None for problem in loaded(source)[1]] == [True, False]


def test_unlabelled_test_splits(image: bytes, tmp_path: Path) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    rows = [{"image": {"bytes": image, "path": None}, "label": -1}] * 2
    datasets.Dataset.from_list(rows, features=features).save_to_disk(tmp_path / "d")
    assert opened(tmp_path / "d").labels.kind == "none"
    rows[0] = {**rows[0], "label": 1}
    datasets.Dataset.from_list(rows, features=features).save_to_disk(tmp_path / "e")
    with pytest.raises(DataError, match="row 1 has the label -1, expected 0 to 1"):
        opened(tmp_path / "e")


def test_names_of_classes_are_different_and_text(image: bytes, tmp_path: Path) -> None:
    for names, expected in ((["\ud800", "b"], ("\\ud800", "b")), (["a", "a"], None)):
        said = {"info": {"features": {"label": {"_type": "ClassLabel", "names": names}}}}
        found = pa.table({"image": [image] * 2, "label": [0, 1]})
        parquet.write_table(found.replace_schema_metadata({"huggingface": json.dumps(said)}), tmp_path / "a.parquet")
        if expected:
            assert opened(tmp_path / "a.parquet").labels.class_names == expected
            continue
        with pytest.raises(DataError, match="two of its classes have the same name"):
            opened(tmp_path / "a.parquet")


CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.mark.parametrize("where", ["a.parquet", "saved"])
def test_a_path_below_the_table_is_followed(where: str, photos: Path, image: bytes, tmp_path: Path) -> None:
    """As `to_parquet` leaves it of a column of paths that was cast to images. Rows may have either."""
    shutil.copytree(photos, tmp_path / "of" / "photos")
    images = images_of(photos)
    _, second, *_, last = images
    rows = [(None, f"photos/{second}"), (image, f"photos/{second}"), (None, f"./photos//{last}")]
    cells = pa.array([{"bytes": data, "path": path} for data, path in rows], CELL)
    place = tmp_path / "of" / "a.parquet"
    if where == "saved":
        with pa.ipc.new_stream(tmp_path / "of" / "a.arrow", pa.schema([("image", CELL)])) as stream:
            stream.write_table(pa.table({"image": cells}))
        place = tmp_path / "of"
        (place / "state.json").write_text('{"_data_files": [{"filename": "a.arrow"}]}')
    else:
        parquet.write_table(pa.table({"image": cells}), place, row_group_size=2)
    source, stamps = opened(place), opened(place).stamps()
    read = [source.read(each) for each in range(3)]  # type: ignore[attr-defined]
    assert read == [images[second], image, images[last]]
    assert [*source.files()][1:] == [str(tmp_path / "of/photos" / name) for name in (second, last)]
    assert loaded(source)[1] == [None] * 3
    assert source.changed() is None
    (tmp_path / "of/photos" / last).write_bytes(image)
    assert source.changed() == str(tmp_path / "of/photos" / last)
    assert stamps is not None
    assert not stamps.same(source.stamps())
    with pytest.raises(DataError, match="changed while it was read"):
        loaded(source)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("{photos}/cat/0.jpg", "a path that may be of another machine (save the table with its samples embedded)"),
        ("../photos/cat/0.jpg", "its path is not that of a file below the table's folder"),
        ("gone.jpg", "its path is not that of a file below"),
        (".", "its path is not that of a file below"),
        ("a\0b", "its path is not that of a file below"),
        ("", "no path"),
        (None, "no path"),
    ],
)
def test_no_other_path_is(path: str | None, problem: str, photos: Path, tmp_path: Path) -> None:
    cell = {"bytes": None, "path": path and path.format(photos=photos)}
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "table").mkdir()
    (found,) = loaded(opened(table(tmp_path / "table/a.parquet", image=pa.array([cell], CELL))))[1]
    assert f"has no bytes in the table, and {problem}" in str(found)


def test_bytes_are_not_read_to_look_for_paths(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hugging_face(photos).to_parquet(tmp_path / "a.parquet")
    monkeypatch.delattr(cells, "_column")
    assert len(opened(tmp_path / "a.parquet")) == 8


def test_what_is_not_an_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no column of images or features \(found: a \(int64\), b \(string\)\)\. Give a table with"
    ):
        opened(table(tmp_path / "a.parquet", a=[1], b=["x"]))
    with pytest.raises(NoInputError, match="has no rows"):
        opened(table(tmp_path / "b.parquet", image=pa.array([], pa.binary())))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset_dict.json", "{"),
        ("dataset_dict.json", '{"splits": []}'),
        ("dataset_dict.json", '{"splits": ["../../etc"]}'),
        ("dataset_dict.json", '{"splits": ["train"]}'),
        ("state.json", '{"_data_files": [{"filename": "../x.arrow"}]}'),
        ("state.json", '{"_data_files": [{"filename": "gone.arrow"}]}'),
        ("state.json", "[]"),
    ],
)
def test_files_that_lie_are_refused(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises((DataError, NoInputError, UsageError)):
        opened(tmp_path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_files_that_are_cut_off_are_refused(kept: float, photos: Path, tmp_path: Path) -> None:
    hugging_face(photos).save_to_disk(tmp_path / "d")
    hugging_face(photos).to_parquet(tmp_path / "a.parquet")
    (arrow,) = (tmp_path / "d").glob("*.arrow")
    for path in (arrow, tmp_path / "a.parquet"):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    for place in (tmp_path / "d", tmp_path / "a.parquet"):
        with pytest.raises(DataError, match="cannot be read"):
            opened(place)


def test_offsets_that_lead_out_are_refused(photos: Path, tmp_path: Path) -> None:
    """pyarrow would follow them."""
    hugging_face(photos).save_to_disk(tmp_path / "d")
    (arrow,) = (tmp_path / "d").glob("*.arrow")
    total = sum(map(len, images_of(photos).values())).to_bytes(4, "little")
    arrow.write_bytes(arrow.read_bytes().replace(total, b"\xff\xff\xff\x7f"))
    with pytest.raises(DataError, match="cannot be read"):
        loaded(opened(tmp_path / "d"))


def test_libraries_are_imported_only_for_tables(photos: Path) -> None:
    import subprocess
    import sys

    code = f"""
import sys
from mixup_cli.sources import open_source
open_source([{str(photos)!r}]).survey()
print(*sorted({{'pyarrow', 'datasets', 'fsspec', 's3fs', 'aiohttp', 'zipfile2'}} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


# Features


EMBEDDINGS = np.random.default_rng(2).normal(size=(7, 3, 4)).astype(np.float32)
KINDS: dict[str, Any] = {
    "of one length": datasets.Sequence(datasets.Value("float32"), length=4),
    "of any length": datasets.Sequence(datasets.Value("float32")),
    "float16": datasets.Sequence(datasets.Value("float16")),
    "Array2D": datasets.Array2D((3, 4), "float32"),
}


def numbers_of(source: Source) -> tuple[np.ndarray[Any, Any], list[str | None]]:
    """All samples in their own form, and why some cannot be read."""
    form = source.survey().array_form
    assert form is not None
    out = np.zeros((len(source), *form.shape), form.dtype)
    return out, [each.problem for each in source.load(0, len(source), Target(form), out)]


def with_features(kind: str) -> tuple[Any, np.ndarray[Any, Any]]:
    """A data set with a column of features, and what is in it."""
    values = EMBEDDINGS if kind == "Array2D" else EMBEDDINGS[:, 0]
    values = values.astype(np.float16) if kind == "float16" else values
    features = Features({"embedding": KINDS[kind], "label": ClassLabel(names=["cat", "dog"])})
    made = datasets.Dataset.from_dict({"embedding": list(values), "label": [0, 1, 1, 0, 1, 0, 1]}, features=features)
    return made, values


@pytest.mark.parametrize("where", ["saved", "a.parquet", "folder/train-0.parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_features_are_arrays(kind: str, where: str, tmp_path: Path) -> None:
    made, values = with_features(kind)
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    made.save_to_disk(path) if where == "saved" else made.to_parquet(path, batch_size=3)
    source = opened(path.parent if "/" in where else path)
    found, problems = numbers_of(source)
    np.testing.assert_array_equal(found, values.astype(np.float32))
    assert problems == [None] * 7
    assert source.labels.class_names == ("cat", "dog")
    assert source.read_as == "a Hugging Face data set"


def test_lists_of_another_length_are_broken_inputs(tmp_path: Path) -> None:
    cells = [[1.0, 2.0], [3.0, 4.0, 5.0], None, [6.0, None], [7.0, 8.0]]
    found, problems = numbers_of(opened(table(tmp_path / "a.parquet", features=cells, label=[0, 1, 0, 1, 0])))
    np.testing.assert_array_equal(found[[0, 4]], [[1, 2], [7, 8]])
    assert [each is None for each in problems] == [True, False, False, False, True]
    assert "a list has 3 values, and the first row's have 2" in str(problems[1])
    assert "a value is missing" in str(problems[3])
    with pytest.raises(DataError, match="row 0 of column features has no numbers"):
        opened(table(tmp_path / "b.parquet", features=[[], [1.0]], label=[0, 1]))


def test_features_are_chosen_by_option(image: bytes, tmp_path: Path) -> None:
    rows = {"image": [{"bytes": image}] * 2, "a": [[1.0, 2.0]] * 2, "b": [[3, 4, 5]] * 2, "label": [0, 1]}
    path = table(tmp_path / "a.parquet", **rows)
    assert opened(path).kind == "hugging-face"
    assert opened(path).survey().array_form is None, "images come first"
    np.testing.assert_array_equal(numbers_of(opened(path, data_key="b"))[0], [[3, 4, 5]] * 2)
    del rows["image"]
    path = table(tmp_path / "b.parquet", **rows)
    with pytest.raises(UsageError, match=r"several columns of features \(a, b\)\. Pick one: data_key=a"):
        opened(path)
    with pytest.raises(UsageError, match="max_pixels"):
        opened(path, data_key="a", max_pixels=9)
