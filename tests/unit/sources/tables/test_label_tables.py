"""Tables of labels as data sets bring them and people write them: any format, any column, any way to name a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.sources import open_source
from mixup_cli.sources.pictures import folder_labels as folder_metadata
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.tables import rows
from tests.picture_folders import pictures


def labelled(source: Source) -> dict[str, Any]:
    """The class name of each picture, or the names of all its classes."""
    labels = source.labels
    if labels.classes is not None:
        return dict(zip(source.keys, (labels.class_names[each] for each in labels.classes), strict=True))
    assert labels.values is not None
    return {
        key: {name for name, value in zip(labels.class_names, row, strict=True) if value}
        for key, row in zip(source.keys, labels.values, strict=True)
    }


def with_table(
    folder: Path, files: tuple[str, ...], text: str | bytes, name: str = "labels.csv", **options: Any
) -> Source:
    pictures(folder / "data", *files)
    table = folder / name
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_source([folder / "data"], SourceOptions(labels_from=str(table), **options))


TWO = ("a.jpg", "b.jpg")
XY = {"a.jpg": "x", "b.jpg": "y"}

AS_USERS_HAVE_THEM: dict[str, tuple[tuple[str, ...], str, dict[str, Any], dict[str, Any]]] = {
    # Kaggle and others: pictures, table, options, and what comes out
    "dog breeds": (
        ("00f.jpg", "1a0.jpg"),
        "id,breed\n00f,boston_bull\n1a0,dingo\n",
        {},
        {"00f.jpg": "boston_bull", "1a0.jpg": "dingo"},
    ),
    "Planet": (
        TWO,
        "image_name,tags\na,haze primary\nb,clear primary\n",
        {"label_separator": " "},
        {"a.jpg": {"haze", "primary"}, "b.jpg": {"clear", "primary"}},
    ),
    "APTOS": (("1e8.png", "001.png"), "id_code,diagnosis\n1e8,2\n001,10\n", {}, {"1e8.png": "2", "001.png": "10"}),
    "Cassava": (TWO, "image_id,label\na.jpg,0\nb.jpg,3\n", {}, {"a.jpg": "0", "b.jpg": "3"}),
    "HAM10000": (
        ("part_1/ISIC_1.jpg", "part_2/ISIC_2.jpg"),
        "lesion_id,image_id,dx,age\nHAM_7,ISIC_1,bkl,80.0\nHAM_8,ISIC_2,nv,\n",
        {"label_column": "dx"},
        {"part_1/ISIC_1.jpg": "bkl", "part_2/ISIC_2.jpg": "nv"},
    ),
    "ISIC 2019": (TWO, "image,MEL,NV,UNK\na,0.0,1.0,0.0\nb,1.0,0.0,0.0\n", {}, {"a.jpg": "NV", "b.jpg": "MEL"}),
    "Plant Pathology 2020": (TWO, "image_id,healthy,rust\na,0,1\nb,1,0\n", {}, {"a.jpg": "rust", "b.jpg": "healthy"}),
    "whales": (TWO, "Image,Id\na.jpg,w_1\nb.jpg,new_whale\n", {}, {"a.jpg": "w_1", "b.jpg": "new_whale"}),
    "NIH chest": (
        TWO,
        "Image Index,Finding Labels,Age\na.jpg,Hernia|Mass,1\nb.jpg,Mass,2\n",
        {"label_column": "Finding Labels", "label_kind": "multi"},
        {"a.jpg": {"Hernia", "Mass"}, "b.jpg": {"Mass"}},
    ),
    "cells with commas": (
        TWO,
        'name,tags\na,"x, y"\nb,\n',
        {"label_separator": ","},
        {"a.jpg": {"x", "y"}, "b.jpg": set()},
    ),
    "CelebA's text": (
        TWO,
        "2\nBald Smiling\na.jpg -1  1\nb.jpg  1  1\n",
        {},
        {"a.jpg": {"Smiling"}, "b.jpg": {"Bald", "Smiling"}},
    ),
    "CelebA's CSV": (
        TWO,
        "image_id,Bald,Young\na.jpg,-1,1\nb.jpg,1,1\n",
        {},
        {"a.jpg": {"Young"}, "b.jpg": {"Bald", "Young"}},
    ),
    "CelebA's identities": (TWO, "a.jpg 2880\nb.jpg 7\n", {}, {"a.jpg": "2880", "b.jpg": "7"}),
    "Caffe list with folders": (
        ("n01/a.jpg", "n02/a.jpg"),
        "n01/a.jpg 0\nn02/a.jpg 1\n",
        {},
        {"n01/a.jpg": "0", "n02/a.jpg": "1"},
    ),
    "Oxford Pets": (
        ("Abyssinian_1.jpg", "beagle_1.jpg"),
        "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37\nAbyssinian_1 1 1 1\nbeagle_1 5 2 2\n",
        {"label_column": "2"},
        {"Abyssinian_1.jpg": "1", "beagle_1.jpg": "5"},
    ),
    "Roboflow": (
        TWO,
        "filename, crack, dent\na.jpg, 1, 0\nb.jpg, 1, 1\n",
        {},
        {"a.jpg": {"crack"}, "b.jpg": {"crack", "dent"}},
    ),
    "has_cactus": (TWO, "id,has_cactus\na.jpg,1\nb.jpg,0\n", {}, {"a.jpg": "1", "b.jpg": "0"}),
    "ids that look like labels": (
        ("0.png", "1.png", "2.png"),
        "id,label\n0,1\n1,1\n2,0\n",
        {},
        {"0.png": "1", "1.png": "1", "2.png": "0"},
    ),
    "pandas' index": (TWO, ",fname,label\n0,a.jpg,x\n1,b.jpg,y\n", {}, XY),
    "pandas' index, saved again": (
        ("0.jpg", "1.jpg"),
        "Unnamed: 0,path,label\n1,0.jpg,x\n0,1.jpg,y\n",
        {},
        {"0.jpg": "x", "1.jpg": "y"},
    ),
    # dialects
    "semicolons": (TWO, "file;label\na.jpg;x\nb.jpg;y\n", {}, XY),
    "semicolons and decimals with commas": (TWO, "file;label;score\na.jpg;x;0,5\nb.jpg;y;0,75\n", {}, XY),
    "tabs": (TWO, "file\tlabel\na.jpg\tx\nb.jpg\ty\n", {}, XY),
    "blanks after commas, and around": (TWO, "file , label\n a.jpg, x \nb.jpg ,y\n", {}, XY),
    "quotes": (TWO, '"file","label"\n"a.jpg","x"\n"b.jpg","y"\n', {}, XY),
    "quotes after a blank": (TWO, 'file, label\n"a.jpg", "x"\n"b.jpg", "y"\n', {}, XY),
    "a byte order mark": (TWO, "\ufefffile,label\na.jpg,x\nb.jpg,y\n", {}, XY),
    "bars": (TWO, "file|label\na.jpg|x\nb.jpg|y\n", {}, XY),
    "bars between the classes of a list": (
        TWO,
        "a.jpg x|y\nb.jpg y\n",
        {"label_kind": "multi"},
        {"a.jpg": {"x", "y"}, "b.jpg": {"y"}},
    ),
    "a remark above the header": (TWO, "# made by hand\n# for us\nfile,label\na.jpg,x\nb.jpg,y\n", {}, XY),
    "numbers with a fraction that are said to be classes": (
        TWO,
        "id,half\na,0.5\nb,1.0\n",
        {"label_kind": "classes"},
        {"a.jpg": "0.5", "b.jpg": "1"},
    ),
    "CR LF": (TWO, "file,label\r\na.jpg,x\r\nb.jpg,y\r\n", {}, XY),
    "CR alone": (TWO, "file,label\ra.jpg,x\rb.jpg,y\r", {}, XY),
    "Excel's first line": (TWO, "sep=;\nfile;label\na.jpg;x\nb.jpg;y\n", {}, XY),
    "a comma behind each row": (TWO, "file,label,\na.jpg,x,\nb.jpg,y,\n", {}, XY),
    "empty lines": (TWO, "file,label\n\na.jpg,x\n\nb.jpg,y\n\n", {}, XY),
    "no header, with commas": (TWO, "a.jpg,x\nb.jpg,y\n", {}, XY),
    "no header, the label first": (TWO, "x a.jpg\ny b.jpg\n", {}, XY),
    # how pictures are named
    "backslashes": (
        ("sub/a.jpg", "sub/b.jpg"),
        "file,label\nsub\\a.jpg,x\nsub\\b.jpg,y\n",
        {},
        {"sub/a.jpg": "x", "sub/b.jpg": "y"},
    ),
    "without their folder": (
        ("images/a.jpg", "images/b.jpg"),
        "file,label\na.jpg,x\nb.jpg,y\n",
        {},
        {"images/a.jpg": "x", "images/b.jpg": "y"},
    ),
    "with the folder that is the source": (TWO, "file,label\ndata/a.jpg,x\ndata/b.jpg,y\n", {}, XY),
    "paths of another machine": (TWO, "file,label\n/home/me/set/a.jpg,x\n../set/b.jpg,y\n", {}, XY),
    "a drive": (TWO, "file,label\nC:\\set\\a.jpg,x\nC:\\set\\b.jpg,y\n", {}, XY),
    "dots in ids": (("v1.0.jpg", "v1.1.jpg"), "id,label\nv1.0,x\nv1.1,y\n", {}, {"v1.0.jpg": "x", "v1.1.jpg": "y"}),
    "columns that are named": (
        TWO,
        "a1,b1,c1\nx,a.jpg,1\ny,b.jpg,2\n",
        {"file_column": "b1", "label_column": "a1"},
        XY,
    ),
    "class folders beside it are not the classes": (
        ("cat/a.jpg", "dog/b.jpg"),
        "file,label\na.jpg,x\nb.jpg,y\n",
        {},
        {"cat/a.jpg": "x", "dog/b.jpg": "y"},
    ),
}


@pytest.mark.parametrize("name", AS_USERS_HAVE_THEM)
def test_tables_as_users_have_them(name: str, tmp_path: Path) -> None:
    files, text, options, expected = AS_USERS_HAVE_THEM[name]
    source = with_table(tmp_path, files, text, **options)
    assert labelled(source) == expected
    assert source.read_as == "images with metadata"


def test_what_was_guessed_is_said(tmp_path: Path) -> None:
    source = with_table(tmp_path, TWO, "id,breed\na,x\nb,y\n")
    table = tmp_path / "labels.csv"
    assert source.notices == (
        f"labels taken from {table}, column breed; column id names the images",
        f"rows of {table} and images were matched by their names without the ending",
    )


@pytest.mark.parametrize(("separator", "cells"), [(" ", "p q,p,q,q p"), ("|", "p|q,p,q,q|p"), (";", "p;q,p,q,q;p")])
def test_cells_that_look_like_several_classes_name_the_option(separator: str, cells: str, tmp_path: Path) -> None:
    rows = "".join(f"{name}.jpg,{cell}\n" for name, cell in zip("abcd", cells.split(","), strict=True))
    source = with_table(tmp_path, tuple(f"{name}.jpg" for name in "abcd"), f"file,tags\n{rows}")
    assert source.labels.kind == "classes"
    assert any(f"label_separator='{separator}' splits them" in notice for notice in source.notices)
    assert len(with_table(tmp_path, (), f"file,tags\n{rows}", label_separator=separator).labels.class_names) == 2


def test_names_of_several_words_are_no_tags(tmp_path: Path) -> None:
    source = with_table(tmp_path, TWO, "file,breed\na.jpg,golden retriever\nb.jpg,boston bull\n")
    assert not any("label_separator" in notice for notice in source.notices)


def test_rows_without_a_picture_and_pictures_without_a_row_are_left_out_and_said(tmp_path: Path) -> None:
    source = with_table(tmp_path, (*TWO, "c.jpg"), "file,label\na.jpg,x\ngone.jpg,x\nb.jpg,y\nlost.jpg,y\n")
    assert labelled(source) == XY
    table = tmp_path / "labels.csv"
    assert f"{table}, line 3: no image gone.jpg, nor 1 more that it names; left out" in source.notices
    assert f"ignored 1 image that {table} does not name" in source.notices


def test_a_split_is_taken_as_ever_and_rows_of_others_are_left_out(tmp_path: Path) -> None:
    text = "file,label\na.jpg,x\nb.jpg,y\n"
    assert labelled(with_table(tmp_path, ("train/a.jpg", "test/b.jpg"), text)) == {"train/a.jpg": "x"}
    assert labelled(with_table(tmp_path, (), text, split="test")) == {"test/b.jpg": "y"}


def test_classes_have_the_numbers_of_the_whole_table_whatever_pictures_are_there(tmp_path: Path) -> None:
    """So that parts and splits of a data set agree."""
    text = "file,label\na.jpg,x\nb.jpg,y\nelsewhere.jpg,w\n"
    source = with_table(tmp_path, TWO, text)
    assert source.labels.class_names == ("w", "x", "y")
    assert labelled(source) == XY


def test_a_table_for_one_split_and_class_folders_in_the_other_share_their_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "val/images/v0.jpg", *(f"train/{name}/images/{name}.jpg" for name in ("n01", "n02", "n03")))
    (tmp_path / "val/val_annotations.txt").write_text("v0.jpg\tn03\t0\t0\t9\t9\n")
    for split in ("train", "val"):
        assert open_source([tmp_path], SourceOptions(split=split)).labels.class_names == ("n01", "n02", "n03")


def test_classes_have_their_numbers_from_the_tables_of_all_splits(tmp_path: Path) -> None:
    pictures(tmp_path / "data", *(f"{name}.jpg" for name in "abcde"))
    for name, text in (
        ("train", "id,kind\na,x\nb,y\nc,z\n"),
        ("val", "id,kind\nd,x\ne,z\n"),
        ("test", "id\nd\n"),
    ):
        for table in (f"{name}_v2.csv", f"{name}/labels.csv"):
            (tmp_path / table).parent.mkdir(exist_ok=True)
            (tmp_path / table).write_text(text)
    for table in ("val_v2.csv", "val/labels.csv"):
        options = SourceOptions(labels_from=str(tmp_path / table))
        source = open_source([tmp_path / "data"], options)
        assert source.labels.class_names == ("x", "y", "z")
        assert "classes of other rows, without an image here: y" in source.notices
    (tmp_path / "train_v2.csv").write_text("id,kind\na,x\nb\n")
    with pytest.raises(DataError, match=r"train_v2\.csv, line 3: .*classes=NAMES sets them without it"):
        open_source([tmp_path / "data"], SourceOptions(labels_from=str(tmp_path / "val_v2.csv")))


def test_whole_numbers_are_the_same_class_however_a_program_writes_them(tmp_path: Path) -> None:
    """A gap in a column of numbers makes floats of them, in one split and not in the other."""
    source = with_table(tmp_path, ("1.jpg", "2.jpg", "3.jpg"), "id,label\n1,1.0\n2,1\n3,v1.0\n")
    assert labelled(source) == {"1.jpg": "1", "2.jpg": "1", "3.jpg": "v1.0"}


def test_a_column_of_splits_is_told(tmp_path: Path) -> None:
    files = ("a.jpg", "b.jpg")
    source = with_table(tmp_path, files, "file,data set,label\na.jpg,train,x\nb.jpg,Testing,y\n")
    told = f"column data set of {tmp_path}/labels.csv names splits, and all rows are used."
    assert any(each.startswith(told) for each in source.notices)
    for text in ("file,label\na.jpg,train\nb.jpg,test\n", "file,split,label\na.jpg,train,x\nb.jpg,train,y\n"):
        assert not any("names splits" in each for each in with_table(tmp_path, files, text).notices)


def test_very_many_names_are_told(tmp_path: Path) -> None:
    count = folder_metadata._MANY_CLASSES + 1
    rows = "".join(f"{row},caption {row}\n" for row in range(count))
    source = with_table(tmp_path, tuple(f"{row}.jpg" for row in range(count)), f"id,text\n{rows}")
    assert f"column text has {count} different names for {count} images: are they classes?" in source.notices


def test_groups_stand_in_the_table(tmp_path: Path) -> None:
    source = with_table(tmp_path, TWO, "file,patient,label\na.jpg,p1,x\nb.jpg,p2,y\n", group_column="patient")
    assert source.labels.groups == ("p1", "p2")
    source = with_table(tmp_path, (), "file,patient,dx\na.jpg,p1,x\nb.jpg,p2,y\n", group_column="patient")
    assert labelled(source) == XY


@pytest.mark.parametrize("name", ["labels.jsonl", "labels.txt"])
def test_json_lines_by_content(name: str, tmp_path: Path) -> None:
    rows = "".join(json.dumps(row) + "\n" for row in ({"id": 7, "tags": ["p", "q"]}, {"id": 8, "tags": ["q"]}))
    source = with_table(tmp_path, ("7.png", "8.png"), rows, name, label_kind="multi")
    assert labelled(source) == {"7.png": {"p", "q"}, "8.png": {"q"}}


@pytest.mark.parametrize("name", ["labels.parquet", "train"])
def test_parquet_by_content(name: str, tmp_path: Path) -> None:
    columns = {"image": [{"bytes": b"x", "path": None}] * 2, "id": [1, 2], "breed": ["x", "y"], "tags": [["p"], []]}
    parquet.write_table(pa.table(columns), tmp_path / name)
    text = (tmp_path / name).read_bytes()
    source = with_table(tmp_path, ("1.png", "2.png"), text, name, label_column="breed")
    assert labelled(source) == {"1.png": "x", "2.png": "y"}
    source = with_table(tmp_path, (), text, name, label_column="tags", label_kind="multi")
    assert labelled(source) == {"1.png": {"p"}, "2.png": set()}
    with pytest.raises(DataError, match=r"is not a complete Parquet file .* Write it again"):
        with_table(tmp_path, (), text[:-9], name)


WRONG: dict[str, tuple[tuple[str, ...], str | bytes, dict[str, Any], type[MixupGenError], str]] = {
    "no picture of that name": (
        TWO,
        "file,label\nq.jpg,x\n",
        {},
        DataError,
        r"labels.csv, line 2: column file names q.jpg, and neither it nor any other row .* \(which has a.jpg\). Pass",
    ),
    "another ending": (TWO, "file,label\nb.png,x\n", {}, DataError, r"names b.png.* \(which has b.jpg\)"),
    "zeros that a program took away": (("007.jpg",), "id,label\n7,x\n", {}, DataError, r"\(which has 007.jpg\)\. Pass"),
    "a file of MATLAB": (TWO, b"MATLAB 5.0 MAT-file", {}, DataError, "is a MATLAB file, not text. Save"),
    "HDF5": (TWO, b"\x89HDF\r\n\x1a\n", {}, DataError, "is HDF5, not text. Save its labels as CSV"),
    "NumPy": (TWO, b"\x93NUMPY\1\0", {}, DataError, "is a NumPy array, not text"),
    "a label that is missing": (
        TWO,
        "id,label\na,x\nb,nan\n",
        {},
        DataError,
        "line 3: column label has no usable label",
    ),
    "numbers to predict": (
        TWO,
        "id,score\na,1\nb,0.25\n",
        {},
        UsageError,
        "column score has numbers such as 0.25, which are not classes. Pass label_kind=real",
    ),
    "another case": (TWO, "file,label\nB.JPG,x\n", {}, DataError, r"names B.JPG.* \(which has b.jpg\)"),
    "no column names pictures": (
        TWO,
        "p,q\n1,2\n",
        {},
        DataError,
        r"\(found: p, q\). Pass file_column=NAME, or give",
    ),
    "two pictures of one id": (
        ("images/a.jpg", "masks/a.png"),
        "id,label\na,x\n",
        {},
        DataError,
        "line 2: a can be images/a.jpg or masks/a.png. Write more of the path, or give the folder",
    ),
    "two rows of one picture": (TWO, "id,label\nu/a,x\na,y\n", {}, DataError, "line 3: a and u/a both name a.jpg"),
    "the same row twice": (TWO, "id,label\na,x\na,y\n", {}, DataError, "line 3: names a, as line 2 does"),
    "which column?": (
        TWO,
        "image,dx,sex\na,x,f\nb,y,m\n",
        {},
        UsageError,
        "which column has the labels. Found: dx, sex. Pass label_column=NAME",
    ),
    "no labels at all": (TWO, "a.jpg\nb.jpg\n", {}, UsageError, "which column has the labels"),
    "CheXpert's uncertain ones": (
        TWO,
        "Path,Edema,Mass\na.jpg,1.0,-1.0\nb.jpg,0.0,1.0\n",
        {"label_column": "Edema,Mass", "label_kind": "multi"},
        DataError,
        "row 0 is 1, -1, and label_kind=multi takes zeros and ones",
    ),
    "CUB's numbers of another table": (TWO, "1 1\n2 1\n", {}, DataError, r"\(found: 1, 2\). Pass file_column"),
    "a column that is not there": (
        TWO,
        "id,x\na,x\n",
        {"file_column": "y"},
        UsageError,
        r"no such column \(found: id, x\)",
    ),
    "a separator and several columns": (
        TWO,
        "id,p,q\na,1,0\n",
        {"label_column": "p,q", "label_separator": " "},
        UsageError,
        "label_separator=' ': it separates several classes in one cell",
    ),
    "a separator of nothing": (TWO, "id,p\na,1\n", {"label_separator": ""}, UsageError, "label_separator=''"),
    "a separator and one class": (
        TWO,
        "id,p\na,1\n",
        {"label_separator": ",", "label_kind": "classes"},
        UsageError,
        "leave out label_kind",
    ),
    "two columns of one name": (TWO, "id,label,label\na,x,y\n", {}, DataError, "has 2 columns 'label'"),
    "UTF-16": (TWO, "id,label\na,x\n".encode("utf-16"), {}, DataError, "is UTF-16 text. Save it as UTF-8"),
    "UTF-16 without a mark": (TWO, "id,label\na,x\n".encode("utf-16-le"), {}, DataError, "is UTF-16 text, or not text"),
    "Latin-1": (
        TWO,
        "id,label\na,épée\n".encode("latin-1"),
        {},
        DataError,
        r"line 2: is not UTF-8 .*byte 3 is 0xe9",
    ),
    "a workbook": (TWO, b"PK\3\4" + b"x" * 99, {}, DataError, "is a workbook or a zip archive.* Save it as CSV"),
    "gzip": (TWO, b"\x1f\x8b" + b"x" * 99, {}, DataError, "is compressed. Unpack it with gunzip"),
    "one JSON document": (TWO, '[{"id": "a"}]', {}, DataError, "line 1: is not a JSON object. Write one object a line"),
    "a picture": (TWO, b"\x89PNG\r\n\x1a\n\0\0", {}, DataError, "is not UTF-8 text"),
    "a header alone": (TWO, "id,label\n", {}, DataError, "has no rows"),
    "nothing": (TWO, "", {}, DataError, "has no rows"),
    "rows of another length": (
        TWO,
        "id;label\na;x;1\n",
        {},
        DataError,
        "line 2: has 3 values, expected 2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_tables_that_cannot_be_read_say_why_and_what_to_do(name: str, tmp_path: Path) -> None:
    files, text, options, error, message = WRONG[name]
    with pytest.raises(error, match=message) as caught:
        with_table(tmp_path, files, text, **options)
    assert type(caught.value) is error
    assert str(tmp_path / "labels.csv") in str(caught.value) or "label_separator" in str(caught.value)


@pytest.mark.parametrize("columns", [{"id": ["a"] * 9, "tags": [["x"] * 99] * 9}, {"id": ["a"], "label": ["x" * 9999]}])
def test_parquet_that_grows_is_refused(
    columns: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts and lists that repeat take next to nothing in the file."""
    monkeypatch.setattr(rows, "_BATCH_BYTES", 1 << 12)
    monkeypatch.setattr(rows, "_MOST_VALUES", 100)
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(DataError, match=r"t\.parquet.*(claims more than 100 values|are too long)"):
        with_table(tmp_path, TWO, (tmp_path / "t.parquet").read_bytes(), "t.parquet")


def test_tables_of_very_many_columns_are_looked_at_by_fewer_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "HEAD_CELLS", 5)
    names = [f"{number}.png" for number in range(9)]
    pictures(tmp_path, *names)
    (tmp_path / "t.csv").write_text("image,p,q\n" + "".join(f"{name},1,0\n" for name in names))
    assert len(rows.first_rows(tmp_path / "t.csv", lambda _: True)) == 2
    assert len(open_source([tmp_path], SourceOptions(labels_from=str(tmp_path / "t.csv")))) == 9


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    pictures(tmp_path, *TWO)
    for place in (tmp_path / "labels.csv", tmp_path):
        with pytest.raises(NoInputError, match="no such file"):
            open_source([tmp_path], SourceOptions(labels_from=str(place)))


def test_parts_that_look_like_classes_have_their_table_named(tmp_path: Path) -> None:
    pictures(tmp_path, "part_1/a.jpg", "part_2/b.jpg")
    (tmp_path / "table.csv").write_text("lesion,image_id,dx\n1,a,x\n2,b,y\n")
    source = open_source([tmp_path])
    assert source.labels.class_names == ("part_1", "part_2")
    assert (
        f"{tmp_path}/table.csv names these images; labels_from={tmp_path}/table.csv reads labels from it"
        in source.notices
    )
    source = open_source([tmp_path], SourceOptions(labels_from=str(tmp_path / "table.csv"), label_column="dx"))
    assert not any("ignored" in notice for notice in source.notices), "the table is not told as left out"


@pytest.mark.parametrize("place", ["data/labels.csv", "labels.csv", "data/meta/train.txt"])
def test_a_table_beside_unlabelled_pictures_is_named_with_its_option(place: str, tmp_path: Path) -> None:
    pictures(tmp_path / "data", "a.jpg", "b.jpg")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("id,breed\na,x\nb,y\n")
    (tmp_path / "data/notes.txt").write_text("nothing of interest\nis written here\n")
    told = f"{tmp_path / place} names these images; labels_from={tmp_path / place} reads labels from it"
    assert told in open_source([tmp_path / "data"]).notices
    with pytest.raises(UsageError, match=r"^label_column=breed: .*labels_from=.*reads labels from it\.$"):
        open_source([tmp_path / "data"], SourceOptions(label_column="breed"))
    assert labelled(open_source([tmp_path / "data"], SourceOptions(labels_from=str(tmp_path / place)))) == XY


def test_where_folders_leave_a_doubt_a_table_is_named(tmp_path: Path) -> None:
    """CheXpert has a folder for each patient; and the table of the training split is the one to take."""
    pictures(tmp_path, "data/p1/s1/v.jpg", "data/p1/s2/v.jpg", "data/p2/s1/v.jpg")
    for name in ("test.csv", "train.csv"):
        (tmp_path / name).write_text("Path,Edema\nx/p1/s1/v.jpg,1\nx/p1/s2/v.jpg,0\nx/p2/s1/v.jpg,0\n")
    table = tmp_path / "train.csv"
    told = rf"such as .*/data/p1\. {table} names these images; labels_from={table} reads labels from it\."
    with pytest.raises(UsageError, match=told):
        open_source([tmp_path / "data"])
    source = open_source([tmp_path / "data"], SourceOptions(labels_from=str(table)))
    assert labelled(source) == {"p1/s1/v.jpg": "1", "p1/s2/v.jpg": "0", "p2/s1/v.jpg": "0"}


def test_of_tables_for_pictures_of_the_same_names_the_one_of_their_split_is_named(tmp_path: Path) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / split, "1.jpg", "2.jpg")
        (tmp_path / f"{split}.csv").write_text("id,label\n1,x\n2,y\n")
    for split in ("train", "test"):
        for root, options in ((tmp_path, SourceOptions(split=split)), (tmp_path / split, SourceOptions())):
            told = f"labels_from={tmp_path}/{split}.csv reads labels from it"
            assert any(told in each for each in open_source([root], options).notices)
    warning = "train.csv and the folder of the images have the names of different splits"
    for split, is_told in (("train", False), ("test", True)):
        source = open_source([tmp_path], SourceOptions(split=split, labels_from=str(tmp_path / "train.csv")))
        assert any(each.endswith(warning) for each in source.notices) is is_told


def test_tables_that_do_not_name_the_pictures_are_not_offered(tmp_path: Path) -> None:
    pictures(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "other.csv").write_text("id,breed\nq,x\nr,y\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "image.txt").write_bytes(b"\xff\xd8\xff")
    assert not any("--labels-from" in notice for notice in open_source([tmp_path]).notices)


def test_metadata_find_ids_and_bare_names_too(tmp_path: Path) -> None:
    """What Hugging Face's rule does not find is matched like any table; what it finds keeps to it."""
    pictures(tmp_path, "train/a.jpg", "train/b.jpg")
    (tmp_path / "metadata.csv").write_text("file_name;label\na;x\nb;y\n")
    assert labelled(open_source([tmp_path])) == {"train/a.jpg": "x", "train/b.jpg": "y"}
    (tmp_path / "metadata.csv").write_text("image,label\ntrain\\a.jpg,x\ntrain\\b.jpg,y\n")
    assert labelled(open_source([tmp_path])) == {"train/a.jpg": "x", "train/b.jpg": "y"}
    (tmp_path / "metadata.csv").write_text("file_name,label\ntrain/a.jpg,x\ntrain/b,y\n")
    assert open_source([tmp_path]).keys == ["train/a.jpg", "train/b"]


def test_one_text_column_of_metadata_is_a_caption_and_not_a_class(tmp_path: Path) -> None:
    pictures(tmp_path, *TWO)
    (tmp_path / "metadata.csv").write_text("file_name,text\na.jpg,a dog\nb.jpg,a cat\n")
    assert open_source([tmp_path]).labels.kind == "none"


def test_roboflow_and_tiny_imagenet_are_known_by_their_names(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a.jpg", "train/b.jpg", "valid/c.jpg")
    (tmp_path / "train/_classes.csv").write_text("filename, crack, dent\na.jpg, 1, 0\nb.jpg, 1, 1\n")
    assert labelled(open_source([tmp_path])) == {"train/a.jpg": {"crack"}, "train/b.jpg": {"crack", "dent"}}
    tiny = tmp_path / "tiny"
    pictures(tiny, "val/images/val_0.JPEG", "val/images/val_1.JPEG", "train/n01/images/n01_0.JPEG")
    (tiny / "val/val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t52\t55\t57\t59\n")
    source = open_source([tiny], SourceOptions(split="val"))
    assert labelled(source) == {"val/images/val_0.JPEG": "n02", "val/images/val_1.JPEG": "n01"}
