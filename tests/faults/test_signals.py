"""SIGINT and SIGTERM end a command within two seconds, with one line that says how to go on, whatever it is doing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.running import Runner, start_process
from tests.small_sources import write_arrays
from tests.unit.sources.cifar_archives import cifar_files, write_cifar

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc to look at processes"
)

SECONDS = 2.0
WORDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
REMEDIES = ("Run the same command again to continue: finished shards are kept.", "Run the same command again.")
"""The second one before the command itself begins."""


@pytest.fixture
def long_run(tmp_path: Path) -> list[object]:
    """A command that makes a hundred shards of one row each pass, and would go on for minutes."""
    return ["generate", write_arrays(tmp_path / "a.npz", 20), "--samples-per-shard", 1, "--passes", 5000]


def stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send a signal, check how the command ends, and return after how many seconds."""
    began = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    seconds = time.monotonic() - began
    code, word = WORDS[number]
    assert (process.returncode, stdout) == (code, ""), stderr
    assert stderr in [f"mixup-gen: {word}. {remedy}\n" for remedy in REMEDIES]
    return seconds


def wait_for(path: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until there is such a file."""
    limit = time.monotonic() + 60
    while not next(path.glob(pattern), None):
        assert process.poll() is None, f"it ended too early: {process.communicate()}"
        assert time.monotonic() < limit
        time.sleep(0.001)


@pytest.mark.parametrize("number", list(WORDS))
def test_it_cleans_up_and_can_go_on(
    number: signal.Signals, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    process = begin(*long_run, cwd=tmp_path)
    wait_for(tmp_path, "mixup-out/.mixup-gen/done/00005.json", process)
    assert stop(process, number) < SECONDS
    assert not list((tmp_path / "mixup-out").rglob("*.part")), "it cleans up behind itself"
    made = len(list((tmp_path / "mixup-out/.mixup-gen/done").iterdir()))
    ended = run_cli(*long_run[:-1], -(-made // 20), cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


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
    for number in range(2, 60):
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


def begin(*command: object, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command and wait until it listens to signals: before, Python itself is starting."""
    process = start_process(*command, "-q", cwd=cwd, env=env)
    caught = f"/proc/{process.pid}/status"
    while not int(Path(caught).read_text().split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1:
        time.sleep(0.002)
    return process


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
    taken = []
    for each in range(count):
        environment = {"NUMBA_CACHE_DIR": str(tmp_path / f"numba-{each}")} if scene == "first-compile" else {}
        process = begin(*command, "-o", tmp_path / f"out-{each}", cwd=tmp_path, env=environment)
        time.sleep((each + draw.uniform()) * seconds / count)
        taken.append(stop(process, list(WORDS)[each % 2]))
        shutil.rmtree(tmp_path / f"out-{each}", ignore_errors=True)
    assert max(taken) < SECONDS, taken


@pytest.mark.parametrize(
    ("scene", "pause_seconds"),
    [
        ("large-pictures", 0.01),
        *(pytest.param(scene, pause, marks=pytest.mark.slow) for scene in SCENES for pause in (0, 0.03, 0.1, 0.3)),
    ],
)
def test_again_at_once(scene: str, pause_seconds: float, tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice sees one line too."""
    process = begin("generate", *SCENES[scene][0](tmp_path), cwd=tmp_path)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(pause_seconds)
    assert stop(process, signal.SIGINT) < SECONDS


def test_what_is_ignored_stays_so(colours: Path, tmp_path: Path) -> None:
    """As with `nohup`, and for what a shell script runs behind itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a process inherits
    try:
        process = start_process("generate", colours, "--passes", 30, "--samples-per-shard", 1, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for(tmp_path, "mixup-out/.mixup-gen/done/00005.json", process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "mixup-out/manifest.json\n"
    assert process.returncode == 0
