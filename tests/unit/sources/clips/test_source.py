"""Folders and lists of videos as a source."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_list, open_source
from mixup_cli.sources.clips.decode import read_clip
from mixup_cli.storage.loaded import Loaded
from tests.small_clips import NAMES, Video, numbers_in, write_videos

NOTICE = "read as videos: 16 frames of each, from its middle, 2 apart; frames and stride choose otherwise"
SHORT = Video(count=4, codec="mpeg4", options={"b": "500000"})


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


def loaded(source: Source, start: int = 0, stop: int | None = None) -> tuple[NDArray[np.uint8], list[Loaded]]:
    stop = len(source) if stop is None else stop
    form = source.survey().array_form
    assert form is not None
    clips = np.zeros((stop - start, *form.shape), np.uint8)
    return clips, source.load(start, stop, Target(form), clips)


def test_class_folders(videos: Path) -> None:
    source = open_source([videos])
    assert (source.kind, source.task, source.column, source.read_as) == (
        "clips",
        "video",
        "clips",
        "class folders of videos",
    )
    assert (list(source.keys), source.notices) == (list(NAMES), (NOTICE,))
    assert source.labels.class_names == ("long", "short")
    form = source.survey().array_form
    assert form is not None
    assert (form.shape, form.dtype, form.axes) == ((16, 112, 112, 3), "uint8", "thwc")
    clips, found = loaded(source)
    assert [one.problem for one in found] == [None] * 4
    assert [one.sha256 for one in found] == [hashlib.sha256((videos / name).read_bytes()).hexdigest() for name in NAMES]
    expected = [[*range(8, 40, 2)], [*range(1, 33, 2)], [*range(0, 20, 2), *[19] * 6], [*range(0, 6, 2), *[5] * 13]]
    assert [numbers_in(clip) for clip in clips] == expected


def test_the_notice_names_the_options_that_are_open(videos: Path) -> None:
    said = "read as videos: 4 frames of each, from its middle, 2 apart; stride chooses otherwise"
    assert open_source([videos], SourceOptions(frames=4)).notices == (said,)
    (notice,) = open_source([videos], SourceOptions(frames=4, stride=1)).notices
    assert notice.endswith(", 1 apart")
    assert open_source([videos], SourceOptions(task="video")).notices == ()


def test_any_range_is_a_part_of_all_and_threads_share_it(videos: Path) -> None:
    source = open_source([videos], SourceOptions(frames=4, stride=1))
    whole, found = loaded(source)
    for start, stop in ((0, 1), (1, 3), (3, 4)):
        np.testing.assert_array_equal(loaded(source, start, stop)[0], whole[start:stop])
    with ThreadPoolExecutor(4) as pool:
        for index, (clip, one) in enumerate(
            pool.map(lambda index: loaded(source, index % 4, index % 4 + 1), range(16))
        ):
            np.testing.assert_array_equal(clip[0], whole[index % 4])
            assert one == found[index % 4 : index % 4 + 1]
    several = loaded(open_source([videos], SourceOptions(frames=4, stride=1, clips=3)))[0]
    np.testing.assert_array_equal(several[:, 4:8], whole, "the one in the middle")
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(loaded(copy)[0], whole)


def test_examining_reads_the_same_bytes(videos: Path) -> None:
    source = open_source([videos])
    form = source.survey().array_form
    assert form is not None
    assert source.examine(0, 4, Target(form)) == loaded(source)[1]
    assert [source.rehash(index) for index in range(4)] == [one.sha256 for one in loaded(source)[1]]


def test_a_broken_video_is_a_problem_of_its_own(videos: Path, tmp_path: Path) -> None:
    shutil.copytree(videos, tmp_path / "set")
    path = tmp_path / "set/short/2.mkv"
    path.write_bytes(path.read_bytes()[:900])
    (tmp_path / "set/short/4.mp4").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "set/short/5.mp4").symlink_to(tmp_path / "pipe")
    _, found = loaded(open_source([tmp_path / "set"]))
    assert [one.problem for one in found] == [
        None,
        None,
        "cannot decode (file ends at byte 900)",
        None,
        "cannot read (No such file or directory)",
        "not a regular file",
    ]


def test_what_has_changed_is_seen(videos: Path, tmp_path: Path) -> None:
    shutil.copytree(videos, tmp_path / "set")
    source = open_source([tmp_path / "set"])
    before = source.stamps()
    loaded(source)
    assert source.changed() is None
    assert before is not None
    assert before.same(source.stamps())
    assert not before.same(open_source([tmp_path / "set"], SourceOptions(stride=3)).stamps())
    os.utime(tmp_path / "set/short/3.mp4", ns=(0, 0))
    assert source.changed() == "short/3.mp4"
    assert not before.same(source.stamps())


def test_a_video_that_changes_while_it_is_read(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(videos, tmp_path / "set")

    def growing(*given: object) -> None:
        read_clip(*given)  # type: ignore[arg-type]
        with (tmp_path / "set/long/0.mp4").open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr("mixup_cli.sources.clips.source.read_clip", growing)
    with pytest.raises(DataError, match=r"long/0\.mp4: changed while it was read"):
        loaded(open_source([tmp_path / "set"]))


def test_labels_can_be_left_out_and_classes_given(videos: Path) -> None:
    assert open_source([videos], SourceOptions(label_kind="none")).labels.kind == "none"
    labels = open_source([videos], SourceOptions(classes=("short", "long"))).labels
    assert labels.classes is not None
    assert labels.classes.tolist() == [1, 1, 0, 0]


def test_kinetics(tmp_path: Path) -> None:
    for name in ("abc_000010_000020", "-d_e_000003_000013", "unlisted_000000_000010"):
        SHORT.write(tmp_path / f"set/train/{name}.mp4")
    rows = [
        "label,youtube_id,time_start,time_end,split",
        '"playing ""bass""",abc,10,20,train',
        "archery,-d_e,3,13,train",
    ]
    (tmp_path / "train.csv").write_text("\n".join([*rows, "archery,gone,0,10,train"]))
    source = open_source([tmp_path / "set/train"], SourceOptions(labels_from=str(tmp_path / "train.csv")))
    assert source.read_as == "videos with metadata"
    assert list(source.keys) == ["-d_e_000003_000013.mp4", "abc_000010_000020.mp4"]
    assert source.labels.class_names == ("archery", 'playing "bass"')
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [0, 1]
    notices = " ".join(source.notices)
    assert "no video gone_000000_000010; left out" in notices
    assert "ignored 1 video that" in notices


def test_lists_with_paths_and_labels(tmp_path: Path) -> None:
    """As mmaction, and UCF-101's training lists, have them."""
    for name in ("a/v_1.avi", "b/v_2.avi"):
        SHORT.write(tmp_path / "set" / name)
    (tmp_path / "list.txt").write_text("b/v_2.avi 7\na/v_1.avi 3\n")
    source = open_source([tmp_path / "set"], SourceOptions(labels_from=str(tmp_path / "list.txt")))
    assert (list(source.keys), source.labels.class_names) == (["a/v_1.avi", "b/v_2.avi"], ("3", "7"))
    (tmp_path / "frames.txt").write_text("some_folder 120 7\nother_folder 90 3\n")
    with pytest.raises(DataError, match="names videos of the source"):
        open_source([tmp_path / "set"], SourceOptions(labels_from=str(tmp_path / "frames.txt")))


@pytest.mark.parametrize("task", [None, "video"])
def test_lists_of_paths(task: str | None, videos: Path) -> None:
    lines = [str(videos / name).encode() + b"\n" for name in NAMES]
    source = open_list(lines, "list.txt", SourceOptions(task=task, frames=2))  # type: ignore[arg-type]
    assert (source.read_as, len(source), source.labels.class_names) == ("a list of videos", 4, ("long", "short"))
    assert loaded(source)[0].shape == (4, 2, 112, 112, 3)


def test_images_come_first_unless_the_task_says_otherwise(videos: Path, tmp_path: Path) -> None:
    from PIL import Image

    shutil.copytree(videos, tmp_path / "set")
    (tmp_path / "set/poster").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "set/poster/a.png")
    assert open_source([tmp_path / "set"]).kind == "pictures"
    assert open_source([tmp_path / "set"], SourceOptions(task="video")).kind == "clips"
    with pytest.raises(NoInputError, match="no images found"):
        open_source([videos], SourceOptions(task="classify"))
    with pytest.raises(NoInputError, match="no videos found"):
        open_source([tmp_path / "set/poster"], SourceOptions(task="video"))
    with pytest.raises(DataError, match=r"a single video\. Give its folder"):
        open_source([videos / NAMES[0]])
    with pytest.raises(UsageError, match="frames=4"):
        open_source([tmp_path / "set/poster"], SourceOptions(frames=4))


def test_formats_that_are_not_read_are_said(tmp_path: Path) -> None:
    SHORT.write(tmp_path / "set/a/0.avi")
    SHORT.write(tmp_path / "set/b/0.avi")
    (tmp_path / "set/a/1.ogv").write_bytes(b"OggS")
    (notice,) = open_source([tmp_path / "set"]).notices[1:]
    assert notice == "ignored 1 video in an unsupported format (.ogv: a/1.ogv). Convert them to MP4 to include them"
    (tmp_path / "set/b/0.avi").rename(tmp_path / "set/b/0.vob")
    with pytest.raises(DataError, match="the class b would be lost"):
        open_source([tmp_path / "set"])
