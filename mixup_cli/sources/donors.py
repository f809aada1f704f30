"""Donors of their own: a folder of files beside a source, such as recordings of noise, whose samples are never bases.

They need no labels, and no folders that stand for classes. They stand behind the samples of the source, and are read as
these are: at their rate and length, in their size and colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import RATE
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.combined import CombinedSource
from mixup_cli.sources.pictures.folder import nothing_found, walked
from mixup_cli.sources.pictures.source import PICTURE_FILES, PictureSource
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.sounds.source import SOUND_FILES, SoundSource
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import counted, setting


def without_donors(options: SourceOptions, place: Path, locations: Sequence[str | Path]) -> SourceOptions:
    """How the source itself is read: a walk over it leaves out the folder `place` of donors. Raises UsageError where
    that holds the source."""
    for each in locations:
        if isinstance(each, Path) and each.resolve().is_relative_to(place.resolve()):
            found = f"the source {each} lies in that folder."
            raise UsageError(found, "Name a folder of donors alone.", field="donors_from", value=place)
    return replace(options, exclude=(*options.exclude, place))


def with_donors(source: Source, place: Path, options: SourceOptions) -> Source:
    """The source with the donors in the folder `place`. Raises UsageError for a source that they do not go with,
    NoInputError without donors, and what reading their headers raises."""
    for found, remedy in _reasons(source):
        raise UsageError(f"{source.location}: {found}", remedy, field="donors_from", value=options.donors_from)
    donors = _opened(place, source, options)
    return SoundsWithDonors(source, donors) if source.task == "audio" else PicturesWithDonors(source, donors)


def _reasons(source: Source) -> Iterator[tuple[str, str]]:
    """Why a source cannot have donors of its own, and what to do."""
    works = "Leave it out. It works with sounds, and with images that have a class, or no label."
    if source.task not in ("classify", "audio"):
        yield f"is read for {setting('task', source.task)}, and such donors have nothing of that.", works
    if source.beside:
        yield f"has the signals {', '.join(source.signals)}, and donors are files with one.", works
    if source.labels.groups is not None:
        yield "has groups, and donors are in none.", f"Pass {setting('group_column', 'none')}, or leave one out."
    form = None if source.task == "audio" else source.survey(1).array_form
    if form is not None and not (form.is_picture and form.channels in (1, 3)):
        yield f"holds arrays of the shape {form.shape}, and donors are images.", works


def _opened(place: Path, source: Source, options: SourceOptions) -> Source:
    is_sound = source.task == "audio"
    if place.is_file():
        raise UsageError("is a file. Name the folder that holds it.", field="donors_from", value=place)
    tree = walked(place, options, SOUND_FILES if is_sound else PICTURE_FILES)
    paths = sorted(tree.samples, key=escape_name)
    if not paths:
        raise NoInputError(nothing_found(str(place), tree))
    if not is_sound:
        return PictureSource(str(place), paths, Labels(), max_pixels=options.max_pixels)
    how = dict(source.how_read)
    rate = int(how[RATE])
    options = replace(options, task="audio", rate=rate, seconds=int(how["window"]) / rate)
    return SoundSource(str(place), paths, Labels(), (), options)


class WithDonors(CombinedSource):
    """A source with donors behind its samples. Its form is the source's."""

    noun: ClassVar[str]

    def __init__(self, source: Source, donors: Source) -> None:
        labels = source.labels.with_donors(len(source), len(donors))
        parts = source.sources if isinstance(source, CombinedSource) else (source,)
        super().__init__((*parts, donors), labels)
        self._bases, self._donors = source, donors
        self.column, self.how_read, self.list_folder = source.column, source.how_read, source.list_folder
        found = f"donors: {counted(len(donors), self.noun)} in {donors.location}"
        self.notices = (*source.notices, found, *(f"donors: {notice}" for notice in donors.notices))

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`: of the bases."""
        return self._bases.survey(limit)


class PicturesWithDonors(WithDonors):
    """Donors are brought to the size, colours and depth that the bases decide."""

    noun = "image"

    def _load_of(self, number: int, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        if number + 1 < len(self.sources):
            return super()._load_of(number, start, stop, target, out)
        fitting = _fitting(target)
        return self._donors.load(start, stop, fitting, out.reshape(-1, *fitting.form.shape))

    def _examine_of(self, number: int, start: int, stop: int, target: Target) -> list[Loaded]:
        is_donor = number + 1 == len(self.sources)
        return super()._examine_of(number, start, stop, _fitting(target) if is_donor else target)


def _fitting(target: Target) -> Target:
    """The target of donors: whatever their size and depth, they fit. Grey arrays have no axis of channels."""
    form = target.form
    if form.axes == "hw":
        form = Form((*form.shape, 1), form.dtype, "hwc")
    return replace(target, form=form, resize=target.resize or "crop", deepest=form.dtype)


class SoundsWithDonors(WithDonors):
    """Donors are as long as they are: rows show parts of them, as of longer sounds of the source."""

    noun = "sound"

    def __init__(self, source: Source, donors: Source) -> None:
        super().__init__(source, donors)
        if source.lengths is not None and donors.lengths is not None:
            self.lengths = np.concatenate([source.lengths, donors.lengths])

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`: of the bases, in a form that also holds the longest of the donors."""
        found, of_donors = super().survey(limit), self._donors.survey(1).array_form
        if found.array_form is None or of_donors is None:
            raise ValueError("sounds have a form")
        room, shown = max(found.array_form.time, of_donors.time), found.window or found.array_form.time
        return replace(found, array_form=found.array_form.lasting(room), window=shown if shown < room else None)

    def rooms(self, target: Target) -> NDArray[np.int64] | None:
        """See `Source.rooms`."""
        bases, donors = self._bases.rooms(target), self._donors.rooms(target)
        return None if bases is None or donors is None else np.concatenate([bases, donors])
