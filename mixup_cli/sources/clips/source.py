"""Video files as a source: folders of them, in all the layouts that folders of images have."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Task
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import first_name
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.clips.decode import Video, check_clip, read_clip, require_av
from mixup_cli.sources.clips.sampling import FRAMES, SIZE, STRIDE, Sampling
from mixup_cli.sources.pictures.folder import open_tree, walked
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.encoded import Encoded, Undecodable
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.stored_files import WatchedFiles
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import counted, setting

VIDEO_FILES = FileKind(
    "video",
    frozenset("3gp avi flv m4v mkv mov mp4 mpeg mpg webm wmv".split()),
    frozenset("asf divx f4v m2ts mts mxf ogv rm rmvb vob y4m".split()),
    "MP4",
)
"""What a folder walk takes for a video. The content decides how it is decoded."""


class Clips(Source):
    """Videos, of which each gives a clip, uint8 (frames, height, width, 3), or several of them, one after the other, of
    which rows show one. Their size is the target's."""

    kind: ClassVar[str] = "clips"
    read_as = "class folders of videos"
    load_limit: int | None = 1
    portable = True
    task: Task = "video"
    column = first_name("thwc")

    def __init__(
        self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
    ) -> None:
        require_av()
        frames, stride, clips = options.frames or FRAMES, options.stride or STRIDE, options.clips or 1
        where = "its middle" if clips == 1 else f"one of {clips} places"
        said = f"read as videos: {counted(frames, 'frame')} of each, from {where}, {stride} apart"
        if is_open := [setting(name) for name in ("frames", "stride") if getattr(options, name) is None]:
            said += f"; {' and '.join(is_open)} choose{'s' * (len(is_open) == 1)} otherwise"
        super().__init__(location, keys, labels, [*[said] * (options.task is None), *notices])
        self._sampling, self._max_pixels = Sampling(frames, stride, clips), options.max_pixels
        self.how_read = (("frames", frames), ("stride", stride))
        if clips > 1:
            self.how_read += (("clips", clips),)
            self.lengths = np.full(len(keys), clips * frames)

    @property
    def reading(self) -> tuple[str, ...]:
        """See `WatchedFiles.reading`."""
        return (f"max_pixels {self._max_pixels}", str(self._sampling))

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`: every clip has the form that was asked for, and the size that is usual."""
        count = len(self) if limit is None else min(limit, len(self))
        frames, clips = self._sampling.frames, self._sampling.clips
        form = Form((clips * frames, *SIZE, 3), "uint8", "thwc")
        window = frames if clips > 1 else None
        return Survey(Counter({SIZE: count}), Counter({form.dtype: count}), form, window=window)


class EncodedClips(Clips, Encoded):
    """Videos that are read whole. A subclass says how."""

    def decode(self, index: int, data: bytes, target: Target, out: NDArray[np.uint8]) -> None:
        """See `Encoded.decode`."""
        read_clip(self._video(data), self._sampling, out)

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `Encoded.check`."""
        check_clip(self._video(data))

    def _video(self, data: bytes) -> Video:
        return Video(io.BytesIO(data), len(data), self._max_pixels)


class ClipSource(Clips, WatchedFiles):
    """Videos in files, which are never in memory as a whole: `paths` are relative to `root` (or absolute)."""

    def __init__(
        self, root: str, paths: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
    ) -> None:
        self._keep(root, paths)
        super().__init__(root, [escape_name(path) for path in paths], labels, notices, options)

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        return self._used(index, lambda video: None).sha256

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`. A video that cannot be read has 0 stored bytes and no hash."""
        return [self._used(index, partial(self._fill, out=out[index - start])) for index in range(start, stop)]

    def _fill(self, video: Video, out: NDArray[np.uint8]) -> None:
        read_clip(video, self._sampling, out)

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`: by the headers."""
        return [self._used(index, check_clip) for index in range(start, stop)]

    def _used(self, index: int, use: Callable[[Video], None]) -> Loaded:
        """Hash a video file, piece by piece, and `use` it."""
        try:
            with (
                self.watched(index, is_whole=False) as (descriptor, status),
                open(descriptor, "rb", closefd=False) as file,
            ):
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                try:
                    use(Video(file, status.st_size, self._max_pixels))
                except Undecodable as problem:
                    return Loaded(status.st_size, digest, str(problem))
                return Loaded(status.st_size, digest)
        except Undecodable as problem:
            return Loaded(0, "", str(problem))


def open_clips(path: Path, options: SourceOptions) -> ClipSource:
    """Open a folder of videos; see `pictures.folder.open_folder`, whose rules and errors it has."""
    root = str(path)
    return open_tree(root, walked(root, options, VIDEO_FILES), options, partial(ClipSource, root, options=options))
