"""Data sets in object stores: made, continued, extended, replaced, checked, repaired and read there as on a disk."""

from __future__ import annotations

import hashlib
import pickle
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.storage.mirror import mirrors
from tests.data_sets import digests
from tests.object_stores import Bucket, Fault
from tests.running import Runner, error_line, start_process, wait_while_running

FRESH = ("--alpha", 0.2, "--samples-per-shard", 5, "--workers", 2)


def run(run_cli: Runner, *args: object, code: int = 0) -> str:
    """Run a command, and return what it says."""
    ended = run_cli(*args)
    assert ended.returncode == code, ended.stderr
    return error_line(ended) if code else ended.stdout + ended.stderr


def stored(s3: Bucket, folder: Path) -> dict[str, str]:
    """The hashes of what a bucket holds, as `digests` has them."""
    for name, data in s3.objects().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return digests(folder)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param([("--engine", "processes")], marks=pytest.mark.slow),
        pytest.param([("--compression", "gzip", "--passes", 2)], marks=pytest.mark.slow),
        [("--part", "2/3"), ("--part", "1/3"), ("--part", "3/3")],
        [(), ("--passes", 3), ("--passes", 4)],
        [("--part", "1/2"), ("--seed", 5), ("--force", "--part", "1/2"), ("--part", "2/2")],
        pytest.param(
            [("--passes", 5), ("--part", "1/2", "--passes", 6), ("--seed", 6, "--force")], marks=pytest.mark.slow
        ),
    ],
    ids=lambda how: " then ".join(" ".join(map(str, each)) or "plain" for each in how),
)
def test_a_store_gets_the_bytes_of_a_folder(
    how: list[tuple[object, ...]], s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    for place in (tmp_path / "local", s3.url):
        for each in how:
            ended = run_cli("generate", colours, "-o", place, *FRESH, *each)
            assert ended.returncode == (73 if each == ("--seed", 5) else 0), ended.stderr
    assert stored(s3, tmp_path / "there") == digests(tmp_path / "local")
    assert [*mirrors().iterdir()] == []


def test_what_commands_say_of_a_url(s3: Bucket, run_cli: Runner, colours: Path) -> None:
    out = f"{s3.url}/x"
    assert f"{out}/manifest.json\n" in run(run_cli, "generate", colours, "-o", out, *FRESH)
    assert "nothing to do" in run(run_cli, "generate", colours, "-o", out, *FRESH)
    told = run(run_cli, "generate", colours, "-o", out, *FRESH, "--seed", 1, code=73)
    assert (
        told
        == f"{out}: was made with different settings (seed was 0 and is 1). Use another -o, or --force to replace it."
    )
    assert run(run_cli, "verify", out) == f"mixup-gen: {out}: 12 samples in 3 shards, intact: all checksums match\n"
    assert "every row is as computed" in run(run_cli, "verify", out, "--deep")
    assert "nothing to repair" in run(run_cli, "repair", f"{out}/manifest.json")
    told = run(run_cli, "verify", f"{out}/none", code=66)
    assert told == f"{out}/none: has no manifest.json. Name the folder of a data set."


def test_a_source_in_a_store_is_never_written_over(s3: Bucket, run_cli: Runner, colours: Path) -> None:
    """Also with --force, as on a disk. A data set may stand in a folder of its own there, and be made again."""
    for each in sorted(colours.rglob("*.png")):
        s3.client.upload_file(str(each), s3.name, f"photos/{each.relative_to(colours)}")
    photos, out = f"{s3.url}/photos", f"{s3.url}/photos/mixed"
    run(run_cli, "generate", photos, "-o", out, *FRESH)
    run(run_cli, "generate", photos, "-o", out, *FRESH, "--seed", 1, "--force")
    before = s3.objects()
    for source, to, found in (
        (out, out, f"the source {out} lies in that folder"),
        (f"{out}/", s3.url, f"the source {out}/ lies in that folder"),
        (photos, photos, f"the source {photos} lies in that folder"),
        (photos, f"{photos}/red", f"belongs to the source {photos}, and holds '0.png'"),
    ):
        told = run(run_cli, "generate", source, "-o", to, "--force", code=2)
        assert told == f"-o {to}: {found}. Use another -o."
    assert s3.objects() == before


def test_an_unfinished_data_set_is_not_taken_for_a_source(
    s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """On a disk its shards are arrays; none of them is named as one to mix."""
    for out in (tmp_path / "out", s3.url):
        run(run_cli, "generate", colours, "-o", out, *FRESH, "--part", "1/2")
        told = run(run_cli, "inspect", out, code=66)
        assert told == f"{out}: holds an unfinished data set. Run its command again to finish it."


def test_damage_is_found_and_repaired(s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    out = f"{s3.url}/x"
    run(run_cli, "generate", colours, "-o", out, *FRESH)
    whole = stored(s3, tmp_path / "whole")
    damaged = bytearray(s3.objects()["x/shard-00001.h5"])
    damaged[5000] ^= 1
    s3.client.put_object(Bucket=s3.name, Key="x/shard-00001.h5", Body=bytes(damaged))
    s3.client.put_object(Bucket=s3.name, Key="x/shard-00007.h5", Body=s3.objects()["x/shard-00002.h5"])
    for name in ("x/shard-00000.h5", "x/README.md", "x/manifest.json"):
        s3.client.delete_object(Bucket=s3.name, Key=name)
    s3.client.put_object(Bucket=s3.name, Key="x/manifest.json", Body=(tmp_path / "whole/x/manifest.json").read_bytes())
    ended = run_cli("verify", out)
    assert ended.returncode == 65
    assert ended.stdout.splitlines() == [
        "README.md: cannot be read (No such file or directory)",
        "shard-00000.h5: is missing",
        f"shard-00001.h5: its sha256 is {hashlib.sha256(damaged).hexdigest()[:12]}…, and "
        f"{whole['x/shard-00001.h5'][:12]}… was sealed",
        "shard-00007.h5: is not in the manifest. Remove it: readers that take shard-*.h5 would read it.",
    ]
    assert f"{out}: 4 findings. Run mixup-gen repair {out}" in ended.stderr
    assert "4 files repaired" in run(run_cli, "repair", out)
    assert stored(s3, tmp_path / "repaired") == whole
    s3.client.delete_object(Bucket=s3.name, Key="x/manifest.json")
    assert "manifest.json: is missing: rebuilt from the shards" in run(run_cli, "repair", out)
    assert stored(s3, tmp_path / "again") == whole


def test_a_finished_shard_that_changed_is_made_again(
    s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """A store that knows the hash of what it holds is asked for it; otherwise the shard is fetched, and hashed."""
    command = ["generate", colours, "-o", s3.url, *FRESH]
    run(run_cli, *command)
    whole = stored(s3, tmp_path / "whole")
    run(run_cli, *command, "--force", "--part", "1/2")
    shard = s3.objects()["shard-00000.h5"]
    for body in (shard, shard[:-1] + b"x"):
        s3.client.put_object(Bucket=s3.name, Key="shard-00000.h5", Body=body)
        told = run(run_cli, *command, "--part", "1/2")
        assert ("its checksum does not match" in told) is (body != shard)
    s3.network.requests.clear()
    run(run_cli, *command, "--part", "1/2")
    assert not [each for each in s3.network.requests if re.match("GET .*shard", each)]
    run(run_cli, *command, "--part", "2/2")
    assert stored(s3, tmp_path / "there") == whole


def test_two_runs_with_different_settings_at_once(s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """Neither sees the other when it looks; only one of the two creates recipe.json."""
    s3.network.faults.append(Fault("held", r"PUT .*recipe\.json"))
    first = start_process("generate", colours, "-o", s3.url, *FRESH, "--seed", 1, "--quiet")
    wait_while_running(first, s3.network.held.is_set)
    run(run_cli, "generate", colours, "-o", s3.url, *FRESH, "--part", "1/2")
    s3.network.go_on.set()
    _, told = first.communicate()
    assert (first.returncode, "was made with different settings (seed was 0 and is 1)" in told) == (73, True)
    run(run_cli, "generate", colours, "-o", s3.url, *FRESH, "--part", "2/2")
    run(run_cli, "generate", colours, "-o", tmp_path / "local", *FRESH)
    assert stored(s3, tmp_path / "there") == digests(tmp_path / "local")


@pytest.mark.parametrize(
    ("what", "move"),
    [
        ("late", 3),
        ("silent", -1),
        *(pytest.param(what, move, marks=pytest.mark.slow) for what in ("silent", "late") for move in range(-1, 9)),
    ],
)
def test_killed_while_a_larger_data_set_moves_into_place(
    what: Literal["silent", "late"], move: int, s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    larger = ["generate", colours, "-o", f"{s3.url}/x", *FRESH, "--passes", 2]
    run(run_cli, *larger[:-1], 1)
    where = r"DELETE .*/next/manifest" if move < 0 else r"PUT /[^/]*/x/[^.][^/]*$"
    s3.network.faults.append(Fault(what, where, skip=max(0, move)))
    process = start_process(*larger)
    wait_while_running(process, s3.network.held.is_set)
    process.kill()
    process.communicate()
    assert run_cli("verify", f"{s3.url}/x").returncode == 65
    assert "samples in 5 shards, already complete" in run(run_cli, *larger)
    run(run_cli, "generate", colours, "-o", tmp_path / "x", *FRESH, "--passes", 2)
    there = stored(s3, tmp_path / "there")
    assert {name.removeprefix("x/"): digest for name, digest in there.items()} == digests(tmp_path / "x")


def test_what_a_run_leaves_when_it_is_killed_goes_with_the_next(s3: Bucket, run_cli: Runner, colours: Path) -> None:
    s3.network.faults.append(Fault("silent", "PUT .*shard-00001"))
    process = start_process("generate", colours, "-o", s3.url, *FRESH)
    wait_while_running(process, s3.network.held.is_set)
    run(run_cli, "verify", f"{s3.url}/none", code=66)
    assert [*mirrors().glob("work-*/.mixup-gen")], "the mirror of a run stays while it works"
    process.kill()
    process.communicate()
    run(run_cli, "verify", f"{s3.url}/none", code=66)
    assert [*mirrors().iterdir()] == []


def test_secrets_stay_in_the_environment(s3: Bucket, run_cli: Runner, colours: Path) -> None:
    said = run(run_cli, "generate", colours, "-o", s3.url, *FRESH, "--json")
    s3.network.faults.append(Fault("500", ".*", 10**9))
    said += run(run_cli, "verify", s3.url, code=74)
    said += run(run_cli, "generate", colours, "-o", "s3://AKIAIOSFODNN7EXAMPLE:wJalr@bucket/x", *FRESH, code=2)
    said += run(run_cli, "verify", "s3://bucket/x?X-Amz-Signature=wJalr", code=2)
    found = said.encode() + b"".join(s3.objects().values())
    assert [each for each in (b"AKIAIOSFODNN7EXAMPLE", b"wJalr") if each in found] == []


def test_a_finished_data_set_is_looked_at_and_mixed_again(
    s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    for place in (f"{s3.url}/x", tmp_path / "x"):
        run(run_cli, "generate", colours, "-o", place, *FRESH)
        out = tmp_path / f"from-{type(place).__name__}"
        run(run_cli, "generate", place, "-o", out, *FRESH, "--quiet")
        assert "mixup-gen data set, format 1" in run(run_cli, "inspect", place)
        run(run_cli, "preview", place, "-o", f"{out}.png")
    near, far = digests(tmp_path / "from-PosixPath"), digests(tmp_path / "from-str")
    assert near == far
    assert (tmp_path / "from-str.png").read_bytes() == (tmp_path / "from-PosixPath.png").read_bytes()
    run(run_cli, "generate", f"{s3.url}/x/manifest.json", "-o", tmp_path / "y", *FRESH)
    assert digests(tmp_path / "y") == near
    assert "/x/none: no such file" in run(run_cli, "generate", f"{s3.url}/x/none", "-o", tmp_path / "z", code=66)


def test_a_data_set_on_a_web_server_is_mixed_again(
    run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers with a page for the folder itself."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run(run_cli, "generate", colours, "-o", tmp_path / "set", *FRESH)
    run(run_cli, "generate", tmp_path / "set", "-o", tmp_path / "local", *FRESH)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/set"
        run(run_cli, "generate", url, "-o", tmp_path / "far", *FRESH)
        server.shutdown()
    assert digests(tmp_path / "far") == digests(tmp_path / "local")


def test_arrays_at_a_url(s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run(run_cli, "generate", colours, "-o", f"{s3.url}/x", *FRESH)
    run(run_cli, "generate", colours, "-o", tmp_path / "x", *FRESH)
    far, near = MixedArrays(f"{s3.url}/x"), MixedArrays(tmp_path / "x")
    rows = [11, 0, 7, 0]
    assert np.array_equal(far.images(rows), near.images(rows))
    assert np.array_equal(far.column("share")[:], near.column("share")[:])
    s3.network.faults.append(Fault("500", ".*", 10**9))  # a second epoch, in any process, reads the disk
    assert np.array_equal(pickle.loads(pickle.dumps(far)).images(rows), near.images(rows))


def test_workers_of_a_loader_share_what_they_fetch(s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run(run_cli, "generate", colours, "-o", s3.url, *FRESH)
    s3.network.requests.clear()
    script = """
import sys
from torch.utils.data import DataLoader
from mixup_cli.readers.pytorch import MixedDataset
data = MixedDataset(sys.argv[1])
data[0]  # in this process, before it forks
for _ in range(2):
    print(sum(len(labels) for _, labels in DataLoader(data, batch_size=3, num_workers=2)))
"""
    (tmp_path / "read.py").write_text(script)
    process = start_process(s3.url, script=str(tmp_path / "read.py"))
    out, told = process.communicate()
    assert (out, process.returncode) == ("12\n12\n", 0), told
    fetched = [each for each in s3.network.requests if re.match("GET .*shard-", each)]
    assert len(fetched) == len(set(fetched)) == 3


def test_a_data_set_that_is_replaced_under_a_reader(s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    command = ["generate", colours, "-o", f"{s3.url}/x", *FRESH]
    run(run_cli, *command)
    before = MixedArrays(f"{s3.url}/x")
    first = before.images([0])
    run(run_cli, *command, "--force", "--seed", 7)
    assert np.array_equal(before.images([1, 0])[1], first[0]), "what was fetched stays"
    with pytest.raises(DataError, match=rf"{s3.url}/x/shard-00002.h5: .* replaced or damaged\. Open it again"):
        before.images([11])
    after = MixedArrays(f"{s3.url}/x")
    assert len(after.images([0, 11])) == 2
    assert after.manifest.recipe["seed"] == 7
