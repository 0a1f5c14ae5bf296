"""What a caller never did, nor its like: calls, services, Regions, tools, networks, countries, in one score.

A day's score of a caller adds up how rare each new thing is among its peers (callers of its kind in its
account). It alarms where scores as high came on no more than RATES of the days before: a stated rate,
whatever the account is like (see `memory.alarms`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import WORD
from partywall.detections.detection import MOST_EVENTS
from partywall.detections.models.candidate import About, Candidate
from partywall.detections.models.memory import WARM_UP, alarms
from partywall.detections.models.tactics import TECHNIQUES, purpose, type_of

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span
    from partywall.detections.models.habits import Habits

UNUSUAL: Final = About(
    "model-unusual-behaviour",
    "A caller does what it and its like never did",
    "Discovery:IAMUser/AnomalousBehavior",
    "medium",
    55,
    ("discovery",),
    ("T1078.004",),
)
PURPOSES: Final = (
    "impact",
    "exfiltration",
    "privilege-escalation",
    "persistence",
    "credential-access",
    "defense-evasion",
    "initial-access",
    "execution",
    "discovery",
)
"""The gravest first: of several new things the type tells the gravest."""
RATES: Final = {"people": 0.1, "pipelines": 0.05, "machines": 0.05}
"""Alerts a day and account that each group of callers may give on days that are alike."""
_GROUPS: Final = {
    "people": ("person", "console", "root", "external", "unknown", "anonymous"),
    "pipelines": ("iac", "ci"),
    "machines": ("instance", "function", "container"),
}
_LEARN: Final = 7
"""Days of an account before its days are scored."""
_KNOWN: Final = 3
"""Days with calls from which on a caller has habits; of newer ones only what is new to the account counts."""
_WEIGHTS: Final = {"service": 0.5, "region": 1.0, "agent": 1.0, "network": 1.0, "country": 1.5}
_GRAVE: Final = 1.0
_LOOK: Final = 0.5
_PLAIN: Final = 0.3
_THINGS: Final = {
    "api": "call",
    "service": "service",
    "region": "Region",
    "agent": "tool",
    "network": "network",
    "country": "country",
}
TYPES: Final = (
    *(type_of(each) for each in PURPOSES),
    *(type_of(each, "s3:GetBucketAcl") for each in ("discovery", "exfiltration")),
    *(type_of("impact", f"s3:{name}", True) for name in ("DeleteObject", "PutObject", "PutObjectAcl")),
)


@dataclass(slots=True)
class _Day:
    """A caller's day: the new things, each with its weight, and what they come to."""

    row: Mapping[str, Any]
    things: dict[str, list[tuple[float, Mapping[str, Any]]]] = field(
        default_factory=dict[str, list[tuple[float, Mapping[str, Any]]]]
    )

    def score(self) -> float:
        """The rarest of each kind of thing, and a little for each further one."""
        from math import log2

        grave = any(
            weight and purpose(r["value"]) not in ("", "discovery")
            for weight, r in self.things.get("api", ())
        )
        if len(self.things) < 2 and not grave:
            return 0.0
        return sum(
            max(weight for weight, _ in found) + 0.25 * log2(len(found)) for found in self.things.values()
        )


def candidates(span: Span, habits: Habits, day: date, learning: dict[str, int]) -> list[Candidate]:
    """Scores the callers of a day by `profile` and `past`, and tells of those that stand out.

    `learning` takes the accounts of which too few days are known yet, with their days.
    """
    found: list[Candidate] = []
    learned = {
        row["account"]: row["days"] for row in span.rows("SELECT account, days FROM past WHERE what = 'day'")
    }
    days = _days(span)
    for account in sorted({row["account"] for row in span.rows("SELECT DISTINCT account FROM call")}):
        known = learned.get(account, 0)
        learning.pop(account, None)
        if known < WARM_UP:
            learning[account] = known
        if known < _LEARN:
            continue
        for group, kinds in _GROUPS.items():
            today = {
                actor: each
                for (owner, actor), each in days.items()
                if owner == account and each.row["kind"] in kinds
            }
            scores = {actor: each.score() for actor, each in today.items()}
            past = habits.scored(account, f"behaviour {group}", day)
            habits.score(account, f"behaviour {group}", day, list(scores.values()))
            if known < WARM_UP:
                continue
            for actor, rate in alarms(scores, past, RATES[group]).items():
                found.append(_candidate(span, today[actor], known, rate))
    return found


def _days(span: Span) -> dict[tuple[str, str], _Day]:
    """Each caller's new things of the day."""
    rows = span.rows(
        """WITH active AS (SELECT account, actor, days FROM past WHERE what = 'actor'),
        peers AS (SELECT account, kind, count(*) AS all_peers FROM past WHERE what = 'actor'
            AND days >= 3 GROUP BY ALL),
        having_it AS (SELECT account, kind, what, value, count(*) AS has FROM past GROUP BY ALL),
        anybody AS (SELECT account, what, value, count(DISTINCT actor) AS users FROM past GROUP BY ALL)
        SELECT t.account, t.actor, t.kind, t.what, t.value, t.n, coalesce(a.days, 0)::INTEGER AS days,
            coalesce(p.all_peers, 0)::INTEGER AS peers, coalesce(h.has, 0)::INTEGER AS has,
            coalesce(u.users, 0)::INTEGER AS users
        FROM profile t LEFT JOIN active a USING (account, actor)
        LEFT JOIN peers p ON p.account = t.account AND p.kind = t.kind
        LEFT JOIN having_it h ON h.account = t.account AND h.kind = t.kind AND h.what = t.what
            AND h.value = t.value
        LEFT JOIN anybody u ON u.account = t.account AND u.what = t.what AND u.value = t.value
        WHERE t.what IN ('api', 'service', 'region', 'agent', 'network', 'country')
        AND NOT EXISTS (SELECT 1 FROM past o WHERE o.account = t.account AND o.actor = t.actor
            AND o.what = t.what AND o.value = t.value)
        ORDER BY t.account, t.actor, t.what, t.value"""
    )
    from math import log2

    made: dict[tuple[str, str], _Day] = {}
    for row in rows:
        if row["days"] < _KNOWN and row["users"]:
            continue
        rare = log2((row["peers"] + 2) / (row["has"] + 1)) + (0 if row["users"] else 1)
        weight = _weight(row) * rare
        if weight > 0:
            each = made.setdefault((row["account"], row["actor"]), _Day(row))
            each.things.setdefault(row["what"], []).append((weight, row))
    return made


def _weight(row: Mapping[str, Any]) -> float:
    if row["what"] != "api":
        # An office's network, once known of one, says little of another.
        shared = 0.3 if row["what"] in ("network", "agent") and row["users"] else 1.0
        return _WEIGHTS[row["what"]] * shared
    serves = purpose(row["value"])
    return _PLAIN if not serves else _LOOK if serves == "discovery" else _GRAVE


def _candidate(span: Span, day: _Day, known: int, rate: float) -> Candidate:
    row = day.row
    new = sorted(
        ((weight, each) for found in day.things.values() for weight, each in found),
        key=lambda one: (-one[0], one[1]["what"], one[1]["value"]),
    )
    apis = [each["value"] for _, each in new if each["what"] == "api"]
    serving = {purpose(api): api for api in reversed(apis)}
    elsewhere = "network" in day.things or "country" in day.things
    tactic = next(
        (each for each in PURPOSES if each in serving), "initial-access" if elsewhere else "discovery"
    )
    events, data = _events(span, row, new)
    api = serving.get(tactic, "")
    told = "; ".join(_told(each, known) for _, each in new[:5])
    more = f"; and {len(new) - 5} more" if len(new) > 5 else ""
    active = f"seen on {row['days']} days before" if row["days"] else "never seen before"
    return Candidate(
        UNUSUAL,
        tuple(events),
        f"By {WORD[row['kind']]}, {active} ({known} days are known): {told}{more}. Scores as high come"
        f" {rate:.2f} times a day.",
        subject=row["actor"],
        type=type_of(tactic, api, data),
        tactics=(tactic,),
        techniques=(TECHNIQUES.get(tactic, "T1078.004"),),
    )


def _told(row: Mapping[str, Any], known: int) -> str:
    others = (
        f"{row['peers'] - row['has']} of {row['peers']} peers never" if row["peers"] else "it has no peers"
    )
    nobody = "" if row["users"] else ", nobody in the account either"
    return f"{_THINGS[row['what']]} {row['value']} seen on 0 of {known} days ({others}{nobody})"


def _events(
    span: Span, row: Mapping[str, Any], new: Sequence[tuple[float, Mapping[str, Any]]]
) -> tuple[list[str], bool]:
    """The events that show the new things, the rarest things' first; whether they are of objects."""
    connection = span.connection
    connection.execute("SET VARIABLE partywall_actor = ?", [row["actor"]])
    connection.execute("SET VARIABLE partywall_account = ?", [row["account"]])
    connection.execute(
        "SET VARIABLE partywall_new = ?", [[f"{each['what']} {each['value']}" for _, each in new]]
    )
    rows = span.rows(
        """SELECT c.id, c.data, c.micros, list_min([list_position(getvariable('partywall_new'), x) FOR x IN [
            'api ' || c.api, 'service ' || c.service, 'region ' || c.region, 'agent ' || r.agent,
            'network ' || p.network, 'country ' || p.country]]) AS place
        FROM call c JOIN caller r USING (who) LEFT JOIN place p USING (address)
        WHERE r.actor = getvariable('partywall_actor') AND c.account = getvariable('partywall_account')
        ORDER BY place NULLS LAST, c.micros, c.id"""
    )
    shown = [each for each in rows if each["place"]][:MOST_EVENTS]
    return [each["id"] for each in shown], any(each["data"] for each in shown[:5])
