"""Judges a scan: all checks of a table in one query, one byte per verdict, stored wide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.checks.verdict import parameters, verdict_sql
from partywall.findings.model import Verdict
from partywall.lake.engine import Lake
from partywall.lake.source import literal, quote
from partywall.lake.writer import write_error

KEYS: Final = ("account_id", "region", "arn", "name")
Overrides = Mapping[str, Mapping[str, Any]]
_CHECKS_AT_ONCE: Final = 150


def by_table(checks: Iterable[CompiledCheck]) -> dict[str, list[CompiledCheck]]:
    """The checks grouped by table, in order of id."""
    groups: dict[str, list[CompiledCheck]] = {}
    for check in sorted(checks, key=lambda c: c.check.id):
        groups.setdefault(check.check.table, []).append(check)
    return groups


def verdict_file(directory: Path, table: str) -> Path:
    """Where the verdicts on a table's rows are: the keys, then one UTINYINT column per check id."""
    return directory / "verdicts" / f"{table}.parquet"


def judge(lake: Lake, checks: Iterable[CompiledCheck], now: datetime, overrides: Overrides) -> None:
    """Writes the verdict file of every table that has rows and checks.

    Raises UserError where the files cannot be written.
    """
    for table, group in by_table(checks).items():
        if not lake.source.files(table):
            continue
        columns = {*KEYS, *(c for check in group for c in check.columns)}
        source = lake.source.select(group[0].table, sorted(columns))
        verdicts = ", ".join(
            f"{verdict_sql(check, now, overrides.get(check.check.id))} AS {quote(check.check.id)}"
            for check in group
        )
        path = verdict_file(lake.directory, table)
        select = f"SELECT {', '.join(map(quote, KEYS))}, {verdicts} FROM ({source})"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(lake, select, path)
        except OSError as error:
            raise write_error(path, error) from error


def _copy(lake: Lake, select: str, path: Path) -> None:
    import duckdb

    try:
        lake.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.IOException as error:
        raise OSError(str(error)) from error


def failing_sql(lake: Lake, group: list[CompiledCheck], now: datetime, overrides: Overrides) -> str:
    """SELECT of the failed and unknown verdicts on one table, with messages and the call that is to blame.

    Columns: check_id, account_id, region, resource_arn, resource_name, tags, verdict, message, cause (a
    struct of `_failed`, NULL unless unknown).
    """
    table = group[0].table
    columns = {*KEYS, "tags", "_failed"}
    for check in group:
        columns |= check.columns | (check.message.columns if check.message else frozenset())
    source = lake.source.select(table, sorted(columns))
    items: list[str] = []
    for check in group:
        verdict = verdict_sql(check, now, overrides.get(check.check.id))
        params = parameters(check, overrides.get(check.check.id))
        message = check.message.to_duckdb(params, now) if check.message else literal(check.check.title)
        calls = ", ".join(literal(c) for c in _calls(check)) or "''"
        items.append(
            f"struct_pack(check_id := {literal(check.check.id)}, verdict := {verdict},"
            f" message := CASE WHEN {verdict} = {Verdict.FAIL} THEN {message} ELSE '' END,"
            f" cause := CASE WHEN {verdict} = {Verdict.UNKNOWN}"
            f" THEN list_filter(_failed, lambda f: list_contains([{calls}], f.call))[1] END)"
        )
    keys = "account_id, region, arn AS resource_arn, name AS resource_name, tags"
    parts = [
        f"SELECT {keys}, unnest([{', '.join(items[i : i + _CHECKS_AT_ONCE])}]) AS v FROM ({source})"
        for i in range(0, len(items), _CHECKS_AT_ONCE)
    ]
    union = " UNION ALL ".join(parts)
    return (
        "SELECT v.check_id AS check_id, account_id, region, resource_arn, resource_name, tags,"
        f" v.verdict AS verdict, v.message AS message, v.cause AS cause FROM ({union})"
        f" WHERE v.verdict IN ({Verdict.FAIL}, {Verdict.UNKNOWN})"
    )


def _calls(check: CompiledCheck) -> set[str]:
    """The calls of a row whose failure can make this check unknown ("rows" for a malformed listing)."""
    from partywall.tables import schema
    from partywall.tables.mapping import path_call

    calls = {"rows"}
    for name in check.columns:
        column = schema.column(check.table, name.removesuffix("_facts")) or schema.column(check.table, name)
        if column is not None:
            calls.add(path_call(check.table, column.path) or "rows")
        elif name == "tags":
            calls.add(path_call(check.table, check.table.tags) or "rows")
    return calls
