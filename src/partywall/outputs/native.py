"""The report in partywall's own JSON: findings refer to the catalogue's text by the check's id.

Its schema is `schema/report.schema.json` of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from partywall.outputs.names import service_of
from partywall.outputs.rows import rows
from partywall.outputs.summary import summarise

if TYPE_CHECKING:
    from partywall.checks.model import Check
    from partywall.findings.model import Report

SCHEMA_VERSION: Final = "1"
# Always there, so that a reader may index them; all others only where they say something.
_ALWAYS: Final = frozenset(
    ("finding_id", "check_id", "account_id", "region", "resource_arn", "status", "severity", "state")
)


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes one JSON object, findings streamed one per line."""
    import orjson

    def member(name: str, value: Any) -> None:
        stream.write(b',\n"' + name.encode() + b'":' + orjson.dumps(value, default=str))

    stream.write(b'{"schema":"partywall-report/' + SCHEMA_VERSION.encode() + b'"')
    member("scan", scan_info(report))
    member("summary", summary(report))
    member("checks", {check_id: check_info(check) for check_id, check in report.checks.items()})
    member("counts", cast(Any, report).counts.to_pylist())
    member("coverage", report.coverage)
    member("failed_calls", report.failed_calls)
    stream.write(b',\n"findings":[')
    separator = b"\n"
    for row in rows(report):
        finding = {name: value for name, value in row._asdict().items() if value or name in _ALWAYS}
        finding["priority"] = row.priority
        stream.write(separator + orjson.dumps(finding))
        separator = b",\n"
    stream.write(b"\n]}\n")


def scan_info(report: Report) -> dict[str, Any]:
    """What was scanned, by whom and when."""
    scan = report.scan
    return {
        "id": scan.id,
        "started_at": iso(scan.started_at),
        "finished_at": iso(scan.finished_at),
        "complete": scan.complete,
        "version": scan.version,
        "accounts": scan.accounts,
        "regions": scan.regions,
        "selection": scan.selection,
    }


def summary(report: Report) -> dict[str, Any]:
    """The figures of the report's head."""
    found = summarise(report)
    return {
        "counts": found.counts.as_dict(),
        "by_severity": {name: counts.as_dict() for name, counts in found.by_severity.items()},
        "by_service": {name: counts.as_dict() for name, counts in found.by_service.items()},
        "by_account": {name: counts.as_dict() for name, counts in found.by_account.items()},
        "checks": found.checks,
        "resources": found.resources,
        "calls": found.calls,
    }


def check_info(check: Check) -> dict[str, Any]:
    """The catalogue's text of a check: what findings refer to by id."""
    return {
        "title": check.title,
        "table": check.table,
        "service": service_of(check.table),
        "severity": check.severity,
        "domain": check.domain,
        "why": check.why,
        "fix": {
            name: text
            for name in ("console", "cli", "cloudformation", "terraform")
            if (text := getattr(check.fix, name))
        },
        "refs": {source: check.ref_ids(source) for source in check.refs},
    }


def iso(time: Any) -> str | None:
    """A time in UTC to the millisecond ("2026-01-31T23:00:00.000Z"), or None."""
    if time is None:
        return None
    from datetime import UTC

    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
