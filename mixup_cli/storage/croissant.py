"""croissant.json: MLCommons' metadata, by which catalogues and loaders find out what a data set holds.

Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html). It can say of an HDF5 file where it is
and what its hash is, but not what is in it: there is no way to name a data set in a file. So the shards are
FileObjects, their columns are told in the description, and the only RecordSet is that of sources.csv. Left out is what
nobody knows here: the licence of the source, and (so that equal data sets have equal files) every date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mixup_cli.storage.card import label_meaning, papers, shown_shape, title
from mixup_cli.storage.manifest import SOURCES, Manifest
from mixup_cli.storage.seal import Sealed
from mixup_cli.wording import plural

SPECIFICATION = "http://mlcommons.org/croissant/1.0"

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

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes (its appendix 1), which readers expect word for word."""


def croissant(manifest: Manifest, files: Mapping[str, Sealed]) -> dict[str, Any]:
    """The JSON-LD of a data set. `files` are its sealed files besides the shards, by name."""
    plain: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": SPECIFICATION,
        "name": f"mixup-gen-{manifest.recipe_id[:12]}",
        "description": _description(manifest),
        "version": _version(manifest),
        "distribution": [
            *(_file_object(name, sealed) for name, sealed in sorted(files.items())),
            *(_file_object(shard.file, Sealed(shard.bytes, shard.sha256)) for shard in manifest.shards),
        ],
    }
    if sources := papers(manifest):
        plain["citeAs"] = "\n".join(sources)
    if SOURCES in files:
        plain["recordSet"] = [_source_records(has_groups=manifest.source.groups is not None)]
    return plain


def _version(manifest: Manifest) -> str:
    """MAJOR.MINOR.PATCH as Croissant means it. More passes add rows and change none: so the minor version is the count
    of rows. Another recipe is a data set of another name."""
    return f"{manifest.format_version}.{manifest.totals.samples}.0"


def _description(manifest: Manifest) -> str:
    columns = "; ".join(f"{c.name} {c.dtype} {shown_shape(c.shape)}" for c in manifest.columns)
    count, what = len(manifest.class_names), "quantities" if manifest.label_kind == "real" else "classes"
    classes = f"{count} {what}" if count else "no classes"
    inputs = manifest.source.samples
    labels = f"Labels are {label_meaning(manifest)}. " if count else ""
    return (
        f"{title(manifest)}. Precomputed by mixup-gen from {inputs} source {plural(inputs, 'sample')} with {classes}, "
        f"seed {manifest.recipe['seed']}, recipe_id {manifest.recipe_id}. {labels}"
        f"Every HDF5 shard of N rows has these data sets at its root: {columns}."
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
        "field": [field for field in _source_fields() if has_groups or field["name"] != "group"],
    }


def _source_fields() -> Iterator[dict[str, Any]]:
    for column, (data_type, description) in SOURCE_FIELDS.items():
        yield {
            "@type": "cr:Field",
            "@id": f"sources/{column}",
            "name": column,
            "description": description,
            "dataType": data_type,
            "source": {"fileObject": {"@id": SOURCES}, "extract": {"column": column}},
        }
