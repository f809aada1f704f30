"""`mixup-gen doctor`: what a bug report needs."""

from __future__ import annotations

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
