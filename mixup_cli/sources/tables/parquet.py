"""The library that reads and writes Parquet, which only the `parquet` extra brings."""

from __future__ import annotations

from typing import Any

from mixup_cli.errors import from_extra


def require_parquet() -> tuple[Any, Any]:
    """pyarrow and pyarrow.parquet. Raises UsageError where they are not installed."""
    with from_extra("parquet", "Parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    return pa, parquet


def reason(problem: Exception) -> str:
    """What pyarrow says of damage, in short."""
    return f"{(str(problem).splitlines() or ['damaged'])[0].rstrip('.'):.200}"
