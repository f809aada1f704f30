"""What is measured on: real data where it is given, else stand-ins made here, the same on every machine."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import tarfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sample_data.cifar_pickle import batch, integer, mapping, py2_string, sequence

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
PHOTO_SIZE = 500, 375
PHOTO_CLASSES = 10
SUFFIXES = {".jpg", ".jpeg", ".png"}


def cifar_archive(path: Path, per_batch: int = 10_000) -> None:
    """Write an archive as the published cifar-10-python.tar.gz: soft colours with grain in place of pictures."""
    rng = np.random.default_rng(0)
    names = [("label_names", sequence([py2_string(name.encode()) for name in CLASSES]))]
    sizes = [("num_cases_per_batch", integer(per_batch)), ("num_vis", integer(3072))]
    members = {"batches.meta": mapping([*sizes, *names])}
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        labels = rng.integers(0, len(CLASSES), per_batch).tolist()
        files = [f"{name}_{number:05}.png" for number in range(per_batch)]
        members[name] = batch(name, _soft_pictures(rng, per_batch), labels, files)
    part = path.with_suffix(".part")
    with tarfile.open(part, "w:gz", compresslevel=6) as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    part.replace(path)


def _soft_pictures(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """uint8 (count, 3072), channels first."""
    coarse = rng.integers(0, 256, (count, 3, 5, 5)).astype(np.float32)
    where = np.linspace(0, 4, 32)
    first = np.minimum(where.astype(int), 3)
    part = (where - first).astype(np.float32)
    rows = coarse[:, :, first] * (1 - part)[:, None] + coarse[:, :, first + 1] * part[:, None]
    whole = rows[..., first] * (1 - part) + rows[..., first + 1] * part
    whole += rng.normal(0, 6, whole.shape).astype(np.float32)
    pixels: NDArray[np.uint8] = np.clip(np.rint(whole), 0, 255).astype(np.uint8)
    return pixels.reshape(count, -1)


def extract(archive: Path, folder: Path) -> None:
    """Extract a CIFAR archive for the peers, which read folders only."""
    if (folder / "cifar-10-batches-py" / "batches.meta").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def tiny_pictures(cifar_folder: Path, folder: Path, count: int) -> None:
    """Fill `folder` with the first `count` pictures of an extracted CIFAR-10 as JPEGs of quality 90, in folders."""
    shutil.rmtree(folder, ignore_errors=True)
    done = 0
    for number in range(1, 6):
        with (cifar_folder / "cifar-10-batches-py" / f"data_batch_{number}").open("rb") as file:
            stored = pickle.load(file, encoding="latin1")  # made or extracted by this program
        for values, label in zip(stored["data"], stored["labels"], strict=True):
            if done == count:
                return
            place = folder / CLASSES[label] / f"{done:05}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.moveaxis(values.reshape(3, 32, 32), 0, 2)).save(place, quality=90)
            done += 1


def photographs(source: Path, folder: Path, count: int) -> int:
    """Fill `folder` with `count` variants of the photographs in `source`, in ten class folders: another crop, mirrored
    or not, 500 × 375, JPEG of quality 90. Returns how many photographs there were to begin with."""
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f"{source}: no photographs in it")
    if len(list(folder.rglob("*.jpg"))) == count:
        return len(found)
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class-{number % PHOTO_CLASSES}" / f"{number:04}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(found[number % len(found)]) as picture:
            _variant(picture.convert("RGB"), rng).save(place, quality=90)
    return len(found)


def make_videos(photos: Path, folder: Path, count: int) -> Path:
    """Write `count` videos of 250 frames, 340 × 256, in four classes: H.264 in MP4 with one key frame for all, as
    FFmpeg writes them. Each is a photograph that passes by."""
    import av

    pictures, (width, height), frames = sorted(photos.rglob("*.jpg")), (340, 256), 250
    for number in range(count):
        path = folder / f"class-{number % 4}" / f"{number:05d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        page = Image.open(pictures[number % len(pictures)]).convert("RGB").resize((width + frames, height + frames))
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for at in range(frames):
                top = (at * (1 + number % 3)) % frames
                shown = page.crop((at, top, at + width, top + height))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(shown), "rgb24")))
            container.mux(stream.encode())
    return folder


def make_sounds(folder: Path, count: int) -> Path:
    """Write `count` WAV files of 16 bits, a second at 22,050 Hz, in ten classes: a tone that fades, in faint noise."""
    rate, draw = 22_050, np.random.default_rng(0)
    times = np.arange(rate) / rate
    for number in range(count):
        tone = np.sin(2 * np.pi * draw.uniform(100, 4000) * times) * np.exp(-draw.uniform(0, 4) * times)
        values = 0.7 * tone + 0.02 * draw.standard_normal(rate)
        path = folder / f"class-{number % 10}" / f"{number:05d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.rint(32767 * values.clip(-1, 1)).astype("<i2").tobytes())
    return folder


def annotate(folder: Path, file: Path, most: int = 8) -> Path:
    """Write COCO's annotations of the photographs in `folder`: 1 to `most` boxes each, anywhere in them. The file must
    lie elsewhere: others read the same folder without objects."""
    draw, (width, height) = np.random.default_rng(0), PHOTO_SIZE
    images: list[Any] = []
    objects: list[Any] = []
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        name = path.relative_to(folder).as_posix()
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for _ in range(draw.integers(1, most + 1)):
            x, y = int(draw.integers(0, width - 40)), int(draw.integers(0, height - 40))
            sides = [int(draw.integers(30, width - x)), int(draw.integers(30, height - y))]
            box = {"bbox": [x, y, *sides], "category_id": int(draw.integers(80)), "iscrowd": 0}
            objects.append({"id": len(objects), "image_id": number, **box})
    categories = [{"id": number, "name": f"class {number}"} for number in range(80)]
    file.write_text(json.dumps({"images": images, "annotations": objects, "categories": categories}))
    return file


def _variant(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A part of at least 0.7 of the sides, of the aspect that is wanted. Small pictures get the grain that they lack
    when they are enlarged, so that they weigh what photographs of this size do."""
    width, height = PHOTO_SIZE
    scale = min(picture.width / width, picture.height / height) * rng.uniform(0.7, 1)
    part_width, part_height = width * scale, height * scale
    left = rng.uniform(0, picture.width - part_width)
    top = rng.uniform(0, picture.height - part_height)
    box = (left, top, left + part_width, top + part_height)
    made = picture.resize(PHOTO_SIZE, Image.Resampling.BICUBIC, box)
    if rng.random() < 0.5:
        made = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if scale >= 0.8:
        return made
    grain = rng.normal(0, 8, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(made) + grain, 0, 255).astype(np.uint8))
