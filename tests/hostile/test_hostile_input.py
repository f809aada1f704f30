"""Everything that a user may feed in, meant badly or gone wrong: one line of message, and no harm done."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.covering import covering
from tests.hostile.cases import CASES, Case
from tests.hostile.cell import Cell
from tests.hostile.conftest import check_harmless, check_remedy, error_of
from tests.hostile.makers import captions, pictures, sounds, texts, videos
from tests.hostile.makers.packings import PACKINGS, packed


def parameters(heavy: bool) -> list[object]:
    return [pytest.param(case, id=case.name) for case in CASES if case.heavy == heavy]


def check_refused(case: Case, cell: Cell, place: Path) -> None:
    case.make(place)
    ended = cell.run(case.command.split(), place, case.environment)
    check_harmless(ended, place)
    message = error_of(ended)
    assert ended.code in case.code, message
    assert case.words, "a message names at least what it is about"
    for words in case.words:
        assert words in message
    check_remedy(message)
    assert ended.changed == []


@pytest.mark.parametrize("case", parameters(heavy=False))
def test_refused_in_one_line(case: Case, cell: Cell, place: Path) -> None:
    check_refused(case, cell, place)


@pytest.mark.slow
@pytest.mark.parametrize("case", parameters(heavy=True))
def test_heavy_ones_too(case: Case, cell: Cell, place: Path) -> None:
    check_refused(case, cell, place)


SIZED = ["--size", "16", "--quiet"]


def check_refused_by_name(cell: Cell, place: Path, command: Sequence[str]) -> None:
    refused = cell.run(["generate", *command], place, {})
    check_harmless(refused, place)
    assert refused.code == 65, refused.err
    assert error_of(refused).endswith("Remove it, or pass --on-error skip.")


def check_left_out(
    cell: Cell, place: Path, key: str = "cat/bad.png", command: Sequence[str] = ("pictures", *SIZED)
) -> None:
    """Refused by its name; left out with its reason where that is wanted."""
    check_refused_by_name(cell, place, command)
    skipped = cell.run(["generate", *command, "--on-error", "skip"], place, {})
    check_harmless(skipped, place)
    assert skipped.code == 0, skipped.err
    (left_out,) = json.loads((place / "mixup-out/manifest.json").read_text())["source"]["skipped"]
    assert left_out["key"] == key
    assert len(left_out["reason"]) > 5


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in pictures.LONG)) for name in pictures.BAD]
)
def test_a_bad_picture_is_refused_or_left_out(name: str, cell: Cell, place: Path) -> None:
    pictures.bad_picture(place, name)
    check_left_out(cell, place)


@pytest.mark.parametrize("name", pictures.LONG)
def test_one_that_takes_long_is_refused(name: str, cell: Cell, place: Path) -> None:
    pictures.bad_picture(place, name)
    check_refused_by_name(cell, place, ("pictures", *SIZED))


@pytest.mark.parametrize("make", [pictures.link_to_nowhere, pictures.link_to_itself, pictures.pipe])
def test_what_is_no_file_is_left_out(make: object, cell: Cell, place: Path) -> None:
    assert callable(make)
    make(place)
    none_allowed = cell.run(["generate", "pictures", *SIZED, "--on-error", "skip", "--max-errors", "0"], place, {})
    assert none_allowed.code == 65
    assert "--max-errors allows 0" in error_of(none_allowed)
    check_left_out(cell, place)


@pytest.mark.parametrize("name", [name for name, _ in pictures.SOUND.values() if not name.isprintable()])
def test_a_bad_picture_of_a_hostile_name(name: str, cell: Cell, place: Path) -> None:
    pictures.bad_name(place, name)
    check_left_out(cell, place, f"cat/{pictures.escaped(name)}")


@pytest.mark.parametrize(("name", "packing"), covering([*sounds.BAD], [*PACKINGS]))
def test_a_bad_sound_is_refused_or_left_out(name: str, packing: str, cell: Cell, place: Path) -> None:
    sounds.bad_sound(place, name)
    source, key = packed(place / "sounds", packing, "Audio", f"high/{name}")
    check_left_out(cell, place, key, [source, "--quiet"])


@pytest.mark.parametrize(("name", "packing"), covering([*videos.BAD], [*PACKINGS]))
def test_a_bad_video_is_refused_or_left_out(name: str, packing: str, cell: Cell, place: Path) -> None:
    videos.bad(place, name)
    source, key = packed(place / "set", packing, "Video", "cat/bad.mp4")
    check_left_out(cell, place, key, [source, *SIZED])


@pytest.mark.parametrize("name", captions.BAD)
def test_a_bad_caption_is_refused_or_left_out(name: str, cell: Cell, place: Path) -> None:
    captions.make(place, name)
    _, source, words = captions.BAD[name]
    check_left_out(cell, place, words.partition(":")[0], captions.COMMAND.format(source=source).split()[1:])


NAMED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a list": (pictures.in_list, "--files-from list", "pictures/"),
    "a list with NULs": (pictures.in_list_with_nul, "-0 --files-from list", "pictures/"),
    "metadata.csv": (pictures.in_metadata_csv, "pictures", ""),
    "metadata.jsonl": (pictures.in_metadata_jsonl, "pictures", ""),
    "the training split": (pictures.in_split_folders, "pictures", "train/"),
    "the validation split": (pictures.in_split_folders, "pictures --split val", "val/"),
}
"""Ways to name pictures of which three are broken: what writes them, the source, and how the keys begin."""

REASONS = {"cut": "cannot decode (file ends at byte 900)", "gone": "cannot read (No such file or directory)"}
REASONS["text"] = "not a picture Pillow can read"


@pytest.mark.parametrize("how", NAMED)
def test_broken_pictures_however_they_are_named(how: str, cell: Cell, place: Path) -> None:
    """Whichever is met first is refused; all are left out with their reasons, if no more are allowed than there are."""
    make, source, before = NAMED[how]
    make(place)
    keys = [before + name for name in pictures.BROKEN_ONES]
    command = ["generate", *source.split(), "--quiet"]
    refused = cell.run(command, place, {})
    check_harmless(refused, place)
    assert refused.code == 65, refused.err
    told = [f"{key}: {reason}." for key, reason in zip(keys, REASONS.values(), strict=True)]
    assert error_of(refused) in [f"{each} Remove it, or pass --on-error skip." for each in told]
    command += ["--on-error", "skip"]
    too_many = cell.run([*command, "--max-errors", "2"], place, {})
    check_harmless(too_many, place)
    assert too_many.code == 65
    allowed = "That is broken input number 3, and --max-errors allows 2. Remove such inputs, or allow more."
    assert error_of(too_many) in [f"{each} {allowed}" for each in told]
    assert too_many.changed == refused.changed == []
    skipped = cell.run([*command, "--max-errors", "3"], place, {})
    check_harmless(skipped, place)
    assert skipped.code == 0, skipped.err
    source_record = json.loads((place / "mixup-out/manifest.json").read_text())["source"]
    assert source_record["samples"] == 7
    found = [(each["key"], each["reason"]) for each in source_record["skipped"]]
    assert found == list(zip(keys, REASONS.values(), strict=True))
    verified = cell.run(["verify", "mixup-out", "--deep"], place, {})
    assert verified.code == 0, verified.err


@pytest.mark.parametrize("name", pictures.SOUND)
def test_what_only_looks_hostile_is_used(name: str, cell: Cell, place: Path) -> None:
    pictures.sound_picture(place, name)
    ended = cell.run(["generate", "pictures", *SIZED], place, {})
    check_harmless(ended, place)
    assert ended.code == 0, ended.err
    assert cell.run(["verify", "--quiet"], place, {}).code == 0


@pytest.mark.parametrize("make", [pictures.folder_loops, pictures.manifest_pipe, pictures.foreign_manifest])
def test_folders_that_are_traps(make: object, cell: Cell, place: Path) -> None:
    assert callable(make)
    make(place)
    ended = cell.run(["generate", "pictures", *SIZED], place, {})
    check_harmless(ended, place)
    assert ended.code == 0, ended.err
    assert json.loads((place / "mixup-out/manifest.json").read_text())["source"]["samples"] == 4


def test_a_folder_too_deep_for_the_system(cell: Cell, place: Path) -> None:
    pictures.deep_folders(place, 60)
    ended = cell.run(["generate", "pictures", *SIZED], place, {})
    check_harmless(ended, place)
    assert ended.code in (0, 74)


def test_formulas_are_text(cell: Cell, place: Path) -> None:
    texts.metadata(place, "metadata.csv", texts.FORMULAS)
    ended = cell.run(["generate", "pictures", *SIZED], place, {})
    check_harmless(ended, place)
    assert ended.code == 0, ended.err
    names = json.loads((place / "mixup-out/manifest.json").read_text())["class_names"]
    assert names == ["=1+1", "=cmd|' /C calc'!A0", "@SUM(1)"]


@pytest.mark.slow
def test_a_sparse_file_of_a_gigabyte(cell: Cell, place: Path) -> None:
    pictures.sparse_file(place, (1 << 30) + 1)
    check_left_out(cell, place)
