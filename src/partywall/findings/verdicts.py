"""Judges a scan: all checks of a table in one query, one byte per verdict, stored wide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.checks.verdict import joined, parameters
from partywall.findings.model import VERDICT_NAMES, Verdict
from partywall.findings.related import Related, bound
from partywall.findings.small import is_small, judge_small
from partywall.lake.engine import Lake
from partywall.lake.source import literal, quote
from partywall.lake.writer import write_error
from partywall.sql.dialect import Expression
from partywall.tables.spec import Analysis

if TYPE_CHECKING:
    import duckdb

_AT_ONCE: Final = 2
KEYS: Final = ("account_id", "region", "arn", "name")
Overrides = Mapping[str, Mapping[str, Any]]
_CHECKS_AT_ONCE: Final = 150
_WORST_FIRST: Final = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)
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
    groups = [group for table, group in by_table(checks).items() if lake.source.files(table)]
    if not groups:
        return
    directory = verdict_file(lake.directory, "").parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(directory, error) from error
    counts = lake.row_counts()
    small = [group for group in groups if is_small(lake, group, counts)]
    names = {group[0].check.table for group in small}
    large = [group for group in groups if group[0].check.table not in names]
    large.sort(key=lambda group: counts.get(group[0].check.table, 0) * len(group))
    _judge_large(lake, large, now, overrides)
    judge_small(lake, small, now, overrides, lambda table, columns: _store(lake, table, columns))
    for group in groups:
        if isinstance(group[0].table.rows, Analysis):
            path = verdict_file(lake.directory, group[0].check.table)
            _speak_once(lake, path, [c.check.id for c in group])


def _speak_once(lake: Lake, path: Path, checks: list[str]) -> None:
    """Leaves each check one verdict per resource: its worst row's; those of its other rows become NULL.

    Analyses have several rows of one resource, such as one for each kind of outsider; a finding is of the
    resource.
    """
    stored = f"read_parquet({literal(str(path))})"
    same = "PARTITION BY account_id, region, coalesce(nullif(arn, ''), name)"
    several = f"SELECT 1 FROM {stored} QUALIFY count(*) OVER ({same}) > 1 LIMIT 1"
    if lake.execute(several).fetchone() is None:
        return
    worst = " ".join(f"WHEN {int(v)} THEN {rank}" for rank, v in enumerate(_WORST_FIRST))
    columns: list[str] = []
    for check in map(quote, checks):
        # The rank above the row's number: one minimum finds the worst row, the first of several.
        place = f"(((CASE {check} {worst} END)::BIGINT << 40) + _row)"
        columns.append(f"CASE WHEN {place} = min({place}) OVER same THEN {check} END AS {check}")
    keys = ", ".join(map(quote, KEYS))
    made = path.with_suffix(".once")
    _copy(
        lake.cursor(),
        f"SELECT _row, {keys}, {', '.join(columns)} FROM {stored} WINDOW same AS ({same})",
        made,
    )
    made.replace(path)


def _store(lake: Lake, table: str, columns: Mapping[str, list[Any]]) -> None:
    """Writes a verdict file as DuckDB does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = verdict_file(lake.directory, table)
    types = {"_row": pa.int64(), **dict.fromkeys(KEYS, pa.string())}
    arrays = {name: pa.array(values, types.get(name, pa.uint8())) for name, values in columns.items()}
    try:
        pq.write_table(pa.table(arrays), path, compression="zstd")
    except OSError as error:
        raise write_error(path, error) from error


def _judge_large(lake: Lake, groups: list[list[CompiledCheck]], now: datetime, overrides: Overrides) -> None:
    """Judges by DuckDB, the last group first.

    Each query is planned in one thread, and plans take most of the time: two queries keep two cores busy.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not groups:
        return
    cursors = [lake.cursor() for _ in range(min(_AT_ONCE, len(groups)))]

    def work(cursor: duckdb.DuckDBPyConnection) -> None:
        while True:
            try:
                group = groups.pop()
            except IndexError:
                return
            select = judging_sql(lake, group, now, overrides)
            _copy(cursor, select, verdict_file(lake.directory, group[0].check.table))

    pool = ThreadPoolExecutor(len(cursors))
    try:
        for done in [pool.submit(work, cursor) for cursor in cursors]:
            done.result()
    except BaseException:
        groups.clear()
        for cursor in cursors:
            cursor.interrupt()
        raise
    finally:
        pool.shutdown()


def judging_sql(lake: Lake, group: list[CompiledCheck], now: datetime, overrides: Overrides) -> str:
    """SELECT of a verdict file's columns over all rows of the checks' table."""
    from partywall.sql.duckdb import DuckDB

    related, lowering = Related(group[0].table, now), DuckDB({}, now)
    verdicts: list[str] = []
    for check in group:
        params = parameters(check, overrides.get(check.check.id))

        def lowered(expression: Expression, params: Mapping[str, Any] = params) -> str:
            return lowering.sql(related.hoist(bound(expression.node, expression.bind(params))))

        where = lowered(check.where) if check.where is not None else None
        verdicts.append(f"{joined(where, lowered(check.passes))} AS {quote(check.check.id)}")
    columns = sorted({"_row", *KEYS, *related.columns()})
    source = lake.source.select(group[0].table, columns, related.summaries, related.fields())
    return f"SELECT _row, {', '.join(map(quote, KEYS))}, {', '.join(verdicts)} FROM ({source})"


def _copy(cursor: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    import duckdb

    try:
        cursor.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    except (duckdb.IOException, OSError) as error:
        raise write_error(path, OSError(str(error))) from error


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
