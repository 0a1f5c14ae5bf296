"""Fills the tables that analyses make of a collected scan, so that checks judge them like any other."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.lake.engine import FAILED_LISTING, Lake
from partywall.lake.source import literal
from partywall.lake.writer import collection_schema, write_error
from partywall.tables.registry import all_tables, analysis_tables
from partywall.tables.schema import FAILED, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

_FAILED: Final = tuple(f.name for f in FAILED.fields)
_MISSING: Final = b"partywall.missing"
_FOLLOWS: Final = frozenset({"NotInAnswer", "RegionNotScanned"})


def analyse(lake: Lake, names: Collection[str] | None = None) -> list[str]:
    """Makes the demanded analysis tables (or those of `names`), and tells how in the table `collection`.

    Returns a sentence for each that could not be made: its checks are unknown then, and all else stands.
    Raises UserError where a file cannot be written.
    """
    notes: list[str] = []
    told: list[dict[str, Any]] = []
    made = [n for n in analysis_tables() if n in lake.manifest.demand and (names is None or n in names)]
    for name in made:
        path = lake.source.analysis_file(name)
        try:
            table = _built(lake, name)
        except MemoryError:
            raise
        except Exception as error:
            # A fault of ours must not cost the scan.
            path.unlink(missing_ok=True)
            notes.append(
                f"the table {name} could not be made ({type(error).__name__}: {error}); please report it"
            )
            told += _broken(lake, name, error)
        else:
            _write(path, table)
            told += _listing(lake, name, table)
        lake.source.forget(name)
    if made:
        _tell(lake, made, told)
    return notes


def with_missing(table: pa.Table, calls: Iterable[tuple[str, str, Mapping[str, str]]]) -> pa.Table:
    """Says of an analysis that rows may be missing: account id, Region, the call (as in `_failed`) to blame.

    For calls of single rows that tell whether there is anything to say of them; failed listings of
    `rows_from` count without it.
    """
    import orjson

    told = [[account, region, dict(call)] for account, region, call in calls]
    return table.replace_schema_metadata({_MISSING: orjson.dumps(told)}) if told else table


def listing_failures(lake: Lake, tables: Collection[str]) -> list[tuple[str, str, dict[str, str]]]:
    """The listings of some tables that did not answer: account id, Region, an element of `_failed`."""
    listed = ", ".join(map(literal, sorted(tables))) or "''"
    rows = lake.execute(
        "SELECT DISTINCT account_id, region, operation, call_region, outcome, error_code, denied_by,"
        f" error_message FROM ({lake.sql_of('collection')}) c"
        f" WHERE table_name IN ({listed}) AND {FAILED_LISTING} ORDER BY ALL"
    ).fetchall()
    return [(row[0], row[1], dict(zip(_FAILED, ("rows", *row[2:]), strict=True))) for row in rows]


def _built(lake: Lake, name: str) -> pa.Table:
    """The table as declared; columns that the analysis left out are NULL."""
    import pyarrow as pa

    module, _, function = analysis_tables()[name].build.partition(":")
    build: Callable[[Lake], pa.Table] = getattr(importlib.import_module(module), function)
    found = build(lake)
    schema = arrow_schema(all_tables()[name])
    foreign = sorted(set(found.column_names) - set(schema.names))
    if foreign:
        raise ValueError(f"undeclared columns {', '.join(foreign)}")
    columns = {
        field.name: found[field.name].cast(field.type)
        if field.name in found.column_names
        else pa.nulls(found.num_rows, field.type)
        for field in schema
    }
    failed = columns["_failed"].to_pylist()
    if any(failed):
        # The calls have names in the tables that they were made for, which mean nothing in this one.
        all_named = [_blame([{**call, "call": "rows"} for call in calls or ()]) for calls in failed]
        columns["_failed"] = pa.array(all_named, schema.field("_failed").type)
    return pa.table(columns, schema=schema.with_metadata(found.schema.metadata))


def _blame(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failed calls before what merely follows from them or from the scan's scope: findings name the first."""
    return sorted(calls, key=lambda call: call["code"] in _FOLLOWS)


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    aside = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, aside, compression="zstd")
        aside.replace(path)
    except OSError as error:
        raise write_error(path, error) from error


def _places(lake: Lake, name: str) -> list[tuple[str, str]]:
    """The accounts and Regions for which a table is made."""
    manifest = lake.manifest
    accounts = [account["account_id"] for account in manifest.accounts]
    if all_tables()[name].scope == "global":
        return [(account, "global") for account in accounts]
    enabled = manifest.enabled_regions
    return [(a, r) for a in accounts for r in manifest.regions if not enabled.get(a) or r in enabled[a]]


def _listing(lake: Lake, name: str, table: pa.Table) -> list[dict[str, Any]]:
    """What `collection` says of a table that was made: the failed listings of what gives its rows, and for
    each place how many rows it has."""
    import orjson

    failed = listing_failures(lake, analysis_tables()[name].rows_from)
    missing = (table.schema.metadata or {}).get(_MISSING)
    failed += [(a, r, call) for a, r, call in orjson.loads(missing)] if missing else []
    rows = [
        {
            **_row((account, region), call["outcome"], 0),
            "operation": call["operation"],
            "call_region": call["region"],
            "error_code": call["code"],
            "error_message": call["message"],
            "denied_by": call["denied_by"],
        }
        for account, region, call in failed
    ]
    counts: dict[tuple[str, str], int] = {}
    counted = table.group_by(["account_id", "region"]).aggregate([([], "count_all")])
    for account, region, count in zip(*(c.to_pylist() for c in counted.columns), strict=True):
        place = (account, region if all_tables()[name].scope != "global" else "global")
        counts[place] = counts.get(place, 0) + count
    broken = {(account, place) for account, region, _ in failed for place in (region, "global")}
    for place in dict.fromkeys([*_places(lake, name), *counts]):
        count = counts.get(place, 0)
        if count or place not in broken:
            rows.append(_row(place, "ok" if count else "empty", count))
    return [{**row, "table_name": name} for row in rows]


def _broken(lake: Lake, name: str, error: Exception) -> list[dict[str, Any]]:
    what = {"operation": f"partywall:{name}", "error_code": type(error).__name__, "error_message": str(error)}
    return [{**_row(place, "error", 0), **what, "table_name": name} for place in _places(lake, name)]


def _row(place: tuple[str, str], outcome: str, count: int) -> dict[str, Any]:
    account, region = place
    return {"account_id": account, "region": region, "outcome": outcome, "row_count": count}


def _tell(lake: Lake, made: Collection[str], told: list[dict[str, Any]]) -> None:
    """Replaces what `collection` says of the tables made."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = collection_schema()
    texts = {field.name for field in schema if pa.types.is_string(field.type)}
    # Like the collector's own rows: a text that does not apply is empty.
    rows = [{name: row.get(name, "" if name in texts else None) for name in schema.names} for row in told]
    path = lake.source.analysis_file("collection")
    if path.exists():
        rows += [r for r in pq.read_table(path).to_pylist() if r["table_name"] not in made]
    _write(path, pa.Table.from_pylist(rows, schema=schema))
