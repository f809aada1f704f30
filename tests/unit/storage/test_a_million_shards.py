"""A million shards: what describes them is written and read within bounds of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mixup_cli.storage.names import CHECKSUMS, MANIFEST

pytestmark = pytest.mark.slow

COUNT = 1_000_000

MEMORY = """
import resource
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
assert memory < limit, f"{memory:,} bytes"
"""

WRITE = """
import sys
from pathlib import Path
from mixup_cli.storage.finish import beside
from mixup_cli.storage.names import MANIFEST
from tests.unit.storage.small_data_set import manifest_of, shard_records

out, count, limit = Path(sys.argv[1]), int(sys.argv[2]), 3 << 30
manifest = manifest_of(shard_records(count))
for name, content in manifest.list_files():
    (out / name).write_bytes(content)
(out / MANIFEST).write_bytes(manifest.to_json())
for name, content in beside(manifest, manifest.to_json(), 1).items():
    (out / name).write_bytes(content)
"""

READ = """
import sys
from pathlib import Path
from mixup_cli.storage.finish import checksum_entries
from mixup_cli.storage.opened import OpenedDataSet

out, count, limit = Path(sys.argv[1]), int(sys.argv[2]), 256 << 20
opened = OpenedDataSet.open(out)
assert len(opened.manifest.shards) == count
assert opened.borders[-2:].tolist() == [10 * count - 10, 10 * count]
assert opened.manifest.shards[count // 2].start == 5 * count
assert sum(1 for _ in opened.manifest.shards) == count
"""


def run(code: str, out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code + MEMORY, out, str(COUNT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(1800)
def test_written_and_read(tmp_path: Path) -> None:
    run(WRITE, tmp_path)
    assert (tmp_path / MANIFEST).stat().st_size < 100_000
    assert (tmp_path / CHECKSUMS).stat().st_size < 100_000_000
    assert max(path.stat().st_size for path in tmp_path.glob("shards-*.json")) < 10_000_000
    assert len(list(tmp_path.glob("shards-*.json"))) == 100
    run(READ, tmp_path)
