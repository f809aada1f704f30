"""`--encode`: the same rows as without it, in less room, through every command that reads or writes a data set."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from mixup_cli.errors import DataError
from mixup_cli.fields import encoding
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset, MixedStream
from mixup_cli.storage.hdf5.columns import EncodedColumn
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from tests.data_sets import digests, manifest
from tests.docs.pages import run_slowly
from tests.faults.progress import meet_fault
from tests.running import Runner, error_line, run_process
from tests.unit.storage.test_card import code_blocks

SHARDS = ("--samples-per-shard", 7)
ENCODINGS = ("png", "jpeg:90", "webp:80")


def made(run_cli: Runner, source: Path, out: Path, *options: object) -> Path:
    ended = run_cli("generate", source, "-q", *SHARDS, "-o", out, *options)
    assert ended.returncode == 0, ended.stderr
    return out


@pytest.fixture(scope="module")
def raw(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(run_process, photos, tmp_path_factory.mktemp("raw") / "raw", "--passes", 3, "--size", 32)


@pytest.fixture(scope="module")
def kept(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A data set with the same rows in an encoding. Not to be changed."""
    root = tmp_path_factory.mktemp("kept")

    def of(text: str) -> Path:
        out = root / text.replace(":", "-")
        return out if out.exists() else made(run_process, photos, out, "--passes", 3, "--size", 32, "--encode", text)

    return of


def test_png_gives_the_values_of_raw_rows(raw: Path, kept: Callable[[str], Path]) -> None:
    plain, encoded = MixedArrays(raw), MixedArrays(kept("png"))
    assert isinstance(encoded.column("images"), EncodedColumn)
    for column in plain.manifest.columns:
        ours, theirs = encoded.column(column.name), plain.column(column.name)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_array_equal(ours[:], theirs[:], strict=True)
        rows = [23, 0, -1, 7, 7, 12]
        np.testing.assert_array_equal(ours.take(rows), theirs.take(rows), strict=True)
        np.testing.assert_array_equal(ours[5:16], theirs[5:16], strict=True)
        np.testing.assert_array_equal(ours[9:9], theirs[9:9], strict=True)


def test_readers_of_frameworks_give_the_same_batches(raw: Path, kept: Callable[[str], Path]) -> None:
    """In this process and in others, forked and spawned."""
    expected = [*DataLoader(MixedDataset(raw), batch_size=5)]
    for context, workers in ((None, 0), ("fork", 2), ("spawn", 1)):
        data = MixedDataset(kept("png"))
        found = [*DataLoader(data, batch_size=5, num_workers=workers, multiprocessing_context=context)]
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    streamed = MixedStream(kept("png"), 5, seed=1), MixedStream(raw, 5, seed=1)
    for ours, theirs in zip(*streamed, strict=True):
        assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("text", ENCODINGS[1:])
def test_lossy_ones_are_close_and_say_so(text: str, raw: Path, kept: Callable[[str], Path]) -> None:
    plain, encoded = MixedArrays(raw), MixedArrays(kept(text))
    rows = np.arange(len(plain))
    off = np.abs(plain.images(rows).astype(int) - encoded.images(rows)).mean()
    assert 0 < off < 8
    assert [column.lossy for column in encoded.manifest.columns[:2]] == [True, None]
    assert encoded.manifest.columns[0].encoding == text
    assert "lossy" in (kept(text) / "README.md").read_text()
    assert "lossy" in (kept(text) / "croissant.json").read_text()


def test_png_does_not_say_that_it_is_lossy(kept: Callable[[str], Path]) -> None:
    assert "lossy" not in json.dumps(manifest(kept("png"))) + (kept("png") / "README.md").read_text()


@pytest.mark.parametrize("text", ENCODINGS)
def test_it_takes_less_room(text: str, raw: Path, kept: Callable[[str], Path]) -> None:
    def heap_bytes(out: Path) -> int:
        arrays = MixedArrays(out)
        column = arrays.column("images")
        assert isinstance(column, EncodedColumn)
        return sum(map(len, column.encoded(range(len(arrays)))))

    assert heap_bytes(kept(text)) < MixedArrays(raw).column("images")[:].nbytes


@pytest.mark.parametrize("text", ENCODINGS)
def test_strangers_read_it_from_the_page_alone(text: str, kept: Callable[[str], Path]) -> None:
    """`docs/format.md`, section 3: with h5py, and by the references without it."""
    out, row = kept(text), 0
    ours = MixedArrays(out).images(range(24))
    for record in manifest(out)["shards"]:
        data = (out / record["file"]).read_bytes()
        count = record["stop"] - record["start"]
        references = np.frombuffer(data, REFERENCE, count, record["columns"]["images"]["offset"])
        end = 0
        with h5py.File(out / record["file"]) as file:
            for place, (length, address, number) in enumerate(references.tolist()):
                begin = address + 32 if number == 1 else -(-end // 8) * 8 + 16
                end = begin + length
                found = data[begin:end]
                assert file["images"][place].tobytes() == found
                np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(found))), ours[row])
                row += 1
    assert row == 24


@pytest.mark.parametrize("text", ENCODINGS)
def test_growth_and_a_kill_give_the_bytes_of_one_run(
    text: str, run_cli: Runner, photos: Path, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    options = ("--size", 32, "--encode", text)
    made(run_cli, photos, tmp_path / "grown", *options)
    before = MixedArrays(tmp_path / "grown")
    made(run_cli, photos, tmp_path / "grown", *options, "--passes", 3)
    assert digests(tmp_path / "grown") == digests(kept(text))
    np.testing.assert_array_equal(before.images(range(8)), MixedArrays(kept(text)).images(range(8)))
    command = ["generate", photos, "-q", *SHARDS, *options, "--passes", 3, "-o", tmp_path / "killed", "--workers", 1]
    meet_fault("kill", "replace:5", *command, cwd=tmp_path).communicate()
    assert not (tmp_path / "killed" / "manifest.json").exists()
    assert [*(tmp_path / "killed").glob("shard-*.h5")]
    assert run_cli(*command).returncode == 0
    assert digests(tmp_path / "killed") == digests(kept(text))


def test_another_encoder_does_not_continue(
    run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another version of Pillow would be: the data set keeps what it has."""
    for text in ("png", "none"):
        made(run_cli, photos, tmp_path / text, *(("--encode", text) if text == "png" else ()))
    monkeypatch.setitem(encoding.SETTINGS, "png", {"compress_level": 9, "optimize": True})
    ended = run_cli("generate", photos, *SHARDS, "-o", tmp_path / "png", "--encode", "png", "--passes", 2)
    assert ended.returncode == 73
    assert "was begun where images are decoded or encoded otherwise (another machine)" in error_line(ended)
    made(run_cli, photos, tmp_path / "none", "--passes", 2)
    ended = run_cli("verify", tmp_path / "png", "--deep", "--source", photos)
    assert ended.returncode == 65
    assert "its images were encoded by other versions, whose bytes cannot be compared here" in error_line(ended)
    assert run_cli("verify", tmp_path / "png").returncode == 0


@pytest.mark.parametrize("text", ENCODINGS)
def test_deep_finds_a_row_that_was_encoded_from_something_else(
    text: str, run_cli: Runner, photos: Path, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    ended = run_cli("verify", kept(text), "--deep", "--source", photos)
    assert ended.returncode == 0, ended.stderr
    out = tmp_path / "out"
    shutil.copytree(kept(text), out)
    _reseal(out, lambda path: _change_row(out, path, 2))
    ended = run_cli("verify", out, "--deep", "--source", photos)
    assert (ended.returncode, ended.stdout) == (65, "shard-00000.h5: images of row 2 is not what the source gives\n")


def test_verify_finds_what_is_not_an_image(run_cli: Runner, kept: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(kept("png"), out)
    _reseal(out, lambda path: _overwrite(out, path, 3, b"GIF89a"))
    ended = run_cli("verify", out)
    assert ended.returncode == 65
    assert ended.stdout.startswith("shard-00000.h5: images: row 3 of the shard is not a PNG image")
    for reader in (MixedArrays(out).images, MixedArrays(out).column("images").take):
        with pytest.raises(
            DataError, match=r"shard-00000\.h5: images: row 3 of the shard is not a PNG .* mixup-gen verify"
        ):
            reader([3])
    assert len(MixedDataset(out)[2]) == 2


def test_repair_makes_shards_and_manifest_again(
    run_cli: Runner, photos: Path, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    for text in ENCODINGS:
        out = tmp_path / text.replace(":", "-")
        shutil.copytree(kept(text), out)
        (out / "manifest.json").unlink()
        assert run_cli("repair", out).returncode == 0
        (out / "shard-00001.h5").write_bytes(b"")
        assert run_cli("repair", out, "--source", photos).returncode == 0
        assert digests(out) == digests(kept(text))


def test_merge_takes_one_encoding(run_cli: Runner, photos: Path, kept: Callable[[str], Path], tmp_path: Path) -> None:
    options = ("--passes", 3, "--size", 32, "--seed", 1)
    other = made(run_cli, photos, tmp_path / "other", *options, "--encode", "png")
    raw = made(run_cli, photos, tmp_path / "raw", *options)
    assert run_cli("merge", kept("png"), other, "-o", tmp_path / "merged").returncode == 0
    merged = MixedArrays(tmp_path / "merged")
    np.testing.assert_array_equal(merged.images(range(24, 48)), MixedArrays(raw).images(range(24)))
    assert run_cli("verify", tmp_path / "merged").returncode == 0
    ended = run_cli("merge", kept("png"), raw, "-o", tmp_path / "mixed")
    assert (ended.returncode, "column images: uint8 (32, 32, 3) here" in error_line(ended)) == (65, True)


def test_it_is_a_source_too(run_cli: Runner, raw: Path, kept: Callable[[str], Path], tmp_path: Path) -> None:
    for name, source in (("raw", raw), ("png", kept("png"))):
        made(run_cli, source / "manifest.json", tmp_path / name, "--seed", 5)
    again, plain = MixedArrays(tmp_path / "png"), MixedArrays(tmp_path / "raw")
    np.testing.assert_array_equal(again.images(range(24)), plain.images(range(24)))


@pytest.mark.parametrize("text", ENCODINGS)
def test_the_programs_in_its_card_run(text: str, kept: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(kept(text), out)
    plain, torch, hugging_face = code_blocks((out / "README.md").read_text(), "python")
    expected = MixedArrays(out).images(range(7))
    sums = f"{expected.sum(dtype=int)}\n"
    code = f"{plain}\nprint(sum(image.sum(dtype=int) for image in images))"
    assert run_slowly(code, out) == sums
    again = "import numpy as np\nprint(sum(np.array(row['images']).sum(dtype=int) for row in data.select(range(7))))"
    assert run_slowly(f"{hugging_face}\n{again}".replace("path/to/this/folder", str(out)), tmp_path).endswith(sums)
    code = f"{torch}\nprint(sum(int(images.sum()) for images, _ in loader))".replace("path/to/this/folder", str(out))
    assert run_slowly(code, tmp_path) == f"{MixedArrays(out).images(range(24)).sum(dtype=int)}\n"


def test_commands_that_show_it(run_cli: Runner, kept: Callable[[str], Path], tmp_path: Path) -> None:
    out = kept("jpeg:90")
    assert "32x32x3, encoded as jpeg:90" in run_cli("inspect", out).stdout
    assert run_cli("preview", out, "-o", tmp_path / "sheet.png").returncode == 0
    ended = run_cli("report", out, "-o", tmp_path / "page.html")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("text", ENCODINGS)
def test_exports_of_the_same_encoding_have_the_stored_bytes(
    text: str, run_cli: Runner, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    ended = run_cli("export", kept(text), "--to", "webdataset", "-o", tmp_path / "w", "--image-format", text)
    assert ended.returncode == 0, ended.stderr
    column, ending = MixedArrays(kept(text)).column("images"), text.partition(":")[0].replace("jpeg", "jpg")
    assert isinstance(column, EncodedColumn)
    found = []
    for path in sorted((tmp_path / "w").glob("*.tar")):
        with tarfile.open(path) as tar:
            found += [tar.extractfile(each).read() for each in tar if each.name.endswith(ending)]  # type: ignore[union-attr]
    assert found == column.encoded(range(24))


def test_other_exports_are_those_of_raw_rows(
    run_cli: Runner, raw: Path, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    found = {}
    for name, source in (("raw", raw), ("png", kept("png"))):
        options = ("--to", "imagefolder", "--image-format", "webp:90")
        assert run_cli("export", source, "-o", tmp_path / name, *options).returncode == 0
        found[name] = {key: value for key, value in digests(tmp_path / name).items() if key.endswith("webp")}
    assert found["png"] == found["raw"]
    assert len(found["png"]) == 24


def test_a_dry_run_encodes_some_rows(
    run_cli: Runner, photos: Path, kept: Callable[[str], Path], tmp_path: Path
) -> None:
    options = (photos, *SHARDS, "--size", 32, "--passes", 3, "--encode", "png", "-o", tmp_path / "out", "--dry-run")
    ended = run_cli("generate", *options)
    lines = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines() if " " in line)
    assert lines["each"].endswith(", encoded as png")
    assert lines["output"].startswith("about ")
    assert lines["disk"].startswith("about ")
    facts = json.loads(run_cli("generate", *options, "--json").stdout)
    total = manifest(kept("png"))["totals"]["bytes"]
    assert facts["estimated"] is True
    assert abs(facts["bytes"] - total) < total / 4
    assert not (tmp_path / "out").exists()


REFUSED: dict[str, tuple[str, str]] = {
    "without a quality": ("--encode jpeg", "--encode: 'jpeg' is neither png, nor jpeg or webp with a quality"),
    "a quality of 0": ("--encode webp:0", "--encode: 'webp:0' is neither png"),
    "compressed": ("--encode png --compression gzip", "--encode and --compression: both are set"),
    "floats": (
        "--encode png --dtype float32",
        "--encode: it stores images of 8 bits, and --dtype is float32. Pass --dtype uint8",
    ),
    "channels first": ("--encode png --layout nchw", "--encode: it stores images with channels last, "),
    "grey WebP": ("--encode webp:80 --channels grey", "the output has 1 channel, and webp:80 holds 3 or 4. Pass png"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_do_is_refused(name: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    options, expected = REFUSED[name]
    ended = run_cli("generate", photos, *options.split(), "-o", tmp_path / "out")
    assert ended.returncode == 2
    assert expected in error_line(ended)
    assert not (tmp_path / "out").exists()


def test_a_pillow_without_the_format_is_refused(
    run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    ended = run_cli("generate", photos, "--encode", "webp:80", "-o", tmp_path / "out")
    assert (ended.returncode, "this Pillow was built without WebP" in error_line(ended)) == (2, True)


ARRAYS: dict[str, tuple[tuple[int, ...], str, str]] = {
    "numbers": ((7,), "uint8", "it stores images, and these samples have the shape (7,)"),
    "16 bits": ((8, 8, 3), "uint16", "--dtype is uint16. Pass --dtype uint8, or leave it out"),
    "channels first": ((3, 8, 8), "uint8", "Pass --layout nhwc, or leave it out"),
    "JPEG of 4 channels": ((8, 8, 4), "uint8", "--encode jpeg:90: the output has 4 channels, and jpeg:90 holds 1 or 3"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_are_not_such_images_are_refused(name: str, run_cli: Runner, tmp_path: Path) -> None:
    shape, dtype, expected = ARRAYS[name]
    np.savez(tmp_path / "a.npz", x=np.zeros((6, *shape), dtype), y=np.arange(6) % 2)
    ended = run_cli("generate", tmp_path / "a.npz", "--encode", "jpeg:90", "-o", tmp_path / "out")
    assert (ended.returncode, expected in error_line(ended)) == (2, True), ended.stderr


def test_several_signals_are_refused(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 8, 8, 3), np.uint8), depth=np.zeros((6, 8, 8, 1), np.uint8))
    ended = run_cli("generate", tmp_path / "a.npz", "--data-key", "x,depth", "--encode", "png", "-o", tmp_path / "out")
    assert (ended.returncode, "depth stands beside them" in error_line(ended)) == (2, True), ended.stderr


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (8, 6, 4)])
def test_arrays_of_one_and_four_channels(shape: tuple[int, ...], run_cli: Runner, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, *shape), np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=np.arange(12) % 2)
    for name, options in {"raw": (), "png": ("--encode", "png")}.items():
        made(run_cli, tmp_path / "a.npz", tmp_path / name, *options)
    raw, png = MixedArrays(tmp_path / "raw"), MixedArrays(tmp_path / "png")
    np.testing.assert_array_equal(png.images(range(12)), raw.images(range(12)), strict=True)
    before = (tmp_path / "png" / "manifest.json").read_bytes()
    (tmp_path / "png" / "manifest.json").unlink()
    assert run_cli("repair", tmp_path / "png").returncode == 0
    assert (tmp_path / "png" / "manifest.json").read_bytes() == before


def test_a_manifest_that_contradicts_its_encoding_is_refused(kept: Callable[[str], Path], tmp_path: Path) -> None:
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "has the encoding none": lambda column: (column.pop("encoding"), column.pop("lossy")),
        "has the encoding jpeg:91": lambda column: column.__setitem__("encoding", "jpeg:91"),
        "does not say rightly": lambda column: column.pop("lossy"),
        "has 4 channels": lambda column: column.__setitem__("shape", [32, 32, 4]),
        "Input should be True|String should match": lambda column: column.__setitem__("encoding", "gif"),
    }
    for number, (expected, change) in enumerate(changes.items()):
        out = tmp_path / str(number)
        shutil.copytree(kept("jpeg:90"), out)
        plain = manifest(out)
        change(plain["columns"][0])
        (out / "manifest.json").write_text(json.dumps(plain))
        with pytest.raises(DataError, match=expected):
            MixedArrays(out)


def _change_row(out: Path, path: Path, row: int) -> None:
    """Put a grey image in the place of another."""
    column = MixedArrays(out).column("images")
    assert isinstance(column, EncodedColumn)
    (data,) = encoding.PictureCodec(column.encoding, (32, 32, 3)).encode(np.full((1, 32, 32, 3), 99, np.uint8))
    _overwrite(out, path, row, data)


def _overwrite(out: Path, path: Path, row: int, data: bytes) -> None:
    column = MixedArrays(out).column("images")
    assert isinstance(column, EncodedColumn)
    (before,) = column.encoded([row])
    whole = path.read_bytes()
    assert whole.count(before) == 1
    path.write_bytes(whole.replace(before, data + before[len(data) :]))


def _reseal(out: Path, change: Callable[[Path], None]) -> None:
    """Change the first shard, and all hashes of it."""
    from mixup_cli.storage.finish import beside
    from mixup_cli.storage.manifest import read_manifest
    from mixup_cli.storage.seal import sha256_of

    change(out / "shard-00000.h5")
    now = read_manifest(out)
    first = now.shards[0].model_copy(update={"sha256": sha256_of(out / "shard-00000.h5")})
    now = now.model_copy(update={"shards": (first, *now.shards[1:])})
    data = now.to_json()
    (out / "manifest.json").write_bytes(data)
    for name, content in beside(now, data, (out / "sources.csv").stat().st_size).items():
        (out / name).write_bytes(content)
