"""What a rule, a correlation or a model found in the logs: one shape for all, in Python and as Arrow rows.

A detection is one rule's finding about one principal on one UTC day (`stable_id`), so that the same events
give the same detection in whatever order they come, and later ones extend it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
"""Mildest first, as Sigma's levels."""

MOST_EVENTS: Final = 200
"""Event ids that a detection keeps: the earliest; `count` goes on."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One detection. Times are aware, in UTC; texts are "" and tuples empty where something is not known."""

    id: str
    """32 hexadecimal digits; see `stable_id`."""
    rule: str
    """Id of the rule or model; a source's own type for what was imported."""
    source: str
    """rule, correlation, model, or the product that an imported finding came from (guardduty, macie, …)."""
    type: str
    """A name such as users know from GuardDuty: Discovery:IAMUser/AnomalousBehavior."""
    title: str
    severity: str
    """One of SEVERITIES."""
    confidence: int
    """0 to 100: how sure it is that this is hostile."""
    first_seen: datetime
    last_seen: datetime
    count: int
    """Events that prove it, or flow records, queries …"""
    account: str
    region: str = ""
    principal: str = ""
    """ARN (or name) of the first principal of the credential chain; "" where there is none: flow logs."""
    caller: str = ""
    """ARN of the identity that called, the last of the chain."""
    kind: str = ""
    """What the caller is: see `callers.KINDS`."""
    access_key: str = ""
    """The id of the access key or session, never its secret."""
    addresses: tuple[str, ...] = ()
    asn: str = ""
    """AS number and name of the first address, where a database of addresses is there."""
    agent: str = ""
    """User agent, as the caller wrote it: hostile text."""
    resources: tuple[str, ...] = ()
    """ARNs, or ids, of what was touched."""
    events: tuple[str, ...] = ()
    """Ids (`cloudtrail.id`, …) of at most MOST_EVENTS events that prove it, in order of time."""
    techniques: tuple[str, ...] = ()
    """ATT&CK techniques: T1098.001."""
    tactics: tuple[str, ...] = ()
    """ATT&CK tactics: privilege-escalation."""
    explanation: str = ""
    """Why, with the numbers: "seen 0 times in 41 days; 12 of 14 peers never"."""
    playbook: str = ""
    """Key of a playbook (`sigma/playbooks.yaml`)."""
    facts: tuple[tuple[str, str], ...] = field(default=())
    """Further names and values for the playbook's places: (("bucket", "orders"), …)."""


def stable_id(rule: str, account: str, who: str, when: datetime, *further: str) -> str:
    """The id of a detection of a rule or model about `who` (principal, instance, address) on a UTC day.

    `further` tells apart detections of one rule, subject and day where they are different stories.
    """
    day = when.astimezone(UTC).date().isoformat()
    key = "\x1f".join((rule, account, who, day, *further))
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]


def detection_schema() -> pa.Schema:
    """The columns of the SQL table `detection`: a Detection's fields."""
    import pyarrow as pa

    text, time, texts = pa.string(), pa.timestamp("us", tz="UTC"), pa.list_(pa.string())
    types = {
        "confidence": pa.int16(),
        "count": pa.int64(),
        "first_seen": time,
        "last_seen": time,
        "facts": pa.map_(pa.string(), pa.string()),
    } | dict.fromkeys(("addresses", "resources", "events", "techniques", "tactics"), texts)
    return pa.schema([(each.name, types.get(each.name, text)) for each in fields(Detection)])


def to_arrow(detections: Iterable[Detection]) -> pa.Table:
    """Detections as rows of `detection_schema()`."""
    import pyarrow as pa

    schema, listed = detection_schema(), list(detections)
    return pa.table(
        {
            name: pa.array([getattr(each, name) for each in listed], schema.field(name).type)
            for name in schema.names
        },
        schema=schema,
    )


def worse(*severities: str) -> str:
    """The worst of some severities."""
    return max(severities, key=SEVERITIES.index)
