"""Which sounds a folder holds, with which labels, and what it says about the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_list, open_source
from tests.picture_folders import pictures
from tests.small_sounds import encoded, noise, put, tone, write_sounds


def sounds(root: Path, *names: str) -> Path:
    """A folder with sounds of these names."""
    for number, name in enumerate(names):
        put(root / name, encoded(noise(number, 0.1), "FLAC" if name.endswith("flac") else "WAV"))
    return root


def opened(root: Path, **options: object) -> Source:
    return open_source([root], SourceOptions(**options))  # type: ignore[arg-type]  # by name


def classes(source: Source) -> list[str]:
    """The class of each sample."""
    assert source.labels.classes is not None
    return [source.labels.class_names[number] for number in source.labels.classes]


def test_a_folder_of_sounds_is_recognised_and_said(tmp_path: Path) -> None:
    source = opened(sounds(tmp_path, "dog/b.wav", "dog/a.flac", "cat/1.wav"))
    assert (source.task, source.kind, source.column) == ("audio", "sounds", "waves")
    assert list(source.keys) == ["cat/1.wav", "dog/a.flac", "dog/b.wav"]
    assert classes(source) == ["cat", "dog", "dog"]
    assert source.notices[0] == "read as sounds: 3 sounds at 8,000 Hz, rows of 0.1 s"
    assert source.how_read == (("rate", 8000), ("window", 800), ("short", "pad"))


def test_a_folder_with_images_is_one_of_images(tmp_path: Path) -> None:
    pictures(tmp_path, "a/0.png", "b/1.png")
    sounds(tmp_path, "a/0.wav", "b/1.wav")
    assert opened(tmp_path).kind == "pictures"
    source = opened(tmp_path, task="audio")
    assert (source.kind, len(source)) == ("sounds", 2)
    assert "ignored 2 non-sound files (a/0.png and 1 more)" in source.notices


def test_sounds_that_are_not_read_are_told(tmp_path: Path) -> None:
    sounds(tmp_path, "a/0.wav", "b/1.wav")
    put(tmp_path / "a/2.m4a", b"any")
    assert any("1 sound in an unsupported format (.m4a" in each for each in opened(tmp_path).notices)


def test_labels_of_images_are_not_asked_of_sounds(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no images found"):
        opened(sounds(tmp_path, "a/0.wav"), task="classify")


def test_background_noise_is_left_out_and_said(tmp_path: Path) -> None:
    source = opened(sounds(tmp_path, "yes/a.wav", "no/b.wav", "_background_noise_/c.wav"))
    assert source.labels.class_names == ("no", "yes")
    assert "left out 1 sound in _background_noise_/, which is not a class" in source.notices
    assert not any("without sounds" in each for each in source.notices)


def test_lists_of_splits_are_not_named_as_tables_of_labels(speech_commands: Path) -> None:
    """The names alone are not labels."""
    assert not any("reads labels" in each for each in opened(speech_commands, split="test").notices)


@pytest.fixture
def speech_commands(tmp_path: Path) -> Path:
    """Two classes and a third that only the test split has."""
    sounds(tmp_path, "yes/a.wav", "yes/b.wav", "yes/c.wav", "no/a.wav", "no/b.wav", "zero/t.wav")
    put(tmp_path / "validation_list.txt", b"yes/b.wav\n")
    put(tmp_path / "testing_list.txt", b"yes/c.wav\nno/b.wav\nzero/t.wav\n")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "keys"),
    [
        (None, ["no/a.wav", "yes/a.wav"]),
        ("train", ["no/a.wav", "yes/a.wav"]),
        ("validation", ["yes/b.wav"]),
        ("test", ["no/b.wav", "yes/c.wav", "zero/t.wav"]),
    ],
)
def test_lists_name_the_splits(speech_commands: Path, split: str | None, keys: list[str]) -> None:
    source = opened(speech_commands, split=split)
    assert list(source.keys) == keys
    assert source.labels.class_names == ("no", "yes", "zero")
    assert classes(source) == [key.partition("/")[0] for key in keys]


def test_an_unknown_split_is_refused(speech_commands: Path) -> None:
    with pytest.raises(UsageError, match=r"has no such split \(found: test, train, val\)"):
        opened(speech_commands, split="extra")


def test_esc_50_is_read_with_its_table(tmp_path: Path) -> None:
    sounds(tmp_path, "audio/1-0-A-0.wav", "audio/1-1-A-7.wav", "audio/2-2-A-0.wav")
    table = "filename,fold,target,category,esc10,src_file,take\n"
    table += "1-0-A-0.wav,1,0,dog,True,0,A\n1-1-A-7.wav,1,7,rooster,True,1,A\n2-2-A-0.wav,2,0,dog,True,2,A\n"
    put(tmp_path / "meta/esc50.csv", table.encode())
    assert classes(opened(tmp_path)) == ["dog", "rooster", "dog"]
    assert opened(tmp_path, group_column="fold").labels.groups == ("1", "1", "2")
    assert classes(opened(tmp_path, label_column="target")) == ["0", "7", "0"]


def test_urban_sound_is_read_with_its_table(tmp_path: Path) -> None:
    sounds(tmp_path, "audio/fold1/7-1.wav", "audio/fold2/8-1.wav")
    table = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    table += "7-1.wav,7,0,1,1,1,3,dog_bark\n8-1.wav,8,0,1,1,2,5,siren\n"
    put(tmp_path / "metadata/UrbanSound8K.csv", table.encode())
    assert classes(opened(tmp_path)) == ["dog_bark", "siren"]


def test_metadata_as_in_hugging_face_audiofolder(tmp_path: Path) -> None:
    sounds(tmp_path, "train/0.wav", "train/1.wav")
    put(tmp_path / "train/metadata.csv", b"file_name,label,speaker\n0.wav,yes,a\n1.wav,no,b\n")
    source = opened(tmp_path, group_column="speaker")
    assert (classes(source), source.labels.groups) == (["yes", "no"], ("a", "b"))
    assert source.read_as == "sounds with metadata"


def test_sounds_of_several_rates_ask_for_one(tmp_path: Path) -> None:
    write_sounds(tmp_path)
    put(tmp_path / "high/other.wav", encoded(tone(440, rate=16000), rate=16000))
    with pytest.raises(UsageError, match=r"8,000 Hz \(12 sounds\), 16,000 Hz \(1 sound\)\. Pass rate=8000"):
        opened(tmp_path)
    source = opened(tmp_path, rate=16000)
    assert "12 sounds resampled to 16,000 Hz" in source.notices
    assert source.lengths is not None
    assert np.unique(source.lengths).tolist()[-1] == 8000


def test_a_single_sound_is_not_a_source(tmp_path: Path) -> None:
    sounds(tmp_path, "a.wav")
    with pytest.raises(DataError, match=r"a single sound\. Give its folder"):
        open_source([tmp_path / "a.wav"])


def test_a_list_of_sounds(tmp_path: Path) -> None:
    sounds(tmp_path, "yes/a.wav", "no/b.wav")
    paths = [f"{tmp_path}/{name}\n".encode() for name in ("yes/a.wav", "no/b.wav")]
    source = open_list(paths, "list.txt", SourceOptions(rate=4000))
    assert (source.read_as, source.task, sorted(classes(source))) == ("a list of sounds", "audio", ["no", "yes"])
    with pytest.raises(UsageError, match=r"^label_level=fine: list\.txt is read as a list of sounds"):
        open_list(paths, "list.txt", SourceOptions(label_level="fine"))
