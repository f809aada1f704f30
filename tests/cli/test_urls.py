"""Where a URL is taken, and where it is not: `--plan s3://bucket/x` must not read a file in a folder `s3:`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.running import Runner, error_line

URL = "s3://bucket//x"

PATHS = [
    "generate --files-from {}",
    "generate colours --plan {}",
    "generate colours --classes {}",
    "generate colours --cache disk --cache-folder {}",
    "generate colours --config {}",
    "plan colours -o {}",
    "preview colours -o {}",
]

PLACES = [
    "generate {}",
    "generate . -o {}",
    "plan {}",
    "inspect {}",
    "preview -o x.png {}",
    "verify {}",
    "repair {}",
]


@pytest.mark.parametrize("command", PATHS)
@pytest.mark.parametrize("url", [URL, "https://host/a.zip", "Azure+v2.x://y"])
def test_a_url_is_refused_where_a_path_is_needed(command: str, url: str, run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli(*command.format(url).split(), cwd=tmp_path)
    assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
    assert error_line(ended) == (
        f"{url}: a URL, and this takes a local path only. Mount it or copy it first, and give a local path."
    )


@pytest.mark.parametrize("command", PLACES)
def test_other_urls_are_refused(command: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "0.png").write_bytes((colours / "red" / "0.png").read_bytes())
    for url, problem in {
        "hf://datasets/x": "not one of s3://, gs://, az://, http://, https://, file://, memory://",
        "s3://": "not one of s3://",
        "s3://key:secret@bucket/x": "the URL has a user or a query in it, which may be secret",
        "https://host/x?X-Amz-Signature=secret": "the URL has a user or a query in it, which may be secret",
        "gs://bucket/x": "gs:// needs a library: Please install gcsfs to access Google Storage. "
        "Run pip install 'mixup-gen[gcs]'.",
    }.items():
        ended = run_cli(*command.format(url).split(), cwd=tmp_path)
        message = error_line(ended)
        assert (ended.returncode, problem in message) == (2, True), message
        assert not re.search("[:=]secret", message)


@pytest.mark.parametrize("given", ["env", "config"])
def test_a_url_from_elsewhere_is_refused(given: str, run_cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('out = "s3a://bucket/x"' if given == "config" else "")
    env = {"MIXUP_GEN_OUT": "s3a://bucket/x"} if given == "env" else {}
    ended = run_cli("generate", "--config", "c.toml", cwd=tmp_path, env=env)
    assert (ended.returncode, "s3a://bucket/x: not one of s3://" in error_line(ended)) == (2, True)


@pytest.mark.parametrize("command", PLACES)
def test_urls_that_lead_nowhere_are_refused(command: str, run_cli: Runner, tmp_path: Path) -> None:
    """Before anything is written, into a folder `s3:` or the memory of a process that ends."""
    for url, problem in {
        "s3:/bucket/x": "neither a URL nor a plain path. Write s3://bucket/x, or ./s3:/bucket/x for a path",
        "gs//bucket/x": "neither a URL nor a plain path. Write gs://bucket/x",
        "File:/x": "neither a URL nor a plain path. Write file:///x",
        "file://host/x": "not the URL of a local path. Write file:///, and then the path",
        "memory://x/y": "lies in the memory of one process, which ends with this command. Give a folder",
    }.items():
        ended = run_cli(*command.format(url).split(), cwd=tmp_path)
        assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
        assert error_line(ended).startswith(f"{url}: {problem}")


def test_a_file_url_is_the_same_place_for_outputs_and_sources(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """`%20` is a space in both."""
    url = f"{tmp_path.as_uri()}/my%20set"
    assert run_cli("generate", colours, "-o", url, "-q").returncode == 0
    assert (tmp_path / "my set" / "manifest.json").is_file()
    assert run_cli("verify", url).returncode == 0
    assert run_cli("generate", url, "-q", cwd=tmp_path).returncode == 0


def test_a_path_with_a_colon_is_a_path(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("generate", colours, "-o", "./s3:/x", "-q", cwd=tmp_path).returncode == 0
    assert (tmp_path / "s3:/x/manifest.json").is_file()


def test_a_web_server_is_no_output(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", colours, "-o", "https://host/x", cwd=tmp_path)
    assert (ended.returncode, error_line(ended)) == (2, "https://host/x: can only be read. Use another -o.")
