"""Folders of sounds: those that image folders can be, and the layouts of well-known data sets.

| layout | sounds | labels |
|---|---|---|
| class folders | `dog/a.wav` | the folders |
| Speech Commands | `yes/a.wav`; `_background_noise_` is left out | the folders; `validation_list.txt` … |
| Hugging Face's audiofolder | `a.wav` | `metadata.csv`, as in its imagefolder |
| ESC-50 | `audio/a.wav` | `meta/esc50.csv`, column category; `fold` for groups |
| UrbanSound8K | `audio/fold1/a.wav` | `metadata/UrbanSound8K.csv`, column class; `fold` |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mixup_cli.fields.labels import Labels
from mixup_cli.sources.pictures.folder import Making, Opened, open_tree, walked
from mixup_cli.sources.pictures.walk import Tree
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.class_table import moved
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import one_split
from mixup_cli.sources.sounds.source import SOUND_FILES, SoundSource
from mixup_cli.wording import counted

TABLES = {"meta/esc50.csv": "category", "metadata/UrbanSound8K.csv": "class"}
"""The tables of labels that some data sets bring, and their columns of classes."""

NOISE = "_background_noise_/"
LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}
"""The folder of Speech Commands that is not a class, and its lists of the sounds of splits."""


def open_sounds(path: str | Path, options: SourceOptions) -> SoundSource:
    """Open a folder of sounds; the keys are relative to `path`, in the order of their bytes.

    Raises what `pictures.folder.open_folder` raises, UsageError if the sounds have several rates, DataError if none can
    be read.
    """
    make = partial(SoundSource, str(path), options=options)
    return open_tree_of_sounds(str(path), walked(path, options, SOUND_FILES), options, make)


def open_tree_of_sounds(root: str, tree: Tree, options: SourceOptions, make: Making[Opened]) -> Opened:
    """As `open_sounds`, for a tree of which perhaps only the tables and lists are in the folder `root`."""
    notices, how = list[str](), options
    for table, column in TABLES.items():
        if options.labels_from is None and Path(root, table).is_file():
            how = replace(how, labels_from=str(Path(root, table)), label_column=options.label_column or column)
    if noise := [name for name in tree.samples if _is_noise(name.rpartition("/")[0])]:
        samples = sorted({*tree.samples} - {*noise})
        tree = replace(tree, samples=samples, folders=[each for each in tree.folders if not _is_noise(each)])
        notices.append(f"left out {counted(len(noise), 'sound')} in {NOISE}, which is not a class")
    classes: tuple[str, ...] = ()
    if any(Path(root, name).is_file() for name in LISTS.values()):
        classes = in_order(escape_name(name.partition("/")[0]) for name in tree.samples if "/" in name)
        tree, said = _of_split(root, tree, options)
        notices += said
        how = replace(how, split=None)

    def make_with_notices(paths: Sequence[str], labels: Labels, found: Sequence[str]) -> Opened:
        return make(paths, labels, [*notices, *found])

    source = open_tree(root, tree, how, make_with_notices)
    if classes and source.labels.kind == "classes":
        source.labels = moved(source.labels, classes)
    return source


def _is_noise(folder: str) -> bool:
    return f"/{folder}".endswith(f"/{NOISE[:-1]}")


def _of_split(root: str, tree: Tree, options: SourceOptions) -> tuple[Tree, list[str]]:
    """The sounds of the wanted split by Speech Commands' lists, and notices. Those in no list are for training."""
    kind, notices = one_split({each: each for each in ("train", *LISTS)}, options.split, escape_name(root))
    listed = {each: _lines(Path(root, name)) for each, name in LISTS.items()}
    others = {name for each, names in listed.items() if each != kind for name in names}
    samples = [name for name in tree.samples if (name not in others if kind == "train" else name in listed[kind])]
    named = ", ".join(name for each, name in LISTS.items() if kind in (each, "train"))
    how = f"those that {named} do not name" if kind == "train" else f"those that {named} names"
    return replace(tree, samples=samples), [*notices, f"using {counted(len(samples), 'sound')}: {how}"]


def _lines(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    with path.open("rb") as file:
        return frozenset(line.decode("utf-8", "surrogateescape").strip() for line in lines_of(file, str(path)))
