"""Network access control lists: stateless, each direction judged by itself, in the order of rule numbers.

Amazon VPC User Guide, "Network ACL rules": the lowest number that matches decides; ports are destination
ports, so a reply is judged by the client's ephemeral port; no packet within one subnet is judged.
"""

from __future__ import annotations

from collections.abc import Callable

from partywall.analysis.network.cells import Pieces, Point
from partywall.analysis.network.groups import Allowed
from partywall.analysis.network.model import AclEntry, NetworkAcl
from partywall.analysis.network.sets import EMPTY, FULL, Spans, services


def entry_services(entry: AclEntry) -> Spans:
    """Protocols and destination ports (ICMP types and codes) that an entry matches."""
    if entry.protocol in (1, 58):
        return services(entry.protocol, entry.icmp_type, entry.icmp_code)
    return services(entry.protocol, entry.from_port, entry.to_port)


class Acl:
    """A network ACL compiled: what it lets through, for each remote address."""

    def __init__(self, held: NetworkAcl) -> None:
        self.held = held
        self._sides: dict[bool, Pieces[Allowed]] = {}
        for egress in (False, True):
            entries = sorted(
                (each for each in held.entries or () if each.egress == egress), key=lambda each: each.number
            )
            self._sides[egress] = Pieces((each.cidr for each in entries), _decider(entries))

    def allowed(self, egress: bool, remote: Point) -> Allowed:
        """What passes to (or from) a remote address."""
        return self._sides[egress].at(remote)

    def deciding(self, egress: bool, remote: int, service: int) -> AclEntry | None:
        """The entry that decides one packet; None where none matches."""
        for entry in sorted(self.held.entries or (), key=lambda each: each.number):
            if entry.egress == egress and remote in entry.cidr and service in entry_services(entry):
                return entry
        return None


def _decider(entries: list[AclEntry]) -> Callable[[int], Allowed]:
    def compute(at: int) -> Allowed:
        passing, left = EMPTY, FULL
        for entry in entries:
            if at in entry.cidr:
                matched = entry_services(entry) & left
                if entry.allow:
                    passing = passing | matched
                left = left - matched
        return Allowed(passing, passing)

    return compute
