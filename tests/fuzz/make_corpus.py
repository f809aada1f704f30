"""Make `corpus/`: a few small sound files for each parser.

python -m tests.fuzz.make_corpus
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image
from pyarrow import parquet

from mixup_cli.cli.options.config import as_toml, of_recipe
from mixup_cli.plan.files.writing import write_parquet
from mixup_cli.recipe import Recipe
from tests.fuzz.parsers import CORPUS
from tests.unit.plan.files.plans import Setting, recipe_of
from tests.unit.sources.cifar.cifar_archives import (
    Batch,
    names_files,
    py2_array,
    py2_dict,
    py2_int,
    py2_list,
    python_batch,
    write_cifar,
)
from tests.unit.storage.small_data_set import SOURCES_CSV, shard_records, write_data_set

PIXELS = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
SMALL = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def pickles() -> dict[str, bytes]:
    content = {"data": SMALL.reshape(3, 4), "labels": [1, 2, 3], "names": ["a", "é"]}
    made = {f"pickle.{protocol}": pickle.dumps(content, protocol) for protocol in (0, 2, 4, 5)}
    labels = py2_list(map(py2_int, [3, 400]))
    return {**made, "pickle.python2": py2_dict({"data": py2_array(SMALL.reshape(3, 4)), "labels": labels})}


def archives(scratch: Path) -> dict[str, bytes]:
    labels = py2_list([py2_int(0), py2_int(1)])
    files = {"data_batch_1": py2_dict({"data": py2_array(PIXELS), "labels": labels})}
    plain = write_cifar(scratch / "c.tar", files, "cifar-10-batches-py").read_bytes()
    binary = {"data_batch_1.bin": np.hstack([np.array([[0], [1]], np.uint8), PIXELS]).tobytes()}
    other = write_cifar(scratch / "d.tar", binary, "cifar-10-batches-bin").read_bytes()
    files = {"train": python_batch("100", Batch(PIXELS, [3, 99], [1, 19])), **names_files("100", "python")}
    hundred = write_cifar(scratch / "e.tar", files, "cifar-100-python").read_bytes()
    return {
        "cifar-tar.python": plain,
        "cifar-tar.binary": other,
        "cifar-tar.hundred": hundred,
        "cifar-gz.python": gzip.compress(plain, mtime=0),
        "cifar-gz.two-members": gzip.compress(other[:5000], mtime=0) + gzip.compress(other[5000:], mtime=0),
    }


def array_files() -> dict[str, bytes]:
    out, fortran, labels, packed = (io.BytesIO() for _ in range(4))
    np.save(out, SMALL)
    np.save(labels, np.arange(3))
    with zipfile.ZipFile(packed, "w") as file:
        for number, name in enumerate(("x", "y")):
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)[number]
            file.writestr(info, (out, labels)[number].getvalue())
    np.save(fortran, np.asfortranarray(np.linspace(0, 1, 12).reshape(3, 2, 2)))
    idx = struct.pack(">HBB3I", 0, 8, 3, *SMALL.shape) + SMALL.tobytes()
    return {
        "npy.c": out.getvalue(),
        "npy.fortran": fortran.getvalue(),
        "npz.both": packed.getvalue(),
        "idx.plain": idx,
        "idx.reals": struct.pack(">HBB2I", 0, 14, 2, 2, 3) + np.arange(6, dtype=">f8").tobytes(),
        "idx.gz": gzip.compress(idx, mtime=0),
    }


def hdf5_files(scratch: Path) -> dict[str, bytes]:
    """Texts of one length, and of any length: these stand in a heap, over whose damage HDF5 can loop for ever."""
    made = {}
    with h5py.File(scratch / "texts.h5", "w") as file:
        file.create_dataset("x", data=SMALL)
        file.create_dataset("y", data=["a", "bb", "a"], dtype=h5py.string_dtype(), chunks=(2,), compression="gzip")
    made["hdf5.texts"] = (scratch / "texts.h5").read_bytes()
    for kind, options in (("plain", {}), ("chunked", {"chunks": (1, 2, 2), "compression": "gzip", "shuffle": True})):
        with h5py.File(scratch / f"{kind}.h5", "w") as file:
            file.create_dataset("x", data=SMALL.astype(">f4" if options else "u1"), **options)
            file.create_dataset("y", data=np.array([b"a", b"b", b"a"]) if options else [1, 0, 2])
        made[f"hdf5.{kind}"] = (scratch / f"{kind}.h5").read_bytes()
    return made


def texts(scratch: Path) -> dict[str, bytes]:
    manifest = write_data_set(scratch / "out")
    job = {"recipe": manifest.recipe, "pixel_fingerprint": "a" * 64, "versions": {"numpy": "2"}}
    return {
        "manifest.small": manifest.to_json(),
        "job.small": json.dumps(job).encode(),
        "sidecar.small": shard_records(1)[0].model_dump_json(exclude_none=True).encode(),
        "sources.small": SOURCES_CSV.replace(b"aa", b"ab" * 32).replace(b"bb", b"cd" * 32).replace(b"cc", b"ef" * 32),
        "metadata-csv.small": b'file_name,label\na.png,cat\n"b, c.png",dog|cat\n',
        "metadata-csv.shares": b"file_name,label,share\na.png,0.25,0.75\nb.png,1,0\n",
        "metadata-jsonl.small": b'{"file_name": "a.png", "label": "cat"}\n{"file_name": "b.png", "label": 1}\n',
        "metadata-jsonl.shares": b'{"file_name": "a.png", "label": 0, "share": 1.0}\n',
        "config.small": b'seed = 1\nmethod = "mixup:0.5,cutmix:0.5"\nquiet = true\n"shard-size" = """1MiB"""\n',
        "config.recipe": as_toml(of_recipe(Recipe(size=(4, 6), crop_area=(0.1, 1.0), label_smoothing=0.1))).encode(),
    }


def plans() -> dict[str, bytes]:
    """Rows of all methods without options, and with views; a plain file is read in another way than a quoted one."""
    header = b"index,method,parent_0,parent_1,part_0,part_1,top,left,bottom,right,mask_seed,lam\n"
    mixed = Setting(recipe_of("mixup", "cutmix", "fmix", "mosaic", "dirichlet"))
    seen = Setting(recipe_of("mixup", flip=True))
    columns, tables = mixed.tables(8)
    compressed, plain = io.BytesIO(), io.BytesIO()
    write_parquet(tables, columns, compressed)  # type: ignore[arg-type]  # it returns how many bytes it has written
    parquet.write_table(parquet.read_table(compressed), plain, compression="none", use_dictionary=False)
    return {
        "plan.plain": header + b"0,mixup,0,1,32768,32768,,,,,,0.5\n1,none,1,,65536,,,,,,,1\n",
        "plan.mixed": mixed.csv(8),
        "plan.views": seen.csv(2),
        "plan-parquet.compressed": compressed.getvalue(),
        "plan-parquet.plain": plain.getvalue(),
    }


def pictures() -> dict[str, bytes]:
    """Each kind, and some of its forms: palettes, transparency, depth, orientation, several scans or frames."""
    colours = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    grey = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    deep = Image.fromarray(np.arange(0, 64000, 1000, dtype=np.uint16).reshape(8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    forms: list[tuple[str, Image.Image, dict[str, Any]]] = [
        *((kind, colours, {}) for kind in ("png", "jpeg", "gif", "webp", "tiff", "bmp")),
        ("png", colours.quantize(8), {"transparency": 1, "exif": exif}),
        ("png", deep, {}),
        ("jpeg", colours, {"progressive": True, "exif": exif}),
        ("jpeg", colours.convert("CMYK"), {}),
        ("gif", grey, {"save_all": True, "append_images": [grey.rotate(90)]}),
        ("webp", colours.convert("RGBA"), {"lossless": True, "exif": exif}),
        ("tiff", deep, {"compression": "tiff_lzw"}),
        ("tiff", grey.convert("F"), {"compression": "tiff_deflate"}),
        ("tiff", grey.convert("1"), {"compression": "group4"}),
        ("bmp", grey.quantize(4), {}),
        ("avif", colours.convert("RGBA"), {"exif": exif.tobytes()}),
        ("jpeg2000", colours, {"tile_size": (4, 4)}),
        ("jpeg2000", deep, {"no_jp2": True}),
        ("ppm", colours, {}),
        ("ppm", deep, {}),
    ]
    made = {}
    for number, (kind, picture, options) in enumerate(forms):
        out = io.BytesIO()
        picture.save(out, kind, **options)
        made[f"picture.{number:02}-{kind}"] = out.getvalue()
    return made


def shards(scratch: Path) -> dict[str, bytes]:
    made = {}
    for kind in ("none", "gzip", "zstd"):
        write_data_set(scratch / kind, kind)
        made[f"shard.{kind}"] = (scratch / kind / "shard-00000.h5").read_bytes()
    return made


def main() -> None:
    """Write everything."""
    CORPUS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        made = pickles() | archives(scratch) | array_files() | hdf5_files(scratch) | texts(scratch)
        made |= plans() | pictures() | shards(scratch)
    for name, data in made.items():
        (CORPUS / name).write_bytes(data)
    print(f"{len(made)} files, {sum(map(len, made.values()))} bytes")


if __name__ == "__main__":
    main()
