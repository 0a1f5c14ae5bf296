"""VPC flow logs as rows: text of any format with its header or the default one, and Parquet.

Fields as on AWS's page "Flow log records"; in Parquet their names have _ for -.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.columns import compute, place
from partywall.detections.ingest.limits import Damaged
from partywall.detections.ingest.schemas import TABLES, dictionary

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.lines import Place
    from partywall.detections.ingest.state import FileReport

DEFAULT: Final = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status"
)
_TABLE: Final = TABLES["vpc_flow"]
_KINDS: Final = {c.name: c.kind for c in _TABLE.columns}
_MADE: Final = ("id", "unmapped", "account", "region", "date", "source")
_HEADER: Final = re.compile(rb"[a-z][a-z0-9-]+(?: [a-z][a-z0-9-]+)*[ \t]*\r?\n?$")
# A record of the year 2100 in seconds; AWS writes seconds.
_LATEST: Final = 4_102_444_800


class FlowReader:
    """Reads the lines of one file; the format is that of its last header."""

    def __init__(self, source: str, where: Place, report: FileReport) -> None:
        self._source = source
        self._where = where
        self._report = report
        self._names = DEFAULT.split()

    def read(self, block: bytes) -> pa.Table | None:
        """The rows of whole lines; None if there are none."""
        end = block.find(b"\n") + 1 or len(block)
        lines = memoryview(block)
        if _HEADER.match(block[:end]):
            self._names = block[:end].decode().split()
            lines = lines[end:]
        if len(lines) < 64 and not bytes(lines).strip():
            return None
        return flow_table(self._parsed(lines), self._source, self._where, self._report)

    def _parsed(self, block: memoryview) -> pa.Table:
        """Typed at once; where a value is not of its type, as text and then value by value."""
        import pyarrow as pa

        try:
            return self._csv(block, typed=True)
        except pa.ArrowInvalid:
            return self._csv(block, typed=False)

    def _csv(self, block: memoryview, *, typed: bool) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv

        broken: list[str] = []

        def invalid(row: Any) -> str:
            broken.append(str(row.text))
            return "skip"

        names = [name.replace("-", "_") for name in self._names]
        types = {
            name: dictionary()
            if _KINDS.get(name) == "text"
            else pa.int64()
            if typed and name in _KINDS
            else pa.string()
            for name in names
        }
        parsed = csv.read_csv(
            pa.BufferReader(pa.py_buffer(block)),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(block), 1)),
            csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=invalid),
            csv.ConvertOptions(
                column_types=types, null_values=["-"], strings_can_be_null=True, check_utf8=True
            ),
        )
        self._report.records += parsed.num_rows + len(broken)
        if broken:
            self._report.rejected += len(broken)
            self._report.problem("broken line", broken[0], len(broken))
        return parsed


def flow_table(parsed: pa.Table, source: str, where: Place, report: FileReport) -> pa.Table:
    """Rows of the table `vpc_flow` of columns with AWS's names, of any types, some or all."""
    import pyarrow as pa

    pc = compute()

    count, schema = parsed.num_rows, _TABLE.arrow()
    columns: dict[str, Any] = {}
    for column in _TABLE.columns:
        if column.name in _MADE:
            continue
        type_ = schema.field(column.name).type
        if column.name not in parsed.column_names:
            columns[column.name] = pa.nulls(count, type_)
            continue
        values = _whole_array(parsed[column.name])
        if column.kind in ("int", "time"):
            values = _whole(values, column.name, report)
            if column.kind == "time":
                values = _seconds(values, report)
        columns[column.name] = values if values.type == type_ else _as(values, type_)
    others = [n for n in parsed.column_names if n not in _KINDS or n in _MADE]
    others = [n for n in others if n != "region"]
    columns["unmapped"] = _unmapped(parsed, others)
    columns["id"] = pa.nulls(count, pa.string())
    accounts = columns["account_id"].cast(pa.string())
    if accounts.null_count and where[0]:
        accounts = pc.fill_null(accounts, where[0])
    given = "region" in parsed.column_names
    regions = _whole_array(parsed["region"]).cast(pa.string()) if given else pa.nulls(count, pa.string())
    if regions.null_count and where[1]:
        regions = pc.fill_null(regions, where[1])
    columns.update(
        place(_whole_array(accounts), _whole_array(regions), _whole_array(columns["start"]), source)
    )
    return pa.table([columns[c.name] for c in _TABLE.columns], schema=schema)


def _as(values: pa.Array, type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_dictionary(type_):
        return values.cast(pa.string()).dictionary_encode()
    return values.cast(type_)


def _whole_array(values: Any) -> pa.Array:
    import pyarrow as pa

    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _whole(values: Any, name: str, report: FileReport) -> Any:
    """Whole numbers; NULL, counted, where the text is none."""
    import pyarrow as pa

    pc = compute()

    if not pa.types.is_string(values.type):
        return values.cast(pa.int64())
    fine = pc.match_substring_regex(values, r"^[0-9]{1,18}$")
    if wrong := pc.sum(pc.invert(fine)).as_py():
        report.problem("invalid number", f"in {name}", wrong)
    return pc.if_else(fine, values, None).cast(pa.int64())


def _seconds(values: Any, report: FileReport) -> Any:
    import pyarrow as pa

    pc = compute()

    span = pc.min_max(values).as_py()
    if span["max"] is not None and (span["max"] > _LATEST or span["min"] < 0):
        fine = pc.and_(pc.less_equal(values, _LATEST), pc.greater_equal(values, 0))
        report.problem("invalid time", count=pc.sum(pc.invert(fine)).as_py())
        values = pc.if_else(fine, values, None)
    return pc.multiply(values, 1_000_000).cast(pa.timestamp("us", tz="UTC"))


def _unmapped(parsed: pa.Table, names: list[str]) -> pa.Array:
    import json

    import pyarrow as pa

    if not names:
        return pa.nulls(parsed.num_rows, pa.string())
    rows = parsed.select(names).to_pylist()
    texts = [{k: str(v) for k, v in row.items() if v is not None} for row in rows]
    return pa.array([json.dumps(t) if t else None for t in texts], pa.string())


def parquet_tables(path: Path, source: str, where: Place, report: FileReport) -> Iterator[pa.Table]:
    """Rows of the table `vpc_flow` of a Parquet file, a batch at a time. Raises Damaged for other files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = {n.replace("-", "_") for n in file.schema_arrow.names}
            if not {"srcaddr", "dstaddr", "interface_id", "pkt_srcaddr", "log_status"} & names:
                raise Damaged(
                    "unknown Parquet", "its columns are those of no flow log: " + ", ".join(sorted(names))
                )
            for batch in file.iter_batches(131_072):
                rows = pa.Table.from_batches([batch])
                rows = rows.rename_columns([n.replace("-", "_") for n in rows.column_names])
                report.records += rows.num_rows
                yield flow_table(_plain(rows), source, where, report)
    except (pa.ArrowException, OSError) as error:
        raise Damaged("corrupt Parquet", str(error)) from error


def _plain(rows: pa.Table) -> pa.Table:
    """Text without dictionaries, - as NULL."""
    import pyarrow as pa

    pc = compute()

    for i, field in enumerate(rows.schema):
        values = rows[i]
        if pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type):
            values = values.cast(pa.string())
        if pa.types.is_timestamp(field.type):
            values = pc.divide(values.cast(pa.timestamp("us")).cast(pa.int64()), 1_000_000)
        if pa.types.is_string(values.type):
            values = pc.if_else(pc.equal(values, "-"), None, values)
        rows = rows.set_column(i, field.name, values)
    return rows
