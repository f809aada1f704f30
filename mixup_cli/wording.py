"""Words of messages that depend on a number."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """The noun for so many of it: 1 shard, 2 shards."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """How many of it: `1 shard`, `2 shards`."""
    return f"{count} {plural(count, noun)}"


def readable(size_bytes: int) -> str:
    """Bytes for people: 1.5 GiB."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
