"""The models of VPC flow logs, asked of every account's day that has new records."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.detections.detection import Detection
from partywall.detections.models import Answer, Asked, Model, flow_lists, flow_models, flow_usual
from partywall.detections.models.flow_evidence import evidenced
from partywall.detections.models.flow_models import Place
from partywall.detections.models.flow_talk import COLUMNS, converse

if TYPE_CHECKING:
    import duckdb

VERSION: Final = "1"
"""Of the models: another one asks all days again."""
_MEMORY: Final = "1GB"


def run(asked: Asked) -> Answer:
    """What the models find in days of flow logs with new records, and changed lists in old ones."""
    memory, lists = asked.memory, asked.lists
    days = memory.fresh(asked.logs, "vpc_flow", "flow", VERSION)
    listed = memory.fresh(asked.logs, "vpc_flow", "flow-lists", lists.version)
    if listed:
        late = listed[-1][0] - timedelta(days=flow_lists.LATE)
        listed = [each for each in listed if lists.networks and each[0] >= late]
    found: list[Detection] = []
    notes: dict[str, str] = {}
    for day, account in sorted({*days, *listed}):
        connection = opened(memory.directory)
        try:
            connection.execute(f"CREATE TEMP VIEW flow AS {relation(asked, day, account)}")
            matched = (day, account) in listed and flow_lists.match(connection, lists)
            if not matched and (day, account) not in days:
                continue
            converse(connection)
            place = _place(connection, account)
            told = flow_lists.detections(connection, place) if matched else []
            if (day, account) in days:
                said: list[str] = []
                flow_usual.habits(connection, memory, account, day)
                told += flow_models.detections(connection, place)
                told += flow_usual.detections(connection, memory, place, day, said)
                notes |= dict.fromkeys([account], said[0] if said else "")
            found += evidenced(connection, told)
        finally:
            connection.close()
    return Answer(found, tuple(filter(None, notes.values())))


def _place(connection: duckdb.DuckDBPyConnection, account: str) -> Place:
    """The account, in the partition of its records' Region."""
    from partywall.aws.partitions import partition_of

    regions = connection.execute("SELECT any_value(region) FROM raw").fetchall()
    return Place(account, partition_of(regions[0][0] or ""))


def opened(directory: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB with bounded memory that goes on in files of the directory where that is not enough."""
    from partywall.lake.engine import connect
    from partywall.lake.source import literal

    connection = connect(_MEMORY, 2)
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = {literal(str(directory / 'tmp'))}")
    return connection


def relation(asked: Asked, day: date, account: str) -> str:
    """SELECT of an account's flow records of a UTC day."""
    begin = datetime.combine(day, time(), UTC)
    return asked.logs.relation(
        "vpc_flow", begin, begin + timedelta(days=1), accounts=[account], columns=COLUMNS
    )


MODEL: Final = Model(
    "flow",
    tuple(
        dict.fromkeys(
            each.type for each in (*flow_models.MODELS, *flow_usual.MODELS.values(), *flow_lists.MODELS)
        )
    ),
    run,
)
