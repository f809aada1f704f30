"""A headless Chromium, driven by Playwright, in which a page is a file on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync
""".split()

Scheme = Literal["light", "dark"]


def chromium() -> str | None:
    """The system's browser; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser, until the end of the context."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def visit(opened: Browser, path: Path, scheme: Scheme = "light", size: tuple[int, int] = (1280, 900)) -> Iterator[Page]:
    """A page, open in a window of some width and height. Raises AssertionError if it wrote to the console, failed or
    asked for anything but itself."""
    width, height = size
    context = opened.new_context(color_scheme=scheme, viewport={"width": width, "height": height}, offline=True)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    asked = [each for each in complaints if each != path.as_uri() and not each.startswith("data:")]
    assert asked == []
