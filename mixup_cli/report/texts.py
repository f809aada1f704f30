"""A preview of texts, in lines for a terminal: each row's parents, and its tokens with those of the donor marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind
from mixup_cli.errors import UsageError
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.report.captions import label_words, share_text
from mixup_cli.report.finished import Opened, check_numbers
from mixup_cli.report.lines import roles
from mixup_cli.report.preview import doubts, sketched
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.scanned import fitting
from mixup_cli.sources.reading.base import Source
from mixup_cli.sources.texts.source import TextSource
from mixup_cli.storage.members import members_of
from mixup_cli.wording import printable, setting

BEFORE, BEHIND = ">>", "<<"
"""What marks the donor's tokens."""

COLUMNS = (INPUT_IDS, ATTENTION, "source_index", "share", "span", "method", "index", "labels")


@dataclass(frozen=True)
class TextPreview:
    """Lines to print, and what the user should know."""

    lines: tuple[str, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Mixed:
    """The columns of m rows, by name, and what their numbers mean."""

    columns: Mapping[str, NDArray[Any]]
    methods: tuple[str, ...]
    label_kind: LabelKind
    class_names: tuple[str, ...]


def preview_texts(source: Source, recipe: Recipe, wanted: range) -> TextPreview:
    """Rows of the plan and what `generate` would make of them. Raises what `generate` raises for a recipe that does not
    fit the source."""
    return fitting(Asked(source, recipe), lambda job: texts_of_job(source, job, wanted))


def texts_of_job(source: Source, job: Job, wanted: range) -> TextPreview:
    """The same of a job."""
    texts, sketch = _texts(source), sketched(source, job, wanted, COLUMNS, None)
    columns = sketch.made
    if source.labels.kind != "none":
        columns = {**columns, "labels": sketch.columns.values("labels", sketch.rows, columns["share"])}
    mixed = _Mixed(columns, tuple(sketch.plan.methods.names), job.label_kind, job.class_names)
    notices = (*source.notices, *job.notices, *sketch.plan.notices, *doubts(source, sketch.gathered))
    return TextPreview(tuple(_lines(mixed, texts)), notices)


def preview_text_set(folder: Path, data: MixedArrays, opened: Opened, wanted: range) -> TextPreview:
    """Rows of a finished data set of texts. Raises UsageError if it has no such rows, or if its source, which has the
    texts and the tokenizer, has gone or changed; DataError for a damaged one."""
    if wanted.start >= len(data):
        found = f"{folder} has the rows 0 to {len(data) - 1}."
        raise UsageError(found, "Give one of these.", field="start", value=wanted.start)
    lines = list[str]()
    for member in members_of(data.manifest):
        rows = np.arange(max(wanted.start, member.rows.start), min(wanted.stop, member.rows.stop))
        if not len(rows):
            continue
        check_numbers(folder, data, member.inputs, rows)
        recipe, source = Recipe.from_dict(member.manifest.recipe), opened(*member.source)
        if source is None or source.how_read != recipe.reading or len(source) != len(member.inputs):
            found = f"{folder}: its texts and their tokenizer are not where they were, or have changed."
            raise UsageError(found, f"Name the source with {setting('source_paths')}.")
        there = [column.name for column in data.manifest.readable if column.name in COLUMNS]
        columns = {name: data.column(name).take(rows) for name in there if name != "labels"}
        columns["source_index"] = columns["source_index"] - member.inputs.start
        if (labels := data.labels(rows)) is not None:
            columns["labels"] = np.asarray(labels)
        methods = tuple(data.manifest.methods)
        lines += _lines(_Mixed(columns, methods, data.label_kind, data.class_names), _texts(source))
    return TextPreview(tuple(lines))


def _texts(source: Source) -> TextSource:
    if not isinstance(source, TextSource):
        raise UsageError(f"{source.location}: holds no texts.")
    return source


def _lines(mixed: _Mixed, source: TextSource) -> Iterator[str]:
    columns = mixed.columns
    for row, number in enumerate(columns["index"].tolist()):
        label = ""
        if "labels" in columns:
            words = label_words(columns["labels"][row], mixed.label_kind, mixed.class_names)
            label = "  label " + " ".join(f"{word.name}{word.rest}" for word in words)
        share = columns["share"][row]
        method = mixed.methods[columns["method"][row]]
        yield f"row {number}  {method}  lam {float(share[0]):.4g}{label}"
        used = [slot for slot, each in enumerate(share.tolist()) if each > 0 or slot == 0]
        parents = columns["source_index"][row].tolist()
        for role, slot in ((roles(len(parents))[slot], slot) for slot in used):
            yield f"  {role:8}{_one_line(source.text_of(parents[slot]))}"
        if len(used) > 1:
            yield f"  result  {_result(columns, row, source, used)}"


def _result(columns: Mapping[str, NDArray[Any]], row: int, source: TextSource, used: list[int]) -> str:
    """The tokens of a row, the donor's marked; of averaged texts their shares."""
    ids, mask, (start, stop) = columns[INPUT_IDS][row], columns[ATTENTION][row], columns["span"][row].tolist()
    if ids.ndim == 2 and start == stop:
        shares, names = columns["share"][row], roles(len(ids))
        parts = [f"{names[slot]}{share_text(float(shares[slot])) or ' 1'}" for slot in used]
        return f"{' + '.join(parts)}, averaged in the network (readers.pytorch_texts)"
    if ids.ndim == 2:
        first = mask.argmax(axis=0)
        ids = np.take_along_axis(ids, first[None], axis=0)[0]
    read: Callable[[NDArray[Any]], str] = source.tokenizer.text_of
    return _one_line(f"{read(ids[:start])} {BEFORE}{read(ids[start:stop])}{BEHIND} {read(ids[stop:])}")


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
