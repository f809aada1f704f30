"""Members of zips out of the bytes in which they lie, in bounds: no header is believed."""

from __future__ import annotations

import struct
import zipfile
import zlib

from mixup_cli.sources.reading.bounded_read import HIGHEST_RATIO
from mixup_cli.sources.reading.encoded import Undecodable

PLAIN = -1
"""Not a member of a zip: the bytes are the image's own."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways of packing that are read here. Others are rare, and their decoders have no bounds."""

FREE_OF_SUSPICION_BYTES = 16 << 20
"""What is larger and was packed to less than 1/HIGHEST_RATIO was made to fill the memory: no image shrinks so far."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")


def member_of(data: bytes, size: int, method: int, crc: int) -> bytes:
    """The member whose local header begins `data`, of a size and CRC-32 as the archive's list has them. Raises
    Undecodable for anything else."""
    if len(data) < _LOCAL_HEADER.size or not data.startswith(b"PK\3\4"):
        raise Undecodable("is not where the archive's list says")
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(data)
    packed = memoryview(data)[_LOCAL_HEADER.size + name_bytes + extra_bytes :]
    if size > FREE_OF_SUSPICION_BYTES and size > HIGHEST_RATIO * len(packed):
        raise Undecodable(
            f"claims to inflate from {len(packed)} bytes to {size}, more than {HIGHEST_RATIO} times as many"
        )
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        member = inflater.decompress(packed, size + 1) if method == zipfile.ZIP_DEFLATED else bytes(packed[:size])
    except zlib.error as error:
        raise Undecodable("its compressed data are damaged") from error
    if len(member) != size or zlib.crc32(member) != crc:
        raise Undecodable("is cut short or damaged: its size or CRC-32 is not what the archive's list says")
    return member
