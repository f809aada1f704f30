"""Plan files as they come: from our own hand, from spreadsheets and pandas, cut, garbled and empty."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.plan.files.reading import PlanFile, read_csv, read_plan
from mixup_cli.plan.files.writing import write_parquet
from tests.unit.plan.files.plans import Setting, edited, read, recipe_of, records, without_telling, written

FAMILY = Setting(recipe_of("mixup", "cutmix", "fmix", "mosaic", keep_originals=True, flip=0.5))


class Bytes:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def as_parquet(setting: Setting, rows: int, path: Path) -> Path:
    columns, tables = setting.tables(rows)
    sink = Bytes()
    write_parquet(tables, columns, sink)
    path.write_bytes(sink.data)
    return path


def same(one: PlanFile, other: PlanFile) -> None:
    assert one.methods == other.methods
    for name, values in vars(one.entries).items():
        np.testing.assert_array_equal(values, getattr(other.entries, name), name)
    assert one.digest() == other.digest()


def refusal(data: bytes, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        read(data)
    message = str(caught.value)
    assert message.startswith("plan.csv")
    assert "\n" not in message
    assert len(message) < 500
    return message


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(FAMILY.csv(300))
    stored = read_plan(as_parquet(FAMILY, 300, tmp_path / "plan"))
    plain = read_plan(tmp_path / "plan.csv")
    same(plain, stored)
    FAMILY.checked(plain)
    FAMILY.checked(stored)


def test_the_digest_can_be_computed_by_anyone() -> None:
    for setting, last in ((Setting(), 11), (Setting(recipe_of("cutmix", "fmix", flip=0.5)), 21)):
        lines = [
            ",".join(line.split(",")[1:last]) for line in setting.csv(50).decode().splitlines() if line[0] in "i0123"
        ]
        plain = Setting(setting.recipe, keys=tuple(map(str, range(10)))).csv(50).decode().splitlines()
        lines = [",".join(line.split(",")[1:last]) for line in plain]
        assert (
            read(setting.csv(50)).digest()
            == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
        )


def test_the_digest_never_changes() -> None:
    """It is in the recipes of data sets."""
    text = (
        "method,parent_0,parent_1,part_0,part_1,top,left,bottom,right,mask_seed\n"
        "mixup,3,0,60000,5536,,,,,\n"
        "cutmix,1,2,65536,0,0,1,2,3,\n"
        "fmix,2,1,1,65535,,,,,18446744073709551615\n"
        "none,0,,65536,,,,,,\n"
    )
    assert read(text.encode()).digest() == "90bb37cda73d98687b8519c8a0b37ac053fe740fc02c99869255536b0cd820f8"
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "90bb37cda73d98687b8519c8a0b37ac053fe740fc02c99869255536b0cd820f8"
    )


def unquoted(data: bytes) -> bytes:
    return written([without_telling(row) for row in records(data)])


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.replace(b"\r\n", b"\n")[:-1],
        lambda data: data.replace(b"\r\n", b"\n\n"),
        lambda data: b"\n" + data.replace(b"\r\n", b"\n") + b"\n\n",
        lambda data: data.replace(b"mixup", b" mixup "),
        lambda data: data.replace(b"mixup", b'"mixup"'),
        lambda data: written([dict(reversed(row.items())) for row in records(data)]),
        lambda data: written([row | {"mask_seed": row["mask_seed"] or "0"} for row in records(data)]),
        lambda data: written([{"index": "?"} | row for row in records(data)]),
    ],
    ids="mark newlines no-end empty-lines more-empty-lines spaces quotes order seed index".split(),
)
def test_forms_of_the_same(change: Callable[[bytes], bytes]) -> None:
    data = unquoted(FAMILY.csv(50))
    same(read(data), read(change(data)))


def test_a_box_of_zeros_is_none() -> None:
    data = Setting(recipe_of("cutmix")).csv()
    empty, zeros = (edited(data, 2, top=cell, left=cell, bottom=cell, right=cell) for cell in ("", "0"))
    assert read(empty).digest() == read(zeros).digest()


@pytest.mark.parametrize("cell", ["3.0", "3.", " 3 ", "+3", "03"])
def test_whole_numbers_in_other_forms(cell: str) -> None:
    data = Setting().csv()
    same(read(edited(data, 8, parent_1=cell)), read(edited(data, 8, parent_1="3")))


@pytest.mark.parametrize("column", ["parent_1", "part_0", "top", "mask_seed"])
@pytest.mark.parametrize(
    "cell", "3.5 1e3 NaN nan inf NA 1_0 0x1 ٣ - -- 1-2 2147483648.0e1 9999999999999999999999".split()
)
@pytest.mark.parametrize("number", [1, 9])
def test_what_is_no_whole_number(column: str, cell: str, number: int) -> None:
    message = refusal(edited(Setting().csv(), number, **{column: cell}))
    assert message.startswith(f"plan.csv, row {number}: {column} is {cell!r}, and a whole number")


@pytest.mark.parametrize("cell", ["-2147483648", "-2147483649", "2147483648"])
def test_numbers_that_do_not_fit(cell: str) -> None:
    assert refusal(edited(Setting().csv(), 2, parent_0=cell)).startswith(f"plan.csv, row 2: parent_0 is '{cell}'")


def test_seeds_have_64_bits() -> None:
    data = Setting(recipe_of("fmix")).csv()
    assert read(edited(data, 1, mask_seed=str(2**64 - 1))).entries.mask_seed[0] == 2**64 - 1
    for cell in (str(2**64), "-1", "18446744073709551615.0"):  # a float has lost digits
        assert "2^64-1, was expected" in refusal(edited(data, 1, mask_seed=cell))


@pytest.mark.parametrize("cell", ["", "Mixup", "patchmix", "nix" * 100])
def test_an_unknown_method(cell: str) -> None:
    assert refusal(edited(Setting().csv(), 3, method=cell)).startswith("plan.csv, row 3: method is ")


@pytest.mark.parametrize(
    ("data", "kind", "found"),
    [
        (b"", NoInputError, "is empty"),
        (b"\n\n", NoInputError, "is empty"),
        (b"a;b\n1;2\n", DataError, "'method' is missing. The header is 'a;b'"),
        (b"PAR1\x15\x04", DataError, "is Parquet"),
        (b'"a\n', DataError, "the header is not CSV"),
        ("index\n".encode("utf-16"), DataError, "not UTF-8"),
        (b"x" * 10000, DataError, "is missing"),
    ],
)
def test_no_plan_at_all(data: bytes, kind: type[Exception], found: str) -> None:
    assert found in refusal(data, kind)


def test_a_header_alone() -> None:
    assert "has a header, and no rows" in refusal(Setting().csv(0), NoInputError)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"part_0", b"part", "the column 'part_0' is missing"),
        (b"index", b"note", "the column 'note' is not a column of a plan"),
        (b"index", b"top", "the column 'top' occurs twice"),
        (b"parent_1", b"parent_2", "the column 'parent_1' is missing"),
    ],
)
def test_other_columns(old: bytes, new: bytes, found: str) -> None:
    assert found in refusal(Setting().csv().replace(old, new, 1))


@pytest.mark.parametrize("good", [0, 3, 5000])
@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"1,2\n", "has 2 cells, and the header has 11"),
        (b"1,mixup,0,1,1,65535,,,,,,\n", "has 12 cells, and the header has 11"),
        (b'1,"mix"up,0,1,1,65535,,,,,\n', "is not CSV"),
        (b'1,mixup,"0,1,1,65535,,,,,\n', "is not CSV"),
        (b"1,mixup,0.5,1,1,65535,,,,,\n", "parent_0 is '0.5'"),
    ],
)
def test_a_damaged_row_is_named(good: int, line: bytes, found: str) -> None:
    rows = [b"1,mixup,0,1,1,65535,,,,,\n"] * good
    header = b"index,method,parent_0,parent_1,part_0,part_1,top,left,bottom,right,mask_seed\n"
    message = refusal(b"".join([header, *rows, line]))
    assert message.startswith(f"plan.csv, row {good + 1}: {found}")
    assert message == refusal(b"".join([header, *rows, line, *rows]))


def test_text_in_another_encoding() -> None:
    rows = records(Setting(keys=tuple(f"é{number}" for number in range(10))).csv())
    assert "not UTF-8" in refusal(written(rows).decode().encode("latin-1"))


def test_stdin_has_no_suffix() -> None:
    assert read_csv(BytesIO(Setting().csv()), "stdin").place(0) == "stdin, row 1 (mixup)"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.csv", tmp_path / "nothing.parquet"):
        with pytest.raises(NoInputError, match="cannot be read"):
            read_plan(path)


def test_parquet_that_went_through_other_hands(tmp_path: Path) -> None:
    """Numbers as floats with gaps, as pandas stores them; text as dictionaries; other widths; columns left out."""
    path = as_parquet(FAMILY, 200, tmp_path / "plan.parquet")
    first, table = read_plan(path), parquet.read_table(path)
    for number, name in enumerate(table.column_names):
        column = table[name]
        if name.startswith(("parent", "part")):
            column = column.cast(pa.float64())
        elif name in ("top", "left"):
            column = column.cast(pa.int16())
        elif name.startswith("key"):
            column = column.dictionary_encode()
        elif name == "bottom":
            column = column.cast(pa.string())
        table = table.set_column(number, name, column)
    parquet.write_table(table.drop_columns(["index", "label_0"]), path, compression="zstd")
    same(first, read_plan(path))
    FAMILY.checked(read_plan(path))


@pytest.mark.parametrize("kind", [pa.date64(), pa.timestamp("ns"), pa.time64("ns"), pa.duration("us")])
def test_parquet_with_times_that_there_are_not(tmp_path: Path, kind: pa.DataType) -> None:
    path = as_parquet(Setting(), 5, tmp_path / "plan.parquet")
    table = parquet.read_table(path)
    times = pa.array([2**62] * 5, pa.int64()).cast(kind, safe=False)
    parquet.write_table(table.set_column(table.column_names.index("parent_0"), "parent_0", times), path)
    with pytest.raises(DataError, match=r"plan\.parquet"):
        read_plan(path)


@pytest.mark.parametrize("cell", ["x", "nan", "inf", "1,5", "--1", "1e300", "-1e39"])
def test_any_lam_is_read(cell: str) -> None:
    """It decides nothing: `checking` reports it."""
    rows = records(Setting().csv())
    rows[4]["lam"] = cell
    same(read(written(rows)), read(Setting().csv()))


@pytest.mark.parametrize(("value", "shown"), [(1.5, "1.5"), (float("nan"), "nan"), (2.0**40, "1099511627776.0")])
def test_parquet_with_a_wrong_cell(tmp_path: Path, value: float, shown: str) -> None:
    path = as_parquet(Setting(), 5, tmp_path / "plan.parquet")
    table = parquet.read_table(path)
    place = table.column_names.index("parent_0")
    parquet.write_table(table.set_column(place, "parent_0", pa.array([0.0, 1.0, value, 2.0, 3.0])), path)
    with pytest.raises(DataError, match=rf"row 3: parent_0 is '{shown}', and a whole number"):
        read_plan(path)


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    path = as_parquet(Setting(), 5, tmp_path / "plan.csv")
    same(read_plan(path), read(Setting().csv(5)))
    (tmp_path / "plan.parquet").write_bytes(Setting().csv(5))
    same(read_plan(tmp_path / "plan.parquet"), read(Setting().csv(5)))


def test_many_rows_over_several_batches(tmp_path: Path) -> None:
    """More than a block of text, a batch and a row group; with keys that need quotes, and without."""
    plain = Setting(keys=tuple(map(str, range(10))))
    count = 70_000
    path = as_parquet(plain, count, tmp_path / "plan.parquet")
    files = [read(plain.csv(count)), read(Setting().csv(count)), read_plan(path)]
    assert parquet.ParquetFile(path).num_row_groups == 2
    for file in files[1:]:
        same(files[0], file)
    plain.checked(files[0])
