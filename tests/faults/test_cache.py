"""The kept cache when things go wrong: killed anywhere, two runs at once, a full disk."""

from __future__ import annotations

import resource
import shutil
import signal
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.faults import stuck
from tests.faults.attempts import attempts
from tests.faults.progress import stopped_before
from tests.running import Runner, run_process, start_process

KEPT = ["--cache", "disk", "--workers", "1"]
AGAIN = "12 decoded samples are used again"


@pytest.mark.slow
def test_killed_before_every_step(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """Whatever is left, the next run makes the right bytes, and the one after it need not decode."""
    command = [str(colours), *KEPT]
    run_cli("generate", colours, "-o", tmp_path / "plain")
    expected = digests(tmp_path / "plain")
    folder = tmp_path / "attempts"
    folder.mkdir()
    killed = attempts(folder, "kill", "generate", "-q", *command)
    assert len(killed) > 50
    # Each step while the entry is made; later ones are those of test_kill, so a few will do.
    begun = [left for left in killed if (left.place / "mixup-out/.mixup-gen/recipe.json").exists()]
    for left in [*(left for left in killed if left not in begun), *begun[::10]]:
        place = left.place
        is_kept = bool(list(place.glob(".mixup-gen-cache/*.samples")))
        ended = run_cli("generate", *command, cwd=place)
        assert ended.returncode == 0, f"killed before {left}: {ended.stderr}"
        if "nothing to do" not in ended.stderr:
            assert (AGAIN in ended.stderr) == is_kept, f"killed before {left}: {ended.stderr}"
        assert digests(place / "mixup-out") == expected
        assert AGAIN in run_cli("generate", *command, "--alpha", "0.2", "-o", "second").stderr
        assert not list(place.rglob("*.part"))


def test_killed_while_it_decodes(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    shutil.copytree(colours, tmp_path / "many")
    process = start_process("generate", tmp_path / "many", *KEPT, cwd=tmp_path, script=stuck.__file__)
    folder = tmp_path / ".mixup-gen-cache"
    assert process.stderr is not None
    assert process.stderr.readline() == "decoding\n"
    process.kill()
    process.communicate()
    assert list(folder.glob("*.part"))
    assert not list(folder.glob("*.samples"))
    assert run_cli("generate", colours, *KEPT, "-o", "other", cwd=tmp_path).returncode == 0
    assert not list(folder.glob("*.part")), "the next run clears up, whatever its source"


def test_two_runs_at_once(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    """One has decoded and not yet kept what the other needs, which then decodes for itself."""
    command = ["generate", photos, "--cache", "disk", "-o"]
    first = stopped_before("replace:1", *command, "first", cwd=tmp_path)
    second = run_cli(*command, "second", cwd=tmp_path)
    assert second.returncode == 0
    assert "are not kept: another run is decoding the same samples at the moment" in second.stderr
    first.send_signal(signal.SIGCONT)
    told = first.communicate()[1]
    assert first.returncode == 0, told
    assert "8 decoded samples are used again" in run_cli(*command, "third").stderr
    run_cli("generate", photos, "-o", "plain")
    assert all(digests(tmp_path / out) == digests(tmp_path / "plain") for out in ("first", "second", "third"))
    folder = tmp_path / ".mixup-gen-cache"
    assert sorted(path.suffix for path in folder.iterdir()) == [".TAG", ".lock", ".samples"]


def test_several_runs_begun_together(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    """In any order."""
    outs = [f"out-{number}" for number in range(3)]
    runs = [start_process("generate", photos, "--cache", "disk", "-o", out, cwd=tmp_path) for out in outs]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), errors
    run_cli("generate", photos, "-o", tmp_path / "plain")
    assert all(digests(tmp_path / out) == digests(tmp_path / "plain") for out in outs)


def test_a_full_disk_is_survived(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    """No file may have more than 1 MB: the shards have less, the cache has more."""
    options = ["--size", "300", "--samples-per-shard", "1"]
    run_cli("generate", photos, *options, "-o", tmp_path / "plain")
    ended = run_process(
        *("generate", photos, *options, "--cache", "disk"), cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 10**6}
    )
    assert ended.returncode == 0, ended.stderr
    assert f"decoded samples are not kept: {tmp_path / '.mixup-gen-cache'}: File too large" in ended.stderr
    assert digests(tmp_path / "mixup-out") == digests(tmp_path / "plain")
    assert not list((tmp_path / ".mixup-gen-cache").glob("*.part"))
