"""Rows of a data set, computed from what docs/format.md says and from nothing of ours: one row after another, in the
words of the page. Sections are named where they are carried out. Samples are uint8 pictures (n, H, W, channels)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtri

ORIGINALS, CHOICE, MEMBERS = 2**63, 2**63 + 1, 2**63 + 2
ORDER, ROW, DONOR, MORE, VIEW, MASK, WINDOW = range(1, 8)


# 8. Random words


def words(key: int, stream: int, lane: int, first: int, count: int) -> list[int]:
    skipped = first % 4
    counter = np.array([first // 4, lane, 0, 0], np.uint64)
    drawn = np.random.Philox(key=np.array([key, stream], np.uint64), counter=counter).random_raw(skipped + count)
    return [int(word) for word in drawn[skipped:]]


def uniform(word: int) -> float:
    return (word >> 11) * 2.0**-53


def below(word: int, n: int) -> int:
    return ((word >> 32) * n) >> 32


# 9. Plan


def order(seed: int, lane: int, n: int, stream: int = ORDER) -> list[int]:
    bits = max(1, (n - 1).bit_length())
    keys = sorted((word >> bits << bits) | j for j, word in enumerate(words(seed, stream, lane, 0, n)))
    return [key & ((1 << bits) - 1) for key in keys]


def lam_of(a: float, b: float, word: int) -> int:
    if a == 0 or b == 0:
        return 65536
    middles = (np.arange(65536) + 0.5) / 65536
    table = betainc(a, b, middles)
    if a == b:
        table[32768:] = 1 - table[32767::-1]
    return int((np.maximum.accumulate(table) <= uniform(word)).sum())


def largest_remainder(totals: list[int], unit: int) -> list[int]:
    whole = sum(totals)
    parts = [unit * each // whole for each in totals]
    by_rest = sorted(range(len(totals)), key=lambda k: (-(unit * totals[k] % whole), k))
    for k in by_rest[: unit - sum(parts)]:
        parts[k] += 1
    return parts


@dataclass
class Source:
    """`classes` where each sample has one, else `values`; `groups` where there are any."""

    pictures: NDArray[np.uint8]
    class_count: int
    classes: list[int] | None = None
    values: NDArray[np.float32] | None = None
    groups: list[str] | None = None


class Reference:
    """`recipe` as the manifest has it; `parent_count` is the largest of its methods."""

    def __init__(self, recipe: dict[str, Any], methods: list[str], source: Source) -> None:
        self.recipe, self.names, self.source = recipe, methods, source
        self.seed = recipe["seed"]
        self.usable = self._usable()
        self.n = len(self.usable)
        self.P = max(self._parents_of(each["name"], each["options"]) for each in recipe["methods"])
        self.height, self.width = source.pictures.shape[1:3]
        self.window = self._windows()
        self.passes: dict[int, list[int]] = {}
        self.meetings: dict[int, list[list[int] | None]] = {}
        self.rows_of_pass = len(self._bases(0))

    @staticmethod
    def _parents_of(name: str, options: dict[str, Any]) -> int:
        if name in ("dirichlet", "zetamix"):
            return int(options["k"])
        return {"cutout": 1, "erase": 1, "none": 1, "mosaic": 4}.get(name, 2)

    def _usable(self) -> list[int]:
        count = len(self.source.pictures)
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

        def circle_of(j: int) -> Any:
            return (self._group_of(j), self._class_of(j)) if pair == "same-class" else self._group_of(j)

        def kind_of(j: int) -> Any:
            return self._class_of(j) if pair == "cross-class" else j

        has_kinds = pair == "cross-class" or self._repeats()
        samples: dict[Any, list[int]] = {}
        for j in range(self.n):
            samples.setdefault(circle_of(j), []).append(j)
        circles: dict[Any, list[int]] = {}
        for i, base in enumerate(bases):
            circles.setdefault(circle_of(base), []).append(i)
        met: list[list[int] | None] = [None] * len(bases)
        for name, positions in circles.items():
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
        """Blocks of a circle, arranged by kind, and how often the most frequent kind occurs."""
        size = 64
        while True:
            count = max(1, len(positions) // size)
            cuts = [*(number * size for number in range(count)), len(positions)]
            blocks = []
            for start, stop in zip(cuts, cuts[1:], strict=False):
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
        if self.P == 1:
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
        return self._made(name, options, met[: self._parents_of(name, options)], drawn, r)

    # Methods: what a row is made of

    def _box(self, y: int, x: int, half: tuple[int, int]) -> list[int]:
        edges = [y - half[0], x - half[1], y + half[0], x + half[1]]
        ends = [self.height, self.width, self.height, self.width]
        return [min(max(edge, 0), end) for edge, end in zip(edges, ends, strict=True)]

    def _inside(self, drawn: list[int], height: int, width: int) -> list[int]:
        top, left = below(drawn[2], self.height - height + 1), below(drawn[3], self.width - width + 1)
        return [top, left, top + height, left + width]

    def _weights(
        self, name: str, o: dict[str, Any], drawn: list[int], r: int | None
    ) -> tuple[NDArray[np.int64], list[int]]:
        """The weights (parents, H, W), and the box."""
        H, W = self.height, self.width
        y, x = below(drawn[2], H), below(drawn[3], W)
        parts, box = np.zeros((self._parents_of(name, o), H, W), np.int64), [0] * 4
        parts[0] = 65536
        seeded = words(drawn[4], MASK, 0, 0, max(H * W, 4))
        if name == "mixup":
            parts[0] = lam_of(o.get("base", o["alpha"]), o["alpha"], drawn[1])
            parts[1] = 65536 - parts[0]
        elif name == "cutmix":
            h = 0.5 * np.sqrt((65536 - lam_of(o["alpha"], o["alpha"], drawn[1])) / 65536)
            box = self._box(y, x, (int(h * H), int(h * W)))
            if o.get("box") == "inside":
                box = self._inside(drawn, int(2 * h * H), int(2 * h * W))
            elif o.get("box") == "minmax":
                low, high = o.get("low", 0.2), o.get("high", 0.8)
                height = int(low * H) + below(drawn[1], int(high * H) - int(low * H) + 1)
                width = int(low * W) + below(drawn[5], int(high * W) - int(low * W) + 1)
                box = self._inside(drawn, height, width)
        elif name == "cutout":
            half = int(o["side"] * min(H, W)) // 2
            box = self._box(y, x, (half, half))
        elif name == "erase":
            box = self._erased(o, drawn, r)
        elif name == "mosaic":
            span = o["high"] - o["low"]
            bottom = int(np.rint((o["low"] + span * uniform(drawn[2])) * H))
            right = int(np.rint((o["low"] + span * uniform(drawn[3])) * W))
            box = [0, 0, bottom, right]
            parts[0] = 0
            parts[0, :bottom, :right] = parts[1, :bottom, right:] = 65536
            parts[2, bottom:, :right] = parts[3, bottom:, right:] = 65536
        elif name == "gridmix":
            lam = lam_of(o["alpha"], o["alpha"], drawn[1])
            n = int(o["holes_low"]) + below(seeded[0], int(o["holes_high"]) - int(o["holes_low"]) + 1)
            period = max(1, min(H, W) // n)
            hole = int(np.rint(np.sqrt((65536 - lam) / 65536) * period))
            down = (np.arange(H) + below(seeded[1], period)) % period < hole
            across = (np.arange(W) + below(seeded[2], period)) % period < hole
            parts[1] = 65536 * (down[:, None] & across)
            parts[0] -= parts[1]
        elif name == "smoothmix":
            k = o["low"] + (o["high"] - o["low"]) * uniform(seeded[0])
            dy = np.arange(H) - below(seeded[1], H)
            dx = np.arange(W) - below(seeded[2], W)
            donor = 65536 * np.exp(-0.5 * (dy / (k * H)) ** 2)[:, None] * np.exp(-0.5 * (dx / (k * W)) ** 2)
            parts[1] = np.rint(donor)
            parts[0] -= parts[1]
        elif name == "jigsaw":
            lam, n = lam_of(o["alpha"], o["alpha"], drawn[1]), int(o["n"])
            rows, columns = min(n, H), min(n, W)
            count = rows * columns
            donors = np.argsort(seeded[:count])[: int(np.rint((65536 - lam) / 65536 * count))]
            patch = (np.arange(H) * rows // H)[:, None] * columns + np.arange(W) * columns // W
            parts[1] = 65536 * np.isin(patch, donors)
            parts[0] -= parts[1]
        elif name == "fmix":
            parts[0] = 65536 * self._fmix(o, drawn)
            parts[1] = 65536 - parts[0]
        elif name == "dirichlet":
            left, k = 65536, int(o["k"])
            for j in range(k - 1):
                assert r is not None
                word = drawn[1] if j == 0 else words(self.seed, MORE, (j - 1) // 8, 8 * r + (j - 1) % 8, 1)[0]
                parts[j] = (left * lam_of(o["alpha"], (k - 1 - j) * o["alpha"], word) + 32768) // 65536
                left -= int(parts[j, 0, 0])
            parts[k - 1] = left
        elif name == "zetamix":
            ranks = np.arange(1, int(o["k"]) + 1) ** -float(o["gamma"])
            exact = ranks / ranks.sum() * 65536
            whole = np.floor(exact).astype(np.int64)
            for k in sorted(range(len(exact)), key=lambda k: (whole[k] - exact[k], k))[: 65536 - whole.sum()]:
                whole[k] += 1
            parts[:] = whole[:, None, None]
        top, left_, bottom, right = box
        if name == "cutmix":
            parts[0, top:bottom, left_:right], parts[1, top:bottom, left_:right] = 0, 65536
        if name == "cutout" or (name == "erase" and "fill" not in o):
            parts[0, top:bottom, left_:right] = 0
        return parts, box

    def _erased(self, o: dict[str, Any], drawn: list[int], r: int | None) -> list[int]:
        assert r is not None
        for t in range(10):
            u1, u2 = map(uniform, words(self.seed, MORE, 2 * t // 8, 8 * r + 2 * t % 8, 2))
            area = self.height * self.width * (o["area_low"] + (o["area_high"] - o["area_low"]) * u1)
            low, high = np.log(o["aspect_low"]), np.log(o["aspect_high"])
            aspect = np.exp(low + (high - low) * u2)
            height, width = int(np.rint(np.sqrt(area * aspect))), int(np.rint(np.sqrt(area / aspect)))
            if 0 < height < self.height and 0 < width < self.width:
                return self._inside(drawn, height, width)
        return [0] * 4

    def _fmix(self, o: dict[str, Any], drawn: list[int]) -> NDArray[np.bool_]:
        H, W = self.height, self.width
        count = H * (W // 2 + 1)
        halves = [
            half for word in words(drawn[4], MASK, 0, 0, (count + 1) // 2) for half in (word & 0xFFFFFFFF, word >> 32)
        ]
        a, b = (np.array([half >> shift & 0xFFFF for half in halves[:count]]) for shift in (0, 16))
        z = (ndtri((a + 0.5) / 65536) + 1j * ndtri((b + 0.5) / 65536)).reshape(H, -1)
        frequency = np.hypot(np.fft.fftfreq(H)[:, None], np.fft.rfftfreq(W))
        z = z * np.maximum(frequency, 1 / max(H, W)) ** -o["decay"]
        z[:, 0] *= np.sqrt(2)
        if W % 2 == 0:
            z[:, W // 2] *= np.sqrt(2)
        image = np.fft.irfft2(z, (H, W)).ravel()
        lam = lam_of(o["alpha"], o["alpha"], drawn[1])
        taken = np.zeros(H * W, bool)
        taken[np.argsort(-image, kind="stable")[: int(np.rint(lam / 65536 * H * W))]] = True
        return taken.reshape(H, W)

    # Views, shares, labels, and section 10

    def _seen(self, sample: int, k: int, r: int | None) -> tuple[NDArray[np.int64], list[int]]:
        """A parent through its view (H, W, channels), −1 where the fill is seen, and the view."""
        picture = self.source.pictures[sample].astype(np.int64)
        flip, p = self.recipe.get("flip", 0.0), self.recipe.get("crop_pad", 0)
        view = [0, 0, self.height, self.width, 0]
        if r is not None and (flip or p):
            drawn = words(self.seed, VIEW, k, 24 * r, 3)
            top, left = below(drawn[1], 2 * p + 1) - p, below(drawn[2], 2 * p + 1) - p
            view = [top, left, top + self.height, left + self.width, int(uniform(drawn[0]) < flip)]
        wide = np.pad(picture, ((p, p), (p, p), (0, 0)), constant_values=-1)
        seen = wide[view[0] + p : view[2] + p, view[1] + p : view[3] + p]
        return (seen[:, ::-1] if view[4] else seen), view

    def _rearranged(
        self, name: str, o: dict[str, Any], seen: NDArray[np.int64], box: list[int], drawn: list[int]
    ) -> None:
        top, left, bottom, right = box
        if name == "mosaic":
            seen[:] = np.roll(seen, (bottom, right), axis=(1, 2))
        elif name == "erase" and o.get("fill") == "mean":
            count = self.height * self.width
            seen[0, top:bottom, left:right] = (seen[0].sum(axis=(0, 1)) + count // 2) // count
        elif name == "erase" and o.get("fill") == "noise":
            shape = (bottom - top, right - left, seen.shape[3])
            noise = np.array(words(drawn[4], MASK, 0, 0, int(np.prod(shape))), np.uint64) >> np.uint64(56)
            seen[0, top:bottom, left:right] = noise.astype(np.int64).reshape(shape)

    def _made(self, name: str, o: dict[str, Any], met: list[int], drawn: list[int], r: int | None) -> dict[str, Any]:
        parents = [self.usable[j] for j in met]
        weights, box = self._weights(name, o, drawn, r)
        fill = np.resize(np.array(self.recipe["fill"], np.int64), self.source.pictures.shape[3])
        seen_and_views = [self._seen(parent, k, r) for k, parent in enumerate(parents)]
        seen = np.stack([np.where(each < 0, fill, each) for each, _ in seen_and_views])
        self._rearranged(name, o, seen, box, drawn)
        total = (weights[..., None] * seen).sum(axis=0) + (65536 - weights.sum(axis=0))[..., None] * fill
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

    def _finished(self, total: NDArray[np.int64]) -> NDArray[Any]:
        dtype = self.recipe["dtype"]
        if dtype == "uint8":
            return ((total + 32768) >> 16).astype(np.uint8)
        if dtype == "uint16":
            return ((257 * total + 32768) >> 16).astype(np.uint16)
        normalize = self.recipe["normalize"] or {"mean": [0.0], "std": [1.0]}
        mean = np.array(np.array(normalize["mean"]) * 255 * 65536, np.float32)
        scale = np.array(1 / (np.array(normalize["std"]) * 255 * 65536), np.float32)
        return ((total.astype(np.float32) - mean) * scale).astype(dtype)

    def _labels(self, parents: list[int], share: NDArray[np.float64]) -> dict[str, Any]:
        source, rule = self.source, self.recipe.get("label_rule", "soft")
        label_share = share.copy()
        if rule == "base":
            label_share = np.eye(len(share))[int(np.argmax(share))]
        if source.classes is not None:
            classes = [source.classes[parent] for parent in parents]
            if rule == "union":
                label_share = np.array([
                    float(share[k] > 0 and all(share[j] == 0 or classes[j] != classes[k] for j in range(k)))
                    for k in range(len(share))
                ])  # fmt: skip
            if rule == "remix" and len(share) == 2:
                sizes = [sum(source.classes[j] == c for j in self.usable) for c in classes]
                kappa, tau = self.recipe["remix_kappa"], self.recipe["remix_tau"]
                if sizes[0] / sizes[1] >= kappa and share[0] < tau:
                    label_share = np.array([0.0, 1.0])
                elif sizes[1] / sizes[0] >= kappa and share[1] < tau:
                    label_share = np.array([1.0, 0.0])
            label = np.zeros(source.class_count)
            for k, c in enumerate(classes):
                label[c] += label_share[k]
            row = {"source_label": classes, "label_share": label_share.astype(np.float32)}
        else:
            assert source.values is not None
            values = source.values[parents].astype(np.float64)
            label = np.zeros(source.class_count)
            for k in range(len(share)):
                label += label_share[k] * values[k]
            if rule == "union":
                label = np.max([values[k] * (share[k] > 0) for k in range(len(share))], axis=0)
            row = {}
        smoothing = self.recipe.get("label_smoothing", 0.0)
        if smoothing:
            label = (1 - smoothing) * label + smoothing / source.class_count
        return {**row, "labels": label.astype(np.float32)}
