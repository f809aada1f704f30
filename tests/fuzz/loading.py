"""Sources and pictures, as a run takes them: opened, surveyed, and some samples loaded."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from mixup_cli.errors import MixupGenError
from mixup_cli.fields.decide import decide
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Survey
from mixup_cli.recipe import Recipe
from mixup_cli.scan.scan import until_it_fits
from mixup_cli.scan.table import label_texts
from mixup_cli.sources.arrays.files import open_array_file
from mixup_cli.sources.arrays.idx import looks_like_idx, open_idx
from mixup_cli.sources.cifar.source import looks_like_cifar, open_cifar
from mixup_cli.sources.pictures.decode import decode, read_header
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.metadata import read_metadata

MOST_SAMPLES, MOST_BYTES = 8, 16 << 20
MOST_PIXELS = 4_000_000
"""Of a picture. A run takes many times as many, and the memory that goes with them."""

DECODED_AS = (
    Recipe(dtype="source"),
    Recipe(size=(5, 4), value_range=(0.0, 64.0)),
    Recipe(size=(3, 6), dtype="float32", channels="grey", resize="pad"),
)
READ_AS = (
    SourceOptions(label_kind="classes"),
    SourceOptions(label_kind="multi", group_column="label"),
    SourceOptions(label_kind="soft", label_column="label,share"),
)


def cifar(path: Path) -> bool:
    looks_like_cifar(path)
    return _loads(open_cifar(path, SourceOptions()))


def idx(path: Path) -> bool:
    looks_like_idx(path)
    return _loads(open_idx(path, SourceOptions()))


def array_file(path: Path) -> bool:
    return _loads(open_array_file(path, SourceOptions()))


def _loads(source: Source) -> bool:
    """Whether the first samples and the last one are sound."""
    label_texts(source.labels, len(source))
    survey = source.survey(MOST_SAMPLES)
    return until_it_fits(survey, partial(_load, source, survey))


def _load(source: Source, survey: Survey) -> bool:
    target = decide(Recipe(), survey).target
    count = min(len(source), MOST_SAMPLES, _most_samples(target.form))
    out = np.empty((count, *target.form.shape), target.form.dtype)
    loaded = source.load(0, count, target, out)
    loaded += source.load(len(source) - 1, len(source), target, out[:1])
    return all(each.problem is None for each in loaded)


def _most_samples(form: Form) -> int:
    return max(1, MOST_BYTES // max(1, form.sample_bytes))


def picture(data: bytes, _: Path) -> bool:
    """Decoded as it is, and into two other forms."""
    header = read_header(data)
    for recipe in DECODED_AS:
        survey = Survey(Counter([(header.height, header.width)]), Counter([header.dtype]))
        until_it_fits(survey, partial(_decode, data, recipe, survey))
    return True


def _decode(data: bytes, recipe: Recipe, survey: Survey) -> None:
    decode(data, decide(recipe, survey).target, "a.png", MOST_PIXELS)


def metadata(path: Path) -> bool:
    """With labels of several kinds, of which the first should be there."""
    for options in READ_AS[1:]:
        with suppress(MixupGenError):
            _labels(path, options)
    return _labels(path, READ_AS[0]).kind == "classes"


def _labels(path: Path, options: SourceOptions) -> Labels:
    found = read_metadata(path, options, PictureNames([]))
    labels = [entry.label for entry in found.entries.values() if entry.label is not None]
    return Labels() if found.reader is None else found.reader.labels(labels, found.name)
