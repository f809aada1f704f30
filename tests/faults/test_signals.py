"""SIGINT and SIGTERM end a command within two seconds, with one line that says how to go on, whatever it is doing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixup_cli.cli.terminal.signals import GRACE_SECONDS
from tests.faults import stuck
from tests.faults.fault import GRACE, LONG
from tests.faults.progress import sidecars, stopped_before
from tests.forking.client import Running
from tests.running import (
    Runner,
    ended_processes_seconds,
    processor_seconds,
    start_process,
    start_real,
    wait_while_running,
)
from tests.small_sources import write_arrays
from tests.unit.sources.cifar.cifar_archives import cifar_files, write_cifar

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc to look at processes"
)

SECONDS = 2.0
"""After so long the process is gone: it unwinds in less, or is ended after the grace. What is measured are seconds of
the processor, which do not depend on what else the machine does."""

WORKERS = 2
WORDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
REMEDIES = ("Run the same command again to continue: finished shards are kept.", "Run the same command again.")
"""The second one before the command itself begins."""
TOLD = {number: [f"mixup-gen: {word}. {remedy}\n" for remedy in REMEDIES] for number, (_, word) in WORDS.items()}


def check_end(process: Running, number: signal.Signals) -> None:
    """How a command ends that such a signal was sent to."""
    stdout, stderr = process.communicate()
    code, _ = WORDS[number]
    assert (process.returncode, stdout) == (code, ""), stderr
    assert stderr in TOLD[number]


@pytest.mark.parametrize("number", list(WORDS))
def test_it_cleans_up_and_can_go_on(
    number: signal.Signals, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    """However long that takes: with the usual grace, a busy machine may have no time to clean up."""
    process = stopped_before("replace:15", *long_run, cwd=tmp_path, env={GRACE: LONG})
    process.send_signal(number)  # it is pending until the process goes on
    process.send_signal(signal.SIGCONT)
    check_end(process, number)
    assert not list((tmp_path / "mixup-out").rglob("*.part")), "it cleans up behind itself"
    assert 6 <= sidecars(tmp_path / "mixup-out") < 20
    ended = run_cli(*long_run, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


@pytest.mark.parametrize(("grace_seconds", "signals"), [("0.5", 1), (LONG, 2)])
def test_what_does_not_listen_is_ended_after_the_grace_or_by_a_second_signal(
    grace_seconds: str, signals: int, colours: Path, tmp_path: Path
) -> None:
    """Threads that decode would go on for ever."""
    assert GRACE_SECONDS < SECONDS
    process = start_process("generate", colours, "-q", cwd=tmp_path, env={GRACE: grace_seconds}, script=stuck.__file__)
    assert process.stderr is not None
    assert process.stderr.readline() == "decoding\n"
    process.send_signal(signal.SIGINT)
    while signals == 2 and process.stderr.readline() != "heard\n":
        assert process.poll() is None
    if signals == 2:
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.replace("decoding\n", "").replace("heard\n", "") in TOLD[signal.SIGINT]


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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[object]]:
    """The command of a scene, whose source is made once."""

    @cache
    def prepare(scene: str) -> list[object]:
        command = SCENES[scene][0](tmp_path_factory.mktemp(scene))
        return ["generate", *command, "--workers", WORKERS, "-q"]

    return prepare


def begin(*command: object, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the installed program and wait until it listens to signals: before, Python itself is starting."""
    process = start_real(*command, cwd=cwd, env=env)
    status = Path(f"/proc/{process.pid}/status")
    wait_while_running(process, lambda: listens(status.read_text()))
    return process


def listens(status: str) -> bool:
    """Whether a process with this status handles SIGTERM."""
    return bool(int(status.split("SigCgt:")[1].split(maxsplit=1)[0], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    ("scene", "count"),
    [
        ("arrays", 2),
        ("large-pictures", 1),
        ("first-compile", 1),
        *(pytest.param(scene, 20, marks=pytest.mark.slow) for scene in SCENES),
    ],
)
def test_at_any_moment(scene: str, count: int, prepared: Callable[[str], list[object]], tmp_path: Path) -> None:
    """Which of them is left to the machine; each run would take minutes."""
    draw = np.random.default_rng(count)
    for each in range(count):
        environment = {"NUMBA_CACHE_DIR": str(tmp_path / f"numba-{each}")} if scene == "first-compile" else {}
        others = ended_processes_seconds()
        process = begin(*prepared(scene), "-o", tmp_path / f"out-{each}", cwd=tmp_path, env=environment)
        time.sleep((each + draw.uniform()) * SCENES[scene][1] / count)
        before = processor_seconds(process.pid)
        number = list(WORDS)[each % 2]
        process.send_signal(number)
        check_end(process, number)
        assert ended_processes_seconds() - others - before < SECONDS * WORKERS, each
        shutil.rmtree(tmp_path / f"out-{each}", ignore_errors=True)


@pytest.mark.parametrize(
    ("scene", "pause_seconds"),
    [
        ("large-pictures", 0.01),
        *(pytest.param(scene, pause, marks=pytest.mark.slow) for scene in SCENES for pause in (0, 0.03, 0.1, 0.3)),
    ],
)
def test_again_at_once(
    scene: str, pause_seconds: float, prepared: Callable[[str], list[object]], tmp_path: Path
) -> None:
    """Pressing Ctrl-C twice shows one line too, whatever the first has come to by then."""
    process = begin(*prepared(scene), cwd=tmp_path)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(pause_seconds)
    process.send_signal(signal.SIGINT)
    check_end(process, signal.SIGINT)


def test_what_is_ignored_stays_so(long_run: list[object], tmp_path: Path) -> None:
    """As with `nohup`, and for what a shell script runs behind itself."""
    process = stopped_before("replace:20", *long_run, cwd=tmp_path, ignored=(signal.SIGINT,))
    process.send_signal(signal.SIGINT)  # it is pending until the process goes on
    process.send_signal(signal.SIGCONT)
    assert process.communicate()[0] == "mixup-out/manifest.json\n"
    assert process.returncode == 0
