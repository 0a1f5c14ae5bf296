"""Where a rule's fields are in a table of events: which column, and which path inside its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from partywall.lake.source import quote

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the events as SQL giving VARCHAR, NULL where absent; json: text to look into."""

    name: str
    sql: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of a table of events by the fields that they hold, and what identifies an event.

    `columns` has the longest known prefixes of fields; a field without one is looked up in `raw`, the whole
    record. `renamed` maps fields of rules to fields of this table (a field pipeline): whole, or by prefix.
    """

    columns: Mapping[str, Column]
    raw: Column
    event_id: str
    event_time: str
    renamed: Mapping[str, str]

    def locate(self, field: str) -> tuple[Column, str]:
        """The column of a field and the path from there ("" where the column is the field)."""
        steps = field.split(".")
        for count in range(len(steps), 0, -1):
            name = ".".join(steps[:count])
            rest = ".".join(steps[count:])
            column = self.columns.get(self.renamed.get(name, name))
            if column is not None and (not rest or column.kind == "json"):
                return column, rest
        return self.raw, field


def cloudtrail() -> Fields:
    """The `cloudtrail` log table as `ingest.store.LogStore` gives it."""
    from partywall.detections.ingest.schemas import CLOUDTRAIL

    columns: dict[str, Column] = {}
    for each in CLOUDTRAIL.columns:
        name = quote(each.name)
        if each.kind == "time":
            name = f"strftime({name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
        elif each.kind not in ("text", "json"):
            name = f"{name}::VARCHAR"
        columns[each.name] = Column(each.name, name, "json" if each.kind == "json" else "text")
    for made in ("raw", "account", "region", "date", "source", "issuedAccessKeyId"):
        columns.pop(made)
    return Fields(columns, Column("raw", '"raw"', "json"), '"eventID"', '"eventTime"', {})


def table(records: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Raw CloudTrail records as an Arrow table with the log table's columns, for tests and small files.

    Text columns hold a scalar's text; `raw` is the record as compact JSON.
    """
    import pyarrow as pa

    from partywall.detections.ingest.schemas import CLOUDTRAIL

    made: dict[str, list[Any]] = {c.name: [] for c in CLOUDTRAIL.columns}
    for record in records:
        made["raw"].append(compact(record))
        for column in CLOUDTRAIL.columns:
            if column.name == "raw":
                continue
            value = _at(record, column.name)
            if column.kind == "json":
                value = None if value is None else compact(value)
            elif column.kind == "time":
                value = _time(value)
            elif column.kind == "bool":
                value = value if isinstance(value, bool) else None
            elif value is not None:
                value = value if isinstance(value, str) else compact(value)
            made[column.name].append(value)
    schema = CLOUDTRAIL.arrow()
    return pa.table({name: pa.array(made[name], schema.field(name).type) for name in made}, schema=schema)


def compact(value: Any) -> str:
    """JSON text without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _at(record: Mapping[str, Any], path: str) -> Any:
    if path == "issuedAccessKeyId":
        made = _at(record, "responseElements.credentials.accessKeyId")
        return made or _at(record, "responseElements.accessKey.accessKeyId")
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _time(value: Any) -> Any:
    from datetime import UTC, datetime

    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
