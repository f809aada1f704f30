"""Captions of rows: those of all parents that have a share, joined. What does not fit is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.captions import Captions, places_in


def joined(
    captions: Captions, parents: NDArray[np.int64], share: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The tokens of rows with parents (m, P) and their shares, int32 (m, L), and where there are any, uint8 (m, L)."""
    frame, rows = captions.frame, np.arange(len(parents))[:, None]
    counts = np.where(share > 0, np.diff(captions.starts)[parents], 0)
    ends = counts.cumsum(axis=1)
    used = np.minimum(ends[:, -1:], frame.room)
    first = len(frame.before) + (frame.room - used) * frame.pads_left
    row = np.repeat(rows, ends[:, -1])
    column = places_in((first + ends - counts - (ends[:, -1:] - used) * frame.cuts_left).ravel(), counts.ravel())
    stays = (column >= first[row, 0]) & (column < (first + used)[row, 0])
    found = captions.ids[places_in(captions.starts[parents].ravel(), counts.ravel())]
    ids = np.full((len(parents), frame.length), frame.padding, np.int32)
    ids[row[stays], column[stays]] = found[stays]
    ids[rows, first - len(frame.before) + np.arange(len(frame.before))] = frame.before
    ids[rows, first + used + np.arange(len(frame.behind))] = frame.behind
    place = np.arange(frame.length)
    mask = (place >= first - len(frame.before)) & (place < first + used + len(frame.behind))
    return ids, mask.astype(np.uint8)
