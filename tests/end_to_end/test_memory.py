"""What a run over very many images in tars may take."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.packed_sources import write_tar

PHOTOS = Path(__file__).parents[2] / "sample_data" / "photos"
TARS, IN_EACH = 200, 1000
MOST_KIB = 3 << 19  # 1.5 GiB

CODE = """
import resource, sys
from mixup_cli.cli.app import main
try:
    main()
except SystemExit as end:
    print(end.code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def small(path: Path) -> bytes:
    """A photograph as CIFAR would have it."""
    found = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").resize((32, 32)).save(found, "JPEG")
    return found.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_200_000_images_in_tars(tmp_path: Path) -> None:
    images = [small(path) for path in sorted(PHOTOS.glob("*/*"))]
    for tar in range(TARS):
        members = []
        for number in range(tar * IN_EACH, (tar + 1) * IN_EACH):
            members += [
                (f"{number:09d}.jpg", images[number % len(images)]),
                (f"{number:09d}.cls", b"%d" % (number % 10)),
            ]
        write_tar(tmp_path / "tars" / f"shard-{tar:06d}.tar", members, mtime=1.5)
    command = [sys.executable, "-c", CODE, "generate", str(tmp_path / "tars"), "-q", "-o", str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    code, peak_kib = map(int, ended.stderr.split()[-2:])
    assert code == 0, ended.stderr
    assert peak_kib < MOST_KIB
