"""Writes a scan aside, unit by unit, so that a crash keeps what was stored and the last good scan stands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from partywall.aws.answers import CallRecord
from partywall.collect.collector import Collected, Unit
from partywall.errors import UserError
from partywall.tables.mapping import CompiledTable, Row

if TYPE_CHECKING:
    import pyarrow as pa

_FLUSH_ROWS: Final = 2000
_FLUSH_CALLS: Final = 5000
JOURNAL: Final = "journal.jsonl"
_CALL_FIELDS: Final = {"table_name": "table"}


def write_error(path: Path, error: OSError) -> UserError:
    """A full disk or an unwritable directory as one sentence."""
    return UserError(
        f"cannot write {path}: {error.strerror or error}; free space there or name another place with --data"
    )


def api_call_schema() -> pa.Schema:
    """The columns of the table `api_call`: one row per API call, all its attempts together."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("account_id", text),
            ("region", text),
            ("service", text),
            ("operation", text),
            ("arguments", text),
            ("table_name", text),
            ("outcome", text),
            ("error_code", text),
            ("error_message", text),
            ("denied_by", text),
            ("attempts", pa.int32()),
            ("throttles", pa.int32()),
            ("latency_ms", pa.float64()),
            ("started_at", pa.timestamp("us", tz="UTC")),
        ]
    )


def collection_schema() -> pa.Schema:
    """The columns of the table `collection`: how the listing of each table went, per account and Region."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("account_id", text),
            ("region", text),
            ("table_name", text),
            ("outcome", text),
            ("operation", text),
            ("call_region", text),
            ("error_code", text),
            ("error_message", text),
            ("denied_by", text),
            ("parent_arn", text),
            ("row_count", pa.int64()),
        ]
    )


class ScanWriter:
    """The staging directory of one scan: a `Store` for the collector, and the log of API calls.

    A unit's files get their final names only when the unit is done, and the unit its line in the journal
    after that; a scan that stopped is taken up again by opening the same directory. Raises UserError where
    the directory cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.resumed = (directory / JOURNAL).exists()
            self._done = self._read_journal()
            self._journal = (directory / JOURNAL).open("ab")
        except OSError as error:
            raise write_error(directory, error) from error
        self._calls: list[CallRecord] = []
        self._call_files = len(list(directory.glob("api_call/*.parquet")))

    def _read_journal(self) -> dict[str, list[dict[str, Any]]]:
        done: dict[str, list[dict[str, Any]]] = {}
        path = self.directory / JOURNAL
        if path.exists():
            for line in path.read_bytes().splitlines():
                # A line that a kill cut short counts for nothing: its unit is collected again.
                with suppress(orjson.JSONDecodeError):
                    entry = orjson.loads(line)
                    done[entry["unit"]] = entry["collected"]
        return done

    def has(self, unit: Unit) -> bool:
        """Whether the unit was stored already (by this scan before it was interrupted)."""
        return unit.key in self._done

    def open(self, unit: Unit) -> UnitFiles:
        """A place for the rows of a unit, invisible until it is committed."""
        return UnitFiles(self, unit)

    def skip(self, account_id: str, region: str, tables: Iterable[str], outcome: str, why: str) -> None:
        """Records tables that cannot exist in a Region, such as those of a service that AWS lacks there."""
        self._commit(
            f"{account_id}/{region}/skip",
            account_id,
            region,
            [Collected(name, outcome, error_message=why) for name in tables],
        )

    def log(self, record: CallRecord) -> None:
        """Keeps a call for the table `api_call`."""
        self._calls.append(record)
        if len(self._calls) >= _FLUSH_CALLS:
            self.flush_calls()

    def flush_calls(self) -> None:
        """Writes the calls logged so far."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._calls:
            return
        schema = api_call_schema()
        names = [_CALL_FIELDS.get(str(name), str(name)) for name in schema.names]
        columns = [
            pa.array([getattr(call, name) for call in self._calls], type_)
            for name, type_ in zip(names, schema.types, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=schema)
        target = self.directory / "api_call" / f"part-{self._call_files:05d}.parquet"
        try:
            target.parent.mkdir(exist_ok=True)
            pq.write_table(table, target.with_suffix(".tmp"), compression="zstd")
            target.with_suffix(".tmp").rename(target)
        except OSError as error:
            raise write_error(target, error) from error
        self._call_files += 1
        self._calls.clear()

    def _commit(self, key: str, account_id: str, region: str, collected: list[Collected]) -> None:
        rows = [{"account_id": account_id, "region": region, **asdict(c)} for c in collected]
        self._done[key] = rows
        try:
            self._journal.write(orjson.dumps({"unit": key, "collected": rows}, default=str) + b"\n")
            self._journal.flush()
        except OSError as error:
            raise write_error(self.directory / JOURNAL, error) from error

    def release(self) -> None:
        """Lets go of the journal, whether or not the scan came to its end."""
        with suppress(OSError):
            self._journal.close()

    def close(self) -> None:
        """Writes what is pending: the call log and the table `collection`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.flush_calls()
        rows = [
            {**row, "table_name": row["table"], "row_count": row["rows"], "outcome": str(row["outcome"])}
            for collected in self._done.values()
            for row in collected
        ]
        table = pa.Table.from_pylist(rows, schema=collection_schema())
        try:
            self._journal.close()
            pq.write_table(table, self.directory / "collection.parquet", compression="zstd")
        except OSError as error:
            raise write_error(self.directory, error) from error


@dataclass(slots=True)
class _Part:
    compiled: CompiledTable
    path: Path
    batches: list[pa.RecordBatch] = field(default_factory=list["pa.RecordBatch"])
    rows: int = 0
    writer: Any = None


class UnitFiles:
    """The Parquet files of one unit: one per table, written under temporary names."""

    def __init__(self, scan: ScanWriter, unit: Unit) -> None:
        self._scan = scan
        self._unit = unit
        self._parts: dict[str, _Part] = {}
        if scan.resumed:
            # A unit that was killed between its files and its journal line is collected afresh.
            for compiled in unit.group.walk():
                with suppress(OSError):
                    self._path(compiled).unlink()

    def _path(self, compiled: CompiledTable) -> Path:
        folder = self._scan.directory / "tables" / compiled.table.name
        folder /= f"account_id={self._unit.scope.account_id}/region={self._unit.region}"
        return folder / f"{self._unit.group.name}.parquet"

    def write(self, compiled: CompiledTable, rows: list[Row]) -> None:
        """Takes finished rows; flushed to disk by the thousand. Raises UserError when the disk is full."""
        if not rows:
            return
        part = self._parts.get(compiled.table.name)
        if part is None:
            part = self._parts[compiled.table.name] = _Part(compiled, self._path(compiled))
        import pyarrow as pa

        # As Arrow a row takes a tenth of its memory as a dict, and many listings are under way at once.
        part.batches.append(pa.RecordBatch.from_pylist(rows, schema=part.compiled.schema))
        part.rows += len(rows)
        if part.rows >= _FLUSH_ROWS:
            self._flush(part)

    def _flush(self, part: _Part) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not part.rows:
            return
        table = pa.Table.from_batches(part.batches, schema=part.compiled.schema).combine_chunks()
        part.batches, part.rows = [], 0
        try:
            if part.writer is None:
                part.path.parent.mkdir(parents=True, exist_ok=True)
                part.writer = pq.ParquetWriter(
                    part.path.with_suffix(".tmp"), table.schema, compression="zstd"
                )
            part.writer.write_table(table)
        except OSError as error:
            raise write_error(part.path, error) from error

    def commit(self, collected: list[Collected]) -> None:
        """Gives the files their names, then notes the unit as done."""
        for part in self._parts.values():
            self._flush(part)
            try:
                part.writer.close()
                part.path.with_suffix(".tmp").rename(part.path)
            except OSError as error:
                raise write_error(part.path, error) from error
        self._scan._commit(  # pyright: ignore[reportPrivateUsage]
            self._unit.key, self._unit.scope.account_id, self._unit.region, collected
        )

    def abandon(self) -> None:
        """Throws away what an interrupted unit wrote."""
        for part in self._parts.values():
            with suppress(OSError):
                if part.writer is not None:
                    part.writer.close()
            with suppress(OSError):
                part.path.with_suffix(".tmp").unlink()


def scan_id(now: datetime) -> str:
    """A new scan's id: its start in UTC, the second's fraction in 65,536ths, and four random digits.

    Scans begun within the same second sort by time too, and so the later one follows the earlier.
    """
    return f"{now:%Y%m%dT%H%M%SZ}-{(now.microsecond << 16) // 1_000_000:04x}{os.urandom(2).hex()}"
