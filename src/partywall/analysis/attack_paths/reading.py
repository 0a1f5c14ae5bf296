"""Which calls, that did not answer, may hide attack paths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from partywall.analysis.attack_paths.parts import Call
from partywall.tables.registry import all_tables, analysis_tables
from partywall.tables.spec import Analysis, Table

if TYPE_CHECKING:
    from partywall.lake.engine import Lake


def bearing(lake: Lake, inputs: Mapping[str, Iterable[str]], settled: Collection[str] = ()) -> list[Call]:
    """The failed calls behind some tables' columns, also by way of analyses, as elements of `_failed`.

    Of analyses that are `settled` only failed listings count: they tell by NULL what else was not read.
    """
    from partywall.analysis.tables import listing_failures
    from partywall.tables.schema import FAILED

    names = [f.name for f in FAILED.fields]
    read = _collected({name: columns for name, columns in inputs.items() if name not in settled})
    lists = {name for each in settled for name in analysis_tables()[each].rows_from}
    found: dict[tuple[Any, ...], Call] = {}
    for _, _, call in listing_failures(lake, [*read, *lists]):
        found.setdefault(tuple(call.values()), call)
    for name, columns in sorted(read.items()):
        if not lake.source.files(name):
            continue
        calls = _calls(all_tables()[name], columns)
        stored = lake.source.select(all_tables()[name], ("_failed",))
        rows = lake.execute(
            f"SELECT DISTINCT {', '.join(f'f.{n}' for n in names)}"
            f" FROM (SELECT unnest(_failed) AS f FROM ({stored})) ORDER BY ALL"
        ).fetchall()
        for row in rows:
            if row[0] in calls:
                call = dict(zip(names, ("rows", *row[1:]), strict=True))
                found.setdefault(tuple(call.values()), call)
    return list(found.values())


def _collected(inputs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Collected tables and their columns behind some inputs, those of analyses followed to theirs."""
    found: dict[str, set[str]] = {}
    waiting = [(name, set(columns)) for name, columns in inputs.items()]
    seen: set[str] = set()
    while waiting:
        name, columns = waiting.pop()
        if isinstance(all_tables()[name].rows, Analysis):
            if name not in seen:
                seen.add(name)
                waiting += [(n, set(c)) for n, c in analysis_tables()[name].inputs.items()]
        else:
            found.setdefault(name, set()).update(columns)
    return found


def _calls(table: Table, columns: Iterable[str]) -> set[str]:
    """The calls of a table that fill some of its columns, its tags and its rows."""
    from partywall.tables.mapping import path_call

    paths = {c.name: c.path for c in table.columns}
    wanted = [paths[c] for c in columns if c in paths]
    return {"rows", *(path_call(table, p) or "rows" for p in (*wanted, table.tags))}


def row_failures(table: str, row: Mapping[str, Any], columns: Iterable[str]) -> tuple[dict[str, str], ...]:
    """The failed calls of a row behind some of its columns, as elements of `_failed` of another table."""
    calls = _calls(all_tables()[table], columns)
    return tuple({**c, "call": "rows"} for c in row["_failed"] or () if c["call"] in calls)
