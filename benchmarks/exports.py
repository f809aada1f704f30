"""Exports against what each library's own writer does alone, with the same arrays in memory.

    python -m benchmarks.exports DATA_SET [--rounds N] [--scratch FOLDER] [--only FORMAT …]

Both write the same columns into as many files, in turn. The library's writer is called as its documentation shows: it
has the arrays in memory already and syncs nothing. The export reads shards, encodes and syncs. Prints
a table in Markdown: samples a second of each, and the ratio, as medians.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.exporters.job import Job, Options
from mixup_cli.exporters.run import export

Arrays = dict[str, NDArray[Any]]


def webdataset(shards: Sequence[Arrays], out: Path) -> None:
    """`TarWriter`, with its own encoder."""
    from webdataset import TarWriter

    for number, shard in enumerate(shards):
        with TarWriter(str(out / f"{number:05}.tar")) as tar:
            small = {name: values.tolist() for name, values in shard.items() if name not in ("images", "labels")}
            for row in range(len(shard["images"])):
                sample = {"__key__": f"{row:09}", "png": shard["images"][row], "labels.npy": shard["labels"][row]}
                tar.write({**sample, "json": {name: values[row] for name, values in small.items()}})


def imagefolder(shards: Sequence[Arrays], out: Path) -> None:
    """Pillow, and pandas for metadata.csv."""
    import pandas as pd

    tables = []
    for number, shard in enumerate(shards):
        (out / f"{number:05}").mkdir()
        names = [f"{number:05}/{row:09}.png" for row in range(len(shard["images"]))]
        for name, image in zip(names, shard["images"], strict=True):
            Image.fromarray(image).save(out / name)
        flat = {name: values.reshape(len(values), -1) for name, values in shard.items() if name != "images"}
        cells = {
            f"{name}_{place}": values[:, place] for name, values in flat.items() for place in range(values.shape[1])
        }
        tables.append(pd.DataFrame({"file_name": names, **cells}))
    pd.concat(tables).to_csv(out / "metadata.csv", index=False)


def npz(shards: Sequence[Arrays], out: Path) -> None:
    """`numpy.savez`."""
    for number, shard in enumerate(shards):
        np.savez(out / f"{number:05}.npz", **shard)


def _hugging_face(shard: Arrays) -> Any:
    from datasets import Dataset, Features, List, Value
    from datasets import Image as ImageFeature

    kinds: dict[str, Any] = {"images": ImageFeature()}
    for name, values in shard.items():
        value = Value(values.dtype.name)
        kinds.setdefault(name, List(value, length=values.shape[1]) if values.ndim > 1 else value)
    return Dataset.from_dict({**shard, "images": list(shard["images"])}, features=Features(kinds))


def parquet(shards: Sequence[Arrays], out: Path) -> None:
    """`Dataset.to_parquet` of Hugging Face's datasets."""
    for number, shard in enumerate(shards):
        _hugging_face(shard).to_parquet(out / f"{number:05}.parquet")


def arrow(shards: Sequence[Arrays], out: Path) -> None:
    """`Dataset.save_to_disk` of Hugging Face's datasets."""
    for number, shard in enumerate(shards):
        _hugging_face(shard).save_to_disk(str(out / f"{number:05}"))


def zarr(shards: Sequence[Arrays], out: Path) -> None:
    """`Group.create_array`, with chunks that the library chooses."""
    import zarr

    group = zarr.open_group(str(out), mode="w")
    for name in shards[0]:
        group.create_array(name, data=np.concatenate([shard[name] for shard in shards]))


def _png(image: NDArray[Any]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(image).save(written, "png")
    return written.getvalue()


def tfrecord(shards: Sequence[Arrays], out: Path) -> None:
    """`tf.io.TFRecordWriter`, with TensorFlow's own encoder of PNG."""
    import tensorflow as tf

    feature = tf.train.Feature
    for number, shard in enumerate(shards):
        with tf.io.TFRecordWriter(str(out / f"{number:05}")) as file:
            for row in range(len(shard["images"])):
                image = tf.io.encode_png(shard["images"][row]).numpy()
                features = {"images": feature(bytes_list=tf.train.BytesList(value=[image]))}
                for name, values in shard.items():
                    value = values[row].ravel()
                    if value.dtype.kind == "f":
                        features[name] = feature(float_list=tf.train.FloatList(value=value))
                    elif name != "images":
                        features[name] = feature(int64_list=tf.train.Int64List(value=value))
                file.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def mds(shards: Sequence[Arrays], out: Path) -> None:
    """`MDSWriter`, with its own encoder."""
    from streaming import MDSWriter

    columns = {
        name: "png" if name == "images" else f"ndarray:{values.dtype}" if values.ndim > 1 else values.dtype.name
        for name, values in shards[0].items()
    }
    with MDSWriter(columns=columns, out=str(out / "mds")) as writer:
        for shard in shards:
            for row in range(len(shard["images"])):
                writer.write({**{k: v[row] for k, v in shard.items()}, "images": Image.fromarray(shard["images"][row])})


def litdata(shards: Sequence[Arrays], out: Path) -> None:
    """`BinaryWriter`, which `litdata.optimize` writes with in each of its processes."""
    from litdata import Image as LitImage
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(str(out), chunk_bytes="64MB")
    number = 0
    for shard in shards:
        for row in range(len(shard["images"])):
            sample = {k: v[row] if v.ndim > 1 else v[row].item() for k, v in shard.items()}
            writer[number] = {**sample, "images": LitImage(bytes=_png(shard["images"][row]))}
            number += 1
    writer.done()


WRITERS: dict[str, Callable[[Sequence[Arrays], Path], None]] = {
    each.__name__: each for each in (webdataset, imagefolder, npz, parquet, arrow, zarr, tfrecord, mds, litdata)
}


def seconds(work: Callable[[Path], object], scratch: Path | None) -> float:
    """How long some work takes that writes into a new folder."""
    with TemporaryDirectory(prefix="mixup-gen-bench-", dir=scratch) as out:
        began = time.perf_counter()
        work(Path(out))
        return time.perf_counter() - began


def rates(to: Any, asked: argparse.Namespace) -> tuple[float, float]:
    """Samples a second of the export and of the library's own writer."""
    options = Options(to, rows=(0, asked.rows))
    job = Job(asked.data_set, options)
    shards = [{part.name: part.read(piece.rows) for part in job.parts} for piece in job.pieces()]
    theirs, ours = list[float](), list[float]()
    for _ in range(asked.rounds):
        theirs.append(seconds(partial(WRITERS[to], shards), asked.scratch))
        ours.append(seconds(lambda out: export(asked.data_set, out, options), asked.scratch))
    return len(job.rows) / statistics.median(ours), len(job.rows) / statistics.median(theirs)


def main() -> None:
    """Measure each format, the two writers in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data_set", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure; default: the system's temporary")
    parser.add_argument("--only", nargs="*", default=[*WRITERS])
    asked = parser.parse_args()
    print("| format | mixup-gen export, samples/s | its library alone, samples/s | ratio |\n|---|---|---|---|")
    for to in asked.only:
        ours, theirs = rates(to, asked)
        print(f"| {to} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
