"""The page, from its content and the templates beside this file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from mixup_cli.fields.signal import FIRST
from mixup_cli.report.page.cards import Sheet
from mixup_cli.report.page.charts import balance, histograms, pairs
from mixup_cli.report.page.content import SURVEYED, Content
from mixup_cli.report.page.reading import snippets
from mixup_cli.storage.card import FURTHER, MEANINGS, label_meaning, methods, papers, seeds, shown_shape
from mixup_cli.wording import counted, one_line, readable

LONGEST = 80
"""Letters of a name that are shown; of a longer one the middle is left out."""

MOST_SKIPPED, MOST_SIZES = 50, 12


@dataclass(frozen=True)
class Words:
    """What the caller knows: what the data set is called, where its readers find it, the commands that make it, and
    what was checked."""

    name: str
    place: str
    commands: Sequence[str]
    checked: str


def short(text: str, most: int = LONGEST) -> str:
    """A text from outside in one line of at most so many letters, with what cannot be printed escaped."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 2 - 1) :]}"


def _tight(markup: str) -> Markup:
    """Markup without space between its tags, of which a browser would make a node each."""
    return Markup(re.sub(r">\s+<", "><", markup))  # noqa: S704  # it was escaped before


def page(content: Content, words: Words) -> bytes:
    """The page as UTF-8. The same content and words give the same bytes."""
    style, script = _file("page.css"), _file("page.js")
    manifest = content.manifest
    sheet = Sheet(content.lines, manifest.class_names)
    html = (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            manifest=manifest,
            words=words,
            sheet=sheet,
            histograms=[*histograms(content)],
            balance=balance(content),
            pairs=pairs(content),
            snippets=[*snippets(manifest, words.place)],
            methods=methods(manifest),
            seeds=seeds(manifest),
            label_meaning=label_meaning(manifest),
            papers=papers(manifest),
            meanings={**{signal.name: FURTHER for signal in manifest.signals}, **MEANINGS},
            sizes=content.sizes.most_common(MOST_SIZES),
            surveyed=min(SURVEYED, manifest.source.samples),
            skipped=manifest.source.skipped[:MOST_SKIPPED],
            style=Markup(style),  # noqa: S704  # ours
            script=Markup(script),  # noqa: S704
            style_hash=_hash(style),
            script_hash=_hash(script),
            first=FIRST,
        )
    )
    return (html + "\n").encode(errors="backslashreplace")


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy has it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {"short": short, "readable": readable, "number": "{:,}".format, "tight": _tight}
    made.globals |= {"counted": counted, "shape": shown_shape}
    return made
