"""Route 53 Resolver query logs and AWS WAF logs as rows.

Fields as on AWS's pages "Values that appear in VPC Resolver query logs" and "Log fields for protection packs
(web ACLs)".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from partywall.detections.ingest.columns import digest, epochs, joined, place, times
from partywall.detections.ingest.schemas import TABLES, LogTable, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.detections.ingest.state import FileReport


def _at(value: dict[str, Any], path: list[str]) -> Any:
    found: Any = value
    for name in path:
        found = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _columns(table: LogTable, values: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns that are read as they stand."""
    import pyarrow as pa

    found: dict[str, Any] = {}
    for column in table.columns:
        if column.kind == "time" or column.name in ("raw", "id", "account", "region", "date", "source"):
            continue
        read = _whole if column.kind == "int" else _text
        path = column.name.split(".")
        found[column.name] = pa.array([read(_at(v, path)) for v in values], arrow_type(column.kind))
    return found


def _table(table: LogTable, columns: dict[str, Any], raws: Sequence[msgspec.Raw]) -> pa.Table:
    import pyarrow as pa

    columns["raw"] = joined(raws)
    columns["id"] = pa.array([digest(raw) for raw in raws], pa.string())
    return pa.table([columns[c.name] for c in table.columns], schema=table.arrow())


def resolver(raws: Sequence[msgspec.Raw], source: str, report: FileReport) -> pa.Table:
    """Rows of the table `resolver_query`."""
    table = TABLES["resolver_query"]
    values = [cast("dict[str, Any]", msgspec.json.decode(raw)) for raw in raws]
    columns = _columns(table, values)
    columns["query_timestamp"] = times([_text(v.get("query_timestamp")) for v in values], report)
    regions = [_text(v.get("region")) for v in values]
    columns.update(place(columns["account_id"], regions, columns["query_timestamp"], source))
    return _table(table, columns, raws)


def waf(raws: Sequence[msgspec.Raw], source: str, report: FileReport) -> pa.Table:
    """Rows of the table `waf`; account and Region are those of the web ACL's ARN."""
    table = TABLES["waf"]
    values = [cast("dict[str, Any]", msgspec.json.decode(raw)) for raw in raws]
    columns = _columns(table, values)
    columns["timestamp"] = epochs([_whole(v.get("timestamp")) for v in values], 1000)
    if columns["timestamp"].null_count:
        report.problem("invalid time", count=columns["timestamp"].null_count)
    arns = [(_text(v.get("webaclId")) or "").split(":") for v in values]
    accounts = [arn[4] if len(arn) > 5 else None for arn in arns]
    regions = [arn[3] if len(arn) > 5 else None for arn in arns]
    columns.update(place(accounts, regions, columns["timestamp"], source))
    return _table(table, columns, raws)
