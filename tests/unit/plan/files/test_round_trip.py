"""Any plan survives being written and read; no file, however garbled, gives anything but an error that says where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.files.reading import read_plan
from mixup_cli.plan.files.writing import write_parquet
from tests.plain_methods import PLAIN
from tests.unit.plan.files.plans import IN_TIME, Setting, edited, read, recipe_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def any_settings(draw: st.DrawFn) -> Setting:
    methods = draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4, unique=True))
    views: dict[str, Any] = draw(
        st.sampled_from([{}, {"flip": 0.5}, {"crop_pad": 3}, {"crop_area": (0.2, 0.9), "flip": 1.0}])
    )
    recipe = recipe_of(*methods, seed=draw(st.integers(0, 2**63 - 1)), keep_originals=draw(st.booleans()), **views)
    keys = tuple(draw(st.lists(TEXTS, min_size=5, max_size=12, unique=True)))
    names = tuple(draw(st.lists(TEXTS, min_size=2, max_size=3, unique=True)))
    labels = draw(st.sampled_from([Labels(), Labels(names, np.arange(len(keys), dtype=np.int32) % len(names))]))
    return Setting(recipe, keys, labels, np.arange(len(keys)))


@given(any_settings(), st.integers(1, 40))
@settings(deadline=None)
def test_there_and_back(setting: Setting, rows: int) -> None:
    columns, tables = setting.tables(rows)
    stored = BytesIO()
    write_parquet(tables, columns, stored)  # type: ignore[arg-type]  # it returns a count, which nobody looks at
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.parquet"
        path.write_bytes(stored.getvalue())
        files = [read(setting.csv(rows)), read_plan(path)]
    true = setting.plan.rows(0, rows)
    for file in files:
        found = setting.checked(file).rows(0, rows)
        assert file.digest() == files[0].digest()
        np.testing.assert_array_equal(found.parents, true.parents)
        np.testing.assert_array_equal(found.method, true.method)
        np.testing.assert_array_equal(found.decisions.parts, true.decisions.parts)
        np.testing.assert_array_equal(found.decisions.box, true.decisions.box)
        np.testing.assert_array_equal(found.decisions.mask_seed, true.decisions.mask_seed)
        np.testing.assert_array_equal(found.views, true.views)


FAMILY = Setting(recipe_of("mixup", "cutmix", "fmix", "mosaic", "resizemix", crop_pad=1, keep_originals=True))
FAMILY_CSV = FAMILY.csv(60)
FAMILIES = {setting.csv(60): setting for setting in (FAMILY, *IN_TIME.values())}
CELLS = st.one_of(
    TEXTS,
    st.integers(-10, 20).map(str),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", " ", "65536", "0", "-0", "1_0", "NaN", "inf", "²", "٣", "1.0", *METHOD_NAMES]),
)


def refusal_of(setting: Setting, open_file: Callable[[], PlanFile]) -> str | None:
    """What is wrong with a file. Where nothing is, its rows are in bounds and have weights."""
    try:
        planned = setting.checked(open_file())
    except (DataError, UsageError, NoInputError) as refusal:
        return str(refusal)
    rows = planned.rows(0, len(planned.file))
    assert ((rows.parents >= 0) & (rows.parents < len(setting.keys))).all()
    for number, positions in planned.methods.groups(rows.method):
        decisions, is_less = rows.decisions[positions], planned.methods.methods[number].shares_apart
        assert ((decisions.parts.sum(axis=1) == 65536) | is_less).all()
        share = planned.methods.shares(number, decisions, planned.methods.weights(number, decisions))
        assert ((share >= 0) & (share <= 1)).all()
    return None


def check(data: bytes, setting: Setting = FAMILY) -> None:
    refusal = refusal_of(setting, partial(read, data))
    assert refusal is None or (refusal.startswith("plan.csv") and len(refusal.splitlines()) == 1)


@given(st.sampled_from(sorted(FAMILIES)), st.integers(1, 60), st.data())
@settings(deadline=None, max_examples=300)
def test_any_cells(plan: bytes, row: int, data: st.DataObject) -> None:
    columns = plan.splitlines()[0].decode().split(",")
    deciding = [name for name in columns if name.split("_")[0] not in ("index", "lam", "label", "key")]
    cells = data.draw(st.dictionaries(st.sampled_from(deciding), CELLS, min_size=1, max_size=3))
    check(edited(plan, row, **cells), FAMILIES[plan])


@given(st.binary(max_size=200), st.integers(0, len(FAMILY_CSV)), st.integers(0, 50))
@settings(deadline=None, max_examples=300)
def test_any_bytes_in_a_plan(data: bytes, place: int, gone: int) -> None:
    check(FAMILY_CSV[:place] + data + FAMILY_CSV[place + gone :])


@given(st.binary(max_size=500))
@settings(deadline=None)
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 1 << 16)
)
@settings(deadline=None, max_examples=200)
def test_damaged_parquet(changes: list[tuple[int, int]], stop: int) -> None:
    columns, tables = FAMILY.tables(60)
    stored = BytesIO()
    write_parquet(tables, columns, stored)  # type: ignore[arg-type]  # it returns a count, which nobody looks at
    data = bytearray(stored.getvalue())
    for place, value in changes:
        data[4 + place % (len(data) - 4)] = value
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.csv"
        path.write_bytes(data[: max(4, stop)])
        refusal = refusal_of(FAMILY, partial(read_plan, path))
    assert refusal is None or (refusal.startswith(str(path)) and len(refusal.splitlines()) == 1)
