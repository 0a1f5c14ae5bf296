"""Findings in the AWS Security Finding Format, as `BatchImportFindings` takes them.

Lengths and meanings are those of "AwsSecurityFinding" in the Security Hub API Reference; sizes those of
"Guidelines for using the BatchImportFindings API": 100 findings, 240 KB each, 6 MB a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from partywall.outputs.names import asff_type, service_of
from partywall.outputs.rows import Row, rows
from partywall.outputs.scope import Account, Accounts, why_unknown
from partywall.outputs.text import clip, visible
from partywall.outputs.words import ASFF_STATUS, ASFF_WORKFLOW

if TYPE_CHECKING:
    from partywall.findings.model import Report

BATCH_FINDINGS: Final = 100
BATCH_BYTES: Final = 6_000_000
FINDING_BYTES: Final = 240_000

# What Security Hub itself reports about configurations.
_TYPE: Final = "Software and Configuration Checks/AWS Security Best Practices"
_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov", "aws-us-iso", "aws-us-iso-b")


@dataclass(frozen=True, slots=True)
class Batch:
    """Findings for one BatchImportFindings call."""

    account_id: str
    region: str
    findings: list[dict[str, Any]]


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes a JSON array of AwsSecurityFinding, one per line."""
    import orjson

    accounts = Accounts(report)
    stream.write(b"[")
    separator = b"\n"
    for row in rows(report):
        stream.write(separator + orjson.dumps(finding(row, report, accounts[row.account_id])))
        separator = b",\n"
    stream.write(b"\n]\n")


def batches(report: Report) -> Iterator[Batch]:
    """All findings, grouped by the account and region that have to import them, within the API's limits.

    Holds at most one unfinished batch per account and region in memory.
    """
    import orjson

    accounts = Accounts(report)
    waiting: dict[tuple[str, str], tuple[list[dict[str, Any]], int]] = {}
    for row in rows(report):
        account = accounts[row.account_id]
        key = (account.id, account.region(row.region))
        found = finding(row, report, account)
        size = len(orjson.dumps(found)) + 1
        held, held_bytes = waiting.get(key, ([], 0))
        if held and (len(held) == BATCH_FINDINGS or held_bytes + size > BATCH_BYTES):
            yield Batch(*key, held)
            held, held_bytes = [], 0
        held.append(found)
        waiting[key] = (held, held_bytes + size)
    for key, (held, _) in waiting.items():
        yield Batch(*key, held)


def _text(text: str, limit: int, instead: str) -> str:
    # Security Hub refuses blank text.
    shown = visible(text).strip() or instead
    return clip(shown, limit)


def finding(row: Row, report: Report, account: Account) -> dict[str, Any]:
    """One finding as an AwsSecurityFinding; its row's times are ISO 8601."""
    check = report.checks.get(row.check_id)
    region = account.region(row.region)
    title = check.title if check else row.check_id
    name = row.resource_name or row.resource_arn
    reason = why_unknown(row)
    judged = row.status in ("fail", "unknown")
    # Security Hub gives what passed the severity INFORMATIONAL; the check's own stays in Original.
    label = row.severity.upper() if judged else "INFORMATIONAL"
    severity = {"Label": label, "Original": row.severity}
    seen = row.last_seen or _iso(report.scan.finished_at or report.scan.started_at)
    compliance: dict[str, Any] = {"Status": ASFF_STATUS[row.status]}
    found: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"partywall/{region}/{account.id}/{row.finding_id}",
        "ProductArn": (
            f"arn:{account.partition}:securityhub:{region}:{account.id}:product/{account.id}/default"
        ),
        "ProductName": "partywall",
        "CompanyName": "partywall",
        "GeneratorId": clip(f"partywall/{row.check_id}", 512),
        "AwsAccountId": account.id,
        "Types": [_TYPE],
        "FirstObservedAt": row.first_seen or seen,
        "LastObservedAt": seen,
        "CreatedAt": row.first_seen or seen,
        "UpdatedAt": seen,
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": [_TYPE]},
        "Title": _text(f"{title}: {name}", 256, row.check_id),
        "Description": _text(row.message or reason or (check.why if check else ""), 1024, title),
        "Resources": [_resource(row, account, region)],
        "Compliance": compliance,
        "Workflow": {"Status": ASFF_WORKFLOW.get(row.state, "NEW")},
        "RecordState": "ARCHIVED" if row.state == "gone" else "ACTIVE",
        "ProductFields": _product_fields(row, check.domain if check else ""),
    }
    if reason:
        compliance["StatusReasons"] = [
            {
                "ReasonCode": _text(row.unknown_code or row.unknown_outcome, 128, "UNKNOWN"),
                "Description": _text(reason, 1024, "A call did not answer."),
            }
        ]
    if check:
        requirements = [f"{source}/{item}" for source in check.refs for item in check.ref_ids(source)]
        if requirements:
            compliance["RelatedRequirements"] = requirements[:32]
        advice = check.fix.console or check.fix.cli or check.fix.terraform or check.fix.cloudformation
        if judged and advice.strip():
            found["Remediation"] = {"Recommendation": {"Text": clip(advice.strip(), 512)}}
    return found


def _resource(row: Row, account: Account, region: str) -> dict[str, Any]:
    resource = {
        "Type": asff_type(row.resource_type),
        "Id": _text(row.resource_arn, 2048, f"AWS::::Account:{account.id}"),
        "Region": region,
    }
    if account.partition in _PARTITIONS:
        resource["Partition"] = account.partition
    return resource


def _product_fields(row: Row, domain: str) -> dict[str, str]:
    fields = {
        "check_id": row.check_id,
        "service": service_of(row.resource_type),
        "table": row.resource_type,
        "domain": domain,
        "resource_name": row.resource_name,
        "region": row.region,
        "status": row.status,
        "state": row.state,
        "priority": str(row.priority),
        "priority_why": row.priority_why,
        "unknown_operation": row.unknown_operation,
        "unknown_outcome": row.unknown_outcome,
        "unknown_denied_by": row.unknown_denied_by,
        "exception": row.exception,
        "owner": row.owner,
    }
    shown = {f"partywall/{name}": clip(visible(value).strip(), 2048) for name, value in fields.items()}
    return {name: value for name, value in shown.items() if value}


def _iso(time: Any) -> str:
    from partywall.outputs.native import iso

    return iso(time) or ""
