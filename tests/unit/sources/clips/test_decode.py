"""Which frames a clip has, what becomes of their pixels, and what is said of files without one."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.sources.clips import decode
from mixup_cli.sources.clips.decode import Video as VideoFile
from mixup_cli.sources.clips.decode import check_clip, read_clip
from mixup_cli.sources.clips.sampling import Sampling
from mixup_cli.sources.reading.encoded import Undecodable
from tests.hostile.makers.videos import jpeg_of, mp4
from tests.small_clips import Video, numbered, numbers_in

EIGHT = Sampling(8, 2)
MPEG4 = Video(codec="mpeg4", options={"b": "3000000", "g": "12", "bf": "2"})
KINDS = {
    "mp4": Video(),
    "m4v": Video(),
    "mov": Video(),
    "mkv": Video(),
    "3gp": Video(),
    "flv": Video(),
    "avi": Video(options={"crf": "12", "g": "12", "bf": "0"}),
    "webm": Video(codec="libvpx-vp9", options={"crf": "20", "b": "0", "cpu-used": "8", "deadline": "realtime"}),
    "mpg": Video(codec="mpeg2video", options={"b": "3000000", "g": "12", "bf": "2"}),
    "wmv": Video(codec="msmpeg4", options={"b": "3000000"}),
}
OTHERS = {
    "one key frame.mp4": Video(options={"crf": "12", "g": "1000", "bf": "3"}),
    "open groups.mp4": Video(options={"crf": "12", "g": "6", "bf": "3", "x264-params": "open-gop=1"}),
    "refreshed.mp4": Video(options={"crf": "12", "g": "8", "x264-params": "intra-refresh=1"}),
    "mpeg-4.avi": MPEG4,
    "mpeg-4.mp4": MPEG4,
    "hevc.mp4": Video(codec="libx265", options={"crf": "12", "x265-params": "log-level=none:pools=none"}),
    "vp8.webm": Video(codec="libvpx", options={"b": "2000000", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "vp9 with hidden frames.webm": Video(
        codec="libvpx-vp9", options={"b": "2000000", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}
    ),
    "mjpeg.avi": Video(codec="mjpeg", format="yuvj420p", options={"q:v": "2"}),
    "ten bits.mkv": Video(format="yuv420p10le"),
    "whole colours.mkv": Video(format="yuv444p"),
    "rgb.mkv": Video(codec="ffv1", format="bgr0", options={}),
    "grey.mkv": Video(codec="ffv1", format="gray", options={}),
    "odd sides.mkv": Video(codec="ffv1", size=(49, 65), options={}),
    "uneven times.mp4": Video(times=tuple(number * 3 + number % 2 for number in range(40))),
    "late.mkv": Video(times=tuple(range(500, 540))),
}


def read(path: Path, sampling: Sampling = EIGHT, size: tuple[int, int] = (48, 48)) -> NDArray[np.uint8]:
    """The clips of a file, one after the other."""
    clip = np.full((sampling.clips * sampling.frames, *size, 3), 77, np.uint8)
    with path.open("rb") as file:
        read_clip(VideoFile(file, path.stat().st_size, 10**8), sampling, clip)
    return clip


def problem_of(path: Path, max_pixels: int = 10**8) -> str:
    """Why a file has no clip; the headers alone say nothing else."""
    with path.open("rb") as file:
        video = VideoFile(file, path.stat().st_size, max_pixels)
        with pytest.raises(Undecodable) as found:
            read_clip(video, EIGHT, np.empty((8, 48, 48, 3), np.uint8))
        with suppress(Undecodable):
            check_clip(video)
            return str(found.value)
        with pytest.raises(Undecodable, match=re.escape(str(found.value))):
            check_clip(video)
    return str(found.value)


@pytest.mark.parametrize("name", [*(f"a.{ending}" for ending in KINDS), *OTHERS])
def test_the_middle_frames_are_taken(name: str, tmp_path: Path) -> None:
    video = OTHERS.get(name) or KINDS[name.partition(".")[2]]
    path = video.write(tmp_path / name)
    assert numbers_in(read(path)) == [*range(12, 27, 2)], "(40 - 15) // 2 = 12"


@pytest.mark.parametrize(
    ("count", "sampling", "expected"),
    [
        (40, Sampling(1, 1), [19]),
        (16, Sampling(8, 2), [*range(0, 16, 2)]),
        (15, Sampling(8, 2), [*range(0, 15, 2)]),
        (9, Sampling(8, 2), [0, 2, 4, 6, 8, 8, 8, 8]),
        (1, Sampling(3, 2), [0, 0, 0]),
        (40, Sampling(4, 13), [0, 13, 26, 39]),
        (41, Sampling(2, 1), [19, 20]),
        (40, Sampling(4, 2, 3), [5, 7, 9, 11, 16, 18, 20, 22, 27, 29, 31, 33]),
        (9, Sampling(4, 2, 2), [0, 2, 4, 6, 1, 3, 5, 7]),
        (2, Sampling(2, 2, 2), [0, 1, 0, 1]),
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "avi"])
def test_short_videos_repeat_their_last_frame(
    count: int, sampling: Sampling, expected: list[int], ending: str, tmp_path: Path
) -> None:
    path = (
        Video(count=count) if ending == "mp4" else Video(count=count, codec="mpeg4", options={"b": "3000000"})
    ).write(tmp_path / f"a.{ending}")
    assert sampling.chosen(count).ravel().tolist() == expected
    assert numbers_in(read(path, sampling)) == expected


def test_packets_are_trusted_only_as_far_as_frames_bear_them_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, by_counting = list[VideoFile](), decode._by_counting

    def counting(video: VideoFile, sampling: Sampling, out: NDArray[np.uint8]) -> None:
        counted.append(video)
        by_counting(video, sampling, out)

    monkeypatch.setattr(decode, "_by_counting", counting)
    for name in ("one key frame.mp4", "open groups.mp4", "uneven times.mp4", "late.mkv"):
        read(OTHERS[name].write(tmp_path / name))
    assert not counted
    monkeypatch.setattr(decode, "_times", lambda container, stream: [*range(0, 40 * 512, 256)])
    assert numbers_in(read(tmp_path / "one key frame.mp4")) == [*range(12, 27, 2)]
    assert counted


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "bgr0"])
def test_frames_are_turned_as_they_are_to_be_shown(
    degrees: int, is_mirrored: bool, pixels: str, tmp_path: Path
) -> None:
    codec = "libx264" if pixels == "yuv420p" else "libx264rgb"
    video = Video(size=(32, 64), codec=codec, format=pixels.replace("bgr0", "rgb24"), turn=(degrees, is_mirrored))
    path = video.write(tmp_path / "a.mp4")
    expected = np.rot90(numbered(19, (32, 64)), degrees // 90)
    expected = expected[:, ::-1] if is_mirrored else expected
    found = read(path, Sampling(1, 1), expected.shape[:2])[0]
    assert np.abs(found.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)])
@pytest.mark.parametrize("size", [(48, 64), (480, 640)])
def test_colours_stay(colour: tuple[int, int, int], size: tuple[int, int], tmp_path: Path) -> None:
    path = Video(count=3, size=size, colour=colour).write(tmp_path / "a.mp4")
    found = read(path, Sampling(1, 1), size)[0].astype(int)
    assert np.abs(found - numbered(1, size, colour)).mean() < 4


def test_frames_are_resized_and_cropped_in_their_centre(tmp_path: Path) -> None:
    path = Video(count=3, size=(64, 192), codec="ffv1", format="yuv444p", options={}).write(tmp_path / "a.mkv")
    found = read(path, Sampling(1, 1), (32, 32))[0].astype(int)
    whole = numbered(1, (64, 192))[:, 64:128].astype(float)
    halved = whole.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(found - halved)[:, 2:-2].mean() < 10, "a triangle filter over four lines and columns"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.webm", "a.mpg", "open groups.mp4", "uneven times.mp4"])
def test_first_and_last_frames_are_those_of_ffmpeg(name: str, tmp_path: Path) -> None:
    path = (OTHERS.get(name) or KINDS[name.partition(".")[2]]).write(tmp_path / name)
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 48, 64, 3).astype(int)
    clip = read(path, EIGHT, (48, 64)).astype(int)
    assert len(frames) == 40
    for ours, theirs in ((clip[0], frames[12]), (clip[-1], frames[26])):
        assert np.abs(ours - theirs).mean() < 1.5, "they round chroma otherwise"
        assert np.abs(ours - theirs).max() < 40


def _cut(path: Path, part: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    return path


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi", "webm"])
@pytest.mark.parametrize("part", [0.5, 0.98])
@pytest.mark.parametrize("is_early", [False, True])
def test_files_that_are_cut_off(ending: str, part: float, is_early: bool, tmp_path: Path) -> None:
    """With the index of an MP4 at its start, FFmpeg would read the frames that are left."""
    options = {**KINDS[ending].options, **({"movflags": "+faststart"} if is_early else {})}
    video = Video(codec=KINDS[ending].codec, options=options)
    path = _cut(video.write(tmp_path / f"a.{ending}"), part)
    assert problem_of(path) == f"cannot decode (file ends at byte {path.stat().st_size})"


def test_files_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    assert problem_of(path) == "is empty"
    for content in (b"# notes\n" * 50, bytes(5000), b"\x89PNG\r\n\x1a\n" + bytes(100)):
        path.write_bytes(content)
        assert problem_of(path) == "cannot decode (not a video, or damaged)"


def test_sound_alone_is_not_a_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        for number in range(4):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert problem_of(path) == "has no video stream (found: audio)"


def test_damage_in_the_clip_is_found(tmp_path: Path) -> None:
    path = Video(count=200, size=(96, 128)).write(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle - 3000 : middle + 3000] = bytes(value ^ 0x55 for value in data[middle - 3000 : middle + 3000])
    path.write_bytes(data)
    assert problem_of(path).startswith("cannot decode (")


def test_frames_that_are_too_large_are_not_decoded(tmp_path: Path) -> None:
    path = Video(count=3, size=(480, 640)).write(tmp_path / "a.mp4")
    assert problem_of(path, 1000) == "its frames have 640x480 = 307200 pixels, more than max_pixels allows (1000)"


def test_headers_that_lie_about_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(mp4(size=(60_000, 60_000)))
    assert read(path).std() > 20, "its frames are small"
    path.write_bytes(mp4(jpeg=jpeg_of(60_000, 60_000)))
    assert problem_of(path) == "cannot decode (the compressed frames are damaged)"


def test_too_many_frames_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MOST_FRAMES", 39)
    for name in ("a.mp4", "a.mpg"):
        path = KINDS[name[2:]].write(tmp_path / name)
        assert problem_of(path) == "has more than 39 frames. Cut it into clips"
    monkeypatch.setattr(decode, "MOST_FRAMES", 1000)
    monkeypatch.setattr(decode, "MOST_DECODED_PIXELS", 40 * 48 * 64 - 1)
    assert "pixels lie before the end of its clip" in problem_of(tmp_path / "a.mpg")


def test_a_list_of_other_files_opens_none_of_them(tmp_path: Path) -> None:
    Video().write(tmp_path / "real.mp4")
    path = tmp_path / "a.mp4"
    for text in (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nreal.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile real.mp4\n",
    ):
        path.write_text(text)
        assert problem_of(path) == "cannot decode (not a video, or damaged)"
