"""DuckDB over one scan: the tables that a query names, and the places that their listings do not cover."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall import __version__
from partywall.aws.answers import Outcome
from partywall.errors import UserError
from partywall.lake.snapshot import Manifest, read_manifest
from partywall.lake.source import Source, literal, quote
from partywall.lake.writer import api_call_schema, collection_schema, write_error
from partywall.tables import schema
from partywall.tables.registry import all_tables, analysis_tables
from partywall.tables.spec import Analysis

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from partywall.tables.types import StructType

INCOMPLETE: Final = "_incomplete"
FAILED_LISTING: Final = "c.outcome NOT IN ('ok', 'empty') AND c.operation <> ''"
"""SQL over `collection c`: a listing that was tried and not answered."""
_ANSWERED: Final = (Outcome.OK, Outcome.EMPTY)


@contextmanager
def explained(directory: Path) -> Generator[None]:
    """Tells in one sentence of a scan's files that are damaged, of another version, or cannot be written.

    Raises UserError in the place of what DuckDB, Arrow and the system say of them, and KeyboardInterrupt
    for a query that was interrupted.
    """
    import duckdb
    import pyarrow as pa

    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.OutOfMemoryException as error:
        raise UserError(f"judging {directory.name} needs more memory: {_first_line(error)}") from error
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        # Our own SQL names only what this version writes.
        version = read_manifest(directory).version
        if version == __version__:
            raise
        raise UserError(
            f"the scan {directory.name} was made by partywall {version}, whose tables this one"
            f" ({__version__}) cannot read: scan again"
        ) from error
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise _unusable(directory, str(error)) from error
    except duckdb.Error as error:
        # Damaged Parquet is told of by the class that all errors share.
        if type(error) is not duckdb.Error:
            raise
        raise _unusable(directory, str(error)) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise _unusable(directory, str(error)) from error


def _unusable(directory: Path, text: str) -> UserError:
    number = re.search(r'"errno":"(\d+)"|[Ee]rrno (\d+)', text)
    if re.search("(?i)could not write|write failed|cannot open file .*: permission", text) and number:
        code = int(number.group(1) or number.group(2))
        return write_error(directory, OSError(code, os.strerror(code)))
    if "No space left on device" in text:
        return write_error(directory, OSError(28, os.strerror(28)))
    return damaged(directory, text)


def damaged(directory: Path, what: str) -> UserError:
    """A scan whose files cannot be read, as one sentence."""
    return UserError(
        f"the scan {directory.name} cannot be read, a file of it is damaged or missing"
        f" ({_first_line(what)}): choose another with --scan, or scan again"
    )


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def connect(memory_limit: str = "", threads: int = 0) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that works in UTC and reads no extension from the network."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET autoinstall_known_extensions = false")
    if memory_limit:
        connection.execute(f"SET memory_limit = {literal(memory_limit)}")
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    return connection


class Lake:
    """One scan opened for SQL. `facts` gives the struct type of each kind of policy."""

    def __init__(
        self,
        directory: Path,
        facts: Mapping[str, StructType],
        *,
        connection: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        self.directory = directory
        self.manifest: Manifest = read_manifest(directory)
        self.connection = connection or connect()
        self.source = Source(directory, facts, self._any_row)
        self._facts = facts
        self._load_incomplete()

    def whole(self, tables: Iterable[str]) -> None:
        """Raises UserError where a table was stored with rows and its files are not there."""
        rows = self.execute(
            f"SELECT table_name FROM ({self.sql_of('collection')}) GROUP BY ALL HAVING sum(row_count) > 0"
        ).fetchall()
        for name in sorted({name for (name,) in rows} & set(tables)):
            if not self.source.files(name):
                raise damaged(self.directory, f"the table {name} is missing")

    def execute(self, sql: str, parameters: list[Any] | None = None) -> Any:
        """Runs SQL and returns DuckDB's result."""
        return self.connection.execute(sql, parameters)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the same database for another thread; it sees no temporary tables."""
        found = self.connection.cursor()
        found.execute("SET TimeZone = 'UTC'")
        return found

    def row_counts(self) -> dict[str, int]:
        """Table -> rows, of those that have any."""
        counted = f"SELECT table_name, sum(row_count)::BIGINT FROM ({self.sql_of('collection')}) GROUP BY ALL"
        return {name: count for name, count in self.execute(counted).fetchall() if count}

    def _any_row(self, sql: str) -> bool:
        return self.cursor().execute(sql).fetchone() is not None

    def arrow(self, sql: str) -> pa.Table:
        """Runs SQL and returns its rows as an Arrow table."""
        return self.connection.sql(sql).to_arrow_table()

    def sql_of(self, name: str) -> str:
        """SELECT of a whole table by name, derived columns included; raises UserError for unknown ones."""
        if name == "api_call":
            return self._file_table("api_call/*.parquet", api_call_schema())
        if name == "collection":
            if not (self.directory / "collection.parquet").exists():
                raise damaged(self.directory, "collection.parquet is missing")
            collected = self._file_table("collection.parquet", collection_schema())
            made = self.source.analysis_file("collection")
            if not made.exists():
                return collected
            return f"{collected} UNION ALL BY NAME SELECT * FROM read_parquet({literal(str(made))})"
        from partywall.lake.derived import derived_sql, derived_tables
        from partywall.tables.registry import table as find

        if name in derived_tables():
            return derived_sql(self.directory, name)
        table = find(name)
        columns = [*schema.stored_types(table)]
        columns += [f"{c.name}_facts" for c in table.columns if hasattr(c.type, "kind")]
        columns += [r.name for r in table.relations]
        return self.source.select(table, columns)

    def _file_table(self, pattern: str, arrow: Any) -> str:
        files = sorted(self.directory.glob(pattern))
        if not files:
            self.connection.register("_empty_" + arrow.names[-1], arrow.empty_table())
            return f"SELECT * FROM {quote('_empty_' + arrow.names[-1])}"
        return f"SELECT * FROM read_parquet([{', '.join(literal(str(f)) for f in files)}])"

    def views(self, names: Iterable[str]) -> None:
        """Creates a view for each named table."""
        for name in names:
            self.connection.execute(f"CREATE OR REPLACE VIEW {quote(name)} AS {self.sql_of(name)}")

    def _load_incomplete(self) -> None:
        """Fills the table of what listings do not cover, from the manifest and the table `collection`.

        A table that nobody demanded covers nothing; a regional one covers only the scanned Regions; a failed
        listing leaves its account and Region open. ('*' stands for every Region.)
        """
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {INCOMPLETE}"
            " (table_name VARCHAR, account_id VARCHAR, region VARCHAR)"
        )
        manifest = self.manifest
        answered = self.connection.execute(
            f"SELECT table_name, account_id, region, list(DISTINCT outcome), list(DISTINCT operation)"
            f" FROM ({self.sql_of('collection')}) GROUP BY ALL"
        ).fetchall()
        fine: set[tuple[str, str, str]] = set()
        rows: list[tuple[str, str, str]] = []
        for name, account, region, outcomes, operations in answered:
            not_offered = outcomes == [Outcome.NOT_SUPPORTED] and operations == [""]
            if not_offered or all(o in _ANSWERED for o in outcomes):
                fine.add((name, account, region))
        for name, table in all_tables().items():
            if isinstance(table.rows, Analysis):
                continue
            for account in manifest.accounts:
                account_id = account["account_id"]
                if name not in manifest.demand:
                    rows.append((name, account_id, "*"))
                elif table.scope == "global":
                    if (name, account_id, "global") not in fine:
                        rows.append((name, account_id, "*"))
                else:
                    enabled = manifest.enabled_regions.get(account_id) or ["*"]
                    rows += [
                        (name, account_id, region)
                        for region in dict.fromkeys([*enabled, *manifest.regions])
                        if (name, account_id, region) not in fine
                    ]
        open_: dict[str, set[tuple[str, str]]] = {}
        for name, account_id, region in rows:
            open_.setdefault(name, set()).add((account_id, region))
        for name, made in analysis_tables().items():
            if name in manifest.demand:
                open_[name] = {place for source in made.rows_from for place in open_.get(source, ())}
            else:
                open_[name] = {(account["account_id"], "*") for account in manifest.accounts}
            rows += [(name, *place) for place in sorted(open_[name])]
        for name, account_id, region in rows:
            self.source.incomplete.setdefault(name, set()).add((account_id, region))
        if rows:
            import pyarrow as pa

            columns = list(zip(*rows, strict=True))
            names = ["table_name", "account_id", "region"]
            found = pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
            self.connection.register("_incomplete_rows", found)
            self.connection.execute(f"INSERT INTO {INCOMPLETE} SELECT * FROM _incomplete_rows")
            self.connection.unregister("_incomplete_rows")
