"""Values of the wrong type, for the words and numbers that readers take: one line, before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.readers.batches import Batches
from mixup_cli.readers.pytorch import MixedStream
from mixup_cli.readers.view import View
from tests.contracts.reader_contract import PASSES, write_mixed


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("words"))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("sample", 3),
        ("passes", "0"),
        ("passes", 1.0),
        ("passes", [[0]]),
        ("passes", True),
        ("epoch", "0"),
        ("epoch", 1.5),
        ("epoch", -1),
        ("originals", 0),
        ("originals", "yes"),
        ("methods", 5),
        ("classes", [2]),
        ("companion", 3),
    ],
)
def test_a_word_of_the_wrong_type_is_refused(small: Path, word: str, value: Any) -> None:
    choices: dict[str, Any] = {word: value}
    with pytest.raises(UsageError, match=rf"^{word}=.*: expected "):
        View(small, **choices)


def test_numpy_numbers_and_generators_are_taken(small: Path) -> None:
    assert View(small, passes=np.int64(1)).rows([0])[0] == PASSES[1].start  # type: ignore[arg-type]
    view = View(small, sample=(name for name in ("index", "method")), passes=(number for number in (0, 1)))  # type: ignore[arg-type]
    assert [part.name for part in view.parts] == ["index", "method"]
    assert view.choices["sample"] == ("index", "method")  # a process that unpickles it reads them again
    assert len(view) == 30


def test_one_column_is_a_sequence_of_one(small: Path) -> None:
    with pytest.raises(UsageError, match=r"Pass sample=\['images'\]\."):
        View(small, sample="images")


@pytest.mark.parametrize("number", ["8", 8.0, None, True, 0, -1])
def test_a_size_that_is_not_a_whole_number_is_refused(small: Path, number: Any) -> None:
    message = "^batch_size=.*: expected a whole number, 1 or more"
    with pytest.raises(UsageError, match=message):
        Batches(View(small), number, None, drop_remainder=False)
    with pytest.raises(UsageError, match=message):
        MixedStream(small, number)


@pytest.mark.parametrize("seed", ["a", 1.5, -1, 1 << 63])
def test_a_seed_is_a_whole_number_that_numpy_takes_as_it_is(small: Path, seed: Any) -> None:
    with pytest.raises(UsageError, match=r"^seed=.*: expected "):
        Batches(View(small), 8, seed, drop_remainder=False)
    with pytest.raises(UsageError, match=r"^seed=.*: expected "):
        MixedStream(small, 8, seed=seed)


def test_the_manifest_names_its_data_set(small: Path) -> None:
    """It is what `generate` prints."""
    assert len(View(small / "manifest.json")) == len(View(small))


def test_other_folders_are_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "unfinished/.mixup-gen").mkdir(parents=True)
    for place, found in (
        (tmp_path, "has no manifest.json. Name the folder of a data set."),
        (tmp_path / "nowhere", "no such folder. Name the folder of a data set."),
        (small / "shard-00000.h5", "is not a folder. Name the folder of a data set."),
        (tmp_path / "unfinished", "has no manifest.json. It is unfinished: run its command again."),
    ):
        with pytest.raises(NoInputError) as problem:
            View(place)
        assert str(problem.value) == f"{place}: {found}"
