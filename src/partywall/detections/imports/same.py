"""Which imported findings tell of what ours tell, too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from partywall.detections.detection import Detection
from partywall.detections.incidents.links import role_of

OURS: Final = frozenset(["rule", "correlation", "model"])
_NEAR: Final = timedelta(hours=6)


def same(detections: Iterable[Detection]) -> dict[str, str]:
    """Id of each imported finding -> id of our detection that tells the same.

    The same: one account, one type or one tactic, times at most 6 hours apart, and the same principal (a
    role for its sessions), access key or resource.
    """
    listed = list(detections)
    ours: dict[tuple[str, str], list[Detection]] = {}
    for each in listed:
        if each.source in OURS:
            for thing in _things(each):
                ours.setdefault((each.account, thing), []).append(each)
    made: dict[str, str] = {}
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


def _things(each: Detection) -> set[str]:
    names = {each.principal, each.caller, role_of(each.principal), role_of(each.caller), each.access_key}
    return {name for name in (*names, *each.resources) if name}
