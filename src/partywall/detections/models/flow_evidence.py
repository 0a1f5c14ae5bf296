"""The flow records behind a detection: the first of them, and the question that gives all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from partywall.detections.detection import Detection
from partywall.lake.source import literal

if TYPE_CHECKING:
    import duckdb

MOST: Final = 5
"""Records that a detection brings as facts: record-1 …"""
_WANTED: Final = ("interface", "own", "address", "port")


def evidenced(connection: duckdb.DuckDBPyConnection, found: Sequence[Detection]) -> list[Detection]:
    """Detections with records of the table `raw` and the query for all of them among their facts."""
    import pyarrow as pa

    if not found:
        return []
    facts = [dict(each.facts) for each in found]
    wanted = {name: pa.array([each.get(name, "") for each in facts], pa.string()) for name in _WANTED}
    connection.register(
        "wanted",
        pa.table(
            {"n": pa.array(range(len(found)), pa.int32()), **wanted}
            | {
                name: pa.array([getattr(each, name) for each in found], pa.timestamp("us", tz="UTC"))
                for name in ("first_seen", "last_seen")
            }
        ),
    )
    rows = (
        connection.sql(
            f"""SELECT n, k, concat_ws(' ', eni, src, dst, sport, dport, raw.protocol, packets, bytes,
            epoch(start)::BIGINT, epoch(stop)::BIGINT, if(ok, 'ACCEPT', 'REJECT')) AS line FROM (
            SELECT w.n, raw.*, row_number() OVER (PARTITION BY w.n ORDER BY start, dst, dport, sport) AS k
            FROM wanted w JOIN raw ON raw.eni = w.interface
            WHERE w.own IN (src, dst) AND (w.address = '' OR w.address IN (src, dst))
            AND (w.port = '' OR TRY_CAST(w.port AS INT) IN (sport, dport))
            AND start BETWEEN w.first_seen AND w.last_seen
        ) raw WHERE k <= {MOST} ORDER BY n, k"""
        )
        .to_arrow_table()
        .to_pylist()
    )
    connection.unregister("wanted")
    lines: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        lines.setdefault(row["n"], []).append((f"record-{row['k']}", row["line"]))
    return [
        replace(each, facts=(*each.facts, *lines.get(n, ()), ("query", _query(each, facts[n]))))
        for n, each in enumerate(found)
    ]


def _query(each: Detection, facts: dict[str, str]) -> str:
    """The question to `partywall trail query` that gives every record."""
    where = [f"interface_id = {literal(facts.get('interface', ''))}"]
    where += [
        f"{literal(text)} IN (srcaddr, dstaddr)" for name in ("own", "address") if (text := facts.get(name))
    ]
    where += [f"{int(facts['port'])} IN (srcport, dstport)"] if facts.get("port") else []
    last = each.last_seen + timedelta(seconds=1)
    span = f"start BETWEEN '{each.first_seen.isoformat()}' AND '{last.isoformat()}'"
    return f"SELECT * FROM vpc_flow WHERE {' AND '.join([*where, span])} ORDER BY start"
