"""The end of a run: everything around the shards is sealed, the manifest last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mixup_cli.storage.card import card
from mixup_cli.storage.croissant import croissant
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.json_files import to_json
from mixup_cli.storage.manifest import CARD, CHECKSUMS, CROISSANT, MANIFEST, RUN, SOURCES, Manifest
from mixup_cli.storage.seal import Sealed, seal_bytes


def finish(folder: DataSetFolder, manifest: Manifest, run_record: dict[str, object]) -> None:
    """Seal the card, the metadata, the checksums, run.json and the manifest. From then on it is a data set."""
    sources = (folder.path / SOURCES).stat().st_size
    sealed = {SOURCES: Sealed(sources, manifest.source.fingerprint)}
    for name, content in (
        (CARD, card(manifest).encode()),
        (CROISSANT, to_json(croissant(manifest, dict(sealed)))),
    ):
        sealed[name] = seal_bytes(folder.path / name, content, folder.work)
    manifest_bytes = manifest.to_json()
    sums = [(shard.sha256, shard.file) for shard in manifest.shards]
    sums += [(each.sha256, name) for name, each in sealed.items()]
    sums.append((hashlib.sha256(manifest_bytes).hexdigest(), MANIFEST))
    seal_bytes(folder.path / CHECKSUMS, checksum_lines(sums), folder.work)
    seal_bytes(folder.path / RUN, to_json(run_record), folder.work)
    seal_bytes(folder.path / MANIFEST, manifest_bytes, folder.work)


def checksum_lines(sums: Sequence[tuple[str, str]]) -> bytes:
    """What `sha256sum -c` reads: a hash, two spaces and a name a line."""
    return "".join(f"{digest}  {name}\n" for digest, name in sums).encode()
