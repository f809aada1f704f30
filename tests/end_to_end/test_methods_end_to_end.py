"""Every method from the command line to the files: labels are the pixels' shares, and the bytes are the same however
they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data_sets import Columns, columns, digests, manifest
from tests.plain_methods import PLAIN
from tests.running import Runner
from tests.small_sources import write_arrays

ALL = ",".join(PLAIN)
VARIANTS = "cutmix:box=inside,erase:fill=mean,dirichlet:k=5,mixup:base=1,jigsaw:n=3"
MORE_VARIANTS = "cutmix:box=minmax,erase:fill=noise,zetamix:k=2,gridmix:holes_low=1"
HIDING = ("cutout", "erase")
VIEWS = ["", "--flip 0.5", "--flip 0.5 --random-resized-crop --crop-area 0.2,1"]
ROUNDING = 0.5 / 255


def generate(run_cli: Runner, source: Path, out: Path, *options: str) -> Columns:
    given = [word for option in options for word in option.split()]
    ended = run_cli("generate", source, "-q", "-o", out, *given)
    assert ended.returncode == 0, ended.stderr
    return columns(out)


def colours_shown(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The part of class 0 (blue), 1 (green) and 2 (red) in each picture: (n, 3)."""
    means: NDArray[np.float64] = images.mean(axis=(1, 2), dtype=np.float64)[:, ::-1] / 255
    return means


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("methods", [ALL, VARIANTS, MORE_VARIANTS])
def test_label_is_the_share_of_each_colour(
    methods: str, views: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    there = generate(run_cli, colours, tmp_path / "out", "--size 11x7 --passes 40", "--method", methods, views)
    asked = methods.split(",")
    assert len(np.unique(there["method"])) == len(asked)
    top, left, bottom, right = there["box"].T
    hidden = np.isin(there["method"], [asked.index(each) for each in HIDING if each in asked])
    shown_part = 1 - np.where(hidden, (bottom - top) * (right - left) / 77, 0)
    compared = there["method"] != (asked.index("erase:fill=noise") if "erase:fill=noise" in asked else -1)
    off = np.abs(colours_shown(there["images"]) - there["labels"] * shown_part[:, None])
    assert off[compared].max() <= ROUNDING + 2.0**-24
    for column in ("labels", "share", "label_share"):
        assert (there[column].sum(axis=1, dtype=np.float64) == 1).all()


@pytest.mark.parametrize(
    "recipe",
    [
        "",
        "--flip 0.5 --crop-pad 2 --fill 128 --keep-originals",
        "--flip 0.5 --random-resized-crop --crop-area 0.2,1 --cache-size 14 --keep-originals --layout nchw",
        "--linear-light --flip 0.5 --dtype float32",
        "--dtype uint16",
    ],
)
def test_workers_batches_and_backends_change_nothing(
    recipe: str, run_cli: Runner, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    source = write_arrays(tmp_path / "a.npz", 41, (9, 7, 3))
    options = (recipe, "--method", f"{ALL}", "--passes 3 --samples-per-shard 37")
    for name, how in {
        "one": "--workers 1",
        "two": "--workers 2 --batch-size 5",
        "torch": "--workers 2 --device cpu-torch",
    }.items():
        generate(run_cli, source, tmp_path / name, *options, how)
    one, two, torch = (digests(tmp_path / name) for name in ("one", "two", "torch"))
    assert one == two == torch
    checked = run_cli("verify", tmp_path / "two", "--deep", "-q")
    assert checked.returncode == 0, checked.stderr


def test_rows_have_as_many_parents_as_the_method_that_needs_the_most(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    there = generate(run_cli, colours, tmp_path / "out", "--method cutout,mosaic,zetamix:k=6,none --passes 5")
    assert there["share"].shape[1] == there["source_index"].shape[1] == 6
    used = {0: 1, 1: 4, 2: 6, 3: 1}
    for method, parents, share in zip(there["method"].tolist(), there["source_index"], there["share"], strict=True):
        own = used[method]
        assert len(set(parents[:own].tolist())) == own, "different samples"
        assert (parents[own:] == parents[0]).all(), "unused slots repeat the base"
        assert (share[own:] == 0).all()
    assert manifest(tmp_path / "out")["methods"] == ["cutout", "mosaic", "zetamix", "none"]


def test_too_few_samples_for_a_method_are_refused(run_cli: Runner, tmp_path: Path) -> None:
    source = write_arrays(tmp_path / "a.npz", 3, (8, 8, 3))
    ended = run_cli("generate", source, "--method", "mosaic", "-o", tmp_path / "out")
    assert ended.returncode == 65
    assert "the source has 3 usable samples, and mosaic mixes 4 different ones" in ended.stderr


def test_the_other_name_gives_the_same_bytes(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    for name in ("jigsaw", "patchmix"):
        generate(run_cli, colours, tmp_path / name, "--method", name)
    assert digests(tmp_path / "jigsaw") == digests(tmp_path / "patchmix")


def test_originals_in_light_are_what_they_were(run_cli: Runner, tmp_path: Path) -> None:
    source = write_arrays(tmp_path / "a.npz", 12, (9, 7, 3))
    there = generate(run_cli, source, tmp_path / "out", "--linear-light --keep-originals --flip 0.5 --crop-pad 3")
    with np.load(source) as stored:
        assert (there["images"][:12] == stored["x"][there["source_index"][:12, 0]]).all()
