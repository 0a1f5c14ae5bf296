"""The SQL tables `detection` and `incident`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from partywall.detections.detection import detection_schema, to_arrow
from partywall.detections.incidents.incident import Incident
from partywall.detections.run.pipeline import Threats, threats

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def incident_schema() -> pa.Schema:
    """The columns of `incident`: an Incident's fields."""
    import pyarrow as pa

    text, time = pa.string(), pa.timestamp("us", tz="UTC")
    plain = ("id", "title", "severity", "state", "summary")
    types = {"first_seen": time, "last_seen": time, "score": pa.int64(), "events": pa.int64()}
    return pa.schema(
        [
            (each.name, types.get(each.name, text if each.name in plain else pa.list_(text)))
            for each in fields(Incident)
        ]
    )


def detections_table(found: Threats) -> pa.Table:
    """`detection`: a Detection's fields, `state`, `exception` (why), `incident` (its id), `found_at`."""
    import pyarrow as pa

    joined = {name: each.id for each in found.incidents for name in each.detections}
    made = to_arrow(kept.detection for kept in found.detections)
    further = {
        "state": [
            "excepted" if kept.detection.id in found.excepted else kept.state for kept in found.detections
        ],
        "exception": [found.excepted.get(kept.detection.id, "") for kept in found.detections],
        "incident": [joined.get(kept.detection.id, "") for kept in found.detections],
    }
    for name, values in further.items():
        made = made.append_column(name, pa.array(values, pa.string()))
    times = [kept.found_at for kept in found.detections]
    return made.append_column("found_at", pa.array(times, detection_schema().field("first_seen").type))


def incidents_table(found: Threats) -> pa.Table:
    """`incident`: an Incident's fields."""
    import pyarrow as pa

    schema = incident_schema()
    return pa.table(
        {
            name: pa.array([getattr(each, name) for each in found.incidents], schema.field(name).type)
            for name in schema.names
        },
        schema=schema,
    )


def register(connection: duckdb.DuckDBPyConnection, data: Path, config: Path | None = None) -> None:
    """Makes the two tables visible; empty ones where nothing was ever detected."""
    from partywall.config import load

    found = threats(data, load(config, data).exceptions)
    connection.register("detection", detections_table(found))
    connection.register("incident", incidents_table(found))
