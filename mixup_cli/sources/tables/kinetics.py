"""Tables of Kinetics, whose rows name a part of a film instead of a file: label, youtube_id, time_start, time_end.

The tools that fetch it name the file of a part `ID_000010_000020.mp4`, from its first to its last second."""

from __future__ import annotations

from contextlib import suppress

FILM, START, STOP = "youtube_id", "time_start", "time_end"
FILE_NAME = "file_name"


def with_file_name(row: dict[str, object]) -> dict[str, object]:
    """The row with the name of its file, if it is one of Kinetics and has none."""
    if FILM not in row or FILE_NAME in row:
        return row
    with suppress(KeyError, TypeError, ValueError):
        first, last = (int(float(str(row[each]))) for each in (START, STOP))
        return {FILE_NAME: f"{row[FILM]}_{first:06d}_{last:06d}", **row}
    return row
