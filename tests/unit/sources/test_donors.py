"""Donors of their own, behind the samples of a source."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.errors import MixupGenError, NoInputError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import open_list, open_source
from mixup_cli.sources.chosen import ChosenSamples
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.storage.source_table import SourceTable
from tests.small_sounds import RATE, encoded, noise, put, tone, write_sounds


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Words of a third to half a second in `speech`, and noise of a quarter to two seconds in `noise`."""
    write_sounds(tmp_path / "speech")
    put(tmp_path / "noise/b.wav", encoded(noise(1, 2.0)))
    put(tmp_path / "noise/a/deep.wav", encoded(noise(2, 0.25)))
    put(tmp_path / "noise/a/fast.wav", encoded(noise(3, 1.0, rate=2 * RATE), rate=2 * RATE))
    put(tmp_path / "noise/readme.md", b"what it is")
    return tmp_path


def opened(place: Path, source: str = "speech", donors: str = "noise", **options: Any) -> Source:
    return open_source([place / source], SourceOptions(donors_from=str(place / donors), **options))


def test_they_stand_behind_the_samples_without_a_label(place: Path) -> None:
    source, alone = opened(place), open_source([place / "speech"])
    assert list(source.keys) == [f"0:{key}" for key in alone.keys] + ["1:a/deep.wav", "1:a/fast.wav", "1:b.wav"]
    assert source.labels.base_count == len(alone)
    assert source.labels.class_names == alone.labels.class_names
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [*np.asarray(alone.labels.classes).tolist(), -1, -1, -1]
    assert source.how_read == alone.how_read
    chosen = ChosenSamples(source, np.array([2, 11, 12, 14]))
    assert chosen.labels.base_count == 2
    rooms = chosen.rooms(Target(Form((16000, 1), "float32", "tc")))
    assert rooms is not None
    assert rooms.tolist() == [4000, 4000, 4000, 16000]


def test_they_are_read_at_the_rate_and_length_of_the_source(place: Path) -> None:
    source = opened(place, rate=4000, seconds=0.5)
    survey = source.survey(1)
    assert survey.window == 2000
    assert survey.array_form == Form((8000, 1), "float32", "tc")
    assert np.asarray(source.lengths)[-3:].tolist() == [1000, 4000, 8000]
    assert any(each == "donors: 1 sound shorter than 0.5 s: padded with silence" for each in source.notices)
    looped = opened(place, rate=4000, seconds=0.5, short="loop")
    assert np.asarray(looped.lengths)[-3:].tolist() == [2000, 4000, 8000]


def test_a_folder_of_donors_in_the_source_is_no_class(place: Path) -> None:
    shutil.move(place / "noise", place / "speech/rain")
    assert "rain" in open_source([place / "speech"], SourceOptions(rate=RATE)).labels.class_names
    source = opened(place, donors="speech/rain")
    assert source.labels.class_names == ("high", "low", "noise")
    assert [key for key in source.keys if "rain" in key] == []


def test_the_noise_of_speech_commands(place: Path) -> None:
    shutil.move(place / "noise", place / "speech/_background_noise_")
    source = opened(place, donors="speech/_background_noise_")
    assert list(source.keys[-3:]) == ["1:a/deep.wav", "1:a/fast.wav", "1:b.wav"]
    assert "_background_noise_" not in source.labels.class_names


def test_a_list_of_sounds_has_donors_too(place: Path) -> None:
    options = SourceOptions(donors_from=str(place / "noise"))
    source = open_list([b"high/0.wav", b"low/1.wav"], "list", options, str(place / "speech"))
    assert list(source.keys) == ["0:high/0.wav", "0:low/1.wav", "1:a/deep.wav", "1:a/fast.wav", "1:b.wav"]
    assert source.list_folder == str(place / "speech")


def test_sources_are_numbered_before_their_donors(tmp_path: Path) -> None:
    for name in ("a/cat/0.png", "b/dog/0.png", "textures/0.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(tmp_path / name)
    options = SourceOptions(donors_from=str(tmp_path / "textures"))
    source = open_source([tmp_path / "a", tmp_path / "b"], options)
    assert list(source.keys) == ["0:cat/0.png", "1:dog/0.png", "2:0.png"]
    assert source.labels.class_names == ("cat", "dog")


@pytest.mark.parametrize("axes", ["hwc", "chw", "hw"])
def test_images_of_any_size_become_what_the_bases_are(tmp_path: Path, axes: Any) -> None:
    """Also grey arrays, which have no axis of channels; and donors of 16 bits."""
    shape = {"hwc": (4, 6, 3), "chw": (3, 4, 6), "hw": (4, 6)}[axes]
    np.savez(tmp_path / "a.npz", x=np.zeros((3, *shape), np.uint8), y=np.array([0, 1, 0]))
    (tmp_path / "textures").mkdir()
    Image.fromarray(np.full((40, 50), 65535, np.uint16)).save(tmp_path / "textures/0.png")
    source = opened(tmp_path, "a.npz", "textures")
    form = source.survey(1).array_form
    assert form == Form(shape, "uint8", axes)
    out = np.zeros((4, *form.shape), np.uint8)
    found = source.load(0, 4, Target(form), out)
    assert [each.problem for each in found] == [None] * 4
    assert (out[:3] == 0).all()
    assert (out[3] == 255).all()
    assert source.examine(3, 4, Target(form))[0].sha256 == found[3].sha256


def test_soft_labels_of_donors_are_zeros(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 4, 4, 3), np.uint8), y=np.array([[0.5, 0.5], [0.25, 0.75]]))
    (tmp_path / "textures").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "textures/0.png")
    labels = opened(tmp_path, "a.npz", "textures").labels
    assert np.asarray(labels.values).tolist() == [[0.5, 0.5], [0.25, 0.75], [0, 0]]


def test_the_last_part_of_a_table_is_what_has_the_last_number() -> None:
    keys = ["0:a", "0:b", "1:a", "10:a", "10:b:c"]
    assert SourceTable(keys, [""] * 5, None).last_part == range(3, 5)  # type: ignore[arg-type]
    assert SourceTable([], [], None).last_part == range(0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "donors", "options", "kind", "words"),
    [
        ("speech", "nowhere", {}, NoInputError, "nowhere: no such folder"),
        ("speech", "empty", {}, NoInputError, "empty: no sounds found"),
        ("speech", "speech", {}, UsageError, "lies in that folder. Name a folder of donors alone"),
        ("speech", ".", {}, UsageError, "lies in that folder"),
        ("speech", "noise/b.wav", {}, UsageError, r"b\.wav: is a file. Name the folder that holds it"),
        ("grouped", "noise", {"group_column": "who"}, UsageError, "has groups, and donors are in none"),
        ("volumes.npz", "noise", {}, UsageError, r"holds arrays of the shape \(2, 3, 4, 5\), and donors are images"),
        ("two.npz", "noise", {"data_key": "a,b"}, UsageError, "has the signals images, b, and donors are files with"),
    ],
)
def test_what_cannot_be_is_refused(
    place: Path, source: str, donors: str, options: dict[str, Any], kind: type[MixupGenError], words: str
) -> None:
    (place / "empty").mkdir()
    shutil.copytree(place / "speech/high", place / "grouped")
    rows = [f"{number}.wav,a,w{number % 2}" for number in range(4)]
    put(place / "grouped/metadata.csv", "\n".join(["file_name,label,who", *rows]).encode())
    np.savez(place / "volumes.npz", x=np.zeros((3, 2, 3, 4, 5), np.uint8), y=np.arange(3))
    np.savez(place / "two.npz", a=np.zeros((3, 4, 4, 3), np.uint8), b=np.zeros((3, 4, 4), np.uint8), y=np.arange(3))
    with pytest.raises(kind, match=words):
        opened(place, source, donors, **options)


def test_stereo_noise_behind_mono_speech(tmp_path: Path) -> None:
    put(tmp_path / "speech/a/0.wav", encoded(tone(200)))
    put(tmp_path / "noise/0.wav", encoded(np.stack([tone(100), np.zeros(4000, np.float32)], axis=1), subtype="FLOAT"))
    source = opened(tmp_path)
    form = source.survey(1).array_form
    assert form == Form((4000, 1), "float32", "tc")
    out = np.zeros((2, 4000, 1), np.float32)
    source.load(0, 2, Target(form), out)
    np.testing.assert_allclose(out[1, :, 0], tone(100) / 2, atol=1e-7)
