"""ClassMix: half of the donor's classes, with all of their pixels, pasted onto the base.

Olsson et al., "ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning", WACV 2021, section 3.1.
There the classes are a network's predictions; here they are those of the masks. Half of the classes that a donor shows
are drawn, rounded up, as in the authors' code; what has no class is not pasted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Words
from mixup_cli.methods.pasted import PasteMethod


@dataclass(frozen=True)
class ClassMix(PasteMethod):
    """Half of the donor's classes over the base."""

    name = "classmix"
    summary = "half of the donor's classes pasted, by its mask"
    paper = """\
@inproceedings{olsson2021classmix,
  title = {ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning},
  author = {Olsson, Viktor and Tranheden, Wilhelm and Pinto, Juliano and Svensson, Lennart},
  booktitle = {IEEE/CVF Winter Conference on Applications of Computer Vision},
  year = {2021}
}"""
    needs_map = "mask"

    def drawn(self, words: Words) -> NDArray[np.int64]:
        return np.argsort(words, kind="stable")[: (len(words) + 1) // 2]
