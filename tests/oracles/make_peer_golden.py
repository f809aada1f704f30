"""Records what timm, kornia and torchvision do for known draws, and librosa for known waves: tests read it from
golden/, and need none of them.

The libraries want another torch than the one that the project pins, so this runs in an environment of its own, as
make_torchvision_golden.py does (which records v2.MixUp and v2.CutMix, and is checked here too):

    python3 -m venv .venv-peers && .venv-peers/bin/pip install -r tests/oracles/requirements-peers.txt
    .venv-peers/bin/python tests/oracles/make_peer_golden.py            # writes golden/{timm,kornia,…}.npz
    .venv-peers/bin/python tests/oracles/make_peer_golden.py --check    # recomputes them all; exit 1 where one differs

Images are (batch, channel, height, width), boxes (top, left, bottom, right), half-open. Labels of kornia are its own
triples (base's class, donor's class, lambda).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

import kornia
import kornia.augmentation
import librosa
import numpy as np
import timm
import torch
import torchvision
from numpy.typing import NDArray
from timm.data import mixup as timm_mixup
from torchvision import transforms as v1
from torchvision.transforms import v2

Arrays: TypeAlias = dict[str, NDArray[Any]]

GOLDEN = Path(__file__).parent / "golden"
SIZES = [(8, 8), (5, 7), (6, 11)]
LEVELS = [0, 1, 16384, 30000, 32768, 40000, 65535, 65536]  # lam in 65536ths: exact in float32
CLASS_COUNT = 5
CHANNEL_COUNT = 3
SEED = 20260101
DRAW_COUNT = 20_000
QUANTILES = np.linspace(0, 1, 65)
CROP = ((0.08, 1.0), (3 / 4, 4 / 3))  # scale, ratio: the defaults of RandomResizedCrop
ERASE = ((0.02, 0.33), (0.3, 3.3))  # and of RandomErasing
CROP_SIZES = [(32, 32), (256, 256), (40, 100)]


class Draws:
    """Stands in for a randint, keeps [low, high, drawn] of every call, and draws from a generator of its own."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.kept: list[tuple[int, int, int]] = []

    def numpy(self, low: int, high: int, size: None = None) -> int:
        assert size is None
        self.kept.append((low, high, int(self.rng.integers(low, high))))
        return self.kept[-1][2]

    def torch(self, low: int, high: int, size: tuple[int, ...]) -> torch.Tensor:
        return torch.full(size, self.numpy(low, high))

    def take(self) -> NDArray[np.int64]:
        """The calls since the last time: (calls, 3)."""
        kept, self.kept = self.kept, []
        return np.array(kept, np.int64).reshape(-1, 3)


def batch(size: tuple[int, int], count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, CHANNEL_COUNT, *size), np.uint8)
    return images, rng.integers(0, CLASS_COUNT, count)


def stacked(rows: list[dict[str, Any]]) -> Arrays:
    return {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


# --- timm ---------------------------------------------------------------------------------------------------------


def timm_elem(size: tuple[int, int], seed: int) -> Arrays:
    """Mixup in mode 'elem': a lam per sample, the donor of sample i is sample B - 1 - i."""
    images, labels = batch(size, len(LEVELS), seed)
    lams = np.array(LEVELS) / 65536
    arrays: Arrays = {"images": images, "labels": labels}
    draws = Draws(seed)
    for name, alphas in {"mixup": (1.0, 0.0), "cutmix": (0.0, 1.0)}.items():
        options = {"mode": "elem", "label_smoothing": 0.0, "num_classes": CLASS_COUNT}
        mixer = timm_mixup.Mixup(*alphas, **options)
        collate = timm_mixup.FastCollateMixup(*alphas, **options)
        smooth = timm_mixup.Mixup(*alphas, **{**options, "label_smoothing": 0.1})
        with mock.patch("numpy.random.beta", return_value=lams), mock.patch("numpy.random.randint", draws.numpy):
            mixed, targets = mixer(torch.from_numpy(images).float(), torch.from_numpy(labels))
            arrays |= {f"{name}_images": mixed.numpy(), f"{name}_labels": targets.numpy()}
            if name == "cutmix":  # a row and a column per sample, but none where lam is 1
                arrays["cutmix_draws"] = draws.take()
            else:  # also on bytes, as its data loader does it
                bytes_, _ = collate(list(zip(images.copy(), labels, strict=True)))
                _, smoothed = smooth(torch.from_numpy(images).float(), torch.from_numpy(labels))
                arrays |= {"mixup_bytes": bytes_.numpy(), "mixup_smoothed_labels": smoothed.numpy()}
    return arrays


def timm_boxes(size: tuple[int, int], seed: int) -> Arrays:
    """Boxes of the standard law: draws are the centre's row and column."""
    draws, rows = Draws(seed), []
    with mock.patch("numpy.random.randint", draws.numpy):
        for level in LEVELS * 4:
            box, lam = timm_mixup.cutmix_bbox_and_lam((CHANNEL_COUNT, *size), level / 65536)
            top, bottom, left, right = map(int, box)
            rows.append({"level": level, "draws": draws.take(), "box": (top, left, bottom, right), "lam": lam})
    return stacked(rows)


def timm_minmax_boxes(size: tuple[int, int], seed: int) -> Arrays:
    """Boxes with sides between two parts of the picture's: draws are height, width, top and left."""
    draws, rows = Draws(seed), []
    with mock.patch("numpy.random.randint", draws.numpy):
        for _ in range(32):
            box, lam = timm_mixup.cutmix_bbox_and_lam((CHANNEL_COUNT, *size), 0.5, ratio_minmax=(0.2, 0.8))
            top, bottom, left, right = map(int, box)
            rows.append({"draws": draws.take(), "box": (top, left, bottom, right), "lam": lam})
    return stacked(rows)


def timm_golden() -> Arrays:
    arrays: Arrays = {"version": np.array(timm.__version__), "levels": np.array(LEVELS), "sizes": np.array(SIZES)}
    for number, size in enumerate(SIZES):
        arrays |= prefixed(f"{number}/elem", timm_elem(size, SEED + number))
        arrays |= prefixed(f"{number}/box", timm_boxes(size, SEED + number))
        arrays |= prefixed(f"{number}/minmax", timm_minmax_boxes(size, SEED + number))
    return arrays


# --- kornia -------------------------------------------------------------------------------------------------------


def kornia_mixup(size: tuple[int, int], seed: int) -> Arrays:
    images, labels = batch(size, 6, seed)
    mixer = kornia.augmentation.RandomMixUpV2(data_keys=["input", "class"])
    torch.manual_seed(seed)
    mixed, triples = mixer(torch.from_numpy(images).float() / 255, torch.from_numpy(labels))
    params = mixer._params
    return {
        "images": images,
        "labels": labels,
        "pairs": params["mixup_pairs"].numpy(),
        "donor_share": params["mixup_lambdas"].numpy(),
        "mixed_images": mixed.numpy(),
        "triples": triples.numpy(),
    }


def kornia_cutmix(size: tuple[int, int], seed: int) -> Arrays:
    """The same cuts twice: the default gives the donor's part as lambda, `use_correct_lambda` the base's."""
    images, labels = batch(size, 6, seed)
    arrays: Arrays = {"images": images, "labels": labels}
    for name, correct in {"donor_triples": False, "base_triples": True}.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the default
            mixer = kornia.augmentation.RandomCutMixV2(data_keys=["input", "class"], use_correct_lambda=correct)
        torch.manual_seed(seed)
        mixed, triples = mixer(torch.from_numpy(images).float() / 255, torch.from_numpy(labels))
        corners = mixer._params["crop_src"][0].numpy().astype(np.int64)  # (B, 4, 2) of (x, y), far corner included
        arrays["box"] = np.concatenate([corners[:, 0, ::-1], corners[:, 2, ::-1] + 1], axis=1)
        arrays["pairs"] = mixer._params["mix_pairs"][0].numpy()
        arrays |= {"mixed_images": mixed.numpy(), name: triples[0].numpy()}
    return arrays


def kornia_golden() -> Arrays:
    arrays: Arrays = {"version": np.array(kornia.__version__), "sizes": np.array(SIZES)}
    for number, size in enumerate(SIZES):
        arrays |= prefixed(f"{number}/mixup", kornia_mixup(size, SEED + number))
        arrays |= prefixed(f"{number}/cutmix", kornia_cutmix(size, SEED + number))
    return arrays


# --- torchvision --------------------------------------------------------------------------------------------------


def erasing(size: tuple[int, int], seed: int) -> Arrays:
    """RandomErasing, old and v2, with a given box; the fill is black, then one value per channel."""
    images, _ = batch(size, 1, seed)
    image, rng, rows = torch.from_numpy(images[0]), np.random.default_rng(seed), []
    for fill in [(0.0,), (10.0, 20.0, 30.0)] * 2:
        height, width = (int(rng.integers(1, side)) for side in size)
        top, left = int(rng.integers(size[0] - height + 1)), int(rng.integers(size[1] - width + 1))
        value = torch.tensor(fill)[:, None, None]
        old, new = v1.RandomErasing(p=1, value=fill), v2.RandomErasing(p=1, value=fill)
        with mock.patch.object(old, "get_params", return_value=(top, left, height, width, value)):
            erased_v1 = old(image)
        params = {"i": top, "j": left, "h": height, "w": width, "v": value}
        with mock.patch.object(new, "make_params", return_value=params):
            erased_v2 = new(image)
        assert torch.equal(erased_v1, erased_v2)
        box = (top, left, top + height, left + width)
        rows.append({"box": box, "fill": np.resize(fill, CHANNEL_COUNT), "erased": erased_v2})
    return {"image": images[0], **stacked(rows)}


def flip_and_crop(size: tuple[int, int], seed: int) -> Arrays:
    """RandomHorizontalFlip, and RandomCrop to the picture's own size: draws are the window's top and left."""
    images, _ = batch(size, 12, seed)
    draws, crop, rows = Draws(seed), v2.RandomCrop(size, padding=4), []
    for image in torch.from_numpy(images):
        with mock.patch("torch.randint", draws.torch):
            rows.append({"cropped": crop(image), "draws": draws.take()})
    flipped = v2.RandomHorizontalFlip(p=1)(torch.from_numpy(images)).numpy()
    return {"images": images, "flipped": flipped, **stacked(rows)}


Boxes: TypeAlias = NDArray[np.int64]  # (draws, 4): top, left, height, width, as torchvision's get_params gives them


def drawn_boxes(transform: Any, size: tuple[int, int], law: tuple[Any, Any], *value: Any) -> Boxes:
    image = torch.zeros(1, *size)
    torch.manual_seed(SEED)
    return np.array([transform.get_params(image, *map(list, law), *value)[:4] for _ in range(DRAW_COUNT)])


def summary(boxes: Boxes, size: tuple[int, int]) -> Arrays:
    """Quantiles and histograms of area, log(width / height) and place (0 … 1 of the free room), and how often the
    whole height, the whole width or both are taken. Both means, from RandomErasing, that nothing is erased."""
    top, left, height, width = boxes.T
    full_height, full_width = height == size[0], width == size[1]
    rows = top[~full_height] / (size[0] - height[~full_height])
    columns = left[~full_width] / (size[1] - width[~full_width])
    return {
        "area_quantiles": np.quantile(height * width / (size[0] * size[1]), QUANTILES),
        "log_aspect_quantiles": np.quantile(np.log(width / height), QUANTILES),
        "top_quantiles": np.quantile(rows, QUANTILES),
        "left_quantiles": np.quantile(columns, QUANTILES),
        "area_histogram": np.histogram(height * width / (size[0] * size[1]), 20, (0, 1))[0] / len(boxes),
        "log_aspect_histogram": np.histogram(np.log(width / height), 24, (-1.2, 1.2))[0] / len(boxes),
        "full": np.array([full_height.mean(), full_width.mean(), (full_height & full_width).mean()]),
    }


def fallback_share(boxes: Boxes, size: tuple[int, int]) -> float:
    """How often ten tries were in vain, after which torchvision takes a centred crop of the nearest aspect."""
    low, high = CROP[1]
    width = min(size[1], round(size[0] * high)) if size[1] / size[0] > high else size[1]
    height = min(size[0], round(size[1] / low)) if size[1] / size[0] < low else size[0]
    centred = (size[0] - height) // 2, (size[1] - width) // 2, height, width
    return float((boxes == centred).all(axis=1).mean())


def transforms_golden() -> Arrays:
    arrays: Arrays = {
        "version": np.array(torchvision.__version__.partition("+")[0]),
        "sizes": np.array(SIZES),
        "distribution/sizes": np.array(CROP_SIZES),
        "distribution/quantiles": QUANTILES,
    }
    for number, size in enumerate(SIZES):
        arrays |= prefixed(f"{number}/erasing", erasing(size, SEED + number))
        arrays |= prefixed(f"{number}/geometry", flip_and_crop(size, SEED + number))
    for number, size in enumerate(CROP_SIZES):
        crops = drawn_boxes(v1.RandomResizedCrop, size, CROP)
        erased = drawn_boxes(v1.RandomErasing, size, ERASE, [0.0])
        arrays |= prefixed(f"distribution/{number}/crop", summary(crops, size))
        arrays[f"distribution/{number}/crop/fallback"] = np.array(fallback_share(crops, size))
        arrays |= prefixed(f"distribution/{number}/erasing", summary(erased, size))
    return arrays


# --- librosa ------------------------------------------------------------------------------------------------------

SPECTROGRAMS = [(8000, 40, 256, 128), (16_000, 80, 400, 160), (22_050, 128, 2048, 512), (44_100, 64, 1102, 441)]
"""Samples a second, bands, window and hop in samples."""


def librosa_golden() -> Arrays:
    """Log-mel spectrograms of a sweep with noise behind it, with silence at its end."""
    arrays: Arrays = {"cases": np.array(SPECTROGRAMS)}
    for number, (rate, bands, window, hop) in enumerate(SPECTROGRAMS):
        frequency = np.geomspace(60, rate / 2.1, rate // 6)
        wave = 0.5 * np.sin(2 * np.pi * np.cumsum(frequency) / rate)
        wave += np.random.default_rng(SEED).normal(0, 1e-3, len(wave))
        whole = np.pad(np.rint(wave * 32768), (0, 2 * window)).astype(np.int16)
        power = librosa.feature.melspectrogram(
            y=whole.astype(np.float32) / 32768,
            sr=rate,
            n_fft=1 << (window - 1).bit_length(),
            win_length=window,
            hop_length=hop,
            n_mels=bands,
        )
        arrays[f"wave/{number}"] = whole
        arrays[f"decibels/{number}"] = librosa.power_to_db(power, ref=1e-10, top_db=None)
    return arrays


# --- writing and checking -----------------------------------------------------------------------------------------


def torchvision_mixing() -> Arrays:
    """What make_torchvision_golden.py records: it writes a file, so here it writes a temporary one."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.oracles import make_torchvision_golden

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "torchvision.npz"
        with mock.patch.object(make_torchvision_golden, "GOLDEN", path), contextlib.redirect_stdout(io.StringIO()):
            make_torchvision_golden.main()
        return read(path)


RECORDERS: dict[str, Callable[[], Arrays]] = {
    "timm": timm_golden,
    "kornia": kornia_golden,
    "torchvision_transforms": transforms_golden,
    "librosa": librosa_golden,
}


def read(path: Path) -> Arrays:
    with np.load(path) as golden:
        return dict(golden)


def differences(recorded: Arrays, computed: Arrays) -> Iterator[str]:
    """Integers and text must be the same; floats within rounding; shares of random draws within a permille or two."""
    for name in sorted(recorded.keys() | computed.keys()):
        if name not in recorded or name not in computed:
            yield f"{name}: only {'computed' if name in computed else 'recorded'}"
            continue
        old, new = recorded[name], computed[name]
        if old.shape != new.shape or old.dtype.kind != new.dtype.kind:
            yield f"{name}: recorded {old.dtype} {old.shape}, computed {new.dtype} {new.shape}"
        elif old.dtype.kind == "f":
            worst = float(np.abs(old - new).max(initial=0))
            allowed = 2e-3 if name.startswith("distribution/") else 1e-5 * max(1.0, float(np.abs(old).max(initial=0)))
            if not worst <= allowed:  # NaN is a difference too
                yield f"{name}: differs by {worst:.3g}"
        elif not np.array_equal(old, new):
            yield f"{name}: {old} is now {new}" if old.ndim == 0 else f"{name}: {int((old != new).sum())} values differ"


def check() -> int:
    found = 0
    for name, recorder in {**RECORDERS, "torchvision": torchvision_mixing}.items():
        lines = list(differences(read(GOLDEN / f"{name}.npz"), recorder()))
        found += len(lines)
        print(*(f"{name}.npz: {line}" for line in lines or ["as recorded"]), sep="\n")
    return 1 if found else 0


def write() -> int:
    for name, recorder in RECORDERS.items():
        path = GOLDEN / f"{name}.npz"
        np.savez_compressed(path, allow_pickle=False, **recorder())
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Record, or check, what other libraries do.")
    parser.add_argument("--check", action="store_true", help="recompute and compare; write nothing")
    return check() if parser.parse_args().check else write()


if __name__ == "__main__":
    sys.exit(main())
