"""docs/reading.md: its programs, each in its own language, read the values that MixedArrays reads."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from mixup_cli import MixedArrays
from tests.docs.pages import ROOT, program_environment, run_console
from tests.report.browsing import browser
from tests.running import LAST_RESORT_SECONDS
from tests.tools import absent, require

PAGE = (ROOT / "docs" / "reading.md").read_text()
PREFACE, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
OUTPUTS = re.compile(r"^40 images of .*\n.*\n.*$", re.MULTILINE)
SHARD = "mixed/shard-00001.h5"
ROWS = range(40, 80)

PACKAGES = {
    "cc": "gcc",
    "h5c++": "g++ libhdf5-dev",
    "h5dump": "hdf5-tools",
    "h5ls": "hdf5-tools",
    "node": "nodejs",
    "octave-cli": "octave",
    "Rscript": "r-cran-hdf5r",
}
"""What Debian's packages have the programs that the page's commands call."""


H5WASM = "h5wasm@" + json.loads((ROOT / "constraints" / "npm" / "package.json").read_text())["dependencies"]["h5wasm"]

OTHERS = {
    "mixed-gzip": "--compression gzip",
    "mixed-nchw": "--layout nchw",
    "mixed-sparse": "--labels sparse",
    "mixed-zstd": "--compression zstd",
}
"""Data sets that are like the page's own but for these options."""


def title(section: str) -> str:
    return section.partition("\n")[0]


WITH_COMMANDS = [section for section in SECTIONS if COMMANDS.search(section)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's programs stand, beside its data set and others."""
    folder = tmp_path_factory.mktemp("reading") / "here"
    folder.mkdir()
    environment = program_environment(folder.parent)
    shutil.copy(ROOT / "sample_data" / "cifar-10-sample.tar.gz", folder / "cifar-10-python.tar.gz")
    (made,) = (text for language, text in BLOCK.findall(PREFACE) if language == "console")
    for name, options in OTHERS.items():
        run_console(made.replace("mixed", f"{name} {options}", 1).replace("\nmixed", f"\n{name}"), folder, environment)
    run_console(made, folder, environment)
    return folder


def link_h5wasm(folder: Path) -> None:
    """Put h5wasm where Node.js and the browser look for it."""
    for place in os.environ.get("NODE_PATH", "").split(os.pathsep):
        if place and (Path(place) / "h5wasm").is_dir():
            if not (folder / "node_modules").exists():
                (folder / "node_modules").symlink_to(place)
            return
    absent(f"h5wasm not installed (npm install --prefix FOLDER {H5WASM}, and NODE_PATH=FOLDER/node_modules)")


def write_programs(section: str, folder: Path) -> None:
    """A program's first line is a comment with its file name."""
    for language, text in BLOCK.findall(section):
        if language not in ("console", "text"):
            name = re.search(r"[\w-]+\.\w+", text.partition("\n")[0])
            assert name is not None, text
            (folder / name[0]).write_text(text)


def printed(folder: Path) -> str:
    """What every program prints, from MixedArrays."""
    arrays = MixedArrays(folder / "mixed")
    images, labels = arrays.images(ROWS), arrays.labels(ROWS)
    assert labels is not None
    count, height, width, channels = images.shape
    shares = ", ".join(f"{share:.3f} of class {k}" for k, share in enumerate(labels[0]) if share)
    red, green, blue = images[0, 10, 20]
    return (
        f"{count} images of {height} x {width} x {channels}, sum {images.sum()}\n"
        f"first image, row 10, column 20: {red} {green} {blue}\n"
        f"first label: {shares}"
    )


def test_what_the_page_shows_is_what_the_reader_reads(folder: Path) -> None:
    shown = OUTPUTS.findall(PAGE)
    assert len(shown) == 9
    assert set(shown) == {printed(folder)}


@pytest.mark.parametrize("section", WITH_COMMANDS, ids=title)
def test_programs_print_what_the_page_shows(section: str, folder: Path) -> None:
    consoles = [text for language, text in BLOCK.findall(section) if language == "console"]
    words = {word for text in consoles for word in re.findall(r"[\w+-]+", " ".join(COMMANDS.findall(text)))}
    for program in words & PACKAGES.keys():
        require(program, package=PACKAGES[program])
    if "node" in words:
        link_h5wasm(folder)
    write_programs(section, folder)
    for text in consoles:
        run_console(text, folder, program_environment(folder.parent))
        if f" {SHARD}\n40 images" in text:  # a program that takes a shard reads a compressed one, too
            run_console(text.replace("mixed/", "mixed-gzip/"), folder, program_environment(folder.parent))


def test_ci_installs_what_the_page_needs() -> None:
    assert f"npm install {H5WASM}`" in PAGE
    (packages,) = re.findall(r"^packages=\((.*)\)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    needed = {package for names in (*PACKAGES.values(), "chromium") for package in names.split()}
    assert needed - {"nodejs"} <= set(packages.split())


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a server of this folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Report nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PIXELS = """canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]"""


def shown_image(canvas: Any) -> np.ndarray:
    """What a canvas shows, uint8 (height, width, 3)."""
    height, width = (int(canvas.evaluate(f"canvas => canvas.{side}")) for side in ("height", "width"))
    pixels = np.array(canvas.evaluate(PIXELS), np.uint8).reshape(height, width, 4)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def test_the_page_for_browsers_draws_images_and_labels(folder: Path) -> None:
    require("chromium", package="chromium")
    link_h5wasm(folder)
    write_programs(next(section for section in SECTIONS if "<!-- look.html" in section), folder)
    arrays = MixedArrays(folder / "mixed")
    images, labels = arrays.images(ROWS), arrays.labels(ROWS)
    assert labels is not None
    with served(folder) as url, browser() as chromium:
        page = chromium.new_page()
        page.set_default_timeout(LAST_RESORT_SECONDS * 1000)
        errors: list[object] = []
        page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 — it sets an attribute of what it gets
        page.goto(f"{url}/look.html?{SHARD}")
        page.wait_for_selector("figure")
        check_figures(page.query_selector_all("figure"), images, labels, arrays.class_names)
        page.set_input_files("input", folder / "mixed-gzip" / "shard-00002.h5")
        page.wait_for_function("document.querySelectorAll('figure').length === 20")
        last = arrays.images(range(80, 100))
        assert (shown_image(page.query_selector("figure:last-child canvas")) == last[-1]).all()
        for name in ("mixed-nchw", "mixed-sparse", "mixed-zstd"):
            page.set_input_files("input", folder / name / "shard-00001.h5")
            page.wait_for_function("document.querySelectorAll('figure').length === 0")
            assert page.inner_text("main") == "This page cannot draw such a shard."
            page.set_input_files("input", folder / SHARD)
            page.wait_for_selector("figure")
        assert errors == []


def check_figures(figures: list[Any], images: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> None:
    assert len(figures) == 24
    for figure, image, label in zip(figures, images, labels, strict=False):
        assert (shown_image(figure.query_selector("canvas")) == image).all()
        shares = {names[k]: share for k, share in enumerate(label) if share}
        bars = figure.query_selector_all("label")
        assert [bar.inner_text().strip() for bar in bars] == [f"{share:.3f} {name}" for name, share in shares.items()]
        meters = [bar.query_selector("meter").evaluate("meter => meter.value") for bar in bars]
        assert np.allclose(meters, list(shares.values()))
