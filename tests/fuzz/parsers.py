"""Every parser of bytes: how it is called, how the bytes that feed it are made, and what it does when it comes far."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import click

from mixup_cli.checks import row_values
from mixup_cli.cli.app import app
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.errors import MixupGenError
from mixup_cli.plan.files import reading
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.recipe import Recipe
from mixup_cli.sources.arrays import source as arrays
from mixup_cli.sources.cifar import safe_pickle
from mixup_cli.sources.cifar import source as cifar
from mixup_cli.sources.pictures import decode
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.tables import labels as metadata_labels
from mixup_cli.storage import source_table as table
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.storage.manifest import _contradictions
from mixup_cli.storage.shard_records import shard_name
from tests.fuzz import data_sets, loading
from tests.fuzz.layers import in_gzip, in_png, in_tar, in_zip
from tests.fuzz.mutating import Mutation, in_place, mutants
from tests.fuzz.parquets import in_parquet
from tests.fuzz.pickles import in_pickle
from tests.fuzz.texts import in_csv, in_json, in_json_lines, in_npy, in_toml
from tests.unit.plan.files.plans import Setting, recipe_of

CORPUS, FOUND = Path(__file__).parent / "corpus", Path(__file__).parent / "found"

_GENERATE = app.commands["generate"]


@dataclass(frozen=True)
class Parser:
    """`parse` takes bytes, and a folder that is its own to put them in, and says whether it found nothing wrong.

    The corpus is the files named NAME.*; `structured` changes them and keeps their structure. In `found/` are inputs,
    named the same way, that came where few mutants do (from atheris, which is guided by coverage). `inside` is called
    once the outer layer is passed (checksums, syntax), and at least `floor` of all mutants come there.
    """

    name: str
    parse: Callable[[bytes, Path], bool]
    structured: Mutation
    inside: Callable[..., Any]
    floor: float

    def corpus(self) -> list[bytes]:
        return self._files(CORPUS)

    def _files(self, folder: Path) -> list[bytes]:
        return [path.read_bytes() for path in sorted(folder.glob(f"{self.name}.*"))]

    def mutants(self, seed: int) -> Iterator[bytes]:
        """What was found before comes first."""
        return chain(self._files(FOUND), mutants(self.corpus(), self.structured, seed))

    def feed(self, data: bytes, folder: Path) -> None:
        """The property: an answer, or an error that a user can read, in one piece."""
        with suppress(MixupGenError, Undecodable, click.exceptions.Exit):
            self.parse(data, folder)


def _in_file(name: str, parse: Callable[[Path], bool], data: bytes, folder: Path) -> bool:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return parse(path)


def _pickle(data: bytes, _: Path) -> bool:
    return bool(safe_pickle.read_pickle(data, "data_batch_1"))


def _sources(data: bytes, _: Path) -> bool:
    found = table.read_table(data, "sources.csv")
    return table.first_difference(found, found) is None and len(found.csv) > 0 and len(found.usable) > 0


def _plan(data: bytes, _: Path) -> bool:
    return _fits(reading.read_csv(io.BytesIO(data), "plan.csv"))


def _plan_file(path: Path) -> bool:
    return _fits(reading.read_plan(path))


def _fits(plan: PlanFile) -> bool:
    """Whether it can be compared with a source, whatever methods it brings."""
    views: dict[str, object] = {"flip": True} if plan.has_views else {}
    setting = Setting(recipe_of(*plan.method_names, **views))
    setting.checked(plan)
    return len(plan.digest()) > 0


def _config(path: Path) -> bool:
    """The options of `generate`, and the recipe that they come to."""
    context = _GENERATE.make_context("generate", ["--config", str(path)])
    given = {each.name: context.params[each.name] for each in fields(RecipeFlags)}
    return bool(RecipeFlags(**given).recipe().methods)


_IN_TAR = partial(in_tar, in_pickle)
_CIFAR = cifar._class_names
_HASHED = arrays.hashed
_LABELS = metadata_labels.LabelReader.labels

PARSERS = [
    Parser("pickle", _pickle, in_pickle, safe_pickle._finished, 0.17),
    Parser("cifar-tar", partial(_in_file, "cifar.tar", loading.cifar), _IN_TAR, _CIFAR, 0.4),
    Parser("cifar-gz", partial(_in_file, "cifar.tar.gz", loading.cifar), partial(in_gzip, _IN_TAR), _CIFAR, 0.3),
    Parser("idx", partial(_in_file, "train-images-idx3-ubyte", loading.idx), partial(in_gzip, in_place), _HASHED, 0.25),
    Parser("npy", partial(_in_file, "x.npy", loading.array_file), in_npy, _HASHED, 0.2),
    Parser("npz", partial(_in_file, "x.npz", loading.array_file), partial(in_zip, in_npy), _HASHED, 0.15),
    Parser("hdf5", partial(_in_file, "x.h5", loading.array_file), in_place, _HASHED, 0.28),
    Parser("metadata-csv", partial(_in_file, "metadata.csv", loading.metadata), in_csv, _LABELS, 0.4),
    Parser("metadata-jsonl", partial(_in_file, "metadata.jsonl", loading.metadata), in_json_lines, _LABELS, 0.2),
    Parser("manifest", partial(_in_file, "manifest.json", data_sets.manifest), in_json, _contradictions, 0.25),
    Parser("job", partial(_in_file, ".mixup-gen/recipe.json", data_sets.job), in_json, Recipe.from_dict, 0.5),
    Parser("sidecar", partial(_in_file, ".mixup-gen/done/00000.json", data_sets.sidecar), in_json, shard_name, 0.2),
    Parser("sources", _sources, in_csv, LoadedColumn.of, 0.5),
    Parser("plan", _plan, in_csv, PlanFile.__len__, 0.3),
    Parser("plan-parquet", partial(_in_file, "plan.parquet", _plan_file), in_parquet, PlanFile.__len__, 0.3),
    Parser("config", partial(_in_file, "c.toml", _config), in_toml, RecipeFlags.recipe, 0.15),
    Parser("picture", loading.picture, in_png, decode._convert, 0.4),
    Parser("shard", partial(_in_file, "shard-00000.h5", data_sets.shard), in_place, row_values.value_problems, 0.33),
]
