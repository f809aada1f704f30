"""Sound files decoded: samples in time, as float32 between −1 and 1."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import from_extra
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.sounds.plain_wav import HEADER, plain_header, plain_samples

FORMATS = frozenset(("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "MPEG", "AIFF", "AU", "CAF"))
"""What libsndfile calls the formats that are read; it knows old ones of synthesisers and trackers, too."""

MOST_VALUES = 1 << 29
"""Over all channels: 2 GiB, three hours of one channel at 44,100 Hz."""

MOST_PER_BYTE = 8192
"""No encoding has more samples a byte, not even of silence."""

MOST_CHANNELS = 32
RATES = (1000, 768_000)

PLAIN_BYTES = HEADER.size

_CUT = re.compile(r"^ ?(?:data|SSND)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
"""What libsndfile notes of a WAV or AIFF that has fewer bytes than its header claims. It reads on."""

_XING, _XING_WITHIN = re.compile(rb"(?s:(?:Xing|Info)\0\0\0[\x03\x07\x0b\x0f].{4}(.{4}))"), 256
"""Where an MP3 says how many bytes it has: behind the count of its frames, in its first frame."""

_OPEN_END = (0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF - 36)
"""The bytes that a WAV claims whose writer could not go back to its header: all that follows belongs to it."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself: samples a second, their count in each channel, and channels."""

    rate: int
    frames: int
    channels: int

    def frames_at(self, rate: int) -> int:
        """How many samples there are at another rate: to the nearest, halves up."""
        return (2 * self.frames * rate + self.rate) // (2 * self.rate)


def read_header(file: IO[bytes], stored_bytes: int) -> Header:
    """The header of an open file of this size. Raises Undecodable for one that cannot be right."""
    plain = plain_header(file.read(PLAIN_BYTES), stored_bytes)
    if plain is not None:
        return _possible(Header(*plain), stored_bytes)
    file.seek(0)
    with _opened(file, stored_bytes) as sound:
        return _checked(sound, stored_bytes)


def decode(data: bytes) -> tuple[Header, NDArray[np.float32]]:
    """A file's header and all of its samples, (time, channels). Raises Undecodable if they are not as many as the
    header claims, or are not numbers."""
    if (plain := plain_header(data[:PLAIN_BYTES], len(data))) is not None:
        header = _possible(Header(*plain), len(data))
        return header, plain_samples(data, header.channels)
    with _opened(io.BytesIO(data), len(data)) as sound:
        header = _checked(sound, len(data))
        try:
            samples = sound.read(header.frames, dtype="float32", always_2d=True)
            is_more = len(sound.read(1)) > 0
        except (_libsndfile().SoundFileError, ValueError) as error:
            raise Undecodable(f"cannot decode ({_reason(error)})") from error
    if len(samples) != header.frames or is_more:
        found = "more" if is_more else f"{len(samples):,}"
        raise Undecodable(f"holds {found} of the {header.frames:,} samples that its header claims (is it cut off?)")
    if not np.isfinite(samples).all():
        raise Undecodable("holds samples that are not finite numbers")
    return header, samples


def at(header: Header, samples: NDArray[np.float32], rate: int, channels: int) -> NDArray[np.float32]:
    """Samples (time, channels) at another rate, (header.frames_at(rate), channels): their mean for one channel, or one
    repeated for several. Beyond full scale, all are divided by the largest. Raises Undecodable where `channels` are
    neither."""
    if channels == 1 and header.channels > 1:
        samples = samples.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
    elif header.channels not in (1, channels):
        raise Undecodable(f"has {header.channels} channels, which cannot become {channels} (mono takes their mean)")
    if rate != header.rate:
        samples = _resampled(samples, header, rate)
    peak = np.abs(samples).max(initial=0.0)
    return np.broadcast_to(samples / peak if peak > 1 else samples, (len(samples), channels))


def _resampled(samples: NDArray[np.float32], header: Header, rate: int) -> NDArray[np.float32]:
    """At another rate, by soxr's high quality."""
    made = _soxr().resample(samples, header.rate, rate, quality="HQ")
    wanted = header.frames_at(rate)
    short = max(0, wanted - len(made))
    return np.pad(made[:wanted], ((0, short), (0, 0)))


def _opened(file: IO[bytes], stored_bytes: int) -> Any:
    library = _libsndfile()
    _check_mp3(file, stored_bytes)
    try:
        return library.SoundFile(file, closefd=False)
    except (library.SoundFileError, TypeError, ValueError) as error:
        raise Undecodable(f"cannot decode ({_reason(error)})") from error


def _check_mp3(file: IO[bytes], stored_bytes: int) -> None:
    """Raises Undecodable for an MP3 that is shorter than it says: libmpg123 would write that to stderr, and read on."""
    head = file.read(10)
    tag = 0
    if head[:3] == b"ID3" and len(head) == 10:
        tag = 10 + sum((each & 127) << 7 * place for place, each in enumerate(head[:5:-1]))
    file.seek(tag)
    start = file.read(_XING_WITHIN)
    file.seek(0)
    found = _XING.search(start)
    if found and start[:1] == b"\xff":
        claimed, there = int.from_bytes(found[1], "big"), stored_bytes - tag
        if there < claimed:
            raise Undecodable(f"ends after {there:,} of the {claimed:,} bytes that its header claims")


def _checked(sound: Any, stored_bytes: int) -> Header:
    """The header of a sound, if it can be right."""
    if sound.format not in FORMATS:
        raise Undecodable(f"is in the format {sound.format}, which is not read (convert it to WAV or FLAC)")
    cut = _CUT.search(sound.extra_info)
    if cut and int(cut[1]) not in _OPEN_END:
        raise Undecodable(f"ends after {int(cut[2]):,} of the {int(cut[1]):,} bytes of samples that its header claims")
    return _possible(Header(sound.samplerate, sound.frames, sound.channels), stored_bytes)


def _possible(header: Header, stored_bytes: int) -> Header:
    """The header of a file of this size. Raises Undecodable for one that cannot be right."""
    if header.frames <= 0:
        raise Undecodable("holds no samples")
    if not RATES[0] <= header.rate <= RATES[1]:
        raise Undecodable(f"claims {header.rate:,} samples a second, expected {RATES[0]:,} to {RATES[1]:,}")
    if header.channels > MOST_CHANNELS:
        raise Undecodable(f"claims {header.channels:,} channels, more than {MOST_CHANNELS}")
    if header.frames >= 1 << 62:
        raise Undecodable("does not say in its header how long it is (convert it again)")
    if header.frames > min(MOST_VALUES // header.channels, stored_bytes * MOST_PER_BYTE):
        raise Undecodable(f"claims {header.frames:,} samples in {stored_bytes:,} bytes, more than can be")
    return header


def _reason(error: Exception) -> str:
    """What the library says, without the name of its stream, and of what it cannot find in the stream."""
    text = str(getattr(error, "error_string", None) or error)
    if "psf_fseek" in text:
        return "it ends before its last sample, or is damaged"
    return text.splitlines()[0].removeprefix("Error : ").rstrip(". ")[:200] or type(error).__name__


def _libsndfile() -> Any:
    """The module soundfile. Raises UsageError where it is not installed."""
    with from_extra("audio", "decoding sounds"):
        import soundfile
    return soundfile


def _soxr() -> Any:
    with from_extra("audio", "changing the rate of sounds"):
        import soxr
    return soxr
