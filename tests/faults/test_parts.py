"""Several processes make one data set: whichever of them dies, the bytes are those of a single run."""

from __future__ import annotations

import json
import signal
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import digests
from tests.faults.progress import meet_fault, sidecars, stopped_before
from tests.forking.client import Running
from tests.running import Runner, error_line, start_process

SLOW = [pytest.mark.slow]
FRESH = ["--samples-per-shard", 3, "--workers", 1]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twenty small pictures of noise."""
    draw = np.random.default_rng(3)
    np.savez(tmp_path / "a.npz", x=draw.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8), y=np.arange(20) % 3)
    return tmp_path / "a.npz"


@pytest.fixture
def single(source: Path, run_cli: Runner, tmp_path: Path) -> dict[str, str]:
    """What one run makes of 75 rows in 25 shards."""
    assert run_cli("generate", source, *FRESH, "--samples", 75, "-o", tmp_path / "single").returncode == 0
    return digests(tmp_path / "single")


def finished(processes: list[Running]) -> list[tuple[int, str, str]]:
    """Code, stdout and stderr of each, once it has ended."""
    ended = [(process, *process.communicate()) for process in processes]
    return [(process.returncode, out, err) for process, out, err in ended]


def test_parts_at_once_make_what_one_run_makes(
    source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path
) -> None:
    command = ["generate", source, *FRESH, "--samples", 75, "-o", tmp_path / "out"]
    ended = finished([start_process(*command, "--part", f"{number}/4") for number in (3, 1, 4, 2)])
    assert [code for code, _, _ in ended] == [0] * 4, ended
    told = [out for _, out, _ in ended if out]
    assert told, "the last to finish prints the manifest's path"
    assert set(told) == {f"{tmp_path}/out/manifest.json\n"}
    assert digests(tmp_path / "out") == single
    assert run_cli("verify", tmp_path / "out").returncode == 0


ORDERS = [pytest.param(each, marks=[] if each == (3, 1, 2) else SLOW, id=str(each)) for each in permutations((1, 2, 3))]


@pytest.mark.parametrize("order", ORDERS)
def test_parts_one_after_another_in_any_order(
    order: tuple[int, ...], source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path
) -> None:
    events = []
    for number in order:
        ended = run_cli(
            *("generate", source, *FRESH, "--samples", 75, "-o", tmp_path / "out", "--part", f"{number}/3", "--json")
        )
        assert ended.returncode == 0, ended.stderr
        events.append(json.loads(ended.stdout))
        assert run_cli("verify", tmp_path / "out").returncode == (0 if number == order[-1] else 66)
    assert [event["event"] for event in events] == ["part", "part", "resumed"]
    assert [event["manifest"] for event in events] == [None, None, f"{tmp_path}/out/manifest.json"]
    left = [[f"{number}/3" for number in sorted(order[done:])] for done in (1, 2, 3)]
    assert [event["missing"] for event in events] == left
    assert sum(event["shards_made"] for event in events) == 25
    assert digests(tmp_path / "out") == single


def long_run(source: Path) -> list[object]:
    """A command that makes forty shards, so that the fifth is in the middle of either half."""
    return ["generate", source, "--samples-per-shard", 1, "--passes", 2, "--workers", 1]


FIFTH_SHARD = "replace:11"
"""The step before which it is: recipe.json and sources.csv were sealed before, then shards and sidecars."""


def test_a_killed_part_is_run_again_beside_the_others(source: Path, run_cli: Runner, tmp_path: Path) -> None:
    """It left its lock, its scratch folder and an unfinished shard, which do not matter."""
    command = long_run(source)
    assert run_cli(*command, "-o", tmp_path / "single").returncode == 0
    out = tmp_path / "out"
    meet_fault("kill", FIFTH_SHARD, *command, "--part", "1/2", "-o", out, cwd=tmp_path).communicate()
    assert sidecars(out) == 4
    left = out / ".mixup-gen/part-1-of-2"
    assert left.with_suffix(".lock").exists()
    (left / "shard-00007.h5.part").write_bytes(b"unfinished")
    other = start_process(*command, "--part", "2/2", "-o", out)
    ended = [*finished([start_process(*command, "--part", "1/2", "-o", out)]), *finished([other])]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert digests(out) == digests(tmp_path / "single")
    assert run_cli("verify", out).returncode == 0


def test_the_lock_of_a_killed_run_is_no_obstacle_to_another_division(
    source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    command = long_run(source)
    out = tmp_path / "out"
    meet_fault("kill", FIFTH_SHARD, *command, "--part", "1/2", "-o", out, cwd=tmp_path).communicate()
    assert sidecars(out) == 4
    whole = run_cli(*command, "-o", out)
    assert whole.returncode == 0, whole.stderr
    assert "(resumed: " in whole.stderr, "finished shards are kept, whichever run made them"
    assert run_cli("verify", out).returncode == 0


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ([], [], "is writing here"),
        pytest.param([], ["--force"], "is writing here", marks=SLOW),
        (["--part", "1/2"], ["--part", "1/2"], "is writing part 1/2 here"),
        (["--part", "1/2"], ["--part", "2/3"], "is writing part 1/2 here, and this one would write part 2/3"),
        pytest.param(["--part", "1/2"], [], "is writing part 1/2 here, and this one would write the whole", marks=SLOW),
        pytest.param([], ["--part", "2/2"], "is writing here, and this one would write part 2/2", marks=SLOW),
        (["--part", "1/2"], ["--part", "2/2", "--force", "--seed", "1"], "is writing part 1/2 of what --force would"),
        pytest.param(
            ["--part", "1/2"],
            ["--part", "2/2", "--seed", "1"],
            "was made with different settings (seed was 0 and is 1)",
            marks=SLOW,
        ),
        pytest.param(
            ["--part", "1/2"],
            ["--part", "2/2", "--passes", "3"],
            "was begun for 40 samples, and 60 are asked for in part 2/2",
            marks=SLOW,
        ),
    ],
)
def test_who_is_there_already_is_told(
    first: list[str], second: list[str], told: str, source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    command = long_run(source)
    out = tmp_path / "out"
    there = stopped_before(FIFTH_SHARD, *command, *first, "-o", out, cwd=tmp_path)
    try:
        before = digests(out)
        refused = run_cli(*command, *second, "-o", out)
        assert refused.returncode == 73, refused.stderr
        message = error_line(refused)
        assert told in message
        if "is writing" in told:
            assert f"another run (process {there.pid} on " in message
        assert {name: digest for name, digest in digests(out).items() if name in before} == before
    finally:
        there.send_signal(signal.SIGCONT)
    ((code, _, err),) = finished([there])
    assert code == 0, err
    rest = run_cli(*command, *(["--part", "2/2"] if first else []), "-o", out)
    assert rest.returncode == 0, rest.stderr
    assert run_cli("verify", out).returncode == 0


def test_a_part_says_who_is_still_at_work(source: Path, run_cli: Runner, tmp_path: Path) -> None:
    command = long_run(source)
    there = stopped_before(FIFTH_SHARD, *command, "--part", "1/3", "-o", tmp_path / "out", cwd=tmp_path)
    try:
        two = run_cli(*command, "--part", "2/3", "-o", tmp_path / "out")
        three = run_cli(*command, "--part", "3/3", "-o", tmp_path / "out")
    finally:
        there.send_signal(signal.SIGCONT)
    assert (two.returncode, two.stdout) == (0, "")
    assert two.stderr.endswith("1/3 still running; still to run: the same command with --part 3/3\n")
    assert three.stderr.endswith("1/3 still running; the last part to finish completes the data set\n")
    ((code, out, _),) = finished([there])
    assert (code, out) == (0, f"{tmp_path}/out/manifest.json\n")
    assert not (tmp_path / "out/.mixup-gen").exists()


def test_parts_with_force_replace_once(source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path) -> None:
    """The first of them removes what was there; the others join it, at once or later."""
    out = tmp_path / "out"
    assert run_cli("generate", source, *FRESH, "--samples", 75, "--seed", 5, "-o", out).returncode == 0
    command = ["generate", source, *FRESH, "--samples", 75, "-o", out, "--force"]
    ended = finished([start_process(*command, "--part", f"{number}/3") for number in (1, 2, 3)])
    assert [code for code, _, _ in ended] == [0, 0, 0], ended
    assert digests(out) == single


def test_parts_extend_a_finished_data_set(
    source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run_cli("generate", source, *FRESH, "--samples", 31, "-o", out).returncode == 0
    kept = {path.name: path.stat().st_ino for path in out.glob("shard-0000?.h5")}
    ended = finished(
        [start_process("generate", source, *FRESH, "--samples", 75, "-o", out, "--part", f"{n}/2") for n in (1, 2)]
    )
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert digests(out) == single
    assert {name: (out / name).stat().st_ino for name in kept} == kept, "full shards are kept"


def test_a_part_of_what_is_complete_has_nothing_to_do(
    source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path
) -> None:
    again = run_cli("generate", source, *FRESH, "--samples", 75, "-o", tmp_path / "single", "--part", "2/7")
    assert "nothing to do" in again.stderr
    assert digests(tmp_path / "single") == single


def test_a_lost_shard_is_made_by_the_part_it_belongs_to(
    source: Path, single: dict[str, str], run_cli: Runner, tmp_path: Path
) -> None:
    (tmp_path / "single/shard-00002.h5").unlink()
    command = ["generate", source, *FRESH, "--samples", 75, "-o", tmp_path / "single"]
    other = run_cli(*command, "--part", "2/2")
    assert "--part 1/2" in other.stderr
    assert run_cli(*command, "--part", "1/2").returncode == 0
    assert digests(tmp_path / "single") == single


def test_more_parts_than_shards(source: Path, run_cli: Runner, tmp_path: Path) -> None:
    command = ["generate", source, "--samples", 5, "-o", tmp_path / "out"]
    told = [run_cli(*command, "--part", f"{number}/3") for number in (1, 2, 3)]
    assert [ended.returncode for ended in told] == [0, 0, 0]
    assert told[1].stderr.splitlines()[-1].endswith("still to run: the same command with --part 3/3")
    assert run_cli("verify", tmp_path / "out").returncode == 0


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "2", "1/-2", "1/2/3", "a/b", "1/1000000000"])
def test_what_is_no_part_is_refused(text: str, source: Path, run_cli: Runner, tmp_path: Path) -> None:
    refused = run_cli("generate", source, f"--part={text}", "-o", tmp_path / "out")
    assert refused.returncode == 2
    assert "--part: " in error_line(refused)
    assert not (tmp_path / "out").exists()
