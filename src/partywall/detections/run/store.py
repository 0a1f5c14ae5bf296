"""Stored detections and incidents: one SQLite file, merged by id, every event counted once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from partywall.detections.detection import MOST_EVENTS, Detection, worse
from partywall.errors import UserError

NAME: Final = "detections.sqlite"
_MOST: Final = 100
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS detection (
    id TEXT PRIMARY KEY, told TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    rule TEXT NOT NULL, principal TEXT NOT NULL, severity TEXT NOT NULL,
    found_at TEXT NOT NULL, changed_at TEXT NOT NULL, run INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS detection_time ON detection (last);
CREATE TABLE IF NOT EXISTS event (
    detection TEXT NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (detection, event)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evaluated (version TEXT NOT NULL, part TEXT NOT NULL, PRIMARY KEY (version, part))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident (id TEXT PRIMARY KEY, told TEXT NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS closed (id TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, at TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A detection with its events and their times (microseconds since 1970), as a run hands it over."""

    detection: Detection
    times: tuple[tuple[str, int], ...] = ()
    """(event id, time) of every event that proves it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored detection: when it was first found, in which run it last grew, why it was closed if it was."""

    detection: Detection
    found_at: datetime
    changed_at: datetime
    state: str
    """new (found in the last run), open, reopened (grew after it was closed) or resolved."""
    reason: str = ""


class DetectionStore:
    """The detections of a data directory. Raises UserError where the file cannot be opened or written."""

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"cannot open the detections in {self.path}: {error}; name another place with --data"
            ) from error

    @classmethod
    def if_there(cls, data: Path) -> DetectionStore | None:
        """The store where one was written; None elsewhere, so that reading makes no file."""
        return cls(data) if (data / NAME).exists() else None

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def begin(self, now: datetime) -> int:
        """Starts a run; returns its number."""
        return int(self._db.execute("INSERT INTO run (at) VALUES (?)", (now.isoformat(),)).lastrowid or 0)

    def evaluated(self, version: str) -> set[str]:
        """The parts of log tables that rules of that version were asked of."""
        rows = self._db.execute("SELECT part FROM evaluated WHERE version = ?", (version,)).fetchall()
        return {part for (part,) in rows}

    def add(
        self, found: Iterable[Found], run: int, now: datetime, version: str = "", parts: Iterable[str] = ()
    ) -> tuple[int, int]:
        """Merges detections and marks parts as evaluated, in one transaction: (new ones, ones that grew)."""
        fresh = grown = 0
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for each in found:
                outcome = self._merge(each, run, now)
                fresh += outcome == "new"
                grown += outcome == "grown"
            self._db.executemany(
                "INSERT OR IGNORE INTO evaluated VALUES (?, ?)", [(version, part) for part in parts]
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return fresh, grown

    def _merge(self, found: Found, run: int, now: datetime) -> str:
        made = found.detection
        times = found.times or tuple((event, _micros(made.first_seen)) for event in made.events)
        before = self._db.execute("SELECT count(*) FROM event WHERE detection = ?", (made.id,)).fetchone()[0]
        self._db.executemany(
            "INSERT OR IGNORE INTO event VALUES (?, ?, ?)", [(made.id, event, at) for event, at in times]
        )
        row = self._db.execute("SELECT told FROM detection WHERE id = ?", (made.id,)).fetchone()
        counted, first, last = self._db.execute(
            "SELECT count(*), min(at), max(at) FROM event WHERE detection = ?", (made.id,)
        ).fetchone()
        old = _detection(row[0]) if row else None
        if old is not None and counted == before and made.count <= old.count:
            return "known"
        events = self._db.execute(
            "SELECT event FROM event WHERE detection = ? ORDER BY at, event LIMIT ?", (made.id, MOST_EVENTS)
        ).fetchall()
        merged = _merged(old, made) if old else made
        if counted:
            # Times of events that the record did not tell stand for nothing.
            merged = replace(
                merged,
                events=tuple(event for (event,) in events),
                count=max(counted, merged.count if not found.times else 0),
            )
        if found.times and first is not None:
            merged = replace(merged, first_seen=_time(first), last_seen=_time(last))
        self._db.execute(
            "INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " told = excluded.told, first = excluded.first, last = excluded.last,"
            " severity = excluded.severity, changed_at = excluded.changed_at",
            (
                merged.id,
                json.dumps(asdict(merged), default=_text),
                _micros(merged.first_seen),
                _micros(merged.last_seen),
                merged.rule,
                merged.principal,
                merged.severity,
                now.isoformat(),
                now.isoformat(),
                run,
            ),
        )
        return "grown" if old else "new"

    def detections(self, since: datetime | None = None, until: datetime | None = None) -> list[Kept]:
        """What is stored, oldest first; of a time if named."""
        last_run = self._db.execute("SELECT max(id) FROM run").fetchone()[0]
        rows = self._db.execute(
            "SELECT d.told, d.found_at, d.changed_at, d.run, c.at, c.reason FROM detection d"
            " LEFT JOIN closed c ON c.id = d.id WHERE d.last >= ? AND d.first < ? ORDER BY d.first, d.id",
            (_micros(since) if since else -(1 << 62), _micros(until) if until else 1 << 62),
        ).fetchall()
        return [
            Kept(
                _detection(told),
                datetime.fromisoformat(found_at),
                datetime.fromisoformat(changed_at),
                _state(run == last_run, changed_at, closed),
                reason or "",
            )
            for told, found_at, changed_at, run, closed, reason in rows
        ]

    def habits(self, rules: Sequence[str] = ()) -> dict[tuple[str, str], set[str]]:
        """(rule, principal) -> the UTC days on which it was found."""
        where = f" WHERE rule IN ({', '.join('?' * len(rules))})" if rules else ""
        found: dict[tuple[str, str], set[str]] = {}
        for rule, principal, first in self._db.execute(
            f"SELECT rule, principal, first FROM detection{where}", tuple(rules)
        ):
            found.setdefault((rule, principal), set()).add(_time(first).date().isoformat())
        return found

    def incidents(self) -> list[dict[str, Any]]:
        """Stored incidents as they were told, latest first."""
        rows = self._db.execute("SELECT told FROM incident ORDER BY last DESC, id").fetchall()
        return [json.loads(told) for (told,) in rows]

    def keep_incidents(self, told: Iterable[tuple[str, dict[str, Any], int]], gone: Iterable[str]) -> None:
        """Writes incidents (id, what is told, last time in microseconds); those of `gone` are merged ones."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM incident WHERE id = ?", [(each,) for each in gone])
        self._db.executemany(
            "INSERT OR REPLACE INTO incident VALUES (?, ?, ?)",
            [(name, json.dumps(each, default=_text), last) for name, each, last in told],
        )
        self._db.execute("COMMIT")

    def closed(self) -> dict[str, tuple[datetime, str]]:
        """Id of a detection or incident -> when it was closed, and why."""
        rows = self._db.execute("SELECT id, at, reason FROM closed").fetchall()
        return {name: (datetime.fromisoformat(at), reason) for name, at, reason in rows}

    def resolve(self, ids: Iterable[str], reason: str, now: datetime) -> None:
        """Closes detections or incidents; what grows afterwards is reopened."""
        self._db.executemany(
            "INSERT OR REPLACE INTO closed VALUES (?, ?, ?)",
            [(each, now.isoformat(), reason) for each in ids],
        )


def _state(fresh: bool, changed_at: str, closed: str | None) -> str:
    if closed is not None:
        return "reopened" if changed_at > closed else "resolved"
    return "new" if fresh else "open"


def _merged(old: Detection, new: Detection) -> Detection:
    """Two of one id: spans joined, lists joined, the later's words."""
    later, earlier = (new, old) if new.last_seen >= old.last_seen else (old, new)

    def both(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys((*getattr(earlier, name), *getattr(later, name))))[:_MOST]

    return replace(
        later,
        severity=worse(old.severity, new.severity),
        confidence=max(old.confidence, new.confidence),
        first_seen=min(old.first_seen, new.first_seen),
        last_seen=max(old.last_seen, new.last_seen),
        count=max(old.count, new.count),
        addresses=both("addresses"),
        resources=both("resources"),
        facts=both("facts"),
        explanation=later.explanation,
    )


def _detection(told: str) -> Detection:
    read = json.loads(told)
    for name in ("first_seen", "last_seen"):
        read[name] = datetime.fromisoformat(read[name])
    for name in ("addresses", "resources", "events", "techniques", "tactics"):
        read[name] = tuple(read[name])
    read["facts"] = tuple((name, value) for name, value in read["facts"])
    return Detection(**read)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _micros(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
