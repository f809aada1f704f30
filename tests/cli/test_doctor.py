"""`mixup-gen doctor`: what a bug report needs."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from tests.running import Runner


def test_it_tells_versions_devices_decoders_and_what_is_writable(run_cli: Runner) -> None:
    ended = run_cli("doctor")
    assert (ended.returncode, ended.stderr) == (0, "")
    facts = {line[:18].strip(): line[18:] for line in ended.stdout.splitlines()}
    assert facts["python"].startswith("3.")
    assert all(facts[library][0].isdigit() for library in ("numpy", "pillow", "h5py", "numba", "torch"))
    assert facts["device cpu"].startswith("numba")
    assert len(facts["pixel fingerprint"]) == 64
    assert {"device cuda", "device mps", "decoder JPEG", "decoder WebP", "compression zstd"} <= facts.keys()
    assert facts["temporary"].startswith("writable (/")


def test_it_lists_what_each_extra_needs_and_how_to_install_it(run_cli: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    found = importlib.metadata.version

    def version(library: str) -> str:
        if library == "zarr":
            raise importlib.metadata.PackageNotFoundError
        return found(library)

    monkeypatch.setattr(importlib.metadata, "version", version)
    lines = [line for line in run_cli("doctor").stdout.splitlines() if line.startswith("extra ")]
    assert [line.split()[1] for line in lines] == sorted({*extras} - {"dev", "frameworks"})
    assert "extra zarr        zarr not installed. Run pip install 'mixup-gen[zarr]'." in lines
    assert f"extra parquet     pyarrow {found('pyarrow')}" in lines
    assert f"extra zstd        hdf5plugin {found('hdf5plugin')}, zstandard {found('zstandard')}" in lines
