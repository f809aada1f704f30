"""Sounds and videos in archives and stores are those of the folder: the same keys, classes, hashes and values."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.storage.loaded import Loaded
from tests.packed_sources import (
    hugging_face,
    hugging_face_of,
    images_of,
    put_in_memory,
    write_tar,
    write_web_dataset,
    write_zip,
)
from tests.small_clips import Video, write_videos
from tests.small_sounds import encoded, put, tone, write_sounds

KINDS = ("sounds", "clips")
FEATURES = {"sounds": "Audio", "clips": "Video"}
PACKED: dict[str, Callable[[Path, Path], str | Path]] = {
    "tar": lambda folder, out: write_tar(out / "a.tar", images_of(folder)),
    "zip": lambda folder, out: write_zip(out / "a.zip", images_of(folder)),
    "store": lambda folder, out: put_in_memory(folder, f"media-{folder.name}"),
    "tar in a store": lambda folder, out: put_in_memory(
        write_tar(out / "a.tar", images_of(folder)), f"tars/{folder.name}.tar"
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media")
    write_sounds(root / "sounds", count=2)
    write_videos(root / "clips", ("long/0.mp4", "long/1.avi", "short/2.mkv"))
    return root


def loaded(source: Source) -> tuple[NDArray[np.generic], list[Loaded]]:
    form = source.survey().array_form
    assert form is not None
    values = np.zeros((len(source), *form.shape), form.dtype)
    return values, source.load(0, len(source), Target(form), values)


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("kind", KINDS)
def test_packed_folders_are_as_folders(kind: str, packed: str, folders: Path, tmp_path: Path) -> None:
    folder = open_source([folders / kind])
    source = open_source([PACKED[packed](folders / kind, tmp_path)])
    assert (source.kind, source.task, source.column, source.read_as) == (
        folder.kind,
        folder.task,
        folder.column,
        folder.read_as,
    )
    assert (list(source.keys), source.notices, source.how_read) == (list(folder.keys), folder.notices, folder.how_read)
    assert source.labels.class_names == folder.labels.class_names
    np.testing.assert_array_equal(source.labels.classes, folder.labels.classes)
    (values, found), (expected, of_files) = loaded(pickle.loads(pickle.dumps(source))), loaded(folder)
    np.testing.assert_array_equal(values, expected)
    assert found == of_files
    form = source.survey().array_form
    assert form is not None
    assert source.examine(0, len(source), Target(form)) == found
    assert source.rehash(1) == found[1].sha256


@pytest.mark.parametrize("kind", KINDS)
def test_web_datasets(kind: str, folders: Path, tmp_path: Path) -> None:
    folder, tars = open_source([folders / kind]), write_web_dataset(tmp_path / "tars", folders / kind, tar_count=1)
    source = open_source([tars / "shard-000000.tar"])
    assert source.read_as == f"WebDataset of {'videos' if kind == 'clips' else 'sounds'}"
    assert source.labels.class_names == folder.labels.class_names
    np.testing.assert_array_equal(source.labels.classes, folder.labels.classes)
    np.testing.assert_array_equal(loaded(source)[0], loaded(folder)[0])


@pytest.mark.parametrize("where", ["saved", "a.parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_tables(kind: str, where: str, folders: Path, tmp_path: Path) -> None:
    folder, place = open_source([folders / kind]), tmp_path / where
    made = hugging_face(folders / kind, FEATURES[kind])
    made.save_to_disk(place) if where == "saved" else made.to_parquet(place, batch_size=2)
    source = open_source([place])
    assert source.read_as == f"a Hugging Face data set of {'videos' if kind == 'clips' else 'sounds'}"
    assert (source.kind, source.task, source.column) == ("hugging-face", folder.task, folder.column)
    assert (source.notices, source.how_read) == (folder.notices, folder.how_read)
    assert source.labels.class_names == folder.labels.class_names
    np.testing.assert_array_equal(source.labels.classes, folder.labels.classes)
    (values, found), (expected, of_files) = loaded(pickle.loads(pickle.dumps(source))), loaded(folder)
    np.testing.assert_array_equal(values, expected)
    assert found == of_files


def test_columns_of_several_kinds(folders: Path, photos: Path, tmp_path: Path) -> None:
    """Images come first, as in archives; a task or a column chooses others."""
    roots = {"audio": folders / "sounds", "video": folders / "clips", "image": photos}
    row = {name: {"bytes": next(iter(images_of(root).values())), "path": None} for name, root in roots.items()}
    features = datasets.Features({name: getattr(datasets, name.title())() for name in row})
    place = tmp_path / "a.parquet"
    hugging_face_of([row] * 2, features).to_parquet(place)
    chosen: dict[str, dict[str, Any]] = {"none": {}, "task": {"task": "audio"}, "column": {"data_key": "video"}}
    found = {how: open_source([place], SourceOptions(**options)).task for how, options in chosen.items()}
    assert found == {"none": "classify", "task": "audio", "column": "video"}
    with pytest.raises(
        DataError, match=r"no column video of sounds \(found: audio \(Audio\), video \(Video\), image .*Pass task=video"
    ):
        open_source([place], SourceOptions(task="audio", data_key="video"))


def test_a_task_says_what_bytes_are(tmp_path: Path) -> None:
    """pyarrow and pandas write no features."""
    place, wave = tmp_path / "a.parquet", encoded(tone(200))
    parquet.write_table(pa.table({"speech": [{"bytes": wave, "path": "a.wav"}] * 2, "label": ["a", "b"]}), place)
    source = open_source([place], SourceOptions(task="audio"))
    assert [each.problem for each in loaded(source)[1]] == [None, None]
    with pytest.raises(UsageError, match="max_pixels"):
        open_source([place], SourceOptions(task="audio", max_pixels=9))


def test_what_a_sample_is_of_several_files(folders: Path, tmp_path: Path) -> None:
    """As data sets of videos have them, with a poster and the sound beside each."""
    video = next((folders / "clips").rglob("*.mp4")).read_bytes()
    poster = (Path(__file__).parents[4] / "sample_data/photos").rglob("*.jpg")
    members = {"0.mp4": video, "0.wav": encoded(tone(200)), "0.cls": b"3"}
    without = write_tar(tmp_path / "without.tar", members)
    both = write_tar(tmp_path / "both.tar", {**members, "0.jpg": next(poster).read_bytes()})
    found = {
        (place.stem, task): open_source([place], SourceOptions(task=task)).keys[0]
        for place in (without, both)
        for task in (None, "video", "audio")
    }
    assert found == {
        ("without", None): "without.tar/0.mp4",
        ("without", "video"): "without.tar/0.mp4",
        ("without", "audio"): "without.tar/0.wav",
        ("both", None): "both.tar/0.jpg",
        ("both", "video"): "both.tar/0.mp4",
        ("both", "audio"): "both.tar/0.wav",
    }
    assert open_source([both], SourceOptions(data_key="wav")).task == "audio"
    twice = write_tar(tmp_path / "twice.tar", {**members, "0.flac": encoded(tone(200), "FLAC")})
    with pytest.raises(UsageError, match=r"has several sounds \(flac, wav\)"):
        open_source([twice], SourceOptions(task="audio"))
    with pytest.raises(UsageError, match="frames"):
        open_source([twice], SourceOptions(data_key="flac", frames=3))


def test_damage_is_that_of_one_sample(tmp_path: Path) -> None:
    whole, video = encoded(tone(200)), Video(count=4, codec="mpeg4").write(tmp_path / "a.mp4").read_bytes()
    sounds = write_tar(tmp_path / "sounds.tar", {"a/0.wav": whole, "b/0.wav": whole, "b/1.wav": whole[:-100]})
    clips = write_zip(tmp_path / "clips.zip", {"a/0.mp4": video, "b/0.mp4": video, "b/1.mp4": video[:200]})
    problems = [[each.problem for each in loaded(open_source([place]))[1]] for place in (sounds, clips)]
    assert [each[:2] for each in problems] == [[None, None]] * 2
    assert "of samples that its header claims" in str(problems[0][2])
    assert "cannot decode" in str(problems[1][2])


def test_lists_of_splits_are_followed(tmp_path: Path) -> None:
    for name in ("yes/a.wav", "yes/b.wav", "no/a.wav", "_background_noise_/hum.wav"):
        put(tmp_path / "speech" / name, encoded(tone(200)))
    put(tmp_path / "speech/validation_list.txt", b"yes/b.wav\n")
    packed = open_source([write_zip(tmp_path / "speech.zip", images_of(tmp_path / "speech"))])
    assert list(packed.keys) == ["no/a.wav", "yes/a.wav"]


def test_the_other_kind_is_not_found(folders: Path, tmp_path: Path) -> None:
    sounds = write_tar(tmp_path / "a.tar", images_of(folders / "sounds"))
    with pytest.raises(DataError, match="an archive without videos"):
        open_source([sounds], SourceOptions(task="video"))
    tars = write_web_dataset(tmp_path / "tars", folders / "sounds", tar_count=2)
    with pytest.raises(NoInputError, match="no sample has a video"):
        open_source([tars], SourceOptions(task="video"))
