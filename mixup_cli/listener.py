"""What a long run reports while it works. The command line shows it; a program may ignore it."""

from __future__ import annotations


class Listener:
    """Ignores all. Subclasses override what they need; all calls come from the thread that started the run."""

    def notice(self, text: str) -> None:
        """Something the user should know, in one line."""

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        """A stage begins: `total` units of work, `done` of which were done before."""

    def advance(self, count: int) -> None:
        """`count` more units are done."""

    def end(self) -> None:
        """The stage is over."""
