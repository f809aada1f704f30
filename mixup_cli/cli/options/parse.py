"""Readers: each turns the text of an option into its value, or raises UsageError; the option adds its name."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem

from mixup_cli.errors import MixupGenError, UsageError
from mixup_cli.recipe import NORMALIZATIONS, Normalize
from mixup_cli.wording import did_you_mean, is_url, quoted, url_problem

if TYPE_CHECKING:  # --help needs no storage
    from mixup_cli.image_format import ImageFormat
    from mixup_cli.storage.parts import Part
    from mixup_cli.storage.stores import Store

BYTE_UNITS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}

AUTO = "auto"
"""The part that a scheduler's variables say."""

_shown = partial(quoted, most_letters=60)


class Reader(click.ParamType[Any]):
    """How the text of an option is read, and what stands for it in --help (`name`). Its errors name the option, unless
    they begin with a path. In a variable several paths stand as in PATH. A shell completes `choices`; of a list, with
    commas between, each member."""

    envvar_list_splitter = os.pathsep

    def __init__(
        self,
        read: Callable[[str], Any],
        metavar: str,
        is_path: bool = False,
        choices: Iterable[str] = (),
        is_list: bool = False,
    ) -> None:
        self._read, self.name, self._is_path = read, metavar, is_path
        self._choices, self._is_list = (*choices,), is_list

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType.convert`. A default is a value already."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except MixupGenError as problem:
            begins_with_path = self._is_path and "\0" not in value
            raise problem.or_else(field=() if begins_with_path else getattr(param, "name", None) or ()) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """See `click.ParamType.shell_complete`. The shell itself knows files and folders."""
        if self._is_path:
            is_folder = (param.metavar or self.name).startswith("FOLDER")
            return [CompletionItem(incomplete, type="dir" if is_folder else "file")]
        before, comma, begun = incomplete.rpartition(",") if self._is_list else ("", "", incomplete)
        return [CompletionItem(f"{before}{comma}{each}") for each in self._choices if each.startswith(begun)]


def whole(low: int = 0, high: int = sys.maxsize) -> Reader:
    """Whole numbers from `low` to `high`, both included."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:  # also of thousands of digits
            raise UsageError(f"{_shown(text)} is not a whole number.") from None
        if not low <= value <= high:
            raise UsageError(f"{text[:60]} is {f'less than {low}' if value < low else f'more than {high}'}.")
        return value

    return Reader(read, "N")


def word(choices: Any, name: str | None = None, remedy: str = "") -> Reader:
    """One word of a Literal; help shows all of them, or the `name` of what they are. `remedy` is for any other text."""
    words = get_args(choices)

    def read(text: str) -> str:
        if text not in words:
            raise UsageError(f"{_shown(text)} is not one of {', '.join(words)}{did_you_mean(text, words)}", remedy)
        return text

    return Reader(read, name or "|".join(words), choices=words)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{_shown(text)} is not a number.") from None


def _seconds(text: str) -> float:
    """A time above 0, of a day at most."""
    value = _number(text)
    if not 0 < value <= 86400:
        raise UsageError(f"{_shown(text)} is not a time above 0 s, of at most 86,400 s.", "Give seconds: 1, or 0.5.")
    return value


def local_name(text: str) -> str:
    """The name of a file or folder. Raises UsageError for a URL, which would be taken for a relative path, and for an
    empty text, which a shell makes of a variable that is not set."""
    if not text:
        raise UsageError("a path is empty.", "Give one: . is the current folder.")
    if "\0" in text:
        raise UsageError(f"{_shown(text)} contains a NUL, which no path can.")
    if problem := url_problem(text):
        raise UsageError(*problem)
    return text


def _place(text: str) -> Path | str:
    """A local path, or the text of a URL that is not one of a file here."""
    if not is_url(text):
        return Path(local_name(text))
    _check_memory(text)
    from mixup_cli.storage.stores import local_path

    return text if (path := local_path(text)) is None else Path(path)


def _folder_or_store(text: str) -> Path | Store:
    """A folder, or a store that a URL names."""
    if not is_url(text):
        return Path(local_name(text))
    _check_memory(text)
    from mixup_cli.storage.stores import Store

    return Store.open(text)


def _check_memory(url: str) -> None:
    if url.lower().startswith("memory://"):
        found = f"{url}: lies in the memory of one process, which ends with this command."
        raise UsageError(found, "Give a folder, or the URL of a store.")


def _byte_count(text: str) -> int:
    """`64MiB`, `1GB`, `1000000`: bytes, at least 1."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = BYTE_UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None or not 1 <= float(match[1]) * unit < math.inf:
        raise UsageError(f"{_shown(text)} is not a number of bytes.", "Give, for example, 64MiB.")
    return int(float(match[1]) * unit)


def _part(text: str) -> Part | str:
    """`K/N`, K in 1 … N, or AUTO."""
    if text == AUTO:
        return text
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*", text)
    if match is None:
        remedy = "Give, for example, 1/4. Without a value, for the part of a job array, it stands last."
        raise UsageError(f"{_shown(text)} is not K/N.", remedy)
    from mixup_cli.storage.parts import Part

    return Part(int(match[1]), int(match[2]))


def _size(text: str) -> tuple[int, int]:
    """`224` or `WIDTHxHEIGHT`: height and width in pixels."""
    match = re.fullmatch(r"(\d{1,4000})(?:[xX](\d{1,4000}))?", text.strip())
    if match is None:
        raise UsageError(f"{_shown(text)} is not a size.", "Give 224, or WIDTHxHEIGHT as in 320x240.")
    width = int(match[1])
    return int(match[2] or width), width


def _numbers(text: str, example: str = "0.5,0.5,0.5") -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{_shown(text)} is not a list of numbers.", f"Give, for example, {example}.") from None


def low_high(example: str) -> Reader:
    """`LOW,HIGH`."""

    def read(text: str) -> tuple[float, float]:
        values = _numbers(text, example)
        if len(values) != 2:
            raise UsageError(f"{_shown(text)} is not LOW,HIGH.", f"Give, for example, {example}.")
        return values[0], values[1]

    return Reader(read, "LOW,HIGH")


def _fill(text: str) -> tuple[int, ...]:
    """A grey level, or one per channel, in 0 … 255."""
    values = _numbers(text, "124,116,104")
    if not all(0 <= value <= 255 and value.is_integer() for value in values):
        remedy = "Give 0 … 255, or one such number per channel: 124,116,104."
        raise UsageError(f"{_shown(text)} is not a colour.", remedy)
    return tuple(int(value) for value in values)


def _normalize(text: str) -> Normalize:
    """A name, or `MEAN/STD` with one number or one per channel on each side."""
    if text in NORMALIZATIONS:
        return Normalize(*NORMALIZATIONS[text])
    mean, slash, std = text.partition("/")
    if not slash:
        known = f"({', '.join(NORMALIZATIONS)})"
        found = f"{_shown(text)} is neither a name {known} nor MEAN/STD{did_you_mean(text, NORMALIZATIONS)}"
        raise UsageError(found, "Give, for example, 0.5,0.5,0.5/0.2,0.2,0.2.")
    return Normalize(_numbers(mean), _numbers(std))


def _names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise UsageError(f"{_shown(text)} is not a list of names.", "Give, for example, images,labels.")
    return names


def _rows(text: str) -> tuple[int, int | None]:
    """`A:B`, either of which may be missing."""
    match = re.fullmatch(r"\s*([0-9]{0,18}):([0-9]{0,18})\s*", text)
    if match is None or match[0].strip() == ":":
        raise UsageError(f"{_shown(text)} is not A:B.", "Give, for example, 0:1000.")
    return int(match[1] or 0), int(match[2]) if match[2] else None


def _image_format(text: str) -> ImageFormat:
    from mixup_cli.image_format import ImageFormat

    return ImageFormat.parse(text)


def _features(text: str) -> str:
    from mixup_cli.sources.sounds.log_mel import LogMel

    return str(LogMel.parse(text))


NUMBER = Reader(_number, "X")
SECONDS = Reader(_seconds, "S")
TEXT = Reader(str, "TEXT")
NAME = Reader(local_name, "FILE", is_path=True)
PATH = Reader(lambda text: Path(local_name(text)), "FOLDER", is_path=True)
PATH_OR_URL = Reader(_place, "SOURCE", is_path=True)
FOLDER_OR_STORE = Reader(_folder_or_store, "FOLDER|URL", is_path=True)
BYTES = Reader(_byte_count, "SIZE")
PART = Reader(_part, "K/N|auto", choices=[AUTO])
SIZE = Reader(_size, "PX|WxH")
FILL = Reader(_fill, "GREY|R,G,B")
NAMES = Reader(_names, "NAME,…")
ROWS = Reader(_rows, "A:B")
ENCODE = Reader(lambda text: str(_image_format(text)), "png|jpeg:Q|webp:Q", choices=["png", "jpeg:90", "webp:80"])
FEATURES = Reader(_features, "logmel[:BANDS]", choices=["logmel:80", "logmel:128"])
IMAGE_FORMAT = Reader(_image_format, "png|jpeg:Q|webp:Q")
NORMALIZE = Reader(_normalize, "NAME|MEAN/STD", choices=NORMALIZATIONS)


def shown(name: str, value: Any) -> Any:
    """What reads as this value of a recipe's field on the command line."""
    if isinstance(value, Normalize):
        return f"{shown('', value.mean)}/{shown('', value.std)}"
    if name in ("size", "cache_size") and value is not None:
        return f"{value[1]}x{value[0]}"
    return ",".join(map(repr, value)) if isinstance(value, tuple) else value
