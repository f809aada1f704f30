"""What the members of a WebDataset's sample say beside its file: its label and its caption, by their endings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.tables.delimited import CAPTION_COLUMNS
from mixup_cli.wording import json_problem

LABELS = ("cls", "json", "txt")
"""The endings that hold a label, the surest first."""

CAPTION = "txt"
"""The ending that holds a caption, where captions are read: it is not a label then."""

JSON_FIELDS = ("label", "class", "cls")


def label_endings(options: SourceOptions) -> Sequence[str]:
    """The endings that hold labels, the surest first."""
    if options.label_kind == "none":
        return ()
    if options.label_key is not None:
        return options.label_key.lower(), "json"
    return tuple(each for each in LABELS if each not in caption_endings(options)[:1])


def caption_endings(options: SourceOptions) -> Sequence[str]:
    """The endings that hold captions, the surest first; none where these are not read."""
    if options.task != "caption":
        return ()
    return (CAPTION, "json") if options.text_column is None else (options.text_column.lower(), "json")


def label_in(content: bytes, ending: str, where: str, options: SourceOptions) -> object:
    """What a member says of a sample's class; None if it says nothing. Raises DataError for damage."""
    key = options.label_key
    names = JSON_FIELDS if key is None or key.lower() == ending else (key,)
    try:
        found = _said(content, ending, names)
    except (ValueError, RecursionError) as problem:
        kind = "JSON" if _is_json(ending) else "UTF-8 text"
        raise DataError(f"{where}: is not {kind} ({json_problem(problem)}). Write it again.") from None
    return None if found == "" and not _is_json(ending) else found


def caption_in(content: bytes, ending: str, options: SourceOptions) -> object:
    """What a member says in the place of a caption: bytes, if they are not UTF-8; None if nothing."""
    try:
        return _said(content, ending, CAPTION_COLUMNS if options.text_column is None else (options.text_column,))
    except (ValueError, RecursionError):
        return content


def _said(content: bytes, ending: str, names: Sequence[str]) -> object:
    """The text of a member, or of JSON its value; of an object the first of these fields, or None."""
    text = content.decode().strip()
    found = json.loads(text) if _is_json(ending) else text
    return next((found[name] for name in names if name in found), None) if isinstance(found, dict) else found


def _is_json(ending: str) -> bool:
    return ending.endswith("json")
