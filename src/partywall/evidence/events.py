"""What people record, as a chain of files that are written once: each names the hash of the one before it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from partywall.errors import UserError
from partywall.lake.writer import write_error

FOLDER: Final = "attestations"


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that somebody recorded; `previous` is the sha256 of the file before it, "" for the first."""

    number: int
    previous: str
    kind: str
    recorded_at: datetime
    body: dict[str, Any]


def event_files(data: Path) -> list[Path]:
    """The files of all events of a data directory, in the order in which they were recorded."""
    return sorted((data / FOLDER).glob("[0-9]*.json"))


def head(data: Path) -> str:
    """The sha256 of the last event's file, "" where nothing was recorded: it stands for all before it."""
    files = event_files(data)
    return _hash(files[-1]) if files else ""


def read_events(data: Path) -> list[Event]:
    """All events in order. Raises UserError naming the file that is damaged, changed or missing."""
    events: list[Event] = []
    previous = ""
    for path in event_files(data):
        try:
            raw = path.read_bytes()
            event = msgspec.json.decode(raw, type=Event)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise UserError(f"{path} is no record that partywall wrote ({error}): restore it") from error
        if event.number != len(events) + 1 or not path.name.startswith(f"{event.number:06d}-"):
            raise UserError(f"{path}: the record number {len(events) + 1} before it is missing: restore it")
        if event.previous != previous:
            before = f"{events[-1].number:06d}" if events else "the beginning"
            raise UserError(
                f"{path} does not follow what was recorded before it: the record {before} or this one was"
                " changed after it was written; restore the file (partywall evidence verify names it)"
            )
        previous = hashlib.sha256(raw).hexdigest()
        events.append(event)
    return events


@contextmanager
def recording(data: Path) -> Generator[list[Event]]:
    """All events so far, with the store held for one writer. Raises UserError where it cannot be written."""
    folder = data / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise write_error(folder, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield read_events(data)


def append(data: Path, events: list[Event], kind: str, body: Any, now: datetime | None = None) -> Event:
    """Records one event after `events`, within `recording`; its file appears whole and is never rewritten."""
    last = events[-1].number if events else 0
    event = Event(last + 1, head(data), kind, now or datetime.now(UTC), msgspec.to_builtins(body))
    target = data / FOLDER / f"{event.number:06d}-{kind}.json"
    aside = target.with_suffix(".tmp")
    try:
        with aside.open("wb") as file:
            file.write(orjson.dumps(msgspec.to_builtins(event), option=orjson.OPT_INDENT_2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, as a rename would silently replace what is there.
        os.link(aside, target)
        aside.unlink()
    except OSError as error:
        raise write_error(target, error) from error
    events.append(event)
    return event


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
