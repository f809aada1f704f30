"""The pixel fingerprint: whether this machine and these versions make the same pixels and the same lams as another.

It is the hash of small probe images, decoded and resized, and of the table of the Beta law for one alpha. A run stores
it. A data set begun under one fingerprint is not continued under another.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution, version
from typing import Self

import numpy as np

from mixup_cli.choices import Task
from mixup_cli.draws.beta import cumulative
from mixup_cli.fields.encoding import PictureCodec, problem_of
from mixup_cli.fields.form import Form
from mixup_cli.fields.signal import FEATURES, RATE
from mixup_cli.fields.target import Target
from mixup_cli.image_format import ImageFormat
from mixup_cli.recipe import Recipe
from mixup_cli.sources.pictures.decode import decode
from mixup_cli.sources.pictures.quick_decoder import quick_decoder

PROBE_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV"
    "pQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAg"
    "ACgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhBy"
    "JxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT"
    "lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAA"
    "AAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom"
    "JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExc"
    "bHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDh47T7N8/3s8Y6VZjtN/8ApHTvt+lXo7T7N8/3s8Y6VZjtN/8A"
    "pHTvt+lerOdv3XLa2vJf4f73N1/w+Zhh8T1uUY7b7V227fxzVmOHf/o+3Hbd9KvR232rtt2/jmrMcO//AEfbjtu+lcs8Tf3+a/Ppf/n505bfZ7"
    "X+Z7eHxH9dihHD9m+TbuzznpRWxHD9m+TbuzznpRWDx/sf3ft/Z2+zy81vK/U9inXur2uUo7T7N8/3s8Y6VZjtN/8ApHTvt+lX47T7N8/3s8Y6"
    "VYjtN/8ApHTvt+lc852/dctra8l/h/vc3X/D5n5bh8T1uUY7b7V227fxzVmOHf8A6Ptx23fSr0dt9q7bdv45qzHDv/0fbjtu+lc08Tf3+a/Ppf"
    "8A5+dOW32e1/me3h8R/XYoxw/Zvk27s856UVrxw/Zvk27s856UVzvMPY/u/b+zt9nl5reV+p7FOvdXtc//2Q=="
)
"""A 40 × 32 colour image with edges and gradients, so that decoder and resizer both have something to round."""

LIBRARIES = (
    *("mixup-gen", "numpy", "pillow", "h5py", "numba", "scipy", "pydantic", "click", "torch", "simplejpeg"),
    *("av", "soundfile", "soxr"),
)


@dataclass(frozen=True)
class Pixels:
    """What decoding and resizing give: the fingerprint, and the versions that it was taken with."""

    fingerprint: str
    versions: Mapping[str, str]

    @classmethod
    def here(cls, recipe: Recipe) -> Self:
        """What they give on this machine, for the rows of a recipe."""
        fingerprint, reading = pixel_fingerprint(recipe.encode), dict(recipe.reading)
        if (decoders := DECODERS.get(recipe.task)) is not None:
            fingerprint = hashlib.sha256(f"{fingerprint} {decoders()}".encode()).hexdigest()
        if (features := reading.get(FEATURES)) is not None:
            probe = spectrogram_fingerprint(str(features), int(reading[RATE]))
            fingerprint = hashlib.sha256(f"{fingerprint} {probe}".encode()).hexdigest()
        return cls(fingerprint, versions())


def pixel_fingerprint(encode: str | None = None) -> str:
    """64 hex digits; equal where decoding, resizing and the Beta table give equal bits, and where pictures are to be
    encoded, encoding, too."""
    digest = hashlib.sha256()
    for shape in ((32, 40, 3), (14, 14, 3), (7, 5, 1)):
        picture = decode(PROBE_JPEG, Target(Form(shape, "uint8", "hwc"), "crop"), "probe", 1 << 20)
        digest.update(picture.tobytes())
        if encode is not None and problem_of(shape, image_format := ImageFormat.parse(encode)) is None:
            digest.update(PictureCodec(image_format, shape).encode(picture[None])[0])
    digest.update(cumulative(0.2, 0.2).tobytes())
    return digest.hexdigest()


def spectrogram_fingerprint(features: str, rate: int) -> str:
    """64 hex digits; equal where the spectrogram of a second of what sweeps through all frequencies has equal bits."""
    from mixup_cli.sources.sounds.log_mel import LogMel  # runs of images do without

    place = np.arange(rate, dtype=np.int64)
    wave = (place * place % 2001 - 1000).astype(np.float32) * np.float32(2.0**-10)
    return hashlib.sha256(LogMel.parse(features).at(rate).of(wave).tobytes()).hexdigest()


def otherwise(encode: str | None) -> str:
    """What becomes of images under another fingerprint, for a message: "images …"."""
    return "decode to other pixels" if encode is None else "are decoded or encoded otherwise"


def decoder_id(task: Task | None = None) -> str:
    """What decoded samples of a task depend on besides their source: the fingerprint, which probes one decoder, and
    versions. Without a task: those of all that can be decoded here, of which some are slow to import."""
    from PIL import features

    found = versions()
    libraries = [f"{name} {found[name]}" for name in ("mixup-gen", "numpy", "pillow")]
    libraries += [f"{name} {features.version(name)}" for name in ("jpg", "libtiff", "webp", "zlib")]
    for each, decoders in DECODERS.items():
        if each == task or (task is None and all(found[name] != "not installed" for name in DECODED_BY[each])):
            libraries.append(decoders())
    libraries += [] if quick_decoder() is None else [f"simplejpeg {found['simplejpeg']}"]
    return "; ".join([pixel_fingerprint(), *libraries])


@cache
def _video_decoders() -> str:
    """The version of FFmpeg that decodes videos, with PyAV's. No probe stands for all of its decoders."""
    import av

    return f"av {av.__version__}, FFmpeg {av.ffmpeg_version_info}"


@cache
def _sound_decoders() -> str:
    """The same of what decodes sounds, and changes their rate."""
    import soundfile
    import soxr

    return f"libsndfile {soundfile.__libsndfile_version__}, libsoxr {soxr.__libsoxr_version__}"


DECODERS: dict[Task, Callable[[], str]] = {"video": _video_decoders, "audio": _sound_decoders}
"""What else decides the samples of a task …"""

DECODED_BY: dict[Task, tuple[str, ...]] = {"video": ("av",), "audio": ("soundfile", "soxr")}
"""… and the libraries that must be there for it."""


def _version_of(library: str) -> str:
    """What `importlib.metadata.version` gives, which parses a library's whole description: a fifth of the time."""
    header = re.search(r"^Version: (\S+)", distribution(library).read_text("METADATA") or "", re.MULTILINE)
    return version(library) if header is None else header[1]


@cache
def versions() -> Mapping[str, str]:
    """The versions that can matter to bytes, by name. Looked up once: that reads a file of each library."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = _version_of(library)
        except ModuleNotFoundError:  # PackageNotFoundError: run from a checkout, or an optional library
            found[library] = "not installed"
    return found
