"""What was ingested: files done, parts that are visible, positions of live sources. One SQLite file.

A part (Parquet file) exists for readers only by its row here, and the rows of a file's parts and of the file
itself are one transaction: killed at any moment, a file is either wholly there or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

from partywall.errors import UserError

NAME: Final = "state.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS source (
    id INTEGER PRIMARY KEY, uri TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    status TEXT NOT NULL, told TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS part (
    path TEXT PRIMARY KEY, log TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, date TEXT NOT NULL,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL, first INTEGER, last INTEGER, version INTEGER NOT NULL,
    open TEXT
);
CREATE INDEX IF NOT EXISTS part_place ON part (log, account, region, date);
CREATE TABLE IF NOT EXISTS position (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(slots=True)
class FileReport:
    """How the reading of one file went.

    `status` is done (read to its end), damaged (read as far as it could be), refused (a limit stopped it),
    unreadable, unknown (no kind of log), skipped (a digest, or nothing to read) or again (read before).
    `problems` counts what was wrong, by kind; `examples` has one line of detail for each.
    """

    uri: str
    kind: str = ""
    status: str = "done"
    records: int = 0
    """Records found, also those that were not stored."""
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    bytes_read: int = 0
    bytes_unpacked: int = 0
    problems: dict[str, int] = field(default_factory=dict[str, int])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def problem(self, kind: str, detail: str = "", count: int = 1) -> None:
        """Counts a problem; the first of its kind keeps a detail of at most 200 characters."""
        self.problems[kind] = self.problems.get(kind, 0) + count
        if detail and kind not in self.examples:
            self.examples[kind] = detail[:200]


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a log table. `first` and `last` are microseconds since 1970; None without times."""

    path: str
    """Relative to the directory of logs."""
    log: str
    account: str
    region: str
    date: str
    rows: int
    bytes: int
    first: int | None
    last: int | None
    version: int


class State:
    """The state of a directory of logs. Raises UserError where it cannot be opened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(directory / NAME, timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"cannot open the logs' state in {directory}: {error}; name another place with --data"
            ) from error

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def seen(self, fingerprint: str) -> FileReport | None:
        """What a file of the same content came to before; None where it is new."""
        row = self._db.execute("SELECT told FROM source WHERE fingerprint = ?", (fingerprint,)).fetchone()
        return FileReport(**json.loads(row[0])) if row else None

    def reports(self) -> list[FileReport]:
        """Every file that was read, in the order of reading."""
        rows = self._db.execute("SELECT told FROM source ORDER BY id").fetchall()
        return [FileReport(**json.loads(told)) for (told,) in rows]

    def parts(self, log: str, *, hidden: bool = False, **place: str) -> list[Part]:
        """The parts of a log table, of one place if named; `hidden` adds unfinished ones."""
        where = "".join(f" AND {name} = ?" for name in place) + ("" if hidden else " AND open IS NULL")
        rows = self._db.execute(
            "SELECT path, log, account, region, date, rows, bytes, first, last, version FROM part"
            f" WHERE log = ?{where} ORDER BY path",
            (log, *place.values()),
        ).fetchall()
        return [Part(*row) for row in rows]

    def known(self, path: str) -> bool:
        """Whether a part of that path exists, unfinished or not."""
        return self._db.execute("SELECT 1 FROM part WHERE path = ?", (path,)).fetchone() is not None

    def logs(self) -> list[str]:
        """The log tables that have rows."""
        rows = self._db.execute("SELECT DISTINCT log FROM part WHERE open IS NULL ORDER BY log").fetchall()
        return [log for (log,) in rows]

    def commit(
        self,
        at: str,
        *,
        parts: Iterable[Part] = (),
        open_for: str | None = None,
        done: Mapping[str, FileReport] = {},
        replaced: Iterable[str] = (),
        positions: Mapping[str, Any] = {},
    ) -> None:
        """One transaction: adds parts, marks files (fingerprint -> report) done, drops replaced parts.

        Parts added `open_for` a fingerprint stay invisible until that file is done.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("DELETE FROM part WHERE path = ?", [(p,) for p in replaced])
            self._db.executemany(
                "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*astuple(p), open_for) for p in parts],
            )
            for fingerprint, report in done.items():
                self._db.execute("UPDATE part SET open = NULL WHERE open = ?", (fingerprint,))
                self._db.execute(
                    "INSERT OR REPLACE INTO source (uri, fingerprint, kind, status, told, at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (report.uri, fingerprint, report.kind, report.status, json.dumps(asdict(report)), at),
                )
            self._db.executemany(
                "INSERT OR REPLACE INTO position VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in positions.items()],
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def position(self, name: str) -> Any:
        """Where a live source was left; None at first."""
        row = self._db.execute("SELECT value FROM position WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def abandon(self) -> list[str]:
        """Forgets the parts of files that were never finished; returns their paths, to be removed."""
        rows = self._db.execute("DELETE FROM part WHERE open IS NOT NULL RETURNING path").fetchall()
        return [path for (path,) in rows]
