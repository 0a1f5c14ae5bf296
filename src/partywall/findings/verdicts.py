"""Judges a scan: all checks of a table in one query, one byte per verdict, stored wide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.checks.verdict import parameters, verdict_sql
from partywall.findings.model import VERDICT_NAMES, Verdict
from partywall.lake.engine import Lake
from partywall.lake.source import literal, quote
from partywall.lake.writer import write_error

KEYS: Final = ("account_id", "region", "arn", "name")
Overrides = Mapping[str, Mapping[str, Any]]
_CHECKS_AT_ONCE: Final = 150
CAUSE_TYPE: Final = (
    "STRUCT(call VARCHAR, operation VARCHAR, region VARCHAR, outcome VARCHAR, code VARCHAR,"
    " denied_by VARCHAR, message VARCHAR)"
)
"""DuckDB's type of the failed call that is to blame for an unknown verdict."""


def by_table(checks: Iterable[CompiledCheck]) -> dict[str, list[CompiledCheck]]:
    """The checks grouped by table, in order of id."""
    groups: dict[str, list[CompiledCheck]] = {}
    for check in sorted(checks, key=lambda c: c.check.id):
        groups.setdefault(check.check.table, []).append(check)
    return groups


def verdict_file(directory: Path, table: str) -> Path:
    """Where the verdicts on a table's rows are: `_row`, the keys, then one UTINYINT column per check id."""
    return directory / "verdicts" / f"{table}.parquet"


def judge(lake: Lake, checks: Iterable[CompiledCheck], now: datetime, overrides: Overrides) -> None:
    """Writes the verdict file of every table that has rows and checks.

    Raises UserError where the files cannot be written.
    """
    for table, group in by_table(checks).items():
        if not lake.source.files(table):
            continue
        columns = {"_row", *KEYS, *(c for check in group for c in check.columns)}
        source = lake.source.select(group[0].table, sorted(columns))
        verdicts = ", ".join(
            f"{verdict_sql(check, now, overrides.get(check.check.id))} AS {quote(check.check.id)}"
            for check in group
        )
        path = verdict_file(lake.directory, table)
        select = f"SELECT _row, {', '.join(map(quote, KEYS))}, {verdicts} FROM ({source})"
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


def failing_sql(
    lake: Lake, group: list[CompiledCheck], now: datetime, overrides: Overrides, statuses: Collection[str]
) -> str:
    """SELECT of the failed and unknown verdicts on one table, with messages and the call that is to blame.

    Columns: check_id, account_id, region, resource_arn, resource_name, tags, verdict, message, cause (a
    struct of `_failed`, NULL unless unknown). "" where no verdict of the wanted statuses is stored. Only what
    failed is rendered: the verdicts are read back, not computed again.
    """
    path = verdict_file(lake.directory, group[0].check.table)
    if not path.exists():
        return ""
    stored = f"read_parquet({literal(str(path))})"
    tallies = _tallies(lake, stored, group)
    wanted = [v for v in (Verdict.FAIL, Verdict.UNKNOWN) if VERDICT_NAMES[v] in statuses]
    columns = {"_row", *KEYS, "tags"}
    items: list[str] = []
    taken: list[str] = []
    for check in group:
        tally = tallies[check.check.id]
        if not any(tally[v] for v in wanted):
            continue
        verdict = f"_verdict_{len(taken)}"
        taken.append(f"{quote(check.check.id)} AS {verdict}")
        message, cause = "''", f"NULL::{CAUSE_TYPE}"
        if tally[Verdict.FAIL]:
            params = parameters(check, overrides.get(check.check.id))
            rendered = check.message.to_duckdb(params, now) if check.message else literal(check.check.title)
            message = f"CASE WHEN {verdict} = {Verdict.FAIL} THEN {rendered} ELSE '' END"
            columns |= check.message.columns if check.message else frozenset()
        if tally[Verdict.UNKNOWN]:
            calls = ", ".join(literal(c) for c in _calls(check)) or "''"
            columns.add("_failed")
            cause = (
                f"CASE WHEN {verdict} = {Verdict.UNKNOWN}"
                f" THEN list_filter(_failed, lambda f: list_contains([{calls}], f.call))[1] END"
            )
        items.append(
            f"struct_pack(check_id := {literal(check.check.id)}, verdict := {verdict},"
            f" message := {message}, cause := {cause})"
        )
    if not items:
        return ""
    source = lake.source.select(group[0].table, sorted(columns))
    keys = "account_id, region, arn AS resource_arn, name AS resource_name, tags"
    judged = f"SELECT _row, {', '.join(taken)} FROM {stored}"
    parts = [
        f"SELECT {keys}, unnest([{', '.join(items[i : i + _CHECKS_AT_ONCE])}]) AS f"
        f" FROM ({source}) JOIN ({judged}) USING (_row)"
        for i in range(0, len(items), _CHECKS_AT_ONCE)
    ]
    union = " UNION ALL ".join(parts)
    return (
        "SELECT f.check_id AS check_id, account_id, region, resource_arn, resource_name, tags,"
        f" f.verdict AS verdict, f.message AS message, f.cause AS cause FROM ({union})"
        f" WHERE f.verdict IN ({', '.join(str(int(v)) for v in wanted)})"
    )


def _tallies(lake: Lake, stored: str, group: list[CompiledCheck]) -> dict[str, dict[Verdict, int]]:
    """How often each check of a verdict file failed and was unknown."""
    told = (Verdict.FAIL, Verdict.UNKNOWN)
    counts = ", ".join(
        f"count(*) FILTER ({quote(check.check.id)} = {verdict})" for check in group for verdict in told
    )
    found = iter(lake.execute(f"SELECT {counts} FROM {stored}").fetchone())
    return {check.check.id: {verdict: next(found) for verdict in told} for check in group}


def _calls(check: CompiledCheck) -> set[str]:
    """The calls of a row whose failure can make this check unknown ("rows" for a malformed listing)."""
    from partywall.tables import schema
    from partywall.tables.mapping import path_call

    calls = {"rows"}
    joined = {k for r in check.table.relations if r.name in check.columns for k in r.on}
    for name in check.columns | {key.removesuffix("[]") for key in joined}:
        column = schema.column(check.table, name.removesuffix("_facts")) or schema.column(check.table, name)
        if column is not None:
            calls.add(path_call(check.table, column.path) or "rows")
        elif name == "tags":
            calls.add(path_call(check.table, check.table.tags) or "rows")
    return calls
