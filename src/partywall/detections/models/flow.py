"""The models of VPC flow logs, asked of every account's day that has new records."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.detections.detection import Detection
from partywall.detections.models import Answer, Asked, Model
from partywall.detections.models import flow_models as absolute
from partywall.detections.models.flow_talk import COLUMNS, converse

if TYPE_CHECKING:
    import duckdb

VERSION: Final = "1"
"""Of the models: another one asks all days again."""
_MEMORY: Final = "1GB"


def run(asked: Asked) -> Answer:
    """What the models find in the days of flow logs with new records."""
    found: list[Detection] = []
    for day, account in asked.memory.fresh(asked.logs, "vpc_flow", "flow", VERSION):
        connection = opened(asked.memory.directory)
        try:
            connection.execute(f"CREATE TEMP VIEW flow AS {relation(asked, day, account)}")
            converse(connection)
            connection.execute("CREATE TEMP TABLE habit (model VARCHAR, eni VARCHAR, own VARCHAR, port INT)")
            place = absolute.Place(account)
            found += absolute.detections(connection, place)
        finally:
            connection.close()
    return Answer(found)


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


MODEL: Final = Model("flow", tuple(dict.fromkeys(each.type for each in absolute.MODELS)), run)
