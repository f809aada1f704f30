"""Every parser of bytes: how it is called, what it may raise, and sound bytes that are mutated to feed it."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.base import SourceOptions
from mixup_cli.sources.headers import Undecodable

CORPUS = Path(__file__).parent / "corpus"
OPTIONS = SourceOptions()


@dataclass(frozen=True)
class Parser:
    """`parse` takes bytes, and a folder that is its own to put them in. The corpus is the files named NAME.*."""

    name: str
    parse: Callable[[bytes, Path], object]

    def corpus(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(CORPUS.glob(f"{self.name}.*"))]

    def feed(self, data: bytes, folder: Path) -> None:
        """The property: an answer, or an error that a user can read, in one piece."""
        with suppress(MixupGenError, Undecodable):
            self.parse(data, folder)


def _in_file(name: str, parse: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def run(data: bytes, folder: Path) -> object:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return parse(path)

    return run


def _pickle(data: bytes, _: Path) -> object:
    from mixup_cli.sources.safe_pickle import read_pickle

    return read_pickle(data, "data_batch_1")


def _cifar(path: Path) -> object:
    from mixup_cli.sources.cifar import looks_like_cifar, open_cifar

    looks_like_cifar(path)
    return open_cifar(path, OPTIONS)


def _idx(path: Path) -> object:
    from mixup_cli.sources.idx import looks_like_idx, open_idx

    looks_like_idx(path)
    return open_idx(path, OPTIONS)


def _array_file(path: Path) -> object:
    from mixup_cli.sources.array_files import open_array_file

    return open_array_file(path, OPTIONS)


def _metadata(path: Path) -> object:
    from mixup_cli.sources.metadata import read_metadata

    return read_metadata(path, OPTIONS)


def _manifest(path: Path) -> object:
    from mixup_cli.storage.manifest import read_manifest

    return read_manifest(path.parent)


def _job(path: Path) -> object:
    from mixup_cli.storage.folder import DataSetFolder

    return DataSetFolder(path.parent.parent).job()


def _sidecar(path: Path) -> object:
    from mixup_cli.storage.folder import DataSetFolder

    folder = DataSetFolder(path.parent.parent.parent)
    return folder.done(0, 0, 12), folder.rows_done()


def _sources(data: bytes, _: Path) -> object:
    from mixup_cli.sources.table import read_table

    return read_table(data, "sources.csv")


def _plan(data: bytes, _: Path) -> object:
    from mixup_cli.plan_files.reading import read_csv

    return read_csv(io.BytesIO(data), "plan.csv").digest()


def _config(path: Path) -> object:
    from mixup_cli.cli.config import read_config

    return read_config(path)


def _header(data: bytes, _: Path) -> object:
    from mixup_cli.sources.decode import read_header

    return read_header(data)


def _shard(path: Path) -> object:
    from mixup_cli.storage.layout import Column
    from mixup_cli.storage.shard import read_column

    return [read_column(path, column, 3) for column in (Column("share", "float32", (2,)), Column("index", "int64", ()))]


PARSERS = [
    Parser("pickle", _pickle),
    Parser("cifar-tar", _in_file("cifar.tar", _cifar)),
    Parser("cifar-gz", _in_file("cifar.tar.gz", _cifar)),
    Parser("idx", _in_file("train-images-idx3-ubyte", _idx)),
    Parser("npy", _in_file("x.npy", _array_file)),
    Parser("npz", _in_file("x.npz", _array_file)),
    Parser("metadata-csv", _in_file("metadata.csv", _metadata)),
    Parser("metadata-jsonl", _in_file("metadata.jsonl", _metadata)),
    Parser("manifest", _in_file("manifest.json", _manifest)),
    Parser("job", _in_file(".mixup-gen/recipe.json", _job)),
    Parser("sidecar", _in_file(".mixup-gen/done/00000.json", _sidecar)),
    Parser("sources", _sources),
    Parser("plan", _plan),
    Parser("config", _in_file("c.toml", _config)),
    Parser("picture", _header),
    Parser("shard", _in_file("shard-00000.h5", _shard)),
]
