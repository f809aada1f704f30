"""Object stores that fail: nothing is lost, and nothing that is half written is taken for whole."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import get_args

import pytest

from mixup_cli.storage.mirror import mirrors
from tests.data_sets import digests
from tests.object_stores import Bucket, Failure, Fault
from tests.running import Runner, error_line, start_process, wait_while_running

FRESH = ("--alpha", 0.2, "--samples-per-shard", 4, "--workers", 1, "--quiet")

SHARD = r"PUT .*/shard-00001\.h5"


def mixed(run_cli: Runner, *args: object) -> None:
    ended = run_cli("generate", *args, *FRESH)
    assert ended.returncode == 0, ended.stderr


def check_same(s3: Bucket, folder: Path, local: Path) -> None:
    """What the store holds is what a local run made, and nothing else."""
    folder.mkdir()
    for name, data in s3.objects().items():
        path = folder / name.removeprefix("x/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert digests(folder) == digests(local)
    assert s3.uploads() == []
    assert not list(mirrors().iterdir()), "what was on its way is gone from the disk"


@pytest.fixture
def local(run_cli: Runner, colours: Path, tmp_path: Path) -> Path:
    mixed(run_cli, colours, "-o", tmp_path / "local")
    return tmp_path / "local"


SLOW = pytest.mark.slow

PASSING = [
    Fault("cut", SHARD, 2),
    Fault("503", ".*", 3),
    Fault("damaged", SHARD),
    Fault("half", "GET .*list-type", 2),
    Fault("late", r"PUT .*/recipe\.json"),
    *(
        pytest.param(Fault(what, where, 2), marks=SLOW)
        for what in get_args(Failure)
        if what not in ("half", "held", "damaged", "403")
        for where in ("GET .*list-type", SHARD, "HEAD .*shard", r"PUT .*/recipe\.json", "PUT .*done", "PUT .*manifest")
    ),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.what}-{fault.where}")
def test_what_passes_leaves_no_trace(
    fault: Fault, s3: Bucket, run_cli: Runner, colours: Path, local: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("mixup_cli.storage.stores.ANSWER_SECONDS", 0.5)
    s3.network.faults.append(Fault(**vars(fault)))
    mixed(run_cli, colours, "-o", f"{s3.url}/x")
    assert s3.network.faults[0].count == 0
    check_same(s3, tmp_path / "found", local)


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("cut", "GET .*list-type"),
        ("silent", "PUT .*shard-00000"),
        ("500", "PUT .*manifest"),
        *(
            pytest.param(what, where, marks=SLOW)
            for what in ("cut", "500", "silent")
            for where in ("GET .*list-type", "PUT .*shard-00000", SHARD, "PUT .*done/00002", "PUT .*manifest")
        ),
    ],
)
def test_a_store_that_stays_away(
    what: Failure, where: str, s3: Bucket, run_cli: Runner, colours: Path, local: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("mixup_cli.storage.stores.ANSWER_SECONDS", 0.3)
    s3.network.faults.append(Fault(what, where, 10**9))
    ended = run_cli("generate", colours, "-o", f"{s3.url}/x", *FRESH)
    assert (ended.returncode, "manifest.json" in "".join(s3.objects())) == (74, False)
    message = error_line(ended)
    assert message.startswith(f"{s3.url}/x")
    assert "failed 4 times" in message
    assert "run the same command again" in message
    s3.network.faults.clear()
    mixed(run_cli, colours, "-o", f"{s3.url}/x")
    check_same(s3, tmp_path / "found", local)


@pytest.mark.parametrize(
    ("what", "where", "how"),
    [
        ("late", "PUT .*done/00001", signal.SIGKILL),
        ("late", "PUT .*manifest", signal.SIGINT),
        ("silent", SHARD, signal.SIGTERM),
        *(
            pytest.param(what, where, how, marks=SLOW)
            for what in ("silent", "late")
            for where in (r"PUT .*/recipe\.json", SHARD, "PUT .*done/00001", "PUT .*SHA256SUMS", "PUT .*manifest")
            for how in (signal.SIGKILL, signal.SIGINT)
        ),
    ],
)
def test_ended_while_a_file_is_on_its_way(
    what: Failure,
    where: str,
    how: signal.Signals,
    s3: Bucket,
    run_cli: Runner,
    colours: Path,
    local: Path,
    tmp_path: Path,
) -> None:
    s3.network.faults.append(Fault(what, where))
    process = start_process("generate", colours, "-o", f"{s3.url}/x", *FRESH)
    wait_while_running(process, s3.network.held.is_set)
    process.send_signal(how)
    _, told = process.communicate()
    assert process.returncode == (-how if how == signal.SIGKILL else 128 + how)
    assert how == signal.SIGKILL or "Run the same command again to continue" in told
    mixed(run_cli, colours, "-o", f"{s3.url}/x")
    check_same(s3, tmp_path / "found", local)
