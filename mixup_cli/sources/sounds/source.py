"""Sound files as a source of waves, or of their spectrograms: all at one rate, in rows of one length."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Short
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.scaling import write_converted
from mixup_cli.fields.signal import FEATURES, RATE, first_name
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.encoded import Encoded, Undecodable
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.stored_files import StoredFiles, opened
from mixup_cli.sources.sounds.decode import Header, at, decode, read_header
from mixup_cli.sources.sounds.log_mel import LogMel
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

    def samples(self, header: Header) -> int:
        """How many a sound has, repeated to fill a row where short sounds are."""
        own = header.frames_at(self.rate)
        return max(own, self.window) if self.short == "loop" and own else own


class EncodedSounds(Encoded):
    """Sounds, wherever their bytes lie. A subclass says how they are read, and can read them before it calls this.

    A sample is float32 (time, channels), with its content first; or with `features` the spectrogram of that, (bands,
    frames), of the mean of all channels. `lengths` int64 (n) is that of each sound, in samples at the working rate or
    in frames, from its header; 0 for one that cannot be read. Raises UsageError if sounds differ in rate and none was
    chosen, or the features do not go with it; DataError if no header can be read.
    """

    kind: ClassVar[str] = "sounds"
    read_as = "class folders of sounds"
    task, column = "audio", first_name("tc")

    def __init__(
        self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
    ) -> None:
        super().__init__(location, keys, labels, notices)
        headers, self._broken = self._headers()
        self._timing, found = _timing(headers, options, location)
        timing, features = self._timing, LogMel.parse(options.features) if options.features is not None else None
        self._transform = None if features is None else features.at(timing.rate)
        self._channels, more = _channels(headers, most=2 if features is None else 1)
        self._samples = np.zeros(len(keys), np.int64)  # as many as each sound has
        for index, header in headers.items():
            self._samples[index] = timing.samples(header)
        self._set_form(max(timing.window, int(self._samples.max())))
        said = f"{counted(len(keys), 'sound')} at {timing.rate:,} Hz, rows of {timing.window / timing.rate:g} s"
        how = "" if features is None else f", in {_bands_and_frames(self._form, self._window)}"
        self.notices = (
            *[f"read as sounds: {said}{how}"] * (options.task is None),
            *(*self.notices, *found, *more),
        )
        self.how_read = ((RATE, timing.rate), ("window", timing.window), ("short", timing.short))
        if features is not None:
            self.how_read = (*self.how_read, (FEATURES, str(features)))

    def _set_form(self, room: int) -> None:
        """The form in which sounds of up to `room` samples are cached, and how much of it a row shows."""
        transform = self._transform
        if transform is None:
            self._form, self._window = Form((room, self._channels), "float32", "tc"), self._timing.window
            self.lengths = self._samples
            return
        self._form = Form((transform.bands, transform.frames(room)), "float32", "ft")
        self._window = transform.frames(self._timing.window)
        self.lengths = np.where(self._samples > 0, 1 + self._samples // transform.hop, 0)
        self.column = first_name("ft")

    def _headers(self) -> tuple[dict[int, Header], dict[str, str]]:
        """The headers of all sounds that have one, by number; and why others have none, by key."""
        headers, broken = dict[int, Header](), dict[str, str]()
        with ThreadPoolExecutor(_READERS) as pool:
            starts = range(0, len(self), self.load_limit or 1)
            read = pool.map(self._headers_of, starts, [*starts[1:], len(self)])
            for index, found in enumerate(chain.from_iterable(read)):
                if isinstance(found, Header):
                    headers[index] = found
                else:
                    broken[self.keys[index]] = found
        if not headers:
            (key, problem), many = next(iter(broken.items())), counted(len(broken), "sound")
            found = f"{escape_name(self.location)}: none of {many} can be read. The first, {key}: {problem}."
            raise DataError(found, "Give others.")
        return headers, broken

    def _headers_of(self, start: int, stop: int) -> list[Header | str]:
        """The headers of sounds start … stop−1, or why one cannot be read."""
        read = self.reader(start, stop)
        return [self._header_in(read, index) for index in range(start, stop)]

    def _header_in(self, read: Callable[[int], bytes], index: int) -> Header | str:
        try:
            data = read(index)
            return read_header(io.BytesIO(data), len(data))
        except Undecodable as problem:
            return str(problem)

    @property
    def reading(self) -> tuple[str, ...]:
        """See `Encoded.reading`."""
        return tuple(f"{name} {value}" for name, value in self.how_read)

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. Headers were read when the source was opened."""
        window = self._window if self._window < self._form.time else None
        return Survey(Counter(), Counter({"float32": len(self)}), self._form, self._broken, window=window)

    def rooms(self, target: Target) -> NDArray[np.int64] | None:
        """See `Source.rooms`."""
        return None if self.lengths is None else np.maximum(self.lengths, self._window)

    def decode(self, index: int, data: bytes, target: Target, out: NDArray[Any]) -> None:
        """See `Encoded.decode`."""
        axis = self._form.axes.index("t")
        made = np.moveaxis(self._decoded(index, data, target), axis, 0)
        filled = np.zeros_like(np.moveaxis(out, axis, 0), np.float32)
        filled[: len(made)] = made[: len(filled)]
        write_converted(np.moveaxis(filled, 0, axis), out, target.value_range)

    def _decoded(self, index: int, data: bytes, target: Target) -> NDArray[Any]:
        """A sound in the target's channels, or its spectrogram: as long as it is."""
        header, samples = decode(data)
        made = at(header, samples, self._timing.rate, target.form.channels)
        self._check_length(index, header)
        if self._timing.short == "loop" and len(made) < self._timing.window:
            made = np.resize(made, (self._timing.window, made.shape[1]))
        if self._transform is None:
            return made
        return self._transform.of(np.pad(made[:, 0], (0, max(0, self._timing.window - len(made)))))

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `Encoded.check`: nothing short of decoding shows whether all samples are there."""
        self._decoded(index, data, target)

    def _check_length(self, index: int, header: Header) -> None:
        """Raises Undecodable for another length than the plan knows."""
        if self._samples[index] != self._timing.samples(header):
            raise Undecodable("has changed since its header was read")


class SoundSource(StoredFiles, EncodedSounds):
    """Sounds in files: `paths` are relative to `root` (or absolute), one for each key, in the order of the keys."""

    def _headers_of(self, start: int, stop: int) -> list[Header | str]:
        """See `EncodedSounds`: no more of each file than that."""
        return [self._header_of(index) for index in range(start, stop)]

    def _header_of(self, index: int) -> Header | str:
        try:
            with opened(self.path(index)) as (file, status), open(file, "rb", closefd=False) as stream:
                return read_header(stream, status.st_size)
        except Undecodable as problem:
            return str(problem)


def _bands_and_frames(form: Form, frames: int) -> str:
    return f"spectrograms of {counted(form.shape[0], 'band')} and {counted(frames, 'frame')}"


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


def _channels(headers: dict[int, Header], most: int) -> tuple[int, list[str]]:
    """How many channels a wave has, at `most`: two if all sounds have two; and a notice if some lose theirs."""
    found = Counter(header.channels for header in headers.values())
    if {*found} <= {1} or {*found} == {most}:
        return max(found), []
    several = sum(count for channels, count in found.items() if channels > 1)
    otherwise = f", unless {setting('channels', 'stereo')} keeps two" * (most > 1)
    return 1, [f"{counted(several, 'sound')} with several channels, of which the mean is taken{otherwise}"]
