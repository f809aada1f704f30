"""How the data set is read: a program for each framework, with our package and without it."""

from __future__ import annotations

import re
from keyword import iskeyword

from mixup_cli.fields.axes import PICTURES
from mixup_cli.storage.manifest import Manifest

OURS = {
    "PyTorch": """\
{axes}from torch.utils.data import DataLoader

from mixup_cli.readers.pytorch import MixedDataset

loader = DataLoader(MixedDataset({place!r}), batch_size={batch}, shuffle=True)
{values} = next(iter(loader))""",
    "TensorFlow": """\
# A tf.data.Dataset of batches that were read whole.
from mixup_cli.readers.tensorflow import mixed_dataset

data = mixed_dataset({place!r}, {batch}, seed=0)
{values} = next(iter(data))""",
    "Keras": """\
# A keras.utils.PyDataset, with any backend of Keras 3: model.fit takes it.
from mixup_cli.readers.keras import MixedDataset

data = MixedDataset({place!r}, {batch}, seed=0)
{sides} = data[0]""",
    "JAX": """\
# Batches on the device, one ahead; grain takes MixedBatches as it is.
from mixup_cli.readers.jax import MixedBatches, on_device

batches = on_device(MixedBatches({place!r}, {batch}, seed=0))
{values} = next(batches)""",
    "NumPy": """\
# Rows in any order, mapped where the shards are not compressed.
from mixup_cli.readers.numpy import MixedArrays

data = MixedArrays({place!r})
{first}, labels = data.images(range({batch})), data.labels(range({batch}))""",
}

WITHOUT_US = {
    "Hugging Face": """\
{plugin}from datasets import load_dataset

data = load_dataset({place!r}, split="train").with_format("numpy")
{first} = data[:{batch}]["{first}"]""",
    "h5py": """\
{plugin}import h5py

with h5py.File({shard!r}) as shard:
    {first} = shard["{first}"][:{batch}]""",
}
"""These read folders alone, and neither decode images nor mix."""


def snippets(manifest: Manifest, place: str) -> dict[str, str]:
    """How to read the data set at `place`, a path or a URL, by framework: each is a whole program in Python."""
    signals, labels = (
        [_variable(signal.name) for signal in manifest.signals],
        ["labels"] * (manifest.label_kind != "none"),
    )
    side = signals[0] if len(signals) == 1 else f"({', '.join(signals)})"
    words = {
        "place": place,
        "first": (first := manifest.signals[0]).name,
        "axes": "# Images come channels first.\n" if first.axes in PICTURES else "",
        "values": ", ".join([*signals, *labels]),
        "sides": f"{side}, labels" if labels else f"({side},)",
        "batch": min(64, max(1, manifest.totals.samples)),
        "plugin": "import hdf5plugin  # the zstd filter\n" if manifest.compression == "zstd" else "",
        "shard": f"{place.rstrip('/')}/shard-00000.h5",
    }
    is_plain = manifest.samples is None and not any(column.encoding for column in manifest.columns)
    texts = OURS | WITHOUT_US if is_plain and "://" not in place else OURS
    shown = f"print({first.name}.shape, {first.name}.dtype)"
    return {name: f"{text.format(**words)}\n{shown}" for name, text in texts.items()}


def _variable(name: str) -> str:
    """The name of a column as one of Python."""
    word = re.sub(r"\W", "_", f"signal {name}", flags=re.ASCII)
    return name if name.isidentifier() and name.isascii() and not iskeyword(name) else word
