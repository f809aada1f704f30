"""The samples that a run with `per_class` leaves out, as a table of labels: for the test side of a few-shot set."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import OutputExistsError, StorageError
from mixup_cli.pairing import chosen
from mixup_cli.plan.plan import population_of
from mixup_cli.recipe import Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.seal import seal_bytes, storage_errors
from mixup_cli.wording import setting

HEADER = ("file_name", "label")


def write_heldout(path: Path, source: Source, recipe: Recipe, usable: NDArray[np.int64], force: bool = False) -> None:
    """Seal a CSV with the key and the class of each of the usable samples int64 (n) that the recipe does not choose, in
    the order of the source. Raises OutputExistsError for another file there, unless `force` replaces it."""
    data = heldout_table(source, recipe, usable)
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = None
    except OSError as problem:
        raise StorageError(f"{path}: cannot read ({problem.strerror}).") from problem
    if found == data:
        return
    if found is not None and not force:
        raise OutputExistsError(f"{path}: is another file.", f"Name another, or pass {setting('force')}.")
    with storage_errors(path):
        work = TemporaryDirectory(dir=path.absolute().parent, prefix=".mixup-gen-")  # another part may write it, too
    with work as folder:
        seal_bytes(path, data, Path(folder))


def heldout_table(source: Source, recipe: Recipe, usable: NDArray[np.int64]) -> bytes:
    """The table: UTF-8, with a header."""
    labels, text = source.labels, io.StringIO(newline="")
    taken = chosen(recipe, population_of(labels, usable)).samples
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    classes = np.zeros(len(source), np.int64) if labels.classes is None else labels.classes
    rest = np.setdiff1d(usable[usable < (labels.base_count or len(source))], taken).tolist()
    table.writerows((source.keys[index], labels.class_names[classes[index]]) for index in rest)
    return text.getvalue().encode("utf-8", "surrogateescape")
