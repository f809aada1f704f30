"""Rows that cannot be carried out are refused before any is made, each with its number."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.methods import METHODS
from mixup_cli.plan.files.planned_rows import PlannedRows
from mixup_cli.recipe import MethodChoice
from tests.plain_methods import PLAIN
from tests.unit.plan.files.plans import (
    ALL,
    IN_TIME,
    KEYS,
    Setting,
    edited,
    read,
    recipe_of,
    records,
    without_telling,
    written,
)

UNIT = 65536
BOX = {"top": "1", "left": "2", "bottom": "5", "right": "6"}


def refusal(setting: Setting, data: bytes) -> str:
    with pytest.raises((DataError, UsageError)) as caught:
        setting.checked(read(data))
    message = str(caught.value)
    assert "\n" not in message
    return message


def notice(planned: PlannedRows) -> str:
    (found,) = planned.notices
    assert "\n" not in found
    assert len(found) < 500
    return found


@pytest.mark.parametrize("number", [1, 7, 20])
@pytest.mark.parametrize(
    ("method", "cells", "found"),
    [
        ("mixup", {"parent_1": ""}, "parent_1 is empty"),
        ("mixup", {"part_0": ""}, "part_0 is empty"),
        ("mixup", {"parent_0": "10"}, "parent_0 is 10. Expected: a source_index, 0 … 9"),
        ("mixup", {"parent_1": "-1"}, "parent_1 is -1"),
        ("mixup", {"part_0": "1", "part_1": "2"}, "part_0 is 1, part_1 is 2"),
        ("mixup", {"part_0": "-1", "part_1": str(UNIT + 1)}, "part_0 is -1"),
        ("mixup", BOX, "top is 1, left is 2, bottom is 5, right is 6"),
        ("mixup", {"mask_seed": "5"}, "mask_seed is 5"),
        ("none", {"parent_1": "3"}, "parent_1 is 3"),
        ("none", {"part_1": "0"}, "part_1 is 0"),
        ("cutmix", {"bottom": "9", "top": "0"}, "bottom is 9"),
        ("cutmix", {"right": "7"}, "right is 7"),
        ("cutmix", {**BOX, "left": "6", "right": "2"}, "left is 6"),
        ("cutmix", {"right": ""}, "right is empty"),
        ("cutmix", {"part_0": "30000", "part_1": "35536"}, "part_0 is 30000"),
        ("cutmix", {"mask_seed": "1"}, "mask_seed is 1"),
        ("smoothmix", {"part_0": "30000", "part_1": "35536"}, "part_0 is 30000"),
        ("erase", {"mask_seed": "1"}, "mask_seed is 1. Expected: nothing, since the method with these options"),
        ("resizemix", {**BOX, "bottom": "1"}, "top is 1"),
        ("mosaic", {"top": "1"}, "top is 1"),
    ],
)
def test_a_row_that_cannot_be_made(number: int, method: str, cells: dict[str, str], found: str) -> None:
    setting = Setting(recipe_of("mixup", method) if method == "none" else recipe_of(method))
    data = setting.csv()
    if method == "none":
        data = edited(data, number, method="none", parent_1="", part_0=str(UNIT), part_1="")
        setting.checked(read(data))
    if method in ("cutmix", "resizemix"):
        data = edited(data, number, **BOX)
    message = refusal(setting, edited(data, number, **cells))
    assert message.startswith(f"plan.csv, row {number} ({method}): ")
    assert found in message
    assert "Expected: " in message


def test_an_input_that_was_left_out() -> None:
    data = Setting().csv()
    message = refusal(Setting(usable=ALL[ALL != 4]), data)
    number = 1 + next(n for n, row in enumerate(records(data)) if "4" in (row["parent_0"], row["parent_1"]))
    assert message.startswith(f"plan.csv, row {number} (mixup): parent_")
    assert "left out" in message


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"view_0_mirrored": "2"}, "mirrored"),
        ({"view_1_mirrored": ""}, "view_1_mirrored is empty"),
        ({"view_0_top": "-3"}, "view_0_top is -3"),
        ({"view_0_top": "2000000", "view_0_bottom": "2000008"}, "view_0_top is 2000000"),
    ],
)
def test_views(cells: dict[str, str], found: str) -> None:
    setting = Setting(recipe_of("mixup", crop_pad=2, flip=0.5))
    message = refusal(setting, edited(setting.csv(), 3, **cells))
    assert message.startswith("plan.csv, row 3 (mixup): view_")
    assert found in message


def test_a_view_that_is_resized_lies_in_the_cached_picture() -> None:
    setting = Setting(recipe_of("mixup", crop_area=(0.1, 1.0)))
    data = edited(setting.csv(), 2, view_1_top="0", view_1_bottom="12", view_1_left="0", view_1_right="10")
    setting.checked(read(data))
    assert "12 high and 10 wide" in refusal(setting, edited(data, 2, view_1_bottom="13"))
    assert "row 2" in refusal(setting, edited(data, 2, view_1_bottom="0"))


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("lam", "0.123456", "'"),
        ("lam", "", "'"),
        ("lam", "1e300", "'"),
        ("label_0", "bird", "'a \"dog\"'"),
        ("label_1", "", "'"),
        ("key_0", "elsewhere", "'pictures, and more"),
        ("key_1", "", "'pictures, and more"),
    ],
)
def test_what_decides_nothing_is_compared(column: str, cell: str, expected: str) -> None:
    rows = records(Setting().csv())
    rows[11][column] = cell
    true = Setting().checked(read(Setting().csv()))
    found = Setting().checked(read(written(rows)))
    assert notice(found).startswith(f"plan.csv: 1 row with values of {column} that this source")
    assert f"(in row 12, {column} would be {expected}" in notice(found)
    assert true.notices == ()
    assert true.file.digest() == found.file.digest()
    del rows[11][column]
    assert Setting().checked(read(written([{name: row[name] for name in rows[11]} for row in rows]))).notices == ()


def test_all_that_differs_is_one_notice() -> None:
    rows = records(Setting().csv())
    for number in (3, 4, 19):
        rows[number] |= {"lam": "?", "key_1": "x" * 1000}
    found = notice(Setting().checked(read(written(rows))))
    assert found.startswith(
        "plan.csv: 3 rows with values of lam, key_1 that this source and these settings do not give (in row 4, lam"
    )


@pytest.mark.parametrize("form", ["{!r}", "{:.9f}", "{:+.6f}", " {:.7f}"])
def test_lam_in_other_forms(form: str) -> None:
    rows = records(Setting().csv())
    for row in rows:
        row["lam"] = form.format(float(row["lam"]))
    assert Setting().checked(read(written(rows))).notices == ()


def test_a_plan_for_another_source() -> None:
    keys = tuple(f"other/{key}" for key in KEYS)
    other = notice(Setting(keys=keys).checked(read(Setting().csv())))
    assert other.startswith("plan.csv: 20 rows with values of key_0, key_1 that this source")
    assert "(in row 1, key_0 would be 'other/" in other
    assert "0 … 4" in refusal(Setting(keys=KEYS[:5], usable=ALL[:5]), Setting().csv())


def test_methods_must_be_the_recipes() -> None:
    message = refusal(Setting(recipe_of("cutmix")), Setting().csv())
    assert message.startswith("plan.csv, row 1 (mixup): methods has cutmix, and not mixup")


def test_other_options_than_it_was_planned_with_show_in_lam() -> None:
    gridmix = recipe_of("gridmix")
    choice = MethodChoice("gridmix", 1.0, {**gridmix.methods[0].options, "holes_low": 5.0})
    found = notice(Setting(gridmix.with_(methods=(choice,))).checked(read(Setting(gridmix).csv())))
    assert " rows with values of lam that this source" in found
    assert found.endswith("the plan is for another source, size or methods.")


def test_views_must_be_in_both_or_in_none() -> None:
    viewed = Setting(recipe_of("mixup", flip=0.5))
    assert "Pass flip" in refusal(Setting(), viewed.csv())
    assert "Leave out flip" in refusal(viewed, Setting().csv())


def test_originals_need_no_mention_in_the_recipe() -> None:
    kept = Setting(recipe_of("cutmix", "mixup", keep_originals=True))
    file = read(kept.csv())
    assert file.method_names == ("mixup", "cutmix")
    planned = Setting(recipe_of("cutmix", "mixup")).checked(file)
    assert planned.methods.names == ["cutmix", "mixup", "none"] == kept.plan.methods.names


@pytest.mark.parametrize("method", PLAIN)
def test_parts_are_checked_where_they_decide_nothing(method: str) -> None:
    setting = Setting(recipe_of(method))
    rows = setting.plan.rows(0, 30)
    is_pure = bool((rows.decisions.parts[:, 0] == UNIT).all())
    assert is_pure == (not METHODS[method].weighs)


@pytest.mark.parametrize("method", PLAIN)
@pytest.mark.parametrize("views", [{}, {"flip": 0.5, "crop_pad": 1}, {"crop_area": (0.1, 1.0)}])
def test_what_was_planned_is_carried_out(method: str, views: dict[str, object]) -> None:
    setting = Setting(recipe_of(method, "mixup", **views) if method != "mixup" else recipe_of(method, **views))
    kept = Setting(setting.recipe.with_(keep_originals=True))
    found, true = setting.checked(read(kept.csv(300))).rows(5, 280), kept.plan.rows(5, 280)
    for name in ("index", "parents", "method"):
        np.testing.assert_array_equal(getattr(found, name), getattr(true, name))
        assert getattr(found, name).dtype == getattr(true, name).dtype
    for name in ("parts", "box", "mask_seed"):
        np.testing.assert_array_equal(getattr(found.decisions, name), getattr(true.decisions, name))
        assert getattr(found.decisions, name).dtype == getattr(true.decisions, name).dtype
    assert (found.views is None) == (true.views is None)
    if found.views is not None and true.views is not None:
        np.testing.assert_array_equal(found.views, true.views)
        assert found.views.dtype == true.views.dtype


@pytest.mark.parametrize("setting", IN_TIME.values(), ids=IN_TIME)
def test_what_was_planned_in_time_is_carried_out(setting: Setting) -> None:
    kept = replace(setting, recipe=setting.recipe.with_(keep_originals=True))
    found, true = setting.checked(read(kept.csv(300))).rows(5, 280), kept.plan.rows(5, 280)
    np.testing.assert_array_equal(found.parents, true.parents)
    assert found.decisions.present.keys() >= true.decisions.present.keys()
    for name, values in true.decisions.present.items():
        np.testing.assert_array_equal(found.decisions.present[name], values, err_msg=name)
        assert found.decisions.present[name].dtype == values.dtype
    assert setting.checked(read(kept.csv(300))).notices == ()


@pytest.mark.parametrize(
    ("kind", "method", "cells", "found"),
    [
        ("waves", "cutmix", {"span_stop": "41"}, "span_stop is 41. Expected: a span in the base, which has 40 places"),
        ("waves", "cutmix", {"span_start": "-1"}, "span_start is -1"),
        ("waves", "cutmix", {"span_start": "5", "span_stop": "3"}, "span_start is 5, span_stop is 3"),
        ("waves", "cutmix", {"span_start": ""}, "span_start is empty"),
        ("waves", "mixup", {"span_start": "1", "span_stop": "3"}, "nothing, since the method has no span"),
        ("waves", "cutmix", {"top": "0", "left": "0", "bottom": "1", "right": "1"}, "the method has no box"),
        ("waves", "bc", {"share_0": ""}, "2^-24ths, 0 … 16777216, whose sum is 16777216"),
        ("waves", "snr", {"share_0": "-1", "share_1": "16777217"}, "share_0 is -1"),
        ("waves", "bc", {"scale": ""}, "scale is empty. Expected: 2^-24ths, 1 … 1099511627776"),
        ("waves", "bc", {"scale": str(1 << 41)}, f"scale is {1 << 41}"),
        ("waves", "mixup", {"scale": "5"}, "scale is 5. Expected: nothing, since the method does not decide how loud"),
        ("waves", "cutmix", {"share_0": "0", "share_1": "16777216"}, "share_0 is 0, share_1 is 16777216"),
        ("waves", "bc", {"part_0": str(UNIT), "part_1": "1"}, "whose sum is 65536 or less"),
        ("parts of waves", "snr", {"start_1": ""}, "start_1 is empty. Expected: a number for each parent"),
        (
            "parts of waves",
            "cutmix",
            {"start_0": "-1"},
            "start_0 is -1. Expected: a place from 0 on, with all of the row",
        ),
        ("parts of waves", "cutmix", {"start_1": "40"}, "start_1 is 40"),
        ("parts of spectrograms", "mixup", {"start_0": "70"}, "start_0 is 70"),
        ("clips", "erase", {"span_start": "0", "span_stop": "5"}, "nothing, since the method has no span"),
        ("clips", "fmix", {"start_0": "4"}, "start_0 is 4. Expected: a multiple of 5 from 0 on"),
        ("clips", "cutmix", {"start_0": "15"}, "start_0 is 15"),
        ("tokens", "cutmix", {"start_1": "1"}, "start_1 is 1. Expected: 0, or with a method that moves its parents"),
        ("tokens", "ssmix", {"start_1": "-9"}, "less than 9 from it"),
        ("tokens", "ssmix", {"span_start": "0", "span_stop": "9"}, "and in its content"),
    ],
)
def test_a_row_in_time_that_cannot_be_made(kind: str, method: str, cells: dict[str, str], found: str) -> None:
    setting = IN_TIME[kind]
    data = setting.csv(60)
    is_of_it = [row["method"] == method for row in records(data)]
    number = 2 + is_of_it[1:].index(True)
    message = refusal(setting, edited(data, number, **cells))
    assert message.startswith(f"plan.csv, row {number} ({method}): ")
    assert found in message


def test_columns_of_time_must_be_there() -> None:
    waves, parts, tokens = (IN_TIME[kind] for kind in ("waves", "parts of waves", "tokens"))
    assert "has no column start_0, which these samples" in refusal(parts, replace(waves, recipe=parts.recipe).csv())
    assert "has no column span_start" in refusal(replace(waves, recipe=recipe_of("mixup")), Setting().csv())
    still = replace(tokens, recipe=recipe_of("cutmix")).csv()
    assert "has no column start_0" in refusal(tokens, still)
    replace(tokens, recipe=recipe_of("cutmix")).checked(read(still))
    images = Setting(recipe_of("cutmix"))
    with_span = [{**without_telling(row), "span_start": "0", "span_stop": "1"} for row in records(images.csv())]
    assert "nothing, since the method has no span" in refusal(images, written(with_span))


def test_a_recipe_with_room_for_more_parents_and_one_with_less() -> None:
    data = Setting().csv()
    planned = Setting(recipe_of("mixup", "mosaic")).checked(read(data))
    assert planned.rows(0, 3).parents.shape == (3, 4)
    wide = Setting(recipe_of("mosaic", "mixup")).csv(200)
    mixed = [row for row in records(wide) if row["method"] == "mixup"]
    narrow = Setting().checked(read(written(mixed)))
    assert narrow.rows(0, 3).parents.shape == (3, 2)
    mixed[1]["parent_3"] = "2"
    assert re.match(r"plan.csv, row 2 \(mixup\): parent_3 is 2", refusal(Setting(), written(mixed)))
