"""Which detections belong to one story, and why: union of links by credential, address, and what was made."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from partywall.detections.callers import MACHINES
from partywall.detections.detection import SEVERITIES, Detection

GAP: Final = timedelta(hours=24)
"""Silence after which one principal's or address's doings are another story."""
_MADE: Final = timedelta(days=7)
"""How long after something was made or changed its use still belongs to the story."""
_SHARED: Final = timedelta(hours=6)
_CROWD: Final = 2
"""Principals seen at an address before, from which on it is a shared one: an office, a VPN, a proxy."""
_POPULAR: Final = 12
"""Detections that touch one resource, from which on it ties nothing together."""
_MILD: Final = SEVERITIES.index("low")
_MEDIUM: Final = SEVERITIES.index("medium")
_ASSUMED: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/")
_NO_NETWORK: Final = ("service", "anonymous", "unknown")


@dataclass(slots=True)
class Groups:
    """Sets of detections (by index) that belong together, and the reasons."""

    parent: list[int]
    why: dict[int, set[str]] = field(default_factory=dict[int, set[str]])

    def root(self, one: int) -> int:
        """The set that a detection is in."""
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def join(self, one: int, other: int, why: str) -> None:
        """Two detections are of one story."""
        first, second = self.root(one), self.root(other)
        reasons = self.why.setdefault(first, set())
        reasons.add(why)
        if first != second:
            self.parent[second] = first
            reasons |= self.why.pop(second, set())


def role_of(arn: str) -> str:
    """The role's ARN (its path is not told) of a session's ARN; "" for anything else."""
    found = _ASSUMED.match(arn)
    return f"arn:{found.group(1)}:iam::{found.group(2)}:role/{found.group(3)}" if found else ""


def actor(each: Detection) -> str:
    """Whose habits count: a machine's role rather than one of its sessions; else the principal."""
    return (role_of(each.principal) or each.principal) if each.kind in MACHINES else each.principal


@lru_cache(maxsize=50_000)
def public(address: str) -> bool:
    """Whether a text is an address on the internet, not a service's name or a private network's address.

    Addresses for documentation count as public: they stand in recordings for those of intruders.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or any(found in network for network in _PRIVATE if network.version == found.version)
    )


_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def linked(found: Sequence[Detection], crowd: Mapping[str, int]) -> Groups:
    """The stories among detections; `crowd`: address -> principals seen there before its first detection."""
    groups = Groups(list(range(len(found))))
    loud = [n for n, each in enumerate(found) if SEVERITIES.index(each.severity) >= _MILD]
    _by_time(groups, found, _keyed(found, loud, lambda e: _principals(e)), GAP, "same principal")
    _by_time(groups, found, _keyed(found, loud, lambda e: (e.access_key,)), GAP, "same access key")
    networks = _keyed(found, loud, lambda e: _networks(e, crowd))
    _by_time(groups, found, networks, GAP, "same source address, new to the account")
    _made(groups, found, loud)
    strong = [
        n for n in loud if SEVERITIES.index(found[n].severity) >= _MEDIUM and found[n].kind not in MACHINES
    ]
    _by_time(groups, found, _keyed(found, strong, _own), _SHARED, "same resource", _POPULAR)
    return groups


def _principals(each: Detection) -> Iterable[str]:
    if each.kind not in ("service", "anonymous") and each.principal:
        yield each.principal


def _networks(each: Detection, crowd: Mapping[str, int]) -> Iterable[str]:
    if each.kind in _NO_NETWORK and each.principal:
        return
    for address in each.addresses[:20]:
        if public(address) and crowd.get(address, 0) < _CROWD:
            yield address


def _own(each: Detection) -> Iterable[str]:
    return (name for name in each.resources if ":iam::aws:" not in name)


def _keyed(
    found: Sequence[Detection], chosen: Iterable[int], keys: Callable[[Detection], Iterable[str]]
) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {}
    for n in chosen:
        for key in dict.fromkeys(keys(found[n])):
            if key:
                made.setdefault(key, []).append(n)
    return made


def _by_time(
    groups: Groups,
    found: Sequence[Detection],
    keyed: Mapping[str, Sequence[int]],
    gap: timedelta,
    why: str,
    most: int = 0,
) -> None:
    """Joins what has one key and follows within the gap."""
    for members in keyed.values():
        if most and len(members) > most:
            continue
        ordered = sorted(members, key=lambda n: found[n].first_seen)
        end, before = found[ordered[0]].last_seen, ordered[0]
        for n in ordered[1:]:
            if found[n].first_seen <= end + gap:
                groups.join(before, n, why)
                end = max(end, found[n].last_seen)
            else:
                end = found[n].last_seen
            before = n


def _made(groups: Groups, found: Sequence[Detection], loud: Sequence[int]) -> None:
    """Joins a detection that made or changed an identity, key or machine with what that then did."""
    by_resource: dict[str, list[int]] = {}
    for n in loud:
        if set(found[n].tactics) - {"discovery"} and found[n].kind not in MACHINES:
            for resource in found[n].resources:
                by_resource.setdefault(resource, []).append(n)
    for n in loud:
        one = found[n]
        instance = one.caller.rpartition("/")[2] if one.kind == "instance" else ""
        names = [one.principal, one.caller, one.access_key, role_of(one.caller), role_of(one.principal)]
        for name in dict.fromkeys(filter(None, names)):
            for maker in by_resource.get(name, ()):
                _follow(groups, found, maker, n, "acts with what the other made or changed")
        if instance:
            for resource in (r for r in by_resource if r.endswith(f"instance/{instance}")):
                for maker in by_resource[resource]:
                    _follow(groups, found, maker, n, "an instance that the other touched")


def _follow(groups: Groups, found: Sequence[Detection], maker: int, n: int, why: str) -> None:
    if maker != n and _within(found[maker].first_seen, found[n].last_seen):
        groups.join(maker, n, why)


def _within(made: datetime, used: datetime) -> bool:
    return timedelta(0) <= used - made <= _MADE
