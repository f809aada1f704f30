"""The end of a run: everything around the shards is sealed, the manifest last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mixup_cli.storage.card import card
from mixup_cli.storage.croissant import croissant
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of, to_json
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.names import CARD, CHECKSUMS, CROISSANT, MANIFEST, RUN, SOURCES
from mixup_cli.storage.seal import Sealed


def finish(folder: DataSetFolder, manifest: Manifest, run_record: dict[str, object]) -> None:
    """Seal the lists of shards, the card, the metadata, the checksums, run.json and the manifest, which completes the
    data set. One that grew beside another then replaces it. Call it under `sealing`."""
    manifest_json, place = manifest.to_json(), folder.place
    for name, content in manifest.list_files():
        folder.seal(place / name, content)
    for name, content in beside(manifest, manifest_json, (place / SOURCES).stat().st_size).items():
        folder.seal(place / name, content)
    folder.seal(place / RUN, to_json(run_record))
    folder.seal(place / MANIFEST, manifest_json)
    folder.growth.take_over()


def beside(manifest: Manifest, manifest_json: bytes, sources_bytes: int) -> dict[str, bytes]:
    """The card, the metadata and the checksums by name. They follow from the manifest, whose bytes are `manifest_json`,
    and the size of sources.csv."""
    described = {SOURCES: Sealed(sources_bytes, manifest.source.fingerprint)}
    files = {CARD: card(manifest).encode(), CROISSANT: to_json(croissant(manifest, described))}
    sums = [(shard.sha256, shard.file) for shard in manifest.shards]
    sums += [(each.sha256, each.file) for each in manifest.shard_lists or ()]
    sums.append((manifest.source.fingerprint, SOURCES))
    sums += [(hashlib.sha256(content).hexdigest(), name) for name, content in files.items()]
    sums.append((hashlib.sha256(manifest_json).hexdigest(), MANIFEST))
    return {**files, CHECKSUMS: checksum_lines(sums)}


def checksum_lines(sums: Sequence[tuple[str, str]]) -> bytes:
    """What `sha256sum -c` reads: a hash, two spaces and a name a line."""
    return "".join(f"{digest}  {name}\n" for digest, name in sums).encode()


def checksum_entries(folder: Path) -> list[tuple[str, str]]:
    """The hashes and names in SHA256SUMS, line by line. Raises FileNotFoundError, StorageError, DataError, and
    ValueError if it is not text."""
    text = content_of(file_inside(folder, CHECKSUMS)).decode()
    lines = text.removesuffix("\n").split("\n")  # splitlines would end lines at a dozen other characters, too
    return [(digest, name) for digest, _, name in (line.partition("  ") for line in lines)]
