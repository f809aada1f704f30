"""TFRecord: files of `tf.train.Example`, and `features.json`, by which `tf.io.parse_example` reads them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mixup_cli.exporters.by_sample import BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Piece
from mixup_cli.readers.samples import Part
from mixup_cli.storage.json_files import to_json

FEATURES = "features.json"


class TfRecord(BySample):
    """`shard-00000.tfrecord` for each piece. A signal is a string: an encoded image, or the bytes of an array for
    `tf.io.decode_raw`. Other columns are lists of float32 or int64: an Example has no other numbers."""

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        with _errors_of_the_system(), tf.io.TFRecordWriter(str(folder / f"shard-{piece.number:05}.tfrecord")) as file:
            for sample in self.samples(piece.rows):
                features = {name: _feature(value, name in self.job.signals) for name, value in sample.items()}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                file.write(example.SerializeToString(deterministic=True))
        return {}

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        features = {part.name: self._described(part) for part in self.job.parts}
        (folder / FEATURES).write_bytes(to_json({"features": features, **self.job.facts()}))

    def _described(self, part: Part) -> dict[str, Any]:
        """`dtype` and `shape` for `tf.io.FixedLenFeature`; of a signal also what its string holds."""
        if part.name not in self.job.signals:
            return {"dtype": "float32" if part.dtype.kind == "f" else "int64", "shape": part.shape}
        holds = {"encoding": self.encoding_of(part.name) if part.name in self.encoders else "raw"}
        return {"dtype": "string", "shape": (), **holds, "array_dtype": part.dtype.name, "array_shape": part.shape}


def _feature(value: Any, is_signal: bool) -> tf.train.Feature:
    if is_signal:
        data = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    if value.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value.ravel()))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value.ravel()))


@contextmanager
def _errors_of_the_system() -> Iterator[None]:
    """TensorFlow's errors as OSError. They have the system's words, and not its number."""
    try:
        yield
    except tf.errors.OpError as problem:
        known = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        number = next((each for each in known if os.strerror(each) in problem.message), errno.EIO)
        raise OSError(number, os.strerror(number)) from problem
