"""Make `photos/`, `cifar-10-sample.tar.gz` and `broken/` from the photographs that scikit-image carries.

    pip install scikit-image
    python -m sample_data.make_sample_data [FOLDER]

Writes into FOLDER (by default, the folder of this file). The same versions of Python, scikit-image, Pillow, NumPy, h5py
and zlib write the same bytes: no clock and no randomness is used. `LICENSE.md` says whose the photographs are.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import struct
import sys
import tarfile
import zlib
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sample_data.cifar_pickle import Pixels, array, batch, integer, mapping, py2_string, sequence

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "cat": "chelsea.png",
    "clock": "clock_motion.png",
    "coffee": "coffee.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "photographer": "camera.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""Class to file. Each is in the public domain or under CC0, and says so in scikit-image's documentation."""

SIDES_PX = [(240, 180), (200, 200), (150, 210), (256, 160), (180, 240), (176, 144), (160, 160), (220, 150), (192, 192)]
"""Width and height of the pictures in `photos/`, dealt out in turn: no two classes get the same."""

TRAIN_PER_CLASS, TEST_PER_CLASS = 10, 2
ORIENTATION = 0x0112  # the EXIF tag


def photograph(name: str) -> Image.Image:
    """One of scikit-image's photographs, as RGB or grey."""
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("scikit-image is not installed. Run: pip install scikit-image")
    with Image.open(Path(package.submodule_search_locations[0]) / "data" / PHOTOGRAPHS[name]) as picture:
        return picture.convert("L" if picture.mode == "L" else "RGB")


def crop(picture: Image.Image, size: tuple[int, int], zoom: float, at: tuple[float, float]) -> Image.Image:
    """A window of `size`'s shape, 1/`zoom` of the largest that fits, `at` (x, y) in 0 … 1, resized to `size`."""
    scale = min(picture.width / size[0], picture.height / size[1]) / zoom
    width, height = size[0] * scale, size[1] * scale
    left, top = (picture.width - width) * at[0], (picture.height - height) * at[1]
    return picture.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height), reducing_gap=3)


def jpeg(picture: Image.Image, orientation: int = 1) -> bytes:
    """A JPEG file; `orientation` other than 1 goes into its EXIF part."""
    exif = Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, optimize=True, exif=exif)
    return out.getvalue()


def png(picture: Image.Image) -> bytes:
    """A PNG file."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def photo_files() -> dict[str, bytes]:
    """Two or three pictures of each class: colour and grey, JPEG and PNG, all sizes, one turned by its EXIF tag."""
    files = {}
    turn = 0
    for name in PHOTOGRAPHS:
        picture = photograph(name)
        for k in range(3 if name in ("cat", "coffee", "rocket") else 2):
            part = crop(picture, SIDES_PX[turn % len(SIDES_PX)], 1 + 0.4 * k, (0.5, 0.3 + 0.2 * k))
            turn += 1
            if k == 2:  # stored on its side, shown upright
                files[f"{name}/{name}-3.jpg"] = jpeg(part.transpose(Image.Transpose.ROTATE_90), orientation=6)
            elif k == 1 and picture.mode == "L":
                files[f"{name}/{name}-2.png"] = png(part)
            else:
                files[f"{name}/{name}-{k + 1}.jpg"] = jpeg(part)
    return files


def cifar_rows(first: int, per_class: int) -> tuple[Pixels, list[int], list[str]]:
    """Crops `first` and on of every class: uint8 (N, 3072) in CIFAR's channel-major order, labels, file names."""
    pixels, labels, names = [], [], []
    for k in range(first, first + per_class):
        for label, name in enumerate(PHOTOGRAPHS):
            at = (0.618 * (k + 1)) % 1, (0.755 * (k + 1)) % 1  # spread evenly, without randomness
            part = crop(photograph(name).convert("RGB"), (32, 32), 1 + k % 4 * 0.5, at)
            pixels.append(np.asarray(part, dtype=np.uint8).transpose(2, 0, 1).reshape(-1))
            labels.append(label)
            names.append(f"{name}_s_{k:06}.png")
    return np.stack(pixels), labels, names


def tar_gz(members: dict[str, bytes]) -> bytes:
    """A gzipped tar of `members`, with no times and no owners. A name that ends in a slash is a folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.size = len(data)
            if name.endswith("/"):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), 9, mtime=0)


def cifar_members() -> dict[str, bytes]:
    """The members of a small CIFAR-10 archive, in the published archive's order."""
    pixels, labels, names = cifar_rows(0, TRAIN_PER_CLASS)
    parts = np.array_split(np.arange(len(labels)), 5)
    files = {
        f"data_batch_{k}": batch(
            f"training batch {k} of 5", pixels[part], [labels[i] for i in part], [names[i] for i in part]
        )
        for k, part in enumerate(parts, 1)
    }
    files["test_batch"] = batch("testing batch 1 of 1", *cifar_rows(TRAIN_PER_CLASS, TEST_PER_CLASS))
    files["batches.meta"] = mapping(
        [
            ("num_cases_per_batch", integer(len(parts[0]))),
            ("label_names", sequence([py2_string(name.encode()) for name in PHOTOGRAPHS])),
            ("num_vis", integer(3072)),
        ]
    )
    files["readme.html"] = b"<p>A small archive in the format of CIFAR-10, with other pictures.</p>\n"
    order = "data_batch_4 readme.html test_batch data_batch_3 batches.meta data_batch_2 data_batch_5 data_batch_1"
    folder = "cifar-10-batches-py/"
    return {folder: b""} | {folder + name: files[name] for name in order.split()}


def png_bomb(side_px: int) -> bytes:
    """A true PNG of `side_px` squared black pixels, a bit each; as RGB it would fill 24 times its packed rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\x00" + b"\x00" * ((side_px + 7) // 8)
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    rows = zlib.compress(row * side_px, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def broken_pictures() -> dict[str, bytes]:
    """Damaged or mislabelled pictures."""
    good = jpeg(crop(photograph("cat"), (96, 64), 1, (0.5, 0.5)))
    good_png = png(crop(photograph("cat"), (48, 32), 1, (0.5, 0.5)))
    data_at = good_png.index(b"IDAT") + 40
    return {
        "truncated.jpg": good[: len(good) * 2 // 3],
        "header_only.jpg": good[:20],
        "zero_bytes.png": b"",
        "text_named.jpg": b"This is a line of text whose file name claims that it is a picture.\n",
        "damaged_pixels.png": good_png[:data_at] + bytes(8) + good_png[data_at + 8 :],
        "bomb.png": png_bomb(20_000),
        "wrong_extension.png": good,
        "metadata_names_missing/metadata.csv": b"file_name,label\nhere.jpg,cat\nnot_here.jpg,cat\n",
        "metadata_names_missing/here.jpg": good,
        "no_pictures/cat/notes.txt": b"A class folder without a picture.\n",
    }


def idx(values: NDArray[np.uint8], claimed_count: int | None = None) -> bytes:
    """An MNIST IDX file of `values`, whose header claims `claimed_count` samples if that is given."""
    shape = (len(values) if claimed_count is None else claimed_count, *values.shape[1:])
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes()


def npz(x: NDArray[np.generic], y: NDArray[np.uint8]) -> bytes:
    """An uncompressed .npz file (NumPy writes a constant time into it)."""
    out = io.BytesIO()
    np.savez(out, x=x, y=y)
    return out.getvalue()


def broken_arrays() -> dict[str, bytes]:
    """Array files that lie about their contents, or hold none."""
    pixels = (np.arange(4 * 8 * 8, dtype=np.int64).reshape(4, 8, 8) % 256).astype(np.uint8)
    labels = np.array([0, 1, 0, 1], np.uint8)
    with_nan = pixels.astype(np.float32)
    with_nan[2, 3, 4] = np.nan
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_group("settings").attrs["note"] = "HDF5, but no samples"
    hdf5 = memory.getvalue()
    return {
        "idx_lies-images-idx3-ubyte": idx(pixels, claimed_count=60_000),
        "idx_lies-labels-idx1-ubyte": idx(labels),
        "idx_too_few_labels-images-idx3-ubyte": idx(pixels),
        "idx_too_few_labels-labels-idx1-ubyte": idx(labels[:3]),
        "too_few_labels.npz": npz(x=pixels, y=labels[:3]),
        "nan_pixels.npz": npz(x=with_nan, y=labels),
        "needs_pickle.npz": npz(x=np.array([[1], [2, 3]], dtype=object), y=labels[:2]),
        "not_a_dataset.h5": hdf5,
        "truncated.h5": hdf5[: len(hdf5) // 2],
    }


def broken_archives(members: dict[str, bytes]) -> dict[str, bytes]:
    """CIFAR archives with one fault each; `members` are those of a sound one."""
    folder = "cifar-10-batches-py/"
    first = folder + "data_batch_1"
    pixels, labels, names = cifar_rows(0, 1)
    meta = {folder: b"", folder + "batches.meta": members[folder + "batches.meta"]}
    some = {
        f"{folder}data_batch_{k}": batch(f"training batch {k} of 5", pixels[k:][:2], labels[k:][:2], names[k:][:2])
        for k in (1, 2, 4, 5)
    }
    runs_code = b"\x80\x02cposix\nsystem\n" + py2_string(b"echo this must never run") + b"\x85R."
    narrow = mapping(
        [
            ("batch_label", py2_string(b"training batch 1 of 5")),
            ("labels", sequence([integer(label) for label in labels])),
            ("data", array(pixels[:, :3000])),
            ("filenames", sequence([py2_string(name.encode()) for name in names])),
        ]
    )
    whole = tar_gz({first: members[first]})
    return {
        "cifar_truncated.tar.gz": whole[: len(whole) // 2],
        "cifar_batch_missing.tar.gz": tar_gz(meta | some),
        "cifar_runs_code.tar.gz": tar_gz(meta | {first: runs_code}),
        "cifar_label_too_large.tar.gz": tar_gz(
            meta | {first: batch("training batch 1 of 5", pixels, [12] * 10, names)}
        ),
        "cifar_rows_too_short.tar.gz": tar_gz(meta | {first: narrow}),
    }


def main() -> None:
    """Write everything, and say how large it is."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    members = cifar_members()
    broken = broken_pictures() | broken_arrays() | broken_archives(members)
    files = {f"photos/{name}": data for name, data in photo_files().items()}
    files["cifar-10-sample.tar.gz"] = tar_gz(members)
    files |= {f"broken/{name}": data for name, data in broken.items()}
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes, in {out}")


if __name__ == "__main__":
    main()
