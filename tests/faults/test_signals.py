"""SIGINT and SIGTERM end a command within two seconds, with one line that says how to go on, whatever it is doing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.patched import LONG, patched
from tests.faults.progress import sidecars, stopped_before
from tests.running import PROGRAM, Runner, best_seconds, start_process, wait_while_running
from tests.small_sources import write_arrays, write_colours
from tests.unit.sources.cifar.cifar_archives import cifar_files, write_cifar

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc to look at processes"
)

SECONDS = 2.0
WORDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
REMEDIES = ("Run the same command again to continue: finished shards are kept.", "Run the same command again.")
"""The second one before the command itself begins."""
TOLD = {number: [f"mixup-gen: {word}. {remedy}\n" for remedy in REMEDIES] for number, (_, word) in WORDS.items()}


def stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send a signal, check how the command ends, and return after how many seconds."""
    began = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    seconds = time.monotonic() - began
    code, _ = WORDS[number]
    assert (process.returncode, stdout) == (code, ""), stderr
    assert stderr in TOLD[number]
    return seconds


@pytest.mark.parametrize("number", list(WORDS))
def test_it_cleans_up_and_can_go_on(
    number: signal.Signals, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    """However long that takes: with the usual grace, a busy machine may have no time to clean up."""
    process = begin(*long_run, "--passes", 5000, cwd=tmp_path, program=patched(LONG))
    wait_while_running(process, lambda: sidecars(tmp_path / "mixup-out") > 5)
    assert stop(process, number) < LONG
    assert not list((tmp_path / "mixup-out").rglob("*.part")), "it cleans up behind itself"
    made = sidecars(tmp_path / "mixup-out")
    ended = run_cli(*long_run, "--passes", -(-made // 20), cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


def stuck(grace_seconds: float, place: Path) -> subprocess.Popen[str]:
    """A run whose threads decode a picture, and do not hear that they are to end."""
    process = begin("generate", write_colours(place / "stuck"), cwd=place, program=patched(grace_seconds, "stuck"))
    assert process.stderr is not None
    assert process.stderr.readline() == "decoding\n"
    return process


def seconds_to_end(process: subprocess.Popen[str], signals: int) -> float:
    """Send so many signals, and return how long the process then takes to end."""
    for each in range(signals):
        while each and process.stderr and process.stderr.readline() != "heard\n":
            assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=LONG / 2)
    assert process.returncode == 130
    assert stderr.replace("decoding\n", "").replace("heard\n", "") in TOLD[signal.SIGINT]
    return time.monotonic() - began


def test_what_does_not_listen_is_ended_after_the_grace(tmp_path: Path) -> None:
    places = (tmp_path / str(number) for number in range(2))
    assert best_seconds(lambda: seconds_to_end(stuck(1, made(next(places))), 1), SECONDS) < SECONDS


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Which the grace would not, for a minute."""
    places = (tmp_path / str(number) for number in range(2))
    assert best_seconds(lambda: seconds_to_end(stuck(LONG, made(next(places))), 2), SECONDS) < SECONDS


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def arrays(folder: Path) -> list[object]:
    """Thousands of small shards: mixing and sealing all the time."""
    return [write_arrays(folder / "a.npz", 20), "--samples-per-shard", 1, "--passes", 5000]


def compressed(folder: Path) -> list[object]:
    """Shards of 20 MB that are compressed for seconds."""
    return [write_arrays(folder / "a.npz", 200, (64, 64, 3)), "--compression", "gzip", "--passes", 200]


def large_pictures(folder: Path) -> list[object]:
    """Pictures of 4000 × 4000 pixels, each of which takes long to decode."""
    (folder / "large/a").mkdir(parents=True)
    noise = np.random.default_rng(1).integers(0, 256, (250, 250, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((4000, 4000))
    picture.save(folder / "large/a/0.jpg", quality=95)
    picture.save(folder / "large/a/1.png", compress_level=1)
    for number in range(2, 400):
        suffix = "png" if number % 2 else "jpg"
        (folder / f"large/a/{number}.{suffix}").symlink_to(f"{number % 2}.{suffix}")
    return [folder / "large", "--size", 2000]


def archive(folder: Path) -> list[object]:
    """An archive of 50,000 pictures, which takes a second to inflate while libraries are imported."""
    draw = np.random.default_rng(2)
    files = cifar_files("10", "binary")
    for name in files:
        if name.startswith("data_batch"):
            rows = draw.integers(0, 10, (10_000, 3073), dtype=np.uint8)
            files[name] = rows.tobytes()
    return [write_cifar(folder / "cifar-10-binary.tar.gz", files, "cifar-10-batches-bin"), "--passes", 100]


SCENES: dict[str, tuple[Callable[[Path], list[object]], float]] = {
    "arrays": (arrays, 3.0),
    "compressed": (compressed, 3.0),
    "large-pictures": (large_pictures, 5.0),
    "archive": (archive, 3.0),
    "first-compile": (arrays, 6.0),
}
"""What is done when the signal comes, and how many seconds of it are of interest."""


def begin(
    *command: object, cwd: Path, env: Mapping[str, str] | None = None, program: Sequence[object] = (PROGRAM,)
) -> subprocess.Popen[str]:
    """Start a command and wait until it listens to signals: before, Python itself is starting."""
    process = start_process(*command, "-q", cwd=cwd, env=env, program=program)
    status = Path(f"/proc/{process.pid}/status")
    wait_while_running(process, lambda: listens(status.read_text()))
    return process


def listens(status: str) -> bool:
    """Whether a process with this status handles SIGTERM."""
    return bool(int(status.split("SigCgt:")[1].split(maxsplit=1)[0], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    ("scene", "count"),
    [
        ("arrays", 3),
        ("large-pictures", 2),
        ("first-compile", 2),
        *(pytest.param(scene, 20, marks=pytest.mark.slow) for scene in SCENES),
    ],
)
def test_at_any_moment(scene: str, count: int, tmp_path: Path) -> None:
    prepare, seconds = SCENES[scene]
    command = ["generate", *prepare(tmp_path)]
    draw = np.random.default_rng(count)

    def interrupted(each: int, moment: float) -> float:
        environment = {"NUMBA_CACHE_DIR": str(tmp_path / f"numba-{each}")} if scene == "first-compile" else {}
        shutil.rmtree(tmp_path / f"numba-{each}", ignore_errors=True)
        process = begin(*command, "-o", tmp_path / f"out-{each}", cwd=tmp_path, env=environment)
        time.sleep(moment)
        taken = stop(process, list(WORDS)[each % 2])
        shutil.rmtree(tmp_path / f"out-{each}", ignore_errors=True)
        return taken

    for each in range(count):
        attempt = partial(interrupted, each, (each + draw.uniform()) * seconds / count)
        assert best_seconds(attempt, SECONDS) < SECONDS, each


@pytest.mark.parametrize(
    ("scene", "pause_seconds"),
    [
        ("large-pictures", 0.01),
        *(pytest.param(scene, pause, marks=pytest.mark.slow) for scene in SCENES for pause in (0, 0.03, 0.1, 0.3)),
    ],
)
def test_again_at_once(scene: str, pause_seconds: float, tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice sees one line too, whatever the first has come to by then."""
    process = begin("generate", *SCENES[scene][0](tmp_path), cwd=tmp_path)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(pause_seconds)
    stop(process, signal.SIGINT)


def test_what_is_ignored_stays_so(long_run: list[object], tmp_path: Path) -> None:
    """As with `nohup`, and for what a shell script runs behind itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a process inherits
    try:
        process = stopped_before("replace:20", *long_run, "--passes", 1, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    process.send_signal(signal.SIGINT)  # it is pending until the process goes on
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=60)[0] == "mixup-out/manifest.json\n"
    assert process.returncode == 0
