"""The clips of a video, through PyAV: frames are counted, and those that the clips take decoded, one at a time.

FFmpeg is given an open file, limits, and a list of formats, so that no file makes it open another one."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import from_extra
from mixup_cli.sources.clips.cut_off import is_cut_off
from mixup_cli.sources.clips.frames import write_frame
from mixup_cli.sources.clips.sampling import Sampling
from mixup_cli.sources.reading.encoded import Undecodable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FORMATS = "mov,avi,matroska,mpeg,mpegvideo,flv,asf"
"""FFmpeg's readers that are used. Others read lists of further files, or single images."""

FRAME_IN_A_PACKET = frozenset({"av1", "h264", "hevc", "libdav1d", "libvpx-vp9", "mjpeg", "vp9"})
FRAMED = ("mov", "matroska")
"""Decoders, and containers, where each packet is one frame and has its time: these are counted without decoding."""

WITH_FRAMES_APART = frozenset({"h264"})
"""Decoders that leave out frames of which no other is made, on demand, without a change of the others."""

MOST_FRAMES = 1 << 20
MOST_DECODED_PIXELS = 1 << 36
"""In all of the frames that must be decoded: a quarter of an hour at 1920x1080. A few bytes make a large frame."""

_BUFFER_BYTES = 1 << 17


@dataclass(frozen=True)
class Video:
    """A video file that is open for reading, and how many pixels a frame may have."""

    file: BinaryIO
    size_bytes: int
    max_pixels: int

    @contextmanager
    def opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Its container and the stream of frames. Raises Undecodable for a file without, or with frames too large."""
        av = require_av()
        options = {"format_whitelist": FORMATS, "max_pixels": str(self.max_pixels), "threads": "1"}
        how = {"options": options, "metadata_errors": "replace", "io_open": _refuse, "buffer_size": _BUFFER_BYTES}
        if not self.size_bytes:
            raise Undecodable("is empty")
        self.file.seek(0)
        with self._problems("not a video, or damaged"):
            container = av.open(self.file, **how)
        with self._problems("the compressed frames are damaged"), container:
            stream = _stream_of(container)
            self._check_size(stream)
            stream.codec_context.options = {"max_pixels": str(self.max_pixels)}
            stream.codec_context.thread_count = 1  # workers decode side by side
            yield container, stream

    @contextmanager
    def _problems(self, reason: str) -> Iterator[None]:
        """Turn what PyAV raises on damaged content into Undecodable."""
        try:
            yield
        except (require_av().FFmpegError, EOFError) as error:
            raise Undecodable(f"cannot decode ({reason})") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # FFmpeg seeks to where a damaged header leads
                raise
            raise Undecodable(f"cannot decode ({reason})") from error

    def _check_size(self, stream: VideoStream) -> None:
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > self.max_pixels:
            found = f"its frames have {width}x{height} = {width * height} pixels"
            raise Undecodable(f"{found}, more than max_pixels allows ({self.max_pixels})")
        if not width * height:
            raise Undecodable("its frames have no size, or too large a one")


def require_av() -> Any:
    """The module of PyAV. Raises UsageError where it is not installed."""
    with from_extra("video", "decoding videos"):
        import av
    return av


def read_clip(video: Video, sampling: Sampling, out: NDArray[np.uint8]) -> None:
    """Decode a video's clips, one after the other, into `out` (clips · frames, height, width, 3). Raises Undecodable
    for one that cannot be used."""
    if is_cut_off(video.file, video.size_bytes):
        raise Undecodable(f"cannot decode (file ends at byte {video.size_bytes})")
    with video.opened() as (container, stream):
        if times := _times(container, stream):
            clips = (_ByTime(container, stream, times, each.tolist()) for each in sampling.chosen(len(times)))
            if all(clip.read(room) for clip, room in zip(clips, np.split(out, sampling.clips), strict=True)):
                return
    _by_counting(video, sampling, out)


def check_clip(video: Video) -> None:
    """Raises what `read_clip` would, as far as headers show it."""
    if is_cut_off(video.file, video.size_bytes):
        raise Undecodable(f"cannot decode (file ends at byte {video.size_bytes})")
    with video.opened():
        pass


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
    """No video opens another file."""
    raise PermissionError(f"{url}: not opened")


def _stream_of(container: InputContainer) -> VideoStream:
    """The first stream of frames that is not a cover picture."""
    av = require_av()
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise Undecodable("cannot decode (its codec is unknown)")
            return stream
    found = sorted({stream.type for stream in container.streams})
    raise Undecodable(f"has no video stream (found: {', '.join(found) or 'none'})")


def _times(container: InputContainer, stream: VideoStream) -> list[int]:
    """The times of all frames in the order in which they are shown; none where only decoding gives these."""
    is_framed = container.format.name.split(",")[0] in FRAMED
    if not is_framed or stream.codec_context.name not in FRAME_IN_A_PACKET:
        return []
    times: list[int] = []
    for packet in container.demux(stream):
        if packet.size and not packet.is_discard:
            if packet.pts is None:
                return []
            times.append(packet.pts)
            _check_count(len(times))
    times.sort()
    return times if len({*times}) == len(times) else []


@dataclass(frozen=True)
class _ByTime:
    """A clip of the frames `chosen` of a video. Its frames have these `times`, in the order in which they are shown."""

    container: InputContainer
    stream: VideoStream
    times: Sequence[int]
    chosen: Sequence[int]

    def read(self, out: NDArray[np.uint8]) -> bool:
        """Decode it as quickly as can be. False, with `out` undefined, where frames must be counted."""
        return any(self.decode(out, leaves_out) for leaves_out in (True, False))

    def decode(self, out: NDArray[np.uint8], leaves_out: bool) -> bool:
        """Decode it from the last frame before it that stands alone; with `leaves_out`, leave out others of which none
        is made. False, with `out` undefined, where the decoder does not bear out that each packet is a frame."""
        places: dict[int, list[int]] = {}
        for place, number in enumerate(self.chosen):
            places.setdefault(self.times[number], []).append(place)
        known, left, seen = frozenset(self.times), [*places], 0
        with suppress(require_av().FFmpegError):
            first = left[0]
            self.container.seek(first, stream=self.stream)
            for frame in _decoded(self.container, self.stream, places if leaves_out else None):
                if frame.pts is None or frame.pts < first:
                    continue
                if frame.pts not in known or frame.interlaced_frame:  # each packet may be a field
                    return False
                seen += 1
                if frame.pts in places:
                    if frame.pts != left.pop(0) or frame.is_corrupt:
                        return False
                    _take(frame, places[frame.pts], out)
                if not left:
                    others = self.chosen[-1] - self.chosen[0] + 1 - len(places)
                    return seen - len(places) >= (min(others, 1) if leaves_out else others)
        return False


def _by_counting(video: Video, sampling: Sampling, out: NDArray[np.uint8]) -> None:
    """Decode the video twice: to count its frames, and up to the end of its last clip."""
    with video.opened() as (container, stream):
        count = sum(1 for _ in _decoded(container, stream))
    if not count:
        raise Undecodable("holds no frames")
    chosen = sampling.chosen(count).ravel()
    last = int(chosen.max())
    with video.opened() as (container, stream):
        for number, frame in enumerate(_decoded(container, stream)):
            if (places := np.flatnonzero(chosen == number).tolist()) and frame.is_corrupt:
                raise Undecodable(f"cannot decode (frame {number} is damaged)")
            _take(frame, places, out)
            if number == last:
                return
    raise Undecodable("cannot decode (it gives other frames each time)")


def _decoded(
    container: InputContainer, stream: VideoStream, wanted: Collection[int] | None = None
) -> Iterator[VideoFrame]:
    """The frames from where the container is; of those at other times than the `wanted` perhaps only what others are
    made of. Raises Undecodable for too many."""
    pixels = count = 0
    for packet in container.demux(stream):
        if wanted is not None and stream.codec_context.name in WITH_FRAMES_APART:
            stream.codec_context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        for frame in packet.decode():
            count, pixels = count + 1, pixels + frame.width * frame.height
            _check_count(count)
            if pixels > MOST_DECODED_PIXELS:
                raise Undecodable(f"more than {MOST_DECODED_PIXELS} pixels lie before the end of its clip. Cut it")
            yield frame


def _take(frame: VideoFrame, places: list[int], out: NDArray[np.uint8]) -> None:
    """Write a frame into each of the places where the clip shows it."""
    if places:
        write_frame(frame, out[places[0]])
        out[places[1:]] = out[places[0]]


def _check_count(count: int) -> None:
    if count > MOST_FRAMES:
        raise Undecodable(f"has more than {MOST_FRAMES} frames. Cut it into clips")
