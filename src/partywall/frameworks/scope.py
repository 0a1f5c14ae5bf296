"""Which services are in scope of AWS's programmes, and data tagged as protected that lies outside of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from partywall.frameworks.files import FrameworkError, read_yaml

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_FILE: Final = Path(__file__).with_name("scope.yaml")
UNKNOWN: Final = "unknown"
HIPAA: Final = "hipaa-baa"
PHI_TAGS: Final = (
    "data-classification=phi",
    "data-classification=ephi",
    "dataclassification=phi",
    "data_classification=phi",
    "classification=phi",
    "data-class=phi",
    "sensitivity=phi",
    "phi=true",
    "phi=yes",
    "ephi=true",
    "hipaa=true",
    "compliance=hipaa",
)
"""KEY=VALUE, or KEY for any value, in any case, by which a resource is known to hold health information."""


class ScopeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a document of AWS said of services and a programme; `as_of` is the document's time."""

    programme: str
    services: list[str]
    in_scope: Literal["yes", "no"]
    source: str
    as_of: date
    read_on: date
    tables: list[str] = []


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a service is in scope of a programme: yes, no or unknown, by which source of what time."""

    in_scope: str
    source: str = ""
    as_of: date | None = None
    read_on: date | None = None


@cache
def entries() -> tuple[ScopeEntry, ...]:
    """The dated table, oldest document first. Raises FrameworkError for a service or programme not known."""
    from partywall.evidence.programmes import programmes
    from partywall.tables.registry import all_tables

    found = read_yaml(_FILE, list[ScopeEntry])
    services = {table.service for table in all_tables().values()}
    for entry in found:
        unknown = [*(set(entry.services) - services), *(set(entry.tables) - set(all_tables()))]
        unknown += [entry.programme] * (entry.programme not in programmes())
        if unknown:
            raise FrameworkError(f"{_FILE}: there is no {', '.join(sorted(unknown))}")
    return tuple(sorted(found, key=lambda e: e.as_of))


def standing(programme: str, service: str, table: str = "") -> Standing:
    """What the latest document says of a service (of one kind of its resources); unknown where none does."""
    found = Standing(UNKNOWN)
    for entry in entries():
        told = not entry.tables or table in entry.tables
        if entry.programme == programme and service in entry.services and told:
            found = Standing(entry.in_scope, entry.source, entry.as_of, entry.read_on)
    return found


def scope_rows() -> list[dict[str, Any]]:
    """Every programme and table: programme, service, table_name, in_scope, source, as_of, read_on."""
    from partywall.evidence.programmes import programmes
    from partywall.tables.registry import all_tables

    return [
        {
            "programme": programme,
            "service": table.service,
            "table_name": table.name,
            **asdict(standing(programme, table.service, table.name)),
        }
        for programme in programmes()
        for table in all_tables().values()
    ]


def parse_tags(tags: Iterable[str]) -> list[tuple[str, str]]:
    """KEY=VALUE and KEY as pairs in lower case; "" stands for any value."""
    pairs = [tag.casefold().partition("=") for tag in tags]
    return [(key.strip(), value.strip()) for key, _, value in pairs if key.strip()]


@dataclass(frozen=True, slots=True)
class Tagged:
    """Resources whose tags say that they hold protected data, and how many have tags that are not known."""

    resources: Sequence[Mapping[str, Any]]
    unknown: int


def tagged(lake: Lake, tags: Iterable[str] = PHI_TAGS) -> Tagged:
    """The resources of all tables with one of the tags, in one query.

    Columns: table_name, service, account_id, region, arn, name, tag.
    """
    from partywall.lake.source import literal, quote
    from partywall.tables.registry import all_tables

    wanted = parse_tags(tags)
    parts: list[str] = []
    for name, table in all_tables().items():
        if table.tags and lake.source.files(name):
            source = lake.source.select(table, ["account_id", "arn", "name", "region", "tags"])
            parts.append(
                f"SELECT {literal(name)} AS table_name, {literal(table.service)} AS service,"
                f" account_id, region, arn, name, tags FROM ({source})"
            )
    if not parts or not wanted:
        return Tagged((), 0)
    tests = " OR ".join(
        f"(lower(e.key) = {literal(key)}" + (f" AND lower(e.value) = {literal(value)}" if value else "") + ")"
        for key, value in wanted
    )
    every = " UNION ALL BY NAME ".join(parts)
    lake.execute(f"CREATE OR REPLACE TEMP TABLE _tagged AS {every}")
    names = ("table_name", "service", "account_id", "region", "arn", "name", "tag")
    columns = ", ".join(map(quote, names[:-1]))
    rows = lake.execute(
        f"SELECT {columns}, min(e.key || '=' || e.value) AS tag"
        f" FROM (SELECT {columns}, unnest(map_entries(tags)) AS e FROM _tagged) WHERE {tests}"
        f" GROUP BY {columns} ORDER BY ALL"
    ).fetchall()
    unknown = lake.execute("SELECT count(*) FROM _tagged WHERE tags IS NULL").fetchone()[0]
    lake.execute("DROP TABLE _tagged")
    return Tagged([dict(zip(names, row, strict=True)) for row in rows], unknown)


VIOLATION: Final = (
    ("finding_id", "VARCHAR", "Stable across scans, as that of other findings."),
    ("programme", "VARCHAR", "The programme that asks for services in its scope."),
    (
        "status",
        "VARCHAR",
        "fail: AWS says that it is not in scope. unknown: no document read says that it is.",
    ),
    ("service", "VARCHAR", "The service in which the data lies."),
    ("table_name", "VARCHAR", "The kind of resource."),
    ("account_id", "VARCHAR", "The account."),
    ("region", "VARCHAR", "The Region."),
    ("resource_arn", "VARCHAR", "The resource."),
    ("resource_name", "VARCHAR", "Its name."),
    ("tag", "VARCHAR", "The tag that says what it holds."),
    ("message", "VARCHAR", "One sentence."),
)
"""Columns of `programme_scope_violation`: name, DuckDB's type, what it says."""


def violations(found: Tagged, programme: str = HIPAA) -> list[dict[str, Any]]:
    """The tagged resources in services that are not known to be in scope, with the columns of `VIOLATION`."""
    from partywall.findings.model import finding_id

    rows: list[dict[str, Any]] = []
    for resource in found.resources:
        table, service = resource["table_name"], resource["service"]
        stands = standing(programme, service, table)
        if stands.in_scope == "yes":
            continue
        said = (
            f"AWS says that it is not in scope ({stands.source})"
            if stands.in_scope == "no"
            else "no document of AWS that was read says that it is in scope"
        )
        place = (resource["account_id"] or "", resource["region"] or "", resource["arn"] or "")
        rows.append(
            {
                "finding_id": finding_id(f"programme-scope-{programme}", *place, resource["name"] or ""),
                "programme": programme,
                "status": "fail" if stands.in_scope == "no" else "unknown",
                "service": service,
                "table_name": table,
                "account_id": resource["account_id"],
                "region": resource["region"],
                "resource_arn": resource["arn"],
                "resource_name": resource["name"],
                "tag": resource["tag"],
                "message": f"{table} is tagged {resource['tag']}, and of {service} {said}",
            }
        )
    return rows
