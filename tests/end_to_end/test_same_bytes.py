"""The same recipe and source give the same bytes: at any workers, batch size and backend, in one go or in steps."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.covering import covering
from tests.data_sets import digests
from tests.running import Runner
from tests.small_sources import write_arrays

RECIPES = {
    "mixup": "--alpha 0.2",
    "all methods": "--method mixup,cutmix,cutout --alpha 1 --keep-originals",
    "floats": "--method mixup,cutmix --dtype float32 --normalize cifar10 --layout nchw",
    "halves": "--method cutmix --dtype float16 --labels sparse",
    "16 bits": "--dtype uint16 --size 5x7",
    "gzip": "--compression gzip",
    "png": "--method mixup,cutmix --encode png",
    "jpeg": "--encode jpeg:90 --keep-originals",
}
"""What a run may differ in, by name; always in shards of 37 rows, which no batch size divides."""

CARRIED_OUT = [
    f"--workers {workers} --batch-size {batch_size} --device {('cpu', 'cpu-torch')[number % 2]}"
    for number, (workers, batch_size) in enumerate(product((1, 2, 3), (1, 7, 256)))
]
"""Each number of workers with each batch size, and each of these on both devices."""


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_arrays(tmp_path_factory.mktemp("same") / "a.npz", 101, (9, 6, 3))


def make(run_cli: Runner, source: Path, out: Path, *options: str) -> dict[str, str]:
    given = [word for option in options for word in option.split()]
    ended = run_cli("generate", source, "-q", "--samples-per-shard", 37, "-o", out, *given)
    assert ended.returncode == 0, ended.stderr
    return digests(out)


@pytest.mark.parametrize(("recipe", "first"), covering([*RECIPES], range(3)))
def test_workers_batches_and_backends(recipe: str, first: int, run_cli: Runner, noise: Path, tmp_path: Path) -> None:
    """Every third way, from the first, second or third on: each has all numbers of workers and both devices."""
    expected = make(run_cli, noise, tmp_path / "plain", RECIPES[recipe], "--passes 2")
    assert sum(name.startswith("shard-") for name in expected) >= 6
    for number, how in enumerate(CARRIED_OUT[first::3]):
        assert make(run_cli, noise, tmp_path / str(number), RECIPES[recipe], "--passes 2", how) == expected, how


def test_pictures_at_any_worker_count(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    made = [make(run_cli, photos, tmp_path / str(workers), f"--workers {workers}") for workers in (1, 2, 3, 8)]
    assert made[1:] == made[:1] * 3


@pytest.mark.parametrize(("recipe", "steps"), covering(["mixup", "all methods", "gzip"], [(1, 3), (2, 3), (1, 2, 3)]))
def test_one_run_of_three_passes_and_runs_that_extend(
    recipe: str, steps: tuple[int, ...], run_cli: Runner, noise: Path, tmp_path: Path
) -> None:
    expected = make(run_cli, noise, tmp_path / "whole", RECIPES[recipe], "--passes 3")
    for passes in steps:
        grown = make(run_cli, noise, tmp_path / "grown", RECIPES[recipe], f"--passes {passes}")
    assert grown == expected


def test_rows_do_not_depend_on_the_shards_they_stand_in(run_cli: Runner, noise: Path, tmp_path: Path) -> None:
    from tests.data_sets import columns

    run_cli("generate", noise, "-o", tmp_path / "one", "--samples-per-shard", 101)
    run_cli("generate", noise, "-o", tmp_path / "many", "--samples-per-shard", 3)
    one, many = columns(tmp_path / "one"), columns(tmp_path / "many")
    assert all((one[name] == many[name]).all() for name in one)


def test_where_the_source_lies_does_not_matter(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(colours)
    expected = make(run_cli, colours, tmp_path / "absolute")
    assert make(run_cli, tmp_path / "link", tmp_path / "linked") == expected
    ended = run_cli("generate", "-q", "--samples-per-shard", 37, "-o", tmp_path / "here", cwd=colours)
    assert ended.returncode == 0
    assert digests(tmp_path / "here") == expected
