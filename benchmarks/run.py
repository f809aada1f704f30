"""All benchmarks, in order, and the page about them. `make bench` calls this; `--help` tells the options.

    python -m benchmarks.run --mixup-gen .venv/bin/mixup-gen --peers-python .venv-peers/bin/python

Runs in the peers' environment, which has matplotlib; everything that is measured is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import make_data, report
from benchmarks.bench import HERE, QUICK, Amounts, Bench
from benchmarks.cases import (
    again,
    cifar,
    compression,
    epochs,
    frameworks,
    loaders,
    methods,
    objects,
    photos,
    plan,
    ray,
    sounds,
    sweeps,
    tiny,
    videos,
)
from benchmarks.hot_spots import profile
from benchmarks.measure import Failure, run
from benchmarks.results import Part

CASES = {
    "cifar": cifar.measure,
    "photos": photos.measure,
    "objects": objects.measure,
    "sounds": sounds.measure,
    "videos": videos.measure,
    "tiny": tiny.measure,
    "again": again.measure,
    "methods": methods.measure,
    "plan": plan.measure,
    "loaders": loaders.measure,
    "epochs": epochs.measure,
    "frameworks": frameworks.measure,
    "compression": compression.measure,
    "ray": ray.measure,
    "sweeps": sweeps.measure,
}
OUR_LIBRARIES = "mixup-gen numpy numba h5py pillow simplejpeg scipy torch zstandard".split()
PEER_LIBRARIES = "torch torchvision timm numpy h5py pillow".split()
SAMPLE_PHOTOS = HERE.parent / "sample_data" / "photos"


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mixup-gen", type=Path, required=True, help="the installed command")
    parser.add_argument("--peers-python", type=Path, default=Path(sys.executable), help="has torchvision, timm, h5py")
    parser.add_argument("--frameworks-python", type=Path, help="has TensorFlow, Keras, JAX and grain; else left out")
    parser.add_argument("--cifar", type=Path, help="cifar-10-python.tar.gz; without it, a stand-in")
    parser.add_argument(
        "--photos", type=Path, help="folder of photographs to make variants of; else sample_data/photos"
    )
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure; default: the system's temporary")
    parser.add_argument("--out", type=Path, default=HERE, help="where results.md and the plots go")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="some of the cases")
    parser.add_argument(
        "--quick", action="store_true", help="one round of small amounts, and no profiles: does it run?"
    )
    return parser.parse_args()


def main() -> None:
    """Measure, and write the page. Asked to end, it cleans up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked = options()
    began, load_before = time.monotonic(), os.getloadavg()[0]
    work = Path(tempfile.mkdtemp(prefix="mixup-gen-bench-", dir=asked.scratch))
    try:
        bench = prepared(asked, work)
        asked.out.mkdir(parents=True, exist_ok=True)
        parts: list[Part] = []
        profiles: dict[str, str] = {}
        for name in asked.only:  # the page is written after each case: a call that is interrupted leaves what it has
            parts.append(part := measured(name, bench))
            profiles |= profiles_of([part], bench) if bench.amounts.profiles else {}
            about = setting(asked, bench, time.monotonic() - began)
            about["load before"] = f"{load_before:.1f}" + (
                " (something else was running: not to be quoted)" * (load_before > 0.5)
            )
            about["cases"] = ", ".join(asked.only[: len(parts)])
            report.write(asked.out, parts, about, profiles)
        print(asked.out / "results.md")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def tell(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def prepared(asked: argparse.Namespace, work: Path) -> Bench:
    """The data, and first runs that are not counted: numba compiles once after an installation."""
    archive = asked.cifar.absolute() if asked.cifar else work / "cifar-10-python.tar.gz"
    amounts = QUICK if asked.quick else Amounts()
    if not asked.cifar:
        tell("making a stand-in for CIFAR-10")
        make_data.cifar_archive(archive)
    make_data.extract(archive, work / "cifar")
    tell("making photographs")
    make_data.photographs((asked.photos or SAMPLE_PHOTOS).absolute(), work / "photos", amounts.photos)
    tell("warming up")
    bench = Bench(
        mixup_gen=asked.mixup_gen.absolute(),
        peers_python=asked.peers_python.absolute(),
        cifar=archive,
        cifar_folder=work / "cifar",
        photos=work / "photos",
        scratch=work,
        amounts=amounts,
        tell=tell,
        frameworks_python=asked.frameworks_python and asked.frameworks_python.absolute(),
    )
    for method in methods.METHODS:
        bench.fresh(bench.generate(archive, "--samples", "1000", "--method", method))
    bench.fresh(bench.generate(bench.photos))
    for script in cifar.SCRIPTS.values():  # and libraries come from the disk once
        bench.written_by(script, bench.cifar_folder, 1000, 10)
    return bench


def measured(name: str, bench: Bench) -> Part:
    """A case's part. A case that cannot be measured is a remark, and does not stop the others."""
    tell(f"{name} (load {os.getloadavg()[0]:.1f})")
    try:
        return CASES[name](bench)
    except (Failure, OSError) as problem:
        tell(f"  FAILED: {problem}")
        return Part(name, remarks=[f"**Not measured:** {problem}"])


def profiles_of(parts: list[Part], bench: Bench) -> dict[str, str]:
    """A profile for each case with a target that was missed."""
    found = {}
    for part in parts:
        if part.profiled and part.misses:
            tell(f"profile of {part.title}")
            found[part.title] = part.profile or profile(bench, part.profiled)
    return found


def setting(asked: argparse.Namespace, bench: Bench, seconds: float) -> dict[str, str]:
    """The machine, the versions and the data, for the page's head."""
    ours, peers = (
        run([python, HERE / "which_versions.py", *names], bench.scratch).said
        for python, names in ((bench.our_python, OUR_LIBRARIES), (bench.peers_python, PEER_LIBRARIES))
    )
    photographs = "photographs given with --photos" if asked.photos else "sample_data/photos (stand-ins: enlarged)"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "machine": f"{processor()}, {bench.cores} cores, {memory_gib():.0f} GiB, {platform.platform(terse=True)}",
        "disk": file_system(bench.scratch),
        "mixup-gen": words(ours),
        "peers": words(peers),
        "CIFAR-10": "the archive given with --cifar" if asked.cifar else "a stand-in of the same format and size",
        "photographs": f"{bench.amounts.photos:,} crops of {photographs}, 500 × 375, JPEG quality 90",
        "run": f"{'quick (one round: no spread)' if asked.quick else 'full'}, {seconds / 60:.0f} minutes, load {load}",
        "amounts": json.dumps(vars(bench.amounts)),
    }


def words(versions: object) -> str:
    """Names and versions on one line."""
    return ", ".join(f"{name} {value}" for name, value in dict(versions).items())  # type: ignore[call-overload]


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def memory_gib() -> float:
    """How much memory the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def file_system(folder: Path) -> str:
    """The kind of file system that `folder` lies on."""
    try:
        mounts = [line.split()[1:4] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    fitting = [mount for mount in mounts if folder.is_relative_to(mount[0])]
    place, kind, how = max(fitting, key=lambda mount: len(mount[0]))
    return f"{kind} ({how.replace(',', ', ')})" if place else kind


if __name__ == "__main__":
    main()
