"""The limit: the same bytes written, hashed and synced by as many threads, and nothing else.

    python limit.py SIZES.json FOLDER --threads N [--direct] [--sync]

SIZES.json is a list of file sizes in bytes. Each thread hashes (sha256) and writes one buffer again and again, in
pieces of 1 MiB: of 256 KiB … 4 MiB, buffered and O_DIRECT, with and without allocating first, that was the fastest.
Prints the seconds as JSON; starting Python is not in them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PIECE_BYTES = 1 << 20
PAGE_BYTES = 4096


class Writer:
    """Writes files of given sizes into a folder; one buffer a thread."""

    def __init__(self, folder: Path, direct: bool, sync: bool) -> None:
        self._folder, self._sync = folder, sync
        self._flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | (os.O_DIRECT if direct else 0)
        self._alignment = PAGE_BYTES if direct else 1
        self._own = threading.local()

    def write(self, number: int, size: int) -> str:
        """Write file `number`, and return its sha256."""
        if not hasattr(self._own, "buffer"):
            self._own.buffer = mmap.mmap(-1, PIECE_BYTES)  # page-aligned, which O_DIRECT asks for
            self._own.buffer.write(os.urandom(PIECE_BYTES))
        digest, piece = hashlib.sha256(), memoryview(self._own.buffer)
        descriptor = os.open(self._folder / f"{number}.bin", self._flags, 0o644)
        try:
            for start in range(0, size, PIECE_BYTES):
                count = min(PIECE_BYTES, size - start)
                digest.update(piece[:count])
                padded = -(-count // self._alignment) * self._alignment
                if os.write(descriptor, piece[:padded]) != padded:
                    raise OSError("a short write: is the disk full?")
            os.ftruncate(descriptor, size)
            if self._sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return digest.hexdigest()


def main() -> None:
    """Time it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sizes", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--sync", action="store_true")
    options = parser.parse_args()
    sizes = json.loads(options.sizes.read_text())
    writer = Writer(options.folder, options.direct, options.sync)
    began = time.perf_counter()
    with ThreadPoolExecutor(options.threads) as pool:
        hashes = list(pool.map(writer.write, range(len(sizes)), sizes))
    print(json.dumps({"seconds": time.perf_counter() - began, "files": len(hashes), "bytes": sum(sizes)}))


if __name__ == "__main__":
    main()
