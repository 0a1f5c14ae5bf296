"""What callers are used to: which calls, services, Regions, tools, networks and volumes, on which days.

One Parquet file an account (`models/trail/<account>.parquet`): a row for each caller and thing, with a bit
for each of the last DAYS days. Learning a day twice sets the same bits, late days set older ones, and a row
without bits left is dropped: that bounds size, and is the decay. `<account>.scores.json` beside it has the
days' highest scores.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from partywall.errors import UserError
from partywall.lake.source import literal

if TYPE_CHECKING:
    import duckdb

DAYS: Final = 64
"""Days that are remembered, the last one learned included."""
_SCORES: Final = 40
"""Scores that are kept of a day."""
_MOST: Final = 500_000
"""Rows that are kept of an account: those seen on most days."""
_COLUMNS: Final = (
    "account VARCHAR, actor VARCHAR, kind VARCHAR, what VARCHAR, value VARCHAR, n DOUBLE, seen UBIGINT"
)


class Habits:
    """The habits in a directory, loaded as the table `known` of a connection.

    Bit k of `seen`: seen on the day k days before `base`. Raises UserError where a file cannot be read or
    written.
    """

    def __init__(
        self, directory: Path, connection: duckdb.DuckDBPyConnection, accounts: Sequence[str], last: date
    ) -> None:
        self._directory, self._connection, self._accounts = directory, connection, tuple(accounts)
        files = {account: directory / f"{account}.parquet" for account in accounts}
        there = [path for path in files.values() if path.exists()]
        connection.execute(f"CREATE OR REPLACE TEMP TABLE known ({_COLUMNS})")
        self.base = last
        self.scores: dict[str, dict[str, dict[str, list[float]]]] = {}
        try:
            if there:
                listed = ", ".join(literal(str(path)) for path in there)
                source = f"read_parquet([{listed}])"
                found = connection.execute(f"SELECT max(base)::VARCHAR FROM {source}").fetchone()
                learned = date.fromisoformat(found[0]) if found and found[0] else last
                self.base = max(last, learned)
                shifted = _shifted("seen", f"date_diff('day', base, DATE '{self.base}')")
                connection.execute(
                    "INSERT INTO known SELECT * FROM (SELECT account, actor, kind, what, value, n,"
                    f" {shifted} AS seen FROM {source}) WHERE seen <> 0"
                )
            for account in accounts:
                path = directory / f"{account}.scores.json"
                if path.exists():
                    self.scores[account] = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
        except Exception as error:
            raise UserError(
                f"cannot read what the models learned in {directory}: {error}; delete it to learn anew"
            ) from error

    def before(self, day: date) -> None:
        """Makes the table `past` of what was seen before a day: `known` with bit 0 for the day before it."""
        back = (self.base - day).days + 1
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE past AS SELECT account, actor, kind, what, value, n, seen, "
            "bit_count(seen)::INTEGER AS days"
            f" FROM (SELECT * REPLACE ({_older('seen', back)} AS seen) FROM known) WHERE seen <> 0"
        )

    def learn(self, day: date) -> None:
        """Takes the rows of the table `profile` (account, actor, kind, what, value, n) in as of a day."""
        back = (self.base - day).days
        if not 0 <= back < DAYS:
            return
        self._connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE known AS
            SELECT account, actor, arg_max(kind, seen) AS kind, what, value, max(n) AS n,
                bit_or(seen) AS seen FROM (
                SELECT * FROM known UNION ALL
                SELECT account, actor, kind, what, value, n, (1::UBIGINT << {back}) AS seen FROM profile)
            GROUP BY account, actor, what, value"""
        )

    def score(self, account: str, model: str, day: date, scores: Sequence[float]) -> None:
        """Remembers a day's scores, those of zero by their absence."""
        days = self.scores.setdefault(account, {}).setdefault(model, {})
        days[day.isoformat()] = sorted((s for s in scores if s > 0), reverse=True)[:_SCORES]
        oldest = (self.base - timedelta(days=DAYS)).isoformat()
        for old in [each for each in days if each < oldest]:
            del days[old]

    def scored(self, account: str, model: str, day: date) -> list[list[float]]:
        """The scores of each day before one that the model scored."""
        days = self.scores.get(account, {}).get(model, {})
        return [scores for each, scores in sorted(days.items()) if each < day.isoformat()]

    def store(self) -> None:
        """Writes what was learned."""
        for account in self._accounts:
            path = self._directory / f"{account}.parquet"
            half = path.with_suffix(f".{os.getpid()}.half")
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._connection.execute(
                    f"COPY (SELECT *, DATE '{self.base}' AS base FROM known"
                    f" WHERE account = {literal(account)}"
                    f" ORDER BY bit_count(seen) DESC, seen DESC, actor, what, value LIMIT {_MOST})"
                    f" TO {literal(str(half))} (FORMAT parquet, COMPRESSION zstd)"
                )
                half.replace(path)
                other = self._directory / f"{account}.scores.json"
                half.write_text(json.dumps(self.scores.get(account, {})), "utf-8")
                half.replace(other)
            except OSError as error:
                raise UserError(
                    f"cannot write what the models learned to {self._directory}: {error};"
                    " name another place with --data"
                ) from error


def _shifted(bits: str, days: str) -> str:
    """SQL: bits moved so many days into the past; those that fall off are forgotten."""
    return (
        f"CASE WHEN {days} >= {DAYS} THEN 0::UBIGINT WHEN {days} = 0 THEN {bits} ELSE"
        f" (({bits} & ((1::UBIGINT << ({DAYS} - {days})::UBIGINT) - 1)) << ({days})::UBIGINT) END"
    )


def _older(bits: str, days: int) -> str:
    """SQL: the bits of the days more than so many before the last, bit 0 the latest of them."""
    if days <= 0:
        return bits
    return f"({bits} >> {days})" if days < DAYS else "0::UBIGINT"
