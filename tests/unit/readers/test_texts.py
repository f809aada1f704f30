"""The embeddings of texts with several parents, against the formula, place by place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from mixup_cli.errors import UsageError
from mixup_cli.readers.pytorch import MixedDataset
from mixup_cli.readers.pytorch_texts import blended_sentences, blended_words
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from tests.timed_sources import PAD, tokens

WIDTH = 5
SAMPLE = ["input_ids", "attention_mask", "share", "span"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data sets of texts, by the methods that made them."""
    folder = tmp_path_factory.mktemp("texts")
    for names in ("mixup", "ssmix", "mixup,ssmix,dirichlet,none", "mixup,cutout", "cutout"):
        methods = tuple(MethodChoice(name) for name in names.split(","))
        generate(tokens(), Recipe(methods=methods), Run(out=folder / names, passes=4))
    return {path.name: path for path in folder.iterdir()}


def batch_of(folder: Path) -> dict[str, Tensor]:
    (batch,) = DataLoader(MixedDataset(folder, sample=SAMPLE), 1000)
    return dict(batch)


@pytest.fixture(scope="module")
def embedding() -> torch.nn.Embedding:
    torch.manual_seed(3)
    return torch.nn.Embedding(100, WIDTH).double()


def expected_words(batch: dict[str, Tensor], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ share · embedding, over the parents that have a token; of a row with a span, the token that is there."""
    ids, mask, share, span = (batch[name].numpy() for name in SAMPLE)
    found = np.zeros((len(ids), ids.shape[2], WIDTH))
    for row, slot, place in np.argwhere(mask == 1).tolist():
        weight = 1.0 if span[row, 0] < span[row, 1] else float(share[row, slot])
        found[row, place] += weight * table[ids[row, slot, place]]
    return found


@pytest.mark.parametrize("names", ["mixup", "mixup,ssmix,dirichlet,none"])
def test_words_are_averaged_by_share(names: str, made: dict[str, Path], embedding: torch.nn.Embedding) -> None:
    batch = batch_of(made[names])
    assert batch["input_ids"].ndim == 3
    found, mask = blended_words(batch, embedding)
    table = embedding.weight.detach().numpy()
    np.testing.assert_allclose(found.detach().numpy(), expected_words(batch, table), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(mask.numpy(), batch["attention_mask"].numpy().max(axis=1))


def test_rows_that_were_cut_have_the_embeddings_of_their_tokens(
    made: dict[str, Path], embedding: torch.nn.Embedding
) -> None:
    """Both parents' tokens apart, or already together: the same."""
    apart, together = batch_of(made["mixup,ssmix,dirichlet,none"]), batch_of(made["ssmix"])
    cut = (apart["span"][:, 0] < apart["span"][:, 1]).numpy()
    assert cut.any()
    ids, mask = (apart[name].numpy()[cut] for name in SAMPLE[:2])
    whole = np.where(mask == 1, ids, 0).sum(axis=1)
    found = blended_words({name: values[torch.from_numpy(cut)] for name, values in apart.items()}, embedding)[0]
    seen = mask.max(axis=1) == 1
    np.testing.assert_array_equal(found.detach().numpy()[seen], embedding.weight.detach().numpy()[whole[seen]])
    found, mask_of_one = blended_words(together, embedding)
    torch.testing.assert_close(found, embedding(together["input_ids"].long()))
    assert mask_of_one is together["attention_mask"]


def test_sentences_are_averaged_by_share(made: dict[str, Path], embedding: torch.nn.Embedding) -> None:
    batch = batch_of(made["mixup"])

    def encode(ids: Tensor, mask: Tensor) -> Tensor:
        assert ids.shape == mask.shape
        return torch.tanh((embedding(ids) * mask[..., None]).sum(dim=1))

    each = np.stack(
        [encode(batch["input_ids"][:, slot].long(), batch["attention_mask"][:, slot]).detach() for slot in (0, 1)],
        axis=1,
    )
    expected = np.einsum("rp,rpd->rd", batch["share"].numpy().astype(np.float64), each)
    np.testing.assert_allclose(blended_sentences(batch, encode).detach().numpy(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("names", ["mixup,ssmix,dirichlet,none", "mixup,cutout"])
def test_a_row_that_was_cut_is_one_sentence(names: str, made: dict[str, Path], embedding: torch.nn.Embedding) -> None:
    """A sentence depends on all of its tokens and their places, and here not linearly."""
    batch = batch_of(made[names])
    ids, mask, share, span = (batch[name].numpy() for name in SAMPLE)
    table, places = embedding.weight.detach().numpy(), np.arange(1, ids.shape[2] + 1)

    def sentence(ids: NDArray[np.int64], mask: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(np.tanh((table[ids] * (mask * places)[..., None]).sum(axis=-2)))

    def encode(ids: Tensor, mask: Tensor) -> Tensor:
        return torch.from_numpy(sentence(ids.numpy(), mask.numpy()))

    is_cut = span[:, 0] < span[:, 1]
    expected = np.einsum("rp,rpd->rd", share.astype(np.float64), sentence(ids, mask))
    expected[is_cut] = sentence((ids * mask)[is_cut].sum(axis=1), mask[is_cut].max(axis=1))
    assert 0 < is_cut.sum() < len(is_cut)
    np.testing.assert_allclose(blended_sentences(batch, encode).numpy(), expected, rtol=0, atol=1e-6)


def test_hidden_tokens_of_one_text_a_row(made: dict[str, Path]) -> None:
    """`cutout` alone and beside `mixup`: the same tokens are seen."""
    for names in ("cutout", "mixup,cutout"):
        batch = batch_of(made[names])
        span, mask = batch["span"].numpy(), batch["attention_mask"].numpy()
        seen = mask if mask.ndim == 2 else mask.max(axis=1)
        assert not any(seen[row, start:stop].any() for row, (start, stop) in enumerate(span.tolist()))


def test_gradients_reach_the_embeddings_of_real_tokens_alone(made: dict[str, Path]) -> None:
    embedding = torch.nn.Embedding(100, WIDTH)
    found, _ = blended_words(batch_of(made["mixup"]), embedding)
    found.sum().backward()  # type: ignore[no-untyped-call]  # torch's
    assert embedding.weight.grad is not None
    assert (embedding.weight.grad[PAD] == 0).all()
    assert (embedding.weight.grad != 0).any()


def test_a_column_that_is_missing(made: dict[str, Path], embedding: torch.nn.Embedding) -> None:
    batch = batch_of(made["mixup"])
    del batch["share"]
    with pytest.raises(UsageError, match=r"samples have no share\. Open the data set with sample="):
        blended_words(batch, embedding)
