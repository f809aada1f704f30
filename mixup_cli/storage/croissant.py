"""croissant.json: MLCommons' metadata, which catalogues and loaders read.

Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html) cannot name a data set inside an HDF5
file. So the shards are FileObjects (one FileSet, where the manifest has lists of them), the description lists their
columns, and the only RecordSet is that of sources.csv.
The licence of the source is unknown here, and dates are left out, so that equal data sets have equal files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from mixup_cli.storage.card import papers, seeds, shown_shape, title
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.meanings import encoding_meaning, label_meaning, meanings
from mixup_cli.storage.names import SOURCES
from mixup_cli.storage.seal import Sealed
from mixup_cli.wording import plural

HDF5_TYPE = "application/x-hdf5"
MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown", ".h5": HDF5_TYPE}

SOURCE_FIELDS = {
    "source_index": ("sc:Integer", "The number of the input: what the column source_index of a shard refers to."),
    "key": ("sc:Text", "The name of the input in its source."),
    "label": ("sc:Text", "The name of its class; 16 hex digits of its hash for a label of numbers; empty for none."),
    "group": ("sc:Text", "Its group: only inputs of the same group are mixed."),
    "bytes": ("sc:Integer", "Its stored size."),
    "sha256": ("sc:Text", "The hash of its stored bytes."),
    "status": ("sc:Text", "ok, or why it was left out."),
}

MLCOMMONS = "http://mlcommons.org/croissant/"

PROPERTIES = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isLiveDataset "
    "jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source "
    "subField transform"
).split()

SHARD_SET = {
    "@type": "cr:FileSet",
    "@id": "shards",
    "name": "shards",
    "description": "The shards, whose hashes are in the lists.",
    "encodingFormat": HDF5_TYPE,
    "includes": "shard-*.h5",
}
"""All shards, where they are too many for a FileObject each."""

CONTEXT: dict[str, Any] = {
    **{name: f"cr:{name}" for name in PROPERTIES},
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": MLCOMMONS,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": f"{MLCOMMONS}RAI/",
    "sc": "https://schema.org/",
}
"""The context that the specification prescribes (its appendix 1). Readers expect it word for word."""


def croissant(manifest: Manifest, files: Mapping[str, Sealed]) -> dict[str, Any]:
    """The JSON-LD of a data set. `files` are its sealed files besides the shards, by name."""
    described = manifest.shard_lists or manifest.shards
    plain: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{MLCOMMONS}1.0",
        "name": f"mixup-gen-{manifest.recipe_id[:12]}",
        "description": _description(manifest),
        "version": _version(manifest),
        "distribution": [
            *(_file_object(name, sealed) for name, sealed in sorted(files.items())),
            *(_file_object(each.file, Sealed(each.bytes, each.sha256)) for each in described),
            *([SHARD_SET] if manifest.shard_lists else []),
        ],
    }
    if sources := papers(manifest):
        plain["citeAs"] = "\n".join(sources)
    if SOURCES in files:
        plain["recordSet"] = [_source_records(has_groups=manifest.source.groups is not None)]
    return plain


def _version(manifest: Manifest) -> str:
    """MAJOR.MINOR.PATCH as Croissant means it: more passes only add rows, so the minor version is the count of rows."""
    return f"{manifest.format_version}.{manifest.totals.samples}.0"


def _description(manifest: Manifest) -> str:
    columns = "; ".join(f"{c.name} {c.dtype} {shown_shape(c.shape)}" for c in manifest.columns)
    mixed = "; ".join(f"{c.name} {c.dtype} {shown_shape(c.shape)}" for c in manifest.mixed or ())
    known, count, what = (
        meanings(manifest),
        len(manifest.class_names),
        "quantities" if manifest.label_kind == "real" else "classes",
    )
    classes = f"{count} {what}" if count else "no classes"
    inputs = manifest.source.samples
    maps = "".join(f"{s.name} is {known[s.name]}. " for s in manifest.signals if s.kind != "signal")
    labels = f"Labels are {label_meaning(manifest)}. {maps}" if count or maps else ""
    encoded = "".join(f" A row of {c.name} is {encoding_meaning(c)}." for c in manifest.columns if c.encoding)
    return (
        f"{title(manifest)}. Precomputed by mixup-gen from {inputs} source {plural(inputs, 'sample')} with {classes}, "
        f"seed {seeds(manifest)}, recipe_id {manifest.recipe_id}. {labels}"
        f"Every HDF5 shard of N rows has these data sets at its root: {columns}.{encoded}"
        + (f" mixup-gen's readers mix by them: {mixed}." if mixed else "")
    )


def _file_object(name: str, sealed: Sealed) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{sealed.file_bytes} B",
        "encodingFormat": MEDIA_TYPES.get(PurePath(name).suffix, "application/octet-stream"),
        "sha256": sealed.sha256,
    }


def _source_records(has_groups: bool) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "sources",
        "name": "sources",
        "description": "The inputs that were mixed, and those that were left out.",
        "key": {"@id": "sources/source_index"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"sources/{column}",
                "name": column,
                "description": description,
                "dataType": data_type,
                "source": {"fileObject": {"@id": SOURCES}, "extract": {"column": column}},
            }
            for column, (data_type, description) in SOURCE_FIELDS.items()
            if has_groups or column != "group"
        ],
    }
