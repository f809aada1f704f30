"""`mixup-gen repair`: only what is damaged is made again, and only what was sealed takes its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import h5py

from mixup_cli.checks.rebuild import ANEW, Asked, Told, agrees, checksums, rebuild, told_by_shards
from mixup_cli.checks.rescan import Rescanned, check_plan, rescan
from mixup_cli.checks.verify import DAMAGE, UNFINISHED, findings_of
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.fields.label_rules import mixed_kind
from mixup_cli.listener import Listener
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import pixel_fingerprint
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.settings import Run
from mixup_cli.runs.standing import other_pixels
from mixup_cli.scan.fill import Scanning
from mixup_cli.scan.scan import Tolerance
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage import manifest as names
from mixup_cli.storage.finish import beside
from mixup_cli.storage.folder import SHARD, DataSetFolder
from mixup_cli.storage.hdf5.shard import ShardWriter, writer_for
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest import Manifest, ShardRecord, read_manifest
from mixup_cli.storage.seal import WORK_FOLDER, storage_errors, sync_folder
from mixup_cli.storage.source_table import TABLE_LIMIT_BYTES, SourceTable, read_table, sealed_table

SMALL = (names.CARD, names.CROISSANT, names.CHECKSUMS)
"""What follows from the manifest."""


@dataclass(frozen=True)
class Repaired:
    """What was wrong with a file, and what was done about it: `made again`, `rebuilt`, `removed` or `left alone`."""

    file: str
    found: tuple[str, ...]
    done: str

    def __str__(self) -> str:
        return f"{self.file}: {'; '.join(self.found)}: {self.done}"


@dataclass(frozen=True)
class Mended:
    """The data set as it is now, and what was done."""

    manifest: Manifest
    repaired: tuple[Repaired, ...]

    @property
    def left(self) -> tuple[Repaired, ...]:
        """What is still wrong."""
        return tuple(each for each in self.repaired if each.done == LEFT)


LEFT = "left alone, since it is none of this data set's. Move it away"


def repair(folder: DataSetFolder, opened: Callable[[], Source], run: Run, listener: Listener) -> Mended:
    """Find what `verify` finds, and put it right. `opened` gives the source, and is asked only where that is needed.

    Raises NoInputError where there is no finished data set, DataError where it cannot be repaired, OutputExistsError
    where a run is writing there. Whatever is raised, no file has been changed that was not made as it was sealed.
    """
    folder.settle()
    _check_there(folder)
    work = _Repair(folder, opened, run, listener)
    work.look()
    if work.is_sound:
        folder.tidy()
        return Mended(work.manifest, ())
    with folder.locked():
        _check_there(folder)  # again: a run that has begun and ended meanwhile has taken the manifest back
        work.look()
        return work.carry_out()


def _check_there(folder: DataSetFolder) -> None:
    if (folder.path / names.MANIFEST).exists():
        return
    if (folder.begun() is not None and not folder.growth.is_begun) or folder.half_cleared:
        raise NoInputError(f"{folder.path}: there is no {names.MANIFEST}. {UNFINISHED}")
    if not any(folder.path.glob("shard-*.h5")):
        raise NoInputError(f"{folder.path}: there is no data set. Name the folder of one.")


class _Repair:
    """One call of `repair`: what is found out step by step."""

    manifest: Manifest

    def __init__(self, folder: DataSetFolder, opened: Callable[[], Source], run: Run, listener: Listener) -> None:
        self._folder, self._out = folder, folder.path
        self._opened, self._run, self._listener = opened, run, listener
        self._engine = LocalEngine(run.workers)
        self._seen: object = None
        self._lost: str | None = None
        self._done: list[Repaired] = []
        self.findings: dict[str, tuple[str, ...]] = {}

    def look(self) -> None:
        """Read the manifest, and find what `verify` finds, by file, unless all is as when it was looked at before."""
        if self._seen is not None and self._seen == self._folder.stamps():
            return
        self._seen, self._lost, self.findings = self._folder.stamps(), self._why_lost(), {}
        if self._lost is None:
            self._find()

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing to do."""
        return self._lost is None and not self.findings

    def _why_lost(self) -> str | None:
        """Why the manifest cannot be read, or is not the one that was sealed; None where it is sound."""
        try:
            manifest = read_manifest(self._out)
        except FileNotFoundError:
            return "is missing"
        except DataError as problem:
            return str(problem).removeprefix(f"{self._out / names.MANIFEST}: ")
        self.manifest = manifest
        data = self._present()
        if (sealed := checksums(self._out).get(names.MANIFEST)) is None:
            is_sealed = agrees(self._out, manifest)
        else:
            is_sealed = data is not None and hashlib.sha256(data).hexdigest() == sealed
        return None if is_sealed and data == manifest.to_json() else f"is not what {names.CHECKSUMS} says"

    @cached_property
    def source(self) -> Source:
        return self._opened()

    def _find(self) -> None:
        """What `verify` finds. This run's own work folder is no finding."""
        for finding in findings_of(self._out, self.manifest, self._run.workers, self._listener):
            if finding.file != WORK_FOLDER or not self._folder.is_locked:
                self.findings[finding.file] = (*self.findings.get(finding.file, ()), finding.problem)

    def carry_out(self) -> Mended:
        """Put everything right, the manifest last. The folder is locked."""
        if self._lost is not None:
            self._rebuild(self._lost)
            self._find()
        shards = [record for record in self.manifest.shards if record.file in self.findings]
        if shards or names.SOURCES in self.findings:
            self._make_again(shards)
        listed = {record.file for record in self.manifest.shards}
        for name in sorted(name for name in self.findings if name.startswith("shard-") and name not in listed):
            self._settle_surplus(name)
        if any(name in self.findings for name in (*SMALL, names.MANIFEST)):
            self._seal_small()
        if WORK_FOLDER in self.findings:
            self._note(WORK_FOLDER, "removed")
        return Mended(self.manifest, tuple(self._done))

    def _note(self, file: str, done: str) -> None:
        self._done.append(Repaired(file, self.findings[file], done))

    def _rebuild(self, lost: str) -> None:
        """The manifest, from shards, sources.csv and, as a last resort, the source. It is sealed at once."""
        told = told_by_shards(self._out, self._engine)
        present = self._present()
        self.manifest = rebuild(self._out, told, self._sources_csv(), partial(self._ask, told), present)
        if (rebuilt := self.manifest.to_json()) != present:
            self._folder.seal(self._out / names.MANIFEST, rebuilt)
            self._done.append(Repaired(names.MANIFEST, (lost,), "rebuilt from the shards"))

    def _present(self) -> bytes | None:
        """The bytes of the manifest that is there."""
        try:
            return content_of(file_inside(self._out, names.MANIFEST))
        except (DataError, StorageError, FileNotFoundError):
            return None

    def _ask(self, told: Sequence[Told]) -> Asked:
        """What the source says of the data set. Raises DataError where nobody knows where that is."""
        try:
            source = self.source
        except (DataError, NoInputError) as problem:
            raise DataError(
                f"{self._out}: what is left does not tell of what kind the source was ({problem}). Name it with "
                "--source."
            ) from None
        return Asked(source.kind, mixed_kind(told[0].recipe, source.labels.kind))

    def _sources_csv(self) -> SourceTable:
        """The table that was sealed. Raises DataError where it is lost: the manifest has its hash, and is lost too."""
        path = self._out / names.SOURCES
        try:
            data = content_of(file_inside(self._out, names.SOURCES), TABLE_LIMIT_BYTES)
        except FileNotFoundError:
            raise DataError(f"{path}: is missing, and there is no manifest. {ANEW}") from None
        sealed = checksums(self._out).get(names.SOURCES)
        if sealed not in (None, hashlib.sha256(data).hexdigest()):
            raise DataError(f"{path}: is not what {names.CHECKSUMS} says, and there is no manifest. {ANEW}")
        return read_table(data, str(path))

    def _make_again(self, shards: Sequence[ShardRecord]) -> None:
        """Shards and sources.csv from the source: all of them beside their places first, each held against its hash."""
        recipe = Recipe.from_dict(self.manifest.recipe)
        check_plan(self._out, recipe, self._run.plan)
        scanning = Scanning(Tolerance("skip"), self._engine, self._listener)
        found = rescan(self._out, recipe, self.source, self._folder.scratch, scanning)
        self._check_same_source(found)
        maker = shard_maker(found, self._run, self._engine.checkpoint)
        writer = writer_for(found.job.spec, self._folder.scratch)
        writer.prepare(record.stop - record.start for record in shards)
        self._listener.begin("repair", sum(record.stop - record.start for record in shards), "samples")
        with maker.supply.serving([range(record.start, record.stop) for record in shards]):
            for record in self._engine.run(partial(self._make, maker, writer, record) for record in shards):
                self._listener.advance(record.stop - record.start)
        self._listener.end()
        if names.SOURCES in self.findings:
            self._folder.seal(self._out / names.SOURCES, found.table.csv)
            self._note(names.SOURCES, "made again from the source")
        with storage_errors(self._out):
            for record in shards:
                (self._folder.scratch / record.file).replace(self._out / record.file)
                self._note(record.file, "made again from the source")
            sync_folder(self._out)

    def _check_same_source(self, found: Rescanned) -> None:
        """Raises DataError unless the source is what it was, naming the first input that differs if it can be told."""
        if found.table.fingerprint == self.manifest.source.fingerprint:
            found.check_labels(self._out, self.manifest)
            return
        if names.SOURCES not in self.findings:
            found.check_same(self._out, sealed_table(self._out))
        raise DataError(
            f"{self._out}: was made from another source (the hash of its list is {found.table.fingerprint[:12]}…, and "
            f"{self.manifest.source.fingerprint[:12]}… was sealed). Name the one it was made from with --source."
        )

    def _make(self, maker: ShardMaker, writer: ShardWriter, record: ShardRecord) -> ShardRecord:
        """One shard, in the scratch folder. Raises DataError where it is not what was sealed."""
        beside_it = self._folder.scratch / record.file
        written = writer.write(beside_it, record.stop - record.start, maker.values(range(record.start, record.stop)))
        if written.file.sha256 == record.sha256:
            return record
        changed = other_pixels(self._folder, pixel_fingerprint())
        why = f"pictures decode to other pixels here ({changed})" if changed else "made with other versions, or edited"
        raise DataError(
            f"{self._out / record.file}: made again, its sha256 is {written.file.sha256[:12]}…, and "
            f"{record.sha256[:12]}… was sealed: {why}. Nothing was changed. Repair it where it was made, or make the "
            "data set again with generate --force."
        )

    def _settle_surplus(self, name: str) -> None:
        """Remove a shard that the manifest lacks if `generate` would make it: of this very recipe, by its name and
        number."""
        path = self._out / name
        number = SHARD.fullmatch(name)
        is_ours = number is not None and name == names.shard_name(int(number[1])) and self._is_of_this_recipe(name)
        if is_ours:
            with storage_errors(path):
                path.unlink()
        self._note(name, "removed, since generate can make it again" if is_ours else LEFT)

    def _is_of_this_recipe(self, name: str) -> bool:
        try:
            with h5py.File(file_inside(self._out, name), "r", locking=False) as file:
                return bool(json.loads(str(file.attrs["recipe"])) == self.manifest.recipe)
        except DAMAGE:
            return False

    def _seal_small(self) -> None:
        """Card, metadata and checksums: all three, since the checksums are of the other two."""
        wrong = dict(self.findings)
        if names.MANIFEST in wrong:  # which was settled: then it is its hash that is wrong
            wrong.setdefault(names.CHECKSUMS, (f"its hash of {names.MANIFEST} is another",))
        sources_bytes = (self._out / names.SOURCES).stat().st_size
        for name, content in beside(self.manifest, self.manifest.to_json(), sources_bytes).items():
            if name not in wrong and (problem := _other_content(self._out, name, content)) is not None:
                wrong[name] = (problem,)
            if name in wrong:
                self._folder.seal(self._out / name, content)
                self._done.append(Repaired(name, wrong[name], "made again from the manifest"))


def _other_content(out: Path, name: str, content: bytes) -> str | None:
    """Why a file is not what the manifest gives, or None. One that an earlier version wrote may differ, too."""
    try:
        return None if content_of(file_inside(out, name)) == content else "is not what the manifest gives"
    except (DataError, StorageError, FileNotFoundError) as problem:
        return f"cannot be read ({problem})"
