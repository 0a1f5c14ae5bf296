"""AwsSecurityFinding ("AWS Security Finding Format (ASFF)" of the Security Hub user guide) as a detection."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from partywall.detections.detection import Detection

_SOURCES: Final = {
    "guardduty": "guardduty",
    "inspector": "inspector",
    "macie": "macie",
    "iam access analyzer": "access-analyzer",
    "access analyzer": "access-analyzer",
    "security hub": "security-hub",
    "detective": "detective",
    "config": "config",
    "health": "health",
}
_TACTICS: Final = {
    "initial access": "initial-access",
    "execution": "execution",
    "persistence": "persistence",
    "privilege escalation": "privilege-escalation",
    "defense evasion": "defense-evasion",
    "credential access": "credential-access",
    "discovery": "discovery",
    "lateral movement": "lateral-movement",
    "collection": "collection",
    "command and control": "command-and-control",
    "data exfiltration": "exfiltration",
    "data exposure": "exfiltration",
    "data destruction": "impact",
    "denial of service": "impact",
    "resource consumption": "impact",
}
_PURPOSES: Final = {
    "Recon": "discovery",
    "Discovery": "discovery",
    "UnauthorizedAccess": "initial-access",
    "InitialAccess": "initial-access",
    "CredentialAccess": "credential-access",
    "Persistence": "persistence",
    "PrivilegeEscalation": "privilege-escalation",
    "DefenseEvasion": "defense-evasion",
    "Stealth": "defense-evasion",
    "Execution": "execution",
    "Exfiltration": "exfiltration",
    "Impact": "impact",
    "CryptoCurrency": "impact",
    "Backdoor": "command-and-control",
    "Trojan": "command-and-control",
    "PenTest": "discovery",
    "AttackSequence": "impact",
}
"""GuardDuty's threat purposes ("GuardDuty finding format") by ATT&CK tactic."""
THREATS: Final = frozenset(["guardduty", "detective", "partywall"])
_THREAT_TYPES: Final = ("TTPs/", "Effects/", "Unusual Behaviors/")


def source_of(product: str) -> str:
    """A product's short name: guardduty, inspector, macie, access-analyzer, security-hub, or its own."""
    lowered = product.lower().removeprefix("aws ").removeprefix("amazon ")
    for word, name in _SOURCES.items():
        if word in lowered:
            return name
    return re.sub(r"[^a-z0-9]+", "-", lowered).strip("-") or "unknown"


def purpose(kind: str) -> tuple[str, ...]:
    """The tactic of a GuardDuty type such as Recon:IAMUser/TorIPCaller."""
    tactic = _PURPOSES.get(kind.partition(":")[0])
    return (tactic,) if tactic else ()


def moment(value: Any) -> datetime:
    """A time in ISO 8601, or milliseconds. Raises ValueError, TypeError or OverflowError's ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError("a time is missing")
    if isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{value} is no time") from error
    found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def account_of(value: Any) -> str:
    """Twelve digits. Raises ValueError for anything else."""
    text = str(value)
    if not re.fullmatch(r"\d{12}", text):
        raise ValueError(f"{text[:40]!r} is no account id")
    return text


def imported_id(source: str, uid: str) -> str:
    """The id of an imported finding: of its source and its own id, so that it is updated, not doubled."""
    return hashlib.sha256(f"{source}\x1f{uid}".encode("utf-8", "replace")).hexdigest()[:32]


def from_asff(found: Mapping[str, Any]) -> Detection:
    """One finding. Raises KeyError, TypeError or ValueError naming what is wrong with it."""
    account = account_of(found["AwsAccountId"])
    uid, title = _required(found, "Id"), _required(found, "Title")
    product = str(found.get("ProductName") or _product(str(found.get("ProductArn", ""))))
    source = source_of(product)
    types = [
        str(each) for each in found.get("Types") or found.get("FindingProviderFields", {}).get("Types", [])
    ]
    label = str((found.get("Severity") or {}).get("Label", "")).lower()
    severity = label if label in ("low", "medium", "high", "critical") else "informational"
    kind = _type(types, source)
    threat = source in THREATS or any(each.startswith(_THREAT_TYPES) for each in types)
    first = moment(found.get("FirstObservedAt") or found.get("CreatedAt"))
    last = moment(found.get("LastObservedAt") or found.get("UpdatedAt") or first.isoformat())
    resources = [each for each in found.get("Resources") or () if isinstance(each, Mapping)]
    who = _who(resources, account)
    return Detection(
        id=imported_id(source, uid),
        rule=kind,
        source=source,
        type=kind,
        title=title[:256],
        severity=severity,
        confidence=_confidence(found.get("Confidence")),
        first_seen=first,
        last_seen=max(first, last),
        count=_count(found),
        account=account,
        region=str(found.get("Region") or _region(resources)),
        principal=who[0],
        caller=who[0],
        access_key=who[1],
        addresses=_addresses(found),
        resources=tuple(str(each["Id"]) for each in resources if each.get("Id"))[:100],
        tactics=(_tactics(types) or purpose(kind)) if threat else (),
        explanation=str(found.get("Description", ""))[:1024],
        playbook="contain-principal" if who[0] else "contain-instance" if _instance(resources) else "",
    )


def _required(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} is not a text")
    return value


def _product(arn: str) -> str:
    return arn.rpartition("product/")[2].rpartition("/")[2] or "unknown"


def _type(types: list[str], source: str) -> str:
    """GuardDuty's type out of ASFF's: TTPs/Discovery/Recon:IAMUser-TorIPCaller."""
    for each in types:
        last = each.rpartition("/")[2]
        if source == "guardduty" and ":" in last:
            purpose_name, _, rest = last.partition(":")
            return f"{purpose_name}:{rest.replace('-', '/', 1)}"
    return types[0] if types else f"{source}/finding"


def _tactics(types: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in types:
        for part in each.split("/")[1:2]:
            if part.lower() in _TACTICS:
                found[_TACTICS[part.lower()]] = None
    return tuple(found)


def _confidence(value: Any) -> int:
    return max(0, min(100, int(value))) if isinstance(value, int | float) else 60


def _count(found: Mapping[str, Any]) -> int:
    fields = found.get("ProductFields")
    text = str(fields.get("aws/guardduty/service/count", "1")) if isinstance(fields, Mapping) else "1"
    return int(text) if text.isdigit() else 1


def _who(resources: list[Mapping[str, Any]], account: str) -> tuple[str, str]:
    """(principal's ARN, access key's id) of an AwsIamAccessKey, user or role among the resources."""
    for each in resources:
        details = (each.get("Details") or {}).get("AwsIamAccessKey")
        if isinstance(details, Mapping):
            name, kind = str(details.get("PrincipalName", "")), str(details.get("PrincipalType", ""))
            key = str(details.get("AccessKeyId", ""))
            if kind == "Root":
                return f"arn:aws:iam::{account}:root", key
            if name:
                return f"arn:aws:iam::{account}:{'user' if kind == 'IAMUser' else 'role'}/{name}", key
            return "", key
    for each in resources:
        if each.get("Type") in ("AwsIamUser", "AwsIamRole") and str(each.get("Id", "")).startswith("arn:"):
            return str(each["Id"]), ""
    return "", ""


def _instance(resources: list[Mapping[str, Any]]) -> bool:
    return any(each.get("Type") == "AwsEc2Instance" for each in resources)


def _region(resources: list[Mapping[str, Any]]) -> str:
    return next((str(each["Region"]) for each in resources if each.get("Region")), "")


def _addresses(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Remote addresses of the action that a finding tells of."""
    made: dict[str, None] = {}

    def walk(value: Any, depth: int = 0) -> None:
        if isinstance(value, Mapping) and depth < 6:
            for name, inner in value.items():
                if name in ("IpAddressV4", "IpAddressV6", "SourceIpV4", "SourceIpV6") and isinstance(
                    inner, str
                ):
                    made[inner] = None
                else:
                    walk(inner, depth + 1)
        elif isinstance(value, list) and depth < 6:
            for inner in value[:50]:
                walk(inner, depth + 1)

    walk({name: found.get(name) for name in ("Action", "Network")})
    return tuple(made)[:100]
