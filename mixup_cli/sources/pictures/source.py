"""Image files as a source."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from mixup_cli.sources.pictures.decode import read_header
from mixup_cli.sources.pictures.encoded import EncodedPictures
from mixup_cli.sources.pictures.headers import Header
from mixup_cli.sources.pictures.plain_jpeg import look_at_head
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.stored_files import StoredFiles, opened

SUFFIXES = frozenset(
    "avif bmp dib gif j2c j2k jfif jp2 jpc jpe jpeg jpf jpg jpx pbm pgm png pnm ppm tif tiff webp".split()
)
"""What a folder walk takes for an image, in lower case. The content decides how it is decoded."""

UNREAD_SUFFIXES = frozenset(
    "arw bpg cr2 cr3 dcm dds dng eps exr fits hdr heic heif hif ico jxl jxr nef nrw orf pam pcx "
    "pef pfm psd qoi raf raw rw2 sgi srw svg svgz tga wdp wmf xcf".split()
)
"""Other files that their owner takes for images."""

PICTURE_FILES = FileKind("image", SUFFIXES, UNREAD_SUFFIXES, "JPEG or PNG")

HEAD_BYTES = 16384
"""Enough for the header of most JPEGs, of many with a small picture in their EXIF."""

READERS, IN_A_RUN = 4, 64
"""Threads that read headers, since most of the time goes to waiting for a disk; and how many at a time: for each on its
own, a thread would take longer to be asked than to read."""


class PictureSource(StoredFiles, EncodedPictures):
    """Images in files: `paths` are relative to `root` (or absolute), one for each key, in the order of the keys."""

    def extent(self, index: int) -> tuple[int, int]:
        """Height and width of one picture as it is shown, from its header; zeros if that cannot be read, which the scan
        reports."""
        try:
            header = self.header(index)
        except Undecodable:
            return 0, 0
        return header.height, header.width

    def extents(self) -> NDArray[np.int32]:
        """See `Source.extents`."""
        runs = [range(start, min(start + IN_A_RUN, len(self))) for start in range(0, len(self), IN_A_RUN)]
        with ThreadPoolExecutor(READERS) as pool:
            found = pool.map(lambda run: [*map(self.extent, run)], runs)
            return np.array([*chain.from_iterable(found)], np.int32).reshape(-1, 2)

    def header(self, index: int) -> Header:
        """See `EncodedPictures.header`: no more of the file than that."""
        with opened(self.path(index)) as (file, _):
            if (jpeg := look_at_head(os.read(file, HEAD_BYTES))) is not None:
                return Header(*jpeg.upright(), "uint8")
            os.lseek(file, 0, os.SEEK_SET)
            with open(file, "rb", closefd=False) as stream:
                return read_header(stream)
