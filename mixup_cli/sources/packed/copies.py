"""Local copies of what lies elsewhere, for what needs a path; texts name the original."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.base import Source

Opened = TypeVar("Opened", bound=Source)


def opened_as(shown: str, name: str, copy_and_open: Callable[[Path], Opened], keep: bool = False) -> Opened:
    """What `copy_and_open` opens at a path `name` that is its own, in a temporary folder. That is removed at once, or
    with the source (`keep`). Its notices, and errors, have `shown` in place of that path."""
    folder = mkdtemp(prefix="mixup-gen-")
    local = Path(folder, name)

    def named(text: str) -> str:
        return text.replace(str(local), shown)

    try:
        source = copy_and_open(local)
    except BaseException as problem:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(problem, MixupGenError):
            raise
        raise type(problem)(named(problem.found), named(problem.remedy), problem.fields, problem.value) from problem
    if keep:
        weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    source.location, source.notices = named(source.location), tuple(map(named, source.notices))
    return source
