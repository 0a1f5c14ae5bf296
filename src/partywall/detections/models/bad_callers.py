"""Calls from addresses of the user's lists: bad ones, and Tor's exits. The lists are the user's to bring.

GuardDuty's guide, "GuardDuty IAM finding types" and "GuardDuty S3 finding types", tells the types apart by
what was called: looking around, everything else, and S3's reading and writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from partywall.detections.detection import MOST_EVENTS
from partywall.detections.models.candidate import About, Candidate
from partywall.detections.models.lists import CUSTOM, Entry, Lists
from partywall.detections.models.tactics import looks, purpose

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

LISTED: Final = About(
    "model-listed-caller",
    "Calls from an address on a list of bad ones",
    "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
    "medium",
    70,
    ("initial-access",),
    ("T1078.004",),
)
TOR: Final = About(
    "model-tor-caller",
    "Calls through the Tor network",
    "UnauthorizedAccess:IAMUser/TorIPCaller",
    "medium",
    75,
    ("initial-access",),
    ("T1078.004", "T1090.003"),
)
_TYPES: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    # What was called -> the type by class of list: malicious, the user's own, Tor.
    ("iam", "look"): (
        "Recon:IAMUser/MaliciousIPCaller",
        "Recon:IAMUser/MaliciousIPCaller.Custom",
        "Recon:IAMUser/TorIPCaller",
    ),
    ("iam", "act"): (
        "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
        "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
        "UnauthorizedAccess:IAMUser/TorIPCaller",
    ),
    ("s3", "look"): (
        "Discovery:S3/MaliciousIPCaller",
        "Discovery:S3/MaliciousIPCaller.Custom",
        "Discovery:S3/TorIPCaller",
    ),
    ("s3", "read"): (
        "Exfiltration:S3/MaliciousIPCaller",
        "UnauthorizedAccess:S3/MaliciousIPCaller.Custom",
        "UnauthorizedAccess:S3/TorIPCaller",
    ),
    ("s3", "act"): (
        "Impact:S3/MaliciousIPCaller",
        "UnauthorizedAccess:S3/MaliciousIPCaller.Custom",
        "UnauthorizedAccess:S3/TorIPCaller",
    ),
}
TYPES: Final = tuple(dict.fromkeys(name for names in _TYPES.values() for name in names))
ABOUTS: Final = (LISTED, TOR)
_TACTIC: Final = {"look": "discovery", "read": "exfiltration"}


def candidates(span: Span, lists: Lists) -> list[Candidate]:
    """One suspicion for each caller, list and kind of call."""
    if not lists:
        return []
    addresses = [
        row["address"] for row in span.rows("SELECT DISTINCT address FROM event WHERE address <> ''")
    ]
    bad = lists.addresses(addresses)
    if not bad:
        return []
    import pyarrow as pa

    span.connection.register("bad_addresses", pa.table({"listed": pa.array(list(bad), pa.string())}))
    rows = span.rows(
        f"""SELECT address, who::VARCHAR AS caller, day, service, name,
        list_slice(list(id ORDER BY micros), 1, {MOST_EVENTS}) AS events,
        count(*)::BIGINT AS n, count_if(failed)::BIGINT AS failed
        FROM event SEMI JOIN bad_addresses ON listed = address GROUP BY ALL ORDER BY min(micros)"""
    )
    span.connection.unregister("bad_addresses")
    grouped: dict[tuple[str, str, str, Entry], list[dict[str, object]]] = {}
    for row in rows:
        thing = "s3" if row["service"] == "s3" else "iam"
        entry = bad[row["address"]]
        key = (f"{row['caller']} {row['day']}", thing, _what(thing, str(row["name"])), entry)
        grouped.setdefault(key, []).append(row)
    return [_candidate(thing, what, entry, found) for (_, thing, what, entry), found in grouped.items()]


def _what(thing: str, name: str) -> str:
    if thing == "s3" and purpose(f"s3:{name}") == "exfiltration":
        return "read"
    return "look" if looks(name) else "act"


def _candidate(thing: str, what: str, entry: Entry, rows: list[dict[str, object]]) -> Candidate:
    about = TOR if entry.cls == "tor" else LISTED
    types = _TYPES[thing, what]
    type_ = types[2] if entry.cls == "tor" else types[1] if entry.cls == CUSTOM else types[0]
    events: list[str] = []
    for row in rows:
        events += row["events"]  # type: ignore[arg-type]
    count = sum(int(str(row["n"])) for row in rows)
    failed = sum(int(str(row["failed"])) for row in rows)
    calls = ", ".join(dict.fromkeys(f"{row['service']}:{row['name']}" for row in rows[:6]))
    refused = f", {failed} of them failed" if failed else ""
    addresses = ", ".join(dict.fromkeys(str(row["address"]) for row in rows[:5]))
    further = _TACTIC.get(what, about.tactics[0] if thing == "iam" else "impact")
    return Candidate(
        about,
        tuple(events),
        f"{addresses} is on the list {entry.list} ({entry.cls}, {entry.entry}); from there: {calls}"
        f" ({count} calls{refused}).",
        count=count,
        subject=type_,
        type=type_,
        severity="high" if thing == "s3" and what != "look" and failed < count else about.severity,
        confidence=about.confidence - (20 if failed == count else 0),
        tactics=tuple(dict.fromkeys((further, *about.tactics))),
        facts=(("list", entry.list),),
    )
