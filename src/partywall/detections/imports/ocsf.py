"""OCSF findings (Detection 2004, Compliance 2003, Vulnerability 2002, Security 2001) as detections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.detections.detection import Detection
from partywall.detections.imports.asff import THREATS, account_of, imported_id, moment, purpose, source_of

_CLASSES: Final = {2001: True, 2002: False, 2003: False, 2004: True}
"""Classes of findings, and whether one is a threat."""
_SEVERITY: Final = {
    1: "informational",
    2: "low",
    3: "medium",
    4: "high",
    5: "critical",
    6: "critical",
}


def from_ocsf(found: Mapping[str, Any]) -> Detection:
    """One finding. Raises KeyError, TypeError or ValueError naming what is wrong with it."""
    number = found["class_uid"]
    if number not in _CLASSES:
        raise ValueError(f"class {number} is no class of findings: {sorted(_CLASSES)}")
    info = found.get("finding_info") or found.get("finding")
    if not isinstance(info, Mapping):
        raise TypeError("finding_info is missing")
    uid, title = info.get("uid"), info.get("title")
    if not isinstance(uid, str) or not uid:
        raise TypeError("finding_info.uid is not a text")
    if not isinstance(title, str) or not title:
        title = str(found.get("message") or uid)
    product = (found.get("metadata") or {}).get("product") or {}
    source = source_of(str(product.get("name", "")))
    cloud = found.get("cloud") or {}
    account = account_of((cloud.get("account") or {}).get("uid") or cloud.get("account_uid"))
    types = [str(each) for each in info.get("types") or ()]
    kind = types[0] if types else f"{source}/finding"
    threat = _CLASSES[number] and (source in THREATS or number == 2004)
    time = moment(found["time"])
    first = moment(info.get("first_seen_time") or info.get("created_time") or found["time"])
    last = moment(info.get("last_seen_time") or found["time"])
    attacks = [
        each for each in info.get("attacks") or found.get("attacks") or () if isinstance(each, Mapping)
    ]
    who = _who(found)
    resources = [each for each in found.get("resources") or () if isinstance(each, Mapping)]
    return Detection(
        id=imported_id(source, uid),
        rule=kind,
        source=source,
        type=kind,
        title=title[:256],
        severity=_SEVERITY.get(int(found.get("severity_id", 0)), "informational"),
        confidence=int(found.get("confidence_score") or 60),
        first_seen=min(first, time),
        last_seen=max(first, last),
        count=int(found.get("count") or info.get("related_events_count") or 1),
        account=account,
        region=str(cloud.get("region") or ""),
        principal=who,
        caller=who,
        addresses=_addresses(found),
        resources=tuple(str(each["uid"]) for each in resources if each.get("uid"))[:100],
        techniques=_techniques(attacks),
        tactics=(_tactics(attacks) or purpose(kind)) if threat else (),
        explanation=str(info.get("desc") or found.get("message") or "")[:1024],
        playbook="contain-principal" if who else "",
    )


def _techniques(attacks: list[Mapping[str, Any]]) -> tuple[str, ...]:
    named = [each.get("sub_technique") or each.get("technique") or {} for each in attacks]
    return tuple(dict.fromkeys(str(each["uid"]) for each in named if each.get("uid")))


def _tactics(attacks: list[Mapping[str, Any]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in attacks:
        listed = each.get("tactics") or ([each["tactic"]] if each.get("tactic") else [])
        for tactic in listed:
            name = str(tactic.get("name", "")).lower().replace(" ", "-")
            if name:
                found[name] = None
    return tuple(found)


def _who(found: Mapping[str, Any]) -> str:
    """The ARN of the actor, where some evidence tells it."""
    for holder in (found, *(found.get("evidences") or ())):
        if isinstance(holder, Mapping):
            user = (holder.get("actor") or {}).get("user") or {}
            for name in ("uid_alt", "uid", "name"):
                if str(user.get(name, "")).startswith("arn:"):
                    return str(user[name])
    for each in found.get("resources") or ():
        uid = str(each.get("uid", "")) if isinstance(each, Mapping) else ""
        if ":iam::" in uid and (":user/" in uid or ":role/" in uid):
            return uid
    return ""


def _addresses(found: Mapping[str, Any]) -> tuple[str, ...]:
    made: dict[str, None] = {}
    for holder in (found, *(found.get("evidences") or ())):
        if isinstance(holder, Mapping):
            for name in ("src_endpoint", "dst_endpoint"):
                address = (holder.get(name) or {}).get("ip")
                if isinstance(address, str) and address:
                    made[address] = None
    return tuple(made)[:100]
