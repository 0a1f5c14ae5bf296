"""From what a model of callers suspects to a Detection: the events are read whole, once for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import MACHINES, kind_of
from partywall.detections.detection import MOST_EVENTS, Detection, stable_id
from partywall.detections.run.touched import touched
from partywall.detections.sigma import chains
from partywall.lake.source import quote

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

_ID: Final = "userIdentity."
_WHO: Final[tuple[str, ...]] = (
    "type",
    "arn",
    "principalId",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "identityProvider",
    "sessionContext.sessionIssuer.arn",
    "sessionContext.ec2RoleDelivery",
    "sessionContext.webIdFederationData.federatedProvider",
)
_WHAT: Final[tuple[str, ...]] = (
    "id",
    "account",
    "region",
    "eventName",
    "eventSource",
    "sourceIPAddress",
    "userAgent",
    "sessionCredentialFromConsole",
    "requestParameters",
    "responseElements",
    "resources",
)
_PAGE: Final = 20_000
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class About:
    """What a model says of itself in its detections."""

    id: str
    title: str
    type: str
    severity: str
    confidence: int
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    playbook: str = "contain-principal"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A suspicion: the events that prove it, oldest first, and why. Empty texts: as the model says."""

    about: About
    events: tuple[str, ...]
    """Ids; at most MOST_EVENTS are kept."""
    why: str
    count: int = 0
    """Of events; 0: as many as `events`."""
    subject: str = ""
    """What tells apart two stories of one caller and day."""
    type: str = ""
    title: str = ""
    severity: str = ""
    confidence: int = 0
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    asn: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def detections(span: Span, found: Sequence[Candidate]) -> list[Detection]:
    """The detections of some suspicions; those of one model, caller, subject and day are one."""
    rows = _events(span, sorted({event for each in found for event in each.events[:MOST_EVENTS]}))
    made: dict[str, Detection] = {}
    for each in found:
        known = sorted(
            (rows[e] for e in each.events if e in rows), key=lambda row: (row["micros"], row["id"])
        )
        if known:
            one = _made(span, each, known)
            if one.id not in made or one.count > made[one.id].count:
                made[one.id] = one
    return list(made.values())


def _made(span: Span, found: Candidate, rows: Sequence[dict[str, Any]]) -> Detection:
    about, first = found.about, rows[0]
    identity = {name: first[_ID + name] for name in _WHO}
    agent = first["userAgent"] or ""
    address = first["sourceIPAddress"] or ""
    kind = kind_of(identity, agent, address, first["sessionCredentialFromConsole"] == "true")
    principal = span.chains().first(tuple(first[name] for name in chains.IDENTITY))
    if identity["userName"] and not identity["arn"] and identity["type"] == "IAMUser":
        # Sign-ins that failed name the user and nothing else.
        principal = f"arn:aws:iam::{identity['accountId'] or first['account']}:user/{identity['userName']}"
    principal = "" if principal == "unknown" else principal
    begin = datetime.fromtimestamp(first["micros"] / 1_000_000, UTC)
    resources, places = _touched(rows)
    account = first["account"] or ""
    confidence = (found.confidence or about.confidence) - (15 if kind in MACHINES - {"instance"} else 0)
    return Detection(
        id=stable_id(about.id, account, principal or address, begin, *filter(None, (found.subject,))),
        rule=about.id,
        source="model",
        type=found.type or about.type,
        title=found.title or about.title,
        severity=found.severity or about.severity,
        confidence=max(5, min(99, confidence)),
        first_seen=begin,
        last_seen=datetime.fromtimestamp(rows[-1]["micros"] / 1_000_000, UTC),
        count=max(found.count, len(found.events)),
        account=account,
        region=first["region"] or "",
        principal=principal,
        caller=identity["arn"] or identity["userName"] or identity["invokedBy"] or "",
        kind=kind,
        access_key=identity["accessKeyId"] or "",
        addresses=tuple(dict.fromkeys(r["sourceIPAddress"] for r in rows if r["sourceIPAddress"]))[:_MOST],
        asn=found.asn,
        agent=agent[:300],
        resources=resources,
        events=tuple(row["id"] for row in rows),
        techniques=found.techniques or about.techniques,
        tactics=found.tactics or about.tactics,
        explanation=found.why,
        playbook=about.playbook,
        facts=(*found.facts, *places),
    )


def _touched(rows: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    resources: dict[str, None] = {}
    places: dict[tuple[str, str], None] = {}
    for row in rows:
        call = f"{(row['eventSource'] or '').removesuffix('.amazonaws.com')}:{row['eventName'] or ''}"
        arns, named = touched(
            call,
            row["account"] or "",
            row["region"] or "",
            row["requestParameters"],
            row["responseElements"],
            row["resources"],
        )
        resources.update(dict.fromkeys(arns))
        places.update(
            dict.fromkeys((place, value) for place, values in named.items() for value in values[:5])
        )
    return tuple(resources)[:_MOST], tuple(places)[:_MOST]


def _events(span: Span, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    import pyarrow as pa

    names = ", ".join(quote(name) for name in (*_WHAT, *(_ID + name for name in _WHO)))
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(ids), _PAGE):
        wanted = pa.table({"wanted": pa.array(ids[first : first + _PAGE], pa.string())})
        span.connection.register("partywall_wanted", wanted)
        rows = span.rows(
            f'SELECT DISTINCT ON (id) epoch_us("eventTime") AS micros, {names} FROM ({span.relation})'
            " SEMI JOIN partywall_wanted ON id = wanted ORDER BY id"
        )
        span.connection.unregister("partywall_wanted")
        found.update((row["id"], row) for row in rows)
    return found
