"""Samples that go on in time, from arrays: what the core does with them, without files of any format."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS, PADDING, RATE, first_name
from mixup_cli.fields.target import Survey
from mixup_cli.sources.arrays.source import ArraySource, RowKeys

COUNT, CLASSES = 12, 3
PAD = 99


class Waves(ArraySource):
    """Noise of 40 places in two channels."""

    kind: ClassVar[str] = "sounds"
    sample_axes: ClassVar[Axes] = "tc"
    task, column = "audio", first_name("tc")


class PartsOfWaves(Waves):
    """The same, of which rows show 16 places; some are shorter than others."""

    def survey(self, limit: int | None = None) -> Survey:
        return replace(super().survey(limit), window=16)


class Spectrograms(ArraySource):
    """Noise of 6 bands and 20 frames, of which rows show 9; some have fewer."""

    kind: ClassVar[str] = "sounds"
    sample_axes: ClassVar[Axes] = "ft"
    task, column = "audio", first_name("ft")

    def survey(self, limit: int | None = None) -> Survey:
        return replace(super().survey(limit), window=9)


class Clips(ArraySource):
    """Noise of 6 frames, 8 high and 10 wide."""

    kind: ClassVar[str] = "clips"
    sample_axes: ClassVar[Axes] = "thwc"
    task, column = "video", first_name("thwc")


class Tokens(ArraySource):
    """Numbers below 90, at most 12 of them, and then padding."""

    kind: ClassVar[str] = "texts"
    sample_axes: ClassVar[Axes] = "t"
    task, column, void = "text", INPUT_IDS, PAD


class TokenMask(Tokens):
    """1 where there is a token."""

    void = 0


def _labels() -> Labels:
    return Labels(("a", "b", "c"), np.arange(COUNT, dtype=np.int32) % CLASSES)


def waves(kind: type[Waves] = Waves) -> Waves:
    """A source of waves."""
    values = np.random.default_rng(1).uniform(-1, 1, (COUNT, 40, 2)).astype(np.float32)
    lengths = np.arange(COUNT) * 2 + 10
    for sample, length in zip(values, lengths.tolist(), strict=True):
        sample[length:] = 0
    source = kind("waves", RowKeys(COUNT), _labels(), values)
    source.lengths, source.how_read = lengths, ((RATE, 8000),)
    return source


def spectrograms() -> Spectrograms:
    """A source of spectrograms."""
    values = np.random.default_rng(4).uniform(1, 100, (COUNT, 6, 20)).astype(np.float32)
    source = Spectrograms("spectrograms", RowKeys(COUNT), _labels(), values)
    source.lengths, source.how_read = np.arange(COUNT) + 5, ((RATE, 8000),)
    return source


def clips() -> Clips:
    """A source of clips."""
    values = np.random.default_rng(2).integers(0, 256, (COUNT, 6, 8, 10, 3), np.uint8)
    return Clips("clips", RowKeys(COUNT), _labels(), values)


def tokens(dtype: str = "uint16") -> Tokens:
    """A source of texts: the first token and the last of each are no content."""
    ids = np.random.default_rng(3).integers(0, 90, (COUNT, 12)).astype(dtype)
    lengths = np.arange(COUNT) % 8 + 5
    mask = (np.arange(12) < lengths[:, None]).astype(np.uint8)
    source = Tokens("texts", RowKeys(COUNT), _labels(), np.where(mask == 1, ids, ids.dtype.type(PAD)))
    source.how_read = ((PADDING, PAD),)
    source.beside = {ATTENTION: TokenMask("texts", RowKeys(COUNT), Labels(), mask)}
    source.content = np.stack([np.ones(COUNT), lengths - 1], axis=1).astype(np.int32)
    return source
