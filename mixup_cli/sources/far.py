"""Sources at URLs: folders, tars and zips are read in place; any other file is fetched once, and read as a local."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from mixup_cli.errors import NoInputError
from mixup_cli.sources.arrays.data_set import open_data_set
from mixup_cli.sources.arrays.folder import UNFINISHED
from mixup_cli.sources.packed import folders, web_dataset
from mixup_cli.sources.packed.copies import opened_as
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.containers import StoredFile
from mixup_cli.storage.names import BEGUN, MANIFEST
from mixup_cli.storage.opened import folder_at
from mixup_cli.storage.seal import WORK_FOLDER
from mixup_cli.storage.stores import Store, local_path


def open_far(url: str, options: SourceOptions, open_local: Callable[[Path, SourceOptions], Source]) -> Source:
    """The source at a URL; `open_local` opens what was fetched. Raises NoInputError if nothing is there, UsageError for
    a URL that cannot be used."""
    if (path := local_path(url)) is not None:
        return open_local(Path(path), options)
    folder, name = Store.open(url), url.rstrip("/").rpartition("/")[2]
    if url.rstrip("/").count("/") < 3:  # a bucket
        return _open_folder(folder, options)
    if name.lower().endswith(".tar"):
        return web_dataset.open_tars([url], url, options)
    store, file = Store.holding(url.rstrip("/"))
    may_be_page = folder.is_read_only and not PurePosixPath(name).suffix  # web servers answer with a page for a folder
    if file == MANIFEST or (may_be_page and folder_at(folder.url) is not None) or store.status(file) is None:
        return _open_folder(folder, options)
    if name.lower().endswith(".zip"):
        return folders.open_zip(StoredFile.open(url), options)

    def fetch(local: Path) -> Source:
        store.fetch(file, local)
        return open_local(local, options)

    return opened_as(url, name, fetch, keep=True)


def _open_folder(store: Store, options: SourceOptions) -> Source:
    if (data_set := folder_at(store.url)) is not None:
        source = open_data_set(data_set, options)
        source.location = store.url
        return source
    if store.is_read_only:
        found = f"{store}: no such file, and folders cannot be listed over {store.scheme}."
        raise NoInputError(found, "Give a .tar, a .zip or another file.")
    sizes = store.names()
    if not sizes:
        raise NoInputError(f"{store}: no such file or folder. Check the URL.")
    if f"{WORK_FOLDER}/{BEGUN}" in sizes:
        raise NoInputError(f"{store}: {UNFINISHED}")
    if tars := web_dataset.tars_among(sizes):
        places = {store.url_of(name): split for name, split in tars.items()}
        return web_dataset.open_some(places, store.url, options)
    return folders.open_stored_folder(store, sizes, options)
