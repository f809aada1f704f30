"""Read a data set again and again while it grows: `python reading.py FOLDER WHOLE OPENED`.

WHOLE is the same data set with all the rows that it will come to. Each round reads every row of every column, with
nothing mapped before: of one reader that is opened first and kept, and of one that is opened for the round. Prints a
line with the count of rows that a new reader sees, when that changes, until stdin is closed and one more round is
done. Ends with an assertion where a value is another than in WHOLE.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.storage.hdf5 import reading


def check(arrays: MixedArrays, whole: MixedArrays) -> None:
    """Each value, in one piece and shard by shard."""
    rows = np.arange(len(arrays))[::-1]
    for column in arrays.manifest.columns:
        expected = whole.column(column.name)[: len(rows)]
        np.testing.assert_array_equal(arrays.column(column.name)[:], expected, err_msg=column.name)
        np.testing.assert_array_equal(arrays.column(column.name).take(rows), expected[rows], err_msg=column.name)


def main(folder: str, expected: str) -> None:
    """See above."""
    setattr(reading, "most_maps", lambda: 1)  # noqa: B010  # each read maps its shard again
    whole, kept, seen = MixedArrays(expected), MixedArrays(folder), 0
    waiting = threading.Thread(target=sys.stdin.read, daemon=True)
    waiting.start()
    is_last = False
    while not is_last:
        is_last = not waiting.is_alive()
        new = MixedArrays(folder)
        if len(new) != seen:
            seen = len(new)
            print(seen, flush=True)
        for arrays in (kept, new):
            check(arrays, whole)


if __name__ == "__main__":
    main(*sys.argv[1:])
