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

import numpy as np
from PIL import Image

from mixup_cli.storage.layout import Column
from mixup_cli.storage.shard import ShardSpec, writer_for
from tests.contracts.writer_contract import in_blocks
from tests.fuzz.parsers import CORPUS
from tests.unit.sources.cifar_archives import py2_array, py2_dict, py2_int, py2_list, write_cifar
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
    return {
        "cifar-tar.python": plain,
        "cifar-tar.binary": other,
        "cifar-gz.python": gzip.compress(plain, mtime=0),
        "cifar-gz.two-members": gzip.compress(other[:5000], mtime=0) + gzip.compress(other[5000:], mtime=0),
    }


def array_files() -> dict[str, bytes]:
    out, labels, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(out, SMALL)
    np.save(labels, np.arange(3))
    with zipfile.ZipFile(packed, "w") as file:
        for number, name in enumerate(("x", "y")):
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)[number]
            file.writestr(info, (out, labels)[number].getvalue())
    idx = struct.pack(">HBB3I", 0, 8, 3, *SMALL.shape) + SMALL.tobytes()
    return {
        "npy.c": out.getvalue(),
        "npz.both": packed.getvalue(),
        "idx.plain": idx,
        "idx.gz": gzip.compress(idx, mtime=0),
    }


def texts(scratch: Path) -> dict[str, bytes]:
    manifest = write_data_set(scratch / "out")
    recipe = {"recipe": manifest.recipe, "pixel_fingerprint": "a" * 64, "versions": {"numpy": "2"}}
    header = b"index,method,parent_0,parent_1,part_0,part_1,top,left,bottom,right,mask_seed,lam\n"
    return {
        "manifest.small": manifest.to_json(),
        "job.small": json.dumps(recipe).encode(),
        "sidecar.small": shard_records(1)[0].model_dump_json().encode(),
        "sources.small": SOURCES_CSV.replace(b"aa", b"ab" * 32).replace(b"bb", b"cd" * 32).replace(b"cc", b"ef" * 32),
        "plan.plain": header + b"0,mixup,0,1,32768,32768,,,,,,0.5\n1,none,1,,65536,,,,,,,1\n",
        "plan.quoted": header + b'0,"mixup",0,1,32768,32768,,,,,,"0.5"\n',
        "metadata-csv.small": b'file_name,label\na.png,cat\n"b, c.png",dog\n',
        "metadata-jsonl.small": b'{"file_name": "a.png", "label": "cat"}\n{"file_name": "b.png", "label": 1}\n',
        "config.small": b'seed = 1\nmethod = "mixup:0.5,cutmix:0.5"\nquiet = true\n"shard-size" = """1MiB"""\n',
    }


def pictures() -> dict[str, bytes]:
    made = {}
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"):
        out = io.BytesIO()
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(out, kind)
        made[f"picture.{kind.lower()}"] = out.getvalue()
    return made


def shards(scratch: Path) -> dict[str, bytes]:
    columns = (Column("share", "float32", (2,)), Column("index", "int64", ()))
    arrays: dict[str, Any] = {"share": np.full((3, 2), 0.5, np.float32), "index": np.arange(3)}
    made = {}
    for kind in ("none", "gzip"):
        writer = writer_for(ShardSpec(columns, {"format_version": 1}, kind), scratch)
        writer.prepare([3])
        writer.write(scratch / f"{kind}.h5", 3, in_blocks(arrays, 3))
        made[f"shard.{kind}"] = (scratch / f"{kind}.h5").read_bytes()
    return made


def main() -> None:
    """Write everything."""
    CORPUS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        made = pickles() | archives(scratch) | array_files() | texts(scratch) | pictures() | shards(scratch)
    for name, data in made.items():
        (CORPUS / name).write_bytes(data)
    print(f"{len(made)} files, {sum(map(len, made.values()))} bytes")


if __name__ == "__main__":
    main()
