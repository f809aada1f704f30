"""Captions of rows: those of all parents that have a share, joined. What does not fit is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.captions import Captions, places_in

Whole = NDArray[np.int64]


def token_ids(captions: Captions, parents: Whole, share: NDArray[np.float32]) -> NDArray[np.int32]:
    """The tokens of rows with parents (m, P) and their shares: int32 (m, L)."""
    frame, rows = captions.frame, np.arange(len(parents))[:, None]
    counts, used, first = _laid_out(captions, parents, share)
    ends = counts.cumsum(axis=1)
    found = captions.ids[places_in(captions.starts[parents].ravel(), counts.ravel())]
    cut = (ends[:, -1:] - used) * frame.cuts_left
    row = np.repeat(rows, ends[:, -1])
    column = places_in((first + ends - counts - cut).ravel(), counts.ravel())
    stays = (column >= first[row, 0]) & (column < (first + used)[row, 0])
    ids = np.full((len(parents), frame.length), frame.padding, np.int32)
    ids[row[stays], column[stays]] = found[stays]
    ids[rows, first - len(frame.before) + np.arange(len(frame.before))] = frame.before
    ids[rows, first + used + np.arange(len(frame.behind))] = frame.behind
    return ids


def attention_mask(captions: Captions, parents: Whole, share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where rows with parents (m, P) and their shares have a token, 0 in the padding: uint8 (m, L)."""
    frame, place = captions.frame, np.arange(captions.frame.length)
    _, used, first = _laid_out(captions, parents, share)
    is_there = (place >= first - len(frame.before)) & (place < first + used + len(frame.behind))
    return is_there.astype(np.uint8)


def _laid_out(captions: Captions, parents: Whole, share: NDArray[np.float32]) -> tuple[Whole, Whole, Whole]:
    """How many tokens each parent (m, P) has to give, how many of them a row takes (m, 1), and where in it they begin
    (m, 1), special ones not counted."""
    frame = captions.frame
    counts = np.where(share > 0, captions.starts[parents + 1] - captions.starts[parents], 0)
    used = np.minimum(counts.sum(axis=1, keepdims=True), frame.room)
    return counts, used, len(frame.before) + (frame.room - used) * frame.pads_left
