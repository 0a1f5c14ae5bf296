"""What the models remember: which parts of the logs each was asked about, and one Parquet file of what it
learned for each account and UTC day.

A day's file is made anew from all of the day's records whenever there are new ones, so late and repeated
records change nothing twice. Days older than HISTORY are forgotten: that bounds size, and is the decay.
"""

from __future__ import annotations

import bisect
import json
import os
import re
from collections.abc import Hashable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from partywall.errors import UserError
from partywall.lake.source import literal

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.store import LogStore

HISTORY: Final = 90
"""Days that count as history."""
WARM_UP: Final = 14
"""Days with records before a model that compares with history alarms."""
_VERSION: Final = 1
_Key = TypeVar("_Key", bound=Hashable)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Memory:
    """The memory in a directory. Raises UserError where it cannot be read or written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._state = directory / "state.json"
        self._seen: dict[str, dict[str, Any]] = {}
        try:
            if self._state.exists():
                told = cast("dict[str, Any]", json.loads(self._state.read_text("utf-8")))
                self._seen = told["models"] if told["version"] == _VERSION else {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"cannot read the models' memory {self._state}: {error}; delete {directory} to learn anew"
            ) from error

    def fresh(self, logs: LogStore, table: str, model: str, version: str) -> list[tuple[date, str]]:
        """(UTC day, account) of a log table with parts that the model in that version was not asked about.

        In order of time. They count as asked about once `save` is called.
        """
        parts = {part.path: part for part in logs.parts(table)}
        name = f"{model}/{table}"
        before = self._seen.get(name, {})
        known: set[str] = set(before.get("parts", ())) if before.get("version") == version else set()
        self._seen[name] = {"version": version, "parts": sorted(parts)}
        return sorted(
            {
                (date.fromisoformat(part.date), part.account)
                for path, part in parts.items()
                if path not in known and _DAY.fullmatch(part.date)
            }
        )

    def save(self) -> None:
        """Writes down which parts were asked about."""
        self._write(self._state, json.dumps({"version": _VERSION, "models": self._seen}).encode())

    def put(self, name: str, account: str, day: date, rows: pa.Table) -> None:
        """Replaces what a model remembers of an account's day, and forgets days before HISTORY."""
        import pyarrow as pa
        from pyarrow import parquet

        sink = pa.BufferOutputStream()
        parquet.write_table(rows, sink, compression="zstd")
        self._write(self._file(name, account, day), sink.getvalue().to_pybytes())
        days = self._days(name, account)
        for old in days:
            if old < days[-1] - timedelta(days=HISTORY):
                self._file(name, account, old).unlink(missing_ok=True)

    def days(self, name: str, account: str, before: date) -> list[date]:
        """The days of an account in history before one, oldest first."""
        oldest = before - timedelta(days=HISTORY)
        return [day for day in self._days(name, account) if oldest <= day < before]

    def history(self, name: str, account: str, before: date, columns: Mapping[str, str]) -> str:
        """SELECT of an account's rows of the days before one, with the column `day`; typed where none are."""
        parts = [
            f"SELECT {', '.join(columns)}, DATE '{day}' AS day"
            f" FROM read_parquet({literal(str(self._file(name, account, day)))})"
            for day in self.days(name, account, before)
        ]
        if parts:
            return " UNION ALL ".join(parts)
        typed = ", ".join(f"NULL::{kind} AS {column}" for column, kind in columns.items())
        return f"SELECT {typed}, NULL::DATE AS day WHERE FALSE"

    def _days(self, name: str, account: str) -> list[date]:
        found = (path.stem for path in (self.directory / name / account).glob("*.parquet"))
        return sorted(date.fromisoformat(day) for day in found if _DAY.fullmatch(day))

    def _file(self, name: str, account: str, day: date) -> Path:
        return self.directory / name / account / f"{day.isoformat()}.parquet"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(f".{os.getpid()}.half")
            half.write_bytes(content)
            half.replace(path)
        except OSError as error:
            raise UserError(
                f"cannot write the models' memory {path}: {error}; name another place with --data"
            ) from error


def alarms(today: Mapping[_Key, float], past: Sequence[Sequence[float]], rate: float) -> dict[_Key, float]:
    """Which of today's scores stand out, with the rate (alerts a day) at which such scores come.

    A score alarms if, over the past days and today, no more than `rate` a day are as high. Days that are
    alike (exchangeable) therefore alarm at most `rate` times a day on average, whatever the scores'
    distribution: the argument of conformal prediction, with ties counted against alarming.
    """
    days = len(past) + 1
    pooled = sorted([score for each in past for score in each] + list(today.values()))
    found: dict[_Key, float] = {}
    for key, score in today.items():
        as_high = len(pooled) - bisect.bisect_left(pooled, score)
        if score > 0 and as_high <= rate * days:
            found[key] = as_high / days
    return found
