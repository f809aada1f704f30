"""What the installed Python and the system's loader say where memory is short, as `cli/shortages.py` expects it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import pytest

from mixup_cli.cli.shortages import loads_no_library, starts_no_thread


def test_a_thread_without_room_for_its_stack() -> None:
    before = threading.stack_size(1 << 47)  # as much as processes can address
    try:
        with pytest.raises(RuntimeError) as raised:
            threading.Thread(target=print).start()
    finally:
        threading.stack_size(before)
    assert starts_no_thread(raised.value)
    assert not loads_no_library(raised.value)
    assert not starts_no_thread(RuntimeError("another"))


linux = pytest.mark.skipif(sys.platform != "linux", reason="other loaders say it in other words")


@linux
def test_a_library_that_is_missing() -> None:
    with pytest.raises(OSError, match="nowhere") as raised:
        ctypes.CDLL("libnowhere.so.7")
    assert loads_no_library(raised.value)
    assert not loads_no_library(OSError("another"))


WITHOUT_ROOM = """
import ctypes, importlib.util, resource, sys
from mixup_cli.cli.shortages import loads_no_library
path = importlib.util.find_spec("PIL._imaging").origin
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 65536, taken + 65536))
try:
    ctypes.CDLL(path)
except OSError as problem:
    sys.exit(not loads_no_library(problem))
sys.exit("it was loaded")
"""


@linux
def test_a_library_without_room_in_memory() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT_ROOM], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
