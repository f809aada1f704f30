"""SSMix: a span of the donor's tokens takes the place of as many tokens of the base.

Yoon et al., "SSMix: Saliency-Based Span Mixup for Text Classification", Findings of ACL 2021: of a base with
n tokens and a donor with n′, spans of the length l = max(min([λ₀·n], n′), 1) change places, and the label of the donor
counts l/n. There the spans are those of the least and of the greatest saliency, which a network must say; here
both lie anywhere with equal chance, which is the paper's ablation "without saliency". λ₀ is the constant `part`, 0.1 in
the paper; with `alpha`, it is 1 − lam and lam ~ Beta(alpha, alpha) instead. [·] rounds half up. Special tokens and
padding count as no tokens of a text, and stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord, Words, below
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, pure
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, follows
from mixup_cli.methods.span import bounds_of, in_region, lengths_of

PART = 0.1
"""The paper's λ₀."""


@dataclass(frozen=True)
class SSMix(Method):
    """Tokens of the base, but in one span tokens of the donor from a place of their own."""

    name = "ssmix"
    summary = "a span of the donor's tokens in the place of the base's"
    paper = """\
@inproceedings{yoon2021ssmix,
  title = {SSMix: Saliency-Based Span Mixup for Text Classification},
  author = {Yoon, Soyoung and Kim, Gyuwan and Park, Kyumin},
  booktitle = {Findings of the Association for Computational Linguistics: ACL-IJCNLP 2021},
  year = {2021}
}"""
    only = "input_ids"
    has_span = True
    moves_in_time = True
    decided = frozenset({"alpha", "part"})

    part: float | None = follows(0.0, 1.0)
    alpha: float | None = follows(0.0, MAX_ALPHA)

    def __post_init__(self) -> None:
        if self.part is not None and self.alpha is not None:
            found = "part and alpha both say how much is replaced."
            raise UsageError(found, "Leave one of them out.", field="methods", value=self.name)
        if self.part is None and self.alpha is None:
            object.__setattr__(self, "part", PART)  # so that recipes hold it

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        words, rows = draws.words, len(draws)
        base, donor = (bounds_of(rows, grid, known.of(slot)) for slot in (0, 1))
        count = np.minimum(self._wanted(words, lengths_of(base)), np.minimum(lengths_of(base), lengths_of(donor)))
        place = base[:, 0] + below(words[:, RowWord.CENTRE_X], lengths_of(base) - count + 1)
        theirs = donor[:, 0] + below(words[:, RowWord.CENTRE_Y], lengths_of(donor) - count + 1)
        span = np.stack([place, place + count], axis=1).astype(np.int32)
        start = np.stack([np.zeros(rows, np.int64), theirs - place], axis=1)
        return replace(decided(pure(rows, 0, 2), span=span), start=start)

    def _wanted(self, words: Words, length: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of so many tokens to replace: at least one, unless none are to be mixed."""
        if self.alpha is None:
            part = PART if self.part is None else self.part
            wanted, least = np.floor(part * length + 0.5).astype(np.int64), np.full_like(length, part > 0)
        else:
            others = UNIT - levels(words[:, RowWord.LAM], self.alpha, self.alpha).astype(np.int64)
            wanted, least = (2 * length * others + UNIT) // (2 * UNIT), (others > 0).astype(np.int64)
        return np.asarray(np.maximum(wanted, least))

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        return in_region(decisions, grid, pure(len(decisions.parts), 1, 2))
