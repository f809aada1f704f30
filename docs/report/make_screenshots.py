"""Draws docs/report-light.png and docs/report-dark.png: the page of a small data set in headless Chromium.

python -m docs.report.make_screenshots, in the root of the repository, with Debian's package chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.report.browsing import Scheme, browser, visit

DOCS = Path(__file__).parents[1]
SIZE = (1120, 1540)
COLOURS = 160
"""A palette of so many colours keeps the file below 300 kB."""

SHORTER = """() => {
    document.querySelectorAll(".card").forEach((each, place) => { each.hidden = place > 2; });
    document.getElementById("count").hidden = true;
}"""
"""Fewer rows, so that the histograms are in the picture."""

SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> None:
    """Generate, report and photograph."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = DOCS.parent / "sample_data" / "photos"
        methods = "mixup:0.5:alpha=0.4,cutmix:0.5"
        for command in (
            ["generate", photos, "--method", methods, "--passes", "400", "--size", "64", "-o", "mixed", "-q"],
            ["report", "mixed", "-o", "report.html"],
        ):
            program = [Path(sys.executable).with_name("mixup-gen"), *command]
            subprocess.run(program, cwd=folder, check=True)  # noqa: S603  # our own
        with browser() as opened:
            for scheme in SCHEMES:
                with visit(opened, folder / "report.html", scheme, SIZE) as page:
                    page.wait_for_function("[...document.images].slice(0, 18).every(each => each.naturalWidth)")
                    page.evaluate(SHORTER)
                    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
                small = drawn.quantize(COLOURS, dither=Image.Dither.NONE)
                small.save(DOCS / f"report-{scheme}.png", optimize=True)


if __name__ == "__main__":
    main()
