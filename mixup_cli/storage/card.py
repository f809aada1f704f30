"""README.md of a data set: its card, for people and for Hugging Face.

The YAML at its head names the shards; without it, `load_dataset(OUT)` silently loads the JSON files. Names from outside
(classes) stand in a fenced block as one line of JSON, where Markdown and HTML mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from mixup_cli.fields.signal import FIRST, MASK
from mixup_cli.methods import METHODS
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord, MemberRecord, SamplesRecord
from mixup_cli.storage.meanings import (
    encoding_meaning,
    has_captions,
    label_meaning,
    loss_hint,
    mask_of,
    meanings,
)
from mixup_cli.storage.names import CHECKSUMS, MANIFEST
from mixup_cli.wording import counted, plural

MAX_NAMES = 200
"""The card lists no more class names; the manifest has all."""

REMIX = """\
@inproceedings{chou2020remix,
  title = {Remix: Rebalanced Mixup},
  author = {Chou, Hsin-Ping and Chang, Shih-Chieh and Pan, Jia-Yu and Wei, Wei and Juan, Da-Cheng},
  booktitle = {European Conference on Computer Vision Workshops},
  year = {2020}
}"""


def paper_of(name: str) -> str:
    """BibTeX of the paper that a method or a label rule comes from; empty if it has none."""
    return REMIX if name == "remix" else METHODS[name].paper if name in METHODS else ""


def card(manifest: Manifest) -> str:
    """The text of README.md: the same for the same manifest."""
    sections = [
        _front_matter(manifest),
        *_about(manifest),
        *_columns(manifest),
        *_reading(manifest),
        *_checking(manifest),
    ]
    if sources := papers(manifest):
        sections += ["## Citation", *(_fenced("bibtex", paper) for paper in sources)]
    return "\n\n".join(sections) + "\n"


def title(manifest: Manifest) -> str:
    """One line on what the data set is."""
    count = manifest.totals.samples
    return f"{count} {plural(count, 'sample')}, mixed by {', '.join(methods(manifest))}"


def methods(manifest: Manifest) -> list[str]:
    """The methods with their options, as in "mixup (alpha 0.2)"; of a merged data set, each way to use them once."""
    return [*chain.from_iterable(dict.fromkeys(map(methods_of, manifest.recipes)))]


def seeds(manifest: Manifest) -> str:
    """The seed; of a merged data set, each seed once."""
    return ", ".join(dict.fromkeys(str(recipe["seed"]) for recipe in manifest.recipes))


def methods_of(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """The methods of one recipe with their options, in its order."""
    choices, shown = recipe["methods"], []
    for choice in choices:
        options = [
            f"{name} {value if isinstance(value, str) else format(value, 'g')}"
            for name, value in sorted(choice["options"].items())
        ]
        if len(choices) > 1 and "plan" not in recipe:
            options.append(f"weight {choice['probability']:g}")
        shown.append(f"{choice['name']} ({', '.join(options)})" if options else choice["name"])
    return tuple(shown)


def papers(manifest: Manifest) -> list[str]:
    """BibTeX of the papers behind the data set's methods and its label rule."""
    names = [*manifest.methods, manifest.recipe.get("label_rule", "soft")]
    return list(filter(None, map(paper_of, names)))


def shown_shape(shape: tuple[int, ...]) -> str:
    """The shape of a column of N rows, as in "(N, 32, 32, 3)"."""
    return f"({', '.join(['N', *map(str, shape)])})"


def _front_matter(manifest: Manifest) -> str:
    """What Hugging Face's `load_dataset` goes by. It finds data sets again in its cache by the name of their folder and
    by this text alone, so the description says whose rows they are."""
    rows = f"{manifest.totals.samples} rows of recipe {manifest.recipe_id}, source {manifest.source.fingerprint}"
    return f'---\nconfigs:\n- config_name: default\n  data_files: "shard-*.h5"\n  description: "{rows}"\n---'


def _about(manifest: Manifest) -> Iterator[str]:
    totals, source = manifest.totals, manifest.source
    yield f"# {title(manifest)}"
    label = (
        "objects that belong"
        if manifest.boxes is not None
        else f"{'mask' if mask_of(manifest) else 'caption' if has_captions(manifest) else 'label'} that belongs"
    )
    yield f"Written by mixup-gen. Each row is a mix of source samples, with the {label} to it."
    left_out = f", {len(source.skipped)} left out (`{MANIFEST}` says why)" if source.skipped else ""
    facts = {
        "samples": f"{totals.samples} in {totals.shards} {plural(totals.shards, 'shard')}, {totals.bytes} bytes",
        "methods": ", ".join(methods(manifest)),
        "unmixed originals": _originals(manifest),
        "source": f"{source.samples} {plural(source.samples, 'sample')} ({source.kind}){left_out}",
        **_of_labels(manifest),
        **({"groups": f"{source.groups}; only samples of the same group are mixed"} if source.groups else {}),
        "seed": seeds(manifest),
        "compression": manifest.compression,
        "recipe_id": f"`{manifest.recipe_id}`",
        "format version": str(manifest.format_version),
    }
    yield _table(("", ""), list(facts.items()))
    if manifest.class_names:
        what = "quantities" if manifest.label_kind == "real" else "classes"
        which = what if len(manifest.class_names) <= MAX_NAMES else f"first {MAX_NAMES} {what}"
        order = "labels" if manifest.boxes is None else "numbers in `object_class`"
        order = "numbers in `mask`" if mask_of(manifest) else order
        yield f"The {which}, in the order of the {order} (`{MANIFEST}` has them too):"
        yield _fenced("json", one_line_json(manifest.class_names[:MAX_NAMES]))
    if manifest.members:
        yield from _about_members(manifest.members)


def _originals(manifest: Manifest) -> str:
    if not any(recipe["keep_originals"] for recipe in manifest.recipes):
        return "not kept"
    return f"kept, as the first rows{' of members' if manifest.members else ''}"


def _about_members(members: Sequence[MemberRecord]) -> Iterator[str]:
    yield (
        f"It was merged from {counted(len(members), 'data set')}. In the shards, `index` and "
        "`source_index` count the rows and inputs of each alone: add its first row, or its first input. `method` is a "
        f"position in its own `methods` (`{MANIFEST}`, under `members`)."
    )
    facts = [(m.start, m.first_input, m.recipe["seed"], f"`{m.recipe_id}`") for m in members[:MAX_NAMES]]
    yield _table(("first row", "first input", "seed", "recipe_id"), [tuple(map(str, row)) for row in facts])


def _of_labels(manifest: Manifest) -> dict[str, str]:
    """How many classes or quantities there are, and what a label says of them."""
    if not manifest.class_names:
        return (
            {"labels": label_meaning(manifest)} if mask_of(manifest) else {"classes": "none: the source is unlabelled"}
        )
    name = "quantities" if manifest.label_kind == "real" else "classes"
    return {name: str(len(manifest.class_names)), "labels": label_meaning(manifest)}


def _columns(manifest: Manifest) -> Iterator[str]:
    yield "## Columns"
    yield "Each shard is an HDF5 file. Its root holds these data sets, and N is the number of its rows."
    yield _listed("data set", manifest.columns, meanings(manifest))
    for column in manifest.columns:
        if column.encoding is not None:
            yield f"A row of `{column.name}` is {encoding_meaning(column)}. Dtype and shape are those of the image."
    if manifest.mixed is not None:
        yield "Readers give these besides:"
        yield _listed("column", manifest.mixed, meanings(manifest))


def _listed(what: str, columns: Sequence[ColumnRecord], known: Mapping[str, str]) -> str:
    rows = [(f"`{c.name}`", c.dtype, shown_shape(c.shape), known.get(c.name, "")) for c in columns]
    return _table((what, "dtype", "shape", "meaning"), rows)


def _reading_plan(manifest: Manifest, samples: SamplesRecord) -> Iterator[str]:
    yield "## Reading it"
    yield (
        "The shards hold the plan alone: what is mixed, and how. mixup-gen's readers (`pip install mixup-gen`) mix the "
        f"samples in `{samples.folder}` by it when they read, for any framework. Other programs find no samples here."
    )
    yield _fenced("python", MIXED_ARRAYS.format(first=manifest.signals[0].name, batch=min(64, manifest.totals.samples)))
    yield "To write shards that any program can read:"
    yield _fenced("sh", "mixup-gen materialize . -o ../rows")


def _reading(manifest: Manifest) -> Iterator[str]:
    if manifest.samples is not None:
        yield from _reading_plan(manifest, manifest.samples)
        return
    present = {column.name for column in manifest.columns}
    labels = ["labels"] if "labels" in present else sorted(present & {"source_label", "label_share"})
    labels += [] if manifest.boxes is None else ["object_count", "object_box", "object_class", "object_weight"]
    wanted = [*(signal.name for signal in manifest.signals), *labels]
    plugin = "import hdf5plugin  # the zstd filter\n" if manifest.compression == "zstd" else ""
    yield "## Reading it"
    yield "With h5py:"
    encoded = any(column.encoding for column in manifest.columns)
    values = {name: f'shard["{name}"][:64]' for name in wanted}
    if encoded:
        values[FIRST] = f"[np.array(Image.open(BytesIO(data))) for data in {values[FIRST]}]"
    batch = "\n".join(f"    {name} = {value}" for name, value in values.items())
    imports = f"{DECODING if encoded else ''}import h5py\n{NUMPY_AND_PILLOW if encoded else ''}{plugin}"
    yield _fenced("python", f'{imports}\nwith h5py.File("shard-00000.h5") as shard:\n{batch}')
    if encoded:
        yield "With PyTorch, through mixup-gen, which decodes them:"
        yield _fenced("python", DECODED_PYTORCH)
    else:
        yield "With PyTorch:"
        yield _fenced("python", PYTORCH.format(plugin=plugin, columns=tuple(wanted)))
    if present & {"labels", MASK} and (loss := loss_hint(manifest)):
        yield loss
    yield "With Hugging Face's `datasets`:"
    names = "Image, load_dataset" if encoded else "load_dataset"
    yield _fenced("python", HUGGING_FACE.format(plugin=plugin, names=names) + AS_IMAGES * encoded)


PYTORCH = """\
from glob import glob

import h5py
{plugin}import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset


class Shard(Dataset):
    columns = {columns}

    def __init__(self, path):
        self.path, self.file = path, None
        with h5py.File(path) as file:
            self.rows = len(file["{columns[0]}"])

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        self.file = self.file or h5py.File(self.path)  # each worker opens its own
        return tuple(torch.from_numpy(self.file[name][row]) for name in self.columns)


shards = [Shard(path) for path in sorted(glob("shard-*.h5"))]
loader = DataLoader(ConcatDataset(shards), batch_size=64, shuffle=True)"""

MIXED_ARRAYS = """\
from mixup_cli import MixedArrays

data = MixedArrays(".")
{first}, labels = data.images(range({batch})), data.labels(range({batch}))"""

HUGGING_FACE = """\
{plugin}from datasets import {names}

data = load_dataset("path/to/this/folder", split="train")"""


DECODING = "from io import BytesIO\n\n"
NUMPY_AND_PILLOW = "import numpy as np\nfrom PIL import Image\n"

DECODED_PYTORCH = """\
from mixup_cli.readers.pytorch import MixedDataset
from torch.utils.data import DataLoader

loader = DataLoader(MixedDataset("path/to/this/folder"), batch_size=64, shuffle=True)"""

AS_IMAGES = """
data = data.map(lambda row: {"images": {"bytes": bytes(row["images"])}}).cast_column("images", Image())"""
"""What makes images of bytes: HDF5 has no type that `datasets` takes for them as they are."""


def _checking(manifest: Manifest) -> Iterator[str]:
    yield "## Checking it"
    yield _fenced("sh", f"sha256sum -c {CHECKSUMS}\nmixup-gen verify .")
    yield (
        f"`{MANIFEST}` has the recipe, and a hash of every shard. The same recipe and source give the same bytes, with "
        "the same versions of mixup-gen and its libraries."
    )


def one_line_json(plain: object) -> str:
    """JSON on one line, with invisible letters and those that turn the direction of writing escaped."""
    text = json.dumps(plain, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
