"""The scans of a data directory: published whole by one rename, listed by time, never changed after."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from partywall.errors import UserError
from partywall.lake.writer import write_error

PARTIAL: Final = ".partial"
MANIFEST: Final = "manifest.json"
LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a scan set out to do and how it ended; `selection` lists only what was limited."""

    id: str
    version: str
    started_at: datetime
    accounts: list[dict[str, str]]
    regions: list[str]
    enabled_regions: dict[str, list[str]]
    """Account id -> all its enabled Regions, scanned or not."""
    demand: dict[str, list[str]]
    """Table -> the demanded columns; others are NULL because nobody asked."""
    checks: list[str]
    selection: dict[str, Any] = field(default_factory=dict[str, Any])
    finished_at: datetime | None = None
    complete: bool = False
    follows: list[str] = field(default_factory=list[str])
    """The scans whose findings' histories this one goes on from: two where they ran side by side."""
    variants: dict[str, str] = field(default_factory=dict[str, str])
    """Glob of ARNs -> the variant of the responsibility model that the user says such resources are of."""
    intents: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the user said may, must and must not reach what, with its file; empty where nothing was said."""


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Writes the manifest beside the data, durably; raises UserError where it cannot."""
    path = directory / MANIFEST
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".tmp").open("wb") as file:
            file.write(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".tmp").rename(path)
    except OSError as error:
        raise write_error(path, error) from error


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a scan; raises UserError where it is not one."""
    try:
        return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise UserError(
            f"{directory} holds no readable scan ({error}): choose another with --scan, or scan again"
        ) from error


class DataDirectory:
    """The place where scans are kept: `scans/ID` published, `scans/ID.partial` under way or interrupted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scans = path / "scans"

    def published(self) -> list[str]:
        """The ids of the published scans, oldest first."""
        if not self.scans.is_dir():
            return []
        return sorted(
            p.name for p in self.scans.iterdir() if p.suffix != PARTIAL and (p / MANIFEST).is_file()
        )

    def interrupted(self) -> list[str]:
        """The ids of scans that were begun and not published (perhaps still running), oldest first.

        One that was stopped before its plan was written has nothing to go on with and is left out.
        """
        if not self.scans.is_dir():
            return []
        return sorted(
            p.name.removesuffix(PARTIAL)
            for p in self.scans.iterdir()
            if p.suffix == PARTIAL and (p / MANIFEST).is_file()
        )

    def running(self, scan_id: str) -> bool:
        """Whether some process is at work on an unpublished scan."""
        try:
            with (self.partial(scan_id) / LOCK).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def heads(self, before: str, without: Collection[str] = ()) -> list[str]:
        """The scans whose findings' histories one begun later goes on from.

        Of the scans older than `before` they are those that no other of these follows: one as a rule, more
        where scans ran side by side. Raises UserError for an unreadable manifest that is not in `without`.
        """
        follows: dict[str, list[str]] = {}
        for name in self.published():
            if name < before and name not in without:
                follows[name] = read_manifest(self.scans / name).follows
        taken = {name for names in follows.values() for name in names}
        return [name for name in follows if name not in taken]

    def resolve(self, name: str = "latest") -> Path:
        """The directory of a scan: an id, the unambiguous beginning of one, "latest" or "previous".

        Raises UserError where there is none.
        """
        ids = self.published()
        if not ids:
            raise UserError(
                f"there is no scan in {self.path} yet; make one with: partywall scan --data {self.path}"
            )
        if name == "latest":
            return self.scans / ids[-1]
        if name == "previous":
            if len(ids) < 2:
                raise UserError(f"there is only one scan in {self.path}, so none is previous")
            return self.scans / ids[-2]
        matches = [i for i in ids if i == name] or [i for i in ids if i.startswith(name)]
        if len(matches) != 1:
            fault = "no scan" if not matches else "more than one scan"
            raise UserError(
                f"{fault} in {self.path} is called {name!r}; the latest are {', '.join(ids[-3:])}"
            )
        return self.scans / matches[0]

    def partial(self, scan_id: str) -> Path:
        """Where a scan is written before it is published."""
        return self.scans / f"{scan_id}{PARTIAL}"

    @contextmanager
    def claimed(self, scan_id: str) -> Generator[Path]:
        """Holds a staging directory for one process; raises UserError where another has it."""
        directory = self.partial(scan_id)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            file = (directory / LOCK).open("w")
        except OSError as error:
            raise write_error(directory, error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(
                    f"the scan {scan_id} is being worked on by another process; wait for it, or leave"
                    " --resume out to begin one of its own"
                ) from error
            yield directory

    @contextmanager
    def publishing(self) -> Generator[None]:
        """Held while a scan reads its predecessor and is published, so that two scans follow one another."""
        try:
            self.scans.mkdir(parents=True, exist_ok=True)
            file = (self.path / "publish.lock").open("w")
        except OSError as error:
            raise write_error(self.path, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def publish(self, scan_id: str) -> Path:
        """Makes a finished scan visible by one rename; raises UserError where it cannot."""
        source, target = self.partial(scan_id), self.scans / scan_id
        try:
            source.rename(target)
            (target / LOCK).unlink(missing_ok=True)
            folder = os.open(self.scans, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise write_error(target, error) from error
        return target

    def discard(self, scan_id: str) -> None:
        """Removes an interrupted scan's staging directory."""
        shutil.rmtree(self.partial(scan_id), ignore_errors=True)
