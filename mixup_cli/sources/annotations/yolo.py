"""YOLO's data sets: a data.yaml that names classes and splits, and a text beside each picture with a line per object.

https://docs.ultralytics.com/datasets/detect/ and /pose/. A line is a class, then the middle of a box with its width
and height, all in parts of the picture's; or an outline, of which the box around it counts (the task segment takes
both); with `kpt_shape` the keypoints follow the box. The text of `images/a/b.jpg` is `labels/a/b.txt`; a picture
without one is background.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixup_cli.errors import DataError, NoInputError, from_extra
from mixup_cli.fields.objects import Keypoints
from mixup_cli.sources.annotations.coco_tables import MOST_KEYPOINTS, keypoints_of
from mixup_cli.sources.annotations.notes import CORRECT, Fault, Notes, Numbers, checked_names, shown
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.pictures.walk import is_picture, walk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.sources.reading.labels import CLASS_LIMIT
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import one_split
from mixup_cli.storage.json_files import content_of
from mixup_cli.wording import counted, plural, quoted

READ_AS = "YOLO annotations"

FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
SPLITS = ("train", "val", "test")
YAML_BYTES, YAML_DEPTH = 1 << 20, 20
"""No such file is larger, or nested more deeply; and PyYAML takes long for such."""

TEXT_BYTES = 64 << 20
BEYOND = 0.01
"""How far numbers may be from 0 … 1: some tools round upwards."""


def looks_like_yolo(path: Path) -> bool:
    """Whether it is a YAML file, or a folder with one that names classes and splits."""
    return path.suffix.lower() in (".yaml", ".yml") if path.is_file() else _file_in(path) is not None


def _file_in(folder: Path) -> Path | None:
    for file in (folder / name for name in FILES):
        if file.is_file():
            with file.open("rb") as stream:
                content = stream.read(YAML_BYTES)
            if all(
                re.search(rb"^(%b)[ \t]*:" % keys, content, re.MULTILINE) for keys in (b"names|nc", b"train|val|test")
            ):
                return file
    return None


def open_yolo(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures of one split, with the objects of the texts beside them. Raises DataError for a YAML or a text that
    is not what YOLO reads, NoInputError if the split has no pictures, UsageError without PyYAML and for an unknown
    split."""
    file = path if path.is_file() else _file_in(path) or path / FILES[0]
    described = _Described(file, options.exclude)
    split, notices = described.split(options.split)
    root, pictures = described.pictures(split)
    notes = Notes(described.class_names(), described.keypoints(), relative=True)
    read = _Texts(root, notes, described.keypoint_numbers(), reads_outlines=options.task == "segment")
    found = sum(read.add(number, picture) for number, picture in enumerate(pictures))
    if pictures and not found:
        where = escape_name(os.path.join(root, text_of(pictures[0])))
        problem = f"{escape_name(str(file))}: no image of {split} has a text with its objects, such as {where}."
        raise DataError(problem, "Put the texts there.")
    return Annotated(str(path), root, pictures, notes, READ_AS, notices).opened(options)


def path_from(root: str, path: str) -> str:
    """A path as it is relative to a folder, with "/" on every system; absolute if Windows has it on another drive."""
    try:
        found = os.path.relpath(path, root)
    except ValueError:
        found = os.path.abspath(path)
    return found.replace(os.sep, "/")


def text_of(picture: str) -> str:
    """The text with the objects of a picture: `labels` for the last `images` of its path."""
    before, images, name = f"/{picture}".rpartition("/images/")
    found = f"{before}/labels/{name}" if images else f"/{picture}"
    return os.path.splitext(found[1:])[0] + ".txt"


class _Described:
    """What a data.yaml says. Raises DataError where that is not what YOLO reads."""

    def __init__(self, file: Path, exclude: Sequence[Path]) -> None:
        self._name, self._file, self._exclude = escape_name(str(file)), file, exclude
        content = _plain_yaml(content_of(file, YAML_BYTES), self._name)
        if not isinstance(content, dict):
            raise DataError(f"{self._name}: is not a mapping of names to values.", "Give a data.yaml of YOLO.")
        self._content: Mapping[Any, Any] = {
            key: value for key, value in content.items() if value not in ("", "~", "null")
        }

    def split(self, wanted: str | None) -> tuple[str, list[str]]:
        """The split to read, and what to say of that."""
        return one_split({name: name for name in SPLITS if name in self._content}, wanted, self._name)

    def pictures(self, split: str) -> tuple[str, list[str]]:
        """The folder that paths are relative to, and the pictures of a split."""
        places = self._content[split] if isinstance(self._content[split], list) else [self._content[split]]
        if not all(isinstance(each, str) and "\0" not in each for each in places):
            raise DataError(f"{self._name}: {split} is {shown(places)}, expected a path, or a list of them.", CORRECT)
        home = self._file.parent
        path = self._content.get("path", ".")
        if not isinstance(path, str) or "\0" in path:
            raise DataError(f"{self._name}: path is {shown(path)}, expected the path of a folder.", CORRECT)
        roots = [Path(os.path.normpath(home / path)), home]
        tried = [(root, root / each) for root in roots for each in places]
        # Roboflow writes ../train/images for the folder train beside the file.
        tried += [(home, home / each.removeprefix("../")) for each in places]
        root = next((root for root, place in tried if os.path.exists(place)), None)
        if root is None:
            first = places[0] if places else ""
            where = "on this machine" if os.path.isabs(first) else f"in {escape_name(str(roots[0]))}"
            what = f"{split}, for example images/{split}," if os.path.isabs(first) else "path"
            found = f"{self._name}: {split} is {shown(first)}, and there is not such a path {where}."
            raise NoInputError(found, f"Correct {what} in the file.")
        listed = [each for place in places for each in self._listed(root, place)]
        pictures = [path_from(str(root), each) for each in listed]
        return str(root), [*dict.fromkeys(pictures)]

    def _listed(self, root: Path, place: str) -> Iterator[str]:
        """The pictures of a folder, or those that a file lists."""
        found = root / place
        found = found if os.path.exists(found) else root / place.removeprefix("../")
        if os.path.isdir(found):
            yield from (os.path.join(found, name) for name in walk(str(found), self._exclude).samples)
            return
        if not os.path.isfile(found):
            problem = f"{self._name}: names {quoted(place, 80)}, and {escape_name(str(found))} does not exist."
            raise NoInputError(problem, CORRECT)
        name = escape_name(str(found))
        with found.open(encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines_of(lines, name), 1):
                if not (text := line.strip()):
                    continue
                if not is_picture(text) or "\0" in text:
                    raise DataError(f"{name}, line {number}: {quoted(text, 80)} is not the path of an image.", CORRECT)
                yield os.path.join(found.parent if text.startswith("./") else root, text)

    def class_names(self) -> tuple[str, ...]:
        """The names, in the order of their numbers."""
        names = self._content.get("names")
        if names is None and str(self._content.get("nc", "")).isdecimal():
            count = min(int(self._content["nc"][:9]), CLASS_LIMIT + 1)
            names = [f"class_{number}" for number in range(count)]
        if isinstance(names, dict):
            if not all(isinstance(key, str) and key.isdecimal() for key in names):
                raise DataError(f"{self._name}: names has a number that is not whole.", CORRECT)
            numbered = {int(key[:9]): name for key, name in names.items()}
            if [*sorted(numbered)] != [*range(len(names))]:
                raise DataError(f"{self._name}: names has not the numbers 0 … {len(names) - 1}, each once.", CORRECT)
            names = [numbered[number] for number in range(len(names))]
        if not isinstance(names, list) or not names:
            raise DataError(f"{self._name}: names is {shown(names)}, expected the names of the classes.", CORRECT)
        return checked_names(names, f"{self._name}: names")

    def keypoint_numbers(self) -> tuple[int, int] | None:
        """How many keypoints an object has, and how many numbers each: 2, or 3 with its visibility."""
        if (shape := self._content.get("kpt_shape")) is None:
            return None
        numbers = self._whole(shape, "kpt_shape", MOST_KEYPOINTS)
        if len(numbers) != 2 or not 1 <= numbers[0] <= MOST_KEYPOINTS or numbers[1] not in (2, 3):
            raise DataError(f"{self._name}: kpt_shape is {numbers}, expected [keypoints, 2 or 3].", CORRECT)
        return numbers[0], numbers[1]

    def keypoints(self) -> Keypoints | None:
        """The keypoints, by their names if the file has these, else by their numbers."""
        if (shape := self.keypoint_numbers()) is None:
            return None
        names = self._content.get("kpt_names")
        names = next(iter(names.values()), None) if isinstance(names, dict) else names
        names = [str(number) for number in range(shape[0])] if names is None else names
        if not isinstance(names, list) or len(names) != shape[0]:
            raise DataError(f"{self._name}: kpt_names are not {counted(shape[0], 'name')}.", CORRECT)
        named = keypoints_of(checked_names(names, f"{self._name}: kpt_names", "keypoint"))
        if (order := self._content.get("flip_idx")) is None:
            return named
        mirrored = self._whole(order, "flip_idx", MOST_KEYPOINTS)
        if sorted(mirrored) != [*range(shape[0])]:
            found = f"{self._name}: flip_idx is not the numbers 0 … {shape[0] - 1} in another order."
            raise DataError(found, CORRECT)
        return Keypoints(named.names, tuple(mirrored))

    def _whole(self, values: object, key: str, most: int) -> list[int]:
        texts: list[Any] = values if isinstance(values, list) else [None]
        if len(texts) > most or not all(isinstance(each, str) and re.fullmatch("[0-9]{1,9}", each) for each in texts):
            raise DataError(f"{self._name}: {key} is {shown(values)}, expected a list of whole numbers.", CORRECT)
        return [int(each) for each in texts]


def _plain_yaml(data: bytes, name: str) -> object:
    """YAML as mappings, lists and texts, whatever types it claims. Raises DataError for damage."""
    with from_extra("objects", f"{name}: YOLO's YAML"):
        import yaml
    try:
        depth = 0
        for event in yaml.parse(data, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > YAML_DEPTH:
                raise DataError(f"{name}: is nested too deeply.", CORRECT)
        return yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506  # the one that makes nothing but texts of values
    except (yaml.YAMLError, ValueError) as problem:
        reason = " ".join(str(problem).split())
        raise DataError(f"{name}: is not YAML ({reason:.120}).", CORRECT) from None


class _Texts:
    """Reads the texts beside pictures into notes. A line that cannot be an object is a fault."""

    def __init__(
        self, root: str, notes: Notes, keypoint_numbers: tuple[int, int] | None, *, reads_outlines: bool
    ) -> None:
        self._root, self._notes, self._keypoints = root, notes, keypoint_numbers
        self._reads_outlines = reads_outlines and keypoint_numbers is None

    def add(self, number: int, picture: str) -> bool:
        """Add the objects of a picture; False if it has no text."""
        path = Path(self._root, text_of(picture))
        try:
            data = content_of(path, TEXT_BYTES)
        except FileNotFoundError:
            return False
        name = escape_name(str(path))
        for line_number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if words := line.split():
                self._add_line(f"{name}, line {line_number}", number, words)
        return True

    def _add_line(self, where: str, picture: int, words: Sequence[str]) -> None:
        try:
            class_number, *numbers = [float(word) for word in words]
            box, points = self._read(class_number, numbers)
        except ValueError as problem:
            self._notes.faults.append(Fault(where, f"is not an object ({problem})"))
            return
        number = len(self._notes)
        outline = (np.array(numbers),) if self._reads_outlines and len(numbers) > 4 else None
        self._notes.add(
            where, picture, box=box, class_number=int(class_number), number=number, points=points, outline=outline
        )

    def _read(self, class_number: float, numbers: Sequence[float]) -> tuple[Numbers, Numbers]:
        """The box and the keypoints of a line. Raises ValueError where it is not one of an object."""
        if not class_number.is_integer() or abs(class_number) > CLASS_LIMIT:
            raise ValueError(f"the class {class_number:g} is not a whole number")
        count, points = len(numbers), tuple[float, ...]()
        found = f"{count + 1} {plural(count + 1, 'number')}"
        if self._keypoints is not None:
            joints, width = self._keypoints
            if count != 4 + joints * width:
                raise ValueError(f"{found}, expected {5 + joints * width} with keypoints")
            points = tuple(_points(numbers[4:], width))
        elif count != 4 and (count < 6 or count % 2):
            raise ValueError(f"{found}, expected 5 for a box, or pairs for an outline")
        places = numbers if self._keypoints is None else numbers[:4]
        if outside := [each for each in places if each < -BEYOND or each > 1 + BEYOND]:
            raise ValueError(f"{outside[0]:g} is not in 0 … 1, which are parts of the image's width and height")
        if count != 4 and self._keypoints is None:
            return (min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])), points
        x, y, wide, high = numbers[:4]
        return (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), points


def _points(numbers: Sequence[float], width: int) -> Iterator[float]:
    """Keypoints with their visibility. Without one, those at or beyond the top left corner are not labelled."""
    for start in range(0, len(numbers), width):
        x, y, *seen = numbers[start : start + width]
        yield from (x, y, seen[0] if seen else 2.0 * (x >= 0 and y >= 0 and (x, y) != (0, 0)))
