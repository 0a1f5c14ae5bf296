"""Failed and unknown findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote

from partywall.outputs.names import service_of
from partywall.outputs.native import iso
from partywall.outputs.rows import Row, rows
from partywall.outputs.scope import why_unknown
from partywall.outputs.text import clip, visible
from partywall.outputs.words import SARIF_KIND, SARIF_LEVEL, SARIF_SCORE

if TYPE_CHECKING:
    from partywall.checks.model import Check
    from partywall.findings.model import Report

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_MESSAGE_CHARACTERS: Final = 4000
_URI_SEGMENT_CHARACTERS: Final = 120
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"})


def message_text(text: str) -> str:
    """Text for `message.text`, where an account's text makes no link or placeholder (§3.11.5, §3.11.6)."""
    return clip(visible(text), _MESSAGE_CHARACTERS).translate(_ESCAPES)


def dump(report: Report, stream: BinaryIO) -> None:
    """Writes one SARIF log of one run, results streamed one per line; passes are not written."""
    import orjson

    rules = list(report.checks.values())
    index = {check.id: number for number, check in enumerate(rules)}
    head = {
        "tool": {
            "driver": {
                "name": "partywall",
                "semanticVersion": report.scan.version,
                "rules": [_rule(check) for check in rules],
            }
        },
        "automationDetails": {"id": f"partywall/{report.scan.id}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
    }
    stream.write(b'{"$schema":' + orjson.dumps(SCHEMA) + b',"version":"2.1.0","runs":[')
    stream.write(orjson.dumps(head)[:-1] + b',\n"results":[')
    separator = b"\n"
    for row in rows(report):
        if row.status in SARIF_KIND:
            stream.write(separator + orjson.dumps(_result(row, index)))
            separator = b",\n"
    stream.write(b"\n]}]}\n")


def _rule(check: Check) -> dict[str, Any]:
    tags = ["security", "aws", service_of(check.table), check.domain]
    tags += [f"{source}/{item}" for source in check.refs for item in check.ref_ids(source)]
    return {
        "id": check.id,
        "name": "".join(part.capitalize() for part in check.id.split("-")),
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.why or check.title},
        "help": {"text": _help_text(check), "markdown": _help_markdown(check)},
        "defaultConfiguration": {"level": SARIF_LEVEL[check.severity]},
        "properties": {
            "tags": list(dict.fromkeys(tags)),
            "security-severity": SARIF_SCORE[check.severity],
            "problem.severity": {"note": "recommendation"}.get(
                SARIF_LEVEL[check.severity], SARIF_LEVEL[check.severity]
            ),
        },
    }


def _help_text(check: Check) -> str:
    return "\n\n".join(part for part in (check.why, check.fix.console, check.fix.cli) if part) or check.title


def _help_markdown(check: Check) -> str:
    parts = [f"## {check.title}", check.why]
    if check.fix.console:
        parts += ["### Console", check.fix.console]
    for title, language, code in (
        ("AWS CLI", "sh", check.fix.cli),
        ("CloudFormation", "yaml", check.fix.cloudformation),
        ("Terraform", "hcl", check.fix.terraform),
    ):
        if code:
            parts += [f"### {title}", f"```{language}\n{code.rstrip()}\n```"]
    return "\n\n".join(part for part in parts if part)


def _result(row: Row, index: dict[str, int]) -> dict[str, Any]:
    reason = why_unknown(row)
    name = row.resource_name or row.resource_arn
    text = f"{clip(name, 200)}: {row.message or reason or row.check_id}"
    kind = SARIF_KIND[row.status]
    result: dict[str, Any] = {
        "ruleId": row.check_id,
        "kind": kind,
        "level": SARIF_LEVEL.get(row.severity, "warning") if kind == "fail" else "none",
        "message": {"text": message_text(text)},
        "rank": float(min(max(row.priority, 0), 100)),
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": artifact_uri(row)}},
                "logicalLocations": [
                    {
                        "name": clip(visible(name), 500),
                        "fullyQualifiedName": clip(visible(row.resource_arn), 2048),
                        "kind": "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": {"partywallFindingId/v1": row.finding_id},
        "properties": {
            "account": row.account_id,
            "region": row.region,
            "severity": row.severity,
            "state": row.state,
            "priority": row.priority,
        },
    }
    if row.check_id in index:
        result["ruleIndex"] = index[row.check_id]
    if reason:
        result["properties"]["unknown"] = visible(reason)
    if row.state == "excepted":
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": clip(visible(row.exception), 2000)}
        ]
    return result


def artifact_uri(row: Row) -> str:
    """A relative URI that stands for the resource: aws/account/region/table/resource, percent-encoded."""
    name = clip(visible(row.resource_arn.rpartition(":")[2] or row.resource_name), _URI_SEGMENT_CHARACTERS)
    segments = ("aws", row.account_id, row.region or "global", row.resource_type, name)
    # A segment of dots would be resolved away.
    safe = (
        "%2E" * len(segment) if set(segment) == {"."} else quote(segment, safe="") for segment in segments
    )
    return "/".join(safe)


def _invocation(report: Report) -> dict[str, Any]:
    scan = report.scan
    invocation: dict[str, Any] = {
        "executionSuccessful": scan.complete,
        "startTimeUtc": iso(scan.started_at),
        "toolExecutionNotifications": [
            {
                "level": "warning",
                "descriptor": {"id": str(call.get("outcome") or "error")},
                "message": {
                    "text": message_text(
                        f"{call.get('service')}:{call.get('operation')} did not answer in "
                        f"{call.get('account_id')}/{call.get('region')}: {call.get('outcome')} "
                        f"{call.get('error_code') or ''} {call.get('denied_by') or ''}".strip()
                    )
                },
            }
            for call in report.failed_calls
        ],
    }
    if scan.finished_at:
        invocation["endTimeUtc"] = iso(scan.finished_at)
    return invocation
