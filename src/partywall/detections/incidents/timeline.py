"""The events of a story in order of time, each with what it was found as."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from partywall.detections.detection import SEVERITIES, Detection
from partywall.detections.incidents.incident import short

MOST: Final = 500


def timeline(data: Path, detections: Sequence[Detection], most: int = MOST) -> list[dict[str, Any]]:
    """Maps of time, call, error, who, caller, address, account, region, event, found (titles), severity.

    At most `most` events, the earliest; a detection whose events are not in the log tables (an imported one,
    flow logs) has one entry for itself.
    """
    from partywall.detections.ingest.store import LogStore

    if not detections:
        return []
    by_event: dict[str, list[Detection]] = {}
    for each in sorted(detections, key=lambda d: -SEVERITIES.index(d.severity)):
        for event in each.events:
            by_event.setdefault(event, []).append(each)
    since = min(each.first_seen for each in detections)
    until = max(each.last_seen for each in detections) + timedelta(seconds=1)
    rows = _events(LogStore(data), sorted(by_event), since, until)
    seen = {row["id"] for row in rows}
    made = [
        {
            "time": row["at"],
            "call": f"{(row['source'] or '').removesuffix('.amazonaws.com')}:{row['name'] or ''}",
            "error": row["error"] or "",
            "who": short(row["who"] or ""),
            "caller": row["who"] or "",
            "address": row["address"] or "",
            "account": row["account"] or "",
            "region": row["region"] or "",
            "event": row["id"],
            "found": list(dict.fromkeys(each.title for each in by_event[row["id"]])),
            "severity": by_event[row["id"]][0].severity,
        }
        for row in rows
    ]
    made += [
        {
            "time": each.first_seen,
            "call": each.type,
            "error": "",
            "who": short(each.principal or each.caller),
            "caller": each.caller,
            "address": each.addresses[0] if each.addresses else "",
            "account": each.account,
            "region": each.region,
            "event": "",
            "found": [f"{each.title} (from {each.source})"],
            "severity": each.severity,
        }
        for each in detections
        if not any(event in seen for event in each.events)
    ]
    return sorted(made, key=lambda row: (row["time"], row["event"]))[:most]


def _events(store: Any, ids: Sequence[str], since: Any, until: Any) -> list[dict[str, Any]]:
    import pyarrow as pa

    from partywall.lake.engine import connect

    connection = connect("1GB", 2)
    try:
        connection.register("wanted", pa.table({"wanted": pa.array(ids, pa.string())}))
        columns = (
            "id",
            "eventTime",
            "eventSource",
            "eventName",
            "errorCode",
            "sourceIPAddress",
            "account",
            "region",
            *(f"userIdentity.{name}" for name in ("arn", "userName", "invokedBy", "principalId", "type")),
        )
        who = ", ".join(
            f'"userIdentity.{name}"' for name in ("arn", "userName", "invokedBy", "principalId", "type")
        )
        return (
            connection.sql(
                'SELECT DISTINCT ON (id) id, "eventTime" AS at, "eventSource" AS source,'
                ' "eventName" AS name,'
                ' "errorCode" AS error, "sourceIPAddress" AS address, account, region,'
                f" coalesce({who}) AS who"
                f" FROM ({store.relation('cloudtrail', since, until, columns=columns)})"
                ' SEMI JOIN wanted ON id = wanted WHERE "eventTime" IS NOT NULL'
            )
            .to_arrow_table()
            .to_pylist()
        )
    finally:
        connection.close()
