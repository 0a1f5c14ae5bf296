"""Writes rows into the log tables: each record once, files whole or not at all, memory bounded.

Rows are held until they are many, then written as one Parquet file for each account, Region and day; those
files and the marks of the input files whose rows they end are one transaction of the state. An input file too
large to be held is written in parts that no reader sees before its end.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.columns import compute
from partywall.detections.ingest.limits import Limits
from partywall.detections.ingest.schemas import TABLES, VERSION
from partywall.detections.ingest.state import FileReport, Part, State
from partywall.errors import UserError
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    import pyarrow as pa

# Columns whose values repeat little: a dictionary of them would only be filled and thrown away.
_PLAIN: Final = frozenset(
    [
        "raw",
        "id",
        "eventID",
        "requestID",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "request_id",
        "request_uri",
        "trace_id",
        "unmapped",
        "start",
        "end",
        "packets",
        "bytes",
        "srcport",
        "dstport",
    ]
)
_KEY: Final = {"cloudtrail": "eventName"}
_NAMES: Final = ("id", "eventName")
_CORE: Final = (
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "errorCode",
    "sourceIPAddress",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.accessKeyId",
)
_ROW_GROUP: Final = 131_072


class LogWriter:
    """The one writer of a directory of logs. Raises UserError where another is at work or it cannot write."""

    def __init__(self, directory: Path, limits: Limits) -> None:
        self.directory = directory
        self.limits = limits
        self.state = State(directory)
        self._lock = (directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise UserError(
                f"another partywall is reading logs into {directory}: wait for it to end"
            ) from None
        self._settled: dict[str, list[pa.Table]] = {}
        self._owners: list[tuple[str, FileReport]] = []
        self._current: dict[str, list[tuple[pa.Table, FileReport]]] = {}
        self._held = [0, 0]
        self._sweep()

    def _sweep(self) -> None:
        """Removes what an interrupted run left: its unfinished parts, and files that no part names."""
        for path in self.state.abandon():
            with suppress(OSError):
                (self.directory / path).unlink()
        for path in self.directory.glob("*/account=*/region=*/date=*/*.tmp"):
            with suppress(OSError):
                path.unlink()
        pending = self.directory / "pending"
        if pending.exists():
            for name in pending.read_text().splitlines():
                if not self.state.known(name):
                    with suppress(OSError):
                        (self.directory / name).unlink()
            pending.unlink()

    def add(self, log: str, rows: pa.Table, report: FileReport, fingerprint: str) -> None:
        """Takes rows of the file that is being read."""
        if not rows.num_rows:
            return
        self._current.setdefault(log, []).append((rows, report))
        self._held[0] += rows.nbytes
        self._held[1] += rows.num_rows
        if self._full():
            # First what belongs to finished files, so that they are not bound to the end of this one.
            self._flush_settled()
            if self._full():
                rows_of = {log: [t for t, _ in held] for log, held in self._current.items()}
                self._current.clear()
                self._held = [0, 0]
                self._write(rows_of, [report], open_for=fingerprint, done={})

    def finish(self, fingerprint: str, report: FileReport) -> None:
        """The file that is being read has come to its end."""
        for log, held in self._current.items():
            self._settled.setdefault(log, []).extend(table for table, _ in held)
        self._current.clear()
        self._owners.append((fingerprint, report))
        if len(self._owners) >= 2000:
            self._flush_settled()

    def drop(self) -> None:
        """The file that is being read could not be: what is held of it is forgotten, to be read next time."""
        self._current.clear()

    def flush(self, positions: Mapping[str, Any] = {}) -> None:
        """Writes all that is held, and the positions of live sources with it."""
        self._flush_settled(positions)

    def close(self) -> None:
        """Writes what is held and lets others write."""
        try:
            self.flush()
        finally:
            self.release()

    def release(self) -> None:
        """Lets others write; what is held is lost, and read again next time."""
        self.state.close()
        self._lock.close()

    def _full(self) -> bool:
        return self._held[0] >= self.limits.flush_bytes or self._held[1] >= self.limits.flush_rows

    def _flush_settled(self, positions: Mapping[str, Any] = {}) -> None:
        if not self._owners and not self._settled and not positions:
            return
        rows_of, owners = self._settled, self._owners
        self._settled, self._owners = {}, []
        self._held = [
            sum(t.nbytes for held in self._current.values() for t, _ in held),
            sum(t.num_rows for held in self._current.values() for t, _ in held),
        ]
        self._write(rows_of, [r for _, r in owners], None, dict(owners), positions)

    def _write(
        self,
        rows_of: Mapping[str, list[pa.Table]],
        reports: list[FileReport],
        open_for: str | None,
        done: Mapping[str, FileReport],
        positions: Mapping[str, Any] = {},
    ) -> None:
        import pyarrow as pa

        by_uri = {report.uri: report for report in reports}
        parts: list[Part] = []
        for log, tables in rows_of.items():
            for rows in _places(pa.concat_tables(tables).unify_dictionaries()):
                fresh = self._fresh(log, rows, by_uri)
                if fresh.num_rows:
                    parts.append(self._part(log, fresh))
        with suppress(OSError):
            # Named before they are, so that a kill between the files and their rows leaves nothing behind.
            (self.directory / "pending").write_text("".join(p.path + "\n" for p in parts))
        for part in parts:
            target = self.directory / part.path
            target.with_suffix(".tmp").rename(target)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.state.commit(now, parts=parts, open_for=open_for, done=done, positions=positions)
        with suppress(OSError):
            (self.directory / "pending").unlink()

    def _fresh(self, log: str, rows: pa.Table, reports: Mapping[str, FileReport]) -> pa.Table:
        """The rows of one place that are not stored yet, each once; counts what is stored and what is not."""
        pc = compute()

        if log != "vpc_flow":
            keys = _keys(log, rows)
            full = _Full(log, rows, keys)
            keep = full.first_of_each()
            first, last = _span(log, rows)
            place = {name: _one(rows, name) for name in ("account", "region", "date")}
            for part in self.state.parts(log, hidden=True, **place):
                if first is None or part.first is None or part.last is None or last is None:
                    apart = False
                else:
                    apart = part.first > last or part.last < first
                if not apart:
                    stored = self._stored(log, part, _NAMES)
                    there = _keys(log, stored)
                    met = pc.is_in(keys, value_set=there.combine_chunks())
                    if pc.any(met).as_py():
                        stored = self._stored(log, part, (*_NAMES, *_CORE))
                        chosen = pc.is_in(there, value_set=keys.filter(met).combine_chunks())
                        known = _Full(log, stored.filter(chosen), there.filter(chosen)).all()
                        keep = pc.and_(keep, pc.invert(full.among(met, known)))
            if not pc.all(keep).as_py():
                dropped = rows.filter(pc.invert(keep))
                rows = rows.filter(keep)
                for uri, count in _counts(dropped):
                    if uri in reports:
                        reports[uri].duplicates += count
        for uri, count in _counts(rows):
            if uri in reports:
                reports[uri].stored += count
        return rows

    def _stored(self, log: str, part: Part, names: Iterable[str]) -> pa.Table:
        import pyarrow.parquet as pq

        there = TABLES[log].names()
        names = [n for n in (*names, TABLES[log].time) if n in there]
        # The file alone: its directories' names would become columns, and clash with its own.
        with (self.directory / part.path).open("rb") as file:
            return pq.ParquetFile(file).read(columns=names)

    def _part(self, log: str, rows: pa.Table) -> Part:
        """Writes the file under a temporary name."""
        import pyarrow.parquet as pq

        table = TABLES[log]
        account, region, date = (_one(rows, name) for name in ("account", "region", "date"))
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}.parquet"
        folder = f"{log}/account={account}/region={region}/date={date}"
        target = (self.directory / folder / name).with_suffix(".tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                options: dict[str, Any] = {
                    "compression": "zstd",
                    "compression_level": 1,
                    "use_dictionary": [c for c in rows.column_names if c not in _PLAIN],
                    "write_statistics": [table.time],
                }
                pq.write_table(rows, file, row_group_size=_ROW_GROUP, **options)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
        except OSError as error:
            raise write_error(target, error) from error
        first, last = _span(log, rows)
        path = f"{folder}/{name}"
        return Part(path, log, account, region, date, rows.num_rows, size, first, last, VERSION)


def _places(rows: pa.Table) -> Iterable[pa.Table]:
    """The rows of each account, Region and day."""
    import pyarrow as pa

    pc = compute()

    key: Any = None
    for name in ("account", "region", "date"):
        column = rows[name].combine_chunks()
        index = column.indices.cast(pa.int64())
        key = index if key is None else pc.add(pc.multiply(key, len(column.dictionary)), index)
    if pc.count_distinct(key).as_py() == 1:
        return [rows]
    order = pc.sort_indices(key)
    sizes = {v["values"]: v["counts"] for v in pc.value_counts(key).to_pylist()}
    rows = rows.take(order)
    found, at = [], 0
    for index in sorted(sizes):
        found.append(rows.slice(at, sizes[index]))
        at += sizes[index]
    return found


def _one(rows: pa.Table, name: str) -> str:
    return str(rows[name][0].as_py())


def _keys(log: str, rows: pa.Table) -> Any:
    """What makes records the same: identity and time, in CloudTrail the call's name too (made-up ids)."""
    import pyarrow as pa

    pc = compute()

    parts = [rows["id"], pc.fill_null(rows[TABLES[log].time].cast(pa.int64()), 0).cast(pa.string())]
    if log in _KEY:
        parts.append(pc.fill_null(rows[_KEY[log]], ""))
    return pc.binary_join_element_wise(*parts, "/")


class _Full:
    """What tells records of one key apart: made-up ids are used twice, and no event may be lost for it.

    The same event comes by several ways with its fields in another order, so their text is not compared, but
    who called, from where, with what, and what came of it. It is looked at only where keys meet.
    """

    def __init__(self, log: str, rows: pa.Table, keys: Any) -> None:
        self._rows = rows.select([c for c in _CORE if log in _KEY and c in rows.column_names])
        self._keys = keys

    def all(self) -> set[tuple[Any, ...]]:
        """Of all rows."""
        return set(self._of(self._rows, self._keys))

    def among(self, met: Any, known: set[tuple[Any, ...]]) -> pa.Array:
        """Whether each row is known; only those that `met` a key are looked at."""
        return self._spread(met, lambda full: full in known)

    def first_of_each(self) -> pa.Array:
        """Whether each row is the first of its kind."""
        import pyarrow as pa

        pc = compute()
        if pc.count_distinct(self._keys).as_py() == len(self._keys):
            return pa.repeat(True, len(self._keys))
        counted = pc.value_counts(self._keys)
        several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
        met = pc.is_in(self._keys, value_set=several)
        seen: set[tuple[Any, ...]] = set()
        return pc.invert(self._spread(met, lambda full: full in seen or bool(seen.add(full))))

    def _spread(self, met: Any, judge: Callable[[tuple[Any, ...]], bool]) -> pa.Array:
        import pyarrow as pa

        told = iter([judge(full) for full in self._of(self._rows.filter(met), self._keys.filter(met))])
        return pa.array([m and next(told) for m in met.to_pylist()])

    @staticmethod
    def _of(rows: pa.Table, keys: Any) -> Iterator[tuple[Any, ...]]:
        columns = [rows[name].to_pylist() for name in rows.column_names]
        kinds = {c.name: c.kind for c in TABLES["cloudtrail"].columns}
        for at, name in enumerate(rows.column_names):
            if kinds[name] == "json":
                columns[at] = [_canonical(text) for text in columns[at]]
        return zip(keys.to_pylist(), *columns, strict=True)


def _canonical(text: str | None) -> bytes | None:
    import orjson

    try:
        return orjson.dumps(orjson.loads(text or "null"), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return (text or "").encode()


def _span(log: str, rows: pa.Table) -> tuple[int | None, int | None]:
    """The earliest and the latest time in microseconds; None where a row has none."""
    import pyarrow as pa

    pc = compute()

    when = rows[TABLES[log].time]
    if when.null_count:
        return None, None
    span = pc.min_max(when.cast(pa.int64())).as_py()
    return span["min"], span["max"]


def _counts(rows: pa.Table) -> list[tuple[str, int]]:
    pc = compute()

    return [(v["values"], v["counts"]) for v in pc.value_counts(rows["source"]).to_pylist()]
