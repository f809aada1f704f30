"""`preview` without -o on terminals that show pictures, each in its own protocol, and on others."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixup_cli.cli.terminal import pictures
from tests.running import PROGRAM, Runner, clean_environment, error_line

KITTY, ITERM2 = {"KITTY_WINDOW_ID": "1"}, {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def from_kitty(shown: bytes) -> bytes:
    """The PNG in commands of kitty's graphics protocol."""
    parts = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown)
    assert [b"m=1" in keys for keys, _ in parts] == [True] * (len(parts) - 1) + [False]
    assert parts[0][0].startswith(b"a=T,f=100")
    assert all(len(text) <= 4096 for _, text in parts)
    return base64.b64decode(b"".join(text for _, text in parts))


def from_sixel(shown: bytes) -> np.ndarray:
    """The pixels that a VT340 would draw: uint8 (height, width, 3)."""
    found = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\\n', shown.decode(), re.DOTALL)
    assert found
    width, height = int(found[1]), int(found[2])
    canvas, colours = np.zeros((height + 6, width, 3), np.uint8), dict[int, list[float]]()
    x = y = colour = 0
    for number, levels, count, letter, end in re.findall(r"#(\d+)(?:;2;([\d;]+))?|(?:!(\d+))?([?-~])|([$-])", found[3]):
        if levels:
            colours[int(number)] = [2.55 * float(level) for level in levels.split(";")]
        elif number:
            colour = int(number)
        elif letter:
            for bit in range(6):
                if (ord(letter) - 63) >> bit & 1:
                    canvas[y + bit, x : x + int(count or 1)] = np.rint(colours[colour])
            x += int(count or 1)
        else:
            x, y = 0, y + 6 * (end == "-")
    return canvas[:height]


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (KITTY, pictures.kitty),
        ({"TERM": "xterm-ghostty"}, pictures.kitty),
        (ITERM2, pictures.iterm2),
        ({"TERM": "foot"}, pictures.sixel),
        ({"TERM": "xterm-256color"}, None),
        ({**KITTY, "TMUX": "/tmp/tmux,1,0"}, None),
        ({**ITERM2, "TERM": "screen-256color"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_which_terminal_it_is(
    environment: dict[str, str], found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "is_terminal", lambda: True)
    assert pictures.drawing(environment) is found
    monkeypatch.setattr(pictures, "is_terminal", lambda: False)
    assert pictures.drawing(environment) is None


@pytest.mark.parametrize("size", [(3, 5), (200, 13)])
def test_each_protocol_holds_the_picture(size: tuple[int, int]) -> None:
    values = np.random.default_rng(2).integers(0, 6, (size[1], size[0], 3)) * 51  # which sixel's percents hold exactly
    picture = Image.fromarray(values.astype(np.uint8))
    data = png(picture)
    assert from_kitty(pictures.kitty(data)) == data
    head, _, body = pictures.iterm2(data).partition(b":")
    assert head == b"\x1b]1337;File=inline=1;size=%d" % len(data)
    assert base64.b64decode(body.removesuffix(b"\x07\n"), validate=True) == data
    few = np.asarray(picture.quantize(256).convert("RGB"))
    assert np.array_equal(from_sixel(pictures.sixel(data)), few)


def test_on_a_terminal_the_sheet_is_shown_and_nothing_is_written(colours: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [str(PROGRAM), "preview", str(colours), "--rows", "1"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=clean_environment(KITTY | {"TERM": "xterm-kitty"}),
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # Linux ends it so
        pass
    assert (process.wait(), process.communicate()[1]) == (0, b"")
    with Image.open(io.BytesIO(from_kitty(shown))) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 100
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_and_with_a_file_all_is_as_before(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("preview", colours, cwd=tmp_path, env=KITTY)  # stdout is not a terminal
    assert (ended.returncode, "-o: names the image" in error_line(ended)) == (2, True)
    ended = run_cli("preview", colours, "-o", "grid.png", env=KITTY)
    assert (ended.returncode, ended.stdout) == (0, "grid.png\n")
    ended = run_cli("preview", colours, "--force", env=KITTY)
    assert (ended.returncode, "--force: it goes with -o" in error_line(ended)) == (2, True)
