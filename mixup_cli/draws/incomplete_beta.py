"""SciPy's regularised incomplete beta function, imported in a tenth of the time that `scipy.special` takes.

The function is in an extension module that needs nothing of the package around it. While that module is imported, an
empty package stands in for `scipy.special`, so that the package itself is not run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

PACKAGE = "scipy.special"

_standing_in = RLock()


class _StandIn(ModuleType):
    """Another thread that finds it waits for the package, and takes from that what it asks for."""

    def __getattr__(self, name: str) -> Any:
        with _standing_in:
            if name.startswith("__") or sys.modules.get(PACKAGE) is self:
                raise AttributeError(name)
        return getattr(import_module(PACKAGE), name)


@contextmanager
def _stand_in() -> Iterator[None]:
    spec = None if PACKAGE in sys.modules else find_spec(PACKAGE)
    if spec is None:
        yield
        return
    package = module_from_spec(spec)
    package.__class__ = _StandIn
    with _standing_in:
        is_first = sys.modules.setdefault(PACKAGE, package) is package  # another thread may import it since
        try:
            yield
        finally:
            if is_first:
                del sys.modules[PACKAGE]


try:
    with _stand_in():
        from scipy.special._ufuncs import betainc
except ImportError:  # another version of SciPy may have it elsewhere
    from scipy.special import betainc

__all__ = ["betainc"]
