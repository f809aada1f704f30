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

from mixup_cli.report.page.cards import Sheet
from mixup_cli.report.page.charts import MOST_CLASSES, balance, histograms, object_tables, pairs
from mixup_cli.report.page.content import Content
from mixup_cli.report.page.reading import snippets
from mixup_cli.storage.card import methods, seeds, shown_shape
from mixup_cli.storage.meanings import label_meaning, loss_hint
from mixup_cli.wording import counted, one_line, readable

LONGEST = 80
"""Letters of a name that are shown; of a longer one the middle is left out."""

MOST_SKIPPED, MOST_SIZES = 50, 12


@dataclass(frozen=True)
class Words:
    """What the caller knows: what the data set is called, where its readers find it, the commands that make it, what
    words in them stand for, and what was checked."""

    name: str
    place: str
    commands: Sequence[str]
    legend: Sequence[str]
    checked: str


def short(text: str, most: int = LONGEST) -> str:
    """A text from outside in one line of at most so many letters, with what cannot be printed escaped."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 2 - 1) :]}"


def percent(part: float) -> str:
    """A part of a whole, 0 … 1."""
    return f"{100 * part:.{3 if 0 < part < 0.01 else 2}f} %"


def page(content: Content, words: Words) -> bytes:
    """The page as UTF-8. The same content and words give the same bytes."""
    manifest = content.manifest
    template = _environment().get_template("page.html")
    html = template.render(
        content=content,
        manifest=manifest,
        words=words,
        sheet=Sheet(content.lines, () if manifest.label_kind == "real" else manifest.class_names),
        histograms=histograms(content),
        balance=balance(content),
        pairs=pairs(content),
        objects=object_tables(content),
        snippets=snippets(manifest, words.place),
        methods=", ".join(methods(manifest)),
        seeds=seeds(manifest),
        label_meaning=label_meaning(manifest),
        loss=loss_hint(manifest),
        masks=content.masks,
        masks_shown=[] if content.masks is None else content.masks.shares[:MOST_CLASSES],
        sizes=content.sizes.most_common(MOST_SIZES),
        skipped=manifest.source.skipped[:MOST_SKIPPED],
        style=Markup(_file("page.css")),  # noqa: S704  # ours
        script=Markup(_file("page.js")),  # noqa: S704
    )
    tight = re.sub(r">\s+<", "><", html)  # a browser makes a node of each space
    return f"{tight}\n".encode(errors="backslashreplace")


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
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
    made.filters |= {
        "short": short,
        "readable": readable,
        "percent": percent,
        "number": "{:,}".format,
        "hashed": _hashed,
        "moves": lambda url: url.startswith("data:image/"),
    }
    made.globals |= {"counted": counted, "shape": shown_shape, "zip": zip, "enumerate": enumerate}
    return made
