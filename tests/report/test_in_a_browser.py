"""The report's page in headless Chromium: filters, tabs, themes, keyboard. It asks for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mixup_cli.methods import resolve
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.report.page.of_data_set import content_of_data_set
from mixup_cli.report.page.of_source import content_of_source
from mixup_cli.report.page.render import Words, page
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from tests.boxed_pictures import write_boxes
from tests.report.browsing import browser, visit
from tests.timed_sources import clips, waves
from tests.tools import require

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    require("chromium", package="chromium")
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, arrays: Path) -> Path:
    """The page of 160 mixed rows and 40 originals, of four classes."""
    folder = tmp_path_factory.mktemp("browser")
    source = open_source([arrays], SourceOptions())
    methods = resolve((MethodChoice("mixup", 1.0, {"alpha": 1.0}), MethodChoice("cutmix")))
    generate(source, Recipe(methods=methods, keep_originals=True), Run(out=folder / "out", passes=4))
    content = content_of_data_set(folder / "out", lambda number, count: source)
    made = page(content, Words("out", "out", ["mixup-gen generate"], [], "sizes"))
    (folder / "report.html").write_bytes(made)
    return folder / "report.html"


def cards(page: Page) -> list[dict[str, str]]:
    """What is said of each card that is seen."""
    found: list[dict[str, str]] = page.eval_on_selector_all(
        ".card", "all => all.filter(each => each.checkVisibility()).map(each => ({...each.dataset}))"
    )
    return found


def test_filters_and_pages(opened: Browser, report: Path) -> None:
    with visit(opened, report) as page:
        assert len(cards(page)) == 12
        page.click("#more")
        assert len(cards(page)) == 24
        assert page.evaluate("document.activeElement.matches('.card:nth-child(13)')"), "reading goes on there"
        page.select_option("#method", "cutmix")
        seen = cards(page)
        assert len(seen) == 12
        assert {each["method"] for each in seen} == {"cutmix"}
        page.select_option("#class", label="2")
        assert all("2" in each["classes"].split() for each in cards(page))
        assert re.fullmatch(r"Showing \d+ of \d+", page.inner_text("#count"))
        page.select_option("#method", "")
        page.select_option("#class", "")
        while page.is_visible("#more"):
            page.click("#more")
        assert len(cards(page)) == 96
        assert {each["method"] for each in cards(page)} == {"mixup", "cutmix", "none"}


def test_pictures_are_drawn(opened: Browser, report: Path) -> None:
    from playwright.sync_api import expect

    with visit(opened, report) as page:
        for number in range(9):
            expect(page.locator("img").nth(number)).to_have_js_property("naturalWidth", 8)
        described = page.get_attribute(".card img", "alt")
        assert described
        assert described.startswith("base: ")


def test_tabs_by_keyboard(opened: Browser, report: Path) -> None:
    from playwright.sync_api import expect

    def tab(page: Page) -> str:
        assert page.locator(".panel:visible").count() == 1
        return page.get_attribute(".panel:visible pre", "aria-label") or ""

    with visit(opened, report) as page:
        radios = page.get_by_role("radiogroup", name="How to read it").get_by_role("radio")
        names = page.locator(".tabs label").all_inner_texts()
        assert radios.count() == len(names) == 7
        assert tab(page) == names[0] == "PyTorch"
        radios.first.focus()
        for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
            page.keyboard.press(key)
            assert tab(page) == names[place]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "PRE", "one stop for all tabs"
        page.click(f".tabs label:has-text('{names[2]}')")
        assert tab(page) == names[2]
        page.click(".panel:visible .copier")
        expect(page.locator(".panel:nth-of-type(3) button")).not_to_have_text("Copy")
        assert "mixup_cli.readers.keras" in page.evaluate("getSelection().toString()")


def test_themes(opened: Browser, report: Path) -> None:
    """The system's theme is followed, also when it changes; in both, each text is read."""
    with visit(opened, report, "light") as page:
        light = colours(page)
        assert contrasts(page) == []
        page.emulate_media(color_scheme="dark")
        assert colours(page) != light
        assert contrasts(page) == []


def colours(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


CONTRASTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parts(getComputedStyle(each).backgroundColor);
      if (found[3] === 255) { return found; }
    }
    return [255, 255, 255];
  };
  const found = [];
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest("script, select")) { continue; }
    const style = getComputedStyle(element);
    const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const name = element.tagName + "." + element.getAttribute("class");
    found.push([name, parts(ink).slice(0, 3), ground(element).slice(0, 3)]);
  }
  return found;
}
"""


def contrasts(page: Page) -> list[tuple[str, float]]:
    """The texts whose contrast is below 4.5, which WCAG 2 asks for at AA."""

    def luminance(colour: list[int]) -> float:
        parts = np.array(colour) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low = {}
    measured = page.evaluate(CONTRASTS)
    assert len(measured) > 300
    for name, ink, ground in measured:
        dark, light = sorted([luminance(ink), luminance(ground)])
        if (ratio := (light + 0.05) / (dark + 0.05)) < 4.5:
            low[name] = ratio
    return sorted(low.items())


def test_it_reads_without_sight(opened: Browser, report: Path) -> None:
    with visit(opened, report) as page:
        for role in ("banner", "navigation", "main", "contentinfo"):
            assert page.get_by_role(role).count() == 1, role
        unnamed = page.eval_on_selector_all(
            "select, button, img, svg[role=img], pre, [role=region]",
            """all => all.filter(each => !(each.ariaLabel || each.alt || each.labels?.length
                || each.textContent.trim() && each.tagName != "SELECT")).map(each => each.outerHTML)""",
        )
        assert unnamed == []
        levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(each => Number(each.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        assert page.locator("svg[role=img]").count() == 2
        assert page.locator("figure.chart table tbody tr").count() == 2 * 34
        ids = page.eval_on_selector_all("[id]", "all => all.map(each => each.id)")
        assert len(ids) == len({*ids})
        targets = page.eval_on_selector_all("nav a", "all => all.map(each => each.hash.slice(1))")
        assert {*targets} <= {*ids}


def test_a_phone_scrolls_one_way(opened: Browser, report: Path) -> None:
    with visit(opened, report, size=(320, 640)) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_scripts_it_reads(opened: Browser, report: Path) -> None:
    page = opened.new_page(java_script_enabled=False)
    page.goto(report.as_uri())
    page.click(".tabs label:has-text('JAX')")
    assert page.locator(".panel:visible").inner_text().startswith("# Batches on the device")
    assert page.locator("#more, .filters, .copier").filter(visible=True).count() == 0
    page.close()


def test_the_policy_lets_nothing_else_run(opened: Browser, report: Path, tmp_path: Path) -> None:
    """Were a name not escaped, it would still do nothing."""
    injected = '<img src="https://example.invalid/x.png"><script>document.title = "hit"</script><b style="color: red">'
    evil = tmp_path / "evil.html"
    evil.write_text(report.read_text().replace("<main", f"{injected}<main", 1))
    page = opened.new_page()
    sent: list[str] = []
    page.on("requestfinished", lambda request: sent.append(request.url))
    page.on("requestfailed", lambda request: sent.append(f"failed {request.failure}"))
    page.goto(evil.as_uri())
    assert page.title() != "hit"
    assert not [each for each in sent if "example" in each]
    page.close()


def test_objects_lie_on_their_pictures(opened: Browser, tmp_path: Path) -> None:
    """Each path begins where its first box does, in parts of the picture that is shown."""
    source = open_source([write_boxes(tmp_path / "boxes")])
    content = content_of_source(source, Recipe(methods=resolve((MethodChoice("cutmix"),)), flip=0.5))
    (tmp_path / "report.html").write_bytes(page(content, Words("boxes", "boxes", [], [], "nothing")))
    with visit(opened, tmp_path / "report.html") as shown:
        found = shown.eval_on_selector_all(
            ".picture .objects path",
            """all => all.map(path => {
                const outer = path.closest(".picture").getBoundingClientRect(), start = path.getPointAtLength(0);
                const place = new DOMPoint(start.x, start.y).matrixTransform(path.getScreenCTM());
                const drawn = getComputedStyle(path).stroke;
                return [(place.x - outer.x) / outer.width, (place.y - outer.y) / outer.height, start.x, start.y, drawn];
            })""",
        )
    assert {colour for *_, colour in found} == {"rgb(230, 159, 0)", "rgb(86, 180, 233)"}
    for across, down, x, y, _ in found:
        assert (across, down) == pytest.approx((x / 48, y / 40), abs=0.01)


def test_sounds_and_clips_play(opened: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    recipe, words = Recipe(methods=resolve((MethodChoice("mixup"),))), Words("x", "x", [], [], "nothing")
    for source in (waves(), clips()):
        (tmp_path / f"{source.column}.html").write_bytes(page(content_of_source(source, recipe), words))
    with visit(opened, tmp_path / "waves.html") as shown:
        seconds = shown.evaluate(
            "(async () => { const [each] = document.querySelectorAll('audio'); each.muted = true; await each.play();"
            " return each.duration; })()"
        )
        assert seconds == pytest.approx(40 / 8000, abs=0.2), "MP3 has whole frames"
    with visit(opened, tmp_path / "clips.html") as shown:
        assert shown.locator(".moving").filter(visible=True).count() == 0, "nothing moves unasked"
        shown.click(".card summary")
        expect(shown.locator("img.moving").first).to_have_js_property("naturalWidth", 10)
        expect(shown.locator(".moving").filter(visible=True)).to_have_count(3)
