"""What tests of whole commands share. Sources are made once and only read: a test that changes one makes its own."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from tests.forking.disk import without_waiting
from tests.object_stores import CREDENTIALS, Bucket, network_before, s3_server
from tests.running import Runner, child_pids, run_process, run_real
from tests.small_sources import SIZES, write_arrays, write_colours, write_photos
from tests.unit.sources.cifar.cifar_archives import cifar_files, write_cifar


def pytest_configure() -> None:
    """What a script runs in the background begins with SIGINT ignored, and so would all that tests start. No example of
    Hypothesis fails because it took long. And bytecode is kept, also where containers set the variable: hundreds of
    processes would each compile all modules. What is written is not waited for (tests/forking/disk.py)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.fsync = without_waiting
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_finish() -> None:
    """What was imported is not looked through for garbage again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MIXUP_GEN_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three class folders of four pictures, every class one constant colour, all of one size."""
    return write_colours(tmp_path_factory.mktemp("sources") / "colours")


@pytest.fixture(scope="session")
def colours_of_many_sizes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in several sizes."""
    return write_colours(tmp_path_factory.mktemp("sources") / "sized-colours", sizes=SIZES)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two class folders of four pictures of many sizes."""
    return write_photos(tmp_path_factory.mktemp("sources") / "photos")


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz of forty 8 × 8 pictures of noise in four classes."""
    return write_arrays(tmp_path_factory.mktemp("sources") / "arrays.npz")


@pytest.fixture(scope="session")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CIFAR-10 archive with twenty training pictures."""
    path = tmp_path_factory.mktemp("sources") / "cifar-10-python.tar.gz"
    return write_cifar(path, cifar_files("10", "python"), "cifar-10-batches-py")


@pytest.fixture(scope="session")
def s3_address() -> Iterator[tuple[str, int]]:
    """A server that speaks S3's protocol: its host and port."""
    with s3_server() as address:
        yield address


@pytest.fixture
def s3(s3_address: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A new bucket, which this process and those it starts reach over a network that a test can disturb. Requests are
    tried again at once."""
    import boto3
    from s3fs import S3FileSystem

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("mixup_cli.storage.stores.WAITS", (0.0, 0.0, 0.0))
    S3FileSystem.clear_instance_cache()  # which does not know that the address has changed
    with network_before(s3_address) as (network, endpoint):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        client = boto3.client("s3", endpoint_url="http://{}:{}".format(*s3_address))
        name = f"bucket-{uuid4().hex}"
        client.create_bucket(Bucket=name)
        yield Bucket(f"s3://{name}", network, client)


@pytest.fixture
def new_children() -> Callable[[], list[int]]:
    """The processes that this one has begun since the test did, as they are now. Those of other tests may live on."""
    before = {*child_pids(os.getpid())}
    return lambda: [pid for pid in child_pids(os.getpid()) if pid not in before]


@pytest.fixture
def mixup_gen() -> Runner:
    """The command in a process of its own, which is forked."""
    return run_process


@pytest.fixture
def real_mixup_gen() -> Runner:
    """The installed program. It imports everything each time."""
    return run_real


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The same command line in this process: quicker, and within reach of monkeypatch. Stays in `cwd`."""
    from mixup_cli.cli.app import main

    def run(
        *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> CompletedProcess[str]:
        assert stdin is None, "use mixup_gen"
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        if cwd is not None:
            monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["mixup-gen", *map(str, args)])
        capsys.readouterr()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        out, err = capsys.readouterr()
        return CompletedProcess(sys.argv, int(end.value.code or 0), out, err)

    return run
