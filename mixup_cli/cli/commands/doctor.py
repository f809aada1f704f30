"""`mixup-gen doctor`: what this installation can do. The first thing to look at if anything fails."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mixup_cli.cli.terminal import show


def doctor() -> None:
    """Show versions, devices, decoders, extras and folders."""
    show.table(_facts(), width=18)


def _facts() -> Iterator[tuple[str, str]]:
    import platform

    from mixup_cli.runs.fingerprint import pixel_fingerprint, versions

    for name, version in versions().items():
        yield name, version
    yield "platform", platform.platform()
    yield "cores", str(os.cpu_count())
    yield "pixel fingerprint", pixel_fingerprint()
    yield from _backends()
    yield from _decoders()
    yield from _compressions()
    yield from _extras()
    home = Path(os.path.expanduser("~"))  # pathlib raises without one
    for name, folder in {"this folder": Path(), "home": home, "temporary": Path(_temporary())}.items():
        yield name, f"{'writable' if os.access(folder, os.W_OK) else 'read-only'} ({folder.absolute()})"


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none that can be written
        return os.environ.get("TMPDIR", "")


def _backends() -> Iterator[tuple[str, str]]:
    from mixup_cli.compiled import CACHED

    kept = "kept" if CACHED else "not kept (no writable folder), so each run compiles"
    yield "device cpu", f"numba; compiled code is {kept}"
    try:
        import torch
    except (ImportError, OSError) as problem:  # it asks for a folder for temporary files, and more
        yield "device cpu-torch", f"not available ({problem})"
        return
    yield "device cpu-torch", f"torch {torch.__version__}"
    count = torch.cuda.device_count()
    yield "device cuda", ", ".join(torch.cuda.get_device_name(i) for i in range(count)) if count else "none found"
    yield "device mps", "found" if torch.backends.mps.is_available() else "none found"


def _decoders() -> Iterator[tuple[str, str]]:
    from PIL import features

    for name, feature in {"JPEG": "jpg", "PNG": "zlib", "TIFF": "libtiff", "WebP": "webp"}.items():
        found = features.version(feature) if features.check(feature) else None
        turbo = " (libjpeg-turbo)" if feature == "jpg" and features.check("libjpeg_turbo") else ""
        yield f"decoder {name}", f"{found}{turbo}" if found else "missing: such images count as broken inputs"


def _compressions() -> Iterator[tuple[str, str]]:
    from mixup_cli.errors import UsageError
    from mixup_cli.storage.hdf5.shard import require_filter

    yield "compression gzip", "available"
    try:
        require_filter("zstd")
    except UsageError as problem:
        yield "compression zstd", str(problem)
    else:
        yield "compression zstd", "available"


OF_DEVELOPERS = ("dev", "frameworks")


def _extras() -> Iterator[tuple[str, str]]:
    """For each extra of this package its libraries, with their versions, or how to install it. None is imported."""
    from importlib.metadata import PackageNotFoundError, requires

    extras: dict[str, list[str]] = {}
    with suppress(PackageNotFoundError):  # run from a checkout
        for line in requires("mixup-gen") or ():
            if (match := re.match(r"([\w.-]+)[^;]*;.*extra == [\"']([\w-]+)", line)) and match[2] not in OF_DEVELOPERS:
                extras.setdefault(match[2], []).append(match[1])
    for extra, libraries in sorted(extras.items()):
        missing = ", ".join(library for library in libraries if _version(library) is None)
        found = f"{missing} not installed. Run pip install 'mixup-gen[{extra}]'."
        yield f"extra {extra}", found if missing else ", ".join(f"{each} {_version(each)}" for each in libraries)


def _version(library: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    with suppress(PackageNotFoundError):
        return version(library)
    return None
