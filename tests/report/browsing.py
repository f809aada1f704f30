"""A headless Chromium, driven by Playwright, in which a page is a file on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.running import LAST_RESORT_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = """
--disable-background-networking --disable-component-update --disable-gpu --disable-quic --disable-sync --no-first-run
""".split()

Scheme = Literal["light", "dark"]


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's browser, until the end of the context."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=LAST_RESORT_SECONDS * 1000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS, chromium_sandbox=False
        )
        yield opened
        opened.close()


@contextmanager
def visit(opened: Browser, path: Path, scheme: Scheme = "light", size: tuple[int, int] = (1280, 900)) -> Iterator[Page]:
    """A page, open in a window of some width and height. Raises AssertionError if it wrote to the console, failed or
    asked for anything but itself."""
    width, height = size
    context = opened.new_context(color_scheme=scheme, viewport={"width": width, "height": height}, offline=True)
    context.set_default_timeout(LAST_RESORT_SECONDS * 1000)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    asked = [each for each in complaints if each != path.as_uri() and not each.startswith("data:")]
    assert asked == []
