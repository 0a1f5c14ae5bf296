"""Findings over time: first seen, changed, resolved, reopened, gone; the unseen stays as it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.checks.loader import CompiledCheck
from partywall.findings.model import Verdict
from partywall.findings.verdicts import by_table, verdict_file
from partywall.lake.engine import FAILED_LISTING, INCOMPLETE, Lake, explained
from partywall.lake.source import literal, quote
from partywall.lake.writer import write_error

if TYPE_CHECKING:
    import pyarrow as pa

FILE: Final = "lifecycle.parquet"
ID: Final = (
    "left(sha256(concat_ws(chr(31), check_id, account_id,"
    " CASE WHEN resource_arn <> '' AND split_part(resource_arn, ':', 4) = '' THEN ''"
    " ELSE coalesce(region, '') END,"
    " coalesce(nullif(resource_arn, ''), resource_name, ''))), 32)"
)
"""SQL of `model.finding_id`."""


def lifecycle_schema() -> pa.Schema:
    """The columns of a scan's `lifecycle.parquet`: one row per finding that failed or was unknown, ever."""
    import pyarrow as pa

    text, time = pa.string(), pa.timestamp("us", tz="UTC")
    names = ["finding_id", "check_id", "account_id", "region", "resource_arn", "resource_name", "table_name"]
    return pa.schema(
        [
            *((name, text) for name in names),
            ("status", text),
            ("state", text),
            ("first_seen", time),
            ("last_seen", time),
            ("changed_at", time),
            ("resolved_at", time),
            ("reopened", pa.int32()),
            # Since when it has been open this time, or was until it was closed.
            ("opened_at", time),
        ]
    )


def current_findings(lake: Lake, checks: Iterable[CompiledCheck]) -> None:
    """Fills the temporary table `_current` with the failed and unknown findings of this scan, no messages.

    A listing that failed gives one unknown finding for each check of its table, account and Region.
    """
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE _current (finding_id VARCHAR, check_id VARCHAR, account_id VARCHAR,"
        " region VARCHAR, resource_arn VARCHAR, resource_name VARCHAR, table_name VARCHAR, status VARCHAR)"
    )
    groups = by_table(checks)
    for table, group in groups.items():
        path = verdict_file(lake.directory, table)
        if path.exists():
            verdicts = _verdicts(path, [c.check.id for c in group], (Verdict.FAIL, Verdict.UNKNOWN))
            status = f"CASE verdict WHEN {Verdict.FAIL} THEN 'fail' ELSE 'unknown' END"
            lake.execute(
                f"INSERT INTO _current SELECT {ID}, check_id, account_id, region, resource_arn,"
                f" resource_name, {literal(table)}, {status} FROM ({verdicts})"
            )
    pairs = [(c.check.id, table) for table, group in groups.items() for c in group]
    if pairs:
        values = ", ".join(f"({literal(check)}, {literal(table)})" for check, table in pairs)
        lake.execute(
            f"INSERT INTO _current SELECT {ID}, * FROM ("
            " SELECT check_id, account_id, region, coalesce(parent_arn, '') AS resource_arn,"
            f" '' AS resource_name, c.table_name, 'unknown' FROM ({lake.sql_of('collection')}) c"
            f" JOIN (VALUES {values}) v(check_id, table_name) USING (table_name) WHERE {FAILED_LISTING})"
        )


def _verdicts(path: Path, ids: list[str], wanted: tuple[Verdict, ...]) -> str:
    """SELECT of the wanted verdicts in a verdict file, one row per check and resource."""
    columns = ", ".join(map(quote, ids))
    unpivoted = f"UNPIVOT read_parquet({literal(str(path))}) ON {columns} INTO NAME check_id VALUE verdict"
    return (
        "SELECT check_id, account_id, region, coalesce(arn, '') AS resource_arn, name AS resource_name,"
        f" verdict FROM ({unpivoted}) WHERE verdict IN ({', '.join(str(int(v)) for v in wanted)})"
    )


def remember(lake: Lake, previous: Iterable[Path]) -> None:
    """Fills the temporary table `_earlier` with the findings' histories that this scan goes on from.

    Where scans that ran side by side tell of the same finding, the one that saw it last is right. Raises
    UserError where a history cannot be read.
    """
    lake.connection.register("_no_lifecycle", lifecycle_schema().empty_table())
    lake.execute("CREATE OR REPLACE TEMP TABLE _earlier AS SELECT * FROM _no_lifecycle")
    for scan in previous:
        with explained(scan):
            lake.execute(f"INSERT INTO _earlier BY NAME {lifecycle_sql(scan)}")
    kept = ", ".join(n for n in lifecycle_schema().names if n not in ("first_seen", "reopened"))
    lake.execute(
        f"CREATE OR REPLACE TEMP TABLE _earlier AS SELECT {kept},"
        " min(first_seen) OVER same AS first_seen, max(reopened) OVER same AS reopened FROM _earlier"
        " WINDOW same AS (PARTITION BY finding_id) QUALIFY row_number() OVER (PARTITION BY finding_id"
        " ORDER BY greatest(last_seen, changed_at) DESC) = 1"
    )


def lifecycle_sql(scan: Path) -> str:
    """SELECT of a scan's histories; one of a version without `opened_at` tells it by what it has."""
    import pyarrow.parquet as pq

    path = scan / FILE
    there = set(pq.read_schema(path).names)
    told = [name for name in lifecycle_schema().names if name in there]
    if "opened_at" not in there:
        told.append("CASE WHEN reopened = 0 THEN first_seen ELSE changed_at END AS opened_at")
    return f"SELECT {', '.join(told)} FROM read_parquet({literal(str(path))})"


def shown_sql(row: str, said: str, exception: str) -> str:
    """SQL of the state that people are shown of a finding; docs/lifecycle.md has it as a table.

    `row` has the lifecycle's columns, `said` the columns status and status_at of what a person said (NULL
    where nobody did), and `exception` is SQL of the reason of an exception in force, or ''. What was said
    before the finding came back does not hold any more.
    """
    return (
        f"CASE WHEN {row}.state IN ('resolved', 'gone') THEN {row}.state"
        f" WHEN {exception} <> '' THEN 'excepted'"
        f" WHEN {said}.status <> '' AND {said}.status_at >= {row}.opened_at THEN {said}.status"
        f" ELSE coalesce({row}.state, '') END"
    )


def advance(lake: Lake, checks: Iterable[CompiledCheck], now: datetime) -> None:
    """Writes `lifecycle.parquet` from this scan's findings and the histories before it.

    `_current` and `_earlier` must be filled. Raises UserError where the file cannot be written.
    """
    old = "_earlier"
    lake.execute("CREATE OR REPLACE TEMP TABLE _closed (finding_id VARCHAR, closed VARCHAR)")
    earlier = {name for (name,) in lake.execute(f"SELECT DISTINCT table_name FROM {old}").fetchall()}
    for table, group in by_table(checks).items():
        if table in earlier:
            _close(lake, table, [c.check.id for c in group], old)
    target = lake.directory / FILE
    names = ", ".join(lifecycle_schema().names)
    merged = _MERGE.format(old=old, now=f"TIMESTAMPTZ {literal(now.isoformat())}", closes=_CLOSES)
    try:
        lake.execute(
            f"COPY (SELECT {names} FROM ({merged})) TO {literal(str(target))}"
            " (FORMAT parquet, COMPRESSION zstd)"
        )
    except OSError as error:
        raise write_error(target, error) from error


def _close(lake: Lake, table: str, ids: list[str], old: str) -> None:
    """Notes in `_closed` the earlier findings of a table that are resolved, and those whose resource went."""
    path = verdict_file(lake.directory, table)
    listed = ", ".join(map(literal, ids))
    seen = f"SELECT * FROM {old} o WHERE o.table_name = {literal(table)} AND o.check_id IN ({listed})"
    present = "SELECT ''"
    if path.exists():
        judged = _verdicts(path, ids, (Verdict.PASS, Verdict.NOT_APPLICABLE))
        lake.execute(
            "INSERT INTO _closed SELECT finding_id, 'resolved'"
            f" FROM (SELECT {ID} AS finding_id FROM ({judged}))"
            f" SEMI JOIN ({seen}) USING (finding_id)"
        )
        present = f"SELECT coalesce(arn, '') FROM read_parquet({literal(str(path))})"
    # Only a complete listing shows that something is not there any more.
    looked = (
        f"EXISTS (SELECT 1 FROM ({lake.sql_of('collection')}) c WHERE c.table_name = s.table_name"
        " AND c.account_id = s.account_id AND c.region IN (s.region, 'global')"
        " AND c.outcome IN ('ok', 'empty'))"
        f" AND NOT EXISTS (SELECT 1 FROM {INCOMPLETE} i WHERE i.table_name = s.table_name"
        " AND i.account_id = s.account_id AND i.region IN (s.region, '*'))"
    )
    lake.execute(
        "INSERT INTO _closed SELECT finding_id, CASE WHEN resource_name = '' THEN 'resolved' ELSE 'gone' END"
        f" FROM ({seen}) s WHERE (resource_arn = '' OR resource_arn NOT IN ({present})) AND {looked}"
        " AND finding_id NOT IN (SELECT finding_id FROM _closed)"
        " AND finding_id NOT IN (SELECT finding_id FROM _current)"
    )


# What went and came back mended is resolved; what was mended and went stays resolved.
_CLOSES: Final = (
    "(x.closed IS NOT NULL AND (o.resolved_at IS NULL OR (o.state = 'gone' AND x.closed = 'resolved')))"
)
_MERGE: Final = """
    SELECT c.*,
        CASE WHEN o.finding_id IS NULL THEN 'new'
             WHEN o.resolved_at IS NOT NULL OR o.state = 'reopened' THEN 'reopened'
             ELSE 'open' END AS state,
        coalesce(o.first_seen, {now}) AS first_seen,
        {now} AS last_seen,
        CASE WHEN o.status = c.status AND o.resolved_at IS NULL THEN o.changed_at
             ELSE {now} END AS changed_at,
        NULL::TIMESTAMPTZ AS resolved_at,
        (coalesce(o.reopened, 0) + CASE WHEN o.resolved_at IS NOT NULL THEN 1 ELSE 0 END)::INTEGER
            AS reopened,
        CASE WHEN o.resolved_at IS NULL THEN coalesce(o.opened_at, {now}) ELSE {now} END AS opened_at
    FROM (SELECT DISTINCT ON (finding_id) * FROM _current ORDER BY finding_id, status) c
    LEFT JOIN {old} o USING (finding_id)
    UNION ALL BY NAME
    SELECT o.* EXCLUDE (status, state, changed_at, resolved_at),
        CASE WHEN {closes} AND x.closed = 'resolved' THEN 'pass' ELSE o.status END AS status,
        CASE WHEN {closes} THEN x.closed ELSE o.state END AS state,
        CASE WHEN {closes} THEN {now} ELSE o.changed_at END AS changed_at,
        coalesce(o.resolved_at, CASE WHEN x.closed IS NOT NULL THEN {now} END) AS resolved_at
    FROM {old} o
    ANTI JOIN _current c USING (finding_id)
    LEFT JOIN (SELECT finding_id, min(closed) AS closed FROM _closed GROUP BY finding_id) x
        ON x.finding_id = o.finding_id
"""
