"""Several sources, combined into a single one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import PLACED_TASKS, TIMED_TASKS
from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.labels import Labels, dense_from_classes
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.target import FormMismatch, Survey, Target
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.sources.reading.class_order import of_sources
from mixup_cli.sources.reading.class_table import moved
from mixup_cli.sources.reading.placed import with_same_classes
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import setting


def combine(sources: Sequence[Source]) -> Source:
    """One source with the samples of all, in their order; a single source is returned as it is.

    Keys get their source's number in front ("0:cat/1.png"). Classes are merged by name, those of objects and masks too
    (see `placed`). Raises DataError for labels of kinds that do not go together, and for arrays that no common form can
    hold.
    """
    if not sources:
        raise NoInputError("no source was given.")
    if len(sources) > 1 and (timed := next((each for each in sources if each.task in TIMED_TASKS), None)) is not None:
        found = f"{timed.location}: is read for {setting('task', timed.task)}, and such sources cannot be combined."
        raise DataError(found, "Give it alone, or put all samples into one folder or table.")
    if len(sources) > 1 and any(each.task in PLACED_TASKS for each in sources):
        sources = with_same_classes(sources)
    return sources[0] if len(sources) == 1 else CombinedSource(sources)


class CombinedSource(Source):
    """See `combine`."""

    kind: ClassVar[str] = "combined"

    def __init__(self, sources: Sequence[Source], labels: Labels | None = None) -> None:
        self.sources = tuple(sources)
        self._ends = list(accumulate(len(source) for source in sources))
        width = len(str(len(sources) - 1))  # padded, so that the keys sort as the sources stand
        self._prefixes = [f"{number:0{width}d}:" for number in range(len(sources))]
        self.load_limit = min((each.load_limit for each in sources if each.load_limit), default=None)
        self.portable = all(each.portable for each in sources)
        self.task, self.void = sources[0].task, sources[0].void
        super().__init__(
            ", ".join(source.location for source in sources),
            [prefix + key for prefix, source in zip(self._prefixes, sources, strict=True) for key in source.keys],
            merge_labels(sources) if labels is None else labels,
            tuple(chain.from_iterable(source.notices for source in sources)),
        )
        texts = [each.texts for each in sources if each.texts is not None]
        self.texts = [*chain.from_iterable(texts)] if len(texts) == len(sources) else None
        if found := [each.objects for each in sources if each.objects is not None]:
            self.objects = Objects.joined(found)
        self.beside = {name: combine([source.beside[name] for source in sources]) for name in _common_names(sources)}

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. The sources share the limit by size, at least one sample each."""
        surveys = []
        for source in self.sources:
            share = None if limit is None else max(1, limit * len(source) // max(1, len(self)))
            surveys.append(source.survey(share))
        sizes: Counter[tuple[int, int]] = Counter()
        dtypes: Counter[SampleDtype] = Counter()
        for survey in surveys:
            sizes += survey.sizes
            dtypes += survey.dtypes
        broken = {key: problem for survey in surveys for key, problem in survey.broken.items()}
        upper_bits = sum(survey.upper_bits for survey in surveys)
        return Survey(sizes, dtypes, self._common_form(surveys), broken, upper_bits)

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return list(chain.from_iterable(source.stored_bytes() for source in self.sources))

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`. None if any of the sources has none."""
        found = [stamps for source in self.sources if (stamps := source.stamps()) is not None]
        if len(found) < len(self.sources):
            return None
        reading = chain.from_iterable((str(len(each.files)), *each.reading) for each in found)
        return Stamps(np.concatenate([each.files for each in found]), tuple(reading))

    def extents(self) -> NDArray[np.int32] | None:
        """See `Source.extents`. None if any of the sources has none."""
        found = [extents for source in self.sources if (extents := source.extents()) is not None]
        return np.concatenate(found) if len(found) == len(self.sources) else None

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return chain.from_iterable(source.files() for source in self.sources)

    def changed(self) -> str | None:
        """See `Source.changed`."""
        found = zip(self._prefixes, (source.changed() for source in self.sources), strict=True)
        return next((prefix + name for prefix, name in found if name is not None), None)

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        ((number, start, _),) = self._ranges(index, index + 1)
        return self.sources[number].rehash(start)

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        loaded: list[Loaded] = []
        for number, first, end in self._ranges(start, stop):
            with self._prefixed(number):
                loaded += self._load_of(number, first, end, target, out[len(loaded) : len(loaded) + end - first])
        return loaded

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`."""
        loaded: list[Loaded] = []
        for number, first, end in self._ranges(start, stop):
            with self._prefixed(number):
                loaded += self._examine_of(number, first, end, target)
        return loaded

    def _load_of(self, number: int, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """`load` of one of the sources."""
        return self.sources[number].load(start, stop, target, out)

    def _examine_of(self, number: int, start: int, stop: int, target: Target) -> list[Loaded]:
        """`examine` of one of the sources."""
        return self.sources[number].examine(start, stop, target)

    def _ranges(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Samples start … stop−1, source by source: its number, and their range among its own."""
        while start < stop:
            number = bisect_right(self._ends, start)
            before = self._ends[number] - len(self.sources[number])
            end = min(stop, self._ends[number])
            yield number, start - before, end - before
            start = end

    @contextmanager
    def _prefixed(self, number: int) -> Iterator[None]:
        """Within the context, a sample of this source that does not fit is named by its key in the combined source."""
        try:
            yield
        except FormMismatch as mismatch:
            raise FormMismatch(self._prefixes[number] + mismatch.key, mismatch.size, mismatch.dtype) from None

    def _common_form(self, surveys: Sequence[Survey]) -> Form | None:
        """The form of all sources, or None if images differ (their sizes then decide). Index maps are as large as their
        images; their numbers have the bits that the largest need."""
        forms = [survey.array_form for survey in surveys]
        if self.void is not None:
            return max(filter(None, forms), key=lambda form: np.dtype(form.dtype).itemsize, default=None)
        if all(form == forms[0] for form in forms):
            return forms[0]
        for source, form in zip(self.sources, forms, strict=True):
            if form is not None and form.axes == "":
                other = next(s for s, f in zip(self.sources, forms, strict=True) if f != form)
                raise DataError(
                    f"{source.location} holds arrays {form.dtype} {form.shape}, and {other.location} something else: "
                    "they cannot be mixed. Give one of them."
                )
        return None


def _common_names(sources: Sequence[Source]) -> list[str]:
    """The further signals of all. Raises DataError where some sources have others."""
    names = list(sources[0].beside)
    for source in sources[1:]:
        if list(source.beside) != names:
            found, expected = (", ".join(each.signals) for each in (source, sources[0]))
            raise DataError(f"{source.location}: has the signals {found}, and {sources[0].location} has {expected}.")
    return names


def merge_labels(sources: Sequence[Source]) -> Labels:
    """The labels of all samples, over the union of the class names; soft if any source has soft labels. Without labels,
    the classes are those of objects and masks.

    Raises DataError for labels that do not go together: labelled and unlabelled, one class a sample and any number of
    them, numbers and classes, or numbers of other names; and if only some sources have groups.
    """
    all_labels = [source.labels for source in sources]
    _check_kinds(sources)
    groups = _merged_groups(sources)
    names = of_sources([labels.class_names for labels in all_labels])
    if all_labels[0].kind == "none":
        return Labels(names, groups=groups)
    found = [moved(labels, names) for labels in all_labels]
    if all(labels.kind == "classes" for labels in all_labels):
        classes = [each.classes for each in found if each.classes is not None]
        return Labels(names, np.concatenate(classes), groups=groups)
    kind = next(labels.values_kind for labels in all_labels if labels.values is not None)
    return Labels(names, values=np.concatenate([_dense(each) for each in found]), values_kind=kind, groups=groups)


def _check_kinds(sources: Sequence[Source]) -> None:
    first = sources[0]
    for source in sources:
        labels, where = source.labels, source.location
        kinds = {labels.kind, first.labels.kind}
        if "none" in kinds and len(kinds) > 1:
            without = where if labels.kind == "none" else first.location
            raise DataError(f"{without}: has no labels, and other sources do. Give sources with labels, or without.")
        if len(kinds) > 1 and kinds != {"classes", "soft"}:
            raise DataError(
                f"{where}: has labels of the kind {labels.kind}, and {first.location} of the kind {first.labels.kind}. "
                f"Give sources of one kind, or pass {setting('label_kind')}."
            )
        if labels.kind == "real" and labels.class_names != first.labels.class_names:
            raise DataError(
                f"{where}: has the numbers {', '.join(labels.class_names)}, and {first.location} has "
                f"{', '.join(first.labels.class_names)}. Give both the same columns, with {setting('label_column')}."
            )


def _merged_groups(sources: Sequence[Source]) -> tuple[str, ...] | None:
    """The groups of all samples: the same text means the same group, whatever the source."""
    without = [source.location for source in sources if source.labels.groups is None]
    if without and len(without) < len(sources):
        raise DataError(f"{without[0]}: has no groups, and other sources do. Give all of them groups, or none.")
    return None if without else tuple(chain.from_iterable(source.labels.groups or () for source in sources))


def _dense(labels: Labels) -> NDArray[np.float32]:
    """float32 (n, K): the values; of classes, a one at each."""
    if labels.classes is None:
        return np.asarray(labels.values)
    ones = np.ones((len(labels.classes), 1), np.float32)
    return dense_from_classes(labels.classes[:, None], ones, len(labels.class_names))
