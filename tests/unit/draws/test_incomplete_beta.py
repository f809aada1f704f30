"""The function is SciPy's own, and SciPy is whole afterwards."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, threading
{before}
found = []
def import_it():
    from scipy.special import betainc, ndtri
    found.append(betainc)
threads = [threading.Thread(target=import_it) for _ in range(4)]
if {at_once}:
    for thread in threads: thread.start()
from mixup_cli.draws.incomplete_beta import betainc
if not {at_once}:
    assert "scipy.special" not in sys.modules or {before!r}
    for thread in threads: thread.start()
for thread in threads: thread.join()
import scipy.special
import scipy.fft
assert len(found) == 4 and all(each is betainc for each in [*found, scipy.special.betainc])
assert scipy.special._ufuncs.betainc is betainc
"""


def ends_well(before: str = "", at_once: bool = False) -> bool:
    script = SCRIPT.format(before=before, at_once=at_once)
    return subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode == 0


def test_the_package_is_not_imported_and_can_be_later() -> None:
    assert ends_well()


def test_a_package_that_is_there_already_stays() -> None:
    assert ends_well(before="import scipy.special")


def test_other_threads_may_import_it_meanwhile() -> None:
    assert all(ends_well(at_once=True) for _ in range(5))
