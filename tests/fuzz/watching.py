"""Sees how far a parser comes: whether it calls a function behind its outer layer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Watch:
    """Whether a function is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._code = function.__code__
        self.is_reached = False

    def _see(self, frame: FrameType, _event: str, _argument: object) -> None:
        self.is_reached |= frame.f_code is self._code

    @contextmanager
    def watching(self) -> Iterator[None]:
        """In this thread, and in those that begin meanwhile."""
        self.is_reached = False
        threading.setprofile(self._see)
        sys.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
