"""Texts of several parents, mixed in the embeddings of a network, which can be averaged, by the parents' shares.

Guo, Mao and Zhang, "Augmenting Data with Mixup for Sentence Classification: An Empirical Study", 2019: wordMixup
averages the embeddings of words at each place, of texts padded with zeros; senMixup averages what the network makes of
each text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mixup_cli.errors import UsageError
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS

SHARE, SPAN = "share", "span"
HOW_TO_OPEN = 'Open the data set with sample=["input_ids", "attention_mask", "share", "span", "labels"].'


def blended_words(batch: Mapping[str, Tensor], embed: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The embeddings of a batch of texts, (B, L, D), and where they have tokens, `attention_mask` (B, L).

    `embed` gives those of token numbers, int64 (…) to (…, D), as `torch.nn.Embedding` does. Of a data set with the
    tokens of all parents, (B, P, L), each place has Σ share · embedding over the parents that have a token there:
    padding counts as zeros. A row that was cut from several texts (`cutmix`, `ssmix`) has each token whole. Of a data
    set with one text a row the embeddings are its own. Raises UsageError for batches without a column that is needed.
    """
    ids, mask = _column(batch, INPUT_IDS).long(), _column(batch, ATTENTION)
    if ids.ndim == 2:
        return embed(ids), mask
    found = embed(ids)
    is_cut = _is_cut(batch)[:, None]
    weights = torch.where(is_cut, torch.ones_like(_column(batch, SHARE)), _column(batch, SHARE))
    at_places = (weights[:, :, None] * mask).to(found.dtype)
    return (at_places[..., None] * found).sum(dim=1), mask.amax(dim=1)


def blended_sentences(batch: Mapping[str, Tensor], encode: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Σ share · encode(parent) for each row, (B, D). `encode` takes token numbers, int64 (m, L), and the mask, (m, L),
    and gives (m, D): all of a network but its last layers. Raises UsageError for batches without a column that is
    needed. A row that was cut from several texts (`cutmix`, `ssmix`) is one text, and so is one with a hidden part."""
    ids, mask = _column(batch, INPUT_IDS).long(), _column(batch, ATTENTION)
    if ids.ndim == 2:
        return encode(ids, mask)
    weights, is_cut = _column(batch, SHARE), _is_cut(batch)
    whole = weights.new_zeros(weights.shape[1])
    whole[0] = 1
    weights = torch.where(is_cut[:, None], whole, weights)
    at_base = is_cut[:, None, None] & (whole > 0)[:, None]
    ids = torch.where(at_base, ids.gather(1, mask.argmax(dim=1, keepdim=True)), ids)
    mask = torch.where(at_base, mask.amax(dim=1, keepdim=True), mask)
    found = encode(ids.flatten(0, 1), mask.flatten(0, 1)).reshape(*ids.shape[:2], -1)
    return (weights[..., None].to(found.dtype) * found).sum(dim=1)


def _is_cut(batch: Mapping[str, Tensor]) -> Tensor:
    """The rows with a span: bool (B)."""
    span = _column(batch, SPAN)
    return span[:, 0] < span[:, 1]


def _column(batch: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in batch:
        raise UsageError(f"samples have no {name}.", HOW_TO_OPEN, field="batch")
    return batch[name]
