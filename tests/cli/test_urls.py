"""A URL is not a relative path: `-o s3://bucket/x` must not write into a folder `s3:`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixup_cli import open_source
from mixup_cli.errors import UsageError
from tests.running import Runner, error_line

URL = "s3://bucket//x"

COMMANDS = [
    "generate {}",
    "generate colours {}",
    "generate colours -o {}",
    "generate --files-from {}",
    "generate colours --plan {}",
    "generate colours --classes {}",
    "generate colours --cache disk --cache-folder {}",
    "generate colours --config {}",
    "plan {}",
    "plan colours -o {}",
    "inspect {}",
    "preview colours -o {}",
    "preview done -o x.png --source {}",
    "verify {}",
    "verify done --deep --source {}",
    "repair {}",
    "repair --source {}",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("url", [URL, "https://host/a.zip", "gs://b", "hf://datasets/x", "Azure+v2.x://y"])
def test_a_url_is_refused_wherever_a_path_is_taken(command: str, url: str, run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli(*command.format(url).split(), cwd=tmp_path)
    assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
    assert error_line(ended) == (
        f"{url}: URLs and object stores are not supported yet. Mount it or copy it first, and give a local path."
    )


@pytest.mark.parametrize("given", ["env", "config"])
def test_a_url_from_elsewhere_is_refused(given: str, run_cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'out = "{URL}"' if given == "config" else "")
    env = {"MIXUP_GEN_OUT": URL} if given == "env" else {}
    ended = run_cli("generate", "--config", "c.toml", cwd=tmp_path, env=env)
    assert (ended.returncode, URL in error_line(ended)) == (2, True)


def test_a_file_url_names_its_path(run_cli: Runner, tmp_path: Path) -> None:
    message = error_line(run_cli("inspect", "file:///data/x", cwd=tmp_path))
    assert message.endswith("Give the path alone: /data/x.")


def test_a_path_with_a_colon_is_a_path(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("generate", colours, "-o", "./s3:/x", "-q", cwd=tmp_path).returncode == 0
    assert (tmp_path / "s3:/x/manifest.json").is_file()


def test_open_source_takes_no_url() -> None:
    with pytest.raises(UsageError, match=r"^s3://bucket//x: URLs and object stores are not supported yet"):
        open_source([URL])
