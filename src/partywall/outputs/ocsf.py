"""Findings as OCSF 1.5 Compliance Findings (class 2003): one JSON array, each event complete in itself.

Attributes as in "Compliance Finding" and the `cloud` and `datetime` profiles of the OCSF schema browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

from partywall.outputs.names import service_of
from partywall.outputs.rows import Row, rows
from partywall.outputs.scope import Accounts, why_unknown
from partywall.outputs.words import OCSF_ACTIVITY, OCSF_SEVERITY, OCSF_STATE, OCSF_STATUS

if TYPE_CHECKING:
    from partywall.checks.model import Check
    from partywall.findings.model import Report

OCSF_VERSION: Final = "1.5.0"
CLASS_UID: Final = 2003

_STANDARDS: Final = {
    "cis-7.0": "CIS AWS Foundations Benchmark 7.0",
    "cis-6.0": "CIS AWS Foundations Benchmark 6.0",
    "cis-5.0": "CIS AWS Foundations Benchmark 5.0",
    "cis-3.0": "CIS AWS Foundations Benchmark 3.0",
    "securityhub": "AWS Security Hub controls",
}


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes a JSON array, one event per line."""
    import orjson

    stream.write(b"[")
    separator = b"\n"
    accounts = Accounts(report)
    for row in rows(report, "ms"):
        stream.write(separator + orjson.dumps(event(row, report, accounts)))
        separator = b",\n"
    stream.write(b"\n]\n")


def event(row: Row, report: Report, accounts: Accounts) -> dict[str, Any]:
    """One finding, its times in milliseconds, as an OCSF event."""
    check = report.checks.get(row.check_id)
    account = accounts[row.account_id]
    severity_id, severity = OCSF_SEVERITY.get(row.severity, (99, row.severity))
    activity_id, activity = OCSF_ACTIVITY.get(row.state, (99, row.state))
    status_id, status = OCSF_STATE.get(row.state, (99, row.state))
    title = check.title if check else row.check_id
    reason = why_unknown(row)
    time = row.last_seen or _milliseconds(report)
    found: dict[str, Any] = {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Compliance Finding",
        "activity_id": activity_id,
        "activity_name": activity,
        "type_uid": CLASS_UID * 100 + activity_id,
        "type_name": f"Compliance Finding: {activity}",
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": row.message or reason or title,
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {"name": "partywall", "vendor_name": "partywall", "version": report.scan.version},
            "event_code": row.check_id,
            "correlation_uid": report.scan.id,
        },
        "finding_info": _finding_info(row, title, time),
        "compliance": _compliance(row, check, title, reason),
        "cloud": {
            "provider": "AWS",
            "cloud_partition": account.partition,
            "region": row.region,
            "account": {"uid": account.id, "name": account.name, "type": "AWS Account", "type_id": 10},
        },
        "resources": [
            {
                "uid": row.resource_arn,
                "name": row.resource_name,
                "type": row.resource_type,
                "region": row.region,
                "cloud_partition": account.partition,
                "group": {"name": service_of(row.resource_type)},
            }
        ],
        "unmapped": _unmapped(row),
    }
    if check and row.status == "fail":
        # The format's readers have no catalogue to look an id up in.
        advice = check.fix.console or check.fix.cli or check.fix.terraform or check.fix.cloudformation
        found["remediation"] = {"desc": advice or check.why}
    return found


def _finding_info(row: Row, title: str, time: int) -> dict[str, Any]:
    info: dict[str, Any] = {
        "uid": row.finding_id,
        "title": title,
        "types": ["Posture"],
        "analytic": {"uid": row.check_id, "name": title, "type": "Rule", "type_id": 1},
        "last_seen_time": time,
    }
    if row.message:
        info["desc"] = row.message
    if row.first_seen:
        info["created_time"] = info["first_seen_time"] = row.first_seen
    if row.changed_at:
        info["modified_time"] = row.changed_at
    return info


def _compliance(row: Row, check: Check | None, title: str, reason: str) -> dict[str, Any]:
    status_id, status = OCSF_STATUS[row.status]
    severity_id, severity = OCSF_SEVERITY.get(row.severity, (99, row.severity))
    compliance: dict[str, Any] = {
        "control": row.check_id,
        "status_id": status_id,
        "status": status,
        "checks": [
            {
                "uid": row.check_id,
                "name": title,
                "severity": severity,
                "severity_id": severity_id,
                "status": status,
                "status_id": status_id,
            }
        ],
    }
    if reason:
        compliance["status_details"] = [reason]
    if check:
        compliance["category"] = check.domain
        compliance["standards"] = [name for source, name in _STANDARDS.items() if check.ref_ids(source)]
        compliance["requirements"] = [
            f"{source}:{item}" for source in _STANDARDS for item in check.ref_ids(source)
        ]
    return compliance


def _unmapped(row: Row) -> dict[str, Any]:
    names = (
        "status",
        "state",
        "resolved_at",
        "unknown_operation",
        "unknown_region",
        "unknown_outcome",
        "unknown_code",
        "unknown_denied_by",
        "exception",
        "priority_why",
        "owner",
    )
    return {"priority": row.priority} | {name: value for name in names if (value := getattr(row, name))}


def _milliseconds(report: Report) -> int:
    finished = report.scan.finished_at or report.scan.started_at
    return int(finished.timestamp() * 1000)
