"""Detections and incidents for other tools: JSON, CSV, OCSF Detection Findings (class 2004), ASFF TTPs."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TextIO

from partywall import __version__
from partywall.outputs.ocsf import OCSF_VERSION
from partywall.outputs.table import write_csv
from partywall.outputs.text import clip, visible
from partywall.outputs.words import ASFF_WORKFLOW, OCSF_ACTIVITY, OCSF_SEVERITY, OCSF_STATE

if TYPE_CHECKING:
    from datetime import datetime

    from partywall.detections.detection import Detection
    from partywall.detections.run.pipeline import Threats
    from partywall.detections.run.store import Kept

CLASS_UID: Final = 2004
HEADER: Final = (
    "severity",
    "state",
    "type",
    "title",
    "account",
    "region",
    "principal",
    "caller",
    "kind",
    "access_key",
    "addresses",
    "agent",
    "first_seen",
    "last_seen",
    "count",
    "confidence",
    "techniques",
    "tactics",
    "resources",
    "explanation",
    "source",
    "rule",
    "incident",
    "id",
)
"""The columns of the CSV, in an order that stays."""
_LISTED: Final = 50
# The tactics of ATT&CK by their ids (attack.mitre.org, Enterprise).
_TACTICS: Final = {
    "reconnaissance": "TA0043",
    "resource-development": "TA0042",
    "initial-access": "TA0001",
    "execution": "TA0002",
    "persistence": "TA0003",
    "privilege-escalation": "TA0004",
    "defense-evasion": "TA0005",
    "credential-access": "TA0006",
    "discovery": "TA0007",
    "lateral-movement": "TA0008",
    "collection": "TA0009",
    "exfiltration": "TA0010",
    "command-and-control": "TA0011",
    "impact": "TA0040",
}
# "Types taxonomy for ASFF" of the Security Hub user guide: TTPs/category.
_TTPS: Final = {
    "initial-access": "Initial Access",
    "execution": "Execution",
    "persistence": "Persistence",
    "privilege-escalation": "Privilege Escalation",
    "defense-evasion": "Defense Evasion",
    "credential-access": "Credential Access",
    "discovery": "Discovery",
    "lateral-movement": "Lateral Movement",
    "collection": "Collection",
    "command-and-control": "Command and Control",
}


def incident_of(found: Threats) -> dict[str, str]:
    """Id of a detection -> id of its incident."""
    return {name: each.id for each in found.incidents for name in each.detections}


def state_of(kept: Kept, found: Threats) -> str:
    """A detection's state, excepted ones told apart."""
    return "excepted" if kept.detection.id in found.excepted else kept.state


def as_json(found: Threats) -> dict[str, Any]:
    """Everything, as plain values."""
    joined = incident_of(found)
    return {
        "incidents": [asdict(each) for each in found.incidents],
        "detections": [
            {
                **asdict(kept.detection),
                "facts": [list(pair) for pair in kept.detection.facts],
                "state": state_of(kept, found),
                "exception": found.excepted.get(kept.detection.id, ""),
                "incident": joined.get(kept.detection.id, ""),
            }
            for kept in found.detections
        ],
        "events": found.events,
        "new": found.fresh,
        "grown": found.grown,
        "notes": list(found.notes),
    }


def dump_csv(found: Threats, stream: TextIO) -> None:
    """One line a detection."""
    joined = incident_of(found)
    write_csv(HEADER, (_line(kept, found, joined) for kept in found.detections), stream)


def csv_text(found: Threats) -> str:
    """The CSV as text."""
    stream = io.StringIO(newline="")
    dump_csv(found, stream)
    return stream.getvalue()


def _line(kept: Kept, found: Threats, joined: dict[str, str]) -> Iterable[Any]:
    values: dict[str, Any] = asdict(kept.detection)
    values |= {"state": state_of(kept, found), "incident": joined.get(kept.detection.id, "")}
    for name in HEADER:
        value = values[name]
        yield " ".join(value[:_LISTED]) if isinstance(value, tuple | list) else value


def ocsf(found: Threats) -> list[dict[str, Any]]:
    """OCSF Detection Findings, one a detection; incidents as findings that name their detections."""
    joined = incident_of(found)
    made = [_event(kept, state_of(kept, found), joined) for kept in found.detections]
    by_id = {kept.detection.id: kept.detection for kept in found.detections}
    return made + [
        _base(
            each.id,
            each.title,
            each.summary,
            each.severity,
            each.state,
            each.first_seen,
            each.last_seen,
        )
        | {
            "count": each.events,
            "cloud": _cloud(each.accounts[0] if each.accounts else "", ""),
            "resources": [{"uid": arn} for arn in each.resources[:_LISTED]],
            "unmapped": {"why": list(each.why), "links": list(each.links), "score": each.score},
            "finding_info": _info(each.id, each.title, each.summary, each.first_seen, each.last_seen)
            | {
                "types": ["Incident"],
                "related_events": [
                    {"uid": name, "type_uid": CLASS_UID * 100 + 1, "type": by_id[name].title}
                    for name in each.detections[:_LISTED]
                    if name in by_id
                ],
            },
        }
        for each in found.incidents
    ]


def _base(
    uid: str, title: str, message: str, severity: str, state: str, first: datetime, last: datetime
) -> dict[str, Any]:
    severity_id, word = OCSF_SEVERITY[severity]
    activity_id, activity = OCSF_ACTIVITY.get(state, (99, state))
    status_id, status = OCSF_STATE.get(state, (99, state))
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Detection Finding",
        "activity_id": activity_id,
        "activity_name": activity,
        "type_uid": CLASS_UID * 100 + activity_id,
        "type_name": f"Detection Finding: {activity}",
        "time": _ms(last),
        "start_time": _ms(first),
        "end_time": _ms(last),
        "severity_id": severity_id,
        "severity": word,
        "status_id": status_id,
        "status": status,
        "message": visible(message or title),
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {"name": "partywall", "vendor_name": "partywall", "version": __version__},
            "event_code": uid,
        },
    }


def _info(uid: str, title: str, text: str, first: datetime, last: datetime) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": visible(title),
        "desc": visible(text),
        "first_seen_time": _ms(first),
        "last_seen_time": _ms(last),
        "created_time": _ms(first),
    }


def _event(kept: Kept, state: str, joined: dict[str, str]) -> dict[str, Any]:
    each = kept.detection
    analytic = {"rule": ("Rule", 1), "correlation": ("Rule", 1), "model": ("Behavioral", 2)}
    word, number = analytic.get(each.source, ("Other", 99))
    info = _info(each.id, each.title, each.explanation, each.first_seen, each.last_seen)
    info |= {
        "types": [each.type],
        "analytic": {"uid": each.rule, "name": each.title, "type": word, "type_id": number},
        "attacks": [
            {
                "technique": {"uid": technique, "name": technique},
                "tactics": [{"uid": _TACTICS[t], "name": t} for t in each.tactics if t in _TACTICS],
                "version": "18",
            }
            for technique in each.techniques
        ],
        "modified_time": _ms(kept.changed_at),
    }
    return _base(
        each.id, each.title, each.explanation, each.severity, state, each.first_seen, each.last_seen
    ) | {
        "confidence_score": each.confidence,
        "count": each.count,
        "finding_info": info,
        "cloud": _cloud(each.account, each.region),
        "resources": [{"uid": visible(arn)} for arn in each.resources[:_LISTED]],
        "unmapped": {
            "principal": each.principal,
            "caller": each.caller,
            "caller_kind": each.kind,
            "access_key": each.access_key,
            "addresses": list(each.addresses[:_LISTED]),
            "user_agent": visible(each.agent),
            "events": list(each.events[:_LISTED]),
            "incident": joined.get(each.id, ""),
            "source": each.source,
        },
    }


def _cloud(account: str, region: str) -> dict[str, Any]:
    return {
        "provider": "AWS",
        "region": region,
        "account": {"uid": account, "name": account, "type": "AWS Account", "type_id": 10},
    }


def asff(found: Threats) -> list[dict[str, Any]]:
    """AwsSecurityFinding objects of the TTPs types, one a detection that is not from an AWS detector."""
    return [
        _asff(kept.detection, state_of(kept, found))
        for kept in found.detections
        if kept.detection.source in ("rule", "correlation", "model")
    ]


def _asff(each: Detection, state: str) -> dict[str, Any]:
    region = each.region or "us-east-1"
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov") else "aws"
    )
    severity = {"Label": each.severity.upper(), "Original": each.severity}
    kinds = [_asff_type(each)]
    resources = [
        {"Type": "Other", "Id": clip(visible(arn), 512), "Region": region, "Partition": partition}
        for arn in (each.resources[:31] or (f"AWS::::Account:{each.account}",))
    ]
    fields = {
        "principal": each.principal,
        "caller": each.caller,
        "type": each.type,
        "addresses": " ".join(each.addresses[:_LISTED]),
        "user_agent": each.agent,
        "techniques": " ".join(each.techniques),
        "events": " ".join(each.events[:20]),
        "confidence": str(each.confidence),
    }
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"partywall/{region}/{each.account}/{each.id}",
        "ProductArn": (f"arn:{partition}:securityhub:{region}:{each.account}:product/{each.account}/default"),
        "ProductName": "partywall",
        "CompanyName": "partywall",
        "GeneratorId": clip(f"partywall/{each.rule}", 512),
        "AwsAccountId": each.account,
        "Types": kinds,
        "FirstObservedAt": each.first_seen.isoformat().replace("+00:00", "Z"),
        "LastObservedAt": each.last_seen.isoformat().replace("+00:00", "Z"),
        "CreatedAt": each.first_seen.isoformat().replace("+00:00", "Z"),
        "UpdatedAt": each.last_seen.isoformat().replace("+00:00", "Z"),
        "Severity": severity,
        "Confidence": each.confidence,
        "FindingProviderFields": {"Severity": severity, "Types": kinds},
        "Title": clip(visible(each.title), 256),
        "Description": clip(visible(each.explanation or each.title), 1024),
        "Resources": resources,
        "Workflow": {"Status": ASFF_WORKFLOW.get(state, "NEW")},
        "RecordState": "ACTIVE",
        "ProductFields": {
            f"partywall/{name}": clip(visible(value).strip(), 2048) for name, value in fields.items() if value
        },
    }


def _asff_type(each: Detection) -> str:
    for tactic in each.tactics:
        if tactic in _TTPS:
            return f"TTPs/{_TTPS[tactic]}"
        if tactic == "exfiltration":
            return "Effects/Data Exfiltration"
        if tactic == "impact":
            return (
                "Effects/Data Destruction" if "T1485" in each.techniques else "Effects/Resource Consumption"
            )
    return "Unusual Behaviors/User"


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
