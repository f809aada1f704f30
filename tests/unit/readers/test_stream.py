"""The PyTorch reader that reads in order: each row once over all ranks and workers, as many batches on each rank."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, default_collate

from mixup_cli.errors import UsageError
from mixup_cli.readers.pytorch import MixedDataset, MixedStream
from mixup_cli.readers.view import Batch
from tests.contracts.reader_contract import PASSES, ReaderContract, write_mixed
from tests.running import LAST_RESORT_SECONDS
from tests.unit.readers.test_pytorch import as_numpy, losses
from tests.unit.storage.small_data_set import write_data_set


class TestMixedStream(ReaderContract):
    def open(self, folder: Path, **choices: Any) -> MixedStream:
        return MixedStream(folder, 8, shuffle_buffer=0, **choices)

    def batches(self, reader: MixedStream) -> Iterable[Batch]:
        return map(as_numpy, DataLoader(reader, batch_size=None))

    def losses(self, reader: MixedStream) -> Sequence[float]:
        return losses(next(iter(reader)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("stream"))


def rows_of(loader: Iterable[Any]) -> list[list[int]]:
    """The rows of each batch."""
    return [batch["index"].tolist() for batch in loader]


def flat(batches: Iterable[Sequence[int]]) -> list[int]:
    return [row for batch in batches for row in batch]


@pytest.mark.parametrize("shuffle_buffer", [0, 1, 20, 1000])
@pytest.mark.parametrize(("batch_size", "ranks"), [(1, 1), (1, 3), (2, 7), (4, 2), (8, 1), (8, 4), (45, 1), (100, 2)])
def test_every_row_comes_once_in_equally_many_batches(
    batch_size: int, ranks: int, shuffle_buffer: int, folder: Path
) -> None:
    how: dict[str, Any] = {"shuffle_buffer": shuffle_buffer, "sample": ["index"]}
    streams = [MixedStream(folder, batch_size, part=(rank, ranks), **how) for rank in range(ranks)]
    found = [rows_of(stream) for stream in streams]
    assert {len(batches) for batches in found} == {len(stream) for stream in streams}
    assert len({len(batches) for batches in found}) == 1
    assert sorted(flat(flat(batches) for batches in found)) == [*range(45)]
    sizes = {len(batch) for batches in found for batch in batches}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    if not shuffle_buffer:
        assert flat(flat(batches) for batches in found) == [*range(45)]


@pytest.mark.parametrize("shuffle_buffer", [0, 16])
def test_whole_batches_alone(shuffle_buffer: int, folder: Path) -> None:
    how: dict[str, Any] = {"shuffle_buffer": shuffle_buffer, "drop_last": True, "sample": ["index"]}
    found = [rows_of(MixedStream(folder, 7, part=(rank, 2), **how)) for rank in (0, 1)]
    assert [[len(batch) for batch in batches] for batches in found] == [[7] * 3] * 2
    assert len({*flat(flat(batches) for batches in found)}) == 42


def test_shuffling_follows_from_seed_and_epoch(folder: Path) -> None:
    def shuffled(epoch: int, **how: Any) -> list[int]:
        stream = MixedStream(folder, 8, sample=["index"], **how)
        stream.set_epoch(epoch)
        return flat(rows_of(stream))

    first = shuffled(0)
    assert shuffled(0) == first
    others = [shuffled(1), shuffled(0, seed=1), shuffled(0, shuffle_buffer=20), shuffled(1, part=(0, 1), seed=1)]
    assert all(other != first for other in others)
    assert len({*map(tuple, others)}) == len(others)


def test_a_row_comes_no_sooner_than_the_buffer_reaches(folder: Path) -> None:
    """So reading is in order, from the row on with which the epoch begins."""
    found = np.array(flat(rows_of(MixedStream(folder, 4, sample=["index"], shuffle_buffer=12))))
    turns = [(found - first) % 45 for first in range(45)]
    assert any((turn - np.arange(45) < 12).all() for turn in turns)


@pytest.mark.parametrize("buffer", [0, 20])
def test_workers_share_the_epoch(buffer: int, folder: Path) -> None:
    stream = MixedStream(folder, 4, sample=["index"], shuffle_buffer=buffer, epoch=0, originals=True)
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=True, multiprocessing_context="fork")
    epochs = []
    for epoch in (0, 1, 2):
        stream.set_epoch(epoch)
        batches = rows_of(loader)
        assert len(batches) == len(loader) == 8
        assert sorted(flat(batches)) == [*range(15), *PASSES[epoch % 2]]
        epochs.append(batches)
    assert (epochs[0] == epochs[2]) is not buffer


class Both(IterableDataset[Any]):
    """What a worker of either data set gives: a new process imports torch, so one is spawned for the two."""

    def __init__(self, stream: MixedStream, data: MixedDataset) -> None:
        self.stream, self.data = stream, data

    def __iter__(self) -> Iterator[Any]:
        yield from self.stream
        for rows in np.split(np.arange(len(self.data)), [3, 6]):
            batch: Any = self.data.__getitems__(rows.tolist())  # as the worker of a `DataLoader` fetches it
            yield default_collate(batch)


def test_spawned_workers(tmp_path: Path) -> None:
    write_data_set(tmp_path / "out", "gzip")
    write_data_set(tmp_path / "mapped")
    both = Both(MixedStream(tmp_path / "out", 2, seed=3), MixedDataset(tmp_path / "mapped"))
    both.data[0]  # what is mapped before must not hinder them
    wanted = [*both.stream, *DataLoader(both.data, batch_size=3)]
    loader = DataLoader(both, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    for found, expected in zip(loader, wanted, strict=True):
        assert all(map(torch.equal, found, expected))


def test_batches_are_not_stacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "stack")
    for buffer in (0, 20):
        images, labels = next(iter(DataLoader(MixedStream(folder, 8, shuffle_buffer=buffer), batch_size=None)))
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert labels.is_contiguous()


def test_a_transform_is_given_each_image(folder: Path) -> None:
    plain, seen = MixedStream(folder, 8), []

    def transform(image: torch.Tensor) -> torch.Tensor:
        seen.append(image.shape)
        return image.float() / 255

    for (images, _), (wanted, _) in zip(MixedStream(folder, 8, transform), plain, strict=True):
        assert torch.equal(images, wanted.float() / 255)
    assert seen == [(3, 4, 6)] * 45


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"batch_size": 0}, r"batch_size=0: expected a whole number, 1 or more"),
        ({"batch_size": 8, "seed": -1}, r"seed=-1: expected a whole number, 0 or more"),
        ({"batch_size": 8, "part": (2, 2)}, r"expected \(k, n\) with k in 0 … n − 1"),
        ({"batch_size": 1, "part": (0, 46)}, r"45 rows are too few for 46 processes with batches of 1"),
        ({"batch_size": 1, "part": (0, 2)}, r"45 rows are too few for 2 processes with batches of 1"),
        ({"batch_size": 46, "drop_last": True}, r"45 rows are too few for 1 process with batches of 46"),
    ],
)
def test_what_gives_no_batches(how: dict[str, Any], told: str, folder: Path) -> None:
    with pytest.raises(UsageError, match=told):
        MixedStream(folder, **how)


def test_a_rank_is_known_before_torch_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`torchrun` sets these. A stream that is opened early would otherwise read everything on each rank."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    stream = MixedStream(folder, 8, shuffle_buffer=0, sample=["index"])
    assert flat(rows_of(stream)) == [*range(15, 30)]


def test_a_stream_that_never_changes_has_no_epochs(folder: Path) -> None:
    assert hasattr(MixedStream(folder, 8), "set_epoch")
    assert not hasattr(MixedStream(folder, 8, shuffle_buffer=0), "set_epoch")


RANKS = """
import json, multiprocessing, sys
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, DistributedSampler
from mixup_cli.readers.pytorch import MixedDataset, MixedStream

folder, store, out = sys.argv[1:]
WORKERS = dict(num_workers=2, persistent_workers=True)

def epoch_of(loader):
    rows = []
    for batch in loader:  # a rank with a batch more than the other would wait here for ever
        mean = batch["images"].float().mean()
        dist.all_reduce(mean)
        rows += batch["index"].tolist()
    return rows

def rank(number):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=number, world_size=2)
    stream = MixedStream(folder, 4, sample=["images", "index"])
    data = MixedDataset(folder, sample=["images", "index"], epoch=0)
    sampler = DistributedSampler(data, shuffle=True, drop_last=True)
    read_in_order = DataLoader(stream, batch_size=None, **WORKERS)
    sampled = DataLoader(data, batch_size=4, sampler=sampler, **WORKERS)
    found = {"stream": [], "map": []}
    for epoch in range(2):
        for each in (stream, data, sampler):
            each.set_epoch(epoch)
        found["stream"].append(epoch_of(read_in_order))
        found["map"].append(epoch_of(sampled))
    with open(f"{out}-{number}", "w") as file:
        json.dump(found, file)
    dist.destroy_process_group()

processes = [multiprocessing.get_context("fork").Process(target=rank, args=(number,)) for number in range(2)]
for each in processes:
    each.start()
for each in processes:
    each.join()
sys.exit(any(each.exitcode for each in processes))
"""


def test_two_ranks_with_workers(folder: Path, tmp_path: Path) -> None:
    """Real processes, joined by gloo: two ranks of two workers each, which stay for two epochs."""
    command = [sys.executable, "-c", RANKS, str(folder), str(tmp_path / "store"), str(tmp_path / "rows")]
    subprocess.run(command, check=True, timeout=LAST_RESORT_SECONDS)
    found = [json.loads((tmp_path / f"rows-{rank}").read_text()) for rank in (0, 1)]
    for epoch in range(2):
        streamed = [each["stream"][epoch] for each in found]
        assert sorted(flat(streamed)) == [*range(45)]
        sampled = [each["map"][epoch] for each in found]
        assert len({*flat(sampled)}) == 14
        assert {*flat(sampled)} <= {*PASSES[epoch]}
    assert found[0]["stream"][0] != found[0]["stream"][1]
