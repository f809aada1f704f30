"""Copy-paste: some of the donor's objects, cut out by their outlines, pasted onto the base.

Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021, section 3:
a random subset of the donor's objects, at their own place, without smoothing their borders. Scale jitter and flips are
views of the parents. Each object is drawn by itself; what is around many (crowd) is drawn like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Words, uniforms
from mixup_cli.methods.options import number
from mixup_cli.methods.pasted import PasteMethod


@dataclass(frozen=True)
class CopyPaste(PasteMethod):
    """Each object of the donor over the base, with probability `part`."""

    name = "copypaste"
    summary = "some of the donor's objects pasted, by their outlines"
    paper = """\
@inproceedings{ghiasi2021simple,
  title = {Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation},
  author = {Ghiasi, Golnaz and Cui, Yin and Srinivas, Aravind and Qian, Rui and Lin, Tsung-Yi and Cubuk, Ekin D. and Le, Quoc V. and Zoph, Barret},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year = {2021}
}"""  # noqa: E501  # as BibTeX has it
    needs_map = "instances"

    part: float = number(0.5, 0.0, 1.0)

    def drawn(self, words: Words) -> NDArray[np.bool_]:
        return np.asarray(uniforms(words) < self.part)
