"""JSON, TOML, CSV and the headers of `.npy`: read, changed as what they mean, and written again."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import struct
import tomllib
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.layers import exchanged
from tests.fuzz.mutating import FEW, bytewise, near_or_far
from tests.fuzz.trees import ODD, changed_tree

NPY_MAGIC = b"\x93NUMPY"
DTYPES = "|u1 |i1 |b1 <u2 >u2 <i4 >i8 <u8 <f2 <f4 >f8 <f16 <c8 |O |S3 |S0 <U2 |V4 <M8[s] <m8".split()
LENGTHS = [0, 1, 1, 2, 3, 3, 4, 12, 1 << 20, 1 << 40]
MOST_BYTES = 1 << 16


def in_json(draw: Random, data: bytes) -> bytes:
    return json.dumps(changed_tree(draw, json.loads(data)), ensure_ascii=draw.random() < 0.5).encode(errors="replace")


def in_json_lines(draw: Random, data: bytes) -> bytes:
    lines = data.splitlines()
    number = draw.randrange(len(lines))
    lines[number] = in_json(draw, lines[number])
    return b"\n".join(exchanged(draw, lines) if draw.random() < 0.2 else lines) + b"\n"


def in_toml(draw: Random, data: bytes) -> bytes:
    changed = changed_tree(draw, tomllib.loads(data.decode()))
    tree = changed if isinstance(changed, dict) else {"seed": changed}
    return "".join(f"{json.dumps(key)} = {_toml(value)}\n" for key, value in tree.items()).encode(errors="replace")


def _toml(value: Any) -> str:
    """JSON but for tables, and numbers that are not JSON's."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case float():
            return repr(value)
    return '""' if value is None else json.dumps(value)


def in_csv(draw: Random, data: bytes) -> bytes:
    """The header is mostly left alone."""
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    for _ in range(draw.choice([1, 1, 2, 4])):
        row = draw.choice(rows[draw.random() < 0.95 :])
        column = draw.randrange(len(row))
        row[column] = _cell(draw, row[column], draw.choice(rows)[column:][:1])
        if draw.random() < 0.05:
            row[:] = exchanged(draw, row) or [""]
    if draw.random() < 0.2:
        rows[1:] = [list(row) for row in exchanged(draw, rows[1:])] or rows[1:]
    text = io.StringIO()
    dialect = (
        csv.unix_dialect if draw.random() < 0.3 else csv.excel
    )  # quotes round everything, or round what needs them
    csv.writer(text, dialect, lineterminator=draw.choice(["\n", "\n", "\r\n"])).writerows(rows)
    return text.getvalue().encode(errors="replace")


def _cell(draw: Random, cell: str, other: list[str]) -> str:
    match draw.randrange(5):
        case 0:
            return str(draw.choice(ODD))
        case 1 if other:
            return other[0]
        case 2 | 3 if cell.isdecimal() and len(cell) < 99:
            return str(near_or_far(draw, int(cell)))
        case 4:
            return cell + draw.choice([" ", "0", ".0", "\t", "_1", "٣", "\n"])
    return bytewise(draw, cell.encode(errors="replace")).decode("utf-8", "ignore")


def in_npy(draw: Random, data: bytes) -> bytes:
    """Another dtype, another shape, or anything else as header; the data mostly as long as it then says."""
    if not data.startswith(NPY_MAGIC) or draw.random() < 0.1:
        return bytewise(draw, data)
    (length,) = struct.unpack_from("<H", data, 8)
    header, body = ast.literal_eval(data[10 : 10 + length].decode("latin1")), data[10 + length :]
    for _ in range(draw.choice(FEW)):
        match draw.randrange(4):
            case 0:
                body = bytewise(draw, body)
            case 1:
                header["descr"], header["fortran_order"] = draw.choice(DTYPES), draw.random() < 0.3
            case _:
                header["shape"] = tuple(draw.choice(LENGTHS) for _ in range(draw.randrange(6)))
    if draw.random() < 0.1:
        header = changed_tree(draw, header)
    if draw.random() < 0.9:
        body = _as_long_as_said(header, body)
    text = repr(header).encode("latin1", "replace")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    if draw.random() < 0.8:
        return NPY_MAGIC + b"\1\0" + struct.pack("<H", len(text) & 0xFFFF) + text + body
    return NPY_MAGIC + b"\2\0" + struct.pack("<I", len(text)) + text + body


def _as_long_as_said(header: Any, body: bytes) -> bytes:
    """Cut, or repeated, where the header can be understood and says no wild number."""
    with suppress(Exception):  # it may be anything
        wanted = int(np.dtype(header["descr"]).itemsize * math.prod(header["shape"]))
        if 0 <= wanted <= MOST_BYTES:
            return (body * (wanted // max(1, len(body)) + 1))[:wanted]
    return body
