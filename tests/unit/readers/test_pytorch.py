"""The map-style PyTorch reader: whole batches, as a `DataLoader` and everything around it takes them."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate

from mixup_cli.errors import UsageError
from mixup_cli.readers.companion import CompanionWriter
from mixup_cli.readers.pytorch import MixedDataset
from mixup_cli.readers.view import Batch
from tests.contracts.reader_contract import ReaderContract
from tests.running import Runner
from tests.unit.storage.small_data_set import arrays, write_data_set


def as_numpy(batch: Any) -> Batch:
    """A batch of tensors, as arrays."""
    if isinstance(batch, dict):
        return {name: values.numpy() for name, values in batch.items()}
    return tuple(values.numpy() for values in batch)


def losses(batch: Sequence[Tensor]) -> Sequence[float]:
    """Of a linear classifier, before each of three steps."""
    images, labels = batch
    inputs = images.flatten(1) / 255
    weights, found = torch.zeros(inputs.shape[1], labels.shape[1], requires_grad=True), []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(inputs @ weights, labels)
        (gradient,) = torch.autograd.grad(loss, weights)
        weights = (weights - 0.1 * gradient).detach().requires_grad_()
        found.append(loss.item())
    return found


class TestMixedDataset(ReaderContract):
    def open(self, folder: Path, **choices: Any) -> MixedDataset:
        return MixedDataset(folder, **choices)

    def batches(self, reader: MixedDataset) -> Iterable[Batch]:
        return map(as_numpy, DataLoader(reader, batch_size=8))

    def losses(self, reader: MixedDataset) -> Sequence[float]:
        return losses(next(iter(DataLoader(reader, batch_size=20))))


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


def test_workers_give_the_same(data_set: MixedDataset) -> None:
    data_set[0]  # what is mapped before must not hinder them
    assert_all(DataLoader(data_set, batch_size=3, num_workers=2, multiprocessing_context="fork"))


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


def test_what_a_transform_returns_is_collated_by_torch(data_set: MixedDataset, tmp_path: Path) -> None:
    """As it would be without us: numbers, tuples, anything."""
    data = MixedDataset(tmp_path / "out", lambda image: (image.float().mean(), image.shape[0]), sample="columns")
    batch = next(iter(DataLoader(data, batch_size=4)))
    means, channels = batch["images"]
    assert torch.allclose(means, expected()[0][:4].float().mean(dim=(1, 2, 3)))
    assert channels.tolist() == [3] * 4
    with pytest.raises(UsageError, match="transform: samples have no images"):
        MixedDataset(tmp_path / "out", lambda image: image, sample=["labels"])


class Picture(Tensor):
    """A subclass, as torchvision's `tv_tensors.Image` is one."""


def test_a_transform_may_return_a_subclass_of_tensors(data_set: MixedDataset, tmp_path: Path) -> None:
    data = MixedDataset(tmp_path / "out", lambda image: image.flip(-1).as_subclass(Picture))
    for workers in (0, 1):
        loader = DataLoader(
            data, batch_size=4, num_workers=workers, multiprocessing_context="fork" if workers else None
        )
        images, _ = next(iter(loader))
        assert torch.equal(images.as_subclass(Tensor), expected()[0][:4].flip(-1))


def test_it_is_pickled_small(data_set: MixedDataset, tmp_path: Path) -> None:
    data_set[0]
    assert len(pickle.dumps(data_set)) < 2000
    with CompanionWriter(tmp_path / "out", tmp_path / "more.h5") as file:
        file.write(range(7), logits=np.ones((7, 2)))
    data = MixedDataset(tmp_path / "out", sample="columns", companion=tmp_path / "more.h5", passes=[0])
    copy = pickle.loads(pickle.dumps(data))
    assert [*copy[0]] == [*data[0]]
    assert torch.equal(copy[2]["logits"], torch.ones(2, dtype=torch.float64))


def test_dictionaries_are_handed_on_too(
    data_set: MixedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = MixedDataset(tmp_path / "out", sample=["images", "index"])
    assert type(named[3]) is dict
    selected = default_collate(list(named.__getitems__([3, 1])))
    chosen = next(iter(DataLoader(Subset(named, [3, 1]), batch_size=2)))
    monkeypatch.delattr(torch, "stack")
    batch = next(iter(DataLoader(named, batch_size=4)))
    assert (batch["index"].tolist(), selected["index"].tolist(), chosen["index"].tolist()) == (
        [0, 1, 2, 3],
        [3, 1],
        [3, 1],
    )
    assert batch["images"].is_contiguous(memory_format=torch.channels_last)


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
