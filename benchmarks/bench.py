"""What every case needs: where things are, how much to do, and how mixup-gen and its peers are called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Usage, run

HERE = Path(__file__).resolve().parent

OUR_IMPORTS = "import mixup_cli.runs.generate, mixup_cli.cli.app, numba, scipy.special, PIL.Image"
PEER_IMPORTS = "import torch, torchvision, timm.data, h5py, numpy, PIL.Image"


@dataclass(frozen=True)
class Amounts:
    """How much is done. Counts of samples, but for `rounds` (at least 5 where the limit is measured), `few` and
    the passes."""

    rounds: int = 5
    few: int = 3
    cifar: int = 50_000
    small: int = 500_000
    large: int = 2_000_000
    largest: int = 5_000_000
    peer_small: int = 50_000
    peer_large: int = 150_000
    expert_large: int = 550_000
    photos: int = 1_000
    sounds: int = 4_000
    videos: int = 200
    tiny: int = 50_000
    passes: int = 10
    ray_passes: int = 89
    methods: int = 450_000
    gzip: int = 150_000
    zstd: int = 600_000
    sweep: int = 300_000
    reading_seconds: float = 4.0
    sweeps: bool = True
    profiles: bool = True
    warming: bool = True


QUICK = Amounts(
    rounds=1,
    few=1,
    small=150_000,
    large=400_000,
    largest=1_500_000,
    peer_small=50_000,
    peer_large=100_000,
    expert_large=150_000,
    photos=200,
    sounds=400,
    videos=20,
    tiny=5_000,
    ray_passes=20,
    methods=150_000,
    gzip=30_000,
    zstd=100_000,
    reading_seconds=1.5,
    sweeps=False,
    profiles=False,
    warming=False,
)


@dataclass(frozen=True)
class Bench:
    """One call of the benchmarks. `cifar` is the archive, `cifar_folder` holds it extracted, `photos` has a folder of
    JPEG pictures per class; `scratch` is where outputs go, on the disk that is measured."""

    mixup_gen: Path
    peers_python: Path
    cifar: Path
    cifar_folder: Path
    photos: Path
    scratch: Path
    amounts: Amounts
    tell: Callable[[str], None]
    frameworks_python: Path | None = None
    cores: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def our_python(self) -> Path:
        """The interpreter that mixup-gen is installed for."""
        return self.mixup_gen.parent / "python"

    @property
    def out(self) -> Path:
        """Where a contender writes. Emptied before and after each run."""
        return self.scratch / "out"

    def clear(self) -> None:
        """Remove what the last contender wrote, and let the disk come to rest: not in anybody's time."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        os.sync()

    def fresh(self, command: list[str | Path], look: Callable[[], None] = lambda: None) -> Usage:
        """Run a command that writes into `out`, which is empty before and after. `look` may look at what it wrote."""
        self.clear()
        if self.amounts.warming:
            self.warm(command)
        try:
            used = run(command, self.scratch)
            look()
            return used
        finally:
            self.clear()

    def warm(self, command: list[str | Path]) -> None:
        """Read what a command will read, its libraries too: what others wrote may have pushed it out of memory."""
        own = Path(command[0]).parent == self.mixup_gen.parent
        python, imports = (self.our_python, OUR_IMPORTS) if own else (self.peers_python, PEER_IMPORTS)
        run([python, "-c", imports], self.scratch)
        for source in {self.cifar, self.cifar_folder, self.photos}.intersection(command):
            for path in [source] if source.is_file() else source.rglob("*"):
                if path.is_file():
                    path.read_bytes()

    def written_by(self, script: str, source: Path, count: int, class_count: int) -> Usage:
        """A peer's script writes `count` samples into one file, which is then checked, outside of the time."""
        file = self.out / "peer.h5"
        command = self.peer(script, source, file, "--samples", str(count), "--workers", str(self.cores))
        check = self.peer("check_output.py", file, str(count), str(class_count))

        def look() -> None:
            run(check, self.scratch)  # raises where the file is not what it should be

        return self.fresh(command, look)

    def generate(self, source: Path, *options: str | Path, out: Path | None = None) -> list[str | Path]:
        """The command line of `mixup-gen generate`."""
        return [self.mixup_gen, "generate", "--quiet", source, "-o", out or self.out / "set", *options]

    def generate_without_fsync(self, source: Path, *options: str | Path) -> list[str | Path]:
        """The same, with fsync made to do nothing."""
        return [self.our_python, HERE / "without_fsync.py", *self.generate(source, *options)[1:]]

    def ours(self, script: str, *options: str | Path) -> list[str | Path]:
        """A script of ours/, which imports mixup-gen."""
        return [self.our_python, HERE / "ours" / script, *options]

    def peer(self, script: str, *options: str | Path) -> list[str | Path]:
        """A script of peers/, in the environment that has the other libraries."""
        return [self.peers_python, HERE / "peers" / script, *options]
