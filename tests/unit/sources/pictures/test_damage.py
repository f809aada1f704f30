"""What Pillow says of damage, in the installed version: `damage` reads its words, and nothing else does."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterator

import numpy as np
import PIL
import pytest
from PIL import Image
from PIL.ImageFile import ImageFile

from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures import kinds
from mixup_cli.sources.pictures.damage import CUT_OFF_WORDS, reasons
from mixup_cli.sources.pictures.decode import decode
from mixup_cli.sources.reading.encoded import MACHINE_ERRNOS, Undecodable

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8))
TARGET = Target(Form((12, 10, 3), "uint8", "hwc"))


def cut_images() -> Iterator[bytes]:
    for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "PPM"):
        whole = io.BytesIO()
        NOISE.save(whole, kind)
        yield from (whole.getvalue()[:end] for end in range(12, len(whole.getvalue()) - 20))


def test_each_of_the_words_is_said_of_files_that_are_cut_off() -> None:
    said = ""
    for data in cut_images():
        with pytest.raises(Undecodable) as caught:
            decode(data, TARGET, "x", 10**6)
        if str(caught.value) == f"cannot decode (file ends at byte {len(data)})":
            said += f"{caught.value.__cause__}\n".lower()
    newer = {"not identified by this driver", "cannot load this image"}  # of a JPEG; Pillow 11 says truncated
    expected = {*CUT_OFF_WORDS} - (newer if PIL.__version__.startswith("11.") else set())
    assert {words for words in CUT_OFF_WORDS if words in said} == expected


def test_what_the_machine_cannot_do_is_not_the_images_fault() -> None:
    for number in MACHINE_ERRNOS:
        with pytest.raises(OSError), reasons(b""):  # noqa: PT011  # of any of these numbers
            raise OSError(number, "no")
    with pytest.raises(MemoryError), reasons(b""):
        raise MemoryError


def test_plugins_override_only_public_names_of_pillow() -> None:
    ours = [each for _, each in inspect.getmembers(kinds, inspect.isclass) if each.__module__ == kinds.__name__]
    assert len([each for each in ours if issubclass(each, ImageFile)]) == 5
    for plugin in ours:
        overridden = [name for name in vars(plugin) if any(name in vars(base) for base in plugin.__mro__[1:])]
        assert [name for name in overridden if name.startswith("_") and not name.startswith(("__", "_abc"))] == []
        assert "self._" not in inspect.getsource(plugin).replace("self._scaled", "")
