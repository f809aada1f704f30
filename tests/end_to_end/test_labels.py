"""Labels through the whole command: every kind, every rule, smoothing, groups. Recomputed from what stands in the data
set; `verify` accepts each one, and finds a label that was changed and sealed again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.readers.numpy import MixedArrays
from tests.cli.test_verify import seal_again
from tests.data_sets import Columns, columns, manifest
from tests.running import Runner, error_line
from tests.small_sources import write_arrays

CLASS_SIZES = {"common": 12, "rare": 3, "seldom": 4}
COUNT = 16


@pytest.fixture(scope="module")
def unequal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of unequal size."""
    root = tmp_path_factory.mktemp("unequal")
    for level, (name, size) in enumerate(CLASS_SIZES.items()):
        (root / name).mkdir()
        for number in range(size):
            Image.new("RGB", (4, 3), (level, number, 7)).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A folder of images with metadata.csv: two quantities, tags, 0 and 1, and a group."""
    root = tmp_path / "described"
    root.mkdir()
    draw = np.random.default_rng(3)
    lines = ["file_name,steering,speed,tags,wet,dark,driver"]
    for number in range(COUNT):
        Image.new("RGB", (4, 3), (number, 0, 0)).save(root / f"{number:02}.png")
        tags = "|".join(name for name in ("car", "bus", "tram") if draw.random() < 0.5)
        steering, speed = draw.normal(), draw.uniform(0, 100)
        lines.append(f"{number:02}.png,{steering!r},{speed!r},{tags},{number % 2},{number % 3 % 2},d{number % 4}")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    return root


def cells(described: Path, *names: str) -> list[tuple[str, ...]]:
    """Some columns of the metadata, in the order of the file names."""
    with (described / "metadata.csv").open() as file:
        return [tuple(row[name] for name in names) for row in csv.DictReader(file)]


def made(run_cli: Runner, source: Path, *options: object, cwd: Path, out: str = "mixup-out") -> Columns:
    """The columns of a data set that `verify --deep` accepts."""
    ended = run_cli("generate", source, "--alpha", 1, "--passes", 3, "-o", out, *options, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    deep = run_cli("verify", out, "--deep")
    assert deep.returncode == 0, deep.stdout + deep.stderr
    return columns(cwd / out)


def mean_by_share(values: NDArray[Any], there: Columns, shares: str = "share") -> NDArray[np.float32]:
    """Σ share · value of the parents, in float64, rounded once."""
    parents = values.astype(np.float32).astype(np.float64)[there["source_index"]]
    mixed: NDArray[np.float32] = (there[shares].astype(np.float64)[..., None] * parents).sum(axis=1).astype(np.float32)
    return mixed


def with_another_label(folder: Path, row: int, value: float, column: str = "labels") -> None:
    """Change one number of a label, and seal the data set again."""
    with h5py.File(folder / "shard-00000.h5", "r+") as file:
        values = file[column][row]
        values[np.argmax(values)] = value
        file[column][row] = values
    seal_again(folder)


# --- rules ------------------------------------------------------------------------------------------------------------


def test_soft_is_the_share(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    there = made(run_cli, unequal, cwd=tmp_path)
    assert (there["label_share"] == there["share"]).all()
    plain = manifest(tmp_path / "mixup-out")
    assert plain["label_kind"] == "classes"
    assert "label_rule" not in plain["recipe"], "what is off is not written down"


def test_base_is_the_class_of_the_largest_share(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    there = made(run_cli, unequal, "--label-rule", "base", "--keep-originals", cwd=tmp_path)
    expected = np.eye(3)[np.where(there["share"][:, 0] >= there["share"][:, 1], *there["source_label"].T)]
    assert (there["labels"] == expected).all()
    assert (there["label_share"].max(axis=1) == 1).all()
    assert manifest(tmp_path / "mixup-out")["label_kind"] == "classes"


@pytest.mark.parametrize("labels", ["both", "dense", "sparse"])
def test_union_has_the_classes_of_all_parents(labels: str, run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    there = made(run_cli, unequal, "--label-rule", "union", "--labels", labels, "--keep-originals", cwd=tmp_path)
    classes = np.repeat(np.arange(3), list(CLASS_SIZES.values()))[there["source_index"]]
    one_hot = np.eye(3)[classes] * (there["share"] > 0)[..., None]
    reader = MixedArrays(tmp_path / "mixup-out")
    assert reader.label_kind == "multi"
    assert (reader.labels(np.arange(len(reader))) == one_hot.max(axis=1)).all()
    assert ("labels" in there, "label_share" in there) == (labels != "sparse", labels != "dense")


def test_remix_gives_the_label_to_the_rarer_class(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    there = made(run_cli, unequal, "--label-rule", "remix", "--keep-originals", cwd=tmp_path)
    sizes = np.array(list(CLASS_SIZES.values()))[there["source_label"]]
    base_is_common, base_is_rare = sizes[:, 0] >= 3 * sizes[:, 1], 3 * sizes[:, 0] <= sizes[:, 1]
    lam = there["share"][:, 0]
    expected = np.where(base_is_common & (lam < 0.5), 0, np.where(base_is_rare & (lam > 0.5), 1, lam))
    assert (there["label_share"] == np.stack([expected, 1 - expected], axis=1)).all()
    assert 0 < (expected != lam).sum() < len(lam), "some rows are changed, and not all"
    recipe = manifest(tmp_path / "mixup-out")["recipe"]
    assert (recipe["label_rule"], recipe["remix_kappa"], recipe["remix_tau"]) == ("remix", 3.0, 0.5)
    card = (tmp_path / "mixup-out/README.md").read_text()
    assert "Remix, kappa 3, tau 0.5" in card
    assert "chou2020remix" in card


def test_remix_counts_the_classes_of_usable_samples(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in CLASS_SIZES:
        (source / name).mkdir(parents=True)
        for path in (unequal / name).iterdir():
            broken = name == "common" and path.stem >= "03"
            (source / name / path.name).write_bytes(b"" if broken else path.read_bytes())
    there = made(run_cli, source, "--label-rule", "remix", "--on-error", "skip", cwd=tmp_path)
    assert (there["label_share"] == there["share"]).all(), "three, three and four are of like size"


# --- smoothing --------------------------------------------------------------------------------------------------------


def test_smoothing_changes_the_labels_alone(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    plain = made(run_cli, unequal, cwd=tmp_path, out="plain")
    there = made(run_cli, unequal, "--label-smoothing", 0.1, cwd=tmp_path)
    assert {name for name in plain if plain[name].tobytes() != there[name].tobytes()} == {"labels"}
    assert (there["labels"] == ((1 - 0.1) * plain["labels"].astype(np.float64) + 0.1 / 3).astype(np.float32)).all()
    assert "smoothed by 0.1" in (tmp_path / "mixup-out/README.md").read_text()
    with_another_label(tmp_path / "mixup-out", 4, np.nextafter(there["labels"][4].max(), np.float32(1)))
    assert "labels of row 4 do not follow from source_label and label_share" in run_cli("verify", "mixup-out").stdout


def test_soft_labels_are_smoothed_before_they_are_rounded(run_cli: Runner, tmp_path: Path) -> None:
    soft = np.random.default_rng(2).dirichlet([1, 1, 1], COUNT)
    np.savez(tmp_path / "a.npz", x=np.zeros((COUNT, 4), np.float32), y=soft)
    there = made(run_cli, tmp_path / "a.npz", "--label-smoothing", 0.2, cwd=tmp_path)
    stored = (soft / soft.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    mixed = (there["share"].astype(np.float64)[..., None] * stored[there["source_index"]]).sum(axis=1)
    assert (there["labels"] == ((1 - 0.2) * mixed + 0.2 / 3).astype(np.float32)).all()


# --- kinds ------------------------------------------------------------------------------------------------------------


def test_quantities_from_metadata_are_mixed_by_share(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    options = ("--label-column", "steering,speed", "--label-kind", "real")
    there = made(run_cli, described, *options, cwd=tmp_path)
    assert "source_label" not in there
    quantities = np.array(cells(described, "steering", "speed"), np.float64)
    assert (there["labels"] == mean_by_share(quantities, there)).all()
    plain = manifest(tmp_path / "mixup-out")
    assert (plain["label_kind"], plain["class_names"]) == ("real", ["steering", "speed"])
    assert "mse_loss" in (tmp_path / "mixup-out/README.md").read_text()
    told = run_cli("inspect", described, *options).stdout
    assert "quantities    2, real numbers" in told
    assert "the parents' numbers by share" in run_cli("inspect", "mixup-out").stdout


def test_the_quantity_of_the_largest_share(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    options = ("--label-column", "speed", "--label-kind", "real", "--label-rule", "base")
    there = made(run_cli, described, *options, cwd=tmp_path)
    speeds = np.array(cells(described, "speed"), np.float64).astype(np.float32)[there["source_index"]]
    assert (there["labels"] == np.where(there["share"][:, :1] >= 0.5, speeds[:, 0], speeds[:, 1])).all()


TAGS = ("bus", "car", "tram")


def tags_of(described: Path) -> NDArray[np.float32]:
    return np.array([[tag in cell.split("|") for tag in TAGS] for (cell,) in cells(described, "tags")], np.float32)


@pytest.mark.parametrize("rule", ["soft", "union"])
def test_tags_from_metadata_csv(rule: str, run_cli: Runner, described: Path, tmp_path: Path) -> None:
    options = ("--label-column", "tags", "--label-kind", "multi", "--label-rule", rule)
    there = made(run_cli, described, *options, cwd=tmp_path)
    tags = tags_of(described)
    united = (tags[there["source_index"]] * (there["share"] > 0)[..., None]).max(axis=1)
    assert (there["labels"] == (united if rule == "union" else mean_by_share(tags, there))).all()
    plain = manifest(tmp_path / "mixup-out")
    assert (plain["label_kind"], plain["class_names"]) == ("multi", list(TAGS))
    assert "binary_cross_entropy_with_logits" in (tmp_path / "mixup-out/README.md").read_text()
    assert "any number for each sample" in run_cli("inspect", described, *options).stdout


def test_tags_from_metadata_jsonl(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    rows = [
        (f"{number:02}.png", cell.split("|") if cell else []) for number, (cell,) in enumerate(cells(described, "tags"))
    ]
    tags = tags_of(described)
    (described / "metadata.csv").unlink()
    lines = [json.dumps({"file_name": name, "labels": classes}) for name, classes in rows]
    (described / "metadata.jsonl").write_text("\n".join(lines))
    there = made(run_cli, described, "--label-kind", "multi", cwd=tmp_path)
    assert (there["labels"] == mean_by_share(tags, there)).all()


def test_zeros_and_ones_from_columns_and_from_an_array(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    options = ("--label-column", "wet,dark", "--label-kind", "multi")
    there = made(run_cli, described, *options, cwd=tmp_path)
    values = np.array(cells(described, "dark", "wet"), np.float32)
    assert manifest(tmp_path / "mixup-out")["class_names"] == ["dark", "wet"]
    assert (there["labels"] == mean_by_share(values, there)).all()
    np.savez(tmp_path / "a.npz", x=np.zeros((COUNT, 4), np.uint8), y=values.astype(np.int64))
    again = made(run_cli, tmp_path / "a.npz", "--label-kind", "multi", cwd=tmp_path, out="arrays")
    assert again["labels"].tobytes() == there["labels"].tobytes()


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (("--label-column", "tags", "--label-kind", "multi"), 1.5),
        (("--label-column", "speed", "--label-kind", "real"), np.nan),
    ],
)
def test_a_label_that_cannot_be_is_found(
    options: tuple[str, ...], value: float, run_cli: Runner, described: Path, tmp_path: Path
) -> None:
    made(run_cli, described, *options, cwd=tmp_path)
    with_another_label(tmp_path / "mixup-out", 3, value)
    ended = run_cli("verify", "mixup-out")
    assert ended.returncode == 65
    assert "shard-00000.h5: labels " in ended.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--label-column", "tags", "--label-kind", "multi"),
        ("--label-column", "steering,speed", "--label-kind", "real"),
        ("--label-column", "driver", "--label-rule", "union", "--labels", "dense"),
    ],
)
def test_a_label_that_is_not_the_sources_is_found(
    options: tuple[str, ...], run_cli: Runner, described: Path, tmp_path: Path
) -> None:
    made(run_cli, described, *options, cwd=tmp_path)
    with_another_label(tmp_path / "mixup-out", 3, 0.125)
    assert run_cli("verify", "mixup-out").returncode == 0, "it could be"
    assert "labels of row 3 is not what the source gives" in run_cli("verify", "mixup-out", "--deep").stdout


def test_a_union_that_is_none_is_found(run_cli: Runner, unequal: Path, tmp_path: Path) -> None:
    made(run_cli, unequal, "--label-rule", "union", cwd=tmp_path)
    with_another_label(tmp_path / "mixup-out", 3, 0.5, column="label_share")
    told = run_cli("verify", "mixup-out").stdout
    assert "label_share holds other numbers than 0 and 1" in told
    assert "labels of row 3 do not follow from source_label and label_share" in told


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--label-column", "tags", "--label-kind", "multi"), "multi"),
        (("--label-column", "steering,speed", "--label-kind", "real"), "real"),
        (("--label-column", "driver", "--label-rule", "union", "--labels", "sparse"), "multi"),
        (("--label-column", "driver"), "soft"),
        (("--label-kind", "none"), "none"),
    ],
)
def test_a_finished_data_set_is_mixed_again_as_what_it_is(
    options: tuple[str, ...], kind: str, run_cli: Runner, described: Path, tmp_path: Path
) -> None:
    made(run_cli, described, *options, cwd=tmp_path, out="first")
    there = made(run_cli, Path("first"), cwd=tmp_path, out="second")
    first, second = manifest(tmp_path / "first"), manifest(tmp_path / "second")
    assert second["label_kind"] == kind
    assert second["class_names"] == first["class_names"]
    reader = MixedArrays(tmp_path / "first")
    labels = reader.labels(np.arange(len(reader)))
    if labels is not None:
        assert (there["labels"] == mean_by_share(labels, there)).all()


def test_another_label_is_noticed(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    command = ("generate", described, "--label-column", "speed", "--label-kind", "real")
    assert run_cli(*command, cwd=tmp_path).returncode == 0
    assert "nothing to do" in run_cli(*command).stderr
    path = described / "metadata.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[2], "41.5")
    path.write_text("\n".join(lines) + "\n")
    refused = run_cli(*command)
    assert refused.returncode == 73
    assert "(02.png has another label than before)" in error_line(refused)


def test_the_same_numbers_with_another_meaning_are_noticed(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    command = ("generate", described, "--label-column", "wet,dark", "--label-kind")
    assert run_cli(*command, "multi", cwd=tmp_path).returncode == 0
    path = described / "metadata.csv"
    path.write_text(path.read_text().replace("wet,dark", "dark,wet"))
    refused = run_cli("generate", described, "--label-column", "wet,dark", "--label-kind", "real")
    assert refused.returncode == 73
    assert "was made from other labels (multi (dark, wet) then, real (wet, dark) now)" in error_line(refused)


# --- groups -----------------------------------------------------------------------------------------------------------


def test_groups_are_kept_apart_and_written_down(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    options = ("--label-column", "speed", "--label-kind", "real", "--group-column", "driver")
    there = made(run_cli, described, *options, cwd=tmp_path)
    drivers = [driver for (driver,) in cells(described, "driver")]
    with (tmp_path / "mixup-out/sources.csv").open() as file:
        assert [row["group"] for row in csv.DictReader(file)] == drivers
    numbers = np.array([int(driver[1:]) for driver in drivers])[there["source_index"]]
    assert (numbers[:, 0] == numbers[:, 1]).all()
    assert manifest(tmp_path / "mixup-out")["source"]["groups"] == 4
    assert "4; only samples of the same group are mixed" in (tmp_path / "mixup-out/README.md").read_text()
    fields = json.loads((tmp_path / "mixup-out/croissant.json").read_text())["recordSet"][0]["field"]
    assert [field["name"] for field in fields][2:5] == ["label", "group", "bytes"]
    assert "groups        4, of 4 to 4 samples" in run_cli("inspect", described, *options).stdout


def test_another_group_is_noticed(run_cli: Runner, described: Path, tmp_path: Path) -> None:
    command = ("generate", described, "--label-column", "driver", "--group-column", "wet")
    assert run_cli(*command, cwd=tmp_path).returncode == 0
    assert "nothing to do" in run_cli(*command).stderr
    path = described / "metadata.csv"
    path.write_text(path.read_text().replace(",0,1,d1\n", ",1,1,d1\n").replace(",1,1,d1\n", ",0,1,d1\n", 1))
    refused = run_cli(*command)
    assert refused.returncode == 73
    assert "was of group '1' and is of '0'" in error_line(refused)
    without = run_cli(*command[:-2])
    assert "its samples had groups" in error_line(without)


# --- wrong uses -------------------------------------------------------------------------------------------------------

REFUSED = [
    ("described --label-kind real --label-column speed --label-rule union", "--label-rule union: ", "soft, base"),
    ("described --label-kind real --label-column speed --label-rule remix", "--label-rule remix: ", "real numbers"),
    (
        "described --label-kind multi --label-column tags --label-rule remix",
        "--label-rule remix: ",
        "soft, base, union",
    ),
    ("described --label-kind none --label-rule base", "--label-rule base: ", "no labels"),
    ("described --label-kind multi --label-column tags --label-smoothing 0.1", "--label-smoothing: ", "sum to 1"),
    ("described --label-kind real --label-column speed --label-smoothing 0.1", "--label-smoothing: ", "real numbers"),
    ("described --label-kind none --label-smoothing 0.1", "--label-smoothing: ", "no labels"),
    ("described --label-column steering,speed", "--label-column steering,speed: ", "--label-kind"),
    ("described --label-column height", "--label-column height: ", "has no such column"),
    ("described --group-column height", "--group-column height: ", "has no such column"),
    ("arrays.npz --label-rule union --label-smoothing 0.1", "--label-smoothing: ", "union"),
    ("arrays.npz --label-smoothing 0.1 --labels sparse", "--label-smoothing: ", "Pass --labels dense or both."),
    ("arrays.npz --label-smoothing 1", "--label-smoothing: ", "is not in 0 … 1"),
    ("arrays.npz --remix-kappa 2", "--remix-kappa: ", "--label-rule remix"),
    ("arrays.npz --label-rule remix --remix-kappa 0.5", "--remix-kappa: ", "from 1 up"),
    ("arrays.npz --label-rule remix --remix-tau 1.5", "--remix-tau: ", "is not in 0 … 1"),
    ("arrays.npz --label-kind soft --data-key x", "", "row 0 is not a soft label"),
    ("arrays.npz --group-column who", "--group-column who: ", "has no such array"),
    ("--files-from list --label-kind multi", "--label-kind multi: ", "classes only"),
    ("--files-from list --group-column who", "--group-column who: ", "has no effect"),
]


@pytest.mark.parametrize(("command", "where", "told"), REFUSED, ids=[command for command, _, _ in REFUSED])
def test_what_does_not_fit_is_refused_in_one_line(
    command: str, where: str, told: str, run_cli: Runner, described: Path, tmp_path: Path
) -> None:
    write_arrays(tmp_path / "arrays.npz")
    (tmp_path / "list").write_text("".join(f"{path}\n" for path in sorted(described.glob("*.png"))))
    ended = run_cli("generate", *command.split(), cwd=tmp_path)
    message = error_line(ended)
    assert ended.returncode == (65 if "not a soft label" in told else 2), message
    assert message.startswith(where)
    assert told in message
    assert not (tmp_path / "mixup-out").exists()
