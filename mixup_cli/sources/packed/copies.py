"""Local copies of what lies elsewhere, for what needs a path; texts name the original."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.base import Source

Opened = TypeVar("Opened", bound=Source)


def opened_as(shown: str, name: str, copy_and_open: Callable[[Path], Opened], keep: bool = False) -> Opened:
    """What `copy_and_open` opens at a path `name` that is its own, in a temporary folder. That is removed at once, or
    with the source (`keep`). Its notices, and errors, have `shown` in place of that path."""

    def named(text: str) -> str:
        return text.replace(str(local), shown)

    with ExitStack() as removal:
        folder = removal.enter_context(TemporaryDirectory(prefix="mixup-gen-", ignore_cleanup_errors=True))
        local = Path(folder, name)
        try:
            source = copy_and_open(local)
        except MixupGenError as problem:
            found, remedy = named(problem.found), named(problem.remedy)
            raise type(problem)(found, remedy, problem.fields, problem.value) from problem
        if keep:
            weakref.finalize(source, removal.pop_all().close)
    source.location, source.notices = named(source.location), tuple(map(named, source.notices))
    return source
