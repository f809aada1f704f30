"""Sources whose labels have a place (objects, class masks), over the same classes, so that they can be combined."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Keypoints
from mixup_cli.fields.signal import MASK
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.sources.reading.class_order import numbers_in, of_sources
from mixup_cli.sources.reading.names import names_of
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import setting


def with_same_classes(sources: Sequence[Source]) -> list[Source]:
    """The sources over the union of their classes. Raises DataError for two that do not go together, saying how they
    differ, and UsageError if the number for pixels without a class is then that of one."""
    for source in sources[1:]:
        for found, remedy in _differences(source, sources[0]):
            raise DataError(f"{source.location}: {found}.", remedy)
    names = of_sources([each.labels.class_names for each in sources])
    return [_over(each, names) for each in sources]


def _differences(source: Source, first: Source) -> Iterator[tuple[str, str]]:
    """Why two sources cannot be combined: what each of them has, and what to do."""
    other = first.location
    if source.task != first.task:
        task = setting("task", "detect")
        # Objects of masks are read with the masks alone.
        both_have_boxes = all(each.objects and each.read_as.endswith(" annotations") for each in (source, first))
        remedy = f"Pass {task} to read the boxes of both." if both_have_boxes else "Give sources for the same task."
        yield f"is read for {setting('task', source.task)}, and {other} for {setting('task', first.task)}", remedy
    if [*source.signals] != [*first.signals]:
        columns, others = (", ".join(each.beside) or "objects alone" for each in (source, first))
        yield f"has {columns}, and {other} has {others}", "Give sources of one kind."
    points, others_points = (each.objects.keypoints if each.objects else None for each in (source, first))
    if points is not None and others_points is not None and points != others_points:
        if points.names != others_points.names:
            task = setting("task", "detect")
            found = f"has the keypoints {names_of(points.names, 5)}, and {other} has {names_of(others_points.names, 5)}"
            yield found, f"Give them the same names in the same order, or pass {task} to read the boxes alone."
        pairs, others_pairs = map(_pairs, (points, others_points))
        found = f"swaps the keypoints {pairs} in a mirror, and {other} {others_pairs}"
        yield found, f"Pass {setting('flip_pairs')} for both."
    masks, others_masks = (each.beside.get(MASK) for each in (source, first))
    if masks is not None and others_masks is not None:
        if masks.void != others_masks.void:
            found = f"has {masks.void} where pixels have no class, and {other} has {others_masks.void}"
            yield found, "Read both with the same number."
        if (nameless := [each for each in (source, first) if not each.labels.class_names]) and len(nameless) == 1:
            has, others = ("numbers", "names") if nameless[0] is source else ("names", "numbers")
            yield f"has {has} for the classes of masks, and {other} has {others}", f"Pass {setting('classes')}."


def _pairs(keypoints: Keypoints) -> str:
    """The keypoints that change places, as `flip_pairs` has them."""
    found = [f"{place}-{other}" for place, other in enumerate(keypoints.mirrored) if place < other]
    return ",".join(found) or "none"


def _over(source: Source, names: tuple[str, ...]) -> Source:
    """A source over these classes, which include its own."""
    if source.labels.class_names == names:
        return source
    numbers, masks = numbers_in(names, source.labels.class_names), source.beside.get(MASK)
    if masks is not None and masks.void in [each for place, each in enumerate(numbers) if place != masks.void]:
        found = (
            f"all sources have {len(names)} classes, and it is the number of one of them. Give {len(names)} or more."
        )
        raise UsageError(found, field="ignore_index", value=masks.void)
    return Renumbered(source, numbers, names)


class Renumbered(Source):
    """A source whose class i has the number `numbers[i]` (int32) among `names`. The numbers are part of the hashes: the
    names of a combined source may stay as they are while two classes of one of its sources change places."""

    kind: ClassVar[str] = "renumbered"

    def __init__(self, source: Source, numbers: NDArray[np.int32], names: tuple[str, ...]) -> None:
        super().__init__(source.location, source.keys, Labels(class_names=names), source.notices)
        self._source, self._numbers = source, numbers
        self.load_limit, self.portable = source.load_limit, source.portable
        self.task, self.void = source.task, source.void
        if source.objects is not None:
            self.objects = replace(source.objects, classes=numbers[source.objects.classes])
        self.beside = {
            name: RenumberedMasks(other, numbers, names) if name == MASK else other
            for name, other in source.beside.items()
        }

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`."""
        return self._source.survey(limit)

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return self._source.stored_bytes()

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`."""
        stamps = self._source.stamps()
        return None if stamps is None else replace(stamps, reading=(*stamps.reading, self._numbers.tobytes().hex()))

    def extents(self) -> NDArray[np.int32] | None:
        """See `Source.extents`."""
        return self._source.extents()

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return self._source.files()

    def changed(self) -> str | None:
        """See `Source.changed`."""
        return self._source.changed()

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        return self._hash_of(self._source.rehash(index))

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        return self._with_numbers(self._source.load(start, stop, target, out))

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`."""
        return self._with_numbers(self._source.examine(start, stop, target))

    def _with_numbers(self, found: Sequence[Loaded]) -> list[Loaded]:
        return [each._replace(sha256=self._hash_of(each.sha256)) for each in found]

    def _hash_of(self, sha256: str) -> str:
        little = self._numbers.astype("<i4").tobytes()
        return sha256 and hashlib.sha256(bytes.fromhex(sha256) + little).hexdigest()


class RenumberedMasks(Renumbered):
    """The masks beside such a source."""

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. More classes may need deeper masks."""
        found = super().survey(limit)
        if found.array_form is None or self._numbers.max(initial=0) <= np.iinfo(np.uint8).max:
            return found
        return replace(found, dtypes=Counter({"uint16": 1}), array_form=replace(found.array_form, dtype="uint16"))

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        found = super().load(start, stop, target, out)
        for place, (loaded, mask) in enumerate(zip(found, out, strict=True)):
            if loaded.problem is not None:
                continue
            has_class = mask != self.void
            classes = mask[has_class].astype(np.int64)
            if (largest := classes.max(initial=0)) < len(self._numbers):
                mask[has_class] = self._numbers[classes]
            else:
                problem = f"has the class {largest}, and there are {len(self._numbers)}"
                found[place] = loaded._replace(problem=problem)
        return found
