"""The PyTorch reader: whole batches, as a `DataLoader` and everything around it takes them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate

from mixup_cli.readers.pytorch import MixedDataset
from tests.running import Runner
from tests.unit.storage.small_data_set import arrays, write_data_set


@pytest.fixture(params=["none", "gzip"])
def data_set(tmp_path: Path, request: pytest.FixtureRequest) -> MixedDataset:
    write_data_set(tmp_path / "out", request.param)
    return MixedDataset(tmp_path / "out")


def expected() -> tuple[Tensor, Tensor]:
    stored = arrays()
    return torch.from_numpy(stored["images"]).permute(0, 3, 1, 2), torch.from_numpy(stored["labels"])


def all_of(loader: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def assert_all(loader: DataLoader[Any]) -> None:
    for found, wanted in zip(all_of(loader), expected(), strict=True):
        assert found.dtype == wanted.dtype
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_a_loader_gives_the_samples_in_batches(data_set: MixedDataset, batch_size: int) -> None:
    assert_all(DataLoader(data_set, batch_size=batch_size))


@pytest.mark.parametrize(("start", "workers"), [("fork", 2), ("spawn", 1)])
def test_workers_give_the_same(data_set: MixedDataset, start: str, workers: int) -> None:
    data_set[0]  # what is mapped before must not hinder them
    assert_all(DataLoader(data_set, batch_size=3, num_workers=workers, multiprocessing_context=start))


def test_a_batch_is_not_stacked_but_handed_on(data_set: MixedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "stack")
    images, labels = next(iter(DataLoader(data_set, batch_size=4)))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.is_contiguous()


@pytest.mark.parametrize("wrap", [lambda data: Subset(data, range(7)), lambda data: ConcatDataset([data])])
def test_torchs_own_wrappers(data_set: MixedDataset, wrap: Any) -> None:
    assert_all(DataLoader(wrap(data_set), batch_size=3))


def test_a_batch_is_a_sequence_of_pairs_to_others(data_set: MixedDataset) -> None:
    batch: Any = data_set.__getitems__([5, 0, 6])
    assert len(batch) == 3
    for (image, label), row in zip(batch, [5, 0, 6], strict=True):
        assert torch.equal(image, data_set[row][0])
        assert torch.equal(label, data_set[row][1])
    for found in (default_collate(batch[1:]), default_collate(list(batch)[1:])):
        assert torch.equal(found[0], expected()[0][[0, 6]])
        assert torch.equal(found[1], expected()[1][[0, 6]])


def test_single_samples_are_plain_tuples(data_set: MixedDataset) -> None:
    assert type(data_set[-1]) is tuple
    assert torch.equal(data_set[-1][0], expected()[0][-1])
    with pytest.raises(IndexError, match="row 7 of 7"):
        data_set[7]


def test_a_transform_is_given_each_image(data_set: MixedDataset, tmp_path: Path) -> None:
    seen = []

    def transform(image: Tensor) -> Tensor:
        seen.append(image.shape)
        return image.float() / 255

    loader = DataLoader(MixedDataset(tmp_path / "out", transform), batch_size=4)
    images, _ = all_of(loader)
    assert torch.equal(images, expected()[0].float() / 255)
    assert seen == [images.shape[1:]] * 7


def test_it_is_pickled_small(data_set: MixedDataset) -> None:
    data_set[0]
    assert len(pickle.dumps(data_set)) < 2000


@pytest.mark.parametrize("labels", [{"y": np.arange(6) % 2}, {}])
def test_pictures_of_height_and_width_alone_have_one_channel(
    labels: dict[str, Any], run_cli: Runner, tmp_path: Path
) -> None:
    """A convolution would take a batch (B, H, W) for one picture of B channels, and say nothing."""
    stored = np.random.default_rng(0).random((6, 5, 7)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=stored, **labels)
    assert run_cli("generate", "a.npz", "--method", "none", "-o", "out", cwd=tmp_path).returncode == 0
    found = MixedDataset(tmp_path / "out")
    batch = next(iter(DataLoader(found, batch_size=4)))
    images = batch[0] if labels else batch
    assert images.shape == (4, 1, 5, 7)
    assert torch.equal(images[:, 0], torch.from_numpy(found.arrays.images(range(4))))
    assert images[0].shape == (1, 5, 7)
    assert torch.nn.Conv2d(1, 2, 3)(images).shape == (4, 2, 3, 5)
