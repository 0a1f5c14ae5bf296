"""Reading the log tables in SQL.

    store = LogStore(Path("partywall-data"))
    connection = store.connect()                       # DuckDB with a view for every log table
    connection.sql(store.relation("cloudtrail", since=datetime(2026, 11, 1, tzinfo=UTC)))

Columns are those of `schemas.TABLES`: a record's field is the column of its dotted path (quote it in SQL:
"userIdentity.sessionContext.sessionIssuer.arn"); what has no column is in the nearest JSON column
(requestParameters, responseElements, …: VARCHAR of JSON text) and in `raw`, the whole record. NULL is a field
that is absent or null. eventTime is TIMESTAMPTZ (fetch it through Arrow: DuckDB's own fetch wants pytz);
readOnly and managementEvent are BOOLEAN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.detections.ingest.schemas import DUCKDB_TYPES, TABLES, VERSION
from partywall.detections.ingest.state import NAME, FileReport, Part, State
from partywall.errors import UserError
from partywall.lake.source import literal, quote

if TYPE_CHECKING:
    import duckdb

DIRECTORY: Final = "logs"


class LogStore:
    """The log tables of a data directory; empty ones where nothing was ingested."""

    def __init__(self, data: Path) -> None:
        self.directory = data / DIRECTORY

    def tables(self) -> list[str]:
        """The log tables that have rows."""
        with _Opened(self.directory) as state:
            return state.logs() if state else []

    def reports(self) -> list[FileReport]:
        """How the reading of every file went, in the order of reading."""
        with _Opened(self.directory) as state:
            return state.reports() if state else []

    def parts(
        self,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        accounts: Collection[str] = (),
        regions: Collection[str] = (),
    ) -> list[Part]:
        """The Parquet files that may hold rows of that time and place; those without a time always may."""
        table = TABLES.get(name)
        if table is None:
            raise UserError(f"there is no log table {name}: the log tables are {', '.join(TABLES)}")
        with _Opened(self.directory) as state:
            found = state.parts(table.name) if state else []
        first, last = _micros(since), _micros(until)
        return [
            p
            for p in found
            if (not accounts or p.account in accounts)
            and (not regions or p.region in regions)
            and (first is None or p.last is None or p.last >= first)
            and (last is None or p.first is None or p.first < last)
        ]

    def relation(
        self,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        accounts: Collection[str] = (),
        regions: Collection[str] = (),
        columns: Iterable[str] | None = None,
    ) -> str:
        """SELECT of a log table's rows from `since` on and before `until`, and of those without a time.

        `columns` names those to select (default: all). Raises UserError for an unknown table or column.
        """
        parts = self.parts(name, since, until, accounts, regions)
        table = TABLES[name]
        kinds = {c.name: DUCKDB_TYPES[c.kind] for c in table.columns}
        chosen = list(kinds if columns is None else columns)
        if missing := [c for c in chosen if c not in kinds]:
            raise UserError(f"the log table {name} has no column {missing[0]}: see `partywall trail tables`")
        if not parts:
            typed = ", ".join(f"NULL::{kinds[c]} AS {quote(c)}" for c in chosen)
            return f"SELECT {typed} WHERE FALSE"
        files = ", ".join(literal(str(self.directory / p.path)) for p in parts)
        by_name = ", union_by_name = true" if any(p.version != VERSION for p in parts) else ""
        where = [
            f"({quote(table.time)} {sign} TIMESTAMPTZ {literal(when.astimezone(UTC).isoformat())}"
            f" OR {quote(table.time)} IS NULL)"
            for sign, when in ((">=", since), ("<", until))
            if when is not None
        ]
        text = (
            f"SELECT {', '.join(map(quote, chosen))} FROM read_parquet([{files}], hive_partitioning = false"
        )
        return f"{text}{by_name})" + (f" WHERE {' AND '.join(where)}" if where else "")

    def connect(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB with one view for each log table, also the empty ones."""
        from partywall.lake.engine import connect

        connection = connect()
        self.views(connection, since=since, until=until)
        return connection

    def views(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Iterable[str] = tuple(TABLES),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        """Creates a view of its own name for each log table."""
        for name in names:
            connection.execute(f"CREATE OR REPLACE VIEW {quote(name)} AS {self.relation(name, since, until)}")


class _Opened:
    """The state for one question; None where the directory was never written."""

    def __init__(self, directory: Path) -> None:
        self._state = State(directory) if (directory / NAME).exists() else None

    def __enter__(self) -> State | None:
        return self._state

    def __exit__(self, *_: object) -> None:
        if self._state is not None:
            self._state.close()


def _micros(when: datetime | None) -> int | None:
    return None if when is None else int(when.timestamp() * 1_000_000)
