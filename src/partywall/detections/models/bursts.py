"""Looking around, and being refused, faster and wider than callers of a kind do.

A person clicking through the console makes 85 distinct reads in ten minutes, Terraform hundreds: each kind of
caller has limits of its own, and what a caller did like that on earlier days is its habit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import WORD
from partywall.detections.detection import MOST_EVENTS
from partywall.detections.models.candidate import About, Candidate
from partywall.detections.models.tactics import LOOKS, ORDINARY

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span

MINUTES: Final = 10
"""The window."""
_LOOKED: Final = About(
    "model-reconnaissance-burst",
    "Burst of looking around",
    "Discovery:IAMUser/AnomalousBehavior",
    "medium",
    60,
    ("discovery",),
    ("T1580", "T1526", "T1087.004"),
)
_LOOKED_INSTANCE: Final = About(
    "model-machine-looks-around",
    "A machine's credentials look around the account",
    "Discovery:IAMUser/AnomalousBehavior",
    "medium",
    65,
    ("discovery",),
    ("T1580", "T1526", "T1087.004"),
    "contain-instance",
)
_REFUSED: Final = About(
    "model-refused-burst",
    "Burst of calls that were refused",
    "Discovery:IAMUser/AnomalousBehavior",
    "medium",
    60,
    ("discovery",),
    ("T1580", "T1087.004"),
)
ABOUTS: Final = (_LOOKED, _LOOKED_INSTANCE, _REFUSED)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much within MINUTES is too much of a kind of caller; 0: nothing is."""

    calls: int
    """Distinct calls that look around."""
    services: int
    """In so many services at least."""
    refused: int
    """Distinct calls refused."""


LIMITS: Final = {
    "person": Limit(12, 4, 6),
    "external": Limit(10, 4, 5),
    "unknown": Limit(12, 4, 6),
    "instance": Limit(6, 3, 4),
    "function": Limit(6, 3, 4),
    "container": Limit(6, 3, 4),
    "ci": Limit(60, 12, 12),
    "iac": Limit(0, 0, 15),
    "console": Limit(0, 0, 25),
    "root": Limit(0, 0, 15),
}
_MACHINES: Final = ("instance", "function", "container")
_KNOWN_DAYS: Final = 2
"""Days of such bursts from which on they are a habit."""
_GREW: Final = 1.5
"""How much larger than ever before a habitual burst has to be."""
_NEW: Final = 0.5
"""Of the calls of a burst, the share that a caller with a history has never made before."""


def measured(span: Span) -> None:
    """Makes `burst` (account, actor, arn, kind, what, minute, n, services, calls) of the windows of a day.

    `what`: looked, refused. One row a caller and thing: its widest window.
    """
    ordinary = ", ".join(f"'{name}'" for name in sorted(ORDINARY))
    span.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE step AS
        SELECT DISTINCT c.account, r.actor, r.arn, r.kind, w.what, c.micros // 60000000 AS minute,
            c.service, c.api
        FROM call c JOIN caller r USING (who), (VALUES ('looked'), ('refused')) w(what)
        WHERE r.kind <> 'service' AND if(w.what = 'looked',
            NOT c.data AND regexp_matches(c.name, '{LOOKS}') AND c.name NOT IN ({ordinary}), c.denied)"""
    )
    span.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE burst AS
        WITH busy AS (
            SELECT account, arn, kind, what FROM step GROUP BY ALL HAVING count(DISTINCT api) >= 3),
        mine AS (SELECT s.* FROM step s SEMI JOIN busy USING (account, arn, kind, what)),
        windowed AS (
            SELECT b.account, any_value(b.actor) AS actor, b.arn, b.kind, b.what, b.minute,
                count(DISTINCT s.api)::INTEGER AS n, count(DISTINCT s.service)::INTEGER AS services,
                list(DISTINCT s.api) AS apis
            FROM (SELECT DISTINCT account, actor, arn, kind, what, minute FROM mine) b
            JOIN mine s ON s.account = b.account AND s.arn = b.arn AND s.kind = b.kind AND s.what = b.what
                AND s.minute BETWEEN b.minute AND b.minute + {MINUTES - 1}
            GROUP BY b.account, b.arn, b.kind, b.what, b.minute)
        SELECT DISTINCT ON (account, arn, kind, what) * FROM windowed
        ORDER BY account, arn, kind, what, n DESC, minute"""
    )


def candidates(span: Span) -> list[Candidate]:
    """Bursts over the limits of their kind that are no habit of the caller."""
    limits = ", ".join(
        f"('{kind}', {each.calls}, {each.services}, {each.refused})" for kind, each in LIMITS.items()
    )
    rows = span.rows(
        f"""SELECT b.*, h.n AS most, coalesce(h.days, 0) AS days, coalesce(a.days, 0) AS active,
            len(list_filter(b.apis, lambda x: NOT list_contains(coalesce(k.apis, []), x))) AS fresh
        FROM burst b JOIN (VALUES {limits}) l(kind, calls, services, refused) USING (kind)
        LEFT JOIN past h ON h.account = b.account AND h.actor = b.actor AND h.what = 'burst ' || b.what
        LEFT JOIN past a ON a.account = b.account AND a.actor = b.actor AND a.what = 'actor'
        LEFT JOIN (SELECT account, actor, list(value) AS apis FROM past WHERE what = 'api' GROUP BY ALL) k
            ON k.account = b.account AND k.actor = b.actor
        WHERE if(b.what = 'looked', l.calls > 0 AND b.n >= l.calls AND b.services >= l.services,
            l.refused > 0 AND b.n >= l.refused)
        ORDER BY b.account, b.arn"""
    )
    found: list[Candidate] = []
    for row in rows:
        usual = row["days"] >= _KNOWN_DAYS and row["n"] <= _GREW * row["most"]
        if usual or (row["active"] >= _KNOWN_DAYS and row["fresh"] < _NEW * row["n"]):
            continue
        found.append(_candidate(span, row))
    return found


def _candidate(span: Span, row: dict[str, Any]) -> Candidate:
    begin = row["minute"] * 60_000_000
    span.connection.execute("SET VARIABLE partywall_arn = ?", [row["arn"]])
    ordinary = ", ".join(f"'{name}'" for name in sorted(ORDINARY))
    chosen = (
        "c.denied"
        if row["what"] == "refused"
        else f"NOT c.data AND regexp_matches(c.name, '{LOOKS}') AND c.name NOT IN ({ordinary})"
    )
    ids = span.rows(
        f"SELECT c.id FROM call c JOIN caller r USING (who) WHERE r.arn = getvariable('partywall_arn')"
        f" AND r.kind = '{row['kind']}' AND {chosen}"
        f" AND c.micros BETWEEN {begin} AND {begin + MINUTES * 60_000_000 - 1} ORDER BY c.micros, c.id"
    )
    apis = sorted(row["apis"])
    kind = row["kind"]
    limit = LIMITS[kind]
    most = f"at most {row['most']:.0f} before" if row["most"] else "never before"
    days = f" on {row['active']} earlier days with calls" if row["active"] else " (no earlier day is known)"
    refused = row["what"] == "refused"
    verb = "refused" if refused else "that look around"
    allowed = limit.refused if refused else limit.calls
    machine = kind in _MACHINES and not refused
    return Candidate(
        _REFUSED if refused else _LOOKED_INSTANCE if machine else _LOOKED,
        tuple(each["id"] for each in ids[:MOST_EVENTS]),
        f"{row['n']} distinct calls {verb} in {row['services']} services within {MINUTES} minutes,"
        f" by {WORD[kind]} ({allowed} and more tell); {most}{days}, {row['fresh']} of the calls never made"
        f" before."
        f" Among them {', '.join(apis[:8])}.",
        count=len(ids),
    )
