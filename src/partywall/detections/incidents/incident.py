"""What makes a story an incident, and how bad it is: tactics, weights, habits, each with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from partywall.detections.callers import WORD
from partywall.detections.detection import SEVERITIES, Detection
from partywall.detections.incidents.links import actor, public

TACTICS: Final = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "discovery",
    "credential-access",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)
"""In the order in which a story is told."""

ENOUGH: Final = 60
"""The score from which on a story is an incident; a single high detection has it."""
_HIGH: Final = 70
_ALONE: Final = 85
"""What a single detection must weigh to be an incident by itself: as much as a high one."""
_MILD: Final = 20
"""The most that all low detections together weigh."""
_WEIGHT: Final = {"critical": 120, "high": 85, "medium": 30, "low": 10, "informational": 0}
_STEP: Final = 10
"""For each tactic after the first."""
_SHARE: Final = {"iac": 0.5, "ci": 0.5, "service": 0.25}
_FAILED: Final = 45
"""Confidence below which a medium detection was refused in all its calls."""
_HABIT: Final = 0.25
_USUAL: Final = 0.7
"""Of what is not high, where it came from an address that the account knows."""
_HANDS: Final = ("person", "instance", "external", "unknown")
"""Kinds of callers that intruders are, once they hold a key; consoles show people around by themselves."""
_INTRUDING: Final = 20
_NEW: Final = 10
"""Where a story came from an address that the account never saw."""
HABIT_DAYS: Final = 3
"""Days before on which the same was found of the same actor, from which on it is its habit."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A story of detections, in order of time. `why` says what raised it, `links` what ties it together."""

    id: str
    title: str
    severity: str
    score: int
    state: str
    first_seen: datetime
    last_seen: datetime
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    principals: tuple[str, ...]
    """The first principals, that of the first detection first."""
    callers: tuple[str, ...]
    access_keys: tuple[str, ...]
    addresses: tuple[str, ...]
    kinds: tuple[str, ...]
    tactics: tuple[str, ...]
    """Each with its first time, in that order."""
    techniques: tuple[str, ...]
    resources: tuple[str, ...]
    detections: tuple[str, ...]
    events: int
    why: tuple[str, ...]
    links: tuple[str, ...]
    context: tuple[str, ...]
    """What the last scan knows of those involved; that there is none, where there is none."""
    playbooks: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Networks:
    """What the logs say of source addresses before their first detection."""

    principals: Mapping[str, int] = field(default_factory=dict[str, int])
    """Address -> how many principals used it."""
    days: Mapping[str, int] = field(default_factory=dict[str, int])
    """Address -> on how many days it was used."""
    began: datetime | None = None
    """When the logs begin."""

    def usual(self, each: Detection) -> bool:
        """Whether all its addresses were used on several days before."""
        return bool(each.addresses) and all(self.days.get(a, 0) >= HABIT_DAYS for a in each.addresses)

    def new(self, each: Detection) -> tuple[str, int]:
        """An address that was never seen before, and on how many days of logs not; ("", 0) without."""
        if self.began is None:
            return "", 0
        history = (each.first_seen - self.began).days
        unseen = (a for a in each.addresses if public(a) and not self.days.get(a))
        return (next(unseen, ""), history) if history >= HABIT_DAYS else ("", 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """How bad a story is: "" where it is no incident."""

    severity: str
    score: int
    why: tuple[str, ...]


def judge(
    story: Sequence[Detection],
    habits: Mapping[tuple[str, str], set[str]],
    raised: Sequence[str] = (),
    networks: Networks = Networks(),
) -> Judged:
    """Weighs a story's detections. `habits`: (rule, actor) -> days; `raised`: reasons from the scan."""
    day = min(each.first_seen for each in story).date().isoformat()
    best: dict[str, tuple[float, Detection]] = {}
    used: set[str] = set()
    why: list[str] = []
    for each in story:
        # Who calls itself a pipeline and comes from where none ever did is weighed like anybody.
        share = 1.0 if networks.new(each)[0] else _SHARE.get(each.kind, 1.0)
        weight = _WEIGHT[each.severity] * share
        # What another detector says of configurations and software is context.
        weight = weight if each.tactics or each.source in ("rule", "correlation", "model") else 0
        if _WEIGHT[each.severity] < _WEIGHT["high"] and networks.usual(each):
            weight *= _USUAL
            used.add("part of it came from addresses that the account knows from earlier days")
        before = {d for d in habits.get((each.rule, actor(each)), ()) if d < day}
        if len(before) >= HABIT_DAYS:
            weight *= _HABIT
            used.add(f"{each.title}: found of it on {len(before)} earlier days, too, so it counts little")
        if weight > best.get(each.rule, (-1.0, each))[0]:
            best[each.rule] = (weight, each)
    loud = [each for weight, each in best.values() if weight >= _WEIGHT["low"] * 0.5]
    tactics = {each.tactics[0] for each in loud if each.tactics and each.tactics[0] in TACTICS}
    mild = sum(weight for weight, each in best.values() if each.severity == "low")
    score = sum(weight for weight, each in best.values() if each.severity != "low") + min(_MILD, mild)
    score += _STEP * max(0, len(tactics) - 1)
    solid = [each for weight, each in best.values() if weight >= _WEIGHT["medium"] * 0.5]
    worst = max((each.severity for each in solid), key=SEVERITIES.index, default="low")
    if raised and solid:
        score += 15
        why += raised
    unseen, history = next((found for each in story if (found := networks.new(each))[0]), ("", 0))
    if unseen and solid:
        score += _NEW
        why.append(f"{unseen} was never seen before in {history} days of logs")
    intruding = _intruding(loud, solid, networks)
    if intruding:
        score += _INTRUDING
        why.append(intruding)
    # Mild things alone make no incident, unless somebody looked around and then acted in several ways.
    enough = bool(solid) or (bool(intruding) and len(loud) >= 3 and len(tactics) >= 3)
    if not enough or score < ENOUGH or (len(best) == 1 and score < _ALONE):
        return Judged("", round(score), tuple(why))
    sure = len(solid) > 1 or worst != "medium" or bool(intruding)
    severity = "high" if score >= _HIGH and solid and sure else "medium"
    if worst == "critical" or (worst == "high" and len(tactics) >= 4 and score >= 3 * _HIGH):
        severity = "critical"
    if solid:
        first = max(solid, key=lambda each: SEVERITIES.index(each.severity))
        why.insert(0, f"{len(solid)} of medium weight or more, the worst {worst}: {first.title}")
    if len(tactics) > 1:
        ordered = sorted(tactics, key=TACTICS.index)
        why.append(f"{len(tactics)} tactics: {', '.join(ordered)}")
    why += sorted(used)[:5]
    return Judged(severity, round(score), tuple(why))


def _intruding(loud: Sequence[Detection], solid: Sequence[Detection], networks: Networks) -> str:
    """Says so where somebody with a key in hand first looked around and then acted; "" otherwise."""
    mine = [each for each in loud if each.kind in _HANDS and not networks.usual(each)]
    looked = [each.first_seen for each in mine if "discovery" in each.tactics]
    acted = [
        each
        for each in (mine if not solid else [one for one in solid if one in mine])
        if set(each.tactics) - {"discovery"} and looked and each.last_seen >= min(looked)
    ]
    return "looked around with a key in hand, then acted" if acted else ""


def incident(
    story: Sequence[Detection],
    judged: Judged,
    name: str,
    state: str,
    links: Iterable[str],
    context: Sequence[str],
) -> Incident:
    """A judged story as it is kept and shown."""
    ordered = sorted(story, key=lambda each: (each.first_seen, each.id))
    tactics: dict[str, None] = {}
    for each in ordered:
        tactics.update(dict.fromkeys(t for t in each.tactics if t in TACTICS))

    def all_of(attribute: str, most: int = 200) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for each in ordered:
            value = getattr(each, attribute)
            found.update(dict.fromkeys((value,) if isinstance(value, str) else value))
        found.pop("", None)
        return tuple(found)[:most]

    events = {event for each in ordered for event in each.events}
    return Incident(
        id=name,
        title=_title(ordered, tuple(tactics)),
        severity=judged.severity,
        score=judged.score,
        state=state,
        first_seen=ordered[0].first_seen,
        last_seen=max(each.last_seen for each in ordered),
        accounts=all_of("account"),
        regions=all_of("region"),
        principals=all_of("principal"),
        callers=all_of("caller"),
        access_keys=all_of("access_key"),
        addresses=all_of("addresses"),
        kinds=all_of("kind"),
        tactics=tuple(tactics),
        techniques=all_of("techniques"),
        resources=all_of("resources"),
        detections=tuple(each.id for each in ordered),
        events=max(len(events), max(each.count for each in ordered)),
        why=judged.why,
        links=tuple(sorted(links)),
        context=tuple(context),
        playbooks=all_of("playbook"),
        summary=_summary(ordered),
    )


def short(name: str) -> str:
    """A principal as people speak of it: the end of its ARN."""
    return name.split(":", 5)[5] if name.count(":") >= 5 else name or "somebody unknown"


def _title(story: Sequence[Detection], tactics: Sequence[str]) -> str:
    worst = max(story, key=lambda each: (SEVERITIES.index(each.severity), each.confidence))
    who = next((each.principal for each in story if each.principal), "")
    who = who or next((address for each in story for address in each.addresses), "")
    steps = len(tactics)
    further = f", {steps} tactics in all" if steps > 1 else ""
    return f"{worst.title} by {short(who)}{further}"


def _summary(story: Sequence[Detection]) -> str:
    first = story[0]
    whose = WORD.get(first.kind, "")
    where = f" from {first.addresses[0]}" if first.addresses else ""
    steps = "; then ".join(dict.fromkeys(each.title for each in story if each.severity != "informational"))
    return f"{short(first.principal)}{f' ({whose})' if whose else ''}{where}: {steps}."


def fresh_id(story: Sequence[Detection]) -> str:
    """An id for a new incident: of its first detection."""
    first = min(story, key=lambda each: (each.first_seen, each.id))
    return hashlib.sha256(f"incident\x1f{first.id}".encode()).hexdigest()[:16]


def from_told(told: Mapping[str, Any]) -> Incident:
    """An incident as the store keeps it."""
    read: dict[str, Any] = {}
    for name, value in told.items():
        is_time = name in ("first_seen", "last_seen")
        read[name] = (
            datetime.fromisoformat(value) if is_time else tuple(value) if isinstance(value, list) else value
        )
    return Incident(**read)
