"""Rows of a data set, computed from what docs/format.md says and from nothing of ours.

One row after another, in the words of the page. Samples are pictures (n, H, W, channels) of uint8, uint16 or float32,
and the output is not of a lesser dtype.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.end_to_end.format_methods import (
    CHOICE,
    DONOR,
    DONORS,
    MASK,
    MEMBERS,
    METHODS,
    ORIGINALS,
    ROW,
    VIEW,
    WINDOW,
    Row,
    below,
    largest_remainder,
    order,
    parents_of,
    uniform,
    words,
)


@dataclass
class Source:
    """`classes` where each sample has one, else `values`; `groups` where there are any. The last `donors` pictures, if
    there are such, are donors alone."""

    pictures: NDArray[Any]
    class_count: int
    classes: list[int] | None = None
    values: NDArray[np.float32] | None = None
    groups: list[str] | None = None
    donors: int = 0


class Reference:
    """`recipe` as the manifest has it; `parent_count` is the largest of its methods."""

    def __init__(self, recipe: dict[str, Any], methods: list[str], source: Source) -> None:
        self.recipe, self.names, self.source = recipe, methods, source
        self.seed = recipe["seed"]
        self.usable = self._usable()
        self.n = len(self.usable)
        self.P = max(parents_of(each["name"], each["options"]) for each in recipe["methods"])
        self.height, self.width = source.pictures.shape[1:3]
        self.working = source.pictures.dtype.name
        self.fill = np.resize(np.array(recipe["fill"], np.int64), source.pictures.shape[3])
        if self.working == "uint16":
            self.fill = 257 * self.fill
        elif self.working == "float32":
            self.fill = (self.fill * (1 / 255)).astype(np.float32).astype(np.float64)
        self.window = self._windows()
        self.passes: dict[int, list[int]] = {}
        self.meetings: dict[int, list[list[int] | None]] = {}
        self.rows_of_pass = len(self._bases(0))

    def _usable(self) -> list[int]:
        count = len(self.source.pictures) - self.source.donors
        per_class = self.recipe.get("per_class")
        if per_class is None:
            return list(range(count))
        assert self.source.classes is not None
        taken: dict[int, list[int]] = {}
        for j in order(self.seed, CHOICE, count):
            members = taken.setdefault(self.source.classes[j], [])
            if len(members) < per_class:
                members.append(j)
        return sorted(j for members in taken.values() for j in members)

    def _windows(self) -> list[int]:
        """The window of each position."""
        size = self.recipe.get("window")
        if size is None:
            return [0] * self.n
        last = self.n % size
        count = -(-self.n // size)
        if 0 < last < self.P and count > 1:
            count -= 1
        return [min(position // size, count - 1) for position in range(self.n)]

    def _order(self, lane: int) -> list[int]:
        """The order of a lane over n, window by window where there are windows."""
        shuffled = order(self.seed, lane, self.n)
        if self.recipe.get("window") is None:
            return shuffled
        turns = order(self.seed, lane, max(self.window) + 1, WINDOW)
        return [j for window in turns for j in shuffled if self.window[j] == window]

    def _class_of(self, position: int) -> int:
        assert self.source.classes is not None
        return self.source.classes[self.usable[position]]

    def _group_of(self, position: int) -> tuple[int, str]:
        groups = self.source.groups
        return self.window[position], "" if groups is None else groups[self.usable[position]]

    def _bases(self, number: int) -> list[int]:
        """Positions of the bases of a pass, in the order of its rows."""
        if number not in self.passes:
            self.passes[number] = self._bases_of(number)
        return self.passes[number]

    def _bases_of(self, number: int) -> list[int]:
        if self.recipe.get("balance", "none") == "none":
            return self._order(number)
        members: dict[int, list[int]] = {}
        for j in order(self.seed, MEMBERS, self.n):
            members.setdefault(self._class_of(j), []).append(j)
        m = max(map(len, members.values()))
        entries = [members[c][(number * m + t) % len(members[c])] for c in sorted(members) for t in range(m)]
        return [entries[i] for i in order(self.seed, number, len(entries))]

    def _repeats(self) -> bool:
        if self.recipe.get("balance", "none") == "none":
            return False
        sizes = [sum(self._class_of(j) == c for j in range(self.n)) for c in set(map(self._class_of, range(self.n)))]
        return min(sizes) < max(sizes)

    def _met(self, number: int) -> list[list[int] | None]:
        """The parents (positions of samples) of each row of a pass; None where a base has too few others."""
        if number not in self.meetings:
            self.meetings[number] = self._met_of(number)
        return self.meetings[number]

    def _met_of(self, number: int) -> list[list[int] | None]:
        pair, bases = self.recipe["pair"], self._bases(number)

        def pool_of(j: int) -> Any:
            return (self._group_of(j), self._class_of(j)) if pair == "same-class" else self._group_of(j)

        def kind_of(j: int) -> Any:
            return self._class_of(j) if pair == "cross-class" else j

        has_kinds = pair == "cross-class" or self._repeats()
        samples: dict[Any, list[int]] = {}
        for j in range(self.n):
            samples.setdefault(pool_of(j), []).append(j)
        pools: dict[Any, list[int]] = {}
        for i, base in enumerate(bases):
            pools.setdefault(pool_of(base), []).append(i)
        met: list[list[int] | None] = [None] * len(bases)
        for name, positions in pools.items():
            few = (
                len({self._class_of(j) for j in samples[name]}) < 2
                if pair == "cross-class"
                else (len(samples[name]) < self.P)
            )
            if few:
                continue
            blocks = self._blocks(positions, [kind_of(bases[i]) for i in positions]) if has_kinds else None
            for place, i in enumerate(positions):
                later = range(1, self.P)
                if blocks is None:
                    others = [positions[(place + k) % len(positions)] for k in later]
                else:
                    arranged, most = next(block for block in blocks if i in block[0])
                    others = [arranged[self._kth(arranged.index(i), most, len(arranged), k)] for k in later]
                met[i] = [bases[i], *(bases[other] for other in others)]
        return met

    @staticmethod
    def _blocks(positions: list[int], kinds: list[Any]) -> list[tuple[list[int], int]]:
        """Blocks of a pool, arranged by kind, and how often the most frequent kind occurs."""
        size = 64
        while True:
            count = max(1, len(positions) // size)
            cuts = [*(number * size for number in range(count)), len(positions)]
            blocks = []
            for start, stop in pairwise(cuts):
                own = kinds[start:stop]
                occur = list(dict.fromkeys(own))
                first = max(occur, key=own.count)
                arranged = [
                    position
                    for kind in [first, *(each for each in occur if each != first)]
                    for position, its in zip(positions[start:stop], own, strict=True)
                    if its == kind
                ]
                blocks.append((arranged, own.count(first)))
            if count == 1 or all(2 * most <= len(arranged) for arranged, most in blocks):
                return blocks
            size *= 2

    @staticmethod
    def _kth(g: int, m: int, s: int, k: int) -> int:
        if 2 * m < s:
            return (g + m + (k - 1) % (s - 2 * m + 1)) % s
        return m + (g + k - 1) % (s - m) if g < m else (g - m + k) % m

    def _by_lot(self, r: int, base: int) -> list[int] | None:
        group = [j for j in range(self.n) if self._group_of(j) == self._group_of(base)]
        if len(group) < 2:
            return None
        donor = self._balanced if self.recipe["pair"] == "balanced" else self._nearest
        return [base, *(donor(r, base, group, k) for k in range(1, self.P))]

    def _balanced(self, r: int, base: int, group: list[int], k: int) -> int:
        a, b = words(self.seed, DONOR, k, 2 * r, 2)
        members: dict[int, list[int]] = {}
        for j in group:
            members.setdefault(self._class_of(j), []).append(j)
        classes = sorted(members)
        number = below(a, len(classes))
        if members[classes[number]] == [base]:
            number = (number + 1) % len(classes)
        own = members[classes[number]]
        place = below(b, len(own))
        return own[(place + 1) % len(own)] if own[place] == base else own[place]

    def _nearest(self, r: int, base: int, group: list[int], k: int) -> int:
        assert self.source.values is not None
        values = self.source.values[self.usable].astype(np.float64)
        values = values[:, values.min(axis=0) < values.max(axis=0)]
        values = values / values.std(axis=0)
        h = self.recipe["bandwidth"]
        others = [j for j in group if j != base]

        def squared(j: int) -> float:
            return float(sum((values[base, c] - values[j, c]) ** 2 for c in range(values.shape[1])))

        for t in range(64):
            a, b = words(self.seed, DONOR, 128 * k + t, 2 * r, 2)
            proposed = others[below(a, len(others))]
            if uniform(b) < np.exp(-squared(proposed) / (2 * h * h)):
                return proposed
        (a,) = words(self.seed, DONOR, 128 * k + 64, 2 * r, 1)
        least = min(map(squared, others))
        ordered = sorted(others, key=lambda j: (values[j, 0] if values.shape[1] else 0.0, j))
        near = [j for j in ordered if squared(j) - least <= 2 * h * h * (np.log(self.n) + 53 * np.log(2))]
        sums = np.cumsum([np.exp(-(squared(j) - least) / (2 * h * h)) for j in near])
        return near[int(np.argmax(sums > uniform(a) * sums[-1]))]

    def row(self, index: int) -> dict[str, Any]:
        """Everything that section 2 says of a row."""
        originals = self.n if self.recipe["keep_originals"] else 0
        if index < originals:
            base = self._order(ORIGINALS)[index]
            return self._made("none", {}, [base], [0] * 8, None)
        r = index - originals
        number, i = divmod(r, self.rows_of_pass)
        if self.P == 1 or self.source.donors:
            met: list[int] | None = [self._bases(number)[i]]
        elif self.recipe["pair"] in ("balanced", "nearest"):
            met = self._by_lot(r, self._bases(number)[i])
        else:
            met = self._met(number)[i]
        drawn = words(self.seed, ROW, 0, 8 * r, 8)
        choices = self.recipe["methods"]
        weights = np.array([choice["probability"] for choice in choices])
        chosen = choices[int((np.cumsum(weights / weights.sum())[:-1] <= uniform(drawn[0])).sum())]
        name, options = chosen["name"], chosen["options"]
        if met is None:
            return self._made("none", {}, [self._bases(number)[i]], drawn, r)
        return self._made(name, options, met[: parents_of(name, options)], drawn, r, parents_of(name, options))

    def _own_donors(self, r: int, count: int) -> list[int]:
        """The donors of a row with so many parents, of those that are donors alone."""
        d = self.source.donors
        number, i = divmod(r, d)
        turn = order(self.seed, number, d, DONORS)
        first = len(self.source.pictures) - d
        return [first + turn[(i + k - 1) % d] for k in range(1, count)]

    # Views, shares, labels, and section 10

    def _seen(self, sample: int, k: int, r: int | None) -> tuple[NDArray[Any], list[int]]:
        """A parent through its view (H, W, channels), and the view."""
        flip, p = self.recipe.get("flip", 0.0), self.recipe.get("crop_pad", 0)
        view = [0, 0, self.height, self.width, 0]
        if r is not None and (flip or p):
            drawn = words(self.seed, VIEW, k, 24 * r, 3)
            top, left = below(drawn[1], 2 * p + 1) - p, below(drawn[2], 2 * p + 1) - p
            view = [top, left, top + self.height, left + self.width, int(uniform(drawn[0]) < flip)]
        wide = np.tile(self.fill, (self.height + 2 * p, self.width + 2 * p, 1))
        wide[p : p + self.height, p : p + self.width] = self.source.pictures[sample]
        seen = wide[view[0] + p : view[2] + p, view[1] + p : view[3] + p]
        return (seen[:, ::-1] if view[4] else seen), view

    def _rearranged(self, name: str, o: dict[str, Any], seen: NDArray[Any], box: list[int], drawn: list[int]) -> None:
        top, left, bottom, right = box
        if name == "mosaic":
            seen[:] = np.roll(seen, (bottom, right), axis=(1, 2))
        elif name == "erase" and o.get("fill") == "mean":
            count = self.height * self.width
            mean = seen[0].mean(axis=(0, 1)).astype(np.float32)
            if self.working != "float32":
                mean = (seen[0].sum(axis=(0, 1)) + count // 2) // count
            seen[0, top:bottom, left:right] = mean
        elif name == "erase" and o.get("fill") == "noise":
            shape = (bottom - top, right - left, seen.shape[3])
            drawn = words(drawn[4], MASK, 0, 0, int(np.prod(shape)))
            shift, unit = {"uint8": (56, 1), "uint16": (48, 1), "float32": (40, 2.0**-24)}[self.working]
            seen[0, top:bottom, left:right] = np.array([(word >> shift) * unit for word in drawn]).reshape(shape)

    def _made(
        self, name: str, o: dict[str, Any], met: list[int], drawn: list[int], r: int | None, count: int = 1
    ) -> dict[str, Any]:
        parents = [self.usable[j] for j in met]
        if self.source.donors and r is not None:
            parents += self._own_donors(r, count)
        weights, box = METHODS[name](o, Row(self.seed, -1 if r is None else r, drawn, self.height, self.width))
        seen_and_views = [self._seen(parent, k, r) for k, parent in enumerate(parents)]
        seen = np.stack([each for each, _ in seen_and_views])
        self._rearranged(name, o, seen, box, drawn)
        total = np.zeros(seen.shape[1:], seen.dtype)
        for k in range(len(parents)):
            total += weights[k, :, :, None] * seen[k]
        total += (65536 - weights.sum(axis=0))[..., None] * self.fill
        totals = [int(each) for each in weights.sum(axis=(1, 2))]
        share = largest_remainder(totals if sum(totals) else [1, *totals[1:]], 2**24)
        empty = self.P - len(parents)
        shares = np.array([*share, *[0] * empty], np.float64) / 2**24
        slots = [*parents, *[parents[0]] * empty]
        row: dict[str, Any] = {
            "source_index": slots,
            "method": self.names.index(name),
            "box": box,
            "share": shares.astype(np.float32),
            "images": self._finished(total),
            **self._labels(slots, shares),
        }
        if self.recipe.get("flip") or self.recipe.get("crop_pad"):
            views = [view for _, view in seen_and_views]
            row["view"] = [*views, *[views[0]] * empty]
        return row

    def _finished(self, total: NDArray[Any]) -> NDArray[Any]:
        dtype = self.recipe["dtype"]
        if dtype in ("uint8", "uint16"):
            factor = 257 if (self.working, dtype) == ("uint8", "uint16") else 1
            return ((factor * total + 32768) >> 16).astype(dtype)
        unit = {"uint8": 255 * 65536, "uint16": 65535, "float32": 1}[self.working]
        normalize = self.recipe["normalize"] or {"mean": [0.0], "std": [1.0]}
        mean = np.array(np.array(normalize["mean"]) * unit, np.float32)
        scale = np.array(1 / (np.array(normalize["std"]) * unit), np.float32)
        value = total if self.working == "uint8" else total / 65536
        return ((value.astype(np.float32) - mean) * scale).astype(dtype)

    def _labels(self, parents: list[int], share: NDArray[np.float64]) -> dict[str, Any]:
        source, smoothing = self.source, self.recipe.get("label_smoothing", 0.0)
        row: dict[str, Any] = {}
        if source.classes is not None:
            classes = [source.classes[parent] for parent in parents]
            label_share = self._label_share(classes, share)
            rows = np.eye(source.class_count)[classes]
            row = {"source_label": classes, "label_share": label_share.astype(np.float32)}
        else:
            assert source.values is not None
            label_share, rows = self._label_share(None, share), source.values[parents].astype(np.float64)
        label = np.zeros(source.class_count)
        for k in range(len(share)):
            label += label_share[k] * rows[k]
        if source.classes is None and self.recipe.get("label_rule") == "union":
            label = np.max([rows[k] * (share[k] > 0) for k in range(len(share))], axis=0)
        if smoothing:
            label = (1 - smoothing) * label + smoothing / source.class_count
        return {**row, "labels": label.astype(np.float32)}

    def _label_share(self, classes: list[int] | None, share: NDArray[np.float64]) -> NDArray[np.float64]:
        rule = self.recipe.get("label_rule", "soft")
        if self.source.donors:
            return np.array([float(k == 0) for k in range(len(share))])
        if rule == "base":
            return np.array([float(k == int(np.argmax(share))) for k in range(len(share))])
        if classes is not None and rule == "union":
            seen = [{classes[j] for j in range(k) if share[j] > 0} for k in range(len(share))]
            return np.array([float(share[k] > 0 and classes[k] not in seen[k]) for k in range(len(share))])
        if classes is not None and rule == "remix" and len(share) == 2:
            of_usable = [self._class_of(position) for position in range(self.n)]
            n0, n1 = (of_usable.count(each) for each in classes)
            if n0 / n1 >= self.recipe["remix_kappa"] and share[0] < self.recipe["remix_tau"]:
                return np.array([0.0, 1.0])
            if n1 / n0 >= self.recipe["remix_kappa"] and share[1] < self.recipe["remix_tau"]:
                return np.array([1.0, 0.0])
        return share
