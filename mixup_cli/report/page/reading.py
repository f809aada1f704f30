"""How the data set is read: a snippet for each framework, with our package and without it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from keyword import iskeyword
from typing import NamedTuple

from mixup_cli.storage.manifest import Manifest


class Snippet(NamedTuple):
    """One way to read it. `text` is a whole program in Python."""

    name: str
    note: str
    text: str


LOSS = {"classes": "cross_entropy", "soft": "cross_entropy", "multi": "binary_cross_entropy_with_logits"}

PYTORCH = """\
from torch.utils.data import DataLoader

from mixup_cli.readers.pytorch import MixedDataset

loader = DataLoader(MixedDataset({place!r}), batch_size={batch}, shuffle=True)
{values} = next(iter(loader))
print(images.shape, images.dtype)"""

TENSORFLOW = """\
from mixup_cli.readers.tensorflow import mixed_dataset

data = mixed_dataset({place!r}, {batch}, seed=0)
{values} = next(iter(data))
print(images.shape, images.dtype)"""

KERAS = """\
from mixup_cli.readers.keras import MixedDataset

data = MixedDataset({place!r}, {batch}, seed=0)
{sides} = data[0]
print(images.shape, images.dtype)"""

JAX = """\
from mixup_cli.readers.jax import MixedBatches, on_device

batches = on_device(MixedBatches({place!r}, {batch}, seed=0))
{values} = next(batches)
print(images.shape, images.dtype)"""

NUMPY = """\
from mixup_cli.readers.numpy import MixedArrays

data = MixedArrays({place!r})
images = data.images(range({batch}))
labels = data.labels(range({batch}))
print(images.shape, images.dtype)"""

HUGGING_FACE = """\
{plugin}from datasets import load_dataset

data = load_dataset({place!r}, split="train")
print(data)"""

H5PY = """\
{plugin}import h5py

with h5py.File({shard!r}) as shard:
    for name in shard:
        print(name, shard[name].shape, shard[name].dtype)
    images = shard["images"][:{batch}]"""

MAPPED = """\
import json
from pathlib import Path

import numpy as np

place = Path({place!r})
manifest = json.loads((place / "manifest.json").read_text())
column = next(each for each in manifest["columns"] if each["name"] == "images")
shard = manifest["shards"][0]
images = np.memmap(
    place / shard["file"],
    np.dtype(column["dtype"]),
    "r",
    shard["columns"]["images"]["offset"],
    (shard["stop"] - shard["start"], *column["shape"]),
)
print(images.shape, images.dtype)"""


def snippets(manifest: Manifest, place: str) -> Iterator[Snippet]:
    """How to read the data set at `place`, a path or a URL: with our package first."""
    signals, labels = [_variable(signal.name) for signal in manifest.signals], ["labels"] * bool(manifest.class_names)
    side = signals[0] if len(signals) == 1 else f"({', '.join(signals)})"
    loss = LOSS.get(manifest.label_kind)
    words = {
        "place": place,
        "values": ", ".join([*signals, *labels]),
        "sides": f"{side}, labels" if labels else f"({side},)",
        "batch": min(64, max(1, manifest.totals.samples)),
        "plugin": "import hdf5plugin  # the zstd filter\n" if manifest.compression == "zstd" else "",
        "shard": f"{place.rstrip('/')}/shard-00000.h5",
    }
    takes = f" torch.nn.functional.{loss} takes the labels as they are." if loss else ""
    yield Snippet("PyTorch", f"Images come channels first.{takes}", PYTORCH.format(**words))
    yield Snippet("TensorFlow", "A tf.data.Dataset of batches that were read whole.", TENSORFLOW.format(**words))
    yield Snippet(
        "Keras", "A keras.utils.PyDataset, with any backend of Keras 3: model.fit takes it.", KERAS.format(**words)
    )
    yield Snippet("JAX", "Batches on the device, one ahead; grain takes MixedBatches as it is.", JAX.format(**words))
    yield Snippet("NumPy", "Rows in any order, mapped where the shards are not compressed.", NUMPY.format(**words))
    if "://" in place:
        return
    yield Snippet("Hugging Face", "Without mixup-gen.", HUGGING_FACE.format(**words))
    yield Snippet("h5py", "Without mixup-gen: each shard is a plain HDF5 file.", H5PY.format(**words))
    if manifest.compression == "none" and not manifest.shard_lists:
        note = "Without mixup-gen, in any language: the manifest says where each column begins."
        yield Snippet("Memory map", note, MAPPED.format(**words))


def _variable(name: str) -> str:
    """The name of a column as one of Python."""
    word = re.sub(r"\W", "_", f"signal {name}", flags=re.ASCII)
    return name if name.isidentifier() and name.isascii() and not iskeyword(name) else word
