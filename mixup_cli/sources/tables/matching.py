"""Which image of a source a row of a table names: people write paths, bare names and names without an ending."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name


class PictureNames:
    """The samples of a source, images unless another kind is given: paths with "/" between their parts."""

    def __init__(self, paths: Sequence[str], kind: FileKind | None = None) -> None:
        self.paths = paths
        self.noun, self.one = ("image", "an image") if kind is None else (kind.noun, kind.one)

    def has(self, cell: str) -> bool:
        """Whether a cell can name one of the images: its last part is an image's, with the ending or without."""
        last = posixpath.basename(cell.replace("\\", "/"))
        return last in self._by_name or last in self._by_stem

    @cached_property
    def known(self) -> frozenset[str]:
        """The paths themselves."""
        return frozenset(self.paths)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _indexed(self.paths, posixpath.basename)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _indexed(self.paths, lambda path: posixpath.basename(without_ending(path)))

    def matched(self, names: Iterable[str], where: Callable[[str], str]) -> tuple[dict[str, str], str]:
        """The image of each name that has one, and the rule that was used, in words: the first that finds any.

        A name matches an image if one is the end of the other, part by part; or if that holds for the image without
        its ending. Raises DataError, which begins with `where` of a name, for two images of one name and two names of
        one image.
        """
        for index, shorten, rule in (
            (self._by_name, str, "by the last parts of their paths"),
            (self._by_stem, without_ending, "by their names without the ending"),
        ):
            found = {name: self._one_of(name, index, shorten, where) for name in names}
            pictures = {name: picture for name, picture in found.items() if picture is not None}
            if pictures:
                _check_different(pictures, where)
                return pictures, rule
        return {}, ""

    def _one_of(
        self, name: str, index: dict[str, list[str]], shorten: Callable[[str], str], where: Callable[[str], str]
    ) -> str | None:
        """The image of a name: the longest that is the end of the name, or else the only one that ends with it."""
        name = name.replace("\\", "/")
        candidates = index.get(posixpath.basename(name), [])
        within = [path for path in candidates if f"/{name}".endswith(f"/{shorten(path)}")]
        most = max((len(shorten(path)) for path in within), default=0)
        longest = [path for path in within if len(shorten(path)) == most]
        fitting = sorted(longest or [path for path in candidates if shorten(path).endswith(f"/{name}")])
        if len(fitting) > 1:
            raise DataError(
                f"{where(name)}: {escape_name(name)} can be {escape_name(fitting[0])} or {escape_name(fitting[1])}. "
                "Write more of the path, or give the folder with one of them."
            )
        return fitting[0] if fitting else None

    def nearest(self, name: str) -> str:
        """The image that was probably meant by a name without one; else the first of all."""
        wanted = _roughly(name)
        alike = [path for path in self.paths if _roughly(path) == wanted]
        return min(alike or self.paths, default="")


def without_ending(path: str) -> str:
    """A path without the ending of its last part: `a/b.c` for `a/b.c.png`, and `.png` as it is."""
    return posixpath.splitext(path)[0]


def _roughly(path: str) -> str:
    """A name without its ending, its case and leading zeros."""
    return posixpath.basename(without_ending(path)).casefold().lstrip("0")


def _indexed(paths: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        index[key(path)].append(path)
    return dict(index)


def _check_different(pictures: dict[str, str], where: Callable[[str], str]) -> None:
    names: dict[str, str] = {}
    for name, picture in pictures.items():
        if (other := names.setdefault(picture, name)) != name:
            raise DataError(
                f"{where(name)}: {escape_name(name)} and {escape_name(other)} both name {escape_name(picture)}. "
                "Keep one."
            )
