"""Which detections tell what others tell, too: imported ones of ours, models' of rules'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from partywall.detections.detection import SEVERITIES, Detection
from partywall.detections.incidents.links import role_of

OURS: Final = frozenset(["rule", "correlation", "model"])
_NEAR: Final = timedelta(hours=6)
_LOUD: Final = SEVERITIES.index("medium")


def same(detections: Iterable[Detection]) -> dict[str, str]:
    """Id of each imported finding, or model's detection -> id of our detection that tells the same.

    The same, of an imported one: one account, one type or one tactic, times at most 6 hours apart, and the
    same principal (a role for its sessions), access key or resource. Of a model's: one tactic, and at least
    half of its events in one detection of a rule.
    """
    listed = list(detections)
    made = _modelled(listed)
    ours: dict[tuple[str, str], list[Detection]] = {}
    for each in listed:
        if each.source in OURS:
            for thing in _things(each):
                ours.setdefault((each.account, thing), []).append(each)
    for each in listed:
        if each.source in OURS:
            continue
        near = [
            our
            for thing in _things(each)
            for our in ours.get((each.account, thing), ())
            if (our.type == each.type or set(our.tactics) & set(each.tactics))
            and our.first_seen - _NEAR <= each.last_seen
            and each.first_seen - _NEAR <= our.last_seen
        ]
        if near:
            best = min(
                near, key=lambda our: (our.type != each.type, abs(our.first_seen - each.first_seen), our.id)
            )
            made[each.id] = best.id
    return made


def _modelled(listed: Iterable[Detection]) -> dict[str, str]:
    by_event: dict[str, list[Detection]] = {}
    models: list[Detection] = []
    for each in listed:
        if each.source == "model" and each.events:
            models.append(each)
        elif each.source in OURS:
            for event in each.events:
                by_event.setdefault(event, []).append(each)
    made: dict[str, str] = {}
    for each in models:
        shared = Counter(
            other.id
            for event in each.events
            for other in by_event.get(event, ())
            if other.tactics[:1] == each.tactics[:1] and SEVERITIES.index(other.severity) >= _LOUD
        )
        best = shared.most_common(1)
        if best and best[0][1] * 2 >= len(each.events):
            made[each.id] = best[0][0]
    return made


def _things(each: Detection) -> set[str]:
    names = {each.principal, each.caller, role_of(each.principal), role_of(each.caller), each.access_key}
    return {name for name in (*names, *each.resources) if name}
