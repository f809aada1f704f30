"""The file that HDF5 writes without the chunks: byte for byte what it writes to a file in memory."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest

from mixup_cli.storage.hdf5.image import FileImage
from mixup_cli.storage.hdf5.layout import create_file


class Copying(FileImage):
    """As if HDF5 handed over other memory than the chunk's own."""

    def write(self, data: Any) -> int:
        return super().write(bytes(data))


def written(file: Any, chunk_count: int) -> None:
    rng = np.random.default_rng(0)
    with create_file(file, {"names": ["a", "b"]}) as opened:
        for name in ("first", "second"):
            data_set = opened.create_dataset(
                name, (10 * chunk_count, 2), "uint8", chunks=(10, 2), track_times=False, compression="gzip"
            )
            for number in range(chunk_count):
                chunk = rng.bytes(int(rng.integers(1, 40)))
                if isinstance(file, FileImage):
                    file.put_chunk(data_set, 10 * number, chunk)
                else:
                    data_set.id.write_direct_chunk((10 * number, 0), chunk)


@pytest.mark.parametrize("kind", [FileImage, Copying])
@pytest.mark.parametrize("chunk_count", [1, 2, 300, pytest.param(3000, marks=pytest.mark.slow)])  # an index of levels
def test_bytes_are_those_of_a_file_in_memory(kind: type[FileImage], chunk_count: int) -> None:
    expected, image = BytesIO(), kind()
    written(expected, chunk_count)
    written(image, chunk_count)
    assert b"".join(image.pieces()) == expected.getvalue()


def test_chunks_are_not_copied() -> None:
    chunk, image = b"some bytes", FileImage()
    with create_file(image, {}) as opened:
        data_set = opened.create_dataset("only", (10,), "uint8", chunks=(10,), compression="gzip")
        image.put_chunk(data_set, 0, chunk)
    assert any(piece is chunk for piece in image.pieces())
