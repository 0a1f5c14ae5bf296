"""Security groups: stateful, so only the first packet of a flow is judged.

Amazon VPC User Guide, "Security group rules": rules only allow; of several groups the rules count together; a
rule that names a group admits the private addresses of the interfaces that hold it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.cells import Pieces, Point
from partywall.analysis.network.model import Network, SecurityGroup, SecurityGroupRule, Unread
from partywall.analysis.network.sets import EMPTY, FULL, Spans, services


@dataclass(frozen=True, slots=True)
class Allowed:
    """Services that surely pass, those that may, and whom to blame for the difference."""

    sure: Spans
    maybe: Spans
    unread: tuple[Unread, ...] = ()


ALLOWED: Allowed = Allowed(FULL, FULL)


class Side:
    """The rules of one group in one direction.

    `cidrs` are services by remote address, `references` by group, `open` those of prefix lists that were not
    read, `any` those of every rule.
    """

    __slots__ = ("any", "cidrs", "open", "references", "unread")

    def __init__(self, network: Network, group: SecurityGroup, egress: bool) -> None:
        self.references: dict[str, Spans] = {}
        self.open = EMPTY
        self.unread: list[Unread] = []
        by_address: list[tuple[tuple[Cidr, ...], Spans]] = []
        self.any = EMPTY
        for rule in group.rules or ():
            if rule.egress != egress:
                continue
            opened = services(rule.protocol, rule.from_port, rule.to_port)
            self.any = self.any | opened
            if rule.group:
                self.references[rule.group] = self.references.get(rule.group, EMPTY) | opened
                continue
            cidrs = remote_cidrs(network, rule)
            if cidrs is None:
                self.open = self.open | opened
                self.unread.extend(
                    network.blame("prefix_lists", rule.prefix_list, group.account, group.region)
                )
            else:
                by_address.append((cidrs, opened))

        def compute(at: int) -> Spans:
            found = EMPTY
            for those, opened in by_address:
                if any(at in cidr for cidr in those):
                    found = found | opened
            return found

        self.cidrs = Pieces((cidr for those, _ in by_address for cidr in those), compute)


def remote_cidrs(network: Network, rule: SecurityGroupRule) -> tuple[Cidr, ...] | None:
    """The prefixes a rule names itself or by a prefix list; None where the list was not read."""
    if rule.prefix_list:
        held = network.index["prefix_lists"].get(rule.prefix_list)
        return None if held is None else held.entries
    return (rule.cidr,) if rule.cidr is not None else ()


class Groups:
    """All security groups of a network, compiled as they are asked for."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sides: dict[tuple[str, bool], Side | Allowed] = {}

    def side(self, group: str, egress: bool, account: str = "", region: str = "") -> Side | Allowed:
        """A group's rules in one direction; what is allowed, and whom to blame, where they were not read."""
        key = group, egress
        found = self._sides.get(key)
        if found is None:
            held: SecurityGroup | None = self._network.index["security_groups"].get(group)
            if held is None or held.rules is None:
                blamed = self._network.blame("security_groups", group, account, region)
                found = Allowed(EMPTY, FULL, blamed)
            else:
                found = Side(self._network, held, egress)
            self._sides[key] = found
        return found

    def named(self, groups: Iterable[str], egress: bool, others: frozenset[str]) -> Spans:
        """What rules of some groups allow by naming any of `others`."""
        found = EMPTY
        for group in groups:
            side = self.side(group, egress)
            if isinstance(side, Side):
                for reference, opened in side.references.items():
                    if reference in others:
                        found = found | opened
        return found

    def allowed(
        self,
        groups: Iterable[str],
        egress: bool,
        remote: Point | None,
        remote_groups: frozenset[str] | None,
        kept: bool | None,
        account: str = "",
        region: str = "",
    ) -> Allowed:
        """What interfaces that hold `groups` may send to (or take from) a remote address.

        `remote_groups` are the remote interface's groups: None where it is none or they were not read; `kept`
        says whether the way between lets references to groups match (None: perhaps). `remote` None is any
        address at all: what some remote may be allowed.
        """
        sure = maybe = EMPTY
        unread: list[Unread] = []
        for group in groups:
            side = self.side(group, egress, account, region)
            if isinstance(side, Allowed):
                maybe = FULL
                unread.extend(side.unread)
                continue
            if remote is None:
                maybe = maybe | side.any
                continue
            by_address = side.cidrs.at(remote)
            sure = sure | by_address
            maybe = maybe | by_address | side.open
            if side.open:
                unread.extend(side.unread)
            if kept is False:
                continue
            for reference, opened in side.references.items():
                if remote_groups is None:
                    maybe = maybe | opened
                elif reference in remote_groups:
                    maybe = maybe | opened
                    if kept:
                        sure = sure | opened
        return Allowed(sure, maybe, tuple(dict.fromkeys(unread)))
