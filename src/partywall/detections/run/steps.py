"""Playbooks with the names of a finding filled in; what is not known stays in angle brackets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from partywall.detections.detection import Detection
from partywall.detections.incidents.links import role_of
from partywall.detections.sigma.playbooks import playbooks

_PLACE: Final = re.compile(r"\{([a-z-]+)\}")
_SAFE: Final = re.compile(r"[A-Za-z0-9_./:@=+,-]{1,512}")
_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Steps:
    """A playbook for a finding: lines in order, commands ready to copy."""

    key: str
    title: str
    contain: tuple[str, ...]
    investigate: tuple[str, ...]
    recover: tuple[str, ...]


def steps(detections: Sequence[Detection], keys: Iterable[str] = ()) -> list[Steps]:
    """The playbooks of some detections (or the named ones), filled from what they touched."""
    everything = places(detections)
    wanted = dict.fromkeys(keys or (each.playbook for each in detections))
    known = playbooks()
    made: list[Steps] = []
    for key in wanted:
        if key not in known:
            continue
        # What the detections of this playbook name comes before what others of the story do.
        values = everything | places([each for each in detections if each.playbook == key])
        parts = (known[key].contain, known[key].investigate, known[key].recover)
        made.append(
            Steps(key, known[key].title, *(tuple(_filled(line, values) for line in part) for part in parts))
        )
    return made


def places(detections: Sequence[Detection]) -> dict[str, list[str]]:
    """Values by the playbooks' places: principal, user, role, key, account, region, bucket, …

    {user} and {key} are the principal's own where it is a user with a key, else what its calls named.
    """
    found: dict[str, dict[str, None]] = {}

    def put(place: str, value: str) -> None:
        if value:
            found.setdefault(place, {})[value] = None

    for each in detections:
        put("principal", each.principal)
        put("account", each.account)
        put("region", each.region)
        if ":user/" in each.principal:
            put("user", each.principal.rpartition("/")[2])
        for arn in (each.caller, each.principal):
            put("role", role_of(arn).rpartition("/")[2])
        if each.access_key.startswith("AKIA"):
            put("key", each.access_key)
        if each.kind == "instance":
            put("instance", each.caller.rpartition("/")[2])
        for resource in each.resources[:1]:
            put("resource", resource)
    for each in detections:
        for place, value in each.facts:
            put(place, value)
    if "instance" in found:
        found["instances"] = found["instance"]
    return {place: list(values) for place, values in found.items()}


def _filled(line: str, values: Mapping[str, Sequence[str]]) -> str:
    """A line with its places filled, quoted for a shell where the value is not plain."""

    def value(match: re.Match[str]) -> str:
        known = values.get(match.group(1))
        if not known:
            return f"<{match.group(1)}>"
        several = known[:_MOST] if match.group(1) == "instances" else known[:1]
        return " ".join(text if _SAFE.fullmatch(text) else shlex.quote(text) for text in several)

    return _PLACE.sub(value, line)
