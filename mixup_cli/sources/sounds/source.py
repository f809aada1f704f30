"""Sound files as a source of waves: all at one rate, in rows of one length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Short
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import RATE, first_name
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.stored_files import StoredFiles, opened
from mixup_cli.sources.sounds.decode import Header, at, decode, read_header
from mixup_cli.wording import counted, setting

SUFFIXES = frozenset("aif aifc aiff au caf flac mp3 oga ogg opus w64 wav wave".split())
UNREAD_SUFFIXES = frozenset("aac ac3 alac amr ape dsf m4a mka mpc ra sph tta wma wv".split())
SOUND_FILES = FileKind("sound", SUFFIXES, UNREAD_SUFFIXES, "WAV or FLAC")

_READERS = 8


@dataclass(frozen=True)
class Timing:
    """How waves lie in time: samples a second, samples a row, and what is done about shorter sounds."""

    rate: int
    window: int
    short: Short


class SoundSource(StoredFiles):
    """Sounds in files: `paths` are relative to `root` (or absolute), one for each key, in the order of the keys.

    A sample is float32 (time, channels), with its content first. `lengths` int64 (n) is that of each sound at the
    working rate, from its header; 0 for one that cannot be read. Raises UsageError if sounds differ in rate and none
    was chosen, DataError if no header can be read.
    """

    kind: ClassVar[str] = "sounds"
    read_as = "class folders of sounds"
    task, column = "audio", first_name("tc")

    def __init__(
        self, root: str, paths: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
    ) -> None:
        super().__init__(root, [escape_name(path) for path in paths], labels, notices)
        self._keep(root, paths)
        headers, self._broken = self._headers()
        self._timing, found = _timing(headers, options, root)
        self._channels, more = _channels(headers)
        self.lengths = np.zeros(len(paths), np.int64)
        for index, header in headers.items():
            self.lengths[index] = header.frames_at(self._timing.rate)
        if self._timing.short == "loop":
            self.lengths[self.lengths > 0] = np.maximum(self.lengths[self.lengths > 0], self._timing.window)
        self._room = max(self._timing.window, int(self.lengths.max()))
        timing = self._timing
        said = f"{counted(len(paths), 'sound')} at {timing.rate:,} Hz, rows of {timing.window / timing.rate:g} s"
        self.notices = (
            *[f"read as sounds: {said}, in {counted(self._channels, 'channel')}"] * (options.task is None),
            *(*self.notices, *found, *more),
        )
        self.how_read = ((RATE, timing.rate), ("window", timing.window), ("short", timing.short))

    def _headers(self) -> tuple[dict[int, Header], dict[str, str]]:
        """The headers of all sounds that have one, by number; and why others have none, by key."""
        headers, broken = dict[int, Header](), dict[str, str]()
        with ThreadPoolExecutor(_READERS) as pool:
            for index, found in enumerate(pool.map(self._header, range(len(self)), chunksize=64)):
                if isinstance(found, Header):
                    headers[index] = found
                else:
                    broken[self.keys[index]] = found
        if not headers:
            (key, problem), many = next(iter(broken.items())), counted(len(broken), "sound")
            found = f"{escape_name(self.location)}: none of {many} can be read. The first, {key}: {problem}."
            raise DataError(found, "Give another folder.")
        return headers, broken

    def _header(self, index: int) -> Header | str:
        try:
            with opened(self.path(index)) as (file, status), open(file, "rb", closefd=False) as stream:
                return read_header(stream, status.st_size)
        except Undecodable as problem:
            return str(problem)

    @property
    def reading(self) -> tuple[str, ...]:
        """See `Encoded.reading`."""
        return tuple(f"{name} {value}" for name, value in self.how_read)

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. Headers were read when the source was opened."""
        form, window = Form((self._room, self._channels), "float32", "tc"), self._timing.window
        return Survey(Counter(), Counter({"float32": len(self)}), form, self._broken, window=_shorter(window, form))

    def decoded(self, index: int, data: bytes, target: Target) -> NDArray[Any]:
        """See `Encoded.decoded`."""
        header, samples = decode(data)
        made = at(header, samples, self._timing.rate, target.form.channels)
        self._check_length(index, header)
        room = np.zeros(target.form.shape, np.float32)
        room[: len(made)] = made[: len(room)]
        if self._timing.short == "loop" and len(made) < self._timing.window:
            room[: self._timing.window] = np.resize(made, (self._timing.window, made.shape[1]))
        return room

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `Encoded.check`: nothing short of decoding shows whether all samples are there."""
        self.decoded(index, data, target)

    def _check_length(self, index: int, header: Header) -> None:
        """Raises Undecodable for another length than the plan knows."""
        frames = header.frames_at(self._timing.rate)
        if self._timing.short == "loop":
            frames = max(frames, self._timing.window)
        if self.lengths is not None and self.lengths[index] != frames:
            raise Undecodable("has changed since its header was read")


def _shorter(window: int, form: Form) -> int | None:
    return window if window < form.shape[0] else None


def _timing(headers: dict[int, Header], options: SourceOptions, where: str) -> tuple[Timing, list[str]]:
    """How sounds lie in time, and notices."""
    found = Counter(header.rate for header in headers.values())
    if options.rate is None and len(found) > 1:
        several = ", ".join(f"{rate:,} Hz ({counted(count, 'sound')})" for rate, count in found.most_common(3))
        usual = found.most_common(1)[0][0]
        problem = f"{escape_name(where)}: its sounds differ in their rate: {several}."
        raise UsageError(problem, f"Pass {setting('rate', usual)} to resample those of other rates.")
    rate = next(iter(found)) if options.rate is None else options.rate
    longest = max(header.frames_at(rate) for header in headers.values())
    window = longest if options.seconds is None else max(1, round(options.seconds * rate))
    notices = []
    if others := sum(count for each, count in found.items() if each != rate):
        notices.append(f"{counted(others, 'sound')} resampled to {rate:,} Hz")
    lengths = Counter(np.sign(header.frames_at(rate) - window) for header in headers.values())
    if lengths[-1]:
        how = "repeated" if options.short == "loop" else "padded with silence"
        notices.append(f"{counted(lengths[-1], 'sound')} shorter than {window / rate:g} s: {how}")
    if lengths[1]:
        notices.append(f"{counted(lengths[1], 'sound')} longer than {window / rate:g} s: each row shows a part")
    return Timing(rate, window, options.short), notices


def _channels(headers: dict[int, Header]) -> tuple[int, list[str]]:
    """How many channels a wave has: two if all sounds have two; and a notice if some lose theirs."""
    found = Counter(header.channels for header in headers.values())
    if {*found} <= {1} or {*found} == {2}:
        return max(found), []
    several = sum(count for channels, count in found.items() if channels > 1)
    return 1, [f"{counted(several, 'sound')} with several channels, of which the mean is taken"]
