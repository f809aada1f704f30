"""What the source decides where the recipe leaves it open."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.decide import decide
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.target import Survey
from mixup_cli.recipe import Recipe

DTYPES: tuple[SampleDtype, ...] = ("uint8", "uint16", "float32")
ARRAYS: tuple[tuple[tuple[int, ...], Axes], ...] = (
    ((8, 9, 1), "hwc"),
    ((8, 9, 3), "hwc"),
    ((8, 9, 4), "hwc"),
    ((1, 8, 9), "chw"),
    ((3, 8, 9), "chw"),
    ((8, 9), "hw"),
    ((7,), ""),
    ((4, 5, 6, 7), ""),
)


@st.composite
def surveys(draw: st.DrawFn) -> Survey:
    dtype = draw(st.sampled_from(DTYPES))
    if draw(st.booleans()):
        shape, axes = draw(st.sampled_from(ARRAYS))
        form = Form(shape, dtype, axes)
        sizes = Counter([form.size] if form.axes else [])
        return Survey(sizes, Counter([dtype]), form)
    size_lists = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3)
    return Survey(Counter(draw(size_lists)), Counter(draw(st.lists(st.sampled_from(DTYPES), max_size=3))))


def recipes() -> st.SearchStrategy[Recipe]:
    options: dict[str, Any] = {
        "size": st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
        "resize": st.sampled_from(["crop", "pad", "stretch"]),
        "channels": st.sampled_from([None, "rgb", "grey"]),
        "dtype": st.sampled_from([None, "uint8", "uint16", "float16", "float32", "source"]),
        "layout": st.sampled_from([None, "nhwc", "nchw"]),
        "value_range": st.sampled_from([None, (0.0, 1.0)]),
    }
    return st.builds(Recipe, **options)


@given(recipes(), surveys())
def test_deciding_again_changes_nothing(recipe: Recipe, survey: Survey) -> None:
    try:
        once = decide(recipe, survey)
    except UsageError:
        return
    again = decide(once.recipe, survey)
    assert again.recipe == once.recipe
    assert again.target.form == once.target.form


def test_grey_arrays_without_a_channel_axis_stay_so() -> None:
    survey = Survey(Counter([(8, 9)]), Counter[SampleDtype](["uint8"]), Form((8, 9), "uint8", "hw"))
    decided = decide(Recipe(), survey)
    assert (decided.recipe.size, decided.recipe.channels, decided.recipe.layout) == ((8, 9), None, None)
    assert decided.target.form.axes == "hw"


@pytest.mark.parametrize("asked", ["uint8", "uint16"])
@pytest.mark.parametrize("form", [None, Form((8, 9), "float32", "hw")])
def test_floats_alone_do_not_become_integers(asked: Any, form: Form | None) -> None:
    survey = Survey(Counter([(8, 9)]), Counter[SampleDtype](["float32"]), form)
    with pytest.raises(UsageError, match=f"dtype={asked}: the samples are floats"):
        decide(Recipe(dtype=asked), survey)
    assert decide(Recipe(dtype=asked, value_range=(0, 1)), survey).target.form.dtype == asked
    mixed = Survey(survey.sizes, Counter[SampleDtype](["float32", "uint8"]))
    assert decide(Recipe(dtype=asked), mixed).target.form.dtype == "uint8"


def test_floats_among_other_pictures_are_said_to_count_as_broken() -> None:
    mixed = Survey(Counter([(8, 8)]), Counter[SampleDtype]({"uint8": 3, "float32": 2}))
    (notice,) = decide(Recipe(), mixed).notices
    assert notice.startswith(
        "2 images of floats, or of integers beyond uint16, cannot become uint8 and count as broken"
    )
    assert decide(Recipe(dtype="float32"), mixed).notices == ()
    assert decide(Recipe(value_range=(0, 1)), mixed).notices == ()
