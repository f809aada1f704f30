"""`--install-completion`, and what bash, zsh and fish then offer: each is started in a terminal, and typed at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forking.client import program_folder
from tests.running import Runner, error_line, wait_until
from tests.tools import require

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has none of these shells")

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ".local/share/bash-completion/completions/mixup-gen"),
    "zsh": (["zsh", "-f", "-i"], ".local/share/zsh/site-functions/_mixup-gen"),
    "fish": (["fish", "-i"], ".config/fish/completions/mixup-gen.fish"),
}
"""How each is started without the files of this user, and which file of a home folder is for it."""

TYPED = {
    "mixup-gen ver\t": ["verify"],
    "mixup-gen generate --method mixup,cut\t\t": ["mixup,cutmix", "mixup,cutout"],
    "mixup-gen generate --pair \t\t": ["same-class", "cross-class", "balanced"],
    "mixup-gen generate --pair=ne\t": ["nearest"],
    "mixup-gen preview --sta\t": ["--start"],
    "mixup-gen generate ph\t": ["photos"],
    "mixup-gen generate --cache-folder p\t": ["photos"],
    "mixup-gen plan -o p\t\t": ["photos", "plan.csv"],
    "mixup-gen --install-completion f\t": ["fish"],
}

CONTROL = re.compile(r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78])|[\x08\r]")
"""What moves the cursor and colours letters."""


class Terminal:
    """A shell with a terminal of its own."""

    def __init__(self, command: list[str], home: Path) -> None:
        self._ours, theirs = os.openpty()
        paths = (program_folder(), os.environ["PATH"])
        kept = {"TERM": "xterm", "LANG": "C.UTF-8", "HOME": str(home), "PATH": os.pathsep.join(paths)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEAD, *command], cwd=home, env=kept, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._said = b""

    def type(self, text: str, *expected: str) -> None:
        """Press the keys, and wait until the screen has shown the texts."""
        start = len(self._said)
        os.write(self._ours, text.encode())

        def is_shown() -> bool:
            try:
                self._said += os.read(self._ours, 1 << 16)
            except BlockingIOError:
                assert self.process.poll() is None, self._said
            said = CONTROL.sub("", self._said[start:].decode(errors="replace"))
            return all(each in said for each in expected)

        wait_until(is_shown)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


LEAD = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Has the shell as the leader of the terminal's session."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "plan.csv").touch()
    return tmp_path


@pytest.fixture
def terminal(request: pytest.FixtureRequest, home: Path, run_cli: Runner) -> Iterator[Terminal]:
    """The shell, which has loaded what was installed as the message says."""
    command, file = SHELLS[request.param]
    require(command[0], package=request.param)
    ended = run_cli("--install-completion", request.param, env={"HOME": str(home)})
    assert (ended.returncode, ended.stdout) == (0, f"{home / file}\n")
    terminal = Terminal(command, home)
    try:
        to_add = re.search(r"add to ~/\.\w+: (.*)$", ended.stderr)
        terminal.type(f"{to_add[1]}\n" if to_add else "")
        terminal.type("echo rea''dy\n", "ready")
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("terminal", SHELLS, indirect=True)
def test_a_shell_completes(terminal: Terminal) -> None:
    for keys, candidates in TYPED.items():
        terminal.type(keys, *candidates)
        terminal.type("\x15")  # Ctrl-U: an empty line


def test_installing_twice_changes_nothing_and_says_so(run_cli: Runner, home: Path) -> None:
    environment = {"HOME": str(home), "SHELL": "/usr/bin/fish"}
    first = run_cli("--install-completion", env=environment)
    path = home / SHELLS["fish"][1]
    before = path.stat().st_mtime_ns
    second = run_cli("--install-completion", env=environment)
    assert (first.stdout, first.stderr) == (f"{path}\n", "mixup-gen: installed for fish; new shells load it\n")
    assert (second.stdout, second.stderr) == (first.stdout, first.stderr.replace("installed", "already installed"))
    assert path.stat().st_mtime_ns == before
    shown = run_cli("--show-completion", "fish").stdout
    assert shown == path.read_text()
    path.write_bytes(b"# caf\xe9, not UTF-8")
    assert run_cli("--install-completion", env=environment).stderr == first.stderr
    assert path.read_text() == shown


def test_the_folders_that_variables_name(run_cli: Runner, home: Path) -> None:
    environment = {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    for shell, place in {
        "bash": "data/bash-completion/completions/mixup-gen",
        "fish": "config/fish/completions",
    }.items():
        assert run_cli("--install-completion", shell, env=environment).stdout.startswith(str(home / place))
    environment["BASH_COMPLETION_USER_DIR"] = str(home / "own")
    assert run_cli("--install-completion", "bash", env=environment).stdout == f"{home}/own/completions/mixup-gen\n"


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("/bin/dash", "--install-completion: 'dash' is not one of bash, zsh, fish"),
        ("", "--install-completion: '' is not one of bash, zsh, fish."),
    ],
)
def test_other_shells_are_refused(shell: str, message: str, run_cli: Runner) -> None:
    ended = run_cli("--install-completion", env={"SHELL": shell})
    assert ended.returncode == 2
    assert error_line(ended).startswith(message)


def test_a_home_that_cannot_be_written(run_cli: Runner, home: Path) -> None:
    (home / ".config").touch()
    ended = run_cli("--install-completion", "fish", env={"HOME": str(home)})
    assert ended.returncode == 74
    assert (
        "mixup-gen.fish: cannot be written (Not a directory). Print the script with --show-completion" in ended.stderr
    )
