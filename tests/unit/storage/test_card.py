"""The card: Hugging Face finds the shards by it, its code runs, and no name from outside can break out of it."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from mixup_cli.choices import LabelKind, LabelRule
from mixup_cli.fields.field import COLUMNS, IN_TIME, PLAN_COLUMNS, SCALE
from mixup_cli.fields.objects import LOST, OBJECT_COLUMNS
from mixup_cli.fields.signal import FIRST
from mixup_cli.methods import METHODS
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.storage.card import card, paper_of
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord
from mixup_cli.storage.meanings import LOSSES, MEANINGS, RULES, SOFT
from mixup_cli.storage.names import CARD
from tests.docs.pages import run_slowly
from tests.running import Runner
from tests.unit.storage.small_data_set import arrays, manifest_of, shard_records, write_data_set

HOSTILE_NAMES = (
    "```\n# Hello",
    "<script>alert(1)</script>",
    "a | b",
    "---",
    "\u202egnp.exe",
    "![x](http://x.y/z)",
    "Äpfel",
)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)


def reading(text: str, library: str) -> str:
    """The one Python block that needs a library."""
    (block,) = (block for block in code_blocks(text, "python") if library in block)
    return block


@pytest.fixture(params=["none", "zstd"])
def out(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    write_data_set(tmp_path / "out", request.param)
    return tmp_path / "out"


def test_hugging_face_loads_the_shards_and_not_the_json_files(out: Path, tmp_path: Path) -> None:
    code = reading((out / CARD).read_text(), "load_dataset").replace("path/to/this/folder", str(out))
    rows = json.loads(run_slowly(f"{code}\nimport json; print(json.dumps(data[:]))", tmp_path))
    expected = {name: array.tolist() for name, array in arrays().items()}
    assert rows == expected


def test_its_h5py_lines_run(out: Path) -> None:
    code = next(block for block in code_blocks((out / CARD).read_text(), "python") if "torch" not in block)
    assert run_slowly(f"{code}\nprint(images.shape, labels.shape)", out) == "(3, 4, 5, 3) (3, 2)\n"


def test_its_pytorch_lines_run(out: Path) -> None:
    code = reading((out / CARD).read_text(), "torch")
    printed = run_slowly(f"{code}\nimages, labels = next(iter(loader))\nprint(*images.shape, *labels.shape)", out)
    assert printed == "7 4 5 3 7 2\n"


def test_equal_manifests_have_equal_cards() -> None:
    assert card(manifest_of(shard_records(2))) == card(manifest_of(shard_records(2)))


def test_it_tells_what_the_data_set_is() -> None:
    manifest = manifest_of(shard_records(2))
    text = card(manifest)
    for fact in ("# 20 samples, mixed by mixup (alpha 0.2)", "| seed | 0 |", "| classes | 2 |", manifest.recipe_id):
        assert fact in text


def with_methods(*choices: MethodChoice) -> Manifest:
    recipe = Recipe(methods=choices)
    return manifest_of((), recipe=recipe.to_dict(), methods=tuple(choice.name for choice in choices))


def test_several_methods_are_told_with_their_weights_and_papers() -> None:
    text = card(with_methods(MethodChoice("mixup", 3.0, {"alpha": 0.2}), MethodChoice("cutout", 1.0, {"side": 0.5})))
    assert "mixup (alpha 0.2, weight 3), cutout (side 0.5, weight 1)" in text
    assert [re.findall(r"@\w+{(\w+),", block) for block in code_blocks(text, "bibtex")] == [
        ["zhang2018mixup"],
        ["devries2017cutout"],
    ]


def test_every_method_has_its_paper() -> None:
    # Dirichlet mixing is mixup's, for more than two; noise behind speech is in no one paper.
    assert {name for name in METHODS if not paper_of(name)} <= {"none", "dirichlet", "snr"}


COLUMN_SETS = (
    ("images", "labels", "index", "source_index", "share", "method", "box"),
    ("images", "index", "source_index", "source_label", "share", "label_share", "method", "box"),
    ("images", "index", "source_index", "share", "method", "box"),
    ("images", "index", "source_index", "share", "method", "box", "view"),
)
"""`--labels dense` and soft labels, `--labels sparse`, an unlabelled source, and one that is flipped or cropped."""


@pytest.mark.parametrize("names", COLUMN_SETS)
def test_only_columns_that_are_there_are_told(names: tuple[str, ...]) -> None:
    columns = tuple(ColumnRecord(name=name, dtype="uint8", shape=()) for name in names)
    text = card(manifest_of((), columns=columns))
    assert re.findall(r"^\| `(\w+)` \| uint8", text, re.MULTILINE) == list(names)
    assert {name for block in code_blocks(text, "python") for name in re.findall(r'shard\["(\w+)"\]', block)} <= set(
        names
    )


def test_every_column_has_a_meaning() -> None:
    of_rows, of_plan = {name for names in COLUMN_SETS for name in names}, {*PLAN_COLUMNS, SCALE}
    assert of_rows | of_plan | {*OBJECT_COLUMNS, LOST, *IN_TIME} == set(MEANINGS) == {FIRST, *COLUMNS, *of_plan}


def test_every_label_rule_and_kind_has_words() -> None:
    assert {"soft", *RULES} == set(get_args(LabelRule))
    assert set(SOFT) == set(get_args(LabelKind))
    assert set(LOSSES) == set(get_args(LabelKind)) - {"none"}


def test_hostile_class_names_stay_in_their_block() -> None:
    plain, hostile = (card(manifest_of((), class_names=names)) for names in (("a",) * 7, HOSTILE_NAMES))
    (shown,) = code_blocks(hostile, "json")
    assert tuple(json.loads(shown)) == HOSTILE_NAMES
    assert "\u202e" not in hostile
    assert '"Äpfel"' in shown
    assert hostile.replace(shown, "") == plain.replace(code_blocks(plain, "json")[0], "")


def test_thousands_of_class_names_are_cut_short() -> None:
    text = card(manifest_of((), class_names=tuple(map(str, range(5000)))))
    assert "The first 200 classes" in text
    assert len(json.loads(code_blocks(text, "json")[0])) == 200


def test_unlabelled_data_say_so() -> None:
    text = card(manifest_of((), class_names=()))
    assert "none: the source is unlabelled" in text
    assert code_blocks(text, "json") == []


def test_its_yaml_names_the_shards() -> None:
    manifest = manifest_of(())
    head: Any = card(manifest).split("---\n")[1]
    *lines, description = head.splitlines()
    assert lines == ["configs:", "- config_name: default", '  data_files: "shard-*.h5"']
    assert description.startswith('  description: "')
    assert manifest.recipe_id in description


def test_hugging_face_keeps_data_sets_apart_whose_folders_have_one_name(
    run_cli: Runner, arrays: Path, tmp_path: Path
) -> None:
    places = [tmp_path / name / "out" for name in "abc"]
    for place, options in zip(places, (("--seed", 1), ("--seed", 2), ("--seed", 1, "--passes", 2)), strict=True):
        assert run_cli("generate", arrays, "-q", "-o", place, *options).returncode == 0
    code = f"""
from datasets import load_dataset
for place in {[*map(str, places)]}:
    data = load_dataset(place, split="train")
    print(len(data), data[0]["share"])
"""
    first, second, longer = run_slowly(code, tmp_path).splitlines()
    assert first != second
    assert first.split()[1:] == longer.split()[1:]
    assert 2 * int(first.split()[0]) == int(longer.split()[0])
