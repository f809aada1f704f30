"""What Hugging Face's formats share: the features of the columns, and rows as tables of pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.exporters.by_sample import BySample
from mixup_cli.exporters.images import check_images
from mixup_cli.exporters.job import Job
from mixup_cli.readers.samples import Part

SPLIT = "train"


class HuggingFace(BySample):
    """Tables whose `images` are encoded images, and whose methods and classes have names. Signals beside the images are
    images if the encoding holds them, else lists."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        check_images(job.signals, self.image_format, job.options.to)

    def features(self) -> dict[str, Any]:
        """The features by column, as `datasets.Features.from_dict` takes them."""
        return {part.name: self._feature(part) for part in self.job.parts}

    def _feature(self, part: Part) -> dict[str, Any]:
        if part.name in self.encoders:
            return {"_type": "Image"}
        names = {"method": self.job.manifest.methods, "source_label": self.job.class_names}.get(part.name)
        feature: dict[str, Any] = {"dtype": part.dtype.name, "_type": "Value"}
        if names is not None:
            feature = {"names": list(names), "_type": "ClassLabel"}
        for length in reversed(part.shape):
            feature = {"feature": feature, "length": length, "_type": "Sequence"}
        return feature

    def schema(self) -> Any:
        """The schema of the tables, without metadata."""
        import pyarrow as pa

        fields = []
        for part in self.job.parts:
            kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
            if part.name not in self.encoders:
                kind = pa.int64() if part.name in ("method", "source_label") else pa.from_numpy_dtype(part.dtype)
                for length in reversed(part.shape):
                    kind = pa.list_(kind, length)
            fields.append(pa.field(part.name, kind))
        return pa.schema(fields)

    def table(self, schema: Any) -> Callable[[NDArray[np.int64]], Any]:
        """Makes some rows a table."""
        import pyarrow as pa

        def made(rows: NDArray[np.int64]) -> Any:
            columns = [self._column(part, rows, field.type) for part, field in zip(self.job.parts, schema, strict=True)]
            return pa.Table.from_arrays(columns, schema=schema)

        return made

    def _column(self, part: Part, rows: NDArray[np.int64], kind: Any) -> Any:
        import pyarrow as pa

        if part.name in self.encoders:
            paths = [f"{row:09}.{self.ending_of(part.name)}" for row in rows.tolist()]
            images = pa.array(self.encoders[part.name](rows), pa.binary())
            return pa.StructArray.from_arrays([images, pa.array(paths, pa.string())], fields=[*kind])
        column = pa.array(np.ascontiguousarray(part.read(rows)).reshape(-1), pa.from_numpy_dtype(part.dtype))
        if part.name in ("method", "source_label"):
            column = column.cast(pa.int64())
        for length in reversed(part.shape):
            column = pa.FixedSizeListArray.from_arrays(column, length)
        return column
