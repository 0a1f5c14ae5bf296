"""Puts a report together from a judged scan: findings with messages, causes, lifecycle and priority."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.loader import CompiledCheck
from partywall.findings.causes import blame
from partywall.findings.exceptions import RiskException, exception_sql, in_force
from partywall.findings.lifecycle import FILE, ID, lifecycle_schema, lifecycle_sql, shown_sql
from partywall.findings.model import VERDICT_NAMES, Report, ScanInfo, findings_schema
from partywall.findings.owners import owner_sql
from partywall.findings.people import People
from partywall.findings.priority import joins_sql, make_context, priority_sql, priority_why_sql
from partywall.findings.verdicts import CAUSE_TYPE, Overrides, by_table, failing_sql, verdict_file
from partywall.lake.engine import FAILED_LISTING, Lake
from partywall.lake.source import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

OPEN: Final = ("fail", "unknown")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings a report is to hold; empty collections mean all."""

    statuses: Collection[str] = OPEN
    severities: Collection[str] = ()
    services: Collection[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Key -> value ("" for any value); resources whose tags are unknown are kept out."""


def scan_info(lake: Lake) -> ScanInfo:
    """The scan's own facts, from its manifest."""
    m = lake.manifest
    return ScanInfo(
        m.id, m.started_at, m.finished_at, m.version, m.accounts, m.regions, m.complete, m.selection
    )


def report(
    lake: Lake,
    checks: Collection[CompiledCheck],
    overrides: Overrides,
    exceptions: Collection[RiskException] = (),
    wanted: Wanted | None = None,
    people: People | None = None,
) -> Report:
    """The report of a judged scan; findings are ordered by priority, worst first.

    `people` is what was said of findings, and the rules of whose they are.
    """
    wanted = wanted or Wanted()
    chosen = [
        c
        for c in checks
        if (not wanted.severities or c.check.severity in wanted.severities)
        and (not wanted.services or c.table.service in wanted.services)
    ]
    findings = _findings(lake, chosen, overrides, exceptions, wanted, people or People())
    return Report(
        scan=scan_info(lake),
        checks={c.check.id: c.check for c in chosen},
        findings=findings,
        counts=counts(lake, chosen),
        coverage=coverage(lake),
        failed_calls=failed_calls(lake),
    )


def _findings(
    lake: Lake,
    checks: Collection[CompiledCheck],
    overrides: Overrides,
    exceptions: Collection[RiskException],
    wanted: Wanted,
    people: People,
) -> pa.Table:
    now = lake.manifest.started_at
    fill_raw(lake, checks, overrides, wanted.statuses)
    make_context(lake)
    people.register(lake)
    known = "_no_lifecycle"
    if (lake.directory / FILE).exists():
        known = f"({lifecycle_sql(lake.directory)})"
    else:
        lake.connection.register(known, lifecycle_schema().empty_table())
    accepted = exception_sql(in_force(exceptions, now)[0])
    tagged = " AND ".join(
        f"map_contains(r.tags, {literal(k)})" + (f" AND r.tags[{literal(k)}] = {literal(v)}" if v else "")
        for k, v in wanted.tags.items()
    )
    status = " ".join(f"WHEN {int(v)} THEN {literal(n)}" for v, n in VERDICT_NAMES.items())
    statuses = ", ".join(map(literal, wanted.statuses))
    moment = f"TIMESTAMPTZ {literal(now.isoformat())}"
    sql = f"""
        SELECT r.finding_id, r.check_id, r.account_id, r.region, r.resource_arn, r.resource_name,
            s.table_name AS resource_type, r.status, s.severity,
            {shown_sql("l", "w", "r.exception")} AS state, r.message,
            coalesce(l.first_seen, {moment}) AS first_seen, coalesce(l.last_seen, {moment}) AS last_seen,
            coalesce(l.changed_at, {moment}) AS changed_at, l.resolved_at,
            coalesce(r.cause.operation, '') AS unknown_operation,
            coalesce(r.cause.region, '') AS unknown_region,
            coalesce(r.cause.outcome, '') AS unknown_outcome,
            coalesce(r.cause.code, '') AS unknown_code,
            coalesce(r.cause.denied_by, '') AS unknown_denied_by,
            r.exception,
            {priority_sql("r.status", "s.severity", "r.tags")} AS priority,
            {priority_why_sql("r.status", "s.severity", "r.tags", "r.check_id", "s.table_name")}
                AS priority_why,
            coalesce(nullif(w.owner, ''), r.rule_owner, '') AS owner
        FROM (SELECT *, CASE WHEN status = 'fail' THEN {accepted} ELSE '' END AS exception,
                {owner_sql(people.owners)} AS rule_owner
            FROM (SELECT *, {ID} AS finding_id, CASE verdict {status} END AS status FROM _raw)
            JOIN (SELECT check_id, table_name FROM _checks) USING (check_id)) r
        JOIN _checks s USING (check_id) LEFT JOIN {known} l USING (finding_id)
        LEFT JOIN _said w USING (finding_id)
        {joins_sql("r.check_id", "s.table_name", "r.resource_arn")}
        WHERE r.status IN ({statuses}) {f"AND {tagged}" if tagged else ""}
        ORDER BY priority DESC, r.status, r.check_id, r.account_id, r.region, r.resource_arn
    """
    found = lake.arrow(sql).cast(findings_schema())
    return blame(lake, {c.check.id: c for c in checks}, found)


def fill_raw(
    lake: Lake, checks: Collection[CompiledCheck], overrides: Overrides, statuses: Collection[str]
) -> None:
    """Fills `_raw` (verdicts with messages and causes) and `_checks` (check_id, severity, table_name)."""
    now = lake.manifest.started_at
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE _raw (check_id VARCHAR, account_id VARCHAR, region VARCHAR,"
        " resource_arn VARCHAR, resource_name VARCHAR, tags MAP(VARCHAR, VARCHAR), verdict UTINYINT,"
        f" message VARCHAR, cause {CAUSE_TYPE})"
    )
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE _checks (check_id VARCHAR, severity VARCHAR, table_name VARCHAR)"
    )
    if checks:
        rows = (", ".join(map(literal, (c.check.id, c.check.severity, c.check.table))) for c in checks)
        lake.execute(f"INSERT INTO _checks VALUES ({'), ('.join(rows)})")
    for table, group in by_table(checks).items():
        if lake.source.files(table):
            failing = failing_sql(lake, group, now, overrides, statuses)
            if failing:
                lake.execute(f"INSERT INTO _raw BY NAME {failing}")
            if not set(statuses) <= set(OPEN):
                _insert_others(lake, table, group)
    lake.execute(
        "INSERT INTO _raw SELECT s.check_id, c.account_id, c.region, coalesce(c.parent_arn, ''), '',"
        " MAP {}::MAP(VARCHAR, VARCHAR), 2, '', struct_pack(call := 'list', operation := c.operation,"
        " region := c.call_region, outcome := c.outcome, code := c.error_code, denied_by := c.denied_by,"
        f" message := c.error_message) FROM ({lake.sql_of('collection')}) c"
        f" JOIN _checks s ON s.table_name = c.table_name WHERE {FAILED_LISTING}"
    )


def _insert_others(lake: Lake, table: str, group: list[CompiledCheck]) -> None:
    """Adds the verdicts that nobody needs to act on: pass and not applicable."""
    path = verdict_file(lake.directory, table)
    if path.exists():
        columns = ", ".join(quote(c.check.id) for c in group)
        lake.execute(
            "INSERT INTO _raw BY NAME SELECT check_id, account_id, region, arn AS resource_arn,"
            " name AS resource_name, verdict, '' AS message FROM (UNPIVOT"
            f" read_parquet({literal(str(path))}) ON {columns} INTO NAME check_id VALUE verdict)"
            " WHERE verdict IN (1, 3)"
        )


def counts(lake: Lake, checks: Collection[CompiledCheck]) -> pa.Table:
    """All verdicts counted: check_id, account_id, region, status, count. Failed listings count as unknown.

    A check whose table has no rows although its listing answered counts once as not_applicable per account
    and Region.
    """
    import pyarrow as pa

    groups = by_table(checks)
    parts = [
        _tally(path, [c.check.id for c in group])
        for table, group in groups.items()
        if (path := verdict_file(lake.directory, table)).exists()
    ]
    pairs = [(c.check.id, table) for table, group in groups.items() for c in group]
    if pairs:
        values = ", ".join(f"({literal(check)}, {literal(table)})" for check, table in pairs)
        listings = lake.arrow(
            "SELECT check_id, account_id, region,"
            f" CASE WHEN {FAILED_LISTING} THEN 'unknown' ELSE 'not_applicable' END AS status,"
            f" count(*) AS count FROM ({lake.sql_of('collection')}) c"
            f" JOIN (VALUES {values}) v(check_id, table_name) USING (table_name)"
            f" WHERE {FAILED_LISTING} OR c.outcome = 'empty' GROUP BY ALL"
        )
        parts.append(listings.cast(_counts_schema()))
    found = pa.concat_tables(parts) if parts else _counts_schema().empty_table()
    keys = _counts_schema().names[:-1]
    summed = found.group_by(keys).aggregate([("count", "sum")]).rename_columns([*keys, "count"])
    return summed.sort_by([(name, "ascending") for name in keys])


def _counts_schema() -> pa.Schema:
    import pyarrow as pa

    names = ("check_id", "account_id", "region", "status")
    return pa.schema([*((name, pa.string()) for name in names), ("count", pa.int64())])


def _tally(path: Path, ids: list[str]) -> pa.Table:
    """The verdicts of one file counted, as `_counts_schema`; one column of it in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, read_dictionary=["account_id", "region"])
    keys = file.read(columns=["account_id", "region"])
    names = {int(verdict): name for verdict, name in VERDICT_NAMES.items()}
    parts: list[pa.Table] = []
    for check in ids:
        judged = keys.append_column("verdict", file.read(columns=[check]).column(0))
        # A row for which another of its resource speaks has none.
        judged = judged.filter(judged["verdict"].is_valid())
        told = judged.group_by(["account_id", "region", "verdict"]).aggregate([([], "count_all")])
        columns = [
            pa.repeat(check, told.num_rows),
            told["account_id"].cast(pa.string()),
            told["region"].cast(pa.string()),
            pa.array([names[v] for v in told["verdict"].to_pylist()], pa.string()),
            told["count_all"],
        ]
        parts.append(pa.table(columns, schema=_counts_schema()))
    return pa.concat_tables(parts)


def coverage(lake: Lake) -> list[dict[str, Any]]:
    """Per AWS service: its calls by outcome, and how many resources its tables hold."""
    rows = lake.execute(
        f"SELECT service, outcome, count(*) FROM ({lake.sql_of('api_call')}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    services: dict[str, dict[str, Any]] = {}
    for service, outcome, count in rows:
        entry = services.setdefault(service, {"service": service, "calls": 0, "resources": 0})
        entry["calls"] += count
        entry[outcome] = count
    from partywall.tables.registry import all_tables
    from partywall.tables.spec import Analysis

    listed = lake.execute(
        f"SELECT table_name, sum(row_count)::BIGINT FROM ({lake.sql_of('collection')}) GROUP BY ALL"
    ).fetchall()
    for name, count in listed:
        table = all_tables().get(name)
        # Analyses tell of resources that other tables hold.
        if table is not None and count and not isinstance(table.rows, Analysis):
            service = getattr(table.rows, "service", table.service)
            entry = services.setdefault(service, {"service": service, "calls": 0, "resources": 0})
            entry["resources"] += count
    return [services[name] for name in sorted(services)]


def failed_calls(lake: Lake) -> list[dict[str, Any]]:
    """The calls that did not answer, grouped, most frequent first."""
    names = ["account_id", "region", "service", "operation", "outcome", "error_code", "denied_by"]
    rows = lake.execute(
        f"SELECT {', '.join(names)}, count(*) AS n FROM ({lake.sql_of('api_call')})"
        " WHERE outcome NOT IN ('ok', 'empty') GROUP BY ALL"
        " ORDER BY n DESC, service, operation, account_id, region"
    ).fetchall()
    return [dict(zip([*names, "count"], row, strict=True)) for row in rows]
